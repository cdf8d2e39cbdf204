package webhook

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// webhook is the entity that owns one endpoint: its settings, how far it is, its deliveries and its replays.
//
// It takes the messages that Kind lists, and replies once to each command: WebhookView, ReplayView, DeliveryView or
// WebhookStats. It gives the log the events about itself. While it is enabled it stays.
type webhook struct {
	*entity.Host
	room   *Room
	record *storage.Webhook // nil: no such endpoint

	run    *run // nil: nothing is delivered
	gate   gate
	health health
	replay *storage.Replay // the one that runs; nil: none

	eager      bool // the next run is the first since a program enabled the endpoint
	publishing bool // a timer is set
	removing   bool // deliveries of a deleted endpoint are being deleted
	cleaning   bool // a timer will have further old deliveries deleted
	cleanAt    time.Time
	delayed    bool // a timer will begin what could not begin
	// settled is when what a former activation on another node has done is written; zero: it was not asked for yet.
	settled time.Time
}

// look makes the endpoint look whether something can begin. It is the message of its timers.
type look struct{}

// news says that the log has something new for the endpoint.
type news struct{ run int64 }

func (w *webhook) Load() error {
	w.endRun()
	record, err := w.Store.Webhook(w.Ctx, w.ID)
	if errors.Is(err, storage.ErrNotFound) {
		w.record = nil
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the webhook: %w", err)
	}
	w.record = record
	w.publishing, w.removing, w.cleaning, w.delayed = false, false, false, false // their timers are gone
	return nil
}

// Unborn implements entity.Unborn.
func (w *webhook) Unborn() bool { return w.record == nil }

var _ entity.Versioned = (*webhook)(nil)

// Versions implements entity.Versioned.
func (w *webhook) Versions() (known, stored int64, err error) {
	if w.record != nil {
		known = w.record.Version
	}
	record, err := w.Store.Webhook(w.Ctx, w.ID)
	if err == nil {
		stored = record.Version
	}
	return known, stored, err
}

func (w *webhook) Resume() error {
	if w.record == nil {
		return nil
	}
	if !w.record.DeletedAt.IsZero() {
		w.removeSoon()
		return nil
	}
	w.publish()
	w.gate, w.health = newGate(w.record), healthOf(w.record)
	w.record.Periods = nil // those of the health
	return w.begin()
}

// gone reports whether there is no such endpoint, or none any more.
func (w *webhook) gone() bool { return w.record == nil || !w.record.DeletedAt.IsZero() }

// Idle says that the entity may leave. One that is enabled follows the log, or is about to.
func (w *webhook) Idle() bool {
	return w.record == nil || w.run == nil && !w.delayed && len(w.record.Unlogged) == 0 && w.record.DeletedAt.IsZero()
}

// Stop implements entity.Stopper.
func (w *webhook) Stop() { w.endRun() }

var _ entity.Finisher = (*webhook)(nil)

// Finish has the run end when its attempts are over and written; no other one begins.
func (w *webhook) Finish() error {
	if w.run == nil {
		return nil
	}
	return w.turnOver()
}

// Finished implements entity.Finisher.
func (w *webhook) Finished() bool { return w.run == nil }

func (w *webhook) onWake(*messages.Wake) (proto.Message, error) {
	if w.gone() {
		return entity.OK(), nil
	}
	w.publish()
	if w.run == nil {
		if err := w.begin(); err != nil {
			return nil, err
		}
	}
	w.clean()
	if w.run != nil {
		w.run.more = true // what it does not want wakes it not, and is passed now
	}
	return entity.OK(), w.pump()
}

func (w *webhook) onLook(look) error {
	if w.run == nil {
		if w.delayed = false; w.gone() {
			return nil
		}
		return w.begin()
	}
	w.run.wakeAt = time.Time{}
	return w.pump()
}

func (w *webhook) onNews(m news) error {
	if w.run == nil || w.run.number != m.run {
		return nil
	}
	w.run.more = true
	return w.pump()
}

// begin starts to deliver, if the endpoint is enabled and its secrets can be opened; a little later when storage can't be read,
// or when the node does not know whether it has the endpoint still.
func (w *webhook) begin() error {
	if w.run != nil || !w.record.Enabled || !w.record.DeletedAt.IsZero() {
		return nil
	}
	if w.Draining() {
		w.lookAfter(troublePause)
		return nil
	}
	if w.Moved && w.settles() {
		return nil
	}
	to, err := w.room.endpointOf(w.record)
	if err != nil {
		return w.stuck(err)
	}
	if w.health.lastError == errSealed.Error() {
		w.health.lastError = ""
	}
	r, err := w.recovering(to)
	if err != nil {
		if w.Ctx.Err() == nil {
			w.Log.Warn("deliveries begin later: storage can't be read", "error", err)
		}
		w.lookAfter(troublePause)
		return nil
	}
	w.run, w.eager = r, false
	return w.pump()
}

// lookAfter has the endpoint look again whether deliveries can begin.
func (w *webhook) lookAfter(wait time.Duration) {
	if !w.delayed {
		w.delayed = true
		w.After(wait, look{})
	}
}

// settleFor is how long an endpoint that was on another node a moment ago waits until what was delivered there is written.
const settleFor = 5 * saveEvery

// settles says whether deliveries begin a little later, by a timer.
func (w *webhook) settles() bool {
	now := w.Now()
	if w.settled.IsZero() {
		w.settled = now.Add(settleFor)
	}
	wait := w.settled.Sub(now)
	if wait > 0 {
		w.lookAfter(wait)
	}
	return wait > 0
}

// recovering makes a run that goes on where the endpoint was.
func (w *webhook) recovering(to *endpoint) (*run, error) {
	heads, err := w.room.Log.Heads(w.Ctx)
	if err != nil {
		return nil, err
	}
	if err := w.findReplay(); err != nil { // before recover, which asks whose a delivery is
		return nil, err
	}
	r := newRun(w, to, heads)
	if err := r.recover(); err != nil {
		r.cancel()
		return nil, err
	}
	return r, nil
}

// stuck says, also to programs, why nothing is delivered to an endpoint that is enabled.
func (w *webhook) stuck(why error) error {
	w.Log.Error("nothing is delivered to this webhook", "error", why)
	w.health.lastError = why.Error()
	if w.record.LastError == w.health.lastError {
		return nil
	}
	return w.change(func(r *storage.Webhook) { r.LastError = why.Error() })
}

// endRun drops what is in memory. Attempts under way are cut off; their results are not heard.
func (w *webhook) endRun() {
	w.room.backlogs.set(w.ID, backlog{})
	if r := w.run; r != nil {
		r.unpack() // the record has what is packed
		r.cancel()
		r.flushLast()
		r.stopWatching()
		if r.stopWaking != nil {
			r.stopWaking()
		}
		for _, child := range r.children {
			w.Send(child, leave{})
		}
		w.room.end(r.unwritten)
		w.run = nil
	}
}

// turnOver has the run end when its attempts are over and written, since settings have changed; begin follows.
func (w *webhook) turnOver() error {
	if w.run == nil {
		return w.begin()
	}
	w.run.ending = true
	return w.pump()
}

// change writes the record with a change. After an error the record is as it was.
func (w *webhook) change(f func(*storage.Webhook)) error {
	next := w.next()
	f(next)
	return w.save(next)
}

// next is a copy of the record to be changed and saved.
func (w *webhook) next() *storage.Webhook {
	next := *w.record
	next.Secrets, next.Unlogged = slices.Clone(next.Secrets), slices.Clone(next.Unlogged)
	packed := w.run != nil && w.run.packed != nil
	if packed {
		next.Behind = w.run.packedBehind()
	}
	switch {
	case next.Periods != nil: // it is deleted, so that it has no health
	case packed:
		next.Periods = w.run.packedPeriods()
	default:
		next.Periods = w.health.kept()
	}
	return &next
}

func (w *webhook) save(next *storage.Webhook) error {
	if err := w.Store.SaveWebhook(w.Ctx, next); err != nil {
		return fmt.Errorf("save the webhook: %w", err)
	}
	next.Periods = nil
	w.record = next
	return nil
}

// republishAfter is how long the endpoint waits for the log to say that it has its events.
const republishAfter = 5 * time.Second

type publishAgain struct{}

func (w *webhook) onPublish(publishAgain) error {
	w.publishing = false
	if w.record != nil {
		w.publish()
	}
	return nil
}

// publish gives the log the events about the endpoint, again and again until it has them.
func (w *webhook) publish() {
	if w.publishing || len(w.record.Unlogged) == 0 {
		return
	}
	w.publishing = true
	w.After(republishAfter, publishAgain{})
	w.Tell(messages.KindLog, desk.PartitionOf(w.ID), desk.AppendEvents(messages.KindWebhook, w.ID, 0, w.record.Unlogged))
}

func (w *webhook) onAppended(m *messages.Appended) error {
	if w.record == nil || len(w.record.Unlogged) == 0 {
		return nil
	}
	return w.change(func(r *storage.Webhook) {
		r.Unlogged = slices.DeleteFunc(r.Unlogged, func(e storage.Event) bool {
			return slices.Contains(m.EventIds, e.EventID)
		})
	})
}

// now is the time as storage keeps it.
func (w *webhook) now() time.Time { return w.Now().UTC().Truncate(time.Millisecond) }
