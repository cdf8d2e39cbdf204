package storage

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"
)

// ErrNameTaken says that another webhook of the same owner has this name.
var ErrNameTaken = errors.New("another webhook of this owner has this name")

// Webhooks keeps the endpoints to which events are delivered.
type Webhooks interface {
	Webhook(ctx context.Context, webhookID string) (*Webhook, error)
	// WebhookByName finds a webhook by its name. The owner is its GroupID; "" are all that are bound to no group.
	WebhookByName(ctx context.Context, owner, name string) (*Webhook, error)
	// Webhooks lists webhooks after the given id, ordered by it. groupID, unless "", selects those of one group.
	Webhooks(ctx context.Context, groupID, after string, limit int) ([]Webhook, error)
	// CountWebhooks counts the webhooks that an API key has made.
	CountWebhooks(ctx context.Context, keyID string) (int, error)
	// SaveWebhook inserts (Version 0; ErrExists) or updates (ErrConflict). A name belongs to one webhook of its owner
	// (ErrNameTaken).
	SaveWebhook(ctx context.Context, w *Webhook) error
	// DeleteWebhook deletes the webhook if the stored version is the given one (ErrConflict). Its deliveries and replays
	// stay: DeleteDeliveries and DeleteReplays.
	DeleteWebhook(ctx context.Context, webhookID string, version int64) error
}

// Deliveries keeps what became of events at endpoints.
type Deliveries interface {
	// SaveDeliveries saves deliveries, each as a Save does: ErrExists, ErrConflict. A store with transactions saves all of
	// them or none. Another one may have saved some when it fails: it has set their versions.
	SaveDeliveries(ctx context.Context, deliveries []*Delivery) error
	Delivery(ctx context.Context, webhookID, eventID string) (*Delivery, error)
	// DeliveriesOf returns the deliveries of those of the events that have one, in the order of eventIDs.
	DeliveriesOf(ctx context.Context, webhookID string, eventIDs []string) ([]Delivery, error)
	// OpenDeliveries lists deliveries for which Open is true, ordered by their place in the log, after the given place.
	OpenDeliveries(ctx context.Context, webhookID string, afterPartition int, afterPosition int64, limit int) (
		[]Delivery, error)
	// MissingDeliveries lists deliveries for which Missing is true, ordered by their place in the log, after the given
	// place.
	MissingDeliveries(ctx context.Context, webhookID string, afterPartition int, afterPosition int64, limit int) (
		[]Delivery, error)
	// ListDeliveries returns a page of a list, newest first. It reads at most DeliveriesRead records, so a page may have
	// fewer than there are, or none, and yet not be the last.
	ListDeliveries(ctx context.Context, q DeliveryQuery) (DeliveryPage, error)
	// DeleteDeliveries deletes a webhook's deliveries that were created before a time and are not open, the oldest first,
	// at most limit, and returns their number. The zero time deletes any, open ones too: those of a deleted webhook.
	DeleteDeliveries(ctx context.Context, webhookID string, before time.Time, limit int) (int, error)
}

// Replays keeps requests to deliver events again.
type Replays interface {
	Replay(ctx context.Context, replayID string) (*Replay, error)
	// SaveReplay inserts (Version 0; ErrExists) or updates (ErrConflict).
	SaveReplay(ctx context.Context, r *Replay) error
	// Replays lists a webhook's replays, newest first.
	Replays(ctx context.Context, webhookID string, limit int) ([]Replay, error)
	// DeleteReplays deletes a webhook's replays that were created before a time, the oldest first, at most limit, and
	// returns their number. The zero time deletes any.
	DeleteReplays(ctx context.Context, webhookID string, before time.Time, limit int) (int, error)
}

// Consumers keeps how far the named readers of the feed are.
type Consumers interface {
	Consumer(ctx context.Context, keyID, name string) (*Consumer, error)
	// SaveConsumer inserts (Version 0; ErrExists) or updates (ErrConflict).
	SaveConsumer(ctx context.Context, c *Consumer) error
	// Consumers lists the consumers of an API key after the given name, ordered by it.
	Consumers(ctx context.Context, keyID, after string, limit int) ([]Consumer, error)
	// DeleteConsumer deletes the consumer if the stored version is the given one (ErrConflict).
	DeleteConsumer(ctx context.Context, keyID, name string, version int64) error
}

// Webhook is an endpoint to which events are delivered.
type Webhook struct {
	WebhookID       string          `json:"webhookId"`
	CommandID       string          `json:"commandId"`         // of the command that made it
	Name            string          `json:"name,omitempty"`    // unique for its owner; "": none
	KeyID           string          `json:"keyId"`             // of the API key that made it
	GroupID         string          `json:"groupId,omitempty"` // internal id of the only group that it hears; "" = all
	URL             string          `json:"url"`
	Description     string          `json:"description,omitempty"`
	Format          string          `json:"format"`           // standard | cloudevents
	Ordering        string          `json:"ordering"`         // ticket | none
	Content         string          `json:"content"`          // full | ids
	Events          []string        `json:"events,omitempty"` // types and patterns; none: all
	MaxConcurrency  int             `json:"maxConcurrency"`
	MaxPerSecond    float64         `json:"maxPerSecond,omitempty"` // 0: no limit
	Filter          WebhookFilter   `json:"filter"`
	Headers         []SealedHeader  `json:"headers,omitempty"`
	IncludeInternal bool            `json:"includeInternal,omitempty"`
	Schedule        []float64       `json:"schedule,omitempty"` // seconds before each attempt; none: the default
	Templates       json.RawMessage `json:"templates,omitempty"`
	Secrets         []WebhookSecret `json:"secrets"` // newest first
	Enabled         bool            `json:"enabled"`
	DisabledReason  string          `json:"disabledReason,omitempty"`
	// Positions says how far the endpoint has read each partition: Partitions of them, or none when it was just made.
	Positions []int64 `json:"positions,omitempty"`
	// Behind are the tickets whose events wait for one that failed. Positions have passed them.
	Behind []BehindTicket `json:"behind,omitempty"`
	// SkipTo says for each partition up to which position events are skipped, not delivered; none: nothing is skipped.
	SkipTo []int64 `json:"skipTo,omitempty"`
	// Events are about the endpoint, and not in the log yet.
	Unlogged []Event `json:"unlogged,omitempty"`
	// FailingSince is when the failures began that no success has ended; Warned has a bit for each warning given since.
	FailingSince time.Time `json:"failingSince,omitzero"`
	Warned       int64     `json:"warned,omitempty"`
	WarnedAt     time.Time `json:"warnedAt,omitzero"` // when the last early warning was given
	// Told says when people were last told something of it, once for each thing.
	Told          []WebhookWord `json:"told,omitempty"`
	LastError     string        `json:"lastError,omitempty"`
	LastSuccessAt time.Time     `json:"lastSuccessAt,omitzero"`
	HoldUntil     time.Time     `json:"holdUntil,omitzero"` // no attempts before, as the endpoint asked
	// Periods count what became of attempts, by periods of several lengths.
	Periods   []WebhookPeriod `json:"periods,omitempty"`
	CreatedAt time.Time       `json:"createdAt"`
	UpdatedAt time.Time       `json:"updatedAt"`
	DeletedAt time.Time       `json:"deletedAt,omitzero"` // its deliveries are being deleted; then it is
	Revision  int64           `json:"revision"`           // of its settings
	Version   int64           `json:"version"`
}

// WebhookFilter selects events by their ticket. An empty list selects all.
type WebhookFilter struct {
	GroupIDs   []string        `json:"groupIds,omitempty"` // internal ids of home groups
	Priorities []string        `json:"priorities,omitempty"`
	CreatedBy  []string        `json:"createdBy,omitempty"`
	Metadata   json.RawMessage `json:"metadata,omitempty"` // by key, a value or a list of them
}

// WebhookWord is what people were told of an endpoint: a stage of its failures, or why it was disabled.
type WebhookWord struct {
	About string    `json:"about"`
	At    time.Time `json:"at"`
}

// SealedHeader is a header of each request to an endpoint. Its value is encrypted, since it may be a secret.
type SealedHeader struct {
	Name   string `json:"name"`
	Sealed []byte `json:"sealed"`
}

// WebhookSecret is a secret that signs requests to an endpoint, encrypted. While it is rotated, a webhook has two.
type WebhookSecret struct {
	Sealed    []byte    `json:"sealed"`
	CommandID string    `json:"commandId,omitempty"` // of the command that made it
	ExpiresAt time.Time `json:"expiresAt,omitzero"`  // zero: never
}

// BehindTicket says through which number the events of a ticket are done at an endpoint.
type BehindTicket struct {
	TicketID string `json:"ticketId"`
	Through  int64  `json:"through"`
}

// WebhookPeriod counts what became of an endpoint's attempts in a period.
type WebhookPeriod struct {
	Begins  time.Time `json:"begins"`
	Seconds int64     `json:"seconds"` // its length
	Sent    int64     `json:"sent,omitempty"`
	Failed  int64     `json:"failed,omitempty"`
	// Latency counts answered attempts by how long they took, each class a factor √2 longer than the one before; the first
	// is up to 1 ms.
	Latency []int64 `json:"latency,omitempty"`
}

// Delivery is what became of one event at one endpoint. (WebhookID, EventID) is its key.
type Delivery struct {
	WebhookID     string            `json:"webhookId"`
	EventID       string            `json:"eventId"`
	TicketID      string            `json:"ticketId,omitempty"`
	Number        int64             `json:"number,omitempty"`
	Type          string            `json:"type"`
	Partition     int               `json:"partition"`
	Position      int64             `json:"position"`
	EventAt       time.Time         `json:"eventAt"`            // the event's At; as its id, it never changes
	Tries         int               `json:"tries,omitempty"`    // attempts that count toward the schedule
	State         string            `json:"state"`              // pending | sent | failed | exhausted | aborted | skipped
	Attempts      []DeliveryAttempt `json:"attempts,omitempty"` // oldest first, at most 50
	NextAttemptAt time.Time         `json:"nextAttemptAt,omitzero"`
	ReplayID      string            `json:"replayId,omitempty"` // of the replay that it belongs to
	CreatedAt     time.Time         `json:"createdAt"`
	UpdatedAt     time.Time         `json:"updatedAt"`
	Version       int64             `json:"version"`
}

// DeliveryAttempt is one request to an endpoint, and what it answered.
type DeliveryAttempt struct {
	At             time.Time `json:"at"`
	DurationMs     int64     `json:"durationMs"`
	Status         int       `json:"status,omitempty"` // 0: there was no answer
	Error          string    `json:"error,omitempty"`
	RequestHeaders []Header  `json:"requestHeaders,omitempty"`
	Response       string    `json:"response,omitempty"` // cut
}

// States of a delivery that stores know.
const (
	DeliveryPending   = "pending"
	DeliverySent      = "sent"
	DeliveryFailed    = "failed" // it is tried again
	DeliveryExhausted = "exhausted"
	DeliveryAborted   = "aborted"
	DeliverySkipped   = "skipped"
)

// Open reports whether attempts are left.
func (d *Delivery) Open() bool { return d.State == DeliveryPending || d.State == DeliveryFailed }

// Missing reports whether the endpoint never got the event, and no attempt is left.
func (d *Delivery) Missing() bool {
	return d.State == DeliveryExhausted || d.State == DeliveryAborted || d.State == DeliverySkipped
}

// DeliveriesRead is how many records one page of ListDeliveries reads.
const DeliveriesRead = 1000

// DeliveryQuery asks for a page of a webhook's deliveries, newest first.
type DeliveryQuery struct {
	WebhookID     string
	States, Types []string       // one of these; none: any
	TicketID      string         // "": any
	Since         time.Time      // created then or later; zero: any
	Before        DeliveryCursor // zero: from the newest
	Limit         int
}

// Wants reports whether the filters accept a delivery with that state, type and ticket.
func (q *DeliveryQuery) Wants(state, kind, ticketID string) bool {
	return (len(q.States) == 0 || slices.Contains(q.States, state)) && (len(q.Types) == 0 || slices.Contains(q.Types, kind)) &&
		(q.TicketID == "" || q.TicketID == ticketID)
}

// DeliveryCursor is a place in the list of a webhook's deliveries.
type DeliveryCursor struct {
	CreatedAt time.Time
	EventID   string
}

// DeliveryPage is a page of deliveries. Next is the last record that was read for it; nil: there are no more.
type DeliveryPage struct {
	Deliveries []Delivery
	Next       *DeliveryCursor
}

// Replay is a request to deliver events to an endpoint again.
type Replay struct {
	ReplayID  string    `json:"replayId"`
	WebhookID string    `json:"webhookId"`
	Since     time.Time `json:"since,omitzero"`
	Until     time.Time `json:"until,omitzero"`
	Types     []string  `json:"types,omitempty"`
	TicketID  string    `json:"ticketId,omitempty"`
	EventIDs  []string  `json:"eventIds,omitempty"`
	Missing   bool      `json:"missing,omitempty"` // all that never succeeded
	State     string    `json:"state"`             // running | done | cancelled
	Total     int64     `json:"total"`
	Sent      int64     `json:"sent"`
	Failed    int64     `json:"failed"`
	Positions []int64   `json:"positions,omitempty"` // how far it has read each partition
	Ends      []int64   `json:"ends,omitempty"`      // how far it will read each partition
	CreatedAt time.Time `json:"createdAt"`
	UpdatedAt time.Time `json:"updatedAt"`
	Version   int64     `json:"version"`
}

// Consumer is a named reader of the feed. (KeyID, Name) is its key.
type Consumer struct {
	KeyID       string    `json:"keyId"`
	Name        string    `json:"name"`
	Cursor      string    `json:"cursor"`
	LeaseToken  string    `json:"leaseToken,omitempty"`
	LeasedUntil time.Time `json:"leasedUntil,omitzero"`
	Released    bool      `json:"released,omitempty"` // the reader has ended the lease: no commit of theirs renews it
	UpdatedAt   time.Time `json:"updatedAt"`
	Version     int64     `json:"version"`
}

func (w Webhook) Kept() Webhook {
	w.FailingSince, w.LastSuccessAt, w.HoldUntil = Kept(w.FailingSince), Kept(w.LastSuccessAt), Kept(w.HoldUntil)
	w.CreatedAt, w.UpdatedAt = Kept(w.CreatedAt), Kept(w.UpdatedAt)
	w.WarnedAt, w.DeletedAt = Kept(w.WarnedAt), Kept(w.DeletedAt)
	w.Unlogged = keptEach(w.Unlogged, func(e *Event) { e.At = Kept(e.At) })
	w.Periods = keptEach(w.Periods, func(p *WebhookPeriod) { p.Begins = Kept(p.Begins) })
	w.Told = keptEach(w.Told, func(t *WebhookWord) { t.At = Kept(t.At) })
	w.Secrets = keptEach(w.Secrets, func(s *WebhookSecret) { s.ExpiresAt = Kept(s.ExpiresAt) })
	return w
}

func (d Delivery) Kept() Delivery {
	d.EventAt, d.CreatedAt, d.UpdatedAt = Kept(d.EventAt), Kept(d.CreatedAt), Kept(d.UpdatedAt)
	d.NextAttemptAt = Kept(d.NextAttemptAt)
	d.Attempts = keptEach(d.Attempts, func(a *DeliveryAttempt) { a.At = Kept(a.At) })
	return d
}

func (r Replay) Kept() Replay {
	r.Since, r.Until, r.CreatedAt, r.UpdatedAt = Kept(r.Since), Kept(r.Until), Kept(r.CreatedAt), Kept(r.UpdatedAt)
	return r
}

func (c Consumer) Kept() Consumer {
	c.LeasedUntil, c.UpdatedAt = Kept(c.LeasedUntil), Kept(c.UpdatedAt)
	return c
}
