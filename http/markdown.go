package httpedge

import (
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/topicdesk/topicdesk/messages"
)

// The subset of Markdown that programs may use in messages: **bold**, *italic* or _italic_, __underlined__,
// ~~struck~~, ||hidden||, `code`, ```fenced code```, [text](https://…), and quotations: lines that begin with "> ".
// A backslash makes the next sign plain text. A mark that is not closed is plain text, too. Telegram's own parse modes
// are not used, because messages that they refuse would be lost.

// marks are the signs that surround a text, the longest first.
var marks = []struct{ sign, kind string }{
	{"**", "bold"}, {"__", "underline"}, {"~~", "strikethrough"}, {"||", "spoiler"}, {"*", "italic"}, {"_", "italic"},
}

// markdown returns the plain text of a source and its entities, whose offsets count UTF-16 units.
func markdown(source string) (string, []*messages.Entity) {
	p := &mdParser{}
	for i, block := range strings.Split(source, "```") {
		fenced := i%2 == 1
		switch {
		case fenced && i == strings.Count(source, "```"): // never closed
			p.lines("```" + block)
		case fenced:
			language, code, lines := strings.Cut(block, "\n")
			if !lines || !fenceLanguage.MatchString(language) {
				language, code = "", block
			}
			code = strings.Trim(code, "\n")
			from := p.units
			p.write(code)
			p.mark("pre", from).Language = language
		default:
			p.lines(block)
		}
	}
	return p.text.String(), p.entities
}

var fenceLanguage = regexp.MustCompile(`^[A-Za-z0-9+#_.-]{0,30}$`)

type mdParser struct {
	text     strings.Builder
	units    int
	entities []*messages.Entity
}

func (p *mdParser) write(s string) {
	p.text.WriteString(s)
	p.units += messages.UTF16Len(s)
}

// mark marks what was written since from, unless that is nothing.
func (p *mdParser) mark(kind string, from int) *messages.Entity {
	e := &messages.Entity{Type: kind, Offset: int32(from), Length: int32(p.units - from)}
	if p.units > from {
		p.entities = append(p.entities, e)
	}
	return e
}

// lines writes lines; those that begin with "> " become quotations.
func (p *mdParser) lines(block string) {
	quoteFrom := -1
	for i, line := range strings.SplitAfter(block, "\n") {
		quoted, isQuote := strings.CutPrefix(line, "> ")
		if isQuote && (i > 0 || p.units == 0) {
			if quoteFrom < 0 {
				quoteFrom = p.units
			}
			p.inline(quoted)
			continue
		}
		if quoteFrom >= 0 {
			p.mark("blockquote", quoteFrom)
			quoteFrom = -1
		}
		p.inline(line)
	}
	if quoteFrom >= 0 {
		p.mark("blockquote", quoteFrom)
	}
}

// inlineDepth is how deep marks may be nested.
const inlineDepth = 8

func (p *mdParser) inline(s string) { p.inlineAt(s, 0) }

func (p *mdParser) inlineAt(s string, depth int) {
	var before byte
next:
	for s != "" {
		if s[0] == '\\' && len(s) > 1 && s[1] < utf8.RuneSelf && !isAlnum(s[1]) && s[1] != '\n' {
			p.write(s[1:2])
			before, s = s[1], s[2:]
			continue
		}
		if s[0] == '`' {
			if code, rest, closed := strings.Cut(s[1:], "`"); closed && code != "" && !strings.Contains(code, "\n") {
				from := p.units
				p.write(code)
				p.mark("code", from)
				before, s = '`', rest
				continue
			}
		}
		if s[0] == '[' {
			if label, target, rest, ok := link(s); ok && depth < inlineDepth {
				from := p.units
				p.inlineAt(label, depth+1)
				p.mark("text_link", from).Url = target
				before, s = ')', rest
				continue
			}
		}
		for _, m := range marks {
			if depth >= inlineDepth || !strings.HasPrefix(s, m.sign) || m.sign == "_" && isAlnum(before) {
				continue
			}
			inner, rest, closed := closing(s[len(m.sign):], m.sign)
			if !closed {
				continue
			}
			from := p.units
			p.inlineAt(inner, depth+1)
			p.mark(m.kind, from)
			before, s = m.sign[0], rest
			continue next
		}
		_, size := utf8.DecodeRuneInString(s)
		p.write(s[:size])
		before, s = s[size-1], s[size:]
	}
}

// closing finds the sign that closes a mark, in the same line. There must be text between the signs; the text must
// not begin or end with a blank; an "_" within a word does not close.
func closing(s, sign string) (inner, rest string, ok bool) {
	if s == "" || s[0] == ' ' || s[0] == '\n' || strings.HasPrefix(s, sign) {
		return "", "", false
	}
	for at := 0; at < len(s); at++ {
		switch {
		case s[at] == '\n':
			return "", "", false
		case s[at] == '\\':
			at++
		case strings.HasPrefix(s[at:], sign):
			after := s[at+len(sign):]
			if s[at-1] == ' ' || sign == "_" && after != "" && isAlnum(after[0]) {
				continue
			}
			if sign == "*" && strings.HasPrefix(after, "*") { // the end of an inner **
				at++
				continue
			}
			return s[:at], after, true
		}
	}
	return "", "", false
}

func link(s string) (label, target, rest string, ok bool) {
	label, rest, found := strings.Cut(s[1:], "](")
	if !found || label == "" || strings.ContainsAny(label, "\n[") {
		return "", "", "", false
	}
	target, rest, found = strings.Cut(rest, ")")
	if !found || !goodURL(target) {
		return "", "", "", false
	}
	return label, target, rest, true
}

// goodURL reports whether a link may lead there: Telegram refuses messages with other links.
func goodURL(target string) bool {
	u, err := url.Parse(target)
	if err != nil || len(target) > 2048 {
		return false
	}
	switch u.Scheme {
	case "http", "https":
		return u.Host != "" && !strings.ContainsAny(target, " \n")
	case "tg", "mailto":
		return true
	}
	return false
}

func isAlnum(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= utf8.RuneSelf
}
