package otlp

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/topicdesk/topicdesk/tracing"
)

// lines is a log.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

// A collector that refuses everything, and one that never answers, hold up neither the desk nor its stop.
func TestACollectorInTroubleHoldsNothingUp(t *testing.T) {
	stuck := make(chan struct{})
	for name, serve := range map[string]http.HandlerFunc{
		"refuses":  func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusBadRequest) },
		"is stuck": func(http.ResponseWriter, *http.Request) { <-stuck },
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(serve)
			defer s.Close()
			if name == "is stuck" {
				defer close(stuck)
			}
			log, registry := &lines{}, prometheus.NewRegistry()
			tracer, stop, err := Start(Options{Endpoint: s.URL + "/v1/traces", Service: "desk", Metrics: registry,
				Headers: map[string]string{"api-key": "a secret"}, Log: slog.New(slog.NewTextHandler(log, nil))})
			if err != nil {
				t.Fatal(err)
			}
			const n = 5 * queueAtMost
			began := time.Now()
			for range n {
				tracer.Begin(nil, "update", tracing.Consumer, time.Now()).End()
			}
			stop(t.Context())
			if took := time.Since(began); took > stopWithin+20*time.Second {
				t.Errorf("it took %v", took)
			}
			if text := log.text.String(); strings.Count(text, "traces are lost") > 2 || !strings.Contains(text, "traces are lost") ||
				strings.Contains(text, "a secret") {
				t.Errorf("log: %s", text)
			}
			families, err := registry.Gather()
			if err != nil {
				t.Fatal(err)
			}
			counted := map[string]float64{}
			for _, m := range families[0].Metric {
				counted[m.Label[0].GetValue()] = m.Counter.GetValue()
			}
			if off := counted["lost"] - n; off < 0 || off > n/100 || counted["sent"] != 0 { // a span in flight may count twice
				t.Errorf("of %d spans: %v", n, counted)
			}
		})
	}
}

func TestSamplers(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer s.Close()
	const given, unwanted = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
	for _, tt := range []struct {
		sampler               string
		share                 float64
		own, given, notWanted bool // is one traced that nobody asks for, that a program asks for, that it wants not to be
	}{
		{"", 1, true, true, false},
		{"parentbased_always_on", 1, true, true, false},
		{"parentbased_always_off", 1, false, true, false},
		{"parentbased_traceidratio", 0, false, true, false},
		{"always_on", 1, true, true, true},
		{"always_off", 1, false, false, false},
		{"traceidratio", 0, false, false, false},
	} {
		tracer, stop, err := Start(Options{Endpoint: s.URL, Sampler: tt.sampler, Share: tt.share, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		traced := func(traceparent string) bool {
			span := tracer.Begin(tracer.Read(traceparent), "request", tracing.Server, time.Now())
			defer span.End()
			child := span.Mark().Child("inside", tracing.Inside, time.Now())
			child.End()
			return child != nil
		}
		if traced("") != tt.own || traced(given) != tt.given || traced(unwanted) != tt.notWanted {
			t.Errorf("%q: %v %v %v", tt.sampler, traced(""), traced(given), traced(unwanted))
		}
		stop(t.Context())
	}
	if _, _, err := Start(Options{Endpoint: s.URL, Sampler: "sometimes"}); err == nil {
		t.Error("there is no such sampler")
	}
}
