package storagetest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/storage"
)

// testDurability opens the store again, twice, and checks that it has everything that was acknowledged.
func testDurability(t *testing.T, f Factory) {
	if f.Reopen == nil {
		t.Skip("this store keeps nothing")
	}
	ctx := t.Context()
	s := f.Open(t)
	all := map[string][]any{}
	for _, k := range saveables() {
		for id := 1; id <= f.Sizes.Rounds; id++ {
			r := k.record(id)
			noError(t, k.insert(ctx, s, r))
			if id%2 == 0 {
				*k.text(r) = "changed"
				noError(t, k.save(ctx, s, r))
			}
			all[k.name] = append(all[k.name], r)
		}
	}
	noError(t, s.AppendEvents(ctx, []storage.Event{anEvent("A", 1), anEvent("A", 2)}))
	noError(t, s.SaveOffset(ctx, "bot", 77))
	noError(t, s.SaveWaitingUpdates(ctx, []storage.WaitingUpdate{anUpdate("bot", 78), anUpdate("bot", 80)}))
	for opening := int64(1); opening <= 3; opening++ {
		epoch, err := s.TakeLease(ctx, "ticket/A", "me", day)
		noError(t, err)
		same(t, epoch, opening)
		s = f.Reopen(t, s)
		for _, k := range saveables() {
			for _, r := range all[k.name] {
				stored, err := k.load(ctx, s, r)
				noError(t, err)
				same(t, stored, r)
			}
		}
		events, err := s.EventsAfter(ctx, "A", 0, 9)
		noError(t, err)
		same(t, events, []storage.Event{anEvent("A", 1), anEvent("A", 2)})
		offset, err := s.Offset(ctx, "bot")
		noError(t, err)
		same(t, offset, int64(77))
		updates, err := s.WaitingUpdates(ctx, "bot", 0, 9)
		noError(t, err)
		same(t, updates, []storage.WaitingUpdate{anUpdate("bot", 78), anUpdate("bot", 80)})
	}
}

// testCrashes kills the store between any two steps of each kind of write. Afterwards the store must be in the state
// before the write or in the state after it; and once it was in the state after it, never again in the one before.
func testCrashes(t *testing.T, f Factory) {
	if f.Crashes == nil {
		t.Skip("this store can't be killed between its steps")
	}
	ctx := t.Context()
	for _, w := range crashWrites {
		t.Run(w.name, func(t *testing.T) {
			s := f.Open(t)
			prepareCrash(t, s)
			states := []string{state(t, s)}
			crashes := f.Crashes(t, s, func() {
				for _, step := range w.steps {
					noError(t, step(ctx, s))
				}
			})
			// The states in between are those after each step. The same steps on another store yield them.
			again := f.Open(t)
			prepareCrash(t, again)
			for _, step := range w.steps {
				noError(t, step(ctx, again))
				states = append(states, state(t, again))
			}
			same(t, state(t, s), states[len(states)-1])
			at := 0
			for _, crash := range crashes {
				left := crash.Open(t)
				found := state(t, left)
				i := slices.Index(states[at:], found)
				if i < 0 {
					t.Fatalf("a crash %s leaves neither the state before nor the state after:\n%s", crash.Moment, found)
				}
				at += i
				noError(t, left.Close())
			}
			if len(crashes) < 2 || at != len(states)-1 {
				t.Fatalf("after %d crashes state %d of %d was reached", len(crashes), at, len(states)-1)
			}
		})
	}
}

type step = func(ctx context.Context, s storage.Store) error

// crashWrites lists the kinds of writes. Each step is one write, with as much in it as its method allows.
var crashWrites = []struct {
	name  string
	steps []step
}{
	{name: "a new ticket with its topics", steps: []step{func(ctx context.Context, s storage.Store) error {
		ticket := aTicket("B")
		ticket.Home.TelegramTopicID = 21
		ticket.Links = []storage.Link{aLink("B", 1, "g2", 22), aLink("B", 2, "g3", 23)}
		return s.SaveTicket(ctx, ticket)
	}}},
	{name: "a ticket that changes status and topics", steps: []step{func(ctx context.Context, s storage.Store) error {
		ticket, err := s.Ticket(ctx, "A")
		if err != nil {
			return err
		}
		ticket.Status, ticket.Home.TelegramTopicID, ticket.Links[0].Ended = "closed", 13, true
		ticket.Links = append(ticket.Links, aLink("A", 2, "g3", 14))
		return s.SaveTicket(ctx, ticket)
	}}},
	{name: "a group that migrates", steps: []step{func(ctx context.Context, s storage.Store) error {
		g, err := s.Group(ctx, "g1")
		if err != nil {
			return err
		}
		g.FormerIDs, g.TelegramGroupID = []int64{-1, -9}, -1001
		return s.SaveGroup(ctx, g)
	}}},
	{name: "a copy with parts", steps: []step{func(ctx context.Context, s storage.Store) error {
		return s.SaveCopy(ctx, aCopy("m2", "home", "A:1", 2, 61, 62, 63))
	}}},
	{name: "a copy that gets other parts", steps: []step{func(ctx context.Context, s storage.Store) error {
		c, err := s.Copy(ctx, "m1", "A:1")
		if err != nil {
			return err
		}
		c.Parts, c.State = []int64{51, 54, 55}, "partial"
		return s.SaveCopy(ctx, c)
	}}},
	{name: "a message", steps: []step{func(ctx context.Context, s storage.Store) error {
		return s.InsertMessage(ctx, aMessage("A", 2))
	}}},
	{name: "a lease", steps: []step{func(ctx context.Context, s storage.Store) error {
		_, err := s.TakeLease(ctx, "ticket/A", "b", day)
		return err
	}}},
	{name: "events", steps: func() (steps []step) {
		// One event in each step: a store may keep the first events of a call that is interrupted.
		for n := int64(2); n <= 4; n++ {
			steps = append(steps, func(ctx context.Context, s storage.Store) error {
				return s.AppendEvents(ctx, []storage.Event{anEvent("A", n)})
			})
		}
		return steps
	}()},
	{name: "a webhook and its deliveries", steps: []step{
		func(ctx context.Context, s storage.Store) error {
			w := aWebhook("wh_1")
			w.Name = "crm"
			return s.SaveWebhook(ctx, w)
		},
		func(ctx context.Context, s storage.Store) error {
			return s.SaveDeliveries(ctx, []*storage.Delivery{aDelivery("wh_1", 1)})
		},
		func(ctx context.Context, s storage.Store) error {
			d, err := s.Delivery(ctx, "wh_1", "evt_1")
			if err != nil {
				return err
			}
			d.State = storage.DeliverySent
			return s.SaveDeliveries(ctx, []*storage.Delivery{d})
		},
	}},
	{name: "one write after another", steps: []step{
		func(ctx context.Context, s storage.Store) error { return s.InsertMessage(ctx, aMessage("A", 2)) },
		func(ctx context.Context, s storage.Store) error {
			return s.SaveUser(ctx, &storage.User{TelegramID: 2, Username: "nok"})
		},
		func(ctx context.Context, s storage.Store) error {
			return s.SaveChat(ctx, &storage.Chat{ChatID: "g2", DueAt: day})
		},
		func(ctx context.Context, s storage.Store) error { return s.SaveOffset(ctx, "bot", 8) },
		func(ctx context.Context, s storage.Store) error {
			return s.SaveWaitingUpdates(ctx, []storage.WaitingUpdate{anUpdate("bot", 7)})
		},
		func(ctx context.Context, s storage.Store) error {
			return s.DeleteWaitingUpdates(ctx, "bot", []int64{6})
		},
	}},
}

func prepareCrash(t *testing.T, s storage.Store) {
	t.Helper()
	ctx := t.Context()
	ticket := aTicket("A")
	ticket.Home.TelegramTopicID = 11
	ticket.Links = []storage.Link{aLink("A", 1, "g2", 12)}
	noError(t, s.SaveTicket(ctx, ticket))
	noError(t, s.SaveGroup(ctx, &storage.Group{GroupID: "g1", TelegramGroupID: -1}))
	noError(t, s.InsertMessage(ctx, aMessage("A", 1)))
	noError(t, s.SaveCopy(ctx, aCopy("m1", "A:1", "A:1", 1, 51, 52, 53)))
	noError(t, s.AppendEvents(ctx, []storage.Event{anEvent("A", 1)}))
	noError(t, s.SaveOffset(ctx, "bot", 7))
	noError(t, s.SaveWaitingUpdates(ctx, []storage.WaitingUpdate{anUpdate("bot", 6)}))
	_, err := s.TakeLease(ctx, "ticket/A", "a", day)
	noError(t, err)
}

// state returns everything that the writes above can change, as text.
func state(t *testing.T, s storage.Store) string {
	t.Helper()
	ctx := t.Context()
	var b strings.Builder
	note := func(what any, value any, err error) {
		if err != nil {
			value = "none"
			if kind(err) != storage.ErrNotFound {
				t.Fatal(err)
			}
		}
		text, err := json.Marshal(value)
		noError(t, err)
		fmt.Fprintf(&b, "%v: %s\n", what, text)
	}
	for _, id := range []string{"A", "B"} {
		ticket, err := s.Ticket(ctx, id)
		note(id, ticket, err)
	}
	for group, threads := range map[string][]int64{"g1": {11, 13, 21}, "g2": {12, 22}, "g3": {14, 23}} {
		for _, thread := range threads {
			id, err := s.TicketByTopic(ctx, group, thread)
			note(fmt.Sprint(group, thread), id, err)
		}
	}
	counts, err := s.CountTickets(ctx)
	note("counts", counts, err)
	for _, id := range []int64{-1, -9, -1001} {
		g, err := s.GroupByTelegramID(ctx, id)
		note(id, g, err)
	}
	messages, err := s.MessagesAfter(ctx, "A", 0, 9)
	note("messages", messages, err)
	copies, err := s.CopiesAfter(ctx, "A:1", 0, 9)
	note("copies", copies, err)
	for part := int64(51); part <= 63; part++ {
		copies, err := s.CopiesAt(ctx, -1002, part)
		note(part, copies, err)
	}
	attachments, err := s.TicketAttachments(ctx, "A", 0, "", 9)
	note("attachments", attachments, err)
	open, err := s.OpenCopies(ctx, "A:1", 9)
	note("open", open, err)
	events, err := s.EventsAfter(ctx, "A", 0, 9)
	note("events", events, err)
	last, err := s.LastPosition(ctx, storage.PartitionOf("A"))
	note("log", last, err)
	hook, err := s.Webhook(ctx, "wh_1")
	note("webhook", hook, err)
	deliveries, err := s.ListDeliveries(ctx, storage.DeliveryQuery{WebhookID: "wh_1", Limit: 9})
	note("deliveries", deliveries, err)
	unsent, err := s.OpenDeliveries(ctx, "wh_1", 0, 0, 9)
	note("open deliveries", unsent, err)
	user, err := s.UserByUsername(ctx, "nok")
	note("user", user, err)
	due, err := s.DueChats(ctx, day, 9)
	note("due", due, err)
	offset, err := s.Offset(ctx, "bot")
	note("offset", offset, err)
	updates, err := s.WaitingUpdates(ctx, "bot", 0, 9)
	note("updates", updates, err)
	lease, err := s.Lease(ctx, "ticket/A")
	note("lease", lease, err)
	lines := strings.Split(b.String(), "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
