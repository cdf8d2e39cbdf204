package actors_test

import (
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
)

// The private chats of the model: Eve's has no topics, so her tickets share it. In Fay's each ticket has a topic.

type modelPerson struct {
	id      int64
	topics  bool
	groups  []int64
	current *modelTicket // that they opened or chose last
	outside *modelTopic  // where they write outside of the tickets' topics
	drafts  []*modelDraft
}

// populate adds Fay, and a club in which nobody has tickets.
func (m *model) populate() {
	d := m.d
	fay := d.newcomer("Fay")
	d.must(d.sim.SetMember(d.engineering, fay, simulator.Member))
	d.must(d.sim.SetTopics(fay, true))
	members := map[int64]simulator.Role{}
	for _, who := range []int64{d.ann, d.bob, d.carl, d.dora, d.eve, fay} {
		members[who] = simulator.Member
	}
	club := d.group("Club", members)
	m.club = d.say(d.ann, club, 0, "heard in the club")
	m.people = []*modelPerson{
		{id: d.eve, groups: []int64{d.support, d.sales}},
		{id: fay, groups: []int64{d.support, d.engineering}, topics: true},
	}
	for _, who := range m.people {
		who.outside = &modelTopic{who: who.id, chat: who.id, linked: true}
	}
}

func (m *model) stepPrivately(t *rapid.T, k *modelTicket, step string) {
	switch step {
	case "draft":
		m.makeDraft(t)
	case "choose":
		m.chooseGroup(t)
	case "correct":
		m.correct(t)
	case "drop":
		m.drop(t)
	case "enclose":
		m.encloseLate(t, k)
	case "aside":
		m.aside(t)
	case "vanish":
		m.vanish(t, k)
	case "rename":
		if p := k.private(); p != nil && p.thread != 0 {
			m.d.must(m.d.sim.RenameTopic(p.chat, p.who, p.thread, "My topic "+itoa(m.n)))
		}
	default:
		t.Fatalf("there is no step %s", step)
	}
}

// private is the ticket's topic in a private chat; nil: there is none.
func (k *modelTicket) private() *modelTopic {
	if k.person == nil {
		return nil
	}
	return k.topics[1]
}

// mean makes what somebody writes in a private chat without topics a message of the ticket.
func (m *model) mean(t *rapid.T, k *modelTicket, from *modelTopic, p *simulator.Post) {
	switch {
	case !from.private || from.thread != 0 || p.ReplyTo != 0 || k.person.current == k:
	case rapid.Bool().Draw(t, "in reply to the card"):
		p.ReplyTo = m.d.awaitText(from.chat, 0, m.d.head(k.ticket)).ID
	default:
		m.talkOn(k, from)
	}
}

// talkOn has the person of a private chat without topics make the ticket their current one.
func (m *model) talkOn(k *modelTicket, from *modelTopic) {
	if !from.private || from.thread != 0 || k.person.current == k {
		return
	}
	list := m.answered(m.d.say(from.who, from.chat, 0, "/tickets"), "You have")
	m.d.press(from.who, list, "talk:"+k.id)
	m.awaitCurrent(k.person, k)
}

func (m *model) awaitCurrent(who *modelPerson, k *modelTicket) {
	who.current = k
	m.d.eventually("the person talks on "+k.id, func() bool {
		u, err := m.d.store.User(m.d.t.Context(), who.id)
		return err == nil && u.CurrentTicketID == k.id
	})
}

// neverUnclear has the person of a ticket mean their current one whatever the desk said last: TestUnclearTicket is about
// what happens else.
func (m *model) neverUnclear(k *modelTicket) {
	who := itoa64(k.person.id)
	_, err := m.d.system.Ask(m.d.t.Context(), messages.KindUser, who, &messages.TalkOn{
		Origin:   &messages.Origin{CommandId: "settled on " + k.id, Place: "u" + who},
		TicketId: k.id, Quiet: true, Settles: 1 << 40,
	})
	m.d.must(err)
}

// awaitStatus waits until the ticket is open, or closed, as somebody wanted in another chat.
func (m *model) awaitStatus(k *modelTicket) {
	if k != nil {
		m.d.eventually(k.id+" is "+k.status, func() bool { return m.d.record(k.ticket).Status == k.status })
	}
}

// answered waits for the bot's reply to a message that contains the text, and of whose call the answer was not lost.
func (m *model) answered(to simulator.Message, part string) (found simulator.Message) {
	m.d.await("the bot answers "+to.Text+" with "+part, func() bool {
		lost := m.lost(to.Chat)
		for _, found = range m.d.byBot(to.Chat, to.Thread) {
			if found.ReplyTo == to.ID && !lost(found) && strings.Contains(found.Text, part) {
				return true
			}
		}
		return false
	})
	return found
}

// somewhere draws a thread of somebody's private chat.
func (m *model) somewhere(t *rapid.T, who *modelPerson) int {
	threads := []int{0}
	for _, k := range m.tickets {
		if k.person == who && k.private().thread != 0 {
			threads = append(threads, k.private().thread)
		}
	}
	return rapid.SampledFrom(threads).Draw(t, "thread")
}

// meant is the ticket that what a person writes in a thread of their private chat is about; nil: there is none.
func (m *model) meant(who *modelPerson, thread int) *modelTicket {
	for _, k := range m.tickets {
		if thread != 0 && k.person == who && k.private().thread == thread {
			return k
		}
	}
	return who.current
}

// placeOf is where a ticket has what its person writes in a thread.
func (k *modelTicket) placeOf(thread int) *modelTopic {
	if p := k.private(); p.thread == thread {
		return p
	}
	return k.person.outside
}

// aside has somebody write in their private chat, perhaps an album, without a thought of where it goes. If it goes
// nowhere they are told, and may choose.
func (m *model) aside(t *rapid.T) {
	who := rapid.SampledFrom(m.people).Draw(t, "person")
	thread := m.somewhere(t, who)
	first, p := &saying{kind: rapid.SampledFrom(kindsSaid).Draw(t, "kind")}, simulator.Post{}
	more := rapid.IntRange(0, 2).Draw(t, "more parts")
	if first.kind != "photo" && first.kind != "document" {
		more = 0
	}
	if more > 0 {
		p.Album = m.d.sim.NewAlbum()
	}
	switch about := m.meant(who, thread); {
	case rapid.Bool().Draw(t, "about something elsewhere"):
		first.elsewhere = m.elsewhere(t, &p)
	case about != nil && about.placeOf(thread) == about.private() && rapid.Bool().Draw(t, "in reply"):
		m.check(t)
		m.reply(t, about.private(), first, &p)
	}
	k, all := m.sayThere(t, who, thread, first, p), []*saying{first}
	for range more {
		s := &saying{kind: first.kind}
		m.write(t, s, simulator.Post{From: who.id, Chat: who.id, Thread: thread, Album: p.Album})
		if all = append(all, s); k != nil {
			m.heard(k, s, k.placeOf(thread))
		}
	}
	switch {
	case k != nil:
	case m.meant(who, thread) == nil:
		for _, s := range all {
			m.withdraw(who, s.original)
		}
	default:
		m.decide(t, who, thread, all)
	}
}

// withdraw has somebody who has no ticket delete what they wrote. Else the ticket that they open within 10 minutes gets it,
// and on the model's fast clock nobody can say which one does.
func (m *model) withdraw(who *modelPerson, said simulator.Message) {
	m.answered(m.d.reply(who.id, who.id, said, "/delete"), "was not passed on")
}

// sayThere has somebody write in their private chat; it returns the ticket that takes it, nil if they were told that
// none did.
func (m *model) sayThere(t *rapid.T, who *modelPerson, thread int, s *saying, p simulator.Post) *modelTicket {
	k := m.meant(who, thread)
	m.awaitStatus(k)
	p.From, p.Chat, p.Thread = who.id, who.id, thread
	m.write(t, s, p)
	if k != nil && k.status == "open" {
		m.heard(k, s, k.placeOf(thread))
		return k
	}
	m.asked(who, thread, s.original)
	return nil
}

// asked waits for the question of what to do with a message that no ticket takes.
func (m *model) asked(who *modelPerson, thread int, sent simulator.Message) simulator.Message {
	if m.meant(who, thread) == nil {
		return m.answered(sent, "passed on to nobody")
	}
	return m.answered(sent, "Not passed on")
}

// decide has somebody choose a ticket for what was passed on to none, or take it back: left alone, it would go ahead of what they write
// to that ticket when it is open again.
func (m *model) decide(t *rapid.T, who *modelPerson, thread int, all []*saying) {
	about := m.meant(who, thread)
	if rapid.IntRange(0, 2).Draw(t, "take it back") == 0 {
		for _, s := range all {
			m.withdraw(who, s.original)
		}
		return
	}
	offered := []*modelTicket{about}
	for _, k := range m.tickets {
		if k.person == who && k.status == "open" {
			offered = append(offered, k)
		}
	}
	k := rapid.SampledFrom(offered).Draw(t, "say it to")
	m.d.quiet()
	m.d.press(who.id, m.asked(who, thread, all[0].original), "say:"+k.id)
	m.d.quiet(k.ticket)
	k.status = "open"
	for _, s := range all {
		m.heard(k, s, k.placeOf(thread))
	}
	if thread == 0 || k.private().thread != thread {
		m.awaitCurrent(who, k)
	}
}

// vanish has somebody delete the ticket's topic in their private chat. What is said next opens it again.
func (m *model) vanish(t *rapid.T, k *modelTicket) {
	p := k.private()
	if p == nil || p.thread == 0 || k.status != "open" || k.vanished == 3 {
		return
	}
	m.check(t)
	k.vanished++
	m.d.must(m.d.sim.DeleteTopic(p.chat, p.who, p.thread))
	k.person.drafts = slices.DeleteFunc(k.person.drafts, func(f *modelDraft) bool { return f.command.Thread == p.thread })
	for _, other := range m.tickets {
		if other.person == k.person && other.opening.thread == p.thread {
			other.opening.thread = 0
		}
	}
	p.shows = nil
	if rapid.Bool().Draw(t, "restart") {
		m.d.restart()
	}
	from := k.topics[0]
	m.post(t, k, &saying{kind: rapid.SampledFrom(kindsSaid).Draw(t, "kind"), from: from},
		simulator.Post{From: from.who, Chat: from.chat, Thread: from.thread})
	p.thread = m.d.reopenedTopic(p.chat, k.title, p.thread)
}
