package webhook

import (
	"container/heap"
	"errors"
	"slices"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/topicdesk/topicdesk/actors/internal/delivery"
	"github.com/topicdesk/topicdesk/storage"
)

// attemptsKept is how many attempts a delivery keeps, the newest.
const attemptsKept = 50

// troublePause is the pause after storage could not be read.
const troublePause = time.Second

// pump begins whatever can begin, reads on, and writes what is done.
func (w *webhook) pump() error {
	r := w.run
	if r == nil {
		return nil
	}
	if until, rests := w.gate.rests(w.Now()); r.packed != nil && rests && !r.ending {
		r.wake(until)
		return r.flush()
	}
	r.unpack()
	if r.ending || r.park {
		if r.running > 0 || r.saving || len(r.dirty) > 0 {
			return r.flush()
		}
		if r.ending {
			return w.ended()
		}
		r.parkUntried()
	}
	for pages := 0; !w.Draining(); pages++ {
		if pages == pagesAtOnce { // others want their turn
			w.Note(look{})
			break
		}
		if err := r.replayOn(); err != nil { // first, so that what it brings begins in this turn: nothing may bring another
			return r.trouble(err)
		}
		if err := r.beginAll(); err != nil {
			return r.trouble(err)
		}
		read, err := r.readOn()
		if err != nil {
			return r.trouble(err)
		}
		if !read || r.ready.list == nil && r.held > 0 {
			break
		}
	}
	if w.Draining() { // or the node does not know whether it has the endpoint still, which passes
		r.wake(w.Now().Add(troublePause))
	}
	if len(r.waiting) > 0 {
		r.wake(r.waiting[0].queue[0].next)
	}
	r.noteBacklog()
	if err := r.flush(); err != nil {
		return err
	}
	r.pack()
	return nil
}

// trouble has the endpoint look again soon after storage failed, and whether the entity is still the owner.
func (r *run) trouble(err error) error {
	if errors.Is(err, storage.ErrConflict) || errors.Is(err, storage.ErrExists) {
		return errors.Join(storage.ErrConflict, err)
	}
	if r.w.Ctx.Err() == nil {
		r.w.Log.Warn("deliveries pause: storage can't be read", "error", err)
	}
	r.wake(r.w.Now().Add(troublePause))
	return nil
}

// wake has the endpoint look at a time, or before. There is one timer: each look sets the next, so that several would
// become more and more.
func (r *run) wake(at time.Time) {
	if !r.wakeAt.IsZero() && !at.Before(r.wakeAt) {
		return
	}
	if r.stopWaking != nil {
		r.stopWaking()
	}
	r.wakeAt = at
	r.stopWaking = r.w.After(max(at.Sub(r.w.Now()), 0), look{})
}

// beginAll begins attempts while the gate lets it.
func (r *run) beginAll() error {
	g := &r.w.gate
	for !r.ending && !r.park {
		now := r.w.Now()
		r.due(now)
		if may, wait := g.mayBegin(now, r.running); !may {
			if wait > 0 {
				r.wake(now.Add(wait))
			}
			return nil
		}
		l := r.ready.pop()
		if l == nil && (g.open || g.back && r.running == 0) && len(r.waiting) > 0 {
			l = heap.Pop(&r.waiting).(*lane) // a probe, ahead of the event's time
		}
		if l == nil {
			return nil
		}
		l.listed = false
		if len(l.queue) == 0 {
			if err := r.catchUp(l); err != nil {
				r.list(l)
				return err
			}
			continue
		}
		switch heard, err := r.refetch(l.queue[0]); {
		case errors.Is(err, storage.ErrNotFound):
			r.outcome(l.queue[0], &delivery.Result{At: now, Verdict: delivery.Abort,
				Error: "the event is no longer kept, see EVENTS_RETENTION"}, true)
			r.finished(l)
			continue
		case err != nil:
			r.list(l)
			return err
		case !heard: // since it was tried, the settings have changed
			r.skip(l.queue[0])
			r.finished(l)
			continue
		}
		r.begin(l)
	}
	return nil
}

// begin has a child try a lane's first event.
func (r *run) begin(l *lane) {
	x := l.queue[0]
	x.early = x.next.After(r.w.Now())
	l.busy = true
	r.running++
	r.unwritten++
	x.counted++
	r.w.room.begin()
	r.w.gate.begun()
	var child *actor.PID
	if n := len(r.free); n > 0 {
		child, r.free = r.free[n-1], r.free[:n-1]
	} else {
		room := r.w.room // not the run, which Proto.Actor would keep for as long as it remembers the child
		child = r.w.Spawn(func() actor.Actor { return &attempt{room: room} })
		r.children = append(r.children, child)
	}
	r.trying[child.Id] = x
	r.w.Send(child, &deliver{ctx: r.ctx, run: r.number, to: r.to, event: x.event, item: x,
		claim: r.w.Claim(), webhook: r.w.ID})
}

// onAttempted learns what came of an attempt.
func (w *webhook) onAttempted(m *attempted) error {
	r := w.run
	if r == nil || r.number != m.run {
		return nil // of settings before, or cut off: the event is tried again
	}
	if r.trying[m.child.Id] != m.item {
		return nil // it is known already that it failed
	}
	delete(r.trying, m.child.Id)
	x, l := m.item, m.item.lane
	l.busy = false
	r.running--
	if slices.Contains(r.children, m.child) {
		r.free = append(r.free, m.child)
	}
	if m.result.Kind == delivery.Stopped || m.unmade != nil {
		r.unwritten -= x.counted
		w.room.end(x.counted)
		x.counted = 0
		if m.unmade != nil {
			x.next = w.Now().Add(troublePause)
		}
		r.list(l)
		if m.unmade != nil {
			return r.trouble(m.unmade)
		}
		return w.pump()
	}
	now := w.Now()
	first := !x.attempted()
	blameless := m.result.Verdict != delivery.Success && m.result.Verdict != delivery.Disable &&
		(m.spent || w.room.network.cutOff())
	if r.outcome(x, &m.result, m.spent) {
		r.finished(l)
	} else {
		r.list(l)
	}
	if err := w.learn(now, &m.result, first, blameless); err != nil {
		return r.trouble(err)
	}
	if w.gate.open && r.running == 0 {
		r.dismiss()
	}
	return w.pump()
}

// dismiss ends the children, none of which is at work: an endpoint that is down keeps none between its probes.
func (r *run) dismiss() {
	for _, child := range r.free {
		r.w.Send(child, leave{})
	}
	r.children, r.free = nil, nil
}

// ChildEnded implements entity.Parent. An attempt that the child was making has failed.
func (w *webhook) ChildEnded(child *actor.PID) {
	r := w.run
	if r == nil {
		return
	}
	is := func(other *actor.PID) bool { return other.Id == child.Id }
	r.children, r.free = slices.DeleteFunc(r.children, is), slices.DeleteFunc(r.free, is)
	if x := r.trying[child.Id]; x != nil {
		w.Note(&attempted{run: r.number, item: x, child: child,
			result: delivery.Result{At: w.Now(), Error: "a fault in the desk"}})
	}
}

// outcome writes an attempt into the event's delivery, and says when the next one is. It reports whether nothing is left
// to do. spent: further attempts would fare the same.
func (r *run) outcome(x *item, result *delivery.Result, spent bool) (over bool) {
	row := r.rowOf(x)
	before := arrived(row)
	row.Attempts = append(slices.Clone(row.Attempts), recordOf(result))
	if n := len(row.Attempts); n > attemptsKept {
		row.Attempts = row.Attempts[n-attemptsKept:]
	}
	row.NextAttemptAt = time.Time{}
	r.write(x)
	now := r.w.Now()
	switch result.Verdict {
	case delivery.Success:
		row.State = storage.DeliverySent
		return true
	case delivery.Abort:
		row.State = storage.DeliveryAborted
		return true
	case delivery.Disable:
		row.State, row.NextAttemptAt, x.next = storage.DeliveryFailed, now, now
		return false
	}
	if x.early && !spent { // it says nothing about the event, which has all its attempts
		row.State, row.NextAttemptAt = storage.DeliveryFailed, x.next
		return false
	}
	if !spent && r.w.room.network.cutOff() {
		row.State, x.next = storage.DeliveryFailed, now.Add(jittered(5*time.Second))
		row.NextAttemptAt = x.next
		return false
	}
	x.tries++
	row.Tries = x.tries
	if schedule := r.scheduleOf(x); x.tries < len(schedule) && !spent {
		row.State, x.next = storage.DeliveryFailed, now.Add(max(jittered(schedule[x.tries]), result.RetryAfter))
		row.NextAttemptAt = x.next
		return false
	}
	if row.State = storage.DeliveryExhausted; before {
		row.State = storage.DeliverySent // it was sent again
	}
	return true
}

// arrived reports whether an event has arrived once.
func arrived(row *storage.Delivery) bool {
	return slices.ContainsFunc(row.Attempts, func(a storage.DeliveryAttempt) bool { return a.Error == "" })
}

// patience is how long the waits are at most that an event has when it is sent again.
const patience = 5 * time.Minute

// scheduleOf are the waits before the attempts at an event. One that is replayed has only those that are short.
func (r *run) scheduleOf(x *item) []time.Duration {
	schedule := r.to.schedule
	switch {
	case x.once:
		return schedule[:1]
	case x.replayed:
		for i, wait := range schedule {
			if wait > patience {
				return schedule[:max(i, 1)]
			}
		}
	}
	return schedule
}
