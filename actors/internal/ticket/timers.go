package ticket

import (
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// The timers of a ticket follow from its record and the times of its group. They are worked out in each write, so that the
// write that changes what they follow from moves them, too. What has rung is in the record in the write that makes the
// notice pending, so nothing rings twice. A ticket in memory has a timer for the next one; of the others, the sweep finds
// those that are due (docs/decisions.md, D195).

// lapsesAfter is the working time after which a claim lapses, while a customer waits and whoever has the ticket says nothing.
const lapsesAfter = 8 * time.Hour

// ring is the timer's message that a timer of the record is due.
type ring struct{}

// ringing is the next timer of the record, as far as it is set.
type ringing struct {
	at   time.Time
	stop func()
	turn time.Time // when the node has the ticket ring, of what is due; zero: it was not asked
}

const (
	// Of tickets whose timers are due together, a node has ringsTogether ring immediately and then one each ringPause, 20 a second: each
	// reads and writes, and people, who do not wait for that, write meanwhile. Of what rings, no more than 15 calls a second may leave
	// (docs/decisions.md, D256). Those of ringTick ring at one time, so that they share commits.
	ringPause     = 50 * time.Millisecond
	ringTick      = 100 * time.Millisecond
	ringsTogether = 10
	// ringsAhead is how far ahead turns are given out at most; beyond that the clock was set back.
	ringsAhead = 24 * time.Hour
)

// rings gives the tickets of a node their turns to ring.
type rings struct {
	mu   sync.Mutex
	next time.Time
}

// turn takes the next turn. A ticket rings then, or now if that is past.
func (r *rings) turn(now time.Time) time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	if first := now.Add(-ringsTogether * ringPause); r.next.Before(first) || r.next.Sub(now) > ringsAhead {
		r.next = first
	}
	r.next = r.next.Add(ringPause)
	if !r.next.After(now) {
		return r.next
	}
	return r.next.Add(ringTick - 1).Truncate(ringTick)
}

// timed is all of a record that its timers follow from, beside the times of its group.
type timed struct {
	status, waitingFor, priority, assignee, group string
	since, heard, woken, snoozed, overdue         int64
	warned, closes, quiet                         int64
	planned, known                                bool
}

// worked are timers that were worked out.
type worked struct {
	from           timed
	settings       int64
	due, lapses    time.Time
	overdue, heard time.Time
	warns          time.Time
}

func timedBy(r *storage.Ticket) timed {
	x := &r.Timers
	return timed{
		status: r.Status, waitingFor: r.WaitingFor, priority: r.Priority, assignee: r.AssigneeID(), group: r.GroupID,
		since: r.WaitingSince.UnixMilli(), heard: x.ClaimHeardAt.UnixMilli(), woken: x.WokenAt.UnixMilli(),
		snoozed: x.SnoozedUntil.UnixMilli(), overdue: x.OverdueAt.UnixMilli(), known: x.Settings > 0,
		warned: x.WarnedAt.UnixMilli(), closes: x.ClosesAt.UnixMilli(), quiet: x.QuietSince.UnixMilli(), planned: x.Planned != nil,
	}
}

// retime works the timers of a record out that is about to be written. It reads the times of the group when what the timers
// follow from has changed.
func (t *ticket) retime(r *storage.Ticket) error {
	from := timedBy(r)
	if w := t.worked; w.from == from && w.settings > 0 {
		r.Timers.Settings, r.Timers.AnswerDueAt, r.Timers.LapsesAt = w.settings, w.due, w.lapses
		r.Timers.OverdueAt, r.Timers.ClaimHeardAt, r.Timers.WarnsAt = w.overdue, w.heard, w.warns
		return nil
	}
	times, err := t.timesFor(from)
	if err != nil {
		return err
	}
	t.retimeBy(r, times)
	return nil
}

// retimeBy works the timers of a record out by the times of its group, and keeps them for the write.
func (t *ticket) retimeBy(r *storage.Ticket, times desk.Times) {
	from, before := timedBy(r), r.Timers.Settings == 0
	settle(r, times, t.now())
	if before {
		leaveIcons(r)
	}
	x, is := &r.Timers, timedBy(r)
	if t.worked = (worked{}); !sameClosing(from, is) {
		return // what follows from the other one is worked out the next time
	}
	t.worked = worked{is, x.Settings, x.AnswerDueAt, x.LapsesAt, x.OverdueAt, x.ClaimHeardAt, x.WarnsAt}
}

// timesFor are the times of the group that timers follow from. When the desk says something more within a wait, only the lapse of
// the claim moves, and what follows from the customer's silence: the times that its record follows from already will do, since a group whose times change wakes
// the tickets that follow from other ones. Else those of a second ago will do, for the same reason.
func (t *ticket) timesFor(from timed) (desk.Times, error) {
	was := t.worked.from
	was.heard, was.quiet = from.heard, from.quiet
	if was == from && !t.times.at.IsZero() && t.worked.settings == t.times.Revision+1 {
		return t.times.Times, nil
	}
	group, err := t.recentGroup(from.group)
	if err != nil {
		return desk.Times{}, err
	}
	t.times = knownTimes{group.times, group.at}
	return group.times, nil
}

// sameClosing says whether what is set of the closing is the same in both.
func sameClosing(a, b timed) bool {
	return a.warned == b.warned && a.closes == b.closes && a.quiet == b.quiet && a.planned == b.planned
}

// settle works the timers of a record out.
func settle(r *storage.Ticket, times desk.Times, now time.Time) {
	x := &r.Timers
	first := x.Settings == 0
	x.Settings, x.AnswerDueAt, x.LapsesAt = times.Revision+1, time.Time{}, time.Time{}
	if r.Assignee == nil {
		x.ClaimHeardAt = time.Time{}
	} else if x.ClaimHeardAt.IsZero() { // an earlier program saved it
		x.ClaimHeardAt = now
	}
	if r.Status == desk.StatusClosed {
		x.SnoozedUntil, x.Snoozer = time.Time{}, nil
	}
	settleClosing(r, times)
	if r.WaitingFor != storage.WaitsForDesk || r.Status == desk.StatusClosed {
		x.OverdueAt, x.Reminded, x.Unsaid = time.Time{}, false, false
		return
	}
	if !x.SnoozedUntil.IsZero() {
		return
	}
	from := later(r.WaitingSince, x.WokenAt)
	if within := times.AnswerWithin(r.Priority); within > 0 {
		x.AnswerDueAt = storage.Kept(times.Hours.Add(from, within))
	}
	if r.Assignee != nil {
		x.LapsesAt = storage.Kept(times.Hours.Add(later(from, x.ClaimHeardAt), lapsesAfter))
	}
	if due := x.AnswerDueAt; first && x.OverdueAt.IsZero() && !due.IsZero() && !due.After(now) {
		x.OverdueAt = now // before the desk had timers: people are not told of what is old
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// nextTimer is when the next timer of a record is due; zero: it has none.
func nextTimer(r *storage.Ticket) time.Time {
	if r.Status == desk.StatusClosed {
		return time.Time{}
	}
	return r.Timers.Next()
}

// isMarked says whether the record says that something is pending: it is due before its next timer.
func (t *ticket) isMarked() bool {
	return !t.record.DueAt.IsZero() && !t.record.DueAt.Equal(nextTimer(t.record))
}

// isFound says whether the sweep finds the ticket soon if this process ends now.
func (t *ticket) isFound() bool {
	return !t.record.DueAt.IsZero() && !t.record.DueAt.After(t.now().Add(desk.PendingFor))
}

// armRing sets the timer for what is due next.
func (t *ticket) armRing() {
	next := nextTimer(t.record)
	if !next.IsZero() {
		next = later(next, t.ringing.turn)
	}
	if next.Equal(t.ringing.at) {
		return
	}
	if t.ringing.stop != nil {
		t.ringing.stop()
	}
	t.ringing.at, t.ringing.stop = next, nil
	if !next.IsZero() {
		t.ringing.stop = t.After(max(0, next.Sub(t.Now())), ring{})
	}
}

func (t *ticket) onRing(ring) error {
	if t.record == nil {
		return nil
	}
	t.ringing.at, t.ringing.stop = time.Time{}, nil
	if err := t.ringDue(); err != nil {
		return err
	}
	t.armRing()
	return nil
}

// ringDue rings what is due, when it is the ticket's turn. The times of the group may have changed: they are those of a second ago
// at most.
func (t *ticket) ringDue() error {
	due := nextTimer(t.record)
	if due.IsZero() || due.After(t.now()) {
		return nil
	}
	if t.ringing.turn.Before(due) { // it has none, or had one for what was due before
		t.ringing.turn = t.room.rings.turn(t.Now())
	}
	if t.ringing.turn.After(t.Now()) {
		return nil
	}
	t.ringing.turn = time.Time{}
	if err := t.behind(); err != nil {
		return err
	}
	before, next, now := t.record, desk.CloneTicket(t.record), t.now()
	group, err := t.recentGroup(next.GroupID)
	if err != nil {
		return err
	}
	t.times = knownTimes{group.times, group.at}
	t.retimeBy(next, group.times)
	if at := nextTimer(next); !at.IsZero() && !at.After(now) {
		t.ringTimers(next, now)
		t.retimeBy(next, group.times)
		if err := t.markIcons(next); err != nil {
			return err
		}
	}
	if err := t.saveDue(next); err != nil {
		return err
	}
	t.countRings(before, next)
	t.afterChange()
	return nil
}

// What a timer has done that has rung: an answer is overdue, a claim has lapsed, a ticket is back that was put aside, it is to close by
// itself, and it has.
const (
	didOverdue = "overdue"
	didLapse   = "lapsed"
	didWake    = "awake"
	didWarn    = "closes"
	didClose   = "closed"
)

var ringDid = []string{didOverdue, didLapse, didWake, didWarn, didClose}

// countRings counts what timers have done to a record.
func (t *ticket) countRings(before, after *storage.Ticket) {
	was, is := &before.Timers, &after.Timers
	for did, has := range map[string]bool{
		didOverdue: was.OverdueAt.IsZero() && !is.OverdueAt.IsZero(),
		didLapse:   before.Assignee != nil && after.Assignee == nil,
		didWake:    !was.SnoozedUntil.IsZero() && is.SnoozedUntil.IsZero(),
		didWarn:    !is.ClosesAt.IsZero() && !is.ClosesAt.Equal(was.ClosesAt),
		didClose:   after.Status == desk.StatusClosed,
	} {
		if has {
			t.room.rang.WithLabelValues(did).Inc()
		}
	}
}

// ringTimers rings every timer of a record that is due.
func (t *ticket) ringTimers(r *storage.Ticket, now time.Time) {
	x := &r.Timers
	due := func(at time.Time) bool { return !at.IsZero() && !at.After(now) }
	switch {
	case due(x.SnoozedUntil):
		t.wakeUp(r, now)
		return // the others are worked out from now on
	case !x.SnoozedUntil.IsZero():
		return
	}
	if due(x.AnswerDueAt) && x.OverdueAt.IsZero() {
		t.ringOverdue(r, now)
	}
	if due(x.LapsesAt) && r.Assignee != nil {
		t.lapse(r)
	}
	t.ringClosing(r, now)
}

// timesChanged works the timers out anew if the group has other times now.
func (t *ticket) timesChanged() error {
	if t.record.Status == desk.StatusClosed {
		return nil
	}
	times, err := t.readTimes(t.record.GroupID)
	if err != nil || times.Revision+1 == t.record.Timers.Settings {
		return err
	}
	t.worked = worked{}
	if err := t.change(func(*storage.Ticket) {}); err != nil {
		return err
	}
	t.afterChange()
	return nil
}

func (t *ticket) onWake(*messages.Wake) (proto.Message, error) {
	if err := t.behind(); err != nil {
		return nil, err
	}
	if t.record == nil {
		return entity.OK(), nil
	}
	if !t.ringing.turn.After(t.Now()) { // else it rings soon, by the times of then
		if err := t.timesChanged(); err != nil {
			return nil, err
		}
	}
	if err := t.ringDue(); err != nil {
		return nil, err
	}
	t.armRing()
	t.wakeLinks()
	if len(t.enqueued) > 0 && t.allWaitForRoom() { // what has told it to wait may be lost
		t.offerAgain()
	}
	return entity.OK(), nil
}
