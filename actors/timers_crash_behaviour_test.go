package actors_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/actors"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// mortal is a life of the service that may end at a point: then it writes and calls nothing any more.
type mortal struct {
	mu     sync.Mutex
	armed  bool
	kind   string // write: after it; before, after: a call
	at     int
	counts map[string]int
	dead   bool
}

func (m *mortal) isDead() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.dead
}

// reaches counts a point, and says whether the life goes on behind it.
func (m *mortal) reaches(kind string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.armed && !m.dead {
		m.counts[kind]++
		m.dead = m.kind == kind && m.counts[kind] == m.at
	}
	return !m.dead
}

func (m *mortal) write(f func() error) error {
	if m.isDead() {
		return storage.ErrUnavailable
	}
	if err := f(); err != nil {
		return err
	}
	if !m.reaches("write") {
		return storage.ErrUnavailable
	}
	return nil
}

type mortalStore struct {
	storage.Store
	life *mortal
}

func (s mortalStore) SaveTicket(ctx context.Context, r *storage.Ticket) error {
	copied := *r
	err := s.life.write(func() error { return s.Store.SaveTicket(ctx, &copied) })
	if err == nil {
		*r = copied
	}
	return err
}

func (s mortalStore) InsertMessage(ctx context.Context, m *storage.Message) error {
	return s.life.write(func() error { return s.Store.InsertMessage(ctx, m) })
}

func (s mortalStore) SaveChat(ctx context.Context, r *storage.Chat) error {
	copied := *r
	err := s.life.write(func() error { return s.Store.SaveChat(ctx, &copied) })
	if err == nil {
		*r = copied
	}
	return err
}

func (s mortalStore) AppendEvents(ctx context.Context, events []storage.Event) error {
	return s.life.write(func() error { return s.Store.AppendEvents(ctx, events) })
}

type mortalTelegram struct {
	actors.Telegram
	life *mortal
}

func (t mortalTelegram) Call(ctx context.Context, chatID int64, lang string, op *messages.Operation) *messages.Outcome {
	if t.life.isDead() || !t.life.reaches("before") {
		return &messages.Outcome{Result: messages.Outcome_TRANSIENT}
	}
	outcome := t.Telegram.Call(ctx, chatID, lang, op)
	if !t.life.reaches("after") {
		return &messages.Outcome{Result: messages.Outcome_UNKNOWN}
	}
	return outcome
}

// mortalDesk is a desk whose service may end at a point, from when that is armed on.
type mortalDesk struct {
	*desk
	k          *ticket
	life, ends *mortal  // the one of now, and the one that is armed
	lost       []string // ids of notices of which it was not written down that they were said
}

func newMortalDesk(t *testing.T, opt options) *mortalDesk {
	d := &mortalDesk{}
	opt.wrapStore = func(s storage.Store) storage.Store {
		d.life = &mortal{counts: map[string]int{}}
		return mortalStore{s, d.life}
	}
	opt.wrapTelegram = func(inner actors.Telegram) actors.Telegram { return mortalTelegram{inner, d.life} }
	d.desk = ready(t, opt)
	return d
}

// arm has the service end at a point from now on, when the ticket has been put aside for a day.
func (d *mortalDesk) arm(kind string, at int) {
	d.t.Helper()
	until := d.clock.Now().Add(24 * time.Hour).Truncate(time.Second).UnixMilli()
	d.does(d.k.id, &messages.UpdateTicket{Origin: program(), SnoozedUntilMs: &until}, "")
	d.awaitIcon(d.support, d.k.thread, iconSnoozed)
	d.quiet(d.k)
	d.eventually("the ticket rests", func() bool { return resting(d.record(d.k)) })
	d.ends = d.life
	d.ends.mu.Lock()
	defer d.ends.mu.Unlock()
	d.ends.armed, d.ends.kind, d.ends.at = true, kind, at
}

// reach waits until something holds. If the service ends before, it is started again.
func (d *mortalDesk) reach(what string, cond func() bool) {
	d.t.Helper()
	d.eventually(what+", or the end", func() bool { return cond() || d.life.isDead() })
	if !d.life.isDead() {
		return
	}
	for _, p := range d.record(d.k).Pending {
		d.lost = append(d.lost, p.ID)
	}
	d.process.stopped = true
	ctx, cancel := context.WithTimeout(d.t.Context(), 5*time.Second)
	_ = d.system.Stop(ctx)
	cancel()
	d.client.Close()
	_ = d.store.Close()
	d.start()
	d.eventually(what, cond)
}

func (d *mortalDesk) told(text string) int { return len(d.reminders(d.support, d.k.thread, text)) }

// reachTold waits until a notice is said so often, and that is written down.
func (d *mortalDesk) reachTold(text string, times int) {
	d.t.Helper()
	d.reach(text, func() bool { return d.told(text) >= times })
	d.reach("it is written down", func() bool { return len(d.record(d.k).Pending) == 0 && d.owes(d.k) == "" })
}

// reachRest waits until the topic shows an icon and nothing is pending.
func (d *mortalDesk) reachRest(icon string) {
	d.t.Helper()
	d.reach("the icon", func() bool { return d.topic(d.support, d.k.thread).Icon == icon })
	d.reach("the ticket rests", func() bool { r := d.record(d.k); return resting(r) && !r.Home.IconPending })
}

// saidOnce checks how often a notice was said: once more than it should be only if it was lost that it was said. Its id has a part.
func (d *mortalDesk) saidOnce(text, part string, times int) {
	d.t.Helper()
	most := times
	for _, id := range d.lost {
		if strings.Contains(id, part) {
			most++
		}
	}
	if n := d.told(text); n < times || n > most {
		d.t.Errorf("%d times, %d to %d: %s\n%s", n, times, most, text, d.transcript())
	}
}

// points are how many points there were.
func (d *mortalDesk) points() map[string]int {
	d.ends.mu.Lock()
	defer d.ends.mu.Unlock()
	return d.ends.counts
}

const (
	isAwake   = "here is the ticket again"
	nobodyHas = "nobody takes care of this ticket now"
)

// remindingWithACrash plays waking, reminding and the lapse of a claim, with the end of the service at a point. It returns how many
// points there were.
func remindingWithACrash(t *testing.T, kind string, at int) map[string]int {
	d := newMortalDesk(t, options{speed: 20, sweepEvery: time.Second})
	d.k = d.open(d.eve, d.support, "Printer")
	d.awaitAnswer(d.say(d.carl, d.support, d.k.thread, "/claim"), "takes care of this ticket now")
	d.arm(kind, at)
	d.clock.jump(24*time.Hour + time.Minute)
	d.reachTold(isAwake, 1)
	d.clock.jump(4*time.Hour + time.Minute)
	d.reachTold(overdue, 1)
	d.clock.jump(4*time.Hour + time.Minute)
	d.reachTold(nobodyHas, 1)
	d.reachRest(iconOverdue)
	d.saidOnce(isAwake, "/awake/", 1)
	d.saidOnce(overdue, "/overdue/", 1)
	d.saidOnce(nobodyHas, "/lapsed/", 1)
	if r := d.record(d.k); r.Assignee != nil || !r.Overdue() {
		t.Errorf("overdue since %s, assigned to %v", r.Timers.OverdueAt, r.Assignee)
	}
	for event, n := range map[string]int{messages.EventTicketSnoozed: 2, messages.EventTicketOverdue: 1, messages.EventTicketReleased: 1} {
		d.awaitTold(d.k, event, n)
	}
	return d.points()
}

// closingWithACrash plays waking, the notice that a ticket closes by itself, its closing, a word that reopens it, and one that ends another
// closing.
func closingWithACrash(t *testing.T, kind string, at int) map[string]int {
	d := newMortalDesk(t, options{speed: 20, sweepEvery: time.Second,
		elapsed: func(time.Time) time.Duration { return 0 }}) // no closing is late, as it is after a downtime
	asks[*messages.GroupRecord](d.desk, messages.KindGroup, messages.GroupPlace(d.support), &messages.ChangeGroup{
		Origin: program(), AutoClose: &messages.AutoClose{After: 72 * 60, Notice: 24 * 60}})
	d.k = d.open(d.ann, d.support, "Printer") // who may write in closed topics
	hears := func(by int64, text string) {
		t.Helper()
		m := d.say(by, d.support, d.k.thread, text)
		d.reach("it is recorded", func() bool { _, err := d.store.Message(t.Context(), messageID(m)); return err == nil })
	}
	d.awaitHeard(d.k, d.say(d.carl, d.support, d.k.thread, "Is it red?"))
	d.arm(kind, at)
	d.clock.jump(24*time.Hour + time.Minute)
	d.reachTold(isAwake, 1)
	d.clock.jump(72*time.Hour + time.Minute)
	d.reachTold(closesSoon, 1)
	d.reach("it closes", func() bool { return d.ranOut(d.k) })
	d.reachTold(closedQuiet, 1)
	hears(d.ann, "It is green")
	d.reachTold(reopenedBy, 1)
	d.reachRest(iconClaimed)
	hears(d.carl, "And now?")
	d.reach("it knows", func() bool { return !d.record(d.k).Timers.WarnsAt.IsZero() })
	d.clock.jump(72*time.Hour + time.Minute)
	d.reachTold(closesSoon, 2)
	hears(d.ann, "Still green")
	d.reach("it stays open", func() bool {
		r := d.record(d.k)
		return r.Timers.ClosesAt.IsZero() && r.WaitingFor == storage.WaitsForDesk
	})
	d.reachRest(iconClaimed)
	d.saidOnce(isAwake, "/awake/", 1)
	d.saidOnce(closesSoon, "/closing/", 2)
	d.saidOnce(closedQuiet, "/closed/", 1)
	d.saidOnce(reopenedBy, "/reopen/", 1)
	if r := d.record(d.k); r.Status != "open" || r.AssigneeID() != itoa64(d.carl) {
		t.Errorf("it is %s, and %q's", r.Status, r.AssigneeID())
	}
	for event, n := range map[string]int{messages.EventTicketSnoozed: 2, messages.EventTicketClosed: 1, messages.EventTicketReopened: 1,
		messages.EventTicketOverdue: 0, messages.EventMessageSent: 4} {
		d.awaitTold(d.k, event, n)
	}
	return d.points()
}

// TestTimersCrashPoints has the service end between any two steps of waking a ticket, reminding, the lapse of a claim, closing by itself
// and reopening: each happens once, or is said twice only where Telegram's answer was not written down. With TOPICDESK_LONG=1 it tries
// all points.
func TestTimersCrashPoints(t *testing.T) {
	if testing.Short() {
		t.Skip("long: a service for each of many crash points")
	}
	t.Parallel()
	for _, story := range []struct {
		name          string
		plays         func(t *testing.T, kind string, at int) map[string]int
		writes, calls int // at least
		every         int
	}{
		{"reminding", remindingWithACrash, 6, 4, 3},
		{"closing", closingWithACrash, 16, 10, 6},
	} {
		t.Run(story.name, func(t *testing.T) {
			t.Parallel()
			counts := story.plays(t, "", 0)
			if counts["write"] < story.writes || counts["before"] < story.calls {
				t.Fatalf("%v points", counts)
			}
			t.Logf("%v points", counts)
			every := story.every
			if long() {
				every = 1
			}
			n := rand.IntN(every)
			for _, kind := range []string{"write", "before", "after"} {
				for at := 1; at <= counts[kind]; at++ {
					if n++; n%every != 0 {
						continue
					}
					t.Run(fmt.Sprint(kind, "-", at), func(t *testing.T) {
						t.Parallel()
						story.plays(t, kind, at)
					})
				}
			}
		})
	}
}
