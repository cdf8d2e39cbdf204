package storage

import (
	jsonv2 "github.com/go-json-experiment/json" // decodes in a third of the time: docs/decisions.md, D50
	"github.com/go-json-experiment/json/jsontext"
)

// AsStored are the options by which a stored document is decoded: everything that encoding/json writes, in which a client's JSON may have a
// name twice.
var AsStored = jsonv2.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
