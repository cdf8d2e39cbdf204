package storagetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/topicdesk/topicdesk/storage"
)

// testMachine makes random calls on few records, so that they meet, and expects the results of the model.
// A failure is shrunk to the shortest sequence of calls that shows it.
func testMachine(t *testing.T, f Factory) {
	rapid.Check(t, func(rt *rapid.T) {
		m := &machine{ctx: t.Context(), store: f.Open(t), model: newModel()}
		defer func() { noError(t, m.store.Close()) }()
		rt.Repeat(map[string]func(*rapid.T){
			"lease": m.lease, "offset": m.offset, "user": m.user, "group": m.group, "ticket": m.ticket, "numbers": m.numbers,
			"message": m.message, "copy": m.copy, "attachment": m.attachment, "chat": m.chat, "events": m.events,
			"key": m.key, "answer": m.answer, "webhook": m.webhook, "delivery": m.delivery, "replay": m.replay,
			"sample": m.sample, "update": m.update, "error": m.errorGroup, "problem": m.problem, "tally": m.tally,
			"": m.compare,
		})
	})
}

type machine struct {
	ctx   context.Context
	store storage.Store
	model *model
}

// both calls the store and the model and expects the same result.
func both[T any](t *rapid.T, m *machine, what string, call func(s storage.Store) (T, error)) {
	t.Helper()
	want, wantErr := call(m.model)
	got, err := call(m.store)
	if kind(err) != kind(wantErr) {
		t.Fatalf("%s: got error %v, want %v", what, err, wantErr)
	}
	if diff := difference(got, want); diff != "" {
		t.Fatalf("%s: got what is + and wanted what is -:\n%s", what, diff)
	}
}

// saveBoth saves a record in both. Each gets a copy of its own, and must leave it the same as the other.
func saveBoth[T any](t *rapid.T, m *machine, record T, save func(storage.Store, context.Context, *T) error) {
	t.Helper()
	both(t, m, fmt.Sprintf("save %+v", record), func(s storage.Store) (T, error) {
		r := isolated(record)
		err := save(s, m.ctx, &r)
		return r, err
	})
}

func number(t *rapid.T, label string, to int) int64 {
	return int64(rapid.IntRange(0, to).Draw(t, label))
}

func name(t *rapid.T, label string, of ...string) string { return rapid.SampledFrom(of).Draw(t, label) }

func when(t *rapid.T, label string) time.Time {
	if n := number(t, label, 4); n > 0 {
		return minute(int(n))
	}
	return time.Time{}
}

// version is mostly that of the stored record, so that enough saves succeed.
func version[T any](t *rapid.T, stored *T, err error, of func(*T) int64) int64 {
	current := int64(0)
	if err == nil {
		current = of(stored)
	}
	if number(t, "stale", 4) == 0 {
		return number(t, "version", 3)
	}
	return current
}

func (m *machine) lease(t *rapid.T) {
	entity, holder := name(t, "entity", "ticket/A", "link/A:1"), name(t, "owner", "a", "b")
	both(t, m, "TakeLease", func(s storage.Store) (int64, error) { return s.TakeLease(m.ctx, entity, holder, day) })
}

func (m *machine) offset(t *rapid.T) {
	at := number(t, "offset", 9)
	both(t, m, "SaveOffset", func(s storage.Store) (any, error) { return nil, s.SaveOffset(m.ctx, "bot", at) })
}

func (m *machine) user(t *rapid.T) {
	u := storage.User{
		TelegramID: number(t, "id", 3), Username: name(t, "username", "", "Nok", "nok", "NOI"),
		FirstName: name(t, "name", "", "a", "B", "b"), DefaultGroupID: name(t, "group", "", "g1"),
		UpdatedAt: when(t, "updated"), DueAt: when(t, "due"), CurrentTicketID: name(t, "ticket", "", "A"),
	}
	stored, err := m.model.User(m.ctx, u.TelegramID)
	u.Version = version(t, stored, err, func(u *storage.User) int64 { return u.Version })
	if number(t, "delete", 4) == 0 {
		both(t, m, "DeleteUser", func(s storage.Store) (any, error) {
			return nil, s.DeleteUser(m.ctx, u.TelegramID, u.Version)
		})
		return
	}
	saveBoth(t, m, u, storage.Store.SaveUser)
}

func (m *machine) key(t *rapid.T) {
	k := anAPIKey(name(t, "id", "k1", "k2", "k3"))
	k.GroupID = name(t, "group", "", "g1")
	stored, err := m.model.APIKey(m.ctx, k.KeyID)
	k.Version = version(t, stored, err, func(k *storage.APIKey) int64 { return k.Version })
	saveBoth(t, m, *k, storage.Store.SaveAPIKey)
}

func (m *machine) answer(t *rapid.T) {
	i := anIdempotency(name(t, "id", "k1/1", "k1/2", "k2/1"))
	i.ExpiresAt = minute(int(number(t, "expires", 4)))
	if number(t, "delete", 2) == 0 {
		limit := int(number(t, "limit", 2))
		both(t, m, "DeleteIdempotencies", func(s storage.Store) (int, error) {
			return s.DeleteIdempotencies(m.ctx, i.ExpiresAt, limit)
		})
		return
	}
	stored, err := m.model.Idempotency(m.ctx, i.RequestID)
	i.Version = version(t, stored, err, func(i *storage.Idempotency) int64 { return i.Version })
	saveBoth(t, m, *i, storage.Store.SaveIdempotency)
}

func (m *machine) group(t *rapid.T) {
	g := storage.Group{
		GroupID: name(t, "id", "g1", "g2"), TelegramGroupID: -number(t, "chat", 2), DueAt: when(t, "due"),
		FormerIDs: rapid.SliceOfN(rapid.Int64Range(-2, 0), 0, 2).Draw(t, "former"),
	}
	stored, err := m.model.Group(m.ctx, g.GroupID)
	g.Version = version(t, stored, err, func(g *storage.Group) int64 { return g.Version })
	saveBoth(t, m, g, storage.Store.SaveGroup)
}

func (m *machine) ticket(t *rapid.T) {
	ticket := aTicket(name(t, "id", "A", "B", "C"))
	ticket.Status = name(t, "status", "open", "pending", "closed")
	ticket.ShortID = name(t, "short", "00000001", "00000002")
	ticket.CreatedBy.ID = name(t, "creator", "1", "2")
	ticket.CreatedAt, ticket.UpdatedAt, ticket.DueAt = when(t, "created"), when(t, "updated"), when(t, "due")
	ticket.Priority, ticket.GroupID = name(t, "priority", "low", "high"), name(t, "of group", "g1", "g2")
	ticket.Number, ticket.LastMessageAt = number(t, "number", 3), when(t, "message at")
	ticket.ExternalID = name(t, "external", "", "x", "y")
	ticket.WaitingFor, ticket.WaitingSince = name(t, "waiting for", "", "desk", "customer"), when(t, "waiting since")
	ticket.Timers = storage.Timers{Settings: number(t, "settings", 2), OverdueAt: when(t, "overdue"), SnoozedUntil: when(t, "snoozed"),
		WarnsAt: when(t, "warns"), ClosesAt: when(t, "closes")}
	if assignee := name(t, "assignee", "", "1", "2"); assignee != "" {
		ticket.Assignee = &storage.Creator{Kind: "user", ID: assignee}
	}
	ticket.Title = name(t, "title", "Printer", "printing", "เครื่องพิมพ์")
	ticket.Home.TelegramTopicID = number(t, "home", 3)
	for i := range number(t, "links", 2) {
		l := aLink(ticket.TicketID, int(i), name(t, "group", "g1", "g2"), number(t, "thread", 3))
		l.Ended = rapid.Bool().Draw(t, "ended")
		ticket.Links = append(ticket.Links, l)
	}
	stored, err := m.model.Ticket(m.ctx, ticket.TicketID)
	ticket.Version = version(t, stored, err, func(t *storage.Ticket) int64 { return t.Version })
	saveBoth(t, m, *ticket, storage.Store.SaveTicket)
}

func (m *machine) numbers(t *rapid.T) {
	n := int(1 + number(t, "how many", 2))
	both(t, m, "TakeNumbers", func(s storage.Store) (int64, error) { return s.TakeNumbers(m.ctx, n) })
}

func (m *machine) message(t *rapid.T) {
	msg := aMessage(name(t, "ticket", "A", "B"), number(t, "sequence", 4))
	msg.MessageID = fmt.Sprint(number(t, "id", 4))
	msg.Internal, msg.Deleted = rapid.Bool().Draw(t, "internal"), number(t, "deleted", 4) == 0
	msg.Outdated = rapid.Bool().Draw(t, "behind")
	if rapid.Bool().Draw(t, "insert") {
		msg.ReplyTo = answering(rapid.SampledFrom(answeredIDs).Draw(t, "answers"))
		saveBoth(t, m, *msg, storage.Store.InsertMessage)
		return
	}
	stored, err := m.model.Message(m.ctx, msg.MessageID)
	if err == nil && number(t, "moved", 3) > 0 {
		msg.TicketID, msg.Sequence = stored.TicketID, stored.Sequence
	}
	if err == nil {
		msg.ReplyTo = stored.ReplyTo
	}
	msg.Version = version(t, stored, err, messageVersionOf)
	saveBoth(t, m, *msg, storage.Store.SaveMessage)
}

func messageVersionOf(m *storage.Message) int64 { return m.Version }

func (m *machine) copy(t *rapid.T) {
	sequence := 1 + number(t, "sequence", 2) // a message has one
	c := aCopy(fmt.Sprint("m", sequence), name(t, "topic", "home", "A:1"), name(t, "link", "A:1", "A:2"), sequence)
	c.ChatID = -number(t, "chat", 1)
	c.Parts = rapid.SliceOfN(rapid.Int64Range(1, 4), 0, 3).Draw(t, "parts")
	c.State, c.Reported = name(t, "state", "partial", "sent", "failed"), rapid.Bool().Draw(t, "told")
	stored, err := m.model.Copy(m.ctx, c.MessageID, c.TopicID)
	c.Version = version(t, stored, err, func(c *storage.Copy) int64 { return c.Version })
	saveBoth(t, m, *c, storage.Store.SaveCopy)
}

func (m *machine) attachment(t *rapid.T) {
	a := anAttachment(name(t, "ticket", "A", "B"), number(t, "sequence", 3))
	a.AttachmentID = fmt.Sprint(number(t, "id", 4))
	a.SHA256, a.DueAt = name(t, "content", "", "x", "y"), when(t, "due")
	if rapid.Bool().Draw(t, "insert") {
		both(t, m, "InsertAttachments", func(s storage.Store) (any, error) {
			return nil, s.InsertAttachments(m.ctx, []storage.Attachment{*a})
		})
		return
	}
	stored, err := m.model.Attachment(m.ctx, a.AttachmentID)
	a.Version = version(t, stored, err, func(a *storage.Attachment) int64 { return a.Version })
	saveBoth(t, m, *a, storage.Store.SaveAttachment)
}

func (m *machine) chat(t *rapid.T) {
	c := storage.Chat{ChatID: name(t, "id", "g1", "g2"), DueAt: when(t, "due")}
	stored, err := m.model.Chat(m.ctx, c.ChatID)
	c.Version = version(t, stored, err, func(c *storage.Chat) int64 { return c.Version })
	saveBoth(t, m, c, storage.Store.SaveChat)
}

// events appends one event at a time: of several, a store may keep the first when it refuses a later one.
func (m *machine) events(t *rapid.T) {
	partition := int(number(t, "partition", 2))
	if number(t, "delete", 4) == 0 {
		before, limit := minute(int(number(t, "before", 5))), int(number(t, "limit", 3))
		both(t, m, "DeleteEvents", func(s storage.Store) (int, error) {
			return s.DeleteEvents(m.ctx, partition, before, limit)
		})
		return
	}
	ticket, nth := name(t, "ticket", "A", "B", ""), 1+number(t, "number", 3)
	if ticket == "" {
		nth = 0
	}
	e := logEvent(ticket, nth, partition, 1+number(t, "position", 4))
	e.EventID = name(t, "event", "v", "w", "x", "y", "z")
	both(t, m, "AppendEvents", func(s storage.Store) (any, error) {
		return nil, s.AppendEvents(m.ctx, []storage.Event{e})
	})
}

// compare compares the results of one random reading call after each step.
func (m *machine) compare(t *rapid.T) {
	ctx, limit := m.ctx, int(number(t, "limit", 3))
	n, after := number(t, "n", 4), number(t, "after", 4)
	ticket, link := name(t, "of ticket", "A", "B"), name(t, "of link", "A:1", "A:2")
	call := number(t, "query", 19)
	switch call {
	case 14, 15:
		q := anyQuery(t)
		both(t, m, fmt.Sprintf("ListTickets %+v", q), func(s storage.Store) (storage.TicketPage, error) {
			return s.ListTickets(ctx, q)
		})
	case 0:
		both(t, m, "UserByUsername", func(s storage.Store) (*storage.User, error) { return s.UserByUsername(ctx, "NOK") })
		both(t, m, "InternalUsers", func(s storage.Store) ([]any, error) {
			page, total, err := s.InternalUsers(ctx, int(n), limit)
			return []any{page, total}, err
		})
	case 1:
		both(t, m, "GroupByTelegramID", func(s storage.Store) (*storage.Group, error) {
			return s.GroupByTelegramID(ctx, -n)
		})
		both(t, m, "Groups", func(s storage.Store) ([]storage.Group, error) { return s.Groups(ctx, "g1", limit) })
	case 2:
		both(t, m, "DueUsers", func(s storage.Store) ([]storage.Due, error) {
			return s.DueUsers(ctx, minute(int(n)), limit)
		})
		both(t, m, "DueGroups", func(s storage.Store) ([]storage.Due, error) {
			return s.DueGroups(ctx, minute(int(n)), limit)
		})
		both(t, m, "DueChats", func(s storage.Store) ([]storage.Due, error) {
			return s.DueChats(ctx, minute(int(n)), limit)
		})
	case 3:
		both(t, m, "DueTickets", func(s storage.Store) ([]storage.Due, error) {
			return s.DueTickets(ctx, minute(int(n)), storage.Due{ID: ticket, At: minute(int(after))}, limit)
		})
	case 4:
		both(t, m, "TicketByTopic", func(s storage.Store) (string, error) { return s.TicketByTopic(ctx, "g1", n) })
		both(t, m, "TicketByTopic", func(s storage.Store) (string, error) { return s.TicketByTopic(ctx, "g2", n) })
	case 5:
		both(t, m, "TicketsByShortID", func(s storage.Store) ([]string, error) {
			return s.TicketsByShortID(ctx, "00000001")
		})
		both(t, m, "TicketByNumber", func(s storage.Store) (string, error) { return s.TicketByNumber(ctx, 1+n) })
		both(t, m, "CountCreated", func(s storage.Store) (int64, error) {
			return s.CountCreated(ctx, []string{"", "g1", "g2"}[n%3], "open", minute(int(n)), minute(int(n)+2))
		})
		both(t, m, "CountTickets", func(s storage.Store) (map[string]int64, error) { return s.CountTickets(ctx) })
		both(t, m, "CountWaiting", func(s storage.Store) (map[string]int64, error) { return s.CountWaiting(ctx) })
	case 6:
		both(t, m, "TicketsByCreator", func(s storage.Store) ([]storage.Ticket, error) {
			return s.TicketsByCreator(ctx, "user", "1", n%2 == 0, limit)
		})
		both(t, m, "TicketsWith", func(s storage.Store) ([]storage.Ticket, error) {
			return s.TicketsWith(ctx, []string{"g1", "g2", "u1", "closed/g1", "closed/g2", "closed/u1"}[n%6], limit)
		})
	case 16:
		group := []string{"", "g1"}[n%2]
		both(t, m, "Users", func(s storage.Store) ([]storage.User, error) { return s.Users(ctx, group, after, limit) })
		both(t, m, "APIKeys", func(s storage.Store) ([]storage.APIKey, error) { return s.APIKeys(ctx, group, "k1", limit) })
		both(t, m, "Idempotency", func(s storage.Store) (*storage.Idempotency, error) { return s.Idempotency(ctx, "k1/1") })
	case 13:
		both(t, m, "Lease", func(s storage.Store) (storage.Lease, error) { return s.Lease(ctx, "ticket/A") })
	default:
		m.compareMessages(t, call, ticket, link, n, after, limit)
	}
}

// compareMessages is the part of compare about what belongs to messages and events.
func (m *machine) compareMessages(t *rapid.T, call int64, ticket, link string, n, after int64, limit int) {
	ctx := m.ctx
	switch call {
	case 7:
		both(t, m, "MessagesAfter", func(s storage.Store) ([]storage.Message, error) {
			return s.MessagesAfter(ctx, ticket, after, limit)
		})
		both(t, m, "MessagesBefore", func(s storage.Store) ([]storage.Message, error) {
			return s.MessagesBefore(ctx, ticket, after, limit)
		})
		both(t, m, "MessageVersions", func(s storage.Store) ([]storage.MessageVersion, error) {
			return s.MessageVersions(ctx, ticket, after, limit)
		})
		both(t, m, "LastSequence", func(s storage.Store) (int64, error) { return s.LastSequence(ctx, ticket) })
	case 8:
		both(t, m, "OpenMessages", func(s storage.Store) ([]storage.Message, error) {
			return s.OpenMessages(ctx, ticket, limit)
		})
		both(t, m, "MessagesAnswering", func(s storage.Store) ([]storage.Message, error) {
			return s.MessagesAnswering(ctx, answeredIDs[n%int64(len(answeredIDs))], "", limit)
		})
		both(t, m, "LastMessages", func(s storage.Store) ([]storage.Message, error) {
			return s.LastMessages(ctx, ticket, limit)
		})
	case 9:
		both(t, m, "CopiesAt", func(s storage.Store) ([]storage.Copy, error) { return s.CopiesAt(ctx, -(n % 2), after) })
		both(t, m, "CopiesOf", func(s storage.Store) ([]storage.Copy, error) { return s.CopiesOf(ctx, "m1") })
	case 10:
		both(t, m, "CopiesAfter", func(s storage.Store) ([]storage.Copy, error) {
			return s.CopiesAfter(ctx, link, after, 9)
		})
	case 11:
		both(t, m, "OpenCopies", func(s storage.Store) ([]storage.Copy, error) { return s.OpenCopies(ctx, link, 9) })
		both(t, m, "FailedCopies", func(s storage.Store) ([]storage.Copy, error) {
			return s.FailedCopies(ctx, link, after, 9)
		})
	case 12:
		both(t, m, "EventsAfter", func(s storage.Store) ([]storage.Event, error) {
			return s.EventsAfter(ctx, ticket, after, limit)
		})
		both(t, m, "LogAfter", func(s storage.Store) ([]storage.Event, error) {
			return s.LogAfter(ctx, int(n), after, limit)
		})
		both(t, m, "LogBounds", func(s storage.Store) ([]storage.LogBounds, error) { return s.LogBounds(ctx) })
		both(t, m, "LastPosition", func(s storage.Store) (int64, error) { return s.LastPosition(ctx, int(n)) })
		id := name(t, "of event", "v", "w", "x", "y", "z")
		both(t, m, "Event", func(s storage.Store) (*storage.Event, error) { return s.Event(ctx, id) })
		both(t, m, "Offset", func(s storage.Store) (int64, error) { return s.Offset(ctx, "bot") })
		m.compareUpdates(t)
	case 17:
		both(t, m, "TicketAttachments", func(s storage.Store) ([]storage.Attachment, error) {
			return s.TicketAttachments(ctx, ticket, after, fmt.Sprint(n), limit)
		})
		both(t, m, "AttachmentsWith", func(s storage.Store) ([]storage.Attachment, error) {
			return s.AttachmentsWith(ctx, "x", limit)
		})
		both(t, m, "AttachmentsAfter", func(s storage.Store) ([]storage.Attachment, error) {
			return s.AttachmentsAfter(ctx, fmt.Sprint(n), limit)
		})
	case 19:
		m.compareWebhooks(t)
		m.compareMonitor(t)
		m.compareTallies(t)
	case 18:
		both(t, m, "PendingAttachments", func(s storage.Store) ([]storage.Attachment, error) {
			return s.PendingAttachments(ctx, ticket, minute(int(n)), limit)
		})
		both(t, m, "DueAttachments", func(s storage.Store) ([]storage.DueAttachment, error) {
			return s.DueAttachments(ctx, minute(int(n)), storage.Due{ID: fmt.Sprint(n), At: minute(int(after))}, limit)
		})
	}
}
