package web

import (
	"cmp"
	"html/template"
	"net/url"
	"slices"
	"strings"

	"github.com/topicdesk/topicdesk/messages"
)

// marksAtMost is how many entities of a text are shown; Telegram allows 100.
const marksAtMost = 1000

// mark is a part of a text between two tags, in bytes.
type mark struct {
	from, to    int
	open, close string
	link, block bool
}

// markedHTML is a text with its markup as HTML. Whatever people wrote is escaped; only the tags are ours, and addresses lead to
// nothing that runs. Entities may cross: a tag is closed and opened again where another one ends. hidden says what a spoiler is to who
// hears the page.
func markedHTML(text string, entities []*messages.Entity, hidden string) template.HTML {
	w := markWriter{text: text}
	for _, m := range marksOf(text, entities, hidden) {
		w.closeBefore(m.from)
		w.write(m.from)
		w.b.WriteString(m.open)
		w.open = append(w.open, m)
	}
	w.closeBefore(len(text))
	w.write(len(text))
	return template.HTML(w.b.String()) //nolint:gosec // made of escaped texts and our own tags
}

type markWriter struct {
	b    strings.Builder
	text string
	at   int // what comes before is written
	open []mark
}

func (w *markWriter) write(to int) {
	if to > w.at {
		w.b.WriteString(template.HTMLEscapeString(w.text[w.at:to]))
		w.at = to
	}
}

// closeBefore writes up to the ends of the marks that end at or before a place, and closes them there.
func (w *markWriter) closeBefore(at int) {
	for len(w.open) > 0 {
		end := slices.MinFunc(w.open, func(a, b mark) int { return cmp.Compare(a.to, b.to) }).to
		if end > at {
			return
		}
		w.write(end)
		first := slices.IndexFunc(w.open, func(m mark) bool { return m.to <= end })
		block := false
		for _, m := range slices.Backward(w.open[first:]) {
			w.b.WriteString(m.close)
			block = block || m.block && m.to <= end
		}
		crossing := slices.DeleteFunc(slices.Clone(w.open[first:]), func(m mark) bool { return m.to <= end })
		for _, m := range crossing {
			w.b.WriteString(m.open)
		}
		w.open = append(w.open[:first], crossing...)
		if block && w.at == end && strings.HasPrefix(w.text[w.at:], "\n") {
			w.at++ // the block ends its line already
		}
	}
}

// marksOf are the marks of a text, outer ones first. No link lies in another one, which HTML does not have.
func marksOf(text string, entities []*messages.Entity, hidden string) []mark {
	if len(entities) == 0 {
		return nil
	}
	at := byteOffsets(text)
	var marks []mark
	for _, e := range entities[:min(len(entities), marksAtMost)] {
		from, to := int(max(e.GetOffset(), 0)), int(e.GetOffset())+int(e.GetLength())
		if to = min(to, len(at)-1); from >= to {
			continue
		}
		m := mark{from: at[from], to: at[to]}
		if m.from < m.to && m.tags(e, text[m.from:m.to], hidden) {
			marks = append(marks, m)
		}
	}
	slices.SortStableFunc(marks, func(a, b mark) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(b.to, a.to)) })
	linked := 0
	return slices.DeleteFunc(marks, func(m mark) bool {
		if !m.link {
			return false
		}
		within := m.from < linked
		linked = max(linked, m.to)
		return within
	})
}

// byteOffsets are the places in a text, in bytes, by its UTF-16 units. A place within a character is its beginning.
func byteOffsets(text string) []int {
	at := make([]int, 0, len(text)+1)
	for i, r := range text {
		at = append(at, i)
		if r > 0xFFFF {
			at = append(at, i)
		}
	}
	return append(at, len(text))
}

// plainTags are those of entities that are nothing else.
var plainTags = map[string]string{"bold": "b", "italic": "i", "underline": "u", "strikethrough": "s", "code": "code",
	"pre": "pre", "blockquote": "blockquote", "expandable_blockquote": "blockquote", "text_mention": "b"}

// tags sets the tags of an entity; false: it has none, and its text is shown as it is.
func (m *mark) tags(e *messages.Entity, text, hidden string) bool {
	address := ""
	switch e.GetType() {
	case "spoiler":
		m.open = `<span class="spoiler" tabindex="0" role="button" aria-label="` + template.HTMLEscapeString(hidden) + `">`
		m.close = "</span>"
		return true
	case "text_link":
		address = safeURL(e.GetUrl())
	case "url":
		if address = safeURL(text); address == "" && !strings.Contains(text, ":") {
			address = safeURL("https://" + text)
		}
	case "email":
		address = safeURL("mailto:" + text)
	case "phone_number":
		address = safeURL("tel:" + strings.ReplaceAll(text, " ", ""))
	case "mention":
		address = safeURL("https://t.me/" + url.PathEscape(strings.TrimPrefix(text, "@")))
	default:
		tag, ok := plainTags[e.GetType()]
		m.open, m.close, m.block = "<"+tag+">", "</"+tag+">", tag == "pre" || tag == "blockquote"
		return ok
	}
	m.open = `<a href="` + template.HTMLEscapeString(address) + `" rel="noopener noreferrer nofollow" target="_blank">`
	m.close, m.link = "</a>", true
	return address != ""
}

// safeURL is an address that a link may lead to; "": it may not.
func safeURL(raw string) string {
	u, err := url.Parse(strings.TrimSpace(raw))
	if err != nil {
		return ""
	}
	switch strings.ToLower(u.Scheme) {
	case "http", "https":
		if u.Host == "" {
			return ""
		}
	case "mailto", "tel", "tg":
	default:
		return ""
	}
	return u.String()
}
