package query

import (
	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// What the API reads of endpoints.

func (q *query) webhook(m *messages.GetWebhook) proto.Message {
	r, err := q.env.Store.Webhook(q.env.Ctx, m.WebhookId)
	return q.webhookView(m, r, err)
}

func (q *query) webhookByName(m *messages.GetWebhookByName) proto.Message {
	r, err := q.env.Store.WebhookByName(q.env.Ctx, m.Owner, m.Name)
	return q.webhookView(m, r, err)
}

func (q *query) webhookView(m proto.Message, r *storage.Webhook, err error) proto.Message {
	if err == nil && !r.DeletedAt.IsZero() {
		err = storage.ErrNotFound
	}
	if err != nil {
		return &messages.WebhookView{Code: q.code(m, err)}
	}
	view, err := desk.WebhookView(r, q.chats())
	return &messages.WebhookView{Code: q.code(m, err), Webhook: view}
}

func (q *query) webhooks(m *messages.ListWebhooks) proto.Message {
	page, err := q.webhookPage(m)
	reply := &messages.WebhookList{Code: q.code(m, err)}
	chats := q.chats()
	for i := range page {
		view, err := desk.WebhookView(&page[i], chats)
		if err != nil {
			return &messages.WebhookList{Code: q.code(m, err)}
		}
		reply.Webhooks = append(reply.Webhooks, view)
	}
	return reply
}

// webhookPage is a page without the endpoints that are being deleted.
func (q *query) webhookPage(m *messages.ListWebhooks) (page []storage.Webhook, err error) {
	for after, limit := m.After, int(m.Limit); ; {
		more, err := q.env.Store.Webhooks(q.env.Ctx, m.GroupId, after, limit)
		if err != nil {
			return nil, err
		}
		for i := range more {
			if more[i].DeletedAt.IsZero() && len(page) < limit {
				page = append(page, more[i])
			}
		}
		if len(more) < limit || len(page) == limit {
			return page, nil
		}
		after = more[len(more)-1].WebhookID
	}
}

func (q *query) deliveries(m *messages.ListDeliveries) proto.Message {
	page, err := q.env.Store.ListDeliveries(q.env.Ctx, desk.DeliveryQueryOf(m))
	reply := &messages.DeliveryList{Code: q.code(m, err)}
	for i := range page.Deliveries {
		reply.Deliveries = append(reply.Deliveries, desk.DeliveryView(&page.Deliveries[i]))
	}
	if page.Next != nil {
		reply.NextMs, reply.NextEvent = desk.MillisOf(page.Next.CreatedAt), page.Next.EventID
	}
	return reply
}

func (q *query) replay(m *messages.GetReplay) proto.Message {
	r, err := q.env.Store.Replay(q.env.Ctx, m.ReplayId)
	if err == nil && r.WebhookID != m.WebhookId {
		err = storage.ErrNotFound
	}
	if err != nil {
		return &messages.ReplayView{Code: q.code(m, err)}
	}
	return &messages.ReplayView{Code: messages.Code_OK, Replay: desk.ReplayView(r)}
}
