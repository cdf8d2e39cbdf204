package bot

import (
	"html"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/topicdesk/topicdesk/messages"
)

// The texts within the blocks of a rich message, and what they are written with.

// richStyle says as what a type of RichText is written: as an entity of that type, and within a tag. Either can be
// missing.
type richStyle struct {
	entity, tag string
	before      string // in the text, in place of an entity
	value       string // the field with what is meant: it is shown when the text does not say it
	scheme      string // of the link to that value
}

var richStyles = map[string]richStyle{
	"bold":             {entity: "bold", tag: "b"},
	"italic":           {entity: "italic", tag: "i"},
	"underline":        {entity: "underline", tag: "u"},
	"strikethrough":    {entity: "strikethrough", tag: "s"},
	"spoiler":          {entity: "spoiler", tag: "tg-spoiler"},
	"code":             {entity: "code", tag: "code"},
	"marked":           {tag: "mark"},
	"subscript":        {tag: "sub", before: "_"}, // "H_2O"
	"superscript":      {tag: "sup", before: "^"}, // 10^6 is not 106
	"email_address":    {entity: "email", value: "email_address", scheme: "mailto:"},
	"phone_number":     {entity: "phone_number", value: "phone_number", scheme: "tel:"},
	"bank_card_number": {value: "bank_card_number"},
	"mention":          {entity: "mention", value: "username"},
	"hashtag":          {entity: "hashtag", value: "hashtag"},
	"cashtag":          {entity: "cashtag", value: "cashtag"},
	"bot_command":      {entity: "bot_command", value: "bot_command"},
}

// inline reads a RichText: a string, a list, or an object. Of an unknown type it reads the text within.
func (r *richReader) inline(v any) {
	switch x := v.(type) {
	case string:
		r.both(x)
	case []any:
		for _, part := range x {
			r.inline(part)
		}
	case map[string]any:
		r.styled(x)
	}
}

func (r *richReader) styled(t map[string]any) {
	within := func() { r.inline(t["text"]) }
	kind := field(t, "type")
	if style, ok := richStyles[kind]; ok {
		r.style(style, t)
		return
	}
	switch kind {
	case "url":
		r.link(field(t, "url"), within)
	case "text_mention":
		r.mention(t, within)
	case "custom_emoji":
		id := field(t, "custom_emoji_id")
		r.tag("tg-emoji", ` emoji-id="`+html.EscapeString(id)+`"`, func() {
			r.marked(&messages.Entity{Type: "custom_emoji", CustomEmojiId: id}, func() { r.both(field(t, "alternative_text")) })
		})
	case "date_time":
		at, format := number(t, "unix_time"), field(t, "date_time_format")
		r.tag("tg-time", ` unix="`+strconv.FormatInt(at, 10)+`" format="`+html.EscapeString(format)+`"`, func() {
			r.marked(&messages.Entity{Type: "date_time", UnixTime: at, DateTimeFormat: format}, within)
		})
	case "mathematical_expression":
		r.formula(t, "tg-math")
	case "anchor":
		r.anchor(t)
	case "anchor_link":
		r.tag("a", ` href="#`+html.EscapeString(field(t, "anchor_name"))+`"`, within)
	case "reference_link":
		r.tag("a", ` href="#`+html.EscapeString(field(t, "reference_name"))+`"`, within)
	case "reference":
		r.tag("tg-reference", ` name="`+html.EscapeString(field(t, "name"))+`"`, within)
	default:
		for _, name := range []string{"text", "alternative_text", "expression"} {
			r.inline(t[name])
		}
	}
}

func (r *richReader) style(style richStyle, t map[string]any) {
	tag, attributes := style.tag, ""
	value := field(t, style.value)
	if style.scheme != "" && value != "" {
		tag, attributes = "a", ` href="`+html.EscapeString(style.scheme+value)+`"`
	}
	r.plain(style.before)
	from := r.text.Len()
	r.tag(tag, attributes, func() {
		r.marked(&messages.Entity{Type: style.entity}, func() { r.inline(t["text"]) })
	})
	if value == "" {
		return
	}
	shown := r.text.String()[from:]
	if shown = shown[:min(len(shown), maxShown)]; !strings.Contains(letters(shown), letters(value)) {
		r.plain(" (" + value + ")")
	}
}

// maxShown is how many bytes of a text are compared with what it stands for.
const maxShown = 256

// letters returns what a number or a name consists of, without what it is grouped or introduced by.
func letters(s string) string {
	return strings.ToLower(strings.Map(func(c rune) rune {
		if unicode.IsLetter(c) || unicode.IsDigit(c) {
			return c
		}
		return -1
	}, s))
}

func (r *richReader) link(url string, within func()) {
	if url == "" {
		within()
		return
	}
	from, e := r.text.Len(), &messages.Entity{Type: "text_link", Url: url}
	r.tag("a", ` href="`+html.EscapeString(url)+`"`, func() { r.marked(e, within) })
	if r.text.String()[from:] == url {
		e.Type, e.Url = "url", ""
	}
}

func (r *richReader) mention(t map[string]any, within func()) {
	user, _ := t["user"].(map[string]any)
	id := number(user, "id")
	if id <= 0 {
		within()
		return
	}
	name := displayName(field(user, "first_name"), field(user, "last_name"), field(user, "username"), id)
	if !flag(user, "is_bot") && len(r.people) < maxRichEntities {
		r.people = append(r.people, &messages.Person{Id: id, FirstName: field(user, "first_name"),
			LastName: field(user, "last_name"), Username: field(user, "username")})
	}
	r.tag("a", ` href="tg://user?id=`+strconv.FormatInt(id, 10)+`"`, func() {
		r.marked(&messages.Entity{Type: "text_mention", UserId: id, UserName: name}, within)
	})
}

// line begins a new line, unless the line has only just begun.
func (r *richReader) line() {
	if r.begun {
		r.begun = false
		return
	}
	if r.units > 0 {
		r.plain("\n")
	}
	r.plain(strings.Repeat("  ", min(r.indent, maxRichIndent)))
}

// both writes a text that stands in both forms.
func (r *richReader) both(s string) {
	r.plain(s)
	r.chars += utf8.RuneCountInString(s)
	r.unsendable = r.unsendable || r.chars > maxRichChars-richHeadChars
	s = html.EscapeString(s)
	if r.literal == 0 {
		s = strings.ReplaceAll(s, "\n", "<br/>")
	}
	r.markup(s)
}

// markup writes what only the HTML has.
func (r *richReader) markup(s string) {
	if !r.unsendable {
		r.html.WriteString(s)
	}
}

// plain writes what only the text has.
func (r *richReader) plain(s string) {
	if r.full || s == "" {
		return
	}
	n := messages.UTF16Len(s)
	if r.units+n > maxRichUnits {
		s = messages.Shorten(s, maxRichUnits-r.units)
		n = messages.UTF16Len(s)
		r.full, r.unsendable = true, true
	}
	r.text.WriteString(s)
	r.units += n
}

// marked writes an entity around what content writes to the text. Within an entity of the same type, and within code,
// there is none.
func (r *richReader) marked(e *messages.Entity, content func()) {
	from := r.units
	literal := e.Type == "code" || e.Type == "pre"
	counts := e.Type != "" && r.literal == 0 && r.open[e.Type] == 0 && len(r.entities) < maxRichEntities
	r.open[e.Type]++
	if literal {
		r.literal++
	}
	content()
	r.open[e.Type]--
	if literal {
		r.literal--
	}
	if counts && r.units > from {
		e.Offset, e.Length = int32(from), int32(r.units-from)
		r.entities = append(r.entities, e)
	}
}

// tag writes an HTML tag around what content writes; an empty name is none. Code has no tags within, and a link no
// other link.
func (r *richReader) tag(name, attributes string, content func()) {
	if name == "" || r.literal > 0 || name == "a" && r.links > 0 {
		content()
		return
	}
	if name == "a" {
		r.links++
		defer func() { r.links-- }()
	}
	r.depth++
	r.unsendable = r.unsendable || r.depth > maxRichDepth
	r.markup("<" + name + attributes + ">")
	content()
	r.markup("</" + name + ">")
	r.depth--
}
