package delivery

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"text/template"
	"time"
	"unicode/utf8"
)

// deepestCall is how deep templates may call each other.
const deepestCall = 50

// leastWork is what a template may do however long it takes: a few milliseconds of a processor. One that has done
// less was not slow itself, but had to wait for a busy machine, and its event must not be lost for that.
const leastWork = 5000

// run is one execution of a template. What its functions take and return is counted, so that nothing grows without
// end.
type run struct {
	text   *text
	strict bool
	limit  time.Duration
	until  time.Time
	work   int // so far, in ticks and kB
	depth  int
	out    bytes.Buffer
}

// limitError ends a template that takes too long or becomes too large.
type limitError struct{ why string }

func (e *limitError) Error() string { return e.why }

// allowedFunctions are those that sources may name: ours, and of text/template those that return what is bounded. Its
// print functions and call are not among them.
var allowedFunctions = set("json", "quote", "date", "truncate", "default", "upper", "lower", "urlquery", "inert",
	"index", "and", "or", "not", "eq", "ne", "lt", "le", "gt", "ge", "len")

func (r *run) functions() template.FuncMap {
	return template.FuncMap{
		callTick: r.tick, callEnter: r.enter, callLeave: r.leave, callField: r.field, callShow: r.show,
		"json": r.json, "quote": r.quote, "date": r.date, "truncate": r.truncate, "default": r.orElse, "index": r.index,
		"upper":    func(v any) (string, error) { return r.map1(v, strings.ToUpper) },
		"lower":    func(v any) (string, error) { return r.map1(v, strings.ToLower) },
		"urlquery": func(v any) (string, error) { return r.map1(v, url.QueryEscape) },
		"inert":    func(v any) (string, error) { return r.map1(v, inert) },
	}
}

// Write implements io.Writer.
func (r *run) Write(p []byte) (int, error) {
	if r.out.Len()+len(p) > longestOutput {
		return 0, tooLarge()
	}
	r.work += len(p) >> 10
	if _, err := r.tick(); err != nil {
		return 0, err
	}
	return r.out.Write(p)
}

func tooLarge() error {
	return &limitError{fmt.Sprintf("it writes more than %d kB", longestOutput>>10)}
}

func (r *run) tick() (string, error) {
	if r.work++; r.work > leastWork && time.Now().After(r.until) {
		return "", &limitError{fmt.Sprintf("it takes longer than %s", r.limit)}
	}
	return "", nil
}

func (r *run) enter() (string, error) {
	if r.depth++; r.depth > deepestCall {
		return "", &limitError{fmt.Sprintf("its templates call each other more than %d deep", deepestCall)}
	}
	return r.tick()
}

func (r *run) leave() string {
	r.depth--
	return ""
}

func (r *run) field(number int, base any) (any, error) {
	return r.text.follow(r.text.paths[number], base, r.strict)
}

// bounded ends each function that makes text.
func (r *run) bounded(s string) (string, error) {
	if len(s) > longestOutput {
		return "", tooLarge()
	}
	r.work += len(s) >> 10
	_, err := r.tick()
	return s, err
}

// show is what a value looks like when it is written: null is nothing, objects and lists are JSON.
func (r *run) show(value any) (string, error) {
	switch v := value.(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	case map[string]any, []any:
		return r.json(v)
	}
	return fmt.Sprint(value), nil // a boolean, or a number that the template itself has written
}

func (r *run) json(value any) (string, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		return "", err
	}
	return r.bounded(strings.TrimSuffix(out.String(), "\n"))
}

// quote is a JSON string, whatever the value is.
func (r *run) quote(value any) (string, error) {
	s, err := r.show(value)
	if err != nil {
		return "", err
	}
	return r.json(s)
}

func (r *run) map1(value any, change func(string) string) (string, error) {
	s, err := r.show(value)
	if err != nil {
		return "", err
	}
	return r.bounded(change(s))
}

// date writes a time of the event in Go's layout, in UTC.
func (r *run) date(layout string, value any) (string, error) {
	s, err := r.show(value)
	if err != nil || s == "" {
		return s, err
	}
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		if r.strict {
			return "", fmt.Errorf("%.40q is no time", s)
		}
		return s, nil
	}
	return r.bounded(at.UTC().Format(layout))
}

// truncate cuts to so many characters; the last one is … if something is cut.
func (r *run) truncate(most int, value any) (string, error) {
	s, err := r.show(value)
	if err != nil {
		return "", err
	}
	if utf8.RuneCountInString(s) <= most {
		return s, nil
	}
	if most < 1 {
		return "", nil
	}
	end := 0
	for range most - 1 {
		_, size := utf8.DecodeRuneInString(s[end:])
		end += size
	}
	return s[:end] + "…", nil
}

// orElse is the value, or the first argument where it is null or an empty text.
func (r *run) orElse(instead, value any) any {
	if value == nil || value == "" {
		return instead
	}
	return value
}

// index finds what may be missing: a field by its name, or an element by its number from 0. What is not there is
// null.
func (r *run) index(value any, keys ...any) (any, error) {
	for _, key := range keys {
		switch v := value.(type) {
		case map[string]any:
			name, ok := key.(string)
			if !ok {
				return nil, fmt.Errorf("a field has a name, not %v", key)
			}
			value = v[name]
		case []any:
			var n int
			switch k := key.(type) {
			case int:
				n = k
			case int64:
				n = int(k)
			default:
				return nil, fmt.Errorf("an element has a number, not %.40v", key)
			}
			if n < 0 || n >= len(v) {
				return nil, nil
			}
			value = v[n]
		default:
			return nil, nil
		}
	}
	return value, nil
}

// inert makes text harmless in chats with Markdown: its characters are escaped, and @all calls nobody.
func inert(s string) string {
	var out strings.Builder
	out.Grow(len(s) + len(s)/8)
	for _, c := range s {
		if strings.ContainsRune("\\`*_[]<>#~|", c) {
			out.WriteByte('\\')
		}
		out.WriteRune(c)
		if c == '@' {
			out.WriteRune('\u200B') // a space of no width: what follows is no longer a name
		}
	}
	return out.String()
}
