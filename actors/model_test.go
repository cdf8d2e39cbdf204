package actors_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/topicdesk/topicdesk/actors"
	"github.com/topicdesk/topicdesk/simulator"
)

// model is what people should see: for each topic of a ticket, which messages are shown in it, in which version, and
// with which reaction.
type model struct {
	d       *desk
	n       int
	faulty  bool         // trouble may be drawn
	shared  map[int]bool // messages with merged copies that were seen
	places  [][2]int64
	all     []*saying
	tickets []*modelTicket
}

type modelTicket struct {
	*ticket
	status string
	topics []*modelTopic // home first

	album    string   // that it was opened by; "": by a text
	enclosed []string // captions in its description
}

type modelTopic struct {
	who, chat int64
	thread    int
	linked    bool
	shows     []*saying // written or copied here; in order only within one topic of origin
}

// saying is an original that somebody wrote.
type saying struct {
	n         int
	kind      string // of its medium; "": it is a text; kindRich
	command   bool   // its caption begins with a command, which is not copied
	from      *modelTopic
	original  simulator.Message
	version   int
	answers   *saying
	deleted   bool
	left      bool                 // its topic was unlinked: what happens to it there is no longer copied
	frozen    map[*modelTopic]bool // topics that were unlinked since they got it
	reactions []reacted
}

type reacted struct {
	who   int64
	at    *modelTopic
	emoji string
}

// String is how rapid logs what it draws.
func (k *modelTicket) GoString() string { return k.id }
func (p *modelTopic) GoString() string  { return fmt.Sprintf("%d/%d", p.chat, p.thread) }
func (s *saying) GoString() string      { return s.text() }

const modelCommand = "/ticket "

func (s *saying) text() string { return textOf(s.n, s.version) }

// rich is the text as the Markdown of a rich message.
func (s *saying) rich() string { return strings.Replace(s.text(), "text", "**text**", 1) }

func textOf(n, version int) string {
	if version > 0 {
		return fmt.Sprintf("text %04d v%d", n, version)
	}
	return fmt.Sprintf("text %04d", n)
}

// reactionAt is the reaction that the bot shows in a topic: the newest one from another topic.
func (s *saying) reactionAt(p *modelTopic) string {
	for _, r := range slices.Backward(s.reactions) {
		if r.at != p {
			return r.emoji
		}
	}
	return ""
}

// kindRich is that of a rich message.
const kindRich = "rich"

// kindsSaid are the kinds of messages that people post: texts, and media with the text as their caption.
var kindsSaid = []string{"", "", "", kindRich, "photo", "video", "document", "audio", "voice", "animation"}

func newModel(t testing.TB, opt options, groups int) *model {
	d := ready(t, opt)
	m := &model{d: d, shared: map[int]bool{}, places: [][2]int64{{d.engineering, d.bob}, {d.sales, d.carl}}}
	for i := range groups - 2 {
		chat := d.group("Group "+itoa(i), map[int64]simulator.Role{d.dora: simulator.Creator})
		d.say(d.dora, chat, 0, "/register")
		d.awaitText(chat, 0, "is registered")
		m.places = append(m.places, [2]int64{chat, d.dora})
	}
	m.places = m.places[:groups]
	for _, p := range append(m.places, [2]int64{d.support, d.ann}) {
		if p[0] != d.support {
			d.must(d.sim.SetMember(p[0], d.ann, simulator.Administrator))
		}
		d.must(d.sim.SetBot(p[0], simulator.Administrator, simulator.BotRights{
			CanManageTopics: true, CanPinMessages: true, CanDeleteMessages: true,
		}))
	}
	return m
}

// open has Ann open a ticket, perhaps by a part of an album.
func (m *model) open(t *rapid.T) {
	title := "Model " + itoa(len(m.tickets))
	k := &modelTicket{status: "open"}
	if parts := rapid.IntRange(0, 3).Draw(t, "parts"); parts > 0 {
		k.album = m.d.sim.NewAlbum()
		command := rapid.IntRange(0, parts-1).Draw(t, "command")
		for i := range parts {
			if i == command {
				m.d.albumParts(k.album, m.d.ann, m.d.support, 0, "photo:/create_ticket "+title)
			} else {
				m.enclose(k)
			}
		}
		k.ticket = m.d.opened(m.d.support, title)
	} else {
		k.ticket = m.d.open(m.d.ann, m.d.support, title)
	}
	k.topics = []*modelTopic{{who: m.d.ann, chat: m.d.support, thread: k.thread, linked: true}}
	m.tickets = append(m.tickets, k)
}

// enclose has Ann post a part of the album that the ticket was opened by.
func (m *model) enclose(k *modelTicket) {
	caption := fmt.Sprintf("enclosed %d of %d", len(k.enclosed), len(m.tickets))
	k.enclosed = append(k.enclosed, caption)
	m.d.albumParts(k.album, m.d.ann, m.d.support, 0, "photo:"+caption)
}

// joined lists the topics from which messages are copied.
func (k *modelTicket) joined() []*modelTopic {
	return slices.DeleteFunc(slices.Clone(k.topics), func(p *modelTopic) bool { return !p.linked })
}

// say has somebody write, perhaps in reply to something that is shown.
func (m *model) say(t *rapid.T, k *modelTicket, answering bool) {
	from := rapid.SampledFrom(k.topics).Draw(t, "topic")
	p := simulator.Post{From: from.who, Chat: from.chat, Thread: from.thread}
	s := &saying{kind: rapid.SampledFrom(kindsSaid).Draw(t, "kind"), from: from}
	if answering && len(from.shows) > 0 {
		// People reply to what they see. If a message holds merged copies, they quote one.
		answered := rapid.SampledFrom(from.shows).Draw(t, "answered")
		if at := m.find(from, answered); len(at) > 0 {
			s.answers, p.ReplyTo = answered, at[0].ID
			if at[0].parts > 1 {
				p.Quote = at[0].text
			}
		}
	}
	m.post(t, k, s, p)
}

// chat has somebody write more texts in a row than a group's pace lets through.
func (m *model) chat(t *rapid.T, k *modelTicket) {
	from := rapid.SampledFrom(k.topics).Draw(t, "topic")
	for range rapid.IntRange(5, 30).Draw(t, "texts") {
		m.post(t, k, &saying{from: from}, simulator.Post{From: from.who, Chat: from.chat, Thread: from.thread})
	}
}

// album has somebody post media that belong together.
func (m *model) album(t *rapid.T, k *modelTicket) {
	from := rapid.SampledFrom(k.topics).Draw(t, "topic")
	id := m.d.sim.NewAlbum()
	kind := rapid.SampledFrom([]string{"photo", "document", "audio"}).Draw(t, "kind")
	parts := rapid.IntRange(2, 4).Draw(t, "parts")
	command := rapid.IntRange(-parts, parts-1).Draw(t, "command") // below 0: none
	for i := range parts {
		m.post(t, k, &saying{kind: kind, from: from, command: i == command}, simulator.Post{
			From: from.who, Chat: from.chat, Thread: from.thread, Album: id,
		})
	}
}

func (m *model) post(t *rapid.T, k *modelTicket, s *saying, p simulator.Post) {
	s.n, s.frozen = m.n, map[*modelTopic]bool{}
	m.n++
	switch s.kind {
	case "":
		p.Text = s.text()
	case kindRich:
		p.Markdown = s.rich()
	default:
		p.Text, p.Media = s.text(), upload(s.kind)
	}
	if s.command {
		p.Text = modelCommand + p.Text
	}
	var err error
	if s.original, err = m.d.sim.Post(p); err != nil {
		t.Fatal(err)
	}
	m.all = append(m.all, s)
	s.left = !s.from.linked
	for _, to := range k.topics {
		if to == s.from || s.from.linked && to.linked {
			to.shows = append(to.shows, s)
		}
	}
}

// some draws an original of a ticket that is still there; nil: there is none.
func (m *model) some(t *rapid.T, k *modelTicket, which func(*saying) bool) *saying {
	var there []*saying
	for _, p := range k.topics {
		for _, s := range p.shows {
			if s.from == p && !s.deleted && which(s) {
				there = append(there, s)
			}
		}
	}
	if len(there) == 0 {
		return nil
	}
	return rapid.SampledFrom(there).Draw(t, "said")
}

// edit has somebody edit what they wrote. A text may become a rich message, and the other way round.
func (m *model) edit(t *rapid.T, k *modelTicket) {
	s := m.some(t, k, func(*saying) bool { return true })
	if s == nil {
		return
	}
	s.version++
	if s.worded() {
		s.kind = rapid.SampledFrom([]string{"", kindRich}).Draw(t, "edited into")
	}
	var err error
	if s.kind == kindRich {
		_, err = m.d.sim.EditRich(s.from.who, s.from.chat, s.original.ID, s.rich(), nil)
	} else {
		_, err = m.d.sim.Edit(s.from.who, s.from.chat, s.original.ID, s.text())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// worded says whether an original consists of words alone.
func (s *saying) worded() bool { return s.kind == "" || s.kind == kindRich }

// react has somebody react to what they see, or withdraw their reaction.
func (m *model) react(t *rapid.T, k *modelTicket) {
	at := rapid.SampledFrom(k.joined()).Draw(t, "topic")
	var there []*saying
	for _, s := range at.shows {
		if !s.deleted && !s.left && !s.frozen[at] {
			there = append(there, s)
		}
	}
	if len(there) == 0 {
		return
	}
	s := rapid.SampledFrom(there).Draw(t, "said")
	emoji := rapid.SampledFrom([]string{"👍", "🔥", "❤", ""}).Draw(t, "emoji")
	seen := m.find(at, s)
	if len(seen) == 0 || seen[0].parts > 1 {
		return // of merged copies nobody knows which one is meant
	}
	m.d.must(m.d.sim.React(at.who, at.chat, seen[0].ID, emoji))
	s.reactions = slices.DeleteFunc(s.reactions, func(r reacted) bool { return r.who == at.who && r.at == at })
	if emoji != "" {
		s.reactions = append(s.reactions, reacted{at.who, at, emoji})
	}
}

// remove has somebody delete what they wrote.
func (m *model) remove(t *rapid.T, k *modelTicket) {
	s := m.some(t, k, func(s *saying) bool { return !s.left })
	if s == nil {
		return
	}
	s.deleted = true
	m.d.post(simulator.Post{
		From: s.from.who, Chat: s.from.chat, Thread: s.from.thread, Text: "/delete", ReplyTo: s.original.ID,
	})
}

// link links a topic of another group to the ticket, perhaps one that was unlinked before.
func (m *model) link(t *rapid.T, k *modelTicket) {
	place := rapid.SampledFrom(m.places).Draw(t, "place")
	var topic *modelTopic
	for _, p := range k.topics {
		if p.chat == place[0] {
			topic = p
		}
	}
	if topic == nil {
		thread, err := m.d.sim.CreateTopic(place[0], place[1], "Own topic")
		m.d.must(err)
		topic = &modelTopic{who: place[1], chat: place[0], thread: thread}
		k.topics = append(k.topics, topic)
	}
	// Ann opened the tickets, and is a member or administrator of each group, so she has rights on both sides.
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
	others := k.joined()[1:]
	if len(others) == 0 {
		return
	}
	p := rapid.SampledFrom(others).Draw(t, "left")
	before := len(m.d.byBot(p.chat, p.thread))
	m.d.say(m.d.ann, p.chat, p.thread, "/unlink")
	m.d.await("the end of the link", func() bool {
		return slices.ContainsFunc(m.d.byBot(p.chat, p.thread)[before:], func(msg simulator.Message) bool {
			return strings.Contains(msg.Text, "ended the link")
		})
	})
	p.linked = false
	for _, s := range p.shows {
		s.frozen[p] = true
		s.left = s.left || s.from == p
	}
}

func (m *model) setStatus(k *modelTicket, command, status string) {
	m.d.say(m.d.ann, k.chat, k.thread, command)
	k.status = status
}

// Passing trouble for calls that show something. If the answer is lost, the message may be there twice.
var (
	troubles = []string{
		simulator.Fault429, simulator.Fault500, simulator.Fault502HTML, simulator.FaultReset, simulator.FaultLost,
	}
	troubledCalls = []string{
		"sendMessage", "sendMessage", "sendMessage", "sendRichMessage", "sendPhoto", "sendMediaGroup", "sendDocument",
		"editMessageText", "editMessageCaption", "deleteMessages", "setMessageReaction",
		"closeForumTopic", "reopenForumTopic", "getUpdates",
	}
)

func (m *model) trouble(t *rapid.T) {
	m.d.inject(simulator.Fault{
		Method: rapid.SampledFrom(troubledCalls).Draw(t, "method"), Kind: rapid.SampledFrom(troubles).Draw(t, "trouble"),
		Count: rapid.IntRange(1, 2).Draw(t, "count"), After: rapid.IntRange(0, 2).Draw(t, "after"),
	})
}

// modelSteps are what can happen. A step that is named more often happens more often.
var modelSteps = strings.Fields(`say say say chat chat album album enclose answer answer edit edit react react delete link link unlink
	close reopen restart trouble trouble check`)

func (m *model) step(t *rapid.T) {
	k := rapid.SampledFrom(m.tickets).Draw(t, "ticket")
	step := rapid.SampledFrom(modelSteps).Draw(t, "step")
	switch step {
	// updates of different chats are handled concurrently, so wait until what was written in another one has been recorded
	case "link", "unlink", "close", "reopen", "delete":
		m.d.quiet()
	case "react", "answer": // what people react or reply to must be visible
		m.check(t)
	}
	switch step {
	case "say", "answer":
		if k.status == "open" {
			m.say(t, k, step == "answer")
		}
	case "chat":
		if k.status == "open" {
			m.chat(t, k)
		}
	case "album":
		if k.status == "open" {
			m.album(t, k)
		}
	case "enclose":
		if k.album != "" {
			m.enclose(k)
		}
	case "edit":
		m.edit(t, k)
	case "react":
		m.react(t, k)
	case "delete":
		m.remove(t, k)
		m.d.quiet()
	case "link":
		m.link(t, k)
	case "unlink":
		m.check(t) // nothing is promised about what happens later in a topic that was unlinked
		m.unlink(t, k)
	case "close":
		m.setStatus(k, "/close_ticket", "closed")
	case "reopen":
		m.setStatus(k, "/reopen_ticket", "open")
		m.check(t)
	case "restart":
		m.d.restart()
	case "trouble":
		if m.faulty {
			m.trouble(t)
		}
	case "check":
		m.check(t)
	}
}

// TestModel lets people do random things, in spite of trouble, and compares what they see in all topics with a simple
// model. It does so with the default pace, too, so that copies are merged.
func TestModel(t *testing.T) {
	if testing.Short() {
		t.Skip("long: random desks, compared with a model step by step")
	}
	t.Parallel()
	for _, form := range []struct {
		name   string
		pace   actors.Pace
		speed  float64
		faulty bool
	}{
		{"in peace", actors.Pace{}, 50, false},
		{"in trouble", actors.Pace{}, 50, true},
		{"in trouble, at the pace of a group",
			actors.Pace{GlobalPerSecond: 30, ChatPerSecond: 1, GroupPerMinute: 20}, 80, true},
	} {
		t.Run(form.name, func(t *testing.T) {
			checks, most, shared, begun := 0, 5, 0, time.Now()
			if long() {
				most = 100
			}
			rapid.Check(t, func(rt *rapid.T) {
				if checks++; checks > most {
					return // the other ones of rapid's 100 are for the long run
				}
				m := newModel(t, options{pace: form.pace, speed: form.speed}, rapid.IntRange(2, 4).Draw(rt, "groups"))
				defer m.d.stop()
				m.faulty = form.faulty
				for range 2 {
					m.open(rt)
					m.link(rt, m.tickets[len(m.tickets)-1])
				}
				for range rapid.IntRange(5, 40).Draw(rt, "steps") {
					m.step(rt)
				}
				m.d.sim.ClearFaults()
				m.check(rt)
				shared += len(m.shared)
			})
			took := time.Since(begun).Round(time.Second)
			t.Logf("%d sequences, %d messages with merged copies, in %v", min(checks, most), shared, took)
		})
	}
}
