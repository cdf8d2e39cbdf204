package simulator

import (
	"reflect"
	"testing"
)

func TestDetect(t *testing.T) {
	type mark struct {
		kind, text string
	}
	for text, want := range map[string][]mark{
		"nothing here":       nil,
		"/start now":         {{"bot_command", "/start"}},
		"a/b /c@my_bot. //x": {{"bot_command", "/c@my_bot"}},
		"👍 @somchai_j and สวัสดี/x":  {{"mention", "@somchai_j"}},
		"see https://a.th/x?y=1.":    {{"url", "https://a.th/x?y=1"}},
		"mail me@example.com please": {{"email", "me@example.com"}},
		"#สวัสดี #1 #a1":             {{"hashtag", "#สวัสดี"}, {"hashtag", "#a1"}},
		"example.com/path":           {{"url", "example.com/path"}},
		"@ab x@abcdef":               nil,
	} {
		var got []mark
		for _, e := range detect(text) {
			got = append(got, mark{e.Type, utf16Cut(text, e.Offset, e.Length)})
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestParseModes(t *testing.T) {
	for _, c := range []struct {
		mode, in, text string
		want           []Entity
	}{
		{"HTML", "<b>a <i>👍</i></b> &lt;x&gt; &amp; &copy;", "a 👍 <x> & &copy;", []Entity{{Type: "bold", Offset: 0, Length: 4}, {Type: "italic", Offset: 2, Length: 2}}},
		{"HTML", `<a href="https://x.org/?a=1&amp;b=2">x</a>`, "x", []Entity{{Type: "text_link", Offset: 0, Length: 1, URL: "https://x.org/?a=1&b=2"}}},
		{"HTML", `<pre><code class="language-go">x</code></pre>`, "x", []Entity{{Type: "pre", Offset: 0, Length: 1, Language: "go"}}},
		{"HTML", "  <b>x</b>\n", "x", []Entity{{Type: "bold", Offset: 0, Length: 1}}},
		{"MarkdownV2", `*a* _b_ \. [c](https://x\.org)`, "a b . c", []Entity{{Type: "bold", Offset: 0, Length: 1}, {Type: "italic", Offset: 2, Length: 1}, {Type: "text_link", Offset: 6, Length: 1, URL: "https://x.org"}}},
	} {
		text, es, e := formatted(c.in, c.mode, nil, maxText)
		if e != nil || text != c.text || !reflect.DeepEqual(es, c.want) {
			t.Errorf("%s %q: %q %+v %v", c.mode, c.in, text, es, e)
		}
	}
}
