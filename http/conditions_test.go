package httpedge_test

import (
	"testing"
	"time"
)

// TestConditions: a change is not made against its condition, whatever the operation.
func TestConditions(t *testing.T) {
	t.Parallel()
	s, key := ticketService(t)
	ticket := s.ticket(key, "Printer")
	stale := s.do("GET", at(ticket), key, nil).header.Get("ETag")
	s.do("PATCH", at(ticket), key, object{"priority": "high"}).is(200)
	fresh := func() string { return s.do("GET", at(ticket), key, nil).header.Get("ETag") }
	is := func(status string) {
		t.Helper()
		if now := s.do("GET", at(ticket), key, nil).is(200)["status"]; now != status {
			t.Fatalf("it is %v, not %s", now, status)
		}
	}
	s.do("POST", at(ticket)+"/close", key, nil, "If-Match", stale).is(412, "precondition_failed")
	is("open")
	unchanged := func(action string) { // a topic's new name or state is a change, too, which comes later
		t.Helper()
		s.await("nothing changes the ticket meanwhile", func() bool {
			r := s.do("POST", at(ticket)+action, key, nil, "If-Match", fresh())
			return r.status != 412 && r.is(200) != nil
		})
	}
	unchanged("/close")
	s.do("POST", at(ticket)+"/reopen", key, nil, "If-Match", stale).is(412, "precondition_failed")
	is("closed")
	unchanged("/reopen")
	is("open")
	s.do("POST", at(ticket)+"/close", key, nil, "If-Match", "*").is(200)
	s.do("POST", at(ticket)+"/reopen", key, nil).is(200)
	if p := s.do("POST", at(ticket)+"/messages", key, object{"text": "Hello"}, "If-Match", fresh()).is(422, "invalid"); !mentions(p, "If-Match") {
		t.Error(p)
	}
	for _, path := range []string{"/close", ""} {
		method := map[bool]string{true: "PATCH", false: "POST"}[path == ""]
		if p := s.do(method, at(ticket)+path, key, object{}, "If-Match", "").is(422, "invalid"); !mentions(p, "If-Match") {
			t.Error(p)
		}
	}
	if p := s.do("POST", "/api/v1/tickets", key, object{"title": "x", "groupId": s.support}, "Idempotency-Key", "").is(422, "invalid"); !mentions(p, "Idempotency-Key") {
		t.Error(p)
	}
	later := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	for _, field := range []string{"snoozedUntil", "closesAt"} {
		if p := s.do("PATCH", at(ticket), key, object{"status": "closed", field: later}).is(422, "invalid"); !mentions(p, "#/"+field) {
			t.Error(p)
		}
		is("open")
	}
	s.do("PATCH", at(ticket), key, object{"status": "closed", "snoozedUntil": nil}).is(200)
}
