package httpedge_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors"
	httpedge "github.com/topicdesk/topicdesk/http"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
)

func init() {
	const none = "/api/v1/tickets/TICK-0-00000000"
	shown := func(s *service) string { // a ticket with a topic in Support
		return at(s.ticket(s.key(nil, "admin"), "Printer"))
	}
	note := func(more ...any) func(s *service) request {
		return func(s *service) request {
			body := object{"text": "He lies"}
			for i := 0; i < len(more); i += 2 {
				body[more[i].(string)] = more[i+1]
			}
			return request{path: shown(s) + "/notes", body: body}
		}
	}
	operationTests["sendNote"] = operationTest{
		good: note(), missing: send(none+"/notes", object{"text": "x"}),
		hidden: func(s *service) request {
			return request{path: shown(s) + "/notes", token: s.bound(s.sales), body: object{"text": "x"}}
		},
		invalid: map[string]func(*service) request{
			"#/text": note("text", ""), "#/text ": note("text", " "), "#/text  ": note("text", strings.Repeat("🔥", 1751)),
			"#/authorName": note("authorName", strings.Repeat("x", 129)), "#/groupId": note("groupId", 5),
		},
		refused: map[string]func(*service) request{
			"ticket_is_closed": func(s *service) request {
				r := note()(s)
				s.do("POST", strings.Replace(r.path, "/notes", "/close", 1), s.key(nil, "admin"), nil).is(200)
				return r
			},
			"group_not_found": note("groupId", -5),
			"topic_not_open":  func(s *service) request { return note("groupId", s.sales)(s) },
			"many_pending":    func(s *service) request { return request{path: s.full() + "/notes", body: object{"text": "One more"}} },
		},
	}
	// said is a message of a ticket in two groups; fails: its copy in Sales was given up.
	said := func(fails bool) func(*service) request {
		return func(s *service) request {
			path := shown(s)
			s.do("POST", path+"/mention", s.key(nil, "admin"), object{"userId": s.person(s.sales)}).is(202)
			return request{path: s.saidIn(path, fails) + "/retry"}
		}
	}
	operationTests["retryMessage"] = operationTest{
		good: said(true),
		missing: func(s *service) request {
			return request{path: shown(s) + "/messages/1:2/retry"}
		},
		hidden: func(s *service) request {
			r := said(true)(s)
			r.token = s.bound(s.sales)
			return r
		},
		invalid: map[string]func(*service) request{"messageId": send(none+"/messages/"+strings.Repeat("x", 201)+"/retry", nil)},
		refused: map[string]func(*service) request{"nothing_to_retry": said(false)},
		check: func(t *testing.T, _ *service, r *response) {
			if again := r.is(202); again["state"] != "pending" {
				t.Error(again)
			}
		},
	}
}

// full is the path of a ticket in a group of its own, of which as many notes wait as may: its group takes no posts.
func (s *service) full() string {
	s.t.Helper()
	admin, group := s.key(nil, "admin"), s.otherGroup(true, simulator.BotRights{CanManageTopics: true})
	path := at(s.ticket(admin, "Many notes", "groupId", group))
	s.must(s.sim.Inject(simulator.Fault{Method: "sendMessage", Chat: group, Kind: simulator.Fault429, RetryAfter: 1, Count: -1}))
	for n := range 60 {
		if s.do("POST", path+"/notes", admin, object{"text": fmt.Sprint("Note ", n)}).status != 202 {
			return path
		}
	}
	s.t.Fatal("a ticket takes notes without end")
	return ""
}

// TestManyNotesWait: a note beyond those that may wait is refused until some are posted, also under its Idempotency-Key.
func TestManyNotesWait(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	key := s.key(nil, "admin")
	note := func(path string) *response {
		return s.do("POST", path+"/notes", key, object{"text": "One more"}, "Idempotency-Key", "n1")
	}
	path := s.full()
	for range 2 {
		r := note(path)
		if p := r.is(429, "many_pending"); r.header.Get("Retry-After") != "3" || !strings.Contains(p["detail"].(string), "50 notes") {
			t.Error(r.header, p)
		}
	}
	s.sim.ClearFaults()
	s.await("the note is taken", func() bool { return note(path).status == 202 })
}

// saidIn has a program say something in a ticket that is in Support and Sales, and returns the message's path. fails: its copy in Sales
// was given up.
func (s *service) saidIn(path string, fails bool) string {
	s.t.Helper()
	key := s.key(nil, "admin")
	if fails {
		thread := s.linked(strings.TrimPrefix(path, "/api/v1/tickets/"))
		s.must(s.sim.Inject(simulator.Fault{Method: "sendMessage", Chat: s.sales, Thread: int(thread), Kind: simulator.Fault400,
			Description: "STRANGE", Count: -1}))
		defer s.sim.ClearFaults()
	}
	said := s.do("POST", path+"/messages", key, object{"text": "Hello"}).is(202)
	if fails {
		s.await("a copy is given up", func() bool {
			r := s.do("GET", path+"/messages", key, nil)
			r.is(200)
			return strings.Contains(string(r.body), `"state":"failed"`)
		})
	}
	return fmt.Sprintf("%s/messages/%s", path, said["messageId"])
}

// TestNotesOfPrograms: a note is read in the topic of its group, and nowhere else.
func TestNotesOfPrograms(t *testing.T) {
	t.Parallel()
	s, key := ticketService(t)
	ticket := s.ticket(key, "Printer")
	ben := s.colleague("Ben", s.sales)
	s.do("POST", at(ticket)+"/mention", key, object{"userId": ben}).is(202)
	there := int(s.linked(ticket["ticketId"].(string)))
	write := func(token string, body object, more ...string) *response {
		t.Helper()
		return s.do("POST", at(ticket)+"/notes", token, body, more...)
	}
	first := write(key, object{"text": "He *lies* // often", "authorName": "Nok", "groupId": s.sales}, "Idempotency-Key", "n1").is(202)
	again := write(key, object{"text": "He *lies* // often", "authorName": "Nok", "groupId": s.sales}, "Idempotency-Key", "n1").is(202)
	if first["messageId"] != again["messageId"] {
		t.Error("it is another note:", first, again)
	}
	bound := s.bound(s.support)
	write(bound, object{"text": "Of Support"}).is(202)
	write(bound, object{"text": "intruded", "groupId": s.sales}).is(422, "group_not_found")
	s.do("POST", at(ticket)+"/messages", key, object{"text": "The end"}).is(202)
	places := map[int64]int{s.sales: there, s.support: thread(ticket)}
	for chat, thread := range places {
		s.awaitText(chat, thread, "The end")
	}
	s.awaitText(s.sales, there, "// Nok: He *lies* // often")
	s.awaitText(s.support, thread(ticket), "// Test: Of Support")
	read := func(words string) (where []string) {
		for chat, thread := range places {
			for _, m := range s.sim.Messages(chat, thread) {
				if strings.Contains(m.Text, words) {
					where = append(where, strconv.FormatInt(chat, 10))
				}
			}
		}
		return where
	}
	for words, chat := range map[string]int64{"He *lies*": s.sales, "Of Support": s.support} {
		if got := fmt.Sprint(read(words)); got != fmt.Sprint([]int64{chat}) {
			t.Errorf("%q is read in %s", words, got)
		}
	}
	for _, token := range []string{key, bound} {
		notes := map[any]bool{}
		for _, m := range s.do("GET", at(ticket)+"/messages", token, nil).is(200)["data"].([]any) {
			if m := m.(object); m["internal"] == true && len(m["deliveries"].([]any)) == 0 && m["sender"].(object)["kind"] == "apiKey" {
				notes[m["text"]] = true
			}
		}
		if len(notes) != map[string]int{key: 2, bound: 1}[token] || !notes["// Of Support"] {
			t.Errorf("of the notes it lists %v", notes)
		}
	}
}

// TestANoteIsRepeatedWithoutItsTopic: the note was written, but the service was killed before it kept the answer, and the topic is
// the ticket's no more.
func TestANoteIsRepeatedWithoutItsTopic(t *testing.T) {
	t.Parallel()
	var lost atomic.Bool
	s := newService(t, wrap(func(next httpedge.Desk, ctx context.Context, kind, id string, m proto.Message) (proto.Message, error) {
		if _, end := m.(*messages.EndRequest); end && lost.Load() {
			return nil, fmt.Errorf("killed: %w", actors.ErrNoAnswer)
		}
		return next.Ask(ctx, kind, id, m)
	}))
	s.register()
	key := s.key(nil, "admin")
	ticket := s.ticket(key, "Printer")
	s.do("POST", at(ticket)+"/mention", key, object{"userId": s.colleague("Ben", s.sales)}).is(202)
	s.linked(ticket["ticketId"].(string))
	write := func(id string) *response {
		return s.do("POST", at(ticket)+"/notes", key, object{"text": "He lies", "groupId": s.sales}, "Idempotency-Key", id)
	}
	lost.Store(true)
	first := write("n1").is(202)
	s.restart()
	lost.Store(false)
	for _, link := range s.do("GET", at(ticket)+"/links", key, nil).is(200)["data"].([]any) {
		s.do("DELETE", at(ticket)+"/links/"+link.(object)["linkId"].(string), key, nil).is(204)
	}
	if again := write("n1").is(202); again["messageId"] != first["messageId"] {
		t.Error("it is another note:", first, again)
	}
	write("n2").is(409, "topic_not_open")
}

// TestRetryByPrograms: a copy that was given up arrives, once, in whichever direction it went.
func TestRetryByPrograms(t *testing.T) {
	t.Parallel()
	s, key := ticketService(t)
	ticket := s.ticket(key, "Printer")
	ben := s.colleague("Ben", s.sales)
	s.do("POST", at(ticket)+"/mention", key, object{"userId": ben}).is(202)
	there := int(s.linked(ticket["ticketId"].(string)))
	post := func(from, chat int64, thread int) func(string) {
		return func(text string) {
			_, err := s.sim.Post(simulator.Post{From: from, Chat: chat, Thread: thread, Text: text})
			s.must(err)
		}
	}
	for name, c := range map[string]struct {
		say    func(text string)
		chat   int64
		thread int
	}{
		"from the home topic": {post(s.ann, s.support, thread(ticket)), s.sales, there},
		"into the home topic": {post(ben, s.sales, there), s.support, thread(ticket)},
		"a program's": {func(text string) {
			s.do("POST", at(ticket)+"/messages", key, object{"text": text}).is(202)
		}, s.support, thread(ticket)},
	} {
		s.run(t, name, func(t *testing.T) {
			s.must(s.sim.Inject(simulator.Fault{Method: "sendMessage", Chat: c.chat, Thread: c.thread, Kind: simulator.Fault400,
				Description: "STRANGE", Count: -1}))
			words := "Said " + name
			c.say(words)
			is := func() (message object, states string) {
				for _, m := range s.do("GET", at(ticket)+"/messages?limit=100", key, nil).is(200)["data"].([]any) {
					if m := m.(object); m["text"] == words {
						for _, d := range m["deliveries"].([]any) {
							states += " " + d.(object)["state"].(string)
						}
						return m, states + " "
					}
				}
				return nil, ""
			}
			s.await("a copy is given up", func() bool {
				_, states := is()
				return strings.Contains(states, " failed ") && !strings.Contains(states, " pending ")
			})
			s.sim.ClearFaults()
			m, _ := is()
			retry := func(more ...string) *response {
				return s.do("POST", fmt.Sprintf("%s/messages/%s/retry", at(ticket), m["messageId"]), key, nil, more...)
			}
			if r := retry("Idempotency-Key", fmt.Sprint(m["messageId"])); r.is(202)["state"] != "pending" {
				t.Errorf("%s", r.body)
			}
			s.awaitText(c.chat, c.thread, words)
			s.await("all copies have arrived", func() bool {
				_, states := is()
				return strings.Trim(states, " sent") == ""
			})
			retry().is(409, "nothing_to_retry")
			retry("Idempotency-Key", fmt.Sprint(m["messageId"])).is(202)
			n := 0
			for _, posted := range s.sim.Messages(c.chat, c.thread) {
				if posted.From.ID == s.sim.BotID() && strings.Contains(posted.Text, words) {
					n++
				}
			}
			if n != 1 {
				t.Errorf("it arrived %d times", n)
			}
		})
	}
}
