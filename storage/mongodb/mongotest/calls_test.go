package mongotest_test

import (
	"context"
	"fmt"

	"github.com/topicdesk/topicdesk/storage"
)

// calls lists the calls of the contract, in an order in which each finds what it needs.
var calls = []struct {
	name  string
	write bool
	do    func(ctx context.Context, s storage.Store) (any, error)
}{
	{"SaveUser", true, func(ctx context.Context, s storage.Store) (any, error) {
		u := &storage.User{TelegramID: 7, Username: "Nok", DefaultGroupID: "g1", UpdatedAt: at}
		return u, s.SaveUser(ctx, u)
	}},
	{"User", false, func(ctx context.Context, s storage.Store) (any, error) { return s.User(ctx, 7) }},
	{"UserByUsername", false, func(ctx context.Context, s storage.Store) (any, error) {
		return s.UserByUsername(ctx, "nok")
	}},
	{"InternalUsers", false, func(ctx context.Context, s storage.Store) (any, error) {
		page, total, err := s.InternalUsers(ctx, 0, 9)
		return []any{page, total}, err
	}},
	{"DueUsers", false, func(ctx context.Context, s storage.Store) (any, error) { return s.DueUsers(ctx, at, 9) }},
	{"SaveGroup", true, func(ctx context.Context, s storage.Store) (any, error) {
		g := &storage.Group{GroupID: "g1", TelegramGroupID: -1, DueAt: at}
		return g, s.SaveGroup(ctx, g)
	}},
	{"SaveGroup again", true, func(ctx context.Context, s storage.Store) (any, error) {
		g := &storage.Group{GroupID: "g1", TelegramGroupID: -2, FormerIDs: []int64{-1}, DueAt: at, Version: 1}
		return g, s.SaveGroup(ctx, g)
	}},
	{"Group", false, func(ctx context.Context, s storage.Store) (any, error) { return s.Group(ctx, "g1") }},
	{"GroupByTelegramID", false, func(ctx context.Context, s storage.Store) (any, error) {
		return s.GroupByTelegramID(ctx, -1)
	}},
	{"Groups", false, func(ctx context.Context, s storage.Store) (any, error) { return s.Groups(ctx, "", 9) }},
	{"DueGroups", false, func(ctx context.Context, s storage.Store) (any, error) { return s.DueGroups(ctx, at, 9) }},
	{"SaveTicket", true, func(ctx context.Context, s storage.Store) (any, error) {
		t := aTicket("A")
		return t, s.SaveTicket(ctx, t)
	}},
	{"SaveTicket again", true, func(ctx context.Context, s storage.Store) (any, error) {
		t := aTicket("A")
		t.Version, t.Status, t.Home.TelegramTopicID = 1, "pending", 8
		return t, s.SaveTicket(ctx, t)
	}},
	{"Ticket", false, func(ctx context.Context, s storage.Store) (any, error) { return s.Ticket(ctx, "A") }},
	{"TicketByTopic", false, func(ctx context.Context, s storage.Store) (any, error) {
		return s.TicketByTopic(ctx, "g1", 8)
	}},
	{"TicketsByShortID", false, func(ctx context.Context, s storage.Store) (any, error) {
		return s.TicketsByShortID(ctx, "0A1B2C3D")
	}},
	{"TicketsByCreator", false, func(ctx context.Context, s storage.Store) (any, error) {
		return s.TicketsByCreator(ctx, "user", "7", true, 9)
	}},
	{"TicketsWith", false, func(ctx context.Context, s storage.Store) (any, error) {
		return s.TicketsWith(ctx, "g1", 9)
	}},
	{"DueTickets", false, func(ctx context.Context, s storage.Store) (any, error) {
		return s.DueTickets(ctx, at, storage.Due{}, 9)
	}},
	{"CountCreated", false, func(ctx context.Context, s storage.Store) (any, error) {
		return s.CountCreated(ctx, "", "open", at, at.AddDate(0, 0, 1))
	}},
	{"CountWaiting", false, func(ctx context.Context, s storage.Store) (any, error) { return s.CountWaiting(ctx) }},
	{"CountTickets", false, func(ctx context.Context, s storage.Store) (any, error) { return s.CountTickets(ctx) }},
	{"InsertMessage", true, func(ctx context.Context, s storage.Store) (any, error) {
		m := aMessage("A", 1)
		return m, s.InsertMessage(ctx, m)
	}},
	{"SaveMessage", true, func(ctx context.Context, s storage.Store) (any, error) {
		m := aMessage("A", 1)
		m.Version, m.Text = 1, "edited"
		return m, s.SaveMessage(ctx, m)
	}},
	{"Message", false, func(ctx context.Context, s storage.Store) (any, error) { return s.Message(ctx, "A:1") }},
	{"MessagesAfter", false, func(ctx context.Context, s storage.Store) (any, error) {
		return s.MessagesAfter(ctx, "A", 0, 9)
	}},
	{"LastMessages", false, func(ctx context.Context, s storage.Store) (any, error) {
		return s.LastMessages(ctx, "A", 9)
	}},
	{"MessagesAnswering", false, func(ctx context.Context, s storage.Store) (any, error) {
		return s.MessagesAnswering(ctx, "A", "", 9)
	}},
	{"MessageVersions", false, func(ctx context.Context, s storage.Store) (any, error) {
		return s.MessageVersions(ctx, "A", 0, 9)
	}},
	{"LastSequence", false, func(ctx context.Context, s storage.Store) (any, error) { return s.LastSequence(ctx, "A") }},
	{"SaveCopy", true, func(ctx context.Context, s storage.Store) (any, error) {
		c := aCopy()
		return c, s.SaveCopy(ctx, c)
	}},
	{"SaveCopy again", true, func(ctx context.Context, s storage.Store) (any, error) {
		c := aCopy()
		c.Version, c.Parts = 1, []int64{51, 52}
		return c, s.SaveCopy(ctx, c)
	}},
	{"Copy", false, func(ctx context.Context, s storage.Store) (any, error) { return s.Copy(ctx, "A:1", "A:1") }},
	{"CopiesAt", false, func(ctx context.Context, s storage.Store) (any, error) { return s.CopiesAt(ctx, -2, 52) }},
	{"CopiesAfter", false, func(ctx context.Context, s storage.Store) (any, error) {
		return s.CopiesAfter(ctx, "A:1", 0, 9)
	}},
	{"OpenCopies", false, func(ctx context.Context, s storage.Store) (any, error) { return s.OpenCopies(ctx, "A:1", 9) }},
	{"CopiesOf", false, func(ctx context.Context, s storage.Store) (any, error) { return s.CopiesOf(ctx, "A:1") }},
	{"SaveChat", true, func(ctx context.Context, s storage.Store) (any, error) {
		c := &storage.Chat{ChatID: "g1", DueAt: at}
		return c, s.SaveChat(ctx, c)
	}},
	{"Chat", false, func(ctx context.Context, s storage.Store) (any, error) { return s.Chat(ctx, "g1") }},
	{"DueChats", false, func(ctx context.Context, s storage.Store) (any, error) { return s.DueChats(ctx, at, 9) }},
	{"AppendEvents", true, func(ctx context.Context, s storage.Store) (any, error) {
		return nil, s.AppendEvents(ctx, []storage.Event{anEvent(1), anEvent(2), anEvent(3)})
	}},
	{"EventsAfter", false, func(ctx context.Context, s storage.Store) (any, error) {
		return s.EventsAfter(ctx, "A", 0, 9)
	}},
	{"TakeLease", true, func(ctx context.Context, s storage.Store) (any, error) {
		return s.TakeLease(ctx, "ticket/A", "me", at)
	}},
	{"TakeLease again", true, func(ctx context.Context, s storage.Store) (any, error) {
		return s.TakeLease(ctx, "ticket/A", "me", at)
	}},
	{"Lease", false, func(ctx context.Context, s storage.Store) (any, error) { return s.Lease(ctx, "ticket/A") }},
	{"SaveOffset", true, func(ctx context.Context, s storage.Store) (any, error) {
		return nil, s.SaveOffset(ctx, "bot", 7)
	}},
	{"Offset", false, func(ctx context.Context, s storage.Store) (any, error) { return s.Offset(ctx, "bot") }},
	{"Ping", false, func(ctx context.Context, s storage.Store) (any, error) { return nil, s.Ping(ctx) }},
}

func aTicket(id string) *storage.Ticket {
	return &storage.Ticket{
		TicketID: id, ShortID: "0A1B2C3D", Title: "Printer", Status: "open",
		CreatedBy: storage.Creator{Kind: "user", ID: "7"},
		CreatedAt: at, UpdatedAt: at, DueAt: at, Home: storage.Topic{TopicID: "home", GroupID: "g1", TelegramTopicID: 7},
	}
}

func aMessage(ticket string, sequence int64) *storage.Message {
	return &storage.Message{
		MessageID: fmt.Sprintf("%s:%d", ticket, sequence), TicketID: ticket, Sequence: sequence, Text: "No paper",
		SentAt: at, RecordedAt: at,
	}
}

func aCopy() *storage.Copy {
	return &storage.Copy{
		MessageID: "A:1", TopicID: "A:1", TicketID: "A", LinkID: "A:1", Sequence: 1, ChatID: -2, Parts: []int64{51},
		Wanted: 2, State: "partial",
	}
}

func anEvent(n int64) storage.Event {
	return storage.Event{
		EventID: fmt.Sprint("e", n), TicketID: "A", Number: n, Type: "message.sent", At: at, Data: []byte(`{"n":1}`),
		Partition: storage.PartitionOf("A"), Position: n,
	}
}
