package actors_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/topicdesk/topicdesk/simulator"
)

// What the people of the model write, and do with what was written.

// saying is an original that somebody wrote.
type saying struct {
	n         int
	kind      string // of its medium; "": it is a text; kindRich
	command   string // what its caption begins with, which is not copied
	of        *modelTicket
	from      *modelTopic
	original  simulator.Message
	version   int
	answers   *saying
	elsewhere []string // what is shown of what it answers elsewhere
	forwarded bool
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

// modelCommands may stand in a caption. What a command does not take is copied.
var modelCommands = []string{"/ticket ", "/priority high "}

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

// say has somebody write, perhaps in reply to something that is shown, or to something elsewhere.
func (m *model) say(t *rapid.T, k *modelTicket, answering bool) {
	from := rapid.SampledFrom(k.topics).Draw(t, "topic")
	p := simulator.Post{From: from.who, Chat: from.chat, Thread: from.thread}
	s := &saying{kind: rapid.SampledFrom(kindsSaid).Draw(t, "kind"), from: from}
	if answering {
		m.reply(t, from, s, &p)
	}
	m.mean(t, k, from, &p)
	if p.ReplyTo == 0 && rapid.Bool().Draw(t, "about something elsewhere") {
		s.elsewhere = m.elsewhere(t, &p)
	}
	if !s.worded() && rapid.IntRange(0, 3).Draw(t, "commanding") == 0 {
		s.command = rapid.SampledFrom(modelCommands).Draw(t, "command")
	}
	m.post(t, k, s, p)
}

// reply has a post answer something that is shown. If that is in a message of merged copies, it is quoted.
func (m *model) reply(t *rapid.T, from *modelTopic, s *saying, p *simulator.Post) {
	if len(from.shows) == 0 {
		return
	}
	answered := rapid.SampledFrom(from.shows).Draw(t, "answered")
	if at := m.find(from, answered); len(at) > 0 {
		s.answers, p.ReplyTo = answered, at[0].ID
		if at[0].parts > 1 {
			p.Quote = at[0].text
		}
	}
}

// elsewhere has a post answer something that no ticket has. It returns what people see of that above the copy.
func (m *model) elsewhere(t *rapid.T, p *simulator.Post) []string {
	hidden := `{"origin":{"type":"hidden_user","date":1,"sender_user_name":"Zoe"},"contact":{"phone_number":"+66 1",
		"first_name":"Nok"}}`
	switch rapid.IntRange(0, 3).Draw(t, "elsewhere") {
	case 0:
		m.answersShop(p)
		return []string{"In reply to Shop", p.Quote}
	case 1:
		p.External = json.RawMessage(hidden)
		return []string{"In reply to Zoe", "[contact] Nok +66 1"}
	case 2:
		p.ReplyStory = &simulator.StoryOf{Channel: simulator.Channel{ID: -1002, Title: "News", Username: "news"}, ID: 5}
		return []string{"In reply to News", "[story]"}
	}
	p.ReplyChat, p.ReplyTo = m.club.Chat, m.club.ID
	return []string{"In reply to Ann", m.club.Text}
}

// answersShop has a post answer a channel's, which is quoted.
func (m *model) answersShop(p *simulator.Post) {
	p.Quote = fmt.Sprintf("quoted %04d", m.n)
	p.External = json.RawMessage(`{"origin":{"type":"channel","date":1,"message_id":17,
		"chat":{"id":-1001,"type":"channel","title":"Shop","username":"shop"}}}`)
}

// chat has somebody write more texts in a row than a group's pace lets through.
func (m *model) chat(t *rapid.T, k *modelTicket) {
	from := rapid.SampledFrom(k.topics).Draw(t, "topic")
	m.talkOn(k, from)
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
		s := &saying{kind: kind, from: from}
		p := simulator.Post{From: from.who, Chat: from.chat, Thread: from.thread, Album: id}
		if i == 0 { // the others follow it
			m.mean(t, k, from, &p)
			if p.ReplyTo == 0 && rapid.Bool().Draw(t, "about something elsewhere") {
				s.elsewhere = m.elsewhere(t, &p)
			}
		}
		if i == command {
			s.command = rapid.SampledFrom(modelCommands).Draw(t, "verb")
		}
		m.post(t, k, s, p)
	}
}

// post has somebody write on a ticket.
func (m *model) post(t *rapid.T, k *modelTicket, s *saying, p simulator.Post) {
	m.write(t, s, p)
	m.heard(k, s, s.from)
}

// write has somebody write.
func (m *model) write(t *rapid.T, s *saying, p simulator.Post) {
	s.n, s.frozen = m.n, map[*modelTopic]bool{}
	m.n++
	switch s.kind {
	case "":
		p.Text = s.text()
	case kindRich:
		p.Markdown = s.rich()
	default:
		p.Text, p.Media = s.command+s.text(), upload(s.kind)
	}
	if s.forwarded {
		p.Forward = &simulator.Origin{Name: "News", Date: 1}
	}
	var err error
	if s.original, err = m.d.sim.Post(p); err != nil {
		t.Fatal(err)
	}
	m.all = append(m.all, s)
}

// heard says that a ticket takes what somebody wrote.
func (m *model) heard(k *modelTicket, s *saying, from *modelTopic) {
	s.of, s.from, s.left = k, from, !from.linked
	if from.of == nil { // in a private chat, but outside of the topics
		from.shows = append(from.shows, s)
	}
	for _, to := range k.topics {
		if to == from || from.linked && to.linked && to.chat != from.chat {
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
	s := m.some(t, k, func(s *saying) bool { return !s.forwarded })
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
	m.describesAnew(s)
}

// describesAnew has the descriptions that a message is part of say what it says now.
func (m *model) describesAnew(s *saying) {
	var drafts []*modelDraft
	openings := []*opening{}
	for _, k := range m.tickets {
		if openings = append(openings, &k.opening); k.draft != nil {
			drafts = append(drafts, k.draft)
		}
	}
	for _, f := range m.waiting() {
		drafts, openings = append(drafts, f), append(openings, &f.opening)
	}
	for _, f := range drafts {
		if f.said == s {
			f.described = s.text()
		}
	}
	for _, o := range openings {
		for i := range o.enclosed {
			if e := &o.enclosed[i]; s.original.Media != nil && e.file == s.original.Media.FileID && e.caption != "" {
				e.caption = s.text()
			}
		}
	}
}

// describes says whether a message, or its medium, describes a ticket, or one that is to be opened.
func (m *model) describes(s *saying) bool {
	is := func(f *modelDraft, o *opening) bool {
		return f != nil && f.said == s || s.original.Media != nil &&
			slices.ContainsFunc(o.enclosed, func(e enclosed) bool { return e.file == s.original.Media.FileID })
	}
	return slices.ContainsFunc(m.waiting(), func(f *modelDraft) bool { return is(f, &f.opening) }) ||
		slices.ContainsFunc(m.tickets, func(k *modelTicket) bool { return is(k.draft, &k.opening) })
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

// remove has somebody delete what they wrote, unless it describes a ticket: what becomes of that, TestDeletionOfADescription is about.
func (m *model) remove(t *rapid.T, k *modelTicket) {
	s := m.some(t, k, func(s *saying) bool { return !s.left && !m.describes(s) })
	if s == nil {
		return
	}
	s.deleted = true
	m.d.post(simulator.Post{
		From: s.from.who, Chat: s.from.chat, Thread: s.from.thread, Text: "/delete", ReplyTo: s.original.ID,
	})
}
