package actors_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/simulator"
)

// awaitPreview waits until a message of the bot has a preview of an address; "": until it has none.
func (d *desk) awaitPreview(chat int64, thread int, part, want string) simulator.Message {
	d.t.Helper()
	var m simulator.Message
	d.await(fmt.Sprintf("%q previews %q", part, want), func() bool {
		found, ok := d.find(chat, thread, part)
		m = found
		return ok && m.Previewed() == want
	})
	return m
}

func TestLinkPreviews(t *testing.T) {
	t.Parallel()
	d, k, eng := linked(t, options{})
	news := &simulator.Origin{Name: "News", Date: 1, ID: 9, Chat: &simulator.Channel{ID: -1002, Title: "News", Username: "news"}}
	for i, tc := range []struct {
		name string
		post simulator.Post
		want string
	}{
		{"the first link", simulator.Post{Text: "%s https://a.com and https://b.com"}, "https://a.com"},
		{"a link without scheme", simulator.Post{Text: "%s b.com/x."}, "b.com/x"},
		{"none, though the head has a link", simulator.Post{Text: "%s no link", Forward: news}, ""},
		{"the text's, not the head's", simulator.Post{Text: "%s https://a.com", Forward: news}, "https://a.com"},
		{"switched off", simulator.Post{Text: "%s https://one-time.com", LinkPreview: &simulator.LinkPreview{IsDisabled: true}}, ""},
		{"another than the first", simulator.Post{Text: "%s https://a.com https://b.com", LinkPreview: &simulator.LinkPreview{URL: "https://b.com"}}, "https://b.com"},
		{"one that the text does not name", simulator.Post{Text: "%s words", LinkPreview: &simulator.LinkPreview{URL: "https://c.com", PreferLargeMedia: true, ShowAboveText: true}}, "https://c.com"},
	} {
		d.run(t, tc.name, func(t *testing.T) {
			for _, back := range []bool{false, true} {
				p, chat, thread := tc.post, d.engineering, eng
				p.From, p.Chat, p.Thread = d.ann, d.support, k.thread
				if back {
					p.From, p.Chat, p.Thread, chat, thread = d.bob, d.engineering, eng, d.support, k.thread
				}
				mark := fmt.Sprint("text", i, back)
				p.Text = fmt.Sprintf(p.Text, mark)
				d.post(p)
				c := d.awaitText(chat, thread, mark)
				if got := c.Previewed(); got != tc.want {
					t.Errorf("it previews %q", got)
				}
				if l := p.LinkPreview; l != nil && (c.LinkPreview.PreferLargeMedia != l.PreferLargeMedia || c.LinkPreview.ShowAboveText != l.ShowAboveText) {
					t.Errorf("it looks like %+v", c.LinkPreview)
				}
			}
		})
	}
	d.run(t, "an edit of nothing else", func(t *testing.T) {
		m := d.say(d.ann, d.support, k.thread, "secret https://one-time.com")
		d.awaitPreview(d.engineering, eng, "secret", "https://one-time.com")
		d.awaitCopied(m, 1)
		d.must(d.sim.EditLook(d.ann, d.support, m.ID, simulator.Look{LinkPreview: simulator.LinkPreview{IsDisabled: true}}))
		d.awaitPreview(d.engineering, eng, "secret", "")
		d.must(d.sim.EditLook(d.ann, d.support, m.ID, simulator.Look{LinkPreview: simulator.LinkPreview{URL: "https://d.com"}}))
		d.awaitPreview(d.engineering, eng, "secret", "https://d.com")
		d.awaitShown(m)
	})
	d.run(t, "of a long text, once: below the part with the link", func(t *testing.T) {
		d.post(simulator.Post{From: d.ann, Chat: d.support, Thread: k.thread,
			Forward: &simulator.Origin{Name: strings.Repeat("Long", 25), Date: 1},
			Text:    "beginning " + strings.Repeat("word ", 800) + "https://a.com https://b.com end"})
		if c := d.awaitText(d.engineering, eng, "https://b.com end"); c.Previewed() != "https://a.com" {
			t.Errorf("the last part previews %q", c.Previewed())
		}
		if c, _ := d.find(d.engineering, eng, "beginning word"); c.Previewed() != "" {
			t.Errorf("the first part previews %q", c.Previewed())
		}
	})
	d.run(t, "caption above and spoiler, edited alone", func(t *testing.T) {
		m := d.send(d.ann, d.support, k.thread, upload("photo"), "over there")
		d.awaitText(d.engineering, eng, "over there")
		d.awaitCopied(m, 1)
		looks := func(want simulator.Look) {
			t.Helper()
			d.must(d.sim.EditLook(d.ann, d.support, m.ID, want))
			d.await(fmt.Sprintf("%+v", want), func() bool {
				c, _ := d.find(d.engineering, eng, "over there")
				return c.Above == want.Above && c.Spoiler == want.Spoiler
			})
		}
		looks(simulator.Look{Above: true})
		looks(simulator.Look{Above: true, Spoiler: true})
		looks(simulator.Look{})
	})
	d.run(t, "a spoiler that is taken back before the answer to its edit comes", func(t *testing.T) {
		m := d.send(d.ann, d.support, k.thread, upload("photo"), "covered for a moment")
		d.awaitText(d.engineering, eng, "covered for a moment")
		d.awaitCopied(m, 1)
		covered := func(want bool) {
			t.Helper()
			d.must(d.sim.EditLook(d.ann, d.support, m.ID, simulator.Look{Spoiler: want}))
			d.await(fmt.Sprint("covered: ", want), func() bool {
				c, _ := d.find(d.engineering, eng, "covered for a moment")
				return c.Spoiler == want
			})
		}
		d.inject(simulator.Fault{Method: "editMessageMedia", Chat: d.engineering, Kind: simulator.FaultLostSlow, Delay: time.Second})
		covered(true)
		covered(false)
	})
}

func TestMergedCopiesAndTheirLooks(t *testing.T) {
	t.Parallel()
	d := ready(t, options{speed: 20})
	k := d.open(d.ann, d.support, "Printer")
	eng := d.mention(d.ann, k, "bob_eng", d.engineering)
	d.paced()
	disabled := &simulator.LinkPreview{IsDisabled: true}
	for i := range 40 {
		p := simulator.Post{From: d.ann, Chat: d.support, Thread: k.thread, Text: fmt.Sprint("many ", i)}
		switch {
		case i%4 == 1:
			p.Text, p.LinkPreview = p.Text+" https://one-time.com/x", disabled
		case i%4 == 2:
			p.Text += " https://fine.com"
		case i%4 == 3:
			for j := range 30 {
				p.Entities = append(p.Entities, simulator.Entity{Type: "bold", Offset: utf16Len(p.Text) + 1 + 2*j, Length: 1})
			}
			p.Text += " " + strings.Repeat("x ", 29) + "x"
		}
		d.post(p)
	}
	d.awaitText(d.engineering, eng, "many 39")
	shared := d.shared(d.engineering, eng)
	if len(shared) == 0 {
		t.Fatal("nothing was merged")
	}
	bold := 0
	for _, m := range d.byBot(d.engineering, eng) {
		if m.Previewed() == "https://one-time.com/x" {
			t.Errorf("the one-time link is previewed in %q", m.Text)
		}
		if strings.Contains(m.Text, "fine.com") != (m.Previewed() == "https://fine.com") {
			t.Errorf("%q is previewed in %q", m.Previewed(), m.Text)
		}
		for _, e := range m.Entities {
			if e.Type == "bold" && e.Length == 1 {
				bold++
			}
		}
	}
	if bold != 10*30 {
		t.Errorf("%d of 300 letters are bold", bold)
	}
}

func TestHundredEntities(t *testing.T) {
	t.Parallel()
	d, k, eng := linked(t, options{})
	text, caption := strings.Repeat("x ", 99)+"y", strings.Repeat("x ", 99)+"z"
	var hundred []simulator.Entity
	for i := range 100 {
		hundred = append(hundred, simulator.Entity{Type: "italic", Offset: 2 * i, Length: 1})
	}
	all := func(m simulator.Message) (n int) {
		for _, e := range m.Entities {
			if e.Type == "italic" {
				n++
			}
		}
		return n
	}
	d.post(simulator.Post{From: d.ann, Chat: d.support, Thread: k.thread, Text: text, Entities: hundred})
	if m := d.awaitText(d.engineering, eng, text); all(m) != 100 {
		t.Errorf("%d of 100 are left", all(m))
	}
	d.post(simulator.Post{From: d.bob, Chat: d.engineering, Thread: eng, Text: caption, Entities: hundred, Media: upload("photo")})
	if m := d.awaitText(d.support, k.thread, caption); all(m) != 100 {
		t.Errorf("%d of 100 are left in a caption", all(m))
	}
}

func TestKindsThatNobodyKnows(t *testing.T) {
	t.Parallel()
	d, k, eng := linked(t, options{})
	const placeholder = "[message of a kind that I don’t know]"
	count := func(chat int64, thread int) (n int) {
		for _, m := range d.byBot(chat, thread) {
			n += strings.Count(m.Text, placeholder)
		}
		return n
	}
	for _, tc := range []struct {
		name, fields string
		shown        bool
	}{
		{"a field of the future", `"hologram":{"file_id":"x"}`, true},
		{"of a wrong type", `"hologram":7`, true},
		{"nothing at all, from an older server", `"author_signature":"x"`, true},
		{"forwarded, and named like a service message", `"object_scanned":{},"forward_origin":{"type":"hidden_user","date":1,"sender_user_name":"Zoe"}`, true},
		{"a service message of the future", `"chat_mascot_changed":{"emoji":"x"}`, false},
		{"one of today, with a new field", `"boost_added":{"boost_count":1},"boost_style":{}`, false},
		{"a pinned message", `"pinned_message":{"message_id":1,"date":0,"chat":{"id":1,"type":"private"}}`, false},
		{"a text that shows nothing", `"text":"\u200b"`, false},
	} {
		d.run(t, tc.name, func(t *testing.T) {
			before, back := count(d.engineering, eng), count(d.support, k.thread)
			d.heard(d.ann, d.support, k.thread, tc.fields)
			d.say(d.ann, d.support, k.thread, "after "+tc.name)
			d.awaitText(d.engineering, eng, "after "+tc.name)
			d.heard(d.bob, d.engineering, eng, tc.fields)
			d.say(d.bob, d.engineering, eng, "and after "+tc.name)
			d.awaitText(d.support, k.thread, "and after "+tc.name)
			want := 0
			if tc.shown {
				want = 1
			}
			if a, b := count(d.engineering, eng)-before, count(d.support, k.thread)-back; a != want || b != want {
				t.Errorf("%d and %d placeholders, want %d", a, b, want)
			}
		})
	}
	d.run(t, "a caption stays, and so does a text that becomes such a thing", func(t *testing.T) {
		d.heard(d.ann, d.support, k.thread, `"hologram":{"file_id":"x"},"caption":"look at that"`)
		d.awaitText(d.engineering, eng, placeholder+"\nlook at that")
		m := d.say(d.ann, d.support, k.thread, "plain at first")
		d.awaitText(d.engineering, eng, "plain at first")
		d.awaitCopied(m, 1)
		d.editedTo(m, map[string]any{"hologram": map[string]any{"file_id": "x"}})
		d.awaitText(d.engineering, eng, "edited\n"+placeholder)
	})
}
