package desk

import (
	"context"
	"strings"

	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
)

// Telegram is what the actors need of the Bot API; package bot implements it.
type Telegram interface {
	// Call makes the one Bot API call that op means, in a Telegram chat. It always returns an outcome.
	Call(ctx context.Context, chatID ids.ChatID, lang string, op *messages.Operation) *messages.Outcome
	// Parts is how many Telegram messages a SendCopy takes.
	Parts(op *messages.Operation) int
	// Merged is how many of the copies, from the first on, can be merged into one message; 0 or 1: none with the first.
	Merged(copies []*messages.SendCopyCall) int
}

// ReasonOf is why a call was given up: Telegram's description, else the result in lower case.
func ReasonOf(o *messages.Outcome) string {
	if o.GetDescription() != "" {
		return o.Description
	}
	return strings.ToLower(o.GetResult().String())
}
