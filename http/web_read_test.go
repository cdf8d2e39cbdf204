package httpedge_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/topicdesk/topicdesk/simulator"
	"github.com/topicdesk/topicdesk/storage"
)

// marked returns a condition: the inbox shows a ticket, as unread or not.
func (v *visitor) marked(ticketID string, unread bool) func() bool {
	v.s.t.Helper()
	return func() bool {
		_, row, there := strings.Cut(v.get("/?state=all").body, `<li id="t-`+ticketID+`"`)
		head, _, _ := strings.Cut(row, "<a ")
		return there && strings.Contains(head, `class="unread"`) == unread
	}
}

// countingUsers counts how often a person is saved.
type countingUsers struct {
	storage.Store
	saves *atomic.Int64
}

func (c *countingUsers) SaveUser(ctx context.Context, u *storage.User) error {
	c.saves.Add(1)
	return c.Store.SaveUser(ctx, u)
}

// TestWebUnread: a ticket is unread until the person opens it on the web desk, and again when somebody else says something.
func TestWebUnread(t *testing.T) {
	var saves atomic.Int64
	s := newService(t, serviceOptions{wrapStore: func(store storage.Store) storage.Store { return &countingUsers{Store: store, saves: &saves} }})
	s.register()
	max := s.newPerson("Max", s.support)
	before := s.opened(max, s.support, "From before")
	v, other := s.signIn(s.ann), s.signIn(max)
	ticket := s.opened(max, s.support, "Printer is on fire")
	thread, address := int(ticket.Home.TelegramTopicID), "/tickets/"+ticket.TicketID
	say := func(person int64, text string) {
		t.Helper()
		_, err := s.sim.Post(simulator.Post{From: person, Chat: s.support, Thread: thread, Text: text})
		s.must(err)
	}
	s.run(t, "what was there when they first signed in is read, and so is what they say themselves", func(t *testing.T) {
		if !v.marked(before.TicketID, false)() || !other.marked(ticket.TicketID, false)() {
			t.Error("it is unread")
		}
	})
	s.run(t, "a new ticket, until it is opened", func(t *testing.T) {
		s.await("it is unread", v.marked(ticket.TicketID, true))
		v.get(address)
		if !v.marked(ticket.TicketID, false)() {
			t.Error("it is unread still")
		}
	})
	s.run(t, "what somebody else says, for each by themselves", func(t *testing.T) {
		say(max, "It smells")
		s.await("it is unread", v.marked(ticket.TicketID, true))
		if !other.marked(ticket.TicketID, false)() {
			t.Error("who said it has not read it")
		}
		v.get(address)
		say(s.ann, "I am coming")
		s.await("for the other one", other.marked(ticket.TicketID, true))
		if !v.marked(ticket.TicketID, false)() {
			t.Error("it is unread for who answered")
		}
	})
	s.run(t, "not a note, of which others must not know", func(t *testing.T) {
		other.get(address)
		say(s.ann, "// a secret")
		s.await("the note", v.shows(address, "a secret"))
		if !other.marked(ticket.TicketID, false)() {
			t.Error("it is unread")
		}
	})
	s.run(t, "older messages and another session change nothing, a restart neither", func(t *testing.T) {
		say(max, "Hello?")
		s.await("it is unread", v.marked(ticket.TicketID, true))
		v.send(http.MethodGet, address+"/timeline?before=2", nil, "HX-Request", "true")
		s.restart()
		again := s.signIn(s.ann)
		if !again.marked(ticket.TicketID, true)() {
			t.Error("it is read")
		}
		v.send(http.MethodGet, address+"/timeline?after=-1", nil, "HX-Request", "true") // the page was open, and shows it
		s.restart()
		if !again.marked(ticket.TicketID, false)() {
			t.Error("it is unread")
		}
	})
	s.run(t, "one write, and none when nothing is new", func(t *testing.T) {
		say(max, "One more")
		s.await("it is unread", v.marked(ticket.TicketID, true))
		was := saves.Load()
		for range 5 {
			v.get(address)
		}
		if saves.Load() != was+1 {
			t.Errorf("%d writes", saves.Load()-was)
		}
	})
	s.run(t, "who may not see a ticket has not read it", func(t *testing.T) {
		stranger := s.newPerson("Sam", 0)
		w := s.signIn(stranger)
		was := saves.Load()
		if p := w.get(address); p.status != http.StatusNotFound || saves.Load() != was {
			t.Errorf("%d, %d writes", p.status, saves.Load()-was)
		}
		w.send(http.MethodPost, address+"/answer", url.Values{"csrf": {w.csrf()}, "text": {"x"}})
		if saves.Load() != was {
			t.Errorf("%d writes", saves.Load()-was)
		}
	})
}
