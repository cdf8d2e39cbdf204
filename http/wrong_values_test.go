package httpedge_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestWrongValuesAreNamed: a program is told which field is wrong, and what would be right.
func TestWrongValuesAreNamed(t *testing.T) {
	s, key := ticketService(t)
	made := s.ticket(key, "Values")
	group := "/api/v1/groups/" + fmt.Sprint(s.support)
	for _, c := range []struct {
		method, path, body, pointer, name, says string
	}{
		{"POST", "/api/v1/tickets", `{"title":"x","description":null}`, "#/description", "", "leave the field out"},
		{"PATCH", at(made), `{"title":null}`, "#/title", "", "leave the field out"},
		{"POST", "/api/v1/tickets", `{"title":"x","groupId":-1e999}`, "#/groupId", "", "the number is too large"},
		{"POST", "/api/v1/tickets", `{"title":"x","metadata":{"a":[1,{"b":1e999}]}}`, "#/metadata/a/1/b", "", "the number is too large"},
		{"POST", at(made) + "/messages", `{"text":"x","entities":[{"type":"bold","offset":0,"length":1},` +
			`{"type":"bold","offset":99999999999,"length":1}]}`, "#/entities/1/offset", "", "the number is too large"},
		{"PUT", group, `{"answerWithin":"4h"}`, "#/answerWithin", "", `whole minutes, such as {"low":240,"normal":240,"high":240,"urgent":240}`},
		{"PUT", group, `{"answerWithin":{"low":240,"normal":240,"high":"2h","urgent":60}}`, "#/answerWithin/high", "", "minutes, such as 240"},
		{"PUT", group, `{"answerWithin":{"low":240}}`, "#/answerWithin/high", "", "all of low, normal, high, urgent, in minutes"},
		{"PUT", group, `{"autoClose":"72h 24h"}`, "#/autoClose", "", `whole minutes, such as {"after":240,"notice":240}`},
		{"PUT", group, `{"hoursByDate":"2026-12-25 closed"}`, "#/hoursByDate", "", `such as {"2026-12-25":"closed"}`},
		{"GET", "/api/v1/tickets?limit=99999999999999999999", "", "", "limit", "whole number"},
		{"GET", "/api/v1/tickets?createdFrom=2026-02-01T00:00:00Z&createdTo=2026-01-01T00:00:00Z", "", "", "createdFrom", "before createdTo"},
		{"GET", "/api/v1/tickets?sort=updatedAt&updatedFrom=2026-02-01T00:00:00Z&updatedTo=2026-01-01T00:00:00Z", "", "", "updatedFrom",
			"before updatedTo"},
		{"GET", "/api/v1/tickets?sort=lastMessageAt&lastMessageFrom=2026-02-01T00:00:00Z&lastMessageTo=2026-01-01T00:00:00Z", "", "",
			"lastMessageFrom", "before lastMessageTo"},
	} {
		var body any
		if c.body != "" {
			body = c.body
		}
		r := s.do(c.method, c.path, key, body)
		found := false
		wrong, _ := r.is(422, "invalid")["errors"].([]any)
		for _, e := range wrong {
			e := e.(map[string]any)
			pointer, _ := e["pointer"].(string)
			name, _ := e["name"].(string)
			found = found || pointer == c.pointer && name == c.name && strings.Contains(e["detail"].(string), c.says)
		}
		if !found {
			t.Errorf("%s %s %s: %s", c.method, c.path, c.body, r.body)
		}
	}
	s.do("GET", "/api/v1/tickets?createdFrom=2026-02-01T00:00:00Z&createdTo=2026-02-01T00:00:00Z", key, nil).is(200)
}

// TestNamesTurnNothingAround: what programs name never reverses the words after it.
func TestNamesTurnNothingAround(t *testing.T) {
	s, key := ticketService(t)
	const turn = "\u202e"
	for _, r := range []*response{
		s.do("POST", "/api/v1/users", key, map[string]any{"telegramId": 990002, "firstName": "B" + turn + "en", "lastName": "\u2066Lee"}),
		s.do("POST", "/api/v1/api-keys", key, map[string]any{"name": "C" + turn + "RM", "owner": turn + "ops", "scopes": []string{"tickets:read"}}),
		s.do("POST", "/api/v1/tickets", key, map[string]any{"title": "Print" + turn + "er", "groupId": s.support}, "Prefer", "wait=30"),
	} {
		if r.is(201); strings.ContainsAny(string(r.body), "\u202e\u2066") || strings.Contains(string(r.body), `\u202e`) {
			t.Errorf("answered %s", r.body)
		}
	}
	s.do("POST", "/api/v1/api-keys", key, map[string]any{"name": turn, "scopes": []string{"tickets:read"}}).is(422, "invalid")
	made := s.ticket(key, "Names")
	s.do("POST", at(made)+"/messages", key, map[string]any{"text": "hello", "authorName": "Nok" + turn + " of ACME"}).is(202)
	s.do("POST", at(made)+"/messages", key, map[string]any{"text": "by the key", "authorName": turn}).is(202)
	s.awaitText(s.support, thread(made), "by the key")
	list := s.do("GET", at(made)+"/messages", key, nil)
	said := list.is(200)["data"].([]any)
	for i, want := range []string{"Nok of ACME", "test"} {
		sender := said[i].(map[string]any)["sender"].(map[string]any)
		if i == 0 && sender["name"] != want || strings.Contains(sender["name"].(string), turn) || sender["name"] == "" {
			t.Errorf("message %d is by %v", i, sender)
		}
	}
}
