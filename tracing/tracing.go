// Package tracing follows what the desk does because of one update, or of one request, as traces of OpenTelemetry. It
// knows nothing of ours, and not where traces go: package tracing/otlp sends them.
//
// A Tracer begins spans at the edges. What happens because of a span is marked with it: a Mark travels in contexts, in
// the envelopes of messages, and, as a traceparent (W3C Trace Context), between nodes, in events and to webhooks. Spans
// inside the desk begin only as children of a mark. So what was not sampled at its edge costs a nil pointer, and the
// nil Tracer, Mark and Span do nothing.
package tracing

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Header is the name of the header, in lower case, that carries a traceparent.
const Header = "traceparent"

// Kind says whether a span serves somebody outside, calls somebody outside, or neither.
type Kind = trace.SpanKind

// The kinds of span.
const (
	Inside = trace.SpanKindInternal
	Server = trace.SpanKindServer
	Client = trace.SpanKindClient
	// Consumer is for what comes from a queue, such as an update of Telegram.
	Consumer = trace.SpanKindConsumer
)

// Tracer begins spans.
type Tracer struct{ tracer trace.Tracer }

// New makes a tracer whose spans a provider of the SDK samples and exports.
func New(from trace.TracerProvider) *Tracer {
	return &Tracer{from.Tracer("github.com/topicdesk/topicdesk")}
}

// Mark names the span because of which something happens.
type Mark struct {
	of  *Tracer
	ids trace.SpanContext
}

// Read makes the mark that a traceparent names. nil: it is none, or nothing is traced.
func (t *Tracer) Read(traceparent string) *Mark {
	if t == nil || traceparent == "" {
		return nil
	}
	ctx := propagation.TraceContext{}.Extract(context.Background(), propagation.MapCarrier{Header: traceparent})
	ids := trace.SpanContextFromContext(ctx)
	if !ids.IsValid() {
		return nil
	}
	return &Mark{t, ids}
}

// Begin begins a span at an edge: because of a mark from outside, or, without one, as the first of a trace. The sampler
// decides whether it is recorded. One that is not, and has no mark from outside, is nil.
func (t *Tracer) Begin(because *Mark, name string, kind Kind, began time.Time) *Span {
	if t == nil {
		return nil
	}
	ctx := context.Background()
	if because != nil {
		ctx = trace.ContextWithRemoteSpanContext(ctx, because.ids)
	}
	span := t.begin(ctx, name, kind, began)
	if because == nil && !span.span.IsRecording() {
		return nil
	}
	return span
}

func (t *Tracer) begin(ctx context.Context, name string, kind Kind, began time.Time) *Span {
	_, span := t.tracer.Start(ctx, name, trace.WithSpanKind(kind), trace.WithTimestamp(began))
	return &Span{mark: Mark{t, span.SpanContext()}, span: span}
}

// Recorded says whether Child makes a span. Whoever has to make up a name for that asks first, so that what is not traced costs
// nothing.
func (m *Mark) Recorded() bool { return m != nil && m.ids.IsSampled() }

// Child begins a span because of the mark. It is nil where the mark's own span is not recorded.
func (m *Mark) Child(name string, kind Kind, began time.Time) *Span {
	if !m.Recorded() {
		return nil
	}
	ctx := trace.ContextWithSpanContext(context.Background(), m.ids)
	return m.of.begin(ctx, name, kind, began)
}

// Traceparent is the mark as it travels; "" for none.
func (m *Mark) Traceparent() string {
	if m == nil {
		return ""
	}
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(trace.ContextWithSpanContext(context.Background(), m.ids), carrier)
	return carrier[Header]
}

// IDs are the ids of the trace and of the span, in hex; "" for the nil mark.
func (m *Mark) IDs() (traceID, spanID string) {
	if m == nil {
		return "", ""
	}
	return m.ids.TraceID().String(), m.ids.SpanID().String()
}

// Span is a piece of work. Any goroutine may call its methods. What is noted is an id, a kind or a code: never what people
// wrote, nor a secret, nor an address that may hold one.
type Span struct {
	mark Mark
	span trace.Span
}

// Mark is that of the span.
func (s *Span) Mark() *Mark {
	if s == nil {
		return nil
	}
	return &s.mark
}

// Note notes an id, a kind or a code.
func (s *Span) Note(name, value string) {
	if s != nil {
		s.span.SetAttributes(attribute.String(name, value))
	}
}

// NoteInt notes a number.
func (s *Span) NoteInt(name string, value int64) {
	if s != nil {
		s.span.SetAttributes(attribute.Int64(name, value))
	}
}

// Fail says that the work failed; why is a code, not the text of an error, which may repeat what people wrote.
func (s *Span) Fail(why string) {
	if s != nil {
		s.span.SetStatus(codes.Error, why)
	}
}

// End ends the span, once.
func (s *Span) End() {
	if s != nil {
		s.span.End()
	}
}
