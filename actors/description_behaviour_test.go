package actors_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
)

// on marks the first occurrence of a word in a text.
func on(text, word string, e simulator.Entity) simulator.Entity {
	before, _, _ := strings.Cut(text, word)
	e.Offset, e.Length = len(utf16.Encode([]rune(before))), len(utf16.Encode([]rune(word)))
	return e
}

// marked lists the markup of a message that Telegram does not find by itself, as "type word".
func marked(m simulator.Message, types ...string) []string {
	var all []string
	units := utf16.Encode([]rune(m.Text))
	for _, e := range m.Entities {
		if slices.Contains(types, e.Type) {
			all = append(all, e.Type+" "+string(utf16.Decode(units[e.Offset:e.Offset+e.Length]))+e.URL)
		}
	}
	slices.Sort(all)
	return all
}

var (
	spoiler  = simulator.Entity{Type: "spoiler"}
	code     = simulator.Entity{Type: "code"}
	textLink = simulator.Entity{Type: "text_link", URL: "https://example.org/7"}
)

func TestDescriptionsKeepTheirMarkup(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	const words = "ดู 🔥 the invoice of 1234, key abcd"
	want := []string{"code abcd", "spoiler 1234", "text_link the invoicehttps://example.org/7"}
	write := func(text string) []simulator.Entity {
		return []simulator.Entity{on(text, "the invoice", textLink), on(text, "1234", spoiler), on(text, "abcd", code)}
	}
	shows := func(t *testing.T, k *ticket, chat int64, thread int) {
		t.Helper()
		m := d.awaitText(chat, thread, d.head(k))
		got := slices.DeleteFunc(marked(m, "spoiler", "code", "text_link"), func(s string) bool {
			return !slices.Contains(want, s)
		})
		same(t, "the card's markup", got, want)
		if !slices.ContainsFunc(m.Entities, func(e simulator.Entity) bool { return e.Type == "blockquote" }) {
			t.Errorf("the card quotes nothing: %+v", m.Entities)
		}
	}
	d.run(t, "below a title, in the card of every topic, and in the event", func(t *testing.T) {
		text := "/create_ticket Wrong sum\n\n  " + words
		asked := d.post(simulator.Post{From: d.eve, Chat: d.support, Text: text, Entities: write(text)})
		k := &ticket{id: d.ticketIDIn(d.awaitAnswer(asked, "Ticket opened").Text), chat: d.support}
		k.thread = d.topicNamed(d.support, "Wrong sum").Thread
		shows(t, k, d.support, k.thread)
		d.introduced(d.support, k.thread)
		eng := d.mention(d.ann, k, "@bob_eng", d.engineering)
		shows(t, k, d.engineering, eng)
		var said struct {
			Ticket struct {
				Description         string
				DescriptionEntities []struct {
					Type           string
					Offset, Length int
				}
			}
		}
		d.must(json.Unmarshal(d.awaitEvent(k, messages.EventTicketCreated).Data, &said))
		if is := said.Ticket; is.Description != words || len(is.DescriptionEntities) != 3 || is.DescriptionEntities[0].Offset != 6 {
			t.Errorf("the event says %+v", said)
		}
		d.restart()
		d.say(d.ann, d.support, k.thread, "/ticket")
		shows(t, k, d.support, k.thread)
	})
	for name, text := range map[string]string{
		"behind a quoted title": `/create_ticket "Wrong sum" ` + words,
		"below a quoted title":  "/create_ticket “Wrong sum”\n" + words,
	} {
		d.run(t, name, func(t *testing.T) {
			asked := d.post(simulator.Post{From: d.eve, Chat: d.support, Text: text, Entities: write(text)})
			k := &ticket{id: d.ticketIDIn(d.awaitAnswer(asked, "Ticket opened").Text)}
			shows(t, k, d.support, d.topicOf(d.support, k))
		})
	}
	d.run(t, "of the answered message", func(t *testing.T) {
		m := d.post(simulator.Post{From: d.eve, Chat: d.support, Text: words, Entities: write(words)})
		a := d.awaitAnswer(d.reply(d.ann, d.support, m, "/create_ticket Sum\nin short"), "Ticket opened")
		k := &ticket{id: d.ticketIDIn(a.Text)}
		shows(t, k, d.support, d.topicOf(d.support, k))
	})
	d.run(t, "a title hides what the answered message hides", func(t *testing.T) {
		m := d.post(simulator.Post{From: d.eve, Chat: d.support, Text: words, Entities: write(words)})
		a := d.awaitAnswer(d.reply(d.ann, d.support, m, "/create_ticket"), "the invoice of ▒▒▒▒, key abcd")
		k := &ticket{id: d.ticketIDIn(a.Text)}
		shows(t, k, d.support, d.topicOf(d.support, k))
	})
	d.run(t, "a title that hides or links opens the description", func(t *testing.T) {
		text := "/create_ticket " + words + "\nbecause"
		asked := d.post(simulator.Post{From: d.eve, Chat: d.support, Text: text, Entities: write(text)})
		k := &ticket{id: d.ticketIDIn(d.awaitAnswer(asked, " ดู 🔥 the invoice of ▒▒▒▒, key abcd").Text)}
		shows(t, k, d.support, d.topicOf(d.support, k))
		if r := d.record(k); r.Description != words+"\nbecause" || strings.Contains(r.Home.Name, "1234") {
			t.Errorf("%q in %q", r.Description, r.Home.Name)
		}
	})
	d.run(t, "from a private chat, by way of the choice of a group", func(t *testing.T) {
		asked := d.awaitAnswer(d.say(d.eve, d.eve, 0, "/create_ticket"), "What is the ticket about?")
		text := "Sum in private\n" + words
		answer := d.post(simulator.Post{From: d.eve, Chat: d.eve, ReplyTo: asked.ID, Text: text, Entities: write(text)})
		choice := d.awaitAnswer(answer, "Where should Sum in private")
		d.restart()
		d.press(d.eve, choice, "pick:"+ticketOf(choice)+":g"+itoa64(d.support))
		k := d.openedPrivately(d.eve, d.support, "Sum in private")
		shows(t, k, d.support, k.thread)
		shows(t, k, d.eve, 0)
	})
	d.run(t, "changed by a program", func(t *testing.T) {
		k := d.opens("By program")
		marks := []*messages.Entity{{Type: "text_link", Offset: 6, Length: 11, Url: textLink.URL},
			{Type: "spoiler", Offset: 21, Length: 4}, {Type: "code", Offset: 31, Length: 4}}
		update := &messages.UpdateTicket{Origin: program(), Description: proto.String(words), DescriptionEntities: marks}
		d.does(k.id, update, "")
		d.await("the card shows it", func() bool {
			m, _ := d.find(d.support, k.thread, d.head(k))
			return strings.Contains(m.Text, words)
		})
		shows(t, k, d.support, k.thread)
		if e := string(d.awaitEvent(k, messages.EventTicketUpdated).Data); !strings.Contains(e, `"descriptionEntities":[{"type":"text_link"`) {
			t.Errorf("the event says %s", e)
		}
		before := d.shown(k.id).Revision
		d.does(k.id, &messages.UpdateTicket{Origin: program(), Description: proto.String(words), KeepEntities: true}, "")
		if d.shown(k.id).Revision != before {
			t.Error("what was sent back as it was read changed the ticket")
		}
		d.does(k.id, &messages.UpdateTicket{Origin: program(), Description: proto.String(words)}, "")
		if r := d.shown(k.id); len(r.DescriptionEntities) != 0 {
			t.Errorf("the markup stays: %v", r.DescriptionEntities)
		}
		d.await("the card without markup", func() bool {
			m, _ := d.find(d.support, k.thread, d.head(k))
			return len(marked(m, "spoiler")) == 0
		})
	})
	d.run(t, "what quotes by itself is not quoted once more", func(t *testing.T) {
		text := "/create_ticket Quote\nthey said no\nbut why"
		asked := d.post(simulator.Post{From: d.eve, Chat: d.support, Text: text, Entities: []simulator.Entity{
			on(text, "they said no", simulator.Entity{Type: "blockquote"})}})
		k := &ticket{id: d.ticketIDIn(d.awaitAnswer(asked, "Ticket opened").Text)}
		m := d.awaitText(d.support, d.topicOf(d.support, k), d.head(k))
		same(t, "quotations", marked(m, "blockquote", "expandable_blockquote"), []string{"blockquote they said no"})
	})
	d.run(t, "the context of a new link hides what messages hide", func(t *testing.T) {
		k := d.open(d.ann, d.support, "Context")
		d.post(simulator.Post{From: d.ann, Chat: d.support, Thread: k.thread, Text: words, Entities: write(words)})
		eng := d.mention(d.ann, k, "@bob_eng", d.engineering)
		same(t, "the context's markup", marked(d.awaitText(d.engineering, eng, words), "spoiler", "code", "text_link"), want)
	})
}
