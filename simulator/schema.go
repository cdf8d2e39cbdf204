package simulator

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

//go:generate go run ./gen -in ${BOTAPI_JSON} -out schema.txt

//go:embed schema.txt
var schemaText string

// schemaField is one parameter or one field of an object.
type schemaField struct {
	name     string
	types    []string // "Integer", "[]MessageEntity", …
	required bool
	value    string // that it always has; "" for any
}

// schemaObject is a method's parameters or an object type; unions have subtypes instead of fields.
type schemaObject struct {
	fields   map[string]*schemaField
	required []string
	subtypes []string
}

type schema struct {
	methods map[string]*schemaObject // keys in lower case: Telegram takes method names in any case
	names   map[string]string        // lower case to proper name
	types   map[string]*schemaObject
}

var botAPI = mustParseSchema(schemaText)

func mustParseSchema(text string) *schema {
	s, err := parseSchema(text)
	if err != nil {
		panic(err)
	}
	return s
}

// parseSchema reads the table that gen writes.
func parseSchema(text string) (*schema, error) {
	s := &schema{methods: map[string]*schemaObject{}, names: map[string]string{}, types: map[string]*schemaObject{}}
	for n, line := range strings.Split(text, "\n") {
		words := strings.Fields(line)
		if len(words) == 0 || words[0] == "#" {
			continue
		}
		if len(words) < 2 {
			return nil, fmt.Errorf("schema line %d: no name", n+1)
		}
		o := &schemaObject{fields: map[string]*schemaField{}}
		for _, w := range words[2:] {
			if words[0] == "u" {
				o.subtypes = append(o.subtypes, w)
				continue
			}
			name, types, ok := strings.Cut(w, ":")
			if !ok || types == "" {
				return nil, fmt.Errorf("schema line %d: field %q has no type", n+1, w)
			}
			bare := strings.TrimSuffix(name, "!")
			types, value, _ := strings.Cut(types, "=")
			o.fields[bare] = &schemaField{name: bare, types: strings.Split(types, "|"), required: bare != name, value: value}
			if bare != name {
				o.required = append(o.required, bare)
			}
		}
		switch words[0] {
		case "m":
			s.methods[strings.ToLower(words[1])] = o
			s.names[strings.ToLower(words[1])] = words[1]
		case "t", "u":
			s.types[words[1]] = o
		default:
			return nil, fmt.Errorf("schema line %d: unknown kind %q", n+1, words[0])
		}
	}
	return s, nil
}

// Field is a field of one of the Bot API's types.
type Field struct {
	Name     string
	Types    []string // any of them: "Integer", "[]MessageEntity", …
	Required bool
	Value    string // that it always has, such as the type of a block; "" for any
}

// Schema returns the fields of a type of the Bot API, by name, or the names of the types of which it is one. It knows what
// callers send, and what messages consist of; of other types it returns nothing.
func Schema(name string) (fields []Field, oneOf []string) {
	o := botAPI.types[name]
	if o == nil {
		return nil, nil
	}
	for _, f := range o.fields {
		fields = append(fields, Field{Name: f.name, Types: f.types, Required: f.required, Value: f.value})
	}
	slices.SortFunc(fields, func(a, b Field) int { return strings.Compare(a.Name, b.Name) })
	return fields, o.subtypes
}

// quirks are parameters that go-telegram/bot v1.19.0 sends and schema 10.1 does not have; the real server ignores them.
var quirks = map[string]bool{"sendPoll.correct_option_id": true}

// check holds the parameters of one call against the table. In lenient mode unknown names pass, as at Telegram.
func (s *schema) check(method string, p *params, lenient bool) *apiError {
	m := s.methods[strings.ToLower(method)]
	if m == nil {
		return errNotFound
	}
	for name, v := range p.values {
		f := m.fields[name]
		if f == nil {
			if lenient || quirks[method+"."+name] {
				continue
			}
			return badRequest("unknown parameter %q of method %s", name, method)
		}
		if err := s.checkParam(f, v, lenient); err != nil {
			return badRequest("parameter %q of method %s: %v", name, method, err)
		}
	}
	for name := range p.files {
		if f := m.fields[name]; f != nil && !takesFile(f) {
			return badRequest("parameter %q of method %s: a file where %s is expected", name, method, strings.Join(f.types, " or "))
		} else if f == nil && !p.attached(name) && !lenient {
			return badRequest("unknown parameter %q of method %s", name, method)
		}
	}
	for _, name := range m.required {
		if _, ok := p.values[name]; !ok && p.files[name] == nil {
			return missing(method, name)
		}
	}
	return nil
}

// missing words the lack of a parameter as Telegram does where its words are known.
func missing(method, name string) *apiError {
	switch {
	case name == "chat_id":
		return badRequest("chat_id is empty")
	case name == "text" && method == "sendMessage":
		return badRequest("message text is empty")
	}
	return badRequest("missing required parameter %q of method %s", name, method)
}

func takesFile(f *schemaField) bool {
	return slices.Contains(f.types, "InputFile")
}

// checkParam checks a top-level parameter, which may have come as plain text (forms) or as JSON.
func (s *schema) checkParam(f *schemaField, v value, lenient bool) error {
	if o := s.mixedArray(f.types); o != nil {
		return s.checkMixed(o, v.text, lenient)
	}
	var first error
	for _, t := range f.types {
		err := s.checkText(t, v, lenient)
		if err == nil {
			return nil
		}
		if first == nil {
			first = err
		}
	}
	return first
}

// mixedArray is the union of what an array may hold, when it may hold several types at once; nil otherwise.
func (s *schema) mixedArray(types []string) *schemaObject {
	o := &schemaObject{}
	for _, t := range types {
		item, ok := strings.CutPrefix(t, "[]")
		if !ok {
			return nil
		}
		o.subtypes = append(o.subtypes, item)
	}
	if len(o.subtypes) < 2 {
		return nil
	}
	return o
}

// checkMixed checks the elements of such an array, each by what its type says it is.
func (s *schema) checkMixed(o *schemaObject, text string, lenient bool) error {
	var list []map[string]any
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&list); err != nil || dec.More() {
		return fmt.Errorf("can't parse as JSON object")
	}
	for i, e := range list {
		if err := s.checkUnion(o, e, lenient, 0); err != nil {
			return fmt.Errorf("[%d]: %w", i, err)
		}
	}
	return nil
}

func (s *schema) checkText(t string, v value, lenient bool) error {
	switch t {
	case "String", "InputFile":
		if v.literal && !lenient {
			return fmt.Errorf("a string is expected, not %s", clip(v.text))
		}
		return nil
	case "Integer":
		if _, err := strconv.ParseInt(v.text, 10, 64); err != nil {
			return fmt.Errorf("an integer is expected, not %s", clip(v.text))
		}
		return nil
	case "Float":
		if _, err := strconv.ParseFloat(v.text, 64); err != nil {
			return fmt.Errorf("a number is expected, not %s", clip(v.text))
		}
		return nil
	case "Boolean", "True":
		if _, ok := parseBool(v.text); !ok {
			return fmt.Errorf("a boolean is expected, not %s", clip(v.text))
		}
		return nil
	}
	var x any
	dec := json.NewDecoder(strings.NewReader(v.text))
	dec.UseNumber()
	if err := dec.Decode(&x); err != nil || dec.More() {
		return fmt.Errorf("can't parse as JSON object")
	}
	return s.checkValue(t, x, lenient, 0)
}

const maxNesting = 32 // deeper objects are hostile; the deepest honest one has six levels

// checkValue checks a decoded JSON value against a type of the table.
func (s *schema) checkValue(t string, x any, lenient bool, depth int) error {
	if depth > maxNesting {
		return fmt.Errorf("nested too deeply")
	}
	if item, ok := strings.CutPrefix(t, "[]"); ok {
		list, ok := x.([]any)
		if !ok {
			return fmt.Errorf("an array is expected")
		}
		for i, e := range list {
			if err := s.checkValue(item, e, lenient, depth+1); err != nil {
				return fmt.Errorf("[%d]: %w", i, err)
			}
		}
		return nil
	}
	switch t {
	case "String", "InputFile":
		if _, ok := x.(string); !ok {
			return fmt.Errorf("a string is expected")
		}
		return nil
	case "Integer":
		n, ok := x.(json.Number)
		if ok {
			_, err := n.Int64()
			ok = err == nil
		}
		if !ok {
			return fmt.Errorf("an integer is expected")
		}
		return nil
	case "Float":
		if _, ok := x.(json.Number); !ok {
			return fmt.Errorf("a number is expected")
		}
		return nil
	case "Boolean", "True":
		if _, ok := x.(bool); !ok {
			return fmt.Errorf("a boolean is expected")
		}
		return nil
	}
	o := s.types[t]
	if o == nil {
		return fmt.Errorf("type %s is not in the table", t)
	}
	fields, ok := x.(map[string]any)
	if !ok {
		if t == "RichText" || t == "InputRichMessage" { // these may be plain strings and arrays
			return nil
		}
		return fmt.Errorf("an object is expected")
	}
	if len(o.subtypes) > 0 {
		return s.checkUnion(o, fields, lenient, depth)
	}
	for name, v := range fields {
		f := o.fields[name]
		if f == nil {
			if lenient {
				continue
			}
			return fmt.Errorf("unknown field %q of %s", name, t)
		}
		if v == nil {
			continue // null means absent
		}
		if err := s.checkOneOf(f.types, v, lenient, depth+1); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	for _, name := range o.required {
		if fields[name] == nil {
			return fmt.Errorf("field %q of %s is missing", name, t)
		}
	}
	return nil
}

func (s *schema) checkOneOf(types []string, x any, lenient bool, depth int) error {
	var first error
	for _, t := range types {
		err := s.checkValue(t, x, lenient, depth)
		if err == nil {
			return nil
		}
		if first == nil {
			first = err
		}
	}
	return first
}

// checkUnion accepts the subtypes whose names the object's type gives, or any if it gives none.
func (s *schema) checkUnion(o *schemaObject, fields map[string]any, lenient bool, depth int) error {
	kind, _ := fields["type"].(string)
	kind = strings.ToLower(strings.ReplaceAll(kind, "_", ""))
	subtypes := o.subtypes
	if kind != "" {
		// Trying only these also keeps hostile nesting from multiplying the work.
		named := slices.DeleteFunc(slices.Clone(subtypes), func(sub string) bool { return !strings.HasSuffix(strings.ToLower(sub), kind) })
		if len(named) > 0 {
			subtypes = named
		}
	}
	return s.checkOneOf(subtypes, fields, lenient, depth+1)
}

func clip(s string) string {
	if len(s) > 40 {
		s = s[:40]
	}
	return strconv.Quote(s)
}
