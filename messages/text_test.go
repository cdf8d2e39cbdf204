package messages

import (
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/rivo/uniseg"
	"pgregory.net/rapid"
)

func TestUTF16Len(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")) + rapid.String().Draw(t, "text")
		if got, want := UTF16Len(s), len(utf16.Encode([]rune(s))); got != want {
			t.Fatalf("UTF16Len(%q) = %d, want %d", s, got, want)
		}
	})
}

func TestCutUTF16(t *testing.T) {
	for _, c := range []struct {
		name, text string
		n          int
		want       string
	}{
		{"short text stays", "hello", 5, "hello"},
		{"nothing fits", "hello", 0, ""},
		{"negative", "hello", -3, ""},
		{"surrogate pair stays whole", "a😀b", 2, "a"},
		{"family emoji stays whole", "x👨‍👩‍👧y", 5, "x"},
		{"flag stays whole", "x🇹🇭y", 4, "x"},
		{"skin tone stays whole", "👍🏽👍🏽", 7, "👍🏽"},
		{"Thai marks stay with their consonant", "กี่กี่", 4, "กี่"},
		{"combining accent stays", "ae\u0301", 2, "a"},
		{"a character that is too long is cut between code points", "e" + strings.Repeat("\u0301", 50), 10, "e" + strings.Repeat("\u0301", 9)},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := CutUTF16(c.text, c.n); got != c.want {
				t.Errorf("CutUTF16(%q, %d) = %q, want %q", c.text, c.n, got, c.want)
			}
		})
	}
}

func TestCutUTF16IsTheLongestThatFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, n := rapid.String().Draw(t, "text"), rapid.IntRange(0, 40).Draw(t, "n")
		got := CutUTF16(s, n)
		if !strings.HasPrefix(s, got) || UTF16Len(got) > n {
			t.Fatalf("CutUTF16(%q, %d) = %q", s, n, got)
		}
		if rest := s[len(got):]; rest != "" {
			next, _, _, _ := uniseg.FirstGraphemeClusterInString(rest, -1)
			if UTF16Len(got)+UTF16Len(next) <= n {
				t.Fatalf("CutUTF16(%q, %d) = %q, although %q fits too", s, n, got, next)
			}
		}
	})
}

func TestTopicName(t *testing.T) {
	for _, c := range []struct {
		name, title string
		number      int64
		want        string
	}{
		{"plain", "Printer is on fire", 42, "#42 Printer is on fire"},
		{"one line", " Printer\n is  on\tfire ", 7, "#7 Printer is on fire"},
		{"no title", " \n", 42, "#42"},
		{"no number yet", "Printer is on fire", 0, "Printer is on fire"},
		{"long title gives way", strings.Repeat("a", 300), 42, "#42 " + strings.Repeat("a", 123) + "…"},
		{"emoji count double", strings.Repeat("😀", 100), 42, "#42 " + strings.Repeat("😀", 61) + "…"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := TopicName(c.title, c.number)
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if UTF16Len(got) > MaxTopicName || utf8.RuneCountInString(got) > MaxTopicName {
				t.Errorf("%q is too long", got)
			}
		})
	}
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.Int64Range(1, 1e17).Draw(t, "number")
		name := TopicName(rapid.StringN(0, 300, -1).Draw(t, "title"), number)
		if got, ok := NumberIn(name); UTF16Len(name) > MaxTopicName || !ok || got != number {
			t.Fatalf("%q", name)
		}
	})
}

func TestParseNumber(t *testing.T) {
	for text, want := range map[string]int64{
		"42": 42, "#42": 42, "1": 1, "999999999999999999": 999999999999999999,
		"": 0, "#": 0, "0": 0, "042": 0, "-1": 0, "+1": 0, "4x": 0, "##4": 0, "1000000000000000000": 0, "๔": 0, "# 4": 0,
	} {
		if got, ok := ParseNumber(text); ok != (want > 0) || ok && got != want {
			t.Errorf("%q is %d, %v", text, got, ok)
		}
	}
	for name, want := range map[string]int64{"#42 Printer": 42, "#42": 42, "Printer #42": 0, "42 lamps": 0, "#4b": 0} {
		if got, ok := NumberIn(name); ok != (want > 0) || ok && got != want {
			t.Errorf("in %q: %d, %v", name, got, ok)
		}
	}
}

func TestTopicURL(t *testing.T) {
	for _, c := range []struct {
		chat, thread int64
		want         string
	}{
		{-1001234567890, 42, "https://t.me/c/1234567890/42"},
		{-1001234567890, 0, "https://t.me/c/1234567890/1"},
		{-1997852516352, 7, "https://t.me/c/997852516352/7"}, // an id so large that the prefix is not -100 any more
		{-12345, 3, ""}, // basic group
		{12345, 0, ""},  // private chat
		{-1000000000000, 3, ""},
	} {
		if got := TopicURL(c.chat, c.thread); got != c.want {
			t.Errorf("TopicURL(%d, %d) = %q, want %q", c.chat, c.thread, got, c.want)
		}
	}
}

func TestShortenAtWord(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		n    int
		want string
	}{
		"short":               {"Printer", 7, "Printer"},
		"between two words":   {"The printer smokes", 13, "The printer…"},
		"within a word":       {"The printer smokes", 15, "The printer…"},
		"after a word":        {"The printer smokes", 12, "The printer…"},
		"without its comma":   {"The printer, smokes", 14, "The printer…"},
		"no early end":        {"A " + strings.Repeat("x", 30), 20, "A " + strings.Repeat("x", 17) + "…"},
		"Thai between spaces": {"เครื่องพิมพ์เสีย กระดาษติดตลอดเวลา", 22, "เครื่องพิมพ์เสีย…"},
		"no Thai vowel alone": {"กกกกกกเก", 8, "กกกกกกเก"},
		"nor at the end":      {"กกกกกกเกกก", 8, "กกกกกก…"},
		"nor marks":           {"กกกกกที่ดี", 8, "กกกกก…"},
		"emoji":               {"aaaa👩‍👩‍👧bbbb", 8, "aaaa…"},
		"nothing":             {"abc", 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := ShortenAtWord(tc.text, tc.n)
			if got != tc.want || UTF16Len(got) > tc.n {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}
