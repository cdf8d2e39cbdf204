package storage

import (
	"encoding/json"
	"time"
)

// Every record that can be written more than once carries a Version: 0 means "not stored yet", and a Save
// succeeds only while the stored version is still the one that was read (compare-and-set). Times are kept
// to the millisecond, in UTC.

// User is a person who has spoken to the bot; with a default group they are an internal user.
type User struct {
	TelegramID     int64  `json:"telegramId"`
	Username       string `json:"username,omitempty"`
	FirstName      string `json:"firstName,omitempty"`
	LastName       string `json:"lastName,omitempty"`
	IsBot          bool   `json:"isBot,omitempty"`
	Language       string `json:"language,omitempty"`
	DefaultGroupID string `json:"defaultGroupId,omitempty"` // internal id of a group
	CommandID      string `json:"commandId,omitempty"`      // of the API's command that made the record
	// What the person does in their private chat with the bot.
	CurrentTicketID string    `json:"currentTicketId,omitempty"` // the ticket that they are talking on
	Drafts          []Draft   `json:"drafts,omitempty"`          // tickets that they are about to open, oldest first
	PinnedID        int64     `json:"pinnedId,omitempty"`        // the pinned message that shows the current ticket
	Blocked         bool      `json:"blocked,omitempty"`         // they have blocked the bot
	Pending         []Owed    `json:"pending,omitempty"`         // what is owed to them there
	Handled         []string  `json:"handled,omitempty"`         // ids of recent commands, newest last
	DueAt           time.Time `json:"dueAt,omitzero"`            // zero: owes nothing
	CreatedAt       time.Time `json:"createdAt"`
	UpdatedAt       time.Time `json:"updatedAt"`
	Version         int64     `json:"version"`
}

// Draft is a ticket that a person is about to open from their private chat: it waits for the choice of a group.
type Draft struct {
	TicketID    string   `json:"ticketId"` // that it will have
	Title       string   `json:"title"`
	Description string   `json:"description,omitempty"`
	Asked       []byte   `json:"asked"`             // protobuf: the origin of the command
	State       string   `json:"state"`             // listing | choosing | checking | opening
	Groups      []string `json:"groups,omitempty"`  // internal ids of the groups to choose from
	Chosen      string   `json:"chosen,omitempty"`  // the one that was chosen
	Pressed     []byte   `json:"pressed,omitempty"` // protobuf: the origin of the choice
}

// APIKey is a key with which a program uses the API, without the secret that makes it one.
type APIKey struct {
	KeyID   string      `json:"keyId"`
	Name    string      `json:"name"`
	Owner   string      `json:"owner,omitempty"`
	Scopes  []string    `json:"scopes"`
	GroupID string      `json:"groupId,omitempty"` // internal id of the only group that it sees; "" = all
	Secrets []KeySecret `json:"secrets"`           // newest first
	// Rate is how many requests a second it may make, Burst how many at once; 0: the usual.
	Rate       int64     `json:"rate,omitempty"`
	Burst      int64     `json:"burst,omitempty"`
	By         Creator   `json:"by"` // who made it
	ExpiresAt  time.Time `json:"expiresAt,omitzero"`
	RevokedAt  time.Time `json:"revokedAt,omitzero"`
	LastUsedAt time.Time `json:"lastUsedAt,omitzero"` // to the minute
	CreatedAt  time.Time `json:"createdAt"`
	UpdatedAt  time.Time `json:"updatedAt"`
	Version    int64     `json:"version"`
}

// KeySecret is one secret that an API key is accepted with; while it is rotated there are two.
type KeySecret struct {
	Hash      []byte    `json:"hash"`           // SHA-256 of the key
	CommandID string    `json:"commandId"`      // of the command that made it
	Used      bool      `json:"used,omitempty"` // it has been accepted: whoever asked for it has it
	Until     time.Time `json:"until,omitzero"` // it is refused from then on
	CreatedAt time.Time `json:"createdAt"`
}

// Idempotency is the answer to a request that had an Idempotency-Key, to be given again.
type Idempotency struct {
	RequestID   string    `json:"requestId"`   // <API key id>/<SHA-256 of the Idempotency-Key>
	Fingerprint []byte    `json:"fingerprint"` // SHA-256 of what was asked
	Status      int64     `json:"status"`
	Headers     []Header  `json:"headers,omitempty"`
	Body        []byte    `json:"body,omitempty"`
	Sealed      bool      `json:"sealed,omitempty"` // the body is encrypted: it holds a secret
	CreatedAt   time.Time `json:"createdAt"`
	ExpiresAt   time.Time `json:"expiresAt"`
	Version     int64     `json:"version"`
}

// Header is one of an answer.
type Header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Group is a Telegram group that the bot is or was in.
type Group struct {
	GroupID         string  `json:"groupId"`             // internal id, never changes
	TelegramGroupID int64   `json:"telegramGroupId"`     // today's Telegram chat id
	FormerIDs       []int64 `json:"formerIds,omitempty"` // chat ids from before migrations
	Title           string  `json:"title"`
	Type            string  `json:"type"` // group | supergroup
	IsForum         bool    `json:"isForum"`
	BotStatus       string  `json:"botStatus"` // administrator | member | restricted | left | kicked
	BotIsAdmin      bool    `json:"botIsAdmin"`
	CanManageTopics bool    `json:"canManageTopics"`
	CanPinMessages  bool    `json:"canPinMessages"`
	// SupportTopicsEnabled says that the group is registered: tickets may be opened in it.
	SupportTopicsEnabled bool `json:"supportTopicsEnabled"`
	// Public says that everyone may open tickets in it from their private chat with the bot, not members alone.
	Public    bool      `json:"public,omitempty"`
	Language  string    `json:"language,omitempty"` // en | th | "" (each person's own)
	Pending   []Owed    `json:"pending,omitempty"`  // answers, and commands that wait for Telegram's word
	Handled   []string  `json:"handled,omitempty"`  // ids of recent commands, newest last
	DueAt     time.Time `json:"dueAt,omitzero"`     // zero: owes nothing
	CreatedAt time.Time `json:"createdAt"`
	UpdatedAt time.Time `json:"updatedAt"`
	Version   int64     `json:"version"`
}

// Ticket is one support case with its topics, links, owed operations and events not yet numbered: one aggregate,
// written in one piece.
type Ticket struct {
	TicketID    string  `json:"ticketId"` // TICK-<base36 ms>-<8 hex>
	ShortID     string  `json:"shortId"`  // its 8 hex
	Title       string  `json:"title"`
	Description string  `json:"description,omitempty"`
	Media       []Media `json:"media,omitempty"` // of the description: shown in each topic, below its card
	Status      string  `json:"status"`          // open | pending | closed
	Priority    string  `json:"priority"`        // low | normal | high | urgent
	CreatedBy   Creator `json:"createdBy"`
	GroupID     string  `json:"groupId"` // internal id of the home group
	Language    string  `json:"language,omitempty"`
	// ExternalID is the creator's own name for the ticket: no other ticket of the same creator has it.
	ExternalID string          `json:"externalId,omitempty"`
	Metadata   json.RawMessage `json:"metadata,omitempty"` // an object of the creator's, kept as it is
	CreatedAt  time.Time       `json:"createdAt"`
	UpdatedAt  time.Time       `json:"updatedAt"`
	ClosedAt   time.Time       `json:"closedAt,omitzero"`
	// ClosedAfter is the sequence of the last message before the close: its topics close once that is copied.
	ClosedAfter int64 `json:"closedAfter,omitempty"`

	Home  Topic  `json:"home"`
	Links []Link `json:"links,omitempty"`

	// CardRevision counts the changes that the ticket's cards show.
	CardRevision int64 `json:"cardRevision"`
	// LinksRevision counts the changes of topics and links that the link entities must know.
	LinksRevision int64    `json:"linksRevision"`
	Owed          []Owed   `json:"owed,omitempty"`    // oldest first
	Events        []Event  `json:"events,omitempty"`  // caused, not yet numbered
	Handled       []string `json:"handled,omitempty"` // ids of recent commands, newest last
	// EventNumber is the number of the newest numbered event; EventsThrough is the sequence of the
	// newest message whose event has been numbered.
	EventNumber   int64     `json:"eventNumber"`
	EventsThrough int64     `json:"eventsThrough"`
	FilesThrough  int64     `json:"filesThrough"`   // sequence of the newest message up to which all files have attachments
	DueAt         time.Time `json:"dueAt,omitzero"` // zero: owes nothing
	Version       int64     `json:"version"`
}

// Creator is who opened a ticket.
type Creator struct {
	Kind     string `json:"kind"` // user | group | channel | apiKey
	ID       string `json:"id"`
	Name     string `json:"name"`
	Username string `json:"username,omitempty"`
}

// Topic is one forum thread of a ticket: what it should be, and what is known to be done.
type Topic struct {
	TopicID         string `json:"topicId"`           // "home" or its link's id: names the topic within the ticket
	GroupID         string `json:"groupId"`           // place: internal id of a group, or of a person's private chat
	TelegramTopicID int64  `json:"telegramTopicId"`   // 0: not opened yet
	Adopted         bool   `json:"adopted,omitempty"` // existed before: joined by /link, never created by us
	Name            string `json:"name"`              // the name it bears now
	NamedByHand     bool   `json:"namedByHand,omitempty"`
	Closed          bool   `json:"closed,omitempty"` // it is closed in Telegram
	Unsure          bool   `json:"unsure,omitempty"` // nobody knows whether it is closed: Telegram has no question for that
	CardMessageID   int64  `json:"cardMessageId,omitempty"`
	CardRevision    int64  `json:"cardRevision,omitempty"` // the revision that the card shows
	MediaShown      int    `json:"mediaShown,omitempty"`   // how many of the ticket's media are posted below it, or tried in vain
	Pinned          bool   `json:"pinned,omitempty"`       // pinned, or tried in vain
	Introduced      bool   `json:"introduced,omitempty"`   // the opening context is posted
	Failure         string `json:"failure,omitempty"`      // why it can't be opened
	// FormerThreads are those that it had before and that were deleted in Telegram, oldest first. They stay the ticket's: what
	// was said there last may still be on its way.
	FormerThreads []int64   `json:"formerThreads,omitempty"`
	Generation    int64     `json:"generation,omitempty"` // how often it was opened again
	OpenedAt      time.Time `json:"openedAt,omitzero"`    // when it was opened again last
	Held          string    `json:"held,omitempty"`       // why the bot may not write there, when that was told
}

// Link keeps its topic and the home topic of one ticket in step.
type Link struct {
	LinkID   string  `json:"linkId"` // <ticket id>:<n>, n from 1; <ticket id>:api for what programs write
	Topic    Topic   `json:"topic"`
	UserID   int64   `json:"userId,omitempty"` // the internal user who was mentioned
	UserName string  `json:"userName,omitempty"`
	By       Creator `json:"by"`
	// Since is the message that joined an existing topic: what was said there before is not the ticket's.
	Since string `json:"since,omitempty"`
	// Messages with BeginSequence < sequence <= EndSequence are copied; EndSequence 0 means no end.
	BeginSequence int64 `json:"beginSequence"`
	EndSequence   int64 `json:"endSequence,omitempty"`
	Ended         bool  `json:"ended,omitempty"`
	// SettledSequence: every message up to it is copied or given up by this link.
	SettledSequence int64     `json:"settledSequence"`
	CreatedAt       time.Time `json:"createdAt"`
}

// Owed is what an entity has accepted and not finished: an operation that Telegram is still to carry out, a command that is not
// decided yet, or something that another entity or a person is still to be told.
type Owed struct {
	ID string `json:"id"` // the operation's or the command's; of a word the topic's
	// operation | command; of a ticket also retry (a failed copy, until its link has written that down) and word (to whoever
	// waits for a topic); of a person also tell (what a ticket must be told, until it has written that down).
	Kind string `json:"kind"`
	Body []byte `json:"body"` // protobuf of messages
	// AfterSequence holds the operation back until every link has settled the messages up to it.
	AfterSequence int64 `json:"afterSequence,omitempty"`
}

// Message is something said in a topic of a ticket.
type Message struct {
	MessageID   string          `json:"messageId"` // <telegram chat id>:<telegram message id>; api:m<hash> of a program's
	TicketID    string          `json:"ticketId"`
	Sequence    int64           `json:"sequence"` // 1, 2, 3 … within the ticket
	TopicID     string          `json:"topicId"`  // the topic of the ticket that it was said in
	GroupID     string          `json:"groupId"`
	Sender      Sender          `json:"sender"`
	Text        string          `json:"text"`
	Entities    []Entity        `json:"entities,omitempty"`
	ReplyTo     *ReplyTo        `json:"replyTo,omitempty"`
	Internal    bool            `json:"internal,omitempty"` // an internal note: stays in its topic
	SentAt      time.Time       `json:"sentAt"`             // Telegram's date
	RecordedAt  time.Time       `json:"recordedAt"`
	EditedAt    time.Time       `json:"editedAt,omitzero"`
	Media       *Media          `json:"media,omitempty"`     // what it carries beside text; the text is its caption
	Forwarded   *Forward        `json:"forwarded,omitempty"` // where it comes from
	Protected   bool            `json:"protected,omitempty"` // Telegram lets nobody forward, copy or save it
	Attachments []string        `json:"attachments,omitempty"`
	Metadata    json.RawMessage `json:"metadata,omitempty"`

	// Revision counts what happened to the message since it was said. ContentRevision is the one at which it got its words
	// of now; ChangedAfter is the ticket's newest sequence at the last change.
	Revision        int64      `json:"revision,omitempty"`
	ContentRevision int64      `json:"contentRevision,omitempty"`
	ChangedAfter    int64      `json:"changedAfter,omitempty"`
	Former          []Former   `json:"former,omitempty"`    // former versions, oldest first
	Reactions       []Reaction `json:"reactions,omitempty"` // one for each person and topic, oldest first
	Shown           string     `json:"shown,omitempty"`     // the reaction that the bot shows on the original
	Deleted         bool       `json:"deleted,omitempty"`
	DeletedAt       time.Time  `json:"deletedAt,omitzero"`
	Behind          bool       `json:"behind,omitempty"`  // its copies, or what the bot shows on it, are of an older revision
	Owed            []Owed     `json:"owed,omitempty"`    // the command that deleted it, until that is answered
	Events          []Event    `json:"events,omitempty"`  // caused by changes, not yet numbered
	Handled         []string   `json:"handled,omitempty"` // ids of recent changes, newest last
	Version         int64      `json:"version"`
}

// Sender is whose name a message bears.
type Sender struct {
	ID       int64  `json:"id"`
	Kind     string `json:"kind"` // user | group | channel | apiKey
	Name     string `json:"name"`
	Username string `json:"username,omitempty"`
	KeyID    string `json:"keyId,omitempty"` // of an API key
}

// Entity marks a part of a text; offset and length are in UTF-16 code units (Bot API, MessageEntity).
type Entity struct {
	Type           string `json:"type"`
	Offset         int32  `json:"offset"`
	Length         int32  `json:"length"`
	URL            string `json:"url,omitempty"`
	UserID         int64  `json:"userId,omitempty"`
	UserName       string `json:"userName,omitempty"`
	Language       string `json:"language,omitempty"`
	CustomEmojiID  string `json:"customEmojiId,omitempty"`
	UnixTime       int64  `json:"unixTime,omitempty"`
	DateTimeFormat string `json:"dateTimeFormat,omitempty"`
}

// ReplyTo is what a message answers.
type ReplyTo struct {
	ChatID    int64  `json:"chatId"`
	MessageID int64  `json:"messageId"`
	Quote     string `json:"quote,omitempty"`
	Preview   string `json:"preview,omitempty"`   // beginning of the answered text
	MediaKind string `json:"mediaKind,omitempty"` // of the answered message; "" for a text
	// The markup of the quote, and where it begins in the answered message, in UTF-16 units.
	QuoteEntities []Entity `json:"quoteEntities,omitempty"`
	QuotePosition int32    `json:"quotePosition,omitempty"`
	// Answered is the id of the answered message, where it is known; a message written by API has no other name.
	Answered string `json:"answered,omitempty"`
}

// Span is a part of a text, in UTF-16 units.
type Span struct {
	Offset int32 `json:"offset"`
	Length int32 `json:"length"`
	Index  int32 `json:"index,omitempty"` // among the parts; it stays
	Cut    bool  `json:"cut,omitempty"`   // there is no room for all of it: the whole follows in a reply
}

// Copy is the counterpart of a message on another side: one for each (message, target topic).
type Copy struct {
	MessageID string  `json:"messageId"`
	TopicID   string  `json:"topicId"` // target topic within the ticket
	TicketID  string  `json:"ticketId"`
	LinkID    string  `json:"linkId"`
	Sequence  int64   `json:"sequence"`        // of the original
	GroupID   string  `json:"groupId"`         // place of the target
	ChatID    int64   `json:"chatId"`          // Telegram chat id it was posted in
	Parts     []int64 `json:"parts,omitempty"` // Telegram message ids, in order
	Wanted    int     `json:"wanted"`          // how many parts it takes
	Main      int     `json:"main,omitempty"`  // which of them stands for the original, from 0
	// Of a copy that was posted in an album: whether its caption leaves the sender's name to another part; and at the first
	// part, what the others are, since all copies are known at the same moment and written one by one.
	Bare  bool        `json:"bare,omitempty"`
	Album []AlbumPart `json:"album,omitempty"`
	// What its head was when it was split into parts, so that the rest is cut at the same places later.
	GroupTitle  string `json:"groupTitle,omitempty"`
	Preview     string `json:"preview,omitempty"`
	PreviewKind string `json:"previewKind,omitempty"`
	Revision    int64  `json:"revision,omitempty"` // the message's ContentRevision that it shows
	Edited      bool   `json:"edited,omitempty"`   // it was another when it was posted
	Reaction    string `json:"reaction,omitempty"` // that the bot shows on it
	State       string `json:"state"`              // partial | sent | failed | gone (deleted with its original)
	Reason      string `json:"reason,omitempty"`
	Told        bool   `json:"told,omitempty"`  // the failure has been shown at the source
	Tries       int64  `json:"tries,omitempty"` // how often it was tried again: because somebody asked, or its topic was deleted
	// Span is where it stands in a message that it shares with other copies; nil: the message is its own.
	Span    *Span     `json:"span,omitempty"`
	SentAt  time.Time `json:"sentAt,omitzero"`
	Version int64     `json:"version"`
}

// Open says whether the link still has to do something about the copy. A copy that was sent has a reason when an edit of it
// failed.
func (c *Copy) Open() bool {
	return c.State == "partial" || !c.Told && (c.State == "failed" || c.State == "sent" && c.Reason != "")
}

// Chat is what is known about posting to one chat, and the answers owed to commands that belong to no ticket.
type Chat struct {
	ChatID       string    `json:"chatId"`                // place: internal id of the group or person
	BlockedUntil time.Time `json:"blockedUntil,omitzero"` // from a 429
	Rate         float64   `json:"rate,omitempty"`        // share of the full pace since RateAt, 0 means 1
	RateAt       time.Time `json:"rateAt,omitzero"`
	// Held says why the bot may not write there; empty: it may.
	Held string `json:"held,omitempty"`
	// Oldest is since when the oldest copy has waited, and Waiting how many operations do, as last noted: with each call, and
	// when it is more than a few seconds.
	Oldest  time.Time `json:"oldest,omitzero"`
	Waiting int       `json:"waiting,omitempty"`
	// What the pace of the last minute has used up, so that a restart breaks no limit: when calls left, and when the
	// allowance for bursts is whole again.
	Calls     []time.Time `json:"calls,omitempty"`
	BurstFull time.Time   `json:"burstFull,omitzero"`
	Answers   []Owed      `json:"answers,omitempty"`
	Handled   []string    `json:"handled,omitempty"` // ids of recent answers, newest last
	DueAt     time.Time   `json:"dueAt,omitzero"`
	Version   int64       `json:"version"`
}

// Event is a fact that subscribers may hear.
type Event struct {
	EventID  string          `json:"eventId"` // says what caused it: the same cause makes the same id
	TicketID string          `json:"ticketId"`
	Number   int64           `json:"number"`             // 1, 2, 3 … within the ticket, without gaps
	Type     string          `json:"type"`               // ticket.created, message.sent …
	Sequence int64           `json:"sequence,omitempty"` // of the message that caused it
	At       time.Time       `json:"at"`
	Data     json.RawMessage `json:"data,omitempty"`
}

// Lease says which activation of an entity is the newest.
type Lease struct {
	Entity  string    `json:"entity"` // kind/identity
	Epoch   int64     `json:"epoch"`
	Owner   string    `json:"owner"`
	TakenAt time.Time `json:"takenAt"`
}
