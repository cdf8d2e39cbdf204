//go:build !race

package actors_test

import (
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// TestClusterKeys: a key's limit is one over all nodes, and a key that was revoked anywhere is refused everywhere.
func TestClusterKeys(t *testing.T) {
	d := ready(t, clustered(t))
	second := d.joins("second")
	defer second.stop(t)
	const rate, burst = 50, 20
	now := time.Now().UTC()
	made := func(id string) *storage.APIKey {
		k := &storage.APIKey{KeyID: id, Scopes: []string{"admin"}, Rate: rate, Burst: burst, CreatedAt: now, UpdatedAt: now,
			Secrets: []storage.KeySecret{{Hash: messages.HashAPIKey(id), CreatedAt: now}}}
		d.must(d.store.SaveAPIKey(t.Context(), k))
		return k
	}
	asked := func(p *process, id string) messages.Authenticated_Verdict {
		t.Helper()
		reply, err := p.system.Ask(t.Context(), messages.KindAPIKey, id, &messages.Authenticate{Hash: messages.HashAPIKey(id)})
		d.must(err)
		return reply.(*messages.Authenticated).Verdict
	}
	for _, id := range []string{"key1", "key2", "key3", "key4"} { // some of them are on each node
		made(id)
		began, accepted, limited := time.Now(), 0, 0
		var last, paused time.Duration // a machine that stands still does not ask for what it could have
		for time.Since(began) < time.Second || limited < 30 && time.Since(began) < patience {
			for _, p := range []*process{d.process, second} {
				now := time.Since(began)
				paused, last = max(paused, now-last), now
				switch asked(p, id) {
				case messages.Authenticated_ACCEPTED:
					accepted++
				case messages.Authenticated_LIMITED:
					limited++
				}
			}
		}
		allowed := burst + rate*time.Since(began).Seconds()
		if float64(accepted) > 1.1*allowed || float64(accepted) < 0.9*allowed && paused < 50*time.Millisecond {
			t.Errorf("%d requests were accepted over both nodes, %.0f are allowed", accepted, allowed)
		}
	}
	within := func(what string, begun time.Time, id string) {
		t.Helper()
		for _, p := range []*process{d.process, second} {
			for asked(p, id) != messages.Authenticated_REVOKED {
				if time.Since(begun) > time.Second {
					t.Fatalf("%s: a node still takes the key after a second", what)
				}
			}
		}
	}
	_, err := second.system.Ask(t.Context(), messages.KindAPIKey, "key1", &messages.RevokeAPIKey{Origin: &messages.Origin{CommandId: "r1"}})
	d.must(err)
	within("by the API", time.Now(), "key1")
	k, err := d.store.APIKey(t.Context(), "key2")
	d.must(err)
	k.RevokedAt = time.Now()
	d.must(d.store.SaveAPIKey(t.Context(), k))
	within("by the command line", time.Now(), "key2")
}

// TestClusterKeysKeepTheirLimitsWhenANodeLeaves: what is left of a key's burst is known to whoever has the key next.
func TestClusterKeysKeepTheirLimitsWhenANodeLeaves(t *testing.T) {
	d := ready(t, clustered(t))
	second := d.joins("second")
	defer second.stop(t)
	const keys, burst = 12, 200
	now := time.Now().UTC()
	accepted := func(p *process, id string) bool {
		t.Helper()
		reply, err := p.system.Ask(t.Context(), messages.KindAPIKey, id, &messages.Authenticate{Hash: messages.HashAPIKey(id)})
		d.must(err)
		return reply.(*messages.Authenticated).Verdict == messages.Authenticated_ACCEPTED
	}
	for n := range keys {
		id := "key" + itoa(n)
		d.must(d.store.SaveAPIKey(t.Context(), &storage.APIKey{KeyID: id, Scopes: []string{"admin"}, Rate: 1, Burst: burst,
			CreatedAt: now, UpdatedAt: now, Secrets: []storage.KeySecret{{Hash: messages.HashAPIKey(id), CreatedAt: now}}}))
		accepted(d.process, id)
	}
	first := d.process
	if first.metric(t, "entities", "kind", messages.KindAPIKey) == 0 {
		t.Fatal("the node that leaves has no key")
	}
	d.process = second
	first.stop(t)
	for n := range keys {
		id, count := "key"+itoa(n), 0
		for accepted(second, id) {
			count++
		}
		if count < burst-1 { // one was used before
			t.Errorf("%s: %d requests are accepted, %d are left", id, count, burst-1)
		}
	}
}
