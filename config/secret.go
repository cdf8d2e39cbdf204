package config

import (
	"fmt"
	"io"
	"log/slog"
)

// mask replaces a secret.
const mask = "***"

// Secret is a value that prints as ***, by fmt with any verb, as JSON or text, and in slog. An empty Secret prints as
// nothing, so that "not set" can be told from "set". Never use it as the key of a map: JSON would show it, because it
// calls no method for keys that are strings.
type Secret string

// Reveal returns the value itself. The caller must not print it.
func (s Secret) Reveal() string { return string(s) }

func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return mask
}

// GoString is what %#v prints.
func (s Secret) GoString() string { return fmt.Sprintf("%q", s.String()) }

// Format handles every verb: otherwise %x, %q or %d would print the underlying string.
func (s Secret) Format(f fmt.State, verb rune) {
	if verb == 'q' || verb == 'v' && f.Flag('#') {
		_, _ = io.WriteString(f, s.GoString())
		return
	}
	_, _ = io.WriteString(f, s.String())
}

// LogValue is what slog prints.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText is what text encodings contain.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalJSON is what JSON contains.
func (s Secret) MarshalJSON() ([]byte, error) { return fmt.Appendf(nil, "%q", s.String()), nil }
