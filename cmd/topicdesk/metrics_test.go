package main

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/storage/sqlite"
)

// metricOf is a metric in an expression: one of ours, of Go's or of the process's.
var metricOf = regexp.MustCompile(`\b(topicdesk|go|process)_[a-z_]+`)

// TestMetricsThatAreNamed: a service that has done a little of everything has each metric that the board, the rules and the page for
// operators name, and they keep to the conventions.
func TestMetricsThatAreNamed(t *testing.T) {
	t.Parallel()
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer receiver.Close()
	h := newHooked(t, "OTEL_EXPORTER_OTLP_ENDPOINT", receiver.URL)
	h.addBot()
	h.begin()
	defer h.end()
	h.doALittle(receiver.URL)
	var text string
	h.await(func() string { return "the figures of an attempt at the webhook" }, func() bool {
		h.poke()
		_, text = status(h.addr, "/metrics")
		return regexp.MustCompile(`topicdesk_webhook_attempt_seconds_count [1-9]`).MatchString(text)
	})
	has := func(name string) bool {
		for _, end := range []string{"", "_bucket", "_count", "_sum"} {
			if base, cut := strings.CutSuffix(name, end); cut && strings.Contains(text, "\n# TYPE "+base+" ") {
				return true
			}
		}
		return false
	}
	for _, file := range []string{"deploy/grafana/topicdesk.json", "deploy/prometheus/topicdesk.rules.yaml", "docs/operations.md"} {
		named, err := os.ReadFile("../../" + file)
		h.must(err)
		names := metricOf.FindAllString(string(named), -1)
		slices.Sort(names)
		for _, name := range slices.Compact(names) {
			if !has(name) {
				t.Errorf("%s names %s, which a running service does not have", file, name)
			}
		}
	}
	t.Run("promtool", func(t *testing.T) {
		if _, err := exec.LookPath("promtool"); err != nil {
			t.Skip("promtool is not here: Debian has it in prometheus")
		}
		check := exec.CommandContext(t.Context(), "promtool", "check", "metrics")
		check.Stdin = strings.NewReader(text)
		if out, err := check.CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("promtool check metrics: %v\n%s", err, out)
		}
	})
}

// doALittle opens a ticket with two topics and an endpoint that hears of it, and waits until a message was copied.
func (h *hooked) doALittle(receiver string) {
	h.Helper()
	h.call(http.MethodPost, "/webhooks", map[string]any{"url": receiver, "events": []string{"*"}}, nil)
	for _, group := range []int64{h.support, h.works} {
		h.say(h.bob, group, 0, "/register")
	}
	h.say(h.bob, h.works, 0, "/default_group")
	h.say(h.alice, h.support, 0, "/create_ticket Printer")
	h.await(func() string { return "the ticket's topic" }, func() bool { return len(h.sim.Topics(h.support)) > 0 })
	home := h.topic(h.support, "Printer")
	h.say(h.alice, h.support, home, "/mention @bob_b")
	h.await(func() string { return "the other topic" }, func() bool { return len(h.sim.Topics(h.works)) > 0 })
	h.say(h.alice, h.support, home, "It burns")
	h.await(func() string { return "the copy" }, func() bool {
		for _, m := range h.sim.Messages(h.works, h.topic(h.works, "Printer")) {
			if strings.Contains(m.Text, "It burns") {
				return true
			}
		}
		return false
	})
}

// counting is a store that counts, or fails to.
type counting struct {
	asked            int
	failing, waiting error // of CountTickets and of CountWaiting
}

func (c *counting) CountTickets(context.Context) (map[string]int64, error) {
	c.asked++
	return map[string]int64{"open": int64(c.asked)}, c.failing
}

func (c *counting) CountWaiting(context.Context) (map[string]int64, error) {
	return map[string]int64{storage.WaitsForDesk: int64(c.asked)}, c.waiting
}

// TestMetricsKeepTheirCounts: where tickets can't be counted, the metrics have what was counted before, and not each scrape tries again.
func TestMetricsKeepTheirCounts(t *testing.T) {
	gone := errors.New("the storage is slow")
	for name, fails := range map[string]func(*counting){"by state": func(c *counting) { c.failing = gone }, "by whom they wait for": func(c *counting) { c.waiting = gone }} {
		t.Run(name, func(t *testing.T) {
			store := &counting{}
			m := &deskMetrics{tickets: store}
			m.count()
			fails(store)
			m.next = time.Time{} // as after a minute
			for range 3 {
				if got := m.count(); got.byState["open"] != 1 || got.waiting[storage.WaitsForDesk] != 1 {
					t.Errorf("%v", got)
				}
			}
			if store.asked != 2 {
				t.Errorf("counted %d times", store.asked)
			}
			store.failing, store.waiting, m.next = nil, nil, time.Time{}
			if got := m.count(); got.byState["open"] != 3 || got.waiting[storage.WaitsForDesk] != 3 {
				t.Errorf("later: %v", got)
			}
		})
	}
}

// TestMetricsOfALargeDesk: however many tickets and groups there are, the metrics are read in a moment, and have as many series.
func TestMetricsOfALargeDesk(t *testing.T) {
	if onServer() {
		t.Skip("it fills a SQLite file")
	}
	tickets, groups := 2000, 100
	if long() && !raceDetector {
		tickets, groups = 100_000, 1000
	}
	d := wake(t)
	first := d.serve("polling", 0) // makes the database
	first.awaitReady()
	if code := first.stop(); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	many := slices.Clone(d.groups)
	for i := range groups {
		many = append(many, -1_009_000_000_000-int64(i))
	}
	d.must(fillOpen(t.Context(), filepath.Join(d.folder, "topicdesk.db"), many, tickets, tickets/10))
	d.must(fillGroups(t.Context(), filepath.Join(d.folder, "topicdesk.db"), many[len(d.groups):]))
	addr := freeAddr(t)
	p := d.serve("polling", 1, "HTTP_ADDR", addr)
	p.awaitReady()
	d.await(func() string { return "what owes something is woken" }, func() bool {
		d.poke()
		_, text := status(addr, "/metrics")
		match := wokenTickets.FindStringSubmatch(text)
		return match != nil && match[1] == strconv.Itoa(tickets/10)
	})
	var took []time.Duration
	var text string
	for range 20 {
		began := time.Now()
		_, text = status(addr, "/metrics")
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	series := 0
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "#") {
			series++
		}
	}
	t.Logf("%d open tickets, %d groups: /metrics takes %v, %v at most, and has %d series in %d kB", tickets, groups,
		took[len(took)/2].Round(time.Millisecond), took[len(took)-1].Round(time.Millisecond), series, len(text)/1000)
	if series > 6000 {
		t.Errorf("%d series are too many", series)
	}
	if took[len(took)/2] > 200*time.Millisecond && !busy() {
		t.Errorf("that takes too long: %v", took)
	}
	if code := p.stop(); code != 0 {
		t.Fatalf("exit code %d", code)
	}
}

// fillGroups writes groups into a database, each with a chat that is behind.
func fillGroups(ctx context.Context, path string, groups []int64) error {
	store, err := sqlite.Open(ctx, path, sqlite.WithExclusive(), sqlite.WithoutSync())
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	for _, id := range groups {
		place := messages.GroupPlace(id)
		err := errors.Join(
			store.SaveGroup(ctx, &storage.Group{GroupID: place, TelegramGroupID: id, Title: place, Type: "supergroup", IsForum: true,
				BotStatus: "administrator", CanManageTopics: true, SupportTopicsEnabled: true}),
			store.SaveChat(ctx, &storage.Chat{ChatID: place, Oldest: time.Now().Add(-time.Minute), Waiting: 3}))
		if err != nil {
			return err
		}
	}
	return store.Close()
}
