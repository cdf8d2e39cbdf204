package httpedge

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/view"
)

type listTicketsInput struct {
	PageInput
	Status      string    `query:"status" enum:"open,pending,closed" doc:"Only tickets with this status."`
	Priority    string    `query:"priority" enum:"low,normal,high,urgent" doc:"Only tickets with this priority."`
	GroupID     int64     `query:"groupId" maximum:"0" minimum:"-4503599627370495" doc:"Only tickets whose home topic is in this group, by its Telegram id."`
	CreatedBy   string    `query:"createdBy" maxLength:"80" pattern:"^(user|apiKey|group|channel):[^:]+$" doc:"Only tickets of this creator, by kind and id." example:"user:4711"`
	ExternalID  string    `query:"externalId" maxLength:"255" doc:"Only tickets with this externalId. Each API key has at most one."`
	Query       string    `query:"q" maxLength:"200" doc:"Only tickets in whose title or description all of these words occur, in any order, also within longer words. At least one word needs 3 characters or more, or 2 of Chinese, Japanese or Korean."`
	CreatedFrom time.Time `query:"createdFrom" doc:"Only tickets that were opened at this time or later."`
	CreatedTo   time.Time `query:"createdTo" doc:"Only tickets that were opened before this time."`
	UpdatedFrom time.Time `query:"updatedFrom" doc:"Only tickets that were last changed at this time or later."`
	UpdatedTo   time.Time `query:"updatedTo" doc:"Only tickets that were last changed before this time."`
	Sort        string    `query:"sort" enum:"-createdAt,createdAt,-updatedAt,updatedAt" default:"-createdAt" doc:"The order. With a minus sign the newest come first."`
}

type ticketListOutput struct {
	Body List[view.Ticket]
}

// ticketCursor is what a cursor of a list of tickets holds.
type ticketCursor struct {
	At int64  `json:"a"`
	ID string `json:"i"`
}

// How many lists and searches are made concurrently, and how long others wait for one to end. A list of the largest
// tickets is 2 MB, and takes four times as much memory while it is made.
const (
	listsAtOnce    = 8
	searchesAtOnce = 4
	listPatience   = 2 * time.Second
)

// fewLists bounds how many lists are made concurrently. It is a middleware because an answer takes most memory after
// the handler has returned it.
func (a *API) fewLists(ctx huma.Context, next func(huma.Context)) {
	slots := a.lists
	if ctx.Query("q") != "" {
		slots = a.searches
	}
	patience := time.NewTimer(listPatience)
	defer patience.Stop()
	select {
	case slots <- struct{}{}:
		defer func() { <-slots }()
		next(ctx)
	case <-patience.C:
		p := problem(codeUnavailable, "Too many tickets are being listed at the moment. Wait as long as Retry-After says.")
		p.retryAfter(1)
		a.refuse(ctx, p)
	}
}

func (a *API) listTickets(ctx context.Context, c *call, in *listTicketsInput) (*ticketListOutput, error) {
	m := &messages.ListTicketRecords{
		Status: in.Status, Priority: in.Priority, GroupId: c.key.GroupId, ExternalId: in.ExternalID, Text: in.Query,
		ByUpdated: strings.HasSuffix(in.Sort, "updatedAt"), OldestFirst: !strings.HasPrefix(in.Sort, "-"),
		Limit: int32(in.Limit),
	}
	m.CreatorKind, m.CreatorId, _ = strings.Cut(in.CreatedBy, ":")
	if in.GroupID != 0 {
		place, err := a.place(ctx, c, in.GroupID)
		if err != nil {
			return nil, unknownGroupIn(err, "groupId")
		}
		m.GroupId = place
	}
	from, to, others := in.CreatedFrom, in.CreatedTo, []time.Time{in.UpdatedFrom, in.UpdatedTo}
	if m.ByUpdated {
		from, to, others = in.UpdatedFrom, in.UpdatedTo, []time.Time{in.CreatedFrom, in.CreatedTo}
	}
	for _, t := range others {
		if !t.IsZero() {
			return nil, problem(messages.ReasonListNotServed)
		}
	}
	m.FromMs, m.ToMs = ceilMs(from), ceilMs(to)
	list := "tickets/" + fmt.Sprintf("%q", []string{in.Status, in.Priority, m.GroupId, in.CreatedBy, in.ExternalID,
		in.Query, in.Sort, fmt.Sprint(m.FromMs), fmt.Sprint(m.ToMs)})
	if in.Cursor != "" {
		var after ticketCursor
		if err := readCursor(list, in.Cursor, &after); err != nil {
			return nil, err
		}
		m.After = &messages.Place{AtMs: after.At, Id: after.ID}
	}
	found, err := ask[*messages.TicketRecords](ctx, a, messages.KindQuery, "", m)
	if err != nil {
		return nil, err
	}
	out := &ticketListOutput{Body: List[view.Ticket]{Data: make([]view.Ticket, 0, len(found.Tickets))}}
	for _, t := range found.Tickets {
		out.Body.Data = append(out.Body.Data, view.TicketOf(t))
	}
	if n := found.Next; n != nil {
		next := cursorOf(list, ticketCursor{n.AtMs, n.Id})
		out.Body.NextCursor = &next
	}
	return out, nil
}

// unknownGroupIn turns "not found" of a group that a parameter names into a problem of that parameter.
func unknownGroupIn(err error, name string) error {
	if asProblem(err).Code != codeNotFound {
		return err
	}
	p := problem(codeGroupUnknown)
	p.Errors = []FieldError{{In: "query", Name: name, Detail: p.Detail}}
	return p
}

// ceilMs rounds a time up to whole milliseconds. It is 0 for no time.
func ceilMs(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	ms := t.UnixMilli()
	if t.After(time.UnixMilli(ms)) {
		ms++
	}
	return max(ms, 1) // no ticket is older than 1970
}
