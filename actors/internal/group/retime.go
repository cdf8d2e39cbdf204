package group

import (
	"fmt"
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// When the times of the team have changed, the tickets that wait for it have to work out anew when an answer is due. The group
// goes through them and wakes those that follow from other times, until a whole pass has found none: a wake may be lost on
// the way to another node. The record says that it is not done yet, so a restart goes on (docs/decisions.md, D195).

const (
	retimedTogether = 50
	retimePause     = 200 * time.Millisecond // between two pages: 250 tickets a second
	// retimeAgain is the pause between two passes. In it those that were woken save, as do those that began to wait just before.
	retimeAgain = 5 * time.Second
	// retimedFor is how long passes go on in one life of the group: a ticket that can't be loaded must not keep it busy forever.
	retimedFor = time.Hour
)

// retimeStep is the timer's message to go on.
type retimeStep struct{}

// retiming is how far a pass is.
type retiming struct {
	running bool
	first   time.Time // when the first one of this life of the group began
	since   time.Time // when it began
	after   *storage.Cursor
	quiet   bool // it goes through the tickets that wait for the customer, after those that wait for the desk
	behind  bool // it has found a ticket that follows from other times
}

// retimeSoon begins a pass, unless one is under way.
func (g *group) retimeSoon(after time.Duration) {
	if g.record != nil && g.record.Retiming && !g.retiming.running {
		began, first := g.Now().Add(after), g.retiming.first
		if first.IsZero() || first.After(g.Now()) || first.Before(g.timesChanged()) {
			first = began
		}
		g.retiming = retiming{running: true, first: first, since: began}
		g.After(after, retimeStep{})
	}
}

// timesChanged is when the times were changed. Where the record has a time to come, somebody has set the clock back since
// (docs/decisions.md, D287): then it was before the first pass of this life of the group, and counts as that.
func (g *group) timesChanged() time.Time {
	if since := g.record.RetimingSince; !since.After(g.Now()) {
		return since
	}
	return g.retiming.first
}

func (g *group) onRetimeStep(retimeStep) error {
	if g.record == nil || !g.record.Retiming {
		g.retiming = retiming{}
		return nil
	}
	whom := storage.WaitsForDesk
	if g.retiming.quiet {
		whom = storage.WaitsForCustomer
	}
	page, err := g.Store.ListTickets(g.Ctx, storage.TicketQuery{GroupID: g.ID, WaitingFor: whom, By: storage.ByWaiting,
		OldestFirst: true, After: g.retiming.after, Limit: retimedTogether})
	if err != nil {
		return fmt.Errorf("read the tickets that wait: %w", err)
	}
	for i := range page.Tickets {
		if r := &page.Tickets[i]; r.Timers.Settings != g.record.TimesRevision+1 {
			g.retiming.behind = true
			g.Tell(messages.KindTicket, r.TicketID, &messages.Wake{})
		}
	}
	if page.Next != nil {
		g.retiming.after = page.Next
		g.After(retimePause, retimeStep{})
		return nil
	}
	if g.record.AutoClose != nil && !g.retiming.quiet { // they follow from nothing else
		g.retiming.quiet, g.retiming.after = true, nil
		g.After(retimePause, retimeStep{})
		return nil
	}
	done := !g.retiming.behind && !g.retiming.since.Before(g.timesChanged().Add(retimeAgain))
	if !done && g.Elapsed(g.retiming.first) > retimedFor { // neither a downtime counts, nor what the clock was moved over
		g.Log.Error("some tickets did not learn of the new working hours; they do when somebody writes in them")
		done = true
	}
	g.retiming.running = false
	if done {
		g.retiming = retiming{}
		return g.change("", func(r *storage.Group) { r.Retiming, r.RetimingSince = false, time.Time{} })
	}
	g.retimeSoon(retimeAgain)
	return nil
}
