package view

import (
	"bytes"
	"encoding/json"
	"reflect"

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

// Nullable is an object of an answer that may be null.
type Nullable[T any] struct{ Value *T }

func (n Nullable[T]) MarshalJSON() ([]byte, error) { return json.Marshal(n.Value) }

// UnmarshalJSON is the reverse, for Go programs that read what the desk sends.
func (n *Nullable[T]) UnmarshalJSON(data []byte) error { return json.Unmarshal(data, &n.Value) }

// Schema is the schema of the object, or null.
func (n Nullable[T]) Schema(r huma.Registry) *huma.Schema {
	return &huma.Schema{AnyOf: []*huma.Schema{r.Schema(reflect.TypeFor[T](), true, ""), {Type: "null"}}}
}
