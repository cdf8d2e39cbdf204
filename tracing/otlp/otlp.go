// Package otlp sends traces to a collector of OpenTelemetry, by OTLP over HTTP. Whatever happens there, the desk goes on:
// spans that can't be sent are dropped.
package otlp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"

	"github.com/topicdesk/topicdesk/tracing"
)

// Options say where spans go, and which.
type Options struct {
	Endpoint string            // the whole URL
	Headers  map[string]string // sent with them; they may be secret
	Service  string            // service.name
	Version  string            // of the program
	Instance string            // tells this process from others of the service
	Resource map[string]string // what is said of the process besides; it goes before
	Sampler  string            // as OTEL_TRACES_SAMPLER; "": parentbased_always_on
	Share    float64           // of the samplers that take one, from 0 to 1
	Log      *slog.Logger
	Metrics  prometheus.Registerer
}

const (
	queueAtMost = 2048 // spans that wait to be sent; more are dropped
	// stopWithin is how long a stop waits for the last spans to be sent.
	stopWithin = 2 * time.Second
	sayEvery   = time.Minute // how far apart lines about lost spans are
)

// Start makes a tracer that sends its spans. It calls nobody yet. stop sends what is left, within 2 s and as long as ctx
// allows, and never fails: that spans are lost is logged.
func Start(o Options) (t *tracing.Tracer, stop func(ctx context.Context), err error) {
	sampler, err := samplerOf(o.Sampler, o.Share)
	if err != nil {
		return nil, nil, err
	}
	exporter, err := otlptracehttp.New(context.Background(), otlptracehttp.WithEndpointURL(o.Endpoint),
		otlptracehttp.WithHeaders(o.Headers))
	if err != nil {
		return nil, nil, fmt.Errorf("traces: %w", err)
	}
	s := newSender(exporter, o)
	provider := sdk.NewTracerProvider(sdk.WithSampler(sampler), sdk.WithResource(resourceOf(o)), sdk.WithSpanProcessor(counter{s}),
		sdk.WithSpanProcessor(sdk.NewBatchSpanProcessor(s, sdk.WithMaxQueueSize(queueAtMost))))
	return tracing.New(provider), func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, stopWithin)
		defer cancel()
		_ = provider.Shutdown(ctx) // the sender counts what it loses
		s.end()
	}, nil
}

func samplerOf(name string, share float64) (sdk.Sampler, error) {
	switch name {
	case "", "parentbased_always_on":
		return sdk.ParentBased(sdk.AlwaysSample()), nil
	case "parentbased_always_off":
		return sdk.ParentBased(sdk.NeverSample()), nil
	case "parentbased_traceidratio":
		return sdk.ParentBased(sdk.TraceIDRatioBased(share)), nil
	case "always_on":
		return sdk.AlwaysSample(), nil
	case "always_off":
		return sdk.NeverSample(), nil
	case "traceidratio":
		return sdk.TraceIDRatioBased(share), nil // the same for all spans of a trace: it goes by its id
	}
	return nil, fmt.Errorf("OTEL_TRACES_SAMPLER=%s is unknown", name)
}

func resourceOf(o Options) *resource.Resource {
	attributes := []attribute.KeyValue{attribute.String("service.name", o.Service), attribute.String("service.version", o.Version),
		attribute.String("service.instance.id", o.Instance)}
	for name, value := range o.Resource {
		if name != "service.name" { // OTEL_SERVICE_NAME goes before
			attributes = append(attributes, attribute.String(name, value)) // of two, the later one counts
		}
	}
	return resource.NewSchemaless(attributes...)
}

// sender passes spans on to the exporter, and counts what became of them. Its lines about losses come at a bounded rate.
type sender struct {
	sdk.SpanExporter
	log        *slog.Logger
	sent, lost prometheus.Counter
	ended      atomic.Int64 // spans

	mu      sync.Mutex
	handled int64 // spans that were sent or lost
	unsaid  int64 // lost ones of which no line tells yet
	said    time.Time
}

func newSender(exporter sdk.SpanExporter, o Options) *sender {
	spans := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "topicdesk", Name: "trace_spans_total",
		Help: "Spans of OpenTelemetry traces, by what became of them: sent or lost."}, []string{"outcome"})
	if o.Metrics != nil {
		o.Metrics.MustRegister(spans)
	}
	return &sender{SpanExporter: exporter, log: o.Log, sent: spans.WithLabelValues("sent"), lost: spans.WithLabelValues("lost")}
}

// ExportSpans implements sdk.SpanExporter. It does not fail: the SDK would print the error past the log.
func (s *sender) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	err := s.SpanExporter.ExportSpans(ctx, spans)
	s.mu.Lock()
	defer s.mu.Unlock()
	n := int64(len(spans))
	s.handled += n
	// What has ended and is neither handled nor in the queue was dropped because the queue was full.
	if dropped := s.ended.Load() - s.handled - queueAtMost; dropped > 0 {
		s.lose(dropped)
		s.handled += dropped
		s.say(errors.New("they come faster than they are taken"))
	}
	if err == nil {
		s.sent.Add(float64(n))
		return nil
	}
	s.lose(n)
	s.say(err)
	return nil
}

func (s *sender) lose(n int64) {
	s.lost.Add(float64(n))
	s.unsaid += n
}

func (s *sender) say(why error) {
	if now := time.Now(); now.Sub(s.said) >= sayEvery {
		s.log.Warn("traces are lost: they can't be sent to OTEL_EXPORTER_OTLP_ENDPOINT", "spans", s.unsaid, "error", shortened(why))
		s.said, s.unsaid = now, 0
	}
}

// end tells of the spans that were not sent before the stop.
func (s *sender) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if left := s.ended.Load() - s.handled; left > 0 {
		s.lose(left)
	}
	if s.unsaid > 0 {
		s.log.Warn("traces are lost: they could not be sent before the stop", "spans", s.unsaid)
	}
}

// shortened is an error that may have the answer of a server in it.
func shortened(err error) string {
	const atMost = 300
	text := err.Error()
	return text[:min(len(text), atMost)]
}

// counter counts the spans that end.
type counter struct{ *sender }

func (counter) OnStart(context.Context, sdk.ReadWriteSpan) {}
func (counter) ForceFlush(context.Context) error           { return nil }
func (counter) Shutdown(context.Context) error             { return nil }

func (c counter) OnEnd(span sdk.ReadOnlySpan) {
	if span.SpanContext().IsSampled() {
		c.ended.Add(1)
	}
}
