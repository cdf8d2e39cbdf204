// Package storage has the records of the desk and the contract of the store that keeps them. Packages sqlite and
// mongodb implement the contract; storagetest holds both to it. The package knows nothing of actors, Telegram or
// HTTP.
//
// What every store promises:
//   - A write that returned nil is durable: it survives a crash of the process and of the machine.
//   - Each write is one atomic write of one record. AppendEvents, InsertAttachments, SaveDeliveries,
//     SaveErrorGroups, SaveTallies and SaveWaitingUpdates write several, each atomically; the first two and the last may be repeated.
//   - Save is a compare-and-set on Version. When it succeeds, and only then, it sets the new version on the given
//     record.
//   - A read sees every write that was acknowledged before it began.
//   - Texts may hold anything. Bytes that are not UTF-8 are read back as U+FFFD, one each. Ids must be valid UTF-8
//     and not empty; a write with another id is refused. An empty list and nil are the same. A limit of 0 or less
//     yields nothing.
//   - When a context ends during a write, the write may or may not be carried out.
//
// Errors, to be found with errors.Is: ErrNotFound, ErrConflict, ErrExists, ErrTopicTaken, ErrExternalIDTaken,
// ErrNumberTaken, ErrNameTaken, ErrNoIndex, ErrSearch, ErrUnavailable; the context's own error when it has ended; and, when a store is opened,
// ErrSchema. Any other error is a bug or a broken store.
package storage

import (
	"context"
	"errors"
	"time"
)

var (
	// ErrNotFound says that there is no such record.
	ErrNotFound = errors.New("not found")
	// ErrConflict says that the record, or the sequence, is not the one that the writer read: reload, and check the
	// lease.
	ErrConflict = errors.New("changed by someone else meanwhile")
	// ErrExists says that a record with this id is stored already: the command was carried out before.
	ErrExists = errors.New("exists already")
	// ErrTopicTaken says that the topic belongs to another ticket.
	ErrTopicTaken = errors.New("topic belongs to another ticket")
	// ErrExternalIDTaken says that another ticket of the same creator has this external id.
	ErrExternalIDTaken = errors.New("another ticket of this creator has this external id")
	// ErrNumberTaken says that another ticket has this number.
	ErrNumberTaken = errors.New("another ticket has this number")
	// ErrUnavailable says that the store can't be reached, or can't write, at the moment: try again later.
	ErrUnavailable = errors.New("storage is unavailable")
	// ErrSchema says that this version of the program can't read the stored schema.
	ErrSchema = errors.New("the database's schema can't be read by this version")
	// ErrUnfinished says that the database is the target of a copy that has not ended. Nothing but the copy may use it. It is
	// an ErrSchema, too.
	ErrUnfinished error = unfinished{}
	// ErrOutdated says that the stored schema is of an earlier release, and that opening was to leave it so.
	ErrOutdated = errors.New("the database is of an earlier release")
	// ErrLeftOut: Reindex went on, but without some tickets, which it names.
	ErrLeftOut = errors.New("tickets that can't be decoded are left out of the search index")
)

// Store is the whole contract.
type Store interface {
	Leases
	Users
	APIKeys
	Idempotencies
	Groups
	Tickets
	Messages
	Copies
	Attachments
	Chats
	Events
	Webhooks
	Deliveries
	Replays
	Consumers
	Monitor
	Offsets
	WaitingUpdates
	Samples
	Tallies
	// Ping writes no record and returns nil when reads and writes work.
	Ping(ctx context.Context) error
	Close() error
}

// Leases hands out epochs.
type Leases interface {
	// TakeLease makes owner the newest holder of entity ("kind/identity"). It returns the epoch: the previous one plus 1.
	TakeLease(ctx context.Context, entity, owner string, now time.Time) (epoch int64, err error)
	// Lease returns the newest lease, or ErrNotFound.
	Lease(ctx context.Context, entity string) (Lease, error)
}

// Users keeps people.
type Users interface {
	User(ctx context.Context, telegramID int64) (*User, error)
	// UserByUsername finds a user by username, without "@", in upper or lower case. Usernames move between people: of
	// several users it returns the one that was updated last.
	UserByUsername(ctx context.Context, username string) (*User, error)
	// InternalUsers lists users with a default group, ordered by (lower case first name, telegram id).
	InternalUsers(ctx context.Context, offset, limit int) (page []User, total int, err error)
	// Users lists users after the given Telegram id, ordered by it. defaultGroupID, unless "", selects those of one
	// group.
	Users(ctx context.Context, defaultGroupID string, after int64, limit int) ([]User, error)
	// SaveUser inserts (Version 0; ErrExists) or updates (ErrConflict).
	SaveUser(ctx context.Context, u *User) error
	// DeleteUser deletes the user if the stored version is the given one (ErrConflict).
	DeleteUser(ctx context.Context, telegramID, version int64) error
	// DueUsers lists users whose DueAt is set and not after now, oldest first. The id is the Telegram id. Users with the
	// same DueAt may come in any order.
	DueUsers(ctx context.Context, now time.Time, limit int) ([]Due, error)
}

// APIKeys keeps the keys of the API.
type APIKeys interface {
	APIKey(ctx context.Context, keyID string) (*APIKey, error)
	// APIKeys lists keys after the given id ("" = from the first), ordered by id. groupID, unless "", selects those of
	// one group.
	APIKeys(ctx context.Context, groupID, after string, limit int) ([]APIKey, error)
	SaveAPIKey(ctx context.Context, k *APIKey) error
}

// Idempotencies keeps answers to requests that may be repeated.
type Idempotencies interface {
	Idempotency(ctx context.Context, requestID string) (*Idempotency, error)
	SaveIdempotency(ctx context.Context, i *Idempotency) error
	// DeleteIdempotencies deletes answers whose ExpiresAt is not after now, the oldest first, and returns their number.
	DeleteIdempotencies(ctx context.Context, now time.Time, limit int) (int, error)
}

// Groups keeps groups.
type Groups interface {
	Group(ctx context.Context, groupID string) (*Group, error)
	// GroupByTelegramID finds a group by its current Telegram chat id or a previous one. If two groups have had that
	// chat id, it returns the one whose current id it is.
	GroupByTelegramID(ctx context.Context, chatID int64) (*Group, error)
	// Groups lists all groups after the given internal id ("" = from the first), ordered by it.
	Groups(ctx context.Context, after string, limit int) ([]Group, error)
	SaveGroup(ctx context.Context, g *Group) error
	// DueGroups lists groups whose DueAt is set and not after now, oldest first.
	DueGroups(ctx context.Context, now time.Time, limit int) ([]Due, error)
}

// Due names a record with something pending, and when that is due.
type Due struct {
	ID string
	At time.Time
}

// Tickets keeps tickets with their topics and links.
type Tickets interface {
	Ticket(ctx context.Context, ticketID string) (*Ticket, error)
	// SaveTicket inserts (Version 0; ErrExists) or updates (ErrConflict). A (group, thread) belongs to one ticket
	// (ErrTopicTaken): a ticket claims those of its home topic and of the links that have not ended, with their former
	// threads. Thread 0 (not opened yet, or a private chat) belongs to no ticket. An external id belongs to one ticket
	// of its creator (ErrExternalIDTaken). When both are taken, the error is ErrExternalIDTaken.
	SaveTicket(ctx context.Context, t *Ticket) error
	// TicketByTopic returns the id of the ticket that the topic belongs to, or ErrNotFound.
	TicketByTopic(ctx context.Context, groupID string, threadID int64) (ticketID string, err error)
	// TakeNumbers takes the next n numbers of tickets, n > 0, and returns the first. Nobody gets one of them again, also
	// when it fails; then they are lost. The first that it takes follows the highest number that a ticket has.
	TakeNumbers(ctx context.Context, n int) (first int64, err error)
	// TicketByNumber returns the id of the ticket with that number, or ErrNotFound.
	TicketByNumber(ctx context.Context, number int64) (string, error)
	// TicketsByShortID lists the ids of tickets with that short id (8 hex digits, upper case), at most 10.
	TicketsByShortID(ctx context.Context, shortID string) ([]string, error)
	// TicketsByCreator lists the tickets of a creator, newest first. openOnly leaves out those whose status is closed.
	TicketsByCreator(ctx context.Context, kind, id string, openOnly bool, limit int) ([]Ticket, error)
	// TicketsWith lists the tickets that have the party (Ticket.Parties), newest first: open ones of people and groups, closed
	// ones of their ClosedParty, all of messages.
	TicketsWith(ctx context.Context, party string, limit int) ([]Ticket, error)
	// DueTickets lists tickets whose DueAt is set and not after now, ordered by (DueAt, id), after the given one.
	DueTickets(ctx context.Context, now time.Time, after Due, limit int) ([]Due, error)
	// ListTickets returns a page of a list. Errors: ErrNoIndex, and ErrSearch for a text that can't be searched for.
	// Every page of a list costs the same.
	ListTickets(ctx context.Context, q TicketQuery) (TicketPage, error)
	// Reindex makes the search index of the next limit tickets anew, if the folding of texts has changed since it was
	// made (FoldVersion). left says whether there is more to do. It continues where it ended, in another process too,
	// also after ErrLeftOut: that says what can't be decoded.
	Reindex(ctx context.Context, limit int) (left bool, err error)
	// CountTickets counts tickets by status.
	CountTickets(ctx context.Context) (map[string]int64, error)
	// CountWaiting counts the tickets that wait for somebody, by whom (WaitsForDesk, WaitsForCustomer). It reads an index that has
	// no others.
	CountWaiting(ctx context.Context) (map[string]int64, error)
	// CountCreated counts the tickets of a status that were created at from or later and before to, all or those of a home
	// group; it reads no ticket.
	CountCreated(ctx context.Context, groupID, status string, from, to time.Time) (int64, error)
}

// Messages keeps messages.
type Messages interface {
	// InsertMessage returns ErrExists when the message id is stored already, and ErrConflict when the sequence is taken.
	InsertMessage(ctx context.Context, m *Message) error
	Message(ctx context.Context, messageID string) (*Message, error)
	// SaveMessage updates (ErrConflict). A message never changes its ticket or sequence: others than the stored ones are
	// ErrConflict too.
	SaveMessage(ctx context.Context, m *Message) error
	// MessagesAfter lists messages of a ticket with sequence > after, in order.
	MessagesAfter(ctx context.Context, ticketID string, after int64, limit int) ([]Message, error)
	// OpenMessages lists a ticket's messages for which Open is true, in order.
	OpenMessages(ctx context.Context, ticketID string, limit int) ([]Message, error)
	// MessagesBefore lists messages of a ticket with sequence < before, newest first.
	MessagesBefore(ctx context.Context, ticketID string, before int64, limit int) ([]Message, error)
	// LastMessages lists the newest messages of a ticket, oldest first, without those that are Hidden.
	LastMessages(ctx context.Context, ticketID string, limit int) ([]Message, error)
	// MessagesAnswering lists the messages, of any ticket, that answer something (Message.Answers), with id > after, ordered
	// by id.
	MessagesAnswering(ctx context.Context, answers, after string, limit int) ([]Message, error)
	// LastSequence returns the highest sequence of a ticket, 0 when it has no message.
	LastSequence(ctx context.Context, ticketID string) (int64, error)
	// MessageVersions lists the versions of a ticket's messages with sequence > after, in order. It reads no content.
	MessageVersions(ctx context.Context, ticketID string, after int64, limit int) ([]MessageVersion, error)
}

// Copies keeps the counterparts of messages.
type Copies interface {
	// SaveCopy inserts (Version 0; ErrExists when (message, topic) is stored) or updates (ErrConflict).
	SaveCopy(ctx context.Context, c *Copy) error
	Copy(ctx context.Context, messageID, topicID string) (*Copy, error)
	// CopiesAt lists the copies that have (Telegram chat id, Telegram message id) as a part, in order of sequence.
	CopiesAt(ctx context.Context, chatID, messageID int64) ([]Copy, error)
	// CopiesAfter lists a link's copies with sequence > after, ordered by (sequence, topic id).
	CopiesAfter(ctx context.Context, linkID string, after int64, limit int) ([]Copy, error)
	// OpenCopies lists a link's copies for which Open is true, in order of sequence.
	OpenCopies(ctx context.Context, linkID string, limit int) ([]Copy, error)
	// FailedCopies lists a link's copies that have failed, with sequence > after, ordered by (sequence, topic id).
	FailedCopies(ctx context.Context, linkID string, after int64, limit int) ([]Copy, error)
	// CopiesOf lists the copies of one message.
	CopiesOf(ctx context.Context, messageID string) ([]Copy, error)
}

// Chats keeps the pace of chats and the answers that are pending there.
type Chats interface {
	Chat(ctx context.Context, chatID string) (*Chat, error)
	SaveChat(ctx context.Context, c *Chat) error
	DueChats(ctx context.Context, now time.Time, limit int) ([]Due, error)
}

// Events keeps the log of events.
type Events interface {
	// AppendEvents stores events of one partition at their positions, in order. An event that is stored at its position
	// with the same id is left as it is. It is ErrConflict when another event has the position, the id or the (ticket,
	// number), and when a position does not follow the last one; an empty partition may begin anywhere. When it fails,
	// the first of the events may be stored.
	AppendEvents(ctx context.Context, events []Event) error
	// EventsAfter lists a ticket's events with number > after, in order.
	EventsAfter(ctx context.Context, ticketID string, after int64, limit int) ([]Event, error)
	Event(ctx context.Context, eventID string) (*Event, error)
	// LogAfter lists events of a partition with position > after, in order. It returns a prefix of what is there: no
	// position below one that it returned becomes visible later.
	LogAfter(ctx context.Context, partition int, after int64, limit int) ([]Event, error)
	// LastPosition returns the highest position of a partition, 0 when it has no event.
	LastPosition(ctx context.Context, partition int) (int64, error)
	// LogBounds lists the bounds of all partitions, Partitions of them.
	LogBounds(ctx context.Context) ([]LogBounds, error)
	// DeleteEvents deletes the oldest events of a partition that happened before a time, at most limit, and returns
	// their number. It stops at the first that is not older, and never deletes the newest of the partition, so that
	// positions go on from it.
	DeleteEvents(ctx context.Context, partition int, before time.Time, limit int) (int, error)
}

// Offsets keeps how far updates were acknowledged.
type Offsets interface {
	Offset(ctx context.Context, name string) (int64, error) // 0 when never saved
	// SaveOffset never moves an offset back.
	SaveOffset(ctx context.Context, name string, offset int64) error
}
