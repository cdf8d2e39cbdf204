package actors_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/topicdesk/topicdesk/bot/simulator"
)

// model is what people should see: for each topic of a ticket the copies in it, and which texts they answer.
type model struct {
	d       *desk
	n       int
	kinds   map[string]string // text → the kind of medium that bears it; "" for a text
	tickets []*modelTicket
}

type modelTicket struct {
	*ticket
	status string
	topics []*modelTopic // home first
}

type modelTopic struct {
	who, chat int64
	thread    int
	linked    bool
	texts     []string          // said here or copied here, in no order between topics
	answers   map[string]string // text → the text that it answers
}

// kindsSaid are the kinds of messages that people post: texts, and media with the text as their caption.
var kindsSaid = []string{"", "", "", "photo", "video", "document", "audio", "voice", "animation"}

// Where linked topics can be: not more than one of a ticket in each group.
func (m *model) places() [][2]int64 {
	return [][2]int64{{m.d.engineering, m.d.bob}, {m.d.sales, m.d.carl}}
}

func (m *model) open() {
	k := m.d.open(m.d.ann, m.d.support, "Model "+itoa(m.n))
	m.n++
	m.tickets = append(m.tickets, &modelTicket{ticket: k, status: "open", topics: []*modelTopic{
		{who: m.d.ann, chat: m.d.support, thread: k.thread, linked: true, answers: map[string]string{}}}})
}

// joined lists the topics in which what is said counts.
func (k *modelTicket) joined() []*modelTopic {
	return slices.DeleteFunc(slices.Clone(k.topics), func(p *modelTopic) bool { return !p.linked })
}

// say has somebody write, perhaps in answer to something that is there.
func (m *model) say(t *rapid.T, k *modelTicket, answering bool) {
	from := rapid.SampledFrom(k.topics).Draw(t, "topic")
	p := simulator.Post{From: from.who, Chat: from.chat, Thread: from.thread}
	m.content(&p, rapid.SampledFrom(kindsSaid).Draw(t, "kind"))
	answered := ""
	if answering && len(from.texts) > 0 {
		answered = rapid.SampledFrom(from.texts).Draw(t, "answered")
		// People answer what they see.
		for _, msg := range m.d.visible(from.chat, from.thread) {
			if textOf(msg, m.d.sim.BotID()) == answered {
				p.ReplyTo = msg.ID
			}
		}
	}
	m.post(t, k, from, p, answered)
}

// album has somebody post media that belong together.
func (m *model) album(t *rapid.T, k *modelTicket) {
	from := rapid.SampledFrom(k.topics).Draw(t, "topic")
	id := m.d.sim.NewAlbum()
	kind := rapid.SampledFrom([]string{"photo", "document", "audio"}).Draw(t, "kind")
	for range rapid.IntRange(2, 4).Draw(t, "parts") {
		p := simulator.Post{From: from.who, Chat: from.chat, Thread: from.thread, Album: id}
		m.content(&p, kind)
		m.post(t, k, from, p, "")
	}
}

// content gives a message a text of its own, as the caption of a medium unless kind is empty.
func (m *model) content(p *simulator.Post, kind string) {
	p.Text = fmt.Sprintf("text %d", m.n)
	m.n++
	m.kinds[p.Text] = kind
	if kind != "" {
		p.Media = upload(kind)
	}
}

func (m *model) post(t *rapid.T, k *modelTicket, from *modelTopic, p simulator.Post, answered string) {
	text := p.Text
	if _, err := m.d.sim.Post(p); err != nil {
		t.Fatal(err)
	}
	for _, to := range k.topics {
		if to != from && (!from.linked || !to.linked) {
			continue
		}
		if p.ReplyTo != 0 && (to == from || slices.Contains(to.texts, answered)) {
			to.answers[text] = answered
		}
		to.texts = append(to.texts, text)
	}
}

// textOf is what a message says, without the sender's line of a copy; "" for anything else of the bot's.
func textOf(m simulator.Message, bot int64) string {
	text := m.Text
	if m.From.ID == bot {
		lines := strings.Split(text, "\n")
		text = lines[len(lines)-1]
	}
	if !strings.HasPrefix(text, "text ") {
		return ""
	}
	return text
}

// check waits until everything is said and compares.
func (m *model) check(t *rapid.T) {
	for _, k := range m.tickets {
		m.d.quiet(k.ticket)
		if r := m.d.record(k.ticket); r.Status != k.status {
			t.Fatalf("ticket is %s, want %s", r.Status, k.status)
		}
		for i, p := range k.topics {
			byID := map[int]string{}
			var got []string
			answers := map[string]string{}
			for _, msg := range m.d.visible(p.chat, p.thread) {
				text := textOf(msg, m.d.sim.BotID())
				if text == "" {
					continue
				}
				byID[msg.ID] = text
				kind := ""
				if msg.Media != nil {
					kind = msg.Media.Kind
				}
				if kind != m.kinds[text] {
					t.Fatalf("topic %d shows %q as %q, want %q\n%s", i, text, kind, m.kinds[text], m.d.transcript())
				}
				got = append(got, text)
				if msg.ReplyTo != 0 {
					answers[text] = byID[msg.ReplyTo]
				}
			}
			want := slices.Clone(p.texts)
			slices.Sort(want)
			sorted := slices.Sorted(slices.Values(got))
			if !slices.Equal(sorted, want) {
				t.Fatalf("topic %d shows %q, want %q\n%s", i, sorted, want, m.d.transcript())
			}
			for text, answered := range p.answers {
				if answers[text] != answered {
					t.Fatalf("topic %d: %q answers %q, want %q\n%s", i, text, answers[text], answered, m.d.transcript())
				}
			}
			if p.linked && m.d.topic(p.chat, p.thread).Closed != (k.status == "closed") {
				t.Fatalf("topic %d closed: %v, ticket %s", i, m.d.topic(p.chat, p.thread).Closed, k.status)
			}
		}
		events, err := m.d.store.EventsAfter(m.d.t.Context(), k.id, 0, 10_000)
		m.d.must(err)
		for i, e := range events {
			if e.Number != int64(i+1) {
				t.Fatalf("event %d has number %d", i+1, e.Number)
			}
		}
	}
}

// link joins a topic of another group to the ticket, or one that left it.
func (m *model) link(t *rapid.T, k *modelTicket) {
	place := rapid.SampledFrom(m.places()).Draw(t, "place")
	var topic *modelTopic
	for _, p := range k.topics {
		if p.chat == place[0] {
			topic = p
		}
	}
	if topic == nil {
		thread, err := m.d.sim.CreateTopic(place[0], place[1], "Own topic")
		m.d.must(err)
		topic = &modelTopic{who: place[1], chat: place[0], thread: thread, answers: map[string]string{}}
		k.topics = append(k.topics, topic)
	}
	// Ann opened the tickets: a member of each group, and its administrator here, has rights on both sides.
	asked := m.d.say(m.d.ann, topic.chat, topic.thread, "/link "+k.id)
	switch {
	case topic.linked:
		m.d.awaitAnswer(asked, "already")
	case k.status == "closed":
		m.d.awaitAnswer(asked, "is closed")
	default:
		m.d.awaitAnswer(asked, "linked this topic")
		topic.linked = true
	}
}

func (m *model) unlink(t *rapid.T, k *modelTicket) {
	if others := k.joined()[1:]; len(others) > 0 {
		p := rapid.SampledFrom(others).Draw(t, "left")
		before := len(m.d.byBot(p.chat, p.thread))
		m.d.say(m.d.ann, p.chat, p.thread, "/unlink")
		m.d.await("the end of the link", func() bool {
			return slices.ContainsFunc(m.d.byBot(p.chat, p.thread)[before:], func(msg simulator.Message) bool { return strings.Contains(msg.Text, "ended the link") })
		})
		p.linked = false
	}
}

func (m *model) setStatus(k *modelTicket, command, status string) {
	m.d.say(m.d.ann, k.chat, k.thread, command)
	k.status = status
}

// TestModel lets people do random things and compares what all sides see with a simple model.
func TestModel(t *testing.T) {
	t.Parallel()
	checks := 0
	rapid.Check(t, func(rt *rapid.T) {
		if checks++; checks > 4 && os.Getenv("TOPICDESK_LONG") == "" {
			return // the rest of rapid's 100 is for the long run
		}
		d := ready(t, options{speed: 50})
		defer d.stop()
		for _, chat := range []int64{d.engineering, d.sales} {
			d.must(d.sim.SetMember(chat, d.ann, simulator.Administrator))
		}
		m := &model{d: d, kinds: map[string]string{}}
		m.open()
		m.open()
		some := func() *modelTicket { return rapid.SampledFrom(m.tickets).Draw(rt, "ticket") }
		for range rapid.IntRange(5, 40).Draw(rt, "steps") {
			step := rapid.SampledFrom([]string{"say", "say", "say", "album", "answer", "answer", "link", "link", "unlink", "close", "reopen", "restart", "check"}).Draw(rt, "step")
			switch step {
			case "link", "unlink", "close", "reopen": // chats are taken in side by side: what was said in another one comes first only if it was heard
				d.quiet()
			}
			switch step {
			case "say":
				if k := some(); k.status == "open" {
					m.say(rt, k, false)
				}
			case "album":
				if k := some(); k.status == "open" {
					m.album(rt, k)
				}
			case "answer":
				if k := some(); k.status == "open" {
					m.check(rt) // so that what is answered is there to be seen
					m.say(rt, k, true)
				}
			case "link":
				m.link(rt, some())
			case "unlink":
				m.unlink(rt, some())
			case "close":
				m.setStatus(some(), "/close_ticket", "closed")
			case "reopen":
				m.setStatus(some(), "/reopen_ticket", "open")
				m.check(rt)
			case "restart":
				d.restart()
			case "check":
				m.check(rt)
			}
		}
		m.check(rt)
	})
}
