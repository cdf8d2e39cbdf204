package actors_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/storage/sqlite"
)

// awaitWaiting waits until the API shows for whom a ticket waits, and returns since when.
func (d *desk) awaitWaiting(k *ticket, whom string) time.Time {
	d.t.Helper()
	var shown *messages.TicketRecord
	d.eventually("it waits for "+whom, func() bool { shown = d.shown(k.id); return shown.WaitingFor == whom })
	if shown.WaitingSinceMs == 0 {
		return time.Time{}
	}
	return time.UnixMilli(shown.WaitingSinceMs).UTC()
}

// awaitHeard waits until a message of a person is recorded, and returns for whom the ticket waits then and since when.
func (d *desk) awaitHeard(k *ticket, m simulator.Message) (whom string, since time.Time) {
	d.t.Helper()
	d.eventually("it is recorded", func() bool {
		_, err := d.store.Message(d.t.Context(), messages.MessageKey(m.Chat, int64(m.ID)))
		return err == nil
	})
	shown := d.shown(k.id)
	return shown.WaitingFor, time.UnixMilli(shown.WaitingSinceMs).UTC()
}

func TestWaiting(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	k := d.open(d.eve, d.support, "Printer")
	opened := d.awaitWaiting(k, "desk")
	if !opened.Equal(d.record(k).CreatedAt) {
		t.Errorf("it waits since %s, and was opened at %s", opened, d.record(k).CreatedAt)
	}
	says := func(t *testing.T, by, chat int64, thread int, text, whom string, since time.Time) time.Time {
		t.Helper()
		is, at := d.awaitHeard(k, d.say(by, chat, thread, text))
		if is != whom || !since.IsZero() && !at.Equal(since) {
			t.Errorf("after %q it waits for %s since %s, want %s since %s", text, is, at, whom, since)
		}
		return at
	}
	var answered, asked time.Time
	d.run(t, "more words of the same side move nothing", func(t *testing.T) {
		says(t, d.eve, d.support, k.thread, "Hello?", "desk", opened)
		answered = says(t, d.carl, d.support, k.thread, "We look at it", "customer", time.Time{})
		says(t, d.carl, d.support, k.thread, "Any paper?", "customer", answered)
		asked = says(t, d.eve, d.support, k.thread, "Plenty", "desk", time.Time{})
		says(t, d.eve, d.support, k.thread, "really", "desk", asked)
	})
	d.run(t, "notes, thanks and reactions change nothing", func(t *testing.T) {
		says(t, d.carl, d.support, k.thread, "// a hard one", "desk", asked)
		says(t, d.carl, d.support, k.thread, "Thanks a lot!", "desk", asked)
		answered = says(t, d.carl, d.support, k.thread, "Done", "customer", time.Time{})
		m := d.say(d.eve, d.support, k.thread, "ขอบคุณมากค่ะ 🙏")
		if is, since := d.awaitHeard(k, m); is != "customer" || !since.Equal(answered) {
			t.Errorf("it waits for %s since %s", is, since)
		}
		d.must(d.sim.React(d.eve, m.Chat, m.ID, "👍"))
		d.awaitTold(k, messages.EventMessageReacted, 1)
		d.awaitWaiting(k, "customer")
	})
	d.run(t, "in a linked group, who is on no side changes nothing; team members and administrators do", func(t *testing.T) {
		eng := d.mention(d.carl, k, "@bob_eng", d.engineering)
		asked = says(t, d.eve, d.support, k.thread, "And the scanner?", "desk", time.Time{})
		says(t, d.dora, d.engineering, eng, "What is a scanner?", "desk", asked)
		answered = says(t, d.bob, d.engineering, eng, "Switch it on", "customer", time.Time{})
		says(t, d.eve, d.support, k.thread, "It is", "desk", time.Time{})
		says(t, d.bob, d.engineering, eng, "Good", "customer", time.Time{})
	})
	d.run(t, "a program that did not open it answers", func(t *testing.T) {
		asked = says(t, d.eve, d.support, k.thread, "And now?", "desk", time.Time{})
		d.does(k.id, &messages.SendMessage{Origin: program(), Content: &messages.Content{Text: "Version 2 is out"}}, "")
		d.awaitWaiting(k, "customer")
	})
	d.run(t, "the event of a message has it as it is after the message", func(t *testing.T) {
		d.quiet(k)
		n := d.events(k, messages.EventMessageSent)
		asked = says(t, d.eve, d.support, k.thread, "Last question", "desk", time.Time{})
		_, data := d.awaitTold(k, messages.EventMessageSent, n+1)
		if got := data.Ticket.WaitingFor; got != "desk" || data.Ticket.WaitingSince == nil || !data.Ticket.WaitingSince.Equal(asked) {
			t.Errorf("it tells that it waits for %s since %v", got, data.Ticket.WaitingSince)
		}
	})
	listed := func(whom string) (n int) {
		page, err := d.store.ListTickets(t.Context(), storage.TicketQuery{WaitingFor: whom, By: storage.ByWaiting, Limit: 9})
		d.must(err)
		return len(page.Tickets)
	}
	d.run(t, "it is in the lists, also after a restart", func(t *testing.T) {
		d.eventually("it is listed", func() bool { return listed("desk") == 1 && listed("customer") == 0 })
		d.restart()
		if since := d.awaitWaiting(k, "desk"); !since.Equal(asked) {
			t.Errorf("it waits since %s, want %s", since, asked)
		}
		says(t, d.eve, d.support, k.thread, "Hello again", "desk", asked)
	})
	d.run(t, "closed, it waits for nobody; reopened, for the desk from then", func(t *testing.T) {
		d.say(d.carl, d.support, k.thread, "/close_ticket")
		d.say(d.ann, d.support, k.thread, "/close_ticket")
		if since := d.awaitWaiting(k, "nobody"); !since.IsZero() || listed("desk") != 0 {
			t.Errorf("it waits since %s", since)
		}
		before := d.clock.Now()
		d.say(d.ann, d.support, k.thread, "/reopen_ticket")
		if since := d.awaitWaiting(k, "desk"); since.Before(before.Truncate(time.Millisecond)) {
			t.Errorf("it waits since %s, and was reopened after %s", since, before)
		}
	})
}

// TestWaitingOfAPrivateChat: whoever writes from a private chat is the customer, and the group answers.
func TestWaitingOfAPrivateChat(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	k := d.openPrivately(d.eve, d.support, "Printer")
	d.awaitHeard(k, d.say(d.carl, d.support, k.thread, "Which one?"))
	d.awaitWaiting(k, "customer")
	d.awaitText(d.eve, 0, "Which one?")
	d.awaitHeard(k, d.say(d.eve, d.eve, 0, "The large one"))
	d.awaitWaiting(k, "desk")
}

// TestWaitingAmongColleagues: where somebody of the desk asks colleagues in another group, that group answers.
func TestWaitingAmongColleagues(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	k := d.open(d.ann, d.support, "Printer") // Ann administers Support
	d.awaitHeard(k, d.say(d.carl, d.support, k.thread, "Which one?"))
	d.awaitWaiting(k, "customer") // without another group, Carl answers
	eng := d.mention(d.ann, k, "@bob_eng", d.engineering)
	d.awaitHeard(k, d.say(d.carl, d.support, k.thread, "It smokes"))
	asked := d.awaitWaiting(k, "desk")
	d.awaitHeard(k, d.say(d.ann, d.support, k.thread, "A lot"))
	if since := d.awaitWaiting(k, "desk"); !since.Equal(asked) {
		t.Errorf("it waits since %s, want %s", since, asked)
	}
	d.awaitHeard(k, d.say(d.dora, d.engineering, eng, "Pull the plug"))
	d.awaitWaiting(k, "customer")
	d.say(d.bob, d.engineering, eng, "/unlink")
	d.awaitText(d.support, k.thread, "ended the link")
	d.awaitHeard(k, d.say(d.ann, d.support, k.thread, "Now what?"))
	d.awaitWaiting(k, "desk")
	d.awaitHeard(k, d.say(d.eve, d.support, k.thread, "Wait"))
	d.awaitWaiting(k, "customer")
}

// TestWaitingOfBefore: of a ticket that an earlier program saved last, its entity finds out for whom it waits.
func TestWaitingOfBefore(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	k, fresh := d.open(d.eve, d.support, "Printer"), d.open(d.eve, d.support, "Scanner")
	d.awaitHeard(k, d.say(d.eve, d.support, k.thread, "Hello?"))
	d.awaitHeard(k, d.say(d.carl, d.support, k.thread, "Yes"))
	answered := d.awaitWaiting(k, "customer")
	d.awaitHeard(k, d.say(d.carl, d.support, k.thread, "Well"))
	d.awaitHeard(k, d.say(d.eve, d.support, k.thread, "thanks"))
	d.quiet(k, fresh)
	d.stop()
	store, err := sqlite.Open(t.Context(), d.path, sqlite.WithoutSync())
	d.must(err)
	for _, of := range []*ticket{k, fresh} {
		r, err := store.Ticket(t.Context(), of.id)
		d.must(err)
		r.WaitingFor, r.WaitingSince, r.WaitingThrough, r.DueAt = "", time.Time{}, 0, r.CreatedAt
		d.must(store.SaveTicket(t.Context(), r))
		page, err := store.MessagesAfter(t.Context(), of.id, 0, 100)
		d.must(err)
		for i := range page {
			page[i].Side = ""
			d.must(store.SaveMessage(t.Context(), &page[i]))
		}
	}
	d.must(store.Close())
	d.start()
	d.eventually("both are in the lists again", func() bool {
		r, x := d.record(k), d.record(fresh)
		return r.WaitingFor == "customer" && r.WaitingSince.Equal(answered) && x.WaitingFor == "desk" && x.WaitingSince.Equal(x.CreatedAt)
	})
}

// writesStore counts the writes of tickets and messages.
type writesStore struct {
	storage.Store
	mu      *sync.Mutex
	written map[string]int
}

func (s writesStore) count(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.written[what]++
}

func (s writesStore) SaveTicket(ctx context.Context, r *storage.Ticket) error {
	s.count("ticket")
	return s.Store.SaveTicket(ctx, r)
}

func (s writesStore) InsertMessage(ctx context.Context, m *storage.Message) error {
	s.count("message")
	return s.Store.InsertMessage(ctx, m)
}

func (s writesStore) SaveMessage(ctx context.Context, m *storage.Message) error {
	s.count("changed message")
	return s.Store.SaveMessage(ctx, m)
}

// TestAMessageIsOneWrite: what changes whose turn it is costs no write of its own.
func TestAMessageIsOneWrite(t *testing.T) {
	t.Parallel()
	counting := writesStore{mu: &sync.Mutex{}, written: map[string]int{}}
	d := ready(t, options{speed: 1, wrapStore: func(s storage.Store) storage.Store {
		counting.Store = s
		return counting
	}})
	k := d.openedAlone(d.eve, d.support, "Printer")
	d.awaitHeard(k, d.say(d.carl, d.support, k.thread, "Yes?")) // marks the ticket as due
	d.eventually("it is written down", func() bool { return d.record(k).WaitingFor == "customer" })
	at := func() (tickets, said, changed int) {
		counting.mu.Lock()
		defer counting.mu.Unlock()
		return counting.written["ticket"], counting.written["message"], counting.written["changed message"]
	}
	tickets, said, changed := at()
	began := time.Now()
	const rounds = 20
	for range rounds {
		d.awaitHeard(k, d.say(d.eve, d.eve, 0, "A question"))
		d.awaitHeard(k, d.say(d.carl, d.support, k.thread, "An answer"))
	}
	passed := time.Since(began)
	tickets2, said2, changed2 := at()
	if said2-said != 2*rounds || changed2 != changed {
		t.Errorf("%d messages took %d writes of messages and %d of changed ones", 2*rounds, said2-said, changed2-changed)
	}
	// Twice a second it is written down which events the log has, for all messages meanwhile.
	if most := 2 + 3*int(passed/(500*time.Millisecond)); tickets2-tickets > most {
		t.Errorf("%d messages took %d writes of the ticket in %s", 2*rounds, tickets2-tickets, passed)
	}
}
