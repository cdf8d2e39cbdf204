package httpedge

import (
	"bytes"
	"encoding/json"

	"github.com/danielgtaylor/huma/v2"
)

// Metadata is a JSON object of a program, which the desk keeps without interpreting it.
type Metadata json.RawMessage

// MarshalJSON writes null if there is no object.
func (m Metadata) MarshalJSON() ([]byte, error) {
	if len(m) == 0 {
		return []byte("null"), nil
	}
	return m, nil
}

// UnmarshalJSON keeps the object as it was sent.
func (m *Metadata) UnmarshalJSON(data []byte) error {
	*m = nil
	if !bytes.Equal(data, []byte("null")) {
		*m = bytes.Clone(data)
	}
	return nil
}

// Schema is the schema of any object.
func (Metadata) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: "object", Nullable: true, AdditionalProperties: true,
		Description: "Any object of at most 8 kB."}
}

const maxMetadata = 8 << 10 // bytes

// compact returns the object as it is stored. An object that is too large is a *Problem.
func (m Metadata) compact() ([]byte, error) {
	if len(m) == 0 {
		return nil, nil
	}
	var b bytes.Buffer
	if err := json.Compact(&b, m); err != nil || b.Len() == 0 || b.Bytes()[0] != '{' {
		return nil, invalid("/metadata", "expected an object")
	}
	if b.Len() > maxMetadata {
		return nil, invalid("/metadata", "it is larger than 8192 bytes")
	}
	if b.String() == "{}" {
		return nil, nil
	}
	return b.Bytes(), nil
}
