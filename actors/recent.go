package actors

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/topicdesk/topicdesk/messages"
)

// recent remembers the newest entries, up to a limit.
type recent[K comparable, V any] struct {
	limit   int
	entries map[K]V
	keys    []K // ring, in the order of their first put
	next    int
}

func newRecent[K comparable, V any](limit int) *recent[K, V] {
	return &recent[K, V]{limit: limit, entries: map[K]V{}}
}

func (r *recent[K, V]) get(k K) (V, bool) {
	v, ok := r.entries[k]
	return v, ok
}

func (r *recent[K, V]) put(k K, v V) {
	if _, known := r.entries[k]; known {
		r.entries[k] = v
		return
	}
	if len(r.keys) < r.limit {
		r.keys = append(r.keys, k)
	} else {
		delete(r.entries, r.keys[r.next])
		r.keys[r.next] = k
		r.next = (r.next + 1) % r.limit
	}
	r.entries[k] = v
}

// remember appends an id to a bounded list of ids, newest last.
func remember(ids []string, id string, limit int) []string {
	ids = append(ids, id)
	if len(ids) > limit {
		ids = slices.Clone(ids[len(ids)-limit:])
	}
	return ids
}

// jitter spreads a wait over its second half.
func jitter(d time.Duration) time.Duration {
	return d/2 + rand.N(d/2+1)
}

// operationName names the call of an operation for metrics and logs: "send_copy".
func operationName(op *messages.Operation) string {
	name, _ := strings.CutPrefix(fmt.Sprintf("%T", op.Call), "*messages.Operation_")
	var b strings.Builder
	for i, r := range name {
		if r >= 'A' && r <= 'Z' && i > 0 {
			b.WriteByte('_')
		}
		b.WriteRune(r)
	}
	return strings.ToLower(b.String())
}
