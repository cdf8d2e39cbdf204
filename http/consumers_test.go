package httpedge_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/storage"
)

const consumers = feed + "/consumers"

func addConsumers() {
	// committing is a request to commit what a fresh consumer was given. The same key reads and commits.
	committing := func(s *service, change func(body object)) request {
		key := s.key(nil, "events:read")
		page := s.feed(key, "consumer", "crm")
		body := object{"cursor": page.NextCursor, "lease": page.Lease}
		if change != nil {
			change(body)
		}
		return request{path: consumers + "/crm/commit", token: key, body: body}
	}
	with := func(name string, value any) func(*service) request {
		return func(s *service) request { return committing(s, func(body object) { body[name] = value }) }
	}
	operationTests["commitConsumer"] = operationTest{
		good: func(s *service) request { return committing(s, nil) },
		check: func(t *testing.T, _ *service, r *response) {
			if c := r.is(200); c["name"] != "crm" || c["cursor"] == "" || c["lease"] == "" {
				t.Error(c)
			}
		},
		missing: func(s *service) request {
			r := committing(s, nil)
			r.path = consumers + "/other/commit"
			return r
		},
		hidden: func(s *service) request { // the consumer of another key
			r := committing(s, nil)
			r.token = s.bound(s.sales)
			return r
		},
		invalid: map[string]func(*service) request{
			"#/cursor": with("cursor", "nonsense"), "#/cursor ": with("cursor", "now"), "#/lease": with("lease", ""),
			"#/release": with("release", "yes"),
			"name": func(s *service) request {
				r := committing(s, nil)
				r.path = consumers + "/a%20b/commit"
				return r
			},
		},
		refused: map[string]func(*service) request{"consumer_leased": with("lease", "another")},
	}
}

func addConsumerLists() {
	reading := func(s *service, name string) string {
		key := s.key(nil, "events:read")
		s.feed(key, "consumer", name)
		return key
	}
	operationTests["listConsumers"] = operationTest{
		good: func(s *service) request { return request{path: consumers, token: reading(s, "crm")} },
		check: func(t *testing.T, _ *service, r *response) {
			list := r.is(200)["data"].([]any)
			if len(list) != 1 || list[0].(object)["name"] != "crm" || list[0].(object)["cursor"] != nil || strings.Contains(string(r.body), `"lease"`) {
				t.Errorf("%s", r.body)
			}
		},
		invalid: map[string]func(*service) request{
			"limit":  func(s *service) request { return request{path: consumers + "?limit=0"} },
			"cursor": func(s *service) request { return request{path: consumers + "?cursor=x"} },
		},
	}
	operationTests["deleteConsumer"] = operationTest{
		good: func(s *service) request { return request{path: consumers + "/crm", token: reading(s, "crm")} },
		missing: func(s *service) request {
			return request{path: consumers + "/other", token: reading(s, "crm")}
		},
		hidden: func(s *service) request { // the consumer of another key
			reading(s, "crm")
			return request{path: consumers + "/crm", token: s.bound(s.sales)}
		},
		invalid: map[string]func(*service) request{
			"name": func(s *service) request { return request{path: consumers + "/a%20b"} },
		},
	}
}

// consumers is a new key that has n consumers.
func (s *service) consumers(n int) string {
	s.t.Helper()
	key := s.key(nil, "events:read")
	for i := range n {
		c := &storage.Consumer{KeyID: keyID(key), Name: fmt.Sprintf("c%03d", i), UpdatedAt: time.Now()}
		s.must(s.store.SaveConsumer(s.t.Context(), c))
	}
	return key
}

func TestConsumersPerKey(t *testing.T) {
	s := newService(t, serviceOptions{})
	key := s.consumers(99)
	s.feed(key, "consumer", "c099")
	p := s.do("GET", feed+"?consumer=more", key, nil).is(409, "consumer_limit")
	if !strings.Contains(p["detail"].(string), "Delete") {
		t.Error(p)
	}
	s.do("GET", feed+"/stream?consumer=more", key, nil).is(409, "consumer_limit")
	s.feed(s.key(nil, "events:read"), "consumer", "more")
	var names []string
	for cursor := any(""); cursor != nil; {
		page := s.do("GET", consumers+"?limit=30&cursor="+fmt.Sprint(cursor), key, nil).is(200)
		for _, c := range page["data"].([]any) {
			names = append(names, c.(object)["name"].(string))
		}
		cursor = page["nextCursor"]
	}
	if len(names) != 100 || names[0] != "c000" || names[99] != "c099" {
		t.Error(names)
	}
	s.do("DELETE", consumers+"/c007", key, nil).is(204)
	s.do("DELETE", consumers+"/c007", key, nil).is(404)
	s.feed(key, "consumer", "more")
	s.do("GET", feed+"?consumer=c007", key, nil).is(409, "consumer_limit")
}

func TestConsumersOfTheFeed(t *testing.T) {
	s, key := ticketService(t)
	ticket := s.ticket(key, "Consumed")
	s.follow(key, "", func(f fed) bool { return f.has("ticket.created", "topic.created") })
	commit := func(name string, body object) *response {
		return s.do("POST", consumers+"/"+name+"/commit", key, body)
	}
	s.run(t, "the service keeps the cursor, and what is not committed comes again", func(t *testing.T) {
		first := s.feed(key, "consumer", "kept", "limit", "1")
		if len(first.Data) != 1 || first.Lease == "" {
			t.Fatalf("%+v", first)
		}
		again := s.feed(key, "consumer", "kept", "limit", "1", "lease", first.Lease)
		if len(again.Data) != 1 || again.Data[0].ID != first.Data[0].ID || again.Lease != first.Lease {
			t.Errorf("%+v, then %+v", first, again)
		}
		ahead := s.feed(key, "consumer", "kept", "limit", "1", "lease", first.Lease, "after", first.NextCursor)
		if len(ahead.Data) != 1 || ahead.Data[0].ID == first.Data[0].ID {
			t.Errorf("%+v, then %+v", first, ahead)
		}
		done := commit("kept", object{"cursor": first.NextCursor, "lease": first.Lease, "release": true}).is(200)
		if done["cursor"] != first.NextCursor || done["lease"] != first.Lease {
			t.Error(done)
		}
		s.restart()
		if next := s.feed(key, "consumer", "kept", "limit", "1"); len(next.Data) != 1 || next.Data[0].ID != ahead.Data[0].ID {
			t.Errorf("%+v, want %+v", next, ahead)
		}
	})
	s.run(t, "of pollers that race one reads, and the others hear when to come again", func(t *testing.T) {
		var all sync.WaitGroup
		answers := make(chan *response, 8)
		for range cap(answers) {
			all.Go(func() {
				r, err := s.try("GET", feed+"?consumer=raced", key, nil)
				if err != nil {
					t.Error(err)
					return
				}
				answers <- r
			})
		}
		all.Wait()
		close(answers)
		readers := 0
		for r := range answers {
			if r.status == 200 {
				readers++
				continue
			}
			r.is(409, "consumer_leased")
			if wait, err := strconv.Atoi(r.header.Get("Retry-After")); err != nil || wait < 1 || wait > 60 {
				t.Error(r.header)
			}
		}
		if readers != 1 {
			t.Errorf("%d read", readers)
		}
	})
	s.run(t, "who is late neither reads on nor commits", func(t *testing.T) {
		late := s.feed(key, "consumer", "late")
		commit("late", object{"cursor": late.NextCursor, "lease": late.Lease, "release": true}).is(200)
		next := s.feed(key, "consumer", "late")
		s.do("GET", feed+"?consumer=late&lease="+late.Lease, key, nil).is(409, "consumer_leased")
		commit("late", object{"cursor": late.NextCursor, "lease": late.Lease}).is(409, "consumer_leased")
		commit("late", object{"cursor": next.NextCursor, "lease": next.Lease}).is(200)
	})
	s.run(t, "a request that is refused keeps nobody out", func(t *testing.T) {
		s.do("GET", feed+"?consumer=refused&after=nonsense", key, nil).is(422, "invalid")
		s.do("GET", feed+"?consumer=refused&order=newest", key, nil).is(422, "invalid")
		s.feed(key, "consumer", "refused")
	})
	s.run(t, "each key has consumers of its own", func(t *testing.T) {
		s.feed(key, "consumer", "shared")
		other := s.feed(s.key(nil, "events:read"), "consumer", "shared")
		commit("shared", object{"cursor": other.NextCursor, "lease": other.Lease}).is(409, "consumer_leased")
	})
	s.run(t, "many workers take turns, and each event is dealt with once", func(t *testing.T) {
		for n := range 10 {
			s.do("POST", at(ticket)+"/messages", key, object{"text": fmt.Sprint("Message ", n)}).is(202)
		}
		s.follow(key, "", func(f fed) bool { return len(f.Data) >= 12 })
		var mu sync.Mutex
		var numbers []int64
		var workers sync.WaitGroup
		work := func() (more bool) {
			r, err := s.try("GET", feed+"?consumer=shift&limit=2", key, nil)
			if err != nil || r.status == 409 {
				return err == nil
			}
			var page fed
			if err := json.Unmarshal(r.body, &page); err != nil {
				t.Error(err)
				return false
			}
			mu.Lock()
			for _, e := range page.Data {
				numbers = append(numbers, *e.Number)
			}
			mu.Unlock()
			r, err = s.try("POST", consumers+"/shift/commit", key, object{"cursor": page.NextCursor, "lease": page.Lease, "release": true})
			if err != nil || r.status != 200 {
				t.Error(err, r)
				return false
			}
			return len(page.Data) > 0
		}
		for range 4 {
			workers.Go(func() {
				for work() {
				}
			})
		}
		workers.Wait()
		for i, n := range numbers {
			if n != int64(i+1) {
				t.Fatal("out of order, or twice:", numbers)
			}
		}
		if len(numbers) < 12 {
			t.Error(numbers)
		}
	})
}

func TestConsumerOfAStream(t *testing.T) {
	s, key := ticketService(t)
	s.ticket(key, "Streamed")
	s.follow(key, "", func(f fed) bool { return f.has("ticket.created", "topic.created") })
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	req, err := http.NewRequestWithContext(ctx, "GET", s.url+feed+"/stream?consumer=live", nil)
	s.must(err)
	req.Header.Set("Authorization", "Bearer "+key)
	// Nothing is committed yet, so the stream begins with now; after a cursor it begins there.
	first := s.feed(key, "limit", "1")
	req.URL.RawQuery += "&after=" + first.NextCursor
	res, err := s.http.Do(req)
	s.must(err)
	defer func() { _ = res.Body.Close() }()
	var lease struct{ Consumer, Lease string }
	var id, event string
	for lines := bufio.NewScanner(res.Body); id == "" && lines.Scan(); {
		line := lines.Text()
		if v, ok := strings.CutPrefix(line, "event: "); ok {
			event = v
		}
		if v, ok := strings.CutPrefix(line, "data: "); ok && event == "lease" {
			s.must(json.Unmarshal([]byte(v), &lease))
		}
		if v, ok := strings.CutPrefix(line, "id: "); ok {
			id = v
		}
	}
	if lease.Consumer != "live" || lease.Lease == "" || id == "" {
		t.Fatalf("%+v, id %q", lease, id)
	}
	s.do("GET", feed+"?consumer=live", key, nil).is(409, "consumer_leased")
	s.do("GET", feed+"/stream?consumer=live", key, nil).is(409, "consumer_leased")
	s.do("POST", consumers+"/live/commit", key, object{"cursor": id, "lease": lease.Lease}).is(200)
	leave()
	// The service notices that the client has gone when it writes: something has to happen.
	s.await("the lease ends with the stream", func() bool {
		s.do("POST", "/api/v1/tickets", key, object{"title": "Again", "groupId": s.support}).is(201)
		r := s.do("GET", feed+"?consumer=live&limit=1", key, nil)
		return r.status == 200
	})
}
