package sqlite

import (
	"bytes"
	"compress/gzip"
	"context"
	_ "embed"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/storage"
)

// search1 is a database of the release whose search index had the first folding. Its tickets have the titles that
// TestReindex looks for.
//
//go:embed testdata/search1.db.gz
var search1 []byte

// unpack writes the database of the former release to a file.
func unpack(t *testing.T) string {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(search1))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "desk.db")
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func reopen(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestReindex(t *testing.T) {
	ctx, path := context.Background(), unpack(t)
	s := reopen(t, path)
	finds := func(text string, want int) {
		t.Helper()
		page, err := s.ListTickets(ctx, storage.TicketQuery{Text: text, Limit: 10})
		if err != nil || len(page.Tickets) != want {
			t.Errorf("%q finds %d and %v, want %d", text, len(page.Tickets), err, want)
		}
	}
	before := func() { // what the former release found
		t.Helper()
		for text, want := range map[string]int{
			"รายการ": 2, "plain": 1, "เครื่องพิมพ์": 1, "ทำรายการ": 1, "ท\u0e4d\u0e32รายการ": 1, "hyphen": 1, "width": 1,
			"น\u0e33\u0e49": 1, "ปิด\u200bงาน": 1,
		} {
			page, err := s.ListTickets(ctx, storage.TicketQuery{Text: text, Limit: 10})
			if err != nil || len(page.Tickets) < want {
				t.Errorf("%q finds %d and %v, want %d at the least", text, len(page.Tickets), err, want)
			}
		}
	}
	before()
	for batch := 0; ; batch++ {
		left, err := s.Reindex(ctx, 2)
		if err != nil {
			t.Fatal(err)
		}
		if before(); !left {
			break
		}
		if batch == 0 { // a ticket that changes meanwhile is not indexed twice
			ticket, err := s.Ticket(ctx, "TICK-7-00000007")
			if err != nil {
				t.Fatal(err)
			}
			ticket.Title = "other words"
			if err := s.SaveTicket(ctx, ticket); err != nil {
				t.Fatal(err)
			}
			ticket.Title = "plain words"
			if err := s.SaveTicket(ctx, ticket); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Close(); err != nil { // as after a kill
			t.Fatal(err)
		}
		s = reopen(t, path)
	}
	for text, want := range map[string]int{
		"ทำรายการ": 2, "ท\u0e4d\u0e32รายการ": 2, "ปิดงาน": 1, "soft": 1, "softhyphen": 1, "full": 1, "แก้ไข": 1, "น้ำ": 1,
		"東京": 1, "한국": 1, "plain": 1, "other": 0, "เครื่องพิมพ์": 1,
	} {
		finds(text, want)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s = reopen(t, path); s.outdated.Load() {
		t.Error("it begins again")
	}
	if left, err := s.Reindex(ctx, 2); left || err != nil {
		t.Errorf("%v, %v", left, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestANewDatabaseNeedsNoReindex: only tickets of an older release do.
func TestANewDatabaseNeedsNoReindex(t *testing.T) {
	s := reopen(t, filepath.Join(t.TempDir(), "desk.db"))
	defer func() { _ = s.Close() }()
	if s.outdated.Load() {
		t.Error("outdated")
	}
}

// TestReindexAfterARollback: what an older program saved after the index was made anew is found again, once somebody has
// followed docs/storage.md.
func TestReindexAfterARollback(t *testing.T) {
	ctx, path := context.Background(), unpack(t)
	through := func(s *Store) {
		t.Helper()
		for left := true; left; {
			var err error
			if left, err = s.Reindex(ctx, 2); err != nil {
				t.Fatal(err)
			}
		}
	}
	found := func(s *Store) int {
		t.Helper()
		page, err := s.ListTickets(ctx, storage.TicketQuery{Text: "softhyphen", Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		return len(page.Tickets)
	}
	run := func(text string) {
		t.Helper()
		c, err := connect(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(c.run(text), c.close()); err != nil {
			t.Fatal(err)
		}
	}
	s := reopen(t, path)
	through(s)
	was := found(s)
	if err := s.Close(); err != nil || was != 1 {
		t.Fatal(was, err)
	}
	run(`UPDATE tickets SET words_hash = 7; DELETE FROM ticket_search`) // as the older program does with each that it saves
	docs, err := os.ReadFile("../../docs/storage.md")
	if err != nil {
		t.Fatal(err)
	}
	statement := regexp.MustCompile(`(?m)^UPDATE schema .*;$`).Find(docs)
	if statement == nil {
		t.Fatal("docs/storage.md has no statement")
	}
	run(string(statement))
	s = reopen(t, path)
	through(s)
	if n := found(s); n != 1 {
		t.Errorf("%d are found", n)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestReindexLeavesOutWhatIsBroken: a ticket that can't be decoded costs itself only, and is named.
func TestReindexLeavesOutWhatIsBroken(t *testing.T) {
	ctx, path := context.Background(), unpack(t)
	c, err := connect(path)
	if err != nil {
		t.Fatal(err)
	}
	const broken = `UPDATE tickets SET doc = '{"title":7' WHERE ticket_id IN ('TICK-7-00000007', 'TICK-1-00000001')`
	if err := errors.Join(c.run(broken), c.close()); err != nil {
		t.Fatal(err)
	}
	s := reopen(t, path)
	defer func() { _ = s.Close() }()
	named, left := "", true
	for range 100 {
		var err error
		if left, err = s.Reindex(ctx, 1); err != nil && !errors.Is(err, storage.ErrLeftOut) {
			t.Fatal(err)
		} else if err != nil {
			named += err.Error()
		}
		if !left {
			break
		}
	}
	if left || !strings.Contains(named, "TICK-7-00000007") || strings.Count(named, "TICK-") != 2 {
		t.Errorf("left %v, named %q", left, named)
	}
	page, err := s.ListTickets(ctx, storage.TicketQuery{Text: "softhyphen", Limit: 10})
	if err != nil || len(page.Tickets) != 1 {
		t.Errorf("%d are found: %v", len(page.Tickets), err)
	}
}
