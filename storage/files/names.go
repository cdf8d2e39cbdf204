package files

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxName      = 200 // bytes; file systems allow 255, and people who save the file may want to add something
	maxExtension = 16  // bytes, with the dot
	noName       = "file"
)

// CleanName turns a sender's file name into one that is harmless in every file system and on every screen. It is the
// last part of a path. It has no control characters and no marks that change the direction of text. It is not hidden,
// and not a device of Windows. It has at most 200 bytes: a longer name is cut between characters and keeps its
// extension. Letters of every language stay. The result is never empty.
func CleanName(name string) string {
	// Shortening a name can give it a new end, or make it a device. A few rounds are enough to reach a fixed point.
	for range 4 {
		cleaned := cleanName(name)
		if cleaned == name {
			break
		}
		name = cleaned
	}
	return name
}

// CleanName implements storage.Files.
func (s *Store) CleanName(name string) string { return CleanName(name) }

func cleanName(name string) string {
	name = strings.ToValidUTF8(name, "_")
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	name = strings.Map(func(r rune) rune {
		switch {
		case strings.ContainsRune(`<>:"|?*`, r):
			return '_'
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r), isNoncharacter(r):
			return -1
		// The joiners U+200C and U+200D are part of emoji and of several scripts.
		case unicode.Is(unicode.Cf, r) && r != '\u200c' && r != '\u200d':
			return -1
		}
		return r
	}, name)
	name = strings.Trim(strings.Join(strings.Fields(name), " "), ". ")
	if isDevice(name) {
		name = "_" + name
	}
	if len(name) > maxName {
		stem, ext := splitExtension(name)
		name = strings.TrimRight(cutBytes(stem, maxName-len(ext)), ". ") + ext
	}
	if name == "" || strings.Trim(name, "\u200c\u200d") == "" {
		return noName
	}
	return name
}

func isNoncharacter(r rune) bool { return r&0xfffe == 0xfffe || r >= 0xfdd0 && r <= 0xfdef }

// splitExtension splits off a short extension, with its dot.
func splitExtension(name string) (stem, ext string) {
	i := strings.LastIndexByte(name, '.')
	if i <= 0 || len(name)-i > maxExtension {
		return name, ""
	}
	return name[:i], name[i:]
}

// cutBytes cuts a text to at most n bytes, between characters.
func cutBytes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// isDevice says whether Windows takes the name for a device, which its extension does not change.
func isDevice(name string) bool {
	stem, _, _ := strings.Cut(name, ".")
	stem = strings.ToUpper(strings.TrimRight(stem, " "))
	switch stem {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "CLOCK$":
		return true
	}
	rest, ok := strings.CutPrefix(stem, "COM")
	if !ok {
		rest, ok = strings.CutPrefix(stem, "LPT")
	}
	return ok && utf8.RuneCountInString(rest) == 1 && strings.Contains("0123456789¹²³", rest)
}
