package actors_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
)

// three is a ticket with three topics: home in Support, Engineering, Sales.
func three(t *testing.T, d *desk) (k *ticket, eng, sales int) {
	t.Helper()
	k = d.open(d.ann, d.support, "Printer")
	return k, d.mention(d.ann, k, "bob_eng", d.engineering), d.mention(d.ann, k, "dora_s", d.sales)
}

func TestSync(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	k, eng, sales := three(t, d)
	d.run(t, "each text appears once in every other topic, with name and group", func(t *testing.T) {
		d.say(d.ann, d.support, k.thread, "from home")
		d.say(d.bob, d.engineering, eng, "from engineering")
		d.say(d.dora, d.sales, sales, "from sales")
		for part, where := range map[string][2][2]int64{
			"Ann · Support\nfrom home":            {{d.engineering, int64(eng)}, {d.sales, int64(sales)}},
			"Bob · Engineering\nfrom engineering": {{d.support, int64(k.thread)}, {d.sales, int64(sales)}},
			"Dora · Sales\nfrom sales":            {{d.support, int64(k.thread)}, {d.engineering, int64(eng)}},
		} {
			for _, w := range where {
				d.awaitText(w[0], int(w[1]), part)
			}
		}
		d.quiet(k)
		for chat, thread := range map[int64]int{d.support: k.thread, d.engineering: eng, d.sales: sales} {
			if n := len(d.copies(chat, thread)); n != 2 {
				t.Errorf("%d copies in %d: %q", n, chat, d.copies(chat, thread))
			}
		}
	})
	var quick simulator.Message // the first of them
	d.run(t, "fifty quick messages keep their order in every topic", func(t *testing.T) {
		var want []string
		for i := range 50 {
			want = append(want, "quick "+strconv.Itoa(i))
			if m := d.say(d.bob, d.engineering, eng, want[i]); i == 0 {
				quick = m
			}
		}
		for chat, thread := range map[int64]int{d.support: k.thread, d.sales: sales} {
			d.awaitText(chat, thread, "quick 49")
			got := d.copies(chat, thread)
			same(t, "copies", got[len(got)-50:], want)
		}
	})
	d.run(t, "a reply to what was said long before finds its copies", func(t *testing.T) {
		d.reply(d.bob, d.engineering, quick, "about the first")
		for chat, thread := range map[int64]int{d.support: k.thread, d.sales: sales} {
			first, m := d.awaitText(chat, thread, "quick 0"), d.awaitText(chat, thread, "about the first")
			if m.ReplyTo != first.ID {
				t.Errorf("it answers %d, want %d", m.ReplyTo, first.ID)
			}
		}
	})
	d.run(t, "formatting, links and mentions go over", func(t *testing.T) {
		text := "😀 bold https://example.org @dora_s Eve 𝕏 code"
		unit := func(part string) int { return messages.UTF16Len(text[:strings.Index(text, part)]) }
		eve := []byte(`{"id":` + itoa(int(d.eve)) + `,"is_bot":false,"first_name":"Eve"}`)
		d.post(simulator.Post{From: d.ann, Chat: d.support, Thread: k.thread, Text: text, Entities: []simulator.Entity{
			{Type: "bold", Offset: unit("bold"), Length: 4},
			{Type: "text_link", Offset: 0, Length: 2, URL: "https://example.com/x"},
			{Type: "url", Offset: unit("https"), Length: 19},
			{Type: "mention", Offset: unit("@dora"), Length: 7},
			{Type: "text_mention", Offset: unit("Eve"), Length: 3, User: eve},
			{Type: "code", Offset: unit("code"), Length: 4},
		}})
		m := d.awaitText(d.engineering, eng, text)
		got := map[string]string{}
		units := []rune{}
		for _, r := range m.Text { // a rune of two units counts twice
			units = append(units, r)
			if r > 0xFFFF {
				units = append(units, r)
			}
		}
		for _, e := range m.Entities {
			got[e.Type] = string(units[e.Offset : e.Offset+e.Length])
		}
		for kind, want := range map[string]string{
			"text_link": "😀😀", "mention": "@dora_s", "text_mention": "Eve", "code": "code",
		} {
			if got[kind] != want {
				t.Errorf("%s marks %q, want %q", kind, got[kind], want)
			}
		}
	})
	d.run(t, "a long text is split at words, nothing lost", func(t *testing.T) {
		text := strings.TrimSpace(strings.Repeat("wörd😀 ", 585))
		if n := messages.UTF16Len(text); n > 4096 || n < 4000 {
			t.Fatal(n)
		}
		d.quiet(k)
		d.quiet(k)
		before := len(d.byBot(d.sales, sales))
		d.say(d.ann, d.support, k.thread, text)
		d.awaitText(d.sales, sales, "(2/2)")
		joined := ""
		for _, m := range d.byBot(d.sales, sales)[before:] {
			_, body, _ := strings.Cut(m.Text, "\n")
			if joined != "" && !strings.HasSuffix(joined, " ") && !strings.HasPrefix(body, " ") {
				joined += " "
			}
			joined += body
		}
		if strings.TrimSpace(joined) != text {
			t.Errorf("%d bytes of %d", len(joined), len(text))
		}
	})
	d.run(t, "notes stay, known commands are not copied, nor unknown ones before somebody says so; paths are text", func(t *testing.T) {
		d.quiet(k)
		before := len(d.byBot(d.sales, sales))
		d.say(d.ann, d.support, k.thread, "// between us")
		d.say(d.ann, d.support, k.thread, "/ticket")
		d.say(d.ann, d.support, k.thread, "/help@"+d.sim.BotUsername())
		d.say(d.ann, d.support, k.thread, "/help@other_bot")
		d.say(d.ann, d.support, k.thread, "/etc/passwd is a file")
		unknown := d.awaitAnswer(d.say(d.ann, d.support, k.thread, "/unknown thing"), "I don't know /unknown")
		d.awaitText(d.sales, sales, "/etc/passwd is a file")
		d.quiet(k)
		same(t, "copies before", d.copies(d.sales, sales)[len(d.copies(d.sales, sales))-1:], []string{"/etc/passwd is a file"})
		d.press(d.ann, unknown, "asis:")
		d.awaitText(d.sales, sales, "/unknown thing")
		d.quiet(k)
		got := d.copies(d.sales, sales)
		if n := len(d.byBot(d.sales, sales)) - before; n != 2 {
			t.Errorf("%d messages", n)
		}
		same(t, "copies", got[len(got)-2:], []string{"/etc/passwd is a file", "/unknown thing"})
	})
	d.run(t, "anonymous administrators and channels write under their names; bots are not copied", func(t *testing.T) {
		d.post(simulator.Post{From: d.ann, Chat: d.support, Thread: k.thread, Text: "who am I", Anonymous: true})
		d.awaitText(d.sales, sales, "Support · Support\nwho am I")
		channel := &simulator.Channel{ID: -1009876543210, Title: "News"}
		d.post(simulator.Post{Chat: d.support, Thread: k.thread, Text: "in the news", AsChannel: channel, Linked: true})
		d.awaitText(d.sales, sales, "News · Support\nin the news")
		robot, err := d.sim.AddPerson(simulator.Person{FirstName: "Robot", IsBot: true})
		d.must(err)
		d.must(d.sim.SetMember(d.support, robot.ID, simulator.Member))
		d.say(robot.ID, d.support, k.thread, "beep")
		d.must(d.sim.RawUpdate(fmt.Appendf(nil, `{"message":{"message_id":99999,"date":1700000000,
			"from":{"id":%d,"is_bot":true,"first_name":"Robot"},"chat":{"id":%d,"type":"supergroup","is_forum":true},
			"message_thread_id":%d,"is_topic_message":true,"text":"beep"}}`, robot.ID, d.support, k.thread)))
		d.say(d.ann, d.support, k.thread, "after the beep")
		d.awaitText(d.sales, sales, "after the beep")
		if _, found := d.find(d.sales, sales, "beep\n"); found {
			t.Error("a bot was copied")
		}
		got := d.copies(d.sales, sales)
		same(t, "copies", got[len(got)-2:], []string{"in the news", "after the beep"})
	})
	d.run(t, "threads of no ticket are left alone", func(t *testing.T) {
		thread, err := d.sim.CreateTopic(d.support, d.ann, "Chatter")
		d.must(err)
		d.say(d.ann, d.support, thread, "just talk")
		d.say(d.ann, d.support, 0, "general talk")
		d.say(d.ann, d.support, k.thread, "ticket talk")
		d.awaitText(d.sales, sales, "ticket talk")
		if _, found := d.find(d.sales, sales, "just talk"); found {
			t.Error("copied")
		}
	})
}

func TestReplies(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	k, eng, sales := three(t, d)
	at := map[string]struct {
		who, chat int64
		thread    int
	}{"home": {d.ann, d.support, k.thread}, "eng": {d.bob, d.engineering, eng}, "sales": {d.dora, d.sales, sales}}
	// Whatever topic a message is written in, and whatever topic the reply to it is written in: in every topic the
	// reply's copy points at the counterpart.
	for said := range at {
		for answered := range at {
			d.run(t, "said in "+said+", answered in "+answered, func(t *testing.T) {
				word := "said in " + said + " for " + answered
				original := d.say(at[said].who, at[said].chat, at[said].thread, word)
				counterparts := map[string]simulator.Message{said: original}
				for place, p := range at {
					if place != said {
						counterparts[place] = d.awaitText(p.chat, p.thread, word)
					}
				}
				d.quiet(k)
				answer := "answer to what was " + word
				d.reply(at[answered].who, at[answered].chat, counterparts[answered], answer)
				for place, p := range at {
					if place == answered {
						continue
					}
					if m := d.awaitText(p.chat, p.thread, answer); m.ReplyTo != counterparts[place].ID {
						t.Errorf("in %s it answers %d, want %d: %q", place, m.ReplyTo, counterparts[place].ID, m.Text)
					}
				}
			})
		}
	}
	d.run(t, "right after its target, still in flight", func(t *testing.T) {
		d.inject(simulator.Fault{Method: "sendMessage", Chat: d.engineering, Kind: simulator.FaultSlow, Delay: 200e6})
		m := d.say(d.ann, d.support, k.thread, "wait for it")
		d.reply(d.eve, d.support, m, "the reply to it")
		target, copied := d.awaitText(d.engineering, eng, "wait for it"), d.awaitText(d.engineering, eng, "the reply to it")
		if copied.ReplyTo != target.ID {
			t.Errorf("it answers %d, want %d", copied.ReplyTo, target.ID)
		}
	})
	d.run(t, "a quote goes along", func(t *testing.T) {
		m := d.say(d.ann, d.support, k.thread, "one two three")
		d.awaitText(d.engineering, eng, "one two three")
		d.post(simulator.Post{From: d.eve, Chat: d.support, Thread: k.thread, Text: "why two?", ReplyTo: m.ID, Quote: "two"})
		if c := d.awaitText(d.engineering, eng, "why two?"); c.Quote == nil || c.Quote.Text != "two" {
			t.Errorf("%+v", c.Quote)
		}
	})
	d.run(t, "to something without a counterpart: its beginning is shown", func(t *testing.T) {
		m := d.say(d.ann, d.support, k.thread, "// a secret note")
		d.reply(d.ann, d.support, d.awaitText(d.support, k.thread, "🎫"), "about the card")
		c := d.awaitText(d.engineering, eng, "about the card")
		if c.ReplyTo != 0 || !strings.Contains(c.Text, "🎫") {
			t.Errorf("%+v", c)
		}
		d.reply(d.ann, d.support, m, "about the note")
		if c := d.awaitText(d.engineering, eng, "about the note"); strings.Contains(c.Text, "secret") {
			t.Errorf("an internal note got out: %q", c.Text)
		}
	})
	d.run(t, "after a restart", func(t *testing.T) {
		m := d.say(d.bob, d.engineering, eng, "before the restart")
		target := d.awaitText(d.support, k.thread, "before the restart")
		d.restart()
		d.reply(d.bob, d.engineering, m, "after the restart")
		if c := d.awaitText(d.support, k.thread, "after the restart"); c.ReplyTo != target.ID {
			t.Errorf("it answers %d, want %d", c.ReplyTo, target.ID)
		}
	})
}
