package storagetest

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/storage"
)

func (m *model) MessagesAnswering(
	ctx context.Context, answers, after string, limit int,
) ([]storage.Message, error) {
	return modelList(ctx, m, m.messages, func(msg storage.Message) bool {
		return answers != "" && msg.Answers() == answers && msg.MessageID > after
	}, func(messages []storage.Message) {
		slices.SortFunc(messages, func(a, b storage.Message) int { return strings.Compare(a.MessageID, b.MessageID) })
	}, 0, limit)
}

// answeredIDs are what the messages of the random tests answer.
var answeredIDs = []string{"", "-1002:7", "-100A:1", "api:m1"}

// answering returns what a message answers that has the key, one of answeredIDs.
func answering(key string) *storage.ReplyTo {
	switch key {
	case "":
		return nil
	case "-1002:7":
		return &storage.ReplyTo{ChatID: -1002, MessageID: 7, Preview: "No paper"}
	}
	return &storage.ReplyTo{ChatID: -1002, MessageID: 8, Answered: key}
}

func testMessagesAnswering(t *testing.T, s storage.Store) {
	ctx := t.Context()
	want := map[string][]storage.Message{}
	for i, key := range slices.Repeat(answeredIDs, 3) {
		m := aMessage([]string{"A", "B"}[i%2], int64(9-i/2))
		m.ReplyTo = answering(key)
		noError(t, s.InsertMessage(ctx, m))
		m.Deleted = true // which changes nothing of it
		noError(t, s.SaveMessage(ctx, m))
		want[key] = append(want[key], *m)
	}
	story := aMessage("A", 99)
	story.ReplyTo = &storage.ReplyTo{Preview: "of something without an id"}
	noError(t, s.InsertMessage(ctx, story))
	want[""] = nil
	for _, key := range append(answeredIDs, "-1002:8", "0:0") {
		slices.SortFunc(want[key], func(a, b storage.Message) int { return strings.Compare(a.MessageID, b.MessageID) })
		var got []storage.Message
		for after := ""; ; after = got[len(got)-1].MessageID {
			page, err := s.MessagesAnswering(ctx, key, after, 2)
			noError(t, err)
			if len(page) == 0 {
				break
			}
			got = append(got, page...)
		}
		same(t, got, want[key])
	}
}
