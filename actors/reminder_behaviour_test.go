package actors_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/actors"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
	"github.com/topicdesk/topicdesk/storage"
)

// closes has Telegram refuse all calls to a group for some hours, by flood control.
func (d *desk) closes(by, chat int64, hours int) {
	d.t.Helper()
	d.inject(simulator.Fault{Method: "sendMessage", Chat: chat, Kind: simulator.Fault429, RetryAfter: hours * 3600})
	d.say(by, chat, 0, "/help")
	d.eventually("the group takes no calls", func() bool {
		c, err := d.store.Chat(d.t.Context(), messages.GroupPlace(chat))
		return err == nil && c.BlockedUntil.Sub(d.clock.Now()) > time.Duration(hours-1)*time.Hour
	})
}

// becomeOverdue lets the answers to tickets fall due, and waits until the reminders and the icons wait for their chat.
// It returns how many operations waited before.
func (d *desk) becomeOverdue(tickets ...*ticket) (waited float64) {
	d.t.Helper()
	waited = d.metric(d.t, "operations_queued")
	d.clock.jump(4*time.Hour + time.Minute)
	for _, k := range tickets {
		d.eventually("it is overdue", func() bool { return d.record(k).Overdue() && d.record(k).Home.IconPending })
	}
	d.eventually("all are in the queue", func() bool { return d.metric(d.t, "operations_queued") >= waited+2*float64(len(tickets)) })
	return waited
}

// TestRemindersLeaveBeforeIcons: what people are told comes before the icon that says the same.
func TestRemindersLeaveBeforeIcons(t *testing.T) {
	t.Parallel()
	d := ready(t, options{sweepEvery: 10 * time.Second})
	k := d.open(d.eve, d.support, "Printer")
	d.quiet(k)
	d.closes(d.ann, d.support, 6)
	d.becomeOverdue(k)
	before := len(d.sim.Calls())
	d.clock.jump(6 * time.Hour)
	d.awaitText(d.support, k.thread, overdue)
	d.awaitIcon(d.support, k.thread, iconOverdue)
	var order []string
	d.eventually("the calls are listed, as they are when they have ended", func() bool {
		order = nil
		for _, c := range d.sim.Calls()[before:] {
			if c.Chat == d.support && c.Thread == k.thread {
				order = append(order, c.Method)
			}
		}
		return slices.Contains(order, "sendMessage") && slices.Contains(order, "editForumTopic")
	})
	if said, shown := slices.Index(order, "sendMessage"), slices.Index(order, "editForumTopic"); shown < said {
		t.Errorf("%q", order)
	}
}

// TestRemindersLeaveRoomForWords: of many reminders only so many leave together that what people say meanwhile need not wait.
func TestRemindersLeaveRoomForWords(t *testing.T) {
	t.Parallel()
	d := ready(t, options{speed: 4, sweepEvery: 10 * time.Second})
	d.awaitAnswer(d.say(d.ann, d.support, 0, "/autoclaim off"), "") // a claim would edit the card
	k := d.open(d.eve, d.support, "Printer")
	eng := d.mention(d.carl, k, "@bob_eng", d.engineering)
	tickets := []*ticket{k}
	for i := range 5 {
		tickets = append(tickets, d.open(d.eve, d.support, "Scanner "+itoa(i)))
	}
	d.awaitHeard(k, d.say(d.eve, d.support, k.thread, "Hello?"))
	d.quiet(tickets...)
	d.opt.pace = actors.Pace{ChatPerSecond: 1}
	d.restart()
	said := func() (n int) {
		for _, k := range tickets {
			n += len(d.reminders(d.support, k.thread, overdue))
		}
		return n
	}
	letGo := d.clock.hold() // so nothing leaves but what may leave at one time: 5 calls
	d.clock.jump(4*time.Hour + time.Minute)
	d.eventually("all are overdue", func() bool {
		return !slices.ContainsFunc(tickets, func(k *ticket) bool { return !d.record(k).Overdue() })
	})
	d.eventually("some are reminded of", func() bool { return said() >= 3 })
	d.say(d.bob, d.engineering, eng, "Have you tried another cable?")
	d.say(d.bob, d.engineering, eng, "The blue one")
	d.awaitText(d.support, k.thread, "The blue one")
	if n := said(); n != 3 {
		t.Errorf("%d reminders", n)
	}
	letGo()
	d.eventually("all are reminded of", func() bool { return said() == len(tickets) })
}

// TestMootReminders: what is moot when its chat takes calls again is not said, and no icon shows it.
func TestMootReminders(t *testing.T) {
	t.Parallel()
	d := ready(t, options{sweepEvery: 10 * time.Second})
	answered, aside := d.open(d.eve, d.support, "Printer"), d.open(d.eve, d.support, "Scanner")
	d.quiet(answered, aside)
	d.closes(d.ann, d.support, 6)
	waited := d.becomeOverdue(answered, aside)
	d.awaitHeard(answered, d.say(d.carl, d.support, answered.thread, "It works again"))
	waits := func(n int) {
		t.Helper()
		d.eventually(itoa(n)+" more wait", func() bool { return d.metric(t, "operations_queued") == waited+float64(n) })
	}
	// The reminder is withdrawn by the write after the word.
	d.eventually("it is withdrawn", func() bool { return len(d.record(answered).Pending) == 0 })
	waits(4)                // an edited card and another icon in place of a reminder and an icon
	letGo := d.clock.hold() // no new icon of the other one is due before the former one is withdrawn
	until := d.clock.Now().Add(24 * time.Hour).UnixMilli()
	d.does(aside.id, &messages.UpdateTicket{Origin: program(), SnoozedUntilMs: &until}, "")
	waits(2)
	before := len(d.sim.Calls())
	letGo()
	d.clock.jump(6 * time.Hour)
	d.awaitIcon(d.support, answered.thread, iconCustomer)
	d.awaitIcon(d.support, aside.thread, iconSnoozed)
	d.quiet(answered, aside)
	for _, k := range []*ticket{answered, aside} {
		if got := d.reminders(d.support, k.thread, overdue); len(got) > 0 {
			t.Errorf("%q", got[0].Text)
		}
		if n := len(d.iconChanges(d.support, k.thread)); n != 1 {
			t.Errorf("%d changes of the icon", n)
		}
	}
	if n := len(d.sim.Calls()) - before; n > 20 {
		t.Errorf("%d calls", n)
	}
	d.run(t, "put aside before the reminder had left, it is reminded of later, once", func(t *testing.T) {
		d.clock.jump(18 * time.Hour)
		d.awaitText(d.support, aside.thread, "here is the ticket again")
		woken := d.record(aside).Timers.WokenAt
		d.awaitDue(aside, woken.Add(4*time.Hour))
		if shown := d.shown(aside.id); shown.OverdueMs != 0 || shown.AnswerDueMs == 0 {
			t.Errorf("due at %d, overdue since %d", shown.AnswerDueMs, shown.OverdueMs)
		}
		d.clock.jump(4*time.Hour + time.Minute)
		d.awaitText(d.support, aside.thread, overdue)
		d.quiet(aside)
		d.awaitTold(aside, messages.EventTicketOverdue, 1)
		if got := d.reminders(d.support, aside.thread, overdue); len(got) != 1 {
			t.Errorf("%d reminders", len(got))
		}
	})
}

// TestOverdueAgainAfterLater: what was told already, and is put aside, is due anew when it is taken up, and overdue again. It is told
// once in a wait.
func TestOverdueAgainAfterLater(t *testing.T) {
	t.Parallel()
	d := ready(t, options{sweepEvery: 10 * time.Second})
	k := d.open(d.eve, d.support, "Printer")
	d.quiet(k)
	d.clock.jump(4*time.Hour + time.Minute)
	d.awaitText(d.support, k.thread, overdue)
	d.awaitAnswer(d.say(d.carl, d.support, k.thread, "/later 2h"), "has put this ticket aside")
	d.clock.jump(2*time.Hour + time.Minute)
	d.awaitText(d.support, k.thread, "here is the ticket again")
	d.awaitDue(k, d.record(k).Timers.WokenAt.Add(4*time.Hour))
	if shown := d.shown(k.id); shown.OverdueMs != 0 {
		t.Errorf("due at %d, overdue since %d", shown.AnswerDueMs, shown.OverdueMs)
	}
	d.rang(t, map[string]float64{"overdue": 1, "awake": 1})
	d.restart()
	d.clock.jump(4*time.Hour + time.Minute)
	d.eventually("it is overdue again", func() bool { return d.record(k).Overdue() })
	d.awaitIcon(d.support, k.thread, iconOverdue)
	d.quiet(k)
	d.awaitTold(k, messages.EventTicketOverdue, 1)
	if got := d.reminders(d.support, k.thread, overdue); len(got) != 1 {
		t.Errorf("%d reminders", len(got))
	}
	d.run(t, "the next wait has one of its own", func(*testing.T) {
		d.awaitHeard(k, d.say(d.carl, d.support, k.thread, "Is it on?"))
		d.awaitHeard(k, d.say(d.eve, d.support, k.thread, "Yes"))
		d.quiet(k)
		d.clock.jump(4*time.Hour + time.Minute)
		d.await("a second reminder", func() bool { return len(d.reminders(d.support, k.thread, overdue)) == 2 })
		d.awaitTold(k, messages.EventTicketOverdue, 2)
	})
}

// TestRemindersWhereTheBotIsGone: a reminder that the bot may not post is tried once, an icon not at all. When it is back, the next
// word has the icon follow, whatever it changes.
func TestRemindersWhereTheBotIsGone(t *testing.T) {
	t.Parallel()
	d := ready(t, options{sweepEvery: 10 * time.Second})
	k := d.open(d.eve, d.support, "Printer")
	d.quiet(k)
	d.must(d.sim.SetBot(d.support, simulator.Kicked, simulator.BotRights{}))
	d.eventually("the group knows", func() bool {
		g, err := d.store.Group(t.Context(), messages.GroupPlace(d.support))
		return err == nil && g.BotStatus == "kicked"
	})
	before := d.calls("sendMessage", d.support)
	d.clock.jump(4*time.Hour + time.Minute)
	d.eventually("it is overdue", func() bool { return d.record(k).Overdue() })
	d.eventually("the ticket rests", func() bool { r := d.record(k); return resting(r) && len(r.Pending) == 0 })
	if n := d.calls("sendMessage", d.support) - before; n != 1 {
		t.Errorf("%d calls", n)
	}
	if n := len(d.iconChanges(d.support, 0)); n != 0 {
		t.Errorf("%d changes of icons", n)
	}
	d.clock.jump(2 * time.Minute) // what would look at the icon once more does so
	rests := d.clock.Now().Add(20 * time.Second)
	d.eventually("nothing looks at it any more", func() bool { return d.clock.Now().After(rests) })
	d.must(d.sim.SetBot(d.support, simulator.Administrator, fullRights))
	d.eventually("the group knows", func() bool {
		g, err := d.store.Group(t.Context(), messages.GroupPlace(d.support))
		return err == nil && g.CanManageTopics
	})
	d.awaitHeard(k, d.say(d.eve, d.support, k.thread, "Hello?"))
	d.awaitIcon(d.support, k.thread, iconOverdue)
	d.quiet(k)
	if n := len(d.reminders(d.support, k.thread, overdue)); n != 0 {
		t.Errorf("%d reminders of what is told already", n)
	}
}

// readsStore counts how often groups and due tickets are read.
type readsStore struct {
	storage.Store
	groups, sweeps *atomic.Int64
}

func (s readsStore) Group(ctx context.Context, id string) (*storage.Group, error) {
	s.groups.Add(1)
	return s.Store.Group(ctx, id)
}

func (s readsStore) DueTickets(ctx context.Context, now time.Time, after storage.Due, limit int) ([]storage.Due, error) {
	s.sweeps.Add(1)
	return s.Store.DueTickets(ctx, now, after, limit)
}

// TestWordsOfTheClaimerReadNothing: they move when the claim lapses, for which the times of the group are known.
func TestWordsOfTheClaimerReadNothing(t *testing.T) {
	t.Parallel()
	var groups, sweeps atomic.Int64
	d := ready(t, options{sweepEvery: time.Hour, wrapStore: func(s storage.Store) storage.Store { return readsStore{s, &groups, &sweeps} }})
	k := d.open(d.eve, d.support, "Printer")
	d.awaitAnswer(d.say(d.carl, d.support, k.thread, "/claim"), "takes care of this ticket now")
	note := func(n int) time.Time {
		m := d.say(d.carl, d.support, k.thread, "// note "+itoa(n))
		d.awaitHeard(k, m)
		return d.said(m).RecordedAt
	}
	lapses := func(from time.Time) {
		t.Helper()
		d.eventually("the claim lapses later", func() bool { return d.record(k).Timers.LapsesAt.Equal(storage.Kept(from.Add(8 * time.Hour))) })
	}
	lapses(note(0))
	d.quiet(k)
	before := groups.Load()
	for n := 1; n <= 10; n++ {
		lapses(note(n))
	}
	if n := groups.Load() - before; n > 3 { // who administers the group is read once a minute
		t.Errorf("10 notes read a group %d times", n)
	}
}

// TestWordsOfTheDeskReadNothing: where no answer claims a ticket, the desk's words on one that is nobody's do not read that each time.
func TestWordsOfTheDeskReadNothing(t *testing.T) {
	t.Parallel()
	var groups, sweeps atomic.Int64
	d := ready(t, options{sweepEvery: time.Hour, wrapStore: func(s storage.Store) storage.Store { return readsStore{s, &groups, &sweeps} }})
	d.awaitAnswer(d.say(d.ann, d.support, 0, "/autoclaim off"), "")
	k := d.open(d.eve, d.support, "Printer")
	d.awaitHeard(k, d.say(d.carl, d.support, k.thread, "Yes?"))
	d.quiet(k)
	letGo := d.clock.hold() // within a minute
	before := groups.Load()
	for n := range 10 {
		d.awaitHeard(k, d.say(d.carl, d.support, k.thread, "Word "+itoa(n)))
	}
	letGo()
	if n := groups.Load() - before; n > 3 {
		t.Errorf("10 words read a group %d times", n)
	}
	if r := d.record(k); r.Assignee != nil {
		t.Errorf("it is %s's", r.Assignee.Name)
	}
}

// TestSweepsLeaveAloneWhatWaits: a ticket whose answer waits for its chat for hours is woken again and again, but ever less often.
func TestSweepsLeaveAloneWhatWaits(t *testing.T) {
	t.Parallel()
	var groups, sweeps atomic.Int64
	d := ready(t, options{sweepEvery: 20 * time.Millisecond,
		wrapStore: func(s storage.Store) storage.Store { return readsStore{s, &groups, &sweeps} }})
	k := d.open(d.eve, d.support, "Printer")
	d.quiet(k)
	d.closes(d.ann, d.support, 9)
	d.say(d.carl, d.support, k.thread, "/claim")
	d.awaitAssignee(k, d.carl)
	d.eventually("all is written, after which it is due once", func() bool {
		r := d.record(k)
		return r.Home.IconPending && len(r.Events) == 0
	})
	d.clock.jump(5 * time.Minute)
	d.eventually("it is woken", func() bool { return d.metric(t, "sweep_woken_total", "kind", messages.KindTicket) > 0 })
	woken, from := d.metric(t, "sweep_woken_total", "kind", messages.KindTicket), sweeps.Load()
	d.eventually("100 sweeps", func() bool { return sweeps.Load() >= from+100 })
	n := d.metric(t, "sweep_woken_total", "kind", messages.KindTicket) - woken
	if most := 6 + float64(sweeps.Load()-from)/16; n < 2 || n > most {
		t.Errorf("%v times in %d sweeps", n, sweeps.Load()-from)
	}
	d.clock.jump(9 * time.Hour)
	d.awaitText(d.support, k.thread, "takes care of this ticket now")
	d.quiet(k)
}

// TestRemindersWithoutRoom: of many reminders and icons few wait with their chat. The tickets of the others rest meanwhile, and the
// chat has each of them said once it has room, without a sweep.
func TestRemindersWithoutRoom(t *testing.T) {
	t.Parallel()
	d := ready(t, options{speed: 40, sweepEvery: time.Hour, pace: actors.Pace{LastAtMost: 1}})
	var tickets []*ticket
	for i := range 5 {
		tickets = append(tickets, d.open(d.eve, d.support, "Printer "+itoa(i)))
	}
	d.quiet(tickets...)
	d.closes(d.ann, d.support, 6)
	d.stop()
	d.clock.jump(4*time.Hour + time.Minute)
	d.opt.idleAfter = time.Second
	d.restart()
	for _, k := range tickets {
		d.eventually("it is overdue", func() bool { return d.record(k).Overdue() && d.record(k).Home.IconPending })
	}
	d.eventually("a reminder and an icon wait, and the tickets of the others rest", func() bool {
		return d.metric(t, "entities", "kind", messages.KindTicket) <= 2
	})
	d.clock.jump(6 * time.Hour)
	for _, k := range tickets {
		d.awaitText(d.support, k.thread, overdue)
		d.awaitIcon(d.support, k.thread, iconOverdue)
	}
	d.quiet(tickets...)
	for _, k := range tickets {
		if n := len(d.reminders(d.support, k.thread, overdue)); n != 1 {
			t.Errorf("%d reminders", n)
		}
		if n := len(d.iconChanges(d.support, k.thread)); n != 1 {
			t.Errorf("%d changes of the icon", n)
		}
	}
}

// TestMoreRemindersThanAChatTakes: of the reminders and icons that fall due together, a chat takes a hundred each. All leave in the end,
// once, and within the pace of the group.
func TestMoreRemindersThanAChatTakes(t *testing.T) {
	if testing.Short() {
		t.Skip("long: waits for Telegram's minutes to pass")
	}
	t.Parallel()
	const many, taken = 120, 100
	d := ready(t, options{speed: 40, sweepEvery: time.Hour})
	var tickets []*ticket
	for i := range many {
		tickets = append(tickets, d.open(d.eve, d.support, fmt.Sprintf("Printer %03d", i)))
	}
	d.quiet(tickets...)
	d.stop()
	d.clock.jump(4*time.Hour + time.Minute)
	d.opt.pace, d.opt.idleAfter = actors.Pace{GroupPerMinute: 20}, time.Second
	before, began := len(d.counted(d.support)), d.clock.Now()
	d.start()
	queued := 0.0
	said := func() (all map[int]int, n int) {
		queued = max(queued, d.metric(t, "operations_queued"))
		all = map[int]int{}
		for _, m := range d.sim.Messages(d.support, simulator.AllThreads) {
			if strings.Contains(m.Text, overdue) {
				all[m.Thread]++
			}
		}
		return all, len(all)
	}
	d.eventually("all are reminded of", func() bool { _, n := said(); return n == many })
	for _, k := range tickets {
		d.awaitIcon(d.support, k.thread, iconOverdue)
	}
	took := d.clock.Now().Sub(began)
	d.quiet(tickets...)
	if queued < 2*taken || queued > 2*taken+5 { // and what a start leaves
		t.Errorf("up to %v calls waited", queued)
	}
	all, _ := said()
	for _, k := range tickets {
		if all[k.thread] != 1 {
			t.Errorf("%d reminders", all[k.thread])
		}
		if n := len(d.iconChanges(d.support, k.thread)); n != 1 {
			t.Errorf("%d changes of the icon", n)
		}
	}
	times := append(d.counted(d.support)[before:], d.iconChanges(d.support, 0)...)
	slices.SortFunc(times, time.Time.Compare)
	if n := most(times, 40*time.Second); n > 20 {
		t.Errorf("%d calls in a minute", n)
	}
	t.Logf("%d calls took %v", len(times), took)
}

// TestEventsOfRingsStayInTheRecord: the record keeps the event that the log has for as long as the reminder waits to leave, and drops it in the write
// after that. A restart before gives it to the log again, which has it once.
func TestEventsOfRingsStayInTheRecord(t *testing.T) {
	t.Parallel()
	d := ready(t, options{sweepEvery: 10 * time.Second})
	k := d.open(d.eve, d.support, "Printer")
	d.quiet(k)
	d.closes(d.ann, d.support, 6)
	d.becomeOverdue(k) // the icon is in the queue seconds after the log has the event
	d.eventually("the log has the event", func() bool { return d.events(k, messages.EventTicketOverdue) == 1 })
	if r := d.record(k); len(r.Events) != 1 {
		t.Errorf("%d events", len(r.Events))
	}
	d.restart()
	d.clock.jump(6 * time.Hour)
	d.awaitText(d.support, k.thread, overdue)
	d.quiet(k)
	if r := d.record(k); len(r.Events) != 0 {
		t.Errorf("%d events", len(r.Events))
	}
	if n := d.events(k, messages.EventTicketOverdue); n != 1 {
		t.Errorf("%d events in the log", n)
	}
}
