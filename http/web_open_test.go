package httpedge_test

import (
	"bufio"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
	"github.com/topicdesk/topicdesk/storage"
)

// TestWebOpenPages: 200 open pages take little memory, the browsers' in this process counted, and on a busy desk they are told of
// changes so seldom together that what they ask for leaves room for messages. bench web measures both.
func TestWebOpenPages(t *testing.T) {
	const pages, perSecond, atOnce = 200, 10 + 20, 2 * 10
	s := newService(t, serviceOptions{})
	s.register()
	ticket := s.opened(s.ann, s.support, "Printer is on fire")
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc + m.StackInuse)
	}
	before := heap()
	var words atomic.Int64
	var reading sync.WaitGroup
	var open []io.Reader
	for i := range pages {
		v := s.signedInAs(int64(800_000+i), s.support)
		path := "/stream"
		if i%2 == 1 {
			path = "/tickets/" + ticket.TicketID + "/stream"
		}
		open = append(open, v.listen(path))
	}
	if grown := heap() - before; grown > 40<<20 {
		t.Errorf("%d pages take %d kB", pages, grown>>10)
	} else {
		t.Logf("%d pages take %d kB, with their browsers", pages, grown>>10)
	}
	heard := make([]atomic.Bool, pages)
	for i, stream := range open {
		reading.Go(func() {
			for lines := bufio.NewScanner(stream); lines.Scan(); {
				if strings.HasPrefix(lines.Text(), "event: changed") {
					words.Add(1)
					heard[i].Store(true)
				}
			}
		})
	}
	began := time.Now()
	posted := 0
	s.await("each page hears of it", func() bool {
		_, err := s.sim.Post(simulator.Post{From: s.ann, Chat: s.support, Thread: int(ticket.Home.TelegramTopicID), Text: fmt.Sprint("flame ", posted)})
		s.must(err)
		posted++
		for i := range heard {
			if !heard[i].Load() {
				return false
			}
		}
		return true
	})
	told, most := words.Load(), int64(time.Since(began).Seconds()*perSecond)+atOnce+2
	if t.Logf("%d messages, %d words in %v", posted, told, time.Since(began)); told > most {
		t.Errorf("%d words, at most %d", told, most)
	}
	s.stop()
	reading.Wait()
}

// signedInAs makes somebody who belongs to a group and is signed in already.
func (s *service) signedInAs(id, group int64) *visitor {
	s.t.Helper()
	_, err := s.sim.AddPerson(simulator.Person{ID: id, FirstName: fmt.Sprint("Reader ", id)})
	s.must(err)
	secret, now := fmt.Sprintf("READER%020d", id), time.Now()
	u := &storage.User{TelegramID: id, FirstName: "Reader", CreatedAt: now, UpdatedAt: now,
		WebSessions: []storage.WebSecret{{Hash: messages.HashWebSecret(secret), CreatedAt: now, ExpiresAt: now.Add(time.Hour)}}}
	s.must(s.store.SaveUser(s.t.Context(), u))
	s.must(s.sim.SetMember(group, id, simulator.Member)) // the desk hears of them, and reads the record
	return &visitor{s: s, cookie: fmt.Sprintf("topicdesk=%d.%s", id, secret)}
}
