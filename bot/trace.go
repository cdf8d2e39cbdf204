package bot

import (
	"context"
	"net/http"
	"time"

	"github.com/topicdesk/topicdesk/tracing"
)

// beginSpan begins the span of a call to Telegram. It names the method, never the address, in which the token is.
func beginSpan(ctx context.Context, method string) *tracing.Span {
	mark := tracing.MarkOf(ctx)
	if !mark.Recorded() {
		return nil
	}
	return mark.Child("telegram "+method, tracing.Client, time.Now())
}

// end ends the span of an exchange.
func (x *exchange) end(span *tracing.Span) {
	switch {
	case span == nil:
		return
	case x.status == 0:
		span.Fail("no answer")
	default:
		span.NoteInt("http.response.status_code", int64(x.status))
		if x.status != http.StatusOK {
			span.Fail("refused")
		}
	}
	span.End()
}

// trace begins the span of an update, and with it a trace.
func (in *Intake) trace(ctx context.Context, u *Update) (context.Context, *tracing.Span) {
	if in.tracer == nil {
		return ctx, nil
	}
	span := in.tracer.Begin(nil, "update "+u.Kind, tracing.Consumer, time.Now())
	if span == nil {
		return ctx, nil
	}
	span.NoteInt("topicdesk.update", u.ID)
	span.NoteInt("topicdesk.telegram.chat", u.topic().chat)
	span.NoteInt("topicdesk.telegram.topic", u.topic().thread)
	return tracing.With(ctx, span.Mark()), span
}
