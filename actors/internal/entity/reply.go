package entity

import "github.com/topicdesk/topicdesk/messages"

// The replies of handlers that have nothing to say but how the command went.

// OK is the reply to a command that was accepted, or to a message that needs nothing done.
func OK() *messages.Reply { return Answer(messages.Code_OK, "") }

// Duplicate is the reply to a command that was accepted before; it changes nothing.
func Duplicate() *messages.Reply { return Answer(messages.Code_DUPLICATE, "") }

// Answer is a reply with a code, and with a reason where the code alone does not say enough; "" for none.
func Answer(code messages.Code, reason string) *messages.Reply {
	return &messages.Reply{Code: code, Reason: reason}
}
