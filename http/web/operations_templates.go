package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The editor of a webhook's templates: what it would be sent is looked at before anything is saved, and what is wrong is shown in
// the text as it was entered.

// webhookPreview is the request for the example of a type.
type webhookPreview struct {
	Type    string            `json:"-"`
	Method  string            `json:"method"`
	Host    string            `json:"host"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
}

// spot is a place in an entered text: a line and a column from 1, and what stands in that line around it.
type spot struct {
	Line, Column        int
	Before, Here, After string
}

// enteredTemplates are the templates of the form; nothing entered is none. false: it is no JSON, and refused.
func (o *operator) enteredTemplates() (json.RawMessage, bool) {
	text := unixLines(o.c.FormValue("templates"))
	if strings.TrimSpace(text) == "" {
		return json.RawMessage("null"), true
	}
	offset, err := invalidAt(text)
	if err == nil {
		return json.RawMessage(text), true
	}
	o.refused = &refusal{Status: http.StatusUnprocessableEntity, Code: "invalid_json",
		Errors: []fieldFault{{Detail: err.Error(), Spot: spotAt(text, offset)}}}
	return nil, false
}

// unixLines is a text of a form, which browsers send with the line breaks of DOS.
func unixLines(text string) string { return strings.ReplaceAll(text, "\r\n", "\n") }

// previewTemplates shows what the webhook would be sent for the example of a type. It sends nothing to it.
func (o *operator) previewTemplates() error {
	templates, valid := o.enteredTemplates()
	if !valid {
		return o.wrongTemplates()
	}
	body := map[string]any{"type": o.c.FormValue("type"), "templates": templates}
	made := &webhookPreview{Type: o.c.FormValue("type")}
	if err := o.call(http.MethodPost, "/webhooks/"+o.param("id")+"/preview", body, made); err != nil {
		return o.templatesRefused(err)
	}
	return o.webhookWith(func(p *webhookPage) { p.Preview = made })
}

// saveTemplates replaces the templates; nothing entered removes them.
func (o *operator) saveTemplates() error {
	templates, valid := o.enteredTemplates()
	if !valid {
		return o.wrongTemplates()
	}
	body := map[string]json.RawMessage{"templates": templates}
	if err := o.call(http.MethodPatch, "/webhooks/"+o.param("id"), body, nil); err != nil {
		return o.templatesRefused(err)
	}
	return o.done("/"+o.param("id"), "templates")
}

// templatesRefused shows the form again, and in it what is wrong, where it is.
func (o *operator) templatesRefused(err error) error {
	if !errors.As(err, &o.refused) {
		return err
	}
	text := unixLines(o.entered("templates"))
	for i := range o.refused.Errors {
		f := &o.refused.Errors[i]
		pointer, ours := strings.CutPrefix(f.Pointer, "#/templates")
		if !ours {
			continue
		}
		f.Spot = spotAt(text, offsetOf(text, pointer, f.Line, f.Column))
		// The API counts within the text at the pointer; here that text is a part of what was entered.
		f.Detail = strings.TrimPrefix(strings.TrimPrefix(f.Detail, fmt.Sprintf("line %d, column %d: ", f.Line, f.Column)), fmt.Sprintf("line %d: ", f.Line))
	}
	// One place is wrong for each type that it is for: the first says it.
	o.refused.Errors = slices.CompactFunc(o.refused.Errors, func(a, b fieldFault) bool {
		return a.Line > 0 && a.Pointer == b.Pointer && a.Line == b.Line && a.Column == b.Column
	})
	return o.wrongTemplates()
}

func (o *operator) wrongTemplates() error {
	o.beside = true
	return o.webhookWith(func(p *webhookPage) { p.Wrong = o.refused })
}

// invalidAt says why a text is no JSON, and at which byte it stops being it; nil: it is.
func invalidAt(text string) (offset int, err error) {
	var value json.RawMessage
	err = json.Unmarshal([]byte(text), &value)
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		offset = max(0, min(int(syntax.Offset)-1, len(text)))
		if strings.HasPrefix(syntax.Error(), "unexpected end") {
			offset = len(text)
		}
	}
	return offset, err
}

// aroundAtMost is how many characters of a line are shown on each side of a place.
const aroundAtMost = 40

// spotAt is the place of a byte in a text.
func spotAt(text string, offset int) *spot {
	start := strings.LastIndexByte(text[:offset], '\n') + 1
	line, _, _ := strings.Cut(text[start:], "\n")
	before, rest := []rune(text[start:offset]), []rune(line[offset-start:])
	s := &spot{Line: 1 + strings.Count(text[:start], "\n"), Column: 1 + len(before)}
	if s.Before = string(before); len(before) > aroundAtMost {
		s.Before = "…" + string(before[len(before)-aroundAtMost:])
	}
	if len(rest) > 0 {
		s.Here, rest = string(rest[:1]), rest[1:]
	}
	if s.After = string(rest); len(rest) > aroundAtMost {
		s.After = string(rest[:aroundAtMost]) + "…"
	}
	return s
}

// offsetOf finds a place in the text of a JSON value: that of the value at a pointer, and if it is a string, of the line and column
// in it, both from 1; 0 is its beginning. What a pointer leads to that is not there is as far as it leads.
func offsetOf(text, pointer string, line, column int) int {
	in := json.NewDecoder(strings.NewReader(text))
	at := valueAfter(text, 0)
	for _, name := range strings.Split(pointer, "/")[1:] {
		found, ok := enter(in, text, strings.NewReplacer("~1", "/", "~0", "~").Replace(name))
		if !ok {
			return at
		}
		at = found
	}
	if line == 0 || at >= len(text) || text[at] != '"' {
		return at
	}
	return inString(text, at+1, line, max(1, column))
}

// valueAfter is where the next value begins: behind white space, and the colon of its name.
func valueAfter(text string, offset int) int {
	for offset < len(text) && strings.IndexByte(" \t\r\n:", text[offset]) >= 0 {
		offset++
	}
	return min(offset, len(text))
}

// enter reads an object up to the value of a name, and returns where that begins. false: it is no object, or has no such name.
func enter(in *json.Decoder, text, name string) (at int, ok bool) {
	if begins, err := in.Token(); err != nil || begins != json.Delim('{') {
		return 0, false
	}
	for in.More() {
		key, err := in.Token()
		if err != nil {
			return 0, false
		}
		if key == name {
			return valueAfter(text, int(in.InputOffset())), true
		}
		var passed json.RawMessage
		if err := in.Decode(&passed); err != nil {
			return 0, false
		}
	}
	return 0, false
}

// inString goes through a JSON string, from behind its quotation mark, until it is at a line and column of what it says. Escapes are
// several bytes of the text that stand for one character.
func inString(text string, offset, line, column int) int {
	for l, c := 1, 1; offset < len(text) && text[offset] != '"' && (l < line || l == line && c < column); {
		size, breaks := escapeAt(text[offset:])
		if breaks {
			if l == line {
				return offset
			}
			l, c = l+1, 0
		}
		offset, c = offset+size, c+1
	}
	return offset
}

// escapeAt is how many bytes the next character of a JSON string takes there, and whether it breaks the line.
func escapeAt(text string) (size int, breaks bool) {
	const unicodeEscape, surrogates = len(`\u0000`), len(`\ud83d\ude00`)
	switch {
	case text[0] != '\\' || len(text) == 1:
		_, size = utf8.DecodeRuneInString(text)
		return size, false
	case text[1] != 'u':
		return 2, text[1] == 'n'
	case len(text) < unicodeEscape:
		return len(text), false
	}
	code, _ := strconv.ParseUint(text[2:unicodeEscape], 16, 32)
	if code >= 0xd800 && code < 0xdc00 && len(text) >= surrogates && text[unicodeEscape:unicodeEscape+2] == `\u` {
		return surrogates, false
	}
	return unicodeEscape, code == '\n'
}
