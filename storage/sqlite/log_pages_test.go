package sqlite

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/storage"
)

// TestLogPages: documents of the log are appended to the file, whatever their partition. Otherwise an event costs twice
// as many pages (docs/decisions.md, D91).
func TestLogPages(t *testing.T) {
	s := openStore(t, withCheckpoint(time.Hour, longLog), withIdle(time.Hour), WithoutSync())
	const tickets, batch = 100, 20
	data := json.RawMessage(`{"text":"` + strings.Repeat("word ", 140) + `"}`)
	var last [storage.Partitions]int64
	n := 0
	// add appends events of different tickets in one transaction.
	add := func() {
		onWriter(t, s, func(w *writer) error {
			for range batch {
				ticket := fmt.Sprintf("TICK-%026d", n%tickets)
				e := storage.Event{
					EventID: ids.EventID(fmt.Sprint("message.sent/", n)), TicketID: ticket, Number: int64(n/tickets + 1),
					Partition: storage.PartitionOf(ticket), Type: "message.sent", Data: data,
				}
				last[e.Partition]++
				e.Position = last[e.Partition]
				n++
				doc, err := eventDocument(&e)
				if err = errors.Join(err, w.appendEvents([]eventRow{newEventRow(&e, doc)})); err != nil {
					return err
				}
			}
			return nil
		})
	}
	for n < 2000 {
		add()
	}
	other, err := connectWriter(t.Context(), s.path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.close() }()
	if err := other.run("PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		t.Fatal(err)
	}
	for n < 4000 {
		add()
	}
	log, err := os.Stat(s.path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	const frame = 24 + 4096
	pages := float64(log.Size()) / frame / 2000
	t.Logf("%.1f pages for each event", pages)
	if pages > 3 {
		t.Errorf("an event costs %.1f pages", pages)
	}
}
