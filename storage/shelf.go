package storage

import "time"

// Enclosure is what a ticket's description has besides text: a medium, with the words that came with it.
type Enclosure struct {
	Media     `json:",inline"`
	MessageID string   `json:"messageId,omitempty"` // the message that it came with; "" in records of earlier releases
	Text      string   `json:"text,omitempty"`
	Entities  []Entity `json:"entities,omitempty"`
	Protected bool     `json:"protected,omitempty"` // Telegram lets nobody forward, copy or save it
	// Gone says that the description has it no more: nothing else of it is left but MessageID, and its place in the list.
	Gone bool `json:"gone,omitempty"`
	// Asked is the origin (protobuf) of the command that took it out, which hears where a post of it stays.
	Asked []byte `json:"asked,omitempty"`
}

// Source is a message of Telegram that has given words to a ticket: a part of its description, its title, or a medium.
type Source struct {
	// MessageID is "<chat>:<message>"; "": words that nobody can take back, such as where an answered message stands.
	MessageID string   `json:"messageId,omitempty"`
	Text      string   `json:"text,omitempty"`      // its part of the description, as it is there; "": none
	Entities  []Entity `json:"entities,omitempty"`  // only of a description that is too long to be shown whole
	Titles    bool     `json:"titles,omitempty"`    // its first line is the title, and what follows is the part
	EditedMs  int64    `json:"editedMs,omitempty"`  // when its author edited it last, in Unix milliseconds; 0: never
	Withdrawn bool     `json:"withdrawn,omitempty"` // "/delete" took it back: an edit brings nothing of it in again
	Wordless  bool     `json:"wordless,omitempty"`  // only its medium was given: an edit brings no words of it in
}

// Shelf keeps messages of a chat that no ticket has yet, for a command or a button that may still give them to one. It
// is bounded: the oldest ones go first.
type Shelf struct {
	Messages []Shelved      `json:"messages,omitempty"` // oldest first
	Albums   []ShelvedAlbum `json:"albums,omitempty"`   // that were given to a ticket, oldest first
}

// Shelved is a message on a shelf.
type Shelved struct {
	MessageID  int64     `json:"messageId"`            // Telegram's, in the chat
	Album      string    `json:"album,omitempty"`      // its media_group_id
	Untitled   int64     `json:"untitled,omitempty"`   // it waits for the title that is asked for in reply to this message
	TitleAsked int64     `json:"titleAsked,omitempty"` // with Untitled: the message of which the bot has asked whether it is the title
	Unclear    int64     `json:"unclear,omitempty"`    // it waits until its author says which ticket it is about; see Word
	Asked      bool      `json:"asked,omitempty"`      // with Unclear: the question is posted in reply to it; with Homeless: its author was being asked for a group
	Question   []byte    `json:"question,omitempty"`   // that is posted in reply to it: protobuf SendNoticeCall, repeats it once
	Homeless   bool      `json:"homeless,omitempty"`   // its author had no ticket: the next one that they open gets it
	Closed     string    `json:"closed,omitempty"`     // the ticket that was closed when it was written: it waits until its author says what to do with it
	Withdrawn  bool      `json:"withdrawn,omitempty"`  // its author has deleted it: no ticket gets it any more
	TicketID   string    `json:"ticketId,omitempty"`   // with Untitled, Unclear, Homeless or Closed: the ticket that has got it
	By         string    `json:"by,omitempty"`         // with TicketID: the id of the command that gave it to the ticket, if others may be given in the same place
	Body       []byte    `json:"body"`                 // protobuf: RecordMessage
	At         time.Time `json:"at"`
}

// Waits reports whether the message waits for an answer: for a title, for which ticket it is about, or for what to do with it.
func (m *Shelved) Waits() bool {
	return (m.Untitled != 0 || m.Unclear != 0 || m.Closed != "") && m.TicketID == "" && !m.Withdrawn
}

// ShelvedAlbum says which ticket has an album, so that a part that comes later finds it.
type ShelvedAlbum struct {
	Album    string    `json:"album"` // media_group_id
	TicketID string    `json:"ticketId"`
	Said     bool      `json:"said,omitempty"` // as messages, not as part of its description
	At       time.Time `json:"at"`
}

// Kept returns the shelf with its times as they are kept; nil stays nil.
func (s *Shelf) Kept() *Shelf {
	if s == nil {
		return nil
	}
	return &Shelf{
		Messages: keptEach(s.Messages, func(m *Shelved) { m.At = Kept(m.At) }),
		Albums:   keptEach(s.Albums, func(a *ShelvedAlbum) { a.At = Kept(a.At) }),
	}
}
