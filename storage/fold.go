package storage

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// FoldVersion counts the changes of Fold and Grams. A store whose search index was made with another version makes it
// anew in the background (Tickets.Reindex). Meanwhile searches look for what either version finds.
const FoldVersion = 2

// Fold returns a text in the form in which texts are compared, so that what looks the same is the same:
//
//   - Unicode's compatibility forms are one: full-width and half-width letters, ligatures, ำ in one piece or two.
//   - Neither case nor the way in which a letter and its marks are composed makes a difference.
//   - What shows nothing is left out: zero-width spaces, soft hyphens, variation selectors.
//   - Quotes, apostrophes and dashes are the plain ones, for which the keyboards of phones put others.
//   - The vowels and tone marks of a Thai or Lao consonant are in one order, once each; เเ is แ.
//
// Folding a text twice changes nothing more.
func Fold(s string) string {
	plain := true
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf || s[i] == 0 {
			plain = false
			break
		}
	}
	if plain {
		return strings.ToLower(s)
	}
	s = strings.ToValidUTF8(s, "\uFFFD")
	for range 4 { // one round does, except where a composed letter has no composed lower case
		folded := foldOnce(s)
		if folded == s {
			break
		}
		s = folded
	}
	return s
}

func foldOnce(s string) string {
	s = visible(norm.NFKC.String(visible(s)))
	s = norm.NFKC.String(cases.Fold().String(s))
	// Of the two Turkish i, I folds to the one with a dot, İ to an i with another dot above, which nobody types.
	s = norm.NFKC.String(turkish.Replace(s))
	return orderMarks(s)
}

var turkish = strings.NewReplacer("i\u0307", "i", "ı", "i")

// visible leaves out the characters that show nothing (Unicode's Default_Ignorable_Code_Point), and replaces those for
// which phones may have replaced others.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case '‘', '’', '‚', '‛', 'ʼ', '′':
			return '\''
		case '“', '”', '„', '‟', '″':
			return '"'
		case '‐', '‑', '‒', '–', '—', '−':
			return '-'
		}
		if r >= 0xAD && unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) {
			return -1
		}
		return r
	}, s)
}

// orderMarks puts the marks of each Thai and Lao consonant into one order. Unicode's own order of marks leaves most of
// these as they were typed.
func orderMarks(s string) string {
	if !strings.ContainsFunc(s, thai) {
		return s
	}
	out := make([]rune, 0, len(s)/3)
	marks := 0 // at the end of out
	mark := func(r rune, rank int) {
		at := len(out)
		for at > len(out)-marks && markRank(out[at-1]) > rank {
			at--
		}
		if at > len(out)-marks && out[at-1] == r {
			return // typed twice, shown once
		}
		out = slices.Insert(out, at, r)
		marks++
	}
	for _, r := range s {
		last := len(out) - 1
		switch rank := markRank(r); {
		case rank >= tones && rank < nikhahit && marks == 0 && last >= 0 && out[last]&^0x80 == 0x0E32: // typed behind the vowel า
			vowel := out[last]
			for out = out[:last]; marks < len(out) && markRank(out[last-1-marks]) > 0; {
				marks++
			}
			mark(r, rank)
			out, marks = append(out, vowel), 0
		case rank > 0:
			mark(r, rank)
		case r&^0x80 == 0x0E40 && marks == 0 && last >= 0 && out[last] == r:
			out[last] = r + 1 // เเ
		default:
			out, marks = append(out, r), 0
		}
	}
	return string(out)
}

// thai says whether a character is of the Thai or the Lao block, which are built alike.
func thai(r rune) bool { return r >= 0x0E00 && r <= 0x0EFF }

const (
	tones    = 0x200 // rank from which marks are tone marks and the like, which stand highest
	nikhahit = 0x300
)

// markRank is where a Thai or Lao mark belongs among those of its consonant; 0: it is none.
func markRank(r rune) int {
	if !thai(r) {
		return 0
	}
	switch c := r & 0x7F; {
	case c >= 0x38 && c <= 0x3C: // below: ◌ุ ◌ู ◌ฺ and Lao's ◌ົ ◌ຼ
		switch {
		case c == 0x3A: // as Unicode has it: else the next round would move it again
			return 1
		case r < 0x0E80 && c > 0x3A:
			return 0
		}
		return int(c)
	case c == 0x31, c >= 0x34 && c <= 0x37, c == 0x47: // above: ◌ั ◌ิ ◌ี ◌ึ ◌ื ◌็
		return int(c) + 0x100
	case c == 0x4D: // ◌ํ, nearly always of ◌ำ, which is typed behind the tone: so น้ is found within น้ำ
		return nikhahit
	case c >= 0x48 && c <= 0x4C, c == 0x4E: // tone marks, ◌์ ◌๎
		return int(c) + tones
	}
	return 0
}

const (
	gramLength  = 3 // characters of a gram
	denseLength = 2 // characters of a gram of a script whose words are short
)

// dense says whether a character is of a script in which a word of two characters is a usual one.
func dense(r rune) bool {
	const longVowel = 'ー' // of Katakana, but in no script of its own
	return r >= 0x1100 &&
		(r == longVowel || unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul))
}

// grams returns every three consecutive characters of each word, and every two of Chinese, Japanese and Korean, once
// each. Those of the first word come first; the longer ones of a word come before its shorter ones.
func grams(words []string) (all []string) {
	seen := map[string]bool{}
	add := func(gram string) {
		if !seen[gram] {
			seen[gram] = true
			all = append(all, gram)
		}
	}
	for _, word := range words {
		letters := []rune(word)
		for i := 0; i+gramLength <= len(letters); i++ {
			add(string(letters[i : i+gramLength]))
		}
		for i := 0; i+denseLength <= len(letters); i++ {
			if dense(letters[i]) && dense(letters[i+1]) {
				add(string(letters[i : i+denseLength]))
			}
		}
	}
	return all
}

// formerFold is Fold of version 1.
func formerFold(s string) string {
	folded := cases.Fold().String(norm.NFC.String(strings.ToValidUTF8(s, "\uFFFD")))
	return norm.NFC.String(strings.ReplaceAll(folded, "i\u0307", "i"))
}

// formerGrams are the grams of version 1: of three characters, in every script.
func formerGrams(words []string) (all []string) {
	for _, word := range words {
		for letters := []rune(word); len(letters) >= gramLength; letters = letters[1:] {
			if gram := string(letters[:gramLength]); !slices.Contains(all, gram) {
				all = append(all, gram)
			}
		}
	}
	return all
}
