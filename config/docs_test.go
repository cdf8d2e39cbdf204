package config_test

import (
	"errors"
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
	t.Run("README's table", func(t *testing.T) {
		readme, err := os.ReadFile("../README.md")
		if errors.Is(err, os.ErrNotExist) {
			t.Skip("there is no README.md yet")
		}
		if err != nil {
			t.Fatal(err)
		}
		updated, err := config.UpdateReadme(string(readme))
		if err != nil {
			t.Fatal(err)
		}
		if updated != string(readme) {
			t.Error("not what config.go says: run `make gen`")
		}
	})
}

func TestUpdateReadme(t *testing.T) {
	got, err := config.UpdateReadme("before\n<!-- settings -->\nold\n<!-- /settings -->\nafter\n")
	if err != nil {
		t.Fatal(err)
	}
	if want := "before\n<!-- settings -->\n" + config.MarkdownTable() + "<!-- /settings -->\nafter\n"; got != want {
		t.Errorf("got\n%s", got)
	}
	if again, _ := config.UpdateReadme(got); again != got {
		t.Error("a second update changes it again")
	}
	if _, err := config.UpdateReadme("no lines"); err == nil {
		t.Error("a README without the lines is left as it was, unsaid")
	}
}

func TestEverySettingIsDescribed(t *testing.T) {
	for line := range strings.SplitSeq(strings.TrimSpace(config.MarkdownTable()), "\n") {
		if cells := strings.Split(line, " | "); len(cells) != 3 && !strings.HasPrefix(line, "|---") || strings.HasSuffix(line, "|  |") {
			t.Errorf("no description: %s", line)
		}
	}
}
