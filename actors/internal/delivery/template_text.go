package delivery

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"text/template"
	"text/template/parse"
	"time"
	"unicode/utf8"
)

// text is one template, ready to run. text/template can't be interrupted, and a goroutine that is left behind would
// go on for ever, so the tree itself is made to stop (rewriter): each turn of a loop and each template within begins
// with a call that looks at the clock, and what is written or returned is counted. So it runs in the caller's
// goroutine, and ends within the limits (docs/decisions.md, D95).
type text struct {
	pointer string
	source  string
	trees   map[string]*parse.Tree
	paths   []path
	idle    sync.Pool // of *instance
}

// path is a chain of fields in the source: .data.ticket.title.
type path struct {
	names  []string
	offset int  // of the dot before the first name, in bytes
	rooted bool // it begins at the event
}

// instance is a template whose functions are bound to its run.
type instance struct {
	run  run
	main *template.Template
}

const mainTemplate = "main"

func parseText(pointer, source string) (*text, error) {
	if len(source) > longestSource {
		return nil, &TemplateError{Pointer: pointer, Why: fmt.Sprintf("it is longer than %d kB", longestSource>>10)}
	}
	t := &text{pointer: pointer, source: source, trees: map[string]*parse.Tree{}}
	tree := parse.New(mainTemplate)
	tree.Mode = parse.SkipFuncCheck // the rewriter checks names, and says in which column they are
	if _, err := tree.Parse(source, "", "", t.trees); err != nil {
		return nil, t.located(err)
	}
	t.trees[mainTemplate] = tree // it is not there if it is empty
	for name, tree := range t.trees {
		if err := (&rewriter{text: t}).tree(tree, name == mainTemplate); err != nil {
			return nil, err
		}
	}
	if _, err := t.instance(); err != nil {
		return nil, t.located(err)
	}
	return t, nil
}

func (t *text) instance() (*instance, error) {
	if i, ok := t.idle.Get().(*instance); ok {
		return i, nil
	}
	i := &instance{}
	i.main = template.New(mainTemplate).Funcs(i.run.functions())
	for name, tree := range t.trees {
		if _, err := i.main.AddParseTree(name, tree); err != nil {
			return nil, err
		}
	}
	return i, nil
}

// execute runs the template for at most so long. strict: a field that is not there is an error.
func (t *text) execute(root map[string]any, strict bool, limit time.Duration) ([]byte, error) {
	if strict {
		if err := t.checkFields(root); err != nil {
			return nil, err
		}
	}
	i, err := t.instance()
	if err != nil {
		return nil, t.located(err)
	}
	i.run = run{text: t, strict: strict, limit: limit, until: time.Now().Add(limit)}
	err = i.main.ExecuteTemplate(&i.run, mainTemplate, root)
	out := i.run.out.Bytes()
	i.run = run{}
	t.idle.Put(i)
	if err != nil {
		return nil, t.located(err)
	}
	return out, nil
}

// checkFields looks for the fields of the event that the template names anywhere, also where the example does not
// lead.
func (t *text) checkFields(root map[string]any) error {
	for _, p := range t.paths {
		if !p.rooted {
			continue
		}
		if _, err := t.follow(p, root, true); err != nil {
			return err
		}
	}
	return nil
}

// follow returns the value at the end of a path. null has every field, and they are null. What is not there is null,
// too, or if strict an error.
func (t *text) follow(p path, value any, strict bool) (any, error) {
	offset := p.offset
	for _, name := range p.names {
		if value == nil {
			return nil, nil
		}
		fields, isObject := value.(map[string]any)
		inner, found := fields[name]
		switch {
		case found:
		case !strict:
			return nil, nil
		case !isObject:
			return nil, t.at(offset, "there is no field %s: what it should be in is no object", name)
		default:
			return nil, t.at(offset, "there is no field %s", name)
		}
		value = inner
		offset += len(".") + len(name)
	}
	return value, nil
}

// values are what templates see of an event: maps, lists, strings, int64, float64, bool and nil, which have no
// methods.
func values(e Envelope) (map[string]any, error) {
	in := json.NewDecoder(bytes.NewReader(e.Standard()))
	in.UseNumber()
	var root map[string]any
	if err := in.Decode(&root); err != nil {
		return nil, fmt.Errorf("the data of the event are no JSON: %w", err)
	}
	plainNumbers(root)
	return root, nil
}

// plainNumbers replaces json.Number, which text/template could neither compare nor count.
func plainNumbers(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for name, inner := range v {
			v[name] = plainNumbers(inner)
		}
	case []any:
		for i, inner := range v {
			v[i] = plainNumbers(inner)
		}
	case json.Number:
		if n, err := strconv.ParseInt(v.String(), 10, 64); err == nil {
			return n
		}
		if f, err := v.Float64(); err == nil {
			return f
		}
		return v.String()
	}
	return value
}

var (
	errorPlace = regexp.MustCompile(`^template: [^:]*:(\d+)(?::(\d+))?: `)
	errorPath  = regexp.MustCompile(`^executing "(?:[^"\\]|\\.)*" at <(?s:.*?)>: `)
	errorCall  = regexp.MustCompile(`^error calling \w+: `)
)

// located makes a TemplateError of an error of text/template, which tells places only in words: lines from 1, columns
// in bytes from 0, and no columns in syntax errors.
func (t *text) located(err error) error {
	var own *TemplateError
	if errors.As(err, &own) {
		return own
	}
	e := &TemplateError{Pointer: t.pointer, Why: err.Error()}
	if place := errorPlace.FindStringSubmatch(e.Why); place != nil {
		e.Line, _ = strconv.Atoi(place[1])
		line := t.line(e.Line)
		if before, err := strconv.Atoi(place[2]); err == nil {
			e.Column = 1 + utf8.RuneCountInString(line[:min(before, len(line))])
		} else if strings.Count(line, "{{") == 1 {
			e.Column = 1 + utf8.RuneCountInString(line[:strings.Index(line, "{{")])
		}
		e.Why = e.Why[len(place[0]):]
	}
	e.Why = errorCall.ReplaceAllString(errorPath.ReplaceAllString(e.Why, ""), "")
	var limit *limitError
	if errors.As(err, &limit) {
		e.Line, e.Column, e.Why = 0, 0, limit.why // it is about the whole
	}
	e.Why = validText([]byte(e.Why), 500)
	return e
}

func (t *text) line(n int) string {
	lines := strings.Split(t.source, "\n")
	if n < 1 || n > len(lines) {
		return ""
	}
	return lines[n-1]
}

// at is an error at an offset of the source, in bytes.
func (t *text) at(offset int, format string, args ...any) error {
	before := t.source[:max(0, min(offset, len(t.source)))]
	return &TemplateError{
		Pointer: t.pointer,
		Line:    1 + strings.Count(before, "\n"),
		Column:  1 + utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]),
		Why:     fmt.Sprintf(format, args...),
	}
}
