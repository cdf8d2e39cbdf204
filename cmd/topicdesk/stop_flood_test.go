package main

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

var loggedEvents = regexp.MustCompile(`(?m)^topicdesk_events_logged_total\S* (\d+)$`)

// TestStopInAFloodOfReminders: a service that is told to stop while the answers to many tickets are overdue at once, of which some
// ring, some wait for their turn and some for room with their chat, ends in time and says that all is well.
func TestStopInAFloodOfReminders(t *testing.T) {
	if testing.Short() {
		t.Skip("long: stops processes under load")
	}
	if onServer() {
		t.Skip("it fills a SQLite file")
	}
	t.Parallel()
	const tickets, ring = 1500, 100
	d := wake(t)
	d.addBot()
	first := d.serve("polling", 0) // makes the database
	first.awaitReady()
	if code := first.stop(); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	d.must(d.fillDue(t.Context(), tickets))
	addr := freeAddr(t)
	for life := 1; life <= 3; life++ {
		p := d.serve("polling", life, "HTTP_ADDR", addr, "TELEGRAM_GROUP_PER_MINUTE", "20", "TELEGRAM_GLOBAL_PER_SECOND", "30")
		p.awaitReady()
		rung := 0
		d.await(func() string { return fmt.Sprintf("%d of %d ring", rung, ring) }, func() bool {
			d.poke()
			_, text := status(addr, "/metrics")
			if match := loggedEvents.FindStringSubmatch(text); match != nil {
				rung, _ = strconv.Atoi(match[1])
			}
			return rung >= ring
		})
		began := time.Now()
		if code := p.stop(); code != 0 {
			t.Errorf("life %d: exit code %d after %v", life, code, time.Since(began))
		}
	}
}

// fillDue writes tickets with topics, whose answers fell due a minute ago.
func (d *desk) fillDue(ctx context.Context, tickets int) error {
	threads := make([]int, tickets)
	owners := []int64{d.alice, d.bob, d.carol}
	for i := range threads {
		var err error
		if threads[i], err = d.sim.CreateTopic(d.groups[i%len(d.groups)], owners[i%len(owners)], "Overdue "+strconv.Itoa(i)); err != nil {
			return err
		}
	}
	due := time.Now().UTC().Truncate(time.Millisecond).Add(-time.Minute)
	return fill(ctx, filepath.Join(d.folder, "topicdesk.db"), d.groups, tickets, func(i int, record *storage.Ticket) {
		waitsUntil(record, due)
		record.Home.TelegramTopicID, record.Home.Icon = int64(threads[i]), messages.IconNew
	})
}
