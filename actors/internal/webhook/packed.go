package webhook

import (
	"bytes"
	"context"
	"encoding/binary"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/topicdesk/topicdesk/storage"
)

// An endpoint that is down waits for minutes between two probes, and there may be a thousand of them. What it has in memory
// meanwhile is one slice of bytes: a garbage collection takes as long as there are pointers to follow (docs/decisions.md,
// D191).

// pack puts what the run knows of partitions and lanes, and what it has counted, into r.packed, when nothing of it is needed
// before the next probe; its settings are made of the record again. In any other state the run stays as it is.
func (r *run) pack() {
	until, rests := r.w.gate.rests(r.w.Now())
	if r.packed != nil || !rests || r.ending || r.running > 0 || r.saving || len(r.dirty) > 0 || r.moved || r.page != nil {
		return
	}
	if r.hasUntried() {
		r.parkUntried()
	}
	lanes := slices.Clone(r.waiting)
	slices.SortFunc(lanes, func(a, b *lane) int { return a.queue[0].next.Compare(b.queue[0].next) })
	lanes = append(r.ready.list, lanes...) // those that are ready keep their order
	p := packer{buf: make([]byte, 0, 4<<10)}
	for _, part := range r.parts {
		p.ints(part.read, part.known-part.read)
	}
	p.ints(int64(len(lanes)))
	for _, l := range lanes {
		p.lane(l)
	}
	p.periods(r.w.health.periods)
	r.noted = time.Time{}
	r.noteBacklog() // as it stays
	r.cancel()      // no attempt is under way; the next one's is made anew
	r.packed = bytes.Clone(p.buf)
	r.w.record.Behind = nil // those of the lanes; next and unpack put them back
	r.parts, r.open, r.lanes, r.ready, r.waiting, r.trying = nil, nil, nil, queue{}, nil, nil
	r.to, r.w.health.periods, r.ctx, r.cancel = nil, nil, nil, nil
	r.wakeAt = time.Time{} // the times of single events don't count
	r.wake(until)
}

// hasUntried reports whether there is something in memory that parkUntried drops.
func (r *run) hasUntried() bool {
	r.settled() // so that open has only what is not done
	if len(r.open) > 0 {
		return true
	}
	for _, l := range r.lanes {
		if !l.behind || len(l.queue) > 1 || l.ticketID != "" && len(l.queue) > 0 && !l.queue[0].attempted() {
			return true
		}
	}
	return false
}

// unpack undoes pack.
func (r *run) unpack() {
	if r.packed == nil {
		return
	}
	p := unpacker{r.packed}
	r.packed = nil
	r.ctx, r.cancel = context.WithCancel(r.w.room.attempts)
	r.makeEmpty()
	for i := range r.parts {
		read := p.int()
		r.parts[i] = part{read: read, known: read + p.int()}
	}
	for l := range p.lanes() {
		r.lanes[l.key] = l
		r.list(l)
	}
	r.w.health.periods = p.periods()
	r.w.record.Behind = behindOf(maps.Values(r.lanes))
	if r.ending || r.w.gone() {
		return // nothing begins any more
	}
	to, err := r.w.room.endpointOf(r.w.record)
	if err != nil { // it was opened before, so this is strange; whoever begins next says so, too
		r.w.Log.Error("the settings of this webhook can't be read again", "error", err)
		r.ending = true
		return
	}
	r.to = to
}

// packedPeriods are what a run that is packed has counted.
func (r *run) packedPeriods() []storage.WebhookPeriod {
	p := unpacker{r.packed}
	for range 2 * storage.Partitions {
		p.int()
	}
	for range p.lanes() {
	}
	return p.periods()
}

// packedBehind are the tickets that are behind in a run that is packed.
func (r *run) packedBehind() []storage.BehindTicket {
	p := unpacker{r.packed}
	for range 2 * storage.Partitions {
		p.int()
	}
	return behindOf(p.lanes())
}

// lanes are those that are packed.
func (p *unpacker) lanes() iter.Seq[*lane] {
	return func(yield func(*lane) bool) {
		for range p.int() {
			if !yield(p.lane()) {
				return
			}
		}
	}
}

// packer appends to a slice what pack keeps; unpacker takes it from there in the same order.
type (
	packer   struct{ buf []byte }
	unpacker struct{ buf []byte }
)

// Bits that say what an item is.
const (
	itemIs = 1 << iota // there is one
	itemHeld
	itemOnce
	itemAttempted // there is a delivery
	itemAlone     // its ticket's other events do not wait for it
)

// lane packs a lane that is behind, with its first event if that is known.
func (p *packer) lane(l *lane) {
	p.text(l.ticketID)
	p.ints(l.through)
	if len(l.queue) == 0 {
		p.ints(0)
		return
	}
	x := l.queue[0]
	bits, stored := int64(itemIs), x.resting
	if l.ticketID != x.of.ticketID {
		bits |= itemAlone
	}
	if x.held {
		bits |= itemHeld
	}
	if x.once {
		bits |= itemOnce
	}
	if x.row != nil {
		stored = &rested{x.row.CreatedAt, x.row.Version}
	}
	if stored != nil {
		bits |= itemAttempted
	}
	p.ints(bits, x.of.number, int64(x.of.partition), x.of.position, int64(x.tries))
	p.text(x.of.eventID)
	if bits&itemAlone != 0 {
		p.text(x.of.ticketID)
	}
	p.times(x.of.at, x.next)
	if stored != nil {
		p.times(stored.createdAt)
		p.ints(stored.version)
	}
}

func (p *unpacker) lane() *lane {
	l := &lane{ticketID: p.text(), through: p.int(), behind: true}
	l.key = l.ticketID
	bits := p.int()
	if bits&itemIs == 0 {
		return l
	}
	x := &item{lane: l, done: true, held: bits&itemHeld != 0, once: bits&itemOnce != 0}
	x.of = place{number: p.int(), partition: int(p.int()), position: p.int()}
	x.tries = int(p.int())
	x.of.eventID, x.of.ticketID = p.text(), l.ticketID
	if l.key == "" {
		l.key = x.of.eventID
	}
	if bits&itemAlone != 0 {
		x.of.ticketID = p.text()
	}
	x.of.at, x.next = p.time(), p.time()
	if bits&itemAttempted != 0 {
		x.resting = &rested{createdAt: p.time(), version: p.int()}
	}
	l.queue = []*item{x}
	return l
}

func (p *packer) periods(all []storage.WebhookPeriod) {
	p.ints(int64(len(all)))
	for i := range all {
		one := &all[i]
		p.times(one.Begins)
		p.ints(one.Seconds, one.Sent, one.Failed, int64(len(one.Latency)))
		p.ints(one.Latency...)
	}
}

func (p *unpacker) periods() []storage.WebhookPeriod {
	n := p.int()
	if n == 0 {
		return nil
	}
	all := make([]storage.WebhookPeriod, n)
	for i := range all {
		one := &all[i]
		one.Begins, one.Seconds, one.Sent, one.Failed = p.time(), p.int(), p.int(), p.int()
		if n := p.int(); n > 0 {
			one.Latency = make([]int64, n)
		}
		for class := range one.Latency {
			one.Latency[class] = p.int()
		}
	}
	return all
}

func (p *packer) ints(all ...int64) {
	for _, n := range all {
		p.buf = binary.AppendVarint(p.buf, n)
	}
}

func (p *unpacker) int() int64 {
	n, size := binary.Varint(p.buf)
	p.buf = p.buf[size:]
	return n
}

func (p *packer) text(s string) {
	p.ints(int64(len(s)))
	p.buf = append(p.buf, s...)
}

func (p *unpacker) text() string {
	n := p.int()
	s := string(p.buf[:n])
	p.buf = p.buf[n:]
	return s
}

// times packs times to the nanosecond, as those of the clock are. The zero time is 0.
func (p *packer) times(all ...time.Time) {
	for _, t := range all {
		if t.IsZero() {
			p.ints(0)
		} else {
			p.ints(t.UnixNano())
		}
	}
}

func (p *unpacker) time() time.Time {
	if n := p.int(); n != 0 {
		return time.Unix(0, n).UTC()
	}
	return time.Time{}
}

// makeEmpty makes what a run has of partitions and lanes, without any.
func (r *run) makeEmpty() {
	r.parts, r.open, r.lanes, r.trying = make([]part, storage.Partitions), map[int][]*item{}, map[string]*lane{}, map[string]*item{}
}
