package bot

import (
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/go-telegram/bot/models"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"
	"pgregory.net/rapid"

	"github.com/topicdesk/topicdesk/messages"
)

// decodeRich decodes a message with these blocks.
func decodeRich(t interface {
	Helper()
	Fatal(args ...any)
}, blocks string) *Message {
	t.Helper()
	raw := `{"update_id":7,"message":{"message_id":70,"date":1,"chat":{"id":-1,"type":"supergroup"},
		"from":{"id":42,"first_name":"Ann"},"rich_message":{"blocks":` + blocks + `}}}`
	u, err := Decode([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	return u.Message
}

// showRead writes what was read as a text with tags.
func showRead(m *Message) string {
	r := Rich{Text: m.Text}
	for _, e := range m.Entities {
		r.Entities = append(r.Entities, Entity{MessageEntity: models.MessageEntity{
			Type: models.MessageEntityType(e.Type), Offset: int(e.Offset), Length: int(e.Length), URL: e.Url}})
	}
	return show(r)
}

func TestRichBlocks(t *testing.T) {
	for _, c := range []struct{ name, blocks, text, html string }{
		{"a list", `[{"type":"paragraph","text":"Please do this"},{"type":"list","items":[{"label":"1.","blocks":[
			{"type":"paragraph","text":"restart it"}],"value":1,"type":"1"}]}]`,
			"Please do this\n1. restart it", `<p>Please do this</p><ol><li value="1">restart it</li></ol>`},
		{"nested lists and boxes", `[{"type":"list","items":[{"label":"•","has_checkbox":true,"is_checked":true,"blocks":[
			{"type":"paragraph","text":"a"},{"type":"list","items":[{"label":"b)","value":2,"type":"a","blocks":[{"type":"paragraph","text":"x"},{"type":"paragraph","text":"y"}]}]}]},
			{"label":"","blocks":[]}]}]`,
			"☑ a\n  b) x\n    y\n• ", `<ul><li><input type="checkbox" checked/><p>a</p><ol><li value="2" type="a"><p>x</p><p>y</p></li></ol></li><li></li></ul>`},
		{"a heading", `[{"type":"paragraph","text":"a"},{"type":"heading","size":9,"text":"b"}]`, "a\n\n<bold>b</bold>", `<p>a</p><h6>b</h6>`},
		{"quotations", `[{"type":"blockquote","blocks":[{"type":"paragraph","text":"a"},{"type":"blockquote","blocks":[{"type":"paragraph","text":"b"}]}],"credit":"Eve"},
			{"type":"pullquote","text":"c","credit":"Bob"}]`,
			"<blockquote>a\nb\n— Eve</blockquote>\n<blockquote>c\n— Bob</blockquote>",
			`<blockquote><p>a</p><blockquote>b</blockquote><cite>Eve</cite></blockquote><aside>c<cite>Bob</cite></aside>`},
		{"code", `[{"type":"pre","language":"go","text":["a\n",{"type":"bold","text":"<b>"}]},{"type":"paragraph","text":{"type":"code","text":"c"}}]`,
			"<pre>a\n<b></pre>\n<code>c</code>", "<pre><code class=\"language-go\">a\n&lt;b&gt;</code></pre><p><code>c</code></p>"},
		{"a table", `[{"type":"table","is_bordered":true,"is_striped":true,"caption":"T","cells":[[{"text":"a","is_header":true,"align":"left","valign":"top"},{"colspan":2,"align":"x"}],[{"text":"b"},7]]}]`,
			"<italic>T</italic>\n<bold>a</bold> | \nb | ",
			`<table bordered striped><caption>T</caption><tr><th align="left" valign="top">a</th><td colspan="2"></td></tr><tr><td>b</td><td></td></tr></table>`},
		{"details", `[{"type":"details","is_open":true,"summary":"more","blocks":[{"type":"paragraph","text":"x"}]}]`,
			"<bold>more</bold>\nx", `<details open><summary>more</summary>x</details>`},
		{"a footer, a line, a formula, an anchor", `[{"type":"footer","text":"f"},{"type":"divider"},{"type":"mathematical_expression","expression":"a<b"},{"type":"anchor","name":"n\""}]`,
			"<italic>f</italic>\n———\n<code>a<b</code>", `<footer>f</footer><hr/><tg-math-block>a&lt;b</tg-math-block><a name="n&#34;"></a>`},
		{"a map", `[{"type":"map","location":{"latitude":13.75,"longitude":100.5},"zoom":15,"width":1,"height":1,"caption":{"text":"here","credit":"me"}}]`,
			"📍 13.75, 100.5\nhere — me", `<tg-map lat="13.75" long="100.5" zoom="15"/><p>here — me</p>`},
		{"media", `[{"type":"photo","photo":[{"file_id":"1"}],"caption":{"text":"cat"}},{"type":"audio","audio":{"performer":"Bach","title":"Air"}},
			{"type":"collage","blocks":[{"type":"video","video":{"file_name":"a.mp4"}},{"type":"animation","animation":{}},{"type":"voice_note"}],"caption":{"text":"all"}}]`,
			"🖼 cat\n🎵 Bach – Air\n🎬 a.mp4\n🎞\n🎤\nall", `<p>🖼 cat</p><p>🎵 Bach – Air</p><p>🎬 a.mp4</p><p>🎞</p><p>🎤</p><p>all</p>`},
		{"unknown blocks", `[{"type":"future","text":"a","blocks":[{"type":"paragraph","text":"b"}]},{"text":"c"},5,null,{"type":"paragraph","text":{"type":"future","text":["d"]}}]`,
			"a\nb\nc\nd", `<p>a</p><p>b</p><p>c</p><p>d</p>`},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := decodeRich(t, c.blocks)
			if got := showRead(m); got != c.text {
				t.Errorf("text %q, want %q", got, c.text)
			}
			if m.RichHTML != c.html {
				t.Errorf("html\n%s, want\n%s", m.RichHTML, c.html)
			}
		})
	}
}

func TestRichTexts(t *testing.T) {
	for text, want := range map[string]struct{ text, html string }{
		`["a",{"type":"bold","text":["b",{"type":"italic","text":"c"},{"type":"bold","text":"d"}]}]`:          {"a<bold>b<italic>c</italic>d</bold>", `a<b>b<i>c</i><b>d</b></b>`},
		`[{"type":"underline","text":"a"},{"type":"strikethrough","text":"b"},{"type":"spoiler","text":"c"}]`: {"<underline>a</underline><strikethrough>b</strikethrough><spoiler>c</spoiler>", `<u>a</u><s>b</s><tg-spoiler>c</tg-spoiler>`},
		`["H",{"type":"subscript","text":"2"},"O 10",{"type":"superscript","text":"6"},{"type":"marked","text":"m"}]`: {
			"H_2O 10^6m", `H<sub>2</sub>O 10<sup>6</sup><mark>m</mark>`},
		`{"type":"url","text":"here","url":"https://e.org/?a=1&b"}`:                                              {"<text_link https://e.org/?a=1&b>here</text_link>", `<a href="https://e.org/?a=1&amp;b">here</a>`},
		`{"type":"url","text":"https://e.org","url":"https://e.org"}`:                                            {"<url>https://e.org</url>", `<a href="https://e.org">https://e.org</a>`},
		`{"type":"email_address","text":"a@b.de","email_address":"a@b.de"}`:                                      {"<email>a@b.de</email>", `<a href="mailto:a@b.de">a@b.de</a>`},
		`{"type":"email_address","text":"write","email_address":"a@b.de"}`:                                       {"<email>write</email> (a@b.de)", `<a href="mailto:a@b.de">write</a>`},
		`{"type":"phone_number","text":"+66 2 123","phone_number":"+662123"}`:                                    {"<phone_number>+66 2 123</phone_number>", `<a href="tel:+662123">+66 2 123</a>`},
		`[{"type":"mention","text":"@Bob","username":"bob"},{"type":"hashtag","text":"#x","hashtag":"#x"}]`:      {"<mention>@Bob</mention><hashtag>#x</hashtag>", `@Bob#x`},
		`{"type":"text_mention","text":"Ann","user":{"id":42,"first_name":"Ann"}}`:                               {"<text_mention>Ann</text_mention>", `<a href="tg://user?id=42">Ann</a>`},
		`{"type":"custom_emoji","custom_emoji_id":"5","alternative_text":"👍"}`:                                   {"<custom_emoji>👍</custom_emoji>", `<tg-emoji emoji-id="5">👍</tg-emoji>`},
		`{"type":"date_time","text":"noon","unix_time":1700000000,"date_time_format":"wDT"}`:                     {"<date_time>noon</date_time>", `<tg-time unix="1700000000" format="wDT">noon</tg-time>`},
		`{"type":"mathematical_expression","expression":"x^2"}`:                                                  {"<code>x^2</code>", `<tg-math>x^2</tg-math>`},
		`[{"type":"anchor","name":"n"},{"type":"anchor_link","text":"a","anchor_name":"n"}]`:                     {"a", `<a name="n"></a><a href="#n">a</a>`},
		`[{"type":"reference","text":"r","name":"1"},{"type":"reference_link","text":"l","reference_name":"1"}]`: {"rl", `<tg-reference name="1">r</tg-reference><a href="#1">l</a>`},
		`{"type":"url","url":"https://a.org","text":{"type":"url","url":"https://b.org","text":"x"}}`:            {"<text_link https://a.org>x</text_link>", `<a href="https://a.org">x</a>`},
		`"a\nb"`: {"a\nb", `a<br/>b`},
	} {
		m := decodeRich(t, `[{"type":"paragraph","text":`+text+`}]`)
		if got := showRead(m); got != want.text || m.RichHTML != "<p>"+want.html+"</p>" {
			t.Errorf("%s:\n%q\n%s, want\n%q\n%s", text, got, m.RichHTML, want.text, want.html)
		}
	}
}

// Entities keep what belongs to them.
func TestRichEntities(t *testing.T) {
	m := decodeRich(t, `[{"type":"paragraph","text":["😀",
		{"type":"text_mention","text":"Ann","user":{"id":42,"first_name":"Ann","last_name":"Lee"}},
		{"type":"custom_emoji","custom_emoji_id":"5","alternative_text":"👍"},
		{"type":"date_time","text":"noon","unix_time":1700000000,"date_time_format":"wDT"}]},
		{"type":"pre","language":"go","text":"x"}]`)
	want := []*messages.Entity{{Type: "text_mention", Offset: 2, Length: 3, UserId: 42, UserName: "Ann Lee"},
		{Type: "custom_emoji", Offset: 5, Length: 2, CustomEmojiId: "5"},
		{Type: "date_time", Offset: 7, Length: 4, UnixTime: 1700000000, DateTimeFormat: "wDT"},
		{Type: "pre", Offset: 12, Length: 1, Language: "go"}}
	if diff := cmp.Diff(want, m.Entities, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
}

// A rich message beyond Telegram's limits keeps its words, and can't be posted again as one.
func TestRichMessagesBeyondTheLimits(t *testing.T) {
	nested := func(n int) string {
		return `[{"type":"paragraph","text":` + strings.Repeat(`{"type":"bold","text":`, n) + `"word"` + strings.Repeat("}", n) + `}]`
	}
	row := strings.Repeat(`{"text":"c"},`, 21)
	for name, blocks := range map[string]string{
		"depth":   nested(17),
		"blocks":  `[` + strings.Repeat(`{"type":"divider"},`, 499) + `{"type":"paragraph","text":"word"}]`,
		"columns": `[{"type":"table","cells":[[` + row + `{"text":"word"}]]}]`,
		"length":  `[{"type":"paragraph","text":"` + strings.Repeat("ก", 32768) + `word"}]`,
	} {
		m := decodeRich(t, blocks)
		if m.RichHTML != "" || m.Media != nil || !strings.Contains(m.Text, "word") {
			t.Errorf("%s: %d bytes of HTML, %d of text", name, len(m.RichHTML), len(m.Text))
		}
	}
	if m := decodeRich(t, nested(15)); m.RichHTML == "" {
		t.Error("15 levels of markup can't be posted again")
	}
}

// However hostile a message is, it is read in time that grows with its size, and costs at most a bounded record.
func TestHostileRichMessages(t *testing.T) {
	nest := func(open, within, end string, n int) string {
		return strings.Repeat(open, n) + within + strings.Repeat(end, n)
	}
	const mail = `{"type":"email_address","email_address":"a@b.de","text":`
	for name, blocks := range map[string]string{
		"lists":      nest(`[{"type":"list","items":[{"label":"1","blocks":`, `[]`, `}]}]`, 2400),
		"quotations": nest(`[{"type":"blockquote","blocks":`, `[]`, `}]`, 4900),
		"arrays":     `[{"type":"paragraph","text":` + nest(`[`, `"x"`, `]`, 9900) + `}]`,
		"addresses":  `[{"type":"paragraph","text":` + nest(mail, `"`+strings.Repeat("x", 100000)+`"`, `}`, 9900) + `}]`,
		"long":       `[{"type":"paragraph","text":"` + strings.Repeat("x", 1000000) + `"}]`,
		"many":       `[` + strings.Repeat(`{"text":{"type":"bold","text":"x"}},`, 27000) + `0]`,
		"odd":        `{"a":[1]}`,
	} {
		start := time.Now()
		m := decodeRich(t, blocks)
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("%s took %s", name, took)
		}
		if messages.UTF16Len(m.Text) > maxRichUnits || len(m.Entities) > maxRichEntities || len(m.RichHTML) > 1<<20 {
			t.Errorf("%s: %d bytes of text, %d entities, %d bytes of HTML", name, len(m.Text), len(m.Entities), len(m.RichHTML))
		}
	}
}

// richWords draws rich messages, and collects in words what can be read in them, in order.
type richWords struct {
	t      *rapid.T
	words  []string
	labels map[int]bool // which of them are labels of items, which HTML makes anew
}

func (w *richWords) word() string {
	s := fmt.Sprintf("w%d", len(w.words)) + rapid.SampledFrom([]string{"", "ไทย", "😀", "<b>&\"'", " two words"}).Draw(w.t, "word")
	w.words = append(w.words, strings.Fields(s)...)
	return s
}

func (w *richWords) maybe(o map[string]any, name string, draw func() any) {
	if rapid.Bool().Draw(w.t, name) {
		o[name] = draw()
	}
}

func (w *richWords) odd() any {
	return rapid.SampledFrom([]any{nil, true, 7.5, []any{}, map[string]any{}}).Draw(w.t, "odd")
}

func (w *richWords) richText(depth int) any {
	kinds := slices.Sorted(maps.Keys(richStyles))
	kinds = append(kinds, "", "[]", "[]", "url", "text_mention", "custom_emoji", "date_time", "mathematical_expression", "anchor",
		"anchor_link", "reference", "reference_link", "of_the_future")
	if depth <= 0 {
		return w.word()
	}
	switch kind := rapid.SampledFrom(kinds).Draw(w.t, "text"); kind {
	case "":
		return w.word()
	case "[]":
		var list []any
		for range rapid.IntRange(0, 3).Draw(w.t, "n") {
			list = append(list, w.richText(depth-1), w.odd())
		}
		return list
	case "custom_emoji":
		return map[string]any{"type": kind, "custom_emoji_id": "5", "alternative_text": w.word()}
	case "mathematical_expression":
		return map[string]any{"type": kind, "expression": w.word()}
	case "anchor":
		return map[string]any{"type": kind, "name": "a"}
	default:
		return map[string]any{"type": kind, "text": w.richText(depth - 1), "url": "https://e.org", "unix_time": 1, "name": "n",
			"user": map[string]any{"id": 5, "first_name": "x"}}
	}
}

func (w *richWords) caption() any {
	c := map[string]any{"text": w.richText(1)}
	w.maybe(c, "credit", func() any { return w.richText(1) })
	return c
}

func (w *richWords) blocks(depth int) []any {
	var list []any
	for range rapid.IntRange(0, 3).Draw(w.t, "blocks") {
		list = append(list, w.block(depth))
	}
	return list
}

func (w *richWords) block(depth int) any {
	kinds := []string{"paragraph", "heading", "pre", "footer", "divider", "mathematical_expression", "anchor", "photo", "map",
		"pullquote", "thinking"}
	if depth > 0 {
		kinds = append(kinds, "list", "blockquote", "collage", "slideshow", "table", "details", "of_the_future")
	}
	kind := rapid.SampledFrom(kinds).Draw(w.t, "block")
	b := map[string]any{"type": kind}
	switch kind {
	case "mathematical_expression":
		b["expression"] = w.word()
	case "divider", "anchor":
	case "photo", "map":
		b["location"] = w.odd()
		w.maybe(b, "caption", w.caption)
	case "list":
		var items []any
		for range rapid.IntRange(0, 3).Draw(w.t, "items") {
			first := len(w.words)
			item := map[string]any{"label": w.word()}
			for i := first; i < len(w.words); i++ {
				w.labels[i] = true
			}
			item["blocks"] = w.blocks(depth - 1)
			w.maybe(item, "has_checkbox", func() any { return true })
			w.maybe(item, "value", func() any { return 3 })
			items = append(items, item, w.odd())
		}
		b["items"] = items
	case "table":
		w.maybe(b, "caption", func() any { return w.richText(1) })
		var rows []any
		for range rapid.IntRange(0, 3).Draw(w.t, "rows") {
			var cells []any
			for range rapid.IntRange(0, 3).Draw(w.t, "cells") {
				cells = append(cells, map[string]any{"text": w.richText(2)}, w.odd())
			}
			rows = append(rows, cells)
		}
		b["cells"] = rows
	case "blockquote", "collage", "slideshow", "details", "of_the_future":
		if kind == "details" {
			b["summary"] = w.richText(1)
		}
		if kind == "of_the_future" {
			b["text"] = w.richText(1)
		}
		b["blocks"] = w.blocks(depth - 1)
		switch kind {
		case "blockquote":
			w.maybe(b, "credit", func() any { return w.richText(1) })
		case "collage", "slideshow":
			w.maybe(b, "caption", w.caption)
		}
	default:
		b["text"] = w.richText(3)
		if kind == "pullquote" {
			w.maybe(b, "credit", func() any { return w.richText(1) })
		}
	}
	return b
}

// Every word of a rich message is in its text and in its HTML, in order.
func TestNoWordOfARichMessageIsLost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := richWords{t: t, labels: map[int]bool{}}
		blocks, err := json.Marshal(w.blocks(3))
		if err != nil {
			t.Fatal(err)
		}
		m := decodeRich(t, string(blocks))
		if len(w.words) > 0 && m.Media != nil {
			t.Fatalf("no text of %s", blocks)
		}
		for name, text := range map[string]string{"text": m.Text, "HTML": html.UnescapeString(m.RichHTML)} {
			if name == "HTML" && m.RichHTML == "" {
				continue
			}
			for n, word := range w.words {
				if name == "HTML" && w.labels[n] {
					continue
				}
				i := strings.Index(text, word)
				if i < 0 {
					t.Fatalf("%q is not in the %s %q of %s", word, name, text, blocks)
				}
				text = text[i+len(word):]
			}
		}
		units := messages.UTF16Len(m.Text)
		for _, e := range m.Entities {
			if e.Offset < 0 || e.Length <= 0 || int(e.Offset+e.Length) > units || !utf8.ValidString(m.Text) {
				t.Fatalf("entity %v of %d units", e, units)
			}
		}
	})
}
