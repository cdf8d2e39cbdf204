package storagetest

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/topicdesk/topicdesk/storage"
)

func (m *model) Webhook(ctx context.Context, id string) (*storage.Webhook, error) {
	return modelGet(ctx, m, m.webhooks, id)
}

func (m *model) WebhookByName(ctx context.Context, owner, name string) (*storage.Webhook, error) {
	found, err := m.webhooksWhere(ctx, 1, func(w storage.Webhook) bool {
		return w.Name == name && name != "" && w.GroupID == owner
	})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, storage.ErrNotFound
	}
	return &found[0], nil
}

func (m *model) webhooksWhere(ctx context.Context, limit int, want func(storage.Webhook) bool) (
	[]storage.Webhook, error,
) {
	return modelList(ctx, m, m.webhooks, want, func(page []storage.Webhook) {
		slices.SortFunc(page, func(a, b storage.Webhook) int { return cmp.Compare(a.WebhookID, b.WebhookID) })
	}, 0, limit)
}

func (m *model) Webhooks(ctx context.Context, groupID, after string, limit int) ([]storage.Webhook, error) {
	return m.webhooksWhere(ctx, limit, func(w storage.Webhook) bool {
		return w.WebhookID > after && (groupID == "" || w.GroupID == groupID)
	})
}

func (m *model) CountWebhooks(ctx context.Context, keyID string) (int, error) {
	found, err := m.webhooksWhere(ctx, 1<<30, func(w storage.Webhook) bool { return w.KeyID == keyID })
	return len(found), err
}

func (m *model) SaveWebhook(ctx context.Context, w *storage.Webhook) error {
	return modelSave(ctx, m, m.webhooks, w.WebhookID, w, w.Kept(), webhookVersion, func() error {
		for id, other := range m.webhooks {
			if id != w.WebhookID && w.Name != "" && other.Name == w.Name && other.GroupID == w.GroupID {
				return storage.ErrNameTaken
			}
		}
		return nil
	})
}

func (m *model) DeleteWebhook(ctx context.Context, webhookID string, version int64) error {
	if err := m.begin(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	if stored, ok := m.webhooks[webhookID]; !ok || stored.Version != version {
		return storage.ErrConflict
	}
	delete(m.webhooks, webhookID)
	return nil
}

func (m *model) SaveDeliveries(ctx context.Context, deliveries []*storage.Delivery) error {
	if len(deliveries) == 0 {
		return ctx.Err()
	}
	if err := m.begin(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	before := maps.Clone(m.deliveries)
	for i, d := range deliveries {
		key := [2]string{d.WebhookID, d.EventID}
		if err := compareAndSet(m.deliveries, key, d, d.Kept(), deliveryVersion, nil); err != nil {
			for _, saved := range deliveries[:i] {
				saved.Version--
			}
			clear(m.deliveries)
			maps.Copy(m.deliveries, before)
			return err
		}
	}
	return nil
}

func (m *model) Delivery(ctx context.Context, webhookID, eventID string) (*storage.Delivery, error) {
	return modelGet(ctx, m, m.deliveries, [2]string{webhookID, eventID})
}

func (m *model) DeliveriesOf(ctx context.Context, webhookID string, eventIDs []string) ([]storage.Delivery, error) {
	return modelList(ctx, m, m.deliveries, func(d storage.Delivery) bool {
		return d.WebhookID == webhookID && slices.Contains(eventIDs, d.EventID)
	}, func(page []storage.Delivery) {
		slices.SortFunc(page, func(a, b storage.Delivery) int {
			return slices.Index(eventIDs, a.EventID) - slices.Index(eventIDs, b.EventID)
		})
	}, 0, len(eventIDs))
}

func (m *model) OpenDeliveries(
	ctx context.Context, webhookID string, partition int, position int64, limit int,
) ([]storage.Delivery, error) {
	return m.deliveriesIn(ctx, webhookID, (*storage.Delivery).Open, partition, position, limit)
}

func (m *model) MissingDeliveries(
	ctx context.Context, webhookID string, partition int, position int64, limit int,
) ([]storage.Delivery, error) {
	return m.deliveriesIn(ctx, webhookID, (*storage.Delivery).Missing, partition, position, limit)
}

func (m *model) deliveriesIn(
	ctx context.Context, webhookID string, in func(*storage.Delivery) bool, partition int, position int64, limit int,
) ([]storage.Delivery, error) {
	byPlace := func(d storage.Delivery, partition int, position int64) int {
		return cmp.Or(cmp.Compare(d.Partition, partition), cmp.Compare(d.Position, position))
	}
	return modelList(ctx, m, m.deliveries, func(d storage.Delivery) bool {
		return d.WebhookID == webhookID && in(&d) && byPlace(d, partition, position) > 0
	}, func(page []storage.Delivery) {
		slices.SortFunc(page, func(a, b storage.Delivery) int { return byPlace(a, b.Partition, b.Position) })
	}, 0, limit)
}

func (m *model) ListDeliveries(ctx context.Context, q storage.DeliveryQuery) (page storage.DeliveryPage, err error) {
	newestFirst := func(at time.Time, id string, d storage.Delivery) int {
		return cmp.Or(d.CreatedAt.Compare(at), cmp.Compare(d.EventID, id))
	}
	all, err := modelList(ctx, m, m.deliveries, func(d storage.Delivery) bool {
		return d.WebhookID == q.WebhookID && !d.CreatedAt.Before(storage.Kept(q.Since)) &&
			(q.Before.CreatedAt.IsZero() || newestFirst(q.Before.CreatedAt, q.Before.EventID, d) < 0)
	}, func(all []storage.Delivery) {
		slices.SortFunc(all, func(a, b storage.Delivery) int { return newestFirst(a.CreatedAt, a.EventID, b) })
	}, 0, storage.DeliveriesRead+1)
	if q.Limit <= 0 {
		return page, err
	}
	for i, d := range all {
		if i == storage.DeliveriesRead || len(page.Deliveries) == q.Limit {
			page.Next = &storage.DeliveryCursor{CreatedAt: all[i-1].CreatedAt, EventID: all[i-1].EventID}
			break
		}
		if q.Wants(d.State, d.Type, d.TicketID) {
			page.Deliveries = append(page.Deliveries, d)
		}
	}
	return page, err
}

func (m *model) DeleteDeliveries(ctx context.Context, webhookID string, before time.Time, limit int) (int, error) {
	return modelDelete(ctx, m, m.deliveries, limit,
		func(d storage.Delivery) bool {
			return d.WebhookID == webhookID && (before.IsZero() || d.CreatedAt.Before(before) && !d.Open())
		},
		func(a, b storage.Delivery) int {
			return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.EventID, b.EventID))
		})
}

// modelDelete deletes the first records, in the given order, that want accepts.
func modelDelete[K comparable, T any](
	ctx context.Context, m *model, all map[K]T, limit int, want func(T) bool, compare func(a, b T) int,
) (int, error) {
	if err := m.begin(ctx); err != nil {
		return 0, err
	}
	defer m.mu.Unlock()
	var found []K
	for key, r := range all {
		if want(r) {
			found = append(found, key)
		}
	}
	slices.SortFunc(found, func(a, b K) int { return compare(all[a], all[b]) })
	found = found[:min(max(limit, 0), len(found))]
	for _, key := range found {
		delete(all, key)
	}
	return len(found), nil
}

func (m *model) Replay(ctx context.Context, id string) (*storage.Replay, error) {
	return modelGet(ctx, m, m.replays, id)
}

func (m *model) SaveReplay(ctx context.Context, r *storage.Replay) error {
	if err := validID([2]string{r.ReplayID, r.WebhookID}); err != nil && ctx.Err() == nil {
		return err
	}
	return modelSave(ctx, m, m.replays, r.ReplayID, r, r.Kept(), replayVersion, nil)
}

func oldestReplay(a, b storage.Replay) int {
	return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ReplayID, b.ReplayID))
}

func (m *model) Replays(ctx context.Context, webhookID string, limit int) ([]storage.Replay, error) {
	return modelList(ctx, m, m.replays, func(r storage.Replay) bool { return r.WebhookID == webhookID },
		func(page []storage.Replay) {
			slices.SortFunc(page, func(a, b storage.Replay) int { return oldestReplay(b, a) })
		}, 0, limit)
}

func (m *model) DeleteReplays(ctx context.Context, webhookID string, before time.Time, limit int) (int, error) {
	return modelDelete(ctx, m, m.replays, limit, func(r storage.Replay) bool {
		return r.WebhookID == webhookID && (before.IsZero() || r.CreatedAt.Before(before))
	}, oldestReplay)
}

func (m *model) Consumer(ctx context.Context, keyID, name string) (*storage.Consumer, error) {
	return modelGet(ctx, m, m.consumers, [2]string{keyID, name})
}

func (m *model) SaveConsumer(ctx context.Context, c *storage.Consumer) error {
	return modelSave(ctx, m, m.consumers, [2]string{c.KeyID, c.Name}, c, c.Kept(), consumerVersion, nil)
}

func (m *model) Consumers(ctx context.Context, keyID, after string, limit int) ([]storage.Consumer, error) {
	return modelList(ctx, m, m.consumers, func(c storage.Consumer) bool { return c.KeyID == keyID && c.Name > after },
		func(page []storage.Consumer) {
			slices.SortFunc(page, func(a, b storage.Consumer) int { return cmp.Compare(a.Name, b.Name) })
		}, 0, limit)
}

func (m *model) DeleteConsumer(ctx context.Context, keyID, name string, version int64) error {
	if err := m.begin(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	id := [2]string{keyID, name}
	if stored, ok := m.consumers[id]; !ok || stored.Version != version {
		return storage.ErrConflict
	}
	delete(m.consumers, id)
	return nil
}
