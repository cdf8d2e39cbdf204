package actors_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
	"github.com/topicdesk/topicdesk/storage"
)

// into counts the calls into a thread from the n'th call on.
func (d *desk) into(since int, chat int64, thread int) int {
	n := 0
	for _, c := range d.sim.Calls()[since:] {
		if c.Chat == chat && c.Thread == thread {
			n++
		}
	}
	return n
}

// newTopic waits for a topic of a group that is not among the known ones.
func (d *desk) newTopic(chat int64, known ...int) simulator.Topic {
	d.t.Helper()
	var topic simulator.Topic
	d.await("another topic", func() bool {
		for _, topic = range d.sim.Topics(chat) {
			if !topic.Deleted && topic.Thread > slices.Max(known) {
				return true
			}
		}
		return false
	})
	return topic
}

func TestDeletedLinkedTopic(t *testing.T) {
	t.Parallel()
	d := ready(t, options{speed: 20})
	k := d.open(d.ann, d.support, "Printer")
	eng := d.mention(d.ann, k, "bob_eng", d.engineering)
	first := d.say(d.ann, d.support, k.thread, "before")
	d.awaitText(d.engineering, eng, "before")
	said := d.say(d.bob, d.engineering, eng, "said in it")
	d.awaitText(d.support, k.thread, "said in it")
	d.quiet(k)

	d.must(d.sim.DeleteTopic(d.engineering, d.bob, eng))
	calls := len(d.sim.Calls())
	var want []string
	for i := range 20 {
		text := "ข้อความที่ " + itoa(i) // message number i
		d.say(d.eve, d.support, k.thread, text)
		want = append(want, text)
	}
	again := d.newTopic(d.engineering, eng).Thread
	d.awaitText(d.engineering, again, want[19])
	d.run(t, "opened again with card and context; what was pending arrives once and in order", func(t *testing.T) {
		same(t, "copies", d.copies(d.engineering, again), want)
		d.introduced(d.engineering, again)
		history := d.awaitText(d.engineering, again, "Last messages")
		if !strings.Contains(history.Text, "before") || !strings.Contains(history.Text, "said in it") ||
			strings.Contains(history.Text, want[0]) {
			t.Errorf("%q", history.Text)
		}
		if name := d.topic(d.engineering, again).Name; unnumbered(name) != "Printer" {
			t.Errorf("%q", name)
		}
	})
	d.run(t, "at most 3 calls to the dead one", func(t *testing.T) {
		if n := d.into(calls, d.engineering, eng); n == 0 || n > 3 {
			t.Errorf("%d calls", n)
		}
	})
	d.run(t, "the link goes on, both ways", func(t *testing.T) {
		d.say(d.bob, d.engineering, again, "hello from the new one")
		d.awaitText(d.support, k.thread, "hello from the new one")
		if r := d.record(k); len(r.Links) != 1 || r.Links[0].Ended || int(r.Links[0].Topic.TelegramTopicID) != again {
			t.Errorf("%+v", r.Links)
		}
	})
	d.run(t, "a reply to a counterpart in the dead topic quotes its beginning", func(t *testing.T) {
		d.reply(d.ann, d.support, first, "what about this")
		if c := d.awaitText(d.engineering, again, "what about this"); c.ReplyTo != 0 || !strings.Contains(c.Text, "before") {
			t.Errorf("%+v", c)
		}
		copied, _ := d.find(d.support, k.thread, "said in it")
		d.reply(d.ann, d.support, copied, "and that")
		if c := d.awaitText(d.engineering, again, "and that"); c.ReplyTo != 0 || !strings.Contains(c.Text, "said in it") {
			t.Errorf("answers %d of %d: %q", c.ReplyTo, said.ID, c.Text)
		}
	})
	d.run(t, "a reply in the new topic finds its original", func(t *testing.T) {
		c, _ := d.find(d.engineering, again, want[3])
		d.reply(d.bob, d.engineering, c, "to number 3")
		if c := d.awaitText(d.support, k.thread, "to number 3"); c.ReplyTo == 0 {
			t.Errorf("%+v", c)
		}
	})
	d.run(t, "the cards of the other side point to the new topic", func(t *testing.T) {
		d.quiet(k)
		view := d.record(k)
		if view.Home.CardRevision < view.CardRevision {
			t.Errorf("card %d of %d", view.Home.CardRevision, view.CardRevision)
		}
	})
	d.run(t, "of a closed ticket it is opened again when something is said, and closed", func(t *testing.T) {
		d.say(d.ann, d.support, k.thread, "/close_ticket")
		d.await("both closed", func() bool {
			return d.topic(d.support, k.thread).Closed && d.topic(d.engineering, again).Closed
		})
		d.quiet(k)
		d.must(d.sim.DeleteTopic(d.engineering, d.bob, again))
		before := len(d.sim.Topics(d.engineering))
		d.restart()
		d.quiet(k)
		if n := len(d.sim.Topics(d.engineering)); n != before {
			t.Errorf("%d topics more", n-before)
		}
		d.say(d.ann, d.support, k.thread, "/reopen_ticket")
		third := d.newTopic(d.engineering, eng, again).Thread
		d.introduced(d.engineering, third)
		d.say(d.ann, d.support, k.thread, "after the reopening")
		d.awaitText(d.engineering, third, "after the reopening")
		d.quiet(k)
	})
}

func TestDeletedHomeTopic(t *testing.T) {
	t.Parallel()
	d := ready(t, options{speed: 20})
	k := d.open(d.ann, d.support, "Printer")
	eng := d.mention(d.ann, k, "bob_eng", d.engineering)
	sales := d.mention(d.ann, k, "dora_s", d.sales)
	d.say(d.ann, d.support, k.thread, "in the home topic")
	d.awaitText(d.engineering, eng, "in the home topic")
	d.awaitText(d.sales, sales, "in the home topic")
	d.quiet(k)

	d.run(t, "what was said just before the deletion is still copied, and answered, across a kill", func(t *testing.T) {
		d.stop()
		d.say(d.ann, d.support, k.thread, "the last words in it")
		d.say(d.ann, d.support, k.thread, "/priority urgent")
		d.must(d.sim.DeleteTopic(d.support, d.ann, k.thread))
		d.say(d.bob, d.engineering, eng, "one")
		d.say(d.dora, d.sales, sales, "two")
		calls := len(d.sim.Calls())
		d.start()
		again := d.newTopic(d.support, k.thread).Thread
		d.awaitText(d.engineering, eng, "the last words in it")
		d.awaitText(d.sales, sales, "the last words in it")
		d.awaitText(d.support, again, "one")
		d.awaitText(d.support, again, "two")
		d.awaitText(d.support, again, "in the home topic") // the last messages
		d.awaitText(d.support, again, "urgent")
		if n := d.into(calls, d.support, k.thread); n > 3 {
			t.Errorf("%d calls to the dead topic", n)
		}
		k.thread = again
		d.quiet(k)
		d.say(d.ann, d.support, again, "from the new home")
		d.awaitText(d.engineering, eng, "from the new home")
		d.awaitText(d.sales, sales, "from the new home")
	})
	d.run(t, "the answer to createForumTopic is lost: the topic is adopted, none is opened twice", func(t *testing.T) {
		d.must(d.sim.DeleteTopic(d.support, d.ann, k.thread))
		before := len(d.sim.Topics(d.support))
		d.inject(simulator.Fault{Method: "createForumTopic", Chat: d.support, Kind: simulator.FaultLost})
		d.say(d.bob, d.engineering, eng, "three")
		var again simulator.Topic
		d.await("three arrives", func() bool {
			for _, again = range d.sim.Topics(d.support) {
				if _, found := d.find(d.support, again.Thread, "three"); found && again.Thread > k.thread {
					return true
				}
			}
			return false
		})
		d.quiet(k)
		if n := len(d.sim.Topics(d.support)); n > before+1 {
			t.Errorf("%d topics, %d before", n, before)
		}
		k.thread = again.Thread
	})
	d.run(t, "killed while it is opened again", func(t *testing.T) {
		d.must(d.sim.DeleteTopic(d.support, d.ann, k.thread))
		d.inject(simulator.Fault{Method: "sendMessage", Chat: d.support, Kind: simulator.Fault500, Count: -1, After: 1})
		d.say(d.bob, d.engineering, eng, "four")
		again := d.newTopic(d.support, k.thread).Thread
		d.stop()
		d.sim.ClearFaults()
		d.say(d.dora, d.sales, sales, "five")
		d.start()
		d.awaitText(d.support, again, "four")
		d.awaitText(d.support, again, "five")
		d.quiet(k)
		if n := len(d.byBot(d.support, again)); n < 4 {
			t.Errorf("%d messages", n)
		}
	})
}

// TestDeletedTopicOfUnknownName: of a topic that somebody linked nobody knows the name.
func TestDeletedTopicOfUnknownName(t *testing.T) {
	t.Parallel()
	d := ready(t, options{speed: 20})
	d.must(d.sim.SetMember(d.support, d.bob, simulator.Administrator))
	k := d.openPrivately(d.eve, d.support, "Printer")
	link := func() int {
		t.Helper()
		thread, err := d.sim.CreateTopic(d.engineering, d.bob, "By hand")
		d.must(err)
		d.awaitAnswer(d.say(d.bob, d.engineering, thread, "/link "+k.id), "linked this topic")
		d.quiet(k)
		return thread
	}
	first := link()
	d.must(d.sim.DeleteTopic(d.engineering, d.bob, first))
	d.say(d.eve, d.eve, 0, "are you there")
	again := d.newTopic(d.engineering, first)
	d.awaitText(d.engineering, again.Thread, "are you there")
	if again.Name != d.name(k) {
		t.Errorf("named %q", again.Name)
	}
	d.quiet(k)
	d.run(t, "a customer hears nothing of what is lost inside, the others do", func(t *testing.T) {
		d.inject(simulator.Fault{Method: "createForumTopic", Chat: d.engineering, Kind: simulator.Fault400, Description: "TOPICS_TOO_MUCH"})
		d.must(d.sim.DeleteTopic(d.engineering, d.bob, again.Thread))
		d.say(d.eve, d.eve, 0, "and now")
		d.awaitText(d.support, k.thread, "can't be opened again")
		d.quiet(k)
		for _, m := range d.byBot(d.eve, 0) {
			if strings.Contains(m.Text, "Engineering") || strings.Contains(m.Text, "TOPICS_TOO_MUCH") {
				t.Errorf("%q", m.Text)
			}
		}
	})
}

func TestHomeTopicThatCantBeOpened(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	d.inject(simulator.Fault{
		Method: "createForumTopic", Chat: d.support, Kind: simulator.Fault400, Description: "TOPICS_TOO_MUCH",
	})
	id := d.ticketIDIn(d.awaitAnswer(d.say(d.carl, d.support, 0, "/create_ticket Doomed"), "could not be opened").Text)
	thread, err := d.sim.CreateTopic(d.sales, d.carl, "Mine")
	d.must(err)
	d.awaitAnswer(d.say(d.carl, d.sales, thread, "/link "+id), "linked this topic")
	first := d.say(d.carl, d.sales, thread, "is anybody there")
	var word simulator.Message
	d.run(t, "what does not reach it is told at its source, like other failures", func(t *testing.T) {
		if word = d.awaitAnswer(first, "did not reach Support"); !strings.Contains(word.Text, "TOPICS_TOO_MUCH") {
			t.Errorf("%q", word.Text)
		}
		second := d.say(d.dora, d.sales, thread, "hello")
		d.await("a reaction", func() bool { m, _ := d.sim.Message(d.sales, second.ID); return len(m.Reactions) == 1 })
		a := d.say(d.dora, d.sales, thread, "after a restart")
		d.restart()
		d.await("told", func() bool {
			m, _ := d.sim.Message(d.sales, a.ID)
			return len(m.Reactions) == 1 || slices.ContainsFunc(d.byBot(d.sales, thread), func(b simulator.Message) bool {
				return b.ReplyTo == a.ID
			})
		})
	})
	d.run(t, "nothing waits any more", func(t *testing.T) {
		d.eventually("settled", func() bool {
			r := d.record(&ticket{id: id})
			return len(r.Pending) == 0 && resting(r)
		})
	})
	d.run(t, "tried again in vain: told again; once the topic is there: it arrives", func(t *testing.T) {
		before := len(d.byBot(d.sales, thread))
		d.press(d.carl, word, "retry:")
		d.await("told again", func() bool { return len(d.byBot(d.sales, thread)) > before })
		d.say(d.carl, d.sales, thread, "/close_ticket")
		d.awaitText(d.sales, thread, "closed")
		d.say(d.carl, d.sales, thread, "/reopen_ticket")
		home := d.topicNamed(d.support, "Doomed").Thread
		d.introduced(d.support, home)
		d.press(d.carl, word, "retry:")
		d.awaitText(d.support, home, "is anybody there")
		d.say(d.carl, d.sales, thread, "at last")
		d.awaitText(d.support, home, "at last")
	})
}

// TestWhatAHomeTopicMissed: what was given up because the home topic could not be opened arrives when it opens, once
// and in order, before what is said later.
func TestWhatAHomeTopicMissed(t *testing.T) {
	t.Parallel()
	for name, restart := range map[string]func(*desk){
		"":                   func(*desk) {},
		", across a restart": (*desk).restart,
	} {
		d := ready(t, options{})
		d.run(t, "many messages"+name, func(t *testing.T) {
			d.inject(simulator.Fault{
				Method: "createForumTopic", Chat: d.support, Kind: simulator.Fault400, Description: "TOPICS_TOO_MUCH",
			})
			id := d.ticketIDIn(d.awaitAnswer(d.say(d.carl, d.support, 0, "/create_ticket Doomed"), "could not be opened").Text)
			thread, err := d.sim.CreateTopic(d.sales, d.carl, "Mine")
			d.must(err)
			d.awaitAnswer(d.say(d.carl, d.sales, thread, "/link "+id), "linked this topic")
			const many = 300 // more than a lane holds
			var want []string
			var last simulator.Message
			for i := range many {
				m := d.say(d.carl, d.sales, thread, "missed "+itoa(i))
				if i == 0 {
					d.awaitAnswer(m, "did not reach Support")
				}
				if i != 7 {
					want = append(want, "missed "+itoa(i))
				}
				if i == 7 || i == many-1 {
					d.await("told", func() bool { m, _ := d.sim.Message(d.sales, m.ID); return len(m.Reactions) == 1 })
				}
				last = m
				if i == 7 {
					d.reply(d.carl, d.sales, m, "/delete")
				}
			}
			restart(d)
			d.say(d.carl, d.sales, thread, "/close_ticket")
			d.awaitText(d.sales, thread, "closed")
			d.say(d.carl, d.sales, thread, "/reopen_ticket")
			restart(d)
			d.say(d.carl, d.sales, thread, "at last")
			home := d.topicNamed(d.support, "Doomed").Thread
			d.awaitText(d.support, home, "at last")
			k := &ticket{id: id, chat: d.support, thread: home}
			d.quiet(k)
			same(t, "copies", d.copies(d.support, home), append(want, "at last"))
			d.await("no mark of failure", func() bool { m, _ := d.sim.Message(d.sales, last.ID); return len(m.Reactions) == 0 })
		})
	}
}

// unsureStore carries out one write of a copy, but returns an error, as if the answer were lost.
type unsureStore struct {
	storage.Store
	failed *atomic.Bool
}

func (s unsureStore) SaveCopy(ctx context.Context, c *storage.Copy) error {
	kept := *c
	err := s.Store.SaveCopy(ctx, &kept)
	if err == nil && c.State == "failed" && s.failed.CompareAndSwap(false, true) {
		return storage.ErrUnavailable
	}
	if err == nil {
		c.Version = kept.Version
	}
	return err
}

func TestGivingUpIsWrittenDownOnce(t *testing.T) {
	t.Parallel()
	var failed atomic.Bool
	d := ready(t, options{speed: 50, wrapStore: func(s storage.Store) storage.Store { return unsureStore{s, &failed} }})
	d.inject(simulator.Fault{
		Method: "createForumTopic", Chat: d.support, Kind: simulator.Fault400, Description: "TOPICS_TOO_MUCH",
	})
	id := d.ticketIDIn(d.awaitAnswer(d.say(d.carl, d.support, 0, "/create_ticket Doomed"), "could not be opened").Text)
	thread, err := d.sim.CreateTopic(d.sales, d.carl, "Mine")
	d.must(err)
	d.awaitAnswer(d.say(d.carl, d.sales, thread, "/link "+id), "linked this topic")
	d.awaitAnswer(d.say(d.carl, d.sales, thread, "is anybody there"), "did not reach Support")
	d.eventually("settled", func() bool { r := d.record(&ticket{id: id}); return len(r.Pending) == 0 && resting(r) })
	if !failed.Load() {
		t.Error("no answer was lost")
	}
}

func TestProgramReopensWhatCouldNotBeOpened(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	d.inject(simulator.Fault{
		Method: "createForumTopic", Chat: d.support, Kind: simulator.Fault400, Description: "TOPICS_TOO_MUCH",
	})
	o := program()
	k := &ticket{id: messages.TicketID(o.CommandId, o.DateMs), chat: d.support}
	d.does(k.id, &messages.OpenTicket{
		Origin: o, TicketId: k.id, GroupId: messages.GroupPlace(d.support), Title: "Doomed",
	}, "")
	d.eventually("it failed", func() bool { return d.record(k).Home.Failure != "" })
	if d.record(k).Status == "open" {
		d.does(k.id, &messages.CloseTicket{Origin: program()}, "")
	}
	d.does(k.id, &messages.ReopenTicket{Origin: program()}, "")
	d.introduced(d.support, d.topicNamed(d.support, "Doomed").Thread)
	d.eventually("nothing is owed to a program's place, which there is not", func() bool {
		r := d.record(k)
		return len(r.Pending) == 0 && resting(r)
	})
	if _, err := d.store.Lease(t.Context(), "chat/"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("a chat of no id has a lease: %v", err)
	}
}
