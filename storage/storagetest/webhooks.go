package storagetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/storage"
)

func testWebhooks(t *testing.T, f Factory) {
	ctx := t.Context()
	t.Run("they come in pages, by id, all or those of a group", func(t *testing.T) {
		s := f.Open(t)
		want := map[string][]storage.Webhook{}
		for i := range f.Sizes.Rows {
			w := aWebhook(fmt.Sprintf("wh_%03d", f.Sizes.Rows-i))
			w.GroupID, w.KeyID = []string{"", "g1", "g2"}[i%3], []string{"k1", "k2"}[i%2]
			noError(t, s.SaveWebhook(ctx, w))
			want[""] = append([]storage.Webhook{*w}, want[""]...)
			if w.GroupID != "" {
				want[w.GroupID] = append([]storage.Webhook{*w}, want[w.GroupID]...)
			}
		}
		for _, group := range []string{"", "g1", "g2", "g3"} {
			var got []storage.Webhook
			for after := ""; ; after = got[len(got)-1].WebhookID {
				page, err := s.Webhooks(ctx, group, after, 7)
				noError(t, err)
				if len(page) == 0 {
					break
				}
				got = append(got, page...)
			}
			same(t, got, want[group])
		}
		for key, n := range map[string]int{"k1": (f.Sizes.Rows + 1) / 2, "k2": f.Sizes.Rows / 2, "k3": 0} {
			counted, err := s.CountWebhooks(ctx, key)
			noError(t, err)
			same(t, counted, n)
		}
	})
	t.Run("a name belongs to one webhook of its owner", func(t *testing.T) { webhookNames(t, f) })
	t.Run("due ones, the oldest first", func(t *testing.T) {
		s := f.Open(t)
		for i, at := range []int{0, 3, 1, 2, 9} {
			w := aWebhook(fmt.Sprint("wh_", i))
			if at > 0 {
				w.DueAt = minute(at)
			}
			noError(t, s.SaveWebhook(ctx, w))
		}
		due, err := s.DueWebhooks(ctx, minute(3), 2)
		noError(t, err)
		same(t, due, []storage.Due{{ID: "wh_2", At: minute(1)}, {ID: "wh_3", At: minute(2)}})
	})
}

func webhookNames(t *testing.T, f Factory) {
	ctx, s := t.Context(), f.Open(t)
	named := func(id, owner, name string) *storage.Webhook {
		w := aWebhook(id)
		w.GroupID, w.Name = owner, name
		return w
	}
	a, b := named("wh_a", "", "crm"), named("wh_b", "g1", "crm")
	for _, w := range []*storage.Webhook{a, b, named("wh_c", "", ""), named("wh_d", "", "")} {
		noError(t, s.SaveWebhook(ctx, w))
	}
	is := func(owner, name string, want *storage.Webhook) {
		t.Helper()
		got, err := s.WebhookByName(ctx, owner, name)
		if want == nil {
			fails(t, err, storage.ErrNotFound)
			return
		}
		noError(t, err)
		same(t, got, want)
	}
	is("", "crm", a)
	is("g1", "crm", b)
	is("g2", "crm", nil)
	is("", "", nil)
	fails(t, s.SaveWebhook(ctx, named("wh_e", "", "crm")), storage.ErrNameTaken)
	fails(t, s.SaveWebhook(ctx, named("wh_a", "", "other")), storage.ErrExists)
	other := named("wh_f", "", "erp")
	noError(t, s.SaveWebhook(ctx, other))
	other.Name = "crm"
	fails(t, s.SaveWebhook(ctx, other), storage.ErrNameTaken)
	same(t, other.Version, int64(1))
	a.Name = "old"
	noError(t, s.SaveWebhook(ctx, a))
	noError(t, s.SaveWebhook(ctx, other)) // the name is free now
	is("", "crm", other)
	fails(t, s.DeleteWebhook(ctx, "wh_f", 1), storage.ErrConflict)
	noError(t, s.DeleteWebhook(ctx, "wh_f", 2))
	fails(t, s.DeleteWebhook(ctx, "wh_f", 2), storage.ErrConflict)
	is("", "crm", nil)
	noError(t, s.SaveWebhook(ctx, named("wh_g", "", "crm")))
}

func testDeliveries(t *testing.T, f Factory) {
	ctx := t.Context()
	t.Run("several are saved together, and found by their events", func(t *testing.T) {
		s := f.Open(t)
		a, b, c := aDelivery("wh_1", 1), aDelivery("wh_1", 2), aDelivery("wh_2", 1)
		noError(t, s.SaveDeliveries(ctx, nil))
		noError(t, s.SaveDeliveries(ctx, []*storage.Delivery{a, b, c}))
		same(t, []int64{a.Version, b.Version, c.Version}, []int64{1, 1, 1})
		a.State = storage.DeliverySent
		noError(t, s.SaveDeliveries(ctx, []*storage.Delivery{a, aDelivery("wh_1", 3)}))
		found, err := s.DeliveriesOf(ctx, "wh_1", []string{"evt_2", "evt_9", "evt_1"})
		noError(t, err)
		same(t, found, []storage.Delivery{*b, *a})
		none, err := s.DeliveriesOf(ctx, "wh_1", nil)
		noError(t, err)
		same(t, none, []storage.Delivery(nil))
	})
	t.Run("each is compared with what is stored", func(t *testing.T) {
		s := f.Open(t)
		a, b := aDelivery("wh_1", 1), aDelivery("wh_1", 2)
		noError(t, s.SaveDeliveries(ctx, []*storage.Delivery{a, b}))
		stale, fresh := *a, *b
		noError(t, s.SaveDeliveries(ctx, []*storage.Delivery{a}))
		fails(t, s.SaveDeliveries(ctx, []*storage.Delivery{&fresh, &stale}), storage.ErrConflict)
		fails(t, s.SaveDeliveries(ctx, []*storage.Delivery{aDelivery("wh_1", 2)}), storage.ErrExists)
		// Whether the first was saved is up to the store; its version says so.
		stored, err := s.Delivery(ctx, "wh_1", "evt_2")
		noError(t, err)
		same(t, *stored, fresh)
		same(t, stale.Version, int64(1))
	})
	t.Run("open and missing ones are listed by their places", func(t *testing.T) { deliveryStates(t, f) })
	t.Run("a list, newest first", func(t *testing.T) { deliveryList(t, f) })
	t.Run("a page reads so many records and no more", func(t *testing.T) { longDeliveryList(t, f) })
	t.Run("old ones are deleted, open ones with their webhook only", func(t *testing.T) {
		s := f.Open(t)
		for i, state := range []string{"sent", "failed", "exhausted", "sent", "pending"} {
			d := aDelivery("wh_1", int64(i))
			d.State, d.CreatedAt = state, minute(i)
			noError(t, s.SaveDeliveries(ctx, []*storage.Delivery{d}))
		}
		noError(t, s.SaveDeliveries(ctx, []*storage.Delivery{aDelivery("wh_2", 1)}))
		for _, step := range []struct {
			before         time.Time
			limit, deleted int
			left           []string
		}{
			{minute(3), 0, 0, []string{"evt_4", "evt_3", "evt_2", "evt_1", "evt_0"}},
			{minute(3), 1, 1, []string{"evt_4", "evt_3", "evt_2", "evt_1"}},
			{minute(3), 9, 1, []string{"evt_4", "evt_3", "evt_1"}},
			{minute(3), 9, 0, []string{"evt_4", "evt_3", "evt_1"}},
			{time.Time{}, 2, 2, []string{"evt_4"}},
			{time.Time{}, 2, 1, nil},
		} {
			n, err := s.DeleteDeliveries(ctx, "wh_1", step.before, step.limit)
			noError(t, err)
			same(t, n, step.deleted)
			same(t, listed(t, s, storage.DeliveryQuery{WebhookID: "wh_1", Limit: 9}), step.left)
		}
		same(t, listed(t, s, storage.DeliveryQuery{WebhookID: "wh_2", Limit: 9}), []string{"evt_1"})
	})
}

func deliveryStates(t *testing.T, f Factory) {
	ctx, s := t.Context(), f.Open(t)
	states := []string{"pending", "sent", "failed", "exhausted", "aborted", "skipped"}
	all := map[string]*storage.Delivery{}
	for i, state := range states {
		d := aDelivery("wh_1", int64(10-i))
		d.State, d.Partition = state, []int{5, 0, 4, 255, 3, 3}[i]
		all[state] = d
		noError(t, s.SaveDeliveries(ctx, []*storage.Delivery{d}))
	}
	type lister func(context.Context, string, int, int64, int) ([]storage.Delivery, error)
	is := func(list lister, partition int, position int64, limit int, want ...string) {
		t.Helper()
		got, err := list(ctx, "wh_1", partition, position, limit)
		noError(t, err)
		var found []string
		for _, d := range got {
			same(t, d, *all[d.State])
			found = append(found, d.State)
		}
		same(t, found, want)
	}
	is(s.OpenDeliveries, 0, 0, 9, "failed", "pending")
	is(s.OpenDeliveries, 0, 0, 1, "failed")
	is(s.OpenDeliveries, 4, 8, 9, "pending")
	is(s.OpenDeliveries, 4, 7, 9, "failed", "pending")
	is(s.OpenDeliveries, 5, 10, 9)
	is(s.MissingDeliveries, 0, 0, 9, "skipped", "aborted", "exhausted")
	is(s.MissingDeliveries, 3, 5, 9, "aborted", "exhausted")
	is(s.MissingDeliveries, 0, 0, 0)
	failed := all["failed"]
	delete(all, "failed")
	failed.State = "sent"
	noError(t, s.SaveDeliveries(ctx, []*storage.Delivery{failed}))
	is(s.OpenDeliveries, 0, 0, 9, "pending")
	none, err := s.OpenDeliveries(ctx, "wh_2", 0, 0, 9)
	noError(t, err)
	same(t, none, []storage.Delivery(nil))
}

// listed returns the ids of the events of a list, from page to page.
func listed(t *testing.T, s storage.Store, q storage.DeliveryQuery) (found []string) {
	t.Helper()
	for {
		page, err := s.ListDeliveries(t.Context(), q)
		noError(t, err)
		for _, d := range page.Deliveries {
			found = append(found, d.EventID)
		}
		if page.Next == nil {
			return found
		}
		q.Before = *page.Next
	}
}

func deliveryList(t *testing.T, f Factory) {
	ctx, s := t.Context(), f.Open(t)
	for i := range 9 {
		d := aDelivery("wh_1", int64(i))
		d.CreatedAt = minute(i / 3) // three of each minute
		d.State = []string{"sent", "failed", "exhausted"}[i%3]
		d.Type = []string{"message.sent", "ticket.closed"}[i%2]
		d.TicketID = []string{"A", "", "B", "A"}[i%4]
		noError(t, s.SaveDeliveries(ctx, []*storage.Delivery{d, aDelivery("wh_2", int64(i))}))
	}
	events := func(numbers ...int) (ids []string) {
		for _, n := range numbers {
			ids = append(ids, fmt.Sprint("evt_", n))
		}
		return ids
	}
	for name, of := range map[string]struct {
		q    storage.DeliveryQuery
		want []string
	}{
		"all":               {storage.DeliveryQuery{}, events(8, 7, 6, 5, 4, 3, 2, 1, 0)},
		"a state":           {storage.DeliveryQuery{States: []string{"failed"}}, events(7, 4, 1)},
		"a type":            {storage.DeliveryQuery{Types: []string{"ticket.closed"}}, events(7, 5, 3, 1)},
		"states":            {storage.DeliveryQuery{States: []string{"failed", "sent"}}, events(7, 6, 4, 3, 1, 0)},
		"types":             {storage.DeliveryQuery{Types: []string{"message.sent", "ticket.closed"}, States: []string{"sent"}}, events(6, 3, 0)},
		"a ticket":          {storage.DeliveryQuery{TicketID: "A"}, events(8, 7, 4, 3, 0)},
		"a time":            {storage.DeliveryQuery{Since: minute(1)}, events(8, 7, 6, 5, 4, 3)},
		"all filters":       {storage.DeliveryQuery{States: []string{"failed"}, Types: []string{"ticket.closed"}, TicketID: "A", Since: minute(2)}, events(7)},
		"nothing":           {storage.DeliveryQuery{States: []string{"aborted"}}, nil},
		"before and within": {storage.DeliveryQuery{Before: storage.DeliveryCursor{CreatedAt: minute(1), EventID: "evt_4"}}, events(3, 2, 1, 0)},
		"before what is not there": {
			storage.DeliveryQuery{Before: storage.DeliveryCursor{CreatedAt: minute(1), EventID: "evt_"}}, events(2, 1, 0),
		},
		"none before since": {
			storage.DeliveryQuery{Since: minute(2), Before: storage.DeliveryCursor{CreatedAt: minute(1), EventID: "evt_4"}}, nil,
		},
	} {
		of.q.WebhookID = "wh_1"
		for _, limit := range []int{1, 2, 3, 9, 100} {
			of.q.Limit = limit
			if got := listed(t, s, of.q); difference(got, of.want) != "" {
				t.Errorf("%s, in pages of %d: got %v, want %v", name, of.q.Limit, got, of.want)
			}
		}
	}
	page, err := s.ListDeliveries(ctx, storage.DeliveryQuery{WebhookID: "wh_1"})
	noError(t, err)
	same(t, page, storage.DeliveryPage{})
	page, err = s.ListDeliveries(ctx, storage.DeliveryQuery{WebhookID: "wh_1", Limit: 9})
	noError(t, err)
	stored, err := s.Delivery(ctx, "wh_1", "evt_8")
	noError(t, err)
	same(t, page.Deliveries[0], *stored)
	same(t, page.Next == nil, true)
}

func longDeliveryList(t *testing.T, f Factory) {
	ctx, s := t.Context(), f.Open(t)
	var all []*storage.Delivery
	for i := range storage.DeliveriesRead + 2 {
		d := aDelivery("wh_1", int64(i))
		d.CreatedAt = minute(i)
		all = append(all, d)
	}
	all[0].State = "sent"
	noError(t, s.SaveDeliveries(ctx, all))
	page, err := s.ListDeliveries(ctx, storage.DeliveryQuery{WebhookID: "wh_1", States: []string{"sent"}, Limit: 5})
	noError(t, err)
	same(t, page, storage.DeliveryPage{Next: &storage.DeliveryCursor{CreatedAt: minute(2), EventID: "evt_2"}})
	same(t, listed(t, s, storage.DeliveryQuery{WebhookID: "wh_1", States: []string{"sent"}, Limit: 5}), []string{"evt_0"})
}

func testReplays(t *testing.T, f Factory) {
	ctx, s := t.Context(), f.Open(t)
	for i := range 5 {
		r := aReplay(fmt.Sprint("rp_", i))
		r.CreatedAt = minute(i / 2)
		noError(t, s.SaveReplay(ctx, r))
	}
	other := aReplay("rp_other")
	other.WebhookID = "wh_2"
	noError(t, s.SaveReplay(ctx, other))
	is := func(limit int, want ...string) {
		t.Helper()
		page, err := s.Replays(ctx, "wh_1", limit)
		noError(t, err)
		var ids []string
		for _, r := range page {
			ids = append(ids, r.ReplayID)
		}
		same(t, ids, want)
	}
	is(9, "rp_4", "rp_3", "rp_2", "rp_1", "rp_0")
	is(2, "rp_4", "rp_3")
	deleted := func(before time.Time, limit, want int) {
		t.Helper()
		n, err := s.DeleteReplays(ctx, "wh_1", before, limit)
		noError(t, err)
		same(t, n, want)
	}
	deleted(minute(1), 1, 1)
	deleted(minute(1), 9, 1)
	deleted(minute(1), 9, 0)
	is(9, "rp_4", "rp_3", "rp_2")
	deleted(time.Time{}, 0, 0)
	deleted(time.Time{}, 9, 3)
	is(9)
	_, err := s.Replay(ctx, "rp_other")
	noError(t, err)
}

func testConsumers(t *testing.T, f Factory) {
	ctx, s := t.Context(), f.Open(t)
	want := map[string][]storage.Consumer{}
	for _, name := range []string{"a", "b", "c", "d/e", "é"} {
		for _, key := range []string{"k1", "k1/a", "k2"} {
			c := aConsumer(name)
			c.KeyID = key
			noError(t, s.SaveConsumer(ctx, c))
			want[key] = append(want[key], *c)
		}
	}
	for key, all := range want {
		var got []storage.Consumer
		for after := ""; ; after = got[len(got)-1].Name {
			page, err := s.Consumers(ctx, key, after, 2)
			noError(t, err)
			if len(page) == 0 {
				break
			}
			got = append(got, page...)
		}
		same(t, got, all)
	}
	fails(t, s.DeleteConsumer(ctx, "k1", "b", 2), storage.ErrConflict)
	noError(t, s.DeleteConsumer(ctx, "k1", "b", 1))
	fails(t, s.DeleteConsumer(ctx, "k1", "b", 1), storage.ErrConflict)
	_, err := s.Consumer(ctx, "k1", "b")
	fails(t, err, storage.ErrNotFound)
	left, err := s.Consumers(ctx, "k1", "a", 1)
	noError(t, err)
	same(t, left, want["k1"][2:3])
	noError(t, s.SaveConsumer(ctx, &storage.Consumer{KeyID: "k1", Name: "b", UpdatedAt: day}))
}
