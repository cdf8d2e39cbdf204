package httpedge

import (
	"bytes"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"
	"github.com/gofiber/fiber/v2"
	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/view"
)

// condition refuses a change whose If-Match is stale, before its body is validated.
func (a *API) condition(ctx huma.Context, next func(huma.Context)) {
	match := humafiber.UnwrapV2(ctx).Get(fiber.HeaderIfMatch)
	c, ok := ctx.Context().Value(callKey{}).(*call)
	if match == "" || !ok {
		next(ctx)
		return
	}
	record, err := a.seen(ctx.Context(), c, ctx.Param("id"))
	if err == nil && !isAsIn(match, record) {
		err = problem(codeStale)
	}
	if err != nil {
		a.fail(ctx, err)
		return
	}
	next(ctx)
}

// conditionsTaken refuses a change with an If-Match that says nothing, or that the operation does not look at: else it would be made
// although its sender has made it depend on something.
func (a *API) conditionsTaken(ctx huma.Context, next func(huma.Context)) {
	sent := humafiber.UnwrapV2(ctx).Request().Header.PeekAll(fiber.HeaderIfMatch)
	if len(sent) == 0 || ctx.Method() == http.MethodGet || ctx.Method() == http.MethodHead {
		next(ctx)
		return
	}
	taken := slices.ContainsFunc(ctx.Operation().Parameters, func(p *huma.Param) bool {
		return p.In == "header" && p.Name == fiber.HeaderIfMatch
	})
	if taken && len(bytes.TrimSpace(sent[0])) > 0 {
		next(ctx)
		return
	}
	p := problem(codeInvalid)
	p.Errors = []FieldError{{In: "header", Name: fiber.HeaderIfMatch, Detail: "expected an ETag, or *"}}
	if !taken {
		p.Errors[0].Detail = "this operation takes no condition"
	}
	a.refuse(ctx, p)
}

// TicketCondition makes a change of a ticket depend on nobody having made another one.
type TicketCondition struct {
	IfMatch string `header:"If-Match" maxLength:"1000" doc:"The ETag that the ticket had when the client read it."`
}

// expected is the revision that a condition is about, for the ticket to compare again in its own turn; "": any.
func (t *TicketCondition) expected(record *messages.TicketRecord) (string, error) {
	switch {
	case t.IfMatch == "" || strings.TrimSpace(t.IfMatch) == "*":
		return "", nil
	case !isAsIn(t.IfMatch, record):
		return "", problem(codeStale)
	}
	return record.Revision, nil
}

type updateTicketInput struct {
	TicketPath
	TicketCondition
	Body struct {
		Title               *string                 `json:"title,omitempty" minLength:"1" maxLength:"255" example:"Printer is on fire"`
		Description         *string                 `json:"description,omitempty" maxLength:"4000"`
		DescriptionFormat   string                  `json:"descriptionFormat,omitempty" enum:"text,markdown" doc:"How the description is written."`
		DescriptionEntities []view.TextEntity       `json:"descriptionEntities,omitempty" maxItems:"100" doc:"The markup of a description with format text."`
		Priority            *string                 `json:"priority,omitempty" enum:"low,normal,high,urgent"`
		Status              *string                 `json:"status,omitempty" enum:"open,pending,closed"`
		AssigneeID          Optional[int64]         `json:"assigneeId,omitempty" doc:"The Telegram id of who is to take care of the ticket. null: nobody."`
		SnoozedUntil        Optional[time.Time]     `json:"snoozedUntil,omitempty" doc:"Until when the ticket is put aside, at most a year ahead. null: it is taken up again."`
		ClosesAt            Optional[time.Time]     `json:"closesAt,omitempty" doc:"When the ticket closes, unless the customer writes before; at most a year ahead. The customer is told. null: it stays open."`
		Metadata            Optional[view.Metadata] `json:"metadata,omitempty"`
	}
}

func (a *API) updateTicket(ctx context.Context, c *call, in *updateTicketInput) (*ticketOutput, error) {
	record, err := a.seen(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	b := &in.Body
	if b.Title != nil && blank(*b.Title) {
		return nil, invalid("/title", "it has no visible text")
	}
	m := &messages.UpdateTicket{Origin: c.origin(), Title: b.Title, Priority: b.Priority, Status: b.Status}
	plain := b.DescriptionFormat == "" && b.DescriptionEntities == nil
	switch {
	case b.Description != nil:
		description, err := markedOf(*b.Description, b.DescriptionFormat, b.DescriptionEntities, descriptionEntities)
		if err != nil {
			return nil, err
		}
		m.Description, m.DescriptionEntities, m.KeepEntities = &description.Text, description.Entities, plain
	case !plain:
		return nil, invalid("/description", "expected the text that the markup is for")
	}
	if b.AssigneeID.Sent {
		if b.AssigneeID.Value < 1 && !b.AssigneeID.Null {
			return nil, invalid("/assigneeId", "expected the Telegram id of a person, or null")
		}
		m.AssigneeId = &b.AssigneeID.Value
	}
	if b.SnoozedUntil.Sent {
		until := int64(0)
		if !b.SnoozedUntil.Null {
			if until = b.SnoozedUntil.Value.UnixMilli(); until <= 0 {
				return nil, invalid("/snoozedUntil", "expected a time to come, or null")
			}
		}
		m.SnoozedUntilMs = &until
	}
	if b.ClosesAt.Sent {
		at := int64(0)
		if !b.ClosesAt.Null {
			if at = b.ClosesAt.Value.UnixMilli(); at <= 0 {
				return nil, invalid("/closesAt", "expected a time to come, or null")
			}
		}
		m.ClosesMs = &at
	}
	if b.Metadata.Sent {
		if m.Metadata, err = compactMetadata(b.Metadata.Value); err != nil {
			return nil, err
		}
		if m.Metadata == nil {
			m.Metadata = []byte{}
		}
	}
	if b.Status != nil && *b.Status == "closed" {
		for pointer, later := range map[string]*int64{"/snoozedUntil": m.SnoozedUntilMs, "/closesAt": m.ClosesMs} {
			if later != nil && *later > 0 {
				return nil, invalid(pointer, "expected null, or nothing: the ticket is to be closed now")
			}
		}
	}
	if m.Expected, err = in.expected(record); err != nil {
		return nil, err
	}
	return a.changed(ctx, record.TicketId, m)
}

// ticketCommand is a command to a ticket's entity.
type ticketCommand interface {
	proto.Message
	GetOrigin() *messages.Origin
}

const (
	administratorsAtMost = 5 * time.Second        // that a request waits until Telegram has said who administers a group
	administratorsLook   = 100 * time.Millisecond // between two looks
)

// changeOnceKnown sends a command, and sends it again while the desk asks Telegram who administers the ticket's groups: in a new
// desk, nobody has asked before the first person is named.
func (a *API) changeOnceKnown(ctx context.Context, id string, m ticketCommand) error {
	over := time.NewTimer(administratorsAtMost)
	defer over.Stop()
	for {
		answer, err := a.reply(ctx, messages.KindTicket, id, m)
		if err != nil {
			return err
		}
		if r, ok := answer.(*messages.Reply); !ok || r.Reason != messages.ReasonAdminsUnknown {
			_, err := replyAs[*messages.Reply](answer)
			return err
		}
		select {
		case <-ctx.Done():
		case <-a.ending:
		case <-over.C:
		case <-time.After(administratorsLook):
			continue
		}
		return problem(codeUnavailable, "Telegram has not said yet who administers the ticket's groups. Send the request again in a moment.")
	}
}

// changed sends a command and returns the ticket as it is afterwards.
func (a *API) changed(ctx context.Context, id string, m ticketCommand) (*ticketOutput, error) {
	if err := a.changeOnceKnown(ctx, id, m); err != nil {
		return nil, err
	}
	record, err := a.ticket(ctx, id)
	if err != nil {
		return nil, err
	}
	return &ticketOutput{Status: http.StatusOK, ETag: etag(record), Body: view.TicketOf(record)}, nil
}

type closeTicketInput struct {
	TicketPath
	TicketCondition
	Body *struct {
		Reason string `json:"reason,omitempty" maxLength:"1000" doc:"Why. Everybody on the ticket reads it, the customer too, in the notice that it is closed. All of it: // keeps nothing back here." example:"Solved"`
	}
}

func (a *API) closeTicket(ctx context.Context, c *call, in *closeTicketInput) (*ticketOutput, error) {
	record, err := a.seen(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	m := &messages.CloseTicket{Origin: c.origin()}
	if in.Body != nil {
		m.Reason = in.Body.Reason
	}
	if m.Expected, err = in.expected(record); err != nil {
		return nil, err
	}
	return a.changed(ctx, record.TicketId, m)
}

type reopenTicketInput struct {
	TicketPath
	TicketCondition
}

func (a *API) reopenTicket(ctx context.Context, c *call, in *reopenTicketInput) (*ticketOutput, error) {
	record, err := a.seen(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	m := &messages.ReopenTicket{Origin: c.origin()}
	if m.Expected, err = in.expected(record); err != nil {
		return nil, err
	}
	return a.changed(ctx, record.TicketId, m)
}
