package report

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/actors/internal/eventlog"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// Desk is the identity of the one entity of this kind.
const Desk = "desk"

// Options are what the room works with.
type Options struct {
	Keep  time.Duration // how long tallies are kept after the last event in them; 0: forever
	Every time.Duration // how often new events are counted; 0: every 5 seconds
}

const (
	countEvery = 5 * time.Second
	// eventsInBatch is how many events are counted in one batch, whose tallies are one transaction: while it is written, the
	// writes of tickets wait.
	eventsInBatch = 200
	// pauseAtMost is how long it pauses between two batches. Else it pauses for as long as the batch took, so that who
	// catches up takes no more than half of its time from others.
	pauseAtMost = time.Second
	// cleanEvery is how often old tallies are looked for, and cleanBatch how many are deleted together.
	cleanEvery = 10 * time.Minute
	cleanBatch = 200
)

// report is the entity that owns the tallies. There is one in the whole desk.
//
// It takes Wake and its timer, and emits nothing. It reads the log in batches. What a batch is it writes first (Tally.Next),
// then what it counts; each tally says which batch is the newest in it. So a batch that is cut off is counted again, and
// nothing of it twice, also where storage has no transactions. It stays.
type report struct {
	*entity.Host
	room     *room
	log      *storage.Tally // how far the log is counted; nil: nothing is
	stopTick func()
	cleaned  time.Time
}

// room is what the entity works with on this node.
type room struct {
	Options
	log *eventlog.Log
}

// tick makes it count. It is the message of its timer.
type tick struct{}

// Kind declares the kind report.
func Kind(log *eventlog.Log, o Options) *entity.Kind {
	if o.Every == 0 {
		o.Every = countEvery
	}
	r := &room{Options: o, log: log}
	return &entity.Kind{
		Name:     messages.KindReport,
		New:      func(h *entity.Host) entity.Entity { return &report{Host: h, room: r} },
		Stays:    true,
		Messages: []entity.Handler{entity.Replies((*report).onWake), entity.Takes((*report).onTick)},
	}
}

func (r *report) Load() error {
	log, err := r.Store.Tally(r.Ctx, logID)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		r.log = nil
		return nil
	case err != nil:
		return fmt.Errorf("read how far the log is counted: %w", err)
	}
	if len(log.Positions) != storage.Partitions || len(log.Next) != storage.Partitions {
		return fmt.Errorf("how far the log is counted has %d and %d partitions", len(log.Positions), len(log.Next))
	}
	r.log = log
	return nil
}

func (r *report) Resume() error {
	r.tickAfter(r.room.Every)
	return nil
}

// tickAfter sets the one timer of tick.
func (r *report) tickAfter(d time.Duration) {
	if r.stopTick != nil {
		r.stopTick()
	}
	r.stopTick = r.After(d, tick{})
}

// Idle implements entity.Entity. It is always needed where it is: it stays.
func (r *report) Idle() bool { return false }

func (r *report) onWake(*messages.Wake) (proto.Message, error) { return entity.OK(), nil }

func (r *report) onTick(tick) error {
	if r.Draining() { // or the node does not know whether it has the entity still, which passes
		r.tickAfter(r.room.Every)
		return nil
	}
	began := time.Now()
	more, err := r.round()
	pause := r.room.Every
	if more && err == nil {
		pause = min(time.Since(began), pauseAtMost, r.room.Every)
	}
	r.tickAfter(pause)
	switch {
	case err == nil || errors.Is(err, storage.ErrConflict): // after the latter the host reads the records again
		return err
	case r.Ctx.Err() == nil:
		r.Log.Warn("events can't be counted for reports; tried again", "error", err)
	}
	return r.Load() // what was counted in memory is not stored, or only in part
}

// round counts a batch. more says that there is another.
func (r *report) round() (more bool, err error) {
	if r.log == nil {
		if err := r.begin(); err != nil {
			return false, err
		}
	}
	if !settled(r.log) { // it was cut off
		if err := r.countBatch(); err != nil {
			return false, err
		}
		return true, r.settle(false)
	}
	more, err = r.plan()
	if err != nil {
		return false, err
	}
	if settled(r.log) {
		return r.clean()
	}
	if err := r.countBatch(); err != nil {
		return false, err
	}
	if err := r.settle(more); err != nil || more {
		return more, err
	}
	return r.clean() // on a busy desk, each round finds new events
}

// settled says whether the newest batch is counted.
func settled(log *storage.Tally) bool { return slices.Equal(log.Positions, log.Next) }

// begin starts at the oldest event of the log.
func (r *report) begin() error {
	bounds, err := r.Store.LogBounds(r.Ctx)
	if err != nil {
		return fmt.Errorf("read the bounds of the log: %w", err)
	}
	log := &storage.Tally{TallyID: logID, Positions: make([]int64, storage.Partitions)}
	for p, b := range bounds {
		log.Positions[p] = max(b.First-1, 0)
		if b.First <= 1 {
			continue
		}
		oldest, err := r.Store.LogAfter(r.Ctx, p, b.First-1, 1)
		if err != nil {
			return fmt.Errorf("read the log: %w", err)
		}
		if len(oldest) > 0 && oldest[0].At.After(log.CompleteSince) {
			log.CompleteSince = oldest[0].At
		}
	}
	log.Next = slices.Clone(log.Positions)
	return r.saveLog(log)
}

// plan writes what the next batch is, if there is one. more says that there is another after it.
func (r *report) plan() (more bool, err error) {
	heads, err := r.room.log.Heads(r.Ctx)
	if err != nil {
		return false, err
	}
	next := *r.log
	next.Next, next.Batch = slices.Clone(r.log.Positions), r.log.Batch+1
	left := int64(eventsInBatch)
	for i := range heads {
		p := (i + int(next.Batch)) % len(heads) // each partition is first at times
		n := max(0, heads[p]-next.Positions[p]) // heads of another node's partitions may be behind
		more = more || n > left
		n = min(n, left)
		next.Next[p] += n
		left -= n
	}
	if settled(&next) {
		return false, nil
	}
	return more, r.saveLog(&next)
}

// countBatch counts the events of the newest batch and writes the tallies.
func (r *report) countBatch() error {
	b := newBatch(r.log.Batch, func(id string) (*storage.Tally, error) { return r.Store.Tally(r.Ctx, id) })
	since := r.log.CompleteSince
	for p, next := range r.log.Next {
		lost, err := r.countPart(b, p, r.log.Positions[p], next)
		if err != nil {
			return err
		}
		if lost.After(since) {
			since = lost
		}
	}
	if err := r.save(b.changed()); err != nil {
		return err
	}
	log := *r.log
	if since.After(log.CompleteSince) {
		r.Log.Warn("events were deleted before they were counted for reports; reports are complete from then on", "since", since,
			"hint", "EVENTS_RETENTION says how long events are kept")
	}
	log.Positions, log.CompleteSince = slices.Clone(log.Next), since
	r.log = &log // it is written with the next batch, or by settle
	return nil
}

// countPart counts the events of a partition after a position. lost is when the first event was that follows some that are
// gone; zero: none is.
func (r *report) countPart(b *batch, partition int, after, through int64) (lost time.Time, err error) {
	for after < through {
		events, err := r.room.log.After(r.Ctx, partition, after, int(through-after))
		if err != nil {
			return lost, err
		}
		if len(events) == 0 || events[0].Position > through {
			return r.Now().UTC(), nil
		}
		for i := range events {
			e := &events[i]
			if e.Position > through {
				return lost, nil
			}
			if e.Position != after+1 {
				lost = e.At
			}
			if err := b.count(e); err != nil {
				return lost, err
			}
			after = e.Position
		}
	}
	return lost, nil
}

// settle writes that the newest batch is counted, unless that is written with another that follows immediately.
func (r *report) settle(more bool) error {
	if more {
		return nil
	}
	log := *r.log
	return r.saveLog(&log)
}

func (r *report) saveLog(log *storage.Tally) error {
	if err := r.save([]*storage.Tally{log}); err != nil {
		return err
	}
	r.log = log
	return nil
}

func (r *report) save(tallies []*storage.Tally) error {
	if err := r.Store.SaveTallies(r.Ctx, tallies); err != nil {
		if errors.Is(err, storage.ErrExists) { // another activation has made it: read it, and count again
			err = fmt.Errorf("%w: %w", storage.ErrConflict, err)
		}
		return fmt.Errorf("save tallies: %w", err)
	}
	return nil
}

// clean deletes old tallies. more says that there are others.
func (r *report) clean() (more bool, err error) {
	now := r.Now()
	if r.room.Keep <= 0 || now.Sub(r.cleaned) < cleanEvery && !now.Before(r.cleaned) {
		return false, nil
	}
	n, err := r.Store.DeleteTallies(r.Ctx, now.Add(-r.room.Keep), cleanBatch)
	if err != nil {
		return false, fmt.Errorf("delete old tallies: %w", err)
	}
	if n < cleanBatch {
		r.cleaned = now
	}
	return n == cleanBatch, nil
}
