package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// metricOf is a metric in an expression: one of ours, of Go's or of the process's.
var metricOf = regexp.MustCompile(`\b(topicdesk|go|process)_[a-z_]+`)

// TestMetricsThatAreNamed: a service that has done a little of everything has each metric that the board, the rules and the page for
// operators name, and they keep to the conventions.
func TestMetricsThatAreNamed(t *testing.T) {
	t.Parallel()
	h := newHooked(t)
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer receiver.Close()
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
