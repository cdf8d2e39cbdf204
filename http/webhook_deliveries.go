package httpedge

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/view"
)

// WebhookDelivery is what became of an event at an endpoint, as the API shows it.
type WebhookDelivery struct {
	EventID       string            `json:"eventId" example:"evt_a5kt2mmmwfx5ttk4mzdkzc2d3q"`
	Type          string            `json:"type" example:"ticket.created"`
	TicketID      *string           `json:"ticketId" doc:"null for events of no ticket." example:"TICK-MWWK9D73-FBC14E0C"`
	Number        *int64            `json:"number" doc:"The event's number within the ticket. null for events of no ticket." example:"1"`
	State         string            `json:"state" enum:"pending,sent,failed,exhausted,aborted,skipped" doc:"pending: it was not tried yet. failed: it is tried again. exhausted: its schedule is spent. aborted: the receiver wants no further attempt. skipped: the endpoint went on without it." example:"sent"`
	NextAttemptAt *view.Time        `json:"nextAttemptAt" doc:"null: none is planned."`
	Attempts      []DeliveryAttempt `json:"attempts" nullable:"false" doc:"Oldest first."`
	CreatedAt     view.Time         `json:"createdAt"`
	UpdatedAt     view.Time         `json:"updatedAt"`
}

// DeliveryAttempt is one request to an endpoint, and what it answered.
type DeliveryAttempt struct {
	At             view.Time         `json:"at"`
	DurationMs     int64             `json:"durationMs" example:"42"`
	Status         *int              `json:"status" doc:"null: there was no answer." example:"204"`
	Error          *string           `json:"error" doc:"What went wrong, in words. null: nothing."`
	RequestHeaders map[string]string `json:"requestHeaders" nullable:"false" doc:"The endpoint's own are shown as ***."`
	Response       string            `json:"response" doc:"The beginning of the answer's body, at most 16 kB. It may repeat what the event says, so a key without messages:read sees none."`
}

// WebhookStats says how an endpoint does.
type WebhookStats struct {
	Backlog              int64           `json:"backlog" doc:"How many events wait. Those that were not read yet count, wanted or not." example:"0"`
	OldestPendingSeconds float64         `json:"oldestPendingSeconds" doc:"How long the oldest of them has waited; 0: nothing waits." example:"0"`
	Periods              []WebhookPeriod `json:"periods" nullable:"false" doc:"The last hour, the last day, the last 7 days."`
}

// WebhookPeriod says how an endpoint did in a time.
type WebhookPeriod struct {
	Seconds   int64          `json:"seconds" doc:"How long the time is, up to now." example:"3600"`
	Sent      int64          `json:"sent" doc:"How many events were delivered." example:"35"`
	Failed    int64          `json:"failed" doc:"How many attempts failed." example:"0"`
	LatencyMs WebhookLatency `json:"latencyMs"`
}

// WebhookLatency is how long attempts took that were answered.
type WebhookLatency struct {
	P50 *float64 `json:"p50" doc:"Half of them took at most this long. null: none was answered." example:"12.5"`
	P95 *float64 `json:"p95" doc:"95 of 100 took at most this long. null: none was answered." example:"40"`
}

func (a *API) webhookDeliveryOperations() {
	register(a, op{
		id: "listDeliveries", method: http.MethodGet, path: "/webhooks/{id}/deliveries",
		tag: tagWebhooks, summary: "List what became of events", scope: scopeWebhooksRead,
		description: "Lists what became of events at the endpoint, newest first, each with its attempts. A page may have fewer items " +
			"than `limit` although there is a next page." + aboutWebhooks,
		answer: exampleList(exampleDelivery()),
	}, a.listDeliveries)
	register(a, op{
		id: "retryDelivery", method: http.MethodPost, path: "/webhooks/{id}/deliveries/{eventId}/retry",
		tag: tagWebhooks, summary: "Deliver an event again", scope: scopeWebhooksWrite, status: http.StatusAccepted,
		codes:       []string{messages.ReasonWebhookOff, messages.ReasonEventUnheard},
		description: "Tries an event again now, whatever became of it, under its own id. One that still waits for others of its ticket keeps its turn." + aboutWebhooks,
		answer:      exampleDelivery(),
	}, a.retryDelivery)
	register(a, op{
		id: "getWebhookStats", method: http.MethodGet, path: "/webhooks/{id}/stats",
		tag: tagWebhooks, summary: "See how an endpoint does", scope: scopeWebhooksRead,
		description: "Returns how much waits, and how much was delivered or failed, and how fast, in the last hour, the last day and " +
			"the last 7 days." + aboutWebhooks,
		answer: webhookStatsOf(&messages.WebhookStats{Periods: []*messages.WebhookPeriod{{Seconds: 3600, Sent: 35, P50Ms: 12.5, P95Ms: 40},
			{Seconds: 86400, Sent: 812, Failed: 3, P50Ms: 13, P95Ms: 52}, {Seconds: 604800, Sent: 5012, Failed: 17, P50Ms: 13, P95Ms: 55}}}),
	}, a.getWebhookStats)
}

type listDeliveriesInput struct {
	WebhookPath
	PageInput
	States   []string  `query:"state" enum:"pending,sent,failed,exhausted,aborted,skipped" maxItems:"10" doc:"Only deliveries with one of these states: failed,exhausted, or the parameter repeated." example:"failed,exhausted"`
	Types    []string  `query:"type" maxItems:"50" doc:"Only deliveries of events of one of these types: ticket.closed,message.sent, or the parameter repeated." example:"ticket.closed,message.sent"`
	TicketID string    `query:"ticketId" maxLength:"64" doc:"Only deliveries of events of this ticket: its ticketId or its number."`
	Since    time.Time `query:"since" doc:"Only deliveries that began at this time or later."`
}

type deliveryListOutput struct {
	Body List[WebhookDelivery]
}

// deliveryCursor is what a cursor of a list of deliveries holds.
type deliveryCursor struct {
	At int64  `json:"a"`
	ID string `json:"i"`
}

func (a *API) listDeliveries(ctx context.Context, c *call, in *listDeliveriesInput) (*deliveryListOutput, error) {
	w, err := a.webhook(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	m := &messages.ListDeliveries{WebhookId: w.WebhookId, States: each(in.States), Types: each(in.Types), SinceMs: ceilMs(in.Since),
		Limit: int32(in.Limit)}
	for i, t := range in.Types {
		if _, known := view.EventTypeOf(t); !known {
			return nil, invalidQuery("type", fmt.Sprintf("value %d is no type of event; see /events/types", i+1))
		}
	}
	if in.TicketID != "" {
		record, err := a.seen(ctx, c, in.TicketID)
		if err != nil {
			if asProblem(err).Code == codeNotFound {
				err = invalidQuery("ticketId", "the ticket does not exist, or this API key can't see it")
			}
			return nil, err
		}
		m.TicketId = record.TicketId
	}
	list := fmt.Sprintf("deliveries/%q", []string{w.WebhookId, strings.Join(m.States, ","), strings.Join(m.Types, ","), m.TicketId,
		fmt.Sprint(m.SinceMs)})
	if in.Cursor != "" {
		var before deliveryCursor
		if err := readCursor(list, in.Cursor, &before); err != nil {
			return nil, err
		}
		m.BeforeMs, m.BeforeEvent = before.At, before.ID
	}
	found, err := ask[*messages.DeliveryList](ctx, a, messages.KindQuery, "", m)
	if err != nil {
		return nil, err
	}
	out := &deliveryListOutput{Body: List[WebhookDelivery]{Data: make([]WebhookDelivery, 0, len(found.Deliveries))}}
	for _, d := range found.Deliveries {
		out.Body.Data = append(out.Body.Data, deliveryOf(c, d))
	}
	if found.NextMs != 0 {
		next := cursorOf(list, deliveryCursor{found.NextMs, found.NextEvent})
		out.Body.NextCursor = &next
	}
	return out, nil
}

// DeliveryPath names a delivery in the path.
type DeliveryPath struct {
	WebhookPath
	EventID string `path:"eventId" minLength:"1" maxLength:"200" doc:"The event's id." example:"evt_a5kt2mmmwfx5ttk4mzdkzc2d3q"`
}

type deliveryOutput struct {
	Body WebhookDelivery
}

func (a *API) retryDelivery(ctx context.Context, c *call, in *DeliveryPath) (*deliveryOutput, error) {
	w, err := a.webhook(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	m := &messages.RetryDelivery{Origin: c.origin(), EventId: in.EventID}
	again, err := ask[*messages.DeliveryView](ctx, a, messages.KindWebhook, w.WebhookId, m)
	if err != nil {
		return nil, err
	}
	return &deliveryOutput{Body: deliveryOf(c, again.Delivery)}, nil
}

type webhookStatsOutput struct {
	Body WebhookStats
}

func (a *API) getWebhookStats(ctx context.Context, c *call, in *WebhookPath) (*webhookStatsOutput, error) {
	w, err := a.webhook(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	stats, err := ask[*messages.WebhookStats](ctx, a, messages.KindWebhook, w.WebhookId, &messages.GetWebhookStats{})
	if err != nil {
		return nil, err
	}
	return &webhookStatsOutput{Body: webhookStatsOf(stats)}, nil
}

func webhookStatsOf(s *messages.WebhookStats) WebhookStats {
	v := WebhookStats{Backlog: s.Backlog, OldestPendingSeconds: float64(s.OldestPendingMs) / 1000, Periods: []WebhookPeriod{}}
	known := func(ms float64) *float64 {
		if ms == 0 {
			return nil
		}
		return &ms
	}
	for _, p := range s.Periods {
		v.Periods = append(v.Periods, WebhookPeriod{Seconds: p.Seconds, Sent: p.Sent, Failed: p.Failed,
			LatencyMs: WebhookLatency{P50: known(p.P50Ms), P95: known(p.P95Ms)}})
	}
	return v
}

func deliveryOf(c *call, d *messages.WebhookDelivery) WebhookDelivery {
	shown := messages.ScopeAllows(c.key.Scopes, scopeMessagesRead)
	v := WebhookDelivery{
		EventID: d.GetEventId(), Type: d.GetType(), State: d.GetState(), NextAttemptAt: view.TimeOf(d.GetNextAttemptMs()),
		Attempts: []DeliveryAttempt{}, CreatedAt: view.At(d.GetCreatedMs()), UpdatedAt: view.At(d.GetUpdatedMs()),
	}
	if d.GetTicketId() != "" {
		v.TicketID, v.Number = &d.TicketId, &d.Number
	}
	for _, t := range d.GetAttempts() {
		attempt := DeliveryAttempt{At: view.At(t.AtMs), DurationMs: t.DurationMs,
			RequestHeaders: headersOf(t.RequestHeaders)}
		if shown {
			attempt.Response = t.Response
		}
		if t.Status != 0 {
			status := int(t.Status)
			attempt.Status = &status
		}
		if t.Error != "" {
			attempt.Error = &t.Error
		}
		v.Attempts = append(v.Attempts, attempt)
	}
	return v
}

func exampleDelivery() WebhookDelivery {
	ticketID, number, status := view.ExampleTicket("open").TicketID, int64(1), http.StatusNoContent
	return WebhookDelivery{EventID: "evt_a5kt2mmmwfx5ttk4mzdkzc2d3q", Type: messages.EventTicketCreated, TicketID: &ticketID,
		Number: &number, State: "sent", CreatedAt: view.ExampleTime, UpdatedAt: view.ExampleTime,
		Attempts: []DeliveryAttempt{{At: view.ExampleTime, DurationMs: 42, Status: &status,
			RequestHeaders: map[string]string{"webhook-id": "evt_a5kt2mmmwfx5ttk4mzdkzc2d3q", "authorization": maskedHeader}}}}
}
