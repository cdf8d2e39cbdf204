package collect_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/actors/internal/collect"
)

var errGone = errors.New("it is gone")

// gathered is a collector, and a logger whose errors it gathers.
func gathered() (*collect.Collector, *slog.Logger) {
	c := collect.New(collect.Options{
		Redact:    func(text string) string { return strings.ReplaceAll(text, "s3cr3t", "***") },
		Sentinels: map[string]error{"gone": errGone},
	})
	return c, slog.New(c.Handler(slog.DiscardHandler))
}

// only is the one kind that was gathered.
func only(t *testing.T, c *collect.Collector) *collect.Kind {
	t.Helper()
	kinds, lost := c.Take()
	if len(kinds) != 1 || lost != 0 {
		t.Fatalf("got %d kinds and %d lost, want one", len(kinds), lost)
	}
	return kinds[0]
}

func TestKindsAreToldApartByPlaceAndErrorNotByValues(t *testing.T) {
	c, log := gathered()
	fail := func(n int, err error) { log.Error(fmt.Sprintf("attempt %d failed", n), "n", n, "error", err) }
	for i := range 5 {
		fail(i, fmt.Errorf("ticket %d: %w", i, errGone))
	}
	k := only(t, c)
	if k.Count != 5 || k.Message != "attempt # failed" || k.Error != "gone" || k.Warning || len(k.Fingerprint) != 16 {
		t.Errorf("%+v", k)
	}
	if strings.ContainsAny(k.Place, "0123456789") || !strings.HasSuffix(k.Place, "(collect_test.go)") {
		t.Errorf("the place %q is not the same in each build", k.Place)
	}
	fail(1, errGone)
	fail(1, io.EOF)
	fail(1, &slogError{})
	log.Error("attempt 1 failed", "error", errGone) // elsewhere, but in the same function
	log.With("chat", "g1").Error("attempt 1 failed", "error", errGone)
	kinds, _ := c.Take()
	var seen []string
	for _, other := range kinds {
		seen = append(seen, other.Component+"|"+other.Error)
		if same := other.Error == "gone" && other.Component != "chat"; same != (other.Fingerprint == k.Fingerprint) {
			t.Errorf("%+v beside %+v", other, k)
		}
		if other.Fingerprint == k.Fingerprint && other.Count != 2 {
			t.Errorf("two calls in one function are two kinds: %+v", other)
		}
	}
	slices.Sort(seen)
	if len(seen) != 4 {
		t.Errorf("got %q", seen)
	}
}

type slogError struct{}

func (*slogError) Error() string { return "mine" }

func TestWhatAnErrorIsAbout(t *testing.T) {
	c, log := gathered()
	entity := log.With("link", "TICK-MDJ3K5QP-1A2B3C4D:2")
	entity.Warn("a copy failed", "operation", "op", "group", "g-100", "took", time.Second)
	log.With("webhook", "wh_a").Warn("a webhook fails")
	kinds, _ := c.Take()
	for _, k := range kinds {
		switch k.Component {
		case "link":
			if !slices.Equal(k.Tickets, []string{"TICK-MDJ3K5QP-1A2B3C4D"}) || !slices.Equal(k.Groups, []string{"g-100"}) || !k.Warning ||
				!slices.Contains(k.Facts, collect.Fact{Name: "took", Value: "1s"}) {
				t.Errorf("%+v", k)
			}
		case "webhook":
			if !slices.Equal(k.Webhooks, []string{"wh_a"}) || k.MoreWebhooks {
				t.Errorf("%+v", k)
			}
		default:
			t.Errorf("%+v", k)
		}
	}
	for i := range 60 {
		log.With("webhook", fmt.Sprint("wh_", i)).Warn("a webhook fails")
	}
	if k := only(t, c); len(k.Webhooks) != 50 || !k.MoreWebhooks || k.Count != 60 {
		t.Errorf("%+v", k)
	}
}

func TestExamplesHaveNoSecretsAndNoContents(t *testing.T) {
	c, log := gathered()
	log.WithGroup("inner").Error("in a group", "error", "words of a group")
	log.Error("a message can't be sent", "text", "my private words", "title", "Dismissal of Ann",
		"content", []string{"my private words"}, "who", struct{ Name string }{"Ann Lee"},
		"error", errors.New(`POST https://api/bots3cr3t/x: Bad Request: "my private words" near "Ann", in "chat-12.txt" and “ของฉัน”`),
		"requestId", "REQ1", "code", 400)
	kinds, _ := c.Take()
	for _, k := range kinds {
		all := fmt.Sprintf("%+v", *k)
		for _, secret := range []string{"private", "Dismissal", "Ann", "s3cr3t", "ของ", "words of a group"} {
			if strings.Contains(all, secret) {
				t.Errorf("%q is in %s", secret, all)
			}
		}
		if k.Message == "in a group" {
			continue
		}
		for _, kept := range []string{"REQ1", "400", "Bad Request", "chat-12.txt", "bot***"} {
			if !strings.Contains(all, kept) {
				t.Errorf("%q is not in %s", kept, all)
			}
		}
	}
}

func TestALoggerThatPassesNothingOnIsHeardAllTheSame(t *testing.T) {
	c, log := gathered()
	log.Info("not this")
	log.Warn("this")
	if k := only(t, c); k.Message != "this" {
		t.Errorf("%+v", k)
	}
}

type panics struct{}

func (panics) Error() string { panic("in an error") }

func TestAPanicInAValueStaysAway(t *testing.T) {
	c, log := gathered()
	log.Error("it fails", "error", panics{})
	if kinds, lost := c.Take(); len(kinds) != 0 || lost != 1 {
		t.Errorf("%d %d", len(kinds), lost)
	}
}

// A storm: many goroutines log 1,500 kinds, one of them 10,000 times a second and more.
func TestAStormIsBounded(t *testing.T) {
	c, log := gathered()
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	const kinds, each, most = 1500, 20, 100_000
	before := heap()
	began := time.Now()
	var loggers sync.WaitGroup
	for i := range 4 {
		loggers.Go(func() {
			for n := range most / 4 {
				log.ErrorContext(context.Background(), "one kind", "error", errGone, "n", n)
			}
			for range each {
				for k := range kinds {
					log.Error("kind "+letters(k), "stack", strings.Repeat("x", 5000), "n", i)
				}
			}
		})
	}
	loggers.Wait()
	took := time.Since(began)
	grown := int64(heap()) - int64(before)
	taken, lost := c.Take()
	var counted int64
	for _, k := range taken {
		counted += k.Count
	}
	if len(taken) != collect.KindsAtMost || counted+lost != most+4*each*kinds {
		t.Errorf("%d kinds, %d counted, %d lost", len(taken), counted, lost)
	}
	if grown > 8<<20 {
		t.Errorf("it takes %d kB", grown>>10)
	}
	perRecord := took / time.Duration(most+4*each*kinds)
	t.Logf("%s for a record, %d kB for %d kinds", perRecord, grown>>10, len(taken))
	if again, lost := c.Take(); len(again) != 0 || lost != 0 {
		t.Error("it is told twice")
	}
}

func letters(n int) string {
	var b strings.Builder
	for ; n > 0; n /= 26 {
		b.WriteByte(byte('a' + n%26))
	}
	return b.String()
}

func BenchmarkGather(b *testing.B) {
	_, log := gathered()
	entity := log.With("ticket", "TICK-MDJ3K5QP-1A2B3C4D")
	err := fmt.Errorf("a write: %w", errGone)
	b.ReportAllocs()
	for b.Loop() {
		entity.Error("not accepted", "message", "*messages.CloseTicket", "error", err)
	}
}
