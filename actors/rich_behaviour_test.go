package actors_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
	"github.com/topicdesk/topicdesk/storage"
)

// richList is what somebody writes with a list.
const richList = `<p>Please do this</p><ol><li>restart <b>it</b></li><li>call @bob<ul><li>soon</li></ul></li></ol>
	<table><tr><th>a</th><td>b</td></tr></table><pre><code class="language-go">x := 1
y</code></pre><blockquote>said<cite>Eve</cite></blockquote>`

const richListWords = "Please do this | 1. restart it | 2. call @bob |   • soon | a | b | x := 1 | y | said | — Eve"

// postRich posts HTML as a rich message.
func (d *desk) postRich(from, chat int64, thread int, html string) simulator.Message {
	d.t.Helper()
	return d.post(simulator.Post{From: from, Chat: chat, Thread: thread, Rich: &simulator.Rich{HTML: html}})
}

// blocks are the blocks of a rich message without the first, which names the sender.
func blocks(t *testing.T, m simulator.Message) string {
	t.Helper()
	var r struct {
		Blocks []json.RawMessage `json:"blocks"`
	}
	if err := json.Unmarshal(m.Rich, &r); err != nil || len(r.Blocks) < 2 {
		t.Fatalf("not a rich copy: %q %s", m.Text, m.Rich)
	}
	out, _ := json.Marshal(r.Blocks[1:])
	return string(out)
}

// A rich message is copied as one, in both directions.
func TestRichMessages(t *testing.T) {
	t.Parallel()
	d, k, eng := linked(t, options{})
	for _, way := range []struct {
		by, from, to int64
		source, into int
		name         string
	}{{d.ann, d.support, d.engineering, k.thread, eng, "Ann"}, {d.bob, d.engineering, d.support, eng, k.thread, "Bob"}} {
		original := d.postRich(way.by, way.from, way.source, richList)
		m := d.awaitText(way.to, way.into, "Please do this")
		if !strings.HasPrefix(m.Text, way.name+"\n") {
			t.Errorf("the copy is %q", m.Text)
		}
		var want struct {
			Blocks json.RawMessage `json:"blocks"`
		}
		_ = json.Unmarshal(original.Rich, &want)
		if got := blocks(t, m); got != string(want.Blocks) {
			t.Errorf("blocks\n%s, want\n%s", got, want.Blocks)
		}
	}
	d.quiet(k)
}

// What Telegram refuses as a rich message arrives as a text, whole and once.
func TestRichMessagesThatAreRefused(t *testing.T) {
	t.Parallel()
	d, k, eng := linked(t, options{})
	refuse := func(method string) {
		d.inject(simulator.Fault{Method: method, Kind: simulator.Fault400, Description: "RICH_MESSAGE_INVALID"})
	}
	text := func(m simulator.Message) string { return strings.ReplaceAll(m.Text, "\n", " | ") }
	d.run(t, "a short one", func(t *testing.T) {
		refuse("sendRichMessage")
		d.postRich(d.ann, d.support, k.thread, richList)
		m := d.awaitText(d.engineering, eng, "Please do this")
		if m.Rich != nil || text(m) != "Ann | "+richListWords {
			t.Errorf("%s %q", m.Rich, text(m))
		}
	})
	long := strings.Repeat("<p>"+strings.Repeat("คำ ", 400)+"</p>", 8) + "<p>the end</p>"
	d.run(t, "a long one takes several texts, before what follows", func(t *testing.T) {
		after := d.last(d.engineering)
		refuse("sendRichMessage")
		d.postRich(d.ann, d.support, k.thread, long)
		d.say(d.ann, d.support, k.thread, "behind")
		d.awaitText(d.engineering, eng, "behind")
		got := d.since(d.engineering, eng, after)
		if len(got) != 4 || !strings.HasPrefix(got[0], "Ann (1/3)") || !strings.HasPrefix(got[1], "Ann (2/3)") ||
			!strings.HasSuffix(got[2], "the end") || got[3] != "Ann | behind" {
			t.Errorf("%d messages: %.60q", len(got), got)
		}
		if n := strings.Count(strings.Join(got, ""), "คำ"); n != 3200 {
			t.Errorf("%d words, want 3200", n)
		}
	})
	d.run(t, "a long one that is accepted is one message", func(t *testing.T) {
		after := d.last(d.engineering)
		d.postRich(d.ann, d.support, k.thread, long)
		d.say(d.ann, d.support, k.thread, "behind it")
		d.awaitText(d.engineering, eng, "behind it")
		if got := d.since(d.engineering, eng, after); len(got) != 2 || !strings.HasSuffix(got[0], "the end") {
			t.Errorf("%d messages: %.60q", len(got), got)
		}
	})
	d.run(t, "an edit", func(t *testing.T) {
		m := d.say(d.ann, d.support, k.thread, "edit me")
		c := d.awaitText(d.engineering, eng, "edit me")
		after := d.last(d.engineering)
		refuse("editMessageText")
		_, err := d.sim.EditRich(d.ann, d.support, m.ID, simulator.Rich{HTML: long + "<p>of all</p>"})
		d.must(err)
		d.awaitText(d.engineering, eng, "of all")
		c, _ = d.sim.Message(d.engineering, c.ID)
		got := append([]string{c.Text}, d.since(d.engineering, eng, after)...)
		if len(got) != 3 || strings.Count(strings.Join(got, ""), "คำ") != 3200 || c.Rich != nil {
			t.Errorf("%d messages: %.60q", len(got), got)
		}
		_, err = d.sim.EditRich(d.ann, d.support, m.ID, simulator.Rich{Markdown: "* short"})
		d.must(err)
		d.await("the texts that are left over to go", func() bool {
			return len(d.since(d.engineering, eng, after)) == 0
		})
		if c, _ = d.sim.Message(d.engineering, c.ID); c.Rich == nil || text(c) != "Ann · edited | • short" {
			t.Errorf("%q %s", text(c), c.Rich)
		}
	})
	d.quiet(k)
}

// A process ends after the first text of a rich message that was refused: the next one posts the rest.
func TestRestartWithinARefusedRichMessage(t *testing.T) {
	t.Parallel()
	d, k, eng := linked(t, options{})
	after := d.last(d.engineering)
	d.inject(simulator.Fault{Method: "sendRichMessage", Kind: simulator.Fault400, Description: "RICH_MESSAGE_INVALID"})
	d.inject(simulator.Fault{Method: "sendMessage", Kind: simulator.Fault500, Chat: d.engineering, Count: -1, After: 1})
	d.postRich(d.ann, d.support, k.thread, strings.Repeat("<p>"+strings.Repeat("คำ ", 400)+"</p>", 8)+"<p>the end</p>")
	d.say(d.ann, d.support, k.thread, "behind")
	d.await("the first text, and a call for the second", func() bool {
		return len(d.since(d.engineering, eng, after)) == 1 && d.calls("sendMessage", d.engineering) > 1
	})
	d.restart()
	d.sim.ClearFaults()
	d.awaitText(d.engineering, eng, "behind")
	got := d.since(d.engineering, eng, after)
	if len(got) != 4 || strings.Count(strings.Join(got, ""), "คำ") != 3200 || !strings.HasPrefix(got[1], "Ann (2/3)") ||
		!strings.HasSuffix(got[2], "the end") {
		t.Errorf("%d messages: %.60q", len(got), got)
	}
	if n := d.calls("sendRichMessage", d.engineering); n != 1 {
		t.Errorf("%d calls as a rich message", n)
	}
	d.quiet(k)
}

// An edit changes one kind into the other, in the same message.
func TestEditsOfRichMessages(t *testing.T) {
	t.Parallel()
	d, k, eng := linked(t, options{})
	m := d.say(d.ann, d.support, k.thread, "plain 0")
	c := d.awaitText(d.engineering, eng, "plain 0")
	for i, rich := range []string{"<ul><li>rich 1</li></ul>", "<ol><li>rich 2</li></ol>", "", "<p>rich <b>4</b></p>", "<p>rich 4</p>"} {
		want := strings.Join(strings.Fields(strings.NewReplacer("<", " <", ">", "> ").Replace(rich)), " ")
		if rich == "" {
			_, err := d.sim.Edit(d.ann, d.support, m.ID, "plain 3")
			d.must(err)
		} else {
			_, err := d.sim.EditRich(d.ann, d.support, m.ID, simulator.Rich{HTML: rich})
			d.must(err)
		}
		original, _ := d.sim.Message(d.support, m.ID)
		d.await("edit "+itoa(i)+" "+want, func() bool {
			now, _ := d.sim.Message(d.engineering, c.ID)
			if (now.Rich != nil) != (rich != "") || !strings.HasSuffix(now.Text, "edited\n"+original.Text) {
				return false
			}
			return rich == "" || blocks(t, now) == richBlocks(original)
		})
	}
	if n := len(d.since(d.engineering, eng, c.ID)); n != 0 {
		t.Errorf("%d more messages", n)
	}
	d.quiet(k)
}

// richBlocks are the blocks of a message of a person.
func richBlocks(m simulator.Message) string {
	var r struct {
		Blocks json.RawMessage `json:"blocks"`
	}
	_ = json.Unmarshal(m.Rich, &r)
	return string(r.Blocks)
}

// Whatever is read from a text is read from a rich message, too.
func TestRichMessagesAreRead(t *testing.T) {
	t.Parallel()
	d, k, eng := linked(t, options{})
	d.run(t, "an internal note stays where it is", func(t *testing.T) {
		d.postRich(d.ann, d.support, k.thread, "<p>// secret</p><ul><li>plan</li></ul>")
		d.postRich(d.ann, d.support, k.thread, "<ul><li>open</li></ul>")
		d.awaitText(d.engineering, eng, "open")
		if m, leaked := d.find(d.engineering, eng, "plan"); leaked {
			t.Errorf("leaked: %q", m.Text)
		}
	})
	d.run(t, "a command with its title, its description and its people", func(t *testing.T) {
		asked := d.postRich(d.ann, d.support, 0, "<p>/create_ticket Wrong sum</p><ul><li>the invoice</li></ul>")
		a := d.awaitAnswer(asked, "Ticket opened: Wrong sum")
		if other := d.record(&ticket{id: ticketIDIn(a.Text)}); other.Description != "• the invoice" {
			t.Errorf("description %q", other.Description)
		}
		d.postRich(d.ann, d.support, k.thread, "<h1>/priority high</h1>")
		d.awaitText(d.support, k.thread, "priority")
	})
	d.run(t, "what is stored, and told to programs, has the words and their markup", func(t *testing.T) {
		m := d.postRich(d.ann, d.support, k.thread, "<ul><li>find <b>me</b></li></ul>")
		d.awaitText(d.engineering, eng, "find me")
		said, err := d.store.Message(t.Context(), messages.MessageKey(m.Chat, int64(m.ID)))
		d.must(err)
		if said.Text != "• find me" || len(said.Entities) != 1 || said.Entities[0].Type != "bold" || said.Entities[0].Offset != 7 {
			t.Errorf("%q %v", said.Text, said.Entities)
		}
		d.eventually("the event", func() bool {
			events, err := d.store.EventsAfter(t.Context(), k.id, 0, 1000)
			d.must(err)
			return slices.ContainsFunc(events, func(e storage.Event) bool {
				return e.Type == messages.EventMessageSent && strings.Contains(string(e.Data), "• find me")
			})
		})
	})
	d.run(t, "a reply shows the beginning of what has no counterpart", func(t *testing.T) {
		before := d.postRich(d.ann, d.support, k.thread, "<p>// internal</p>")
		open := d.postRich(d.carl, d.support, k.thread, "<table><tr><td>a</td><td>b</td></tr></table>")
		c := d.awaitText(d.engineering, eng, "a | b")
		d.reply(d.ann, d.support, before, "to the note")
		if m := d.awaitText(d.engineering, eng, "to the note"); strings.Contains(m.Text, "internal") {
			t.Errorf("%q", m.Text)
		}
		d.reply(d.bob, d.engineering, c, "to the table")
		if m := d.awaitText(d.support, k.thread, "to the table"); m.ReplyTo != open.ID {
			t.Errorf("answers %d, want %d", m.ReplyTo, open.ID)
		}
		d.post(simulator.Post{From: d.ann, Chat: d.support, Thread: k.thread, ReplyTo: open.ID,
			Rich: &simulator.Rich{HTML: "<ol><li>rich answer</li></ol>"}})
		if m := d.awaitText(d.engineering, eng, "rich answer"); m.ReplyTo != c.ID || m.Rich == nil {
			t.Errorf("answers %d, want %d", m.ReplyTo, c.ID)
		}
	})
	d.run(t, "it is the context of a new topic", func(t *testing.T) {
		sales := d.mention(d.ann, k, "@dora_s", d.sales)
		d.awaitText(d.sales, sales, "a | b")
	})
	d.run(t, "forwarded", func(t *testing.T) {
		d.post(simulator.Post{From: d.ann, Chat: d.support, Thread: k.thread, Rich: &simulator.Rich{HTML: "<p>news <i>of</i> today</p>"},
			Forward: &simulator.Origin{Name: "Somebody", Date: 1}})
		m := d.awaitText(d.engineering, eng, "news of today")
		if m.Rich == nil || !strings.Contains(m.Text, "Forwarded from Somebody") {
			t.Errorf("%q", m.Text)
		}
	})
	d.run(t, "protected", func(t *testing.T) {
		d.post(simulator.Post{From: d.ann, Chat: d.support, Thread: k.thread, Protected: true,
			Rich: &simulator.Rich{HTML: "<p>do not copy</p>"}})
		d.say(d.ann, d.support, k.thread, "after it")
		d.awaitText(d.engineering, eng, "after it")
		if _, leaked := d.find(d.engineering, eng, "do not copy"); leaked {
			t.Error("leaked")
		}
	})
	d.quiet(k)
}

// Rich messages cross to and from a private chat.
func TestRichMessagesInAPrivateChat(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	k := d.openPrivately(d.ann, d.support, "Lamp")
	d.postRich(d.ann, d.ann, 0, richList)
	if m := d.awaitText(d.support, k.thread, "Please do this"); m.Rich == nil || !strings.HasPrefix(m.Text, "Ann\n") {
		t.Errorf("%q", m.Text)
	}
	d.postRich(d.eve, d.support, k.thread, "<ol><li>switch it on</li></ol>")
	if m := d.awaitText(d.ann, 0, "switch it on"); m.Rich == nil {
		t.Errorf("%q", m.Text)
	}
}

// A rich message that waits with others is merged with them, as a text.
func TestRichMessagesAreMerged(t *testing.T) {
	t.Parallel()
	d := ready(t, options{speed: 20})
	k := d.open(d.ann, d.support, "Printer")
	eng := d.mention(d.ann, k, "bob_eng", d.engineering)
	d.paced()
	var originals []simulator.Message
	for i := range 40 {
		originals = append(originals, d.postRich(d.ann, d.support, k.thread, "<ul><li>item <b>"+itoa(i)+"</b> of it</li></ul>"))
	}
	d.awaitText(d.engineering, eng, "item 39 of it")
	all := d.shared(d.engineering, eng)
	if len(all) == 0 {
		t.Fatal("nothing was merged")
	}
	got := ""
	for _, m := range d.byBot(d.engineering, eng) {
		got += m.Text + "\n"
	}
	for i := range 40 {
		if n := strings.Count(got, "• item "+itoa(i)+" of it"); n != 1 {
			t.Errorf("item %d is there %d times", i, n)
		}
	}
	merged := slices.IndexFunc(originals, func(m simulator.Message) bool { return strings.Contains(all[0].Text, m.Text) })
	_, err := d.sim.EditRich(d.ann, d.support, originals[merged].ID, simulator.Rich{HTML: "<ol><li>another</li></ol>"})
	d.must(err)
	if m := d.awaitText(d.engineering, eng, "1. another"); len(joined(m)) < 2 {
		t.Errorf("%q", m.Text)
	}
	d.quiet(k)
}
