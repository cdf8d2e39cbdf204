package mongotest_test

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/actors/etcdtest"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/storage/mongodb"
)

const (
	// wakeRate is how many entities the sweep wakes in a second at most: 10 and a pause of 10 ms.
	wakeRate = 1000
	// readyWithin is how long a start may take.
	readyWithin = 5 * time.Second
	// loadedTogether is how many tickets are written with one command, which has 5 s.
	loadedTogether, loadedAtOnce = 100, 4
)

var wokenTickets = regexp.MustCompile(`(?m)^topicdesk_sweep_woken_total\{kind="ticket"\} (\d+)$`)

// TestStartWithManyOpenTickets: over MongoDB, too, a start does not take longer because many tickets are open, alone or as a node of a
// cluster, and those that owe something are woken at a bounded rate, each once. FerretDB reads all of a table for what it is asked, so
// that many are on a real server only: 100,000 in the long form.
func TestStartWithManyOpenTickets(t *testing.T) { // not parallel: it measures
	tickets := 100
	switch {
	case realURI() != "" && long():
		tickets = 100_000
	case realURI() != "":
		tickets = 10_000
	}
	owe := min(tickets/10, 1000) // to wake one takes eight calls of the store, so many more are a test of the server
	s := newService(t)
	h := newHeart(t, s.server.URI())
	store := s.opener.open(t, s.database)
	began := time.Now()
	loadOpen(t, store, []string{messages.GroupPlace(s.support), messages.GroupPlace(s.works)}, tickets, owe)
	t.Logf("%d open tickets are written in %v", tickets, rounded(time.Since(began)))

	began = time.Now()
	s.start()
	s.readyIn(h, began)
	woken, looked := 0, time.Duration(0)
	s.await("all that owe something are woken", func() bool {
		match := wokenTickets.FindStringSubmatch(s.metrics())
		if match == nil {
			return false
		}
		woken, _ = strconv.Atoi(match[1])
		if looked = time.Since(began); woken > int(looked.Seconds()*wakeRate)+50 {
			t.Fatalf("%d are woken after %v", woken, looked)
		}
		return woken >= owe
	})
	t.Logf("all %d that owe something are woken after %v", owe, rounded(looked))
	s.await("they are settled", func() bool {
		due, err := store.DueTickets(t.Context(), time.Now(), storage.Due{}, 1)
		return err == nil && len(due) == 0
	})
	if match := wokenTickets.FindStringSubmatch(s.metrics()); match == nil || match[1] != strconv.Itoa(owe) {
		t.Errorf("%d owed something, and woken are %q", owe, match)
	}
	s.kill()

	t.Run("as a node of a cluster", func(t *testing.T) {
		etcd := etcdtest.Start(t)
		peers := "127.0.0.1:" + freePort(t, place{peers: "127.0.0.1"})
		s.env = append(s.env, "CLUSTER_PROVIDER=etcd", "CLUSTER_ADDR="+peers, "ETCD_ENDPOINTS="+etcd.URL, "CLUSTER_INSECURE=true",
			"SECRETS_KEY="+strings.Repeat("k", 32), "FILES_URL=file://"+t.TempDir()+"?shared=true")
		began := time.Now()
		s.start()
		defer s.kill()
		s.readyIn(h, began)
	})
}

// readyIn waits until the service is ready, which it is soon after it began to start.
func (s *service) readyIn(h *heart, began time.Time) {
	s.Helper()
	s.await("ready", func() bool { return s.status("/readyz") == http.StatusOK })
	took := time.Since(began)
	s.Logf("ready after %v", rounded(took))
	if most := loosely(readyWithin, h.longest(began)); took > most {
		s.Errorf("ready after %v, more than %v", took, most)
	}
}

// metrics are those of the service; "": it does not answer.
func (s *service) metrics() string {
	answer, err := readiness.Get("http://" + s.addr + "/metrics")
	if err != nil {
		return ""
	}
	defer func() { _ = answer.Body.Close() }()
	text, _ := io.ReadAll(answer.Body)
	return string(text)
}

// loadOpen writes open tickets, each with an answer that is due in an hour. Some say that they owe something, evenly among them.
func loadOpen(t *testing.T, store *mongodb.Store, groups []string, tickets, owe int) {
	t.Helper()
	begin := time.Now().UTC().Truncate(time.Millisecond).Add(time.Hour)
	var next atomic.Int64
	var writers sync.WaitGroup
	for range loadedAtOnce {
		writers.Go(func() {
			for !t.Failed() {
				last := int(next.Add(loadedTogether))
				var records []any
				for i := last - loadedTogether; i < min(last, tickets); i++ {
					r := openTicket(i, groups[i%len(groups)], begin.Add(time.Duration(i)*time.Millisecond))
					if i%(tickets/owe) == 0 {
						r.DueAt = r.CreatedAt
					}
					records = append(records, r)
				}
				if len(records) == 0 {
					return
				}
				if err := store.Load(t.Context(), records); err != nil {
					t.Error(err)
				}
			}
		})
	}
	if writers.Wait(); t.Failed() {
		t.FailNow()
	}
}

// openTicket is ticket number i, which waits for the desk: an answer is due then.
func openTicket(i int, group string, due time.Time) *storage.Ticket {
	at := due.Add(-4 * time.Hour)
	id := messages.TicketID("many/"+strconv.Itoa(i), at.UnixMilli())
	title := fmt.Sprintf("The printer on floor %d does not print", i)
	return &storage.Ticket{
		TicketID: id, ShortID: id[len(id)-8:], Number: int64(i + 1), Title: title, Status: "open", Priority: "normal",
		Description: "It smells of toner, and the light is red. Please come and look at it soon, since nobody here can print.",
		CreatedBy:   storage.Creator{Kind: "user", ID: strconv.Itoa(1000 + i%500), Name: fmt.Sprint("Person ", i%500)},
		GroupID:     group, Language: "en", CreatedAt: at, UpdatedAt: at, LastMessageAt: at,
		CardRevision: 3, LinksRevision: 2, EventNumber: 3, Handled: []string{"many/" + strconv.Itoa(i)},
		Home: storage.Topic{TopicID: "home", GroupID: group, TelegramTopicID: int64(i) + 1000,
			Name: messages.TopicName(title, int64(i+1)), CardMessageID: 7, CardRevision: 3, Pinned: true, Introduced: true},
		WaitingFor: storage.WaitsForDesk, WaitingSince: at,
		Timers: storage.Timers{Settings: 1, AnswerDueAt: due}, DueAt: due, Version: 5,
	}
}
