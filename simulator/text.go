package simulator

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Telegram's limits, in UTF-16 units after entities are parsed.
const (
	maxText    = 4096
	maxCaption = 1024
)

func itoa(n int) string { return strconv.Itoa(n) }

// utf16Len counts the UTF-16 units of a text.
func utf16Len(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r > 0xFFFF {
			n++
		}
	}
	return n
}

// utf16Cut is the part of a text given in UTF-16 units; out of bounds it is shorter.
func utf16Cut(s string, offset, length int) string {
	from := byteOffset(s, offset)
	return s[from:byteOffset(s, offset+length)]
}

// byteOffset is where a UTF-16 offset lies in the text, at most its end.
func byteOffset(s string, units int) int {
	n := 0
	for i, r := range s {
		if n >= units {
			return i
		}
		n++
		if r > 0xFFFF {
			n++
		}
	}
	return len(s)
}

// splitsPair tells whether a UTF-16 offset lies inside a surrogate pair, and where in bytes.
func splitsPair(s string, units int) (at int, splits bool) {
	n := 0
	for i, r := range s {
		if n > units {
			return at, true
		}
		if n == units {
			return i, false
		}
		at = i
		n++
		if r > 0xFFFF {
			n++
		}
	}
	return at, n > units
}

var entityTypes = []string{"mention", "hashtag", "cashtag", "bot_command", "url", "email", "phone_number", "bold", "italic", "underline",
	"strikethrough", "spoiler", "blockquote", "expandable_blockquote", "code", "pre", "text_link", "text_mention", "custom_emoji", "date_time"}

// EntityTypes lists the types that a MessageEntity of the Bot API may have.
func EntityTypes() []string { return slices.Clone(entityTypes) }

// checkEntities refuses entities that Telegram would refuse.
func checkEntities(text string, es []Entity) *apiError {
	if len(es) == 0 {
		return nil
	}
	units := utf16Len(text)
	for _, e := range es {
		if !slices.Contains(entityTypes, e.Type) {
			return badRequest("can't parse entities: unsupported type %s", strconv.Quote(e.Type))
		}
		if e.Offset < 0 || e.Length < 0 || e.Offset > 1000000 || e.Length > 1000000 || e.Offset+e.Length > units {
			return badRequest("ENTITY_BOUNDS_INVALID")
		}
		if at, bad := splitsPair(text, e.Offset); bad {
			return badRequest("entity begins in a middle of a UTF-16 symbol at byte offset %d", at)
		}
		if at, bad := splitsPair(text, e.Offset+e.Length); bad {
			return badRequest("entity ends in a middle of a UTF-16 symbol at byte offset %d", at)
		}
		if e.Type == "text_link" && e.URL == "" {
			return badRequest("can't parse entities: text_link without url")
		}
		if e.Type == "text_mention" && len(e.User) == 0 {
			return badRequest("can't parse entities: text_mention without user")
		}
	}
	return nil
}

var found = []struct {
	kind string
	re   *regexp.Regexp
}{
	{"url", regexp.MustCompile(`(?i)\bhttps?://[^\s<>"]*[^\s<>".,!?;:')\]]|\b(?:[a-z0-9-]+\.)+(?:com|org|net|io|dev|th|de|me|info|app)\b(?:/[^\s<>"]*[^\s<>".,!?;:')\]])?`)},
	{"email", regexp.MustCompile(`[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}`)},
	{"bot_command", regexp.MustCompile(`/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?`)},
	{"mention", regexp.MustCompile(`@[A-Za-z][A-Za-z0-9_]{2,31}`)},
	{"phone_number", regexp.MustCompile(`\+[0-9][0-9 -]{6,16}[0-9]`)},
	{"cashtag", regexp.MustCompile(`\$[A-Z]{3,8}`)},
	{"hashtag", regexp.MustCompile(`#[\p{L}\p{N}\p{M}_]*\p{L}[\p{L}\p{N}\p{M}_]*`)},
}

// detect finds what Telegram's server marks by itself in any text: commands, mentions, links, addresses, hashtags.
func detect(text string) []Entity {
	if !strings.ContainsAny(text, "/@#.$+") {
		return nil
	}
	var spans [][2]int
	var out []Entity
	for _, f := range found {
		for _, at := range f.re.FindAllStringIndex(text, -1) {
			if overlaps(spans, at[0], at[1]) || !bounded(text, at[0], at[1], f.kind) {
				continue
			}
			spans = append(spans, [2]int{at[0], at[1]})
			out = append(out, Entity{Type: f.kind, Offset: utf16Len(text[:at[0]]), Length: utf16Len(text[at[0]:at[1]])})
		}
	}
	slices.SortFunc(out, func(a, b Entity) int { return a.Offset - b.Offset })
	return out
}

func overlaps(spans [][2]int, from, to int) bool {
	return slices.ContainsFunc(spans, func(s [2]int) bool { return from < s[1] && s[0] < to })
}

// bounded: these marks must not begin or end inside a word ("a/b" is no command).
func bounded(text string, from, to int, kind string) bool {
	if kind == "url" {
		r, _ := utf8.DecodeLastRuneInString(text[:from])
		return from == 0 || r != '@' && !(to < len(text) && text[to] == '@')
	}
	if kind == "email" {
		return true
	}
	if from > 0 {
		r, _ := utf8.DecodeLastRuneInString(text[:from])
		if wordRune(r) || r == '/' || r == '@' || r == '#' || r == '<' {
			return false
		}
	}
	if to < len(text) {
		r, _ := utf8.DecodeRuneInString(text[to:])
		if kind != "hashtag" && (wordRune(r) || r == '@') || kind == "bot_command" && r == '/' {
			return false
		}
	}
	return true
}

func wordRune(r rune) bool {
	return r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r > 0xBF && r != 0xD7 && r != 0xF7 && r < 0x2000
}

// withDetected adds what detect finds outside the given entities.
func withDetected(text string, given []Entity) []Entity {
	auto := detect(text)
	if len(given) == 0 {
		return kept(auto)
	}
	out := slices.Clone(given)
	for _, a := range auto {
		if !slices.ContainsFunc(given, func(g Entity) bool {
			return a.Offset < g.Offset+g.Length && g.Offset < a.Offset+a.Length && slices.Contains([]string{a.Type, "code", "pre", "text_link", "text_mention"}, g.Type)
		}) {
			out = append(out, a)
		}
	}
	slices.SortStableFunc(out, func(a, b Entity) int { return a.Offset - b.Offset })
	return kept(out)
}

// maxEntities is how many entities Telegram keeps of a message.
const maxEntities = 100

// kept are the entities that Telegram keeps: it drops the last ones of too many, and says nothing.
func kept(es []Entity) []Entity { return es[:min(len(es), maxEntities)] }

// trimText drops the space around a text, as Telegram does, and shifts the entities with it.
func trimText(text string, es []Entity) (string, []Entity) {
	left := strings.TrimLeft(text, " \t\r\n")
	cut := utf16Len(text[:len(text)-len(left)])
	out := strings.TrimRight(left, " \t\r\n")
	if cut == 0 && len(out) == len(text) {
		return text, es
	}
	units := utf16Len(out)
	var kept []Entity
	for _, e := range es {
		from, to := max(e.Offset-cut, 0), min(e.Offset+e.Length-cut, units)
		if to > from {
			e.Offset, e.Length = from, to-from
			kept = append(kept, e)
		}
	}
	return out, kept
}

// readText takes a text with entities or a parse mode from a call, and holds it against a limit.
func (c *call) readText(name, entities, parseMode string, most int) (string, []Entity, *apiError) {
	var es []Entity
	if c.p.has(entities) {
		if err := c.p.json(entities, &es); err != nil {
			return "", nil, badRequest("can't parse entities: %v", err)
		}
	}
	return formatted(c.p.str(name), c.p.str(parseMode), es, most)
}

func formatted(text, mode string, es []Entity, most int) (string, []Entity, *apiError) {
	if !utf8.ValidString(text) {
		return "", nil, badRequest("strings must be encoded in UTF-8")
	}
	var e *apiError
	if len(es) == 0 {
		switch strings.ToLower(mode) {
		case "":
		case "html":
			text, es, e = parseHTML(text)
		case "markdownv2", "markdown":
			text, es, e = parseMarkdown(text, strings.ToLower(mode) == "markdown")
		default:
			return "", nil, badRequest("unsupported parse_mode")
		}
	}
	if e != nil {
		return "", nil, e
	}
	if e := checkEntities(text, es); e != nil {
		return "", nil, e
	}
	text, es = trimText(text, es)
	if utf16Len(text) > most {
		if most == maxCaption {
			return "", nil, badRequest("message caption is too long")
		}
		return "", nil, badRequest("message is too long")
	}
	es = slices.DeleteFunc(es, func(e Entity) bool { return e.Length == 0 })
	return text, withDetected(text, es), nil
}

// sameEntities compares as editMessageText does.
func sameEntities(a, b []Entity) bool {
	if len(a) != len(b) {
		return false
	}
	if len(a) == 0 {
		return true
	}
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return string(x) == string(y)
}
