package sqlite_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/topicdesk/topicdesk/storage"
)

// TestTornLog truncates the log at any length, as losing power during a write does. A ticket is stored together with
// its topics or not at all, and a longer log never has less than a shorter one.
func TestTornLog(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "desk.db")
	if err := open(t, path).Close(); err != nil { // so that the log holds only the tickets
		t.Fatal(err)
	}
	s := open(t, path)
	const tickets = 5
	for n := range tickets {
		if err := s.SaveTicket(t.Context(), tornTicket(n)); err != nil {
			t.Fatal(err)
		}
	}
	whole := filepath.Join(dir, "whole", "desk.db")
	copyFiles(t, path, whole)
	info, err := os.Stat(whole + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	most := 0
	const cuts = 30
	for cut := range int64(cuts + 1) {
		length := info.Size() * cut / cuts
		torn := filepath.Join(dir, fmt.Sprint(length), "desk.db")
		copyFiles(t, whole, torn)
		if err := os.Truncate(torn+"-wal", length); err != nil {
			t.Fatal(err)
		}
		found := countTorn(t, torn)
		if found < most {
			t.Fatalf("a log of %d bytes holds %d tickets, a shorter one held %d", length, found, most)
		}
		most = found
		if err := os.RemoveAll(filepath.Dir(torn)); err != nil {
			t.Fatal(err)
		}
	}
	if most != tickets {
		t.Fatalf("the whole log holds %d of %d tickets", most, tickets)
	}
}

func tornTicket(n int) *storage.Ticket {
	id := fmt.Sprint("T", n)
	return &storage.Ticket{
		TicketID: id, Status: "open", Home: storage.Topic{GroupID: "g1", TelegramTopicID: int64(n + 1)},
		Links: []storage.Link{{LinkID: id + ":1", Topic: storage.Topic{GroupID: "g2", TelegramTopicID: int64(n + 1)}}},
	}
}

// countTorn opens the database, checks that every ticket in it is complete, and returns their number.
func countTorn(t *testing.T, path string) (found int) {
	t.Helper()
	s := open(t, path)
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	for n := 0; ; n++ {
		want := tornTicket(n)
		_, missing := s.Ticket(t.Context(), want.TicketID)
		for _, group := range []string{"g1", "g2"} {
			id, err := s.TicketByTopic(t.Context(), group, int64(n+1))
			if (err == nil) != (missing == nil) || err == nil && id != want.TicketID {
				t.Fatalf("ticket %d is half there: %v, its topic in %s: %q %v", n, missing, group, id, err)
			}
		}
		if missing != nil {
			break
		}
		found++
	}
	counts, err := s.CountTickets(t.Context())
	if err != nil || counts["open"] != int64(found) {
		t.Fatalf("%d tickets, counted as %v (%v)", found, counts, err)
	}
	return found
}
