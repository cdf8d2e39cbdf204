package httpedge_test

import (
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/simulator"
)

// TestWebInboxAsksTelegramSeldom: a page that asks for its list again and again has Telegram asked about the groups of the person,
// and of others once an hour.
func TestWebInboxAsksTelegramSeldom(t *testing.T) {
	var passed atomic.Int64
	s := newService(t, serviceOptions{now: func() time.Time { return time.Now().Add(time.Duration(passed.Load())) }})
	s.register()
	max := s.newPerson("Max", s.support)
	ticket := s.opened(max, s.support, "Printer is on fire")
	v := s.signIn(max)
	list := func(t *testing.T, headers ...string) (asked int) {
		t.Helper()
		before := s.sim.CallStats().ByMethod["getChatMember"]
		p := v.send(http.MethodGet, "/", nil, headers...)
		if !strings.Contains(p.body, ticket.TicketID) || strings.Contains(p.body, "data-partly") ||
			strings.Contains(p.body, strconv.FormatInt(s.sales, 10)) || !strings.Contains(p.body, `value="`+strconv.FormatInt(s.support, 10)) {
			t.Error(p.body)
		}
		return s.sim.CallStats().ByMethod["getChatMember"] - before
	}
	list(t)
	again := []string{"HX-Request", "true"}
	for _, step := range []struct {
		name   string
		passes time.Duration
		header []string
		asked  int
	}{
		{"a refresh immediately", 0, again, 0}, {"after ten minutes, about their own group", 10 * time.Minute, again, 1},
		{"a page that somebody opens, about all", 0, nil, 1}, {"after more than an hour, about all", 70 * time.Minute, again, 2},
	} {
		s.run(t, step.name, func(t *testing.T) {
			passed.Add(int64(step.passes))
			if asked := list(t, step.header...); asked != step.asked {
				t.Errorf("Telegram was asked %d times, not %d", asked, step.asked)
			}
		})
	}
}

// TestWebInboxCompletesItself: while Telegram does not say to which groups somebody belongs, the list says so, and has it
// asked again.
func TestWebInboxCompletesItself(t *testing.T) {
	s := newService(t, serviceOptions{})
	s.register()
	max := s.newPerson("Max", s.support)
	ticket := s.opened(s.ann, s.support, "Printer is on fire")
	v := s.signIn(max)
	s.restart() // nobody knows any more who belongs to the groups
	s.must(s.sim.Inject(simulator.Fault{Method: "getChatMember", Kind: simulator.Fault500, Count: -1}))
	if p := v.get("/"); p.status != 200 || !strings.Contains(p.body, "data-partly") || strings.Contains(p.body, ticket.TicketID) {
		t.Fatal(p.status, p.body)
	}
	s.sim.ClearFaults()
	s.await("the whole list", func() bool {
		p := v.send(http.MethodGet, "/", nil, "HX-Request", "true")
		return !strings.Contains(p.body, "data-partly") && strings.Contains(p.body, ticket.TicketID) &&
			strings.Contains(p.body, `value="`+strconv.FormatInt(s.support, 10))
	})
}

// TestWebInboxSaysWhatCame: the line of a ticket whose last message has no words says what it is.
func TestWebInboxSaysWhatCame(t *testing.T) {
	s := newService(t, serviceOptions{})
	s.register()
	ticket := s.opened(s.ann, s.support, "Printer is on fire")
	v := s.signIn(s.ann)
	_, err := s.sim.Post(simulator.Post{From: s.ann, Chat: s.support, Thread: int(ticket.Home.TelegramTopicID), Media: &simulator.Upload{Kind: "photo", FileName: "a.png",
		MimeType: "image/png", Data: grayPicture(t)}})
	s.must(err)
	s.await("the photo", v.shows("/", `<i dir="auto">Ann:</i> <i data-testid="media">photo</i>`))
}
