package delivery

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Limits of templates.
const (
	longestSource = 32 << 10 // bytes of one text
	mostTemplates = 50
	longestOutput = 256 << 10 // bytes that one text writes
	longestRun    = 50 * time.Millisecond
)

// Templates say how an endpoint's requests look, by type of event.
type Templates struct {
	byPattern map[string]*shape
}

// shape is the template of one pattern.
type shape struct {
	method      string
	contentType string
	headers     map[string]*text
	body        *text
	preset      bool // ours: it tolerates events that lack a field
}

// Message is what a template has made of an event.
type Message struct {
	Method      string
	ContentType string
	Header      map[string]string // without Content-Type
	Body        []byte
}

// A TemplateError says where a template is wrong. Its texts are for whoever writes the template.
type TemplateError struct {
	Pointer string // JSON pointer within "templates", such as /ticket.*/body
	Line    int    // in the text at the pointer, from 1; 0: the text as a whole
	Column  int    // in characters, from 1; 0: unknown
	Type    string // the type of event whose example it fails for; "" for all
	Why     string
}

func (e *TemplateError) Error() string {
	where := e.Pointer
	if e.Line > 0 {
		where += fmt.Sprintf(", line %d", e.Line)
	}
	if e.Column > 0 {
		where += fmt.Sprintf(", column %d", e.Column)
	}
	if e.Type != "" {
		where += ", with the example of " + e.Type
	}
	return where + ": " + e.Why
}

// ParseTemplates reads an endpoint's "templates": {"preset":"slack"}, or {"ticket.*":{"method","headers","body"}}, or
// both, where what is written out goes before the preset. null and {} are none. All that is wrong comes back as one
// error of several *TemplateError (errors.Join).
func ParseTemplates(raw json.RawMessage) (*Templates, error) {
	var byName map[string]json.RawMessage
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &byName); err != nil {
			return nil, &TemplateError{Why: "templates must be an object"}
		}
	}
	if len(byName) > mostTemplates {
		return nil, &TemplateError{Why: fmt.Sprintf("there are more than %d templates", mostTemplates)}
	}
	t := &Templates{byPattern: map[string]*shape{}}
	var wrong []error
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		pointer := "/" + escapePointer(name)
		switch {
		case name == "preset":
			wrong = append(wrong, t.addPreset(byName[name]))
		case !validPattern(name):
			wrong = append(wrong, &TemplateError{Pointer: pointer,
				Why: "a template is for a type such as ticket.created, for ticket.*, or for *"})
		default:
			s, err := parseShape(pointer, byName[name])
			t.byPattern[name] = s
			wrong = append(wrong, err)
		}
	}
	if err := errors.Join(wrong...); err != nil {
		return nil, err
	}
	return t, nil
}

func escapePointer(name string) string {
	return strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}

// validPattern takes a type, the beginning of types before .*, and * for all.
func validPattern(pattern string) bool {
	if pattern == "*" {
		return true
	}
	name := strings.TrimSuffix(pattern, ".*")
	return name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz._-") == ""
}

func (t *Templates) addPreset(raw json.RawMessage) error {
	var name string
	if err := json.Unmarshal(raw, &name); err != nil {
		return &TemplateError{Pointer: "/preset", Why: "preset must be a name"}
	}
	body, ok := presets[name]
	if !ok {
		return &TemplateError{Pointer: "/preset", Why: fmt.Sprintf("there is no preset %.40q; there are %s", name,
			strings.Join(Presets(), ", "))}
	}
	parsed, err := parseText("/preset", body)
	if err != nil {
		return err
	}
	if _, taken := t.byPattern["*"]; !taken {
		t.byPattern["*"] = &shape{method: http.MethodPost, contentType: jsonType, body: parsed, preset: true}
	}
	return nil
}

// Presets are the names of the presets.
func Presets() []string { return slices.Sorted(maps.Keys(presets)) }

func parseShape(pointer string, raw json.RawMessage) (*shape, error) {
	var source struct {
		Method  string            `json:"method"`
		Headers map[string]string `json:"headers"`
		Body    string            `json:"body"`
	}
	in := json.NewDecoder(bytes.NewReader(raw))
	in.DisallowUnknownFields()
	if err := in.Decode(&source); err != nil || bytes.Equal(bytes.TrimSpace(raw), []byte("null")) {
		return nil, &TemplateError{Pointer: pointer, Why: `a template is {"method","headers","body"}, with texts`}
	}
	s := &shape{method: source.Method, contentType: jsonType, headers: map[string]*text{}}
	var wrong []error
	switch s.method {
	case "":
		s.method = http.MethodPost
	case http.MethodPost, http.MethodPut, http.MethodPatch:
	default:
		wrong = append(wrong, &TemplateError{Pointer: pointer + "/method",
			Why: "the method must be POST, PUT or PATCH"})
	}
	if err := CheckHeaders(source.Headers); err != nil {
		wrong = append(wrong, &TemplateError{Pointer: pointer + "/headers", Why: err.Error()})
	}
	for _, name := range slices.Sorted(maps.Keys(source.Headers)) {
		at := pointer + "/headers/" + escapePointer(name)
		if strings.EqualFold(name, "Content-Type") {
			s.contentType = source.Headers[name]
			kind, _, err := mime.ParseMediaType(s.contentType)
			switch {
			case strings.Contains(s.contentType, "{{"):
				wrong = append(wrong, &TemplateError{Pointer: at, Why: "Content-Type is the same for all events: it can't have a template"})
			case err != nil || !strings.Contains(kind, "/"):
				wrong = append(wrong, &TemplateError{Pointer: at, Why: "Content-Type is no media type"})
			}
			continue
		}
		parsed, err := parseText(at, source.Headers[name])
		s.headers[name] = parsed
		wrong = append(wrong, err)
	}
	var err error
	s.body, err = parseText(pointer+"/body", source.Body)
	return s, errors.Join(append(wrong, err)...)
}

// find returns the shape for a type: its own, then that of the longest pattern, then that of *. nil: none.
func (t *Templates) find(kind string) *shape {
	if t == nil {
		return nil
	}
	if s := t.byPattern[kind]; s != nil {
		return s
	}
	for end := strings.LastIndexByte(kind, '.'); end > 0; end = strings.LastIndexByte(kind[:end], '.') {
		if s := t.byPattern[kind[:end]+".*"]; s != nil {
			return s
		}
	}
	return t.byPattern["*"]
}

// Check tries the templates with examples, one of each type that the endpoint hears: every field that a template
// names must be in the example, and the body must be what it claims to be. An error is one or several *TemplateError.
func (t *Templates) Check(examples []Envelope) error {
	var wrong []error
	for _, e := range examples {
		if _, err := t.Try(e); err != nil {
			wrong = append(wrong, err)
		}
	}
	return errors.Join(wrong...)
}

// Try makes the message for an example of an event, as Check tries it; nil if no template is for its type.
func (t *Templates) Try(example Envelope) (*Message, error) {
	s := t.find(example.Type)
	if s == nil {
		return nil, nil
	}
	m, err := s.render(example, !s.preset)
	var located *TemplateError
	if errors.As(err, &located) {
		located.Type = example.Type
	}
	return m, err
}

// Render makes the message for an event; nil if no template is for its type. A field that the event does not have is
// empty. An error, a *TemplateError, will be the same next time.
func (t *Templates) Render(e Envelope) (*Message, error) {
	s := t.find(e.Type)
	if s == nil {
		return nil, nil
	}
	return s.render(e, false)
}

func (s *shape) render(e Envelope, strict bool) (*Message, error) {
	root, err := values(e)
	if err != nil {
		return nil, &TemplateError{Type: e.Type, Why: err.Error()}
	}
	m := &Message{Method: s.method, ContentType: s.contentType}
	if len(s.headers) > 0 {
		m.Header = make(map[string]string, len(s.headers))
	}
	for name, header := range s.headers {
		value, err := header.execute(root, strict, longestRun)
		if err != nil {
			return nil, err
		}
		m.Header[name] = oneLine(string(value))
	}
	if m.Body, err = s.body.execute(root, strict, longestRun); err != nil {
		return nil, err
	}
	if claimsJSON(s.contentType) {
		if err := checkJSON(m.Body); err != nil {
			return nil, &TemplateError{Pointer: s.body.pointer, Why: err.Error()}
		}
	}
	return m, nil
}

func claimsJSON(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	return err == nil && (kind == jsonType || strings.HasSuffix(kind, "+json"))
}

func checkJSON(body []byte) error {
	var any json.RawMessage
	err := json.Unmarshal(body, &any)
	var syntax *json.SyntaxError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &syntax):
		before := body[:min(int(max(0, syntax.Offset-1)), len(body))]
		line := 1 + bytes.Count(before, []byte("\n"))
		column := 1 + len([]rune(string(before[bytes.LastIndexByte(before, '\n')+1:])))
		return fmt.Errorf("the body claims to be JSON and is not: %v, in line %d, column %d of what the template "+
			"writes; put values in by json or quote", err, line, column)
	}
	return fmt.Errorf("the body claims to be JSON and is not: %v", err)
}
