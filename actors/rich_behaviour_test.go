package actors_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
)

// write has somebody write a rich message, as Markdown.
func (d *desk) write(from, chat int64, thread int, markdown string) simulator.Message {
	d.t.Helper()
	return d.post(simulator.Post{From: from, Chat: chat, Thread: thread, Markdown: markdown})
}

// editRich has somebody edit a message of theirs to a rich one.
func (d *desk) editRich(m simulator.Message, markdown string) {
	d.t.Helper()
	_, err := d.sim.EditRich(m.From.ID, m.Chat, m.ID, markdown, nil)
	d.must(err)
}

// kinds lists the types of a rich message's blocks; none when it is not rich.
func kinds(m simulator.Message) (kinds []string) {
	if m.Rich == nil {
		return nil
	}
	var v struct{ Blocks []struct{ Type string } }
	_ = json.Unmarshal(m.Rich.Value, &v)
	for _, b := range v.Blocks {
		kinds = append(kinds, b.Type)
	}
	return kinds
}

// What people write with lists, tables and headings is read like a text, and copied as it looks.
func TestRichMessages(t *testing.T) {
	t.Parallel()
	d, k, eng := linked(t, options{})
	d.run(t, "the copy is a rich message below the sender's name, in both directions", func(t *testing.T) {
		d.write(d.ann, d.support, k.thread, "## Steps\n\nPlease **do** this\n\n1. restart it\n2. wait\n\n| a | b |\n|---|---|\n| 1 | 2 |")
		m := d.awaitText(d.engineering, eng, "Ann\nSteps\nPlease do this\n1. restart it\n2. wait\na | b\n1 | 2")
		same(t, "blocks", kinds(m), []string{"paragraph", "heading", "paragraph", "list", "table"})
		d.write(d.bob, d.engineering, eng, "> quoted\n\n```go\nx := 1\n```")
		m = d.awaitText(d.support, k.thread, "Bob\nquoted\nx := 1")
		same(t, "blocks", kinds(m), []string{"paragraph", "blockquote", "pre"})
	})
	d.run(t, "the issue's own message", func(t *testing.T) {
		m := d.post(simulator.Post{From: d.ann, Chat: d.support, Thread: k.thread, Rich: json.RawMessage(`{"blocks":[
			{"type":"paragraph","text":"Kindly do this"},
			{"type":"list","items":[{"label":"1.","blocks":[{"type":"paragraph","text":"unplug it"}]}]}]}`)})
		d.awaitText(d.engineering, eng, "Ann\nKindly do this\n1. unplug it")
		d.awaitShown(m)
		if got := d.said(m).Text; got != "Kindly do this\n1. unplug it" {
			t.Errorf("stored %q", got)
		}
	})
	d.run(t, "what Telegram refuses as rich goes once, as a text with its markup", func(t *testing.T) {
		for _, method := range []string{"RICH_MESSAGE_INVALID", "not enough rights to send rich messages to the chat"} {
			d.inject(simulator.Fault{Method: "sendRichMessage", Kind: simulator.Fault400, Description: method, Count: 1})
			after := d.last(d.engineering)
			d.write(d.ann, d.support, k.thread, "# Title\n\n- one\n- [x] done")
			d.say(d.ann, d.support, k.thread, "behind "+method)
			d.awaitText(d.engineering, eng, "behind "+method)
			same(t, "copies", d.since(d.engineering, eng, after),
				[]string{"Ann | Title | • one | ☑ done", "Ann | behind " + method})
			m, _ := d.find(d.engineering, eng, "☑ done")
			if m.Rich != nil || !hasEntity(m, "bold", 4, 5) {
				t.Errorf("%+v", m)
			}
		}
	})
	d.run(t, "an unknown block costs itself only", func(t *testing.T) {
		d.post(simulator.Post{From: d.ann, Chat: d.support, Thread: k.thread, Rich: json.RawMessage(`{"blocks":[
			{"type":"paragraph","text":"before it"},{"type":"hologram","text":["its ",{"type":"glow","text":"words"}],"x":7},
			{"type":"paragraph","text":"behind it"}]}`)})
		d.awaitText(d.engineering, eng, "Ann\nbefore it\nits words\nbehind it")
	})
	d.run(t, "one without a word says that there was something", func(t *testing.T) {
		d.post(simulator.Post{From: d.ann, Chat: d.support, Thread: k.thread, Rich: json.RawMessage(`{"blocks":[]}`)})
		d.awaitText(d.engineering, eng, "Ann\n[rich message]")
	})
	d.run(t, "a note stays in its topic, a command is carried out", func(t *testing.T) {
		d.write(d.ann, d.support, k.thread, "// secret\n\n- list")
		d.awaitAnswer(d.write(d.ann, d.support, k.thread, "/priority high\n\n- at once"), "")
		d.say(d.ann, d.support, k.thread, "behind the note")
		d.awaitText(d.engineering, eng, "behind the note")
		if m, found := d.find(d.engineering, eng, "secret"); found {
			t.Errorf("%q has crossed", m.Text)
		}
	})
	d.run(t, "a longer one goes as texts, whole", func(t *testing.T) {
		long := strings.Repeat("word after word ", 600)
		after := d.last(d.engineering)
		d.write(d.ann, d.support, k.thread, "# Long\n\n"+long+"\n\n- the end")
		d.awaitText(d.engineering, eng, "• the end")
		var words []string
		for _, m := range d.byBot(d.engineering, eng) {
			if m.ID > after {
				_, body, _ := strings.Cut(m.Text, "\n")
				words = append(words, strings.Fields(body)...)
			}
		}
		same(t, "words", words, slices.Concat([]string{"Long"}, strings.Fields(long), []string{"•", "the", "end"}))
	})
	d.run(t, "its medium goes along", func(t *testing.T) {
		id, err := d.sim.AddFile(*upload("photo"))
		d.must(err)
		d.post(simulator.Post{From: d.ann, Chat: d.support, Thread: k.thread, Rich: json.RawMessage(`{"blocks":[
			{"type":"paragraph","text":"Look here"},
			{"type":"photo","photo":[{"file_id":"` + id + `","file_unique_id":"u","width":1,"height":1}],"caption":{"text":"the leak"}},
			{"type":"paragraph","text":"and mend it"}]}`)})
		m := d.awaitText(d.engineering, eng, "Ann\nLook here\n[photo]\nthe leak\nand mend it")
		if m.Media == nil || m.Media.FileID != id {
			t.Errorf("the copy has the medium %+v", m.Media)
		}
	})
	d.quiet(k)
}

// Edits between plain and rich, in every direction, of copies that were posted as either.
func TestEditsOfRichMessages(t *testing.T) {
	t.Parallel()
	d, k, eng := linked(t, options{})
	for _, refused := range []bool{false, true} {
		name := "posted rich"
		if refused {
			name = "posted as a text"
		}
		d.run(t, name, func(t *testing.T) {
			if refused {
				d.inject(simulator.Fault{Method: "sendRichMessage", Kind: simulator.Fault400, Description: "X", Count: 1})
			}
			m := d.write(d.ann, d.support, k.thread, "- one "+name)
			was := d.awaitText(d.engineering, eng, "Ann\n• one "+name)
			if (was.Rich == nil) != refused {
				t.Fatalf("%+v", was)
			}
			for _, step := range []struct {
				rich bool
				text string
				want string
			}{
				{true, "- [ ] two\n- three", "Ann · edited\n☐ two\n• three"},
				{false, "plain", "Ann · edited\nplain"},
				{true, "## four", "Ann · edited\nfour"},
				{true, "## four\n\nfive", "Ann · edited\nfour\nfive"},
			} {
				if step.rich {
					d.editRich(m, step.text)
				} else {
					d.edit(m, step.text)
				}
				d.await(step.want, func() bool {
					is, _ := d.sim.Message(d.engineering, was.ID)
					return strings.ReplaceAll(is.Text, " · Support", "") == step.want && (is.Rich != nil) == step.rich
				})
			}
			d.awaitShown(m)
			d.edit(m, "final "+name)
			d.awaitText(d.engineering, eng, "final "+name)
		})
	}
	d.run(t, "a refused edit is shown as a text", func(t *testing.T) {
		m := d.say(d.ann, d.support, k.thread, "plain first")
		was := d.awaitText(d.engineering, eng, "plain first")
		d.inject(simulator.Fault{Method: "editMessageText", Kind: simulator.Fault400, Description: "RICH_MESSAGE_INVALID", Count: 1})
		d.editRich(m, "- item")
		is := d.awaitText(d.engineering, eng, "• item")
		if is.ID != was.ID || is.Rich != nil {
			t.Errorf("%+v", is)
		}
	})
	d.quiet(k)
}

// The words of rich messages wherever a text is read: replies, contexts, descriptions, private chats, lists.
func TestRichMessagesAreRead(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	opened := d.write(d.ann, d.support, 0, "/create_ticket Sink leaks\n\n- since **Monday**")
	k := &ticket{chat: d.support, id: d.ticketIDIn(d.awaitAnswer(opened, "Ticket opened: #").Text)}
	k.thread = d.topicNamed(d.support, "Sink leaks").Thread
	d.introduced(d.support, k.thread)
	d.awaitText(d.support, k.thread, "• since Monday")
	said := d.write(d.ann, d.support, k.thread, "- valve\n- pipe")
	d.awaitShown(said)
	eng := d.mention(d.ann, k, "@bob_eng", d.engineering)
	d.awaitText(d.engineering, eng, "• valve")
	t.Run("a reply without a counterpart shows its beginning", func(t *testing.T) {
		d.reply(d.ann, d.support, opened, "as I said")
		d.reply(d.ann, d.support, said, "the second one")
		d.awaitText(d.engineering, eng, "• valve • pipe\nthe second one")
	})
	t.Run("the API shows text and entities", func(t *testing.T) {
		m := d.write(d.ann, d.support, k.thread, "## Found by search")
		d.awaitText(d.engineering, eng, "Found by search")
		r := d.said(m)
		if r.Text != "Found by search" || len(r.Entities) != 1 || r.Entities[0].Type != "bold" {
			t.Errorf("%+v", r)
		}
		d.awaitEvent(k, messages.EventMessageSent)
	})
	t.Run("a private chat", func(t *testing.T) {
		p := d.openPrivately(d.ann, d.support, "Lamp")
		d.write(d.ann, d.ann, 0, "1. it is dark\n2. help")
		m := d.awaitText(d.support, p.thread, "1. it is dark\n2. help")
		same(t, "blocks", kinds(m), []string{"paragraph", "list"})
		d.write(d.carl, d.support, p.thread, "- coming")
		same(t, "blocks", kinds(d.awaitText(d.ann, 0, "• coming")), []string{"paragraph", "list"})
	})
}

// A description keeps as much as the API takes; the whole stands below each card.
func TestLongDescriptions(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	long := strings.Repeat("word after word ", 1000)
	d.write(d.ann, d.support, 0, "/create_ticket Sink leaks\n\n"+long+"the end")
	k := d.opened(d.support, "Sink leaks")
	shows := func(chat int64, thread int) {
		t.Helper()
		d.awaitText(chat, thread, "the end")
		same(t, "words", strings.Fields(strings.Join(d.afterCard(chat, thread), " ")), strings.Fields(long+"the end"))
	}
	shows(d.support, k.thread)
	shows(d.engineering, d.mention(d.ann, k, "@bob_eng", d.engineering))
	r, err := d.store.Ticket(t.Context(), k.id)
	d.must(err)
	if n := utf8.RuneCountInString(r.Description); n > 4000 || !strings.HasSuffix(r.Description, "…") {
		t.Errorf("%d characters are stored", n)
	}
}

// Rich messages that wait are merged as texts, and stay mergeable when they are edited.
func TestRichMessagesAreMerged(t *testing.T) {
	t.Parallel()
	d := ready(t, options{speed: 20})
	k := d.open(d.ann, d.support, "Printer")
	eng := d.mention(d.ann, k, "@bob_eng", d.engineering)
	d.paced()
	var last simulator.Message
	for i := range 40 {
		last = d.write(d.ann, d.support, k.thread, "- item "+itoa(i)+"\n- behind it")
	}
	d.awaitText(d.engineering, eng, "• item 39\n• behind it")
	var want []string
	for i := range 40 {
		want = append(want, "• item "+itoa(i)+"\n• behind it")
	}
	same(t, "copies", d.copies(d.engineering, eng), want)
	if len(d.shared(d.engineering, eng)) == 0 {
		t.Error("nothing was merged")
	}
	d.editRich(last, "1. changed")
	d.awaitText(d.engineering, eng, "1. changed")
	d.quiet(k)
}

// Rich messages cross from a private chat, and to it.
func TestRichMessagesInAPrivateChat(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	k := d.openPrivately(d.ann, d.support, "Lamp")
	d.write(d.ann, d.ann, 0, "1. it is **dark**")
	same(t, "blocks", kinds(d.awaitText(d.support, k.thread, "1. it is dark")), []string{"paragraph", "list"})
	d.write(d.eve, d.support, k.thread, "> switch it on")
	same(t, "blocks", kinds(d.awaitText(d.ann, 0, "switch it on")), []string{"paragraph", "blockquote"})
	d.quiet(k)
}
