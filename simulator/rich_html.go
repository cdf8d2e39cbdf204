package simulator

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// richNode is an element of rich HTML, or a text.
type richNode struct {
	tag   string // "" for a text
	text  string
	attrs map[string]string
	inner []*richNode
}

// richTags are the elements of rich HTML; those that are true have no content.
var richTags = map[string]bool{
	"p": false, "h1": false, "h2": false, "h3": false, "h4": false, "h5": false, "h6": false, "pre": false,
	"code": false, "footer": false, "hr": true, "br": true, "ul": false, "ol": false, "li": false, "input": true,
	"blockquote": false, "aside": false, "cite": false, "table": false, "caption": false, "thead": false, "tbody": false,
	"tr": false, "th": false, "td": false, "details": false, "summary": false, "figure": false, "figcaption": false,
	"img": true, "video": false, "audio": false, "tg-map": true, "tg-collage": false, "tg-slideshow": false,
	"tg-math": false, "tg-math-block": false, "tg-emoji": false, "tg-time": false, "tg-spoiler": false,
	"tg-reference": false, "a": false, "b": false, "strong": false, "i": false, "em": false, "u": false, "ins": false,
	"s": false, "del": false, "strike": false, "sub": false, "sup": false, "mark": false,
}

// parseRich reads rich HTML strictly, as Telegram does: no unknown element, and each one closed.
func parseRich(source string) ([]*richNode, *apiError) {
	root := &richNode{}
	open := []*richNode{root}
	z := html.NewTokenizer(strings.NewReader(source))
	for {
		kind := z.Next()
		top := open[len(open)-1]
		switch kind {
		case html.ErrorToken:
			if len(open) > 1 {
				return nil, badRequest(`can't parse rich message: Can't find end tag corresponding to start tag "%s"`, top.tag)
			}
			return root.inner, nil
		case html.TextToken:
			top.inner = append(top.inner, &richNode{text: z.Token().Data})
		case html.StartTagToken, html.SelfClosingTagToken:
			t := z.Token()
			void, known := richTags[t.Data]
			if !known {
				return nil, badRequest(`can't parse rich message: Unsupported start tag "%s"`, t.Data)
			}
			n := &richNode{tag: t.Data, attrs: map[string]string{}}
			for _, a := range t.Attr {
				n.attrs[a.Key] = a.Val
			}
			top.inner = append(top.inner, n)
			if !void && kind == html.StartTagToken {
				if open = append(open, n); len(open) > 4*maxRichDepth {
					return nil, badRequest("RICH_MESSAGE_DEPTH_INVALID")
				}
			}
		case html.EndTagToken:
			t := z.Token()
			if richTags[t.Data] {
				continue
			}
			if t.Data != top.tag {
				return nil, badRequest(`can't parse rich message: Unmatched end tag, expected "</%s>", found "</%s>"`, top.tag, t.Data)
			}
			open = open[:len(open)-1]
		}
	}
}

// block is a RichBlock, a part of one, or an object of RichText.
type block = map[string]any

// richReader makes blocks of nodes.
type richReader struct {
	text  strings.Builder
	count int
	depth int
	err   *apiError
}

// blocks makes blocks; texts between them become paragraphs.
func (r *richReader) blocks(nodes []*richNode) []block {
	out := []block{}
	var loose []*richNode
	flush := func() {
		if n := len(loose); n > 0 { // the space around a text is none of it
			loose[0].text = strings.TrimLeft(loose[0].text, " \t\r\n")
			loose[n-1].text = strings.TrimRight(loose[n-1].text, " \t\r\n")
		}
		if text := r.inline(loose); strings.TrimSpace(wordsOf(text)) != "" {
			r.count++
			out = append(out, block{"type": "paragraph", "text": text})
		}
		loose = nil
	}
	if r.depth++; r.depth > maxRichDepth {
		r.fail("RICH_MESSAGE_DEPTH_INVALID")
		return out
	}
	for _, n := range nodes {
		if n.tag == "" && strings.TrimSpace(n.text) == "" && len(loose) == 0 {
			continue
		}
		if b := r.block(n); b != nil {
			flush()
			r.count++
			out = append(out, b)
		} else {
			loose = append(loose, n)
		}
	}
	flush()
	r.depth--
	return out
}

func (r *richReader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = badRequest("%s", fmt.Sprintf(format, args...))
	}
}

// block makes a block of a node; nil: the node is a text.
func (r *richReader) block(n *richNode) block {
	switch n.tag {
	case "p":
		return block{"type": "paragraph", "text": r.inline(n.inner)}
	case "h1", "h2", "h3", "h4", "h5", "h6":
		return block{"type": "heading", "size": int(n.tag[1] - '0'), "text": r.inline(n.inner)}
	case "footer":
		return block{"type": "footer", "text": r.inline(n.inner)}
	case "hr":
		return block{"type": "divider"}
	case "tg-math-block":
		return block{"type": "mathematical_expression", "expression": plainOf(n.inner)}
	case "pre":
		b := block{"type": "pre", "text": r.inline(n.inner)}
		if len(n.inner) == 1 && n.inner[0].tag == "code" {
			b["text"] = strings.TrimSuffix(plainOf(n.inner), "\n")
			if lang, ok := strings.CutPrefix(n.inner[0].attrs["class"], "language-"); ok {
				b["language"] = lang
			}
		}
		return b
	case "ul", "ol":
		return block{"type": "list", "items": r.items(n)}
	case "blockquote":
		inner, credit := r.without(n, "cite")
		return with(block{"type": "blockquote", "blocks": r.blocks(inner)}, "credit", credit)
	case "aside":
		inner, credit := r.without(n, "cite")
		return with(block{"type": "pullquote", "text": r.inline(inner)}, "credit", credit)
	case "details":
		inner, summary := r.without(n, "summary")
		b := with(block{"type": "details", "blocks": r.blocks(inner)}, "summary", summary)
		if _, open := n.attrs["open"]; open {
			b["is_open"] = true
		}
		return b
	case "table":
		return r.table(n)
	case "figure":
		inner, caption := r.without(n, "figcaption")
		for _, x := range inner {
			if b := r.block(x); b != nil {
				if caption != nil {
					b["caption"] = block{"text": caption}
				}
				return b
			}
		}
		return nil
	case "tg-map":
		return block{"type": "map", "zoom": 15, "width": 300, "height": 200,
			"location": block{"latitude": degree(n.attrs["lat"]), "longitude": degree(n.attrs["long"])}}
	case "img", "video", "audio":
		r.fail("failed to get HTTP URL content") // the simulator fetches nothing
		return block{"type": "photo"}
	case "tg-collage", "tg-slideshow":
		return block{"type": strings.TrimPrefix(n.tag, "tg-"), "blocks": r.blocks(n.inner)}
	}
	return nil
}

func with(b block, key string, v any) block {
	if v != nil {
		b[key] = v
	}
	return b
}

// without takes the element with a tag out of a node's content; its text is nil when there is none.
func (r *richReader) without(n *richNode, tag string) (rest []*richNode, text any) {
	i := slices.IndexFunc(n.inner, func(x *richNode) bool { return x.tag == tag })
	if i < 0 {
		return n.inner, nil
	}
	return slices.Concat(n.inner[:i], n.inner[i+1:]), r.inline(n.inner[i].inner)
}
