package actors_test

import (
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
)

func TestTicketCommands(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	k := d.open(d.ann, d.support, "Printer")
	eng := d.mention(d.ann, k, "bob_eng", d.engineering)
	card := d.awaitText(d.support, k.thread, d.head(k))
	shows := func(part string) {
		d.t.Helper()
		d.await("the card shows "+part, func() bool {
			m, _ := d.sim.Message(d.support, card.ID)
			return strings.Contains(m.Text, part)
		})
	}
	d.run(t, "pending", func(t *testing.T) {
		d.awaitAnswer(d.say(d.ann, d.support, k.thread, "/pending"), "Ann set this ticket to pending")
		d.awaitText(d.engineering, eng, "Ann set this ticket to pending")
		shows("Pending")
		d.awaitAnswer(d.say(d.ann, d.support, k.thread, "/pending"), "is pending already")
		if d.record(k).Status != "pending" {
			t.Error("not pending")
		}
		if e := d.awaitEvent(k, messages.EventTicketUpdated); !strings.Contains(string(e.Data), `"status":"pending"`) {
			t.Errorf("the event says %s", e.Data)
		}
	})
	d.run(t, "priority", func(t *testing.T) {
		d.awaitAnswer(d.say(d.ann, d.support, k.thread, "/priority HIGH"), "high")
		shows("high")
		d.awaitAnswer(d.say(d.ann, d.support, k.thread, "/priority high"), "already")
		d.awaitAnswer(d.say(d.ann, d.support, k.thread, "/priority soon"), "don't know the priority soon")
	})
	d.run(t, "priority without a word: buttons", func(t *testing.T) {
		m := d.awaitAnswer(d.say(d.ann, d.support, k.thread, "/priority"), "How urgent")
		var labels []string
		for _, row := range m.Buttons {
			for _, b := range row {
				labels = append(labels, b.Text[strings.LastIndex(b.Text, " ")+1:])
			}
		}
		same(t, "buttons", labels, []string{"low", "normal", "high", "urgent"})
		d.press(d.ann, m, "priority:"+k.id+":urgent")
		shows("urgent")
		d.awaitText(d.support, k.thread, "to 🔥 urgent")
	})
	d.run(t, "the card's buttons for pending and priority", func(t *testing.T) {
		k := d.open(d.ann, d.support, "Buttons")
		card := d.awaitText(d.support, k.thread, d.head(k))
		d.press(d.ann, card, "priority:")
		d.awaitText(d.support, k.thread, "How urgent")
		d.press(d.ann, card, "pending:")
		d.awaitText(d.support, k.thread, "Ann set this ticket to pending")
		if a := d.press(d.ann, card, "close:"); a.Alert {
			t.Errorf("%+v", a)
		}
	})
	d.run(t, "a reply does not end pending by itself", func(t *testing.T) {
		d.say(d.bob, d.engineering, eng, "working on it")
		d.awaitText(d.support, k.thread, "working on it")
		if s := d.record(k).Status; s != "pending" {
			t.Error(s)
		}
	})
	d.run(t, "ticket shows the card, in linked topics too", func(t *testing.T) {
		for _, place := range []struct {
			who, chat int64
			thread    int
		}{{d.eve, d.support, k.thread}, {d.dora, d.engineering, eng}} {
			m := d.awaitAnswer(d.say(place.who, place.chat, place.thread, "/ticket"), d.head(k))
			if len(m.Buttons) == 0 || !strings.Contains(m.Text, "Printer") {
				t.Errorf("%+v", m)
			}
		}
	})
	d.run(t, "a button of the ticket in a strange place is stale", func(t *testing.T) {
		k := d.open(d.bob, d.engineering, "To be unlinked")
		thread, err := d.sim.CreateTopic(d.engineering, d.bob, "Mine")
		d.must(err)
		d.awaitAnswer(d.say(d.bob, d.engineering, thread, "/link "+k.id), "linked this topic")
		old := d.awaitAnswer(d.say(d.bob, d.engineering, thread, "/ticket"), d.head(k))
		d.say(d.bob, d.engineering, thread, "/unlink")
		d.awaitText(d.engineering, thread, "ended the link")
		if a := d.press(d.bob, old, "close:"); !strings.Contains(a.Text, "no longer works") {
			t.Errorf("%+v", a)
		}
	})
	d.run(t, "tickets lists mine that are open, each with the way there", func(t *testing.T) {
		mine := d.open(d.eve, d.support, "Eve's first")
		second := d.open(d.eve, d.support, "Eve's second")
		third := d.open(d.eve, d.support, "Eve's third")
		d.awaitAnswer(d.say(d.eve, d.support, second.thread, "/close_ticket"), "closed this ticket")
		for _, place := range []int64{0, d.support} {
			m := d.awaitAnswer(d.say(d.eve, place, 0, "/tickets mine"), "You have 2 open tickets")
			if strings.Contains(m.Text, d.name(second)) || !strings.Contains(m.Text, d.name(third)) ||
				!strings.Contains(m.Text[strings.Index(m.Text, d.name(third)):], d.name(mine)) {
				t.Errorf("%q", m.Text)
			}
			urls := ""
			for _, e := range m.Entities {
				urls += e.URL + " "
			}
			if !strings.Contains(urls, "/"+itoa(mine.thread)+" ") {
				t.Errorf("no way to %d in %q", mine.thread, urls)
			}
		}
		d.awaitAnswer(d.say(d.carl, d.support, 0, "/tickets mine"), "no open tickets")
	})
}

func TestLanguage(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	thai, err := d.sim.AddPerson(simulator.Person{FirstName: "Somchai", LanguageCode: "th"})
	d.must(err)
	d.must(d.sim.SetMember(d.support, thai.ID, simulator.Member))
	d.run(t, "each person in their own", func(t *testing.T) {
		d.awaitAnswer(d.say(thai.ID, d.support, 0, "/help"), "ใน")
		d.awaitAnswer(d.say(d.ann, d.support, 0, "/help"), "Here you can send me")
	})
	d.run(t, "in private, as chosen, at once and later", func(t *testing.T) {
		d.awaitAnswer(d.say(d.ann, 0, 0, "/start"), "Hello Ann")
		d.awaitAnswer(d.say(d.ann, 0, 0, "/lang th"), "ภาษา")
		if m := d.awaitAnswer(d.say(d.ann, 0, 0, "/help"), "/lang"); strings.Contains(m.Text, "Here you can send me") {
			t.Errorf("%q", m.Text)
		}
		d.awaitAnswer(d.say(d.ann, 0, 0, "/lang xx"), "/lang en")
		d.awaitAnswer(d.say(d.ann, 0, 0, "/lang en"), "The language here is now English")
		d.awaitAnswer(d.say(d.ann, 0, 0, "/help"), "Here you can send me")
	})
	d.run(t, "a group's beats the person's; only administrators choose it", func(t *testing.T) {
		d.awaitAnswer(d.say(d.eve, d.support, 0, "/lang th"), "Only administrators")
		d.awaitAnswer(d.say(d.ann, d.support, 0, "/lang th"), "ภาษา")
		m := d.awaitAnswer(d.say(d.eve, d.support, 0, "/create_ticket เครื่องพิมพ์"), "🎫 ")
		if strings.Contains(m.Text, "Ticket opened") {
			t.Errorf("%q", m.Text)
		}
		topic := d.topicNamed(d.support, "เครื่องพิมพ์")
		if c := d.awaitText(d.support, topic.Thread, "🎫 #"); strings.Contains(c.Text, "Opened by") {
			t.Errorf("%q", c.Text)
		}
		d.restart()
		m = d.awaitAnswer(d.say(d.ann, d.support, 0, "/help"), "/create_ticket")
		if strings.Contains(m.Text, "Here you can send me") {
			t.Errorf("%q", m.Text)
		}
	})
}
