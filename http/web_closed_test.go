package httpedge_test

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
	"github.com/topicdesk/topicdesk/storage"
)

// TestWebIsClosed walks all routes of the web desk as those who may see nothing.
func TestWebIsClosed(t *testing.T) {
	s := newService(t, serviceOptions{})
	s.register()
	ticket := s.opened(s.ann, s.support, "Secret plans")
	file := s.stored(ticket)
	base := "/tickets/" + ticket.TicketID
	number := "/tickets/" + strconv.FormatInt(ticket.Number, 10)
	walk := map[string][]string{ // by route
		"GET /tickets/:id": {base, number}, "GET /tickets/:id/timeline": {base + "/timeline", base + "/timeline?after=1"},
		"GET /tickets/:id/stream": {base + "/stream"}, "POST /tickets/:id/answer": {base + "/answer"},
		"POST /tickets/:id/close": {base + "/close"}, "POST /tickets/:id/reopen": {base + "/reopen"},
		"GET /files/:id": {"/files/" + file}, "GET /files/:id/thumbnail": {"/files/" + file + "/thumbnail"},
	}
	open := []string{"GET /", "GET /sign-in", "POST /sign-in", "POST /sign-out", "GET /static/:name"}
	for _, r := range s.server.App.GetRoutes(true) {
		name := r.Method + " " + r.Path
		ours := r.Path == "/" || slices.ContainsFunc([]string{"/tickets", "/files", "/sign", "/static"},
			func(prefix string) bool { return strings.HasPrefix(r.Path, prefix) })
		if ours && r.Method != http.MethodHead && walk[name] == nil && !slices.Contains(open, name) {
			t.Errorf("the walk leaves %s out", name)
		}
	}
	ann := s.signIn(s.ann)
	for _, path := range []string{base, number, base + "/timeline", base + "/stream", "/files/" + file} {
		if p := ann.get(path); p.status != 200 {
			t.Errorf("who may: %s answers %d", path, p.status)
		}
	}
	expired := s.signIn(s.newPerson("Eve", s.support))
	revoked := s.newPerson("Rob", s.support)
	left := s.newPerson("Lee", s.support)
	visitors := map[string]*visitor{
		"nobody": {s: s}, "garbage": {s: s, cookie: "topicdesk=1.x"}, "stranger": s.signIn(s.newPerson("Sam", 0)),
		"another group": s.signIn(s.newPerson("Otto", s.sales)), "expired": expired, "revoked": s.signIn(revoked),
		"left": s.signIn(left),
	}
	if p := visitors["left"].get(base); p.status != 200 {
		t.Errorf("a member: %d", p.status)
	}
	s.must(s.sim.SetMember(s.support, left, simulator.Left))
	_, err := s.sim.Post(simulator.Post{From: revoked, Text: "/web off"})
	s.must(err)
	s.awaitText(revoked, 0, "1 session is ended")
	id, _ := strconv.ParseInt(strings.SplitN(strings.TrimPrefix(expired.cookie, "topicdesk="), ".", 2)[0], 10, 64)
	s.changeUser(id, func(u *storage.User) { u.WebSessions[0].ExpiresAt = time.Now().Add(-time.Second) })
	for who, v := range visitors {
		token := "x"
		if who == "stranger" || who == "another group" || who == "left" {
			token = v.csrf()
		}
		for route, paths := range walk {
			method, _, _ := strings.Cut(route, " ")
			for _, path := range paths {
				form := url.Values{"csrf": {token}, "text": {"intruded"}}
				if method == http.MethodGet {
					form = nil
				}
				p := v.send(method, path, form)
				redirected := p.status == http.StatusSeeOther && p.header.Get("Location") == messages.WebSignInPath
				if p.status != http.StatusNotFound && !redirected || strings.Contains(p.body, "Secret") {
					t.Errorf("%s: %s %s answers %d: %s", who, method, path, p.status, p.body)
				}
			}
		}
		if p := v.get("/?state=all"); strings.Contains(p.body, "Secret plans") {
			t.Errorf("%s finds the ticket in the inbox", who)
		}
		if p := v.get("/?state=all&group=" + strconv.FormatInt(s.support, 10)); strings.Contains(p.body, "Secret plans") {
			t.Errorf("%s finds the ticket by its group", who)
		}
	}
	if p := ann.get(base); strings.Contains(p.body, "intruded") {
		t.Error("somebody answered who may not")
	}
}

// stored sends a file to a ticket and returns its id, once it is stored.
func (s *service) stored(ticket *storage.Ticket) (id string) {
	s.t.Helper()
	_, err := s.sim.Post(simulator.Post{From: s.ann, Chat: s.support, Thread: int(ticket.Home.TelegramTopicID), Text: "See this",
		Media: &simulator.Upload{Kind: "document", FileName: "plan.txt", MimeType: "text/plain", Data: []byte("the secret plan")}})
	s.must(err)
	s.await("the file", func() bool {
		for _, m := range s.messagesOf(ticket.TicketID) {
			files, err := s.store.AttachmentsOf(s.t.Context(), m.MessageID)
			s.must(err)
			for _, f := range files {
				if f.State == storage.FileStored {
					id = f.AttachmentID
				}
			}
		}
		return id != ""
	})
	return id
}

func (s *service) messagesOf(ticketID string) []storage.Message {
	s.t.Helper()
	all, err := s.store.MessagesAfter(s.t.Context(), ticketID, 0, 100)
	s.must(err)
	return all
}
