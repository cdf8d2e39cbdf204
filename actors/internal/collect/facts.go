package collect

import (
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// seen is what a record says of itself.
type seen struct {
	component       string // the entity that logs; "": the place tells
	err             error
	tickets, groups []string
	webhook         string
}

// entities are the attributes by which entities name themselves: a kind, with the identity as the value.
var entities = []string{"ticket", "link", "chat", "group", "user", "apikey", "webhook", "consumer", "poller", "log", "monitor", "budget"}

// told are the attributes whose texts are facts: ids, and what another system has said. What people have written is in no log
// line; if it ever is, it is not in one of these. Numbers, times and the like are always told.
var told = []string{
	"error", "reason", "why", "panic", "stack", "operation", "command", "message", "event", "update", "attempt", "attachment",
	"topic", "telegramChat", "type", "kind", "id", "key", "requestId", "request", "trace_id", "span_id", "method", "call",
	"status", "code", "stage", "partition", "check", "node", "addr", "path", "route", "owner", "entity", "lib", "setting", "table",
}

const (
	factsAtMost = 20
	valueAtMost = 500
	stackAtMost = 2000
)

// look reads a record's attributes. It allocates little: it is called for each record.
func (h *handler) look(r *slog.Record) (s seen) {
	for _, a := range h.attrs {
		s.note(a, true)
	}
	if h.group == "" {
		r.Attrs(func(a slog.Attr) bool {
			s.note(a, false)
			return true
		})
	}
	return s
}

// note reads an attribute; own says that it is the logger's, so that it may name the entity.
func (s *seen) note(a slog.Attr, own bool) {
	if a.Value.Kind() == slog.KindAny {
		if err, ok := a.Value.Any().(error); ok && s.err == nil {
			s.err = err
		}
		return
	}
	if a.Value.Kind() != slog.KindString {
		return
	}
	value := a.Value.String()
	if own && s.component == "" && slices.Contains(entities, a.Key) {
		s.component = a.Key
	}
	switch {
	case strings.HasPrefix(value, "TICK-"):
		if id, _, _ := strings.Cut(value, ":"); len(id) < 64 {
			s.tickets = append(s.tickets, id)
		}
	case (a.Key == "chat" || a.Key == "group" || a.Key == "place") && strings.HasPrefix(value, "g") && len(value) < 64:
		s.groups = append(s.groups, value)
	case a.Key == "webhook" && len(value) < 64:
		s.webhook = value
	}
}

// newKind is the kind of a record that is the first of it.
func (c *Collector) newKind(r *slog.Record, id key, s *seen) *Kind {
	at := c.siteOf(r.PC)
	k := &Kind{Component: at.component, Place: at.place, Message: c.redact(id.message), Error: id.err, Warning: r.Level < slog.LevelError}
	if s.component != "" {
		k.Component = s.component
	}
	return k
}

// facts are what is told of an example.
func (h *handler) facts(r *slog.Record) (facts []Fact) {
	add := func(a slog.Attr) bool {
		if len(facts) < factsAtMost {
			if value, ok := h.to.fact(a); ok {
				facts = append(facts, Fact{a.Key, value})
			}
		}
		return true
	}
	for _, a := range h.attrs {
		add(a)
	}
	if h.group == "" {
		r.Attrs(add)
	}
	return facts
}

// fact is the value of an attribute, if it may be told.
func (c *Collector) fact(a slog.Attr) (string, bool) {
	v := a.Value.Resolve()
	text := ""
	switch v.Kind() {
	case slog.KindBool, slog.KindDuration, slog.KindFloat64, slog.KindInt64, slog.KindUint64, slog.KindTime:
		return v.String(), true
	case slog.KindString:
		text = v.String()
	case slog.KindAny:
		err, ok := v.Any().(error)
		if !ok {
			return "", false
		}
		text = err.Error()
	default:
		return "", false
	}
	if !slices.Contains(told, a.Key) && !slices.Contains(entities, a.Key) {
		return "", false
	}
	atMost := valueAtMost
	if a.Key == "stack" {
		atMost = stackAtMost
	}
	cut := len(text) > 4*atMost
	if cut { // masking takes time
		text = text[:4*atMost]
	}
	text = c.redact(strings.ToValidUTF8(text, ""))
	if cut { // its end may be a half of what is masked as a whole
		text = text[:max(0, len(text)-2*atMost)]
	}
	return shorten(quoted.ReplaceAllStringFunc(text, hide), atMost), true
}

// quoted is what an error repeats of what it was given.
var quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|“[^”]*”|'[^']* [^']*'`)

// hide hides quoted words, which may be of a message, and leaves ids, addresses and names of files.
func hide(text string) string {
	inside := strings.Trim(text, `"'“”`)
	if strings.ContainsAny(inside, "/:_.-") && !strings.ContainsAny(inside, " \t\n\\") && len(inside) <= 200 && ascii(inside) {
		return text
	}
	return `"…"`
}

func ascii(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func shorten(text string, atMost int) string {
	if len(text) <= atMost {
		return text
	}
	return strings.ToValidUTF8(text[:atMost], "") + "…"
}
