package sqlite

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/topicdesk/topicdesk/storage"
)

var firstEvent = time.Date(2026, 11, 3, 4, 5, 6, 78e6, time.UTC)

func deliveryOf(n int64) *storage.Delivery {
	return &storage.Delivery{
		WebhookID: "wh_1", EventID: fmt.Sprint("evt_", n), TicketID: "A", Number: n, Type: "message.sent", Position: n,
		EventAt: firstEvent.Add(time.Duration(n) * time.Second), State: storage.DeliverySent, CreatedAt: firstEvent.Add(time.Hour),
	}
}

func insertEvents(t *testing.T, w *writer, n int64) {
	t.Helper()
	for i := int64(1); i <= n; i++ {
		d := deliveryOf(i)
		e := storage.Event{
			EventID: d.EventID, TicketID: d.TicketID, Number: d.Number, Position: d.Position, Type: d.Type, At: d.EventAt,
		}
		doc, err := encode(&e)
		if err == nil {
			err = w.insertEvent(newEventRow(&e, doc))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestDeliveryWithoutItsEvent: a delivery is found by its event's id whether or not the event is still kept, and without its time.
func TestDeliveryWithoutItsEvent(t *testing.T) {
	s := openStore(t)
	onWriter(t, s, func(w *writer) error { insertEvents(t, w, 2); return nil })
	all := []*storage.Delivery{deliveryOf(1), deliveryOf(2), deliveryOf(3)}
	all[1].EventAt = time.Time{} // as a desk of before exported it
	if err := s.SaveDeliveries(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	for _, want := range all {
		got, err := s.Delivery(t.Context(), "wh_1", want.EventID)
		if err != nil || !cmp.Equal(got, want) {
			t.Errorf("%s: %v %s", want.EventID, err, cmp.Diff(want, got))
		}
	}
	if _, err := s.Delivery(t.Context(), "wh_1", "evt_4"); !errors.Is(err, storage.ErrNotFound) {
		t.Error(err)
	}
}

// TestDeliveriesOfSchema5 have their events' time after the migration, or that of their own where the event is gone.
func TestDeliveriesOfSchema5(t *testing.T) {
	path, c := atSchema(t, 5)
	insertEvents(t, &writer{store: &Store{}, conn: c}, 1)
	insert := c.extra(`INSERT INTO deliveries
		(webhook_id, event_id, place, class, state, type, ticket_id, created_at, version, doc)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, ?)`)
	want := []*storage.Delivery{deliveryOf(1), deliveryOf(2)}
	for _, d := range want {
		before := *d
		before.EventAt, before.Version = time.Time{}, 1
		doc, err := encode(&before)
		if err != nil {
			t.Fatal(err)
		}
		columns := deliveryColumns(&before, doc)
		if _, err := c.exec(insert, append(columns[:1:1], columns[2:]...)...); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.close(); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	want[1].EventAt = want[1].CreatedAt
	for _, d := range want {
		d.Version = 1
		got, err := s.Delivery(t.Context(), "wh_1", d.EventID)
		if err != nil || !cmp.Equal(got, d) {
			t.Fatalf("%s: %v %s", d.EventID, err, cmp.Diff(d, got))
		}
		if err := s.SaveDeliveries(t.Context(), []*storage.Delivery{got}); err != nil || got.Version != 2 {
			t.Error(got.Version, err)
		}
	}
}

// TestNothingIsSearchedForAnEventThatIsThere: an endpoint looks up each event that it may have had before it was enabled.
func TestNothingIsSearchedForAnEventThatIsThere(t *testing.T) {
	s := openStore(t)
	onWriter(t, s, func(w *writer) error { insertEvents(t, w, 1); return nil })
	err := s.read(t.Context(), func(c *conn) error {
		for event, searched := range map[string]bool{"evt_1": false, "evt_2": true} {
			c.prepared[searchDelivery.id] = nil
			if found, err := deliveryOfEvent(c, "wh_1", event); err != nil || len(found) > 0 {
				t.Error(event, found, err)
			}
			if (c.prepared[searchDelivery.id] != nil) != searched {
				t.Errorf("%s: the webhook's deliveries were searched: %t", event, !searched)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
