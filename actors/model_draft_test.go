package actors_test

import (
	"fmt"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/topicdesk/topicdesk/simulator"
)

// Tickets that the model's people open from their private chats, by a draft that waits until they choose a group.

type modelDraft struct {
	opening
	n, version int
	by         *modelPerson
	form       string
	described  string  // what the description has besides the words of the command
	from       string  // where the described message was forwarded from
	said       *saying // the described message; nil: none
	command    simulator.Message
	choice     simulator.Message
	homeless   []simulator.Message // that it has, which somebody without any ticket wrote before
}

var (
	draftForms = []string{"text", "text elsewhere", "medium", "album", "reply", "question"}
	draftKinds = []string{"photo", "video", "document", "audio", "voice", "animation"}
)

const draftVerb = "/create_ticket "

func (f *modelDraft) title() string { return versioned(fmt.Sprintf("Draft %03d", f.n), f.version) }
func (f *modelDraft) words() string { return versioned(fmt.Sprintf("words %03d", f.n), f.version) }

// worded says whether title and description stand in the command itself.
func (f *modelDraft) worded() bool { return f.form != "reply" && f.form != "question" }

func (f *modelDraft) description() string {
	if f.form == "reply" {
		return f.described
	}
	return f.words() + f.described
}

func versioned(text string, version int) string {
	if version > 0 {
		text += " v" + itoa(version)
	}
	return text
}

// caption is the command with its markup: the first of its words is bold.
func (f *modelDraft) caption() (string, []simulator.Entity) {
	head := draftVerb + f.title()
	if !f.worded() {
		return head, nil
	}
	head += "\n"
	return head + f.words(), []simulator.Entity{{Type: "bold", Offset: len(head), Length: len("words")}}
}

// openDraft has somebody open a ticket by a draft.
func (m *model) openDraft(t *rapid.T) {
	m.makeDraft(t)
	m.chooseGroup(t)
}

// makeDraft has somebody begin a ticket in their private chat.
func (m *model) makeDraft(t *rapid.T) {
	who := rapid.SampledFrom(m.people).Draw(t, "person")
	if len(who.drafts) >= 3 {
		return
	}
	f := &modelDraft{n: m.drafted, by: who, opening: opening{by: who.id, at: who.id, thread: m.somewhere(t, who)}}
	m.drafted++
	form := rapid.SampledFrom(draftForms).Draw(t, "form")
	k := m.meant(who, f.thread) // who is asked for a group gets no button
	if form == "question" && (k != nil && k.status == "open" || k == nil && len(who.drafts) > 0) {
		form = "medium"
	}
	switch f.form = form; form {
	case "text", "text elsewhere", "medium":
		f.byCommand(t, m)
	case "album":
		f.byAlbum(t, m)
	case "reply":
		f.byReply(t, m)
	case "question":
		f.byQuestion(t, m)
	}
	f.choice = m.answered(f.command, "Where should "+f.title())
	who.drafts = append(who.drafts, f)
}

func (f *modelDraft) byCommand(t *rapid.T, m *model) {
	text, bold := f.caption()
	p := simulator.Post{From: f.by.id, Chat: f.by.id, Thread: f.thread, Text: text, Entities: bold}
	switch f.form {
	case "medium":
		p.Media = upload(rapid.SampledFrom(draftKinds).Draw(t, "kind"))
	case "text elsewhere":
		m.answersShop(&p)
		f.described = "\n\n" + shopInWords(p.Quote)
	}
	f.command = m.d.post(p)
	f.enclose(f.command, "")
}

func shopInWords(quote string) string { return "↩️ Shop: “" + quote + "” https://t.me/shop/17" }

// byAlbum posts an album with the command in one of its parts. What comes before it is a message, too.
func (f *modelDraft) byAlbum(t *rapid.T, m *model) {
	f.album = m.d.sim.NewAlbum()
	if rapid.Bool().Draw(t, "a part before the command") {
		s := &saying{kind: "photo"}
		m.sayThere(t, f.by, f.thread, s, simulator.Post{Album: f.album})
		m.keeps(f, s.original)
		f.enclose(s.original, s.text())
	}
	text, bold := f.caption()
	f.command = m.d.post(simulator.Post{From: f.by.id, Chat: f.by.id, Thread: f.thread, Text: text,
		Entities: bold, Media: upload("photo"), Album: f.album})
	f.enclose(f.command, "")
	for range rapid.IntRange(0, 2).Draw(t, "parts") {
		m.enclose(&f.opening, "")
	}
}

// byReply gives the command in reply to a message, perhaps a forwarded one.
func (f *modelDraft) byReply(t *rapid.T, m *model) {
	s := &saying{kind: rapid.SampledFrom(kindsSaid).Draw(t, "kind"), forwarded: rapid.Bool().Draw(t, "forwarded")}
	m.sayThere(t, f.by, f.thread, s, simulator.Post{})
	m.keeps(f, s.original)
	text, _ := f.caption()
	f.command = m.d.reply(f.by.id, f.by.id, s.original, text)
	f.enclose(s.original, "")
	f.said = s
	if f.described = s.text(); s.forwarded {
		f.from = "News"
	}
}

// byQuestion posts a medium that no ticket takes, presses the button for a new one, and answers with the title.
func (f *modelDraft) byQuestion(t *rapid.T, m *model) {
	m.awaitStatus(m.meant(f.by, f.thread))
	kind := rapid.SampledFrom(append([]string{"sticker", "video_note"}, draftKinds...)).Draw(t, "kind")
	p := simulator.Post{From: f.by.id, Chat: f.by.id, Thread: f.thread, Media: upload(kind)}
	if rapid.Bool().Draw(t, "about something elsewhere") {
		m.answersShop(&p)
		f.described = "\n\n" + shopInWords(p.Quote)
	}
	sent := m.d.post(p)
	m.keeps(f, sent)
	m.d.press(f.by.id, m.asked(f.by, f.thread, sent), "new")
	question := m.answered(sent, "What is the ticket about?")
	if rapid.Bool().Draw(t, "restart") {
		m.d.quiet()
		m.d.restart()
	}
	f.command = m.d.reply(f.by.id, f.by.id, question, f.title()+"\n"+f.words())
	f.enclose(sent, "")
}

// keeps notes that a draft has what was written before it.
func (m *model) keeps(f *modelDraft, said simulator.Message) {
	if m.meant(f.by, f.thread) == nil {
		f.homeless = append(f.homeless, said)
	}
}

// enclose has a description have a medium of a message, if the message has one.
func (o *opening) enclose(msg simulator.Message, caption string) {
	if msg.Media != nil {
		o.enclosed = append(o.enclosed, enclosed{msg.Media.FileID, caption})
	}
}

// enclose has somebody post a part of the album that opens a ticket.
func (m *model) enclose(o *opening, caption string) {
	shown := ""
	if caption == "" {
		m.parts++
		shown = "enclosed " + itoa(m.parts)
		caption = shown
	}
	o.enclose(m.d.albumParts(o.album, o.by, o.at, o.thread, "photo:"+caption)[0], shown)
}

// encloseLate adds a part to the album of a ticket, or of a draft.
func (m *model) encloseLate(t *rapid.T, k *modelTicket) {
	all := []*opening{&k.opening}
	for _, f := range m.waiting() {
		all = append(all, &f.opening)
	}
	if o := rapid.SampledFrom(all).Draw(t, "album"); o.album != "" {
		m.enclose(o, "")
	}
}

// waiting lists the drafts whose group is not chosen.
func (m *model) waiting() (all []*modelDraft) {
	for _, who := range m.people {
		all = append(all, who.drafts...)
	}
	return all
}

// take draws a draft and removes it from those that wait; nil: none does.
func (m *model) take(t *rapid.T) *modelDraft {
	all := m.waiting()
	if len(all) == 0 {
		return nil
	}
	f := rapid.SampledFrom(all).Draw(t, "draft")
	f.by.drafts = slices.DeleteFunc(f.by.drafts, func(g *modelDraft) bool { return f == g })
	return f
}

// correct has somebody edit the command of a draft before they choose.
func (m *model) correct(t *rapid.T) {
	all := slices.DeleteFunc(m.waiting(), func(f *modelDraft) bool { return f.form == "question" })
	if len(all) == 0 {
		return
	}
	f := rapid.SampledFrom(all).Draw(t, "draft")
	f.version++
	text, bold := f.caption()
	m.d.edit(f.command, text, bold...)
}

// drop has somebody cancel a draft.
func (m *model) drop(t *rapid.T) {
	if f := m.take(t); f != nil {
		if a := m.d.press(f.by.id, f.choice, "pdrop:"); !strings.Contains(a.Text, "Cancelled") {
			t.Fatalf("dropping %s is answered with %q", f.title(), a.Text)
		}
		for _, said := range f.homeless {
			m.withdraw(f.by, said)
		}
	}
}

// chooseGroup has somebody choose the group of a draft, and waits for the ticket.
func (m *model) chooseGroup(t *rapid.T) {
	if len(m.tickets) >= 5 {
		return
	}
	f := m.take(t)
	if f == nil {
		return
	}
	who, chat := f.by, rapid.SampledFrom(f.by.groups).Draw(t, "group")
	m.d.press(who.id, f.choice, "pick:"+ticketOf(f.choice)+":g"+itoa64(chat))
	k := &modelTicket{opening: f.opening, title: f.title(), status: "open", person: who, draft: f}
	id := m.d.announced(who.id, f.thread, k.title)
	k.ticket = &ticket{chat: chat, id: id, thread: m.d.topicNamed(chat, k.title).Thread}
	m.d.introduced(chat, k.thread)
	private := &modelTopic{of: k, who: who.id, chat: who.id, linked: true, private: true}
	if who.topics {
		private.thread = m.d.topicNamed(who.id, k.title).Thread
		m.d.introduced(who.id, private.thread)
	}
	k.topics = []*modelTopic{{of: k, who: m.admins[chat], chat: chat, thread: k.thread, linked: true}, private}
	m.tickets = append(m.tickets, k)
	m.awaitCurrent(who, k)
	m.neverUnclear(k)
}
