package httpedge_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	httpedge "github.com/topicdesk/topicdesk/http"
)

// TestRefusalsAreLogged: whoever is asked about a requestId finds it in the log, which is at info as a rule.
func TestRefusalsAreLogged(t *testing.T) {
	var log bytes.Buffer
	s := newService(t, serviceOptions{server: httpedge.Options{Log: slog.New(slog.NewJSONHandler(&log, nil))}})
	key, narrow := s.key(nil, "admin"), s.key(nil, "users:read")
	s.register()
	ticket := s.ticket(key, "Printer")
	want := map[string]int{} // by the id of the request
	refused := func(r *response, status int) {
		t.Helper()
		id, _ := r.is(status)["requestId"].(string)
		if id == "" || id != r.header.Get("X-Request-Id") {
			t.Errorf("the answer's requestId is %q, its header %q", id, r.header.Get("X-Request-Id"))
		}
		want[id] = status
	}
	const secret = "never in a log"
	refused(s.do("POST", "/api/v1/tickets", key, `{"title":`), 400)
	refused(s.do("GET", "/api/v1/tickets", "td_live_"+secret, nil), 401)
	refused(s.do("GET", "/api/v1/tickets", narrow, nil), 403)
	refused(s.do("GET", "/api/v1/tickets/4711", key, nil), 404)
	refused(s.do("GET", "/nowhere", "", nil), 404)
	refused(s.do("TRACE", "/api/v1/tickets", key, nil), 405)
	refused(s.do("POST", "/api/v1/tickets", key, "x", "Content-Type", "text/csv"), 415)
	refused(s.do("GET", "/api/v1/tickets?status="+strings.ReplaceAll(secret, " ", "+"), key, nil, "X-Request-Id", "my-own-id"), 422)
	for _, often := range []string{"/messages", "/notes"} { // too many, even though each changes the ticket
		s.do("POST", at(ticket)+often, key, object{"text": "Hello"}).is(202)
	}
	good := s.do("GET", "/api/v1/tickets", key, nil)
	good.is(200)
	s.stop()
	found := map[string]int{}
	for line := range strings.Lines(log.String()) {
		var entry struct {
			Level, Msg, Request, Method, Path string
			Status                            int
			Took                              time.Duration
		}
		if err := json.Unmarshal([]byte(line), &entry); err != nil || entry.Msg != "request" {
			continue
		}
		if entry.Path == "/api/v1/tickets" && entry.Status == 201 { // what the test began with
			continue
		}
		if entry.Level != "INFO" || entry.Method == "" || !strings.HasPrefix(entry.Path, "/") {
			t.Errorf("the log has %s", line)
		}
		found[entry.Request] = entry.Status
	}
	for id, status := range want {
		if found[id] != status {
			t.Errorf("of the request %s with %d the log has %d", id, status, found[id])
		}
	}
	if len(found) != len(want) || want["my-own-id"] != 422 {
		t.Errorf("the log has %v, want %v", found, want)
	}
	if strings.Contains(log.String(), secret) || strings.Contains(log.String(), "never+in") || strings.Contains(log.String(), key) {
		t.Error("the log has a secret, or what was asked for")
	}
}
