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

// TestWebClaimsAmongColleagues: where a colleague's ticket has gone to another group, the page offers it to those who can take care of it.
func TestWebClaimsAmongColleagues(t *testing.T) {
	s := newService(t, serviceOptions{})
	s.register()
	ben, max := s.colleague("Ben", s.support), s.newPerson("Max", s.support)
	sam := s.colleague("Sam", s.sales)
	both := s.newPerson("Bo", s.support)
	s.must(s.sim.SetMember(s.sales, both, simulator.Member))
	ticket := s.opened(ben, s.support, "Door squeaks")
	address, thread := "/tickets/"+ticket.TicketID, int(ticket.Home.TelegramTopicID)
	owner, member, helper, opener := s.signIn(s.ann), s.signIn(max), s.signIn(both), s.signIn(ben)
	offers := func(v *visitor, button string) bool {
		return strings.Contains(v.get(address).body, `data-testid="`+button+`"`)
	}
	chat := s.support
	good := func(t *testing.T, v *visitor, action, says string) {
		t.Helper()
		if p := v.do(address, action, nil); p.status != http.StatusNoContent {
			t.Fatalf("%s: %d %s", action, p.status, p.body)
		}
		s.awaitText(chat, thread, says)
	}
	good(t, member, "claim", "Max takes care of this ticket now")
	if p := opener.do(address, "mention", url.Values{"user": {strconv.FormatInt(sam, 10)}}); p.status != http.StatusNoContent {
		t.Fatalf("%d %s", p.status, p.body)
	}
	sales := int(s.linked(ticket.TicketID))
	s.run(t, "whoever has it gives it back, and can't take it again", func(t *testing.T) {
		if !offers(member, "release") {
			t.Error("the one who has it can't give it back")
		}
		good(t, member, "release", "Max has released this ticket")
		s.await("it is not offered", func() bool { return !offers(member, "claim") && !offers(opener, "claim") })
		for _, v := range []*visitor{member, opener} {
			p := v.do(address, "claim", nil)
			if p.status != http.StatusConflict || !strings.Contains(html.UnescapeString(p.body), "Help with this ticket now comes from ") {
				t.Errorf("%d %s", p.status, p.body)
			}
		}
	})
	s.run(t, "administrators, and members of the group that helps, take care of it", func(t *testing.T) {
		for _, who := range []struct {
			*visitor
			name   string
			chat   int64
			thread int
		}{{owner, "Ann", s.support, thread}, {helper, "Bo", s.sales, sales}} {
			chat, thread = who.chat, who.thread
			if !offers(who.visitor, "claim") {
				t.Fatalf("it is not offered to %s", who.name)
			}
			good(t, who.visitor, "claim", who.name+" takes care of this ticket now")
			good(t, who.visitor, "release", who.name+" has released this ticket")
		}
	})
}
