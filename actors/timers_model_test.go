package actors_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/topicdesk/topicdesk/hours"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// timersModel is what should be known of one ticket: when an answer is due and a claim lapses, and what was told of it.
type timersModel struct {
	d        *desk
	k        *ticket
	place    string // of Support, which keeps it when it becomes another chat
	hours    *hours.Hours
	within   time.Duration
	waits    bool
	since    time.Time // since when it waits for the desk
	turned   time.Time // since when it waits for the customer
	woken    time.Time
	snoozed  time.Time
	rung     bool   // it was told in this wait
	late     bool   // it is overdue
	mentions []bool // by reminder: whether it is Carl's
	moved    bool   // Support has become another chat
	assigned bool
	heard    time.Time // when Carl got the ticket, or said something
	n        int
	overdue  int // reminders
	lapsed   int
	awake    int

	quiet  time.Time     // when the desk said its last word
	after  time.Duration // until the customer is told that the ticket closes; 0: never
	warns  time.Time
	closes time.Time
	warned int
}

// modelNotice is how long a ticket of the model stays open after its customer was told: it never closes.
const modelNotice = 300 * 24 * time.Hour

// settles says when the customer is told that the ticket closes, as far as nothing rings.
func (m *timersModel) settles() {
	m.warns = time.Time{}
	if m.waits || !m.snoozed.IsZero() || m.after == 0 {
		m.closes = time.Time{}
	} else if m.closes.IsZero() {
		m.warns = newest(m.quiet, m.woken).Add(m.after)
	}
}

func newest(times ...time.Time) (at time.Time) {
	for _, t := range times {
		if t.After(at) {
			at = t
		}
	}
	return at
}

func (m *timersModel) due() time.Time {
	if !m.waits || !m.snoozed.IsZero() || m.within == 0 {
		return time.Time{}
	}
	return m.hours.Add(newest(m.since, m.woken), m.within)
}

func (m *timersModel) lapses() time.Time {
	if !m.waits || !m.snoozed.IsZero() || !m.assigned {
		return time.Time{}
	}
	return m.hours.Add(newest(m.since, m.woken, m.heard), 8*time.Hour)
}

// turn is since when it waits for whom it waits.
func (m *timersModel) turn() time.Time {
	if m.waits {
		return m.since
	}
	return m.turned
}

// pass rings what is due now. What falls due within some minutes of now is let pass first: the clock runs.
func (m *timersModel) pass() {
	m.settles()
	for again := true; again; {
		again = false
		for _, at := range []time.Time{m.due(), m.lapses(), m.snoozed, m.warns} {
			if away := at.Sub(m.d.clock.Now()); !at.IsZero() && away > -time.Minute && away < 10*time.Minute {
				m.d.clock.jump(15 * time.Minute)
				again = true
			}
		}
	}
	now := m.d.clock.Now()
	past := func(at time.Time) bool { return !at.IsZero() && at.Before(now) }
	if past(m.snoozed) {
		m.awake, m.snoozed = m.awake+1, time.Time{}
		m.d.eventually("it is awake", func() bool { return m.record().SnoozedUntil().IsZero() })
		m.woken, m.late = m.record().Timers.WokenAt, false
	}
	lapsed := past(m.lapses())
	if past(m.due()) && !m.late {
		if m.late = true; !m.rung {
			m.rung, m.overdue, m.mentions = true, m.overdue+1, append(m.mentions, m.assigned)
		}
	}
	if lapsed {
		m.assigned, m.lapsed = false, m.lapsed+1
	}
	if m.settles(); past(m.warns) {
		m.d.eventually("the customer is told", func() bool { return !m.record().Timers.WarnedAt.IsZero() })
		m.warned, m.closes, m.warns = m.warned+1, m.record().Timers.WarnedAt.Add(modelNotice).Truncate(time.Second), time.Time{}
	}
}

func (m *timersModel) record() *storage.Ticket {
	r, err := m.d.store.Ticket(m.d.t.Context(), m.k.id)
	m.d.must(err)
	return r
}

func (m *timersModel) say(by int64, text string) time.Time {
	m.n++
	msg := m.d.say(by, m.d.support, m.k.thread, fmt.Sprint(text, " ", m.n))
	m.d.awaitHeard(m.k, msg)
	return m.d.said(msg).RecordedAt
}

func (m *timersModel) step(t *rapid.T) {
	d := m.d
	switch step := rapid.SampledFrom(strings.Fields("customer customer desk carl note jump jump jump jump restart hours within claim later off move autoclose")).Draw(t, "step"); step {
	case "customer":
		at := m.say(d.eve, "word")
		if !m.snoozed.IsZero() {
			m.snoozed, m.woken, m.late = time.Time{}, at, false
		}
		if !m.waits {
			m.waits, m.since, m.rung, m.late = true, at, false, false
		}
	case "desk", "carl":
		by := map[string]int64{"desk": d.ann, "carl": d.carl}[step]
		at := m.say(by, "word")
		if by == d.carl && m.assigned {
			m.heard = at
		}
		if m.quiet = at; m.waits {
			m.turned = at
		}
		m.waits, m.rung, m.late = false, false, false
	case "note":
		if at := m.say(d.carl, "// note"); m.assigned {
			m.heard = at
		}
	case "jump":
		d.clock.jump(time.Duration(rapid.IntRange(1, 60*14).Draw(t, "minutes")) * time.Minute)
	case "restart":
		d.restart()
	case "hours":
		text := rapid.SampledFrom([]string{"", "Mon-Fri 09:00-18:00 Asia/Bangkok", "Mon-Sun 20:00-03:00 America/New_York", "Mon-Sat 08:00-12:00,13:00-17:00 Europe/Berlin"}).Draw(t, "hours")
		m.hours, _ = hours.Parse(text, nil)
		asks[*messages.GroupRecord](d, messages.KindGroup, m.place, &messages.ChangeGroup{Origin: program(), Hours: &text})
	case "within":
		minutes := rapid.SampledFrom([]int64{0, 90, 240}).Draw(t, "within")
		m.within = time.Duration(minutes) * time.Minute
		asks[*messages.GroupRecord](d, messages.KindGroup, m.place, &messages.ChangeGroup{Origin: program(),
			AnswerWithin: &messages.AnswerTimes{Low: minutes, Normal: minutes, High: minutes, Urgent: minutes}})
	case "autoclose":
		m.after = time.Duration(rapid.SampledFrom([]int{0, 300, 1500}).Draw(t, "after")) * time.Minute
		asks[*messages.GroupRecord](d, messages.KindGroup, m.place, &messages.ChangeGroup{Origin: program(),
			AutoClose: &messages.AutoClose{After: int64(m.after / time.Minute), Notice: int64(modelNotice / time.Minute)}})
	case "claim":
		d.awaitAnswer(d.say(d.carl, d.support, m.k.thread, "/claim"), "")
		if !m.assigned {
			m.assigned = true
			d.eventually("it is Carl's", func() bool { return m.record().Assignee != nil })
			m.heard = m.record().Timers.ClaimHeardAt
		}
	case "later":
		until := d.clock.Now().Add(time.Duration(rapid.IntRange(30, 600).Draw(t, "minutes")) * time.Minute).Truncate(time.Second)
		ms := until.UnixMilli()
		d.does(m.k.id, &messages.UpdateTicket{Origin: program(), SnoozedUntilMs: &ms}, "")
		m.snoozed = until.UTC()
	case "off":
		none := int64(0)
		d.does(m.k.id, &messages.UpdateTicket{Origin: program(), SnoozedUntilMs: &none}, "")
		if !m.snoozed.IsZero() {
			m.snoozed = time.Time{}
			d.eventually("it is taken up", func() bool { return m.record().SnoozedUntil().IsZero() })
			m.woken, m.late = m.record().Timers.WokenAt, false
		}
	case "move":
		if m.moved {
			return
		}
		is, err := d.sim.Migrate(d.support)
		d.must(err)
		d.quiet()
		d.migrated(d.support, is)
		m.moved, d.support = true, is
	}
	m.pass()
}

// icon is what the ticket's icon should be.
func (m *timersModel) icon() string {
	switch {
	case !m.snoozed.IsZero():
		return iconSnoozed
	case m.late:
		return iconOverdue
	case !m.waits:
		return iconCustomer
	case m.assigned:
		return iconClaimed
	}
	return iconNew
}

// told counts the bot's words about what was due.
func (m *timersModel) told() (overdues, lapses, awakes, closings int) {
	at := func(text string) int { return len(m.d.reminders(m.d.support, m.k.thread, text)) }
	return at(overdue), at("nobody takes care of this ticket now"), at("here is the ticket again"), at(closesSoon)
}

func (m *timersModel) check(t *rapid.T) {
	m.d.quiet(m.k)
	differs := ""
	defer func() {
		if differs != "" { // it has failed
			m.d.t.Logf("it is %s", differs)
		}
	}()
	m.d.eventually("it is as the model says", func() bool {
		r := m.record()
		o, l, a, c := m.told()
		closes := r.Timers.ClosesAt.UTC()
		if late := closes.Sub(m.closes); late > 0 && late < time.Hour {
			closes = m.closes.UTC() // the notice has waited, and leaves them as much time
		}
		got := fmt.Sprintln(r.Timers.AnswerDueAt.UTC(), r.Timers.LapsesAt.UTC(), r.SnoozedUntil().UTC(), r.Overdue(), r.Assignee != nil, o, l, a,
			r.Timers.WarnsAt.UTC(), closes, c)
		want := fmt.Sprintln(storage.Kept(m.due()).UTC(), storage.Kept(m.lapses()).UTC(), m.snoozed, m.late && m.snoozed.IsZero(),
			m.assigned, m.overdue, m.lapsed, m.awake, storage.Kept(m.warns).UTC(), m.closes.UTC(), m.warned)
		if o > m.overdue || l > m.lapsed || a > m.awake || c > m.warned {
			t.Fatalf("told too often: %s want %s\n%s", got, want, m.d.transcript())
		}
		if differs = got + "want " + want; got == want {
			differs = ""
		}
		return differs == ""
	})
	if shown := m.d.shown(m.k.id); shown.WaitingFor != map[bool]string{true: "desk", false: "customer"}[m.waits] ||
		shown.WaitingSinceMs != m.turn().UnixMilli() {
		t.Fatalf("it waits for %s since %d, want since %s\n%s", shown.WaitingFor, shown.WaitingSinceMs, m.turn(), m.d.transcript())
	}
	for i, r := range m.d.reminders(m.d.support, m.k.thread, overdue) {
		if mentions(r, m.d.carl) != m.mentions[i] {
			t.Fatalf("reminder %d: %q, Carl's: %v", i, r.Text, m.mentions[i])
		}
	}
	if m.d.topic(m.d.support, m.k.thread).Icon != m.icon() {
		m.d.clock.jump(betweenIcons) // its time has come
		m.d.awaitIcon(m.d.support, m.k.thread, m.icon())
	}
}

// TestTimersModel compares random histories of a ticket with a simple model of for whom it waits and since when, of when an
// answer is due and a claim lapses, of its icon, and of what people are told, and who: never twice.
func TestTimersModel(t *testing.T) {
	if testing.Short() {
		t.Skip("long: random desks, compared with a model step by step")
	}
	t.Parallel()
	checks, most := 0, 4
	if long() {
		most = 60
	}
	rapid.Check(t, func(rt *rapid.T) {
		if checks++; checks > most {
			return // the other ones of rapid's 100 are for the long run
		}
		d := ready(t, options{speed: 20, slowed: patientWithGroups, sweepEvery: 30 * time.Second})
		defer d.stop()
		off := false
		asks[*messages.GroupRecord](d, messages.KindGroup, messages.GroupPlace(d.support), &messages.ChangeGroup{Origin: program(), AutoClaim: &off})
		m := &timersModel{d: d, place: messages.GroupPlace(d.support), k: d.open(d.eve, d.support, "Printer"), within: 4 * time.Hour, waits: true}
		m.since = d.record(m.k).CreatedAt
		for range rapid.IntRange(5, 25).Draw(rt, "steps") {
			m.step(rt)
			m.check(rt)
		}
	})
}

// overdueStore loses the first write that says that an answer is overdue, or its answer.
type overdueStore struct {
	storage.Store
	left    *atomic.Int64
	written bool
}

func (s overdueStore) SaveTicket(ctx context.Context, r *storage.Ticket) error {
	if !r.Overdue() || s.left.Add(-1) < 0 {
		return s.Store.SaveTicket(ctx, r)
	}
	if s.written {
		copied := *r
		if err := s.Store.SaveTicket(ctx, &copied); err != nil {
			return err
		}
	}
	return errors.New("the disk is gone")
}

// TestOverdueAfterACrash: a reminder comes once when the write that makes it pending is lost, or only its answer is, and when the
// process ends before the notice has left.
func TestOverdueAfterACrash(t *testing.T) {
	t.Parallel()
	for name, written := range map[string]bool{"the write is lost": false, "its answer is lost": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var left atomic.Int64
			d := ready(t, options{sweepEvery: 10 * time.Second, wrapStore: func(s storage.Store) storage.Store { return overdueStore{s, &left, written} }})
			k := d.open(d.eve, d.support, "Printer")
			d.quiet(k)
			left.Store(1)
			d.clock.jump(4*time.Hour + time.Minute)
			d.eventually("the write has failed", func() bool { return left.Load() <= 0 })
			d.restart()
			d.awaitText(d.support, k.thread, overdue)
			d.quiet(k)
			d.restart()
			d.clock.jump(24 * time.Hour)
			d.awaitHeard(k, d.say(d.eve, d.support, k.thread, "Hello?"))
			d.quiet(k)
			if got := d.reminders(d.support, k.thread, overdue); len(got) != 1 {
				t.Errorf("%d reminders", len(got))
			}
			d.awaitTold(k, messages.EventTicketOverdue, 1)
		})
	}
}
