package storage

import (
	"encoding/json"
	"time"
)

// Every record that can be written more than once has a Version. 0 means "not stored yet". A Save succeeds only while
// the stored version is the one that was read (compare-and-set). Times are kept to the millisecond, in UTC.

// APIKey is a key with which a program uses the API. It has only hashes of its secrets.
type APIKey struct {
	KeyID   string      `json:"keyId"`
	Name    string      `json:"name"`
	Owner   string      `json:"owner,omitempty"`
	Scopes  []string    `json:"scopes"`
	GroupID string      `json:"groupId,omitempty"` // internal id of the only group that it may see; "" = all
	Secrets []KeySecret `json:"secrets"`           // newest first
	// Rate is how many requests per second it may make, Burst how many in a burst; 0: the default.
	Rate       int64     `json:"rate,omitempty"`
	Burst      int64     `json:"burst,omitempty"`
	By         Creator   `json:"by"` // who created it
	ExpiresAt  time.Time `json:"expiresAt,omitzero"`
	RevokedAt  time.Time `json:"revokedAt,omitzero"`
	LastUsedAt time.Time `json:"lastUsedAt,omitzero"` // to the minute
	CreatedAt  time.Time `json:"createdAt"`
	UpdatedAt  time.Time `json:"updatedAt"`
	// WebSessions are of those who are signed in to the web desk with the key; oldest first.
	WebSessions []KeySession `json:"webSessions,omitempty"`
	Version     int64        `json:"version"`
}

// KeySession is a session at the web desk that somebody began with an API key.
type KeySession struct {
	Hash      []byte    `json:"hash"`    // SHA-256 of its own secret
	KeyHash   []byte    `json:"keyHash"` // of the key's secret with which it began: it ends with that one
	CreatedAt time.Time `json:"createdAt"`
	ExpiresAt time.Time `json:"expiresAt"`
}

// KeySecret is one secret of an API key. While the key is rotated it has two.
type KeySecret struct {
	Hash      []byte    `json:"hash"`           // SHA-256 of the key
	CommandID string    `json:"commandId"`      // of the command that created it
	Used      bool      `json:"used,omitempty"` // it was accepted once, so whoever asked for it has received it
	Until     time.Time `json:"until,omitzero"` // refused from then on
	CreatedAt time.Time `json:"createdAt"`
}

// Group is a Telegram group that the bot is or was in.
type Group struct {
	GroupID         string  `json:"groupId"`             // internal id, never changes
	TelegramGroupID int64   `json:"telegramGroupId"`     // the current Telegram chat id
	FormerIDs       []int64 `json:"formerIds,omitempty"` // chat ids from before migrations
	Title           string  `json:"title"`
	Type            string  `json:"type"` // group | supergroup
	IsForum         bool    `json:"isForum"`
	BotStatus       string  `json:"botStatus"` // administrator | member | restricted | left | kicked
	BotIsAdmin      bool    `json:"botIsAdmin"`
	CanManageTopics bool    `json:"canManageTopics"`
	CanPinMessages  bool    `json:"canPinMessages"`
	// CanDeleteMessages is false, too, in records from before the desk asked for it.
	CanDeleteMessages bool `json:"canDeleteMessages,omitempty"`
	// SupportTopicsEnabled says that the group is registered: tickets may be opened in it.
	SupportTopicsEnabled bool `json:"supportTopicsEnabled"`
	// RegisteredBy is the Telegram id of the administrator who registered it, or else who brought the bot in; 0: unknown.
	RegisteredBy int64 `json:"registeredBy,omitempty"`
	// Admins are the Telegram ids of its administrators, in order, as Telegram said last; none: it was not asked yet.
	Admins []int64 `json:"admins,omitempty"`
	// ManualClaims says that nobody claims a ticket of the group by answering it first.
	ManualClaims bool `json:"manualClaims,omitempty"`
	// Hours are the working hours of its team, as package hours reads them; "": it always works. HoursApart are those of single
	// dates, by date. AnswerWithin says within how much of them an answer is due; nil: the default. TimesRevision counts the changes
	// of all of them, and Retiming says that the tickets that wait have yet to learn of the last one, at RetimingSince.
	Hours         string            `json:"hours,omitempty"`
	HoursApart    map[string]string `json:"hoursApart,omitempty"`
	AnswerWithin  *AnswerTimes      `json:"answerWithin,omitempty"`
	TimesRevision int64             `json:"timesRevision,omitempty"`
	Retiming      bool              `json:"retiming,omitempty"`
	RetimingSince time.Time         `json:"retimingSince,omitzero"`
	// AutoClose says when tickets that wait for the customer close by themselves; nil: it was never switched on. A change of it counts
	// in TimesRevision, too.
	AutoClose *AutoClose `json:"autoClose,omitempty"`
	// ReopenDays is for how many days after closing a customer's word reopens a ticket; nil: the default; 0: people are asked.
	ReopenDays *int64 `json:"reopenDays,omitempty"`
	// NoIcons says that the icons of its topics do not show the state of their tickets.
	NoIcons bool `json:"noIcons,omitempty"`
	// NoWaitingList says that its General topic does not list what waits for its team. WaitingList is that list; nil: there was
	// none yet. It is never changed in place.
	NoWaitingList bool         `json:"noWaitingList,omitempty"`
	WaitingList   *WaitingList `json:"waitingList,omitempty"`
	// QuietCopies says that copies into its topics of tickets that somebody takes care of make no sound, unless they name somebody.
	QuietCopies bool `json:"quietCopies,omitempty"`
	// Public says that everyone may open tickets in it from their private chat with the bot, not only members.
	Public    bool      `json:"public,omitempty"`
	Shelf     *Shelf    `json:"shelf,omitempty"`    // messages in it that no ticket has yet
	Language  string    `json:"language,omitempty"` // en | th | "" (each person's own)
	Spoken    string    `json:"spoken,omitempty"`   // en | th: of whoever registered it; "": unknown
	Pending   []Pending `json:"pending,omitempty"`  // answers, and commands that wait for Telegram's answer
	Handled   []string  `json:"handled,omitempty"`  // ids of recent commands, newest last
	DueAt     time.Time `json:"dueAt,omitzero"`     // zero: nothing is pending
	CreatedAt time.Time `json:"createdAt"`
	UpdatedAt time.Time `json:"updatedAt"`
	Version   int64     `json:"version"`
}

// WaitingList is the message in a group's General topic that lists what waits for its team.
type WaitingList struct {
	MessageID int64     `json:"messageId,omitempty"` // in Telegram; 0: there is none, or it is about to be posted, or somebody has deleted it
	Former    int64     `json:"former,omitempty"`    // the one before it, while it is about to be posted
	Revision  int64     `json:"revision"`            // of the calls that posted and edited it, of which each has its own
	Shows     string    `json:"shows,omitempty"`     // a digest of what it shows, or is about to
	PostedAt  time.Time `json:"postedAt,omitzero"`   // when it was given to be posted
	ShownAt   time.Time `json:"shownAt,omitzero"`    // when it was posted or edited last, or given to be
	LookAt    time.Time `json:"lookAt,omitzero"`     // when the group looks by itself what waits; zero: never
}

// Ticket is one support case with its topics, links, pending operations and events that are not numbered yet. It is
// one aggregate, written as a whole.
type Ticket struct {
	TicketID string `json:"ticketId"` // TICK-<base36 ms>-<8 hex>
	ShortID  string `json:"shortId"`  // the 8 hex digits
	// Number is the ticket's number in the desk: 1, 2, 3 …, for people. No other ticket has it, ever.
	Number              int64       `json:"number,omitempty"`
	Title               string      `json:"title"`
	Description         string      `json:"description,omitempty"`
	DescriptionEntities []Entity    `json:"descriptionEntities,omitempty"`
	Enclosures          []Enclosure `json:"media,omitempty"`     // of the description: shown in each topic, below its card
	Forwarded           *Forward    `json:"forwarded,omitempty"` // where the described message was forwarded from
	Sources             []Source    `json:"sources,omitempty"`   // of the description, in its order; none: a program's
	Status              string      `json:"status"`              // open | pending | closed
	Priority            string      `json:"priority"`            // low | normal | high | urgent
	CreatedBy           Creator     `json:"createdBy"`
	OpenedFor           *Creator    `json:"openedFor,omitempty"` // whose message it was opened from; nil: its customer opened it
	GroupID             string      `json:"groupId"`             // internal id of the home group
	Language            string      `json:"language,omitempty"`
	// ExternalID is the creator's own id of the ticket. No other ticket of the same creator has it.
	ExternalID string          `json:"externalId,omitempty"`
	Metadata   json.RawMessage `json:"metadata,omitempty"` // a JSON object of the creator, kept as it is
	CreatedAt  time.Time       `json:"createdAt"`
	UpdatedAt  time.Time       `json:"updatedAt"`
	ClosedAt   time.Time       `json:"closedAt,omitzero"`
	// LastMessageAt is when the newest message was recorded, as far as its event is numbered; without messages, when the
	// ticket was opened.
	LastMessageAt time.Time `json:"lastMessageAt,omitzero"`
	// WaitingFor says whose turn it is (WaitsForDesk, WaitsForCustomer): of a closed ticket nobody's, which is "", and of one
	// that an earlier program saved last it is unknown, which is "" too. WaitingSince is when the first word was said that
	// the other side has not answered. Both are right as of the message with the sequence WaitingThrough.
	WaitingFor     string    `json:"waitingFor,omitempty"`
	WaitingSince   time.Time `json:"waitingSince,omitzero"`
	WaitingThrough int64     `json:"waitingThrough,omitempty"`
	// Assignee is the person who has claimed the ticket, of kind user; nil: nobody. It is never changed in place.
	Assignee *Creator `json:"assignee,omitempty"`
	// Timers are what follows from all that at a certain time.
	Timers Timers `json:"timers,omitzero"`
	// Follows is the id of the closed ticket of the same customer that this one goes on from; "": none.
	// FollowsName is how people know that one.
	Follows     string `json:"follows,omitempty"`
	FollowsName string `json:"followsName,omitempty"`
	// ClosedAfter is the sequence of the last message before the ticket was closed. The topics close once it is copied.
	ClosedAfter int64 `json:"closedAfter,omitempty"`
	// ReasonsTold are the reasons that everybody on the ticket was told when it was closed, newest last.
	ReasonsTold []ReasonTold `json:"reasonsTold,omitempty"`

	Home  Topic  `json:"home"`
	Links []Link `json:"links,omitempty"`

	// CardRevision counts the changes that the ticket's cards show.
	CardRevision int64 `json:"cardRevision"`
	// LinksRevision counts the changes of topics and links that the link entities must know about.
	LinksRevision int64     `json:"linksRevision"`
	Pending       []Pending `json:"owed,omitempty"`    // oldest first
	Events        []Event   `json:"events,omitempty"`  // not numbered yet
	Handled       []string  `json:"handled,omitempty"` // ids of recent commands, newest last
	// EventNumber is the number of the newest numbered event; EventsThrough is the sequence of the
	// newest message whose event has been numbered.
	EventNumber   int64     `json:"eventNumber"`
	EventsThrough int64     `json:"eventsThrough"`
	FilesThrough  int64     `json:"filesThrough"`   // up to this sequence, all files of messages have attachments
	DueAt         time.Time `json:"dueAt,omitzero"` // while something is pending, soon; else the next timer; zero: neither
	Version       int64     `json:"version"`
}

// ReasonTold is the reason for which a command has closed a ticket, at most its first 100 characters.
type ReasonTold struct {
	CommandID string `json:"commandId"`
	Reason    string `json:"reason"`
}

// Topic is one forum topic of a ticket: its wanted state, and what is known to be done.
type Topic struct {
	TopicID         string `json:"topicId"`         // "home" or its link's id: names the topic within the ticket
	GroupID         string `json:"groupId"`         // place: internal id of a group, or of a person's private chat
	TelegramTopicID int64  `json:"telegramTopicId"` // 0: not opened yet, or the whole private chat
	// Threaded says that the ticket has, or is to get, a topic of its own in the private chat. Else the tickets of the
	// person share the chat.
	Threaded bool `json:"threaded,omitempty"`
	Adopted  bool `json:"adopted,omitempty"` // existed before /link joined it
	// Unproven says that a program named the topic, and Telegram has not shown yet that there is one.
	Unproven      bool   `json:"unproven,omitempty"`
	Name          string `json:"name"` // the current name
	NamedByHand   bool   `json:"namedByHand,omitempty"`
	Closed        bool   `json:"closed,omitempty"` // closed in Telegram
	Unsure        bool   `json:"unsure,omitempty"` // it is unknown whether it is closed: the Bot API does not tell
	CardMessageID int64  `json:"cardMessageId,omitempty"`
	CardRevision  int64  `json:"cardRevision,omitempty"` // the revision that the card shows
	CardDigest    string `json:"cardDigest,omitempty"`   // of what the card shows; "": unknown
	MediaShown    int    `json:"mediaShown,omitempty"`   // how many of the ticket's enclosures are posted below it or failed
	// Posts are where they stand, as far as that is known: of posts from before this was kept, it is not.
	Posts      []EnclosurePost `json:"posts,omitempty"`
	Pinned     bool            `json:"pinned,omitempty"`     // the card is pinned, or pinning failed
	Introduced bool            `json:"introduced,omitempty"` // the opening context is posted
	Failure    string          `json:"failure,omitempty"`    // why it can't be opened
	// FormerThreads are its previous threads, which were deleted in Telegram, oldest first. They stay the ticket's, since
	// updates about their last messages may still arrive.
	FormerThreads []int64   `json:"formerThreads,omitempty"`
	Generation    int64     `json:"generation,omitempty"` // how often it was opened again
	Doubtful      bool      `json:"doubtful,omitempty"`   // a call found it deleted; Telegram is asked once more
	Revivals      int64     `json:"revivals,omitempty"`   // how often it was there after all
	OpenedAt      time.Time `json:"openedAt,omitzero"`    // when it was last opened again, or found to be there
	Suspended     string    `json:"held,omitempty"`       // why the bot may not write there, once that was reported
	// Icon is what its icon says (messages/icons.go), as far as Telegram has confirmed it. IconPending says that a call was
	// enqueued that changes it, which may have been made. IconAt is when it was changed last.
	Icon        string    `json:"icon,omitempty"`
	IconPending bool      `json:"iconPending,omitempty"`
	IconAt      time.Time `json:"iconAt,omitzero"`
	IconByHand  bool      `json:"iconByHand,omitempty"` // somebody has chosen the icon: it stays
	// Context is the post that introduced its present thread; nil: none, or one from before posts were remembered.
	Context *ContextPost `json:"context,omitempty"`
}

// EnclosurePost is where one of a ticket's enclosures stands in a topic.
type EnclosurePost struct {
	Medium    int   `json:"medium"`    // its place among the enclosures, from 0
	MessageID int64 `json:"messageId"` // Telegram's
}

// Link mirrors messages between its topic and the home topic of one ticket.
type Link struct {
	LinkID   string  `json:"linkId"` // <ticket id>:<n>, n from 1; <ticket id>:api for messages of programs
	Topic    Topic   `json:"topic"`
	UserID   int64   `json:"userId,omitempty"` // the internal user who was mentioned
	UserName string  `json:"userName,omitempty"`
	By       Creator `json:"by"`
	// Since is the message that joined an existing topic. Earlier messages there are not the ticket's.
	Since string `json:"since,omitempty"`
	// Messages with BeginSequence < sequence <= EndSequence are copied; EndSequence 0 means no end.
	BeginSequence int64 `json:"beginSequence"`
	EndSequence   int64 `json:"endSequence,omitempty"`
	Ended         bool  `json:"ended,omitempty"`
	// EndedBy is who ended it by /unlink, or through the API; nil: an end of another kind, or one from before this was kept.
	EndedBy *Creator `json:"endedBy,omitempty"`
	// SettledSequence is the progress of the link: every message up to it is copied or has failed.
	SettledSequence int64     `json:"settledSequence"`
	CreatedAt       time.Time `json:"createdAt"`
}

// Pending is what is pending for an entity: what it has accepted and not finished.
type Pending struct {
	ID string `json:"id"` // of the operation or command; of kind word, the topic's
	// Kind is one of:
	//   - operation: Telegram has yet to carry it out.
	//   - command: it is not decided yet.
	//   - retry, of a ticket: a failed copy to try again, until the link has recorded that.
	//   - word, of a ticket: a notice to those who wait for a topic.
	//   - tell, of a person: a message to a ticket, until the ticket has recorded it.
	Kind string `json:"kind"`
	Body []byte `json:"body"` // protobuf of messages
	// AfterSequence defers the operation until every link has finished the messages up to it.
	AfterSequence int64 `json:"afterSequence,omitempty"`
	// MessageID names the message whose content the operation copies. Body does not hold it.
	MessageID string `json:"messageId,omitempty"`
}

// Message is a message in a topic of a ticket.
type Message struct {
	MessageID   string          `json:"messageId"` // <telegram chat id>:<telegram message id>; of a program: api:m<hash>
	TicketID    string          `json:"ticketId"`
	Sequence    int64           `json:"sequence"` // 1, 2, 3 … within the ticket
	TopicID     string          `json:"topicId"`  // the topic of the ticket in which it was sent
	GroupID     string          `json:"groupId"`
	Sender      Sender          `json:"sender"`
	Text        string          `json:"text"`
	Entities    []Entity        `json:"entities,omitempty"`
	ReplyTo     *ReplyTo        `json:"replyTo,omitempty"`
	Internal    bool            `json:"internal,omitempty"`    // an internal note, which stays in its topic
	CommandNote bool            `json:"commandNote,omitempty"` // with Internal: it came with a command, and no edit ends that it is internal
	Side        string          `json:"side,omitempty"`        // whose word it was when it was said: desk | customer | "" (nobody's)
	Taken       bool            `json:"taken,omitempty"`       // somebody took care of the ticket when it was said
	Turn        *Creator        `json:"turn,omitempty"`        // they, if they were to answer since then
	SentAt      time.Time       `json:"sentAt"`                // Telegram's date
	RecordedAt  time.Time       `json:"recordedAt"`
	EditedAt    time.Time       `json:"editedAt,omitzero"`
	Media       *Media          `json:"media,omitempty"`     // what it carries besides text, which is then the caption
	Forwarded   *Forward        `json:"forwarded,omitempty"` // where it was forwarded from
	Protected   bool            `json:"protected,omitempty"` // Telegram lets nobody forward, copy or save it
	LinkPreview *LinkPreview    `json:"linkPreview,omitempty"`
	EffectID    string          `json:"effectId,omitempty"` // the animation that a message in a private chat begins with
	RichHTML    string          `json:"richHtml,omitempty"` // of a rich message that can be sent again
	RichRTL     bool            `json:"richRtl,omitempty"`  // of a rich message: shown right-to-left
	Attachments []string        `json:"attachments,omitempty"`
	Metadata    json.RawMessage `json:"metadata,omitempty"`

	// Revision counts the changes of the message since it was sent. ContentRevision is the revision that brought its
	// current content. ChangedAfter is the ticket's newest sequence at the last change.
	Revision        int64      `json:"revision,omitempty"`
	ContentRevision int64      `json:"contentRevision,omitempty"`
	ChangedAfter    int64      `json:"changedAfter,omitempty"`
	Former          []Previous `json:"former,omitempty"`    // previous versions, oldest first
	Reactions       []Reaction `json:"reactions,omitempty"` // one for each person and topic, oldest first
	Shown           string     `json:"shown,omitempty"`     // the reaction that the bot shows on the original
	Deleted         bool       `json:"deleted,omitempty"`
	DeletedAt       time.Time  `json:"deletedAt,omitzero"`
	Outdated        bool       `json:"behind,omitempty"`  // its copies, or the bot's reaction, show an older revision
	Pending         []Pending  `json:"owed,omitempty"`    // the command that deleted it, until that is answered
	Events          []Event    `json:"events,omitempty"`  // of changes, not numbered yet
	Handled         []string   `json:"handled,omitempty"` // ids of recent changes, newest last
	Version         int64      `json:"version"`
}

// MessageVersion is which version of a message is stored.
type MessageVersion struct {
	Sequence int64 `json:"sequence"`
	Version  int64 `json:"version"`
}

// Sender is the sender of a message, by the name that it shows.
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
	Preview   string `json:"preview,omitempty"`   // the quote, or the beginning of the answered text
	MediaKind string `json:"mediaKind,omitempty"` // of the answered message; "" for a text
	// QuoteEntities is the markup of the quote. QuotePosition is where the quote begins in the answered message, in
	// UTF-16 code units.
	QuoteEntities []Entity `json:"quoteEntities,omitempty"`
	QuotePosition int32    `json:"quotePosition,omitempty"`
	// Answered is the id of the answered message, if it is known. A message of a program has no other id.
	Answered        string   `json:"answered,omitempty"`
	PreviewEntities []Entity `json:"previewEntities,omitempty"`
	Origin          *Forward `json:"origin,omitempty"` // who said it, in another chat or topic, or in a story
	URL             string   `json:"url,omitempty"`    // of what was said there
	Item            string   `json:"item,omitempty"`   // the task of a checklist, or option of a poll, that is answered
	// What has happened since to the answered message: Deleted says that it was deleted, so that none of its words are shown
	// any more, and ItemGone that it has no such Item any more. Quote and Item stay, since copies from before may show them.
	Deleted  bool `json:"deleted,omitempty"`
	ItemGone bool `json:"itemGone,omitempty"`
}

// LinkPreview is how the preview of a text's link looks (Bot API, LinkPreviewOptions).
type LinkPreview struct {
	IsDisabled       bool   `json:"isDisabled,omitempty"`
	URL              string `json:"url,omitempty"` // "": the first link of the text
	PreferSmallMedia bool   `json:"preferSmallMedia,omitempty"`
	PreferLargeMedia bool   `json:"preferLargeMedia,omitempty"`
	ShowAboveText    bool   `json:"showAboveText,omitempty"`
}

// Copy is the counterpart of a message in another topic: one for each (message, target topic).
type Copy struct {
	MessageID string  `json:"messageId"`
	TopicID   string  `json:"topicId"` // target topic within the ticket
	TicketID  string  `json:"ticketId"`
	LinkID    string  `json:"linkId"`
	Sequence  int64   `json:"sequence"`        // of the original
	GroupID   string  `json:"groupId"`         // place of the target
	ChatID    int64   `json:"chatId"`          // Telegram id of the chat it was posted in
	Parts     []int64 `json:"parts,omitempty"` // Telegram message ids, in order
	// Former are parts that were deleted again, newest last. What people answered there names them.
	Former []int64 `json:"former,omitempty"`
	Wanted int     `json:"wanted"`         // how many parts it takes
	Main   int     `json:"main,omitempty"` // which of them stands for the original, from 0
	// A copy that was posted in an album: Bare says that the sender's name is in the caption of another part. Album, of
	// the first part, lists the others: all copies become known at the same moment, but are written one by one.
	Bare  bool        `json:"bare,omitempty"`
	Album []AlbumPart `json:"album,omitempty"`
	// What its head showed when it was split into parts, so that the remaining parts are cut at the same positions later.
	GroupTitle  string `json:"groupTitle,omitempty"`
	Preview     string `json:"preview,omitempty"`
	PreviewKind string `json:"previewKind,omitempty"`
	Reference   bool   `json:"reference,omitempty"` // all that is known of the answered message, not only Preview
	// Withheld says that the head shows no words of the answered message any more, since that was deleted.
	Withheld bool   `json:"withheld,omitempty"`
	Revision int64  `json:"revision,omitempty"` // the message's ContentRevision that it shows
	Edited   bool   `json:"edited,omitempty"`   // it had other content when it was posted
	Reaction string `json:"reaction,omitempty"` // the bot's reaction on it
	State    string `json:"state"`              // partial | sent | failed | gone (deleted with its original)
	Reason   string `json:"reason,omitempty"`
	Reported bool   `json:"told,omitempty"` // the failure was reported at the source
	// Unopened says that it failed because its topic could not be opened: it is tried again when the topic may open.
	Unopened bool `json:"unopened,omitempty"`
	// Tries is how often it was tried again, because somebody asked for it or its topic was deleted.
	Tries int64 `json:"tries,omitempty"`
	// RetryID is the command that asked for the last try, which its ticket may tell more than once.
	RetryID string `json:"retryId,omitempty"`
	// Span is where it is in a message into which several copies were merged; nil: the message is its own.
	Span    *Span     `json:"span,omitempty"`
	SentAt  time.Time `json:"sentAt,omitzero"`
	Version int64     `json:"version"`
}

// Open says whether something is pending about the copy. A sent copy has a reason when an edit of it failed.
func (c *Copy) Open() bool {
	return c.State == "partial" || !c.Reported && (c.State == "failed" || c.State == "sent" && c.Reason != "")
}

// Chat is the pace of one chat, and the pending answers to commands that belong to no ticket.
type Chat struct {
	ChatID       string    `json:"chatId"`                // place: internal id of the group or person
	BlockedUntil time.Time `json:"blockedUntil,omitzero"` // from a 429
	Rate         float64   `json:"rate,omitempty"`        // share of the full pace since RateAt, 0 means 1
	RateAt       time.Time `json:"rateAt,omitzero"`
	// Suspended says why the bot may not write there, so that operations are suspended; empty: it may.
	Suspended string `json:"held,omitempty"`
	// Oldest is since when the oldest copy has waited. Waiting is how many operations wait. Both are as of the last save:
	// with each call, and now and then while the wait is longer than a few seconds.
	Oldest  time.Time `json:"oldest,omitzero"`
	Waiting int       `json:"waiting,omitempty"`
	// What the calls of the last minute have used up, so that a restart breaks no limit. Calls is when they were made.
	// BurstFull is when the allowance for bursts is full again.
	Calls     []time.Time `json:"calls,omitempty"`
	BurstFull time.Time   `json:"burstFull,omitzero"`
	Answers   []Pending   `json:"answers,omitempty"`
	Handled   []string    `json:"handled,omitempty"`   // ids of recent answers, newest last
	Questions []Question  `json:"questions,omitempty"` // that were posted; newest last
	Words     []Word      `json:"words,omitempty"`     // in a private chat: since when it spoke of which ticket, newest last
	DueAt     time.Time   `json:"dueAt,omitzero"`
	Version   int64       `json:"version"`
}

// Word is a message of the desk in a private chat, about another ticket than the one before it.
type Word struct {
	MessageID int64  `json:"messageId"` // Telegram's, in the chat
	TicketID  string `json:"ticketId"`
}

// Question is a message in which the bot asks for the title of a ticket, or in private what to do with something that waits.
type Question struct {
	MessageID int64 `json:"messageId"`       // Telegram's, in the chat
	Untitled  int64 `json:"untitled"`        // the message in reply to which it asks for a title; 0: it does not
	About     int64 `json:"about,omitempty"` // what it asks about: the number that its buttons name, or a message; 0: it asks for a title
}

// Lease says which activation of an entity is the newest.
type Lease struct {
	Entity  string    `json:"entity"` // kind/identity
	Epoch   int64     `json:"epoch"`
	Owner   string    `json:"owner"`
	TakenAt time.Time `json:"takenAt"`
}
