package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/topicdesk/topicdesk/simulator"
)

// TestNoHoleForAnyReader has readers of all kinds at the head of the feed while many tickets write, partitions of the
// log stall, and the service is killed, or stopped, and started again. No reader ever passes an event that becomes
// visible later: the next event that it gets of a ticket has the next number. In the end each reader has all events.
func TestNoHoleForAnyReader(t *testing.T) {
	if testing.Short() {
		t.Skip("long: kills processes")
	}
	t.Parallel()
	tickets, each, ends := 12, 20, 3
	if long() {
		tickets, each, ends = 40, 100, 12
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 4))
	h := newHooked(t, childStallEnv, "1")
	h.begin()
	h.register()
	s := newHeads(h)
	s.byCursor(3)
	s.byCursor(1000)
	s.asConsumer(rand.New(rand.NewPCG(seed, 5)))
	s.byStream(h.feedHead())
	s.byWebhook(rand.New(rand.NewPCG(seed, 6)))
	w := &writers{heads: s}
	t.Cleanup(s.explain)
	for i := range tickets {
		w.open(i)
	}
	h.soonTrue("every reader has begun", s.least, func() bool { return s.least() > 0 })

	for i, ticket := range w.tickets {
		w.group.Go(func() { w.write(ticket, 0, each, rand.New(rand.NewPCG(seed, 100+uint64(i)))) })
	}
	var at []int
	for range ends {
		at = append(at, rng.IntN(tickets*each))
	}
	slices.Sort(at)
	kills := 0
	for i, at := range at {
		h.soonTrue("messages are written", func() int { return int(w.written.Load()) },
			func() bool { return int(w.written.Load()) >= at })
		if i == 0 || rng.IntN(3) > 0 {
			h.process.kill()
			kills++
		} else {
			h.end()
		}
		h.begin()
	}
	w.group.Wait()
	h.soonTrue("every reader has every message", s.least, func() bool { return s.leastSaid() >= tickets*each })
	want := w.numbers()
	for _, r := range s.all {
		h.soonTrue(r.name+" has every event", func() int { total, _ := r.at(); return total }, func() bool {
			r.mu.Lock()
			defer r.mu.Unlock()
			for ticket, n := range want {
				if r.has[ticket] < n {
					return false
				}
			}
			return true
		})
		total, said := r.at()
		t.Logf("%s: %d events, %d of them messages, %d repeats", r.name, total, said, r.repeats)
		if said != tickets*each {
			t.Errorf("%s has %d messages of %d", r.name, said, tickets*each)
		}
		if r.repeats > 0 && r.name[:6] == "cursor" {
			t.Errorf("%s: a cursor gave events again", r.name)
		}
	}
	t.Logf("%d tickets, %d messages, %d kills, %d stops", tickets, tickets*each, kills, ends-kills)
	s.leave()
	h.end()
}

// register makes Support a group in which tickets may be opened.
func (h *hooked) register() {
	h.Helper()
	h.addBot()
	h.say(h.alice, h.support, 0, "/register")
	h.soonTrue("the group is registered", func() int { return 0 }, func() bool {
		var group struct{ SupportTopicsEnabled bool }
		status, answer, err := h.request("GET", fmt.Sprint("/groups/", h.support), nil)
		h.must(err)
		return status == http.StatusOK && json.Unmarshal(answer, &group) == nil && group.SupportTopicsEnabled
	})
}

// feedHead is the cursor of now.
func (h *hooked) feedHead() string {
	h.Helper()
	var page fedPage
	h.call("GET", "/events?after=now", nil, &page)
	return page.NextCursor
}

// least is how many events the reader has that has the fewest.
func (s *heads) least() int {
	least := -1
	for _, r := range s.all {
		if total, _ := r.at(); least < 0 || total < least {
			least = total
		}
	}
	return least
}

func (s *heads) leastSaid() int {
	least := -1
	for _, r := range s.all {
		if _, said := r.at(); least < 0 || said < least {
			least = said
		}
	}
	return least
}

// writers write in tickets, by the API and as people in Telegram.
type writers struct {
	*heads
	group   sync.WaitGroup
	tickets []writtenTicket
	written atomic.Int64
}

type writtenTicket struct {
	TicketID string
	Topic    struct{ TelegramTopicID int }
}

// open opens a ticket.
func (w *writers) open(i int) {
	w.Helper()
	var made writtenTicket
	body := map[string]any{"title": fmt.Sprint("Ticket ", i), "groupId": w.support}
	w.call("POST", "/tickets", body, &made, "Prefer", "wait=30")
	if made.Topic.TelegramTopicID == 0 {
		w.Fatalf("%+v", made)
	}
	w.tickets = append(w.tickets, made)
}

// explain says, after a failure, who has how much.
func (s *heads) explain() {
	if !s.Failed() {
		return
	}
	for _, r := range s.all {
		total, said := r.at()
		s.Logf("%s: %d events, %d of them messages", r.name, total, said)
	}
}

// write writes n messages in a ticket, one after the other, of which there are some already.
func (w *writers) write(ticket writtenTicket, some, n int, rng *rand.Rand) {
	for i := range n {
		text := fmt.Sprintf("message %d of %s", some+i, ticket.TicketID)
		if rng.IntN(2) == 0 {
			p := simulator.Post{From: w.alice, Chat: w.support, Thread: ticket.Topic.TelegramTopicID, Text: text}
			if _, err := w.sim.Post(p); err != nil {
				w.Error(err)
			}
		} else {
			w.post("/tickets/"+ticket.TicketID+"/messages", map[string]any{"text": text}, text)
		}
		w.written.Add(1)
	}
}

// post posts until there is an answer.
func (w *writers) post(path string, body any, key string) {
	for w.ctx.Err() == nil {
		status, answer, err := w.request("POST", path, body, "Idempotency-Key", url.QueryEscape(key))
		switch {
		case err != nil, status == http.StatusServiceUnavailable, // it is gone
			status == http.StatusConflict: // the request before is under way
			w.pause()
		case status/100 == 2:
			return
		default:
			w.Errorf("%s: %d %s", path, status, answer)
			return
		}
	}
}

// numbers are how many events each ticket has, as its own list says.
func (w *writers) numbers() map[string]int {
	w.Helper()
	all := map[string]int{}
	for _, ticket := range w.tickets {
		for cursor := ""; ; {
			var page struct {
				Data       []fedEvent
				NextCursor string
			}
			w.call("GET", "/tickets/"+ticket.TicketID+"/events?limit=100&cursor="+url.QueryEscape(cursor), nil, &page)
			all[ticket.TicketID] += len(page.Data)
			if cursor = page.NextCursor; cursor == "" {
				break
			}
		}
	}
	return all
}
