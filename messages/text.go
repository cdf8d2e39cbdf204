package messages

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// MaxTopicName is the longest name of a topic. Telegram's documentation says characters; we count UTF-16 units, of
// which there are never fewer.
const MaxTopicName = 128

const (
	ellipsis      = "…"
	nameSeparator = " · "
)

// UTF16Len returns the length of s in UTF-16 code units, Telegram's measure of texts. A byte that is not UTF-8 counts
// as one unit, that of the replacement character that encoders write instead.
func UTF16Len(s string) int {
	n := 0
	for i := 0; i < len(s); {
		if s[i] < utf8.RuneSelf {
			i++
			n++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		i += size
		n++
		if r > 0xFFFF {
			n++
		}
	}
	return n
}

// CutUTF16 returns the longest beginning of s that has at most n UTF-16 units and ends between two characters as
// people see them: not within an emoji sequence, nor between a Thai consonant and its marks. Only a single character
// longer than n (a base with hundreds of marks) is cut, between its code points.
func CutUTF16(s string, n int) string {
	if n <= 0 {
		return ""
	}
	if len(s) <= n || UTF16Len(s) <= n {
		return s
	}
	end, units, state := 0, 0, -1
	for rest := s; rest != ""; {
		var cluster string
		cluster, rest, _, state = uniseg.FirstGraphemeClusterInString(rest, state)
		units += UTF16Len(cluster)
		if units > n {
			break
		}
		end += len(cluster)
	}
	if end > 0 {
		return s[:end]
	}
	return cutRunes(s, n)
}

// cutRunes is CutUTF16 between code points.
func cutRunes(s string, n int) string {
	units := 0
	for i, r := range s {
		units++
		if r > 0xFFFF {
			units++
		}
		if units > n {
			return s[:i]
		}
	}
	return s
}

// Shorten returns s if it has at most n UTF-16 units, and otherwise its beginning with an ellipsis, together at most n
// units.
func Shorten(s string, n int) string {
	if len(s) <= n || UTF16Len(s) <= n {
		return s
	}
	if n <= 0 {
		return ""
	}
	return strings.TrimRight(CutUTF16(s, n-1), " \t\r\n") + ellipsis
}

// ShortenAtWord is Shorten that ends after a word, if there is one in the second half of what fits: Thai has spaces only between
// phrases, and is cut between two characters then, never after a vowel that belongs to the next one.
func ShortenAtWord(s string, n int) string {
	short := Shorten(s, n)
	if short == s || n <= 0 {
		return short
	}
	cut := strings.TrimSuffix(short, ellipsis)
	if next, _ := utf8.DecodeRuneInString(s[len(cut):]); !unicode.IsSpace(next) {
		if i := strings.LastIndexFunc(cut, unicode.IsSpace); i >= len(cut)/2 {
			cut = cut[:i]
		}
	}
	return strings.TrimRightFunc(cut, func(r rune) bool {
		return unicode.IsSpace(r) || strings.ContainsRune(",;:–—-(", r) || r >= 'เ' && r <= 'ไ'
	}) + ellipsis
}

// TopicName names a ticket's topic "#<number> <title>", on one line and at most MaxTopicName long. A long title is
// shortened, never the number: by that the ticket finds its topic when the answer to createForumTopic is lost
// (docs/decisions.md, D5, D127).
func TopicName(title string, number int64) string {
	return Shorten(TicketName(title, number), MaxTopicName)
}

// TicketName is how people name a ticket: "#<number> <title>", on one line.
func TicketName(title string, number int64) string {
	return strings.TrimSpace(NumberName(number) + " " + strings.Join(strings.Fields(title), " "))
}

// NumberName is a ticket's number as people write it, such as #42; "" as long as it has none.
func NumberName(number int64) string {
	if number == 0 {
		return ""
	}
	return "#" + strconv.FormatInt(number, 10)
}

// ParseNumber reads a ticket's number, with or without "#".
func ParseNumber(s string) (number int64, ok bool) {
	s = strings.TrimPrefix(s, "#")
	if s == "" || len(s) > maxNumber || s[0] == '0' {
		return 0, false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		number = 10*number + int64(s[i]-'0')
	}
	return number, true
}

// maxNumber is how many digits a number of a ticket may have.
const maxNumber = 18

// NumberIn returns the number at the beginning of a topic's name, where TopicName puts it.
func NumberIn(name string) (number int64, ok bool) {
	first, _, _ := strings.Cut(name, " ")
	if !strings.HasPrefix(first, "#") {
		return 0, false
	}
	return ParseNumber(first)
}

// FormerTopicName is how topics were named until tickets had numbers: "<title> · <short id>". A topic keeps such a name
// until the ticket gets another title.
func FormerTopicName(title, shortID string) string {
	title = strings.Join(strings.Fields(title), " ")
	return Shorten(title, MaxTopicName-UTF16Len(shortID)-UTF16Len(nameSeparator)) + nameSeparator + shortID
}

// ShortIDIn returns the short id at the end of a topic's name, where FormerTopicName puts it.
func ShortIDIn(name string) (shortID string, ok bool) {
	i := strings.LastIndex(name, nameSeparator)
	if i < 0 {
		return "", false
	}
	shortID = name[i+len(nameSeparator):]
	return shortID, upperHex(shortID) && len(shortID) == 8
}

// CleanText removes control characters except tabs and line breaks. Line breaks become "\n", and bytes that are not
// UTF-8 become the replacement character.
func CleanText(text string) string {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, string(utf8.RuneError)), "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r == '\r':
			return '\n'
		case unicode.IsControl(r):
			return -1
		}
		return r
	}, text)
}

// CleanLine makes one line of a text that stands among others, such as a name or a title: cleaned like CleanText, with each
// run of white space replaced by a space, and without the characters that would turn around what follows it.
func CleanLine(text string) string {
	return strings.Join(strings.Fields(WithoutDirection(CleanText(text))), " ")
}
