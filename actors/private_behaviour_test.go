package actors_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/simulator"
)

// choice has somebody send /create_ticket in their private chat and waits for the keyboard of groups.
func (d *desk) choice(by int64, title string) simulator.Message {
	d.t.Helper()
	return d.awaitAnswer(d.say(by, by, 0, "/create_ticket "+title), "Where should "+title)
}

// openPrivately has somebody open a ticket from their private chat, and waits until they can write on it.
func (d *desk) openPrivately(by, chat int64, title string) *ticket {
	d.t.Helper()
	choice := d.choice(by, title)
	d.press(by, choice, "pick:"+ticketOf(choice)+":g"+itoa64(chat))
	return d.openedPrivately(by, chat, title)
}

func (d *desk) openedPrivately(by, chat int64, title string) *ticket {
	d.t.Helper()
	k := &ticket{chat: chat, id: d.announced(by, 0, title)}
	k.thread = d.topicNamed(chat, title).Thread
	d.introduced(chat, k.thread)
	d.await("the card in the private chat", func() bool {
		m, found := d.find(by, 0, d.head(k))
		return found && m.Pinned
	})
	d.eventually("the person is talking on it", func() bool {
		u, err := d.store.User(d.t.Context(), by)
		return err == nil && u.CurrentTicketID == k.id
	})
	return k
}

// groupsOffered lists the buttons of a keyboard that choose a group.
func groupsOffered(m simulator.Message) []string {
	var titles []string
	for _, row := range m.Buttons {
		for _, b := range row {
			if strings.HasPrefix(b.Data, "pick:") {
				titles = append(titles, b.Text)
			}
		}
	}
	return titles
}

func TestPrivateTicket(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	d.asksAfterClosing()
	d.run(t, "the groups that the person belongs to are offered, and no others", func(t *testing.T) {
		same(t, "Ann's groups", groupsOffered(d.choice(d.ann, "Lamp")), []string{"Support"})
		same(t, "Carl's groups", groupsOffered(d.choice(d.carl, "Lamp")), []string{"Engineering", "Sales", "Support"})
	})
	k := d.openPrivately(d.ann, d.support, "Printer")
	d.run(t, "what is said there reaches the desk under the person's name, and the answer comes back", func(t *testing.T) {
		d.say(d.ann, d.ann, 0, "It smells of smoke")
		m := d.awaitText(d.support, k.thread, "It smells of smoke")
		if m.Text != "Ann\nIt smells of smoke" {
			t.Errorf("the copy is %q", m.Text)
		}
		d.say(d.carl, d.support, k.thread, "// she always says that")
		d.quiet(k)
		d.reply(d.carl, d.support, m, "Pull the plug")
		answer := d.awaitText(d.ann, 0, "Pull the plug")
		if answer.Text != "Carl\nPull the plug" {
			t.Errorf("the answer is %q", answer.Text)
		}
		if said, _ := d.sim.Message(d.ann, answer.ReplyTo); said.Text != "It smells of smoke" {
			t.Errorf("it answers %q", said.Text)
		}
		if _, leaked := d.find(d.ann, 0, "always says"); leaked {
			t.Error("an internal note reached the person")
		}
	})
	d.run(t, "a linked group hears it too, and the person is told nothing of it", func(t *testing.T) {
		thread := d.mention(d.carl, k, "@bob_eng", d.engineering)
		d.say(d.ann, d.ann, 0, "It burns now")
		d.awaitText(d.engineering, thread, "It burns now")
		d.say(d.bob, d.engineering, thread, "Water!")
		if m := d.awaitText(d.ann, 0, "Water!"); m.Text != "Bob\nWater!" {
			t.Errorf("the copy is %q", m.Text)
		}
		d.quiet(k)
		if card, _ := d.find(d.ann, 0, d.head(k)); strings.Contains(card.Text, "Engineering") ||
			!strings.Contains(card.Text, "Support") {
			t.Errorf("the card is %q", card.Text)
		}
	})
	d.run(t, "what begins with // is no note where the desk is the one who reads", func(t *testing.T) {
		said := d.say(d.ann, d.ann, 0, "// is a comment")
		d.press(d.ann, d.awaitAnswer(said, "Here everything goes to the team"), "asis:")
		d.awaitText(d.support, k.thread, "// is a comment")
		m := d.say(d.ann, d.ann, 0, "I comment")
		d.awaitText(d.support, k.thread, "I comment")
		d.edit(m, "// I comment")
		d.awaitText(d.support, k.thread, "// I comment")
	})
	d.run(t, "commands work on it", func(t *testing.T) {
		d.say(d.ann, d.ann, 0, "/priority urgent")
		d.awaitText(d.ann, 0, "changed the priority")
		d.awaitAnswer(d.say(d.ann, d.ann, 0, "/ticket"), d.head(k))
		d.awaitAnswer(d.say(d.ann, d.ann, 0, "/mention @bob_eng"), "can't be used in our private chat")
		d.awaitAnswer(d.say(d.ann, d.ann, 0, "/tickets"), "You have 1 open ticket")
	})
	d.run(t, "after a restart it goes on", func(t *testing.T) {
		d.quiet(k)
		d.restart()
		d.say(d.ann, d.ann, 0, "Still there?")
		d.awaitText(d.support, k.thread, "Still there?")
		d.say(d.carl, d.support, k.thread, "Sure")
		d.awaitText(d.ann, 0, "Carl\nSure")
	})
	d.run(t, "what is written after the close is asked about, and passed on when it is opened again", func(t *testing.T) {
		d.say(d.ann, d.support, k.thread, "/close_ticket fixed")
		d.awaitText(d.ann, 0, "closed your ticket "+d.name(k))
		late := d.say(d.ann, d.ann, 0, "It is back")
		asked := d.awaitAnswer(late, "Not passed on")
		d.quiet(k)
		if slices.Contains(d.copies(d.support, k.thread), "It is back") {
			t.Error("passed on while the ticket is closed")
		}
		for range 2 { // the second may come before the buttons have gone
			_, _ = d.sim.Press(d.ann, d.ann, asked.ID, "say:"+k.id)
		}
		d.awaitText(d.support, k.thread, "It is back")
		d.quiet(k)
		if n := strings.Count(strings.Join(d.copies(d.support, k.thread), "\n"), "It is back"); n != 1 {
			t.Errorf("passed on %d times", n)
		}
		if s := d.record(k).Status; s != "open" {
			t.Errorf("the ticket is %s", s)
		}
	})
}

func TestPrivateChoice(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	d.run(t, "a title is asked for, and the choice survives a restart", func(t *testing.T) {
		asked := d.awaitAnswer(d.say(d.carl, d.carl, 0, "/create_ticket"), "What is the ticket about?")
		title := d.reply(d.carl, d.carl, asked, "Scanner\nIt eats paper")
		choice := d.awaitAnswer(title, "Where should Scanner")
		d.restart()
		d.press(d.carl, choice, "pick:"+ticketOf(choice)+":g"+itoa64(d.sales))
		k := d.openedPrivately(d.carl, d.sales, "Scanner")
		if r := d.record(k); r.Description != "It eats paper" || r.CreatedBy.Name != "Carl" {
			t.Errorf("the ticket is %+v", r)
		}
	})
	d.run(t, "the title of a second ticket, without a reply, while the first waits for its group", func(t *testing.T) {
		zed := d.newcomer("Zed")
		d.must(d.sim.SetMember(d.support, zed, simulator.Member))
		d.must(d.sim.SetMember(d.sales, zed, simulator.Member))
		first := d.choice(zed, "Desk")
		d.awaitAnswer(d.say(zed, zed, 0, "It wobbles"), "goes into your new ticket")
		d.awaitAnswer(d.say(zed, zed, 0, "/create_ticket"), "What is the ticket about?")
		asked := d.awaitAnswer(d.say(zed, zed, 0, "Chair"), "goes into “Desk”")
		d.press(zed, asked, "new")
		second := d.awaitText(zed, 0, "Where should Chair")
		d.press(zed, first, "pick:"+ticketOf(first)+":g"+itoa64(d.sales))
		desk := d.openedPrivately(zed, d.sales, "Desk")
		if r := d.record(desk); r.Description != "It wobbles" {
			t.Errorf("the first says %q", r.Description)
		}
		d.press(zed, second, "pick:"+ticketOf(second)+":g"+itoa64(d.support))
		chair := d.openedPrivately(zed, d.support, "Chair")
		if r := d.record(chair); r.Description != "Chair" && r.Description != "" {
			t.Errorf("the second says %q", r.Description)
		}
	})
	d.run(t, "a choice pressed twice makes one ticket, also in another group", func(t *testing.T) {
		choice := d.choice(d.carl, "Kettle")
		id := ticketOf(choice)
		for _, group := range []int64{d.support, d.sales, d.support} {
			_, err := d.sim.Press(d.carl, d.carl, choice.ID, "pick:"+id+":g"+itoa64(group))
			if err != nil && group == d.support && len(d.sim.Topics(d.support)) == 0 {
				t.Fatal(err)
			}
		}
		k := d.openedPrivately(d.carl, d.support, "Kettle")
		d.quiet(k)
		for _, topic := range d.sim.Topics(d.sales) {
			if strings.HasPrefix(unnumbered(topic.Name), "Kettle") {
				t.Error("it opened in Sales, too")
			}
		}
	})
	d.run(t, "who has left the group meanwhile can't open a ticket in it", func(t *testing.T) {
		choice := d.choice(d.eve, "Mug")
		same(t, "Eve's groups", groupsOffered(choice), []string{"Sales", "Support"})
		d.must(d.sim.SetMember(d.support, d.eve, simulator.Left))
		d.press(d.eve, choice, "pick:"+ticketOf(choice)+":g"+itoa64(d.support))
		again := d.awaitText(d.eve, 0, "You can't open Mug in Support")
		same(t, "what is left", groupsOffered(again), []string{"Sales"})
		d.press(d.eve, again, "pick:")
		d.openedPrivately(d.eve, d.sales, "Mug")
	})
	d.run(t, "a group that is open to everyone is offered to everyone", func(t *testing.T) {
		d.awaitAnswer(d.say(d.carl, d.support, 0, "/public"), "Only administrators")
		d.awaitAnswer(d.say(d.ann, d.support, 0, "/public"), "now open to everyone")
		same(t, "Bob's groups", groupsOffered(d.choice(d.bob, "Roof")), []string{"Engineering", "Support"})
		d.awaitAnswer(d.say(d.ann, d.support, 0, "/public"), "now for its members")
		same(t, "Bob's groups", groupsOffered(d.choice(d.bob, "Roof2")), []string{"Engineering"})
	})
	d.run(t, "nobody's group", func(t *testing.T) {
		zoe, err := d.sim.AddPerson(simulator.Person{FirstName: "Zoe", LanguageCode: "en"})
		d.must(err)
		d.awaitAnswer(d.say(zoe.ID, zoe.ID, 0, "/create_ticket Help"), "no group in which you could open")
		asked := d.awaitAnswer(d.say(zoe.ID, zoe.ID, 0, "Hello?"), "passed on to nobody")
		d.press(zoe.ID, asked, "new")
		d.awaitText(zoe.ID, 0, "no group in which you could open Hello?")
	})
	d.run(t, "a draft can be dropped", func(t *testing.T) {
		choice := d.choice(d.ann, "Nothing")
		if a := d.press(d.ann, choice, "pdrop:"); !strings.Contains(a.Text, "Cancelled") {
			t.Errorf("answered %q", a.Text)
		}
	})
}

func TestSeveralPrivateTickets(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	first := d.openPrivately(d.ann, d.support, "Printer")
	d.say(d.carl, d.support, first.thread, "Looking at it")
	early := d.awaitText(d.ann, 0, "Looking at it")
	second := d.openPrivately(d.ann, d.support, "Scanner")
	d.run(t, "what is said goes to the current one, an answer to the one that it answers", func(t *testing.T) {
		d.say(d.ann, d.ann, 0, "about the scanner")
		d.awaitText(d.support, second.thread, "about the scanner")
		d.reply(d.ann, d.ann, early, "about the printer")
		d.awaitText(d.support, first.thread, "about the printer")
		card, _ := d.find(d.ann, 0, d.head(first))
		d.reply(d.ann, d.ann, card, "to its card")
		d.awaitText(d.support, first.thread, "to its card")
	})
	d.run(t, "copies say which one they are of", func(t *testing.T) {
		d.say(d.carl, d.support, first.thread, "New toner is here")
		m := d.awaitText(d.ann, 0, "New toner is here")
		if !strings.HasPrefix(m.Text, "Carl · "+d.name(first)+"\n") {
			t.Errorf("the copy is %q", m.Text)
		}
	})
	d.run(t, "the person chooses the current one, and is shown it", func(t *testing.T) {
		list := d.awaitAnswer(d.say(d.ann, d.ann, 0, "/tickets"), "You have 2 open tickets")
		d.press(d.ann, list, "talk:"+first.id)
		d.await("a pinned word", func() bool {
			m, found := d.find(d.ann, 0, "Your current ticket is now "+d.name(first))
			return found && m.Pinned
		})
		d.say(d.ann, d.ann, 0, "the printer again")
		d.awaitText(d.support, first.thread, "the printer again")
		if a := d.press(d.ann, list, "talk:"+first.id); !strings.Contains(a.Text, "already") {
			t.Errorf("answered %q", a.Text)
		}
		d.press(d.ann, list, "talk:"+second.id)
		d.await("the former word is not pinned any more", func() bool {
			m, _ := d.find(d.ann, 0, "Your current ticket is now "+d.name(first))
			now, found := d.find(d.ann, 0, "Your current ticket is now "+d.name(second))
			return found && now.Pinned && !m.Pinned
		})
	})
	d.run(t, "nobody talks on a ticket of somebody else", func(t *testing.T) {
		other := d.openPrivately(d.eve, d.support, "Secret")
		card, _ := d.find(d.ann, 0, d.head(first))
		if _, err := d.sim.Press(d.ann, d.ann, card.ID, "talk:"+other.id); err == nil {
			t.Fatal("there is no such button")
		}
		u, err := d.store.User(t.Context(), d.ann)
		d.must(err)
		if u.CurrentTicketID != second.id {
			t.Errorf("Ann is talking on %s", u.CurrentTicketID)
		}
	})
	d.run(t, "when the current one is closed a message can go to the other", func(t *testing.T) {
		d.say(d.ann, d.ann, 0, "/close_ticket")
		d.awaitText(d.ann, 0, "closed your ticket "+d.name(second))
		asked := d.awaitAnswer(d.say(d.ann, d.ann, 0, "one more thing"), "Not passed on")
		d.press(d.ann, asked, "say:"+first.id)
		d.awaitText(d.support, first.thread, "one more thing")
		if s := d.record(second).Status; s != "closed" {
			t.Errorf("the other is %s", s)
		}
	})
}

func TestBlockedByAPerson(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	k := d.openPrivately(d.ann, d.support, "Printer")
	told := func(part string) (n int) {
		for _, m := range d.byBot(d.support, k.thread) {
			if strings.Contains(m.Text, part) {
				n++
			}
		}
		return n
	}
	d.run(t, "the desk is told once, and what it says waits, over a restart too", func(t *testing.T) {
		d.must(d.sim.Block(d.ann, true))
		d.awaitText(d.support, k.thread, "Ann has blocked me")
		d.say(d.carl, d.support, k.thread, "Are you there?")
		d.say(d.carl, d.support, k.thread, "Hello?")
		d.await("a call that is refused", func() bool {
			return slices.ContainsFunc(d.sim.Calls(), func(c simulator.Call) bool { return c.Chat == d.ann && c.Code == 403 })
		})
		d.restart()
		if n := told("Ann has blocked me") + told("did not reach"); n != 1 {
			t.Errorf("told %d times", n)
		}
		d.awaitAnswer(d.say(d.carl, d.support, k.thread, "/ticket"), "Ann has blocked me: what is written here waits")
	})
	d.run(t, "when they come back it arrives", func(t *testing.T) {
		d.must(d.sim.Block(d.ann, false))
		d.awaitText(d.support, k.thread, "Ann can be reached again")
		d.awaitText(d.ann, 0, "Hello?")
		d.quiet(k)
		said := d.copies(d.ann, 0)
		same(t, "what arrived", said[len(said)-2:], []string{"Are you there?", "Hello?"})
		d.say(d.ann, d.ann, 0, "Here I am")
		d.awaitText(d.support, k.thread, "Here I am")
		if n := told("Ann can be reached again"); n != 1 {
			t.Errorf("told %d times", n)
		}
		m := d.awaitAnswer(d.say(d.carl, d.support, k.thread, "/ticket"), d.head(k))
		if strings.Contains(m.Text, "has blocked me") {
			t.Errorf("the card still says so: %q", m.Text)
		}
	})
}

// ticketOf is the ticket that the buttons of a choice are for.
func ticketOf(m simulator.Message) string {
	for _, row := range m.Buttons {
		for _, b := range row {
			if parts := strings.Split(b.Data, ":"); parts[0] == "pick" {
				return parts[1]
			}
		}
	}
	return ""
}

func TestPrivateTrouble(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	d.run(t, "who belongs where is asked once for a while, and anew for the choice", func(t *testing.T) {
		before := d.calls("getChatMember", 0)
		d.choice(d.carl, "One")
		choice := d.choice(d.carl, "Two")
		if n := d.calls("getChatMember", 0) - before; n != 3 {
			t.Errorf("%d questions for 3 groups", n)
		}
		d.press(d.carl, choice, "pick:"+ticketOf(choice)+":g"+itoa64(d.sales))
		d.openedPrivately(d.carl, d.sales, "Two")
		if n := d.calls("getChatMember", 0) - before; n != 4 {
			t.Errorf("%d questions with the choice", n)
		}
	})
	d.run(t, "a restart while it is asked", func(t *testing.T) {
		d.inject(simulator.Fault{Method: "getChatMember", Kind: "500", Count: 2})
		asked := d.say(d.bob, d.bob, 0, "/create_ticket Three")
		d.await("a question that fails", func() bool {
			return slices.ContainsFunc(d.sim.Calls(), func(c simulator.Call) bool {
				return c.Method == "getChatMember" && !c.OK
			})
		})
		d.restart()
		same(t, "Bob's groups", groupsOffered(d.awaitAnswer(asked, "Where should Three")), []string{"Engineering"})
	})
	d.run(t, "a restart between the choice and the ticket", func(t *testing.T) {
		choice := d.choice(d.dora, "Four")
		d.inject(simulator.Fault{Method: "getChatMember", Kind: "500", Count: 1})
		d.press(d.dora, choice, "pick:"+ticketOf(choice)+":g"+itoa64(d.engineering))
		d.restart()
		k := d.openedPrivately(d.dora, d.engineering, "Four")
		d.say(d.dora, d.dora, 0, "Here")
		d.awaitText(d.engineering, k.thread, "Here")
	})
	d.run(t, "a topic that can't be opened is told, and tried again on demand", func(t *testing.T) {
		choice := d.choice(d.ann, "Five")
		d.inject(simulator.Fault{Method: "createForumTopic", Chat: d.support, Kind: "400", Count: 2, Description: "TOPIC_TITLE_EMPTY"})
		d.press(d.ann, choice, "pick:"+ticketOf(choice)+":g"+itoa64(d.support))
		failed := d.awaitText(d.ann, 0, "could not be opened in Support")
		d.press(d.ann, failed, "reopen:")
		d.await("that it failed again", func() bool {
			now, _ := d.find(d.ann, 0, "could not be opened in Support")
			return now.ID > failed.ID
		})
		late := d.say(d.ann, d.ann, 0, "Anybody?")
		d.awaitAnswer(late, "Not passed on")
		d.press(d.ann, failed, "reopen:")
		k := d.openedPrivately(d.ann, d.support, "Five")
		d.say(d.ann, d.ann, 0, "Now")
		d.awaitText(d.support, k.thread, "Now")
	})
	d.run(t, "who has blocked the bot before is told of by the call that fails", func(t *testing.T) {
		k := d.openPrivately(d.eve, d.support, "Six")
		d.inject(simulator.Fault{
			Method: "sendMessage", Kind: "403", Count: 1, Description: "Forbidden: bot was blocked by the user",
		})
		d.say(d.carl, d.support, k.thread, "Are you there?")
		d.awaitText(d.support, k.thread, "Eve has blocked me")
		d.say(d.eve, d.eve, 0, "Of course")
		d.awaitText(d.support, k.thread, "Eve can be reached again")
		d.awaitText(d.eve, 0, "Are you there?")
	})
}

func TestPrivateChoiceInPages(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	want := []string{"Engineering", "Sales", "Support"}
	for _, title := range []string{"A", "B", "C", "D", "E", "F", "G"} {
		g := d.group(title, map[int64]simulator.Role{d.ann: simulator.Creator, d.carl: simulator.Member})
		d.awaitAnswer(d.say(d.ann, g, 0, "/register"), "is registered")
		want = append(want, title)
	}
	slices.Sort(want)
	choice := d.choice(d.carl, "Lamp")
	same(t, "the first page", groupsOffered(choice), want[:8])
	d.press(d.carl, choice, "ppage:"+ticketOf(choice)+":1")
	d.await("the second page", func() bool {
		now, _ := d.sim.Message(d.carl, choice.ID)
		return slices.Equal(groupsOffered(now), want[8:])
	})
	d.press(d.carl, choice, "ppage:"+ticketOf(choice)+":0")
	d.await("the first page again", func() bool {
		now, _ := d.sim.Message(d.carl, choice.ID)
		return slices.Equal(groupsOffered(now), want[:8])
	})
	d.press(d.carl, choice, "pick:"+ticketOf(choice)+":g"+itoa64(d.engineering))
	d.openedPrivately(d.carl, d.engineering, "Lamp")
}

func TestPrivateEditsAndReactions(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	k := d.openPrivately(d.ann, d.support, "Printer")
	said := d.say(d.ann, d.ann, 0, "It burns")
	there := d.awaitText(d.support, k.thread, "It burns")
	_, err := d.sim.Edit(d.ann, d.ann, said.ID, "It smokes")
	d.must(err)
	d.awaitText(d.support, k.thread, "It smokes")
	d.must(d.sim.React(d.carl, d.support, there.ID, "👍"))
	d.await("the reaction in the private chat", func() bool {
		m, _ := d.sim.Message(d.ann, said.ID)
		return slices.ContainsFunc(m.Reactions, func(r simulator.Reaction) bool { return r.Emoji == "👍" })
	})
	answer := d.say(d.carl, d.support, k.thread, "On my way")
	d.awaitText(d.ann, 0, "On my way")
	_, err = d.sim.Edit(d.carl, d.support, answer.ID, "On my way, 5 minutes")
	d.must(err)
	d.awaitText(d.ann, 0, "5 minutes")
}

// TestPrivateDeletionTooLate: who takes back a message that Telegram lets nobody delete hears that nothing is deleted, and who can
// do it.
func TestPrivateDeletionTooLate(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	k := d.openPrivately(d.eve, d.support, "Printer")
	said := d.say(d.eve, d.eve, 0, "my password is 77")
	d.awaitText(d.support, k.thread, "my password")
	d.quiet(k)
	d.clock.jump(49 * time.Hour)
	answer := d.awaitAnswer(d.reply(d.eve, d.eve, said, "/delete"), "Nothing is deleted")
	if !strings.Contains(answer.Text, "ask the team to delete it in their groups") {
		t.Errorf("%q", answer.Text)
	}
	d.quiet(k)
	d.awaitText(d.support, k.thread, "my password")
	homeless := d.newcomer("Olaf")
	waits := d.say(homeless, homeless, 0, "my password is 78")
	d.awaitAnswer(waits, "passed on to nobody")
	d.awaitAnswer(d.reply(homeless, homeless, waits, "/delete"), "if it is still here, delete it by hand")
}
