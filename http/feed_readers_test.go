package httpedge_test

import (
	"context"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/storage"
)

// stalledLog is storage whose log can't be read while it stalls.
type stalledLog struct {
	storage.Store
	stalls  *atomic.Bool
	reading *atomic.Int64
	goOn    chan struct{}
}

func (s stalledLog) LogAfter(ctx context.Context, partition int, after int64, limit int) ([]storage.Event, error) {
	if s.stalls.Load() {
		s.reading.Add(1)
		select {
		case <-s.goOn:
		case <-ctx.Done():
		}
	}
	return s.Store.LogAfter(ctx, partition, after, limit)
}

func TestFeedLeavesRoomToOthers(t *testing.T) {
	stalls, reading, goOn := &atomic.Bool{}, &atomic.Int64{}, make(chan struct{})
	s := newService(t, serviceOptions{wrapStore: func(store storage.Store) storage.Store {
		return stalledLog{store, stalls, reading, goOn}
	}})
	s.register()
	admin := s.key(nil, "admin")
	ticket := s.ticket(admin, "Read")
	s.follow(admin, "", func(f fed) bool { return f.has("ticket.created") })
	s.restart() // what is in memory is forgotten
	keys := make([]string, 20)
	for i := range keys {
		keys[i] = s.key(nil, "events:read")
	}
	stalls.Store(true)
	var readers sync.WaitGroup
	for _, key := range keys {
		readers.Go(func() {
			for range 2 {
				if r, err := s.try("GET", feed, key, nil); err != nil || r.status != 200 && r.status != 503 {
					t.Error(err, r)
				}
			}
		})
	}
	s.await("the log is being read", func() bool { return reading.Load() >= 2 })
	began := time.Now()
	for range 30 { // as many as there are readers for such look-ups, and more
		s.do("GET", at(ticket), admin, nil).is(200)
		s.do("GET", webhooks, admin, nil).is(200)
	}
	if took := time.Since(began); took > 30*time.Second { // the readers stall until they have been served
		t.Errorf("others waited %v", took)
	}
	stalls.Store(false)
	close(goOn)
	readers.Wait()
}

func TestReadersPerKey(t *testing.T) {
	t.Parallel()
	s, admin := ticketService(t)
	key, other := s.key(nil, "events:read"), s.key(nil, "events:read")
	var open []*opened
	for range 100 {
		o := s.open(key, "")
		if o.StatusCode != http.StatusOK {
			t.Fatal(o.Status)
		}
		open = append(open, o)
	}
	for _, path := range []string{feed + "/stream", feed, feed + "?consumer=crm&wait=30"} {
		r := s.do("GET", path, key, nil)
		if p := r.is(429, "rate_limited"); !strings.Contains(p["detail"].(string), "100") || r.header.Get("Retry-After") == "" {
			t.Error(p, r.header)
		}
	}
	s.do("GET", feed, other, nil).is(200)
	s.do("GET", feed+"/stream", other, nil).is(200)
	for _, o := range open[:2] {
		_ = o.Body.Close()
	}
	s.await("one that has gone makes room", func() bool {
		// The service notices that a client has gone when it writes: something has to happen.
		s.ticket(admin, "Wakes them")
		return s.do("GET", feed, key, nil).status == 200
	})
}

// restored brings the desk back to a copy of its database: later ones are undone.
func (s *service) restored(from string) {
	s.t.Helper()
	s.stop()
	for _, more := range []string{"-wal", "-shm"} {
		_ = os.Remove(s.path + more)
	}
	old, err := os.ReadFile(from)
	s.must(err)
	s.must(os.WriteFile(s.path, old, 0o600))
	s.start()
}

func TestFeedAfterARestore(t *testing.T) {
	t.Parallel()
	s, key := ticketService(t)
	s.ticket(key, "Kept")
	s.follow(key, "", func(f fed) bool { return f.has("ticket.created", "topic.created") })
	lease := s.feed(key, "consumer", "crm").Lease
	backup := s.path + ".backup"
	s.stop()
	now, err := os.ReadFile(s.path)
	s.must(err)
	s.must(os.WriteFile(backup, now, 0o600))
	s.start()
	s.ticket(key, "Undone")
	ahead := s.follow(key, "", func(f fed) bool { return f.has("ticket.created") && len(f.Data) >= 4 }).NextCursor
	s.restored(backup)
	s.do("POST", consumers+"/crm/commit", key, object{"cursor": ahead, "lease": lease, "release": true}).is(200)

	refused := s.do("GET", feed+"?after="+ahead, key, nil).is(410, "events_expired")
	if !strings.Contains(refused["detail"].(string), "restored") {
		t.Error(refused)
	}
	s.do("GET", feed+"/stream", key, nil, "Last-Event-ID", ahead).is(410, "events_expired")
	s.do("GET", feed+"?consumer=crm", key, nil).is(410, "events_expired")
	next := refused["oldestCursor"].(string)
	if page := s.feed(key, "after", next); len(page.Data) != 0 || page.HasMore {
		t.Errorf("it begins with what was read before: %+v", page)
	}
	s.ticket(key, "New")
	page := s.follow(key, next, func(f fed) bool { return f.has("ticket.created", "topic.created") })
	if types := page.types(); slices.Index(types, "ticket.created") != 0 || len(types) != 2 {
		t.Error(types)
	}
	if fresh := s.feed(key, "consumer", "crm", "after", next); len(fresh.Data) != 2 {
		t.Errorf("%+v", fresh)
	}
}

// A stream of a consumer that is cut off before anything was committed is followed by one that begins where it did.
func TestStreamOfConsumerBeginsOnce(t *testing.T) {
	t.Parallel()
	s, admin := ticketService(t)
	begin := func() *opened {
		t.Helper()
		var o *opened
		s.await("the lease is free", func() bool {
			o = s.open(admin, "?consumer=crm")
			return o.StatusCode == http.StatusOK
		})
		if _, came := s.until(o, "event: lease"); !came {
			t.Fatal("no lease")
		}
		return o
	}
	o := begin()
	s.ticket(admin, "First")
	if _, came := s.until(o, "event: ticket.created"); !came {
		t.Fatal("the first did not come")
	}
	s.must(o.Body.Close())
	s.ticket(admin, "Second")
	o = begin()
	for _, title := range []string{"First", "Second"} {
		if _, came := s.until(o, "event: ticket.created"); !came {
			t.Fatal("it ended before ", title)
		}
		if line := <-o.lines; !strings.Contains(line, title) {
			t.Errorf("not %s: %s", title, line)
		}
	}
}
