package desk

// Recent remembers the newest entries, up to a limit.
type Recent[K comparable, V any] struct {
	limit   int
	entries map[K]V
	keys    []K // ring, in the order of their first put
	next    int
}

func NewRecent[K comparable, V any](limit int) *Recent[K, V] {
	return &Recent[K, V]{limit: limit, entries: map[K]V{}}
}

func (r *Recent[K, V]) Get(k K) (V, bool) {
	v, ok := r.entries[k]
	return v, ok
}

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
