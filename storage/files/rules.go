package files

import (
	"cmp"
	"fmt"
	"mime"
	"path"
	"slices"
	"strings"

	"github.com/gabriel-vasile/mimetype"

	"github.com/topicdesk/topicdesk/storage"
)

// Rules say which files are accepted. The zero Rules accept all.
type Rules struct {
	// Limits are the largest sizes by kind of file, in bytes; "other" is for kinds that are not listed.
	Limits map[string]int64
	// Deny lists what is refused. Allow, if not empty, lists everything that is accepted. An entry is a type
	// (application/zip), a range of types (video/*), an extension (.bat) or a word of Words.
	Allow, Deny []string
	MaxPixels   int64 // of an image; 0: no limit
}

// Words are entries that stand for several.
var Words = map[string][]string{
	"executables": {
		"application/x-elf", "application/x-executable", "application/x-sharedlib", "application/x-object",
		"application/x-coredump", "application/vnd.microsoft.portable-executable", "application/x-mach-binary",
		"application/wasm", "application/java-archive", "application/x-java-applet",
		"application/vnd.android.package-archive", "application/x-ms-installer", "application/x-ms-shortcut",
		"application/x-msdownload", "application/vnd.debian.binary-package", "application/x-rpm",
		".exe", ".dll", ".scr", ".com", ".pif", ".msi", ".msix", ".cpl", ".lnk", ".jar", ".apk", ".deb", ".rpm", ".dmg",
		".app", ".reg",
	},
	"scripts": {
		"text/javascript", "application/javascript", "text/x-php", "text/x-python", "text/x-perl", "text/x-ruby",
		"text/x-lua", "text/x-tcl", "text/x-shellscript",
		// Nothing in the content of these distinguishes them from other text.
		".bat", ".cmd", ".ps1", ".psm1", ".vbs", ".vbe", ".js", ".jse", ".mjs", ".wsf", ".wsh", ".hta", ".sh", ".bash",
		".zsh", ".py", ".php", ".pl", ".rb", ".lua", ".scpt", ".url", ".desktop",
	},
	"html": {
		"text/html", "application/xhtml+xml", "image/svg+xml",
		".html", ".htm", ".xhtml", ".shtml", ".svg", ".mht", ".mhtml",
	},
}

// limit returns the largest size of a kind of file; 0: no limit.
func (r Rules) limit(kind string) int64 {
	if n, ok := r.Limits[kind]; ok {
		return n
	}
	return r.Limits["other"]
}

// tooLarge returns the refusal of a file that is larger than its kind may be.
func (r Rules) tooLarge(kind string) *storage.RefusedError {
	limit := Size(r.limit(kind))
	return &storage.RefusedError{Reason: "larger than " + limit, Rule: storage.RuleSize, Value: limit}
}

// refuses says why content of that type with that name is refused; nil: it is accepted.
func (r Rules) refuses(content *mimetype.MIME, name string) *storage.RefusedError {
	types := ancestry(content)
	ext := strings.ToLower(path.Ext(name))
	if entry, denied := matches(r.Deny, types, ext); denied {
		what, value := types[0], kindOf(content)
		if strings.HasPrefix(entry, ".") {
			what, value = "a "+entry+" file", entry
		}
		return &storage.RefusedError{Reason: what + " is not allowed", Rule: storage.RuleType, Value: value}
	}
	if len(r.Allow) == 0 {
		return nil
	}
	// Only the type itself counts here, not its parents: plain text is the parent of every script.
	if _, allowed := matches(r.Allow, types[:1], ext); !allowed {
		reason := types[0] + " is not among what is allowed"
		return &storage.RefusedError{Reason: reason, Rule: storage.RuleType, Value: kindOf(content)}
	}
	return nil
}

// kindOf names a type in a way that people know: .exe. The name of the file may say something else.
func kindOf(content *mimetype.MIME) string {
	return cmp.Or(content.Extension(), strings.TrimSpace(strings.Split(content.String(), ";")[0]))
}

// ancestry lists a type and the types that it is a special case of (a jar is a zip). The root
// application/octet-stream is left out, unless it is the type itself.
func ancestry(m *mimetype.MIME) []string {
	var all []string
	for at := m; at != nil; at = at.Parent() {
		name := plainType(at.String())
		if len(all) > 0 && name == "application/octet-stream" {
			break
		}
		all = append(all, name)
	}
	return all
}

func plainType(s string) string {
	plain, _, err := mime.ParseMediaType(s)
	if err != nil {
		plain, _, _ = strings.Cut(s, ";")
	}
	return strings.ToLower(strings.TrimSpace(plain))
}

// matches returns the first entry of a list that matches a type or the extension.
func matches(list, types []string, ext string) (entry string, ok bool) {
	for _, entry := range list {
		entries := []string{entry}
		if word, ok := Words[entry]; ok {
			entries = word
		}
		for _, e := range entries {
			e = strings.ToLower(e)
			general, whole := strings.CutSuffix(e, "*")
			switch {
			case strings.HasPrefix(e, "."):
				ok = e == ext
			case whole:
				ok = strings.HasPrefix(types[0], general)
			default:
				ok = slices.ContainsFunc(types, func(t string) bool { return t == e || mimetype.EqualsAny(t, e) })
			}
			if ok {
				return e, true
			}
		}
	}
	return "", false
}

// Size writes a number of bytes for people, such as 20 MB. 1 MB is 1024 × 1024 bytes, as Telegram counts.
func Size(n int64) string {
	units := []string{"bytes", "KB", "MB", "GB", "TB"}
	value, unit := float64(n), 0
	for value >= 1024 && unit < len(units)-1 {
		value /= 1024
		unit++
	}
	if value == float64(int64(value)) {
		return fmt.Sprintf("%d %s", int64(value), units[unit])
	}
	return fmt.Sprintf("%.1f %s", value, units[unit])
}
