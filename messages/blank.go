package messages

import "unicode"

// Blank says whether a reader would see nothing of a text.
func Blank(text string) bool {
	for _, r := range text {
		if !Separator(r) && !(r >= 0xFE00 && r <= 0xFE0F) {
			return false
		}
	}
	return true
}

// Separator says whether a character is white space of any kind, non-breaking spaces included, or an invisible
// character.
func Separator(r rune) bool { return unicode.IsSpace(r) || Invisible(r) }

// Invisible says which characters show nothing and mean nothing at the edge of a word: zero-width spaces and joiners,
// direction marks, soft hyphens, fillers, controls. Not among them: variation selectors and tags, which end emoji.
func Invisible(r rune) bool {
	switch {
	case r < 0x20, r >= 0x7F && r <= 0x9F, r == 0xAD, r == 0x34F, r == 0x61C, r == 0x115F, r == 0x1160,
		r == 0x17B4, r == 0x17B5, r >= 0x180B && r <= 0x180E, r >= 0x200B && r <= 0x200F, r >= 0x202A && r <= 0x202E,
		r >= 0x2060 && r <= 0x206F, r == 0x2800, r == 0x3164, r == 0xFEFF, r == 0xFFA0:
		return true
	}
	return false
}
