package desk

import (
	"iter"
	"slices"
)

// Recent remembers the newest entries, up to a limit.
type Recent[K comparable, V any] struct {
	limit   int
	entries map[K]V
	keys    []K // ring, in the order in which they were first put
	next    int
}

// NewRecent makes one that remembers at most limit entries.
func NewRecent[K comparable, V any](limit int) *Recent[K, V] {
	return &Recent[K, V]{limit: limit, entries: map[K]V{}}
}

// Get returns the entry of a key, if it is remembered.
func (r *Recent[K, V]) Get(k K) (V, bool) {
	v, ok := r.entries[k]
	return v, ok
}

// All are the entries, oldest first.
func (r *Recent[K, V]) All() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		for i := range r.keys {
			k := r.keys[(r.next+i)%len(r.keys)]
			if !yield(k, r.entries[k]) {
				return
			}
		}
	}
}

// Put remembers an entry. A new key takes the room of the oldest one if the limit is reached.
func (r *Recent[K, V]) Put(k K, v V) {
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

// Remember appends an id to a list of at most limit ids, newest last. The list is one of a record, such as the commands
// that an entity has handled.
func Remember(list []string, id string, limit int) []string {
	list = append(list, id)
	if len(list) > limit {
		list = slices.Clone(list[len(list)-limit:])
	}
	return list
}
