package bot

import (
	"cmp"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
)

// term is a row of the table of terms in CONTRIBUTING.md.
type term struct {
	english *regexp.Regexp // nil: the word has other meanings too, so texts with it are not held to the translation
	name    string
	thai    *regexp.Regexp
	not     []string
}

var termRow = regexp.MustCompile(`(?m)^\| ([a-z ()]+) \| ([^|]*[\x{0E00}-\x{0E7F}][^|]*) \|([^|]*)\|$`)

// terms reads the table, longer terms first.
func terms(t *testing.T) (all []term) {
	t.Helper()
	text, err := os.ReadFile("../CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range termRow.FindAllStringSubmatch(string(text), -1) {
		one := term{name: row[1]}
		if !strings.Contains(row[1], "(") {
			one.english = regexp.MustCompile(`(?i)\b` + row[1] + `(s|d|ed)?\b`)
		}
		one.thai = regexp.MustCompile(`(?s)` + strings.ReplaceAll(regexp.QuoteMeta(strings.TrimSpace(row[2])), "…", ".*"))
		for word := range strings.SplitSeq(row[3], ",") {
			if word = strings.TrimSpace(word); word != "" {
				one.not = append(one.not, word)
			}
		}
		all = append(all, one)
	}
	if len(all) < 20 {
		t.Fatalf("CONTRIBUTING.md has %d terms", len(all))
	}
	slices.SortStableFunc(all, func(a, b term) int { return cmp.Compare(len(b.name), len(a.name)) })
	return all
}

// notWords are what a text has besides words of its language: placeholders, commands, names in brackets.
var notWords = regexp.MustCompile(`\{\{.*?\}\}|\{[a-z]+\}|/[a-z_]+|\([A-Z][^)]*\)`)

// TestTermsHaveOneTranslation: whatever people read, in Telegram or on the web desk, has the table's words.
func TestTermsHaveOneTranslation(t *testing.T) {
	all := terms(t)
	haveOneTranslation(t, all, catalogue(t, langEnglish), catalogue(t, langThai))
	english, err := filepath.Glob("../http/web/locales/en*.toml")
	if err != nil || len(english) < 2 {
		t.Fatalf("the web desk's texts are not found: %q %v", english, err)
	}
	for _, path := range english {
		folder, name := filepath.Split(path)
		haveOneTranslation(t, all, textsOf(t, path), textsOf(t, folder+langThai+strings.TrimPrefix(name, langEnglish)))
	}
}

// textsOf are the texts of a file.
func textsOf(t *testing.T, path string) map[string]string {
	t.Helper()
	texts := map[string]string{}
	if _, err := toml.DecodeFile(path, &texts); err != nil || len(texts) == 0 {
		t.Fatalf("%s: %d texts, %v", path, len(texts), err)
	}
	return texts
}

func haveOneTranslation(t *testing.T, all []term, en, th map[string]string) {
	t.Helper()
	for key, text := range en {
		said, thai := notWords.ReplaceAllString(text, ""), notWords.ReplaceAllString(th[key], "")
		for _, one := range all {
			if one.english != nil && one.english.MatchString(said) {
				if !one.thai.MatchString(thai) {
					t.Errorf("%s says %q in English, and not %s in Thai:\n%s\n%s", key, one.name, one.thai, text, th[key])
				}
				said = one.english.ReplaceAllString(said, "") // a member of a team is no member
			}
			for _, word := range one.not {
				if strings.Contains(thai, word) {
					t.Errorf("%s says %q for %q in Thai, instead of %s:\n%s", key, word, one.name, one.thai, th[key])
				}
			}
		}
		for _, particle := range []string{"ครับ", "ค่ะ", "คะ"} {
			if strings.Contains(thai, particle) {
				t.Errorf("%s has the particle %s in Thai:\n%s", key, particle, th[key])
			}
		}
	}
}

// TestStatesAndButtonsSayTheSame: a state has one word, on cards, on buttons and in notices.
func TestStatesAndButtonsSayTheSame(t *testing.T) {
	for lang, word := range map[string]string{langEnglish: "pending", langThai: "รอคำตอบ"} {
		texts := catalogue(t, lang)
		for _, key := range []string{"status_pending", "button_pending", "pending_set", "already_pending", "ticket_continued",
			"private_pending", "private_continued"} {
			if !strings.Contains(strings.ToLower(texts[key]), word) {
				t.Errorf("%s: %s does not say %s: %s", lang, key, word, texts[key])
			}
		}
	}
}
