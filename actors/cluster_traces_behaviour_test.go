//go:build !race

package actors_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/topicdesk/topicdesk/tracing"
)

// recorders keep the spans of each node, by its owner.
type recorders struct {
	mu sync.Mutex
	of map[string]*tracetest.SpanRecorder
}

func (r *recorders) tracer(owner string) *tracing.Tracer {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.of[owner] == nil {
		r.of[owner] = tracetest.NewSpanRecorder()
	}
	return tracing.New(sdk.NewTracerProvider(sdk.WithSpanProcessor(r.of[owner])))
}

// found is a span, and the node that recorded it.
type found struct {
	sdk.ReadOnlySpan
	node string
}

// named finds spans by their name, by id.
func (r *recorders) named(names ...string) map[trace.SpanID]found {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := map[trace.SpanID]found{}
	for node, recorder := range r.of {
		for _, s := range recorder.Ended() {
			for _, name := range names {
				if s.Name() == name {
					all[s.SpanContext().SpanID()] = found{s, node}
				}
			}
		}
	}
	return all
}

// A trace goes on from node to node: of the turns that record what people say, some are on another node than the update.
func TestClusterTracesGoOnBetweenNodes(t *testing.T) {
	r := &recorders{of: map[string]*tracetest.SpanRecorder{}}
	o := clustered(t)
	o.tracer = r.tracer
	d := ready(t, o)
	second := d.joins("second")
	defer second.stop(t)
	for i := range 8 {
		k := d.open(d.ann, d.support, fmt.Sprintf("Printer %d", i))
		d.say(d.ann, d.support, k.thread, "hello")
	}
	elsewhere := func() (n int) {
		updates := r.named("update message")
		for _, turn := range r.named("ticket RecordMessage") {
			update, ok := updates[turn.Parent().SpanID()]
			if ok && update.SpanContext().TraceID() == turn.SpanContext().TraceID() && update.node != turn.node {
				n++
			}
		}
		return n
	}
	d.eventually("a turn on the other node belongs to its update", func() bool { return elsewhere() > 0 })
	for _, turn := range r.named("ticket RecordMessage") {
		for _, a := range turn.Attributes() {
			if a.Value.Type() == attribute.STRING && a.Value.AsString() == "hello" {
				t.Errorf("a span tells what was said: %v", turn.Attributes())
			}
		}
	}
}

// TestClusterNodesAnswerInATrace: whoever asks how the nodes are may be in a trace, which goes to the other nodes.
func TestClusterNodesAnswerInATrace(t *testing.T) {
	r := &recorders{of: map[string]*tracetest.SpanRecorder{}}
	o := clustered(t)
	o.tracer = r.tracer
	d := ready(t, o)
	second := d.joins("second")
	defer second.stop(t)
	span := r.tracer("who asks").Begin(nil, "GET /api/v1/nodes", tracing.Server, time.Now())
	defer span.End()
	d.eventually("each node answers", func() bool {
		nodes := d.system.Nodes(tracing.With(t.Context(), span.Mark()))
		return len(nodes) == 2 && nodes[0].Trouble == "" && nodes[1].Trouble == ""
	})
}
