package httpedge_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/simulator"
	"github.com/topicdesk/topicdesk/storage"
)

func TestTicketPages(t *testing.T) {
	s, key := ticketService(t)
	open := func(title string, more ...any) string {
		body := map[string]any{"title": title, "groupId": s.support}
		for i := 0; i < len(more); i += 2 {
			body[more[i].(string)] = more[i+1]
		}
		return s.do("POST", "/api/v1/tickets", key, body).is(201)["ticketId"].(string)
	}
	var ids []string
	for i := range 25 {
		ids = append(ids, open(fmt.Sprintf("Page %d", i), "priority", []string{"low", "high"}[i%2]))
	}
	t.Run("nothing is skipped or repeated while tickets are added", func(t *testing.T) {
		var got []string
		for cursor, page := "", 0; ; page++ {
			list := s.do("GET", "/api/v1/tickets?limit=7&cursor="+cursor, key, nil).is(200)
			for _, x := range list["data"].([]any) {
				got = append(got, x.(map[string]any)["ticketId"].(string))
			}
			if list["nextCursor"] == nil {
				break
			}
			cursor = list["nextCursor"].(string)
			open(fmt.Sprintf("Added %d", page))
		}
		for i, id := range got {
			if id != ids[len(ids)-1-i] {
				t.Fatalf("at %d is %s, want %s", i, id, ids[len(ids)-1-i])
			}
		}
		if len(got) != len(ids) {
			t.Errorf("%d tickets, want %d", len(got), len(ids))
		}
	})
	t.Run("a cursor is of its list", func(t *testing.T) {
		list := s.do("GET", "/api/v1/tickets?limit=1&priority=high", key, nil).is(200)
		s.do("GET", "/api/v1/tickets?limit=1&priority=low&cursor="+list["nextCursor"].(string), key, nil).is(422, "invalid")
	})
	t.Run("search in Thai and English", func(t *testing.T) {
		thai := open("เครื่องพิมพ์ไม่ทำงาน", "description", "ชั้นสาม")
		english := open("The PRINTER does not work")
		find := func(q string) string {
			list := s.do("GET", "/api/v1/tickets?q="+url.QueryEscape(q), key, nil).is(200)
			var found []string
			for _, x := range list["data"].([]any) {
				found = append(found, x.(map[string]any)["ticketId"].(string))
			}
			return strings.Join(found, " ")
		}
		for q, want := range map[string]string{"พิมพ์": thai, "ชั้นสาม ทำงาน": thai, "printer": english, "work not": english, "พิมพ์ printer": "", "nowhere": ""} {
			if got := find(q); got != want {
				t.Errorf("%s finds %q, want %q", q, got, want)
			}
		}
		s.do("PATCH", "/api/v1/tickets/"+english, key, map[string]any{"title": "Scanner"}).is(200)
		if got := find("printer"); got != "" {
			t.Errorf("the previous title finds %q", got)
		}
	})
}

// titles lists tickets from page to page, and returns their titles.
func (s *service) titles(key, query string) (found []string) {
	s.t.Helper()
	for cursor := ""; ; {
		page := s.do("GET", "/api/v1/tickets?limit=2&"+query+"&cursor="+cursor, key, nil).is(200)
		for _, x := range page["data"].([]any) {
			found = append(found, x.(object)["title"].(string))
		}
		next, more := page["nextCursor"].(string)
		if !more {
			return found
		}
		cursor = next
	}
}

func TestListsTakeSeveralValues(t *testing.T) {
	s, key := ticketService(t)
	open := func(title, status, priority string) string {
		made := s.do("POST", "/api/v1/tickets", key, object{"title": title, "groupId": s.support, "priority": priority}).is(201)
		if status != "open" {
			s.do("PATCH", at(made), key, object{"status": status}).is(200)
		}
		return made["ticketId"].(string)
	}
	about := open("A", "open", "low")
	open("B", "pending", "high")
	open("C", "closed", "urgent")
	open("D", "open", "normal")
	open("E", "pending", "low")
	for query, want := range map[string]string{
		"status=open":                                       "D A",
		"status=open,pending":                               "E D B A",
		"status=pending&status=open":                        "E D B A",
		"status=pending,open&status=open":                   "E D B A",
		"status=open,pending,closed":                        "E D C B A",
		"status=":                                           "E D C B A", // as none
		"priority=urgent,high":                              "C B",
		"priority=high&priority=urgent":                     "C B",
		"priority=high,low&status=pending,closed":           "E B",
		"sort=-updatedAt&status=closed&status=pending":      "E C B",
		"q=%23" + "2&status=open,closed":                    "",
		"q=%232&status=pending,closed&priority=high,urgent": "B",
		fmt.Sprint("groupId=", s.support, "&priority=low,high&sort=createdAt"): "A B E",
	} {
		if got := strings.Join(s.titles(key, query), " "); got != want {
			t.Errorf("%s lists %q, want %q", query, got, want)
		}
	}
	first := s.do("GET", "/api/v1/tickets?limit=1&status=open,pending", key, nil).is(200)["nextCursor"].(string)
	s.do("GET", "/api/v1/tickets?limit=1&status=pending&status=open&cursor="+first, key, nil).is(200)
	s.do("GET", "/api/v1/tickets?limit=1&status=open&cursor="+first, key, nil).is(422, "invalid")

	path := s.endpoint()
	for _, state := range []string{storage.DeliverySent, storage.DeliveryAborted} {
		s.deliveryOf(path, about, state)
	}
	s.deliveryOf(path, "TICK-0-00000000", storage.DeliveryExhausted)
	for query, want := range map[string]int{"state=sent,aborted": 2, "state=exhausted&state=aborted": 2, "state=pending,failed": 0,
		"type=message.sent,ticket.created": 3, "type=message.sent&type=ticket.closed": 0, "state=sent,exhausted&ticketId=1": 1} {
		if list := s.do("GET", path+"/deliveries?"+query, key, nil).is(200)["data"].([]any); len(list) != want {
			t.Errorf("%s lists %d deliveries, want %d", query, len(list), want)
		}
	}
	s.await("the feed has both types", func() bool {
		var types []string
		for _, query := range []string{"types=ticket.created,ticket.closed", "types=ticket.closed&types=ticket.created"} {
			types = types[:0]
			for _, e := range s.do("GET", "/api/v1/events?"+query, key, nil).is(200)["data"].([]any) {
				types = append(types, e.(object)["type"].(string))
			}
		}
		slices.Sort(types)
		return slices.Equal(slices.Compact(types), []string{"ticket.closed", "ticket.created"})
	})
}

func TestQueriesThatAreNotTaken(t *testing.T) {
	s, key := ticketService(t)
	hook, made := s.endpoint(), s.ticket(key, "Asked about")
	for _, path := range []string{"/api/v1/tickets", at(made), at(made) + "/messages", at(made) + "/events", at(made) + "/links",
		"/api/v1/groups", "/api/v1/users", "/api/v1/api-keys", "/api/v1/webhooks", hook + "/deliveries", "/api/v1/events",
		"/api/v1/events/consumers", "/api/v1/events/types", "/api/v1/me"} {
		for query, name := range map[string]string{"nonsense=1": "nonsense", "nonsense": "nonsense", "Limit=1": "Limit",
			"limit=1&limit=1": "limit", "limit=1&%6cimit=2": "limit"} {
			if p := s.do("GET", path+"?"+query, key, nil).is(422, "invalid"); !mentions(p, name) {
				t.Errorf("%s?%s: %v", path, query, p)
			}
		}
	}
	for query, name := range map[string]string{
		"status=open,lost": "status", "status=open,": "status", "status=open&status=Open": "status",
		"sort=title": "sort", "sort=createdAt&sort=updatedAt": "sort", "q=abc&q=def": "q", "groupId=1,2": "groupId",
		"createdFrom=yesterday": "createdFrom", "lastMessageFrom=1": "lastMessageFrom",
	} {
		if p := s.do("GET", "/api/v1/tickets?"+query, key, nil).is(422, "invalid"); !mentions(p, name) {
			t.Errorf("%s: %v", query, p)
		}
	}
	when := s.do("GET", "/api/v1/tickets?createdFrom=yesterday", key, nil)
	if !strings.Contains(string(when.body), "expected a time such as 20") {
		t.Errorf("a wrong time: %s", when.body)
	}
	s.do("POST", "/api/v1/tickets?wait=5", key, object{"title": "x", "groupId": s.support}).is(422, "invalid")
	s.do("PATCH", at(made)+"?status=closed", key, object{"priority": "low"}).is(422, "invalid")
	s.do("POST", at(made)+"/close?reason=x", key, nil).is(422, "invalid")
	if now := s.do("GET", at(made), key, nil).is(200); now["status"] != "open" || now["priority"] != "normal" {
		t.Errorf("changed by requests that were refused: %v", now)
	}
	many := make([]string, 100)
	for i := range many {
		many[i] = fmt.Sprint("x", i, "=1")
	}
	p := s.do("GET", "/api/v1/tickets?"+strings.Join(many, "&"), key, nil).is(422, "invalid")
	if n := len(p["errors"].([]any)); n != 20 {
		t.Errorf("%d faults are told", n)
	}
}

func TestTicketsByNumber(t *testing.T) {
	t.Parallel()
	s, key := ticketService(t)
	first := s.ticket(key, "First")
	if first["number"] != float64(1) {
		t.Fatalf("the first ticket of a desk is #%v", first["number"])
	}
	for n := 2; n < 100; n++ {
		s.do("POST", "/api/v1/tickets", key, object{"title": "Filler", "groupId": s.support}).is(201)
	}
	s.do("POST", "/api/v1/tickets", key, object{"title": "Hundredth", "groupId": s.sales}).is(201)
	s.do("POST", "/api/v1/tickets", key, object{"title": "Error 100", "groupId": s.support}).is(201)
	for query, want := range map[string]string{
		"q=%23100": "Hundredth", "q=100": "Error 100 Hundredth", "q=%231": "First", "q=1": "First", "q=%23100&status=closed": "",
		"q=%23100&status=open,closed": "Hundredth", "q=%234711": "", "q=4711": "", "q=100&sort=createdAt": "Hundredth Error 100",
	} {
		if got := strings.Join(s.titles(key, query), " "); got != want {
			t.Errorf("%s finds %q, want %q", query, got, want)
		}
	}
	for _, path := range []string{"/api/v1/tickets/1", "/api/v1/tickets/%231"} {
		if got := s.do("GET", path, key, nil).is(200); got["ticketId"] != first["ticketId"] {
			t.Errorf("%s is %v", path, got)
		}
	}
	for _, path := range []string{"/api/v1/tickets/0", "/api/v1/tickets/01", "/api/v1/tickets/4711", "/api/v1/tickets/-1",
		"/api/v1/tickets/1.0", "/api/v1/tickets/99999999999999999999"} {
		s.do("GET", path, key, nil).is(404, "not_found")
	}
	s.run(t, "a number does whatever a ticketId does", func(t *testing.T) {
		sent := s.do("POST", "/api/v1/tickets/1/messages", key, object{"text": "by number"}).is(202)
		list := s.do("GET", "/api/v1/tickets/1/messages", key, nil).is(200)["data"].([]any)
		if len(list) != 1 || list[0].(object)["messageId"] != sent["messageId"] {
			t.Error(list)
		}
		tag := s.do("GET", "/api/v1/tickets/1", key, nil).header.Get("ETag")
		if c := s.do("PATCH", "/api/v1/tickets/1", key, object{"priority": "high"}, "If-Match", tag).is(200); c["priority"] != "high" {
			t.Error(c)
		}
		s.do("PATCH", "/api/v1/tickets/1", key, object{"priority": "low"}, "If-Match", `"stale"`).is(412, "precondition_failed")
		s.do("POST", "/api/v1/tickets/1/close", key, nil).is(200)
		s.await("the feed has the ticket's events", func() bool {
			all := s.do("GET", "/api/v1/events?types=ticket.closed&ticketId=1", key, nil).is(200)["data"].([]any)
			return len(all) == 1 && all[0].(object)["ticketId"] == first["ticketId"]
		})
	})
	s.run(t, "a key of another group sees nothing", func(t *testing.T) {
		sales, err := s.store.GroupByTelegramID(t.Context(), s.sales)
		s.must(err)
		bound := s.key(func(k *storage.APIKey) { k.GroupID = sales.GroupID }, "admin")
		s.do("GET", "/api/v1/tickets/1", bound, nil).is(404, "not_found")
		s.do("POST", "/api/v1/tickets/1/messages", bound, object{"text": "x"}).is(404, "not_found")
		if got := s.titles(bound, "q=%231"); len(got) != 0 {
			t.Errorf("it finds %v", got)
		}
		if got := s.titles(bound, "q=100"); !slices.Equal(got, []string{"Hundredth"}) {
			t.Errorf("it finds %v", got)
		}
		s.do("GET", "/api/v1/tickets/100", bound, nil).is(200)
	})
}

func TestLastMessageAt(t *testing.T) {
	s, key := ticketService(t)
	s.do("PUT", fmt.Sprintf("/api/v1/groups/%d", s.support), key, object{"autoClaim": false}).is(200) // a claim is a change
	a, b, c := s.ticket(key, "A"), s.ticket(key, "B"), s.ticket(key, "C")
	read := func(ticket object, headers ...string) *response { return s.do("GET", at(ticket), key, nil, headers...) }
	if a["lastMessageAt"] != a["createdAt"] {
		t.Errorf("before any message: %v", a)
	}
	before := read(b)
	tag := before.header.Get("ETag")
	if r := read(b, "If-None-Match", tag); r.status != 304 {
		t.Fatalf("nothing has changed: %d", r.status)
	}
	_, err := s.sim.Post(simulator.Post{From: s.ann, Chat: s.support, Thread: thread(b), Text: "in Telegram"})
	s.must(err)
	var seen *response
	s.await("who polls with If-None-Match learns of the message", func() bool {
		seen = read(b, "If-None-Match", tag) // whose turn it is changes at once, the time when the message is numbered
		return seen.status == 200 && seen.is(200)["lastMessageAt"] != b["lastMessageAt"]
	})
	now := seen.is(200)
	last := func(ticket object) time.Time { // as a text, .74Z is behind .741Z
		at, err := time.Parse(time.RFC3339, ticket["lastMessageAt"].(string))
		s.must(err)
		return at
	}
	if !last(now).After(last(b)) || now["updatedAt"] != before.is(200)["updatedAt"] {
		t.Errorf("B is %s", seen.body)
	}
	if r := read(b, "If-None-Match", tag+", "+seen.header.Get("ETag")); r.status != 304 || seen.header.Get("ETag") == tag {
		t.Errorf("then there is nothing new: %d", r.status)
	}
	s.do("POST", at(a)+"/messages", key, object{"text": "by the API"}).is(202)
	s.await("a message by the API counts", func() bool {
		return last(read(a).is(200)).After(last(now))
	})
	s.run(t, "lists are sorted by it, and have pages", func(t *testing.T) {
		sixth := url.QueryEscape(now["lastMessageAt"].(string))
		for query, want := range map[string]string{
			"sort=-lastMessageAt": "A B C", "sort=lastMessageAt": "C B A", "sort=-lastMessageAt&status=open,pending": "A B C",
			"sort=-lastMessageAt&status=closed":           "",
			"sort=lastMessageAt&lastMessageFrom=" + sixth: "B A", "sort=-lastMessageAt&lastMessageTo=" + sixth: "C",
			fmt.Sprint("sort=-lastMessageAt&groupId=", s.support): "A B C", fmt.Sprint("sort=-lastMessageAt&groupId=", s.sales): "",
		} {
			if got := strings.Join(s.titles(key, query), " "); got != want {
				t.Errorf("%s lists %q, want %q", query, got, want)
			}
		}
		for _, query := range []string{"priority=high", "createdBy=user:1", "q=abc", "externalId=x", "updatedFrom=2026-01-01T00:00:00Z"} {
			s.do("GET", "/api/v1/tickets?sort=-lastMessageAt&"+query, key, nil).is(422, "list_not_supported")
		}
		s.do("GET", "/api/v1/tickets?lastMessageFrom=2026-01-01T00:00:00Z", key, nil).is(422, "list_not_supported")
	})
	s.run(t, "a ticket that gets a message moves to the front", func(t *testing.T) {
		page := s.do("GET", "/api/v1/tickets?sort=-lastMessageAt&limit=1", key, nil).is(200)
		s.do("POST", at(c)+"/messages", key, object{"text": "late"}).is(202)
		s.await("C is the first", func() bool { return s.titles(key, "sort=-lastMessageAt")[0] == "C" })
		next := s.do("GET", "/api/v1/tickets?sort=-lastMessageAt&cursor="+page["nextCursor"].(string), key, nil).is(200)
		if list := next["data"].([]any); len(list) != 1 || list[0].(object)["title"] != "B" {
			t.Errorf("after A come %v", list)
		}
	})
	s.run(t, "what was said is no reason to refuse a change", func(t *testing.T) {
		changed := s.do("PATCH", at(b), key, object{"priority": "high"}, "If-Match", tag)
		if changed.is(200)["lastMessageAt"] != now["lastMessageAt"] {
			t.Errorf("changed: %s", changed.body)
		}
		s.do("PATCH", at(b), key, object{"priority": "low"}, "If-Match", tag).is(412, "precondition_failed")
		if r := read(b, "If-None-Match", changed.header.Get("ETag")); r.status != 304 {
			t.Errorf("the ETag of a change is another one: %d", r.status)
		}
	})
	s.run(t, "it stays over a restart", func(t *testing.T) {
		s.restart()
		if got := read(b).is(200)["lastMessageAt"]; got != now["lastMessageAt"] {
			t.Errorf("%v, was %v", got, now["lastMessageAt"])
		}
	})
}

func TestTicketLink(t *testing.T) {
	s, key := ticketService(t)
	made := s.ticket(key, "Linked")
	want := fmt.Sprint("https://t.me/c/", -1000000000000-s.support, "/", thread(made))
	listed := s.do("GET", "/api/v1/tickets", key, nil).is(200)["data"].([]any)[0].(object)
	for where, ticket := range map[string]object{"made": made, "read": s.do("GET", at(made), key, nil).is(200), "listed": listed} {
		if got := ticket["topic"].(object)["link"]; got != want {
			t.Errorf("%s: the link is %v, want %s", where, got, want)
		}
	}
}
