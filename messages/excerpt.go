package messages

import (
	"strconv"
	"strings"
	"unicode"
)

// keptInExcerpts are the kinds of markup that Telegram keeps in quotes (Bot API, TextQuote).
var keptInExcerpts = map[string]bool{
	"bold": true, "italic": true, "underline": true, "strikethrough": true, "spoiler": true, "custom_emoji": true,
	"date_time": true,
}

// excerptMarks is how many entities other than spoilers an excerpt keeps, so that they leave room for those of the text
// below it.
const excerptMarks = 10

// Excerpt returns the beginning of a text on one line, at most n UTF-16 units long, with the markup that quotes keep.
// A spoiler stays a spoiler. Characters that reverse the text after them are left out.
func Excerpt(text string, entities []*Entity, n int) (string, []*Entity) {
	var b strings.Builder
	var moved []int // where each unit of the text stands in the excerpt
	units, space := 0, false
	for _, r := range text {
		kept := true
		switch {
		case Directs(r):
			kept = false
		case unicode.IsSpace(r):
			kept, space = false, b.Len() > 0
		case space:
			b.WriteByte(' ')
			units++
			space = false
		}
		moved = append(moved, units)
		if r > 0xFFFF {
			moved = append(moved, units)
		}
		if kept {
			b.WriteRune(r)
			units++
			if r > 0xFFFF {
				units++
			}
		}
	}
	short := Shorten(b.String(), n)
	return short, movedEntities(entities, append(moved, units), UTF16Len(short))
}

// movedEntities returns the entities that an excerpt keeps. moved has an entry for each unit of the text, and one for
// its end.
func movedEntities(entities []*Entity, moved []int, units int) (kept []*Entity) {
	marks := 0
	for _, e := range entities {
		from, to := int(e.Offset), int(e.Offset)+int(e.Length)
		if !keptInExcerpts[e.Type] || from < 0 || from >= to || to >= len(moved) {
			continue
		}
		from, to = moved[from], min(moved[to], units)
		if from >= to {
			continue
		}
		if e.Type != "spoiler" {
			if marks++; marks > excerptMarks {
				continue
			}
		}
		kept = append(kept, &Entity{Type: e.Type, Offset: int32(from), Length: int32(to - from),
			CustomEmojiId: e.CustomEmojiId, UnixTime: e.UnixTime, DateTimeFormat: e.DateTimeFormat})
	}
	return kept
}

// Directs says which characters set a direction of writing. In a name they would reverse the text after it;
// right-to-left scripts don't need them.
func Directs(r rune) bool { return r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069 }

// WithoutDirection returns s without the characters that set a direction of writing.
func WithoutDirection(s string) string {
	if strings.IndexFunc(s, Directs) < 0 {
		return s
	}
	return strings.Map(func(r rune) rune {
		if Directs(r) {
			return -1
		}
		return r
	}, s)
}

// WordsOf says in a few words what a medium without a caption is about: a poll's question, a file's name. "": nothing
// is known but its kind.
func WordsOf(m *Media) string {
	var words []string
	switch {
	case m == nil:
	case m.Poll != nil:
		words = []string{m.Poll.Question}
	case m.Contact != nil:
		words = []string{m.Contact.FirstName, m.Contact.LastName, m.Contact.PhoneNumber}
	case m.Venue != nil:
		words = []string{m.Venue.Title}
	case m.Kind == MediaDice:
		words = []string{m.Emoji, strconv.Itoa(int(m.Value))}
	case m.Performer != "":
		words = []string{m.Performer, "–", m.Title}
	case m.Title != "":
		words = []string{m.Title}
	case m.FileName != "":
		words = []string{m.FileName}
	default:
		words = []string{m.Emoji, m.Source}
	}
	return strings.Join(strings.Fields(strings.Join(words, " ")), " ")
}
