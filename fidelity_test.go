package topicdesk_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var namedTest = regexp.MustCompile("(?:`([a-z/]+)` )?`(Test[A-Za-z]+)`")

// TestFidelityNamesTestsThatExist holds docs/fidelity.md: what it names as proof is there, and no row of its table lacks one.
func TestFidelityNamesTestsThatExist(t *testing.T) {
	text, err := os.ReadFile(filepath.FromSlash("docs/fidelity.md"))
	if err != nil {
		t.Fatal(err)
	}
	sources := map[string]string{} // by folder
	defined := func(folder, name string) bool {
		if _, read := sources[folder]; !read {
			files, err := filepath.Glob(filepath.Join(filepath.FromSlash(folder), "*_test.go"))
			if err != nil || len(files) == 0 {
				t.Fatalf("folder %s has no tests (%v)", folder, err)
			}
			for _, file := range files {
				source, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				sources[folder] += string(source)
			}
		}
		return strings.Contains(sources[folder], "\nfunc "+name+"(")
	}
	rows := 0
	for line := range strings.Lines(string(text)) {
		named := namedTest.FindAllStringSubmatch(line, -1)
		for _, n := range named {
			folder := n[1]
			if folder == "" {
				folder = "actors"
			}
			if !defined(folder, n[2]) {
				t.Errorf("%s has no test %s", folder, n[2])
			}
		}
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
