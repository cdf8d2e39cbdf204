package bot

import (
	"slices"
	"strings"

	"github.com/go-telegram/bot/models"
	"github.com/rivo/uniseg"

	"github.com/topicdesk/topicdesk/messages"
)

// Texts with markup: building, splitting and clipping them in UTF-16 code units, Telegram's measure.

// Entity is Telegram's MessageEntity, with the fields that the library's model lacks.
type Entity struct {
	models.MessageEntity
	UnixTime       int64  `json:"unix_time,omitempty"`
	DateTimeFormat string `json:"date_time_format,omitempty"`
}

const entityDateTime = models.MessageEntityType("date_time")

// piece is a part of a text, as a range in bytes and in UTF-16 units. The ranges include their start and exclude
// their end.
type piece struct {
	from, to         int
	fromUnit, toUnit int
}

// room is what one message takes of a text: so many UTF-16 units, at least 2, and entities.
type room struct{ units, entities int }

// leastMarked is how many units a piece may have at least, however many entities there are: a text with one for each
// letter would take hundreds of messages.
const leastMarked = 128

// before returns how many units of a text with such entities fit, from a unit on.
func (r room) before(entities []*messages.Entity, from int) int {
	var starts []int
	for _, e := range entities {
		if e.GetLength() > 0 && int(e.GetOffset())+int(e.GetLength()) > from {
			starts = append(starts, max(int(e.GetOffset())-from, 0))
		}
	}
	if len(starts) <= r.entities {
		return r.units
	}
	slices.Sort(starts)
	return min(r.units, max(starts[r.entities], leastMarked))
}

// split splits text into pieces: the first has room in first, the others in rest. The pieces are the whole text, in
// order, with nothing between them. An empty text is one empty piece.
//
// It splits after a line break, or else after white space, if there is one in the second half of the piece. Otherwise
// it splits between two characters as people see them: Thai has no spaces, and only a dictionary knows its words.
func split(text string, entities []*messages.Entity, first, rest room) []piece {
	var pieces []piece
	p := piece{}
	limit := first
	for {
		size, units := cutPoint(text[p.from:], limit.before(entities, p.fromUnit))
		p.to, p.toUnit = p.from+size, p.fromUnit+units
		pieces = append(pieces, p)
		if p.to == len(text) {
			return pieces
		}
		p = piece{from: p.to, fromUnit: p.toUnit}
		limit = rest
	}
}

// cutPoint returns the size of text's first piece, which has at most limit units, in bytes and units.
func cutPoint(text string, limit int) (size, units int) {
	if len(text) <= limit {
		return len(text), messages.UTF16Len(text)
	}
	type point struct{ size, units int }
	var here, space, line point
	state := -1
	for rest := text; rest != ""; {
		var cluster string
		cluster, rest, _, state = uniseg.FirstGraphemeClusterInString(rest, state)
		n := messages.UTF16Len(cluster)
		if here.units+n > limit {
			best := here
			switch {
			case line.units >= limit/2:
				best = line
			case space.units >= limit/2:
				best = space
			}
			if best.size == 0 { // one character is longer than a piece
				cut := cutInside(cluster, limit)
				return len(cut), messages.UTF16Len(cut)
			}
			return best.size, best.units
		}
		here = point{here.size + len(cluster), here.units + n}
		switch cluster {
		case "\n", "\r\n":
			line, space = here, here
		case " ", "\t", "\u3000", "\u200b":
			space = here
		}
	}
	return here.size, here.units
}

// cutInside returns the beginning of a single character that is longer than limit units: as many of its code points
// as fit, at least one.
func cutInside(cluster string, limit int) string {
	units := 0
	for i, r := range cluster {
		n := 1
		if r > 0xFFFF {
			n = 2
		}
		if units+n > limit && i > 0 {
			return cluster[:i]
		}
		units += n
	}
	return cluster
}

// clip appends to dst those parts of text's entities that lie in p, moved so that p begins at unit at.
//
// Entities from outside can be anything. One that begins before the text or ends after it is cut; one that begins or
// ends inside a surrogate pair is widened to the whole character; one that covers nothing is left out. Overlaps stay,
// since Telegram accepts them.
func clip(dst []Entity, text string, entities []*messages.Entity, p piece, at int) []Entity {
	if len(entities) == 0 {
		return dst
	}
	low := lowSurrogates(text)
	for _, e := range entities {
		from, to := int(e.GetOffset()), int(e.GetOffset())+int(e.GetLength())
		if from >= to {
			continue
		}
		if low.has(from) {
			from--
		}
		if low.has(to) {
			to++
		}
		from, to = max(from, p.fromUnit), min(to, p.toUnit)
		if from >= to {
			continue
		}
		if out, ok := entityOf(e); ok {
			out.Offset, out.Length = at+from-p.fromUnit, to-from
			dst = append(dst, out)
		}
	}
	return dst
}

// maxEntities is how many entities Telegram keeps of a message. It drops the rest without a word.
const maxEntities = 100

// fitted makes a text of at most so many UTF-16 units and entities. When there are too many entities, those that only
// decorate go first. When even the spoilers are too many, the text stands without markup and without what they hide.
func fitted(m messages.Marked, units, entities int) Rich {
	short := m.Shorten(units)
	whole := piece{to: len(short.Text), toUnit: messages.UTF16Len(short.Text)}
	r := Rich{Text: short.Text, Entities: clip(nil, short.Text, short.Entities, whole, 0)}
	entities = max(entities, 0)
	if len(r.Entities) <= entities {
		return r
	}
	rank := func(e Entity) int {
		switch e.Type {
		case models.MessageEntityTypeSpoiler:
			return 0
		case models.MessageEntityTypeTextLink, models.MessageEntityTypeTextMention:
			return 1
		}
		return 2
	}
	slices.SortStableFunc(r.Entities, func(a, b Entity) int { return rank(a) - rank(b) })
	if rank(r.Entities[entities]) == 0 {
		return Rich{Text: messages.Shorten(m.Shown(), units)}
	}
	r.Entities = r.Entities[:entities]
	return r
}

// entityOf makes an entity for sending from a stored one. It is not ok for kinds that Telegram finds in the text by
// itself (mentions, hashtags, links, commands), and for entities with a missing field: one such entity makes the
// whole call fail.
func entityOf(e *messages.Entity) (Entity, bool) {
	out := Entity{MessageEntity: models.MessageEntity{Type: models.MessageEntityType(e.GetType())}}
	switch out.Type {
	case models.MessageEntityTypeBold, models.MessageEntityTypeItalic, models.MessageEntityTypeUnderline,
		models.MessageEntityTypeStrikethrough, models.MessageEntityTypeSpoiler, models.MessageEntityTypeBlockquote,
		models.MessageEntityTypeExpandableBlockquote, models.MessageEntityTypeCode:
	case models.MessageEntityTypePre:
		out.Language = e.GetLanguage()
	case models.MessageEntityTypeTextLink:
		out.URL = e.GetUrl()
		return out, out.URL != ""
	case models.MessageEntityTypeTextMention:
		out.User = &models.User{ID: e.GetUserId(), FirstName: e.GetUserName()}
		return out, e.GetUserId() > 0
	case models.MessageEntityTypeCustomEmoji:
		out.CustomEmojiID = e.GetCustomEmojiId()
		return out, out.CustomEmojiID != ""
	case entityDateTime:
		out.UnixTime, out.DateTimeFormat = e.GetUnixTime(), e.GetDateTimeFormat()
		return out, out.UnixTime != 0
	default:
		return out, false
	}
	return out, true
}

// cutUnits returns the part of a text between two offsets in UTF-16 units, as far as the text has them.
func cutUnits(text string, from, to int) string {
	unit, start, end := 0, len(text), len(text)
	for i, r := range text {
		if unit >= from && i < start {
			start = i
		}
		if unit >= to {
			end = i
			break
		}
		unit++
		if r > 0xFFFF {
			unit++
		}
	}
	return text[min(start, end):end]
}

// composed is a text whose first entities, heads in number, mark what the desk put above it.
type composed struct {
	Rich
	heads int
	found int // entities of the text that are not sent, because Telegram finds them again
}

// makeRoom removes markup until the texts of one message have no more than Telegram keeps. The desk's own gives way
// first, then what is last. Spoilers never do: words would show that somebody hid. Where they alone are too many, fewer
// hide more.
func makeRoom(texts ...*composed) {
	excess := -maxEntities
	for _, t := range texts {
		excess += len(t.Entities) + t.found
	}
	givesWay := func(e Entity) bool {
		if excess <= 0 || e.Type == models.MessageEntityTypeSpoiler {
			return false
		}
		excess--
		return true
	}
	for _, t := range texts {
		own := slices.DeleteFunc(slices.Clone(t.Entities[:t.heads]), givesWay)
		t.Entities, t.heads = append(own, t.Entities[t.heads:]...), len(own)
	}
	for _, t := range slices.Backward(texts) {
		for i := len(t.Entities) - 1; i >= t.heads && excess > 0; i-- {
			if givesWay(t.Entities[i]) {
				t.Entities = slices.Delete(t.Entities, i, i+1)
			}
		}
	}
	for _, t := range slices.Backward(texts) {
		excess -= t.joinSpoilers(excess)
	}
}

// joinSpoilers removes the last spoilers of a text, at most n of them and never the first. The last one that stays hides
// what they hid, and all that lies between.
func (t *composed) joinSpoilers(n int) (removed int) {
	hides := func(e Entity) bool { return e.Type == models.MessageEntityTypeSpoiler }
	var spoilers []Entity
	for _, e := range t.Entities {
		if hides(e) {
			spoilers = append(spoilers, e)
		}
	}
	removed = min(n, len(spoilers)-1)
	if removed <= 0 {
		return 0
	}
	slices.SortStableFunc(spoilers, func(a, b Entity) int { return a.Offset - b.Offset })
	stay := len(spoilers) - removed
	last := &spoilers[stay-1]
	for _, gone := range spoilers[stay:] {
		last.Length = max(last.Length, gone.Offset+gone.Length-last.Offset)
	}
	t.Entities = append(slices.DeleteFunc(t.Entities, hides), spoilers[:stay]...)
	return removed
}

// surrogates are the offsets of the second units of a text's surrogate pairs, in ascending order.
type surrogates []int

func lowSurrogates(text string) surrogates {
	if strings.IndexFunc(text, func(r rune) bool { return r > 0xFFFF }) < 0 {
		return nil
	}
	var low surrogates
	unit := 0
	for _, r := range text {
		unit++
		if r > 0xFFFF {
			low = append(low, unit)
			unit++
		}
	}
	return low
}

// has says whether an entity that begins or ends at unit would split a surrogate pair.
func (s surrogates) has(unit int) bool {
	_, found := slices.BinarySearch(s, unit)
	return found
}

// Rich is a text with its markup, ready for sendMessage. Offsets are in UTF-16 units. There is no parse_mode, so
// nothing has to be escaped.
type Rich struct {
	Text     string
	Entities []Entity
}

// builder builds a Rich. All text that is added is literal.
type builder struct {
	text     strings.Builder
	units    int
	entities []Entity
}

func (b *builder) plain(s string) {
	b.text.WriteString(s)
	b.units += messages.UTF16Len(s)
}

// entity marks the text from unit from to the end, unless that is empty.
func (b *builder) entity(e models.MessageEntity, from int) {
	if b.units > from {
		e.Offset, e.Length = from, b.units-from
		b.entities = append(b.entities, Entity{MessageEntity: e})
	}
}

// mark adds s as an entity of a kind that has no other fields; an empty kind is plain text.
func (b *builder) mark(kind models.MessageEntityType, s string) {
	from := b.units
	b.plain(s)
	if kind != "" {
		b.entity(models.MessageEntity{Type: kind}, from)
	}
}

func (b *builder) bold(s string) { b.mark(models.MessageEntityTypeBold, s) }
func (b *builder) code(s string) { b.mark(models.MessageEntityTypeCode, s) }

// link adds s as a link, or as plain text when url is empty.
func (b *builder) link(s, url string) {
	from := b.units
	b.plain(s)
	if url != "" {
		b.entity(models.MessageEntity{Type: models.MessageEntityTypeTextLink, URL: url}, from)
	}
}

// mention adds s as the name of a person, who is notified of it if the message is new.
func (b *builder) mention(s string, userID int64) {
	from := b.units
	b.plain(s)
	b.entity(models.MessageEntity{Type: models.MessageEntityTypeTextMention, User: &models.User{ID: userID, FirstName: s}}, from)
}

// rich adds another text with its markup.
func (b *builder) rich(r Rich) {
	for _, e := range r.Entities {
		e.Offset += b.units
		b.entities = append(b.entities, e)
	}
	b.plain(r.Text)
}

func (b *builder) done() Rich {
	return Rich{Text: b.text.String(), Entities: b.entities}
}
