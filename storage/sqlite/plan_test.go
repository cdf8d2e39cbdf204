package sqlite

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// openConn opens an empty database and returns a connection to it.
func openConn(t *testing.T) *conn {
	t.Helper()
	path := filepath.Join(t.TempDir(), "desk.db")
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	c, err := connectWriter(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// rowsOf returns the rows of a statement that only tests use.
func rowsOf(t *testing.T, c *conn, query string, args ...any) (all []row) {
	t.Helper()
	if err := c.query(c.extra(query), func(r row) error {
		all = append(all, slices.Clone(r))
		return nil
	}, args...); err != nil {
		t.Fatal(query, err)
	}
	return all
}

// withoutPlan are the statements that have no query plan.
var withoutPlan = []*statement{
	begin, commit, rollback, savepoint, rollbackTo, releaseSavepoint,
	checkpointPassive, checkpointRestart, checkpointTruncate,
}

// TestEveryStatementIsServedByAnIndex asks SQLite for the query plan of every statement.
func TestEveryStatementIsServedByAnIndex(t *testing.T) {
	allowed := map[*statement][]string{
		// It returns every row: one for each status.
		readTicketCounts: {"SCAN ticket_counts"},
		// It sorts the results of its two halves, which are a few copies.
		copiesAt: {"SCAN (subquery-1)", "SCAN (subquery-2)", "USE TEMP B-TREE FOR ORDER BY"},
		// It reads SQLite's own table of tables, when the file is opened.
		findSchema: {"SCAN sqlite_schema", "SCAN CONSTANT ROW"},
		// It reads no table.
		totalChanges: {"SCAN CONSTANT ROW"},
	}
	c := openConn(t)
	// SQLite says SCAN for every access to a virtual table; these look up a word or a rowid.
	for _, s := range []*statement{searchNewest, searchOldest, deleteSearch} {
		allowed[s] = []string{
			"SCAN ticket_search VIRTUAL TABLE INDEX 0:=", "SCAN ticket_search VIRTUAL TABLE INDEX 192:M1><",
			"SCAN ticket_search VIRTUAL TABLE INDEX 64:M1><",
		}
	}
	for _, s := range counts {
		allowed[s] = nil // each reads one index from end to end
	}
	used := map[string]bool{}
	index := regexp.MustCompile(`USING (?:COVERING )?INDEX (\w+)`)
	for _, s := range statements {
		if slices.Contains(withoutPlan, s) {
			continue
		}
		args := make([]any, max(strings.Count(s.text, "?"), 17)) // NULLs; more of them than parameters do no harm
		for _, step := range rowsOf(t, c, "EXPLAIN QUERY PLAN "+s.text, args...) {
			detail := step.text(3)
			for _, match := range index.FindAllStringSubmatch(detail, -1) {
				used[match[1]] = true
			}
			if _, counts := allowed[s]; counts && allowed[s] == nil {
				continue
			}
			slow := strings.Contains(detail, "SCAN") || strings.Contains(detail, "TEMP B-TREE")
			if slow && !slices.Contains(allowed[s], detail) {
				t.Errorf("%s\n%s", s.text, detail)
			}
		}
	}
	for _, r := range rowsOf(t, c, `SELECT name FROM sqlite_schema WHERE type = 'index'`) {
		if name := r.text(0); !used[name] && !strings.HasPrefix(name, "sqlite_autoindex_") {
			t.Errorf("no statement uses the index %s", name)
		}
	}
}

// TestDocumentation compares the tables of docs/storage.md with what the migrations create.
func TestDocumentation(t *testing.T) {
	text, err := os.ReadFile("../../docs/storage.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	_, section, _ := strings.Cut(string(text), "\n## SQLite\n")
	section, _, _ = strings.Cut(section, "\n## ")
	for line := range strings.Lines(section) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) < 3 || !strings.HasPrefix(strings.TrimSpace(cells[0]), "`") {
			continue
		}
		if strings.TrimSpace(cells[2]) == "" {
			t.Errorf("docs/storage.md does not say what this is for: %s", line)
		}
		documented[strings.TrimSpace(cells[0])+" "+strings.TrimSpace(cells[1])] = true
	}
	for _, line := range definitions(t, openConn(t)) {
		if !documented[line] {
			t.Errorf("docs/storage.md lacks: | %s |", strings.Replace(line, "` ", "` | ", 1))
		}
		delete(documented, line)
	}
	for line := range documented {
		t.Errorf("docs/storage.md has what the schema has not: %s", line)
	}
}

// definitions returns a line for each table and index of the database.
func definitions(t *testing.T, c *conn) (lines []string) {
	t.Helper()
	for _, table := range rowsOf(t, c, `SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name`) {
		var columns []string
		for _, column := range rowsOf(t, c, `SELECT name FROM pragma_table_info(?) ORDER BY cid`, table.text(0)) {
			columns = append(columns, column.text(0))
		}
		lines = append(lines, fmt.Sprintf("`%s` %s", table.text(0), strings.Join(columns, ", ")))
		indexes := rowsOf(t, c, `SELECT name, origin, "unique" FROM pragma_index_list(?) ORDER BY name`, table.text(0))
		for _, ix := range indexes {
			var on []string
			for _, column := range rowsOf(t, c, `SELECT name FROM pragma_index_info(?) ORDER BY seqno`, ix.text(0)) {
				on = append(on, column.text(0))
			}
			name := map[string]string{
				"c": ix.text(0), "u": table.text(0) + " unique", "pk": table.text(0) + " primary key",
			}[ix.text(1)]
			where := ""
			partial := rowsOf(t, c, `SELECT sql FROM sqlite_schema WHERE name = ? AND sql LIKE '% WHERE %'`, ix.text(0))
			for _, r := range partial {
				where = r.text(0)[strings.LastIndex(r.text(0), " WHERE "):]
			}
			lines = append(lines, strings.TrimSpace(fmt.Sprintf("`%s` (%s)%s", name, strings.Join(on, ", "), where)))
		}
	}
	return lines
}
