package httpedge

import (
	"context"
	"crypto/rand"
	"net/http"
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/view"
)

// Consumers are named readers of the feed, whose cursors the service keeps.

const (
	// consumerLeased is how long a reader may take until its next request. Then another one may go on where it committed.
	consumerLeased = time.Minute
	// consumerRenew is the age at which a stream renews its lease.
	consumerRenew = 15 * time.Second
	// consumerAsk is how long the end of a lease may take. Without it the lease ends by itself.
	consumerAsk = 5 * time.Second

	aboutConsumers = " With `consumer=NAME` the service keeps the cursor: it begins after what was committed by " +
		"`POST /events/consumers/{name}/commit`, or after `after`. Who reads has a lease of 60 s, and goes on with `lease`, which " +
		"the answer has; everybody else gets 409 `consumer_leased` meanwhile. A consumer belongs to its API key, which has at most 100."
)

func (a *API) consumerOperations() {
	register(a, op{
		id: "commitConsumer", method: http.MethodPost, path: "/events/consumers/{name}/commit",
		tag: tagEvents, summary: "Store how far a consumer is", scope: messages.ScopeEventsRead,
		codes: []string{messages.ReasonConsumerLeased},
		description: "Stores the cursor up to which the events are dealt with, and renews the lease. With `\"release\":true` the lease " +
			"ends, so that the next reader need not wait for that; a commit after that stores the cursor, and does not bring the lease back. 409: another reader has had a lease since.",
		request: map[string]any{"cursor": "AQAA", "lease": "K7C2M4Q3X5AD3H5"},
		answer:  Consumer{Name: "crm", Cursor: "AQAA", Lease: "K7C2M4Q3X5AD3H5", LeasedUntil: view.ExampleTime},
	}, a.commitConsumer)
	register(a, op{
		id: "listConsumers", method: http.MethodGet, path: "/events/consumers",
		tag: tagEvents, summary: "List consumers of the feed", scope: messages.ScopeEventsRead,
		description: "Lists the consumers of this API key by name, and how far each is. One that nobody has used for as long as events " +
			"are kept makes room for another when there are 100.",
		answer: exampleList(NamedConsumer{Name: "crm", Cursor: &exampleCursor, UpdatedAt: view.ExampleTime}),
	}, a.listConsumers)
	register(a, op{
		id: "deleteConsumer", method: http.MethodDelete, path: "/events/consumers/{name}",
		tag: tagEvents, summary: "Delete a consumer of the feed", scope: messages.ScopeEventsRead, status: http.StatusNoContent,
		description: "Forgets a consumer of this API key, with its cursor and its lease.",
	}, a.deleteConsumer)
}

var exampleCursor = "AQAA"

// ConsumerInput holds the parameters of who reads as a consumer.
type ConsumerInput struct {
	Consumer string `query:"consumer" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._-]*$" doc:"Read as this consumer: a name of letters, digits and . _ -" example:"crm"`
	Lease    string `query:"lease" maxLength:"64" doc:"The lease that the page before had. Absent at the beginning."`
}

// Consumer is a named reader of the feed, as its commit shows it.
type Consumer struct {
	Name        string    `json:"name" example:"crm"`
	Cursor      string    `json:"cursor" doc:"Where it goes on." example:"AQAA"`
	Lease       string    `json:"lease" example:"K7C2M4Q3X5AD3H5"`
	LeasedUntil view.Time `json:"leasedUntil" doc:"When the lease ends unless it is renewed."`
}

// NamedConsumer is a named reader of the feed, as a list shows it.
type NamedConsumer struct {
	Name        string     `json:"name" example:"crm"`
	Cursor      *string    `json:"cursor" doc:"Where it goes on. null: at the oldest event, since nothing was committed yet." example:"AQAA"`
	LeasedUntil *view.Time `json:"leasedUntil" doc:"When the newest lease ends, or has ended."`
	UpdatedAt   view.Time  `json:"updatedAt" doc:"When it last read or committed."`
}

// consumerLease is the lease of a request or a stream; nil: it reads as no consumer.
type consumerLease struct {
	api     *API
	id      string // of the entity
	name    string
	isNew   bool
	view    *messages.ConsumerView
	renewed time.Time
}

// leaseConsumer takes the lease of the consumer that a request names, or renews it, for a minute beyond wait. One that has
// no cursor gets start.
func (a *API) leaseConsumer(ctx context.Context, c *call, in *ConsumerInput, start string, wait time.Duration) (*consumerLease, error) {
	if in.Consumer == "" {
		if in.Lease != "" {
			return nil, invalidQuery("lease", "a lease is that of a consumer")
		}
		return nil, nil
	}
	l := &consumerLease{api: a, id: consumerID(c, in.Consumer), name: in.Consumer, isNew: in.Lease == ""}
	m := &messages.LeaseConsumer{Token: in.Lease, Start: start, LeaseMs: (consumerLeased + wait).Milliseconds()}
	if l.isNew {
		m.Fresh = rand.Text()
	}
	return l, l.ask(ctx, m)
}

func consumerID(c *call, name string) string { return c.key.KeyId + "/" + name }

func (l *consumerLease) ask(ctx context.Context, m *messages.LeaseConsumer) error {
	l.renewed = l.api.now()
	answer, err := l.api.reply(ctx, messages.KindConsumer, l.id, m)
	if err != nil {
		return err
	}
	held, _ := answer.(*messages.ConsumerView)
	if held.GetReason() == messages.ReasonConsumerLeased {
		return leasedAway(held, l.api.now())
	}
	if held, err = replyAs[*messages.ConsumerView](answer); err != nil {
		return err
	}
	l.view = held
	return nil
}

// leasedAway is the problem of who has no lease, or an old one.
func leasedAway(held *messages.ConsumerView, now time.Time) *Problem {
	p := problem(messages.ReasonConsumerLeased)
	p.header("Retry-After", seconds(held.LeasedUntilMs-now.UnixMilli()))
	return p
}

// from is the cursor after which a consumer goes on, unless the request says another one.
func (l *consumerLease) from(after string) string {
	if after != "" || l == nil {
		return after
	}
	return l.view.Cursor
}

func (l *consumerLease) token() string {
	if l == nil {
		return ""
	}
	return l.view.Token
}

// renew renews the lease of a stream from time to time.
func (l *consumerLease) renew(ctx context.Context) error {
	if l == nil || l.api.now().Sub(l.renewed) < consumerRenew {
		return nil
	}
	return l.ask(ctx, &messages.LeaseConsumer{Token: l.view.Token, LeaseMs: consumerLeased.Milliseconds()})
}

// endIfNew ends a lease of which the client has not heard.
func (l *consumerLease) endIfNew() {
	if l != nil && l.isNew {
		l.end()
	}
}

// end lets others have the lease. The client may still commit, until somebody does.
func (l *consumerLease) end() {
	if l == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), consumerAsk)
	defer cancel()
	if _, err := l.api.desk.Ask(ctx, messages.KindConsumer, l.id, &messages.CommitConsumer{Token: l.view.Token}); err != nil {
		l.api.log.Debug("a lease was not ended; it ends by itself", "consumer", l.id, "error", err)
	}
}

// ConsumerPath names a consumer in the path.
type ConsumerPath struct {
	Name string `path:"name" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._-]*$" doc:"The consumer's name." example:"crm"`
}

type commitConsumerInput struct {
	ConsumerPath
	Body struct {
		Cursor  string `json:"cursor" minLength:"1" maxLength:"4000" doc:"The nextCursor, or id of the stream, up to which the events are dealt with."`
		Lease   string `json:"lease" minLength:"1" maxLength:"64" doc:"The lease that the page had."`
		Release bool   `json:"release,omitempty" doc:"true: the lease ends."`
	}
}

type consumerOutput struct {
	Body Consumer
}

func (a *API) commitConsumer(ctx context.Context, c *call, in *commitConsumerInput) (*consumerOutput, error) {
	b := &in.Body
	if _, err := readFeedCursor(b.Cursor); err != nil {
		return nil, invalid("/cursor", "not a cursor of the feed")
	}
	m := &messages.CommitConsumer{Token: b.Lease, Cursor: b.Cursor, LeaseMs: consumerLeased.Milliseconds()}
	if b.Release {
		m.LeaseMs = 0
	}
	answer, err := a.reply(ctx, messages.KindConsumer, consumerID(c, in.Name), m)
	if err != nil {
		return nil, err
	}
	held, _ := answer.(*messages.ConsumerView)
	if held.GetReason() == messages.ReasonConsumerLeased {
		return nil, leasedAway(held, a.now())
	}
	if held, err = replyAs[*messages.ConsumerView](answer); err != nil {
		return nil, err
	}
	return &consumerOutput{Body: Consumer{Name: in.Name, Cursor: held.Cursor, Lease: held.Token,
		LeasedUntil: view.At(held.LeasedUntilMs)}}, nil
}

type consumerListOutput struct {
	Body List[NamedConsumer]
}

func (a *API) listConsumers(ctx context.Context, c *call, in *PageInput) (*consumerListOutput, error) {
	list, after := "consumers/"+c.key.KeyId, ""
	if in.Cursor != "" {
		if err := readCursor(list, in.Cursor, &after); err != nil {
			return nil, err
		}
	}
	m := &messages.ListConsumers{KeyId: c.key.KeyId, After: after, Limit: int32(in.Limit + 1)}
	found, err := ask[*messages.ConsumerList](ctx, a, messages.KindQuery, "", m)
	if err != nil {
		return nil, err
	}
	key := func(v *messages.ConsumerView) any { return v.Name }
	return &consumerListOutput{Body: listOf(found.Consumers, in.Limit, list, key, namedConsumerOf)}, nil
}

func namedConsumerOf(v *messages.ConsumerView) NamedConsumer {
	n := NamedConsumer{Name: v.Name, LeasedUntil: view.TimeOf(v.LeasedUntilMs), UpdatedAt: view.At(v.UpdatedMs)}
	if v.Cursor != "" {
		n.Cursor = &v.Cursor
	}
	return n
}

func (a *API) deleteConsumer(ctx context.Context, c *call, in *ConsumerPath) (*struct{}, error) {
	_, err := ask[*messages.Reply](ctx, a, messages.KindConsumer, consumerID(c, in.Name), &messages.DeleteConsumer{})
	return nil, err
}
