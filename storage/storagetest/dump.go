package storagetest

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"testing"

	"github.com/topicdesk/topicdesk/storage"
)

// testDump tests storage.Dumper, on stores that implement it.
func testDump(t *testing.T, f Factory) {
	dumper := func(t *testing.T, s storage.Store) storage.Dumper {
		t.Helper()
		d, ok := s.(storage.Dumper)
		if !ok {
			t.Skip("this store can't be dumped")
		}
		return d
	}
	ctx := t.Context()
	t.Run("all records come in the order of their keys, and another store keeps them as they are", func(t *testing.T) {
		s, other := f.Open(t), f.Open(t)
		from, to := dumper(t, s), dumper(t, other)
		same(t, exported(t, from), []string(nil))
		fillStore(t, s)
		lines := exported(t, from)
		for _, collection := range storage.Collections {
			all := records(t, from, collection, nil)
			if len(all) < 3 {
				t.Fatalf("%d records of %s are too few for a test", len(all), collection)
			}
			for i := range all {
				rest := records(t, from, collection, all[i])
				same(t, rest, all[i+1:])
			}
			noError(t, to.Load(ctx, all[:2]))
			noError(t, to.Load(ctx, all[2:]))
			count, err := to.Count(ctx, collection)
			noError(t, err)
			same(t, count, int64(len(all)))
		}
		same(t, exported(t, to), lines)
		same(t, state(t, other), state(t, s))
		counts, err := other.CountTickets(ctx)
		noError(t, err)
		same(t, counts, map[string]int64{"open": 3, "closed": 1})

		// Versions, sequences and epochs continue where they were.
		ticket, err := other.Ticket(ctx, "A")
		noError(t, err)
		noError(t, other.SaveTicket(ctx, ticket))
		same(t, ticket.Version, int64(3))
		taken := aTicket("Z")
		taken.Home = ticket.Home
		fails(t, other.SaveTicket(ctx, taken), storage.ErrTopicTaken)
		again := &storage.Message{MessageID: "new", TicketID: "A", Sequence: 1}
		fails(t, other.InsertMessage(ctx, again), storage.ErrConflict)
		epoch, err := other.TakeLease(ctx, "ticket/A", "b", day)
		noError(t, err)
		same(t, epoch, int64(3))
	})
	t.Run("loading again changes nothing, and a record that differs is refused", func(t *testing.T) {
		s, other := f.Open(t), f.Open(t)
		from, to := dumper(t, s), dumper(t, other)
		fillStore(t, s)
		for range 2 {
			for _, collection := range storage.Collections {
				noError(t, to.Load(ctx, records(t, from, collection, nil)))
			}
		}
		lines := exported(t, from)
		same(t, exported(t, to), lines)
		for _, collection := range storage.Collections {
			page := records(t, from, collection, nil)[:1]
			switch r := page[0].(type) {
			case *storage.User:
				r.FirstName = "changed"
			case *storage.Group:
				r.Version++
			case *storage.Ticket:
				r.Title = "changed"
			case *storage.Message:
				r.Text = "changed"
			case *storage.Copy:
				r.Reason = "changed"
			case *storage.Attachment:
				r.Reason = "changed"
			case *storage.Chat:
				r.Rate = 0.5
			case *storage.Event:
				r.Type = "changed"
			case *storage.APIKey:
				r.Name = "changed"
			case *storage.Idempotency:
				r.Status++
			case *storage.Webhook:
				r.URL = "changed"
			case *storage.Delivery:
				r.State = "changed"
			case *storage.Replay:
				r.Total++
			case *storage.Consumer:
				r.Cursor = "changed"
			case *storage.ErrorGroup:
				r.Count++
			case *storage.Problem:
				r.Detail = "changed"
			case *storage.Tally:
				r.Batch++
			case *storage.Lease:
				r.Epoch++
			case *storage.SavedOffset:
				r.Value++
			case *storage.WaitingUpdate:
				r.Body = json.RawMessage(`{"update_id":1,"changed":true}`)
			}
			fails(t, to.Load(ctx, page), storage.ErrConflict)
		}
		// Another ticket with a taken topic, and another message with a taken sequence.
		ticket, err := s.Ticket(ctx, "A")
		noError(t, err)
		ticket.TicketID = "Z"
		fails(t, to.Load(ctx, []any{ticket}), storage.ErrConflict)
		m := aMessage("A", 1)
		m.MessageID, m.Version = "other", 1
		fails(t, to.Load(ctx, []any{m}), storage.ErrConflict)
		same(t, exported(t, to), lines)
		if to.Load(ctx, []any{"text"}) == nil || to.Load(ctx, []any{&storage.Ticket{}}) == nil {
			t.Error("a value that is not a record was stored")
		}
		for _, err := range from.Dump(ctx, "passwords", nil) {
			if err == nil {
				t.Error("an unknown collection was listed")
			}
		}
	})
	t.Run("a reader may stop, and a closed store says so", func(t *testing.T) {
		s := f.Open(t)
		from := dumper(t, s)
		fillStore(t, s)
		for range 20 { // more often than there are connections, in case that it leaks one
			for record, err := range from.Dump(ctx, "messages", nil) {
				noError(t, err)
				same(t, record.(*storage.Message).TicketID, "A")
				break
			}
		}
		done, cancel := context.WithCancel(ctx)
		cancel()
		for _, err := range from.Dump(done, "messages", nil) {
			fails(t, err, context.Canceled)
		}
		noError(t, s.Close())
		n := 0
		for _, err := range from.Dump(ctx, "messages", nil) {
			fails(t, err, storage.ErrUnavailable)
			n++
		}
		same(t, n, 1)
	})
}

// records returns the records of a collection after the given one.
func records(t *testing.T, from storage.Dumper, collection string, after any) (all []any) {
	t.Helper()
	for record, err := range from.Dump(t.Context(), collection, after) {
		noError(t, err)
		all = append(all, record)
	}
	return all
}

// exported returns all records in their exported form, in order.
func exported(t *testing.T, from storage.Dumper) (lines []string) {
	t.Helper()
	for _, collection := range storage.Collections {
		for _, record := range records(t, from, collection, nil) {
			text, err := storage.Encode(record)
			noError(t, err)
			lines = append(lines, collection+" "+string(text))
		}
	}
	return lines
}

// fillStore stores records of every kind, among them keys with several parts and with the largest and smallest
// numbers.
func fillStore(t *testing.T, s storage.Store) {
	t.Helper()
	ctx := t.Context()
	prepareCrash(t, s)
	ticket, err := s.Ticket(ctx, "A")
	noError(t, err)
	ticket.Title, ticket.DueAt = "<changed> & saved", day
	noError(t, s.SaveTicket(ctx, ticket))
	for i, status := range []string{"open", "closed", "open"} {
		other := aTicket(fmt.Sprint("T", 3-i))
		other.Status, other.Home.TelegramTopicID = status, int64(40+i)
		noError(t, s.SaveTicket(ctx, other))
		noError(t, s.InsertMessage(ctx, aMessage("A", int64(i+2))))
		noError(t, s.InsertMessage(ctx, aMessage(other.TicketID, math.MaxInt64-int64(i))))
		for _, topic := range []string{"home", "A:1", "a/b"} {
			c := aCopy(fmt.Sprint("m", i), topic+"'", "A:1", int64(i+5), int64(i*10+70), int64(i*10+71))
			c.State = []string{"partial", "sent", "failed"}[i]
			noError(t, s.SaveCopy(ctx, c))
		}
		noError(t, s.AppendEvents(ctx, []storage.Event{anEvent(other.TicketID, 1)}))
		noError(t, s.AppendEvents(ctx, []storage.Event{anEvent("A", int64(i+2))}))
		noError(t, s.AppendEvents(ctx, logOf(255, int64(i+7), int64(i+7))))
		noError(t, s.InsertAttachments(ctx, []storage.Attachment{*anAttachment("A", int64(i+2))}))
		noError(t, s.SaveChat(ctx, &storage.Chat{ChatID: fmt.Sprint("g", i), DueAt: minute(i), Rate: 0.25}))
		noError(t, s.SaveGroup(ctx, &storage.Group{
			GroupID: fmt.Sprint("G", i), TelegramGroupID: -9 - int64(i), FormerIDs: []int64{-2}, Spoken: "th",
		}))
		noError(t, s.SaveOffset(ctx, fmt.Sprint("bot ", i), int64(i)))
		for _, bot := range []string{"a", "a/b", "a!"} {
			noError(t, s.SaveWaitingUpdates(ctx, []storage.WaitingUpdate{anUpdate(bot, int64(9+i))}))
		}
		key := anAPIKey(fmt.Sprint("k", i))
		key.GroupID = []string{"g1", "", "g2"}[i]
		noError(t, s.SaveAPIKey(ctx, key))
		noError(t, s.SaveIdempotency(ctx, anIdempotency(fmt.Sprint("k1/", i))))
		hook := aWebhook(fmt.Sprint("wh_", i))
		hook.Name, hook.GroupID = "crm", key.GroupID
		noError(t, s.SaveWebhook(ctx, hook))
		noError(t, s.SaveWebhook(ctx, hook))
		for _, id := range []string{"a", "a/b", "a!"} {
			d := aDelivery(id, int64(i+1))
			d.State = []string{storage.DeliveryPending, storage.DeliverySent, storage.DeliveryExhausted}[i]
			noError(t, s.SaveDeliveries(ctx, []*storage.Delivery{d}))
			noError(t, s.SaveConsumer(ctx, &storage.Consumer{KeyID: id, Name: fmt.Sprint("crm", i), UpdatedAt: day}))
		}
		noError(t, s.SaveReplay(ctx, aReplay(fmt.Sprint("rp_", i))))
		noError(t, s.SaveErrorGroups(ctx, []*storage.ErrorGroup{anErrorGroup(fmt.Sprint("e", i))}))
		noError(t, s.SaveProblem(ctx, aProblem(fmt.Sprint("prb_", i))))
		noError(t, s.SaveTallies(ctx, []*storage.Tally{aTally(fmt.Sprint("t", i))}))
		_, err := s.TakeLease(ctx, fmt.Sprint("link/", i), "a", day)
		noError(t, err)
	}
	_, err = s.TakeLease(ctx, "ticket/A", "b", day)
	noError(t, err)
	m := aMessage("A", 9)
	fill(m, 0)
	m.TicketID, m.Sequence, m.Version = "A", 9, 0
	noError(t, s.InsertMessage(ctx, m))
	for _, id := range []int64{math.MaxInt64, -1, math.MinInt64, 7} {
		noError(t, s.SaveUser(ctx, &storage.User{
			TelegramID: id, Username: "Nok", FirstName: "ก", DefaultGroupID: "g1", UpdatedAt: day,
		}))
	}
}
