package actors_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/topicdesk/topicdesk/simulator"
)

// A note stays in its topic: no ticket is opened from it, even where its message shows no more that it is one.
func TestCreateFromANote(t *testing.T) {
	t.Parallel()
	d := newTeam(t)
	topics := len(d.sim.Topics(d.support))
	note, command := d.here("// a liar"), d.here("/later 2h // a liar")
	for _, m := range []simulator.Message{note, command} {
		d.eventually("it is recorded", func() bool { _, err := d.store.Message(t.Context(), messageID(m)); return err == nil })
	}
	d.edit(command, "/later 2h and more")
	d.quiet(d.k)
	for _, m := range []simulator.Message{note, command} {
		d.awaitAnswer(d.reply(d.carl, d.support, m, "/create_ticket Complaint"), "what you reply to is an internal note")
		d.awaitAnswer(d.reply(d.carl, d.support, m, "/create_ticket"), "what you reply to is an internal note")
	}
	d.quiet(d.k)
	if n := len(d.sim.Topics(d.support)); n != topics {
		t.Errorf("%d topics, there were %d", n, topics)
	}
	d.awaitAnswer(d.reply(d.carl, d.support, d.here("it burns"), "/create_ticket"), "Ticket opened")
}

func TestCreate(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	d.run(t, "a topic with a card, pinned, and an answer with a link to it", func(t *testing.T) {
		asked := d.say(d.eve, d.support, 0, "/create_ticket Printer on fire\nIt burns\nbrightly")
		answer := d.awaitAnswer(asked, " Printer on fire")
		id := d.ticketIDIn(answer.Text)
		topic := d.topicNamed(d.support, "Printer on fire")
		if topic.Name != d.number(&ticket{id: id})+" Printer on fire" {
			t.Errorf("%q", topic.Name)
		}
		link := ""
		for _, e := range answer.Entities {
			link += e.URL
		}
		if !strings.HasPrefix(link, "https://t.me/c/") || !strings.HasSuffix(link, "/"+itoa(topic.Thread)) {
			t.Errorf("link %q", link)
		}
		card := d.awaitText(d.support, topic.Thread, "🎫 #")
		for _, part := range []string{"Printer on fire", "It burns\nbrightly", "Open", "normal", "Opened by Eve"} {
			if !strings.Contains(card.Text, part) {
				t.Errorf("no %q in %q", part, card.Text)
			}
		}
		var data []string
		for _, row := range card.Buttons {
			for _, b := range row {
				data = append(data, b.Data)
			}
		}
		same(t, "buttons", data, []string{"claim:" + id, "mention:" + id, "pending:" + id, "priority:" + id, "close:" + id})
		d.await("the card is pinned", func() bool { m, _ := d.sim.Message(d.support, card.ID); return m.Pinned })
		r := d.record(&ticket{id: id})
		if r.Title != "Printer on fire" || r.Description != "It burns\nbrightly" || r.Status != "open" ||
			r.CreatedBy.Name != "Eve" {
			t.Errorf("%+v", r)
		}
	})
	d.run(t, "two quick identical commands are two tickets, one topic each", func(t *testing.T) {
		before := d.calls("createForumTopic", 0)
		a, b := d.say(d.ann, d.support, 0, "/create_ticket Twice"), d.say(d.ann, d.support, 0, "/create_ticket Twice")
		x, y := d.ticketIDIn(d.awaitAnswer(a, "Ticket opened").Text), d.ticketIDIn(d.awaitAnswer(b, "Ticket opened").Text)
		if x == y {
			t.Error(x)
		}
		if n := d.calls("createForumTopic", 0) - before; n != 2 {
			t.Errorf("%d calls", n)
		}
	})
	d.run(t, "the same update twice is one ticket", func(t *testing.T) {
		m := d.say(d.ann, d.support, 0, "/create_ticket Only one")
		d.awaitAnswer(m, "Ticket opened")
		before := len(d.visible(d.support, 0))
		d.restart() // so that intake no longer knows what it handled
		d.must(d.sim.RawUpdate(fmt.Appendf(nil, `{"message":{"message_id":%d,"date":%d,"from":{"id":%d,"first_name":"Ann"},
			"chat":{"id":%d,"type":"supergroup","title":"Support","is_forum":true},"text":"/create_ticket Only one"}}`,
			m.ID, m.Date, d.ann, d.support)))
		d.awaitAnswer(d.say(d.ann, d.support, 0, "/help"), "/create_ticket")
		if n := len(d.visible(d.support, 0)) - before; n != 2 {
			t.Errorf("%d messages more", n)
		}
	})
	d.run(t, "without a title the bot asks, and the answer is the title", func(t *testing.T) {
		q := d.awaitAnswer(d.say(d.eve, d.support, 0, "/create_ticket"), "What is the ticket about?")
		if !strings.Contains(string(q.ReplyMarkup), "force_reply") {
			t.Errorf("%s", q.ReplyMarkup)
		}
		a := d.awaitAnswer(d.reply(d.eve, d.support, q, "Coffee is cold\nvery cold"), " Coffee is cold")
		r := d.record(&ticket{id: d.ticketIDIn(a.Text)})
		if r.Title != "Coffee is cold" || r.Description != "very cold" {
			t.Errorf("%+v", r)
		}
	})
	d.run(t, "in reply to a message, which becomes the description", func(t *testing.T) {
		m := d.say(d.eve, d.support, 0, "The lift is stuck\nbetween floors 3 and 4")
		a := d.awaitAnswer(d.reply(d.ann, d.support, m, "/create_ticket Lift"), " Lift")
		if r := d.record(&ticket{id: d.ticketIDIn(a.Text)}); r.Description != "The lift is stuck\nbetween floors 3 and 4" {
			t.Errorf("%q", r.Description)
		}
		a = d.awaitAnswer(d.reply(d.ann, d.support, m, "/create_ticket"), " The lift is stuck")
		if r := d.record(&ticket{id: d.ticketIDIn(a.Text)}); r.Title != "The lift is stuck" {
			t.Errorf("%q", r.Title)
		}
	})
	d.run(t, "quoted title and description on one line", func(t *testing.T) {
		asked := d.say(d.ann, d.support, 0, `/create_ticket "Broken door" it squeaks`)
		a := d.awaitAnswer(asked, " Broken door")
		if r := d.record(&ticket{id: d.ticketIDIn(a.Text)}); r.Description != "it squeaks" {
			t.Errorf("%q", r.Description)
		}
	})
	d.run(t, "a long title is cut at a character in the topic's name, not in the card", func(t *testing.T) {
		title := strings.Repeat("👨‍👩‍👧‍👦 กำ", 22)
		a := d.awaitAnswer(d.say(d.ann, d.support, 0, "/create_ticket "+title), "Ticket opened")
		id := d.ticketIDIn(a.Text)
		topic := d.topicNamed(d.support, "👨‍👩‍👧‍👦")
		if n := utf8.RuneCountInString(topic.Name); n > 128 || !strings.HasPrefix(topic.Name, d.number(&ticket{id: id})+" ") {
			t.Errorf("%d characters: %q", n, topic.Name)
		}
		if r := d.record(&ticket{id: id}); r.Title != title {
			t.Errorf("%q", r.Title)
		}
	})
	d.run(t, "a topic that can't be opened is told", func(t *testing.T) {
		d.inject(simulator.Fault{
			Method: "createForumTopic", Kind: simulator.Fault400,
			Description: "not enough rights to create a topic",
		})
		m := d.say(d.ann, d.support, 0, "/create_ticket Doomed")
		d.awaitAnswer(m, "could not be opened")
	})
}

func TestLostAnswerOfCreateForumTopic(t *testing.T) {
	d := ready(t, options{speed: 20})
	for _, fault := range []string{simulator.FaultLost, simulator.FaultReset} {
		d.run(t, fault, func(t *testing.T) {
			before := d.calls("createForumTopic", 0)
			d.inject(simulator.Fault{Method: "createForumTopic", Kind: fault})
			k := d.open(d.ann, d.support, "Answer "+fault)
			topics := 0
			for _, topic := range d.sim.Topics(d.support) {
				if strings.HasPrefix(unnumbered(topic.Name), "Answer "+fault) {
					topics++
				}
			}
			// a call whose connection was reset was not carried out
			want := map[string]int{simulator.FaultLost: 1, simulator.FaultReset: 2}[fault]
			if n := d.calls("createForumTopic", 0) - before; topics != 1 || n != want {
				t.Errorf("%d topics by %d calls", topics, n)
			}
			d.say(d.ann, d.support, k.thread, "recorded")
			d.eventually("recorded", func() bool {
				n, err := d.store.LastSequence(t.Context(), k.id)
				return err == nil && n == 1
			})
		})
	}
	d.run(t, "killed before the answer: the next process adopts", func(t *testing.T) {
		d.inject(simulator.Fault{Method: "createForumTopic", Kind: simulator.FaultLostSlow, Delay: 300e6})
		before := d.calls("createForumTopic", 0)
		m := d.say(d.ann, d.support, 0, "/create_ticket Orphan")
		d.topicNamed(d.support, "Orphan")
		d.restart()
		d.awaitAnswer(m, "Ticket opened")
		if n := d.calls("createForumTopic", 0) - before; n != 1 {
			t.Errorf("%d calls", n)
		}
	})
}
