package httpedge_test

import (
	"bufio"
	"bytes"
	"context"
	"image"
	"image/png"
	"io"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/view"
)

// mark is in everything that the walk must not show: titles, words, notes, former versions, files, endpoints, keys.
const mark = "zanzibar"

// everybody are the routes that answer whoever asks, signed in or not. What they answer is looked at all the same.
var everybody = []string{"GET /", "GET /sign-in", "POST /sign-in", "GET /sign-in/mini-app", "POST /sign-in/mini-app",
	"GET /static/:name", "GET /healthz", "GET /readyz", "GET /openapi.json",
	"GET /openapi.yaml", "GET /swagger", "GET /swagger/*"}

// TestWebIsClosed walks all routes that the app has, as those who may see nothing, with the names of what is there. It takes up new
// routes by itself: one that answers who is not signed in must be added to everybody, with a reason.
func TestWebIsClosed(t *testing.T) {
	if testing.Short() {
		t.Skip("long: asks every route for everything, as everybody")
	}
	o := serviceOptions{}
	o.api.FailedBurst = 100_000
	s := newService(t, o)
	s.register()
	w := s.newWalk()
	ann := s.signIn(s.ann)
	for _, r := range w.routes {
		if r.method != http.MethodGet || !r.ofTicket() {
			continue
		}
		if !slices.ContainsFunc(w.addresses(r.path), func(path string) bool { return ann.get(path).status == http.StatusOK }) {
			t.Errorf("the walk has no address at which who may sees something: %s", r.path)
		}
	}
	for who, v := range s.shutOut() {
		s.run(t, who, func(t *testing.T) {
			for _, r := range w.routes {
				for _, path := range w.addresses(r.path) {
					w.try(v, r, path)
					w.try(v, r, path, "HX-Request", "true")
				}
			}
			for _, path := range []string{"/?state=all", "/?state=all&q=" + mark, "/?view=mine", "/?state=all&group=" + w.chat} {
				w.shut(v, "GET "+path, path, v.get(path))
			}
		})
	}
	if p := ann.get(w.base); strings.Contains(p.body, "intruded") || !strings.Contains(p.body, `class="state open"`) ||
		!strings.Contains(p.body, "normal priority</span>") {
		t.Error("somebody answered or changed it who may not")
	}
}

// shutOut are those who may see nothing of Support.
func (s *service) shutOut() map[string]*outsider {
	s.t.Helper()
	revoked, left, eve := s.newPerson("Rob", s.support), s.newPerson("Lee", s.support), s.newPerson("Eve", s.support)
	all := map[string]*outsider{
		"nobody": {visitor: &visitor{s: s}}, "garbage": {visitor: &visitor{s: s, cookie: "topicdesk=1.x"}},
		"guesses":       {visitor: &visitor{s: s, cookie: "topicdesk=" + strconv.FormatInt(s.ann, 10) + ".AAAAAAAAAAAAAAAAAAAAAAAAAA"}},
		"stranger":      {visitor: s.signIn(s.newPerson("Sam", 0)), signedIn: true},
		"another group": {visitor: s.signIn(s.newPerson("Otto", s.sales)), signedIn: true},
		"expired":       {visitor: s.signIn(eve)}, "revoked": {visitor: s.signIn(revoked)},
		"left": {visitor: s.signIn(left), signedIn: true},
	}
	for _, who := range []string{"expired", "revoked", "left"} {
		if p := all[who].get("/?state=all"); p.status != http.StatusOK || !strings.Contains(p.body, mark) {
			s.t.Errorf("%s, before that: %d %s", who, p.status, p.body)
		}
	}
	s.must(s.sim.SetMember(s.support, left, simulator.Left))
	_, err := s.sim.Post(simulator.Post{From: revoked, Text: "/web off"})
	s.must(err)
	s.awaitText(revoked, 0, "1 session is ended")
	s.changeUser(eve, func(u *storage.User) { u.WebSessions[0].ExpiresAt = time.Now().Add(-time.Second) })
	for _, v := range all {
		v.token = "x"
		if v.signedIn {
			v.token = v.csrf()
		}
	}
	return all
}

// outsider is somebody who may see nothing.
type outsider struct {
	*visitor
	signedIn bool
	token    string // with which forms are accepted
}

// route is one of the app's.
type route struct{ method, path string }

func (r route) ofTicket() bool {
	return strings.HasPrefix(r.path, "/tickets/")
}

func (r route) named() bool { return strings.Contains(r.path, ":") }

// walk is where it goes, and what it must not find.
type walk struct {
	s      *service
	routes []route
	names  []string // of what is there, for parameters of routes
	files  []string // of the ticket, as addresses name them
	marks  []string
	base   string // the address of the ticket
	chat   string // the group, at Telegram
}

// newWalk puts something everywhere that a route could show.
func (s *service) newWalk() *walk {
	s.t.Helper()
	ticket := s.opened(s.ann, s.support, mark+" plans")
	thread := int(ticket.Home.TelegramTopicID)
	say := func(p simulator.Post) simulator.Message {
		p.From, p.Chat, p.Thread = s.ann, s.support, thread
		m, err := s.sim.Post(p)
		s.must(err)
		return m
	}
	first := say(simulator.Post{Text: mark + " is far"})
	_, err := s.sim.Edit(s.ann, s.support, first.ID, mark+" is near")
	s.must(err)
	say(simulator.Post{Text: "// " + mark + ", a note"})
	say(simulator.Post{Text: mark, Media: &simulator.Upload{Kind: "photo", FileName: mark + ".png", MimeType: "image/png", Data: grayPicture(s.t)}})
	say(simulator.Post{Media: &simulator.Upload{Kind: "document", FileName: mark + ".txt", MimeType: "text/plain", Data: []byte("the plan of " + mark)}})
	var files, named []string
	s.await("the files, and the edit", func() bool {
		files, named = nil, nil
		edited := false
		for _, m := range s.messagesOf(ticket.TicketID) {
			edited = edited || !m.EditedAt.IsZero()
			all, err := s.store.AttachmentsOf(s.t.Context(), m.MessageID)
			s.must(err)
			for _, f := range all {
				if f.State == storage.FileStored {
					files = append(files, f.AttachmentID)
					named = append(named, strconv.FormatInt(m.Sequence, 10)+"-"+f.SHA256[:16], f.AttachmentID)
				}
			}
		}
		return edited && len(files) == 2
	})
	key := s.key(func(k *storage.APIKey) { k.Name = mark }, "admin")
	keyID, _ := messages.APIKeyID(key)
	endpoint := path.Base(s.endpoint("description", mark))
	w := &walk{s: s, base: "/tickets/" + ticket.TicketID, files: named, chat: strconv.FormatInt(s.support, 10)}
	w.marks = append([]string{mark, w.chat, ticket.TicketID, keyID, endpoint}, files...)
	w.names = append([]string{ticket.TicketID, strconv.FormatInt(ticket.Number, 10), w.chat, s.place(s.support), keyID, endpoint,
		strconv.FormatInt(s.ann, 10)}, files...)
	for _, r := range s.server.App.GetRoutes(true) {
		w.routes = append(w.routes, route{r.Method, r.Path})
	}
	if len(w.routes) < 50 {
		s.t.Fatalf("the app has only %d routes", len(w.routes))
	}
	return w
}

// addresses are all that a route has here: with each name in the place of its parameters, and written otherwise.
func (w *walk) addresses(of string) []string {
	plain := []string{of}
	if strings.Contains(of, ":") {
		plain = nil
		for _, name := range w.names {
			var parts []string
			for part := range strings.SplitSeq(of, "/") {
				if strings.HasPrefix(part, ":") {
					part = name
				}
				parts = append(parts, part)
			}
			plain = append(plain, strings.Join(parts, "/"))
		}
		if strings.Contains(of, "/:id/files/:file") {
			for _, file := range w.files {
				plain = append(plain, strings.NewReplacer(":id", path.Base(w.base), ":file", file).Replace(of))
			}
		}
	}
	if strings.HasPrefix(of, view.APIPrefix) || of == "/" {
		return plain
	}
	all := make([]string, 0, 3*len(plain))
	for _, p := range plain {
		top, rest, _ := strings.Cut(p[1:], "/")
		all = append(all, p+"?message=1&after=0", "/"+strings.ToUpper(top)+strings.TrimSuffix("/"+rest, "/")+"?message=1", p+"/?message=1")
	}
	return all
}

// try sends what would be answered or carried out if it came from somebody who may.
func (w *walk) try(v *outsider, r route, path string, headers ...string) {
	w.s.t.Helper()
	form := url.Values{"csrf": {v.token}, "text": {"intruded"}, "title": {"intruded"}, "user": {"1"}, "message": {"1"}, "into": {"home"},
		"priority": {"urgent"}, "name": {"intruded"}, "url": {"https://example.org/intruded"}}
	name := r.method + " " + r.path
	switch {
	case r.method == http.MethodGet || r.method == http.MethodHead:
		form = nil
	case name == "POST /sign-out":
		form.Set("csrf", "x") // it would end the walk
	}
	p := v.send(r.method, path, form, headers...)
	w.shut(v, name, path, p)
	toSignIn := p.status == http.StatusSeeOther && p.header.Get("Location") == messages.WebSignInPath ||
		p.status == http.StatusUnauthorized && p.header.Get("HX-Redirect") == messages.WebSignInPath
	good := p.status == http.StatusNotFound || toSignIn && !v.signedIn
	switch {
	case slices.Contains(everybody, strings.Replace(name, http.MethodHead, http.MethodGet, 1)):
		return
	case strings.HasPrefix(r.path, view.APIPrefix):
		good = p.status == http.StatusUnauthorized && !toSignIn // a session is no key
	case v.signedIn && !r.ofTicket() && (r.named() || form != nil):
		good = good || p.status == http.StatusForbidden
	case v.signedIn && !r.ofTicket():
		good = p.status < http.StatusInternalServerError // their own, which may be empty
	}
	if !good {
		w.s.t.Errorf("%s answers %d at %s: %s", name, p.status, path, p.body)
	}
}

// shut fails where an answer has a mark that was not in the question.
func (w *walk) shut(v *outsider, name, path string, p *page) {
	w.s.t.Helper()
	said := strings.ToLower(p.body)
	for key, values := range p.header {
		said += strings.ToLower("\n" + key + ": " + strings.Join(values, ", "))
	}
	for _, m := range w.marks {
		if m = strings.ToLower(m); strings.Contains(said, m) && !strings.Contains(strings.ToLower(path), m) {
			w.s.t.Errorf("%s answers at %s with %q: %d %s", name, path, m, p.status, p.body)
		}
	}
}

// grayPicture is a small picture.
func grayPicture(t testing.TB) []byte {
	t.Helper()
	var data bytes.Buffer
	if err := png.Encode(&data, image.NewGray(image.Rect(0, 0, 640, 480))); err != nil {
		t.Fatal(err)
	}
	return data.Bytes()
}

// TestWebStreamsEnd: a stream that is open ends when they may not hear of the ticket any more, before it tells of anything.
func TestWebStreamsEnd(t *testing.T) {
	s := newService(t, serviceOptions{})
	s.register()
	ticket := s.opened(s.ann, s.support, "Printer is on fire")
	rob, lee, otto := s.newPerson("Rob", s.support), s.newPerson("Lee", s.support), s.newPerson("Otto", s.sales)
	address := "/tickets/" + ticket.TicketID + "/stream"
	left := s.signIn(lee)
	open := map[string]io.Reader{"revoked": s.signIn(rob).listen(address), "revoked, at the inbox": s.signIn(rob).listen("/stream"),
		"left": left.listen(address)}
	other := bufio.NewReader(s.signIn(otto).listen("/stream"))
	_, err := s.sim.Post(simulator.Post{From: rob, Text: "/web off"})
	s.must(err)
	s.awaitText(rob, 0, "2 sessions are ended")
	s.must(s.sim.SetMember(s.support, lee, simulator.Left))
	s.await("the ticket is gone", func() bool { return left.get("/tickets/"+ticket.TicketID).status == http.StatusNotFound })
	_, err = s.sim.Post(simulator.Post{From: s.ann, Chat: s.support, Thread: int(ticket.Home.TelegramTopicID), Text: "We are on our way"})
	s.must(err)
	for who, stream := range open {
		rest, err := io.ReadAll(stream)
		if err != nil || strings.Contains(string(rest), "data") {
			t.Errorf("%s: %q, %v", who, rest, err)
		}
	}
	var said string // the inbox's tells that something happened in the desk, and nothing else
	for !strings.HasSuffix(said, "data: \n\n") {
		line, err := other.ReadString('\n')
		s.must(err)
		said += line
	}
	if said != ": topicdesk\n\nevent: changed\ndata: \n\n" {
		t.Errorf("another group's inbox: %q", said)
	}
}

// listen opens a stream.
func (v *visitor) listen(path string) io.Reader {
	v.s.t.Helper()
	ctx, cancel := context.WithTimeout(v.s.t.Context(), patience)
	v.s.t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, v.s.url+path, nil)
	v.s.must(err)
	req.Header.Set("Cookie", v.cookie)
	res, err := v.s.http.Do(req)
	v.s.must(err)
	v.s.t.Cleanup(func() { _ = res.Body.Close() })
	if res.StatusCode != http.StatusOK {
		v.s.t.Fatalf("%s answers %d", path, res.StatusCode)
	}
	return res.Body
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
