package messages

import "strings"

// InternalNote says whether a text is an internal note, which stays in its topic. White space may precede the "//".
func InternalNote(text string) bool {
	_, is := CutNote(text)
	return is
}

// CutNote returns what an internal note says, without the "//" and the white space at its beginning. Keyboards of some
// languages write wide slashes.
func CutNote(text string) (said string, is bool) {
	said = strings.TrimLeftFunc(text, Separator)
	for range 2 {
		after, slash := strings.CutPrefix(said, "/")
		if !slash {
			after, slash = strings.CutPrefix(said, "／")
		}
		if !slash {
			return text, false
		}
		said = after
	}
	return strings.TrimLeftFunc(said, Separator), true
}

// SplitNote splits a text before the first word in it that begins as an internal note does. A web address has its slashes within a word.
func SplitNote(text string) (before, note string, is bool) {
	last := ' '
	for i, r := range text {
		if Separator(last) && !Separator(r) && InternalNote(text[i:]) {
			return strings.TrimRightFunc(text[:i], Separator), text[i:], true
		}
		last = r
	}
	return text, "", false
}
