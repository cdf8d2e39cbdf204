package config_test

import (
	"os"
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/config"
)

func TestGeneratedIsCurrent(t *testing.T) {
	t.Run(".env.example", func(t *testing.T) {
		committed, err := os.ReadFile("../.env.example")
		if err != nil {
			t.Fatal(err)
		}
		if string(committed) != config.Example() {
			t.Error("not what config.go says: run `make gen`")
		}
	})
	t.Run("docs/settings.md", func(t *testing.T) {
		page, err := os.ReadFile("../docs/settings.md")
		if err != nil {
			t.Fatal(err)
		}
		updated, err := config.UpdateTable(string(page))
		if err != nil {
			t.Fatal(err)
		}
		if updated != string(page) {
			t.Error("not what config.go says: run `make gen`")
		}
	})
}

func TestUpdateTable(t *testing.T) {
	got, err := config.UpdateTable("before\n<!-- settings -->\nold\n<!-- /settings -->\nafter\n")
	if err != nil {
		t.Fatal(err)
	}
	if want := "before\n<!-- settings -->\n" + config.MarkdownTable() + "<!-- /settings -->\nafter\n"; got != want {
		t.Errorf("got\n%s", got)
	}
	if again, _ := config.UpdateTable(got); again != got {
		t.Error("a second update changes it again")
	}
	if _, err := config.UpdateTable("no lines"); err == nil {
		t.Error("a page without the lines is left as it was, unsaid")
	}
}

func TestEverySettingIsDescribed(t *testing.T) {
	for line := range strings.SplitSeq(strings.TrimSpace(config.MarkdownTable()), "\n") {
		if cells := strings.Split(line, " | "); len(cells) != 3 && !strings.HasPrefix(line, "|---") ||
			strings.HasSuffix(line, "|  |") {
			t.Errorf("no description: %s", line)
		}
	}
}
