package simulator

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// text makes a RichText of what stands within a line.
func (r *richParser) text(within []*node) any {
	var out []any
	add := func(v any) {
		if s, ok := v.(string); ok && len(out) > 0 {
			if before, ok := out[len(out)-1].(string); ok {
				out[len(out)-1] = before + s
				return
			}
		}
		out = append(out, v)
	}
	for _, n := range within {
		switch n.tag {
		case "":
			r.chars += utf8.RuneCountInString(n.text)
			for _, v := range r.detected(n.text) {
				add(v)
			}
		case "br":
			add("\n")
		case "input":
		case "p": // GitHub's Markdown puts the text of an item into one
			add(r.text(n.within))
		default:
			if _, inline := richInlineTags[n.tag]; !inline {
				r.fail("can't parse rich message: tag %q within a line", n.tag)
				continue
			}
			add(r.styled(n))
		}
	}
	if len(out) == 1 {
		return out[0]
	}
	if out == nil {
		return ""
	}
	return out
}

func (r *richParser) styled(n *node) object {
	kind := richInlineTags[n.tag]
	switch n.tag {
	case "tg-math":
		return object{"type": kind, "expression": r.plain(n)}
	case "tg-emoji":
		return object{"type": kind, "custom_emoji_id": n.attr("emoji-id"), "alternative_text": r.plain(n)}
	case "a":
		return r.link(n)
	case "code":
		r.code++
		defer func() { r.code-- }()
	}
	out := object{"type": kind, "text": r.text(n.within)}
	switch n.tag {
	case "tg-reference":
		out["name"] = n.attr("name")
	case "tg-time":
		at, err := strconv.ParseInt(n.attr("unix"), 10, 64)
		if err != nil {
			r.fail("can't parse rich message: a time needs unix")
		}
		out["unix_time"], out["date_time_format"] = at, n.attr("format")
	}
	return out
}

func (r *richParser) link(n *node) object {
	if n.has("name") {
		return object{"type": "anchor", "name": n.attr("name")}
	}
	r.code++
	text := r.text(n.within)
	r.code--
	address := n.attr("href")
	scheme, rest, _ := strings.Cut(address, ":")
	switch {
	case address == "":
		r.fail("can't parse rich message: a link without href")
	case strings.HasPrefix(address, "#"):
		return object{"type": "anchor_link", "text": text, "anchor_name": address[1:]}
	case scheme == "mailto":
		return object{"type": "email_address", "text": text, "email_address": rest}
	case scheme == "tel":
		return object{"type": "phone_number", "text": text, "phone_number": rest}
	case strings.HasPrefix(address, "tg://user?id="):
		id, _ := strconv.ParseInt(strings.TrimPrefix(address, "tg://user?id="), 10, 64)
		return object{"type": "text_mention", "text": text, "user": object{"id": id, "is_bot": false, "first_name": asString(text)}}
	}
	return object{"type": "url", "text": text, "url": address}
}

// detectedAs are the fields of the types of RichText that Telegram makes of what it finds.
var detectedAs = map[string][2]string{"url": {"url", "url"}, "email": {"email_address", "email_address"},
	"bot_command": {"bot_command", "bot_command"}, "mention": {"mention", "username"},
	"phone_number": {"phone_number", "phone_number"}, "cashtag": {"cashtag", "cashtag"}, "hashtag": {"hashtag", "hashtag"}}

// detected is a text with what Telegram marks by itself.
func (r *richParser) detected(text string) []any {
	if !r.detects || r.code > 0 {
		return []any{text}
	}
	var out []any
	from := 0
	for _, e := range detect(text) {
		as, ok := detectedAs[e.Type]
		begin, end := byteOffset(text, e.Offset), byteOffset(text, e.Offset+e.Length)
		if !ok || begin < from {
			continue
		}
		if begin > from {
			out = append(out, text[from:begin])
		}
		found := text[begin:end]
		out = append(out, object{"type": as[0], "text": found, as[1]: found})
		from = end
	}
	if from < len(text) {
		out = append(out, text[from:])
	}
	return out
}

func blank(line []*node) bool { return len(trimmed(line)) == 0 }

// trimmed is a line without the boxes and the space at its beginning, and without the space at its end.
func trimmed(line []*node) []*node {
	line = slices.Clone(line)
	for len(line) > 0 {
		first := *line[0]
		if first.tag != "input" && (first.tag != "" || strings.TrimSpace(first.text) != "") {
			first.text = strings.TrimLeft(first.text, " \t\r\n")
			line[0] = &first
			break
		}
		line = line[1:]
	}
	for len(line) > 0 {
		last := *line[len(line)-1]
		if last.tag != "" || strings.TrimSpace(last.text) != "" {
			last.text = strings.TrimRight(last.text, " \t\r\n")
			line[len(line)-1] = &last
			break
		}
		line = line[:len(line)-1]
	}
	return line
}
