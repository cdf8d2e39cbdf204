package actors_test

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"pgregory.net/rapid"

	"github.com/topicdesk/topicdesk/simulator"
)

// shown is what people see of one original: a message, or one of the merged copies in a message.
type shown struct {
	simulator.Message
	parts      int // of the message
	n, version int
	text       string // without the sender's line
}

var saidText = regexp.MustCompile(`^text (\d{4})(?: v(\d+))?$`)

// seen lists the originals and copies that people see in a topic, except what a call made whose answer was lost.
func (m *model) seen(p *modelTopic) (all []shown) {
	lost := map[int]bool{}
	albums := map[string]bool{}
	for _, c := range m.d.sim.Calls() {
		if c.Lost && c.Chat == p.chat && strings.HasPrefix(c.Method, "send") {
			lost[c.Message] = true
			if first, found := m.d.sim.Message(p.chat, c.Message); found && first.AlbumID != "" {
				albums[first.AlbumID] = true
			}
		}
	}
	for _, msg := range m.d.visible(p.chat, p.thread) {
		if lost[msg.ID] || albums[msg.AlbumID] {
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
			text = strings.TrimPrefix(text[strings.LastIndexByte(text, '\n')+1:], modelCommand)
			if is := saidText.FindStringSubmatch(text); is != nil {
				s := shown{Message: msg, parts: len(parts), text: text}
				s.n, _ = strconv.Atoi(is[1])
				s.version, _ = strconv.Atoi(is[2])
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
		if r := m.d.record(k.ticket); r.Status != k.status {
			t.Fatalf("ticket is %s, want %s", r.Status, k.status)
		}
		for i, p := range k.topics {
			m.checkTopic(t, i, p)
			for _, caption := range k.enclosed {
				if p.linked {
					m.d.awaitText(p.chat, p.thread, caption)
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

func (m *model) checkTopic(t *rapid.T, i int, p *modelTopic) {
	fail := func(format string, args ...any) {
		t.Helper()
		t.Fatalf("topic %d: "+format+"\n%s", append(append([]any{i}, args...), m.d.transcript())...)
	}
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
		if a := s.answers; a != nil && !a.deleted && x.parts == 1 && slices.Contains(p.shows, a) &&
			!slices.ContainsFunc(all, func(y shown) bool { return y.n == a.n && y.ID == x.ReplyTo }) {
			fail("%q answers message %d, not %q", s.text(), x.ReplyTo, a.text())
		}
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
