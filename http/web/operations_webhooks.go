package web

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/topicdesk/topicdesk/messages"
)

// The pages of webhooks: what they are, and what became of events there. What changes them is in operations_webhook_changes.go.

var webhookRoutes = []operationRoute{
	{http.MethodGet, "", (*operator).webhooks},
	{http.MethodPost, "", (*operator).createWebhook},
	{http.MethodGet, "/:id", (*operator).webhook},
	{http.MethodPost, "/:id/test", (*operator).testWebhook},
	{http.MethodPost, "/:id/enable", (*operator).enableWebhook},
	{http.MethodPost, "/:id/disable", (*operator).disableWebhook},
	{http.MethodPost, "/:id/delete", (*operator).deleteWebhook},
	{http.MethodPost, "/:id/secret", (*operator).rotateSecret},
	{http.MethodPost, "/:id/templates", (*operator).saveTemplates},
	{http.MethodPost, "/:id/preview", (*operator).previewTemplates},
	{http.MethodPost, "/:id/replay", (*operator).startReplay},
	{http.MethodPost, "/:id/replays/:replay/cancel", (*operator).cancelReplay},
	{http.MethodPost, "/:id/deliveries/:event/retry", (*operator).retryDelivery},
}

type webhook struct {
	WebhookID       string          `json:"webhookId"`
	Name            *string         `json:"name"`
	URL             string          `json:"url"`
	Description     string          `json:"description"`
	Events          []string        `json:"events"`
	Format          string          `json:"format"`
	Ordering        string          `json:"ordering"`
	Content         string          `json:"content"`
	IncludeInternal bool            `json:"includeInternal"`
	Templates       json.RawMessage `json:"templates"`
	Enabled         bool            `json:"enabled"`
	DisabledReason  string          `json:"disabledReason"`
	GroupID         *int64          `json:"groupId"`
	FailingSince    *time.Time      `json:"failingSince"`
	LastError       *string         `json:"lastError"`
	LastSuccessAt   *time.Time      `json:"lastSuccessAt"`
	HoldUntil       *time.Time      `json:"holdUntil"`
	OldSecretUntil  *time.Time      `json:"oldSecretUntil"`
	CreatedAt       time.Time       `json:"createdAt"`
	Secret          string          `json:"secret"` // when it was just made
}

// State says in one word how it is: the name of a text "webhook_…".
func (w webhook) State() string {
	switch {
	case !w.Enabled:
		return "disabled"
	case w.FailingSince != nil || w.LastError != nil:
		return "failing"
	}
	return "ok"
}

// Called is by what people know it: its description, its name, or where it is.
func (w webhook) Called() string {
	if w.Description != "" {
		return w.Description
	}
	if w.Name != nil {
		return *w.Name
	}
	return w.Host()
}

// Host is where it is.
func (w webhook) Host() string {
	if u, err := url.Parse(w.URL); err == nil && u.Host != "" {
		return u.Host
	}
	return w.URL
}

type webhooksPage struct {
	*listPage[webhook]
	URL, Description, Events string // as they were entered
	Types                    []string
}

func (o *operator) webhooks() error {
	found, err := listed[webhook](o, "/webhooks", o.path(""))
	if err != nil {
		return err
	}
	p := &webhooksPage{listPage: found, Types: eventTypes()}
	p.URL, p.Description, p.Events = o.entered("url"), o.entered("description"), o.entered("events")
	if p.Groups, err = o.groupTitles(); err != nil {
		return err
	}
	return o.show("operations-webhooks", p)
}

func eventTypes() (names []string) {
	for _, e := range messages.Events {
		names = append(names, e.Type)
	}
	return names
}

type deliveryAttempt struct {
	At         time.Time `json:"at"`
	DurationMs int64     `json:"durationMs"`
	Status     *int      `json:"status"`
	Error      *string   `json:"error"`
	Response   string    `json:"response"`
}

type webhookDelivery struct {
	EventID       string            `json:"eventId"`
	Type          string            `json:"type"`
	TicketID      *string           `json:"ticketId"`
	State         string            `json:"state"`
	NextAttemptAt *time.Time        `json:"nextAttemptAt"`
	Attempts      []deliveryAttempt `json:"attempts"`
	CreatedAt     time.Time         `json:"createdAt"`
}

// Last is the newest attempt; nil: there is none.
func (d webhookDelivery) Last() *deliveryAttempt {
	if len(d.Attempts) == 0 {
		return nil
	}
	return &d.Attempts[len(d.Attempts)-1]
}

type webhookStats struct {
	Backlog              int64   `json:"backlog"`
	OldestPendingSeconds float64 `json:"oldestPendingSeconds"`
	Periods              []struct {
		Seconds   int64 `json:"seconds"`
		Sent      int64 `json:"sent"`
		Failed    int64 `json:"failed"`
		LatencyMs struct {
			P50 *float64 `json:"p50"`
			P95 *float64 `json:"p95"`
		} `json:"latencyMs"`
	} `json:"periods"`
}

type webhookTest struct {
	Request struct {
		Method  string            `json:"method"`
		Host    string            `json:"host"`
		Headers map[string]string `json:"headers"`
		Body    string            `json:"body"`
	} `json:"request"`
	Response *struct {
		Status int    `json:"status"`
		Body   string `json:"body"`
	} `json:"response"`
	DurationMs int64   `json:"durationMs"`
	Error      *string `json:"error"`
}

type replay struct {
	ReplayID string `json:"replayId"`
	State    string `json:"state"`
	Total    int64  `json:"total"`
	Sent     int64  `json:"sent"`
	Failed   int64  `json:"failed"`
}

type webhookPage struct {
	*listPage[webhookDelivery]
	Webhook   *webhook
	Stats     *webhookStats
	States    []filter
	State     string // of the deliveries that are shown; "": all
	Types     []string
	Type      string       // of the last test, or preview
	Tested    *webhookTest // what came of it; nil: there was none
	Replay    *replay      // the one that was started here; nil: none
	Templates string       // as JSON, as they are or were entered
	Preview   *webhookPreview
	Wrong     *refusal // why the templates were neither saved nor tried; nil: nothing is wrong
}

// deliveryStates are the filters of deliveries, as the address names them; the first is all.
var deliveryStates = []string{"all", "pending", "sent", "failed", "exhausted", "aborted", "skipped"}

func (o *operator) webhook() error { return o.webhookWith(func(*webhookPage) {}) }

// webhookWith shows the page of a webhook, with the outcome of what was asked for on it.
func (o *operator) webhookWith(outcome func(*webhookPage)) error {
	p := &webhookPage{Webhook: &webhook{}, Types: eventTypes(), Type: o.entered("type")}
	outcome(p)
	api, page := "/webhooks/"+o.param("id"), o.path("/"+o.param("id"))
	if err := o.get(api, p.Webhook); err != nil {
		return err
	}
	stats := &webhookStats{}
	if err := o.get(api+"/stats", stats); err == nil { // its part of the desk may not answer: the rest is shown all the same
		p.Stats = stats
	}
	if state := o.c.Query("state"); slices.Contains(deliveryStates[1:], state) {
		p.State = state
	}
	for i, name := range deliveryStates {
		state := name
		if i == 0 {
			state = ""
		}
		p.States = append(p.States, filter{name, withQuery(page, "state", state), state == p.State})
	}
	var err error
	p.listPage, err = listed[webhookDelivery](o, withQuery(api+"/deliveries", "limit", "20", "state", p.State),
		withQuery(page, "state", p.State))
	if err != nil {
		return err
	}
	if p.Groups, err = o.groupTitles(); err != nil {
		return err
	}
	if id := o.c.Query("replay"); id != "" {
		found := &replay{}
		if err := o.get(api+"/replays/"+url.PathEscape(id), found); err == nil { // else it is another one's, or forgotten
			p.Replay = found
		}
	}
	p.Templates = o.entered("templates")
	if given := strings.TrimSpace(string(p.Webhook.Templates)); p.Templates == "" && given != "" && given != "null" {
		p.Templates = indented(p.Webhook.Templates)
	}
	return o.show("operations-webhook", p)
}

// indented is JSON for people to read and change.
func indented(raw json.RawMessage) string {
	var text bytes.Buffer
	if json.Indent(&text, raw, "", "  ") != nil {
		return string(raw)
	}
	return text.String()
}
