package chat

import (
	"log/slog"
	"testing"

	"github.com/topicdesk/topicdesk/messages"
)

// TestPrivateChatsWithoutTopicsAreNoTrouble: asking for a topic is how the desk finds out, so nobody needs a warning.
func TestPrivateChatsWithoutTopicsAreNoTrouble(t *testing.T) {
	create := &messages.Operation{Call: &messages.Operation_CreateTopic{CreateTopic: &messages.CreateTopicCall{}}}
	rejected := &messages.Outcome{Result: messages.Outcome_REJECTED}
	for _, c := range []struct {
		name    string
		group   bool
		op      *messages.Operation
		outcome *messages.Outcome
		want    slog.Level
	}{
		{"no topics in a private chat", false, create, rejected, slog.LevelDebug},
		{"no topics in a group", true, create, rejected, slog.LevelWarn},
		{"the person has blocked the bot", false, create, &messages.Outcome{Result: messages.Outcome_FORBIDDEN}, slog.LevelWarn},
		{"another call", false, &messages.Operation{}, rejected, slog.LevelWarn},
	} {
		if got := givenUpLevel(c.group, c.op, c.outcome); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}
