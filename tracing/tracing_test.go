package tracing_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/topicdesk/topicdesk/tracing"
)

func newTracer(sampler sdk.Sampler) (*tracing.Tracer, *tracetest.SpanRecorder) {
	recorder := tracetest.NewSpanRecorder()
	return tracing.New(sdk.NewTracerProvider(sdk.WithSampler(sampler), sdk.WithSpanProcessor(recorder))), recorder
}

const given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

func TestAMarkTravels(t *testing.T) {
	tracer, recorder := newTracer(sdk.AlwaysSample())
	first := tracer.Begin(tracer.Read(given), "request", tracing.Server, time.Now())
	elsewhere := tracer.Read(first.Mark().Traceparent())
	second := elsewhere.Child("turn", tracing.Inside, time.Now())
	second.Note("topicdesk.kind", "ticket")
	second.NoteInt("topicdesk.update", 7)
	second.Fail("conflict")
	second.End()
	first.End()
	spans := recorder.Ended()
	if len(spans) != 2 || spans[0].Parent().SpanID() != spans[1].SpanContext().SpanID() ||
		spans[1].Parent().SpanID().String() != "b7ad6b7169203331" || spans[0].Status().Description != "conflict" ||
		spans[0].SpanContext().TraceID().String() != "0af7651916cd43dd8448eb211c80319c" {
		t.Errorf("%+v", spans)
	}
}

func TestWhatIsNoTraceparent(t *testing.T) {
	tracer, _ := newTracer(sdk.AlwaysSample())
	for _, text := range []string{"", "x", strings.Repeat("0", 16<<10), given[:54], given + "0", given + "\n",
		"ff" + given[2:], strings.ToUpper(given), "00-00000000000000000000000000000000-b7ad6b7169203331-01",
		"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01"} {
		if m := tracer.Read(text); m != nil {
			t.Errorf("%.60q is read as %s", text, m.Traceparent())
		}
	}
}

func TestNothingIsTraced(t *testing.T) {
	var off *tracing.Tracer
	never, recorder := newTracer(sdk.NeverSample())
	for _, tracer := range []*tracing.Tracer{off, never} {
		span := tracer.Begin(nil, "update", tracing.Consumer, time.Now())
		span.Note("a", "b")
		span.NoteInt("c", 1)
		span.Fail("d")
		span.Mark().Child("turn", tracing.Inside, time.Now()).End()
		span.End()
		if span.Mark() != nil || span.Mark().Traceparent() != "" || tracing.MarkOf(tracing.With(t.Context(), span.Mark())) != nil {
			t.Error("there is a mark")
		}
	}
	if off.Read(given) != nil || len(recorder.Started()) > 0 {
		t.Error("something is traced")
	}
}

// What is not traced allocates nothing.
func TestNothingIsAllocated(t *testing.T) {
	var off *tracing.Tracer
	ctx := context.Context(&tracing.Changing{Context: t.Context()})
	if n := testing.AllocsPerRun(100, func() {
		span := off.Begin(off.Read(given), "update", tracing.Consumer, time.Time{})
		m := tracing.MarkOf(tracing.With(ctx, span.Mark()))
		child := m.Child("storage SaveTicket", tracing.Client, time.Time{})
		child.Note("a", "b")
		child.End()
		span.End()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestLogLinesNameTheirTrace(t *testing.T) {
	tracer, _ := newTracer(sdk.AlwaysSample())
	var text bytes.Buffer
	log := slog.New(tracing.Handler(slog.NewTextHandler(&text, nil)))
	span := tracer.Begin(tracer.Read(given), "request", tracing.Server, time.Now())
	defer span.End()
	_, spanID := span.Mark().IDs()
	ids := "trace_id=0af7651916cd43dd8448eb211c80319c span_id=" + spanID
	changing := &tracing.Changing{Context: t.Context()}
	actor := slog.New(tracing.HandlerIn(changing, log.Handler())).With("ticket", "T")
	line := func(write func()) string {
		text.Reset()
		write()
		return text.String()
	}
	if got := line(func() { log.Info("plain"); actor.Info("plain") }); strings.Contains(got, "trace_id") {
		t.Error(got)
	}
	if got := line(func() { log.InfoContext(tracing.With(t.Context(), span.Mark()), "traced") }); !strings.Contains(got, ids) {
		t.Error(got)
	}
	changing.Set(span.Mark())
	for _, ctx := range []context.Context{t.Context(), changing} {
		if got := line(func() { actor.InfoContext(ctx, "traced") }); !strings.Contains(got, ids) || strings.Count(got, "trace_id") != 1 {
			t.Error(got)
		}
	}
	changing.Set(nil)
	if got := line(func() { actor.Info("plain") }); strings.Contains(got, "trace_id") {
		t.Error(got)
	}
}
