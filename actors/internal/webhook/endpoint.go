package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/topicdesk/topicdesk/actors/internal/delivery"
	"github.com/topicdesk/topicdesk/actors/internal/eventlog"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// endpoint is what an endpoint's settings come to: what it hears, and what requests to it look like. It never changes.
type endpoint struct {
	webhookID string
	url       string
	format    string
	idsOnly   bool
	ordered   bool
	filter    *eventlog.Filter
	tickets   *ticketFilter // nil: any
	templates *delivery.Templates
	headers   map[string]string
	secrets   []expiring
	schedule  []time.Duration
}

type expiring struct {
	delivery.Secret
	until time.Time // zero: it does not expire
}

// usualSchedule are the waits before each attempt, but where an endpoint has its own.
var usualSchedule = []time.Duration{0, 5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
	10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour}

// endpointOf opens what is sealed. The error is errSealed when it can't.
func (r *Room) endpointOf(w *storage.Webhook) (*endpoint, error) {
	e := &endpoint{
		webhookID: w.WebhookID, url: w.URL, format: w.Format, idsOnly: w.Content == "ids", ordered: w.Ordering != "none",
		filter: filterOf(w), headers: map[string]string{}, schedule: usualSchedule,
	}
	if len(w.Schedule) > 0 {
		e.schedule = nil
		for _, s := range w.Schedule {
			e.schedule = append(e.schedule, time.Duration(s*float64(time.Second)))
		}
	}
	var err error
	if e.tickets, err = ticketFilterOf(&w.Filter); err != nil {
		return nil, err
	}
	if e.templates, err = delivery.ParseTemplates(w.Templates); err != nil {
		return nil, fmt.Errorf("its templates: %w", err)
	}
	for _, h := range w.Headers {
		if e.headers[h.Name], err = r.seals.open(w.WebhookID, h.Sealed); err != nil {
			return nil, err
		}
	}
	for i, s := range w.Secrets {
		if !s.ExpiresAt.IsZero() && !r.env.Now().Before(s.ExpiresAt) {
			continue
		}
		text, err := r.seals.open(w.WebhookID, s.Sealed)
		if err != nil && i > 0 {
			continue // the one before a rotation; the new one signs
		}
		if err != nil {
			return nil, err
		}
		secret, err := delivery.ParseSecret(text)
		if err != nil {
			return nil, err
		}
		e.secrets = append(e.secrets, expiring{secret, s.ExpiresAt})
	}
	return e, nil
}

// filterOf selects what the endpoint hears, but for its filter by ticket.
func filterOf(w *storage.Webhook) *eventlog.Filter {
	return eventlog.NewFilter(&messages.LogFilter{Types: w.Events, GroupId: w.GroupID, IncludeInternal: w.IncludeInternal})
}

// wants reports whether the endpoint hears an event. It is not told of its own trouble.
func (e *endpoint) wants(event *storage.Event) bool {
	if strings.HasPrefix(event.Type, "webhook.") && event.Type != messages.EventWebhookRecovered &&
		bytes.Contains(event.Data, []byte(strconv.Quote(e.webhookID))) {
		return false
	}
	if event.Type == messages.EventErrorOccurred && (bytes.Contains(event.Data, []byte(strconv.Quote(e.webhookID))) ||
		bytes.Contains(event.Data, []byte(`"moreWebhooks":true`))) {
		return false
	}
	return e.filter.Selects(event) && (e.tickets == nil || e.tickets.selects(event))
}

// ticketFilter selects events by their ticket. Empty fields select everything.
type ticketFilter struct {
	groups, priorities, creators []string
	metadata                     map[string][]string
}

func ticketFilterOf(f *storage.WebhookFilter) (*ticketFilter, error) {
	if len(f.GroupIDs)+len(f.Priorities)+len(f.CreatedBy)+len(f.Metadata) == 0 {
		return nil, nil
	}
	t := &ticketFilter{groups: f.GroupIDs, priorities: f.Priorities, creators: f.CreatedBy}
	if len(f.Metadata) > 0 {
		var err error
		if t.metadata, err = metadataFilter(f.Metadata); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// metadataFilter reads a filter by metadata: by key, a value or a list of them.
func metadataFilter(raw json.RawMessage) (map[string][]string, error) {
	var by map[string]json.RawMessage
	if err := json.Unmarshal(raw, &by); err != nil {
		return nil, errors.New("a filter by metadata is an object")
	}
	all := make(map[string][]string, len(by))
	for key, value := range by {
		var list []json.RawMessage
		if json.Unmarshal(value, &list) != nil {
			list = []json.RawMessage{value}
		}
		for _, v := range list {
			all[key] = append(all[key], plain(v))
		}
	}
	return all, nil
}

// plain is a value of metadata as it is compared: a string without its quotes, anything else as it is written.
func plain(v json.RawMessage) string {
	var s string
	if json.Unmarshal(v, &s) == nil {
		return s
	}
	return string(v)
}

func (t *ticketFilter) selects(event *storage.Event) bool {
	if event.TicketID == "" {
		return false
	}
	if len(t.groups) > 0 && !slices.Contains(t.groups, event.GroupID) {
		return false
	}
	if len(t.priorities)+len(t.creators)+len(t.metadata) == 0 {
		return true
	}
	var data struct {
		Ticket struct {
			Priority  string `json:"priority"`
			CreatedBy struct {
				Kind string `json:"kind"`
				ID   string `json:"id"`
			} `json:"createdBy"`
			Metadata map[string]json.RawMessage `json:"metadata"`
		} `json:"ticket"`
	}
	if json.Unmarshal(event.Data, &data) != nil {
		return false
	}
	ticket := &data.Ticket
	if len(t.priorities) > 0 && !slices.Contains(t.priorities, ticket.Priority) {
		return false
	}
	if len(t.creators) > 0 && !slices.Contains(t.creators, ticket.CreatedBy.Kind+":"+ticket.CreatedBy.ID) {
		return false
	}
	for key, values := range t.metadata {
		if value, has := ticket.Metadata[key]; !has || !slices.Contains(values, plain(value)) {
			return false
		}
	}
	return true
}

// envelopeOf is an event as subscribers get it.
func envelopeOf(e *storage.Event) delivery.Envelope {
	return delivery.Envelope{ID: e.EventID, Type: e.Type, Timestamp: e.At, TicketID: e.TicketID, Number: e.Number, Data: e.Data}
}

// request makes the request that tells the endpoint of an event, to be signed as of now. An error will be the same next
// time.
func (r *Room) request(e *endpoint, event delivery.Envelope, now time.Time) (delivery.Request, error) {
	return r.requestBy(e, event, now, e.templates.Render)
}

// requestBy is request, with the templates filled by a function.
func (r *Room) requestBy(
	e *endpoint, event delivery.Envelope, now time.Time, fill func(delivery.Envelope) (*delivery.Message, error),
) (delivery.Request, error) {
	req := delivery.Request{URL: e.url, ID: event.ID, Header: e.headers}
	for _, s := range e.secrets {
		if s.until.IsZero() || now.Before(s.until) {
			req.Secrets = append(req.Secrets, s.Secret)
		}
	}
	if e.idsOnly {
		var err error
		if event, err = event.IDs(r.addressOf(&event)); err != nil {
			return req, err
		}
	}
	switch m, err := fill(event); {
	case err != nil:
		return req, err
	case m != nil:
		req.Method, req.ContentType, req.Body = m.Method, m.ContentType, m.Body
		req.Header = delivery.MergeHeaders(e.headers, m.Header)
	case e.format == "cloudevents":
		req.Body, req.ContentType = event.CloudEvent(r.PublicURL)
	default:
		req.Body = event.Standard()
	}
	return req, nil
}

// addressOf is where a program with a key finds the event in full.
func (r *Room) addressOf(e *delivery.Envelope) string {
	return r.PublicURL + "/api/v1/events/by-id/" + url.PathEscape(e.ID)
}
