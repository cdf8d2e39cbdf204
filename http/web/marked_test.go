package web

import (
	"strings"
	"testing"

	"golang.org/x/net/html"
	"pgregory.net/rapid"

	"github.com/topicdesk/topicdesk/messages"
)

func TestMarkedHTML(t *testing.T) {
	e := func(kind string, offset, length int32, url string) *messages.Entity {
		return &messages.Entity{Type: kind, Offset: offset, Length: length, Url: url}
	}
	link := func(href, text string) string {
		return `<a href="` + href + `" rel="noopener noreferrer nofollow" target="_blank">` + text + `</a>`
	}
	for _, tt := range []struct {
		text     string
		entities []*messages.Entity
		want     string
	}{
		{"plain <b>", nil, "plain &lt;b&gt;"},
		{"a 🧯 bold", []*messages.Entity{e("bold", 5, 4, "")}, "a 🧯 <b>bold</b>"},
		{"nested", []*messages.Entity{e("italic", 2, 2, ""), e("bold", 0, 6, "")}, "<b>ne<i>st</i>ed</b>"},
		{"crossing", []*messages.Entity{e("bold", 0, 5, ""), e("italic", 3, 5, "")}, "<b>cro<i>ss</i></b><i>ing</i>"},
		{"said\nso", []*messages.Entity{e("blockquote", 0, 4, "")}, "<blockquote>said</blockquote>so"},
		{"go", []*messages.Entity{e("text_link", 0, 2, "javascript:alert(1)")}, "go"},
		{"go", []*messages.Entity{e("text_link", 0, 2, " JavaScript:alert(1)")}, "go"},
		{"go", []*messages.Entity{e("text_link", 0, 2, "data:text/html,x")}, "go"},
		{"go", []*messages.Entity{e("text_link", 0, 2, `https://x.example/"onclick="y`)}, link("https://x.example/%22onclick=%22y", "go")},
		{"x.example", []*messages.Entity{e("url", 0, 9, "")}, link("https://x.example", "x.example")},
		{"@ann", []*messages.Entity{e("mention", 0, 4, "")}, link("https://t.me/ann", "@ann")},
		{"in in", []*messages.Entity{e("text_link", 0, 5, "https://a.example"), e("text_link", 3, 2, "https://b.example")},
			link("https://a.example", "in in")},
		{"secret", []*messages.Entity{e("spoiler", 0, 6, "")},
			`<span class="spoiler" tabindex="0" role="button" aria-label="Hidden &#34;words&#34;">secret</span>`},
		{"short", []*messages.Entity{e("bold", -4, 400, ""), e("italic", 99, 1, ""), e("evil><script>", 0, 5, "")}, "<b>short</b>"},
	} {
		if got := string(markedHTML(tt.text, tt.entities, `Hidden "words"`)); got != tt.want {
			t.Errorf("%q:\n got %s\nwant %s", tt.text, got, tt.want)
		}
	}
}

// TestMarkedHTMLIsBalanced: whatever entities a text has, what a browser reads of the HTML is the text, in tags of ours.
func TestMarkedHTMLIsBalanced(t *testing.T) {
	kinds := []string{"bold", "italic", "spoiler", "text_link", "url", "email", "mention", "code", "underline", "other"}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.RuneFrom([]rune("ab<>&\"'🧯ก็ @./:"))).Draw(t, "text")
		var entities []*messages.Entity
		for range rapid.IntRange(0, 8).Draw(t, "entities") {
			entities = append(entities, &messages.Entity{Type: rapid.SampledFrom(kinds).Draw(t, "kind"),
				Offset: rapid.Int32Range(-2, 20).Draw(t, "offset"), Length: rapid.Int32Range(-2, 20).Draw(t, "length"),
				Url: rapid.SampledFrom([]string{"https://x.example", "javascript:x", `https://"><script>`}).Draw(t, "url")})
		}
		var read strings.Builder
		var open []string
		z := html.NewTokenizer(strings.NewReader(string(markedHTML(text, entities, "Hidden"))))
		for z.Next() != html.ErrorToken {
			switch token := z.Token(); token.Type {
			case html.TextToken:
				read.WriteString(token.Data)
			case html.StartTagToken:
				open = append(open, token.Data)
			case html.EndTagToken:
				if len(open) == 0 || open[len(open)-1] != token.Data {
					t.Fatalf("</%s> closes %v", token.Data, open)
				}
				open = open[:len(open)-1]
			default:
				t.Fatalf("unexpected %v", token)
			}
		}
		if read.String() != text || len(open) > 0 {
			t.Fatalf("%q is read as %q, open: %v", text, read.String(), open)
		}
	})
}
