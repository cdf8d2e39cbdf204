package httpedge

import (
	"bytes"
	"encoding/json"

	"github.com/topicdesk/topicdesk/view"
)

const maxMetadata = 8 << 10 // bytes

// compactMetadata returns the object as it is stored. An object that is too large is a *Problem.
func compactMetadata(m view.Metadata) ([]byte, error) {
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
