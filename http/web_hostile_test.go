package httpedge_test

import (
	"encoding/base64"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/simulator"
	"github.com/topicdesk/topicdesk/storage"
)

// TestWebHostileTicket: a title with a script, names that are written from right to left and try to turn around what follows, a
// message of 4,096 emoji and a picture of 10 MB break no page, no export, and not the memory.
func TestWebHostileTicket(t *testing.T) {
	s := newService(t, serviceOptions{})
	s.register()
	const (
		script = `<script>alert("x")</script>`
		turn   = "\u202e" // what follows would stand from right to left
		name   = `שרה <img src=x onerror=alert(1)> لیلا`
		group  = `תמיכה <b>"&'</b>`
	)
	g, err := s.sim.AddGroup(simulator.Group{Title: turn + group, Forum: true,
		Bot: simulator.BotRights{Status: simulator.Administrator, CanManageTopics: true, CanPinMessages: true}})
	s.must(err)
	sara, err := s.sim.AddPerson(simulator.Person{FirstName: turn + `שרה <img src=x`, LastName: `onerror=alert(1)> لیلا`, LanguageCode: "en"})
	s.must(err)
	s.must(s.sim.SetMember(g.ID, sara.ID, simulator.Creator))
	_, err = s.sim.Post(simulator.Post{From: sara.ID, Chat: g.ID, Text: "/register"})
	s.must(err)
	s.awaitText(g.ID, 0, "is registered")
	ben := s.colleague("Ben", s.sales)

	title := script + ` כרטיס ` + strings.Repeat("W", 150) // as it is kept
	_, err = s.sim.Post(simulator.Post{From: sara.ID, Chat: g.ID, Text: "/create_ticket " + turn + title})
	s.must(err)
	var ticket *storage.Ticket
	s.await("the ticket", func() bool {
		page, err := s.store.ListTickets(t.Context(), storage.TicketQuery{Limit: 1})
		s.must(err)
		for i := range page.Tickets {
			ticket = &page.Tickets[i]
		}
		return ticket != nil && ticket.Home.TelegramTopicID != 0
	})
	if ticket.Title != title {
		t.Fatalf("the title is %q", ticket.Title)
	}
	address, thread := "/tickets/"+ticket.TicketID, int(ticket.Home.TelegramTopicID)
	v := s.signIn(sara.ID)
	v.do(address, "mention", url.Values{"user": {strconv.FormatInt(ben, 10)}})
	there := int(s.linked(ticket.TicketID))

	emoji, big := strings.Repeat("🧯", 4096), picture(t, 1600)                                                      // 10.2 MB
	_, err = s.sim.Post(simulator.Post{From: sara.ID, Chat: g.ID, Thread: thread, Text: strings.Repeat("🧯", 2048), // as much as Telegram takes
		Forward: &simulator.Origin{Name: turn + name}})
	s.must(err)
	if p := v.do(address, "answer", url.Values{"form": {"e"}, "text": {emoji}}); p.status != http.StatusNoContent {
		t.Fatal(p.status, p.body)
	}
	_, err = s.sim.Post(simulator.Post{From: sara.ID, Chat: g.ID, Thread: thread, Text: script + turn,
		Media: &simulator.Upload{Kind: "photo", FileName: "big.png", MimeType: "image/png", Data: big}})
	s.must(err)
	var file *storage.Attachment
	s.await("the picture is kept", func() bool {
		for _, m := range s.messagesOf(ticket.TicketID) {
			found, err := s.store.AttachmentsOf(t.Context(), m.MessageID)
			s.must(err)
			for i := range found {
				if found[i].State == storage.FileStored {
					file = &found[i]
				}
			}
		}
		return file != nil
	})
	s.await("all of it is delivered", func() bool {
		p := v.get(address)
		return strings.Count(p.body, "🧯") == 2048+4096 && !strings.Contains(p.body, "data-pending") && strings.Contains(p.body, "delivered to")
	})
	s.run(t, "Telegram has all emoji, in messages that it takes", func(t *testing.T) {
		for chat, in := range map[int64]int{g.ID: thread, s.sales: there} {
			emojis := 0
			for _, m := range s.sim.Messages(chat, in) {
				if m.From.ID == s.sim.BotID() {
					emojis += strings.Count(m.Text, "🧯")
				}
			}
			if want := map[int64]int{g.ID: 4096, s.sales: 2048 + 4096}[chat]; emojis != want {
				t.Errorf("%d emoji are in the copies, want %d", emojis, want)
			}
		}
	})
	operator := s.signInByKey(s.key(nil, "admin"))
	s.run(t, "pages and exports have it as text", func(t *testing.T) {
		shown := map[string]*page{
			"inbox": v.get("/"), "search": v.get("/?q=" + url.QueryEscape("כרטיס")), "inbox, live": v.send(http.MethodGet, "/", nil, "HX-Request", "true"),
			"ticket": v.get(address), "timeline": v.send(http.MethodGet, address+"/timeline", nil, "HX-Request", "true"),
			"people": v.get(address + "/people"), "export": v.get(address + "/export.html"),
			"by key: tickets": operator.get(keyTickets + "?state=all"), "by key: ticket": operator.get(keyTickets + "/" + ticket.TicketID),
			"by key: people": operator.get("/operations/people"), "by key: groups": operator.get("/operations/groups"),
		}
		wants := map[string][]string{
			"inbox": {title, name, group}, "search": {title}, "inbox, live": {title},
			"ticket":   {title, name, "delivered to \u2068" + group + "\u2069", emoji, script + turn, `value="` + title, "Forwarded from \u2068" + name + "\u2069"},
			"timeline": {name, emoji, script + turn}, "export": {title, name, emoji, script + turn, "by \u2068" + name + "\u2069", "Forwarded from \u2068" + name + "\u2069"},
			"by key: tickets": {title, group}, "by key: ticket": {title, name, emoji}, "by key: people": {name}, "by key: groups": {group},
		}
		for where, p := range shown {
			if p.status != http.StatusOK {
				t.Errorf("%s: %d %s", where, p.status, p.body)
				continue
			}
			text := html.UnescapeString(p.body)
			for _, want := range wants[where] {
				if !strings.Contains(text, want) {
					t.Errorf("%s lacks %.60q", where, want)
				}
			}
			for _, bad := range []string{"<script>alert", "<img src=x", "<b>\"", "[object"} {
				if strings.Contains(p.body, bad) {
					t.Errorf("%s has %q", where, bad)
				}
			}
			if n := strings.Count(text, turn); n != strings.Count(text, script+turn) {
				t.Errorf("%s has what turns around the text in %d places, more than people wrote", where, n)
			}
			for _, theirs := range []string{name, group} { // a direction of their own, wherever they stand
				for _, place := range notIsolated(p.body, theirs) {
					t.Errorf("%s has a name without a direction of its own: …%s", where, place)
				}
			}
			if !strings.Contains(where, "export") && len(p.body) > 200_000 {
				t.Errorf("%s has %d bytes", where, len(p.body))
			}
		}
		if out := v.exported(t, address); out.Ticket.Title != title || !strings.Contains(v.get(address+"/export.json").body, emoji) {
			t.Errorf("JSON: %+v", out.Ticket)
		}
	})
	s.run(t, "the picture, whole and small", func(t *testing.T) {
		link := fileLink(t, v.get(address).body)
		p := v.get(link)
		if p.status != http.StatusOK || p.body != string(big) || p.header.Get("Content-Length") != strconv.Itoa(len(big)) ||
			!strings.HasPrefix(p.header.Get("Content-Disposition"), "attachment") {
			t.Errorf("%d, %d of %d bytes, %v", p.status, len(p.body), len(big), p.header)
		}
		if file.Thumbnail {
			if p := v.get(link + "/thumbnail"); p.status != http.StatusOK || len(p.body) > 100_000 || p.header.Get("Content-Type") != "image/jpeg" {
				t.Errorf("the thumbnail: %d, %d bytes, %v", p.status, len(p.body), p.header)
			}
		}
		if p := v.get(address + "/export.html"); !strings.Contains(p.body, base64.StdEncoding.EncodeToString(big)) || !strings.HasSuffix(strings.TrimSpace(p.body), "</html>") {
			t.Errorf("the export lacks it: %d bytes", len(p.body))
		}
	})
	s.run(t, "readers who do not read on take little memory", func(t *testing.T) {
		const readers, atMost = 30, 40 << 20 // bytes; all of it would be 300 MB
		link, before := fileLink(t, v.get(address).body), heap()
		for i := range readers {
			path, cookie := link, v.cookie
			switch i {
			case 0:
				path = address + "/export.html"
			case 1:
				path, cookie = keyTickets+"/"+ticket.TicketID+"/files/"+file.AttachmentID, operator.cookie
			}
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+path, nil)
			s.must(err)
			req.Header.Set("Cookie", cookie)
			res, err := s.http.Do(req)
			s.must(err)
			defer func() { _ = res.Body.Close() }()
			if _, err := io.CopyN(io.Discard, res.Body, 64<<10); err != nil || res.StatusCode != http.StatusOK {
				t.Fatalf("%s: %d %v", path, res.StatusCode, err)
			}
		}
		if more := heap() - before; more > atMost {
			t.Errorf("%d downloads take %d MB", readers, more>>20)
		}
	})
}

// isolated is what stands before a name that has a direction of its own.
var isolated = regexp.MustCompile(`(<[a-z]+ [^<>]*dir="auto"[^<>]*>|<bdi>|<option[^<>]*>|\x{2068})$`)

// notIsolated are the places where a text is written among others without a direction of its own, each with what stands before it.
func notIsolated(body, text string) (all []string) {
	escaped := html.EscapeString(text)
	for before, after, found := strings.Cut(body, escaped); found; before, after, found = strings.Cut(after, escaped) {
		if line := before[max(0, len(before)-300):]; !isolated.MatchString(line) {
			all = append(all, line)
		}
	}
	return all
}

// heap is how many bytes are in use.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
