package storage

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// TestFold lists what looks the same, and so must be found by each other.
func TestFold(t *testing.T) {
	for _, same := range [][]string{
		{"ทำรายการ", "ท\u0e4d\u0e32รายการ"},
		{"ปิดงาน", "ปิด\u200bงาน", "ปิด\u2060งาน", "\ufeffปิดงาน"},
		{"soft hyphen", "so\u00adft hyphen", "SOFT HYPHEN", "ｓｏｆｔ　ｈｙｐｈｅｎ"},
		{"แก้ไข", "เเก้ไข", "แก้\u0e49ไข"},
		{"น้ำ", "น\u0e33\u0e49", "น\u0e4d\u0e49\u0e32", "น\u0e49\u0e4d\u0e32"},
		{"ที่นี่", "ท\u0e48\u0e35น\u0e35\u0e48"},
		{"กู้", "ก\u0e49\u0e39"},
		{"ນ້ຳ", "ນ\u0ecd\u0ec9\u0eb2"},
		{"straße", "STRASSE"},
		{"café", "cafe\u0301", "CAFÉ"},
		{"office", "oﬃce"},
		{"ガス", "ｶﾞｽ"},
		{"❤", "❤\ufe0f"},
		{"istanbul", "İstanbul"},
		{"ışık", "IŞIK", "işik"},
		{"ılık2", "ILIK2", "ilik2"},
		{"can't \"log in\" on the e-mail page", "can’t “log in” on the e‑mail page", "can‘t „log in‟ on the e–mail page"},
	} {
		for _, s := range same[1:] {
			if Fold(s) != Fold(same[0]) {
				t.Errorf("%q is %+q, but %q is %+q", s, Fold(s), same[0], Fold(same[0]))
			}
		}
	}
	for _, other := range [][2]string{{"กา", "ก่า"}, {"เก", "แก"}, {"a b", "ab"}} {
		if Fold(other[0]) == Fold(other[1]) {
			t.Errorf("%q and %q are one", other[0], other[1])
		}
	}
}

// TestWhatIsTypedSoFarIsFound: whoever searches while typing sends words that end within a syllable.
func TestWhatIsTypedSoFarIsFound(t *testing.T) {
	for _, title := range []string{"ห้องน้ำรั่ว", "ที่อยู่", "ซ่อมเครื่องคิดเลข", "ຫ້ອງນ້ຳ", "キーボード", "会議室"} {
		typed := []rune(title)
		for n := 1; n <= len(typed); n++ {
			search, err := NewSearch(string(typed[:n]), false)
			if err != nil && n < gramLength && !(n == denseLength && dense(typed[0]) && dense(typed[1])) {
				continue
			}
			if err != nil || !search.Finds(&Ticket{Title: title}) {
				t.Errorf("%q is not found by %q: %v", title, string(typed[:n]), err)
			}
		}
	}
}

// drawText draws texts of all scripts, with marks in any order, and bytes that are no text.
func drawText(t *rapid.T, name string) string {
	letters := rapid.OneOf(rapid.Rune(), rapid.RuneFrom([]rune("abcเแกขนทำ\u0e31\u0e34\u0e38\u0e3a\u0e47\u0e48\u0e49\u0e4c\u0e4d\u0e33\u0e32\u0eb3\u0ec9\u200b\u00ad東京한국ガ\u3099ーİıßΣς’–\u0301\u0323\u0334 ")))
	s := string(rapid.SliceOfN(letters, 0, 12).Draw(t, name))
	if rapid.IntRange(0, 9).Draw(t, "broken") == 0 {
		s += "\xff" + s
	}
	return s
}

func TestFoldingTwiceChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawText(t, "text")
		folded := Fold(s)
		if !utf8.ValidString(folded) || Fold(folded) != folded {
			t.Fatalf("%+q becomes %+q, then %+q", s, folded, Fold(folded))
		}
	})
}

// TestWhatATitleHasIsFound: any part of a title that can be searched for finds it, and needs no gram that it has not.
func TestWhatATitleHasIsFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ticket := Ticket{Title: drawText(t, "title"), Description: drawText(t, "description")}
		words := strings.Fields(Fold(ticket.Title))
		if len(words) == 0 {
			return
		}
		word := []rune(rapid.SampledFrom(words).Draw(t, "word"))
		from := rapid.IntRange(0, len(word)-1).Draw(t, "from")
		part := string(word[from:rapid.IntRange(from+1, len(word)).Draw(t, "to")])
		search, err := NewSearch(part, rapid.Bool().Draw(t, "outdated"))
		if Fold(part) != part { // cut within a letter
			return
		}
		if letters := []rune(part); err != nil {
			if len(letters) >= gramLength || len(letters) == denseLength && dense(letters[0]) && dense(letters[1]) {
				t.Fatalf("%+q can't be searched for: %v", part, err)
			}
			return
		}
		if len(search.grams) == 0 { // digits: a ticket's number, and too short to search texts for
			return
		}
		if !search.Finds(&ticket) {
			t.Fatalf("%+q is not found by %+q", ticket.Title, part)
		}
		has := map[string]bool{}
		for _, g := range Grams(&ticket) {
			has[g] = true
		}
		for _, g := range search.Grams() {
			if !has[g] {
				t.Fatalf("%+q needs %+q, which %+q has not", part, g, ticket.Title)
			}
		}
	})
}
