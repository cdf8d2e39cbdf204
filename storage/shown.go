package storage

// Where the words of a message are shown besides in a copy of its own.

// ContextPost is a post that shows the last messages of a ticket.
type ContextPost struct {
	MessageID int64         `json:"messageId,omitempty"` // Telegram's; 0: not posted, or nobody knows where
	Lines     []ContextLine `json:"lines,omitempty"`     // also of messages that it no longer shows
	Failure   string        `json:"failure,omitempty"`   // why the last edit of it could not be made
}

// ContextLine is a message in a ContextPost.
type ContextLine struct {
	MessageID string `json:"messageId"`
	Revision  int64  `json:"revision,omitempty"` // the message's ContentRevision that it shows; -1: unknown
	Hidden    bool   `json:"hidden,omitempty"`   // it is not shown any more
}

// Span is a part of a text, in UTF-16 code units: where a copy is in a message that several share.
type Span struct {
	Offset int32 `json:"offset"`
	Length int32 `json:"length"`
	Index  int32 `json:"index,omitempty"` // among the parts; it never changes
	Cut    bool  `json:"cut,omitempty"`   // there is not room for all of it: a reply has the whole text
}
