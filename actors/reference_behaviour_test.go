package actors_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"unicode/utf16"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
	"github.com/topicdesk/topicdesk/storage"
)

// What a message answers in another place, and what of that people see.

// heard delivers a message in a topic whose fields the simulator's people can't make.
func (d *desk) heard(from, chat int64, thread int, fields string) {
	d.t.Helper()
	m := d.say(from, chat, 0, "a message id") // of the general topic
	raw := fmt.Sprintf(`{"message":{"message_id":%d,"date":%d,"message_thread_id":%d,"is_topic_message":true,
		"from":{"id":%d,"is_bot":false,"first_name":"Ann"},"chat":{"id":%d,"type":"supergroup","is_forum":true},%s}}`,
		m.ID, m.Date, thread, from, chat, fields)
	d.must(d.sim.RawUpdate([]byte(raw)))
}

// pictured shows a message with its links and quotes.
func pictured(m simulator.Message) string {
	text := strings.ReplaceAll(m.Text, "\n", " | ")
	for _, e := range m.Entities {
		if e.Type == "text_link" || e.Type == "spoiler" || e.Type == "blockquote" {
			text += fmt.Sprintf(" {%s}", strings.TrimSpace(e.Type+" "+cut(m.Text, e.Offset, e.Length)+" "+e.URL))
		}
	}
	return text
}

func cut(text string, offset, length int) string {
	units := utf16.Encode([]rune(text))
	return strings.ReplaceAll(string(utf16.Decode(units[offset:offset+length])), "\n", " | ")
}

// TestAnswersToMessagesElsewhere: what copies show of a message in the general topic follows it, though no ticket has it, and of a
// copy it is said who wrote the original.
func TestAnswersToMessagesElsewhere(t *testing.T) {
	t.Parallel()
	d, k, eng := linked(t, options{})
	d.mayDelete(d.support)
	answer := func(from int64, there simulator.Message, text string) simulator.Message {
		d.post(simulator.Post{From: from, Chat: d.support, Thread: k.thread, Text: text, ReplyTo: there.ID,
			Elsewhere: simulator.Elsewhere{ReplyChat: there.Chat}})
		return d.awaitText(d.engineering, eng, text)
	}
	d.run(t, "its edit, and its deletion", func(t *testing.T) {
		there := d.say(d.eve, d.support, 0, "the code is 1234")
		copied := answer(d.ann, there, "is that so?")
		d.awaitNow(copied, "the code is 1234", "nothing")
		d.edit(there, "the code is secret")
		d.awaitNow(copied, "the code is secret", "1234")
		d.awaitAnswer(d.reply(d.eve, d.support, there, "/delete"), "take those words out of the replies")
		d.awaitNow(copied, "is that so?", "secret")
		d.awaitDeleted(there)
		d.quiet(k)
		if n := d.events(k, messages.EventMessageEdited); n != 0 {
			t.Errorf("%d events", n)
		}
	})
	d.run(t, "all stays if its words in a description are not found", func(t *testing.T) {
		there := d.say(d.eve, d.support, 0, "it smells of smoke")
		other := &ticket{chat: d.support, id: d.ticketIDIn(d.awaitAnswer(
			d.reply(d.eve, d.support, there, "/create_ticket Smoke"), "Ticket opened").Text)}
		other.thread = d.topicNamed(d.support, "Smoke").Thread
		theirs := d.mention(d.ann, other, "@bob_eng", d.engineering)
		d.post(simulator.Post{From: d.ann, Chat: d.support, Thread: other.thread, Text: "since when?", ReplyTo: there.ID,
			Elsewhere: simulator.Elsewhere{ReplyChat: there.Chat}})
		copied := d.awaitText(d.engineering, theirs, "since when?")
		d.awaitNow(copied, "it smells of smoke", "nothing")
		rewritten := "Summary: it smells of smoke, on floor 4."
		d.does(other.id, &messages.UpdateTicket{Origin: program(), Description: &rewritten}, "")
		d.awaitAnswer(d.reply(d.eve, d.support, there, "/delete"), strayDescription)
		d.quiet(other)
		d.awaitNow(copied, "it smells of smoke", "deleted")
	})
	d.run(t, "the answer to a deletion in a group where the ticket has no topic has its number alone", func(t *testing.T) {
		other := d.open(d.bob, d.engineering, "Layoffs in May")
		d.must(d.sim.SetMember(d.support, d.bob, simulator.Member))
		there := d.say(d.eve, d.support, 0, "when do we get new chairs?")
		d.post(simulator.Post{From: d.bob, Chat: d.engineering, Thread: other.thread, Text: "not before then", ReplyTo: there.ID,
			Elsewhere: simulator.Elsewhere{ReplyChat: d.support}})
		d.eventually("it is recorded", func() bool { last, err := d.store.LastSequence(t.Context(), other.id); return err == nil && last == 1 })
		number := "#" + itoa64(d.record(other).Number)
		if m := d.awaitAnswer(d.reply(d.eve, d.support, there, "/delete"), "replies to them in "+number); strings.Contains(m.Text, "Layoffs") {
			t.Errorf("%q", m.Text)
		}
		d.quiet(other)
	})
	d.run(t, "a copy in another topic: by its author, not by the bot", func(t *testing.T) {
		other := d.open(d.ann, d.support, "Other")
		theirs := d.mention(d.ann, other, "@bob_eng", d.engineering)
		d.say(d.bob, d.engineering, theirs, "from engineering")
		there := d.awaitText(d.support, other.thread, "from engineering")
		d.quiet(other)
		copied := answer(d.ann, there, "what of this?")
		if !strings.Contains(copied.Text, "In reply to Bob") || strings.Contains(copied.Text, "Topicdesk") {
			t.Errorf("%q", copied.Text)
		}
	})
}

// TestTakingBackAfterACrash: words that several tickets show are taken back from each, and one answer says so, though the desk ends
// in between.
func TestTakingBackAfterACrash(t *testing.T) {
	t.Parallel()
	refuses := &refusesSecond{}
	d := ready(t, options{wrapStore: func(s storage.Store) storage.Store { refuses.Store = s; return refuses }})
	tickets := []*ticket{d.open(d.ann, d.support, "One"), d.open(d.ann, d.support, "Two"), d.open(d.ann, d.support, "Three")}
	said := d.say(d.eve, d.support, 0, "the gate code is 77")
	for _, k := range tickets {
		d.post(simulator.Post{From: d.ann, Chat: d.support, Thread: k.thread, Text: "is it?", ReplyTo: said.ID,
			Elsewhere: simulator.Elsewhere{ReplyChat: d.support}})
		d.eventually("it is recorded", func() bool { last, err := d.store.LastSequence(t.Context(), k.id); return err == nil && last == 1 })
	}
	d.quiet(tickets...)
	refuses.on.Store(true)
	command := d.reply(d.eve, d.support, said, "/delete")
	d.awaitAnswer(command, "take those words out of the replies")
	for _, k := range tickets {
		d.eventually("they are taken back", func() bool {
			page, err := d.store.MessagesAfter(t.Context(), k.id, 0, 1)
			return err == nil && page[0].ReplyTo.Deleted
		})
	}
	d.quiet(tickets...)
	answers := 0
	for _, m := range d.byBot(d.support, 0) {
		if m.ReplyTo == command.ID {
			answers++
		}
	}
	if answers != 1 || !refuses.refused.Load() {
		t.Errorf("%d answers, refused: %v", answers, refuses.refused.Load())
	}
}

// TestTakingBackWhileTelegramIsSilent: of several tickets that can't find out who may take words back, one says so.
func TestTakingBackWhileTelegramIsSilent(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	tickets := []*ticket{d.open(d.ann, d.support, "One"), d.open(d.ann, d.support, "Two"), d.open(d.ann, d.support, "Three")}
	said := d.say(d.eve, d.support, 0, "the gate code is 77")
	for _, k := range tickets {
		d.post(simulator.Post{From: d.ann, Chat: d.support, Thread: k.thread, Text: "is it?", ReplyTo: said.ID,
			Elsewhere: simulator.Elsewhere{ReplyChat: d.support}})
		d.eventually("it is recorded", func() bool { last, err := d.store.LastSequence(t.Context(), k.id); return err == nil && last == 1 })
	}
	d.quiet(tickets...)
	d.restart() // nothing is known any more
	d.inject(simulator.Fault{Method: "getChatAdministrators", Kind: simulator.Fault403, Description: "bot was kicked", Count: -1})
	command := d.reply(d.carl, d.support, said, "/delete")
	d.awaitAnswer(command, "could not find out who administers")
	d.quiet(tickets...)
	answers := 0
	for _, m := range d.byBot(d.support, 0) {
		if m.ReplyTo == command.ID {
			answers++
		}
	}
	if answers != 1 {
		t.Errorf("%d answers", answers)
	}
}

// refusesSecond refuses once, while it is on, to take an answered message out of the second ticket.
type refusesSecond struct {
	storage.Store
	on, refused atomic.Bool
	first       atomic.Value
}

func (s *refusesSecond) SaveMessage(ctx context.Context, m *storage.Message) error {
	if s.on.Load() && m.ReplyTo != nil && m.ReplyTo.Deleted {
		s.first.CompareAndSwap(nil, m.TicketID)
		if s.first.Load() != m.TicketID && s.refused.CompareAndSwap(false, true) {
			return storage.ErrUnavailable
		}
	}
	return s.Store.SaveMessage(ctx, m)
}

func TestReferences(t *testing.T) {
	t.Parallel()
	d, k, eng := linked(t, options{})
	const shop = `{"type":"channel","date":1,"chat":{"id":-1001,"type":"channel","title":"Shop","username":"shop"},"message_id":17}`
	type place struct {
		from, chat int64
		thread     int
		to         int64
		toThread   int
	}
	both := []place{{d.ann, d.support, k.thread, d.engineering, eng}, {d.bob, d.engineering, eng, d.support, k.thread}}
	sender := map[int64]string{d.ann: "Ann", d.bob: "Bob"}
	for i, tc := range []struct{ name, external, quote, want string }{
		{"a channel's post, quoted by Telegram", `{"origin":` + shop + `}`, "Returns end on\nFriday",
			"In reply to Shop | Returns end on Friday | %s {text_link Shop https://t.me/shop/17} {blockquote Returns end on Friday}"},
		{"its photo", `{"origin":` + shop + `,"photo":[{"file_id":"x","file_unique_id":"y","width":1,"height":1}]}`, "",
			"In reply to Shop | [photo] | %s {text_link Shop https://t.me/shop/17} {blockquote [photo]}"},
		{"a person", `{"origin":{"type":"user","date":1,"sender_user":{"id":9,"is_bot":false,"first_name":"Zoe","username":"zoe"}}}`, "",
			"In reply to Zoe | %s {text_link Zoe https://t.me/zoe}"},
		{"a hidden person's poll", `{"origin":{"type":"hidden_user","date":1,"sender_user_name":"Hid\u202eden\nName"},
			"poll":{"id":"1","question":"Tea?","options":[{"persistent_id":"a","text":"yes","voter_count":0}],"total_voter_count":0,"is_closed":false,"is_anonymous":true,"type":"regular","allows_multiple_answers":false}}`, "",
			"In reply to Hidden Name | [poll] Tea? | %s {blockquote [poll] Tea?}"},
		{"a group's message", `{"origin":{"type":"chat","date":1,"sender_chat":{"id":-1009,"type":"supergroup","title":"Club"},"author_signature":"Boss"},
			"chat":{"id":-1009,"type":"supergroup","title":"Club","username":"club"},"message_id":4,
			"contact":{"phone_number":"+66 1","first_name":"Nok"}}`, "",
			"In reply to Club (Boss) | [contact] Nok +66 1 | %s {text_link Club https://t.me/club/4} {blockquote [contact] Nok +66 1}"},
		{"a kind of origin that nobody knows", `{"origin":{"type":"planet","date":1}}`, "far away", "In reply to ? | far away | %s {blockquote far away}"},
	} {
		for _, p := range both {
			text := fmt.Sprint("question ", i, p.chat == d.support)
			want := sender[p.from] + " | " + fmt.Sprintf(strings.Replace(tc.want, "In reply", "💬 In reply", 1), text)
			d.run(t, tc.name, func(t *testing.T) {
				d.post(simulator.Post{From: p.from, Chat: p.chat, Thread: p.thread, Text: text, Quote: tc.quote,
					Elsewhere: simulator.Elsewhere{External: json.RawMessage(tc.external)}})
				c := d.awaitText(p.to, p.toThread, text)
				if got := pictured(c); got != want {
					t.Errorf("%s, want %s", got, want)
				}
				if c.Previewed() != "" {
					t.Errorf("the head's link is previewed: %s", c.Previewed())
				}
			})
		}
	}
	d.run(t, "a message in another group, whose spoiler stays one", func(t *testing.T) {
		there := d.post(simulator.Post{From: d.carl, Chat: d.sales, Text: "the code is 1234",
			Entities: []simulator.Entity{{Type: "spoiler", Offset: 12, Length: 4}}})
		d.post(simulator.Post{From: d.carl, Chat: d.support, Thread: k.thread, Text: "is that so?", ReplyTo: there.ID,
			Elsewhere: simulator.Elsewhere{ReplyChat: d.sales}})
		if got := pictured(d.awaitText(d.engineering, eng, "is that so?")); !strings.Contains(got, "the code is 1234 | is that so?") ||
			!strings.Contains(got, "{spoiler 1234}") {
			t.Error(got)
		}
	})
	d.run(t, "the words of an internal note in another topic stay there", func(t *testing.T) {
		other := d.open(d.ann, d.support, "Other")
		note := d.say(d.ann, d.support, other.thread, "// they will never pay")
		d.eventually("it is recorded", func() bool {
			_, err := d.store.Message(d.t.Context(), messages.MessageKey(d.support, int64(note.ID)))
			return err == nil
		})
		for i, quote := range []string{"", "never pay"} {
			text := fmt.Sprint("look there ", i)
			d.post(simulator.Post{From: d.ann, Chat: d.support, Thread: k.thread, Text: text, ReplyTo: note.ID, Quote: quote,
				Elsewhere: simulator.Elsewhere{ReplyChat: d.support}})
			if c := d.awaitText(d.engineering, eng, text); strings.Contains(c.Text, "pay") || !strings.Contains(c.Text, "In reply to Ann") {
				t.Error(c.Text)
			}
		}
	})
	d.run(t, "a message of another ticket is quoted, not answered in that ticket's topic", func(t *testing.T) {
		other := d.open(d.ann, d.support, "Another")
		there := d.mention(d.ann, other, "@bob_eng", d.engineering)
		said := d.say(d.bob, d.engineering, there, "said on another ticket")
		d.awaitText(d.support, other.thread, "said on another ticket")
		d.awaitCopied(said, 1)
		d.post(simulator.Post{From: d.bob, Chat: d.engineering, Thread: eng, Text: "as there", ReplyTo: said.ID,
			Elsewhere: simulator.Elsewhere{ReplyChat: d.engineering}})
		c := d.awaitText(d.support, k.thread, "as there")
		if c.ReplyTo != 0 || !strings.Contains(c.Text, "In reply to Bob\nsaid on another ticket\nas there") {
			t.Errorf("%q answers %d", c.Text, c.ReplyTo)
		}
	})
	d.run(t, "of a copy on another ticket its author is named once", func(t *testing.T) {
		other := d.open(d.ann, d.support, "Third")
		there := d.mention(d.ann, other, "@bob_eng", d.engineering)
		said := d.say(d.bob, d.engineering, there, "said by Bob")
		copied := d.awaitText(d.support, other.thread, "said by Bob")
		d.awaitCopied(said, 1)
		for i, quote := range []string{"", copied.Text, "said by"} { // what is said elsewhere, a quote with the sender, and one without
			text := fmt.Sprint("as there ", i)
			d.post(simulator.Post{From: d.ann, Chat: d.support, Thread: k.thread, Text: text, ReplyTo: copied.ID, Quote: quote,
				Elsewhere: simulator.Elsewhere{ReplyChat: d.support}})
			want := "In reply to Bob\nsaid by Bob\n" + text
			if i == 2 {
				want = "In reply to Bob\nsaid by\n" + text
			}
			if c := d.awaitText(d.engineering, eng, text); !strings.Contains(c.Text, want) {
				t.Errorf("%q, want %q", c.Text, want)
			}
		}
		d.quiet(k, other)
	})
	d.run(t, "a story", func(t *testing.T) {
		d.post(simulator.Post{From: d.bob, Chat: d.engineering, Thread: eng, Text: "nice one", Elsewhere: simulator.Elsewhere{
			ReplyStory: &simulator.StoryOf{Channel: simulator.Channel{ID: -1002, Title: "News", Username: "news"}, ID: 5}}})
		c := d.awaitText(d.support, k.thread, "nice one")
		if got := pictured(c); !strings.Contains(got, "In reply to News | [story] | nice one {text_link News https://t.me/news/s/5}") {
			t.Error(got)
		}
	})
	d.run(t, "the option of a poll, and the task of a checklist", func(t *testing.T) {
		poll := d.send(d.ann, d.support, k.thread, value("poll", `{"id":"7","question":"Tea?","options":[
			{"persistent_id":"a","text":"yes","voter_count":0},{"persistent_id":"b","text":"no, coffee","voter_count":0}],
			"total_voter_count":0,"is_closed":false,"is_anonymous":true,"type":"regular","allows_multiple_answers":false}`), "")
		d.awaitCopied(poll, 1)
		d.post(simulator.Post{From: d.ann, Chat: d.support, Thread: k.thread, Text: "this one", ReplyTo: poll.ID,
			Elsewhere: simulator.Elsewhere{ReplyOption: "b"}})
		if c := d.awaitText(d.engineering, eng, "this one"); c.ReplyTo == 0 || !strings.Contains(c.Text, "› no, coffee\nthis one") {
			t.Errorf("%q answers %d", c.Text, c.ReplyTo)
		}
		list := d.send(d.ann, d.support, k.thread, value("checklist", `{"title":"Move","tasks":[{"id":1,"text":"pack"},{"id":2,"text":"paint"}]}`), "")
		d.awaitCopied(list, 1)
		d.post(simulator.Post{From: d.ann, Chat: d.support, Thread: k.thread, Text: "that is done", ReplyTo: list.ID,
			Elsewhere: simulator.Elsewhere{ReplyTask: 2}})
		if c := d.awaitText(d.engineering, eng, "that is done"); c.ReplyTo == 0 || !strings.Contains(c.Text, "› paint\nthat is done") {
			t.Errorf("%q answers %d", c.Text, c.ReplyTo)
		}
	})
	d.run(t, "it stays above the copy when that is edited", func(t *testing.T) {
		m := d.post(simulator.Post{From: d.ann, Chat: d.support, Thread: k.thread, Text: "befor", Quote: "Friday",
			Elsewhere: simulator.Elsewhere{External: json.RawMessage(`{"origin":` + shop + `}`)}})
		d.awaitText(d.engineering, eng, "befor")
		d.awaitCopied(m, 1)
		d.edit(m, "before")
		d.awaitText(d.engineering, eng, "edited\n💬 In reply to Shop\nFriday\nbefore")
		d.quiet(k)
		list := asks[*messages.MessageRecords](d, messages.KindQuery, "", &messages.ListMessageRecords{TicketId: k.id, NewestFirst: true, Limit: 1})
		if c := list.Messages[0].Reference; c.GetOrigin().GetName() != "Shop" || c.Preview != "Friday" || c.Url != "https://t.me/shop/17" {
			t.Errorf("the API shows %v", c)
		}
	})
	d.run(t, "in a description", func(t *testing.T) {
		d.post(simulator.Post{From: d.ann, Chat: d.support, Text: "/create_ticket Refund", Quote: "Returns end",
			Elsewhere: simulator.Elsewhere{External: json.RawMessage(`{"origin":` + shop + `}`)}})
		at := d.topicNamed(d.support, "Refund").Thread
		d.awaitText(d.support, at, "↩️ Shop: “Returns end” https://t.me/shop/17")
	})
}

func TestReferenceOfWhatIsAskedAbout(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	d.asksAfterClosing()
	k := d.openPrivately(d.ann, d.support, "Printer")
	d.say(d.carl, d.support, k.thread, "Is it on?")
	copied := d.awaitText(d.ann, 0, "Is it on?")
	d.quiet(k)
	elsewhere := simulator.Elsewhere{External: json.RawMessage(`{"origin":{"type":"channel","date":1,
		"chat":{"id":-1001,"type":"channel","title":"Shop","username":"shop"},"message_id":17}}`)}
	d.say(d.ann, d.ann, 0, "/close_ticket")
	d.awaitText(d.ann, 0, "closed your ticket "+d.name(k))
	asked := func(text string) simulator.Message {
		sent := d.post(simulator.Post{From: d.ann, Chat: d.ann, Text: text, Elsewhere: elsewhere})
		return d.awaitAnswer(sent, "Not passed on")
	}
	about, fresh := asked("as there"), asked("Like this")
	d.awaitAnswer(d.reply(d.ann, d.ann, copied, "it is"), "Not passed on")
	d.quiet(k)
	d.restart()
	d.run(t, "a new ticket describes it", func(t *testing.T) {
		d.press(d.ann, fresh, "new")
		fresh := d.pick(d.ann, d.awaitText(d.ann, 0, "Where should Like this"), "Like this")
		if r := d.record(fresh); !strings.Contains(r.Description, "↩️ Shop https://t.me/shop/17") {
			t.Errorf("the description is %q", r.Description)
		}
	})
	d.run(t, "it stands above the message that a button passes on", func(t *testing.T) {
		d.press(d.ann, about, "say:")
		if m := d.awaitText(d.support, k.thread, "as there"); m.Text != "Ann\n💬 In reply to Shop\nas there" {
			t.Errorf("%q", m.Text)
		}
	})
	d.run(t, "an answer, which waited with it, stays one", func(t *testing.T) {
		m := d.awaitText(d.support, k.thread, "it is")
		if said, _ := d.sim.Message(d.support, m.ReplyTo); said.Text != "Is it on?" {
			t.Errorf("it answers %q", said.Text)
		}
	})
}
