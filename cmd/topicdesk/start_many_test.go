package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/storage/sqlite"
)

// wakeRate is how many entities the sweep wakes in a second at most: 10 and a pause of 10 ms.
const wakeRate = 1000

var wokenTickets = regexp.MustCompile(`(?m)^topicdesk_sweep_woken_total\{kind="ticket"\} (\d+)$`)

// TestStartWithManyOpenTickets: how long a start takes does not depend on how many tickets are open, and those that owe
// something are woken at a bounded rate, each once.
func TestStartWithManyOpenTickets(t *testing.T) {
	if onServer() {
		t.Skip("it fills a SQLite file")
	}
	tickets, owe := 10_000, 1000
	if long() && !raceDetector {
		tickets, owe = 100_000, 10_000
	}
	d := wake(t)
	first := d.serve("polling", 0) // makes the database
	first.awaitReady()
	if code := first.stop(); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	d.must(fillOpen(t.Context(), filepath.Join(d.folder, "topicdesk.db"), d.groups, tickets, owe))
	addr := freeAddr(t)
	p := d.serve("polling", 1, "HTTP_ADDR", addr)
	began := time.Now()
	p.awaitReady()
	awaitStatus(t, addr, "/readyz", 200)
	ready := time.Since(began)
	t.Logf("ready after %v with %d open tickets, of which %d owe something", ready.Round(time.Millisecond), tickets, owe)
	if ready > 5*time.Second {
		if busy() {
			t.Log("that is too long, but this machine has other things to do: nothing is proved")
		} else {
			t.Error("that takes too long")
		}
	}
	woken := 0
	d.await(func() string { return "all that owe something are woken: " + strconv.Itoa(woken) }, func() bool {
		d.poke()
		_, text := status(addr, "/metrics")
		elapsed := time.Since(began)
		if match := wokenTickets.FindStringSubmatch(text); match != nil {
			woken, _ = strconv.Atoi(match[1])
		}
		if most := int(elapsed.Seconds()*wakeRate) + 50; woken > most {
			t.Fatalf("%d are woken after %v, %d at most may be", woken, elapsed, most)
		}
		return woken >= owe
	})
	_, text := status(addr, "/metrics")
	if want := fmt.Sprintf("\ntopicdesk_tickets_waiting{for=\"desk\"} %d\n", tickets); !strings.Contains(text, want) {
		t.Errorf("nothing is%q: %s", want, regexp.MustCompile(`(?m)^topicdesk_tickets_waiting.*$`).FindAllString(text, -1))
	}
	t.Logf("all are woken after %v", time.Since(began).Round(time.Millisecond))
	if woken != owe {
		t.Errorf("%d are woken, %d owe something", woken, owe)
	}
	if code := p.stop(); code != 0 {
		t.Fatalf("exit code %d", code)
	}
}

// fillOpen writes open tickets into a database, each with an answer that is due in an hour. Some say that they owe something, evenly among them.
func fillOpen(ctx context.Context, path string, groups []int64, tickets, owe int) error {
	begin := time.Now().UTC().Truncate(time.Millisecond).Add(time.Hour)
	return fill(ctx, path, groups, tickets, func(i int, record *storage.Ticket) {
		waitsUntil(record, begin.Add(time.Duration(i)*time.Millisecond)) // a timer, which keeps no start busy
		if i%(tickets/owe) == 0 && i/(tickets/owe) < owe {
			record.DueAt = record.CreatedAt
		}
	})
}

// waitsUntil has a ticket wait for the desk, with an answer that is due then.
func waitsUntil(record *storage.Ticket, due time.Time) {
	record.Status, record.ClosedAt, record.Home.Closed = "open", time.Time{}, false
	record.WaitingFor, record.WaitingSince = storage.WaitsForDesk, due.Add(-4*time.Hour)
	record.Timers, record.DueAt = storage.Timers{Settings: 1, AnswerDueAt: due}, due
}

// fill writes tickets into a database, each as change leaves it.
func fill(ctx context.Context, path string, groups []int64, tickets int, change func(i int, record *storage.Ticket)) error {
	store, err := sqlite.Open(ctx, path, sqlite.WithExclusive(), sqlite.WithoutSync())
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	r := rand.New(rand.NewPCG(1, 2))
	begin := time.Now().UTC().Truncate(time.Millisecond).Add(-time.Duration(tickets) * time.Second)
	var records []any
	for i := range tickets {
		record := benchTicketRecord(r, groups, begin, i)
		change(i, record)
		if records = append(records, record); len(records) == fillBatch || i == tickets-1 {
			if err := store.Load(ctx, records); err != nil {
				return err
			}
			records = records[:0]
		}
	}
	return store.Close()
}
