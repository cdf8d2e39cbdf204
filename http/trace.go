package httpedge

import (
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"

	"github.com/topicdesk/topicdesk/tracing"
)

// trace handles a request as a span, in the trace that the client names by traceparent. It comes after the key is checked: a
// client may ask for its request to be recorded, and somebody without a key must not fill the traces.
func (a *API) trace(ctx huma.Context, c *call, began time.Time, next func(huma.Context)) {
	if a.o.Tracer == nil {
		next(ctx)
		return
	}
	f, operation := humafiber.UnwrapV2(ctx), ctx.Operation()
	because := ""
	if given := f.Request().Header.PeekAll(tracing.Header); len(given) == 1 { // of several none counts
		because = string(given[0])
	}
	span := a.o.Tracer.Begin(a.o.Tracer.Read(because), operation.Method+" "+operation.Path, tracing.Server, began)
	if span == nil {
		next(ctx)
		return
	}
	defer span.End()
	in := tracing.With(ctx.Context(), span.Mark())
	f.SetUserContext(in) // for the request's line in the log
	next(huma.WithContext(ctx, in))
	status := f.Response().StatusCode()
	span.Note("http.request.method", operation.Method)
	span.Note("http.route", operation.Path)
	span.Note("topicdesk.operation", operation.OperationID)
	span.Note("topicdesk.key", c.key.KeyId)
	span.Note("topicdesk.request", requestID(f))
	span.NoteInt("http.response.status_code", int64(status))
	if status >= http.StatusInternalServerError {
		span.Fail(http.StatusText(status))
	}
}
