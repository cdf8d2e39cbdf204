package bot

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"
	"pgregory.net/rapid"

	"github.com/topicdesk/topicdesk/messages"
)

func readBlocks(t *testing.T, blocks string) richMessage {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(`{"blocks":`+blocks+`}`), &v); err != nil {
		t.Fatal(err)
	}
	return readRich(v, "en")
}

func TestReadRich(t *testing.T) {
	for name, c := range map[string]struct{ blocks, text, html string }{
		"paragraphs": {`[{"type":"paragraph","text":"a"},{"type":"paragraph","text":["b ",{"type":"bold","text":"<c>"}]}]`,
			"a\n\nb <c>", "<p>a</p><p>b <b>&lt;c&gt;</b></p>"},
		"line breaks": {`[{"type":"paragraph","text":["a\nb",{"type":"code","text":"c\nd"},"\n"]},{"type":"pre","text":"e\nf"},{"type":"paragraph","text":"g\nh"}]`,
			"a\nbc\nd\n\ne\nf\ng\nh",
			"<p>a<br/>b<code>c\nd</code><br/></p><pre>e\nf</pre><p>g<br/>h</p>"},
		"heading": {`[{"type":"paragraph","text":"a"},{"type":"heading","size":2,"text":"b"},{"type":"divider"}]`,
			"a\n\nb\n———", "<p>a</p><h2>b</h2><hr/>"},
		"lists": {`[{"type":"list","items":[{"label":"1.","value":1,"blocks":[{"type":"paragraph","text":"a"},
			{"type":"list","items":[{"label":"•","blocks":[{"type":"paragraph","text":"b"}]}]}]},
			{"label":"2.","value":2,"blocks":[{"type":"paragraph","text":"c"}]}]}]`,
			"1. a\n  • b\n2. c",
			`<ol><li value="1"><p>a</p><ul><li><p>b</p></li></ul></li><li value="2"><p>c</p></li></ol>`},
		"checkboxes": {`[{"type":"list","items":[{"label":"•","has_checkbox":true,"is_checked":true,"blocks":[{"type":"paragraph","text":"a"}]},
			{"label":"•","has_checkbox":true,"blocks":[{"type":"paragraph","text":"b"}]}]}]`,
			"☑ a\n☐ b",
			`<ul><li><input type="checkbox" checked><p>a</p></li><li><input type="checkbox"><p>b</p></li></ul>`},
		"quotes": {`[{"type":"blockquote","blocks":[{"type":"paragraph","text":"a"},{"type":"paragraph","text":"b"}],"credit":"c"},
			{"type":"pullquote","text":"d"}]`,
			"a\nb\n— c\nd", "<blockquote><p>a</p><p>b</p><cite>c</cite></blockquote><aside>d</aside>"},
		"table": {`[{"type":"table","caption":"t","is_bordered":true,"cells":[[{"text":"a","is_header":true,"align":"left","valign":"top"},
			{"align":"left","valign":"top"}],[{"text":"1","colspan":2,"align":"left","valign":"top"}]]}]`,
			"t\na | \n1",
			`<table bordered><caption>t</caption><tr><th align="left" valign="top">a</th><td align="left" valign="top"></td></tr>` +
				`<tr><td align="left" valign="top" colspan="2">1</td></tr></table>`},
		"details": {`[{"type":"details","summary":"s","blocks":[{"type":"paragraph","text":"a"}],"is_open":true}]`,
			"s\na", "<details open><summary>s</summary><p>a</p></details>"},
		"code": {`[{"type":"pre","text":"x := 1\ny","language":"go"},{"type":"mathematical_expression","expression":"a<b"}]`,
			"x := 1\ny\na<b", `<pre><code class="language-go">x := 1` + "\n" + `y</code></pre><tg-math-block>a&lt;b</tg-math-block>`},
		"map": {`[{"type":"map","location":{"latitude":13.75,"longitude":100.5},"zoom":3,"caption":{"text":"here","credit":"me"}}]`,
			"[location] 13.75, 100.5\nhere\n— me",
			`<figure><tg-map lat="13.75" long="100.5" zoom="13"/><figcaption>here<cite>me</cite></figcaption></figure>`},
		"a link":             {`[{"type":"paragraph","text":{"type":"url","url":"https://a.b/?x=\"1\"&y","text":"here"}}]`, "here", `<p><a href="https://a.b/?x=&#34;1&#34;&amp;y">here</a></p>`},
		"a reference":        {`[{"type":"paragraph","text":[{"type":"reference_link","text":"1","reference_name":"n"},{"type":"anchor","name":"q"}]}]`, "1", `<p><a href="#n">1</a><a name="q"></a></p>`},
		"an unknown block":   {`[{"type":"poem","text":"a","blocks":[{"type":"paragraph","text":"b"}]},{"type":"paragraph","text":"c"}]`, "a\nb\nc", ""},
		"an unknown text":    {`[{"type":"paragraph","text":["a ",{"type":"glow","text":"b"}]}]`, "a b", ""},
		"an unknown number":  {`[{"type":"paragraph","text":7},{"type":"paragraph","text":"b"},null,3]`, "b", ""},
		"media in a collage": {`[{"type":"collage","blocks":[{"type":"photo","photo":[],"caption":{"text":"a"}},{"type":"video","video":{"file_name":"v.mp4"}}],"caption":{"text":"b"}}]`, "[photo]\na\n[video] v.mp4\nb", ""},
		"nothing":            {`[]`, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := readBlocks(t, c.blocks)
			if got.text != c.text || got.html != c.html {
				t.Errorf("text %q\nwant %q\nhtml %s\nwant %s", got.text, c.text, got.html, c.html)
			}
		})
	}
}

// The addresses of links are bounded together; what they say stays.
func TestReadRichBoundsAddresses(t *testing.T) {
	link := func(n int) string {
		return `{"type":"url","text":"w","url":"https://a.b/` + strings.Repeat("x", n) + `"}`
	}
	long, short := link(2000), link(1)
	got := readBlocks(t, `[{"type":"paragraph","text":[`+strings.Repeat(long+",", 500)+short+`]}]`)
	bytes := 0
	for _, e := range got.entities {
		bytes += len(e.Url)
	}
	if last := got.entities[len(got.entities)-1]; bytes > maxRichURLs || len(last.Url) > 100 {
		t.Errorf("%d entities with %d bytes, the last %.20s", len(got.entities), bytes, last.Url)
	}
	if got.text != strings.Repeat("w", 501) {
		t.Errorf("text %q", got.text)
	}
}

func TestReadRichEntities(t *testing.T) {
	got := readBlocks(t, `[{"type":"heading","size":1,"text":"😀 A"},{"type":"paragraph","text":[
		{"type":"italic","text":["x",{"type":"bold","text":{"type":"italic","text":"y"}}]},
		{"type":"text_mention","text":"Ann","user":{"id":7,"first_name":"Ann"}},
		{"type":"date_time","text":"now","unix_time":5,"date_time_format":"t"},
		{"type":"custom_emoji","custom_emoji_id":"9","alternative_text":"🙂"},
		{"type":"url","url":"https://a.b","text":"https://a.b"},
		{"type":"bot_command","text":"/x","bot_command":"/x"}]},
		{"type":"pre","language":"go","text":{"type":"bold","text":"z"}}]`)
	want := []*messages.Entity{
		{Type: "bold", Length: 4}, {Type: "italic", Offset: 5, Length: 2}, {Type: "bold", Offset: 6, Length: 1},
		{Type: "text_mention", Offset: 7, Length: 3, UserId: 7, UserName: "Ann"},
		{Type: "date_time", Offset: 10, Length: 3, UnixTime: 5, DateTimeFormat: "t"},
		{Type: "custom_emoji", Offset: 13, Length: 2, CustomEmojiId: "9"},
		{Type: "url", Offset: 15, Length: 11}, {Type: "bot_command", Offset: 26, Length: 2},
		{Type: "pre", Offset: 29, Length: 1, Language: "go"},
	}
	if diff := cmp.Diff(want, got.entities, protocmp.Transform()); diff != "" {
		t.Errorf("%q: %s", got.text, diff)
	}
}

// A hostile message is read in time, with bounds.
func TestReadRichIsBounded(t *testing.T) {
	nested := func(open, closing string, n int) string {
		return strings.Repeat(open, n) + `{"type":"paragraph","text":"core"}` + strings.Repeat(closing, n)
	}
	for name, blocks := range map[string]string{
		"quotes":  "[" + nested(`{"type":"blockquote","blocks":[`, "]}", 4000) + "]",
		"lists":   "[" + nested(`{"type":"list","items":[{"label":"1.","blocks":[`, "]}]}", 2000) + "]",
		"unknown": "[" + nested(`{"type":"x","blocks":[`, "]}", 4000) + "]",
		"bold":    `[{"type":"paragraph","text":` + strings.Repeat(`{"type":"bold","text":`, 9000) + `"core"` + strings.Repeat("}", 9000) + "}]",
		"wide":    `[{"type":"paragraph","text":["core"` + strings.Repeat(`,{"type":"bold","text":"a "}`, 60_000) + "]}]",
		"empty":   `[{"type":"paragraph","text":"core"}` + strings.Repeat(`,{"type":"paragraph","text":{"type":"bold","text":""}}`, 30_000) + "]",
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			got := readBlocks(t, blocks)
			if !strings.Contains(got.text, "core") || messages.UTF16Len(got.text) > maxRichText ||
				len(got.entities) > maxRichEntities || len(got.html) > maxRichHTML {
				t.Errorf("%d units, %d entities, %d bytes", messages.UTF16Len(got.text), len(got.entities), len(got.html))
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}

// Whatever the blocks are, each word that a person wrote is in the text, in order, and the entities lie within it.
func TestReadRichKeepsEveryWord(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := richDrawer{T: t}
		blocks := g.blocks(4)
		raw, err := json.Marshal(map[string]any{"blocks": blocks})
		if err != nil {
			t.Fatal(err)
		}
		var v any
		_ = json.Unmarshal(raw, &v)
		got := readRich(v, "en")
		rest := got.text
		for _, word := range g.words {
			_, after, found := strings.Cut(rest, word)
			if !found {
				t.Fatalf("%q is missing or out of order in %q of %s", word, got.text, raw)
			}
			rest = after
		}
		for _, e := range got.entities {
			if e.Offset < 0 || e.Length <= 0 || int(e.Offset+e.Length) > messages.UTF16Len(got.text) {
				t.Fatalf("entity %v lies beyond %q", e, got.text)
			}
		}
	})
}

// richDrawer draws blocks of the schema's types, and of none, and notes the words in them.
type richDrawer struct {
	*rapid.T
	words []string
}

func (g *richDrawer) word() string {
	w := fmt.Sprintf("w%d.", len(g.words))
	g.words = append(g.words, w)
	return w
}

func (g *richDrawer) of(values ...string) string { return rapid.SampledFrom(values).Draw(g.T, "kind") }

func (g *richDrawer) text(depth int) any {
	switch n := rapid.IntRange(0, 5).Draw(g.T, "text"); {
	case depth == 0 || n < 2:
		return g.word()
	case n == 2:
		return []any{g.text(depth - 1), g.text(depth - 1)}
	}
	kind := g.of("bold", "italic", "underline", "strikethrough", "spoiler", "date_time", "text_mention", "subscript",
		"superscript", "marked", "code", "custom_emoji", "mathematical_expression", "url", "email_address", "phone_number",
		"bank_card_number", "mention", "hashtag", "cashtag", "bot_command", "anchor_link", "reference", "reference_link", "new")
	switch kind {
	case "custom_emoji":
		return map[string]any{"type": kind, "custom_emoji_id": "1", "alternative_text": g.word()}
	case "mathematical_expression":
		return map[string]any{"type": kind, "expression": g.word()}
	}
	return map[string]any{"type": kind, "url": "https://x.y", "unix_time": 1, "text": g.text(depth - 1)}
}

func (g *richDrawer) blocks(depth int) []any {
	var out []any
	for range rapid.IntRange(1, 3).Draw(g.T, "blocks") {
		out = append(out, g.block(depth))
	}
	return out
}

func (g *richDrawer) caption() any { return map[string]any{"text": g.text(1), "credit": g.text(1)} }

func (g *richDrawer) block(depth int) any {
	kind := g.of("paragraph", "heading", "pre", "footer", "mathematical_expression", "photo", "voice_note", "map", "new",
		"blockquote", "pullquote", "list", "table", "details", "collage", "slideshow", "nested")
	b := map[string]any{"type": kind}
	switch kind {
	case "mathematical_expression":
		b["expression"] = g.word()
	case "photo", "voice_note", "map":
		b["caption"] = g.caption()
	case "table":
		b["caption"] = g.text(1)
		b["cells"] = []any{[]any{map[string]any{"text": g.text(1)}, map[string]any{"text": g.text(1), "is_header": true}}}
	default:
		nested := depth > 0
		switch {
		case kind == "list" && nested:
			b["items"] = []any{map[string]any{"label": g.word(), "has_checkbox": true, "blocks": g.blocks(depth - 1)}}
		case kind == "details" && nested:
			b["summary"] = g.text(1)
			b["blocks"] = g.blocks(depth - 1)
		case (kind == "blockquote" || kind == "collage" || kind == "slideshow" || kind == "nested") && nested:
			b["blocks"] = g.blocks(depth - 1)
			if kind != "nested" && kind != "blockquote" {
				b["caption"] = g.caption()
			} else if kind == "blockquote" {
				b["credit"] = g.text(1)
			}
		default:
			b["text"] = g.text(2)
		}
	}
	return b
}

// The text says what an entity can't, and whom it mentions is learned from.
func TestRichMessagesSayMore(t *testing.T) {
	m := mustDecode(t, topicMessage(`"rich_message":{"blocks":[{"type":"paragraph","text":["10",{"type":"superscript","text":"6"}," H",
		{"type":"subscript","text":"2"},{"type":"text_mention","text":" Ben","user":{"id":43,"first_name":"Ben","username":"ben"}},
		{"type":"text_mention","text":" Bot","user":{"id":44,"is_bot":true,"first_name":"B"}}]}]}`)).Message
	if m.Text != "10^6 H_2 Ben Bot" {
		t.Errorf("%q", m.Text)
	}
	if len(m.Seen) != 1 || m.Seen[0].Id != 43 || m.Seen[0].Username != "ben" {
		t.Errorf("seen %v", m.Seen)
	}
}
