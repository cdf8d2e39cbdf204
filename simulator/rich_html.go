package simulator

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	goldmarkhtml "github.com/yuin/goldmark/renderer/html"
	"golang.org/x/net/html"
)

// Rich HTML: the tags that the Bot API documents for rich messages, and nothing else.

// markdown is GitHub's, which Telegram's rich Markdown resembles; HTML tags within it stay.
var markdown = goldmark.New(goldmark.WithExtensions(extension.Table, extension.Strikethrough, extension.TaskList),
	goldmark.WithRendererOptions(goldmarkhtml.WithUnsafe()))

func htmlOfMarkdown(text string) string {
	var b bytes.Buffer
	if err := markdown.Convert([]byte(text), &b); err != nil {
		return html.EscapeString(text)
	}
	return b.String()
}

// richTags are the tags that a rich message may have. A void tag has no end.
var (
	richBlockTags = []string{"p", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "footer", "hr", "ul", "ol", "li", "blockquote",
		"aside", "cite", "table", "caption", "thead", "tbody", "tr", "th", "td", "details", "summary", "tg-math-block",
		"tg-map", "tg-collage", "tg-slideshow", "figure", "figcaption", "img", "video", "audio"}
	richInlineTags = map[string]string{"b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline",
		"ins": "underline", "s": "strikethrough", "strike": "strikethrough", "del": "strikethrough", "code": "code",
		"mark": "marked", "sub": "subscript", "sup": "superscript", "tg-spoiler": "spoiler", "a": "url",
		"tg-reference": "reference", "tg-emoji": "custom_emoji", "tg-time": "date_time",
		"tg-math": "mathematical_expression", "br": "", "input": ""}
	voidTags = []string{"hr", "br", "input", "img", "tg-map"}
)

// node is a tag, or a text when tag is "".
type node struct {
	tag, text string
	attrs     map[string]string
	within    []*node
}

func (n *node) attr(name string) string { return n.attrs[name] }

func (n *node) has(name string) bool { _, ok := n.attrs[name]; return ok }

// parseRichHTML reads the HTML of a rich message, and refuses what is no such HTML.
func parseRichHTML(in string, detects bool) ([]object, *apiError) {
	root, e := parseNodes(in)
	if e != nil {
		return nil, e
	}
	r := richParser{detects: detects}
	blocks := r.blocks(root.within)
	switch {
	case r.err != nil:
		return nil, r.err
	case len(blocks) == 0:
		return nil, badRequest("message text is empty")
	case r.chars > maxRichChars:
		return nil, badRequest("message is too long")
	case r.count > maxRichBlocks:
		return nil, badRequest("RICH_MESSAGE_BLOCKS_TOO_MUCH")
	}
	return blocks, nil
}

// parseNodes reads tags and texts as a tree.
func parseNodes(in string) (*node, *apiError) {
	root := &node{}
	open := []*node{root}
	z := html.NewTokenizer(strings.NewReader(in))
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			if !errors.Is(z.Err(), io.EOF) {
				return nil, badRequest("can't parse rich message: %v", z.Err())
			}
			break
		}
		t, top := z.Token(), open[len(open)-1]
		switch kind {
		case html.TextToken:
			top.within = append(top.within, &node{text: t.Data})
		case html.StartTagToken, html.SelfClosingTagToken:
			_, inline := richInlineTags[t.Data]
			if !inline && !slices.Contains(richBlockTags, t.Data) {
				return nil, badRequest("can't parse rich message: Unsupported start tag %q", t.Data)
			}
			n := &node{tag: t.Data, attrs: map[string]string{}}
			for _, a := range t.Attr {
				n.attrs[a.Key] = a.Val
			}
			top.within = append(top.within, n)
			if kind == html.StartTagToken && !slices.Contains(voidTags, t.Data) {
				if open = append(open, n); len(open)-1 > maxRichDepth {
					return nil, badRequest("RICH_MESSAGE_DEPTH_TOO_MUCH")
				}
			}
		case html.EndTagToken:
			if slices.Contains(voidTags, t.Data) {
				continue
			}
			if t.Data != top.tag || len(open) == 1 {
				return nil, badRequest("can't parse rich message: Unmatched end tag %q", t.Data)
			}
			open = open[:len(open)-1]
		}
	}
	if len(open) > 1 {
		return nil, badRequest("can't parse rich message: Can't find end tag corresponding to start tag %q", open[len(open)-1].tag)
	}
	return root, nil
}

// richParser makes blocks of a tree.
type richParser struct {
	detects bool
	chars   int
	count   int
	code    int // > 0: within code, where nothing is detected
	err     *apiError
}

// blocks makes blocks of what stands in a container. Texts between blocks are paragraphs.
func (r *richParser) blocks(within []*node) []object {
	var out []object
	var line []*node
	flush := func() {
		if !blank(line) {
			out = append(out, object{"type": "paragraph", "text": r.text(trimmed(line))})
			r.count++
		}
		line = nil
	}
	for _, n := range within {
		if !slices.Contains(richBlockTags, n.tag) {
			line = append(line, n)
			continue
		}
		flush()
		if b := r.block(n); b != nil {
			out = append(out, b)
			r.count++
		}
	}
	flush()
	return out
}

func (r *richParser) block(n *node) object {
	switch n.tag {
	case "p":
		if blank(n.within) {
			return nil
		}
		return object{"type": "paragraph", "text": r.text(trimmed(n.within))}
	case "h1", "h2", "h3", "h4", "h5", "h6":
		return object{"type": "heading", "text": r.text(n.within), "size": int(n.tag[1] - '0')}
	case "footer":
		return object{"type": "footer", "text": r.text(n.within)}
	case "pre":
		return r.pre(n)
	case "hr":
		return object{"type": "divider"}
	case "tg-math-block":
		return object{"type": "mathematical_expression", "expression": r.plain(n)}
	case "ul", "ol":
		return r.list(n)
	case "blockquote":
		return r.credited(n, func(rest []*node) object { return object{"type": "blockquote", "blocks": r.blocks(rest)} })
	case "aside":
		return r.credited(n, func(rest []*node) object { return object{"type": "pullquote", "text": r.text(rest)} })
	case "table":
		return r.table(n)
	case "details":
		return r.details(n)
	case "tg-map":
		return r.place(n)
	}
	// The simulator fetches nothing: Telegram would load media from their addresses.
	r.fail("can't parse rich message: tag %q is not played", n.tag)
	return nil
}

func (r *richParser) fail(format string, args ...any) {
	if r.err == nil {
		r.err = badRequest(format, args...)
	}
}

func (r *richParser) pre(n *node) object {
	out := object{"type": "pre"}
	inner := n.within
	if len(inner) == 1 && inner[0].tag == "code" {
		if language := strings.TrimPrefix(inner[0].attr("class"), "language-"); language != "" {
			out["language"] = language
		}
		inner = inner[0].within
	}
	r.code++
	out["text"] = r.text(inner)
	r.code--
	return out
}

// plain is the text of a tag without any tags within.
func (r *richParser) plain(n *node) string {
	var b strings.Builder
	for _, x := range n.within {
		if x.tag != "" {
			r.fail("can't parse rich message: Unexpected tag %q", x.tag)
		}
		b.WriteString(x.text)
	}
	r.chars += utf8.RuneCountInString(b.String())
	return b.String()
}

func (r *richParser) list(n *node) object {
	var items []object
	number, _ := strconv.Atoi(n.attr("start"))
	if number == 0 {
		number = 1
	}
	for _, x := range n.within {
		if x.tag != "li" {
			if x.tag != "" {
				r.fail("can't parse rich message: tag %q within a list", x.tag)
			}
			continue
		}
		item := object{"label": "•"}
		if n.tag == "ol" {
			if v, err := strconv.Atoi(x.attr("value")); err == nil {
				number = v
			}
			item["label"], item["value"], item["type"] = strconv.Itoa(number)+".", number, "1"
			if t := x.attr("type"); t != "" {
				item["type"] = t
			}
			number++
		}
		for _, in := range boxes(x) {
			item["has_checkbox"] = true
			if in.has("checked") {
				item["is_checked"] = true
			}
		}
		item["blocks"] = r.blocks(x.within)
		if item["blocks"] == nil {
			item["blocks"] = []object{}
		}
		items = append(items, item)
		r.count++
	}
	return object{"type": "list", "items": items}
}

// boxes are the boxes in front of an item, also within its first paragraph.
func boxes(n *node) (found []*node) {
	for _, x := range n.within {
		switch x.tag {
		case "input":
			found = append(found, x)
		case "p":
			found = append(found, boxes(x)...)
		}
	}
	return found
}

// credited takes the <cite> out of a quotation.
func (r *richParser) credited(n *node, quotation func(rest []*node) object) object {
	var rest []*node
	var credit any
	for _, x := range n.within {
		if x.tag == "cite" {
			credit = r.text(x.within)
		} else {
			rest = append(rest, x)
		}
	}
	out := quotation(rest)
	if credit != nil {
		out["credit"] = credit
	}
	return out
}

func (r *richParser) table(n *node) object {
	out := object{"type": "table"}
	if n.has("bordered") {
		out["is_bordered"] = true
	}
	if n.has("striped") {
		out["is_striped"] = true
	}
	rows := []any{}
	var walk func(within []*node)
	walk = func(within []*node) {
		for _, x := range within {
			switch x.tag {
			case "thead", "tbody":
				walk(x.within)
			case "caption":
				out["caption"] = r.text(x.within)
			case "tr":
				rows = append(rows, r.row(x))
				r.count++
			}
		}
	}
	walk(n.within)
	out["cells"] = rows
	return out
}

func (r *richParser) row(n *node) []any {
	cells, columns := []any{}, 0
	for _, x := range n.within {
		if x.tag != "td" && x.tag != "th" {
			continue
		}
		cell := object{"align": "left", "valign": "top"}
		if !blank(x.within) {
			cell["text"] = r.text(x.within)
		}
		if x.tag == "th" {
			cell["is_header"] = true
		}
		span := 1
		for _, name := range []string{"colspan", "rowspan"} {
			if v, err := strconv.Atoi(x.attr(name)); err == nil && v > 1 {
				cell[name] = v
				if name == "colspan" {
					span = v
				}
			}
		}
		for _, name := range []string{"align", "valign"} {
			if v := x.attr(name); v != "" {
				cell[name] = v
			}
		}
		columns += span
		cells = append(cells, cell)
	}
	if columns > maxRichColumns {
		r.fail("RICH_MESSAGE_COLUMNS_TOO_MUCH")
	}
	return cells
}

func (r *richParser) details(n *node) object {
	out := object{"type": "details", "summary": ""}
	var rest []*node
	for _, x := range n.within {
		if x.tag == "summary" {
			out["summary"] = r.text(x.within)
		} else {
			rest = append(rest, x)
		}
	}
	out["blocks"] = r.blocks(rest)
	if n.has("open") {
		out["is_open"] = true
	}
	return out
}

func (r *richParser) place(n *node) object {
	lat, err1 := strconv.ParseFloat(n.attr("lat"), 64)
	long, err2 := strconv.ParseFloat(n.attr("long"), 64)
	zoom, err3 := strconv.Atoi(n.attr("zoom"))
	if errors.Join(err1, err2, err3) != nil {
		r.fail("can't parse rich message: a map needs lat, long and zoom")
	}
	return object{"type": "map", "location": object{"latitude": lat, "longitude": long}, "zoom": zoom, "width": 600, "height": 400}
}
