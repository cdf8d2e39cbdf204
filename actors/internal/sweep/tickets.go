package sweep

import (
	"context"
	"time"

	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

const (
	// ticketsAtMost is how many due tickets one sweep looks at, and wakeAtMost how many it wakes, which takes a minute. The next one goes
	// on behind them, so that hundreds of thousands that fall due together do not keep users, groups and chats from their turn.
	ticketsAtMost = 12_000
	wakeAtMost    = 1200
	// A ticket that stays as due as it was, since what is pending waits for its chat, is looked after by its entity. The sweeps wake it
	// again all the same, since an entity may be lost: the next one, then after twice as many each time, up to longestRest.
	longestRest = 16
	// restingAtMost is of how many tickets it is known that they were woken. Others are woken by each sweep.
	restingAtMost = 100_000
)

// tickets is what the sweeps know of the tickets that are due.
type tickets struct {
	pass    int64       // counts the sweeps
	after   storage.Due // where the next one begins
	resting map[ids.TicketID]rest
}

// rest is since when a ticket is due that was woken, and in which sweep it is woken again.
type rest struct {
	due        time.Time
	from, next int64
}

// wakes says whether a sweep wakes a ticket that is due, and notes that it does.
func (t *tickets) wakes(d storage.Due) bool {
	r, known := t.resting[d.ID]
	switch {
	case !known || !r.due.Equal(d.At):
		r = rest{due: d.At, next: t.pass + 1}
	case r.next > t.pass:
		return false
	default:
		r.next = t.pass + min(2*(r.next-r.from), longestRest)
	}
	if r.from = t.pass; known || len(t.resting) < restingAtMost {
		t.resting[d.ID] = r
	}
	return true
}

// forget forgets tickets that were not due any more when the sweeps came to where they were.
func (t *tickets) forget() {
	for id, r := range t.resting {
		if r.next+longestRest < t.pass {
			delete(t.resting, id)
		}
	}
}

// sweepTickets wakes all tickets that are due by then, or have something pending, each once: one that saves its record before
// the sweep comes to its end is due again, behind the others.
func (s *Loop) sweepTickets(ctx context.Context, by time.Time) {
	by = s.marked(by)
	var after storage.Due
	woken := once{}
	for ctx.Err() == nil {
		page, err := s.env.Store.DueTickets(ctx, by, after, batch)
		if len(page) > 0 {
			after = page[len(page)-1]
		}
		if !s.wake(messages.KindTicket, woken.not(page), err) || len(page) < batch {
			return
		}
	}
}

// once is what one sweep has woken.
type once map[ids.TicketID]struct{}

// not returns the tickets of a page that were not woken yet, and notes them.
func (o once) not(page []storage.Due) (due []storage.Due) {
	for _, d := range page {
		if _, again := o[d.ID]; !again {
			due, o[d.ID] = append(due, d), struct{}{}
		}
	}
	return due
}

// sweepDueTickets wakes the tickets that are due by then and were not woken lately.
func (s *Loop) sweepDueTickets(ctx context.Context, by time.Time) {
	t := &s.tickets
	t.pass++
	s.rate = timers
	defer func() { s.rate = later }()
	by = s.marked(by)
	woken := 0
	for seen := 0; seen < ticketsAtMost && woken < wakeAtMost && ctx.Err() == nil; seen += batch {
		page, err := s.env.Store.DueTickets(ctx, by, t.after, batch)
		end := err != nil || len(page) < batch
		if t.after = (storage.Due{}); !end {
			t.after = page[batch-1]
		}
		due := page[:0:0]
		for _, d := range page {
			if s.gained(messages.KindTicket, d.ID) && t.wakes(d) {
				due = append(due, d)
			}
		}
		woken += len(due)
		if !s.wake(messages.KindTicket, due, err) || end {
			t.forget()
			return
		}
	}
}

// marked is until when tickets are due that are woken now, if all that are due by a time were to be.
func (s *Loop) marked(by time.Time) time.Time {
	if marked := s.env.Now().Add(markedWithin); by.After(marked) {
		return marked
	}
	return by
}
