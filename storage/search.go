package storage

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Search is a text to search for, as words separated by white space. Thai has no spaces between words, so a Thai
// phrase is one long word. What looks the same is the same: see Folding.
type Search struct {
	words         []string
	grams, former []string
}

const (
	gramLength      = 3    // characters of a gram
	shortGramLength = 2    // characters of the shorter grams of scripts that write a word with two
	searchedLength  = 8000 // characters of title and description that are searched
	searchLength    = 200  // most characters of a text to search for
)

// ErrSearch says that a text can't be searched for; its text says why.
var ErrSearch = errors.New("this text can't be searched for")

// NewSearch reads a text to search for. At least one of its words must have a gram, since the index holds grams: every
// three consecutive characters of a word, and every two that are Chinese, Japanese or Korean. Shorter words are looked
// for in the candidates that the longer words find.
func NewSearch(text string) (*Search, error) {
	if utf8.RuneCountInString(text) > searchLength {
		return nil, fmt.Errorf("%w: it is longer than %d characters", ErrSearch, searchLength)
	}
	s := &Search{words: longestFirst(CurrentFolding.Fold(text))}
	s.grams = searchedGrams(s.words)
	if len(s.grams) == 0 {
		return nil, fmt.Errorf("%w: one of its words must have %d characters or more, or %d Chinese, Japanese or Korean ones",
			ErrSearch, gramLength, shortGramLength)
	}
	if former := trigrams(longestFirst(formerFolding.Fold(text))); !slices.Equal(former, s.grams) {
		s.former = former
	}
	return s, nil
}

func longestFirst(text string) []string {
	words := strings.Fields(text)
	slices.SortStableFunc(words, func(a, b string) int { return len(b) - len(a) })
	return slices.Compact(words)
}

// Grams returns the grams that a ticket must have to be found. Those of the longest word come first.
func (s *Search) Grams() []string { return s.grams }

// FormerGrams returns what Grams did in the former folding. While the index has tickets of that folding, a search
// looks for these as well. It is nil when that finds nothing more: they are the same, or the text could not be searched
// for.
func (s *Search) FormerGrams() []string { return s.former }

// Finds says whether a ticket's title and description together have every word.
func (s *Search) Finds(t *Ticket) bool {
	text := CurrentFolding.Fold(searched(t))
	for _, w := range s.words {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}

// Grams returns the grams of a ticket's title and description, in no order. The search indexes them.
func (f Folding) Grams(t *Ticket) []string {
	words := strings.Fields(f.Fold(searched(t)))
	all := trigrams(words)
	if f >= 2 {
		all = append(all, shortGrams(words)...)
	}
	return all
}

func searched(t *Ticket) string {
	text := t.Title + "\n" + t.Description
	if len(text) > searchedLength {
		n := 0
		for i := range text {
			if n == searchedLength {
				return text[:i]
			}
			n++
		}
	}
	return text
}

// searchedGrams returns the trigrams of words, and for a word that has none its shorter grams: a trigram says more.
func searchedGrams(words []string) []string {
	all := trigrams(words)
	for _, word := range words {
		if utf8.RuneCountInString(word) < gramLength {
			all = append(all, shortGrams([]string{word})...)
		}
	}
	return all
}

func trigrams(words []string) []string {
	return grams(words, gramLength, func(string) bool { return true })
}

func shortGrams(words []string) []string {
	return grams(words, shortGramLength, func(gram string) bool {
		return strings.IndexFunc(gram, func(r rune) bool { return !writesWordsShort(r) }) < 0
	})
}

// writesWordsShort reports whether a character is of a script in which a word often has two characters only.
func writesWordsShort(r rune) bool {
	const longVowel = 'ー' // of Katakana, in no script of its own
	return r >= 0x1100 && (r == longVowel || unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul))
}

// grams returns the different grams of n characters within words that are wanted.
func grams(words []string, n int, wanted func(gram string) bool) (all []string) {
	seen := map[string]bool{}
	for _, word := range words {
		var starts []int
		for i := range word {
			starts = append(starts, i)
		}
		starts = append(starts, len(word))
		for i := 0; i+n < len(starts); i++ {
			if gram := word[starts[i]:starts[i+n]]; !seen[gram] && wanted(gram) {
				seen[gram] = true
				all = append(all, gram)
			}
		}
	}
	return all
}
