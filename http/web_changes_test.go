package httpedge_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/simulator"
)

// openTicket is a ticket's page that stays open, as desk.js keeps it.
type openTicket struct {
	v                            *visitor
	address, after, context, rev string
	have                         string
}

var (
	shownArticle = regexp.MustCompile(`<article class="([^"]+)" id="m(\d+)" data-rev="[^"]+"( data-version="\d+")?`)
	shownContext = regexp.MustCompile(`data-context="([^"]+)"`)
	shownRev     = regexp.MustCompile(`id="heading"[^>]* data-rev="([^"]+)"`)
	shownActions = regexp.MustCompile(`id="actions" data-rev="([^"]+)"`)
	shownAfter   = regexp.MustCompile(`data-after="([^"]+)"`)
	shownKept    = regexp.MustCompile(`data-kept="([^"]+)"`)
)

func firstMatch(of *regexp.Regexp, text string) string {
	if found := of.FindStringSubmatch(text); found != nil {
		return found[1]
	}
	return ""
}

func (v *visitor) open(address string) *openTicket {
	v.s.t.Helper()
	page := v.get(address).body
	o := &openTicket{v: v, address: address, after: firstMatch(shownAfter, page), context: firstMatch(shownContext, page), rev: firstMatch(shownRev, page) + "." + firstMatch(shownActions, page)}
	if o.after == "" || o.context == "" || o.rev == "" {
		v.s.t.Fatal("the page does not say what it has", page)
	}
	return o
}

// ask asks for what differs from what the page has: the sequences of messages that came and of those that it keeps, and the body.
func (o *openTicket) ask() (came []string, kept, body string) {
	o.v.s.t.Helper()
	q := url.Values{"after": {o.after}, "context": {o.context}, "rev": {o.rev}, "have": {o.have}}
	p := o.v.send(http.MethodGet, o.address+"/timeline?"+q.Encode(), nil, "HX-Request", "true")
	if p.status != 200 {
		o.v.s.t.Fatal(p.status, p.body)
	}
	for _, found := range shownArticle.FindAllStringSubmatch(p.body, -1) {
		came = append(came, found[2])
	}
	return came, firstMatch(shownKept, p.body), p.body
}

// TestWebChanges: an open page is sent what differs from what it has, and nothing else.
func TestWebChanges(t *testing.T) {
	s := newService(t, serviceOptions{})
	s.register()
	ticket := s.opened(s.ann, s.support, "Printer is on fire")
	thread := int(ticket.Home.TelegramTopicID)
	v, address := s.signIn(s.ann), "/tickets/"+ticket.TicketID
	say := func(person int64, text string) simulator.Message {
		t.Helper()
		m, err := s.sim.Post(simulator.Post{From: person, Chat: s.support, Thread: thread, Text: text})
		s.must(err)
		return m
	}
	var third simulator.Message
	for n := range 5 {
		if m := say(s.ann, fmt.Sprint("flame ", n+1)); n == 2 {
			third = m
		}
	}
	s.await("all is recorded", func() bool { return len(s.messagesOf(ticket.TicketID)) == 5 })
	page := v.open(address)
	page.have = "1*5"
	differs := func(t *testing.T, wantCame []string, wantKept string) string {
		t.Helper()
		came, kept, body := page.ask()
		if !slices.Equal(came, wantCame) || kept != wantKept {
			t.Errorf("came %v, kept %q; want %v, %q", came, kept, wantCame, wantKept)
		}
		return body
	}
	s.run(t, "nothing", func(t *testing.T) {
		body := differs(t, nil, "1-5")
		for _, part := range []string{`id="heading"`, `id="actions"`, `id="composer"`, `class="empty"`} {
			if strings.Contains(body, part) {
				t.Errorf("it was sent %s", part)
			}
		}
		if len(body) > 200 {
			t.Errorf("nothing takes %d bytes: %s", len(body), body)
		}
	})
	s.run(t, "a new message", func(t *testing.T) {
		say(s.ann, "It spreads")
		s.await("it came", func() bool { came, _, _ := page.ask(); return slices.Equal(came, []string{"6"}) })
		differs(t, []string{"6"}, "1-5")
		page.have = "1*6"
		differs(t, nil, "1-6")
	})
	s.run(t, "an edit", func(t *testing.T) {
		_, err := s.sim.Edit(s.ann, s.support, third.ID, "flame three")
		s.must(err)
		s.await("it came", func() bool { _, _, body := page.ask(); return strings.Contains(body, "flame three") })
		differs(t, []string{"3"}, "1-2 4-6")
	})
	s.run(t, "a page that missed something is sent it, in one go", func(t *testing.T) {
		page.have = "1,0,1,1*2"
		differs(t, []string{"2", "3", "6"}, "1 4-5")
	})
	s.run(t, "the rest, when that has changed", func(t *testing.T) {
		if p := v.do(address, "priority", url.Values{"priority": {"urgent"}}); p.status != http.StatusNoContent {
			t.Fatal(p.status, p.body)
		}
		body := differs(t, []string{"2", "3", "6"}, "1 4-5")
		if !strings.Contains(body, `id="heading"`) || !strings.Contains(body, `id="actions"`) || !strings.Contains(body, `id="composer"`) {
			t.Error("the page's head did not come")
		}
	})
	s.run(t, "all of it, where what is shown around the messages is another", func(t *testing.T) {
		all := []string{"1", "2", "3", "4", "5", "6"}
		for _, context := range []string{"", "x", ".", page.context + "0", strings.Replace(page.context, ".", "", 1)} {
			other := *page
			other.context, other.have = context, "1*6"
			if came, kept, _ := other.ask(); !slices.Equal(came, all) || kept != "" {
				t.Errorf("with context %q: %v, %q", context, came, kept)
			}
		}
	})
	s.run(t, "all of it, if what it has does not read as a page writes it", func(t *testing.T) {
		for _, have := range []string{"x", "1*", "*5", "1*0", "1*-1", "-1*5", "1*501", "1*499,1*2", "1*99999999999999999999", "1,,1", "1*5;",
			strings.Repeat("1,", 500) + "1"} {
			other := *page
			other.have = have
			if came, kept, _ := other.ask(); len(came) != 6 || kept != "" {
				t.Errorf("with %.30q: %v, %q", have, came, kept)
			}
		}
		for _, have := range []string{"", "0*500", "99*500", "9223372036854775807*500"} {
			other := *page
			other.have = have
			if came, kept, _ := other.ask(); len(came) != 6 || kept != "" {
				t.Errorf("with %.30q: %v, %q", have, came, kept)
			}
		}
	})
	s.run(t, "what is not settled comes until it is, though its version stays", func(t *testing.T) {
		ben := s.colleague("Ben", s.sales)
		if p := v.do(address, "mention", url.Values{"user": {strconv.FormatInt(ben, 10)}}); p.status != http.StatusNoContent {
			t.Fatal(p.status, p.body)
		}
		s.linked(ticket.TicketID)
		s.must(s.sim.Inject(simulator.Fault{Method: "sendMessage", Chat: s.sales, Kind: simulator.Fault400, Description: "STRANGE"}))
		say(s.ann, "It is out")
		s.await("the copy failed", v.shows(address, "not delivered to"))
		page := v.open(address)
		versions := []string{}
		for _, m := range s.messagesOf(ticket.TicketID) {
			versions = append(versions, strconv.FormatInt(m.Version, 10))
		}
		page.have = strings.Join(versions[:6], ",") + ",0"
		settled := regexp.MustCompile(`id="m7" data-rev="[^"]+" data-version=`).MatchString
		came, _, body := page.ask()
		if !slices.Contains(came, "7") || settled(body) {
			t.Fatal("its version is told while its copy may be tried again", came, body)
		}
		found := retryForm.FindStringSubmatch(body)
		if p := v.do(address, "retry", url.Values{"message": {found[1]}, "into": {found[2]}}); p.status != http.StatusNoContent {
			t.Fatal(p.status, p.body)
		}
		s.await("the page hears of it", func() bool {
			_, _, body := page.ask()
			return !strings.Contains(body, "not delivered") && settled(body)
		})
	})
	s.run(t, "a message that becomes a note goes from the pages of who may not see it", func(t *testing.T) {
		ben := s.signIn(s.newPerson("Bea", s.sales))
		page := ben.open(address)
		page.have = "1*2"
		_, err := s.sim.Edit(s.ann, s.support, third.ID, "// flame three")
		s.must(err)
		s.await("it is gone", func() bool {
			came, kept, _ := page.ask()
			return kept == "1-2" && slices.Equal(came, []string{"4", "5", "6", "7"})
		})
	})
}
