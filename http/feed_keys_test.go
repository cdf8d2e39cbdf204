package httpedge_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// Whoever reads the feed for long does so only while the key is accepted.

// opened is a stream that a client reads.
type opened struct {
	*http.Response
	lines chan string // closed when the stream ends
}

// open opens a stream of the feed.
func (s *service) open(key, params string) *opened {
	s.t.Helper()
	ctx, leave := context.WithCancel(context.Background())
	s.t.Cleanup(leave)
	req, err := http.NewRequestWithContext(ctx, "GET", s.url+feed+"/stream"+params, nil)
	s.must(err)
	req.Header.Set("Authorization", "Bearer "+key)
	res, err := s.http.Do(req)
	s.must(err)
	s.t.Cleanup(func() { _ = res.Body.Close() })
	o := &opened{Response: res, lines: make(chan string, 1000)}
	go func() {
		defer close(o.lines)
		for lines := bufio.NewScanner(res.Body); lines.Scan(); {
			o.lines <- lines.Text()
		}
	}()
	return o
}

// until reads a stream up to a line, or to its end. It returns what it has read, and whether the line came.
func (s *service) until(o *opened, line string) (all []string, came bool) {
	s.t.Helper()
	inVain := time.After(patience)
	for {
		select {
		case got, more := <-o.lines:
			if !more {
				return all, false
			}
			if all = append(all, got); got == line {
				return all, true
			}
		case <-inVain:
			s.t.Fatalf("waited in vain for %q after %q", line, all)
		}
	}
}

// keyID finds the id of a key.
func keyID(key string) string {
	id, _ := messages.APIKeyID(key)
	return id
}

func TestFeedOfAKeyThatEnds(t *testing.T) {
	s, admin := ticketService(t)
	// changed changes the record of a key, as the command line does.
	changed := func(key string, change func(*storage.APIKey)) {
		k, err := s.store.APIKey(t.Context(), keyID(key))
		s.must(err)
		change(k)
		s.must(s.store.SaveAPIKey(t.Context(), k))
	}
	ends := map[string]struct {
		end    func(key string)
		status int
		code   string
	}{
		"revoked": {func(key string) { s.do("DELETE", "/api/v1/api-keys/"+keyID(key), admin, nil).is(204) }, 401, "unauthenticated"},
		"rotated": {func(key string) {
			s.do("POST", "/api/v1/api-keys/"+keyID(key)+"/rotate", admin, object{"overlapSeconds": 0}).is(200)
		}, 401, "unauthenticated"},
		"expired": {func(key string) {
			changed(key, func(k *storage.APIKey) { k.ExpiresAt = time.Now().Add(-time.Second) })
		}, 401, "api_key_expired"},
		"without its scope": {func(key string) {
			changed(key, func(k *storage.APIKey) { k.Scopes = []string{"tickets:read"} })
		}, 403, "scope_missing"},
		"without the scope for notes": {func(key string) {
			changed(key, func(k *storage.APIKey) { k.Scopes = []string{"events:read"} })
		}, 403, "scope_missing"},
		"of another group": {func(key string) {
			changed(key, func(k *storage.APIKey) { k.GroupID = s.place(s.sales) })
		}, 401, "unauthenticated"},
	}
	// known waits until the service knows that a key has ended: what the command line does, it knows half a second later.
	known := func(key string, status int) {
		s.await("the service knows", func() bool {
			r, err := s.try("GET", feed+"?includeInternal=true&limit=1", key, nil)
			return err == nil && (r.status == status || status == 0 && r.status == 200)
		})
	}
	for name, of := range ends {
		s.run(t, "a stream whose key is "+name+" ends before the next event", func(t *testing.T) {
			key := s.key(nil, "events:read", "messages:read")
			o := s.open(key, "?includeInternal=true")
			if _, came := s.until(o, ": topicdesk"); !came {
				t.Fatal("it did not begin")
			}
			s.ticket(admin, "Before")
			if _, came := s.until(o, "event: ticket.created"); !came {
				t.Fatal("it ended early")
			}
			of.end(key)
			if name == "of another group" {
				s.await("the service knows", func() bool { return len(s.feed(key).Data) == 0 })
			} else {
				known(key, of.status)
			}
			s.do("POST", "/api/v1/tickets", admin, object{"title": "After " + name, "groupId": s.support}).is(201)
			all, _ := s.until(o, "that it ends")
			if slices.ContainsFunc(all, func(l string) bool { return strings.Contains(l, "After "+name) }) {
				t.Error("it heard of what came after:", all)
			}
		})
		s.run(t, "a request that waits while its key is "+name+" is refused", func(t *testing.T) {
			key := s.key(nil, "events:read", "messages:read")
			now := s.feed(key, "after", "now").NextCursor
			answers := make(chan *response)
			go func() {
				r, err := s.try("GET", feed+"?includeInternal=true&types=ticket.closed&consumer=waits&wait=30&after="+now, key, nil)
				if err != nil {
					t.Error(err)
				}
				answers <- r
			}()
			s.await("it waits", func() bool { // its lease says that it was let in
				_, err := s.store.Consumer(t.Context(), keyID(key), "waits")
				return err == nil
			})
			of.end(key)
			if name == "of another group" {
				s.await("the service knows", func() bool { return len(s.feed(key).Data) == 0 })
			} else {
				known(key, of.status)
			}
			s.do("POST", at(s.ticket(admin, "Closed"))+"/close", admin, object{}).is(200)
			if r := <-answers; r != nil {
				r.is(of.status, of.code)
			}
		})
	}
	s.run(t, "to look again costs a key no request", func(t *testing.T) {
		key := s.key(func(k *storage.APIKey) { k.Rate, k.Burst = 1, 3 }, "events:read")
		o := s.open(key, "")
		for range 5 {
			s.do("POST", "/api/v1/tickets", admin, object{"title": "Many", "groupId": s.support}).is(201)
			if _, came := s.until(o, "event: ticket.created"); !came {
				t.Fatal("it ended")
			}
		}
		s.do("GET", "/api/v1/me", key, nil).is(200)
	})
}

// quiet appends so many events about a ticket that does not exist to the log.
func (s *service) quiet(n int) {
	s.t.Helper()
	ticketID := fmt.Sprintf("TICK-0-%08X", nextID())
	partition := storage.PartitionOf(ticketID)
	heads, err := s.store.LogBounds(s.t.Context())
	s.must(err)
	events := make([]storage.Event, n)
	for i := range events {
		events[i] = storage.Event{EventID: fmt.Sprintf("evt_%026d", nextID()), TicketID: ticketID, Number: int64(i) + 1,
			Type: messages.EventMessageSent, Partition: partition, Position: heads[partition].Last + int64(i) + 1,
			At: time.Now(), Data: []byte(`{}`)}
	}
	for some := range slices.Chunk(events, 1000) {
		s.must(s.store.AppendEvents(s.t.Context(), some))
	}
}

func TestStreamThatSelectsNothingEndsWithItsKey(t *testing.T) {
	t.Parallel()
	stalls, reading, goOn := &atomic.Bool{}, &atomic.Int64{}, make(chan struct{})
	s := newService(t, serviceOptions{wrapStore: func(store storage.Store) storage.Store {
		return stalledLog{store, stalls, reading, goOn}
	}})
	s.register()
	admin := s.key(nil, "admin")
	before := s.feed(admin, "after", "now").NextCursor
	s.quiet(10_000) // five reads look at them
	s.restart()
	key := s.key(nil, "events:read")
	stalls.Store(true)
	began := make(chan *opened)
	go func() { began <- s.open(key, "?types=ticket.closed&after="+before) }()
	var o *opened
	for o == nil {
		select {
		case goOn <- struct{}{}:
		case o = <-began:
		}
	}
	s.do("DELETE", "/api/v1/api-keys/"+keyID(key), admin, nil).is(204)
	read := reading.Load()
	close(goOn)
	s.until(o, "that it ends")
	if more := reading.Load() - read; more > 25 { // 20 for one read
		t.Errorf("it read %d times more", more)
	}
}
