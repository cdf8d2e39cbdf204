package httpedge_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	httpedge "github.com/topicdesk/topicdesk/http"
	"github.com/topicdesk/topicdesk/simulator"
	"github.com/topicdesk/topicdesk/storage"
)

// upload sends a file as a page does. fields are names and values of what comes before it.
func (v *visitor) upload(path, name string, content []byte, header http.Header, fields ...string) *page {
	v.s.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for i := 0; i < len(fields); i += 2 {
		v.s.must(w.WriteField(fields[i], fields[i+1]))
	}
	part, err := w.CreateFormFile("file", name)
	v.s.must(err)
	_, err = part.Write(content)
	v.s.must(err)
	v.s.must(w.Close())
	ctx, cancel := context.WithTimeout(v.s.t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, v.s.url+path, &body)
	v.s.must(err)
	req.Header = header.Clone()
	if req.Header == nil {
		req.Header = http.Header{}
	}
	req.Header.Set("Content-Type", w.FormDataContentType())
	req.Header.Set("Cookie", v.cookie)
	res, err := v.s.http.Do(req)
	v.s.must(err)
	defer func() { _ = res.Body.Close() }()
	got, err := io.ReadAll(res.Body)
	v.s.must(err)
	return &page{status: res.StatusCode, header: res.Header, body: string(got)}
}

// fileLink is the address of the last file that a page has.
func fileLink(t *testing.T, body string) string {
	t.Helper()
	all := fileLinks.FindAllStringSubmatch(body, -1)
	if len(all) == 0 {
		t.Fatalf("there is no file on the page: %s", body)
	}
	return all[len(all)-1][1]
}

var fileLinks = regexp.MustCompile(`href="(/tickets/[^"/]+/files/[^"]+)"`)

// TestWebFiles: files go into a ticket from its page, within the limits of the API, and only from who may see it.
func TestWebFiles(t *testing.T) {
	s := newService(t, serviceOptions{})
	s.register()
	ticket := s.opened(s.ann, s.support, "Printer is on fire")
	v, address, thread := s.signIn(s.ann), "/tickets/"+ticket.TicketID, int(ticket.Home.TelegramTopicID)
	files, secret := address+"/files", s.stored(ticket)
	htmx := func(v *visitor) http.Header { return http.Header{"Hx-Request": {"true"}, "X-Csrf-Token": {v.csrf()}} }
	document := func(name string) (found bool) {
		for _, m := range s.sim.Messages(s.support, thread) {
			found = found || m.Media != nil && m.Media.FileName == name
		}
		return found
	}
	s.run(t, "a file goes with an answer, once", func(t *testing.T) {
		p := v.upload(files, "plan \u202egpj.txt", []byte("the plan"), htmx(v), "form", "f1")
		if p.status != http.StatusCreated || !strings.HasSuffix(p.body, ".upload") {
			t.Fatal(p.status, p.body)
		}
		form := url.Values{"text": {"Here it is"}, "file": {"f1 " + p.body}}
		for range 2 {
			if p := v.do(address, "answer", form); p.status != http.StatusNoContent {
				t.Fatal(p.status, p.body)
			}
		}
		s.awaitText(s.support, thread, "Here it is")
		body := v.get(address).body
		if strings.Count(body, "Here it is") != 1 || !strings.Contains(body, `href="`+files+`/`) {
			t.Error(body)
		}
		form.Set("text", "Here it is, at last")
		if p := v.do(address, "answer", form); p.status != http.StatusNoContent { // the reply before was lost
			t.Fatal(p.status, p.body)
		}
		s.awaitText(s.support, thread, "Here it is, at last")
		if p := v.get(fileLink(t, body)); p.status != 200 || p.body != "the plan" {
			t.Errorf("%d %q", p.status, p.body)
		}
	})
	s.run(t, "without scripts it is sent immediately", func(t *testing.T) {
		p := v.upload(files, "alone.txt", []byte("alone"), nil, "csrf", v.csrf())
		if p.status != http.StatusSeeOther {
			t.Fatal(p.status, p.body)
		}
		s.await("it is in Telegram", func() bool { return document("alone.txt") })
	})
	s.run(t, "refused as by the API, in words", func(t *testing.T) {
		for name, content := range map[string]string{"a.sh": "#!/bin/sh\necho", "empty.txt": "", "p.html": "<html><script>x</script></html>"} {
			if p := v.upload(files, name, []byte(content), htmx(v)); p.status != http.StatusUnprocessableEntity || !strings.Contains(p.body, name) ||
				strings.Contains(p.body, "{") {
				t.Errorf("%s: %d %s", name, p.status, p.body)
			}
		}
		if p := v.upload(files, "big.bin", make([]byte, 51<<20), htmx(v)); p.status != http.StatusRequestEntityTooLarge {
			t.Errorf("51 MB: %d %s", p.status, p.body)
		}
		if p := v.upload(files, "large.bin", bytes.Repeat([]byte("a\n"), 3<<20), htmx(v), "form", "large"); p.status != http.StatusCreated {
			t.Errorf("6 MB: %d %s", p.status, p.body)
		}
	})
	s.run(t, "nothing without the token, compressed, or from who is not signed in", func(t *testing.T) {
		if p := v.upload(files, "x.txt", []byte("x"), nil); p.status != http.StatusForbidden {
			t.Errorf("without the token: %d", p.status)
		}
		packed := htmx(v)
		packed.Set("Content-Encoding", "gzip")
		if p := v.upload(files, "x.txt", []byte("x"), packed); p.status != http.StatusForbidden {
			t.Errorf("compressed: %d", p.status)
		}
		stranger := &visitor{s: s, cookie: "topicdesk=" + strconv.FormatInt(s.ann, 10) + ".AAAAAAAAAAAAAAAAAAAAAAAAAA"}
		if p := stranger.upload(files, "x.bin", make([]byte, 2<<20), nil); p.status != http.StatusRequestEntityTooLarge {
			t.Errorf("2 MB of a stranger: %d", p.status)
		}
		var bomb bytes.Buffer
		w := gzip.NewWriter(&bomb)
		_, err := w.Write(make([]byte, 8<<20))
		s.must(err)
		s.must(w.Close())
		for _, path := range []string{"/sign-in", address + "/answer", files} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+path, bytes.NewReader(bomb.Bytes()))
			s.must(err)
			req.Header.Set("Content-Encoding", "gzip")
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			res, err := s.http.Do(req)
			s.must(err)
			_ = res.Body.Close()
			if res.StatusCode != http.StatusForbidden {
				t.Errorf("%s, compressed: %d", path, res.StatusCode)
			}
		}
		if p := v.upload(address+"/answer", "x.txt", []byte("x"), htmx(v), "text", "in parts"); p.status != http.StatusForbidden {
			t.Errorf("another form of several parts: %d", p.status)
		}
	})
	s.run(t, "somebody else's file can't be sent", func(t *testing.T) {
		max := s.signIn(s.newPerson("Max", s.support))
		p := max.upload(files, "his.txt", []byte("his"), htmx(max), "form", "h")
		if p.status != http.StatusCreated {
			t.Fatal(p.status, p.body)
		}
		for _, id := range []string{p.body, secret, "none.upload", ""} {
			if got := v.do(address, "answer", url.Values{"text": {"theft"}, "file": {"h " + id}}); got.status != http.StatusUnprocessableEntity {
				t.Errorf("%s: %d %s", id, got.status, got.body)
			}
		}
		other := s.signIn(s.newPerson("Otto", s.sales))
		if p := other.upload(files, "x.txt", []byte("x"), htmx(other)); p.status != http.StatusNotFound {
			t.Errorf("a member of another group: %d", p.status)
		}
	})
	s.run(t, "at most 60 an hour, which also a body that never ends counts among", func(t *testing.T) {
		max := s.signIn(s.newPerson("Moritz", s.support))
		for range 55 {
			c := s.trickle(files, "Cookie: "+max.cookie, 1000)
			defer func() { _ = c.Close() }()
		}
		s.await("they are on their way, and there is no other", func() bool {
			return max.upload(files, "n.txt", []byte("n"), htmx(max)).status == http.StatusTooManyRequests
		})
		for _, size := range []int{1, 2 << 20} {
			p := max.upload(files, "n.bin", make([]byte, size), htmx(max))
			if wait, _ := strconv.Atoi(p.header.Get("Retry-After")); p.status != http.StatusTooManyRequests || wait < 60 || wait > 3600 ||
				p.body != "Too many files. Please try again later." {
				t.Errorf("%d bytes: %d %v %s", size, p.status, p.header, p.body)
			}
		}
		if p := max.upload(files, "n.txt", []byte("n"), nil); p.status != http.StatusTooManyRequests || !strings.Contains(p.body, "<html") {
			t.Errorf("without scripts: %d %s", p.status, p.body)
		}
		for _, other := range []string{address + "/%66iles", address + "/FILES", files + "/"} {
			if p := max.upload(other, "n.txt", []byte("n"), htmx(max)); p.status != http.StatusNotFound {
				t.Errorf("%s: %d %s", other, p.status, p.body)
			}
		}
	})
}

// TestWebFilesOfMessages: a file can be had of the message that has it, by who sees that message, until it is deleted; by which way the file came
// makes no difference. One that no message has can't be had.
func TestWebFilesOfMessages(t *testing.T) {
	s := newService(t, serviceOptions{})
	s.register()
	cy := s.newPerson("Cy", s.support)
	ticket := s.opened(cy, s.support, "Printer is on fire")
	address, thread := "/tickets/"+ticket.TicketID, int(ticket.Home.TelegramTopicID)
	s.must(s.sim.SetMember(s.support, cy, simulator.Left)) // so the group is none of their business
	v, customer := s.signIn(s.ann), s.signIn(cy)
	key := s.key(func(k *storage.APIKey) { k.Name = "CRM" }, "tickets:*", "messages:*")
	operator := s.signInByKey(key)
	api := "/api/v1/tickets/" + ticket.TicketID
	ways := []struct {
		name string
		send func(t *testing.T)
	}{
		{"api.txt", func(*testing.T) {
			kept := s.do("POST", api+"/attachments", key, fileForm("file", "api.txt", "the content of api.txt")).is(201)
			s.do("POST", api+"/messages", key, object{"attachmentIds": []any{kept["attachmentId"]}}).is(202)
		}},
		{"key.txt", func(t *testing.T) {
			p := operator.upload(keyTickets+"/"+ticket.TicketID+"/files", "key.txt", []byte("the content of key.txt"), nil, "csrf", operator.token())
			if p.status != http.StatusSeeOther {
				t.Fatal(p.status, p.body)
			}
		}},
		{"page.txt", func(t *testing.T) {
			p := v.upload(address+"/files", "page.txt", []byte("the content of page.txt"), nil, "csrf", v.csrf())
			if p.status != http.StatusSeeOther {
				t.Fatal(p.status, p.body)
			}
		}},
		{"telegram.txt", func(*testing.T) {
			_, err := s.sim.Post(simulator.Post{From: s.ann, Chat: s.support, Thread: thread,
				Media: &simulator.Upload{Kind: "document", FileName: "telegram.txt", MimeType: "text/plain", Data: []byte("the content of telegram.txt")}})
			s.must(err)
		}},
	}
	for _, way := range ways {
		s.run(t, way.name, func(t *testing.T) {
			way.send(t)
			var link string
			s.await("it is on the page", func() bool {
				for _, part := range strings.Split(customer.get(address).body, "<article")[1:] {
					if found := fileLinks.FindStringSubmatch(part); found != nil && strings.Contains(part, way.name) {
						link = found[1]
					}
				}
				return link != ""
			})
			if strings.Contains(link, strconv.FormatInt(s.support, 10)) {
				t.Errorf("the address names the chat: %s", link)
			}
			for who, reader := range map[string]*visitor{"a member": v, "the customer": customer} {
				if p := reader.get(link); p.status != 200 || p.body != "the content of "+way.name {
					t.Errorf("%s: %d %q", who, p.status, p.body)
				}
			}
			part := v.send(http.MethodGet, link, nil, "Range", "bytes=4-10")
			if part.status != http.StatusPartialContent || part.body != "content" ||
				part.header.Get("Content-Range") != fmt.Sprintf("bytes 4-10/%d", len("the content of "+way.name)) {
				t.Errorf("a part of it: %d %v %q", part.status, part.header, part.body)
			}
			if p := v.send(http.MethodGet, link, nil, "Range", "bytes=500-"); p.status != http.StatusRequestedRangeNotSatisfiable {
				t.Errorf("behind its end: %d %q", p.status, p.body)
			}
			if p := v.send(http.MethodGet, link, nil, "If-None-Match", part.header.Get("ETag")); p.status != http.StatusNotModified {
				t.Errorf("again: %d %q", p.status, p.body)
			}
			if p := v.send(http.MethodGet, link, nil, "Range", "bytes=4-10", "If-Range", `"another"`); p.status != 200 || p.body != "the content of "+way.name {
				t.Errorf("a part of another file: %d %q", p.status, p.body)
			}
			var post simulator.Message
			s.await("it is in Telegram", func() bool {
				for _, m := range s.sim.Messages(s.support, thread) {
					if m.Media != nil && m.Media.FileName == way.name {
						post = m
					}
				}
				return post.ID != 0
			})
			_, err := s.sim.Post(simulator.Post{From: s.ann, Chat: s.support, Thread: thread, Text: "/delete", ReplyTo: post.ID})
			s.must(err)
			s.await("it is deleted", func() bool { return !strings.Contains(customer.get(address).body, way.name) })
			for _, path := range []string{link, link + "/thumbnail"} {
				if p := v.get(path); p.status != http.StatusNotFound {
					t.Errorf("%s is there yet: %d %q", path, p.status, p.body)
				}
			}
		})
	}
	s.run(t, "one that no message has, and what is no name of one", func(t *testing.T) {
		kept := s.do("POST", api+"/attachments", key, fileForm("file", "alone.txt", "alone")).is(201)
		id := kept["attachmentId"].(string)
		record, err := s.store.Attachment(t.Context(), id)
		s.must(err)
		for _, path := range []string{"/files/" + id, address + "/files/" + id, address + "/files/0-" + record.SHA256[:16], address + "/files/1-" + record.SHA256[:16],
			address + "/files/1-", address + "/files/0-", address + "/files/-", address + "/files/1"} {
			if p := v.get(path); p.status != http.StatusNotFound {
				t.Errorf("%s: %d %q", path, p.status, p.body)
			}
		}
	})
}

// trickle begins an upload whose body stays away, and sends its first byte.
func (s *service) trickle(path, header string, size int) net.Conn {
	s.t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	s.must(err)
	s.must(c.SetDeadline(time.Now().Add(patience)))
	_, err = fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: x\r\n%s\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: %d\r\n\r\n-",
		path, header, size)
	s.must(err)
	return c
}

// TestWebUploadsOfOne: who sends files slowly, or many people who do, leave room for others, and for programs.
func TestWebUploadsOfOne(t *testing.T) {
	s := newService(t, serviceOptions{server: httpedge.Options{UploadMemory: 220 << 20}})
	s.register()
	ticket := s.opened(s.ann, s.support, "Printer is on fire")
	key := s.key(nil, "admin")
	files := "/tickets/" + ticket.TicketID + "/files"
	full := func(v *visitor) {
		for range 5 {
			c := s.trickle("/tickets/x/files", "Cookie: "+v.cookie, 40<<20)
			t.Cleanup(func() { _ = c.Close() })
		}
		s.await("there is no more for them", func() bool {
			p := v.upload(files, "n.bin", make([]byte, 20<<20), http.Header{"Hx-Request": {"true"}})
			return p.status == http.StatusServiceUnavailable && p.header.Get("Retry-After") == "3" && strings.HasPrefix(p.body, "Too many files.")
		})
	}
	ann, otto := s.signIn(s.ann), s.signIn(s.newPerson("Otto", s.support))
	full(ann)
	if p := otto.upload(files, "o.txt", bytes.Repeat([]byte("o\n"), 10<<20), http.Header{"X-Csrf-Token": {otto.csrf()}, "Hx-Request": {"true"}}); p.status != 201 {
		t.Errorf("somebody else: %d %s", p.status, p.body)
	}
	for _, name := range []string{"Pia", "Quin", "Rosa", "Sven"} {
		full(s.signIn(s.newPerson(name, s.support)))
	}
	s.do("POST", "/api/v1/tickets/"+ticket.TicketID+"/attachments", key, fileForm("file", "p.bin", strings.Repeat("x", 50<<20-1000))).is(201)
}
