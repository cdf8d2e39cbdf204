package desk

import (
	"context"

	"github.com/topicdesk/topicdesk/messages"
)

// Telegram is what the actors need of the Bot API; package bot implements it.
type Telegram interface {
	// Call makes the one Bot API call that op means, in the Telegram chat. It always returns an outcome.
	Call(ctx context.Context, chatID int64, lang string, op *messages.Operation) *messages.Outcome
	// Parts says how many messages a SendCopy takes.
	Parts(op *messages.Operation) int
	// Joined says how many of the copies, from the first on, fit into one message; 0 or 1: none can be joined with the first.
	Joined(copies []*messages.SendCopyCall) int
}
