package bot

import (
	"html"
	"strconv"
	"strings"
)

// A rich message is sent again as rich HTML (Bot API 10.1, "Rich HTML style"). Only what a bot can send is written:
// media have no file ids there, and what is not known can't be repeated. Such a message goes as a text.

// Telegram's limits of rich messages that the text alone does not keep. The blocks of a copy's head are left free.
const (
	maxRichBlocks  = 500 - 8
	maxRichNesting = 16
	maxRichColumns = 20
	maxRichHTML    = 64 << 10 // bytes: a text of 4096 units has more only when it is made to
)

// richHTML writes blocks as rich HTML, "" when a bot can't send them.
func richHTML(blocks []any) string {
	w := htmlWriter{}
	w.blocks(blocks)
	if w.impossible || w.out.Len() > maxRichHTML || w.count > maxRichBlocks {
		return ""
	}
	return w.out.String()
}

type htmlWriter struct {
	out        strings.Builder
	count      int
	depth      int
	verbatim   bool // within code or an expression
	impossible bool // a bot can't send this
}

// enter goes one level deeper, and says whether it may.
func (w *htmlWriter) enter() bool {
	w.depth++
	if w.depth > maxRichNesting || w.out.Len() > maxRichHTML {
		w.impossible = true
	}
	return !w.impossible
}

func (w *htmlWriter) leave() { w.depth-- }

// element writes an element. attributes are pairs of a name and a value; those with an empty value are left out.
func (w *htmlWriter) element(tag string, inner func(), attributes ...string) {
	w.out.WriteString("<" + tag)
	for i := 0; i+1 < len(attributes); i += 2 {
		if attributes[i+1] != "" {
			w.out.WriteString(" " + attributes[i] + `="` + html.EscapeString(attributes[i+1]) + `"`)
		}
	}
	w.out.WriteString(">")
	inner()
	w.out.WriteString("</" + tag + ">")
}

// words writes a text. As in HTML, a line break is white space outside of code.
func (w *htmlWriter) words(s string) {
	s = escapeHTML.Replace(s)
	if !w.verbatim {
		s = strings.ReplaceAll(s, "\n", "<br/>")
	}
	w.out.WriteString(s)
}

// code writes a text in which line breaks stay as they are.
func (w *htmlWriter) code(inner func()) func() {
	return func() {
		former := w.verbatim
		w.verbatim = true
		inner()
		w.verbatim = former
	}
}

// escapeHTML escapes what Telegram asks for in texts.
var escapeHTML = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

func (w *htmlWriter) blocks(list []any) {
	if !w.enter() {
		return
	}
	defer w.leave()
	for _, b := range list {
		if w.impossible {
			return
		}
		w.count++
		w.block(asObject(b))
	}
}

func (w *htmlWriter) block(o object) {
	text := func() { w.inline(o["text"]) }
	switch o.str("type") {
	case "paragraph":
		w.element("p", text)
	case "heading":
		w.element("h"+strconv.Itoa(int(min(max(o.num("size"), 1), 6))), text)
	case "pre":
		text = w.code(text)
		if lang := o.str("language"); lang != "" {
			w.element("pre", func() { w.element("code", text, "class", "language-"+lang) })
		} else {
			w.element("pre", text)
		}
	case "footer":
		w.element("footer", text)
	case "divider":
		w.out.WriteString("<hr/>")
	case "mathematical_expression":
		w.element("tg-math-block", w.code(func() { w.words(o.str("expression")) }))
	case "anchor":
		w.element("a", func() {}, "name", o.str("name"))
	case "list":
		w.list(o.list("items"))
	case "blockquote":
		w.element("blockquote", func() { w.blocks(o.list("blocks")); w.cite(o["credit"]) })
	case "pullquote":
		w.element("aside", func() { text(); w.cite(o["credit"]) })
	case "table":
		w.table(o)
	case "details":
		w.out.WriteString("<details")
		if o.flag("is_open") {
			w.out.WriteString(" open")
		}
		w.out.WriteString(">")
		w.element("summary", func() { w.inline(o["summary"]) })
		w.blocks(o.list("blocks"))
		w.out.WriteString("</details>")
	case "map":
		w.mapOf(o)
	default: // media, and what is not known
		w.impossible = true
	}
}

func (w *htmlWriter) cite(v any) {
	if v != nil {
		w.element("cite", func() { w.inline(v) })
	}
}

// list writes a list: an ordered one if its items have numbers or letters.
func (w *htmlWriter) list(items []any) {
	tag := "ul"
	for _, v := range items {
		if item := asObject(v); item["value"] != nil || strings.IndexFunc(item.str("label"), wordRune) >= 0 {
			tag = "ol"
		}
	}
	w.element(tag, func() {
		for _, v := range items {
			item := asObject(v)
			w.count++
			value := strings.TrimRight(item.str("label"), ".)")
			if n := item.num("value"); n != 0 {
				value = strconv.FormatInt(n, 10)
			} else if _, err := strconv.Atoi(value); err != nil {
				value = ""
			}
			w.element("li", func() {
				if item.flag("is_checked") {
					w.out.WriteString(`<input type="checkbox" checked>`)
				} else if item.flag("has_checkbox") {
					w.out.WriteString(`<input type="checkbox">`)
				}
				w.blocks(item.list("blocks"))
			}, "value", value, "type", item.str("type"))
		}
	})
}

func (w *htmlWriter) table(o object) {
	w.out.WriteString("<table")
	for _, flag := range []string{"bordered", "striped"} {
		if o.flag("is_" + flag) {
			w.out.WriteString(" " + flag)
		}
	}
	w.out.WriteString(">")
	if c := o["caption"]; c != nil {
		w.element("caption", func() { w.inline(c) })
	}
	for _, r := range o.list("cells") {
		row, _ := r.([]any)
		w.count++
		w.impossible = w.impossible || len(row) > maxRichColumns
		w.element("tr", func() {
			for _, c := range row {
				w.cell(asObject(c))
			}
		})
	}
	w.out.WriteString("</table>")
}

func (w *htmlWriter) cell(o object) {
	tag := "td"
	if o.flag("is_header") {
		tag = "th"
	}
	span := func(k string) string {
		if n := o.num(k); n > 1 {
			return strconv.FormatInt(n, 10)
		}
		return ""
	}
	w.element(tag, func() { w.inline(o["text"]) },
		"align", o.str("align"), "valign", o.str("valign"), "colspan", span("colspan"), "rowspan", span("rowspan"))
}

func (w *htmlWriter) mapOf(o object) {
	at, caption := asObject(o["location"]), asObject(o["caption"])
	place := `<tg-map lat="` + degrees(at["latitude"]) + `" long="` + degrees(at["longitude"]) +
		`" zoom="` + strconv.FormatInt(min(max(o.num("zoom"), 13), 20), 10) + `"/>`
	if caption == nil {
		w.out.WriteString(place)
		return
	}
	w.element("figure", func() {
		w.out.WriteString(place)
		w.element("figcaption", func() { w.inline(caption["text"]); w.cite(caption["credit"]) })
	})
}
