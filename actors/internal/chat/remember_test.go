package chat

import (
	"fmt"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/messages"
)

func TestChatRemembersWhatCallsHaveDone(t *testing.T) {
	c := &chat{done: desk.NewRecent[opKey, string](rememberedDone)}
	outcome := func(n int) *messages.Outcome {
		return &messages.Outcome{
			Result: messages.Outcome_DONE, MessageId: int64(n), ThreadId: 7, ChatId: -100,
			Description: "Bad Request: nö", MessageIds: []int64{int64(n), int64(n) + 1},
			Span: &messages.Span{Offset: 3, Length: 9, Cut: true},
		}
	}
	key := func(n int) opKey { return opKey{fmt.Sprint("copy/-100:", n), messages.Version{Content: 2}} }
	for n := range rememberedDone + 1 {
		c.rememberDone(key(n), outcome(n))
	}
	for n := 1; n <= rememberedDone; n++ {
		got, done := c.recallDone(key(n))
		if !done || !proto.Equal(got, outcome(n)) {
			t.Fatalf("%d: %v, %v", n, done, got)
		}
	}
	if _, done := c.recallDone(key(0)); done {
		t.Error("the oldest is remembered beyond the limit")
	}
	if _, done := c.recallDone(opKey{key(1).id, messages.Version{Content: 3}}); done {
		t.Error("another version counts as done")
	}
}
