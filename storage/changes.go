package storage

import "time"

// Every change of a message after it was sent is kept in its record. Each adds one to Revision. The message is Outdated
// until every copy shows the change.

// Previous is a message as it was before an edit.
type Previous struct {
	Revision    int64        `json:"revision"` // the revision that brought this version
	Text        string       `json:"text"`
	Entities    []Entity     `json:"entities,omitempty"`
	Media       *Media       `json:"media,omitempty"`
	LinkPreview *LinkPreview `json:"linkPreview,omitempty"`
	Internal    bool         `json:"internal,omitempty"`
	Until       time.Time    `json:"until"`
}

// Reaction is one person's reaction to a message, on the original or on a copy.
type Reaction struct {
	By            Sender    `json:"by"`
	TopicID       string    `json:"topicId"` // where the person reacted
	Emoji         string    `json:"emoji,omitempty"`
	CustomEmojiID string    `json:"customEmojiId,omitempty"` // no bot can set a custom emoji
	At            time.Time `json:"at"`
}

// Open says whether something is pending about the message: its copies are out of date, or it has events to number.
func (m *Message) Open() bool { return m.Outdated || len(m.Events) > 0 }

// Hidden says whether the message appears only in its own topic, as an internal note does, or nowhere.
func (m *Message) Hidden() bool { return m.Internal || m.Deleted }
