package messages

import (
	"bytes"
	"strings"
	"testing"
)

func TestAPIKeys(t *testing.T) {
	id := NewAPIKeyID("a command")
	random := NewAPIKeyID("")
	if id != NewAPIKeyID("a command") || id == NewAPIKeyID("another") || random == NewAPIKeyID("") || !IsAPIKeyID(id) {
		t.Error("ids are of their cause, or random:", id)
	}
	key, hash := NewAPIKey(id)
	if other, _ := NewAPIKey(id); other == key {
		t.Error("two keys are the same")
	}
	if got, ok := APIKeyID(key); !ok || got != id || !bytes.Equal(hash, HashAPIKey(key)) ||
		!strings.HasPrefix(key, "td_live_") {
		t.Error(key)
	}
	for i := range key { // every mistyped sign is found
		typo := []byte(key)
		if typo[i] ^= 1; typo[i] == '_'^1 {
			continue
		}
		if _, ok := APIKeyID(string(typo)); ok {
			t.Errorf("%s is taken for a key", typo)
		}
	}
	for _, no := range []string{"", "td_live_", key[:len(key)-1], key + "a", strings.ToUpper(key)} {
		if _, ok := APIKeyID(no); ok {
			t.Errorf("%q is taken for a key", no)
		}
	}
	for _, no := range []string{"", "x", id + "a", strings.ToUpper(id), "0" + id[1:]} {
		if IsAPIKeyID(no) {
			t.Errorf("%q is taken for an id", no)
		}
	}
}

func TestScopes(t *testing.T) {
	for _, tt := range []struct {
		scopes, wanted string
		want           bool
	}{
		{"tickets:read", "tickets:read", true}, {"tickets:read", "tickets:write", false}, {"users:*", "users:write", true},
		{"users:*", "groups:read", false}, {"admin", "keys:write", true}, {"users:read,groups:*", "groups:*", true}, {"", "users:read", false},
		{"users:read", "users:*", false}, {"tickets:*", "admin", false},
		{"webhooks:*", "tickets:read", false}, {"webhooks:*,users:read", "users:read", true},
	} {
		if got := ScopeAllows(strings.Split(tt.scopes, ","), tt.wanted); got != tt.want {
			t.Errorf("%s allows %s: %v", tt.scopes, tt.wanted, got)
		}
	}
}
