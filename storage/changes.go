package storage

import "time"

// What happens to a message after it was said is kept in its record: each change adds one to Revision, and until every copy
// shows it the message is Behind.

// Former is a message as it was before an edit.
type Former struct {
	Revision int64     `json:"revision"` // from which on it was so
	Text     string    `json:"text"`
	Entities []Entity  `json:"entities,omitempty"`
	Media    *Media    `json:"media,omitempty"`
	Internal bool      `json:"internal,omitempty"`
	Until    time.Time `json:"until"`
}

// Reaction is what one person shows on a message, at the original or at a copy.
type Reaction struct {
	By            Sender    `json:"by"`
	TopicID       string    `json:"topicId"` // where it was made
	Emoji         string    `json:"emoji,omitempty"`
	CustomEmojiID string    `json:"customEmojiId,omitempty"` // no bot can set one like it
	At            time.Time `json:"at"`
}

// Open says whether the ticket still has to do something about the message.
func (m *Message) Open() bool { return m.Behind || len(m.Events) > 0 }

// Hidden says whether the message is shown in its own topic only, or not at all.
func (m *Message) Hidden() bool { return m.Internal || m.Deleted }
