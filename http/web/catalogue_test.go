package web

import (
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/messages"
)

var (
	placeholders = regexp.MustCompile(`\{[a-z]+\}`)
	usedKeys     = regexp.MustCompile(`\.T "([a-z_]+)"`)
	builtKeys    = regexp.MustCompile(`printf "([a-z]+_)%s"`)
)

// TestCatalogues: both languages have the same keys with the same placeholders, and every text that a page names.
func TestCatalogues(t *testing.T) {
	en, th := catalogues()["en"], catalogues()["th"]
	if len(en) == 0 || len(en) != len(th) {
		t.Errorf("%d texts in English, %d in Thai", len(en), len(th))
	}
	for key, text := range en {
		a, b := placeholders.FindAllString(text, -1), placeholders.FindAllString(th[key], -1)
		slices.Sort(a)
		slices.Sort(b)
		if th[key] == "" || !slices.Equal(a, b) {
			t.Errorf("%s: %q, %q", key, text, th[key])
		}
	}
	pages, err := fs.Glob(embedded, "templates/*.html")
	if err != nil || len(pages) == 0 {
		t.Fatal(err)
	}
	for _, name := range pages {
		page, err := embedded.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, used := range usedKeys.FindAllStringSubmatch(string(page), -1) {
			if en[used[1]] == "" {
				t.Errorf("%s: there is no text %s", name, used[1])
			}
		}
		for _, built := range builtKeys.FindAllStringSubmatch(string(page), -1) {
			if !slices.ContainsFunc(slices.Collect(maps.Keys(en)), func(key string) bool { return strings.HasPrefix(key, built[1]) }) {
				t.Errorf("%s: there are no texts %s…", name, built[1])
			}
		}
	}
	var built []string
	for _, state := range states {
		built = append(built, "filter_"+state.Name)
	}
	for _, view := range views {
		built = append(built, "view_"+view.Name, "view_is_"+view.Name)
	}
	for _, f := range failures {
		built = append(built, f.text)
	}
	for _, priority := range priorities {
		built = append(built, "priority_"+priority)
	}
	for _, reason := range []string{messages.NoticeNotAllowed, messages.NoticeCannotAsk, messages.NoticeAlreadyClosed,
		messages.NoticeAlreadyOpen, messages.NoticeAlreadyPending, messages.NoticePrioritySame, messages.NoticeTicketIsClosed,
		messages.NoticeUnlinkNone, messages.NoticeNothingToRetry, messages.NoticeButtonStale, messages.NoticeMentionAlready,
		messages.NoticeMentionUnknown, messages.NoticeMentionNoGroup, messages.NoticeMentionBotOut, messages.NoticeMentionNoTopics,
		messages.NoticeMentionNoRights, messages.NoticeMentionHome, messages.NoticeMentionBot, messages.ReasonNoTitle,
		messages.ReasonManyPending} {
		if key := refusedKey(reason); key == "refused_other" {
			t.Errorf("there is no text for %s", reason)
		}
	}
	for _, key := range built {
		if en[key] == "" {
			t.Errorf("there is no text %s", key)
		}
	}
}

// TestValuesAreLiteral: what is put into a text is not read again.
func TestValuesAreLiteral(t *testing.T) {
	if got := textOf("en", "forwarded", "name", "{name} {count}"); got != "Forwarded from {name} {count}" {
		t.Error(got)
	}
}
