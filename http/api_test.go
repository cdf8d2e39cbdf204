package httpedge_test

import "testing"

func TestMe(t *testing.T) {
	s := newService(t, serviceOptions{})
	me := s.do("GET", "/api/v1/me", s.key(nil, "tickets:read"), nil).is(200)
	if me["name"] != "Test" || me["groupId"] != nil {
		t.Error(me)
	}
	s.do("GET", "/api/v1/me", "", nil).is(401, "unauthenticated")
	s.do("GET", "/api/v1/nothing", "", nil).is(404, "not_found")
	s.do("POST", "/api/v1/me", "", nil).is(405, "method_not_allowed")
	s.do("GET", "/api/v1/me?x=1", s.key(nil, "tickets:read"), nil).is(422, "invalid")
	admin := s.key(nil, "admin")
	made := s.do("POST", "/api/v1/api-keys", admin, map[string]any{"name": "CRM", "scopes": []string{"tickets:*"}}).is(201)
	s.do("GET", "/api/v1/me", made["key"].(string), nil).is(200)
}
