package httpedge_test

import (
	"html"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/simulator"
)

// TestWebClaims: who takes care of a ticket, and for whom it waits, is said on its page and in the inbox, and changed there as in Telegram.
func TestWebClaims(t *testing.T) {
	s := newService(t, serviceOptions{})
	s.register()
	max, mia := s.newPerson("Max", s.support), s.colleague("Mia", s.support)
	ben := s.colleague("Ben", s.sales)
	ticket := s.opened(s.ann, s.support, "Printer is on fire")
	address, thread := "/tickets/"+ticket.TicketID, int(ticket.Home.TelegramTopicID)
	opener, member, other := s.signIn(s.ann), s.signIn(max), s.signIn(mia)
	good := func(t *testing.T, p *page) {
		t.Helper()
		if p.status != http.StatusNoContent {
			t.Fatalf("%d %s", p.status, p.body)
		}
	}
	refused := func(t *testing.T, p *page, status int, says string) {
		t.Helper()
		if p.status != status || !strings.Contains(p.body, says) || strings.Contains(p.body, "{") {
			t.Errorf("%d %q, want %d %q", p.status, p.body, status, says)
		}
	}
	lists := func(v *visitor, view string) bool {
		return strings.Contains(v.get("/?view="+view).body, ticket.TicketID)
	}
	s.run(t, "it waits for the desk, and nobody has it", func(t *testing.T) {
		s.await("the list knows", func() bool { return lists(member, "unanswered") })
		if body := member.get(address).body; !strings.Contains(body, `data-testid="claim"`) || strings.Contains(body, `data-testid="release"`) ||
			!strings.Contains(body, "waiting for an answer for") || !strings.Contains(member.get("/").body, "waiting for an answer for") {
			t.Error(body)
		}
		if lists(member, "mine") || lists(member, "waiting") || !lists(opener, "mine") {
			t.Error("it is in the wrong views")
		}
		refused(t, member.do(address, "release", nil), 409, "Nobody takes care")
	})
	s.run(t, "whoever opened it is not offered it, and can't take it", func(t *testing.T) {
		if body := opener.get(address).body; strings.Contains(body, `data-testid="claim"`) || strings.Contains(body, `data-testid="assign"`) {
			t.Error("it is offered")
		}
		refused(t, opener.do(address, "claim", nil), 409, "Only the team")
	})
	s.run(t, "mine, as in Telegram", func(t *testing.T) {
		good(t, member.do(address, "claim", nil))
		s.awaitText(s.support, thread, "Max takes care of this ticket now")
		body := html.UnescapeString(member.get(address).body)
		if strings.Contains(body, `data-testid="claim"`) || !strings.Contains(body, `data-testid="assignee">Max<`) ||
			!strings.Contains(body, ">Release<") || !strings.Contains(member.get("/").body, `data-testid="assignee">Max<`) {
			t.Error(body)
		}
		if !strings.Contains(html.UnescapeString(other.get(address).body), "Release: \u2068Max\u2069") {
			t.Error("another does not read whose it is")
		}
		refused(t, member.do(address, "claim", nil), 409, "already")
		refused(t, other.do(address, "claim", nil), 409, "Max takes care of this ticket already")
		s.await("it is Max's", func() bool { return lists(member, "mine") })
		if lists(other, "mine") {
			t.Error("it is Mia's, too")
		}
	})
	s.run(t, "given to somebody, of those to whom it can be", func(t *testing.T) {
		p := member.get(address + "/team")
		if p.status != 200 || !strings.Contains(p.body, ">Mia<") || strings.Count(p.body, `data-testid="person"`) != 1 {
			t.Errorf("%d %s", p.status, p.body)
		}
		refused(t, member.do(address, "assign", url.Values{"user": {strconv.FormatInt(ben, 10)}}), 409, "does not know Ben as somebody of the team")
		refused(t, member.do(address, "assign", url.Values{"user": {strconv.FormatInt(s.ann, 10)}}), 409, "own ticket")
		for _, user := range []string{"", "x", "0", "-5", "99999999999999999999", "123456"} {
			refused(t, member.do(address, "assign", url.Values{"user": {user}}), 409, "does not know")
		}
		good(t, member.do(address, "assign", url.Values{"user": {strconv.FormatInt(mia, 10)}}))
		s.awaitText(s.support, thread, "Max has given this ticket to you")
		refused(t, member.do(address, "assign", url.Values{"user": {strconv.FormatInt(mia, 10)}}), 409, "Mia takes care")
		s.await("it is Mia's", func() bool { return lists(other, "mine") && !lists(member, "mine") })
	})
	s.run(t, "who has left the group reads nothing of what they have", func(t *testing.T) {
		s.must(s.sim.SetMember(s.support, mia, simulator.Left))
		s.await("it is gone", func() bool { return !lists(other, "mine") && other.get(address).status == http.StatusNotFound })
		s.must(s.sim.SetMember(s.support, mia, simulator.Member))
	})
	s.run(t, "answered, it waits for the customer", func(t *testing.T) {
		_, err := s.sim.Post(simulator.Post{From: max, Chat: s.support, Thread: thread, Text: "Is it still on fire?"})
		s.must(err)
		s.await("the lists know", func() bool { return lists(member, "waiting") && !lists(member, "unanswered") })
		if !member.shows(address, "waiting for the customer for")() {
			t.Error(member.get(address).body)
		}
	})
	s.run(t, "released, also by another", func(t *testing.T) {
		good(t, member.do(address, "release", nil))
		s.awaitText(s.support, thread, "Max has released this ticket")
		if !member.shows(address, `data-testid="claim"`)() {
			t.Error(member.get(address).body)
		}
	})
	s.run(t, "closed, it waits for nobody, and is nobody's to take", func(t *testing.T) {
		good(t, opener.do(address, "close", url.Values{"reason": {"It <b>burnt</b> down"}}))
		s.await("the lists know", func() bool { return !lists(member, "waiting") && lists(member, "today") })
		if body := member.get(address).body; strings.Contains(body, `data-testid="claim"`) || strings.Contains(body, `data-testid="waits"`) {
			t.Error(body)
		}
		s.await("who closed it, and why", member.shows(address, "Closed by \u2068Ann\u2069 · Reason: \u2068It <b>burnt</b> down\u2069"))
		if body := member.get(address).body; !strings.Contains(body, "&lt;b&gt;burnt") {
			t.Error(body)
		}
		refused(t, member.do(address, "claim", nil), 409, "closed")
	})
}

// TestWebCustomer: a ticket that was opened from somebody's message is theirs, and its page names them.
func TestWebCustomer(t *testing.T) {
	s := newService(t, serviceOptions{})
	s.register()
	max, mia := s.newPerson("Max", s.support), s.colleague("Mia", s.support)
	said, err := s.sim.Post(simulator.Post{From: max, Chat: s.support, Text: "The lamp is dark"})
	s.must(err)
	_, err = s.sim.Post(simulator.Post{From: mia, Chat: s.support, Text: "/create_ticket Lamp", ReplyTo: said.ID})
	s.must(err)
	address := "/tickets/" + s.ticketCalled("Lamp").TicketID
	customer, opener := s.signIn(max), s.signIn(mia)
	for _, v := range []*visitor{customer, opener} {
		if body := v.get(address).body; !strings.Contains(body, `customer: <span dir="auto" data-testid="customer">Max<`) {
			t.Error(body)
		}
		if !strings.Contains(v.get("/?view=mine").body, address) {
			t.Error("it is not among their tickets")
		}
	}
	if strings.Contains(customer.get(address).body, `data-testid="claim"`) || !strings.Contains(opener.get(address).body, `data-testid="claim"`) {
		t.Error("it is offered to the wrong one")
	}
	if p := customer.do(address, "claim", nil); p.status != 409 {
		t.Errorf("%d %s", p.status, p.body)
	}
	if p := opener.do(address, "claim", nil); p.status != http.StatusNoContent {
		t.Errorf("%d %s", p.status, p.body)
	}
}
