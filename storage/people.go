package storage

import "time"

// User is a person who has written to the bot. A user with a default group is an internal user.
type User struct {
	TelegramID     int64  `json:"telegramId"`
	Username       string `json:"username,omitempty"`
	FirstName      string `json:"firstName,omitempty"`
	LastName       string `json:"lastName,omitempty"`
	IsBot          bool   `json:"isBot,omitempty"`
	Language       string `json:"language,omitempty"`
	DefaultGroupID string `json:"defaultGroupId,omitempty"` // internal id of a group
	CommandID      string `json:"commandId,omitempty"`      // of the API's command that created the record
	// The rest is about the person's private chat with the bot.
	CurrentTicketID string    `json:"currentTicketId,omitempty"` // the ticket that their messages go to
	SettledID       int64     `json:"settledId,omitempty"`       // the last word that left it open which ticket is meant, and was settled
	Drafts          []Draft   `json:"drafts,omitempty"`          // tickets that they are about to open, oldest first
	PinnedID        int64     `json:"pinnedId,omitempty"`        // the pinned message that shows the current ticket
	Blocked         bool      `json:"blocked,omitempty"`         // they have blocked the bot
	Shelf           *Shelf    `json:"shelf,omitempty"`           // messages that no ticket has yet
	Pending         []Pending `json:"pending,omitempty"`         // what is still to be sent to them
	Handled         []string  `json:"handled,omitempty"`         // ids of recent commands, newest last
	// WebOffers and WebSessions are how the person signs in to the web desk, and is signed in; oldest first.
	WebOffers   []WebSecret `json:"webOffers,omitempty"`
	WebSessions []WebSecret `json:"webSessions,omitempty"`
	WebSigned   []WebSecret `json:"webSigned,omitempty"` // signatures of Telegram's with which they have signed in lately
	// WebRead is what they have read of tickets there, the earliest recorded first. What was recorded until
	// WebReadUntil counts as read, too; zero: everything does.
	WebRead      []WebRead `json:"webRead,omitempty"`
	WebReadUntil time.Time `json:"webReadUntil,omitzero"`
	DueAt        time.Time `json:"dueAt,omitzero"` // zero: nothing is pending
	CreatedAt    time.Time `json:"createdAt"`
	UpdatedAt    time.Time `json:"updatedAt"`
	Version      int64     `json:"version"`
}

// WebSecret is a secret of which only the hash is kept: the one in a link to sign in, or that of a session.
type WebSecret struct {
	Hash      []byte    `json:"hash"` // SHA-256
	CreatedAt time.Time `json:"createdAt"`
	ExpiresAt time.Time `json:"expiresAt"`
}

// WebRead says how far somebody has read a ticket on the web desk. There may be many, so its names are short.
type WebRead struct {
	Number     int64 `json:"n"`           // of the ticket
	Sequence   int64 `json:"s,omitempty"` // of the last message that they saw; 0: there was none
	RecordedMs int64 `json:"t"`           // when that was recorded, or the ticket opened
}

// Draft is a ticket that a person is about to open from their private chat. It waits for the choice of a group.
type Draft struct {
	TicketID            string      `json:"ticketId"` // the id that the ticket will have
	Title               string      `json:"title"`
	Description         string      `json:"description,omitempty"`
	DescriptionEntities []Entity    `json:"descriptionEntities,omitempty"`
	Enclosures          []Enclosure `json:"enclosures,omitempty"`     // of the description
	Forwarded           *Forward    `json:"forwarded,omitempty"`      // of the message that is the description
	Sources             []Source    `json:"sources,omitempty"`        // of the description, in its order
	Follows             string      `json:"follows,omitempty"`        // id of the closed ticket that it goes on from
	TitleElsewhere      string      `json:"titleElsewhere,omitempty"` // if the title is that ticket's: what it is called in another group
	Asked               []byte      `json:"asked"`                    // protobuf: the origin of the command
	State               string      `json:"state"`                    // listing | choosing | checking | opening
	Groups              []string    `json:"groups,omitempty"`         // internal ids of the groups to choose from
	Chosen              string      `json:"chosen,omitempty"`         // internal id of the chosen group
	Pressed             []byte      `json:"pressed,omitempty"`        // protobuf: the origin of the choice
}
