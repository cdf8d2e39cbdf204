package storagetest

import (
	"context"
	"fmt"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/topicdesk/topicdesk/storage"
)

func (m *machine) webhook(t *rapid.T) {
	w := aWebhook(name(t, "id", "wh_1", "wh_2", "wh_3"))
	w.Name, w.GroupID = name(t, "name", "", "crm", "erp"), name(t, "group", "", "g1")
	w.KeyID, w.DueAt = name(t, "key", "k1", "k2"), when(t, "due")
	stored, err := m.model.Webhook(m.ctx, w.WebhookID)
	w.Version = version(t, stored, err, func(w *storage.Webhook) int64 { return w.Version })
	if number(t, "delete", 4) == 0 {
		both(t, m, "DeleteWebhook", func(s storage.Store) (any, error) {
			return nil, s.DeleteWebhook(m.ctx, w.WebhookID, w.Version)
		})
		return
	}
	saveBoth(t, m, *w, storage.Store.SaveWebhook)
}

// delivery saves one at a time: of several, a store may keep some when it refuses another.
func (m *machine) delivery(t *rapid.T) {
	if number(t, "delete", 5) == 0 {
		before, limit := when(t, "before"), int(number(t, "limit", 2))
		both(t, m, "DeleteDeliveries", func(s storage.Store) (int, error) {
			return s.DeleteDeliveries(m.ctx, "wh_1", before, limit)
		})
		return
	}
	d := aDelivery(name(t, "webhook", "wh_1", "wh_2"), number(t, "position", 4))
	d.Partition, d.CreatedAt = int(d.Position)%2, minute(int(number(t, "created", 2)))
	d.State = name(t, "state", "pending", "sent", "failed", "exhausted", "aborted", "skipped")
	d.Type, d.TicketID = name(t, "type", "message.sent", "ticket.closed"), name(t, "ticket", "", "A")
	stored, err := m.model.Delivery(m.ctx, d.WebhookID, d.EventID)
	d.Version = version(t, stored, err, func(d *storage.Delivery) int64 { return d.Version })
	saveBoth(t, m, *d, func(s storage.Store, ctx context.Context, d *storage.Delivery) error {
		return s.SaveDeliveries(ctx, []*storage.Delivery{d})
	})
}

func (m *machine) replay(t *rapid.T) {
	if number(t, "delete", 3) == 0 {
		before, limit := when(t, "before"), int(number(t, "limit", 2))
		both(t, m, "DeleteReplays", func(s storage.Store) (int, error) {
			return s.DeleteReplays(m.ctx, "wh_1", before, limit)
		})
		return
	}
	r := aReplay(name(t, "id", "rp_1", "rp_2", "rp_3"))
	r.CreatedAt = minute(int(number(t, "created", 2)))
	stored, err := m.model.Replay(m.ctx, r.ReplayID)
	r.Version = version(t, stored, err, func(r *storage.Replay) int64 { return r.Version })
	saveBoth(t, m, *r, storage.Store.SaveReplay)
}

// compareWebhooks compares what the calls above can change.
func (m *machine) compareWebhooks(t *rapid.T) {
	ctx, limit := m.ctx, 1+int(number(t, "page", 3))
	group, owner := name(t, "of group", "", "g1"), name(t, "of owner", "", "g1")
	after, named := name(t, "after", "", "wh_1", "wh_2"), name(t, "named", "", "crm", "erp")
	both(t, m, "Webhooks", func(s storage.Store) ([]storage.Webhook, error) {
		return s.Webhooks(ctx, group, after, limit)
	})
	both(t, m, "WebhookByName", func(s storage.Store) (*storage.Webhook, error) {
		return s.WebhookByName(ctx, owner, named)
	})
	both(t, m, "CountWebhooks", func(s storage.Store) (int, error) { return s.CountWebhooks(ctx, "k1") })
	both(t, m, "DueWebhooks", func(s storage.Store) ([]storage.Due, error) {
		return s.DueWebhooks(ctx, minute(2), limit)
	})
	partition, position := int(number(t, "partition", 1)), number(t, "position", 4)
	both(t, m, "OpenDeliveries", func(s storage.Store) ([]storage.Delivery, error) {
		return s.OpenDeliveries(ctx, "wh_1", partition, position, limit)
	})
	both(t, m, "MissingDeliveries", func(s storage.Store) ([]storage.Delivery, error) {
		return s.MissingDeliveries(ctx, "wh_1", partition, position, limit)
	})
	both(t, m, "DeliveriesOf", func(s storage.Store) ([]storage.Delivery, error) {
		return s.DeliveriesOf(ctx, "wh_1", []string{"evt_3", "evt_1", "evt_9"})
	})
	q := storage.DeliveryQuery{
		WebhookID: "wh_1", States: strings.Fields(name(t, "of states", "", "sent", "failed", "sent failed")),
		Types:    strings.Fields(name(t, "of types", "", "ticket.closed", "ticket.created ticket.closed")),
		TicketID: name(t, "of ticket", "", "A"), Since: when(t, "since"), Limit: limit,
	}
	if at := when(t, "before"); !at.IsZero() {
		q.Before = storage.DeliveryCursor{CreatedAt: at.Add(-time.Minute), EventID: fmt.Sprint("evt_", position)}
	}
	both(t, m, "ListDeliveries", func(s storage.Store) (storage.DeliveryPage, error) { return s.ListDeliveries(ctx, q) })
	both(t, m, "Replays", func(s storage.Store) ([]storage.Replay, error) { return s.Replays(ctx, "wh_1", limit) })
}
