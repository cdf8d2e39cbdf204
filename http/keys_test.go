package httpedge_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/view"
)

func TestKeys(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	s.register()
	admin := s.key(nil, "admin")
	s.run(t, "a key that expired is refused", func(t *testing.T) {
		s.do("GET", "/api/v1/me", s.key(func(k *storage.APIKey) { k.ExpiresAt = time.Now().Add(-time.Second) },
			"admin"), nil).is(401, "api_key_expired")
	})
	s.run(t, "a revoked key is refused immediately", func(t *testing.T) {
		key := s.key(nil, "tickets:read")
		id, _ := messages.APIKeyID(key)
		s.do("GET", "/api/v1/me", key, nil).is(200)
		for range 2 {
			s.do("DELETE", "/api/v1/api-keys/"+id, admin, nil).is(204)
		}
		s.do("GET", "/api/v1/me", key, nil).is(401, "unauthenticated")
		s.do("POST", "/api/v1/api-keys/"+id+"/rotate", admin, nil).is(409, "api_key_revoked")
	})
	s.run(t, "what is revoked beside the service is refused soon", func(t *testing.T) {
		key := s.key(nil, "tickets:read")
		id, _ := messages.APIKeyID(key)
		s.do("GET", "/api/v1/me", key, nil).is(200)
		s.await("the revocation is written", func() bool {
			k, err := s.store.APIKey(t.Context(), id)
			s.must(err)
			k.RevokedAt = time.Now()
			return s.store.SaveAPIKey(t.Context(), k) == nil
		})
		revoked := time.Now()
		s.await("the key is refused", func() bool { return s.do("GET", "/api/v1/me", key, nil).status == 401 })
		t.Logf("refused after %s", time.Since(revoked))
	})
	s.run(t, "both secrets are good while a key is rotated", func(t *testing.T) {
		old := s.key(nil, "tickets:read", "groups:read")
		id, _ := messages.APIKeyID(old)
		rotated := s.do("POST", "/api/v1/api-keys/"+id+"/rotate", admin, object{"overlapSeconds": 3600}).is(200)
		fresh := rotated["key"].(string)
		if rotated["keyId"] != id || fresh == old || rotated["oldSecretUntil"] == nil {
			t.Error(rotated)
		}
		for _, key := range []string{old, fresh} {
			s.do("GET", "/api/v1/groups", key, nil).is(200)
		}
		newest := s.do("POST", "/api/v1/api-keys/"+id+"/rotate", admin,
			object{"overlapSeconds": 0}).is(200)["key"].(string)
		for _, key := range []string{old, fresh} {
			if p := s.do("GET", "/api/v1/groups", key, nil).is(401, "unauthenticated"); !strings.Contains(p["detail"].(string), "was replaced") {
				t.Error(p)
			}
		}
		s.do("GET", "/api/v1/groups", newest, nil).is(200)
	})
	s.run(t, "it is written down when a key was used", func(t *testing.T) {
		key := s.key(nil, "tickets:read")
		me := s.do("GET", "/api/v1/me", key, nil).is(200)
		if at, err := time.Parse(time.RFC3339, fmt.Sprint(me["lastUsedAt"])); err != nil ||
			time.Since(at) > 10*time.Minute {
			t.Error(me)
		}
	})
	s.run(t, "a key is stored nowhere, nor shown again but to the key that asked", func(t *testing.T) {
		asker := s.do("POST", "/api/v1/api-keys", admin, object{"name": "asker",
			"scopes": []string{"keys:*"}}).is(201)
		token, id := asker["key"].(string), asker["keyId"].(string)
		body := object{"name": "made", "scopes": []string{"keys:read"}}
		made := s.do("POST", "/api/v1/api-keys", token, body, "Idempotency-Key", "once").is(201)
		again := s.do("POST", "/api/v1/api-keys", token, body, "Idempotency-Key", "once").is(201)
		if again["key"] != made["key"] {
			t.Error("another answer")
		}
		rotated := s.do("POST", "/api/v1/api-keys/"+id+"/rotate", admin,
			object{"overlapSeconds": 60}).is(200)["key"].(string)
		s.do("POST", "/api/v1/api-keys", rotated, body, "Idempotency-Key", "once").
			is(409, "idempotency_answer_sealed")
		files, err := filepath.Glob(s.path + "*")
		s.must(err)
		for _, file := range files {
			text, err := os.ReadFile(file)
			s.must(err)
			for _, key := range []string{token, made["key"].(string), rotated} {
				if bytes.Contains(text, []byte(key[20:40])) {
					t.Errorf("%s holds a key", filepath.Base(file))
				}
			}
		}
		if list := s.do("GET", "/api/v1/api-keys", admin, nil).body; bytes.Contains(list, []byte("td_live_")) {
			t.Errorf("%s", list)
		}
	})
	s.run(t, "a key makes, rotates and revokes no keys that may do more than itself", func(t *testing.T) {
		soon := time.Now().Add(time.Hour).UTC().Truncate(time.Millisecond)
		small := func(k *storage.APIKey) { k.Rate, k.Burst, k.ExpiresAt = 20, 30, soon }
		maker := s.key(small, "keys:*", "tickets:read")
		with := func(field string, value any) object {
			return object{"name": "x", "scopes": []string{"tickets:read"}, field: value}
		}
		made := s.do("POST", "/api/v1/api-keys", maker, with("owner", "ops")).is(201)
		if made["rate"] != 20.0 || made["burst"] != 30.0 || made["expiresAt"] != view.Timestamp(soon) {
			t.Error(made)
		}
		if less := s.do("POST", "/api/v1/api-keys", maker, with("rate", 5)).is(201); less["rate"] != 5.0 ||
			less["burst"] != 10.0 {
			t.Error(less)
		}
		for field, value := range map[string]any{"rate": 21, "burst": 31, "expiresAt": soon.Add(time.Second),
			"scopes": []string{"tickets:write"}} {
			s.do("POST", "/api/v1/api-keys", maker, with(field, value)).is(403, "grant_too_wide")
		}
		manage := func(token string, change func(*storage.APIKey), scope string) (rotated, revoked *response) {
			path := "/api/v1/api-keys/" + s.keyID(change, scope)
			return s.do("POST", path+"/rotate", token, nil), s.do("DELETE", path, token, nil)
		}
		may := func(token string, change func(*storage.APIKey)) {
			t.Helper()
			rotated, revoked := manage(token, change, "tickets:read")
			rotated.is(200)
			revoked.is(204)
		}
		may(maker, small)
		sales := of(s.place(s.sales))
		may(maker, func(k *storage.APIKey) { small(k); sales(k) })
		for what, wider := range map[string]func(*storage.APIKey){
			"rate":     func(k *storage.APIKey) { k.Rate = 21 },
			"burst":    func(k *storage.APIKey) { k.Burst = 31 },
			"later":    func(k *storage.APIKey) { k.ExpiresAt = soon.Add(time.Second) },
			"for ever": func(k *storage.APIKey) { k.ExpiresAt = time.Time{} },
		} {
			rotated, revoked := manage(maker, func(k *storage.APIKey) { small(k); wider(k) }, "tickets:read")
			if rotated.status != 403 || revoked.status != 403 {
				t.Errorf("%s: rotate %d, revoke %d", what, rotated.status, revoked.status)
			}
		}
		for _, scope := range []string{"tickets:write", "tickets:*", "admin"} {
			rotated, revoked := manage(maker, small, scope)
			rotated.is(403, "grant_too_wide")
			revoked.is(403, "grant_too_wide")
		}
		bound := s.key(func(k *storage.APIKey) { small(k); sales(k) }, "keys:*", "tickets:read")
		for _, change := range []func(*storage.APIKey){small, func(k *storage.APIKey) { small(k); of(s.place(s.support))(k) }} {
			rotated, revoked := manage(bound, change, "tickets:read")
			rotated.is(404)
			revoked.is(404)
		}
		chief := s.key(small, "admin")
		s.do("POST", "/api/v1/api-keys", chief, with("rate", 1000)).is(201)
		may(chief, nil)
		own, _ := messages.APIKeyID(maker)
		s.do("DELETE", "/api/v1/api-keys/"+own, maker, nil).is(204)
	})
	s.run(t, "a scope that is no longer offered: who has it keeps it, nobody gets it", func(t *testing.T) {
		key := s.key(nil, "exports:*", "keys:*", "groups:read")
		id, _ := messages.APIKeyID(key)
		s.do("GET", "/api/v1/groups", key, nil).is(200)
		if me := s.do("GET", "/api/v1/me", key,
			nil).is(200); fmt.Sprint(me["scopes"]) != "[exports:* keys:* groups:read]" {
			t.Error(me)
		}
		for _, maker := range []string{key, admin} {
			p := s.do("POST", "/api/v1/api-keys", maker, object{"name": "x",
				"scopes": []string{"keys:read", "exports:read"}}).is(422)
			if text := fmt.Sprint(p["errors"]); !strings.Contains(text, "#/scopes/1") ||
				strings.Contains(text, "exports") {
				t.Error(p)
			}
		}
		rotated := s.do("POST", "/api/v1/api-keys/"+id+"/rotate", key, nil).is(200)["key"].(string)
		s.do("GET", "/api/v1/groups", rotated, nil).is(200)
	})
	s.run(t, "a mistyped key, and one of another form", func(t *testing.T) {
		typo := []byte(admin)
		typo[len(typo)-10] ^= 1
		if p := s.do("GET", "/api/v1/me", string(typo), nil).
			is(401, "unauthenticated"); !strings.Contains(fmt.Sprint(p["detail"]), "checksum") {
			t.Error(p)
		}
		s.do("GET", "/api/v1/me", "", nil, "Authorization", "Basic "+admin).is(401, "unauthenticated")
		s.do("GET", "/api/v1/me", "", nil, "Authorization", "bearer "+admin).is(200)
		unknown, _ := messages.NewAPIKey(messages.NewAPIKeyID(""))
		s.do("GET", "/api/v1/me", unknown, nil).is(401, "unauthenticated")
	})
	s.run(t, "a key of one group sees that one", func(t *testing.T) {
		key := s.bound(s.support)
		s.do("POST", "/api/v1/api-keys", key, object{"name": "x", "scopes": []string{"admin"}}).is(201)
		list := s.do("GET", "/api/v1/api-keys", key, nil).is(200)["data"].([]any)
		for _, k := range list {
			if k.(object)["groupId"] != float64(s.support) {
				t.Error(k)
			}
		}
		groups := s.do("GET", "/api/v1/groups", key, nil).is(200)["data"].([]any)
		if len(list) < 2 || len(groups) != 1 || groups[0].(object)["title"] != "Support" {
			t.Error(list, groups)
		}
		made := s.do("POST", "/api/v1/users", key, object{"telegramId": nextID()}).is(201)
		if made["defaultGroupId"] != float64(s.support) {
			t.Error(made)
		}
		s.person(s.sales)
		for _, u := range s.do("GET", "/api/v1/users", key, nil).is(200)["data"].([]any) {
			if u.(object)["defaultGroupId"] != float64(s.support) {
				t.Error(u)
			}
		}
	})
}

func TestLimits(t *testing.T) {
	t.Run("of a key", func(t *testing.T) {
		s := newService(t, serviceOptions{})
		key := s.key(func(k *storage.APIKey) { k.Rate, k.Burst = 1, 5 }, "admin")
		var limited *response
		allowed := 0
		for began := time.Now(); limited == nil; {
			r := s.do("GET", "/api/v1/groups", key, nil)
			if got := r.header.Get("RateLimit-Policy"); got != `"key";q=5;w=5` {
				t.Fatal(got)
			}
			if r.status == 429 {
				limited = r
				break
			}
			r.is(200)
			if allowed++; allowed > 6+int(time.Since(began).Seconds()) {
				t.Fatalf("%d requests in %s", allowed, time.Since(began))
			}
		}
		limited.is(429, "rate_limited")
		if allowed < 5 || limited.header.Get("Retry-After") != "1" ||
			!strings.HasPrefix(limited.header.Get("RateLimit"), `"key";r=0;t=`) {
			t.Error(allowed, limited.header)
		}
		s.await("another request is let in", func() bool {
			return s.do("GET", "/api/v1/groups", key, nil).status == 200
		})
		s.do("GET", "/api/v1/groups", s.key(nil, "admin"), nil).is(200) // another key has limits of its own
	})
	t.Run("of a key, exact to 10%", func(t *testing.T) {
		s := newService(t, serviceOptions{})
		key := s.key(func(k *storage.APIKey) { k.Rate, k.Burst = 50, 10 }, "admin")
		s.do("GET", "/api/v1/groups", key, nil).is(200)
		allowed, began := 1, time.Now()
		for time.Since(began) < 1500*time.Millisecond {
			if s.do("GET", "/api/v1/groups", key, nil).status == 200 {
				allowed++
			}
		}
		// A machine that stalls makes them fewer, never more.
		if most := 1.1 * (10 + 50*time.Since(began).Seconds()); float64(allowed) > most {
			t.Errorf("%d requests were let in, %.0f may be", allowed, most)
		}
	})
	t.Run("of an address", func(t *testing.T) {
		o := serviceOptions{}
		o.api.AddressRate, o.api.AddressBurst = 1, 3
		s := newService(t, o)
		var r *response
		for range 5 {
			if r = s.do("GET", "/api/v1/me", "", nil); r.status == 429 {
				break
			}
			r.is(401)
			if !strings.HasPrefix(r.header.Get("RateLimit"), `"address";r=`) ||
				r.header.Get("RateLimit-Policy") != `"address";q=3;w=3` {
				t.Error(r.header)
			}
		}
		r.is(429, "rate_limited")
		if r.header.Get("Retry-After") == "" {
			t.Error(r.header)
		}
	})
	t.Run("of those that fail to authenticate, but not of their neighbours", func(t *testing.T) {
		s := newService(t, serviceOptions{})
		good := s.key(nil, "admin")
		s.do("GET", "/api/v1/me", good, nil).is(200)
		s.await("failures are limited", func() bool {
			return s.do("GET", "/api/v1/me", "td_live_x", nil).status == 429
		})
		s.do("GET", "/api/v1/me", good, nil).is(200)
		families, err := s.registry.Gather()
		s.must(err)
		counted := map[string]float64{}
		for _, f := range families {
			for _, m := range f.Metric {
				counted[f.GetName()] += m.GetCounter().GetValue()
			}
		}
		for range 60 { // guesses
			unknown, _ := messages.NewAPIKey(messages.NewAPIKeyID(""))
			if r := s.do("GET", "/api/v1/me", unknown, nil); r.status != 401 && r.status != 429 {
				t.Errorf("%d %s", r.status, r.body)
			}
		}
		s.do("GET", "/api/v1/me", good, nil).is(200)
		if counted["topicdesk_api_authentication_failures_total"] < 20 ||
			counted["topicdesk_api_limited_total"] < 1 || counted["topicdesk_api_requests_total"] < 20 {
			t.Error(counted)
		}
	})
}
