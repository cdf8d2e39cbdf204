package httpedge_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/simulator"
	"github.com/topicdesk/topicdesk/storage"
)

const feed = "/api/v1/events"

// fed is a page of the feed.
type fed struct {
	Data []struct {
		ID, Type string
		TicketID *string
		Number   *int64
		Data     map[string]any
	}
	NextCursor string
	HasMore    bool
	Lease      string
}

func (s *service) feed(key string, params ...string) (page fed) {
	s.t.Helper()
	q := url.Values{}
	for i := 0; i < len(params); i += 2 {
		q.Set(params[i], params[i+1])
	}
	r := s.do("GET", feed+"?"+q.Encode(), key, nil)
	r.is(200)
	s.must(json.Unmarshal(r.body, &page))
	return page
}

// follow reads the feed from a cursor on until it has what cond waits for.
func (s *service) follow(key, after string, cond func(fed) bool, params ...string) (all fed) {
	s.t.Helper()
	all.NextCursor = after
	s.await("the feed", func() bool {
		page := s.feed(key, append(params, "after", all.NextCursor)...)
		if page.NextCursor == "" {
			s.t.Fatal("no cursor")
		}
		all.Data, all.NextCursor, all.HasMore = append(all.Data, page.Data...), page.NextCursor, page.HasMore
		return cond(all)
	})
	return all
}

func (f fed) types() (types []string) {
	for _, e := range f.Data {
		types = append(types, e.Type)
	}
	return types
}

func (f fed) has(types ...string) bool {
	return !slices.ContainsFunc(types, func(t string) bool { return !slices.Contains(f.types(), t) })
}

func TestFeed(t *testing.T) {
	t.Parallel()
	s, key := ticketService(t)
	ticket := s.ticket(key, "Fed")
	opened := func(f fed) bool { return f.has("ticket.created", "topic.created") }
	s.run(t, "from the oldest, page by page, each once", func(t *testing.T) {
		all := s.follow(key, "", opened)
		var again []string
		for cursor, more := "", true; more; {
			page := s.feed(key, "limit", "1", "after", cursor)
			if len(page.Data) > 1 {
				t.Fatalf("%d events", len(page.Data))
			}
			again, cursor, more = append(again, page.types()...), page.NextCursor, page.HasMore
		}
		if fmt.Sprint(again) != fmt.Sprint(all.types()) {
			t.Errorf("%v, page by page %v", all.types(), again)
		}
		for i, e := range all.Data {
			if *e.TicketID != ticket["ticketId"] || *e.Number != int64(i+1) {
				t.Errorf("event %d is %+v", i, e)
			}
		}
	})
	s.run(t, "a request waits, and is answered as soon as something happens", func(t *testing.T) {
		now := s.feed(key, "after", "now").NextCursor
		if p := s.feed(key, "after", now, "wait", "1"); len(p.Data) != 0 || p.HasMore || p.NextCursor == "" {
			t.Errorf("%+v", p)
		}
		answers := make(chan fed)
		go func() { answers <- s.feed(key, "after", now, "wait", "30", "types", "message.sent") }()
		began := time.Now()
		_, err := s.sim.Post(simulator.Post{From: s.ann, Chat: s.support, Thread: thread(ticket), Text: "Hello"})
		s.must(err)
		if p := <-answers; len(p.Data) != 1 || time.Since(began) > 28*time.Second {
			t.Errorf("%+v after %v", p, time.Since(began))
		}
	})
	s.run(t, "by type, pattern and ticket", func(t *testing.T) {
		other := s.ticket(key, "Other")
		s.follow(key, "", func(f fed) bool { return len(f.Data) >= 5 })
		p := s.follow(key, "", func(f fed) bool { return f.has("ticket.created") }, "types", "ticket.*", "ticketId", other["ticketId"].(string))
		if fmt.Sprint(p.types()) != "[ticket.created]" || *p.Data[0].TicketID != other["ticketId"] {
			t.Errorf("%+v", p.Data)
		}
		if p := s.feed(key, "order", "newest", "limit", "1", "types", "ticket.created"); len(p.Data) != 1 || *p.Data[0].TicketID != other["ticketId"] {
			t.Errorf("%+v", p.Data)
		}
	})
	s.run(t, "a key sees its group, and internal notes only if it asks", func(t *testing.T) {
		_, err := s.sim.Post(simulator.Post{From: s.ann, Chat: s.support, Thread: thread(ticket), Text: "// hidden"})
		s.must(err)
		note := func(f fed) bool {
			return slices.ContainsFunc(f.Data, func(e struct {
				ID, Type string
				TicketID *string
				Number   *int64
				Data     map[string]any
			}) bool {
				return strings.Contains(fmt.Sprint(e.Data), "hidden")
			})
		}
		s.follow(key, "", note, "includeInternal", "true")
		if p := s.feed(key, "limit", "1000"); note(p) {
			t.Error("the note is shown")
		}
		if p := s.feed(s.key(of(s.place(s.sales)), "admin"), "limit", "1000"); len(p.Data) > 0 {
			t.Errorf("a key of another group sees %v", p.types())
		}
		s.do("GET", feed+"?includeInternal=true", s.key(nil, "events:read"), nil).is(403, "scope_missing")
	})
	s.run(t, "what is deleted is not passed over in silence", func(t *testing.T) {
		oldest := s.feed(key, "limit", "1").NextCursor
		partition := storage.PartitionOf(ticket["ticketId"].(string))
		n, err := s.store.DeleteEvents(t.Context(), partition, time.Now().Add(time.Hour), math.MaxInt32)
		if err != nil || n == 0 {
			t.Fatal(n, err)
		}
		s.restart() // the newest events are in memory, too
		p := s.do("GET", feed+"?after="+oldest, key, nil).is(410, "events_expired")
		if next := s.feed(key, "after", p["oldestCursor"].(string)); len(next.Data) == 0 {
			t.Error("nothing after the oldest cursor")
		}
		s.do("GET", feed+"/stream?after="+oldest, key, nil).is(410, "events_expired")
	})
}

// sse reads a stream of events until stop. It returns the types and the last id.
func (s *service) sse(key, lastID string, until func(types []string) bool) (types []string, id string) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), "GET", s.url+feed+"/stream", nil)
	s.must(err)
	req.Header.Set("Authorization", "Bearer "+key)
	if lastID != "" {
		req.Header.Set("Last-Event-ID", lastID)
	}
	res, err := s.http.Do(req)
	s.must(err)
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/event-stream" {
		s.t.Fatal(res.Status, res.Header)
	}
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		line := lines.Text()
		if v, ok := strings.CutPrefix(line, "id: "); ok {
			id = v
		}
		if v, ok := strings.CutPrefix(line, "event: "); ok {
			types = append(types, v)
		}
		if line == "" && until(types) {
			return types, id
		}
	}
	s.t.Fatal("the stream ended after", types)
	return nil, ""
}

func TestFeedStream(t *testing.T) {
	t.Parallel()
	s, key := ticketService(t)
	first := s.feed(key, "after", "now").NextCursor
	done := make(chan []string)
	go func() {
		types, _ := s.sse(key, first, func(types []string) bool { return slices.Contains(types, "topic.created") })
		done <- types
	}()
	ticket := s.ticket(key, "Streamed")
	if types := <-done; types[0] != "ticket.created" {
		t.Error(types)
	}
	_, id := s.sse(key, first, func(types []string) bool { return slices.Contains(types, "topic.created") })
	_, err := s.sim.Post(simulator.Post{From: s.ann, Chat: s.support, Thread: thread(ticket), Text: "Hello"})
	s.must(err)
	s.restart()
	types, _ := s.sse(key, id, func(types []string) bool { return slices.Contains(types, "message.sent") })
	if slices.Contains(types, "ticket.created") {
		t.Error("it begins anew:", types)
	}
}

// TestNoHoleInTheFeed has readers at the head while many tickets write and the service restarts. No reader ever passes an
// event that becomes visible later.
func TestNoHoleInTheFeed(t *testing.T) {
	t.Parallel()
	s, key := ticketService(t)
	const tickets, rounds, each = 12, 3, 8
	paths := make([]string, tickets)
	for i := range paths {
		paths[i] = at(s.ticket(key, fmt.Sprint("Ticket ", i)))
	}
	type reader struct {
		cursor string
		limit  int
		seen   map[string]int64
	}
	readers := []*reader{}
	for _, limit := range []int{1, 7, 1000} {
		readers = append(readers, &reader{limit: limit, seen: map[string]int64{}})
	}
	read := func(r *reader) (more bool) {
		page := s.feed(key, "after", r.cursor, "limit", fmt.Sprint(r.limit))
		for _, e := range page.Data {
			if next := r.seen[*e.TicketID] + 1; *e.Number != next {
				t.Errorf("a reader of pages of %d got event %d of %s, not %d", r.limit, *e.Number, *e.TicketID, next)
			}
			r.seen[*e.TicketID] = *e.Number
		}
		r.cursor = page.NextCursor
		return page.HasMore
	}
	for round := range rounds {
		var writers, heads sync.WaitGroup
		stop := make(chan struct{})
		for _, r := range readers {
			heads.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
						read(r)
					}
				}
			})
		}
		for i, path := range paths {
			writers.Go(func() {
				for n := range each {
					s.do("POST", path+"/messages", key, map[string]any{"text": fmt.Sprint(round, i, n)}).is(202)
				}
			})
		}
		writers.Wait()
		close(stop)
		heads.Wait()
		if round < rounds-1 {
			s.restart()
		}
	}
	s.await("every message is in the feed", func() bool {
		for read(readers[2]) {
		}
		total := int64(0)
		for _, n := range readers[2].seen {
			total += n
		}
		return total >= tickets*(2+rounds*each)
	})
	for _, r := range readers {
		for read(r) {
		}
		if fmt.Sprint(r.seen) != fmt.Sprint(readers[2].seen) {
			t.Errorf("a reader of pages of %d has %v, another %v", r.limit, r.seen, readers[2].seen)
		}
	}
}
