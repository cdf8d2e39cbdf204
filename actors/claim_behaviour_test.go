package actors_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
	"github.com/topicdesk/topicdesk/storage"
)

// awaitAssignee waits until the API shows who has a ticket; 0: nobody.
func (d *desk) awaitAssignee(k *ticket, person int64) {
	d.t.Helper()
	want := ""
	if person != 0 {
		want = itoa64(person)
	}
	d.eventually("the ticket is "+want+"'s", func() bool { return d.shown(k.id).Assignee.GetId() == want })
}

// card is the card of a ticket in one of its topics.
func (d *desk) card(k *ticket, chat int64, thread int) simulator.Message {
	d.t.Helper()
	for _, m := range d.byBot(chat, thread) {
		if strings.Contains(m.Text, d.number(k)) && len(m.Buttons) > 0 {
			return m
		}
	}
	d.t.Fatal("no card\n" + d.transcript())
	return simulator.Message{}
}

func TestClaim(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	k := d.open(d.eve, d.support, "Printer")
	says := func(by int64, text, answer string) {
		t.Helper()
		d.awaitAnswer(d.say(by, d.support, k.thread, text), answer)
	}
	d.run(t, "whoever opened it can't take it", func(t *testing.T) {
		says(d.eve, "/claim", "Only the team can take care of this ticket")
		if a := d.press(d.eve, d.card(k, d.support, k.thread), "claim:"); !strings.Contains(a.Text, "Only the team") {
			t.Errorf("the answer is %q", a.Text)
		}
		d.awaitAssignee(k, 0)
	})
	d.run(t, "the card's button", func(t *testing.T) {
		d.press(d.carl, d.card(k, d.support, k.thread), "claim:")
		d.awaitText(d.support, k.thread, "Carl takes care of this ticket now")
		d.awaitAssignee(k, d.carl)
		d.await("the card says so, and has no such button", func() bool {
			m := d.card(k, d.support, k.thread)
			return strings.Contains(m.Text, "Taken care of by Carl") && !strings.Contains(string(m.Keyboard), "claim:")
		})
		_, data := d.awaitTold(k, messages.EventTicketAssigned, 1)
		if data.Actor.ID != itoa64(d.carl) || data.Ticket.Assignee.Value.ID != itoa64(d.carl) {
			t.Errorf("%+v", data)
		}
	})
	d.run(t, "again, and by somebody else: it is said who has it", func(t *testing.T) {
		says(d.carl, "/claim", "You take care of this ticket already")
		says(d.ann, "/claim", "Carl takes care of this ticket already")
		d.awaitAssignee(k, d.carl)
	})
	d.run(t, "released, and claimed by a command", func(t *testing.T) {
		says(d.ann, "/release", "Ann has released this ticket")
		d.awaitAssignee(k, 0)
		d.awaitTold(k, messages.EventTicketReleased, 1)
		says(d.ann, "/release", "Nobody takes care of this ticket")
		says(d.ann, "/claim", "Ann takes care of this ticket now")
		d.awaitAssignee(k, d.ann)
	})
	var eng int
	d.run(t, "given to a team member, who is told in their own topic", func(t *testing.T) {
		says(d.ann, "/assign", "send /assign and their name")
		says(d.ann, "/assign @nobody", "I don't know @nobody on this ticket")
		says(d.ann, "/assign @dora_s", "I don't know Dora as somebody of the team")
		own := d.post(simulator.Post{From: d.ann, Chat: d.support, Thread: k.thread, Text: "/assign Eve", Entities: []simulator.Entity{
			{Type: "bot_command", Offset: 0, Length: 7},
			{Type: "text_mention", Offset: 8, Length: 3, User: []byte(`{"id":` + itoa64(d.eve) + `,"is_bot":false,"first_name":"Eve"}`)},
		}})
		d.awaitAnswer(own, "This is Eve's own ticket")
		eng = d.mention(d.ann, k, "@bob_eng", d.engineering)
		near := d.awaitAnswer(d.say(d.ann, d.support, k.thread, "/assign @bob"), "choose who takes care of the ticket")
		if got := buttons(near); len(got) != 1 || !strings.HasPrefix(got[0], "Bob") {
			t.Errorf("offered: %q", got)
		}
		d.press(d.ann, near, "auser:"+k.id)
		if m := d.awaitText(d.engineering, eng, "Bob, Ann has given this ticket to you"); !mentions(m, d.bob) {
			t.Errorf("no mention in %+v", m)
		}
		if m, _ := d.find(d.support, k.thread, "Bob, Ann has given"); mentions(m, d.bob) {
			t.Error("he is told twice")
		}
		d.awaitAssignee(k, d.bob)
		says(d.carl, "/assign @BOB_eng", "Bob takes care of this ticket already")
		d.awaitTold(k, messages.EventTicketAssigned, 3)
	})
	d.run(t, "in a linked group, those who are no team members there are asked for at Telegram", func(t *testing.T) {
		d.awaitAnswer(d.say(d.dora, d.engineering, eng, "/claim"), "Only the team can take care")
		d.awaitAnswer(d.say(d.bob, d.engineering, eng, "/release"), "Bob has released")
		d.must(d.sim.SetMember(d.engineering, d.dora, simulator.Administrator))
		d.awaitAnswer(d.say(d.dora, d.engineering, eng, "/claim"), "Dora takes care of this ticket now")
	})
	d.run(t, "lists", func(t *testing.T) {
		d.awaitAnswer(d.say(d.dora, d.dora, 0, "/mine"), "1 open ticket is yours:")
		d.awaitAnswer(d.say(d.dora, d.engineering, 0, "/mine"), "Printer")
		d.awaitAnswer(d.say(d.dora, d.sales, 0, "/mine"), "No open tickets")
		d.awaitAnswer(d.say(d.bob, d.bob, 0, "/mine"), "No open tickets")
		if m := d.awaitAnswer(d.say(d.ann, d.support, 0, "/tickets"), "Printer"); !strings.Contains(m.Text, "🙋 Dora") ||
			!strings.Contains(m.Text, "waits for an answer") {
			t.Errorf("%q", m.Text)
		}
	})
	d.run(t, "closing and reopening keep it; closed it can't be taken", func(t *testing.T) {
		d.say(d.ann, d.support, k.thread, "/close_ticket")
		d.awaitWaiting(k, "nobody")
		for _, command := range []string{"/claim", "/release", "/assign @ann"} {
			says(d.ann, command, "is closed")
		}
		d.say(d.ann, d.support, k.thread, "/reopen_ticket")
		d.awaitWaiting(k, "desk")
		d.awaitAssignee(k, d.dora)
	})
	d.restart()
	d.awaitAssignee(k, d.dora)
}

func TestFirstAnswerClaims(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	k := d.open(d.eve, d.support, "Printer")
	d.awaitHeard(k, d.say(d.eve, d.support, k.thread, "Hello?"))
	d.awaitHeard(k, d.say(d.carl, d.support, k.thread, "// mine?"))
	d.awaitHeard(k, d.say(d.carl, d.support, k.thread, "thanks"))
	d.awaitAssignee(k, 0)
	answer := d.say(d.carl, d.support, k.thread, "Which one?")
	d.awaitAssignee(k, d.carl)
	d.awaitTold(k, messages.EventTicketAssigned, 1)
	d.awaitHeard(k, d.say(d.ann, d.support, k.thread, "The large one, I think"))
	d.awaitAssignee(k, d.carl)
	d.run(t, "an answer that is delivered again claims nothing", func(t *testing.T) {
		d.awaitAnswer(d.say(d.ann, d.support, k.thread, "/release"), "has released")
		d.quiet(k)
		d.restart() // it remembers no messages
		o := program()
		o.Sender, o.From = nil, &messages.Person{Id: d.carl, FirstName: "Carl"}
		o.Place, o.ChatId, o.ThreadId, o.MessageId = messages.GroupPlace(d.support), d.support, int64(k.thread), int64(answer.ID)
		r := asks[*messages.Reply](d, messages.KindTicket, k.id, &messages.RecordMessage{Origin: o, Content: &messages.Content{Text: "Which one?"}})
		if r.Code != messages.Code_DUPLICATE {
			t.Errorf("%v", r)
		}
		d.awaitAssignee(k, 0)
	})
	d.run(t, "a program's answer does not; the next one of a person does", func(t *testing.T) {
		d.does(k.id, &messages.SendMessage{Origin: program(), Content: &messages.Content{Text: "Version 2 is out"}}, "")
		d.awaitAssignee(k, 0)
		d.say(d.ann, d.support, k.thread, "Try that")
		d.awaitAssignee(k, d.ann)
	})
	d.run(t, "a group can switch it off", func(t *testing.T) {
		d.awaitAnswer(d.say(d.carl, d.support, 0, "/autoclaim"), "Only administrators")
		d.awaitAnswer(d.say(d.ann, d.support, 0, "/autoclaim off"), "nobody takes care of a ticket just by answering it")
		off := d.open(d.eve, d.support, "Scanner")
		d.awaitHeard(off, d.say(d.carl, d.support, off.thread, "Yes?"))
		d.awaitWaiting(off, "customer")
		d.awaitAssignee(off, 0)
		d.awaitAnswer(d.say(d.ann, d.support, 0, "/autoclaim"), "whoever answers a ticket first")
		d.clock.jump(time.Minute) // until then the ticket knows it as it was
		d.say(d.carl, d.support, off.thread, "Well?")
		d.awaitAssignee(off, d.carl)
	})
}

// Whoever has a ticket hears, once and by a mention, that somebody else has taken it from them.
func TestHolderHearsOfIt(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	k := d.open(d.eve, d.support, "Printer")
	eng := d.mention(d.ann, k, "@bob_eng", d.engineering)
	told := func(t *testing.T, chat int64, thread int, part string, who int64) {
		t.Helper()
		m := d.awaitText(chat, thread, part)
		d.quiet(k)
		if !mentions(m, who) {
			t.Errorf("%q mentions nobody", m.Text)
		}
		n := 0
		for _, m := range append(d.byBot(d.support, k.thread), d.byBot(d.engineering, eng)...) {
			if strings.Contains(m.Text, part) {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%d times %q:\n%s", n, part, d.transcript())
		}
	}
	d.run(t, "released from another group", func(t *testing.T) {
		d.awaitAnswer(d.say(d.bob, d.engineering, eng, "/claim"), "Bob takes care of this ticket now")
		d.awaitAnswer(d.say(d.ann, d.support, k.thread, "/release"), "Ann has released this ticket: nobody")
		told(t, d.engineering, eng, "Bob, Ann has released this ticket, which you took care of", d.bob)
	})
	d.run(t, "released in the same topic: the answer is the notice", func(t *testing.T) {
		d.awaitAnswer(d.say(d.carl, d.support, k.thread, "/claim"), "Carl takes care of this ticket now")
		answer := d.awaitAnswer(d.say(d.ann, d.support, k.thread, "/release"), "Carl, Ann has released this ticket, which you took care of")
		told(t, d.support, k.thread, "Carl, Ann has released", d.carl)
		if answer.ReplyTo == 0 {
			t.Error("it answers nothing")
		}
	})
	d.run(t, "by whoever has it: nobody else hears of it", func(t *testing.T) {
		d.awaitAnswer(d.say(d.bob, d.engineering, eng, "/claim"), "Bob takes care of this ticket now")
		answer := d.awaitAnswer(d.say(d.bob, d.engineering, eng, "/release"), "Bob has released this ticket: nobody")
		if mentions(answer, d.bob) {
			t.Error("he is told what he did")
		}
	})
	d.run(t, "given to somebody else, and taken", func(t *testing.T) {
		d.awaitAnswer(d.say(d.bob, d.engineering, eng, "/claim"), "Bob takes care of this ticket now")
		d.awaitHeard(k, d.say(d.carl, d.support, k.thread, "I know this one"))
		d.awaitAnswer(d.say(d.ann, d.support, k.thread, "/assign @carl"), "Carl, Ann has given this ticket to you")
		told(t, d.engineering, eng, "Bob, Carl takes care of this ticket now, instead of you", d.bob)
		d.awaitAnswer(d.say(d.bob, d.engineering, eng, "/assign @bob_eng"), "Bob takes care of this ticket now")
		told(t, d.support, k.thread, "Carl, Bob takes care of this ticket now, instead of you", d.carl)
	})
	d.run(t, "by a program", func(t *testing.T) {
		carl := d.carl
		d.does(k.id, &messages.UpdateTicket{Origin: program(), AssigneeId: &carl}, "")
		d.await("Bob is told a second time", func() bool {
			n := 0
			for _, m := range d.byBot(d.engineering, eng) {
				if strings.Contains(m.Text, "Bob, Carl takes care of this ticket now, instead of you") && mentions(m, d.bob) {
					n++
				}
			}
			return n == 2
		})
	})
}

// TestAnswerClaimsAfterACrash: the claim comes in a write before the answer. When the answer can't be stored, it is delivered
// again, and the ticket is claimed once.
func TestAnswerClaimsAfterACrash(t *testing.T) {
	t.Parallel()
	fails := make(chan struct{}, 1)
	d := ready(t, options{wrapStore: func(s storage.Store) storage.Store { return refusingStore{s, fails} }})
	k := d.open(d.eve, d.support, "Printer")
	d.quiet(k)
	fails <- struct{}{}
	m := d.say(d.carl, d.support, k.thread, "Which one?")
	d.awaitHeard(k, m)
	d.awaitAssignee(k, d.carl)
	d.awaitTold(k, messages.EventMessageSent, 1)
	if n := d.events(k, messages.EventTicketAssigned); n != 1 || len(fails) != 0 {
		t.Errorf("%d events, %d failures left", n, len(fails))
	}
}

// refusingStore refuses to store a message for each value in fails.
type refusingStore struct {
	storage.Store
	fails chan struct{}
}

func (s refusingStore) InsertMessage(ctx context.Context, m *storage.Message) error {
	select {
	case <-s.fails:
		return storage.ErrUnavailable
	default:
		return s.Store.InsertMessage(ctx, m)
	}
}

// TestAssignBeforeTelegramHasSpoken: whoever is named in a new group is not said to be no one of the team before the desk knows.
func TestAssignBeforeTelegramHasSpoken(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	g, err := d.sim.AddGroup(simulator.Group{Title: "New", Forum: true})
	d.must(err)
	for person, role := range map[int64]simulator.Role{d.ann: simulator.Creator, d.dora: simulator.Administrator, d.carl: simulator.Member, d.eve: simulator.Member} {
		d.must(d.sim.SetMember(g.ID, person, role))
	}
	d.must(d.sim.SetBot(g.ID, simulator.Administrator, simulator.BotRights{CanManageTopics: true}))
	d.awaitText(g.ID, 0, "New is registered")
	k := d.open(d.eve, g.ID, "Lamp")
	d.inject(simulator.Fault{Method: "getChatAdministrators", Chat: g.ID, Kind: simulator.FaultSlow, Delay: 300e6})
	d.awaitAnswer(d.say(d.carl, g.ID, k.thread, "/assign @dora_s"), "I don't know yet whether Dora")
	d.eventually("the desk knows who administers the group", func() bool {
		group, err := d.store.GroupByTelegramID(t.Context(), g.ID)
		return err == nil && len(group.Admins) > 0
	})
	d.eventually("Dora has it", func() bool { // the ticket may hear a moment later than the group
		d.say(d.carl, g.ID, k.thread, "/assign @dora_s")
		d.quiet(k)
		return d.record(k).AssigneeID() == itoa64(d.dora)
	})
}

func TestProgramsAssign(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	k := d.open(d.eve, d.support, "Printer")
	eng := d.mention(d.ann, k, "@bob_eng", d.engineering)
	give := func(person int64, refusal string) {
		t.Helper()
		d.eventually("the ticket takes the person, or not", func() bool { // Telegram may have to say first who administers the groups
			r := asks[*messages.Reply](d, messages.KindTicket, k.id, &messages.UpdateTicket{Origin: program(), AssigneeId: &person})
			if r.Reason != messages.ReasonAdminsUnknown && r.Reason != refusal {
				t.Fatalf("%v, want %q", r, refusal)
			}
			return r.Reason == refusal
		})
	}
	give(4711, messages.NoticeAssignUnknown)
	give(d.eve, messages.NoticeAssignNotTeam)
	give(d.dora, messages.NoticeAssignNotTeam)
	give(d.bob, "")
	d.awaitAssignee(k, d.bob)
	if m := d.awaitText(d.engineering, eng, "has given this ticket to you"); !mentions(m, d.bob) {
		t.Errorf("no mention in %+v", m)
	}
	give(d.bob, "")
	give(0, "")
	give(0, "")
	d.awaitAssignee(k, 0)
	d.awaitTold(k, messages.EventTicketReleased, 1)
	if n := d.events(k, messages.EventTicketAssigned) + d.events(k, messages.EventTicketUpdated); n != 1 {
		t.Errorf("%d events", n)
	}
	closed := "closed"
	d.does(k.id, &messages.UpdateTicket{Origin: program(), Status: &closed}, "")
	give(d.bob, messages.NoticeTicketIsClosed)
}
