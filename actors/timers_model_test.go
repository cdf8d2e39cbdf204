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

// timersModel is what should be known of one ticket of Eve's: when an answer is due, a claim lapses and the ticket closes by itself, and what
// was told of it.
type timersModel struct {
	d        *desk
	k        *ticket
	place    string // of Support, which keeps it when it becomes another chat
	former   int64  // the chat that Support was; 0: it is still the same
	private  bool   // the ticket was opened from Eve's private chat
	eng      int    // thread of the linked topic; 0: none
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
	assigned bool
	heard    time.Time // when Carl got the ticket, or said something
	away     time.Time // until when Eve knows that nobody is there
	n        int
	told     tellings

	quiet    time.Time     // when the desk said its last word
	after    time.Duration // until the customer is told that the ticket closes; 0: never
	notice   time.Duration // from then on until it closes
	warns    time.Time
	warned   time.Time
	closes   time.Time
	closed   bool
	closedAt time.Time
}

// tellings count what the bot has said, by what it is.
type tellings [7]int

const (
	toldOverdue = iota
	toldLapsed
	toldAwake
	toldCloses
	toldClosed
	toldReopened
	toldAway
)

// asked is until when the customer has time to answer what the desk has said since they were told that the ticket closes.
func (m *timersModel) asked() time.Time {
	if m.closes.IsZero() || !m.quiet.After(m.warned) {
		return time.Time{}
	}
	return m.quiet.Add(m.notice).Truncate(time.Second)
}

// settles says when the customer is told that the ticket closes, as far as nothing rings.
func (m *timersModel) settles() {
	m.warns = time.Time{}
	if m.closed || m.waits || !m.snoozed.IsZero() || m.after == 0 {
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

// turn is for whom it waits, and since when.
func (m *timersModel) turn() (whom string, sinceMs int64) {
	switch {
	case m.closed:
		return "nobody", 0
	case m.waits:
		return "desk", m.since.UnixMilli()
	}
	return "customer", m.turned.UnixMilli()
}

// pass rings what is due now. What falls due within some minutes of now is let pass first: the clock runs.
func (m *timersModel) pass() {
	m.settles()
	for again := true; again; {
		again = false
		for _, at := range []time.Time{m.due(), m.lapses(), m.snoozed, m.warns, m.closes, m.asked()} {
			if away := at.Sub(m.d.clock.Now()); !at.IsZero() && away > -time.Minute && away < 15*time.Minute {
				m.d.clock.jump(20 * time.Minute)
				again = true
			}
		}
	}
	now := m.d.clock.Now()
	past := func(at time.Time) bool { return !at.IsZero() && at.Before(now) }
	if past(m.snoozed) {
		m.told[toldAwake]++
		m.snoozed = time.Time{}
		m.d.eventually("it is awake", func() bool { return m.record().SnoozedUntil().IsZero() })
		m.woken, m.late = m.record().Timers.WokenAt, false
	}
	lapses := past(m.lapses())
	if past(m.due()) && !m.late {
		if m.late = true; !m.rung {
			m.rung, m.mentions = true, append(m.mentions, m.assigned)
			m.told[toldOverdue]++
		}
	}
	if lapses {
		m.assigned = false
		m.told[toldLapsed]++
	}
	if m.settles(); past(m.warns) {
		m.d.eventually("the customer is told", func() bool { return !m.record().Timers.WarnedAt.IsZero() })
		m.warned, m.warns = m.record().Timers.WarnedAt, time.Time{}
		m.closes = m.warned.Add(m.notice).Truncate(time.Second)
		m.told[toldCloses]++
		return
	}
	switch asked := m.asked(); {
	case !past(m.closes):
	case asked.After(now):
		m.closes = asked
	default:
		m.d.eventually("it closes", func() bool { return m.record().Status == "closed" })
		m.close()
		m.told[toldClosed]++
	}
}

// close is what follows from that the ticket is closed.
func (m *timersModel) close() {
	m.closed, m.closedAt = true, m.record().ClosedAt
	m.waits, m.rung, m.late, m.snoozed = false, false, false, time.Time{}
	m.settles()
}

// reopen is what follows from that it waits for the desk again.
func (m *timersModel) reopen(since time.Time) { m.closed, m.waits, m.since = false, true, since }

func (m *timersModel) record() *storage.Ticket {
	r, err := m.d.store.Ticket(m.d.t.Context(), m.k.id)
	m.d.must(err)
	return r
}

func (m *timersModel) say(by, chat int64, thread int, text string) time.Time {
	m.n++
	if text != thanked {
		text = fmt.Sprint(text, " ", m.n)
	}
	msg := m.d.say(by, chat, thread, text)
	m.d.awaitHeard(m.k, msg)
	return m.d.said(msg).RecordedAt
}

const thanked = "Thanks!"

// customer is where Eve is on the ticket.
func (m *timersModel) customer() (chat int64, thread int) {
	if m.private {
		return m.d.eve, 0
	}
	return m.d.support, m.k.thread
}

// steps are what can be done now.
func (m *timersModel) steps() []string {
	all := "jump jump restart hours within autoclose move "
	switch {
	case !m.closed:
		all += "customer customer desk desk carl note thanks jump jump claim later off autoclose link close"
		if m.eng != 0 {
			all += " bob"
		}
	case m.private && m.d.clock.Now().Sub(m.closedAt) < 6*24*time.Hour: // a word reopens it
		all += "customer thanks reopen"
	default:
		all += "reopen reopen"
	}
	return strings.Fields(all)
}

func (m *timersModel) step(t *rapid.T) {
	d := m.d
	switch step := rapid.SampledFrom(m.steps()).Draw(t, "step"); step {
	case "customer":
		chat, thread := m.customer()
		at := m.say(d.eve, chat, thread, "word")
		if opens := storage.Kept(m.hours.Opens(at)); m.hours != nil && opens.After(at) && !opens.Equal(m.away) {
			m.away = opens
			m.told[toldAway]++
		}
		if !m.snoozed.IsZero() {
			m.snoozed, m.woken, m.late = time.Time{}, at, false
		}
		switch {
		case m.closed:
			m.reopen(at)
			m.told[toldReopened]++
		case !m.waits:
			m.waits, m.since, m.rung, m.late = true, at, false, false
		}
	case "desk", "carl", "bob":
		by, chat, thread := map[string]int64{"desk": d.ann, "carl": d.carl, "bob": d.bob}[step], d.support, m.k.thread
		if by == d.bob {
			chat, thread = d.engineering, m.eng
		}
		at := m.say(by, chat, thread, "word")
		if by == d.carl && m.assigned {
			m.heard = at
		}
		if m.quiet = at; m.waits {
			m.turned = at
		}
		m.waits, m.rung, m.late = false, false, false
	case "thanks":
		if chat, thread := m.customer(); m.closed || rapid.Bool().Draw(t, "Eve's") {
			m.say(d.eve, chat, thread, thanked)
		} else if at := m.say(d.carl, d.support, m.k.thread, thanked); m.assigned {
			m.heard = at
		}
	case "link":
		if m.eng == 0 {
			m.eng = d.mention(d.carl, m.k, "@bob_eng", d.engineering)
		}
	case "close":
		closed := "closed"
		d.does(m.k.id, &messages.UpdateTicket{Origin: program(), Status: &closed}, "")
		d.eventually("it is closed", func() bool { return m.record().Status == "closed" })
		m.close()
	case "reopen":
		open := "open"
		d.does(m.k.id, &messages.UpdateTicket{Origin: program(), Status: &open}, "")
		d.eventually("it is open", func() bool { return m.record().Status == "open" })
		m.reopen(m.record().WaitingSince)
	case "note":
		if at := m.say(d.carl, d.support, m.k.thread, "// note"); m.assigned {
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
		d.clock.jump(2 * time.Minute) // until the hours of before are forgotten
	case "within":
		minutes := rapid.SampledFrom([]int64{0, 90, 240}).Draw(t, "within")
		m.within = time.Duration(minutes) * time.Minute
		asks[*messages.GroupRecord](d, messages.KindGroup, m.place, &messages.ChangeGroup{Origin: program(),
			AnswerWithin: &messages.AnswerTimes{Low: minutes, Normal: minutes, High: minutes, Urgent: minutes}})
	case "autoclose":
		m.after = time.Duration(rapid.SampledFrom([]int{0, 300, 300, 1500}).Draw(t, "after")) * time.Minute
		m.notice = time.Duration(rapid.SampledFrom([]int{90, 300, 300 * 24 * 60}).Draw(t, "notice")) * time.Minute
		asks[*messages.GroupRecord](d, messages.KindGroup, m.place, &messages.ChangeGroup{Origin: program(),
			AutoClose: &messages.AutoClose{After: int64(m.after / time.Minute), Notice: int64(m.notice / time.Minute)}})
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
		if m.former != 0 {
			return
		}
		is, err := d.sim.Migrate(d.support)
		d.must(err)
		d.quiet()
		d.migrated(d.support, is)
		m.former, d.support, m.k.chat = d.support, is, is
	}
	m.pass()
}

// icon is what the ticket's icon should be.
func (m *timersModel) icon() string {
	switch {
	case m.closed:
		return iconClosed
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

// tells counts the bot's words about what was due.
func (m *timersModel) tells() (all tellings) {
	chat, thread := m.customer()
	at := func(chat int64, thread int, text string) int { return len(m.d.reminders(chat, thread, text)) }
	for i, text := range []string{toldOverdue: overdue, toldLapsed: nobodyHas, toldAwake: isAwake, toldClosed: closedQuiet, toldReopened: reopenedBy} {
		if text != "" {
			all[i] = at(m.d.support, m.k.thread, text)
		}
	}
	all[toldCloses], all[toldAway] = at(chat, thread, "waits for you"), at(chat, thread, "Nobody of the team is here now")
	return all
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
		r, told := m.record(), m.tells()
		if late := r.Timers.ClosesAt.Sub(m.closes); !m.closes.IsZero() && late > 0 && late < time.Hour {
			m.closes = r.Timers.ClosesAt.UTC() // the notice has waited, and leaves them as much time
		}
		got := fmt.Sprintln(r.Timers.AnswerDueAt.UTC(), r.Timers.LapsesAt.UTC(), r.SnoozedUntil().UTC(), r.Overdue(), r.Assignee != nil,
			r.Status == "closed", r.Timers.WarnsAt.UTC(), r.Timers.ClosesAt.UTC(), told, len(r.Pending))
		want := fmt.Sprintln(storage.Kept(m.due()).UTC(), storage.Kept(m.lapses()).UTC(), m.snoozed, m.late && m.snoozed.IsZero(), m.assigned,
			m.closed, storage.Kept(m.warns).UTC(), m.closes.UTC(), m.told, 0)
		for i := range told {
			if told[i] > m.told[i] {
				t.Fatalf("told too often: %s want %s\n%s", got, want, m.d.transcript())
			}
		}
		if differs = got + "want " + want; got == want {
			differs = ""
		}
		return differs == ""
	})
	shown := m.d.shown(m.k.id)
	if whom, since := m.turn(); shown.WaitingFor != whom || shown.WaitingSinceMs != since {
		t.Fatalf("it waits for %s since %d, want %s since %d\n%s", shown.WaitingFor, shown.WaitingSinceMs, whom, since, m.d.transcript())
	}
	for i, r := range m.d.reminders(m.d.support, m.k.thread, overdue) {
		if mentions(r, m.d.carl) != m.mentions[i] {
			t.Fatalf("reminder %d: %q, Carl's: %v", i, r.Text, m.mentions[i])
		}
	}
	m.shows(m.d.support, m.k.thread)
	if m.eng != 0 {
		m.shows(m.d.engineering, m.eng)
	}
	if rapid.Bool().Draw(t, "rests") { // so that nothing is left which looks at icons by itself
		m.d.eventually("the ticket rests", func() bool { return resting(m.record()) })
		m.d.clock.jump(4 * betweenIcons)
		m.d.quiet(m.k)
	}
}

// shows checks the icon of a topic.
func (m *timersModel) shows(chat int64, thread int) {
	if m.d.topic(chat, thread).Icon != m.icon() {
		m.d.clock.jump(betweenIcons) // its time has come
		m.d.awaitIcon(chat, thread, m.icon())
	}
}

// TestTimersModel compares random histories of a ticket with a simple model of for whom it waits and since when, of when an
// answer is due, a claim lapses and it closes by itself, of its icons, and of what people are told, and who: never twice.
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
		d := ready(t, options{speed: 20, slowed: patientWithGroups, sweepEvery: 30 * time.Second,
			elapsed: func(time.Time) time.Duration { return 0 }}) // a jump of the clock is no downtime, after which closings are moved on
		defer d.stop()
		off := false
		asks[*messages.GroupRecord](d, messages.KindGroup, messages.GroupPlace(d.support), &messages.ChangeGroup{Origin: program(), AutoClaim: &off})
		m := &timersModel{d: d, place: messages.GroupPlace(d.support), within: 4 * time.Hour, waits: true}
		if m.private = rapid.Bool().Draw(rt, "private"); m.private {
			m.k = d.openPrivately(d.eve, d.support, "Printer")
		} else {
			m.k = d.open(d.eve, d.support, "Printer")
		}
		m.since = d.record(m.k).CreatedAt
		for range rapid.IntRange(5, 25).Draw(rt, "steps") {
			m.step(rt)
			m.check(rt)
		}
		for _, chat := range []int64{d.support, m.former} {
			d.iconsApart(chat, m.k.thread)
		}
		if m.eng != 0 {
			d.iconsApart(d.engineering, m.eng)
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
