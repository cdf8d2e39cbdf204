package web

import (
	"strings"
	"testing"
)

// TestPlacesInTemplates: a place in a text of the templates is found in what was entered, whatever escapes stand before it.
func TestPlacesInTemplates(t *testing.T) {
	const entered = `{
  "preset": "slack",
  "ticket.*": {
    "headers": {"X-Kind": "{{.type}}", "a/b~c": "{{.nothing}}"},
    "body": "{\"a\": 1,\n \"ก\u0e01\ud83d\ude00\": {{.none}}}"
  }
}`
	for _, c := range []struct {
		pointer      string
		line, column int
		after        string // what the place is before
	}{
		{"/preset", 0, 0, `"slack"`},
		{"/ticket.*/headers/X-Kind", 1, 3, `.type}}`},
		{"/ticket.*/headers/a~1b~0c", 1, 3, `.nothing}}`},
		{"/ticket.*/body", 0, 0, `"{\"a\"`},
		{"/ticket.*/body", 1, 2, `\"a\": 1`},
		{"/ticket.*/body", 1, 99, `\n \"ก`},
		{"/ticket.*/body", 2, 3, `ก\u0e01`},
		{"/ticket.*/body", 2, 4, `\u0e01\ud83d`},
		{"/ticket.*/body", 2, 5, `\ud83d\ude00\"`},
		{"/ticket.*/body", 2, 11, `.none}}}"`},
		{"/ticket.*/body", 9, 9, "\"\n  }"},
		{"/ticket.*/method", 0, 0, `{` + "\n    \"headers\""},
		{"/message.sent", 0, 0, "{\n  \"preset\""},
		{"", 0, 0, "{\n  \"preset\""},
	} {
		if at := offsetOf(entered, c.pointer, c.line, c.column); !strings.HasPrefix(entered[at:], c.after) {
			t.Errorf("%s, %d, %d: %.20q, want %q", c.pointer, c.line, c.column, entered[at:], c.after)
		}
	}
	if s := spotAt(entered, strings.Index(entered, ".none")); s.Line != 5 || s.Column != 54 || s.Here != "." || s.After != `none}}}"` {
		t.Errorf("%+v", s)
	}
	if s := spotAt("", 0); s.Line != 1 || s.Column != 1 || s.Here != "" {
		t.Errorf("%+v", s)
	}
	for _, wrong := range []string{"{", `{"a":`, `{"a" "b"}`, "", `{"a":"\x"}`, "{}x"} {
		offset, err := invalidAt(wrong)
		if err == nil {
			t.Errorf("%q is taken", wrong)
		}
		spotAt(wrong, offset)
	}
}

// FuzzPlacesInTemplates: whatever is entered, a place in it is looked for without a panic.
func FuzzPlacesInTemplates(f *testing.F) {
	f.Add(`{"a":"\ud83d\u"}`, "/a", 1, 3)
	f.Add(`{"a":"b`, "/a/b", 2, -1)
	f.Fuzz(func(t *testing.T, text, pointer string, line, column int) {
		spotAt(text, offsetOf(text, pointer, line, column))
		offset, _ := invalidAt(text)
		spotAt(text, offset)
	})
}
