package collect

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// KindsAtMost is how many kinds are kept between two calls of Take. What comes of others is counted as lost.
	KindsAtMost = 1000
	// namesAtMost is how many tickets, and how many groups, of a kind are known; webhooksAtMost how many endpoints.
	namesAtMost    = 10
	webhooksAtMost = 50
)

// Kind is what was logged of one fingerprint.
type Kind struct {
	Fingerprint string
	Component   string // the part of the service
	Place       string // in the code
	Message     string
	Error       string // the kind of the error; "": none was logged
	Warning     bool   // no error
	Count       int64
	First, Last time.Time
	// Some of what it is about.
	Tickets, Groups, Webhooks []string
	MoreWebhooks              bool
	Facts                     []Fact // of the first since Take
}

// Fact is one fact about an example.
type Fact struct{ Name, Value string }

// Options say how a Collector knows and hides things.
type Options struct {
	// Redact masks secrets in a text; nil: nothing is masked.
	Redact func(string) string
	// Sentinels are errors that have a name of their own, besides those of the standard library.
	Sentinels map[string]error
}

// Collector gathers what loggers with its handlers log. Its zero value is not useful; use New.
type Collector struct {
	redact    func(string) string
	sentinels []sentinel
	sites     sync.Map // by program counter: site

	mu    sync.Mutex
	kinds map[key]*Kind
	lost  int64
}

type sentinel struct {
	name string
	err  error
}

// key tells kinds apart without a hash.
type key struct {
	pc                 uintptr
	component, message string
	err                string
}

// New makes a Collector.
func New(o Options) *Collector {
	c := &Collector{redact: o.Redact, kinds: map[key]*Kind{}, sentinels: []sentinel{
		{"deadline", context.DeadlineExceeded}, {"cancelled", context.Canceled}, {"EOF", io.EOF}, {"EOF", io.ErrUnexpectedEOF},
	}}
	if c.redact == nil {
		c.redact = func(text string) string { return text }
	}
	for name, err := range o.Sentinels {
		c.sentinels = append(c.sentinels, sentinel{name, err})
	}
	slices.SortFunc(c.sentinels[4:], func(a, b sentinel) int { return strings.Compare(a.name, b.name) })
	return c
}

// Take returns what was gathered since the last call, and how many records of further kinds there were.
func (c *Collector) Take() (kinds []*Kind, lost int64) {
	c.mu.Lock()
	taken := c.kinds
	c.kinds, lost, c.lost = map[key]*Kind{}, c.lost, 0
	c.mu.Unlock()
	by := make(map[string]*Kind, len(taken))
	for _, k := range taken {
		k.Fingerprint = k.fingerprint()
		if same := by[k.Fingerprint]; same != nil {
			same.merge(k)
			continue
		}
		by[k.Fingerprint] = k
		kinds = append(kinds, k)
	}
	slices.SortFunc(kinds, func(a, b *Kind) int { return strings.Compare(a.Fingerprint, b.Fingerprint) })
	return kinds, lost
}

// merge adds what has the same fingerprint: a place in the code may have several program counters.
func (k *Kind) merge(b *Kind) {
	k.Count += b.Count
	if b.First.Before(k.First) {
		k.First = b.First
	}
	if b.Last.After(k.Last) {
		k.Last = b.Last
	}
	for _, id := range b.Tickets {
		add(&k.Tickets, id, namesAtMost)
	}
	for _, id := range b.Groups {
		add(&k.Groups, id, namesAtMost)
	}
	for _, id := range b.Webhooks {
		k.addWebhook(id)
	}
	k.MoreWebhooks = k.MoreWebhooks || b.MoreWebhooks
}

// add adds a name to a short list, if there is room. It reports whether the list has the name now.
func add(to *[]string, name string, atMost int) bool {
	if slices.Contains(*to, name) {
		return true
	}
	if len(*to) >= atMost {
		return false
	}
	*to = append(*to, name)
	return true
}

func (k *Kind) addWebhook(id string) {
	if !add(&k.Webhooks, id, webhooksAtMost) {
		k.MoreWebhooks = true
	}
}

// Handler returns a handler that gathers warnings and errors, and passes everything on to next.
func (c *Collector) Handler(next slog.Handler) slog.Handler { return &handler{Handler: next, to: c} }

// handler gathers what passes it.
type handler struct {
	slog.Handler
	to    *Collector
	attrs []slog.Attr // of With
	group string      // of WithGroup; attributes in groups are left out
}

// Enabled implements slog.Handler. Warnings are gathered whatever is logged.
func (h *handler) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn || h.Handler.Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelWarn {
		h.gather(&r)
		if !h.Handler.Enabled(ctx, r.Level) {
			return nil
		}
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	next := *h
	next.Handler = h.Handler.WithAttrs(attrs)
	if h.group == "" {
		next.attrs = append(slices.Clip(h.attrs), attrs...)
	}
	return &next
}

// WithGroup implements slog.Handler.
func (h *handler) WithGroup(name string) slog.Handler {
	next := *h
	next.Handler = h.Handler.WithGroup(name)
	if name != "" {
		next.group = name
	}
	return &next
}

// gather counts a record. A value whose own methods panic does not reach the logger.
func (h *handler) gather(r *slog.Record) {
	defer func() {
		if p := recover(); p != nil {
			h.to.mu.Lock()
			h.to.lost++
			h.to.mu.Unlock()
		}
	}()
	c := h.to
	seen := h.look(r)
	id := key{pc: r.PC, component: seen.component, message: stable(r.Message), err: c.kindOf(seen.err)}
	c.mu.Lock()
	k := c.kinds[id]
	if k == nil && len(c.kinds) >= KindsAtMost {
		c.lost++
		c.mu.Unlock()
		return
	}
	if k != nil {
		k.count(r, &seen)
		c.mu.Unlock()
		return
	}
	c.mu.Unlock()
	fresh := c.newKind(r, id, &seen) // without the lock, since it masks texts
	fresh.Facts = h.facts(r)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch k := c.kinds[id]; {
	case k != nil:
		k.count(r, &seen)
	case len(c.kinds) >= KindsAtMost:
		c.lost++
	default:
		fresh.count(r, &seen)
		c.kinds[id] = fresh
	}
}

func (k *Kind) count(r *slog.Record, s *seen) {
	k.Count++
	if k.First.IsZero() {
		k.First = r.Time
	}
	k.Last = r.Time
	for _, id := range s.tickets {
		add(&k.Tickets, id, namesAtMost)
	}
	for _, id := range s.groups {
		add(&k.Groups, id, namesAtMost)
	}
	if s.webhook != "" {
		k.addWebhook(s.webhook)
	}
}

// kindOf names the kind of an error: the sentinels that it is, and the types in its chain, without those that only wrap.
func (c *Collector) kindOf(err error) string {
	if err == nil {
		return ""
	}
	name := ""
	for _, s := range c.sentinels {
		if errors.Is(err, s.err) {
			name = join(name, s.name)
		}
	}
	return typesOf(name, err, chainAtMost)
}
