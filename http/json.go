package httpedge

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/topicdesk/topicdesk/messages"
)

// maxDepth is how deep the lists and objects of a body may be nested.
const maxDepth = 20

// maxTokens is how many names, values and brackets a body may have: it bounds the work on a body and the answer,
// which names what is wrong with each value. The largest valid body, with metadata of 8 kB, has half as many.
const maxTokens = 6000

var (
	errNotUTF8  = errors.New("it is not UTF-8")
	errTooDeep  = errors.New("lists and objects are nested too deep")
	errTooMuch  = errors.New("it has too many values")
	errTwice    = errors.New("an object has a name twice")
	errName     = errors.New("a name has a control character")
	errNotJSON  = errors.New("it is not valid JSON")
	errMismatch = errors.New("a value is not of the expected type, or a number is too large")
)

// A misfit is a value of a body that does not fit into its field, although its schema allows it. Its text has the
// field's pointer, which humaProblem takes apart.
type misfit struct{ pointer, detail string }

// misfitMark stands between the two. No name in a body has it.
const misfitMark = "\x00"

func (e *misfit) Error() string { return e.pointer + misfitMark + e.detail }

// misfitOf finds the field that an error of the decoder is about.
func misfitOf(data []byte, err *json.UnmarshalTypeError) error {
	pointer, found := "", false
	d := jsontext.NewDecoder(bytes.NewReader(data))
	for {
		token, readErr := d.ReadToken()
		if readErr != nil || d.InputOffset() > err.Offset {
			break
		}
		kind, length := d.StackIndex(d.StackDepth())
		isName := kind == '{' && length%2 == 1
		if k := token.Kind(); isName || k == '{' || k == '[' || k == '}' || k == ']' {
			continue
		}
		pointer, found = string(d.StackPointer()), true
	}
	if !found {
		return errMismatch
	}
	detail := "not of the expected type"
	if strings.HasPrefix(err.Value, "number") {
		detail = "the number is too large for this field; write one with fewer digits"
	}
	return &misfit{"#" + messages.Shorten(pointer, maxPointer), detail}
}

// maxPointer is how much of a pointer an error shows.
const maxPointer = 200

// jsonFormat reads and writes bodies. Its errors repeat nothing of a body, which may hold a secret.
var jsonFormat = huma.Format{
	Marshal: func(w io.Writer, v any) error {
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		return e.Encode(v)
	},
	Unmarshal: func(data []byte, v any) error {
		data, err := readable(data)
		if err != nil {
			return err
		}
		err = json.Unmarshal(data, v)
		var syntax *json.SyntaxError
		var unfit *json.UnmarshalTypeError
		switch {
		case err == nil:
			return nil
		case errors.As(err, &syntax):
			return errNotJSON
		case errors.As(err, &unfit):
			return misfitOf(data, unfit)
		}
		return errMismatch
	},
}

// readable refuses a body that is not UTF-8, is nested too deep, is too large or is ambiguous. It removes control
// characters from texts, except line breaks and tabs: nobody means them, and Telegram does not show them.
func readable(data []byte) ([]byte, error) {
	if !utf8.Valid(data) {
		return nil, errNotUTF8
	}
	depth, inString, suspect := 0, false, false
	for i := 0; i < len(data); i++ {
		switch b := data[i]; {
		case inString && b == '\\':
			i++
			suspect = suspect || i < len(data) && (data[i] == 'u' || data[i] == 'b' || data[i] == 'f' || data[i] == 'r')
		case inString && (b == 0x7f || b == 0xc2):
			suspect = true
		case b == '"':
			inString = !inString
		case inString:
		case b == '{' || b == '[':
			if depth++; depth > maxDepth {
				return nil, errTooDeep
			}
		case b == '}' || b == ']':
			depth--
		}
	}
	if err := unambiguous(data); err != nil {
		return nil, err
	}
	if !suspect {
		return data, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var value any
	if decoder.Decode(&value) != nil || decoder.More() {
		return data, nil // the caller reports what is wrong
	}
	var cleaned bytes.Buffer
	e := json.NewEncoder(&cleaned)
	e.SetEscapeHTML(false) // escaping would make metadata longer than it was
	if e.Encode(clean(value)) != nil {
		return nil, errNotJSON
	}
	return cleaned.Bytes(), nil
}

// unambiguous refuses what readers understand differently (RFC 7493): a body is read more than once, and what is done
// must be what was checked. It refuses names with control characters, because two names might become one if they were
// cleaned.
func unambiguous(data []byte) error {
	d := jsontext.NewDecoder(bytes.NewReader(data))
	for n := 0; ; n++ {
		if n > maxTokens {
			return errTooMuch
		}
		token, err := d.ReadToken()
		switch {
		case errors.Is(err, jsontext.ErrDuplicateName):
			return errTwice
		case err != nil:
			return errNotJSON
		}
		kind, length := d.StackIndex(d.StackDepth())
		if kind == '{' && length%2 == 1 && token.Kind() == '"' {
			if name := token.String(); messages.CleanText(name) != name {
				return errName
			}
		}
		if d.StackDepth() == 0 {
			return nil // the decoder of the body refuses what follows
		}
	}
}

func clean(value any) any {
	switch v := value.(type) {
	case string:
		return messages.CleanText(v)
	case []any:
		for i := range v {
			v[i] = clean(v[i])
		}
	case map[string]any:
		for name, x := range v {
			v[name] = clean(x)
		}
	}
	return value
}
