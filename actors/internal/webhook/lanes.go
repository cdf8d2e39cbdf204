package webhook

import (
	"container/heap"
	"slices"
	"time"
)

// laneFor finds or makes a lane.
func (r *run) laneFor(key, ticketID string) *lane {
	l := r.lanes[key]
	if l == nil {
		l = &lane{key: key, ticketID: ticketID}
		r.lanes[key] = l
	}
	return l
}

// enqueue adds an event to a lane.
func (r *run) enqueue(l *lane, x *item) {
	x.lane = l
	l.queue = append(l.queue, x)
	r.hold(x, !x.replayed)
	r.list(l)
}

// hold counts an event among those that fill the window, or no longer.
func (r *run) hold(x *item, held bool) {
	switch {
	case held && !x.held:
		r.held++
	case !held && x.held:
		r.held--
	}
	x.held = held
}

// list lists a lane where its first event can be found: as ready, or as waiting.
func (r *run) list(l *lane) {
	if l.busy || l.listed || len(l.queue) == 0 && !l.behind {
		return
	}
	l.listed = true
	if len(l.queue) > 0 && l.queue[0].next.After(r.w.Now()) {
		x := l.queue[0]
		switch {
		case x.replayed:
		case !l.behind:
			r.fallBehind(l, x.of.number-1)
		case l.ticketID != "":
			r.dropFollowers(l) // l.through is before it, so they are read again
		}
		r.hold(x, false)
		heap.Push(&r.waiting, l)
		r.rest(x)
		return
	}
	r.ready.push(l)
}

// rest drops what is stored of an event that waits for its next attempt: an endpoint may have a thousand of them for a day.
func (r *run) rest(x *item) {
	l := x.lane
	if x.row == nil || x.row.Version == 0 || x.replayed || x.once || x.dirty || x.writing || l == nil || l.busy || !l.listed ||
		len(l.queue) == 0 || l.queue[0] != x || !x.next.After(r.w.Now()) {
		return
	}
	x.resting = &rested{x.row.CreatedAt, x.row.Version}
	x.event, x.row = nil, nil
}

// due lists as ready the lanes whose wait is over.
func (r *run) due(now time.Time) {
	for len(r.waiting) > 0 && !r.waiting[0].queue[0].next.After(now) {
		l := heap.Pop(&r.waiting).(*lane)
		r.ready.push(l)
	}
}

// goFirst has a lane's first event tried now, before all that is ready.
func (r *run) goFirst(l *lane) {
	now := r.w.Now()
	x := l.queue[0]
	switch i := slices.Index(r.ready.list, l); {
	case i >= 0:
		r.ready.list = slices.Delete(r.ready.list, i, i+1)
	case l.busy || !l.listed:
		return
	default:
		heap.Remove(&r.waiting, l.index)
	}
	if x.next.After(now) {
		x.next = now
	}
	r.ready.list = slices.Insert(r.ready.list, 0, l)
}

// hasten has whatever waits tried now, since the endpoint is back: its own failures say nothing any more.
func (r *run) hasten() {
	now := r.w.Now()
	for _, l := range r.waiting {
		l.queue[0].next = now
		r.ready.push(l)
	}
	r.waiting = nil
}

// fallBehind drops the events that wait for a lane's first event, which failed. They are read again later.
func (r *run) fallBehind(l *lane, through int64) {
	if l.behind {
		return
	}
	l.behind = true
	r.behind++
	r.moved = true
	if l.ticketID == "" {
		if len(l.queue) > 0 {
			l.queue[0].done = true // its delivery is found at the start
		}
		return
	}
	l.through = through
	r.dropFollowers(l)
	if len(l.queue) == 0 {
		r.list(l)
	}
}

// dropFollowers drops what waits for a lane's first event. The lane says through where it is done.
func (r *run) dropFollowers(l *lane) {
	for i, x := range l.queue {
		x.done = true
		if i > 0 {
			r.hold(x, false)
			l.queue[i] = nil
		}
	}
	l.queue = l.queue[:min(len(l.queue), 1)]
}

// finished removes a lane's first event, of which nothing is left to do, and goes on with the next.
func (r *run) finished(l *lane) {
	x := l.queue[0]
	l.queue[0] = nil
	l.queue = l.queue[1:]
	x.done, r.moved = true, true
	r.hold(x, false)
	if x.replayed {
		r.page.finished(x)
	}
	if l.behind && l.ticketID != "" {
		l.through = x.of.number
	}
	switch {
	case len(l.queue) > 0:
		r.list(l)
	case l.behind && l.ticketID != "":
		r.list(l) // to catch up
	default:
		if l.behind {
			r.behind--
		}
		delete(r.lanes, l.key)
	}
}

// caughtUp ends a lane that was behind.
func (r *run) caughtUp(l *lane) {
	r.behind--
	r.moved = true
	delete(r.lanes, l.key)
}

// parkUntried drops what was not tried, so that an endpoint that is down costs little. It is read again later.
func (r *run) parkUntried() {
	r.park = false
	r.stopWatching()
	r.dismiss()
	r.ready, r.waiting, r.more = queue{}, nil, true
	for key, l := range r.lanes {
		l.listed = false
		switch {
		case l.behind:
			r.dropFollowers(l)
			if len(l.queue) > 0 && l.ticketID != "" && !l.queue[0].attempted() {
				r.hold(l.queue[0], false)
				l.queue = nil // it is read again
			}
		case !l.queue[0].replayed:
			for _, x := range l.queue {
				r.hold(x, false)
			}
			delete(r.lanes, key)
			continue
		}
		r.list(l)
	}
	for p := range r.parts {
		part := &r.parts[p]
		settled := r.settledIn(p)
		part.known = max(part.known, part.read)
		part.read = settled
	}
	clear(r.open)
}
