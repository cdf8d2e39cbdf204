package httpedge

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/view"
)

// Replay is a request to deliver events again, as the API shows it.
type Replay struct {
	ReplayID  string    `json:"replayId" example:"rpl_3f0c9a6be5d21f7708aa"`
	WebhookID string    `json:"webhookId" example:"wh_k7c2m4q3x5ad4ah6tz2y"`
	State     string    `json:"state" enum:"running,done,cancelled" example:"running"`
	Total     int64     `json:"total" doc:"How many events it has found so far; all of them, when it is done." example:"120"`
	Sent      int64     `json:"sent" doc:"How many of them were delivered." example:"35"`
	Failed    int64     `json:"failed" doc:"How many of them were given up." example:"0"`
	CreatedAt view.Time `json:"createdAt"`
	UpdatedAt view.Time `json:"updatedAt"`
}

func (a *API) webhookReplayOperations() {
	example := Replay{ReplayID: "rpl_3f0c9a6be5d21f7708aa", WebhookID: "wh_k7c2m4q3x5ad4ah6tz2y", State: "running", Total: 120,
		Sent: 35, CreatedAt: view.ExampleTime, UpdatedAt: view.ExampleTime}
	register(a, op{
		id: "startReplay", method: http.MethodPost, path: "/webhooks/{id}/replay",
		tag: tagWebhooks, summary: "Deliver events again", scope: scopeWebhooksWrite, status: http.StatusAccepted,
		codes: []string{messages.ReasonWebhookOff, messages.ReasonReplayRunning},
		description: "Delivers events again, each under its own id. Which: those of `eventIds`; or with `{\"missing\":true}` all that " +
			"were given up or skipped, and not what still waits; or those that `since`, `until`, `types` and `ticketId` select, as " +
			"far as the endpoint hears them and they are kept. Send one of the three. An endpoint has one replay at a time." +
			aboutWebhooks,
		request: map[string]any{"missing": true}, answer: example,
	}, a.startReplay)
	register(a, op{
		id: "getReplay", method: http.MethodGet, path: "/webhooks/{id}/replays/{replayId}",
		tag: tagWebhooks, summary: "See how far a replay is", scope: scopeWebhooksRead,
		description: "Returns what has become of a replay." + aboutWebhooks, answer: example,
	}, a.getReplay)
	register(a, op{
		id: "cancelReplay", method: http.MethodDelete, path: "/webhooks/{id}/replays/{replayId}",
		tag: tagWebhooks, summary: "Cancel a replay", scope: scopeWebhooksWrite, status: http.StatusNoContent,
		description: "Ends a replay: what it has not delivered yet stays as it was before. To cancel it again, or when it is done, " +
			"changes nothing." + aboutWebhooks,
	}, a.cancelReplay)
}

type startReplayInput struct {
	WebhookPath
	Body ReplayFields
}

// ReplayFields say which events a replay delivers.
type ReplayFields struct {
	Since    *time.Time `json:"since,omitempty" doc:"Only events of this time or later."`
	Until    *time.Time `json:"until,omitempty" doc:"Only events of before this time. If absent: of before now."`
	Types    []string   `json:"types,omitempty" minItems:"1" maxItems:"50" nullable:"false" doc:"Only these types, and patterns such as ticket.*"`
	TicketID string     `json:"ticketId,omitempty" maxLength:"64" doc:"Only events of this ticket: its ticketId or its number."`
	EventIDs []string   `json:"eventIds,omitempty" minItems:"1" maxItems:"1000" minLength:"1" maxLength:"200" nullable:"false" doc:"These events."`
	Missing  bool       `json:"missing,omitempty" doc:"true: those that were given up or skipped."`
}

type replayOutput struct {
	Body Replay
}

type startedReplayOutput struct {
	Location string `header:"Location" doc:"The path of the replay."`
	Body     Replay
}

func (a *API) startReplay(ctx context.Context, c *call, in *startReplayInput) (*startedReplayOutput, error) {
	w, err := a.webhook(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	m, err := a.replayCommand(ctx, c, &in.Body)
	if err != nil {
		return nil, err
	}
	started, err := ask[*messages.ReplayView](ctx, a, messages.KindWebhook, w.WebhookId, m)
	if err != nil {
		return nil, err
	}
	return &startedReplayOutput{Body: replayOf(started.Replay),
		Location: webhookLocation(w) + "/replays/" + started.Replay.GetReplayId()}, nil
}

func (a *API) replayCommand(ctx context.Context, c *call, b *ReplayFields) (*messages.StartReplay, error) {
	selects := b.Since != nil || b.Until != nil || b.Types != nil || b.TicketID != ""
	given := 0
	for _, way := range []bool{selects, b.EventIDs != nil, b.Missing} {
		if way {
			given++
		}
	}
	if given != 1 {
		return nil, invalid("", "expected one of: missing; eventIds; one or more of since, until, types and ticketId")
	}
	m := &messages.StartReplay{Origin: c.origin(), Types: b.Types, EventIds: b.EventIDs, Missing: b.Missing}
	for i, t := range b.Types {
		if !knownType(t) {
			return nil, invalid(fmt.Sprintf("/types/%d", i), "that is no type of event, nor a pattern of some; see /events/types")
		}
	}
	if b.Since != nil {
		m.SinceMs = ceilMs(*b.Since)
	}
	if b.Until != nil {
		m.UntilMs = ceilMs(*b.Until)
		if b.Since != nil && !b.Until.After(*b.Since) {
			return nil, invalid("/until", "expected a time after since")
		}
	}
	if b.TicketID != "" {
		record, err := a.seen(ctx, c, b.TicketID)
		if err != nil {
			if asProblem(err).Code == codeNotFound {
				return nil, invalid("/ticketId", "the ticket does not exist, or this API key can't see it")
			}
			return nil, err
		}
		m.TicketId = record.TicketId
	}
	return m, nil
}

// ReplayPath names a replay in the path.
type ReplayPath struct {
	WebhookPath
	ReplayID string `path:"replayId" minLength:"1" maxLength:"100" doc:"The replayId." example:"rpl_3f0c9a6be5d21f7708aa"`
}

func (a *API) replay(ctx context.Context, c *call, in *ReplayPath) (*messages.Replay, error) {
	w, err := a.webhook(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	m := &messages.GetReplay{WebhookId: w.WebhookId, ReplayId: in.ReplayID}
	found, err := ask[*messages.ReplayView](ctx, a, messages.KindQuery, "", m)
	if err != nil {
		return nil, err
	}
	return found.Replay, nil
}

func (a *API) getReplay(ctx context.Context, c *call, in *ReplayPath) (*replayOutput, error) {
	r, err := a.replay(ctx, c, in)
	if err != nil {
		return nil, err
	}
	return &replayOutput{Body: replayOf(r)}, nil
}

func (a *API) cancelReplay(ctx context.Context, c *call, in *ReplayPath) (*struct{}, error) {
	r, err := a.replay(ctx, c, in)
	if err != nil {
		return nil, err
	}
	_, err = ask[proto.Message](ctx, a, messages.KindWebhook, r.WebhookId, &messages.CancelReplay{Origin: c.origin(), ReplayId: r.ReplayId})
	return nil, err
}

func replayOf(r *messages.Replay) Replay {
	return Replay{ReplayID: r.GetReplayId(), WebhookID: r.GetWebhookId(), State: r.GetState(), Total: r.GetTotal(), Sent: r.GetSent(),
		Failed: r.GetFailed(), CreatedAt: view.At(r.GetCreatedMs()), UpdatedAt: view.At(r.GetUpdatedMs())}
}
