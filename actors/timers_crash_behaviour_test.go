package actors_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
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

// timersWithACrash plays waking, reminding and the lapse of a claim, with the end of the service at a point. It returns how many
// points there were.
func timersWithACrash(t *testing.T, kind string, at int) map[string]int {
	var life *mortal
	d := ready(t, options{speed: 20, sweepEvery: time.Second,
		wrapStore: func(s storage.Store) storage.Store {
			life = &mortal{counts: map[string]int{}}
			return mortalStore{s, life}
		},
		wrapTelegram: func(inner actors.Telegram) actors.Telegram { return mortalTelegram{inner, life} },
	})
	k := d.open(d.eve, d.support, "Printer")
	d.awaitAnswer(d.say(d.carl, d.support, k.thread, "/claim"), "takes care of this ticket now")
	until := d.clock.Now().Add(24 * time.Hour).Truncate(time.Second).UnixMilli()
	d.does(k.id, &messages.UpdateTicket{Origin: program(), SnoozedUntilMs: &until}, "")
	d.awaitIcon(d.support, k.thread, iconSnoozed)
	d.quiet(k)
	d.eventually("the ticket rests", func() bool { return resting(d.record(k)) })
	first := life
	first.mu.Lock()
	first.armed, first.kind, first.at = true, kind, at
	first.mu.Unlock()
	var lost []string // notices of which it was not written down that they were said
	reach := func(what string, cond func() bool) {
		t.Helper()
		d.eventually(what+", or the end", func() bool { return cond() || life.isDead() })
		if !life.isDead() {
			return
		}
		for _, p := range d.record(k).Pending {
			lost = append(lost, p.ID)
		}
		d.process.stopped = true
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		_ = d.system.Stop(ctx)
		cancel()
		d.client.Close()
		_ = d.store.Close()
		d.start()
		d.eventually(what, cond)
	}
	told := func(text string) int { return len(d.reminders(d.support, k.thread, text)) }
	notices := []string{"here is the ticket again", overdue, "nobody takes care of this ticket now"}
	for i, after := range []time.Duration{24*time.Hour + time.Minute, 4*time.Hour + time.Minute, 4*time.Hour + time.Minute} {
		d.clock.jump(after)
		reach(notices[i], func() bool { return told(notices[i]) > 0 })
		reach("it is written down", func() bool { return len(d.record(k).Pending) == 0 && d.owes(k) == "" })
	}
	reach("the icon", func() bool { return d.topic(d.support, k.thread).Icon == iconOverdue })
	reach("the ticket rests", func() bool { r := d.record(k); return resting(r) && !r.Home.IconPending })
	for i, text := range notices {
		most, id := 1, k.id+"/"+[]string{"awake", "overdue", "lapsed"}[i]+"/"
		if slices.ContainsFunc(lost, func(p string) bool { return strings.HasPrefix(p, id) }) {
			most++
		}
		if n := told(text); n < 1 || n > most {
			t.Errorf("%d times, %d at most: %s\n%s", n, most, text, d.transcript())
		}
	}
	if r := d.record(k); r.Assignee != nil || !r.Overdue() {
		t.Errorf("overdue since %s, assigned to %v", r.Timers.OverdueAt, r.Assignee)
	}
	for event, n := range map[string]int{messages.EventTicketSnoozed: 2, messages.EventTicketOverdue: 1, messages.EventTicketReleased: 1} {
		d.awaitTold(k, event, n)
	}
	first.mu.Lock()
	defer first.mu.Unlock()
	return first.counts
}

// TestTimersCrashPoints has the service end between any two steps of waking a ticket, reminding and the lapse of a claim: each happens
// once, or is said twice only where Telegram's answer was not written down. With TOPICDESK_LONG=1 it tries all points.
func TestTimersCrashPoints(t *testing.T) {
	if testing.Short() {
		t.Skip("long: a service for each of many crash points")
	}
	t.Parallel()
	counts := timersWithACrash(t, "", 0)
	if counts["write"] < 6 || counts["before"] < 4 {
		t.Fatalf("%v points", counts)
	}
	t.Logf("%v points", counts)
	every := 3
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
				timersWithACrash(t, kind, at)
			})
		}
	}
}
