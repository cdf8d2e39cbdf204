package bot

import (
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/topicdesk/topicdesk/messages"
)

// texts draws what people write: words, Thai, emoji of several code points, line breaks, marks without a base.
var texts = rapid.Custom(func(t *rapid.T) string {
	return strings.Join(rapid.SliceOfN(rapid.OneOf(
		rapid.SampledFrom([]string{" ", "\n", "\r\n", "word ", "ที่นี่มีปัญหา", "👨‍👩‍👧‍👦", "🇹🇭", "👍🏽", "e\u0301", "\u0301", "😀", "a", "\u200d", "𝔘"}),
		rapid.StringN(0, 12, -1),
	), 0, 60).Draw(t, "text"), "")
})

func TestSplitLosesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := texts.Draw(t, "text")
		first, rest := rapid.IntRange(2, 60).Draw(t, "first"), rapid.IntRange(2, 60).Draw(t, "rest")
		pieces := split(text, nil, room{first, maxEntities}, room{rest, maxEntities})
		joined, unit := "", 0
		for i, p := range pieces {
			joined += text[p.from:p.to]
			limit := rest
			if i == 0 {
				limit = first
			}
			n := messages.UTF16Len(text[p.from:p.to])
			if n > limit || p.toUnit-p.fromUnit != n || p.fromUnit != unit || !utf8.ValidString(text[p.from:p.to]) ||
				n == 0 && text != "" {
				t.Fatalf("piece %d is %+v (limit %d) of %q", i, p, limit, text)
			}
			unit += n
		}
		if joined != text {
			t.Fatalf("%q became %q", text, joined)
		}
	})
}

// TestSplitMakesRoomForMarkup: no piece has more entities than Telegram keeps, unless they are crowded.
func TestSplitMakesRoomForMarkup(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var text strings.Builder
		var entities []*messages.Entity
		for at := int32(0); len(entities) < 400; {
			size := rapid.Int32Range(3, 30).Draw(t, "size")
			entities = append(entities, &messages.Entity{Type: "text_link", Offset: at, Length: size, Url: "https://example.com"})
			text.WriteString(strings.Repeat("a", int(size)) + "\n")
			at += size + 1
		}
		limit := rapid.IntRange(50, maxEntities).Draw(t, "entities")
		links := 0
		for _, p := range split(text.String(), entities, room{4096, limit}, room{4096, limit}) {
			in := len(clip(nil, text.String(), entities, p, 0))
			if p.toUnit-p.fromUnit > leastMarked && in > limit {
				t.Fatalf("%d entities in %+v", in, p)
			}
			links += in
		}
		if links < 400 {
			t.Fatalf("%d of 400 links", links)
		}
	})
}

func TestSplitCutsWhereItHurtsLeast(t *testing.T) {
	for _, c := range []struct {
		name, text string
		limit      int
		want       []string
	}{
		{"empty", "", 10, []string{""}},
		{"fits", "hello", 5, []string{"hello"}},
		{"behind a word", "hello big world", 12, []string{"hello big ", "world"}},
		{"a line break is better than a space", "hello all\nof it here", 18, []string{"hello all\n", "of it here"}},
		{"but not one near the beginning", "a\nthe rest of the line", 16, []string{"a\nthe rest of ", "the line"}},
		{"no space: between characters", "abcdefghij", 4, []string{"abcd", "efgh", "ij"}},
		{"Thai marks stay", "กี่กี่กี่", 4, []string{"กี่", "กี่", "กี่"}},
		{"an emoji sequence stays", "abc👨‍👩‍👧‍👦d", 12, []string{"abc", "👨‍👩‍👧‍👦d"}},
		{"a sequence that is too long is cut between code points", "👨‍👩‍👧‍👦", 5, []string{"👨‍👩", "\u200d", "👧‍👦"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, p := range split(c.text, nil, room{c.limit, maxEntities}, room{c.limit, maxEntities}) {
				got = append(got, c.text[p.from:p.to])
			}
			if strings.Join(got, "|") != strings.Join(c.want, "|") {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestClipOverPieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := texts.Draw(t, "text")
		units := utf16.Encode([]rune(text))
		entities := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) *messages.Entity {
			return &messages.Entity{
				Type:   rapid.SampledFrom([]string{"bold", "italic", "spoiler", "code"}).Draw(t, "type"),
				Offset: rapid.Int32Range(-5, int32(len(units))+5).Draw(t, "offset"),
				Length: rapid.OneOf(rapid.Int32Range(-5, int32(len(units))+10), rapid.Int32()).Draw(t, "length"),
			}
		}), 0, 8).Draw(t, "entities")

		// What each kind covers, in whole characters.
		want := map[string]map[int]bool{}
		for _, e := range entities {
			for u := max(int(e.Offset), 0); u < min(int(e.Offset)+int(e.Length), len(units)); u++ {
				mark(want, e.Type, u)
				if isHigh(units[u]) && u+1 < len(units) {
					mark(want, e.Type, u+1)
				}
				if isLow(units[u]) {
					mark(want, e.Type, u-1)
				}
			}
		}

		const head = 7
		got := map[string]map[int]bool{}
		for _, p := range split(text, nil, room{20, maxEntities}, room{9, maxEntities}) {
			for _, e := range clip(nil, text, entities, p, head) {
				from, to := e.Offset-head+p.fromUnit, e.Offset-head+p.fromUnit+e.Length
				if e.Offset < head || e.Length <= 0 || to > p.toUnit {
					t.Fatalf("entity %+v lies outside of its piece %+v", e, p)
				}
				if isLow(units[from]) && from > 0 && isHigh(units[from-1]) || to < len(units) && isLow(units[to]) {
					t.Fatalf("entity %+v tears a surrogate pair apart in %q", e, text)
				}
				for u := from; u < to; u++ {
					mark(got, string(e.Type), u)
				}
			}
		}
		for kind := range want {
			for u := range want[kind] {
				if !got[kind][u] {
					t.Fatalf("unit %d of %q is not %s any more", u, text, kind)
				}
			}
		}
		for kind := range got {
			for u := range got[kind] {
				if !want[kind][u] {
					t.Fatalf("unit %d of %q became %s", u, text, kind)
				}
			}
		}
	})
}

func mark(m map[string]map[int]bool, kind string, unit int) {
	if m[kind] == nil {
		m[kind] = map[int]bool{}
	}
	m[kind][unit] = true
}

func isHigh(u uint16) bool { return u >= 0xD800 && u < 0xDC00 }
func isLow(u uint16) bool  { return u >= 0xDC00 && u < 0xE000 }

func TestEntityOf(t *testing.T) {
	for _, c := range []struct {
		name string
		in   *messages.Entity
		sent bool
	}{
		{"bold", &messages.Entity{Type: "bold"}, true},
		{"link", &messages.Entity{Type: "text_link", Url: "https://example.org"}, true},
		{"link to nowhere", &messages.Entity{Type: "text_link"}, false},
		{"person", &messages.Entity{Type: "text_mention", UserId: 7, UserName: "Ann"}, true},
		{"nobody", &messages.Entity{Type: "text_mention"}, false},
		{"custom emoji", &messages.Entity{Type: "custom_emoji", CustomEmojiId: "5"}, true},
		{"date", &messages.Entity{Type: "date_time", UnixTime: 1700000000, DateTimeFormat: "d"}, true},
		{"mention stays text", &messages.Entity{Type: "mention"}, false},
		{"command stays text", &messages.Entity{Type: "bot_command"}, false},
		{"a kind of the future", &messages.Entity{Type: "hologram"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.in.Length = 1
			got := clip(nil, "x", []*messages.Entity{c.in}, piece{to: 1, toUnit: 1}, 0)
			if (len(got) == 1) != c.sent {
				t.Errorf("got %+v", got)
			}
		})
	}
}
