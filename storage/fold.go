package storage

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Folding is a version of the form in which texts are compared. The search index of a ticket was made in one of them. A
// change of Fold or Grams is a new folding: RenewSearch then makes the index anew, ticket by ticket.
type Folding int

const (
	// formerFolding folds case and composes characters (NFC).
	formerFolding Folding = 1
	// CurrentFolding makes the same what looks the same: also compatible characters (NFKC) such as full-width letters,
	// signs that phones replace, and what Thai keyboards can type in several ways. Characters that show nothing are left
	// out.
	CurrentFolding Folding = 2
)

// Fold returns a text in the form in which texts are compared. It is valid UTF-8. To fold it again changes nothing.
func (f Folding) Fold(s string) string {
	if isPlain(s) {
		return strings.ToLower(s)
	}
	s = strings.ToValidUTF8(s, string(utf8.RuneError))
	if f == formerFolding {
		return foldCase(norm.NFC, s)
	}
	// One form may allow another: a letter and its accent compose only after the sign between them is gone. Two rounds
	// are nearly always enough; the limit is there so that no text can occupy the desk.
	for range 8 {
		next := foldOnce(s)
		if next == s {
			break
		}
		s = next
	}
	return s
}

// isPlain reports whether a text is ASCII that shows.
func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf || s[i] < ' ' && !unicode.IsSpace(rune(s[i])) || s[i] == 0x7f {
			return false
		}
	}
	return true
}

func foldCase(form norm.Form, s string) string {
	folded := cases.Fold().String(form.String(s))
	// The Turkish capital İ folds to an i with a dot above, which nobody types.
	return form.String(strings.ReplaceAll(folded, "i\u0307", "i"))
}

func foldOnce(s string) string {
	s = strings.Map(foldSign, s)
	return foldThai(foldCase(norm.NFKC, s))
}

// foldSign drops a character that shows nothing, and replaces one for which a phone's keyboard may have replaced
// another.
func foldSign(r rune) rune {
	switch r {
	case '‘', '’', '‚', '‛', 'ʼ', '′':
		return '\''
	case '“', '”', '„', '‟', '″':
		return '"'
	case '‐', '‑', '‒', '–', '—', '−':
		return '-'
	}
	if r != ' ' && isInvisible(r) {
		return -1
	}
	return r
}

// isInvisible reports whether Unicode says that a character is to be ignored where it is not supported: zero-width
// spaces and joiners, soft hyphens, variation selectors. Control characters that are no white space are, too.
func isInvisible(r rune) bool {
	switch {
	case r < utf8.RuneSelf:
		return unicode.IsControl(r) && !unicode.IsSpace(r)
	case isThai(r):
		return false
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) &&
		!unicode.In(r, unicode.White_Space, unicode.Prepended_Concatenation_Mark)
}

const (
	thaiE        = '\u0E40' // เ
	thaiAe       = '\u0E41' // แ
	thaiAa       = '\u0E32' // า
	thaiNikhahit = '\u0E4D' // with thaiAa it is ำ, which NFKC takes apart
)

// foldThai puts the marks of a Thai consonant in one order, drops those that are typed twice, and makes แ of two เ.
// Unicode leaves the order to the writer, since it gives most of them the combining class 0; on paper it makes no
// difference.
func foldThai(s string) string {
	if strings.IndexFunc(s, isThai) < 0 {
		return s
	}
	all := []rune(s)
	out := all[:0]
	for i := 0; i < len(all); {
		if all[i] == thaiE && i+1 < len(all) && all[i+1] == thaiE {
			out = append(out, thaiAe)
			i += 2
			continue
		}
		marks := marksAt(all[i:])
		if len(marks) == 0 {
			out = append(out, all[i])
			i++
			continue
		}
		i += len(marks)
		slices.SortStableFunc(marks, func(a, b rune) int { return markOrder(a) - markOrder(b) })
		for _, r := range marks {
			if isThai(r) && len(out) > 0 && out[len(out)-1] == r && markOrder(r) < lastMark {
				continue
			}
			out = append(out, r)
		}
	}
	return string(out)
}

func isThai(r rune) bool { return r >= 0x0E01 && r <= 0x0E5B }

// marksAt returns the marks with which a text begins. The า of a ำ is among them, as a tone may be typed after it.
func marksAt(text []rune) []rune {
	nikhahit := false
	for i, r := range text {
		nikhahit = nikhahit || r == thaiNikhahit
		if markOrder(r) == 0 || r == thaiAa && !nikhahit {
			return text[:i]
		}
	}
	return text
}

const lastMark = 512

// markOrder sorts marks: vowels above, then by Unicode's combining class, which leaves vowels below before tones. So a
// syllable that is not typed to its end, น้, is the beginning of the whole one, น้ำ. It is 0 for what is no mark.
func markOrder(r rune) int {
	switch r {
	case '\u0E31', '\u0E34', '\u0E35', '\u0E36', '\u0E37', '\u0E47': // vowels above
		return int(r-'\u0E31') + 1
	case '\u0E4C', '\u0E4E':
		return lastMark - 2
	case thaiNikhahit:
		return lastMark - 1
	case thaiAa:
		return lastMark
	}
	if isThai(r) && !unicode.Is(unicode.Mn, r) {
		return 0
	}
	var b [utf8.UTFMax]byte
	if class := norm.NFC.Properties(b[:utf8.EncodeRune(b[:], r)]).CCC(); class > 0 {
		return 32 + int(class)
	}
	return 0
}
