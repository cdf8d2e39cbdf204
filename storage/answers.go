package storage

import "strconv"

// Answers is the key of the message that a message answers: the id of an original, or
// "<telegram chat id>:<telegram message id>" of what stands in Telegram, which may be a copy; "": it answers nothing that
// has one. No change of the message changes it.
func (m *Message) Answers() string {
	r := m.ReplyTo
	switch {
	case r == nil:
		return ""
	case r.Answered != "":
		return r.Answered
	case r.MessageID == 0:
		return ""
	}
	return strconv.FormatInt(r.ChatID, 10) + ":" + strconv.FormatInt(r.MessageID, 10)
}
