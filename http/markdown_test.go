package httpedge

import (
	"fmt"
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/messages"
)

func TestMarkdown(t *testing.T) {
	for source, want := range map[string]string{
		"plain * text_with_signs":            "plain * text_with_signs",
		"**bold** *it* _it_ __under__ ~~s~~": "bold it it under s|bold 0 4|italic 5 2|italic 8 2|underline 11 5|strikethrough 17 1",
		"||hidden||":                         "hidden|spoiler 0 6",
		"a `co*de*` b":                       "a co*de* b|code 2 6",
		"**a *b* c**":                        "a b c|italic 2 1|bold 0 5",
		"🔥 **ก็**":                           "🔥 ก็|bold 3 2",
		"[x](https://e.com/a_b) y":           "x y|text_link 0 1 https://e.com/a_b",
		"[x](javascript:alert(1))":           "[x](javascript:alert(1))",
		"[**x**](https://e.com)":             "x|bold 0 1|text_link 0 1 https://e.com",
		`\*no\* 5 \\ 3`:                      `*no* 5 \ 3`,
		"**open":                             "**open",
		"** no **":                           "** no **",
		"2*3*4 snake_case_name":              "234 snake_case_name|italic 1 1",
		"```go\nx := 1\n```":                 "x := 1|pre 0 6 go",
		"a ```b``` c":                        "a b c|pre 2 1",
		"```never":                           "```never",
		"> one\n> two\nthree":                "one\ntwo\nthree|blockquote 0 8",
		"a > b":                              "a > b",
	} {
		text, entities := markdown(source)
		got := text
		for _, e := range entities {
			got += fmt.Sprintf("|%s %d %d", e.Type, e.Offset, e.Length)
			if e.Url+e.Language != "" {
				got += " " + e.Url + e.Language
			}
		}
		if got != want {
			t.Errorf("%q\n got %q\nwant %q", source, got, want)
		}
	}
}

// FuzzMarkdown checks that entities lie within the text and between characters, whatever the source, and that it does
// not take long.
func FuzzMarkdown(f *testing.F) {
	for _, s := range []string{"**a *b* [c](https://d.e)**", "```x\ny```", "> **q**\n", strings.Repeat("[", 50),
		strings.Repeat("*a", 50), "\\", "**\\**"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, source string) {
		source = messages.CleanText(source)
		text, entities := markdown(source)
		inside := insidePairs(text)
		for _, e := range entities {
			if end := int(e.Offset + e.Length); e.Length <= 0 || end > messages.UTF16Len(text) || inside[e.Offset] ||
				inside[end] {
				t.Fatalf("%q: %q has %v", source, text, e)
			}
		}
	})
}
