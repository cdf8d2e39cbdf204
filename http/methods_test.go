package httpedge_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func TestMethods(t *testing.T) {
	t.Parallel()
	s, key := ticketService(t)
	made := s.ticket(key, "Methods")
	file := s.do("POST", at(made)+"/attachments", key, fileForm("file", "a.txt", "0123456789")).is(201)
	t.Run("HEAD answers as GET, without the body", func(t *testing.T) {
		for _, path := range []string{at(made), "/api/v1/tickets?limit=1", at(made) + "/messages", "/api/v1/me",
			"/api/v1/groups",
			"/api/v1/users", file["downloadUrl"].(string), "/openapi.json", "/healthz"} {
			get, head := s.do("GET", path, key, nil), s.do("HEAD", path, key, nil)
			if head.status != 200 || len(head.body) > 0 ||
				head.header.Get("Content-Length") != fmt.Sprint(len(get.body)) {
				t.Errorf("%s: %d, %d bytes, Content-Length %q, want 200, 0, %d", path, head.status, len(head.body),
					head.header.Get("Content-Length"), len(get.body))
			}
			for _, name := range []string{"Content-Type", "ETag", "Accept-Ranges"} {
				if head.header.Get(name) != get.header.Get(name) {
					t.Errorf("%s: %s is %q, want %q", path, name, head.header.Get(name), get.header.Get(name))
				}
			}
		}
	})
	t.Run("HEAD is let in as GET is", func(t *testing.T) {
		for token, status := range map[string]int{"": 401, s.key(nil, "users:read"): 403} {
			if r := s.do("HEAD", at(made), token, nil); r.status != status || len(r.body) > 0 {
				t.Errorf("%d %q, want %d", r.status, r.body, status)
			}
		}
		for path, status := range map[string]int{"/api/v1/tickets/TICK-0-00000000": 404,
			"/api/v1/tickets?limit=0": 422, at(made) + "/close": 405} {
			if r := s.do("HEAD", path, key, nil); r.status != status {
				t.Errorf("%s: %d, want %d", path, r.status, status)
			}
		}
		etag := s.do("GET", at(made), key, nil).header.Get("ETag")
		if r := s.do("HEAD", at(made), key, nil, "If-None-Match", etag); r.status != 304 {
			t.Error(r.status)
		}
	})
	t.Run("a method that nobody knows is refused as others are", func(t *testing.T) {
		for _, method := range []string{"PURGE", "get", "TRACE", "X"} {
			r := s.do(method, at(made), key, nil)
			r.is(405, "method_not_allowed")
			if allow := r.header.Get("Allow"); !strings.Contains(allow, "PATCH") ||
				!strings.Contains(allow, "HEAD") || strings.Contains(allow, "POST") {
				t.Errorf("%s: Allow is %q", method, allow)
			}
			s.do(method, "/nowhere", key, nil).is(404, "not_found")
		}
	})
}

func TestNulls(t *testing.T) {
	s, key := ticketService(t)
	made := s.ticket(key, "Nulls", "metadata", object{"a": 1}, "description", "as it was")
	group, user := fmt.Sprint("/api/v1/groups/", s.support), "/api/v1/users/4711"
	s.do("POST", "/api/v1/users", key, object{"telegramId": 4711, "defaultGroupId": s.sales}).is(201)
	for _, c := range []struct{ method, path, field string }{
		{"PATCH", at(made), "title"}, {"PUT", at(made), "title"}, {"PATCH", at(made), "description"}, {"PATCH",
			at(made), "priority"}, {"PATCH", at(made), "status"},
		{"PUT", group, "supportTopicsEnabled"}, {"PUT", group, "language"}, {"PUT", user, "username"}, {"PUT", user,
			"firstName"}, {"PUT", user, "lastName"},
		{"POST", "/api/v1/api-keys", "expiresAt"}, {"POST", at(made) + "/close", "reason"}, {"POST",
			at(made) + "/messages", "text"},
	} {
		if p := s.do(c.method, c.path, key, object{c.field: nil}).is(422, "invalid"); !mentions(p, "#/"+c.field) {
			t.Errorf("%s %s: %v", c.method, c.path, p)
		}
	}
	if p := s.do("POST", at(made)+"/messages", key,
		`{"text":"x","entities":[{"type":null,"offset":0,"length":1}]}`).is(422, "invalid"); !mentions(p, "#/entities/0/type") {
		t.Error(p)
	}
	if now := s.do("GET", at(made), key, nil).is(200); now["title"] != "Nulls" || now["description"] != "as it was" {
		t.Error(now)
	}
	t.Run("those that mean something are taken", func(t *testing.T) {
		if now := s.do("PATCH", at(made), key, `{"metadata":null,"title":"null"}`).is(200); now["metadata"] != nil ||
			now["title"] != "null" {
			t.Error(now)
		}
		if now := s.do("PATCH", at(made), key,
			`{"metadata":{"a":null}}`).is(200); fmt.Sprint(now["metadata"]) != "map[a:<nil>]" {
			t.Error(now)
		}
		s.do("POST", "/api/v1/tickets", key, object{"title": "x", "groupId": s.support, "metadata": nil}).is(201)
		if now := s.do("PUT", user, key, object{"defaultGroupId": nil}).is(200); now["defaultGroupId"] != nil {
			t.Error(now)
		}
	})
	t.Run("a stale change is refused before its body is validated", func(t *testing.T) {
		s.do("PATCH", at(made), key, object{"title": nil}, "If-Match", `"stale"`).is(http.StatusPreconditionFailed,
			"precondition_failed")
	})
}
