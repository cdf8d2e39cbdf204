package bot

import (
	"html"
	"slices"
	"strconv"
	"strings"

	"github.com/topicdesk/topicdesk/messages"
)

// Rich messages. Intake reads one in two ways at the same time: as a text with entities, which is what the desk works
// with, and as HTML by which a bot can post it again (docs/decisions.md, D75). The blocks are read from decoded JSON
// instead of structs: whatever has an unknown type or a wrong shape then costs only itself.

// Limits of a rich message (Bot API, rich message limits). One that exceeds them is copied as a text.
const (
	maxRichChars   = 32768
	maxRichBlocks  = 500
	maxRichDepth   = 16
	maxRichColumns = 20

	// What the head of a copy takes of them.
	richHeadChars  = 1024
	richHeadBlocks = 2
)

// Bounds of what is kept of a hostile message. Telegram's own limit is half of maxRichUnits.
const (
	maxRichUnits    = 1 << 16
	maxRichEntities = 1000
	maxRichIndent   = 8
)

// wireRich is a rich message.
type wireRich struct {
	Blocks any  `json:"blocks"`
	IsRTL  bool `json:"is_rtl"`
}

// readRich is a rich message as intake has read it.
type readRich struct {
	text     string
	entities []*messages.Entity
	people   []*messages.Person // whom it mentions
	html     string             // "" when it can't be posted again
}

// read returns the words of a rich message, and its HTML.
func (w *wireRich) read() readRich {
	r := richReader{open: map[string]int{}}
	r.blocks(w.Blocks)
	out := readRich{text: r.text.String(), entities: r.entities, people: r.people}
	slices.SortStableFunc(out.entities, func(a, b *messages.Entity) int {
		if a.Offset != b.Offset {
			return int(a.Offset - b.Offset)
		}
		return int(b.Length - a.Length) // the outer one first
	})
	if !r.unsendable && r.count <= maxRichBlocks-richHeadBlocks {
		out.html = r.html.String()
	}
	return out
}

// richReader writes a tree of blocks as a text and as HTML.
type richReader struct {
	text     strings.Builder
	units    int // of text
	entities []*messages.Entity
	people   []*messages.Person
	open     map[string]int // types of entities around the current position
	literal  int            // > 0: in code, which has no markup within
	indent   int            // levels of lists
	begun    bool           // the current line has begun, and its first block continues it
	full     bool           // maxRichUnits is reached

	html       strings.Builder
	chars      int // of the HTML's text
	count      int // blocks
	depth      int // tags around the current position
	links      int // links among them
	unsendable bool
}

// field returns a block's text in that field.
func field(b map[string]any, name string) string {
	s, _ := b[name].(string)
	return s
}

// number returns a whole number in that field; 0 when there is none.
func number(b map[string]any, name string) int64 {
	f, _ := b[name].(float64)
	if f != f || f < -1<<53 || f > 1<<53 {
		return 0
	}
	return int64(f)
}

func flag(b map[string]any, name string) bool {
	yes, _ := b[name].(bool)
	return yes
}

// blocks reads a list of blocks.
func (r *richReader) blocks(v any) {
	list, _ := v.([]any)
	for _, x := range list {
		if b, ok := x.(map[string]any); ok {
			r.block(b)
		}
	}
}

// block reads one block. Of an unknown one it reads what it contains.
func (r *richReader) block(b map[string]any) {
	r.count++
	switch kind := field(b, "type"); kind {
	case "paragraph", "thinking":
		r.paragraph(b["text"], "", "p")
	case "heading":
		if r.units > 0 && !r.begun {
			r.plain("\n")
		}
		level := min(max(number(b, "size"), 1), 6)
		r.paragraph(b["text"], "bold", "h"+strconv.FormatInt(level, 10))
	case "footer":
		r.paragraph(b["text"], "italic", "footer")
	case "pre":
		r.preformatted(b)
	case "divider":
		r.line()
		r.plain("———")
		r.markup("<hr/>")
	case "mathematical_expression":
		r.line()
		r.formula(b, "tg-math-block")
	case "anchor":
		r.anchor(b)
	case "list":
		r.list(b)
	case "blockquote":
		r.quotation("blockquote", b["credit"], func() { r.content(b["blocks"]) })
	case "pullquote":
		r.quotation("aside", b["credit"], func() { r.inline(b["text"]) })
	case "table":
		r.table(b)
	case "details":
		r.details(b)
	case "map":
		r.location(b)
	case "photo", "video", "animation", "audio", "voice_note":
		r.line()
		r.tag("p", "", func() {
			r.both(richMediaLabel(kind, b))
			if b["caption"] != nil {
				r.both(" ")
				r.caption(b["caption"])
			}
		})
	case "collage", "slideshow":
		r.blocks(b["blocks"])
		if b["caption"] != nil {
			r.line()
			r.tag("p", "", func() { r.caption(b["caption"]) })
		}
	default:
		r.unknown(b)
	}
}

// unknown reads what an unknown block contains.
func (r *richReader) unknown(b map[string]any) {
	for _, name := range []string{"summary", "text", "expression"} {
		if b[name] != nil {
			r.paragraph(b[name], "", "p")
		}
	}
	r.blocks(b["blocks"])
	if b["items"] != nil {
		r.list(b)
	}
	if b["cells"] != nil {
		r.table(b)
	} else if b["caption"] != nil {
		r.line()
		r.tag("p", "", func() { r.caption(b["caption"]) })
	}
}

// paragraph reads a text that is a line, or several, by itself.
func (r *richReader) paragraph(text any, entity, tag string) {
	r.line()
	r.tag(tag, "", func() {
		r.marked(&messages.Entity{Type: entity}, func() { r.inline(text) })
	})
}

func (r *richReader) preformatted(b map[string]any) {
	language := field(b, "language")
	open := "<pre>"
	end := "</pre>"
	if language != "" {
		open, end = `<pre><code class="language-`+html.EscapeString(language)+`">`, "</code></pre>"
	}
	r.line()
	r.markup(open)
	r.marked(&messages.Entity{Type: "pre", Language: language}, func() { r.inline(b["text"]) })
	r.markup(end)
}

func (r *richReader) formula(b map[string]any, tag string) {
	r.tag(tag, "", func() {
		r.marked(&messages.Entity{Type: "code"}, func() { r.both(field(b, "expression")) })
	})
}

func (r *richReader) anchor(b map[string]any) {
	r.markup(`<a name="` + html.EscapeString(field(b, "name")) + `"></a>`)
}

// content reads the blocks of a container. A single paragraph needs no tag of its own.
func (r *richReader) content(v any) {
	list, _ := v.([]any)
	if len(list) == 1 {
		if b, ok := list[0].(map[string]any); ok && field(b, "type") == "paragraph" {
			r.count++
			r.line()
			r.inline(b["text"])
			return
		}
	}
	r.blocks(v)
}

// quotation writes a quotation with its credit on a line of its own. Telegram's texts have no quotation within
// another.
func (r *richReader) quotation(tag string, credit any, content func()) {
	r.line()
	r.begun = true
	r.tag(tag, "", func() {
		r.marked(&messages.Entity{Type: "blockquote"}, func() {
			content()
			r.begun = false
			r.credit(credit)
		})
	})
	r.begun = false
}

func (r *richReader) credit(credit any) {
	if credit == nil {
		return
	}
	r.line()
	r.plain("— ")
	r.tag("cite", "", func() { r.inline(credit) })
}

func (r *richReader) details(b map[string]any) {
	attributes := ""
	if flag(b, "is_open") {
		attributes = " open"
	}
	r.tag("details", attributes, func() {
		r.paragraph(b["summary"], "bold", "summary")
		r.content(b["blocks"])
	})
}

func (r *richReader) location(b map[string]any) {
	at, _ := b["location"].(map[string]any)
	degrees := func(name string) string {
		f, _ := at[name].(float64)
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	lat, long := degrees("latitude"), degrees("longitude")
	r.line()
	r.plain("📍 " + lat + ", " + long)
	zoom := min(max(number(b, "zoom"), 13), 20)
	r.markup(`<tg-map lat="` + lat + `" long="` + long + `" zoom="` + strconv.FormatInt(zoom, 10) + `"/>`)
	if b["caption"] != nil {
		r.line()
		r.tag("p", "", func() { r.caption(b["caption"]) })
	}
}

// caption reads a RichBlockCaption behind what stands on the line. A caption can also be a text alone.
func (r *richReader) caption(v any) {
	text, credit := v, any(nil)
	if c, ok := v.(map[string]any); ok && c["type"] == nil {
		text, credit = c["text"], c["credit"]
	}
	r.inline(text)
	if credit != nil {
		r.both(" — ")
		r.inline(credit)
	}
}

// richMediaLabel stands for a medium, in any language: a bot can post no medium of a rich message by its file id (Bot
// API 10.1).
func richMediaLabel(kind string, b map[string]any) string {
	label := map[string]string{"photo": "🖼", "video": "🎬", "animation": "🎞", "audio": "🎵", "voice_note": "🎤"}[kind]
	if f, ok := b[kind].(map[string]any); ok {
		name := strings.Trim(field(f, "performer")+" – "+field(f, "title"), " –")
		if name == "" {
			name = field(f, "file_name")
		}
		if name = oneLine(name); name != "" {
			label += " " + messages.Shorten(name, maxOrigin)
		}
	}
	return label
}
