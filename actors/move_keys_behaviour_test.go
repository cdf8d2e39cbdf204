package actors_test

import (
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// TestAKeysAllowanceMovesWithIt: a key that has used up its burst does not have another one on the node that it moves to, and
// one that has not, keeps it.
func TestAKeysAllowanceMovesWithIt(t *testing.T) {
	t.Parallel()
	a := newTwins(t)
	d, first, second := twinDesk(t, options{speed: 1, twins: a})
	const burst = 200
	for _, id := range []string{"spent", "whole", "crashed"} {
		now := d.clock.Now().UTC()
		d.must(d.store.SaveAPIKey(t.Context(), &storage.APIKey{KeyID: id, Scopes: []string{"admin"}, Rate: 1, Burst: burst,
			CreatedAt: now, UpdatedAt: now, Secrets: []storage.KeySecret{{Hash: messages.HashAPIKey(id), CreatedAt: now}}}))
	}
	accepted := func(p *process, id string, tries int) (n int) {
		t.Helper()
		for range tries {
			reply, err := p.system.Ask(t.Context(), messages.KindAPIKey, id, &messages.Authenticate{Hash: messages.HashAPIKey(id)})
			d.must(err)
			if reply.(*messages.Authenticated).Verdict == messages.Authenticated_ACCEPTED {
				n++
			}
		}
		return n
	}
	began := time.Now()
	for id, tries := range map[string]int{"spent": 2 * burst, "whole": 1, "crashed": 2 * burst} {
		if n := accepted(first, id, tries); n < min(tries, burst) {
			t.Fatalf("%s: %d of %d are accepted", id, n, tries)
		}
	}
	a.believes(second, nil) // the first has died, as it were: it says nothing
	n := accepted(second, "crashed", burst)
	if allowed := 0.1*burst + time.Since(began).Seconds() + 1; float64(n) > allowed || n == 0 {
		t.Errorf("after a crash %d requests are accepted, %.0f are allowed", n, allowed)
	}
	a.gives(first, second)
	n = accepted(second, "spent", burst)
	if allowed := 0.1*burst + time.Since(began).Seconds() + 1; float64(n) > allowed {
		t.Errorf("%d requests are accepted after the burst was spent, %.0f are allowed", n, allowed)
	}
	n = 1
	d.eventually("it has what was left", func() bool {
		n += accepted(second, "whole", 10)
		return n > burst/2
	})
	n += accepted(second, "whole", 2*burst)
	if allowed := burst + time.Since(began).Seconds() + 1; float64(n) > allowed {
		t.Errorf("%d requests are accepted of a key on both nodes, %.0f are allowed", n, allowed)
	}
}
