package actors_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
	"github.com/topicdesk/topicdesk/storage"
)

// lists are the bot's messages in General that list what waits, or did.
func (d *desk) lists(chat int64) (all []simulator.Message) {
	for _, m := range d.byBot(chat, 0) {
		for _, row := range m.Buttons {
			for _, b := range row {
				if strings.HasSuffix(b.Data, ":list") && !slices.ContainsFunc(all, func(x simulator.Message) bool { return x.ID == m.ID }) {
					all = append(all, m)
				}
			}
		}
	}
	return all
}

// awaitList waits until General has so many messages with a list, of which the newest has a text and not another.
func (d *desk) awaitList(chat int64, n int, has, lacks string) (m simulator.Message) {
	d.t.Helper()
	d.await("a list with "+has, func() bool {
		all := d.lists(chat)
		if len(all) != n {
			return false
		}
		m = all[n-1]
		return strings.Contains(m.Text, has) && (lacks == "" || !strings.Contains(m.Text, lacks))
	})
	return m
}

// lists waits until the group has nothing to look at, and returns what its record says of the list.
func (d *desk) awaitListRests(chat int64) (l storage.WaitingList) {
	d.t.Helper()
	d.eventually("the list rests", func() bool {
		g, err := d.store.Group(d.t.Context(), messages.GroupPlace(chat))
		d.must(err)
		if g.WaitingList != nil {
			l = *g.WaitingList
		}
		return len(g.Pending) == 0
	})
	return l
}

// later has the clock show a time of the day in UTC, today or tomorrow.
func (d *desk) showClock(hour, minute int) {
	now := d.clock.Now().UTC()
	at := time.Date(now.Year(), now.Month(), now.Day(), hour, minute, 0, 0, time.UTC)
	if !at.After(now) {
		at = at.AddDate(0, 0, 1)
	}
	d.clock.jump(at.Sub(now))
}

// looksStore counts how often a group looks what waits.
type looksStore struct {
	storage.Store
	group string
	looks *atomic.Int64
}

func (s looksStore) TicketsWith(ctx context.Context, party string, limit int) ([]storage.Ticket, error) {
	if party == s.group {
		s.looks.Add(1)
	}
	return s.Store.TicketsWith(ctx, party, limit)
}

// edits are when a message was edited, or the desk tried to, oldest first.
func (d *desk) edits(m simulator.Message) (times []time.Time) {
	for _, c := range d.sim.Calls() {
		if c.Method == "editMessageText" && c.Chat == m.Chat && c.Message == m.ID {
			times = append(times, c.At)
		}
	}
	slices.SortFunc(times, time.Time.Compare)
	return times
}

// TestWaitingList plays two days of a group's list of what waits.
func TestWaitingList(t *testing.T) {
	t.Parallel()
	var looks atomic.Int64
	var support string
	d := newDesk(t, options{waitingLists: true, speed: 60, sweepEvery: 10 * time.Second,
		wrapStore: func(s storage.Store) storage.Store { return looksStore{s, support, &looks} }})
	support = messages.GroupPlace(d.support)
	d.restart()
	d.register()
	d.showClock(12, 0)
	answered := d.open(d.eve, d.support, "Mouse")
	d.awaitHeard(answered, d.say(d.carl, d.support, answered.thread, "It is here"))
	d.awaitWaiting(answered, "customer")
	k := d.open(d.eve, d.support, "Printer")
	var first simulator.Message
	d.run(t, "what nobody answers for some minutes is listed in General, without a sound", func(t *testing.T) {
		first = d.awaitList(d.support, 1, "Printer", "Mouse")
		if !first.Silent || !strings.HasPrefix(first.Text, "⏳ 1 ticket waits for an answer in Support:") || !strings.Contains(first.Text, "• "+d.name(k)) {
			t.Errorf("%+v", first)
		}
		url := messages.TopicURL(d.support, int64(k.thread))
		if !slices.ContainsFunc(first.Entities, func(e simulator.Entity) bool { return e.Type == "text_link" && e.URL == url }) {
			t.Errorf("no link to %s in %+v", url, first.Entities)
		}
	})
	d.run(t, "the message follows, with who takes care of a ticket and what is overdue", func(t *testing.T) {
		other := d.open(d.eve, d.support, "Lamp")
		d.awaitAnswer(d.say(d.carl, d.support, other.thread, "/claim"), "takes care of this ticket now")
		m := d.awaitList(d.support, 1, "🙋 Carl", "")
		if m.ID != first.ID || strings.Index(m.Text, "Printer") > strings.Index(m.Text, "Lamp") {
			t.Errorf("%+v", m)
		}
		d.showClock(20, 0)
		d.awaitList(d.support, 1, "❗ "+d.name(k), "")
		d.say(d.carl, d.support, other.thread, "/later 20h")
		d.awaitList(d.support, 1, "Printer", "Lamp")
	})
	d.run(t, "it is edited every 5 minutes at most, and only to say something else", func(t *testing.T) {
		follows := func(command string) {
			t.Helper()
			former, before := d.awaitListRests(d.support), len(d.edits(first))
			d.awaitAnswer(d.say(d.carl, d.support, k.thread, command), "")
			d.eventually("the list follows", func() bool { return len(d.edits(first)) > before })
			if after := d.edits(first)[before].Sub(former.ShownAt); after < 5*time.Minute {
				t.Errorf("it is edited %s after it was", after)
			}
			if n := d.awaitListRests(d.support).Revision - former.Revision; n != 1 {
				t.Errorf("%d edits", n)
			}
		}
		follows("/claim")
		follows("/release")
		before, looked := d.awaitListRests(d.support).Revision, looks.Load()
		letGo := d.clock.hold() // it looks when it is as before
		d.say(d.carl, d.support, k.thread, "/claim")
		d.awaitAssignee(k, d.carl)
		d.say(d.carl, d.support, k.thread, "/release")
		d.awaitAssignee(k, 0)
		d.awaitHeard(k, d.say(d.eve, d.support, k.thread, "Hello?"))
		letGo()
		d.clock.jump(6 * time.Minute)
		d.eventually("the group looks", func() bool { return looks.Load() > looked })
		follows("/claim")
		if n := d.awaitListRests(d.support).Revision - before; n != 1 { // also those that Telegram refused, since nothing differs
			t.Errorf("%d edits without a change", n-1)
		}
	})
	d.run(t, "a restart posts nothing, and has it follow", func(t *testing.T) {
		d.restart()
		d.awaitHeard(k, d.say(d.carl, d.support, k.thread, "Which one?"))
		d.awaitList(d.support, 1, "Nothing waits for an answer in Support", "Printer")
		d.awaitListRests(d.support)
	})
	d.run(t, "each morning has a new message if something waits", func(t *testing.T) {
		d.showClock(9, 0)
		d.awaitHeard(k, d.say(d.eve, d.support, k.thread, "The large one"))
		d.await("a new message, and the former one says so", func() bool {
			former, _ := d.sim.Message(d.support, first.ID)
			now := d.lists(d.support)
			return strings.Contains(former.Text, "newer message") && len(now) == 1 && now[0].ID != first.ID && strings.Contains(now[0].Text, "Printer")
		})
		second := d.lists(d.support)[0]
		d.awaitListRests(d.support)
		d.showClock(9, 0)
		d.await("another one", func() bool {
			now := d.lists(d.support)
			return len(now) == 1 && now[0].ID != second.ID && strings.Contains(now[0].Text, "Printer")
		})
		d.awaitListRests(d.support)
	})
	d.run(t, "one that somebody has deleted comes back on the next morning", func(t *testing.T) {
		gone := d.lists(d.support)[0]
		d.must(d.sim.Delete(d.ann, d.support, gone.ID))
		d.open(d.eve, d.support, "Scanner")
		d.eventually("the desk finds it gone", func() bool { l := d.awaitListRests(d.support); return l.MessageID == 0 && !l.PostedAt.IsZero() })
		if got := d.lists(d.support); len(got) != 0 {
			t.Errorf("%+v", got)
		}
		d.showClock(9, 0)
		d.awaitList(d.support, 1, "Scanner", "")
		d.awaitListRests(d.support)
	})
	d.run(t, "its button switches it off for administrators", func(t *testing.T) {
		m := d.lists(d.support)[0]
		if a := d.press(d.carl, m, "set:waiting"); !strings.Contains(a.Text, "Only administrators") {
			t.Errorf("%q", a.Text)
		}
		d.press(d.ann, m, "set:waiting")
		d.await("the message says so", func() bool {
			m, _ = d.sim.Message(m.Chat, m.ID)
			return strings.Contains(m.Text, "is switched off") && len(m.Buttons) == 0
		})
		d.open(d.eve, d.support, "Plotter")
		d.showClock(9, 0)
		d.quiet(k)
		if l := d.awaitListRests(d.support); l.MessageID != 0 || !l.LookAt.IsZero() || len(d.lists(d.support)) != 0 {
			t.Errorf("%+v", l)
		}
		d.listing(d.support, true)
		d.awaitList(d.support, 1, "Plotter", "")
	})
	d.run(t, "where General is closed, it is tried again on the next morning", func(t *testing.T) {
		d.showClock(12, 0)
		k := d.open(d.carl, d.engineering, "Fan")
		d.quiet(k)
		d.inject(simulator.Fault{Method: "sendMessage", Chat: d.engineering, Kind: "400", Description: "Bad Request: TOPIC_CLOSED", Count: 1})
		d.eventually("it was tried", func() bool {
			l := d.awaitListRests(d.engineering)
			return l.Revision == 1 && l.MessageID == 0
		})
		d.open(d.carl, d.engineering, "Belt")
		d.showClock(9, 0)
		d.awaitList(d.engineering, 1, "Belt", "")
	})
}

// TestWaitingCommand: /waiting lists what waits for the team, in pages, in the group, in a topic, and in private for colleagues.
func TestWaitingCommand(t *testing.T) {
	t.Parallel()
	d := ready(t, options{speed: 40})
	says := func(by, chat int64, thread int, answer string) simulator.Message {
		t.Helper()
		return d.awaitAnswer(d.say(by, chat, thread, "/waiting"), answer)
	}
	d.run(t, "nothing waits", func(*testing.T) {
		says(d.eve, d.support, 0, "Nothing waits for an answer in Support")
		says(d.bob, d.bob, 0, "Nothing waits for an answer")
		says(d.eve, d.eve, 0, "What waits is shown to team members")
	})
	var all []*ticket
	for _, title := range []string{"One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten", "Eleven"} {
		all = append(all, d.open(d.eve, d.support, title))
	}
	elsewhere := d.open(d.carl, d.engineering, "Elsewhere")
	d.awaitAnswer(d.say(d.carl, d.support, all[1].thread, "/claim"), "takes care")
	d.say(d.carl, d.support, all[2].thread, "/later 2h")
	d.eventually("the third is put aside", func() bool { return !d.record(all[2]).Timers.SnoozedUntil.IsZero() })
	d.awaitHeard(all[3], d.say(d.carl, d.support, all[3].thread, "It is done"))
	d.awaitWaiting(all[3], "customer")
	for _, k := range slices.Concat(all, []*ticket{elsewhere}) {
		d.quiet(k)
	}
	var m simulator.Message
	d.run(t, "the group's, who has waited longest first, without what is answered or put aside", func(t *testing.T) {
		m = says(d.eve, d.support, 0, "9 tickets wait for an answer in Support:")
		one, two := strings.Index(m.Text, d.name(all[0])), strings.Index(m.Text, d.name(all[1]))
		if one < 0 || two < one || !strings.Contains(m.Text[two:], "🙋 Carl") || strings.Contains(m.Text, "Three") || strings.Contains(m.Text, "Four") ||
			strings.Contains(m.Text, "Elsewhere") {
			t.Errorf("%s", m.Text)
		}
		says(d.eve, d.support, all[0].thread, "9 tickets wait for an answer in Support:")
	})
	d.run(t, "in pages", func(t *testing.T) {
		if !strings.Contains(strings.Join(buttons(m), ""), "›") && len(buttons(m)) == 0 {
			t.Fatalf("no button to the next page in %q", buttons(m))
		}
		d.press(d.eve, m, "tickets:w")
		d.await("the next page", func() bool {
			m, _ = d.sim.Message(m.Chat, m.ID)
			return strings.Contains(m.Text, "Eleven") && !strings.Contains(m.Text, "One")
		})
	})
	d.run(t, "in private, those of a colleague's groups", func(t *testing.T) {
		says(d.bob, d.bob, 0, "1 ticket waits for an answer:")
		if m := says(d.ann, d.ann, 0, "9 tickets wait for an answer:"); strings.Contains(m.Text, "Elsewhere") {
			t.Errorf("%s", m.Text)
		}
		says(d.eve, d.eve, 0, "What waits is shown to team members")
	})
}

// unlistedStore refuses to write down that a list was posted, as if the process ended between the two.
type unlistedStore struct {
	storage.Store
	forgets *atomic.Bool
}

func (s unlistedStore) SaveGroup(ctx context.Context, g *storage.Group) error {
	if s.forgets.Load() && g.WaitingList != nil && g.WaitingList.MessageID != 0 {
		return errors.New("the process ends here")
	}
	return s.Store.SaveGroup(ctx, g)
}

// TestWaitingListAfterACrash: between two steps, nothing is lost, and a list is posted once more at most.
func TestWaitingListAfterACrash(t *testing.T) {
	t.Parallel()
	forgets := &atomic.Bool{}
	d := ready(t, options{waitingLists: true, speed: 60, wrapStore: func(s storage.Store) storage.Store { return unlistedStore{s, forgets} }})
	d.showClock(12, 0)
	follows := func(k *ticket, n int) {
		t.Helper()
		d.awaitAnswer(d.say(d.carl, d.support, k.thread, "/claim"), "takes care")
		d.awaitList(d.support, n, "🙋 Carl", "")
	}
	d.run(t, "before the group has looked", func(*testing.T) {
		k := d.open(d.eve, d.support, "Printer")
		d.quiet(k)
		d.restart()
		d.awaitList(d.support, 1, "Printer", "")
		follows(k, 1)
	})
	d.run(t, "before it is posted", func(*testing.T) {
		d.awaitListRests(d.support)
		fails := simulator.Fault{Method: "sendMessage", Chat: d.support, Kind: "500", Count: -1}
		d.inject(fails)
		d.showClock(9, 0)
		d.eventually("it is about to be posted", func() bool {
			g, err := d.store.Group(t.Context(), messages.GroupPlace(d.support))
			d.must(err)
			return len(g.Pending) > 0 && g.WaitingList.MessageID == 0
		})
		d.restart()
		d.sim.ClearFaults()
		d.awaitList(d.support, 1, "Printer", "") // the former one has no button any more
	})
	d.run(t, "before it is known to be posted", func(t *testing.T) {
		d.awaitListRests(d.support)
		forgets.Store(true)
		d.showClock(9, 0)
		d.await("a new one is posted", func() bool { return len(d.lists(d.support)) == 2 })
		d.stop()
		forgets.Store(false)
		d.start()
		d.eventually("it is known", func() bool {
			l := d.awaitListRests(d.support)
			now := d.lists(d.support)
			return len(now) > 0 && l.MessageID == int64(now[len(now)-1].ID)
		})
		if got := len(d.lists(d.support)); got > 2 { // the lost one, and the one that follows; the former one says that it goes on
			t.Errorf("%d lists", got)
		}
	})
}
