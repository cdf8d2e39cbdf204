package messages_test

import (
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf16"

	"pgregory.net/rapid"

	"github.com/topicdesk/topicdesk/messages"
)

// wordsOf are the words that the entities of a text mark.
func wordsOf(t interface{ Fatalf(string, ...any) }, m messages.Marked) (words []string) {
	units := utf16.Encode([]rune(m.Text))
	for _, e := range m.Entities {
		from, to := int(e.GetOffset()), int(e.GetOffset()+e.GetLength())
		if from < 0 || from >= to || to > len(units) {
			t.Fatalf("an entity from %d to %d of %d units in %q", from, to, len(units), m.Text)
		}
		words = append(words, string(utf16.Decode(units[from:to])))
	}
	return words
}

// drawMarked draws a text, each of whose pieces may have an entity.
func drawMarked(t *rapid.T) messages.Marked {
	var m messages.Marked
	for range rapid.IntRange(0, 8).Draw(t, "pieces") {
		piece := rapid.SampledFrom([]string{"a", "สวัสดี", "🔥", " ", "\n", "\r\n", "\u0000", "x\u0007y", "\t", "𝒳 b"}).Draw(t, "piece")
		e := &messages.Entity{Type: "bold", Offset: int32(messages.UTF16Len(m.Text)), Length: int32(messages.UTF16Len(piece))}
		m.Text += piece
		if rapid.Bool().Draw(t, "marked") {
			m.Entities = append(m.Entities, e)
		}
	}
	return m
}

func TestMarked(t *testing.T) {
	t.Parallel()
	t.Run("cleaning cleans the words of each entity, too", rapid.MakeCheck(func(t *rapid.T) {
		m := drawMarked(t)
		var want []string
		for _, word := range wordsOf(t, m) {
			if word = messages.CleanText(word); word != "" {
				want = append(want, word)
			}
		}
		clean := m.Clean()
		if clean.Text != messages.CleanText(m.Text) {
			t.Fatalf("%q became %q", m.Text, clean.Text)
		}
		if got := wordsOf(t, clean); strings.Join(got, "|") != strings.Join(want, "|") {
			t.Fatalf("%q marks %q instead of %q", clean.Text, got, want)
		}
	}))
	t.Run("parts that are joined again mark the same words", rapid.MakeCheck(func(t *rapid.T) {
		m := drawMarked(t)
		var borders []int
		for i := range m.Text {
			borders = append(borders, i)
		}
		at := rapid.SampledFrom(append(borders, len(m.Text))).Draw(t, "at")
		joined := m.Slice(0, at).Then("", m.Slice(at, len(m.Text)))
		if joined.Text != m.Text || strings.Join(wordsOf(t, joined), "") != strings.Join(wordsOf(t, m), "") {
			t.Fatalf("%q cut at %d marks %q", joined.Text, at, wordsOf(t, joined))
		}
		wordsOf(t, m.TrimFunc(unicode.IsSpace))
		wordsOf(t, m.Shorten(rapid.IntRange(1, 20).Draw(t, "units")))
	}))
	t.Run("what a spoiler hides does not show", func(t *testing.T) {
		m := messages.Marked{Text: "🔥 key abcd, ok", Entities: []*messages.Entity{
			{Type: "spoiler", Offset: 7, Length: 2}, {Type: "spoiler", Offset: 8, Length: 3}, {Type: "bold", Offset: 0, Length: 6}}}
		if got := m.Shown(); got != "🔥 key ▒▒▒▒, ok" {
			t.Error(got)
		}
	})
	t.Run("with fewer entities no hidden word shows", rapid.MakeCheck(func(t *rapid.T) {
		m := drawMarked(t)
		for _, e := range m.Entities {
			e.Type = rapid.SampledFrom([]string{"spoiler", "spoiler", "text_link", "bold"}).Draw(t, "type")
		}
		n := rapid.IntRange(1, 4).Draw(t, "entities")
		fewer := m.Fewer(n)
		if wordsOf(t, fewer); len(fewer.Entities) > n || fewer.Text != m.Text {
			t.Fatalf("%d entities of %q, want %d of %q", len(fewer.Entities), fewer.Text, n, m.Text)
		}
		for _, e := range m.Entities {
			if e.Type == "spoiler" && !slices.ContainsFunc(fewer.Entities, func(by *messages.Entity) bool {
				return by.Type == "spoiler" && by.Offset <= e.Offset && by.Offset+by.Length >= e.Offset+e.Length
			}) {
				t.Fatalf("%v shows: %v of %v", e, fewer.Entities, m.Entities)
			}
		}
		if len(m.Entities) >= n && len(fewer.Entities) == 0 {
			t.Fatalf("nothing is left of %v", m.Entities)
		}
	}))
}
