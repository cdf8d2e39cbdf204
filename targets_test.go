package topicdesk_test

import (
	"os"
	"os/exec"
	"path"
	"regexp"
	"strings"
	"testing"
)

var (
	withoutRace = regexp.MustCompile(`(?m)^//go:build !race$`)
	testName    = regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\)`)
	withoutIt   = regexp.MustCompile(`--packages \./(\S+) --(?: -run (\S+))? -timeout`)
)

// TestMakeRunSaysThatItCompiles: the first compilation takes a minute or two, so a word about it comes before.
func TestMakeRunSaysThatItCompiles(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "make", "--dry-run", "--no-print-directory", "run").CombinedOutput()
	if err != nil {
		t.Fatalf("make: %v\n%s", err, out)
	}
	at := -1
	for _, step := range []string{"echo \"Compiling", "build -buildvcs", "topicdesk serve"} {
		next := strings.Index(string(out), step)
		if next <= at {
			t.Errorf("%q does not come where it should:\n%s", step, out)
		}
		at = next
	}
}

// TestWithoutRaceIsRunToo: the tests that the race detector is no use for are run by test-servers, since test-desk has none of them.
func TestWithoutRaceIsRunToo(t *testing.T) {
	makefile, err := os.ReadFile("Makefile")
	if err != nil {
		t.Fatal(err)
	}
	runs := map[string]*regexp.Regexp{} // which tests of a folder
	for _, match := range withoutIt.FindAllStringSubmatch(string(makefile), -1) {
		runs[match[1]] = regexp.MustCompile(match[2])
	}
	checked := 0
	for name, text := range texts(t, ".go") {
		if !withoutRace.MatchString(text) {
			continue
		}
		for _, test := range testName.FindAllStringSubmatch(text, -1) {
			checked++
			if run := runs[path.Dir(name)]; run == nil || !run.MatchString(test[1]) {
				t.Errorf("%s: no target runs %s: make test-servers has to", name, test[1])
			}
		}
	}
	if checked < 20 {
		t.Errorf("only %d tests found: are they looked for in the right way?", checked)
	}
}
