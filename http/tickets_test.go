package httpedge_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
	"github.com/topicdesk/topicdesk/storage"
)

// ticketService is a service with its groups registered and Ann reachable in Sales.
func ticketService(t *testing.T) (s *service, key string) {
	t.Helper()
	s = newService(t, serviceOptions{})
	s.register()
	key = s.key(nil, "admin")
	s.do("POST", "/api/v1/users", key, map[string]any{"telegramId": 990001, "username": "ben", "firstName": "Ben",
		"defaultGroupId": s.sales}).is(201)
	return s, key
}

// ticket opens a ticket in Support and waits for its topic.
func (s *service) ticket(key, title string, more ...any) map[string]any {
	s.t.Helper()
	body := map[string]any{"title": title, "groupId": s.support}
	for i := 0; i < len(more); i += 2 {
		body[more[i].(string)] = more[i+1]
	}
	return s.do("POST", "/api/v1/tickets", key, body, "Prefer", "wait=30").is(201)
}

func at(ticket map[string]any) string { return "/api/v1/tickets/" + ticket["ticketId"].(string) }

func thread(ticket map[string]any) int {
	n, _ := ticket["topic"].(map[string]any)["telegramTopicId"].(float64)
	return int(n)
}

// awaitText waits until the bot has posted a message with that text in a thread.
func (s *service) awaitText(chat int64, thread int, part string) (found simulator.Message) {
	s.t.Helper()
	s.await("the bot says "+part, func() bool {
		for _, m := range s.sim.Messages(chat, thread) {
			if m.From.ID == s.sim.BotID() && strings.Contains(m.Text, part) {
				found = m
				return true
			}
		}
		return false
	})
	return found
}

func TestTickets(t *testing.T) {
	t.Parallel()
	s, key := ticketService(t)
	t.Run("create, read, change, close, reopen", func(t *testing.T) {
		r := s.do("POST", "/api/v1/tickets", key, map[string]any{"title": "Printer is on fire",
			"description": "Third floor", "priority": "high",
			"groupId": s.support, "externalId": "crm-1", "metadata": map[string]any{"n": json.Number("12345678901234567890"), "a": []any{1, "x"}}}, "Prefer", "respond-async, wait=30")
		made := r.is(201)
		if made["topic"].(map[string]any)["state"] != "open" || thread(made) == 0 ||
			made["groupId"] != float64(s.support) || made["priority"] != "high" ||
			made["createdBy"].(map[string]any)["kind"] != "apiKey" || made["externalId"] != "crm-1" ||
			!strings.Contains(string(r.body), "12345678901234567890") {
			t.Errorf("made: %s", r.body)
		}
		if r.header.Get("Location") != at(made) || r.header.Get("Preference-Applied") != "wait=30" {
			t.Error(r.header)
		}
		s.awaitText(s.support, thread(made), "Third floor")
		got := s.do("GET", strings.ToLower(at(made)[:16])+at(made)[16:], key, nil)
		got.is(200)
		tag := got.header.Get("ETag")
		if again := s.do("GET", at(made), key, nil, "If-None-Match", tag); again.status != 304 ||
			len(again.body) != 0 {
			t.Errorf("unchanged: %d %s", again.status, again.body)
		}
		// before 422
		s.do("PATCH", at(made), key, map[string]any{"title": 7}, "If-Match", `"stale"`).is(412, "precondition_failed")
		s.do("PATCH", at(made), key, map[string]any{"title": 7}, "If-Match", tag).is(422, "invalid")
		changed := s.do("PATCH", at(made), key, map[string]any{"title": "New name", "metadata": nil}, "If-Match", tag)
		if c := changed.is(200); c["title"] != "New name" || c["description"] != "Third floor" ||
			c["metadata"] != nil || changed.header.Get("ETag") == tag {
			t.Errorf("changed: %s", changed.body)
		}
		s.do("PUT", at(made), key, map[string]any{"priority": "low"}, "If-Match", tag).is(412, "precondition_failed")
		s.await("the topic's new name", func() bool {
			for _, topic := range s.sim.Topics(s.support) {
				if strings.HasSuffix(topic.Name, " New name") {
					return true
				}
			}
			return false
		})
		if c := s.do("PUT", at(made), key, map[string]any{"status": "closed"}).is(200); c["status"] != "closed" ||
			c["closedAt"] == nil {
			t.Error(c)
		}
		s.do("PATCH", at(made), key, map[string]any{"priority": "urgent"}).is(409, "ticket_is_closed")
		s.do("POST", at(made)+"/close", key, nil).is(409, "already_closed")
		s.do("POST", at(made)+"/messages", key, map[string]any{"text": "late"}).is(409, "ticket_is_closed")
		s.do("POST", at(made)+"/reopen", key, nil).is(200)
		s.do("POST", at(made)+"/reopen", key, nil).is(409, "already_open")
		if c := s.do("POST", at(made)+"/close", key,
			map[string]any{"reason": "Solved"}).is(200); c["status"] != "closed" {
			t.Error(c)
		}
		s.awaitText(s.support, thread(made), "Solved")
		s.await("the history", func() bool {
			events := s.do("GET", at(made)+"/events?limit=100", key, nil).is(200)["data"].([]any)
			var types []string
			for i, e := range events {
				if e.(map[string]any)["number"] != float64(i+1) {
					t.Fatalf("event %d: %v", i, e)
				}
				types = append(types, e.(map[string]any)["type"].(string))
				if data := e.(map[string]any)["data"].(map[string]any); types[i] == "topic.created" &&
					data["topic"].(map[string]any)["groupId"] != float64(s.support) {
					t.Fatalf("the group of a new topic: %v", data) // its Telegram id, not its place
				}
			}
			return strings.Join(types, " ") == "ticket.created topic.created ticket.updated ticket.closed ticket.reopened ticket.closed"
		})
	})
	t.Run("what can't be done is said", func(t *testing.T) {
		made := s.ticket(key, "Errors")
		for _, c := range []struct {
			method, path string
			body         any
			status       int
			code         string
		}{
			{"GET", "/api/v1/tickets/TICK-0-00000000", nil, 404, "not_found"},
			{"GET", "/api/v1/tickets/nothing", nil, 404, "not_found"},
			{"POST", "/api/v1/tickets", map[string]any{"title": "x"}, 422, "invalid"},
			{"POST", "/api/v1/tickets", map[string]any{"title": "", "groupId": s.support}, 422, "invalid"},
			{"POST", "/api/v1/tickets", map[string]any{"title": " \x01\t ", "groupId": s.support}, 422, "invalid"},
			{"POST", "/api/v1/tickets", map[string]any{"title": strings.Repeat("ก", 4001), "groupId": s.support}, 422, "invalid"},
			{"POST", "/api/v1/tickets", map[string]any{"title": strings.Repeat("ก", 256), "description": strings.Repeat("ก", 3744), "groupId": s.support}, 422, "invalid"},
			{"POST", "/api/v1/tickets", map[string]any{"title": "x", "groupId": -100999}, 422, "group_not_found"},
			{"POST", "/api/v1/tickets", map[string]any{"title": "x", "groupId": s.support, "priority": "huge"}, 422, "invalid"},
			{"POST", "/api/v1/tickets", map[string]any{"title": "x", "groupId": s.support, "metadata": []int{1}}, 422, "invalid"},
			{"POST", "/api/v1/tickets", map[string]any{"title": "x", "groupId": s.support, "metadata": map[string]any{"a": strings.Repeat("x", 8192)}}, 422, "invalid"},
			{"POST", "/api/v1/tickets", map[string]any{"title": "x", "groupId": s.support, "unknown": 1}, 422, "invalid"},
			{"POST", "/api/v1/tickets", `{"title":"x","metadata":` + strings.Repeat(`{"a":`, 30) + "1" + strings.Repeat("}", 30) + "}", 400, "invalid_json"},
			{"POST", "/api/v1/tickets", fmt.Sprintf(`{"title":"x","groupId":%d,"metadata":{"a":1},"metadata":null}`, s.support), 400, "invalid_json"},
			{"POST", "/api/v1/tickets", fmt.Sprintf(`{"title":"x","groupId":%d,"metadata":{"a":1,"\u0061":2}}`, s.support), 400, "invalid_json"},
			{"POST", at(made) + "/reopen", map[string]any{"reason": "it is not done"}, 422, "invalid"},
			{"POST", at(made) + "/reopen", "nonsense", 422, "invalid"},
			{"POST", at(made) + "/mention", map[string]any{}, 422, "invalid"},
			{"POST", at(made) + "/mention", map[string]any{"username": "ben", "userId": 1}, 422, "invalid"},
			{"POST", at(made) + "/mention", map[string]any{"username": "nobody"}, 422, "mention_unknown"},
			{"POST", at(made) + "/mention", map[string]any{"telegramId": int64(987654321)}, 422, "mention_unknown"},
			{"POST", at(made) + "/messages", map[string]any{"text": " \n "}, 422, "invalid"},
			{"POST", at(made) + "/messages", map[string]any{"text": "x", "replyTo": "1:2"}, 422, "message_not_found"},
			{"POST", at(made) + "/messages", map[string]any{"text": "🔥", "entities": []any{map[string]any{"type": "bold", "offset": 1, "length": 1}}}, 422, "invalid"},
			{"POST", at(made) + "/messages", map[string]any{"text": "x", "entities": []any{map[string]any{"type": "bold", "offset": 0, "length": 9}}}, 422, "invalid"},
			{"POST", at(made) + "/messages", map[string]any{"text": "x", "entities": []any{map[string]any{"type": "text_link", "offset": 0, "length": 1, "url": "javascript:alert(1)"}}}, 422, "invalid"},
			{"POST", at(made) + "/links", map[string]any{"groupId": s.sales}, 422, "invalid"},
			{"POST", at(made) + "/links", map[string]any{"groupId": -100999, "telegramTopicId": 5}, 422, "group_not_found"},
			{"DELETE", at(made) + "/links/" + made["ticketId"].(string) + ":9", nil, 404, "unlink_none"},
			{"GET", "/api/v1/tickets?q=ab", nil, 422, "search_not_possible"},
			{"GET", "/api/v1/tickets?priority=high&createdBy=user:1", nil, 422, "list_not_supported"},
			{"GET", "/api/v1/tickets?q=printer&sort=updatedAt", nil, 422, "list_not_supported"},
			{"GET", "/api/v1/tickets?updatedFrom=2026-01-01T00:00:00Z", nil, 422, "list_not_supported"},
			{"GET", "/api/v1/tickets?limit=101", nil, 422, "invalid"},
			{"GET", "/api/v1/tickets?cursor=x", nil, 422, "invalid"},
			{"GET", "/api/v1/tickets?groupId=-100999", nil, 422, "group_not_found"},
		} {
			r := s.do(c.method, c.path, key, c.body)
			if r.status != c.status || !strings.Contains(string(r.body), `"`+c.code+`"`) {
				t.Errorf("%s %s %v: %d %s, want %d %s", c.method, c.path, c.body, r.status, r.body, c.status, c.code)
			}
		}
	})
	t.Run("mention, messages and links", func(t *testing.T) {
		made := s.ticket(key, "Talk")
		link := s.do("POST", at(made)+"/mention", key, map[string]any{"username": "@Ben"}).is(202)
		if link["user"].(map[string]any)["userId"] != float64(990001) {
			t.Error(link)
		}
		s.do("POST", at(made)+"/mention", key, map[string]any{"userId": 990001}).is(409, "mention_already")
		sent := s.do("POST", at(made)+"/messages", key, map[string]any{"text": "Is it **hot**?", "format": "markdown",
			"authorName": "Nok"}).is(202)
		if n := len(sent["deliveries"].([]any)); n != 2 {
			t.Errorf("%d deliveries", n)
		}
		home := s.awaitText(s.support, thread(made), "Is it hot?")
		if home.Text != "Nok\nIs it hot?" || len(home.Entities) != 2 || home.Entities[1].Type != "bold" ||
			home.Entities[1].Offset != 10 {
			t.Errorf("home shows %q %v", home.Text, home.Entities)
		}
		_, err := s.sim.Post(simulator.Post{From: s.ann, Chat: s.support, Thread: thread(made), Text: "Very",
			ReplyTo: home.ID})
		s.must(err)
		var list []any
		s.await("everything is delivered", func() bool {
			list = s.do("GET", at(made)+"/messages", key, nil).is(200)["data"].([]any)
			for _, m := range list {
				for _, d := range m.(map[string]any)["deliveries"].([]any) {
					if d.(map[string]any)["state"] != "sent" {
						return false
					}
				}
			}
			return len(list) == 2
		})
		if second := list[1].(map[string]any); second["replyTo"] != sent["messageId"] ||
			second["sender"].(map[string]any)["name"] != "Ann" || len(second["deliveries"].([]any)) != 1 {
			t.Errorf("Ann's answer: %v", second)
		}
		one := s.do("GET", at(made)+"/messages?limit=1&sort=-sentAt", key, nil).is(200)
		next := s.do("GET", at(made)+"/messages?limit=1&sort=-sentAt&cursor="+one["nextCursor"].(string), key,
			nil).is(200)
		if next["data"].([]any)[0].(map[string]any)["messageId"] != sent["messageId"] || next["nextCursor"] != nil {
			t.Error(next)
		}
		links := s.do("GET", at(made)+"/links", key, nil).is(200)["data"].([]any)
		if len(links) != 1 || links[0].(map[string]any)["state"] != "active" ||
			links[0].(map[string]any)["sync"].(map[string]any)["pending"] != float64(0) {
			t.Error(links)
		}
		if r := s.do("DELETE", at(made)+"/links/"+link["linkId"].(string), key, nil); r.status != 204 {
			t.Errorf("unlink: %d %s", r.status, r.body)
		}
		s.do("DELETE", at(made)+"/links/"+link["linkId"].(string), key, nil).is(404, "unlink_none")
		// An existing topic is linked to the ticket.
		topic, err := s.sim.CreateTopic(s.sales, s.ann, "Their own")
		s.must(err)
		joined := s.do("POST", at(made)+"/links", key, map[string]any{"groupId": s.sales,
			"telegramTopicId": topic}).is(201)
		s.do("POST", at(made)+"/links", key, map[string]any{"groupId": s.sales, "telegramTopicId": topic}).
			is(409, "link_already")
		s.do("POST", at(s.ticket(key, "Other"))+"/links", key,
			map[string]any{"groupId": s.sales, "telegramTopicId": topic}).is(409, "link_other")
		s.awaitText(s.sales, topic, fmt.Sprintf("#%v Talk", made["number"]))
		if joined["topic"].(map[string]any)["groupId"] != float64(s.sales) {
			t.Error(joined)
		}
	})
	t.Run("a key sees its group only, and does what its scopes allow", func(t *testing.T) {
		made := s.ticket(key, "Bound")
		sales, err := s.store.GroupByTelegramID(t.Context(), s.sales)
		s.must(err)
		other := s.key(func(k *storage.APIKey) { k.GroupID = sales.GroupID }, "admin")
		for _, op := range [][2]string{{"GET", ""}, {"PATCH", ""}, {"PUT", ""}, {"POST", "/close"},
			{"POST", "/reopen"}, {"POST", "/mention"}, {"POST", "/messages"},
			{"GET", "/messages"}, {"GET", "/events"}, {"GET", "/links"}, {"POST", "/links"}, {"DELETE", "/links/x"}} {
			body := map[string]map[string]any{"/mention": {"userId": 990001}, "/messages": {"text": "x"},
				"/links": {"groupId": s.sales, "telegramTopicId": 5}}[op[1]]
			var sent any
			if op[0] == "PATCH" || op[0] == "PUT" {
				sent = map[string]any{"title": "x"}
			} else if op[0] == "POST" && body != nil {
				sent = body
			}
			s.do(op[0], at(made)+op[1], other, sent).is(404, "not_found")
			s.do(op[0], at(made)+op[1], "", sent).is(401, "unauthenticated")
			s.do(op[0], at(made)+op[1], s.key(nil, "users:read"), sent).is(403, "scope_missing")
		}
		if n := len(s.do("GET", "/api/v1/tickets", other, nil).is(200)["data"].([]any)); n != 0 {
			t.Errorf("it lists %d tickets of another group", n)
		}
		own := s.do("POST", "/api/v1/tickets", other, map[string]any{"title": "Mine"}).is(201)
		if own["groupId"] != float64(s.sales) {
			t.Error(own)
		}
		s.do("POST", "/api/v1/tickets", other, map[string]any{"title": "x", "groupId": s.support}).
			is(422, "group_not_found")
		s.do("GET", "/api/v1/tickets?groupId="+strconv.FormatInt(s.support, 10), other, nil).
			is(422, "group_not_found")
		if n := len(s.do("GET", "/api/v1/tickets?groupId="+strconv.FormatInt(s.sales, 10), other,
			nil).is(200)["data"].([]any)); n != 1 {
			t.Errorf("it lists %d tickets of its own", n)
		}
	})
	t.Run("a title that is too long opens the description, and its beginning is the title", func(t *testing.T) {
		words := strings.TrimSpace(strings.Repeat("The printer smokes, and nobody knows why. ", 8))
		made := s.do("POST", "/api/v1/tickets", key, map[string]any{"title": words, "description": "**Since** noon", "descriptionFormat": "markdown", "groupId": s.support}).is(201)
		if got := s.do("GET", at(made), key, nil).is(200); got["title"] != "The printer smokes, and nobody knows why. The printer…" || got["description"] != words+"\nSince noon" ||
			!strings.Contains(fmt.Sprint(got["descriptionEntities"]), fmt.Sprint("offset:", len(words)+1)) {
			t.Errorf("%v", got)
		}
		thai := strings.Repeat("เครื่องพิมพ์", 22)
		made = s.do("POST", "/api/v1/tickets", key, map[string]any{"title": thai, "groupId": s.support}).is(201)
		if title := made["title"].(string); !strings.HasSuffix(title, "…") || !strings.HasPrefix(thai, strings.TrimSuffix(title, "…")) || made["description"] != thai {
			t.Errorf("%v", made)
		}
	})
	t.Run("hostile values come back as they were, or cleaned as documented", func(t *testing.T) {
		for _, title := range []string{"\u202eRTL\u202c שלום", "👩‍👩‍👧‍👦🔥", "<b>&amp;\"'`", "a\u0301\u0301\u0301", strings.Repeat("🔥", 255), "%s %d {{.}} ../..", "\ufeffBOM\u200b"} {
			made := s.do("POST", "/api/v1/tickets", key, map[string]any{"title": title, "description": strings.Repeat(title, 3), "groupId": s.support}).is(201)
			title = messages.WithoutDirection(title) // as docs/api.md says
			if got := s.do("GET", at(made), key, nil).is(200); got["title"] != title {
				t.Errorf("%q came back as %q", title, got["title"])
			}
		}
		made := s.do("POST", "/api/v1/tickets", key, `{"title":"a\u0000b\u001bc\td\r\ne","groupId":`+fmt.Sprint(s.support)+`}`).is(201)
		if made["title"] != "abc d e" {
			t.Errorf("cleaned: %q", made["title"])
		}
		// What is done must be what was checked: no name may become another, and none may occur twice for any reader.
		for _, fields := range []string{`"priority\u0001":"low","priority\u0002":"banana"`, `"priority":"low","priority\u007f":"banana"`,
			`"description":"\ud800","title":"other"`, `"metadata":{"a\u0000":1}`, `"metadata":{"\ud800":1,"\ud801":2}`,
			`"metadata":{"a":[` + strings.Repeat("0,", 6000) + `0]}`} {
			r := s.do("POST", "/api/v1/tickets", key, `{"title":"x",`+fields+`,"groupId":`+fmt.Sprint(s.support)+`}`)
			r.is(400, "invalid_json")
		}
		var many strings.Builder
		for n := range 1000 {
			fmt.Fprintf(&many, `"k%d":1,`, n)
		}
		refused := s.do("POST", "/api/v1/tickets", key, `{`+many.String()+`"title":"x"}`).is(422, "invalid")
		if n := len(refused["errors"].([]any)); n != 20 {
			t.Errorf("%d faults are told", n)
		}
		s.do("POST", at(made)+"/reopen", key, "{ }").is(409, "already_open")
		s.do("POST", "/api/v1/tickets", key, map[string]any{"title": "İSTANBUL'da", "groupId": s.support}).is(201)
		if list := s.do("GET", "/api/v1/tickets?q=istanbul", key, nil).is(200)["data"].([]any); len(list) != 1 {
			t.Errorf("found: %v", list)
		}
		s.do("POST", "/api/v1/tickets", key, "{\"title\":\"\xff\",\"groupId\":1}").is(400, "invalid_json")
	})
	t.Run("an externalId belongs to one ticket of a key, also when two requests come concurrently", func(t *testing.T) {
		var wg sync.WaitGroup
		status := make([]int, 6)
		for i := range status {
			wg.Go(func() {
				r, err := s.try("POST", "/api/v1/tickets", key, map[string]any{"title": "At once", "groupId": s.support, "externalId": "same"})
				if err == nil {
					status[i] = r.status
				}
			})
		}
		wg.Wait()
		made := 0
		for _, code := range status {
			switch code {
			case 201:
				made++
			case 409:
			default:
				t.Errorf("status %d", code)
			}
		}
		if list := s.do("GET", "/api/v1/tickets?externalId=same", key, nil).is(200)["data"].([]any); made != 1 || len(list) != 1 {
			t.Errorf("%d were made, %d are there", made, len(list))
		}
	})
	t.Run("the same Idempotency-Key makes one ticket and one message, also across a restart and concurrently", func(t *testing.T) {
		body := map[string]any{"title": "Once", "groupId": s.support}
		first := s.do("POST", "/api/v1/tickets", key, body, "Idempotency-Key", "once-1").is(201)
		text := map[string]any{"text": "only once"}
		sent := s.do("POST", at(first)+"/messages", key, text, "Idempotency-Key", "once-2").is(202)
		s.restart()
		if again := s.do("POST", "/api/v1/tickets", key, body, "Idempotency-Key", "once-1").is(201); again["ticketId"] != first["ticketId"] {
			t.Error(again)
		}
		if again := s.do("POST", at(first)+"/messages", key, text, "Idempotency-Key", "once-2").is(202); again["messageId"] != sent["messageId"] {
			t.Error(again)
		}
		s.do("POST", "/api/v1/tickets", key, map[string]any{"title": "Other", "groupId": s.support}, "Idempotency-Key", "once-1").is(422, "idempotency_key_reused")
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				if r, err := s.try("POST", at(first)+"/messages", key, map[string]any{"text": "at once"}, "Idempotency-Key", "once-3"); err != nil || r.status != 202 && r.status != 409 {
					t.Error(err, r)
				}
			})
		}
		wg.Wait()
		if n := len(s.do("GET", at(first)+"/messages", key, nil).is(200)["data"].([]any)); n != 2 {
			t.Errorf("%d messages", n)
		}
	})
}
