package httpedge_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/simulator"
	"github.com/topicdesk/topicdesk/storage"
)

// picture is a PNG of a size that does not compress.
func picture(t *testing.T, side int) []byte {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	p := image.NewRGBA(image.Rect(0, 0, side, side))
	for i := range p.Pix {
		p.Pix[i] = byte(rng.Uint32())
	}
	p.SetRGBA(0, 0, color.RGBA{A: 255})
	var b bytes.Buffer
	if err := png.Encode(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// exportedJSON is an export as programs read it.
type exportedJSON struct {
	Ticket   struct{ Title, Description string }
	Messages []struct {
		Sequence       int64
		Sender, Text   string
		Internal       bool
		Protected      bool
		FormerVersions []struct{ Text string }
		Attachments    []struct{ FileName string }
		Deliveries     []struct{ Group string }
	}
	LeftOut *struct {
		Messages        bool
		Pictures, Files int64
	}
}

func (v *visitor) exported(t *testing.T, address string) *exportedJSON {
	t.Helper()
	p := v.get(address + "/export.json")
	out := &exportedJSON{}
	if err := json.Unmarshal([]byte(p.body), out); err != nil || p.status != http.StatusOK || out.LeftOut == nil {
		t.Fatalf("%d %v %s", p.status, err, p.body)
	}
	return out
}

// TestWebExport: a ticket leaves as one file, whole, for each as they may see it.
func TestWebExport(t *testing.T) {
	s := newService(t, serviceOptions{})
	s.register()
	ben := s.colleague("Ben", s.sales)
	const script = `<script>alert("x")</script>`
	ticket := s.opened(s.ann, s.support, script)
	address, thread := "/tickets/"+ticket.TicketID, int(ticket.Home.TelegramTopicID)
	say := func(post simulator.Post) simulator.Message {
		t.Helper()
		post.From, post.Chat, post.Thread = s.ann, s.support, thread
		m, err := s.sim.Post(post)
		s.must(err)
		return m
	}
	edited := say(simulator.Post{Text: "Third flor"})
	say(simulator.Post{Text: "// just for us"})
	small := picture(t, 40)
	say(simulator.Post{Text: "See", Media: &simulator.Upload{Kind: "document", FileName: `a "b".png`, MimeType: "image/png", Data: small}})
	say(simulator.Post{Text: "Plan", Media: &simulator.Upload{Kind: "document", FileName: "plan.txt", MimeType: "text/plain", Data: []byte("x")}})
	for i := range 60 {
		say(simulator.Post{Text: fmt.Sprintf("Message %d of many, with <b>", i)})
	}
	v := s.signIn(s.ann)
	s.await("all of it", v.shows(address, "Message 59"))
	v.do(address, "mention", url.Values{"user": {strconv.FormatInt(ben, 10)}})
	_, err := s.sim.Edit(s.ann, s.support, edited.ID, "Third floor")
	s.must(err)
	s.await("the edit, and the files", func() bool {
		out := v.exported(t, address)
		for _, m := range out.Messages {
			if m.Text == "Third floor" && len(m.FormerVersions) == 1 && m.FormerVersions[0].Text == "Third flor" {
				return strings.Contains(v.get(address+"/export.html").body, "data:image/png;base64,"+base64.StdEncoding.EncodeToString(small)+`"`)
			}
		}
		return false
	})
	s.run(t, "JSON has all of it, in order", func(t *testing.T) {
		out, last, many := v.exported(t, address), int64(0), 0
		for _, m := range out.Messages {
			if m.Sequence <= last {
				t.Errorf("%d after %d", m.Sequence, last)
			}
			last = m.Sequence
			if strings.HasPrefix(m.Text, "Message ") {
				many++
			}
		}
		if out.Ticket.Title != script || many != 60 || out.LeftOut.Messages || out.LeftOut.Files != 2 {
			t.Errorf("%+v", out)
		}
	})
	s.run(t, "HTML needs nothing else, runs nothing, and says what it lacks", func(t *testing.T) {
		p := v.get(address + "/export.html")
		for _, part := range []string{"&lt;script&gt;alert", "Message 0 of", "Message 59 of", "just for us", "Third flor", "plan.txt",
			"Files that are not in this export: 1", "</html>"} {
			if !strings.Contains(p.body, part) {
				t.Errorf("it lacks %s", part)
			}
		}
		if found := regexp.MustCompile(`<script|<link|src="[^d]|url\(|<form|<button|\son\w+=`).FindString(p.body); found != "" {
			t.Errorf("it has %s", found)
		}
		if !strings.HasPrefix(p.header.Get("Content-Disposition"), "attachment;") || !strings.Contains(p.header.Get("Content-Security-Policy"), "sandbox") {
			t.Error(p.header)
		}
		if strings.Contains(p.body, "Pictures that are not") {
			t.Error("it says that a picture is missing")
		}
	})
	s.run(t, "who was brought in gets no note", func(t *testing.T) {
		w := s.signIn(ben)
		s.await("the export of another group", func() bool { return w.get(address+"/export.json").status == http.StatusOK })
		for _, m := range w.exported(t, address).Messages {
			if m.Internal || strings.Contains(m.Text, "just for us") || len(m.FormerVersions) > 0 {
				t.Errorf("%+v", m)
			}
		}
		if strings.Contains(w.get(address+"/export.html").body, "just for us") {
			t.Error("HTML has it")
		}
	})
	s.run(t, "too many pictures are named", func(t *testing.T) {
		big := picture(t, 1500) // 9 MB
		for i := range 3 {
			say(simulator.Post{Text: fmt.Sprintf("Big %d", i), Media: &simulator.Upload{Kind: "document", FileName: fmt.Sprintf("big%d.png", i), MimeType: "image/png", Data: big}})
		}
		s.await("they are kept", func() bool {
			kept := 0
			for _, m := range s.messagesOf(ticket.TicketID) {
				files, err := s.store.AttachmentsOf(t.Context(), m.MessageID)
				s.must(err)
				for _, f := range files {
					if strings.HasPrefix(f.FileName, "big") && f.State == storage.FileStored {
						kept++
					}
				}
			}
			return kept == 3
		})
		p := v.get(address + "/export.html")
		if n := strings.Count(p.body, "data:image/png"); n != 3 || !strings.Contains(p.body, "Pictures that are not in this export: 1") || len(p.body) > 40<<20 {
			t.Errorf("%d pictures, %d bytes", n, len(p.body))
		}
	})
}

// TestWebExportNamesNoChat: who belongs to none of the ticket's groups gets sequences, where ids would name a chat.
func TestWebExportNamesNoChat(t *testing.T) {
	s := newService(t, serviceOptions{})
	s.register()
	cy := s.newPerson("Cy", s.support)
	ticket := s.opened(cy, s.support, "Printer is on fire")
	address, thread := "/tickets/"+ticket.TicketID, int(ticket.Home.TelegramTopicID)
	first, err := s.sim.Post(simulator.Post{From: s.ann, Chat: s.support, Thread: thread, Text: "See", Media: &simulator.Upload{Kind: "document",
		FileName: "plan.txt", MimeType: "text/plain", Data: []byte("the plan")}})
	s.must(err)
	_, err = s.sim.Post(simulator.Post{From: s.ann, Chat: s.support, Thread: thread, Text: "Did you?", ReplyTo: first.ID})
	s.must(err)
	note, err := s.sim.Post(simulator.Post{From: s.ann, Chat: s.support, Thread: thread, Text: "// he never does"})
	s.must(err)
	_, err = s.sim.Post(simulator.Post{From: s.ann, Chat: s.support, Thread: thread, Text: "Well?", ReplyTo: note.ID})
	s.must(err)
	type answers struct {
		Messages []struct {
			MessageID, ReplyTo, Text  string
			Sequence, ReplyToSequence int64
			Attachments               []struct{ AttachmentID, FileName string }
		}
	}
	read := func(v *visitor) (out answers, body string) {
		t.Helper()
		p := v.get(address + "/export.json")
		s.must(json.Unmarshal([]byte(p.body), &out))
		return out, p.body
	}
	chat := strconv.FormatInt(s.support, 10)
	ann, customer := s.signIn(s.ann), s.signIn(cy)
	s.await("all of it", func() bool {
		_, body := read(ann)
		return strings.Contains(body, "Well?") && strings.Contains(body, `"stored"`)
	})
	inside, body := read(ann)
	if m := inside.Messages; len(m) != 4 || m[1].ReplyTo != m[0].MessageID || m[0].MessageID == "" || m[0].Attachments[0].AttachmentID == "" ||
		m[1].ReplyToSequence != 0 {
		t.Errorf("a member: %s", body)
	}
	s.must(s.sim.SetMember(s.support, cy, simulator.Left))
	s.await("the customer gets it without the note", func() bool { out, _ := read(customer); return len(out.Messages) == 3 })
	outside, body := read(customer)
	if m := outside.Messages; m[1].ReplyToSequence != m[0].Sequence || m[2].ReplyToSequence != 0 || m[0].Attachments[0].FileName != "plan.txt" ||
		strings.Contains(body, chat) {
		t.Errorf("the customer: %s", body)
	}
	for _, path := range []string{"", "/timeline", "/export.html"} {
		if p := customer.get(address + path); p.status != http.StatusOK || strings.Contains(p.body, chat) {
			t.Errorf("%s names the chat: %d %s", path, p.status, p.body)
		}
	}
}

// TestWebExportEndsWithTheSession: one at a time, and what is revoked meanwhile ends it, and does not pass for the whole.
func TestWebExportEndsWithTheSession(t *testing.T) {
	s := newService(t, serviceOptions{})
	s.register()
	ticket := s.opened(s.ann, s.support, "Printer is on fire")
	address, thread := "/tickets/"+ticket.TicketID, int(ticket.Home.TelegramTopicID)
	big := picture(t, 1200)
	for i := range 3 {
		_, err := s.sim.Post(simulator.Post{From: s.ann, Chat: s.support, Thread: thread, Text: "Big",
			Media: &simulator.Upload{Kind: "document", FileName: fmt.Sprintf("big%d.png", i), MimeType: "image/png", Data: big}})
		s.must(err)
	}
	for i := range 60 {
		_, err := s.sim.Post(simulator.Post{From: s.ann, Chat: s.support, Thread: thread, Text: fmt.Sprintf("Message %d", i)})
		s.must(err)
	}
	v := s.signIn(s.ann)
	s.await("all of it", func() bool {
		body := v.get(address + "/export.html").body
		return strings.Contains(body, "Message 59") && strings.Count(body, "data:image/png") == 3
	})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+address+"/export.html", nil)
	s.must(err)
	req.Header.Set("Cookie", v.cookie)
	res, err := s.http.Do(req) // which has begun, and is not read
	s.must(err)
	defer func() { _ = res.Body.Close() }()
	if p := v.get(address + "/export.json"); p.status != http.StatusServiceUnavailable || p.header.Get("Retry-After") == "" {
		t.Errorf("a second one: %d", p.status)
	}
	_, err = s.sim.Post(simulator.Post{From: s.ann, Text: "/web off"})
	s.must(err)
	s.awaitText(s.ann, 0, "is ended")
	var body bytes.Buffer
	_, err = body.ReadFrom(res.Body)
	s.must(err)
	if text := body.String(); strings.Contains(text, "Message 59") || !strings.Contains(text, "broke off here") {
		t.Errorf("it goes on: …%s", text[max(0, len(text)-300):])
	}
	again := s.signIn(s.ann)
	s.await("another one", func() bool { return again.get(address+"/export.json").status == http.StatusOK })
}
