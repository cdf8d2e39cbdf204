package httpedge_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/simulator"
	"github.com/topicdesk/topicdesk/storage"
)

const keyTickets = "/operations/tickets"

// TestWebTicketsByKey: who signed in by an API key sees the tickets and messages that its scopes show, and changes what they allow.
func TestWebTicketsByKey(t *testing.T) {
	s := newService(t, serviceOptions{})
	s.register()
	ticket := s.opened(s.ann, s.support, "Printer <b>is</b> on fire")
	other := s.opened(s.newPerson("Otto", s.sales), s.sales, "An invoice")
	say := func(text string) {
		t.Helper()
		_, err := s.sim.Post(simulator.Post{From: s.ann, Chat: s.support, Thread: int(ticket.Home.TelegramTopicID), Text: text})
		s.must(err)
	}
	say("It <i>smells</i> of toner")
	say("// a note")
	file := s.stored(ticket)
	at := keyTickets + "/" + ticket.TicketID
	s.run(t, "tickets without messages", func(t *testing.T) {
		v := s.signInByKey(s.key(nil, "tickets:read"))
		if p := v.get(keyTickets); p.status != 200 || !p.has("Printer <b>is</b> on fire", "An invoice", `data-testid="ticket"`) || strings.Contains(p.body, "<b>is") ||
			strings.Contains(p.body, "toner") {
			t.Errorf("%d %s", p.status, p.body)
		}
		if p := v.get(at); p.status != 200 || !p.has("Printer <b>is</b> on fire", "messages:read") || p.has("toner") || strings.Contains(p.body, "<form method=\"post\" action=\""+at) {
			t.Errorf("%d %s", p.status, p.body)
		}
		if p := v.get(at + "/files/" + url.PathEscape(file)); p.status != http.StatusForbidden {
			t.Errorf("a file: %d %s", p.status, p.body)
		}
		for _, change := range []string{"/answer", "/close", "/reopen", "/change", "/mention", "/assign", "/snooze", "/note", "/retry"} {
			form := url.Values{"text": {"intruded"}, "note": {"intruded"}, "message": {"1:2"}, "title": {"intruded"}, "person": {"@ann"}, "until": {"2030-01-01T08:00"}}
			if strings.HasPrefix(change, "/assign") {
				form.Set("person", strconv.FormatInt(s.ann, 10)) // else it is looked up, which needs another scope
			}
			if p := v.post(at+change, form); p.status != http.StatusForbidden {
				t.Errorf("%s: %d %s", change, p.status, p.body)
			}
		}
	})
	s.run(t, "found by its words, its number and its state", func(t *testing.T) {
		v := s.signInByKey(s.key(nil, "tickets:read"))
		for query, found := range map[string]bool{"?q=printer": true, "?q=zanzibar": false, "?state=closed": false, "?state=all": true, "?state=desk": true,
			"?state=customer": false, "?q=%23" + strconv.FormatInt(ticket.Number, 10): true, "?q=printer&state=desk": true} {
			if p := v.get(keyTickets + query); p.status != 200 || strings.Contains(p.body, ticket.TicketID) != found {
				t.Errorf("%s: %d, want it %v: %s", query, p.status, found, p.body)
			}
		}
		if p := v.get(keyTickets + "?q=pr"); p.status != http.StatusUnprocessableEntity && p.status != http.StatusBadRequest || !p.has(`value="pr"`) {
			t.Errorf("too short: %d %s", p.status, p.body)
		}
	})
	s.run(t, "messages, notes and files", func(t *testing.T) {
		v := s.signInByKey(s.key(nil, "tickets:read", "messages:read", "groups:read"))
		p := v.get(at)
		if p.status != 200 || !p.has("It <i>smells</i> of toner", "a note", "internal note", "plan.txt", "Support") || strings.Contains(p.body, "<i>smells") {
			t.Fatalf("%d %s", p.status, p.body)
		}
		address := regexp.MustCompile(`href="(` + at + `/files/[^"]+)"`).FindStringSubmatch(p.body)
		if address == nil {
			t.Fatal(p.body)
		}
		got := v.get(address[1])
		if got.status != 200 || got.body != "the secret plan" || !strings.HasPrefix(got.header.Get("Content-Disposition"), "attachment") ||
			got.header.Get("Content-Type") != "application/octet-stream" || !strings.Contains(got.header.Get("Content-Security-Policy"), "sandbox") {
			t.Errorf("%d %v %s", got.status, got.header, got.body)
		}
		if p := v.get(strings.Replace(address[1], ticket.TicketID, other.TicketID, 1)); p.status != http.StatusNotFound {
			t.Errorf("as another ticket's: %d", p.status)
		}
	})
	s.run(t, "all of it in a file", func(t *testing.T) {
		for i := range 60 { // more than are read together
			say("Message " + strconv.Itoa(i) + " of many")
		}
		v, key := s.signInByKey(s.key(nil, "tickets:read", "messages:read")), s.key(nil, "tickets:read", "messages:read")
		s.await("all of them", func() bool { return strings.Contains(v.get(at).body, "Message 59 of many") })
		p := v.get(at + "/export.json")
		var out struct {
			Ticket   struct{ TicketID, Title string }
			Messages []struct {
				MessageID, Text string
				Internal        bool
			}
			LeftOut *struct{ Messages bool }
		}
		if err := json.Unmarshal([]byte(p.body), &out); err != nil || p.status != http.StatusOK || out.LeftOut == nil || out.LeftOut.Messages {
			t.Fatalf("%d %v %s", p.status, err, p.body)
		}
		var listed, texts []string
		s.await("the API lists as many", func() bool {
			listed = nil
			for _, m := range s.do("GET", "/api/v1/tickets/"+ticket.TicketID+"/messages?limit=100", key, nil).is(200)["data"].([]any) {
				listed = append(listed, m.(object)["text"].(string))
			}
			return len(listed) == 63
		})
		for _, m := range out.Messages {
			texts = append(texts, m.Text)
		}
		if out.Ticket.Title != "Printer <b>is</b> on fire" || !slices.Equal(texts, listed) {
			t.Errorf("it has %q, the API %q", texts, listed)
		}
		if !strings.HasPrefix(p.header.Get("Content-Disposition"), "attachment;") || !strings.Contains(p.header.Get("Content-Security-Policy"), "sandbox") {
			t.Error(p.header)
		}
		if p := s.signInByKey(s.key(nil, "tickets:read")).get(at + "/export.json"); p.status != http.StatusForbidden {
			t.Errorf("without messages:read: %d %s", p.status, p.body)
		}
	})
	s.run(t, "a file is sent once, within the API's rules", func(t *testing.T) {
		v, files := s.signInByKey(s.key(func(k *storage.APIKey) { k.Name = "CRM" }, "tickets:read", "messages:*")), at+"/files"
		if p := v.get(at); !strings.Contains(p.body, `action="`+files+`"`) {
			t.Error("there is no form for it")
		}
		big := bytes.Repeat([]byte("a\n"), 3<<20) // more than other forms may have
		for range 2 {
			p := v.upload(files, "manual.txt", big, nil, "csrf", v.token(), "form", "f1")
			if p.status != http.StatusSeeOther || p.header.Get("Location") != at+"?done=answered" {
				t.Fatal(p.status, p.header, p.body)
			}
		}
		sent := func() (n int) {
			for _, m := range s.sim.Messages(s.support, int(ticket.Home.TelegramTopicID)) {
				if m.From.ID == s.sim.BotID() && m.Media != nil && m.Media.FileName == "manual.txt" && strings.Contains(m.Text, "CRM") {
					n++
				}
			}
			return n
		}
		s.await("it is in Telegram", func() bool { return sent() > 0 })
		s.await("and on the page", v.shows(at, "manual.txt"))
		s.await("all of it is delivered", func() bool { return !strings.Contains(v.get(at).body, "waiting for \u2068") })
		if n := sent(); n != 1 {
			t.Errorf("it was sent %d times", n)
		}
		if p := v.upload(files, "a.sh", []byte("#!/bin/sh\necho"), nil, "csrf", v.token()); p.status != http.StatusUnprocessableEntity || !p.has("not allowed", `data-testid="title"`) {
			t.Errorf("a script: %d %s", p.status, p.body)
		}
		if p := v.upload(files, "x.txt", []byte("x"), nil); p.status != http.StatusForbidden {
			t.Errorf("without the token: %d %s", p.status, p.body)
		}
		if p := v.upload(at+"/FILES", "x.txt", []byte("x"), nil, "csrf", v.token()); p.status == http.StatusSeeOther {
			t.Errorf("at an address that is not counted: %d", p.status)
		}
		reads := s.signInByKey(s.key(nil, "tickets:*", "messages:read"))
		for _, size := range []int{1, 6 << 20} {
			if p := reads.upload(files, "x.txt", big[:size], nil, "csrf", reads.token()); p.status != http.StatusForbidden && p.status != http.StatusRequestEntityTooLarge {
				t.Errorf("%d bytes without messages:write: %d %s", size, p.status, p.body)
			}
		}
	})
	s.run(t, "what its scopes let it change", func(t *testing.T) {
		v := s.signInByKey(s.key(func(k *storage.APIKey) { k.Name = "CRM" }, "tickets:*", "messages:*"))
		if p := v.post(at+"/answer", url.Values{"text": {"We are on our way"}}); p.status != 200 || !p.has("being sent") {
			t.Fatal(p.status, p.body)
		}
		s.awaitText(s.support, int(ticket.Home.TelegramTopicID), "We are on our way")
		for _, change := range []struct {
			path, says string
			form       url.Values
		}{
			{"/change", "urgent</span>", url.Values{"priority": {"urgent"}}}, {"/change", ">Lamp<", url.Values{"title": {"Lamp"}}},
			{"/change", `class="state pending"`, url.Values{"status": {"pending"}}}, {"/reopen", `class="state open"`, nil},
			{"/close", `class="state closed"`, url.Values{"reason": {"Solved"}}}, {"/reopen", `class="state open"`, nil},
		} {
			if p := v.post(at+change.path, change.form); p.status != 200 || !p.has(change.says, `data-testid="done"`) {
				t.Errorf("%s %v: %d %s", change.path, change.form, p.status, p.body)
			}
		}
		for _, words := range []string{"// he is lying", " //he is lying", "/close_ticket he is lying", "/close_ticket@desk_bot he is lying"} {
			for action, field := range map[string]string{"/answer": "text", "/close": "reason"} {
				p := v.post(at+action, url.Values{field: {words}})
				kept := strings.Contains(p.body, "he is lying</textarea>") || strings.Contains(p.body, `he is lying" maxlength="1000"`)
				if p.status != http.StatusUnprocessableEntity || !p.has(`data-testid="not-taken"`) || !kept {
					t.Errorf("%s %q: %d %s", action, words, p.status, p.body)
				}
			}
		}
		if p := v.get(at); strings.Contains(p.body, "he is lying") || !p.has(`class="state open"`) {
			t.Error("a note or a command was said to everybody, or closed the ticket", p.body)
		}
		if p := v.post(at+"/answer", url.Values{"text": {"/ is a folder"}}); p.status != 200 || !p.has("/ is a folder") {
			t.Errorf("what begins with a slash and is no command: %d %s", p.status, p.body)
		}
		if p := v.post(at+"/answer", url.Values{"text": {" "}}); p.status != http.StatusUnprocessableEntity {
			t.Errorf("nothing said: %d %s", p.status, p.body)
		}
		if p := v.post(at+"/change", url.Values{"priority": {"extreme"}}); p.status != http.StatusUnprocessableEntity {
			t.Errorf("no such priority: %d %s", p.status, p.body)
		}
	})
	s.run(t, "an internal note, and a copy that is tried again", func(t *testing.T) {
		v := s.signInByKey(s.key(func(k *storage.APIKey) { k.Name = "CRM" }, "tickets:*", "messages:*", "groups:read"))
		if p := v.get(at); !p.has(`data-testid="internal-note"`, "topic in \u2068Support\u2069") || p.has(`data-testid="note-where"`) {
			t.Errorf("%d %s", p.status, p.body)
		}
		s.do("POST", "/api/v1/tickets/"+ticket.TicketID+"/mention", s.key(nil, "admin"), object{"userId": s.person(s.sales)}).is(202)
		there, sales := int(s.linked(ticket.TicketID)), strconv.FormatInt(s.sales, 10)
		s.await("the note can be of Sales", v.shows(at, `<option value="`+sales+`">Sales</option>`))
		if p := v.post(at+"/note", url.Values{"note": {"// Of whom it is"}, "where": {"x"}}); p.status != http.StatusUnprocessableEntity ||
			!p.has(`data-testid="refused"`, "Of whom it is</textarea>") {
			t.Errorf("of no group: %d %s", p.status, p.body)
		}
		if p := v.post(at+"/note", url.Values{"note": {"// Mind the <b>dog</b>"}, "where": {sales}}); p.status != 200 ||
			!p.has("The internal note is written.", "Mind the <b>dog") || strings.Contains(p.body, "<b>dog") {
			t.Errorf("%d %s", p.status, p.body)
		}
		s.awaitText(s.sales, there, "// CRM: Mind the <b>dog</b>")
		s.must(s.sim.Inject(simulator.Fault{Method: "sendMessage", Chat: s.sales, Thread: there, Kind: simulator.Fault400, Description: "STRANGE", Count: -1}))
		say("Nobody hears this")
		again := regexp.MustCompile(`name="message" value="([^"]+)"><button class="plain" data-testid="retry"`)
		var found []string
		s.await("it can be tried again", func() bool {
			found = again.FindStringSubmatch(v.get(at).body)
			return found != nil
		})
		s.sim.ClearFaults()
		if p := s.signInByKey(s.key(nil, "tickets:read", "messages:*")).get(at); p.has(`data-testid="retry"`) {
			t.Error("who may not is offered it", p.body)
		}
		if p := v.post(at+"/retry", url.Values{"message": {found[1]}}); p.status != 200 || !p.has("sent again where it failed") {
			t.Errorf("%d %s", p.status, p.body)
		}
		s.awaitText(s.sales, there, "Nobody hears this")
		s.await("the page says so", func() bool { return !strings.Contains(v.get(at).body, "STRANGE") })
		if p := v.post(at+"/retry", url.Values{"message": {found[1]}}); p.status != http.StatusConflict || !p.has("nothing to try again") {
			t.Errorf("once more: %d %s", p.status, p.body)
		}
		if p := v.post(at+"/retry", nil); p.status != http.StatusNotFound {
			t.Errorf("of no message: %d %s", p.status, p.body)
		}
	})
	s.run(t, "whom it brings in, to whom it gives it, and until when it puts it aside", func(t *testing.T) {
		ben := s.colleague("Ben", s.support)
		id, of := strconv.FormatInt(ben, 10), keyTickets+"/"+other.TicketID
		v, blind := s.signInByKey(s.key(nil, "tickets:*", "users:read")), s.signInByKey(s.key(nil, "tickets:*"))
		if p := v.get(of); !p.has(`<option value="`+id+`">Ben </option>`) || p.has(`data-testid="release"`, `data-testid="take-up"`) {
			t.Errorf("%d %s", p.status, p.body)
		}
		if p := blind.get(of); !p.has(`data-testid="mention"`) || strings.Contains(p.body, "<datalist") {
			t.Errorf("without users:read: %d %s", p.status, p.body)
		}
		if p := blind.post(of+"/assign", url.Values{"person": {"@ann"}}); p.status != http.StatusForbidden || !p.has("users:read") {
			t.Errorf("a name that the key may not look up: %d %s", p.status, p.body)
		}
		if p := blind.post(of+"/mention", url.Values{"person": {id}}); p.status != 200 || !p.has("The person is mentioned.") {
			t.Fatalf("%d %s", p.status, p.body)
		}
		s.awaitText(s.support, int(s.linked(other.TicketID)), "An invoice")
		for _, refused := range []struct {
			path, says string
			form       url.Values
		}{
			{"/mention", "Ben", url.Values{"person": {id}}}, {"/mention", "not valid", url.Values{"person": {"Ben <b>"}}},
			{"/mention", "not valid", nil}, {"/assign", "does not know", url.Values{"person": {"@nobody_at_all"}}}, {"/assign", "does not know", nil},
			{"/snooze", "not valid", url.Values{"until": {"tomorrow"}}}, {"/snooze", "", url.Values{"until": {"2020-01-01T08:00"}}},
		} {
			if p := v.post(of+refused.path, refused.form); p.status < 400 || p.status > 499 || !p.has(refused.says, `data-testid="refused"`) || strings.Contains(p.body, "Ben <b>") {
				t.Errorf("%s %v: %d %s", refused.path, refused.form, p.status, p.body)
			}
		}
		if p := v.post(of+"/assign", url.Values{"person": {"@ANN"}}); p.status != 200 || !p.has("🙋 <bdi>Ann</bdi>", `data-testid="release"`) {
			t.Errorf("%d %s", p.status, p.body)
		}
		if p := blind.post(of+"/assign", url.Values{"person": {id}}); p.status != 200 || !p.has("🙋 <bdi>Ben</bdi>") {
			t.Errorf("by an id: %d %s", p.status, p.body)
		}
		if p := v.post(of+"/assign", url.Values{"release": {"1"}}); p.status != 200 || p.has("🙋") {
			t.Errorf("%d %s", p.status, p.body)
		}
		bangkok := time.Now().Add(48 * time.Hour).UTC().Truncate(time.Minute)
		v.cookie += "; tz=Asia/Bangkok"
		p := v.post(of+"/snooze", url.Values{"until": {bangkok.Add(7 * time.Hour).Format("2006-01-02T15:04")}})
		if p.status != 200 || !p.has(`data-testid="take-up"`, `datetime="`+bangkok.Format(time.RFC3339)+`"`) {
			t.Errorf("%d %s", p.status, p.body)
		}
		if p := v.post(of+"/snooze", url.Values{"off": {"1"}}); p.status != 200 || p.has(`data-testid="take-up"`) || !p.has(`data-testid="put-aside"`) {
			t.Errorf("%d %s", p.status, p.body)
		}
		v.post(of+"/close", nil)
		if p := v.get(of); p.has(`data-testid="mention"`) || p.has(`data-testid="put-aside"`) {
			t.Errorf("a closed ticket offers what it refuses: %s", p.body)
		}
	})
}

// TestWebTicketsAreClosedToKeys walks the pages of tickets as keys that may not see them: bound to another group, expired, revoked,
// without the scope.
func TestWebTicketsAreClosedToKeys(t *testing.T) {
	s := newService(t, serviceOptions{})
	s.register()
	w := s.newWalk()
	place := func(chat int64) string {
		t.Helper()
		g, err := s.store.GroupByTelegramID(t.Context(), chat)
		s.must(err)
		return g.GroupID
	}
	scopes := []string{"tickets:*", "messages:*", "groups:read"}
	own := s.signInByKey(s.key(of(place(s.support)), scopes...))
	base := keyTickets + "/" + path.Base(w.base)
	if p := own.get(keyTickets); p.status != 200 || !p.has(mark) {
		t.Fatalf("its own group's: %d %s", p.status, p.body)
	}
	page := own.get(base)
	if page.status != 200 || !page.has(mark+" is near", mark+".txt") {
		t.Fatalf("its own group's: %d %s", page.status, page.body)
	}
	revoked, expired := s.key(nil, scopes...), s.key(func(k *storage.APIKey) { k.ExpiresAt = time.Now().Add(time.Hour) }, scopes...)
	out := map[string]*visitor{"another group": s.signInByKey(s.key(of(place(s.sales)), scopes...)), "revoked": s.signInByKey(revoked),
		"expired": s.signInByKey(expired), "without the scope": s.signInByKey(s.key(nil, "messages:*", "groups:write"))}
	tokens := map[string]string{}
	for who, v := range out {
		if tokens[who] = "x"; who != "without the scope" {
			tokens[who] = v.token()
		}
	}
	s.do("DELETE", "/api/v1/api-keys/"+idOf(revoked), s.key(nil, "admin"), nil).is(204)
	s.changeKey(expired, func(k *storage.APIKey) { k.ExpiresAt = time.Now().Add(-time.Second) })
	routes := 0
	for _, r := range w.routes {
		if !strings.HasPrefix(r.path, keyTickets) {
			continue
		}
		routes++
		for who, v := range out {
			for _, address := range w.addresses(r.path) {
				form := url.Values{"csrf": {tokens[who]}, "text": {"intruded"}, "note": {"intruded"}, "message": {"1:2"}, "title": {"intruded"}, "priority": {"urgent"},
					"person": {strconv.FormatInt(s.ann, 10)}, "until": {"2030-01-01T08:00"}}
				if r.method != http.MethodPost {
					form = nil
				}
				p := v.send(r.method, address, form)
				w.shut(&outsider{visitor: v}, r.method+" "+r.path+" by "+who, address, p)
				signIn := p.status == http.StatusSeeOther && p.header.Get("Location") == "/sign-in"
				good := signIn
				switch who {
				case "another group":
					good = p.status == http.StatusNotFound || !r.named() && p.status == http.StatusOK
				case "without the scope":
					good = p.status == http.StatusForbidden || p.status == http.StatusNotFound
				}
				if !good {
					t.Errorf("%s: %s %s answers %d: %s", who, r.method, address, p.status, p.body)
				}
			}
		}
	}
	if routes < 10 {
		t.Errorf("%d routes", routes)
	}
	if p := own.get(base); p.has("intruded") || !p.has("normal priority") {
		t.Error("somebody answered or changed it who may not")
	}
}
