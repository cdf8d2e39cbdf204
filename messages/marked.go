package messages

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"
)

// Marked is a text with its markup, as people wrote it. Offsets and lengths of the entities count UTF-16 code units of
// the text. Its methods return new values: the entities of the receiver stay as they are.
type Marked struct {
	Text     string
	Entities []*Entity
}

// hidden stands for words under a spoiler where a text is shown without markup. Its length says nothing of theirs.
const hidden = "▒▒▒▒"

// Slice returns the part of the text from one offset in bytes to another, with the entities that lie in it, cut to it.
func (m Marked) Slice(from, to int) Marked {
	part := Marked{Text: m.Text[from:to]}
	if len(m.Entities) == 0 {
		return part
	}
	first := int32(UTF16Len(m.Text[:from]))
	units := int32(UTF16Len(part.Text))
	for _, e := range m.Entities {
		part.mark(e, max(e.GetOffset()-first, 0), min(e.GetOffset()+e.GetLength()-first, units))
	}
	return part
}

// mark adds an entity like e, from one offset to another, unless nothing is between them.
func (m *Marked) mark(e *Entity, from, to int32) {
	if from >= to {
		return
	}
	e = proto.CloneOf(e)
	e.Offset, e.Length = from, to-from
	m.Entities = append(m.Entities, e)
}

// TrimFunc removes the characters at both ends that are as f says.
func (m Marked) TrimFunc(f func(rune) bool) Marked {
	from := len(m.Text) - len(strings.TrimLeftFunc(m.Text, f))
	return m.Slice(from, from+len(strings.TrimFunc(m.Text, f)))
}

// Then returns the text followed by more, with a separator between them unless one of them is empty.
func (m Marked) Then(separator string, more Marked) Marked {
	switch {
	case m.Text == "":
		return more
	case more.Text == "":
		return m
	}
	joined := Marked{Text: m.Text + separator + more.Text, Entities: slices.Clone(m.Entities)}
	shift := int32(UTF16Len(m.Text) + UTF16Len(separator))
	for _, e := range more.Entities {
		joined.mark(e, shift+e.GetOffset(), shift+e.GetOffset()+e.GetLength())
	}
	return joined
}

// Shorten returns the text as Shorten does, with the entities of what is left.
func (m Marked) Shorten(units int) Marked {
	short := Shorten(m.Text, units)
	if short == m.Text {
		return m
	}
	cut := m.Slice(0, len(strings.TrimSuffix(short, ellipsis)))
	cut.Text = short
	return cut
}

// Fewer returns the text with at most n entities, n > 0. What only decorates goes first, then links and people, the last
// first. Of too many spoilers, the last that stays covers all that follow and the words between them.
func (m Marked) Fewer(n int) Marked {
	if len(m.Entities) <= n {
		return m
	}
	var ranked [3][]*Entity
	for _, e := range m.Entities {
		rank := 2
		switch e.GetType() {
		case "spoiler":
			rank = 0
		case "text_link", "text_mention":
			rank = 1
		}
		ranked[rank] = append(ranked[rank], e)
	}
	spoilers := ranked[0]
	slices.SortStableFunc(spoilers, func(a, b *Entity) int { return cmp.Compare(a.GetOffset(), b.GetOffset()) })
	if len(spoilers) > n {
		from, end := spoilers[n-1].GetOffset(), int32(0)
		for _, e := range spoilers[n-1:] {
			end = max(end, e.GetOffset()+e.GetLength())
		}
		fewer := Marked{Text: m.Text, Entities: slices.Clone(spoilers[:n-1])}
		fewer.mark(spoilers[n-1], from, end)
		return fewer
	}
	kept := slices.Concat(ranked[0], ranked[1], ranked[2])[:n]
	slices.SortStableFunc(kept, func(a, b *Entity) int { return cmp.Compare(a.GetOffset(), b.GetOffset()) })
	return Marked{Text: m.Text, Entities: kept}
}

// Clean returns the text as CleanText does, with the entities moved along.
func (m Marked) Clean() Marked {
	clean := Marked{Text: CleanText(m.Text)}
	if clean.Text == m.Text {
		return m
	}
	if len(m.Entities) == 0 {
		return clean
	}
	at := make([]int32, 1, len(m.Text)+1) // the offset in the clean text, by the offset in the original one
	units := int32(0)
	for i, r := range m.Text {
		stays := CleanText(string(r)) != "" && !strings.HasPrefix(m.Text[i:], "\r\n")
		for range UTF16Len(string(r)) {
			if stays {
				units++
			}
			at = append(at, units)
		}
	}
	last := int32(len(at) - 1)
	for _, e := range m.Entities {
		from, to := e.GetOffset(), e.GetOffset()+e.GetLength()
		clean.mark(e, at[min(max(from, 0), last)], at[min(max(to, 0), last)])
	}
	return clean
}

// Shown returns the text as it may stand where there is no markup: the words that it hides are replaced by a sign.
func (m Marked) Shown() string {
	var spans [][2]int32 // of hidden text, in UTF-16 units
	for _, e := range m.Entities {
		if e.GetType() == "spoiler" && e.GetLength() > 0 {
			spans = append(spans, [2]int32{e.GetOffset(), e.GetOffset() + e.GetLength()})
		}
	}
	if len(spans) == 0 {
		return m.Text
	}
	slices.SortFunc(spans, func(a, b [2]int32) int { return int(a[0]) - int(b[0]) })
	var b strings.Builder
	unit, end, within := int32(0), int32(0), false
	for _, r := range m.Text {
		units := int32(1)
		if r > 0xFFFF {
			units = 2
		}
		for len(spans) > 0 && spans[0][0] < unit+units {
			end, spans = max(end, spans[0][1]), spans[1:]
		}
		switch unit += units; {
		case unit-units >= end:
			b.WriteRune(r)
			within = false
		case !within:
			b.WriteString(hidden)
			within = true
		}
	}
	return b.String()
}

// Tells says whether the markup holds something that the text alone does not: an address, a person, or that words are
// hidden.
func (m Marked) Tells() bool {
	return slices.ContainsFunc(m.Entities, func(e *Entity) bool {
		switch e.GetType() {
		case "spoiler", "text_link", "text_mention":
			return true
		}
		return false
	})
}

// titleOfText is how much of a text's first line becomes a title, in UTF-16 units.
const titleOfText = 60

// MaxTitle is how many characters a title has at most.
const MaxTitle = 255

// Titled are the title and the description of a ticket that is called by a line. A line whose markup tells more than its words opens the
// description, too (docs/decisions.md, D65), and so does one that is too long: its beginning, cut at a word, is the title then.
func Titled(line, description Marked) (string, Marked) {
	title := strings.TrimFunc(line.Shown(), Separator)
	long := utf8.RuneCountInString(title) > MaxTitle
	if long || line.Tells() {
		description = line.Then("\n", description)
	}
	if long {
		title = ShortenAtWord(title, titleOfText)
	}
	return title, description
}

// TitleOf is the title of a ticket that is opened from a text alone: its first line, shortened, without what is hidden.
func TitleOf(text Marked) string {
	text = text.TrimFunc(Separator)
	line, _, _ := strings.Cut(text.Text, "\n")
	return ShortenAtWord(strings.TrimFunc(text.Slice(0, len(line)).Shown(), Separator), titleOfText)
}
