package bot

import (
	"cmp"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
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
var notWords = regexp.MustCompile(`\{\{.*?\}\}|/[a-z_]+|\([A-Z][^)]*\)`)

func TestTermsHaveOneTranslation(t *testing.T) {
	en, th, all := catalogue(t, langEnglish), catalogue(t, langThai), terms(t)
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
		for _, key := range []string{"status_pending", "button_pending", "pending_set", "already_pending", "ticket_continued", "private_continued"} {
			if !strings.Contains(strings.ToLower(texts[key]), word) {
				t.Errorf("%s: %s does not say %s: %s", lang, key, word, texts[key])
			}
		}
	}
}
