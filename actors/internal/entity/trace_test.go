package entity

import (
	"testing"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/tracing"
)

// A turn that belongs to no trace allocates nothing for traces, whether they are on or not.
func TestATurnWithoutATraceAllocatesNothingForIt(t *testing.T) {
	for name, tracer := range map[string]*tracing.Tracer{"off": nil, "on": tracing.New(sdk.NewTracerProvider())} {
		env, m := &Env{Ctx: t.Context(), Tracer: tracer}, &messages.Wake{}
		h := &Host{Env: env}
		h.traced.Context = env.Ctx
		h.Ctx = &h.traced
		n := testing.AllocsPerRun(100, func() {
			if withMark(m, env.markOf(h.Ctx)) != any(m) {
				t.Error("it has a mark")
			}
			h.In(h.Mark())()
			tracing.MarkOf(h.Ctx).Child("storage Ticket", tracing.Client, time.Time{}).End()
			if h.Beside() != env.Ctx {
				t.Error("it has a context of its own")
			}
		})
		if n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// What an entity keeps for later keeps its mark, and does not lend it to what else is done in the turn.
func TestWhatIsDoneLaterKeepsItsMark(t *testing.T) {
	tracer := tracing.New(sdk.NewTracerProvider())
	first := tracer.Begin(nil, "first", tracing.Inside, time.Now()).Mark()
	second := tracer.Begin(nil, "second", tracing.Inside, time.Now()).Mark()
	h := &Host{Env: &Env{Ctx: t.Context(), Tracer: tracer}}
	h.traced.Context = h.Env.Ctx
	h.Ctx = &h.traced
	h.traced.Set(first)
	beside := h.Beside()
	back := h.In(second)
	if h.Mark() != second || tracing.MarkOf(h.Ctx) != second || tracing.MarkOf(beside) != first {
		t.Error("not in the second trace")
	}
	none := h.In(nil)
	if tracing.MarkOf(h.Ctx) != nil {
		t.Error("not in no trace")
	}
	none()
	back()
	if h.Mark() != first {
		t.Error("not back")
	}
	kept := withMark(&messages.Wake{}, first)
	if m, mark := Unmarked(kept); m == nil || mark != first {
		t.Error("the message lost its mark")
	}
	if m, mark := Unmarked(retire{}); m != nil || mark != nil {
		t.Error("a message of the node's own travels")
	}
}
