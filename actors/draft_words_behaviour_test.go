package actors_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/simulator"
	"github.com/topicdesk/topicdesk/storage"
)

// TestWordsThatLookLikeACommand: what its author has sent as it is, is words of the ticket like any other.
func TestWordsThatLookLikeACommand(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	asIs := func(who int64, text, answered string) {
		t.Helper()
		said := d.say(who, who, 0, text)
		d.press(who, d.awaitAnswer(said, "so it was not passed on"), "asis:")
		d.awaitAnswer(said, answered)
	}
	d.run(t, "a newcomer's", func(t *testing.T) {
		who := d.newcomer("Nina")
		asIs(who, "/printer is broken", "passed on to nobody")
		hurry := d.say(who, who, 0, "please hurry")
		d.press(who, d.awaitAnswer(hurry, "passed on to nobody"), "new")
		choice := d.awaitAnswer(hurry, "Where should please hurry")
		asIs(who, "/room 12, I mean", whereYouChoose)
		k := d.pick(who, choice, "please hurry")
		d.describes(k, "/printer is broken\n\nplease hurry\n\n/room 12, I mean", nil)
	})
	d.run(t, "for a draft, while another ticket is the current one", func(t *testing.T) {
		who := d.newcomer("Otto")
		d.openPrivately(who, d.support, "Lamp")
		choice := d.choice(who, "Server")
		d.awaitSaid(who, choice)
		said := d.say(who, who, 0, "/var is full")
		d.press(who, d.awaitAnswer(said, "so it was not passed on"), "asis:")
		d.press(who, d.awaitAnswer(said, unclear), "mean:"+ticketOf(choice))
		d.settled(who, who)
		d.describes(d.pick(who, choice, "Server"), "/var is full", nil)
	})
}

// shutStore stores no new ticket while it is shut.
type shutStore struct {
	storage.Store
	shut *atomic.Bool
}

func (s shutStore) SaveTicket(ctx context.Context, r *storage.Ticket) error {
	if s.shut.Load() && r.Version == 0 {
		return storage.ErrUnavailable
	}
	return s.Store.SaveTicket(ctx, r)
}

// awaitDraft waits until a draft of somebody is in a state.
func (d *desk) awaitDraft(who int64, choice simulator.Message, state string) {
	d.t.Helper()
	d.eventually("the draft is "+state, func() bool {
		u, err := d.store.User(d.t.Context(), who)
		if err != nil {
			return false
		}
		for i := range u.Drafts {
			if u.Drafts[i].TicketID == ticketOf(choice) && u.Drafts[i].State == state {
				return true
			}
		}
		return false
	})
}

// TestChangesWhileATicketOpens: what is edited, or taken back, between the choice of a group and the ticket is neither lost nor
// passed on as it was.
func TestChangesWhileATicketOpens(t *testing.T) {
	t.Parallel()
	shut := &atomic.Bool{}
	d := ready(t, options{wrapStore: func(s storage.Store) storage.Store { return shutStore{s, shut} }})
	refused := func() float64 { return d.metric(d.t, "updates_total", "outcome", "not_accepted") }
	d.run(t, "while Telegram is asked whether the author belongs to the group", func(t *testing.T) {
		who := d.newcomer("Mia")
		command := d.say(who, who, 0, "/create_ticket Wrong sun\nplease lok")
		choice := d.awaitAnswer(command, "Where should Wrong sun")
		d.inject(simulator.Fault{Method: "getChatMember", Kind: simulator.Fault500, Count: -1})
		d.press(who, choice, "pick:"+ticketOf(choice)+":g"+itoa64(d.support))
		d.awaitDraft(who, choice, "checking")
		letGo := d.clock.hold() // nobody gives up asking meanwhile
		d.edit(command, "/create_ticket Wrong sum\nplease look")
		d.await("the edit is accepted", func() bool { return d.sim.Pending() == 0 })
		d.sim.ClearFaults()
		letGo()
		d.describes(d.openedPrivately(who, d.support, "Wrong sum"), "please look", nil)
	})
	// opening has somebody choose the group of a ticket that can't be stored until they have done something that the desk has
	// seen, and put off.
	opening := func(t *testing.T, name string, does func(who int64, command, more simulator.Message)) (*ticket, int64) {
		who := d.newcomer(name)
		command := d.say(who, who, 0, "/create_ticket About "+name+"\nplease lok")
		choice := d.awaitAnswer(command, "Where should About")
		more := d.say(who, who, 0, "the code is 4711")
		d.awaitAnswer(more, whereYouChoose)
		shut.Store(true)
		d.press(who, choice, "pick:"+ticketOf(choice)+":g"+itoa64(d.support))
		d.awaitDraft(who, choice, "opening")
		before := refused()
		does(who, command, more)
		d.eventually("the desk puts it off", func() bool { return refused() > before })
		shut.Store(false)
		return d.openedPrivately(who, d.support, "About "+name), who
	}
	d.run(t, "a command is edited while its ticket is stored", func(t *testing.T) {
		k, _ := opening(t, "Noa", func(_ int64, command, _ simulator.Message) {
			d.edit(command, "/create_ticket About Noa\nplease look")
		})
		d.describes(k, "please look\n\nthe code is 4711", map[int64]int{d.support: k.thread})
	})
	d.run(t, "further words are", func(t *testing.T) {
		k, _ := opening(t, "Olaf", func(_ int64, _, more simulator.Message) { d.edit(more, "the code is secret") })
		d.describes(k, "please lok\n\nthe code is secret", map[int64]int{d.support: k.thread})
	})
	d.run(t, "further words are taken back", func(t *testing.T) {
		k, who := opening(t, "Pam", func(who int64, _, more simulator.Message) { d.reply(who, who, more, "/delete") })
		d.describes(k, "please lok", map[int64]int{d.support: k.thread})
		d.awaitText(who, 0, outOfDescription+d.name(k))
	})
}

// TestDraftsOfSeveralMessages: "/delete" of one takes that out, and only the one that is the title gives the ticket up.
func TestDraftsOfSeveralMessages(t *testing.T) {
	t.Parallel()
	d := ready(t, options{sweepEvery: 10 * time.Second})
	d.run(t, "by the button of one", func(t *testing.T) {
		who := d.newcomer("Nina")
		first := d.say(who, who, 0, "my card was charged twice")
		second := d.say(who, who, 0, "number 4111")
		d.press(who, d.awaitAnswer(first, "passed on to nobody"), "new")
		choice := d.awaitAnswer(first, "Where should my card")
		d.awaitAnswer(d.reply(who, who, second, "/delete"), "not passed on to anyone")
		k := d.pick(who, choice, "my card was charged")
		d.describes(k, "my card was charged twice", map[int64]int{d.support: k.thread})
	})
	d.run(t, "that go on from a closed ticket", func(t *testing.T) {
		for name, first := range map[string]func(who int64) (words string){
			"words": func(who int64) string {
				return d.say(who, who, 0, "Dark again").Text
			},
			"a medium, which has the former title": func(who int64) string {
				return d.send(who, who, 0, upload("voice"), "").Text
			},
		} {
			who := d.newcomer("Olaf")
			lamp := d.closedLongAgo(who, "Lamp of "+name)
			d.inject(simulator.Fault{Method: "getChatMember", Kind: simulator.Fault500, Count: -1})
			letGo := d.clock.hold() // nobody gives up asking meanwhile
			words := first(who)
			hello := d.say(who, who, 0, "Hello? Is the Lamp of nobody?")
			d.reply(who, who, hello, "/delete")
			d.await("it is accepted", func() bool { return d.sim.Pending() == 0 })
			d.sim.ClearFaults()
			letGo()
			d.awaitDeleted(hello)
			next := d.next(lamp)
			d.describes(next, words, map[int64]int{d.support: next.thread})
			if _, found := d.find(who, 0, "Cancelled"); found {
				t.Error("it is cancelled")
			}
		}
	})
}

// TestCancelledDraftOfSeveralMessages: what was promised to go into a ticket is not kept from its author when it does not.
func TestCancelledDraftOfSeveralMessages(t *testing.T) {
	t.Parallel()
	d := ready(t, options{sweepEvery: 10 * time.Second})
	const nobody = "What you wrote for it was passed on to nobody"
	cancelled := func(name string, leaves ...int64) (who int64, said simulator.Message) {
		who = d.newcomerInBoth(name)
		d.closedLongAgo(who, "Lamp of "+name)
		d.inject(simulator.Fault{Method: "getChatMember", Kind: simulator.Fault500, Count: -1})
		letGo := d.clock.hold()
		said = d.say(who, who, 0, "Dark again")
		d.say(who, who, 0, "Hello?")
		d.await("it is accepted", func() bool { return d.sim.Pending() == 0 })
		for _, group := range leaves {
			d.must(d.sim.SetMember(group, who, simulator.Left))
		}
		d.sim.ClearFaults()
		letGo()
		return who, said
	}
	d.run(t, "by the button, which leaves nothing of the question", func(t *testing.T) {
		who, said := cancelled("Pia", d.support)
		choice := d.awaitAnswer(said, "Where should Dark again")
		if a := d.press(who, choice, "pdrop:"); !strings.Contains(a.Text, nobody) {
			t.Errorf("answered %q", a.Text)
		}
		d.became(choice, "✖️ Cancelled: Dark again. "+nobody)
	})
	d.run(t, "a single message", func(t *testing.T) {
		who := d.newcomer("Quin")
		choice := d.choice(who, "Printer")
		if a := d.press(who, choice, "pdrop:"); strings.Contains(a.Text, nobody) {
			t.Errorf("answered %q", a.Text)
		}
		d.became(choice, "✖️ Cancelled: Printer")
	})
	d.run(t, "as there is no group for it", func(t *testing.T) {
		_, said := cancelled("Rosa", d.support, d.engineering)
		d.awaitAnswer(said, nobody)
	})
}

// next waits for the ticket that goes on from a closed one.
func (d *desk) next(k *ticket) *ticket {
	d.t.Helper()
	next := &ticket{chat: k.chat}
	d.eventually("the next ticket is open", func() bool {
		newest, err := d.store.TicketsByCreator(d.t.Context(), "user", d.record(k).CreatedBy.ID, true, 1)
		d.must(err)
		for i := range newest {
			if newest[i].Follows == k.id {
				next.id, next.thread = newest[i].TicketID, int(newest[i].Home.TelegramTopicID)
			}
		}
		return next.thread != 0
	})
	d.introduced(k.chat, next.thread)
	return next
}

// closedLongAgo is a ticket of somebody that was closed so long ago that a word opens another one.
func (d *desk) closedLongAgo(who int64, title string) *ticket {
	d.t.Helper()
	k := d.openPrivately(who, d.support, title)
	d.say(d.carl, d.support, k.thread, "/close_ticket")
	d.awaitClosed(k)
	d.quiet(k)
	d.awaitText(who, 0, "closed your ticket "+d.name(k))
	d.clock.jump(8 * 24 * time.Hour)
	return k
}
