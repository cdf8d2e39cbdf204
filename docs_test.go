package topicdesk_test

import (
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/topicdesk/topicdesk/messages"
)

// pages are the Markdown files of the tree.
func pages(t *testing.T) map[string]string { return texts(t, ".md") }

// texts reads the files of the tree whose names end so, by their paths with slashes. What git ignores is skipped by name.
func texts(t *testing.T, endings ...string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if name != "." && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "data" || entry.Name() == "node_modules") {
				return fs.SkipDir
			}
			return nil
		}
		if !slices.Contains(endings, path.Ext(name)) {
			return nil
		}
		text, err := os.ReadFile(name)
		found[filepath.ToSlash(name)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

var (
	codeBlock = regexp.MustCompile("(?ms)^```.*?^```$")
	codeSpan  = regexp.MustCompile("`[^`\n]*`")
	pageLink  = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading   = regexp.MustCompile(`(?m)^#+ +(.+?) *$`)
)

// TestLinksBetweenPages: every relative link leads to a file of the tree, and every #anchor to a heading of that page.
func TestLinksBetweenPages(t *testing.T) {
	all := pages(t)
	checked := 0
	for name, text := range all {
		text = codeSpan.ReplaceAllString(codeBlock.ReplaceAllString(text, ""), "")
		for _, match := range pageLink.FindAllStringSubmatch(text, -1) {
			target, err := url.Parse(match[1])
			if err != nil {
				t.Errorf("%s: %s: %v", name, match[1], err)
				continue
			}
			if target.Scheme != "" || target.Host != "" {
				continue // another site
			}
			checked++
			to := name
			if target.Path != "" {
				to = path.Join(path.Dir(name), target.Path)
			}
			if _, err := os.Stat(filepath.FromSlash(to)); err != nil {
				t.Errorf("%s links to %s, which is not there", name, match[1])
				continue
			}
			if target.Fragment != "" && !anchors(all[to])[target.Fragment] {
				t.Errorf("%s links to %s, and %s has no such heading", name, match[1], to)
			}
		}
	}
	if checked < 50 {
		t.Errorf("only %d links found: are they looked for in the right way?", checked)
	}
}

// anchors are the fragments that a page's headings get, as GitHub makes them: lower case, without punctuation, a hyphen for
// each blank. (A second heading of the same text gets a number, which no page of ours relies on.)
func anchors(page string) map[string]bool {
	all := map[string]bool{}
	for _, match := range heading.FindAllStringSubmatch(codeBlock.ReplaceAllString(page, ""), -1) {
		all[strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
				return unicode.ToLower(r)
			}
			return -1
		}, match[1])] = true
	}
	return all
}

// TestPagesNameTestsThatExist holds what the pages name as proof: `folder` `TestName`, or `TestName` alone for one in actors.
func TestPagesNameTestsThatExist(t *testing.T) {
	for name, text := range pages(t) {
		for _, match := range namedTest.FindAllStringSubmatch(text, -1) {
			if !hasTest(t, match[1], match[2]) {
				t.Errorf("%s names `%s` `%s`, which is not there", name, match[1], match[2])
			}
		}
	}
}

// namedFile is a path in a page: `folder/file.go`.
var namedFile = regexp.MustCompile("`((?:[a-z0-9_-]+/)+[a-z0-9_.-]+\\.(?:go|proto|md|yaml|sh))`")

// TestPagesNameFilesThatExist: a file that a page names is there.
func TestPagesNameFilesThatExist(t *testing.T) {
	for name, text := range pages(t) {
		for _, match := range namedFile.FindAllStringSubmatch(codeBlock.ReplaceAllString(text, ""), -1) {
			if _, err := os.Stat(filepath.FromSlash(match[1])); err != nil {
				t.Errorf("%s names `%s`, which is not there", name, match[1])
			}
		}
	}
}

// nameInFile is a name of the code and the file that has it: `name` in `folder/file.go`. (A page may break the line between.)
var nameInFile = regexp.MustCompile("`\\(?\\*?([A-Za-z_]+)[^`\n]*`\\s+in\\s+`((?:[a-z0-9_-]+/)+[a-z0-9_.-]+\\.go)`")

// TestPagesNameWhatFilesHave: a name that a page looks for in a file is there.
func TestPagesNameWhatFilesHave(t *testing.T) {
	checked := 0
	for name, text := range pages(t) {
		for _, match := range nameInFile.FindAllStringSubmatch(text, -1) {
			checked++
			source, err := os.ReadFile(filepath.FromSlash(match[2]))
			if err != nil || !regexp.MustCompile(`\b`+match[1]+`\b`).Match(source) {
				t.Errorf("%s names `%s` in `%s`, which is not there", name, match[1], match[2])
			}
		}
	}
	if checked < 10 {
		t.Errorf("only %d names found: are they looked for in the right way?", checked)
	}
}

// citation is how pages and code cite a decision.
var citation = regexp.MustCompile(`\bD[1-9][0-9]*\b`)

// TestDecisionsAreNumbered: the decisions are numbered from 1 without gaps, and pages and code cite only those that exist.
func TestDecisionsAreNumbered(t *testing.T) {
	all := pages(t)
	known := map[string]bool{}
	for i, match := range regexp.MustCompile(`(?m)^## (D[0-9]+)\. \S`).FindAllStringSubmatch(all["docs/decisions.md"], -1) {
		known[match[1]] = true
		if match[1] != fmt.Sprintf("D%d", i+1) {
			t.Errorf("the heading after D%d is %s", i, match[1])
		}
	}
	if len(known) == 0 {
		t.Fatal("no decision found")
	}
	cites := func(texts map[string]string) (n int) {
		for name, text := range texts {
			for _, cited := range citation.FindAllString(text, -1) {
				if n++; !known[cited] {
					t.Errorf("%s cites %s, which is not there", name, cited)
				}
			}
		}
		return n
	}
	if n := cites(all); n <= len(known) {
		t.Errorf("pages cite %d decisions: are they looked for in the right way?", n-len(known))
	}
	if n := cites(texts(t, ".go", ".proto", ".yaml", ".js", ".ts", ".css", ".html", ".sh")); n < 50 {
		t.Errorf("code cites %d decisions: are they looked for in the right way?", n)
	}
}

// TestCommandsAreDescribed: docs/commands.md has every command.
func TestCommandsAreDescribed(t *testing.T) {
	page := pages(t)["docs/commands.md"]
	for _, c := range messages.SlashCommands {
		if !regexp.MustCompile("(?m)^\\| .*`/" + c.Verb + "[` ]").MatchString(page) {
			t.Errorf("docs/commands.md has no row with /%s", c.Verb)
		}
	}
}

// TestRoomsAreDescribed: docs/architecture.md has every package of the actors.
func TestRoomsAreDescribed(t *testing.T) {
	rooms, err := filepath.Glob("actors/internal/*")
	if err != nil || len(rooms) == 0 {
		t.Fatalf("no rooms: %v", err)
	}
	page := pages(t)["docs/architecture.md"]
	for _, room := range rooms {
		if name := filepath.Base(room); !regexp.MustCompile("(?m)^\\| .*`(actors/internal/)?" + name + "`").MatchString(page) {
			t.Errorf("docs/architecture.md has no row with `%s`", name)
		}
	}
}
