package actors_test

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"pgregory.net/rapid"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
	"github.com/topicdesk/topicdesk/storage"
)

// shown is what people see of one original: a message, or one of the merged copies in a message.
type shown struct {
	simulator.Message
	parts      int // of the message
	n, version int
	head, text string // text is without the sender's line, which is in head with what else stands above
}

var (
	saidText    = regexp.MustCompile(`^text (\d{4})(?: v(\d+))?$`)
	saidCommand = regexp.MustCompile(`^(` + strings.Join(modelCommands, "|") + `|high )`)
)

// lost tells which messages of a chat a call made whose answer was lost.
func (m *model) lost(chat int64) func(simulator.Message) bool {
	lost := map[int]bool{}
	albums := map[string]bool{}
	for _, c := range m.d.sim.Calls() {
		if c.Lost && c.Chat == chat && strings.HasPrefix(c.Method, "send") {
			lost[c.Message] = true
			if first, found := m.d.sim.Message(chat, c.Message); found && first.AlbumID != "" {
				albums[first.AlbumID] = true
			}
		}
	}
	return func(msg simulator.Message) bool { return lost[msg.ID] || albums[msg.AlbumID] }
}

// seen lists the originals and copies that people see in a topic, except what a call made whose answer was lost, and
// except what is part of the ticket's description. Of a private chat it lists only what belongs to the ticket.
func (m *model) seen(p *modelTopic) (all []shown) {
	lost := m.lost(p.chat)
	for _, msg := range m.d.visible(p.chat, p.thread) {
		ours := msg.From.ID == m.d.sim.BotID()
		if lost(msg) || ours && p.of.encloses(msg) {
			continue
		}
		parts := joined(msg)
		if !strings.Contains(msg.Text, "\n") { // an original, or a part of an album that is not the first
			parts = []string{msg.Text}
		}
		if len(parts) > 1 {
			m.shared[msg.ID] = true
		}
		for _, text := range parts {
			at := strings.LastIndexByte(text, '\n') + 1
			s := shown{Message: msg, parts: len(parts), head: text[:at], text: saidCommand.ReplaceAllString(text[at:], "")}
			is := saidText.FindStringSubmatch(s.text)
			if is == nil {
				continue
			}
			s.n, _ = strconv.Atoi(is[1])
			s.version, _ = strconv.Atoi(is[2])
			if !p.private || m.all[s.n].of == p.of {
				all = append(all, s)
			}
		}
	}
	return all
}

// find lists where an original is seen in a topic.
func (m *model) find(p *modelTopic, s *saying) []shown {
	return slices.DeleteFunc(m.seen(p), func(x shown) bool { return x.n != s.n })
}

// check waits until everything is copied and up to date, and compares.
func (m *model) check(t *rapid.T) {
	for _, k := range m.tickets {
		m.d.quiet(k.ticket)
		m.d.eventually("every change is shown", func() bool {
			open, err := m.d.store.OpenMessages(m.d.t.Context(), k.id, 1)
			m.d.must(err)
			return len(open) == 0
		})
		m.checkDescription(t, k)
		for i, p := range k.topics {
			m.checkTopic(t, i, p)
			if p.linked && !p.private && m.d.topic(p.chat, p.thread).Closed != (k.status == "closed") {
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

// fails makes a function that fails the check of a topic.
func (m *model) fails(t *rapid.T, i int, p *modelTopic) func(string, ...any) {
	return func(format string, args ...any) {
		t.Helper()
		all := append([]any{p.of.id, i}, args...)
		t.Fatalf("ticket %s, topic %d: "+format+"\n%s", append(all, m.d.transcript())...)
	}
}

func (m *model) checkTopic(t *rapid.T, i int, p *modelTopic) {
	fail := m.fails(t, i, p)
	all := m.seen(p)
	var got, want []int
	for _, x := range all {
		got = append(got, x.n)
	}
	for _, s := range p.shows {
		if !s.deleted {
			want = append(want, s.n)
		}
	}
	sorted := slices.Clone(got)
	slices.Sort(sorted)
	if slices.Sort(want); !slices.Equal(sorted, want) {
		fail("shows %v, want %v", sorted, want)
	}
	newest := map[*modelTopic]int{} // by the topic of the original
	for _, x := range all {
		s := m.all[x.n]
		kind := ""
		if x.Media != nil {
			kind = x.Media.Kind
		} else if x.Rich != nil {
			kind = kindRich
		}
		ours := s.from != p
		if s.worded() && (x.parts > 1 || s.frozen[p] || s.left && ours) && (kind == "" || kind == kindRich) {
			kind = s.kind // merged copies are texts
		}
		switch {
		case kind != s.kind:
			fail("%q is a %q, want %q", s.text(), kind, s.kind)
		case x.n < newest[s.from]:
			fail("%q is behind %d", s.text(), newest[s.from])
		case s.frozen[p] || s.left && ours: // nothing is promised about its last version
		case x.version != s.version:
			fail("%q is shown as %q", s.text(), x.text)
		case x.parts == 1 && m.reactionOf(x.Message) != s.reactionAt(p):
			fail("%q bears %q, want %q", s.text(), m.reactionOf(x.Message), s.reactionAt(p))
		}
		newest[s.from] = x.n
		if ours {
			m.checkCopy(fail, p, s, x)
		}
		if a := s.answers; a != nil && !a.deleted && x.parts == 1 && slices.Contains(p.shows, a) &&
			!slices.ContainsFunc(all, func(y shown) bool { return y.n == a.n && y.ID == x.ReplyTo }) {
			fail("%q answers message %d, not %q", s.text(), x.ReplyTo, a.text())
		}
	}
}

// checkCopy checks what a copy has besides its text: the medium, what it answers or was forwarded from, and that the
// desk knows of which original it is.
func (m *model) checkCopy(fail func(string, ...any), p *modelTopic, s *saying, x shown) {
	if x.Media != nil && x.Media.FileID != s.original.Media.FileID {
		fail("%q has the file %s, want %s", s.text(), x.Media.FileID, s.original.Media.FileID)
	}
	above := slices.Clone(s.elsewhere)
	if s.forwarded {
		above = append(above, "Forwarded from News")
	}
	if a := s.answers; a != nil && !a.deleted && !slices.Contains(p.shows, a) &&
		(a.from.chat != p.chat || x.ReplyTo != a.original.ID) { // it does not lead out of a private topic
		if hidden := a.command != "" && s.from == a.from && a.from.chat < 0; !hidden { // what answers a command shows nothing of it
			above = append(above, textOf(a.n, 0))
		}
	}
	m.checkAnswered(fail, p, s, x)
	for _, words := range above {
		if !strings.Contains(x.head, words) {
			fail("above %q stands %q, without %q", s.text(), x.head, words)
		}
	}
	key := messages.MessageKey(s.original.Chat, int64(s.original.ID))
	copies, err := m.d.store.CopiesOf(m.d.t.Context(), key)
	m.d.must(err)
	if !slices.ContainsFunc(copies, func(c storage.Copy) bool {
		return c.ChatID == p.chat && slices.Contains(c.Parts, int64(x.ID))
	}) {
		fail("%q has no counterpart %d/%d: %+v", s.text(), p.chat, x.ID, copies)
	}
	if len(s.elsewhere) > 0 {
		r, err := m.d.store.Message(m.d.t.Context(), key)
		m.d.must(err)
		if r.ReplyTo == nil || "In reply to "+r.ReplyTo.Origin.Name != s.elsewhere[0] {
			fail("%q keeps %+v of what it answers", s.text(), r.ReplyTo)
		}
	}
}

// checkAnswered checks what stands above a copy of the message that it answers: no words of a deleted one, and of an edited
// one those of its last version.
func (m *model) checkAnswered(fail func(string, ...any), p *modelTopic, s *saying, x shown) {
	a := s.answers
	if a == nil || !strings.Contains(x.head, textOf(a.n, 0)) {
		return
	}
	switch {
	case a.deleted:
		fail("above %q stands %q, which was deleted", s.text(), x.head)
	case s.frozen[p] || s.left || a.left: // nothing is promised about the last version
	case !strings.Contains(x.head, a.text()):
		fail("above %q stands %q, and not %q", s.text(), x.head, a.text())
	}
}

// reactionOf is the reaction that the bot shows on a message.
func (m *model) reactionOf(msg simulator.Message) string {
	for _, r := range msg.Reactions {
		if r.From == m.d.sim.BotID() {
			return r.Emoji
		}
	}
	return ""
}
