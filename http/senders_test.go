package httpedge_test

import (
	"fmt"
	"testing"

	"github.com/topicdesk/topicdesk/simulator"
)

// TestWhoIsOneIDEverywhere: whoever said something has the same id in lists of messages, in events of the ticket and in the feed,
// which is the one that the ticket says who opened it by.
func TestWhoIsOneIDEverywhere(t *testing.T) {
	s, key := ticketService(t)
	me := s.do("GET", "/api/v1/me", key, nil).is(200)
	made := s.ticket(key, "Said by whom")
	s.do("POST", at(made)+"/messages", key, object{"text": "by a program"}).is(202)
	s.do("POST", at(made)+"/messages", key, object{"text": "by a program for somebody", "authorName": "Nok"}).is(202)
	_, err := s.sim.Post(simulator.Post{From: s.ann, Chat: s.support, Thread: thread(made), Text: "by a person"})
	s.must(err)
	want := map[string]string{"by a program": "apiKey " + me["keyId"].(string), "by a program for somebody": "apiKey " + me["keyId"].(string),
		"by a person": fmt.Sprint("user ", s.ann)}
	id := func(of any) string { return fmt.Sprint(of.(object)["kind"], " ", of.(object)["id"]) }
	if got := id(made["createdBy"]); got != want["by a program"] {
		t.Errorf("the ticket was opened by %s", got)
	}
	events := func(path string) map[string]string {
		found := map[string]string{}
		for _, e := range s.do("GET", path, key, nil).is(200)["data"].([]any) {
			if e.(object)["type"] == "message.sent" {
				message := e.(object)["data"].(object)["message"].(object)
				found[message["text"].(string)] = id(message["sender"])
			}
		}
		return found
	}
	for name, of := range map[string]func() map[string]string{
		"messages": func() map[string]string {
			found := map[string]string{}
			for _, m := range s.do("GET", at(made)+"/messages", key, nil).is(200)["data"].([]any) {
				found[m.(object)["text"].(string)] = id(m.(object)["sender"])
			}
			return found
		},
		"events": func() map[string]string { return events(at(made) + "/events?limit=100") },
		"feed": func() map[string]string {
			return events("/api/v1/events?limit=100&ticketId=" + made["ticketId"].(string))
		},
	} {
		s.run(t, name, func(t *testing.T) {
			var got map[string]string
			s.await("all three", func() bool { got = of(); return len(got) == len(want) })
			for text, who := range want {
				if got[text] != who {
					t.Errorf("%q was said by %q, want %q", text, got[text], who)
				}
			}
		})
	}
}
