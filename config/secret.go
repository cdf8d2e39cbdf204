package config

import (
	"fmt"
	"io"
	"log/slog"
)

// mask stands where a secret would show.
const mask = "***"

// Secret is a value that shows as *** however it is printed: by fmt with any verb, as JSON or text, in slog.
// An empty Secret shows as nothing, so that "not set" can be told from "set". As the key of a map it would show in JSON, which
// asks no method for keys that are strings.
type Secret string

// Reveal gives the value itself. Whoever calls it must not print it.
func (s Secret) Reveal() string { return string(s) }

func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return mask
}

// GoString is what %#v shows.
func (s Secret) GoString() string { return fmt.Sprintf("%q", s.String()) }

// Format answers every verb, since %x, %q or %d would otherwise reach the string beneath.
func (s Secret) Format(f fmt.State, verb rune) {
	if verb == 'q' || verb == 'v' && f.Flag('#') {
		_, _ = io.WriteString(f, s.GoString())
		return
	}
	_, _ = io.WriteString(f, s.String())
}

// LogValue is what slog shows.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText is what encodings show, JSON's among them.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalJSON is what JSON shows.
func (s Secret) MarshalJSON() ([]byte, error) { return fmt.Appendf(nil, "%q", s.String()), nil }
