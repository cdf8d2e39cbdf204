package bot

import (
	"slices"
	"strings"
	"unicode"

	"github.com/topicdesk/topicdesk/messages"
)

// A rich message has no text: its words are in blocks, as in a page (Bot API 10.1, RichMessage). It is read as a text
// with entities, so that everything that reads texts reads it, too (docs/decisions.md, D83).

const (
	// maxRichText is how many UTF-16 units of a rich message are read: the 32,768 characters that Telegram allows,
	// with the labels and line breaks that the blocks add. Telegram sends no more.
	maxRichText = 40_000
	// maxRichEntities is how many entities a rich message keeps; the words of the others are kept without markup, but
	// spoilers hide what they hid. Telegram shows 100 in a message, and the longest rich message takes ten.
	maxRichEntities = 1000
	// maxRichURLs is how many bytes the addresses of its links have together; the words of further links are kept without.
	// A record keeps 50 versions of a message, and MongoDB's records end at 16 MB.
	maxRichURLs = 64 << 10
	// maxRichIndent is the deepest level of a list that is indented further than the one above it.
	maxRichIndent = 8
)

// richMessage is a rich message as it is read.
type richMessage struct {
	text     string
	entities []*messages.Entity
	media    *messages.Media // the first medium in it; nil: none
	seen     []object        // users whom it mentions
	html     string          // for sending it again; "": that is not possible
	rtl      bool
}

// object is an object of JSON whose fields may have any type. Blocks and texts of unknown types are read as far as
// they resemble the known ones.
type object map[string]any

func asObject(v any) object          { o, _ := v.(map[string]any); return o }
func (o object) str(k string) string { s, _ := o[k].(string); return s }
func (o object) list(k string) []any { l, _ := o[k].([]any); return l }
func (o object) flag(k string) bool  { b, _ := o[k].(bool); return b }

func (o object) num(k string) int64 {
	n, _ := o[k].(float64)
	if n != n || n < -1<<53 || n > 1<<53 {
		return 0
	}
	return int64(n)
}

// readRich reads a rich message. Media are named in lang, the author's language.
func readRich(v any, lang string) richMessage {
	o := asObject(v)
	f := flattener{lang: lang}
	f.blocks(o.list("blocks"))
	m := richMessage{media: f.media, seen: f.seen, rtl: o.flag("is_rtl")}
	said := trimmed(messages.Marked{Text: f.text.String(), Entities: limited(f.marks, maxRichEntities)})
	m.text, m.entities = said.Text, said.Entities
	if m.media == nil && f.units <= maxText {
		m.html = richHTML(o.list("blocks"))
	}
	return m
}

// says reports whether there is a word or a medium in it.
func (r richMessage) says() bool { return !messages.Blank(r.text) || r.media != nil }

// setRich gives a message the content of a rich one. One without a word or a medium keeps the kind alone, so that people
// see that there was something.
func (m *Message) setRich(r richMessage) {
	if !r.says() {
		return
	}
	m.Text, m.Entities, m.Media = r.text, r.entities, r.media
	m.RichHTML, m.RichRTL = r.html, r.rtl
	for _, u := range r.seen {
		if id := u.num("id"); id > 0 && !u.flag("is_bot") {
			m.Seen = append(m.Seen, &messages.Person{Id: id, Username: u.str("username"),
				FirstName: u.str("first_name"), LastName: u.str("last_name"), LanguageCode: u.str("language_code")})
		}
	}
}

// flattener writes blocks as lines of text.
type flattener struct {
	lang   string
	text   strings.Builder
	units  int
	marks  []*messages.Entity
	urls   int // bytes of the addresses of links
	media  *messages.Media
	seen   []object
	indent int
	begun  bool            // the line has only an indent or a label so far; the next block continues it
	full   bool            // nothing more is read
	open   map[string]bool // the types of entities that are open: none is put into another of its type
	last   string          // the type of the newest block
}

func (f *flattener) write(s string) {
	if f.full || s == "" {
		return
	}
	n := messages.UTF16Len(s)
	if f.units+n >= maxRichText {
		s = messages.CutUTF16(s, maxRichText-f.units-1) + "…"
		n, f.full = messages.UTF16Len(s), true
	}
	f.text.WriteString(s)
	f.units += n
	f.begun = false
}

// line begins a line, unless one has only just begun.
func (f *flattener) line() {
	if f.begun {
		return
	}
	if f.units > 0 {
		f.write("\n")
	}
	f.write(strings.Repeat("  ", min(f.indent, maxRichIndent)))
	f.begun = true
}

const spoiler = "spoiler"

func isSpoiler(e *messages.Entity) bool { return e.Type == spoiler }

// mark gives an entity to what write adds, unless that is nothing. Telegram allows neither an entity within one of its
// type, nor any within code. Where a spoiler and code meet, the code gives way: words would show that somebody hid.
func (f *flattener) mark(e *messages.Entity, write func()) {
	inCode, code := f.open["pre"] || f.open["code"], e.Type == "pre" || e.Type == "code"
	if f.open[e.Type] || inCode && !isSpoiler(e) || code && f.open[spoiler] {
		write()
		return
	}
	if f.open == nil {
		f.open = map[string]bool{}
	}
	f.open[e.Type] = true
	from, at := f.units, len(f.marks)
	f.marks = append(f.marks, e)
	write()
	delete(f.open, e.Type)
	e.Offset, e.Length = int32(from), int32(f.units-from)
	if e.Length == 0 || code && slices.ContainsFunc(f.marks[at+1:], isSpoiler) {
		f.marks = append(f.marks[:at], f.marks[at+1:]...)
	}
}

// limited returns at most so many of the entities: the spoilers and the first of the others. If the spoilers alone are
// more, the last one that stays also hides what comes between it and the end of those that go.
func limited(marks []*messages.Entity, most int) []*messages.Entity {
	if len(marks) <= most {
		return marks
	}
	others := most
	for _, e := range marks {
		if isSpoiler(e) && others > 0 {
			others--
		}
	}
	var last *messages.Entity // the newest spoiler that stays
	spoilers, out := 0, make([]*messages.Entity, 0, most)
	for _, e := range marks {
		switch {
		case isSpoiler(e) && spoilers == most:
			last.Length = max(last.Length, e.Offset+e.Length-last.Offset)
			continue
		case isSpoiler(e):
			spoilers, last = spoilers+1, e
		case others == 0:
			continue
		default:
			others--
		}
		out = append(out, e)
	}
	return out
}

func (f *flattener) marked(kind string, write func()) { f.mark(&messages.Entity{Type: kind}, write) }

func (f *flattener) blocks(list []any) {
	for _, b := range list {
		if f.full {
			return
		}
		f.block(asObject(b))
	}
}

// block writes one block. A block of an unknown type is read like those whose fields it has.
func (f *flattener) block(o object) {
	if o == nil {
		return
	}
	kind := o.str("type")
	f.space(kind)
	text := func() { f.line(); f.inline(o["text"]) }
	switch kind {
	case "paragraph", "footer", "thinking":
		text()
	case "heading":
		f.line()
		f.marked("bold", text)
	case "pre":
		f.line()
		f.mark(&messages.Entity{Type: "pre", Language: o.str("language")}, text)
	case "divider":
		f.line()
		f.write("———")
	case "mathematical_expression":
		f.line()
		f.marked("code", func() { f.write(o.str("expression")) })
	case "anchor":
	case "blockquote", "pullquote":
		f.line()
		f.marked("blockquote", func() { f.content(o) })
		f.credit(o["credit"])
	case "table":
		f.table(o)
	case "map":
		f.line()
		at := asObject(o["location"])
		f.write(mediaLabel(f.lang, messages.MediaLocation) + " " + degrees(at["latitude"]) + ", " + degrees(at["longitude"]))
		f.caption(o["caption"])
	default: // lists, details, media, and what is not known
		f.medium(kind, o)
		f.content(o)
		f.caption(o["caption"])
	}
	f.last = kind
}

// space leaves a blank line above a heading and between paragraphs.
func (f *flattener) space(kind string) {
	if f.units == 0 || f.begun || f.indent > 0 || f.open["blockquote"] {
		return
	}
	if kind == "heading" || kind == "paragraph" && f.last == "paragraph" {
		f.write("\n")
	}
}

// content writes all that a block can contain.
func (f *flattener) content(o object) {
	if o["text"] != nil {
		f.line()
		f.inline(o["text"])
	}
	if x := o.str("expression"); x != "" {
		f.line()
		f.write(x)
	}
	if o["summary"] != nil {
		f.line()
		f.marked("bold", func() { f.inline(o["summary"]) })
		f.begun = false
	}
	f.blocks(o.list("blocks"))
	f.items(o.list("items"))
	if len(o.list("cells")) > 0 {
		f.table(object{"cells": o["cells"]})
	}
}

// items writes the items of a list, each on a line of its own behind its label.
func (f *flattener) items(list []any) {
	if f.indent > 0 {
		f.begun = false // not on the line of the label above
	}
	for _, v := range list {
		item := asObject(v)
		if item == nil || f.full {
			continue
		}
		label := item.str("label")
		if label == "" {
			label = "•"
		}
		if item.flag("has_checkbox") {
			box := "☐"
			if item.flag("is_checked") {
				box = "☑"
			}
			if strings.IndexFunc(label, wordRune) < 0 {
				label = box
			} else {
				label += " " + box
			}
		}
		f.line()
		f.write(label + " ")
		f.begun = true
		f.indent++
		f.content(item)
		f.indent--
		f.begun = false
	}
}

func wordRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

func (f *flattener) table(o object) {
	if c := o["caption"]; c != nil {
		f.line()
		f.marked("italic", func() { f.inline(c) })
	}
	for _, r := range o.list("cells") {
		row, _ := r.([]any)
		if len(row) == 0 || f.full {
			continue
		}
		f.line()
		for i, c := range row {
			cell := asObject(c)
			if i > 0 {
				f.write(" | ")
			}
			write := func() { f.inline(cell["text"]) }
			if cell.flag("is_header") {
				f.marked("bold", write)
			} else {
				write()
			}
		}
		f.begun = false
	}
}

// caption writes the caption of a block: a text, or a RichBlockCaption.
func (f *flattener) caption(v any) {
	c := asObject(v)
	if c == nil || c.str("type") != "" {
		if v != nil {
			f.line()
			f.inline(v)
		}
		return
	}
	if c["text"] != nil {
		f.line()
		f.inline(c["text"])
	}
	f.credit(c["credit"])
}

func (f *flattener) credit(v any) {
	if v != nil {
		f.line()
		f.write("— ")
		f.marked("italic", func() { f.inline(v) })
	}
}
