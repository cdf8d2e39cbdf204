package webhook

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/topicdesk/topicdesk/actors/internal/delivery"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/tracing"
)

// attempt is a child that makes attempts for its endpoint, one after the other. It takes deliver, for which it sends an
// attempted, also when it panics, and leave.
type attempt struct {
	room *Room
}

// deliver tells a child to make an attempt.
type deliver struct {
	ctx   context.Context
	run   int64
	to    *endpoint
	event *storage.Event
	item  *item // the entity's own: the child passes it back
	claim entity.Claim

	webhook string // its id
}

// attempted tells the entity what came of it.
type attempted struct {
	run    int64
	item   *item
	child  *actor.PID
	result delivery.Result
	spent  bool  // another attempt would fare the same
	unmade error // why there was no attempt; nil: there was one
}

// leave tells a child to stop.
type leave struct{}

// Receive implements actor.Actor.
func (a *attempt) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *deliver:
		done := &attempted{run: m.run, item: m.item, child: ctx.Self()}
		done.result = delivery.Result{At: a.room.env.Now(), Error: "a fault in the desk"}
		defer ctx.Send(ctx.Parent(), done)
		a.make(m, done)
	case leave:
		ctx.Stop(ctx.Self())
	}
}

func (a *attempt) make(m *deliver, done *attempted) {
	now := a.room.env.Now()
	req, err := a.room.request(m.to, envelopeOf(m.event), now)
	if err != nil {
		done.result = delivery.Result{At: now, Error: "the template can't be filled: " + err.Error()}
		done.spent = true
		return
	}
	if done.unmade = m.claim.Hold(m.ctx); done.unmade != nil {
		return
	}
	span := a.beginSpan(m)
	req.Traceparent = span.Mark().Traceparent()
	if span == nil { // what is not sampled here may be elsewhere
		req.Traceparent = a.room.env.Tracer.Read(m.event.Traceparent).Traceparent()
	}
	done.result = a.room.client.Do(m.ctx, req)
	endSpan(span, &done.result)
	a.room.network.note(hostOf(m.to.url), &done.result)
	a.room.metrics.count(&done.result)
}

// beginSpan begins the span of an attempt, in the trace of what caused the event. It has not the URL, which may be secret.
func (a *attempt) beginSpan(m *deliver) *tracing.Span {
	mark := a.room.env.Tracer.Read(m.event.Traceparent)
	if !mark.Recorded() {
		return nil
	}
	span := mark.Child("deliver "+m.event.Type, tracing.Client, time.Now())
	span.Note("topicdesk.webhook", m.webhook)
	span.Note("topicdesk.event", m.event.EventID)
	span.Note("topicdesk.ticket", m.event.TicketID)
	span.NoteInt("topicdesk.attempt", int64(m.item.tries+1))
	return span
}

func endSpan(span *tracing.Span, result *delivery.Result) {
	if span == nil {
		return
	}
	if result.Status != 0 {
		span.NoteInt("http.response.status_code", int64(result.Status))
	}
	if result.Error != "" {
		span.Fail(string(result.Kind))
	}
	span.End()
}

// hostOf is the host of a URL, with its port if it names one.
func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Host
}

// recordOf is an attempt as the delivery keeps it.
func recordOf(r *delivery.Result) storage.DeliveryAttempt {
	return storage.DeliveryAttempt{
		At: r.At.UTC().Truncate(time.Millisecond), DurationMs: r.Duration.Milliseconds(), Status: r.Status, Error: r.Error,
		RequestHeaders: headersOf(r.RequestHeaders), Response: r.Response,
	}
}

func headersOf(of map[string]string) []storage.Header {
	headers := make([]storage.Header, 0, len(of))
	for name, value := range of {
		headers = append(headers, storage.Header{Name: name, Value: value})
	}
	slices.SortFunc(headers, func(a, b storage.Header) int { return cmp.Compare(a.Name, b.Name) })
	return headers
}
