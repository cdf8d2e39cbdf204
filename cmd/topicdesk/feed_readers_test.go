package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/messages"
)

// fedEvent is an event as readers get it.
type fedEvent struct {
	ID, Type, TicketID string
	Number             int
}

// headReader follows the events in one of the ways that there are. It gets each event once or more, those of a ticket
// in order, whatever becomes of the service meanwhile.
type headReader struct {
	testing.TB
	name string

	mu      sync.Mutex
	has     map[string]int // by ticket: the newest number
	said    int            // messages
	total   int
	repeats int
}

// takes takes an event. One that is not the next of its ticket was not visible before, or was passed over.
func (r *headReader) takes(e fedEvent) {
	if e.TicketID == "" {
		return // about an endpoint
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch next := r.has[e.TicketID] + 1; {
	case e.Number > next:
		r.Errorf("%s: of %s it got event %d, not %d", r.name, e.TicketID, e.Number, next)
	case e.Number < next:
		r.repeats++
		return
	}
	r.has[e.TicketID] = e.Number
	r.total++
	if e.Type == messages.EventMessageSent {
		r.said++
	}
}

// at is how many events it has, and how many of them are messages.
func (r *headReader) at() (total, said int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.total, r.said
}

// fedPage is a page of the feed.
type fedPage struct {
	Data       []fedEvent
	NextCursor string
	Lease      string
}

// heads are readers at the head of the feed.
type heads struct {
	*hooked
	ctx   context.Context
	stop  context.CancelFunc
	group sync.WaitGroup
	all   []*headReader
}

func newHeads(h *hooked) *heads {
	ctx, stop := context.WithCancel(h.Context())
	s := &heads{hooked: h, ctx: ctx, stop: stop}
	h.Cleanup(s.leave)
	return s
}

// leave ends the readers.
func (s *heads) leave() {
	s.stop()
	s.group.Wait()
}

func (s *heads) reader(name string) *headReader {
	r := &headReader{TB: s.TB, name: name, has: map[string]int{}}
	s.all = append(s.all, r)
	return r
}

// follow repeats a step of a reader. A step reports whether the service answered.
func (s *heads) follow(step func() bool) {
	s.group.Go(func() {
		for s.ctx.Err() == nil {
			if !step() {
				s.pause()
			}
		}
	})
}

// pause waits a moment for the next process.
func (s *heads) pause() {
	select {
	case <-time.After(20 * time.Millisecond):
	case <-s.ctx.Done():
	}
}

// page reads a page of the feed. It reports whether there was a whole answer.
func (s *heads) page(params url.Values) (page fedPage, ok bool) {
	status, answer, err := s.request("GET", "/events?"+params.Encode(), nil)
	if err != nil {
		return page, false
	}
	if status != http.StatusOK {
		s.Errorf("GET /events?%s: %d %s", params.Encode(), status, answer)
		return page, false
	}
	if err := json.Unmarshal(answer, &page); err != nil || page.NextCursor == "" {
		s.Errorf("%v: %s", err, answer)
		return page, false
	}
	return page, true
}

// byCursor reads pages of up to limit events. It never gets an event twice, since it holds the cursor.
func (s *heads) byCursor(limit int) {
	r := s.reader(fmt.Sprint("cursor, pages of ", limit))
	cursor := ""
	s.follow(func() bool {
		page, ok := s.page(url.Values{"after": {cursor}, "limit": {fmt.Sprint(limit)}, "wait": {"1"}})
		if !ok {
			return false
		}
		for _, e := range page.Data {
			r.takes(e)
		}
		cursor = page.NextCursor
		return true
	})
}

// asConsumer reads pages whose cursor the service keeps, and commits some of them.
func (s *heads) asConsumer(rng *rand.Rand) {
	r := s.reader("consumer")
	lease := ""
	s.follow(func() bool {
		page, ok := s.page(url.Values{"consumer": {"crm"}, "lease": {lease}, "limit": {"20"}, "wait": {"1"}})
		if !ok {
			return false
		}
		lease = page.Lease
		for _, e := range page.Data {
			r.takes(e)
		}
		if rng.IntN(4) == 0 {
			return true // as one that crashed
		}
		status, answer, err := s.request("POST", "/events/consumers/crm/commit",
			map[string]any{"cursor": page.NextCursor, "lease": lease})
		if err == nil && status != http.StatusOK {
			s.Errorf("commit: %d %s", status, answer)
		}
		return err == nil
	})
}

// byStream follows server-sent events. It goes on after its newest id when the connection ends.
func (s *heads) byStream(from string) {
	r := s.reader("stream")
	s.follow(func() bool {
		req, err := http.NewRequestWithContext(s.ctx, "GET", "http://"+s.addr+"/api/v1/events/stream", nil)
		if err != nil {
			s.Error(err)
			return false
		}
		req.Header.Set("Authorization", "Bearer "+s.key)
		req.Header.Set("Last-Event-ID", from)
		res, err := s.client.Do(req)
		if err != nil {
			return false
		}
		defer func() { _ = res.Body.Close() }()
		if res.StatusCode != http.StatusOK {
			s.Error("stream: ", res.Status)
			return false
		}
		id, data := "", ""
		for lines := bufio.NewScanner(res.Body); lines.Scan(); {
			line := lines.Text()
			switch {
			case strings.HasPrefix(line, "id: "):
				id = line[len("id: "):]
			case strings.HasPrefix(line, "data: "):
				data = line[len("data: "):]
			case line == "" && data != "":
				var e fedEvent
				if err := json.Unmarshal([]byte(data), &e); err != nil {
					s.Errorf("stream: %v: %s", err, data)
				}
				r.takes(e)
				if id != "" {
					from = id
				}
				id, data = "", ""
			}
		}
		return false
	})
}

// byWebhook hears events at an endpoint, of which it refuses some at random.
func (s *heads) byWebhook(rng *rand.Rand) {
	r := s.reader("webhook")
	var mu sync.Mutex
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		var e fedEvent
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return
		}
		if err := json.Unmarshal(body, &e); err != nil {
			s.Errorf("webhook: %v: %s", err, body)
		}
		mu.Lock()
		refused := rng.IntN(20) == 0
		mu.Unlock()
		if refused {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		r.takes(e)
	}))
	s.Cleanup(server.Close)
	s.hook(map[string]any{"url": server.URL, "schedule": slices.Repeat([]float64{0.1}, 30)})
}
