package simulator

import (
	"encoding/json"
	"strings"
	"testing"
)

// rich reads the blocks of a message in an answer or an update.
func richOf(t *testing.T, raw []byte) string {
	t.Helper()
	var m struct {
		Text string `json:"text"`
		Rich struct {
			Blocks json.RawMessage `json:"blocks"`
		} `json:"rich_message"`
	}
	if err := json.Unmarshal(raw, &m); err != nil || m.Text != "" {
		t.Fatalf("%v in %s", err, raw)
	}
	return string(m.Rich.Blocks)
}

func TestRichMarkup(t *testing.T) {
	for _, c := range []struct{ name, html, blocks, words string }{
		{"paragraphs", "<p>a <b>b</b></p>c<br/>d", `[{"text":["a ",{"text":"b","type":"bold"}],"type":"paragraph"},{"text":"c\nd","type":"paragraph"}]`, "a b\nc\nd"},
		{"lists", `<ol start="3"><li>a</li><li value="7" type="a"><input type="checkbox" checked/>b</li></ol>`,
			`[{"items":[{"blocks":[{"text":"a","type":"paragraph"}],"label":"3.","type":"1","value":3},{"blocks":[{"text":"b","type":"paragraph"}],"has_checkbox":true,"is_checked":true,"label":"7.","type":"a","value":7}],"type":"list"}]`,
			"3. a\n7. b"},
		{"a table", `<table bordered><caption>t</caption><tr><th colspan="2">a</th></tr><tr><td>b</td><td></td></tr></table>`,
			`[{"caption":"t","cells":[[{"align":"left","colspan":2,"is_header":true,"text":"a","valign":"top"}],[{"align":"left","text":"b","valign":"top"},{"align":"left","valign":"top"}]],"is_bordered":true,"type":"table"}]`,
			"a\nb | \nt"},
		{"what is detected", `<p>see https://e.org and /help</p>`,
			`[{"text":["see ",{"text":"https://e.org","type":"url","url":"https://e.org"}," and ",{"bot_command":"/help","text":"/help","type":"bot_command"}],"type":"paragraph"}]`, "see https://e.org and /help"},
		{"code and quotations", `<pre><code class="language-go">a
b</code></pre><blockquote>q<cite>Eve</cite></blockquote><details open><summary>s</summary>d</details>`,
			`[{"language":"go","text":"a\nb","type":"pre"},{"blocks":[{"text":"q","type":"paragraph"}],"credit":"Eve","type":"blockquote"},{"blocks":[{"text":"d","type":"paragraph"}],"is_open":true,"summary":"s","type":"details"}]`, "a\nb\nq\nEve\ns\nd"},
	} {
		t.Run(c.name, func(t *testing.T) {
			value, words, e := (&Rich{HTML: c.html}).read()
			if e != nil {
				t.Fatal(e)
			}
			if got := string(value); got != `{"blocks":`+c.blocks+`}` || words != c.words {
				t.Errorf("%s\n%q, want\n%s\n%q", got, words, c.blocks, c.words)
			}
		})
	}
	_, words, e := (&Rich{Markdown: "# T\n\n- [x] a\n- b\n\n1. c\n\n| h |\n|---|\n| d |\n\n> q\n\n```go\nx\n```"}).read()
	if want := "T\n• a\n• b\n1. c\nh\nd\nq\nx"; e != nil || strings.TrimSpace(words) != want {
		t.Errorf("%v %q, want %q", e, words, want)
	}
}

func TestRichMessages(t *testing.T) {
	st := newStage(t, Options{})
	thread := st.topic("T")
	at := func(html string) args {
		return args{"chat_id": st.chat, "message_thread_id": thread, "rich_message": args{"html": html}}
	}
	var sent json.RawMessage
	st.ok("sendRichMessage", at("<p>a</p>"), &sent)
	if got, want := richOf(t, sent), `[{"text":"a","type":"paragraph"}]`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	var m msg
	_ = json.Unmarshal(sent, &m)
	edit := func(more args) args {
		a := args{"chat_id": st.chat, "message_id": m.ID}
		for k, v := range more {
			a[k] = v
		}
		return a
	}
	st.refuses("editMessageText", edit(args{"rich_message": args{"html": "<p>a</p>"}}), 400, "Bad Request: "+notModified)
	st.ok("editMessageText", edit(args{"text": "plain"}), &m)
	if m.Text != "plain" {
		t.Errorf("%+v", m)
	}
	st.ok("editMessageText", edit(args{"rich_message": args{"markdown": "* b"}}), &sent)
	if got := richOf(t, sent); !strings.Contains(got, `"type":"list"`) {
		t.Error(got)
	}
	for html, want := range map[string]string{
		"":                           "exactly one of the fields html and markdown must be used in a rich message",
		"<p></p>":                    "message text is empty",
		"<script>x</script>":         `can't parse rich message: Unsupported start tag "script"`,
		"<b>x":                       `can't parse rich message: Can't find end tag corresponding to start tag "b"`,
		"<b>x</i>":                   `can't parse rich message: Unmatched end tag "i"`,
		strings.Repeat("x", 32769):   "message is too long",
		strings.Repeat("<hr/>", 501): "RICH_MESSAGE_BLOCKS_TOO_MUCH",
		strings.Repeat("<b>", 17) + "x" + strings.Repeat("</b>", 17):       "RICH_MESSAGE_DEPTH_TOO_MUCH",
		"<table><tr>" + strings.Repeat("<td>x</td>", 21) + "</tr></table>": "RICH_MESSAGE_COLUMNS_TOO_MUCH",
	} {
		st.refuses("sendRichMessage", at(html), 400, "Bad Request: "+want)
	}
	both := at("x")
	both["rich_message"] = args{"html": "x", "markdown": "x"}
	st.refuses("sendRichMessage", both, 400, "Bad Request: exactly one of the fields html and markdown must be used in a rich message")
	st.refuses("editMessageText", edit(args{"text": "x", "rich_message": args{"html": "y"}}), 400, "Bad Request: text and rich_message can't be used together")
}
