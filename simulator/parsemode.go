package simulator

import (
	"html"
	"slices"
	"strings"
	"unicode/utf8"
)

var htmlTags = map[string]string{"b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline", "ins": "underline",
	"s": "strikethrough", "strike": "strikethrough", "del": "strikethrough", "tg-spoiler": "spoiler", "span": "spoiler",
	"code": "code", "pre": "pre", "a": "text_link", "blockquote": "blockquote", "tg-emoji": "custom_emoji"}

type openTag struct {
	name string
	e    Entity
}

// parseHTML reads the parse mode "HTML".
func parseHTML(in string) (string, []Entity, *apiError) {
	var out strings.Builder
	var stack []openTag
	var es []Entity
	units := 0
	for i := 0; i < len(in); {
		switch {
		case in[i] == '<':
			end := strings.IndexByte(in[i:], '>')
			if end < 0 {
				return "", nil, badRequest("can't parse entities: Unclosed start tag at byte offset %d", i)
			}
			tag := in[i+1 : i+end]
			if name, closing := strings.CutPrefix(tag, "/"); closing {
				name = strings.ToLower(strings.TrimSpace(name))
				if len(stack) == 0 {
					return "", nil, badRequest("can't parse entities: Unexpected end tag at byte offset %d", i)
				}
				top := stack[len(stack)-1]
				if name != "" && name != top.name {
					return "", nil, badRequest(`can't parse entities: Unmatched end tag at byte offset %d, expected "</%s>", found "</%s>"`, i, top.name, name)
				}
				stack = stack[:len(stack)-1]
				top.e.Length = units - top.e.Offset
				if top.e.Length > 0 && !(top.e.Type == "text_link" && top.e.URL == "") {
					es = append(es, top.e)
				}
			} else {
				name, attrs, _ := strings.Cut(tag, " ")
				name = strings.ToLower(name)
				kind := htmlTags[name]
				if kind == "" {
					return "", nil, badRequest(`can't parse entities: Unsupported start tag "%s" at byte offset %d`, name, i)
				}
				e := Entity{Type: kind, Offset: units}
				switch name {
				case "a":
					e.URL = html.UnescapeString(attr(attrs, "href"))
				case "tg-emoji":
					e.CustomEmojiID = attr(attrs, "emoji-id")
				case "blockquote":
					if strings.Contains(attrs, "expandable") {
						e.Type = "expandable_blockquote"
					}
				case "code":
					if n := len(stack); n > 0 && stack[n-1].name == "pre" {
						stack[n-1].e.Language = strings.TrimPrefix(attr(attrs, "class"), "language-")
					}
				}
				stack = append(stack, openTag{name: name, e: e})
			}
			i += end + 1
		case in[i] == '&':
			text, n := unescape(in[i:])
			out.WriteString(text)
			units += utf16Len(text)
			i += n
		default:
			r, n := utf8.DecodeRuneInString(in[i:])
			out.WriteString(in[i : i+n])
			units++
			if r > 0xFFFF {
				units++
			}
			i += n
		}
	}
	if len(stack) > 0 {
		return "", nil, badRequest(`can't parse entities: Can't find end tag corresponding to start tag "%s"`, stack[len(stack)-1].name)
	}
	es = dropCodeInPre(es)
	slices.SortStableFunc(es, func(a, b Entity) int {
		if a.Offset != b.Offset {
			return a.Offset - b.Offset
		}
		return b.Length - a.Length
	})
	return out.String(), es, nil
}

// dropCodeInPre: <pre><code class="language-x"> is one entity.
func dropCodeInPre(es []Entity) []Entity {
	return slices.DeleteFunc(es, func(c Entity) bool {
		return c.Type == "code" && slices.ContainsFunc(es, func(p Entity) bool { return p.Type == "pre" && p.Offset == c.Offset && p.Length == c.Length })
	})
}

func attr(attrs, name string) string {
	i := strings.Index(attrs, name+"=")
	if i < 0 {
		return ""
	}
	v := attrs[i+len(name)+1:]
	if v != "" && (v[0] == '"' || v[0] == '\'') {
		if end := strings.IndexByte(v[1:], v[0]); end >= 0 {
			return v[1 : end+1]
		}
	}
	v, _, _ = strings.Cut(v, " ")
	return v
}

// unescape reads one of the references that Telegram knows; any other & stands for itself.
func unescape(s string) (string, int) {
	end := strings.IndexByte(s, ';')
	if end < 0 || end > 10 {
		return "&", 1
	}
	ref := s[:end+1]
	switch ref {
	case "&lt;", "&gt;", "&amp;", "&quot;":
		return html.UnescapeString(ref), len(ref)
	}
	if strings.HasPrefix(ref, "&#") {
		if u := html.UnescapeString(ref); u != ref {
			return u, len(ref)
		}
	}
	return "&", 1
}

var markdownMarks = []struct{ mark, kind string }{{"```", "pre"}, {"`", "code"}, {"__", "underline"}, {"||", "spoiler"},
	{"*", "bold"}, {"_", "italic"}, {"~", "strikethrough"}}

// parseMarkdown reads "MarkdownV2" without links' finer points, and the old "Markdown" as far as they agree.
func parseMarkdown(in string, old bool) (string, []Entity, *apiError) {
	const reserved = "_*[]()~`>#+-=|{}.!"
	var out strings.Builder
	var stack []openTag
	var es []Entity
	units := 0
scan:
	for i := 0; i < len(in); {
		ch := in[i]
		code := len(stack) > 0 && (stack[len(stack)-1].e.Type == "pre" || stack[len(stack)-1].e.Type == "code")
		if ch == '\\' && i+1 < len(in) && in[i+1] > 0 && in[i+1] < 127 && !('a' <= in[i+1]|32 && in[i+1]|32 <= 'z') {
			out.WriteByte(in[i+1])
			units++
			i += 2
			continue
		}
		for _, m := range markdownMarks {
			if !strings.HasPrefix(in[i:], m.mark) || old && (m.mark == "__" || m.mark == "||" || m.mark == "~") {
				continue
			}
			if n := len(stack); n > 0 && stack[n-1].name == m.mark {
				e := stack[n-1].e
				stack = stack[:n-1]
				if e.Length = units - e.Offset; e.Length > 0 {
					es = append(es, e)
				}
			} else if code {
				break
			} else {
				stack = append(stack, openTag{name: m.mark, e: Entity{Type: m.kind, Offset: units}})
			}
			i += len(m.mark)
			continue scan
		}
		if !code && ch == '[' {
			stack = append(stack, openTag{name: "[", e: Entity{Type: "text_link", Offset: units}})
			i++
			continue
		}
		if n := len(stack); !code && ch == ']' && n > 0 && stack[n-1].name == "[" && strings.HasPrefix(in[i+1:], "(") {
			if end := strings.IndexByte(in[i:], ')'); end > 0 {
				e := stack[n-1].e
				stack = stack[:n-1]
				e.URL, e.Length = strings.ReplaceAll(in[i+2:i+end], `\`, ""), units-e.Offset
				if e.URL != "" && e.Length > 0 {
					es = append(es, e)
				}
				i += end + 1
				continue
			}
		}
		if !old && !code && strings.IndexByte(reserved, ch) >= 0 {
			return "", nil, badRequest("can't parse entities: Character '%c' is reserved and must be escaped with the preceding '\\'", ch)
		}
		r, n := utf8.DecodeRuneInString(in[i:])
		out.WriteString(in[i : i+n])
		units++
		if r > 0xFFFF {
			units++
		}
		i += n
	}
	if len(stack) > 0 {
		top := stack[len(stack)-1]
		return "", nil, badRequest("can't parse entities: Can't find end of %s entity at byte offset %d", strings.ToUpper(top.e.Type[:1])+top.e.Type[1:], byteOffset(out.String(), top.e.Offset))
	}
	slices.SortStableFunc(es, func(a, b Entity) int { return a.Offset - b.Offset })
	return out.String(), es, nil
}
