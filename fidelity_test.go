package topicdesk_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var namedTest = regexp.MustCompile("(?:`([a-z/]+)`\\s)?`(Test[A-Za-z]+)`")

// hasTest says whether a folder has a test of that name. The usual folder is actors.
func hasTest(t *testing.T, folder, name string) bool {
	t.Helper()
	if folder == "" {
		folder = "actors"
	}
	files, err := filepath.Glob(filepath.Join(filepath.FromSlash(folder), "*_test.go"))
	if err != nil || len(files) == 0 {
		t.Errorf("folder %s has no tests (%v)", folder, err)
		return false
	}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(source), "\nfunc "+name+"(") {
			return true
		}
	}
	return false
}

// TestFidelityIsComplete holds docs/fidelity.md: no row of its table lacks a cell or a test. That the tests are there is checked for
// all pages (TestPagesNameTestsThatExist).
func TestFidelityIsComplete(t *testing.T) {
	text, err := os.ReadFile(filepath.FromSlash("docs/fidelity.md"))
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for line := range strings.Lines(string(text)) {
		named := namedTest.FindAllStringSubmatch(line, -1)
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| content ") {
			continue
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 6 {
			t.Errorf("a row of %d cells: %s", len(cells), line)
			continue
		}
		rows++
		cell := func(i int) string { return strings.TrimSpace(cells[i]) }
		never := strings.HasPrefix(cell(1), "not at all") || strings.HasPrefix(cell(1), "below the card") // nothing to answer
		switch {
		case cell(1) == "", cell(2) == "", cell(3) == "" && !never:
			t.Errorf("%s: a cell is empty", cell(0))
		case len(named) == 0 && cell(5) != "as above":
			t.Errorf("%s: no test is named", cell(0))
		}
	}
	if rows < 15 {
		t.Errorf("%d rows", rows)
	}
}
