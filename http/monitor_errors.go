package httpedge

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/view"
)

// ErrorGroup is all warnings and errors of one kind, as the API shows it.
type ErrorGroup struct {
	Fingerprint string      `json:"fingerprint" doc:"The same for the same place in the code and kind of error, on every node and in every version that has it." example:"9f2c4e1107b3d5aa"`
	Level       string      `json:"level" enum:"warning,error" example:"error"`
	Component   string      `json:"component" doc:"The part of the service that met it." example:"chat"`
	Place       string      `json:"place" doc:"Where in the code: package, function and file." example:"actors/internal/chat.(*chat).onDone (calls.go)"`
	Message     string      `json:"message" example:"an answer can't be posted"`
	Kind        *string     `json:"kind" doc:"The kind of the error: its types and what it stands for. null: only a message was logged." example:"storage unavailable"`
	State       string      `json:"state" enum:"open,resolved" doc:"resolved: somebody has said so, and it has not occurred since." example:"open"`
	Count       int64       `json:"count" doc:"How often it has occurred." example:"17"`
	FirstAt     view.Time   `json:"firstAt"`
	LastAt      view.Time   `json:"lastAt"`
	ResolvedAt  *view.Time  `json:"resolvedAt" doc:"null: it is open."`
	MutedUntil  *view.Time  `json:"mutedUntil" doc:"Until then no event tells of it. null: it is not muted."`
	TicketIDs   []string    `json:"ticketIds" nullable:"false" doc:"The newest of the tickets that it is about, at most 20." example:"[\"TICK-MDJ3K5QP-1A2B3C4D\"]"`
	GroupIDs    []int64     `json:"groupIds" nullable:"false" doc:"The Telegram ids of the newest of the groups that it is about, at most 20." example:"[-1001234567890]"`
	WebhookIDs  []string    `json:"webhookIds" nullable:"false" doc:"The newest of the endpoints that it is about, at most 50."`
	Example     []ErrorFact `json:"example" nullable:"false" doc:"What is known of the newest example: ids, numbers, what Telegram or another system has said. Never what people have written, and no secret."`
}

// ErrorFact is one fact about an example of an error.
type ErrorFact struct {
	Name  string `json:"name" example:"error"`
	Value string `json:"value" example:"Bad Request: message thread not found"`
}

const aboutMonitoring = " It concerns the whole desk: a key that is bound to a group can't do it."

func (a *API) errorOperations() {
	register(a, op{
		id: "listErrors", method: http.MethodGet, path: "/errors",
		tag: tagMonitoring, summary: "List errors", scope: messages.ScopeMonitoringRead,
		description: "Lists the warnings and errors of all nodes, grouped by kind, those that occurred last first. At most 1000 groups " +
			"are kept; the oldest resolved ones go first, then the oldest. A node tells what it meets each 5 seconds." + aboutMonitoring,
		answer: exampleList(exampleError()),
	}, a.listErrors)
	register(a, op{
		id: "getError", method: http.MethodGet, path: "/errors/{fingerprint}",
		tag: tagMonitoring, summary: "Get an error", scope: messages.ScopeMonitoringRead,
		description: "Returns a group of errors. With `If-None-Match`, one that is unchanged is answered with 304." + aboutMonitoring,
		answer:      exampleError(),
	}, a.getError)
	register(a, op{
		id: "resolveError", method: http.MethodPost, path: "/errors/{fingerprint}/resolve",
		tag: tagMonitoring, summary: "Say that an error is mended", scope: messages.ScopeMonitoringWrite,
		description: "Marks a group of errors as resolved. When it occurs again, it is open again, and `error.occurred` tells of it." +
			aboutMonitoring,
		answer: exampleError(),
	}, a.resolveError)
	register(a, op{
		id: "muteError", method: http.MethodPost, path: "/errors/{fingerprint}/mute",
		tag: tagMonitoring, summary: "Mute an error", scope: messages.ScopeMonitoringWrite,
		description: "Has no event tell of a group of errors for a while. It is counted and listed all the same. With `{\"seconds\":0}` it " +
			"is muted no more." + aboutMonitoring,
		request: map[string]any{"seconds": 86400}, answer: exampleError(),
	}, a.muteError)
}

// ErrorListInput selects groups of errors.
type ErrorListInput struct {
	PageInput
	State []string `query:"state" enum:"open,resolved,muted" maxItems:"10" doc:"Only those in one of these states: open,muted, or the parameter repeated. open: neither resolved nor muted." example:"open,muted"`
}

type errorListOutput struct {
	Body List[ErrorGroup]
}

// seenFrom is the key of lists that show what happened last first.
type seenFrom struct {
	MS int64  `json:"ms"`
	ID string `json:"id"`
}

func (a *API) listErrors(ctx context.Context, c *call, in *ErrorListInput) (*errorListOutput, error) {
	if err := seesDesk(c); err != nil {
		return nil, err
	}
	states := each(in.State)
	list, after := "errors/"+strings.Join(states, ","), seenFrom{}
	if in.Cursor != "" {
		if err := readCursor(list, in.Cursor, &after); err != nil {
			return nil, err
		}
	}
	m := &messages.ListErrors{BeforeMs: after.MS, After: after.ID, Limit: int32(in.Limit + 1)}
	m.State, m.States = oneOrSeveral(states)
	found, err := ask[*messages.ErrorList](ctx, a, messages.KindMonitor, monitorDesk, m)
	if err != nil {
		return nil, err
	}
	key := func(e *messages.ErrorView) any { return seenFrom{e.LastMs, e.Fingerprint} }
	return &errorListOutput{Body: listOf(found.Errors, in.Limit, list, key, errorOf)}, nil
}

// monitorDesk is the identity of the one monitor.
const monitorDesk = "desk"

// ErrorPath names a group of errors in the path.
type ErrorPath struct {
	Fingerprint string `path:"fingerprint" minLength:"1" maxLength:"64" doc:"The fingerprint." example:"9f2c4e1107b3d5aa"`
}

type getErrorInput struct {
	ErrorPath
	IfNoneMatch string `header:"If-None-Match" maxLength:"1000" doc:"The ETags that the client has already."`
}

type errorOutput struct {
	Status int
	ETag   string `header:"ETag"`
	Body   ErrorGroup
}

// askError asks about one group of errors. For a key that is bound to a group there is none.
func (a *API) askError(ctx context.Context, c *call, m proto.Message) (*errorOutput, error) {
	if !c.sees("") {
		return nil, problem(codeNotFound)
	}
	found, err := ask[*messages.ErrorAnswer](ctx, a, messages.KindMonitor, monitorDesk, m)
	if err != nil {
		return nil, err
	}
	e := found.Error
	tag := `"` + strconv.FormatInt(e.Revision, 10) + "." + strconv.FormatInt(e.Count, 10) + `"`
	return &errorOutput{Status: http.StatusOK, ETag: tag, Body: errorOf(e)}, nil
}

func (a *API) getError(ctx context.Context, c *call, in *getErrorInput) (*errorOutput, error) {
	out, err := a.askError(ctx, c, &messages.GetError{Fingerprint: in.Fingerprint})
	if err == nil && matches(in.IfNoneMatch, out.ETag) {
		out.Status = http.StatusNotModified // its answer has no body
	}
	return out, err
}

func (a *API) resolveError(ctx context.Context, c *call, in *ErrorPath) (*errorOutput, error) {
	return a.askError(ctx, c, &messages.ResolveError{Origin: c.origin(), Fingerprint: in.Fingerprint})
}

type muteErrorInput struct {
	ErrorPath
	Body *struct {
		Seconds *int64 `json:"seconds,omitempty" minimum:"0" maximum:"31536000" doc:"For how long. 0: it is muted no more. If absent: one day."`
	} `required:"false"`
}

func (a *API) muteError(ctx context.Context, c *call, in *muteErrorInput) (*errorOutput, error) {
	lasts := 24 * time.Hour
	if in.Body != nil && in.Body.Seconds != nil {
		lasts = time.Duration(*in.Body.Seconds) * time.Second
	}
	m := &messages.MuteError{Origin: c.origin(), Fingerprint: in.Fingerprint}
	if lasts > 0 {
		m.UntilMs = c.now.Add(lasts).UnixMilli()
	}
	return a.askError(ctx, c, m)
}

func errorOf(e *messages.ErrorView) ErrorGroup {
	v := ErrorGroup{
		Fingerprint: e.Fingerprint, Level: e.Level, Component: e.Component, Place: e.Place, Message: e.Message, State: "open",
		Count: e.Count, FirstAt: view.At(e.FirstMs), LastAt: view.At(e.LastMs),
		ResolvedAt: view.TimeOf(e.ResolvedMs), MutedUntil: view.TimeOf(e.MutedUntilMs), TicketIDs: orEmpty(e.TicketIds),
		GroupIDs: orEmpty(e.ChatIds), WebhookIDs: orEmpty(e.WebhookIds), Example: []ErrorFact{},
	}
	if e.Kind != "" {
		v.Kind = &e.Kind
	}
	if e.Resolved {
		v.State = "resolved"
	}
	for _, f := range e.Facts {
		v.Example = append(v.Example, ErrorFact{f.Name, f.Value})
	}
	return v
}

func exampleError() ErrorGroup {
	kind := "bot.APIError 400"
	return ErrorGroup{
		Fingerprint: "9f2c4e1107b3d5aa", Level: "error", Component: "chat", Place: "actors/internal/chat.(*chat).onDone (calls.go)",
		Message: "a call was refused", Kind: &kind, State: "open", Count: 17, FirstAt: view.ExampleTime, LastAt: view.ExampleTime,
		TicketIDs: []string{"TICK-MDJ3K5QP-1A2B3C4D"}, GroupIDs: []int64{-1001234567890}, WebhookIDs: []string{},
		Example: []ErrorFact{{"error", "Bad Request: message thread not found"}},
	}
}
