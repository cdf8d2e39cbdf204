package desk

import (
	"fmt"

	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// MaskedHeader stands where the value of an endpoint's header is not shown. Sent back, it keeps the value that is stored.
const MaskedHeader = "***"

// WebhookView is an endpoint as programs see it: without its secrets, and with no header's value. chat finds Telegram's id of a
// group, such as ChatOf does.
func WebhookView(r *storage.Webhook, chat func(ids.Place) (ids.ChatID, error)) (*messages.Webhook, error) {
	settings, err := webhookSettings(r, chat)
	if err != nil {
		return nil, err
	}
	v := &messages.Webhook{
		WebhookId: r.WebhookID, Name: r.Name, KeyId: r.KeyID, GroupId: r.GroupID, Settings: settings,
		FailingSinceMs: MillisOf(r.FailingSince), LastSuccessMs: MillisOf(r.LastSuccessAt), HoldUntilMs: MillisOf(r.HoldUntil),
		LastError: r.LastError,
		CreatedMs: MillisOf(r.CreatedAt), UpdatedMs: MillisOf(r.UpdatedAt), Revision: r.Revision,
	}
	if !r.Enabled {
		v.DisabledReason = r.DisabledReason
	}
	for _, s := range r.Secrets {
		v.OldSecretUntilMs = max(v.OldSecretUntilMs, MillisOf(s.ExpiresAt))
	}
	if v.ChatId, err = chat(r.GroupID); err != nil {
		return nil, fmt.Errorf("find the group of a webhook: %w", err)
	}
	return v, nil
}

func webhookSettings(r *storage.Webhook, chat func(ids.Place) (ids.ChatID, error)) (*messages.WebhookSettings, error) {
	s := &messages.WebhookSettings{
		Url: r.URL, Description: r.Description, Format: r.Format, Ordering: r.Ordering, Content: r.Content, Events: r.Events,
		MaxConcurrency: int32(r.MaxConcurrency), MaxPerSecond: r.MaxPerSecond, IncludeInternal: r.IncludeInternal,
		Schedule: r.Schedule, Templates: r.Templates, Enabled: r.Enabled,
		Filter: &messages.WebhookFilter{GroupIds: r.Filter.GroupIDs, Priorities: r.Filter.Priorities,
			CreatedBy: r.Filter.CreatedBy, Metadata: r.Filter.Metadata},
	}
	for _, group := range r.Filter.GroupIDs {
		id, err := chat(group)
		if err != nil {
			return nil, fmt.Errorf("find a group that a webhook hears: %w", err)
		}
		s.Filter.ChatIds = append(s.Filter.ChatIds, id)
	}
	for _, h := range r.Headers {
		s.Headers = append(s.Headers, &messages.HeaderLine{Name: h.Name, Value: MaskedHeader})
	}
	return s, nil
}

// DeliveryView is what became of an event at an endpoint.
func DeliveryView(r *storage.Delivery) *messages.WebhookDelivery {
	v := &messages.WebhookDelivery{
		EventId: r.EventID, Type: r.Type, TicketId: r.TicketID, Number: r.Number, State: r.State,
		NextAttemptMs: MillisOf(r.NextAttemptAt), CreatedMs: MillisOf(r.CreatedAt), UpdatedMs: MillisOf(r.UpdatedAt),
	}
	for i := range r.Attempts {
		a := &r.Attempts[i]
		attempt := &messages.DeliveryAttempt{AtMs: MillisOf(a.At), DurationMs: a.DurationMs, Status: int32(a.Status),
			Error: a.Error, Response: a.Response}
		for _, h := range a.RequestHeaders {
			attempt.RequestHeaders = append(attempt.RequestHeaders, &messages.HeaderLine{Name: h.Name, Value: h.Value})
		}
		v.Attempts = append(v.Attempts, attempt)
	}
	return v
}

// ReplayView is a replay as programs see it.
func ReplayView(r *storage.Replay) *messages.Replay {
	return &messages.Replay{
		ReplayId: r.ReplayID, WebhookId: r.WebhookID, State: r.State, Total: r.Total, Sent: r.Sent, Failed: r.Failed,
		CreatedMs: MillisOf(r.CreatedAt), UpdatedMs: MillisOf(r.UpdatedAt),
	}
}

// DeliveryQueryOf is the query of a store for a list of deliveries.
func DeliveryQueryOf(m *messages.ListDeliveries) storage.DeliveryQuery {
	q := storage.DeliveryQuery{WebhookID: m.WebhookId, States: m.States, Types: m.Types, TicketID: m.TicketId,
		Since: TimeOf(m.SinceMs), Limit: int(m.Limit)}
	if m.BeforeMs != 0 {
		q.Before = storage.DeliveryCursor{CreatedAt: TimeOf(m.BeforeMs), EventID: m.BeforeEvent}
	}
	return q
}

// ConsumerView is a named reader of the feed as its key sees it, without the token of its lease.
func ConsumerView(r *storage.Consumer) *messages.ConsumerView {
	return &messages.ConsumerView{Code: messages.Code_OK, Name: r.Name, Cursor: r.Cursor, LeasedUntilMs: MillisOf(r.LeasedUntil),
		UpdatedMs: MillisOf(r.UpdatedAt)}
}
