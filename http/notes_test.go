package httpedge_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
)

// TestWordsNeedTheirScope: with tickets:read alone, the history of a ticket has nothing that anybody said, and no internal notes.
func TestWordsNeedTheirScope(t *testing.T) {
	t.Parallel()
	s, key := ticketService(t)
	ticket := s.ticket(key, "Printer", "metadata", object{"order": 9007199254740993})
	say := func(text string, media *simulator.Upload) {
		t.Helper()
		_, err := s.sim.Post(simulator.Post{From: s.ann, Chat: s.support, Thread: thread(ticket), Text: text, Media: media})
		s.must(err)
	}
	say("Hello world", &simulator.Upload{Kind: "document", FileName: "plan.txt", MimeType: "text/plain", Data: []byte("a plan")})
	say("// hidden", &simulator.Upload{Kind: "document", FileName: "proof.txt", MimeType: "text/plain", Data: []byte("a proof")})
	say("The end", nil)
	history := func(key string) *response {
		r := s.do("GET", at(ticket)+"/events?limit=100", key, nil)
		r.is(200)
		return r
	}
	words := []string{"Hello world", "plan.txt", "// hidden", "proof.txt", "The end"}
	s.await("all is in the history", func() bool {
		body := string(history(key).body)
		return strings.Count(body, `"attachment.stored"`) == 2 && !slices.ContainsFunc(words, func(w string) bool {
			return !strings.Contains(body, w)
		})
	})
	if !strings.Contains(string(history(key).body), "9007199254740993") {
		t.Error("a large integer is rounded")
	}
	r := history(s.key(nil, "tickets:read"))
	for _, w := range append(words, `"internal":true`) {
		if strings.Contains(string(r.body), w) {
			t.Errorf("%q is told: %s", w, r.body)
		}
	}
	for _, w := range []string{"message.sent", "attachment.stored", "Printer"} {
		if !strings.Contains(string(r.body), w) {
			t.Errorf("%q is not told: %s", w, r.body)
		}
	}
	var paged int
	for cursor, more := "", true; more; {
		page := s.do("GET", at(ticket)+"/events?limit=1"+cursor, s.key(nil, "tickets:read"), nil).is(200)
		next, ok := page["nextCursor"].(string)
		paged, cursor, more = paged+len(page["data"].([]any)), "&cursor="+next, ok
	}
	if all := r.is(200)["data"].([]any); paged != len(all) {
		t.Errorf("%d events page by page, %d at once", paged, len(all))
	}
}

// TestNotesStayInTheirGroup: a key or an endpoint that is bound to a group hears only the internal notes that were written there,
// although a ticket of that group is in another one, too.
func TestNotesStayInTheirGroup(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	s.register()
	key := s.key(nil, "admin")
	ben := s.colleague("Ben", s.sales)
	ticket := s.ticket(key, "Printer")
	s.do("POST", at(ticket)+"/mention", key, object{"userId": ben}).is(202)
	there := int(s.linked(ticket["ticketId"].(string)))
	bound := s.bound(s.support)
	to := newReceiver(t)
	s.do("POST", webhooks, bound, quiet("url", to.URL, "events", []string{"*"}, "includeInternal", true)).is(201)
	now := s.feed(key, "after", "now").NextCursor
	say := func(from, chat int64, thread int, text, file string) {
		t.Helper()
		_, err := s.sim.Post(simulator.Post{From: from, Chat: chat, Thread: thread, Text: text,
			Media: &simulator.Upload{Kind: "document", FileName: file, MimeType: "text/plain", Data: []byte("what " + file + " says")}})
		s.must(err)
	}
	say(ben, s.sales, there, "// of Sales", "sales.txt")
	say(s.ann, s.support, thread(ticket), "// of Support", "support.txt")
	s.await("the files of both notes are stored", func() bool {
		r := s.do("GET", at(ticket)+"/events?limit=100", key, nil)
		r.is(200)
		return strings.Count(string(r.body), `"attachment.stored"`) == 2
	})
	_, err := s.sim.Post(simulator.Post{From: s.ann, Chat: s.support, Thread: thread(ticket), Text: "The end"})
	s.must(err)
	s.await("the endpoint has heard all", func() bool {
		return slices.ContainsFunc(to.all(), func(r received) bool { return strings.Contains(string(r.body), "The end") })
	})
	var told strings.Builder
	for _, r := range to.all() {
		told.Write(r.body)
	}
	heard := map[string]string{"the endpoint": told.String()}
	for _, path := range []string{at(ticket) + "/messages", at(ticket) + "/messages?sort=-sentAt&limit=2", at(ticket) + "/events?limit=100",
		feed + "?includeInternal=true&limit=1000&after=" + now, feed + "?includeInternal=true&limit=1000&order=newest"} {
		r := s.do("GET", path, bound, nil)
		r.is(200)
		heard[path] = string(r.body)
	}
	for where, body := range heard {
		if strings.Contains(body, "of Sales") || strings.Contains(body, "sales.txt") {
			t.Errorf("%s tells the other group's note: %s", where, body)
		}
		if !strings.Contains(body, "of Support") {
			t.Errorf("%s does not tell the group's own note: %s", where, body)
		}
	}
	for _, m := range s.messagesOf(ticket["ticketId"].(string)) {
		files, err := s.store.AttachmentsOf(t.Context(), m.MessageID)
		s.must(err)
		if len(files) != 1 && m.Internal {
			t.Fatalf("%d files of %q", len(files), m.Text)
		}
		for _, f := range files {
			status := 404
			if m.GroupID == s.place(s.support) {
				status = 200
			}
			s.do("GET", "/api/v1/attachments/"+f.AttachmentID, bound, nil).is(status)
			s.do("GET", "/api/v1/attachments/"+f.AttachmentID+"/content", bound, nil).is(status)
		}
	}
	all := s.do("GET", at(ticket)+"/messages", s.key(nil, messages.ScopeEventsRead, "messages:read"), nil)
	if all.is(200); !strings.Contains(string(all.body), "of Sales") {
		t.Errorf("a key of no group misses a note: %s", all.body)
	}
}
