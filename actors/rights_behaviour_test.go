package actors_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
)

func TestRights(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	d.awaitAnswer(d.say(d.ann, d.support, 0, "/autoclaim off"), "claim") // who has the ticket may do as much as its creator
	k := d.open(d.eve, d.support, "Printer")                             // Eve is a plain member
	eng := d.mention(d.eve, k, "bob_eng", d.engineering)
	const method = "getChatAdministrators"
	d.run(t, "talking costs no call", func(t *testing.T) {
		n := d.calls(method, 0)
		d.say(d.carl, d.support, k.thread, "hello")
		d.awaitText(d.engineering, eng, "hello")
		if d.calls(method, 0) != n {
			t.Error("asked")
		}
	})
	d.run(t, "a stranger gets a clear no, asked from Telegram once", func(t *testing.T) {
		n := d.calls(method, d.support)
		for _, text := range []string{"/close_ticket", "/pending", "/priority high", "/unlink"} {
			verb, _, _ := strings.Cut(text, " ")
			refusal := d.awaitAnswer(d.say(d.carl, d.support, k.thread, text), "You may not use "+verb).Text
			if !strings.Contains(refusal, "Ask Eve (who opened it) or Bob (on the ticket) or an administrator of Support.") {
				t.Errorf("who may is not named: %q", refusal)
			}
		}
		if got := d.calls(method, d.support) - n; got > 1 {
			t.Errorf("%d calls", got)
		}
		if r := d.record(k); r.Status != "open" || r.Priority != "normal" {
			t.Errorf("%+v", r)
		}
	})
	d.run(t, "a stranger's button too", func(t *testing.T) {
		card, _ := d.find(d.support, k.thread, d.head(k))
		if a := d.press(d.carl, card, "close:"); !a.Alert || !strings.Contains(a.Text, "You may not use /close_ticket") {
			t.Errorf("%+v", a)
		}
	})
	d.run(t, "whoever takes care of it, without a call, until they release it", func(t *testing.T) {
		k := d.open(d.eve, d.support, "Scanner")
		d.awaitAnswer(d.say(d.carl, d.support, k.thread, "/priority low"), "You may not use /priority")
		d.say(d.carl, d.support, k.thread, "/claim")
		d.awaitAssignee(k, d.carl)
		d.must(d.sim.SetMember(d.support, d.bob, simulator.Member))
		d.awaitAnswer(d.say(d.bob, d.support, k.thread, "/priority low"), "Ask Carl (who takes care of it) or Eve (who opened it)")
		d.must(d.sim.SetMember(d.support, d.bob, simulator.Left))
		n := d.calls(method, 0)
		d.awaitAnswer(d.say(d.carl, d.support, k.thread, "/priority low"), "Carl changed the priority")
		d.awaitAnswer(d.say(d.carl, d.support, k.thread, "/pending"), "Carl set this ticket to pending")
		if d.calls(method, 0) != n {
			t.Error("asked")
		}
		d.say(d.carl, d.support, k.thread, "/release")
		d.await("nobody has it", func() bool { return d.record(k).Assignee == nil })
		d.awaitAnswer(d.say(d.carl, d.support, k.thread, "/reopen_ticket"), "You may not use /reopen_ticket")
		d.say(d.carl, d.support, k.thread, "/claim")
		d.awaitAssignee(k, d.carl)
		d.awaitAnswer(d.say(d.carl, d.support, k.thread, "/close_ticket repaired"), "Carl closed this ticket")
	})
	d.run(t, "the creator, without a call", func(t *testing.T) {
		n := d.calls(method, 0)
		d.awaitAnswer(d.say(d.eve, d.support, k.thread, "/priority high"), "high")
		if d.calls(method, 0) != n {
			t.Error("asked")
		}
	})
	d.run(t, "an administrator of the group, from what is cached", func(t *testing.T) {
		n := d.calls(method, d.support)
		d.awaitAnswer(d.say(d.ann, d.support, k.thread, "/priority low"), "low")
		if d.calls(method, d.support) != n {
			t.Error("asked again")
		}
	})
	d.run(t, "an anonymous administrator", func(t *testing.T) {
		asked := d.post(simulator.Post{
			From: d.ann, Chat: d.support, Thread: k.thread, Text: "/priority urgent", Anonymous: true,
		})
		d.awaitAnswer(asked, "Support changed the priority")
	})
	d.run(t, "the internal user on the ticket", func(t *testing.T) {
		d.awaitAnswer(d.say(d.bob, d.engineering, eng, "/priority normal"), "Bob changed the priority")
	})
	d.run(t, "an administrator of the linked group, whatever they are at home", func(t *testing.T) {
		d.must(d.sim.SetMember(d.engineering, d.carl, simulator.Administrator))
		d.awaitAnswer(d.say(d.carl, d.engineering, eng, "/pending"), "Carl set this ticket to pending")
		d.awaitAnswer(d.say(d.carl, d.support, k.thread, "/close_ticket"), "You may not use")
	})
	d.run(t, "a promotion counts at once, so does a demotion", func(t *testing.T) {
		d.must(d.sim.SetMember(d.support, d.carl, simulator.Administrator))
		d.awaitAnswer(d.say(d.carl, d.support, k.thread, "/priority high"), "Carl changed the priority")
		d.must(d.sim.SetMember(d.support, d.carl, simulator.Member))
		d.awaitAnswer(d.say(d.carl, d.support, k.thread, "/priority low"), "You may not use /priority")
	})
	d.run(t, "Telegram can't be asked: told so, nothing changed", func(t *testing.T) {
		d.restart()
		d.inject(simulator.Fault{Method: method, Kind: simulator.Fault403, Description: "bot was kicked"})
		d.awaitAnswer(d.say(d.carl, d.support, k.thread, "/close_ticket"), "could not find out who administers")
		d.awaitAnswer(d.say(d.carl, d.support, k.thread, "/close_ticket"), "You may not use")
	})
	d.run(t, "a command that waits for Telegram's word survives a restart", func(t *testing.T) {
		d.restart()
		d.inject(simulator.Fault{Method: method, Kind: simulator.Fault500, Count: -1})
		m := d.say(d.ann, d.support, k.thread, "/priority urgent")
		d.await("asked", func() bool { c := d.sim.Calls(); return c[len(c)-1].Method == method && c[len(c)-1].Code == 500 })
		d.stop()
		d.sim.ClearFaults()
		d.start()
		d.awaitAnswer(m, "Ann changed the priority")
	})
}

func TestThousandMembersWithEqualNames(t *testing.T) {
	if testing.Short() {
		t.Skip("long: a thousand people")
	}
	t.Parallel()
	d := ready(t, options{})
	k := d.open(d.ann, d.support, "Crowd")
	eng := d.mention(d.ann, k, "bob_eng", d.engineering)
	d.quiet(k)
	before := map[string]int{}
	for _, c := range d.sim.Calls() {
		before[c.Method]++
	}
	const members = 1000
	last := ""
	for range members {
		p, err := d.sim.AddPerson(simulator.Person{FirstName: "Kim", LastName: "Lee"})
		d.must(err)
		d.must(d.sim.SetMember(d.support, p.ID, simulator.Member))
		last = "I am " + itoa(int(p.ID))
		d.say(p.ID, d.support, k.thread, last)
	}
	d.eventually("all of them are copied", func() bool { _, found := d.find(d.engineering, eng, last); return found })
	if n := len(d.copies(d.engineering, eng)); n != members {
		t.Errorf("%d copies", n)
	}
	for _, c := range d.sim.Calls() {
		before[c.Method]--
	}
	for method, n := range before {
		if method != "sendMessage" && n != 0 {
			t.Errorf("%d calls of %s for talking", -n, method)
		}
	}
	if before["sendMessage"] != -members {
		t.Errorf("%d messages sent", -before["sendMessage"])
	}
}

func TestWhatATicketDoesNotUnderstandIsRefused(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	k := d.open(d.ann, d.support, "Printer")
	d.quiet(k)
	before := d.record(k)
	o := &messages.Origin{
		CommandId: "1:1", Place: before.GroupID, ChatId: d.support, ThreadId: int64(k.thread), MessageId: 1,
		From: &messages.Person{Id: d.ann},
	}
	closed := "closed"
	for _, m := range []proto.Message{
		&messages.UpdateTicket{Origin: o, Status: &closed}, // only programs may do that; among people, not even the creator
		&messages.RegisterGroup{Origin: o},
	} {
		if r := asks[*messages.Reply](d, messages.KindTicket, k.id, m); r.Code != messages.Code_CONFLICT {
			t.Errorf("%T: %v", m, r)
		}
	}
	after := d.record(k)
	before.Version, before.DueAt = after.Version, after.DueAt // once it is quiet, the ticket's mark for the sweep goes
	if !cmp.Equal(before, after) {
		t.Error(cmp.Diff(before, after))
	}
}
