package actors_test

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
	"github.com/topicdesk/topicdesk/storage"
)

// TestWaitingCommandOfWhoHasLeft: what waits is not shown in private to whoever is not in the group any more, whatever the desk has
// written down.
func TestWaitingCommandOfWhoHasLeft(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	k := d.open(d.carl, d.engineering, "Fan")
	d.quiet(k)
	says := func(by int64, answer string) {
		t.Helper()
		d.awaitAnswer(d.say(by, by, 0, "/waiting"), answer)
	}
	says(d.bob, "1 ticket waits for an answer:")
	d.must(d.sim.SetMember(d.engineering, d.bob, simulator.Left))
	d.eventually("the desk hears of it", func() bool {
		is, err := d.system.Ask(t.Context(), messages.KindGroup, messages.GroupPlace(d.engineering), &messages.GetWebStanding{UserId: d.bob})
		d.must(err)
		return is.(*messages.WebStanding).Known && !is.(*messages.WebStanding).Member
	})
	says(d.bob, "What waits is shown to team members")
	d.restart()
	says(d.bob, "What waits is shown to team members")
}

// TestAdministratorsAreWrittenDown by a group that has not asked Telegram for them since it is in memory.
func TestAdministratorsAreWrittenDown(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	admins := func() []int64 {
		g, err := d.store.Group(t.Context(), messages.GroupPlace(d.support))
		d.must(err)
		return g.Admins
	}
	d.eventually("Ann is one", func() bool { return slices.Contains(admins(), d.ann) })
	d.restart()
	d.must(d.sim.SetMember(d.support, d.ann, simulator.Left))
	d.eventually("Ann is none any more", func() bool { return !slices.Contains(admins(), d.ann) })
}

// asideStore shows only tickets that are put aside where it is asked what waits, and never an end of them.
type asideStore struct {
	storage.Store
	aside *atomic.Bool
}

func (s asideStore) ListTickets(ctx context.Context, q storage.TicketQuery) (storage.TicketPage, error) {
	page, err := s.Store.ListTickets(ctx, q)
	if q.By != storage.ByWaiting || !s.aside.Load() {
		return page, err
	}
	for i := range page.Tickets {
		page.Tickets[i].Timers.SnoozedUntil = time.Now().AddDate(1, 0, 0)
	}
	page.Next = &storage.Cursor{At: time.Unix(0, 0), ID: ""}
	return page, err
}

// TestWaitingBehindWhatIsPutAside: where too many tickets are put aside to look behind them, nobody is told that nothing waits.
func TestWaitingBehindWhatIsPutAside(t *testing.T) {
	t.Parallel()
	aside := &atomic.Bool{}
	d := ready(t, options{waitingLists: true, speed: 60, wrapStore: func(s storage.Store) storage.Store { return asideStore{s, aside} }})
	d.showClock(12, 0)
	k := d.open(d.eve, d.support, "Printer")
	d.awaitList(d.support, 1, "Printer", "")
	d.awaitListRests(d.support)
	aside.Store(true)
	d.awaitAnswer(d.say(d.eve, d.support, 0, "/waiting"), "others may wait")
	d.awaitAnswer(d.say(d.carl, d.support, k.thread, "/claim"), "takes care")
	d.awaitList(d.support, 1, "others may wait", "Printer")
	if l := d.awaitListRests(d.support); l.LookAt.IsZero() {
		t.Errorf("%+v: a start would not look again", l)
	}
}

// TestWaitingListBegins where it is switched on while something waits already.
func TestWaitingListBegins(t *testing.T) {
	t.Parallel()
	d := ready(t, options{speed: 60})
	d.showClock(12, 0)
	k := d.open(d.eve, d.support, "Printer")
	d.quiet(k)
	d.run(t, "in the same life", func(*testing.T) {
		d.listing(d.support, true)
		d.awaitList(d.support, 1, "Printer", "")
	})
	d.run(t, "after a restart", func(t *testing.T) {
		other := d.open(d.carl, d.engineering, "Fan")
		d.quiet(other)
		d.listing(d.engineering, true)
		g, err := d.store.Group(t.Context(), messages.GroupPlace(d.engineering))
		d.must(err)
		if g.WaitingList == nil || g.WaitingList.LookAt.IsZero() {
			t.Fatalf("a start finds no list to look at: %+v", g.WaitingList)
		}
		d.restart()
		d.awaitList(d.engineering, 1, "Fan", "")
	})
}

// TestWaitingListThatCantBeEdited for a while goes on in the same message.
func TestWaitingListThatCantBeEdited(t *testing.T) {
	t.Parallel()
	d := ready(t, options{waitingLists: true, speed: 60})
	d.showClock(12, 0)
	k := d.open(d.eve, d.support, "Printer")
	first := d.awaitList(d.support, 1, "Printer", "")
	was := d.awaitListRests(d.support)
	d.inject(simulator.Fault{Method: "editMessageText", Chat: d.support, Kind: simulator.Fault400,
		Description: "need administrator rights in the chat", Count: -1})
	d.awaitAnswer(d.say(d.carl, d.support, k.thread, "/claim"), "takes care")
	d.eventually("it was tried", func() bool {
		l := d.awaitListRests(d.support)
		return l.Revision > was.Revision && l.Shows == ""
	})
	if l := d.awaitListRests(d.support); l.MessageID != int64(first.ID) {
		t.Errorf("the list counts as deleted: %+v", l)
	}
	d.sim.ClearFaults()
	d.clock.jump(time.Hour)
	m := d.awaitList(d.support, 1, "🙋 Carl", "")
	if m.ID != first.ID || !strings.Contains(m.Text, "Printer") {
		t.Errorf("%+v", m)
	}
}
