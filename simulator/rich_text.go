package simulator

import (
	"encoding/json"
	"strconv"
	"strings"
)

func degree(s string) float64 {
	x, _ := strconv.ParseFloat(s, 64)
	return x
}

// items makes the items of a list, with the labels that Telegram gives them.
func (r *richReader) items(list *richNode) []block {
	items := []block{}
	next := 1
	if n, err := strconv.Atoi(list.attrs["start"]); err == nil {
		next = n
	}
	for _, li := range list.inner {
		if li.tag != "li" {
			continue
		}
		r.count++
		item, inner := block{"label": "•"}, li.inner
		if len(inner) > 0 && inner[0].tag == "input" {
			item["has_checkbox"] = true
			if _, checked := inner[0].attrs["checked"]; checked {
				item["is_checked"] = true
			}
			inner = inner[1:]
		}
		if list.tag == "ol" {
			if n, err := strconv.Atoi(li.attrs["value"]); err == nil {
				next = n
			}
			item["label"], item["value"] = strconv.Itoa(next)+".", next
			next++
		}
		item["blocks"] = r.blocks(inner)
		items = append(items, item)
	}
	return items
}

func (r *richReader) table(n *richNode) block {
	b, cells := block{"type": "table"}, [][]block{}
	var rows func([]*richNode)
	rows = func(nodes []*richNode) {
		for _, x := range nodes {
			switch x.tag {
			case "thead", "tbody":
				rows(x.inner)
			case "caption":
				b["caption"] = r.inline(x.inner)
			case "tr":
				r.count++
				row := []block{}
				for _, c := range x.inner {
					if c.tag == "td" || c.tag == "th" {
						row = append(row, r.cell(c))
					}
				}
				if len(row) > maxRichColumns {
					r.fail("RICH_MESSAGE_TABLE_COLUMNS_TOO_MUCH")
				}
				cells = append(cells, row)
			}
		}
	}
	rows(n.inner)
	for name, flag := range map[string]string{"bordered": "is_bordered", "striped": "is_striped"} {
		if _, ok := n.attrs[name]; ok {
			b[flag] = true
		}
	}
	b["cells"] = cells
	return b
}

func (r *richReader) cell(n *richNode) block {
	cell := block{"text": r.inline(n.inner), "align": "left", "valign": "middle"}
	if a := n.attrs["align"]; a != "" {
		cell["align"] = a
	}
	if a := n.attrs["valign"]; a != "" {
		cell["valign"] = a
	}
	for _, span := range []string{"colspan", "rowspan"} {
		if k, err := strconv.Atoi(n.attrs[span]); err == nil && k > 1 {
			cell[span] = k
		}
	}
	if n.tag == "th" {
		cell["is_header"] = true
	}
	return cell
}

var richInline = map[string]string{
	"b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline", "ins": "underline",
	"s": "strikethrough", "del": "strikethrough", "strike": "strikethrough", "sub": "subscript", "sup": "superscript",
	"mark": "marked", "tg-spoiler": "spoiler", "code": "code",
}

// inline makes a RichText of nodes.
func (r *richReader) inline(nodes []*richNode) any {
	parts := []any{}
	if r.depth++; r.depth > 2*maxRichDepth {
		r.fail("RICH_MESSAGE_DEPTH_INVALID")
		return ""
	}
	for _, n := range nodes {
		parts = append(parts, r.span(n)...)
	}
	r.depth--
	switch len(parts) {
	case 0:
		return ""
	case 1:
		return parts[0]
	}
	return parts
}

func (r *richReader) span(n *richNode) []any {
	switch n.tag {
	case "":
		r.text.WriteString(n.text)
		return richDetected(n.text)
	case "br":
		return []any{"\n"}
	case "a":
		href := n.attrs["href"]
		switch {
		case n.attrs["name"] != "":
			return []any{block{"type": "anchor", "name": n.attrs["name"]}}
		case strings.HasPrefix(href, "#"):
			return []any{block{"type": "anchor_link", "anchor_name": href[1:], "text": r.inline(n.inner)}}
		case strings.HasPrefix(href, "tg://user?id="):
			id, _ := strconv.ParseInt(strings.TrimPrefix(href, "tg://user?id="), 10, 64)
			return []any{block{"type": "text_mention", "text": r.inline(n.inner),
				"user": apiUser{ID: id, FirstName: plainOf(n.inner)}}}
		case strings.HasPrefix(href, "mailto:"):
			return []any{block{"type": "email_address", "email_address": href[len("mailto:"):], "text": r.inline(n.inner)}}
		case strings.HasPrefix(href, "tel:"):
			return []any{block{"type": "phone_number", "phone_number": href[len("tel:"):], "text": r.inline(n.inner)}}
		}
		return []any{block{"type": "url", "url": href, "text": r.inline(n.inner)}}
	case "tg-emoji":
		return []any{block{"type": "custom_emoji", "custom_emoji_id": n.attrs["emoji-id"], "alternative_text": plainOf(n.inner)}}
	case "tg-math":
		return []any{block{"type": "mathematical_expression", "expression": plainOf(n.inner)}}
	case "tg-reference":
		return []any{block{"type": "reference", "name": n.attrs["name"], "text": r.inline(n.inner)}}
	case "tg-time":
		unix, _ := strconv.ParseInt(n.attrs["unix"], 10, 64)
		return []any{block{"type": "date_time", "unix_time": unix, "date_time_format": n.attrs["format"], "text": r.inline(n.inner)}}
	}
	if kind := richInline[n.tag]; kind != "" {
		return []any{block{"type": kind, "text": r.inline(n.inner)}}
	}
	text := r.inline(n.inner) // an element that has no place here: its text
	return []any{text}
}

// plainOf is the text of nodes.
func plainOf(nodes []*richNode) string {
	var b strings.Builder
	for _, n := range nodes {
		b.WriteString(n.text)
		b.WriteString(plainOf(n.inner))
	}
	return b.String()
}

// richDetected marks what Telegram finds in a text by itself.
func richDetected(text string) []any {
	parts, at := []any{}, 0
	for _, e := range detect(text) {
		word := utf16Cut(text, e.Offset, e.Length)
		if e.Offset > at {
			parts = append(parts, utf16Cut(text, at, e.Offset-at))
		}
		at = e.Offset + e.Length
		b := block{"type": e.Type, "text": word}
		switch e.Type {
		case "mention":
			b["username"] = word[1:]
		case "email":
			b["type"], b["email_address"] = "email_address", word
		default:
			b[e.Type] = word
		}
		parts = append(parts, b)
	}
	if rest := utf16Cut(text, at, utf16Len(text)-at); rest != "" || len(parts) == 0 {
		parts = append(parts, rest)
	}
	return parts
}

// richWordsOf is what there is to read in a RichMessage of the Bot API, of whatever types its blocks are.
func richWordsOf(value json.RawMessage) (string, error) {
	var v struct{ Blocks []any }
	if err := json.Unmarshal(value, &v); err != nil {
		return "", err
	}
	lines := make([]string, len(v.Blocks))
	for i, b := range v.Blocks {
		lines[i] = leaves(b)
	}
	return strings.TrimSpace(strings.Join(lines, "\n")), nil
}

func leaves(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		var b strings.Builder
		for _, part := range v {
			b.WriteString(leaves(part))
		}
		return b.String()
	case map[string]any:
		var b strings.Builder
		for _, k := range []string{"label", "summary", "text", "expression", "alternative_text", "cells", "items", "blocks",
			"caption", "credit"} {
			b.WriteString(leaves(v[k]))
			if k == "label" && v[k] != nil {
				b.WriteByte(' ')
			}
		}
		return b.String()
	}
	return ""
}
