package storage

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// TestFold: what looks the same is the same.
func TestFold(t *testing.T) {
	for _, same := range [][]string{
		{"ทำรายการ", "ท\u0e4d\u0e32รายการ"},
		{"น้ำ", "น\u0e49\u0e33", "น\u0e4d\u0e49\u0e32", "น\u0e49\u0e4d\u0e32", "น\u0e33\u0e49", "น\u0e49\u0e49\u0e33"},
		{"แก้", "เเก้", "เเก\u0e49\u0e49"},
		{"ที่", "ท\u0e48\u0e35", "ท\u0e35\u0e35\u0e48"},
		{"กู้", "ก\u0e49\u0e39"},
		{"สิทธิ์", "สิทธ\u0e4c\u0e34"},
		{"เปิดไม่ได้", "เปิด\u200bไม่\u200bได้", "เปิด\u2060ไม่\ufeffได้"},
		{"invoice", "INVOICE", "in\u00advoice", "ｉｎｖｏｉｃｅ", "\u202ainvoice\u202c", "inv\x00oice"},
		{"élan", "E\u0301LAN", "e\u200d\u0301lan"},
		{"strasse", "straße", "STRASSE"},
		{"istanbul", "İstanbul"},
		{"office 2 tm", "oﬃce ² ™"},
		{"don't \"say\" a-b", "don’t “say” a–b"},
		{"ｶﾞﾗｽ", "ガラス", "カ\u3099ラス"},
		{"한글", "\u1112\u1161\u11ab\u1100\u1173\u11af"},
		{"❤", "❤\ufe0f"},
	} {
		for _, s := range same {
			if got, want := CurrentFolding.Fold(s), CurrentFolding.Fold(same[0]); got != want {
				t.Errorf("%+q folds to %+q, %+q to %+q", s, got, same[0], want)
			}
		}
	}
	for _, differ := range [][2]string{{"เก", "แก"}, {"มา", "ม้า"}, {"กา", "กำ"}, {"elan", "élan"}, {"a b", "ab"}} {
		if CurrentFolding.Fold(differ[0]) == CurrentFolding.Fold(differ[1]) {
			t.Errorf("%q and %q are the same", differ[0], differ[1])
		}
	}
}

// anyText is made of what makes folding difficult, and of random characters and bytes.
func anyText(t *rapid.T) string {
	pieces := strings.Split("เ แ ำ ํ า ้ ่ ิ ุ ฺ ์ ๎ น ก a é e i İ ß ﬁ Ａ ½ ´ ﷺ 한 \u1112 \u1161 \u11ab \uffa0 カ ﾞ ー 漢 ' ’", " ")
	pieces = append(pieces, " ", "\u0301", "\u0307", "\u0323", "\u0334", "\u0345", "\u200b", "\u200d", "\u00ad", "\ufe0f",
		"\u034f", "\u0600", "\xff", "\x00", "\xe0\xb8", "\ufffd", "\U000e0041", "\U0001d16d", "\u2028")
	piece := rapid.OneOf(rapid.SampledFrom(pieces), rapid.SampledFrom(pieces), rapid.StringN(0, 3, -1),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 3), func(b []byte) string { return string(b) }))
	return strings.Join(rapid.SliceOfN(piece, 0, 12).Draw(t, "text"), "")
}

// TestFoldIsStable: to fold a text again changes nothing, whatever it is.
func TestFoldIsStable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := anyText(t)
		once := CurrentFolding.Fold(s)
		if again := CurrentFolding.Fold(once); again != once {
			t.Fatalf("%+q folds to %+q, and that to %+q", s, once, again)
		}
		if !utf8.ValidString(once) {
			t.Fatalf("%+q folds to %q", s, once)
		}
	})
}

func FuzzFold(f *testing.F) {
	for _, s := range []string{"น้ำ", "e\u200d\u0301", "\xff", "ﷺ", "\u1112\u1161\u11ab"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once := CurrentFolding.Fold(s)
		if again := CurrentFolding.Fold(once); again != once {
			t.Fatalf("%+q folds to %+q, and that to %+q", s, once, again)
		}
		_, _ = NewSearch(s)
		CurrentFolding.Grams(&Ticket{Title: s, Description: s})
	})
}

// letter is what a reader takes for one letter, in all its spellings.
type letter []string

var (
	longLetters = []letter{
		{"ก"}, {"น้ำ", "น\u0e4d\u0e49\u0e32", "น\u0e33\u0e49", "น\u0e49\u0e49\u0e33"}, {"ที่", "ท\u0e48\u0e35"},
		{"แ", "เเ"}, {"โ"}, {"ธิ์", "ธ\u0e4c\u0e34"}, {"ปู่", "ป\u0e48\u0e39", "ป\u0e39\u0e39\u0e48"}, {"า"},
		{"a", "A", "ａ", "Ａ", "a\u00ad"}, {"é", "E\u0301", "e\u200b\u0301"}, {"1", "１", "①", "¹"},
		{"'", "’"}, {"🔥", "🔥\ufe0f"}, {"ñ", "N\u0303"},
	}
	shortLetters = []letter{{"漢"}, {"字"}, {"か"}, {"ガ", "ｶﾞ", "カ\u3099"}, {"ー", "ｰ"}, {"한", "\u1112\u1161\u11ab"}, {"국"}}
)

// TestFindsEveryPart: whatever a title holds is found by each part of it that has three letters, or two that are
// Chinese, Japanese or Korean, in any spelling.
func TestFindsEveryPart(t *testing.T) {
	for name, kind := range map[string]struct {
		letters []letter
		least   int
	}{"three letters": {longLetters, gramLength}, "two letters": {shortLetters, shortGramLength}} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				said := rapid.SliceOfN(rapid.SampledFrom(kind.letters), kind.least, 20).Draw(t, "letters")
				spell := func(letters []letter, name string) string {
					var b strings.Builder
					for _, l := range letters {
						b.WriteString(rapid.SampledFrom(l).Draw(t, name))
					}
					return b.String()
				}
				from := rapid.IntRange(0, len(said)-kind.least).Draw(t, "from")
				to := rapid.IntRange(from+kind.least, len(said)).Draw(t, "to")
				ticket := &Ticket{Title: "x" + spell(said, "title") + "y"}
				part := spell(said[from:to], "part")
				search, err := NewSearch(part)
				if err != nil {
					t.Fatal(err)
				}
				if !search.Finds(ticket) {
					t.Fatalf("%q (%+q) is not found by %q (%+q)", ticket.Title, ticket.Title, part, part)
				}
				has := map[string]bool{}
				for _, gram := range CurrentFolding.Grams(ticket) {
					has[gram] = true
				}
				for _, gram := range search.Grams() {
					if !has[gram] {
						t.Fatalf("the index of %q lacks %q of %q", ticket.Title, gram, part)
					}
				}
			})
		})
	}
}

var folded string

func BenchmarkFold(b *testing.B) {
	for name, text := range map[string]string{
		"Thai":   strings.Repeat("เครื่องพิมพ์ไม่ทำงาน น้ำเข้าเครื่อง ", 30),
		"French": strings.Repeat("L’imprimante de l’étage est en panne, ça fume. ", 22),
		"ASCII":  strings.Repeat("The printer on the third floor is on fire again. ", 20),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				folded = CurrentFolding.Fold(text)
			}
		})
		b.Run(name+", as before", func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				folded = formerFolding.Fold(text)
			}
		})
	}
}
