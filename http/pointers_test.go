package httpedge_test

import (
	"strings"
	"testing"
)

// TestRefusalsPointAtTheirField: a refusal that is about one field of the body points at it.
func TestRefusalsPointAtTheirField(t *testing.T) {
	t.Parallel()
	s, key := ticketService(t)
	ticket := s.ticket(key, "Printer", "externalId", "crm-1")
	sent := func() string {
		made := s.do("POST", at(ticket)+"/attachments", key, fileForm("file", "a.png", tinyPNG(40, 30))).is(201)
		return made["attachmentId"].(string)
	}
	past := "2020-01-01T00:00:00Z"
	for _, c := range []struct {
		method, path string
		body         object
		pointer      string
	}{
		{"POST", "/api/v1/tickets", object{"groupId": s.support}, "#/title"},
		{"POST", "/api/v1/tickets", object{"groupId": s.support, "title": "Again", "externalId": "crm-1"}, "#/externalId"},
		{"POST", at(ticket) + "/messages", object{"text": "x", "replyTo": "-1:5"}, "#/replyTo"},
		{"POST", at(ticket) + "/messages", object{"text": "x", "attachmentIds": []string{sent(), "nothing"}}, "#/attachmentIds/1"},
		{"POST", at(ticket) + "/messages", object{"text": "x", "entities": []object{{"type": "bold", "length": 1}}}, "#/entities/0/offset"},
		{"PATCH", at(ticket), object{"snoozedUntil": past}, "#/snoozedUntil"},
		{"PATCH", at(ticket), object{"closesAt": past}, "#/closesAt"},
		{"PATCH", at(ticket), object{"assigneeId": 5}, "#/assigneeId"},
		{"PATCH", at(ticket), object{"title": " "}, "#/title"},
	} {
		r := s.do(c.method, c.path, key, c.body)
		if r.status < 400 || !strings.Contains(string(r.body), `"pointer":"`+c.pointer+`"`) {
			t.Errorf("%s %s %v: not at %s: %s", c.method, c.path, c.body, c.pointer, r.body)
		}
	}
}
