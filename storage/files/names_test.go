package files

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestCleanName(t *testing.T) {
	long := strings.Repeat("ใบแจ้งหนี้", 50)
	for name, want := range map[string]string{
		"bill.pdf": "bill.pdf",
		"ใบแจ้งหนี้ ๑๒๓.pdf":                 "ใบแจ้งหนี้ ๑๒๓.pdf",
		"Übersicht – März.xlsx":              "Übersicht – März.xlsx",
		"family 👩‍👩‍👧.jpg":                   "family 👩‍👩‍👧.jpg",
		"../../etc/passwd":                   "passwd",
		`C:\Windows\system32\cmd.exe`:        "cmd.exe",
		"/":                                  "file",
		"..":                                 "file",
		"":                                   "file",
		".bashrc":                            "bashrc",
		"a.txt. . .":                         "a.txt",
		"a\x00b\nc\td\x7f.txt":               "ab c d.txt",
		"invoice\u202efdp.exe":               "invoicefdp.exe",
		"\u2066a\u2069\u200f\ufeff.txt":      "a.txt",
		"CON":                                "_CON",
		"com1.txt":                           "_com1.txt",
		"LPT².log":                           "_LPT².log",
		"aux .c":                             "_aux .c",
		"console.log":                        "console.log",
		`what? <"really"> | yes*: no.txt`:    "what_ __really__ _ yes__ no.txt",
		"bad\xff\xfeutf8.txt":                "bad_utf8.txt",
		"\u200d":                             "file",
		"a\u2028b\U0010ffff.txt":             "a b.txt",
		strings.Repeat("a", 300) + ".pdf":    strings.Repeat("a", 196) + ".pdf",
		long + ".pdf":                        cutBytes(long, 196) + ".pdf",
		"x." + strings.Repeat("y", 300):      "x." + strings.Repeat("y", 198),
		strings.Repeat("a", 195) + ". x.pdf": strings.Repeat("a", 195) + ".pdf",
	} {
		if got := CleanName(name); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}

func FuzzCleanName(f *testing.F) {
	for _, name := range []string{
		"bill.pdf", "../x", "CON.txt", "ก\u0e49\u202e.", strings.Repeat("ยาว", 99), "a/.. ", " .. con",
		"\xff\xfe/\u200d", "_. .",
	} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		got := CleanName(name)
		switch {
		case got == "", len(got) > maxName, !utf8.ValidString(got):
			t.Errorf("%q became %q", name, got)
		case strings.ContainsAny(got, "/\\<>:\"|?*"), strings.IndexFunc(got, unicode.IsControl) >= 0:
			t.Errorf("%q became %q, with what no name may have", name, got)
		case strings.ContainsAny(got, "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"):
			t.Errorf("%q became %q, which turns its direction", name, got)
		case got[0] == '.', strings.HasSuffix(got, "."), strings.HasSuffix(got, " "), isDevice(got):
			t.Errorf("%q became %q, which is hidden, a device, or cut by Windows", name, got)
		case CleanName(got) != got:
			t.Errorf("%q became %q, and that %q", name, got, CleanName(got))
		}
	})
}
