package actors_test

import (
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/topicdesk/topicdesk/simulator"
)

// What people see of a ticket's description.

// encloses says whether a message shows a medium of the description.
func (k *modelTicket) encloses(msg simulator.Message) bool {
	return msg.Media != nil && slices.ContainsFunc(k.opening.enclosed, func(e enclosed) bool {
		return e.file == msg.Media.FileID
	})
}

func (m *model) checkDescription(t *rapid.T, k *modelTicket) {
	r := m.d.record(k.ticket)
	switch f := k.draft; {
	case r.Status != k.status:
		t.Fatalf("ticket %s is %s, want %s", k.title, r.Status, k.status)
	case r.Title != k.title:
		t.Fatalf("ticket %s is called %q", k.title, r.Title)
	case f != nil && r.Description != f.description():
		t.Fatalf("ticket %s is described by %q, want %q", k.title, r.Description, f.description())
	case f != nil && f.worded() && (len(r.DescriptionEntities) != 1 || r.DescriptionEntities[0].Type != "bold"):
		t.Fatalf("the description of ticket %s has the markup %v", k.title, r.DescriptionEntities)
	case f != nil && (f.from != "" || r.Forwarded != nil) && (r.Forwarded == nil || r.Forwarded.Name != f.from):
		t.Fatalf("ticket %s is forwarded from %v, want %s", k.title, r.Forwarded, f.from)
	}
	for i, p := range k.topics {
		if fail := m.fails(t, i, p); p.linked {
			m.checkEnclosures(fail, p)
			m.checkCard(fail, p)
		}
	}
}

// checkEnclosures checks that a topic shows each medium of the description once, below its card, unless it is in the
// private chat that the media are from.
func (m *model) checkEnclosures(fail func(string, ...any), p *modelTopic) {
	shown := func() map[string][]string {
		lost, captions := m.lost(p.chat), map[string][]string{}
		for _, msg := range m.d.byBot(p.chat, p.thread) {
			if p.of.encloses(msg) && !lost(msg) {
				captions[msg.Media.FileID] = append(captions[msg.Media.FileID], msg.Text)
			}
		}
		return captions
	}
	if !p.private {
		m.d.await("every medium of "+p.of.title, func() bool { return len(shown()) == len(p.of.opening.enclosed) })
	}
	captions := shown()
	for _, e := range p.of.opening.enclosed {
		got := captions[e.file]
		switch {
		case p.private && len(got) > 0:
			fail("%q came back", e.caption)
		case !p.private && (len(got) < 1 || len(got) > max(1, p.links) || !strings.HasSuffix(got[0], e.caption)):
			fail("the medium %s (%q) of the description stands there as %q", e.file, e.caption, got)
		}
	}
}

// checkCard checks that a topic's pinned card shows the description.
func (m *model) checkCard(fail func(string, ...any), p *modelTopic) {
	f := p.of.draft
	if f == nil {
		return
	}
	cards := slices.DeleteFunc(m.d.byBot(p.chat, p.thread), func(msg simulator.Message) bool {
		return !msg.Pinned || !strings.Contains(msg.Text, m.d.head(p.of.ticket))
	})
	if len(cards) < 1 || len(cards) > max(1, p.links) {
		fail("there are %d pinned cards", len(cards))
	}
	card := cards[len(cards)-1]
	for _, part := range []string{p.of.title, f.description(), f.from} {
		if !strings.Contains(card.Text, part) {
			fail("the card %q has no %q", card.Text, part)
		}
	}
	if f.worded() && !slices.ContainsFunc(card.Entities, func(e simulator.Entity) bool {
		return e.Type == "bold" && cut(card.Text, e.Offset, e.Length) == "words"
	}) {
		fail("the card %q has lost its markup: %v", card.Text, card.Entities)
	}
}

// count adds up what the model has seen, to show that nothing of it is missing in the sequences that were drawn.
func (m *model) count(done map[string]int) {
	for _, k := range m.tickets {
		switch {
		case k.person == nil:
			done["tickets from groups"]++
		case k.person.topics:
			done["tickets with private topics"]++
		default:
			done["tickets sharing a private chat"]++
		}
		if k.person != nil {
			done["media of drafts"] += len(k.opening.enclosed)
		}
		done["deleted private topics"] += k.vanished
	}
	for _, s := range m.all {
		if done["messages"]++; len(s.elsewhere) > 0 {
			done["references"]++
		}
		if s.command != "" {
			done["commands in captions"]++
		}
	}
}
