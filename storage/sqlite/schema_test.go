package sqlite

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/topicdesk/topicdesk/storage"
)

// withSchema returns the path of a database whose schema claims that version.
func withSchema(t *testing.T, version, minReader int64) string {
	t.Helper()
	s := openStore(t)
	onWriter(t, s, func(w *writer) error {
		_, err := w.exec(writeSchema, version, minReader)
		return err
	})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return s.path
}

func TestSchema(t *testing.T) {
	known := int64(len(migrations))
	t.Run("a newer schema is opened if this version can read it", func(t *testing.T) {
		s, err := Open(t.Context(), withSchema(t, known+3, known))
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(s.InsertMessage(t.Context(), message(1)), s.Close()); err != nil {
			t.Error(err)
		}
	})
	t.Run("a newer schema is refused if this version can't read it", func(t *testing.T) {
		path := withSchema(t, known+3, known+2)
		c, err := connect(path) // writes the log back now, and not during the comparison
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(c.run("PRAGMA wal_checkpoint(TRUNCATE)"), c.close()); err != nil {
			t.Fatal(err)
		}
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Open(t.Context(), path)
		if !errors.Is(err, storage.ErrSchema) || strings.Contains(err.Error(), "\n") ||
			!strings.Contains(err.Error(), "use a newer topicdesk") {
			t.Error(err)
		}
		after, err := os.ReadFile(path)
		if err != nil || string(before) != string(after) {
			t.Error("the database was touched", err)
		}
	})
	t.Run("a database of another program is refused and not changed", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "other.db")
		c, err := connect(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(c.run("CREATE TABLE photos (name)"), c.close()); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(t.Context(), path); !errors.Is(err, storage.ErrSchema) {
			t.Error(err)
		}
	})
}

func TestMigrate(t *testing.T) {
	steps := []migration{
		{minReader: 1, sql: "CREATE TABLE a (x); INSERT INTO a VALUES (1)"},
		{minReader: 1, sql: "CREATE TABLE b (x); UPDATE a SET x = x + 1"},
		{minReader: 3, sql: "UPDATE a SET x = x * 10"},
	}
	begun := func(t *testing.T, path string) *conn {
		t.Helper()
		c, err := connectWriter(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.close() })
		return c
	}
	is := func(t *testing.T, c *conn, want ...int64) {
		t.Helper()
		r := rowsOf(t, c, "SELECT (SELECT x FROM a), version, min_reader FROM schema")
		if got := []int64{r[0].int(0), r[0].int(1), r[0].int(2)}; !slices.Equal(got, want) {
			t.Errorf("got x, version, min_reader %v, want %v", got, want)
		}
	}
	t.Run("steps run once, in order, and new ones later", func(t *testing.T) {
		c := begun(t, filepath.Join(t.TempDir(), "x.db"))
		for n := range len(steps) + 1 {
			for range 2 {
				if err := migrate(c, steps[:n]); err != nil {
					t.Fatal(err)
				}
			}
		}
		is(t, c, 20, 3, 3)
		if err := migrate(c, steps[:2]); !errors.Is(err, storage.ErrSchema) {
			t.Error("a program that knows too little:", err)
		}
	})
	t.Run("a step that fails changes nothing", func(t *testing.T) {
		c := begun(t, filepath.Join(t.TempDir(), "x.db"))
		bad := append(slices.Clone(steps[:2]), migration{minReader: 3, sql: "UPDATE a SET x = 99; no SQL"})
		if err := migrate(c, bad); err == nil || !strings.Contains(err.Error(), "migration 3") {
			t.Error(err)
		}
		is(t, c, 2, 2, 1)
		if err := migrate(c, steps); err != nil {
			t.Fatal(err)
		}
		is(t, c, 20, 3, 3)
	})
	t.Run("many concurrent migrations run one after the other", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "x.db")
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				c, err := connectWriter(t.Context(), path)
				if err == nil {
					err = errors.Join(migrate(c, steps), c.close())
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		is(t, begun(t, path), 20, 3, 3)
	})
	t.Run("min_reader never decreases, and is never higher than the version of its step", func(t *testing.T) {
		last := int64(0)
		for i, step := range migrations {
			if step.minReader < last || step.minReader > int64(i+1) {
				t.Errorf("migration %d has min_reader %d", i+1, step.minReader)
			}
			last = step.minReader
		}
	})
}

// atSchema makes a database of an earlier schema version. Whoever calls it closes the connection.
func atSchema(t *testing.T, version int) (path string, c *conn) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "desk.db")
	c, err := connectWriter(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := migrate(c, migrations[:version]); err != nil {
		t.Fatal(err)
	}
	return path, c
}

// TestMigrated: Open says which schema there was, and whether programs of that time can read the new one.
func TestMigrated(t *testing.T) {
	to := int64(len(migrations))
	for from := int64(1); from <= to; from++ {
		path, c := atSchema(t, int(from))
		if err := c.close(); err != nil {
			t.Fatal(err)
		}
		s, err := Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		c, err = connect(path)
		if err != nil {
			t.Fatal(err)
		}
		_, refused := schemaVersion(c, migrations[:from]) // by a program of that time
		want := storage.Migrated{From: from, To: to, Closed: errors.Is(refused, storage.ErrSchema)}
		if got := s.Migrated(); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
		if err := errors.Join(c.close(), s.Close()); err != nil {
			t.Error(err)
		}
	}
}

// TestFirstSchema: the migrations keep everything that a database of the first schema version holds.
func TestFirstSchema(t *testing.T) {
	path, c := atSchema(t, 1)
	const tickets = 20
	insert := c.extra(`INSERT INTO tickets (list_id, ticket_id, short_id, status, priority, group_id, creator_kind, creator_id,
		created_at, updated_at, words_hash, indexed_hash, version, doc)
		VALUES (?1, ?2, '', ?3, '', '', 'user', '7', ?4, ?4, ?5, 0, 1, ?6)`)
	for n := range tickets {
		record := searchedTicket(n).Kept()
		record.Version = 1
		if n%4 == 0 {
			record.Status = "closed"
		}
		record.Links = []storage.Link{{LinkID: record.TicketID + ":1", Topic: storage.Topic{GroupID: "g9"}}}
		doc, err := encode(&record)
		if err != nil {
			t.Fatal(err)
		}
		at := millis(record.CreatedAt)
		_, err = c.exec(insert, firstListID(at), record.TicketID, record.Status, at, searchHash(&record), doc)
		if err == nil {
			_, err = c.exec(insertSearch, firstListID(at), searchWords(&record))
		}
		if err == nil {
			_, err = c.exec(countTicket, record.Status, int64(1))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := c.close(); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), path, WithoutSync())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if got := found(t, s, "printer", ""); got != tickets {
		t.Errorf("%d of %d found", got, tickets)
	}
	for open, want := range map[bool]int{false: tickets, true: tickets * 3 / 4} {
		page, err := s.TicketsByCreator(t.Context(), "user", "7", open, 100)
		if err != nil || len(page) != want || page[0].TicketID != "ticket 19" {
			t.Errorf("%d tickets of the creator, %v", len(page), err)
		}
	}
	for party, want := range map[string]struct {
		n     int
		first string
	}{"g9": {tickets * 3 / 4, "ticket 19"}, storage.ClosedParty("g9"): {tickets / 4, "ticket 16"}} {
		page, err := s.TicketsWith(t.Context(), party, 100)
		if err != nil || len(page) != want.n || page[0].TicketID != want.first {
			t.Errorf("%d tickets with %s, %v", len(page), party, err)
		}
	}
}
