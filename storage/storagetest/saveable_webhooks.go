package storagetest

import (
	"context"
	"fmt"

	"github.com/topicdesk/topicdesk/storage"
)

func webhookSaveables() []saveable {
	return []saveable{
		saveableOf("webhook",
			func(id int) *storage.Webhook { return aWebhook(fmt.Sprintf("wh_%d", id)) },
			storage.Store.SaveWebhook,
			func(s storage.Store, ctx context.Context, w *storage.Webhook) (*storage.Webhook, error) {
				return s.Webhook(ctx, w.WebhookID)
			},
			func(w *storage.Webhook) *int64 { return &w.Version },
			func(w *storage.Webhook) *string { return &w.Description },
			func(w, like *storage.Webhook) { w.WebhookID, w.Version = like.WebhookID, like.Version }),
		saveableOf("delivery",
			func(id int) *storage.Delivery { return aDelivery("wh_1", int64(id)) },
			func(s storage.Store, ctx context.Context, d *storage.Delivery) error {
				return s.SaveDeliveries(ctx, []*storage.Delivery{d})
			},
			func(s storage.Store, ctx context.Context, d *storage.Delivery) (*storage.Delivery, error) {
				return s.Delivery(ctx, d.WebhookID, d.EventID)
			},
			func(d *storage.Delivery) *int64 { return &d.Version },
			func(d *storage.Delivery) *string { return &d.Type },
			func(d, like *storage.Delivery) {
				d.WebhookID, d.EventID, d.EventAt, d.Version = like.WebhookID, like.EventID, like.EventAt, like.Version
			}),
		saveableOf("replay",
			func(id int) *storage.Replay { return aReplay(fmt.Sprintf("rp_%d", id)) },
			storage.Store.SaveReplay,
			func(s storage.Store, ctx context.Context, r *storage.Replay) (*storage.Replay, error) {
				return s.Replay(ctx, r.ReplayID)
			},
			func(r *storage.Replay) *int64 { return &r.Version },
			func(r *storage.Replay) *string { return &r.State },
			func(r, like *storage.Replay) { r.ReplayID, r.Version = like.ReplayID, like.Version }),
		saveableOf("consumer",
			func(id int) *storage.Consumer { return aConsumer(fmt.Sprintf("crm %d", id)) },
			storage.Store.SaveConsumer,
			func(s storage.Store, ctx context.Context, c *storage.Consumer) (*storage.Consumer, error) {
				return s.Consumer(ctx, c.KeyID, c.Name)
			},
			func(c *storage.Consumer) *int64 { return &c.Version },
			func(c *storage.Consumer) *string { return &c.Cursor },
			func(c, like *storage.Consumer) { c.KeyID, c.Name, c.Version = like.KeyID, like.Name, like.Version }),
	}
}
