package httpedge

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
)

// ticketCommand is what is asked of a ticket's entity.
type ticketCommand interface {
	proto.Message
	GetOrigin() *messages.Origin
}

type listTicketsInput struct {
	PageInput
	Status      string    `query:"status" enum:"open,pending,closed" doc:"Only tickets in this state."`
	Priority    string    `query:"priority" enum:"low,normal,high,urgent" doc:"Only tickets of this priority."`
	GroupID     int64     `query:"groupId" maximum:"0" minimum:"-4503599627370495" doc:"Telegram id of the home group."`
	CreatedBy   string    `query:"createdBy" maxLength:"80" pattern:"^(user|apiKey|group|channel):[^:]+$" doc:"Kind and id of the creator." example:"user:4711"`
	ExternalID  string    `query:"externalId" maxLength:"255" doc:"Only those that their creators gave this name; of each API key there is one at most."`
	Query       string    `query:"q" maxLength:"200" doc:"Words that all occur in title or description, in any order, also as parts of words; one of them of 3 characters or more."`
	CreatedFrom time.Time `query:"createdFrom" doc:"Opened then or later."`
	CreatedTo   time.Time `query:"createdTo" doc:"Opened before."`
	UpdatedFrom time.Time `query:"updatedFrom" doc:"Changed then or later."`
	UpdatedTo   time.Time `query:"updatedTo" doc:"Changed before."`
	Sort        string    `query:"sort" enum:"-createdAt,createdAt,-updatedAt,updatedAt" default:"-createdAt" doc:"With a - the newest come first."`
}

type ticketListOutput struct {
	Body List[Ticket]
}

// ticketPlace is a place in a list of tickets, as a cursor holds it.
type ticketPlace struct {
	At int64  `json:"a"`
	ID string `json:"i"`
}

// How many lists and searches are worked on at once, and how long others wait for their turn. A list of the largest tickets is 2 MB,
// and takes four times as much while it is made.
const (
	listsAtOnce    = 8
	searchesAtOnce = 4
	listPatience   = 2 * time.Second
)

// fewLists is a middleware, since an answer takes most room when the handler has returned it.
func (a *API) fewLists(ctx huma.Context, next func(huma.Context)) {
	room := a.lists
	if ctx.Query("q") != "" {
		room = a.searches
	}
	patience := time.NewTimer(listPatience)
	defer patience.Stop()
	select {
	case room <- struct{}{}:
		defer func() { <-room }()
		next(ctx)
	case <-patience.C:
		p := problem(codeUnavailable, "Too many tickets are being listed at the moment. Ask again after Retry-After.")
		p.retryAfter(1)
		a.refuse(ctx, p)
	}
}

func (a *API) listTickets(ctx context.Context, c *call, in *listTicketsInput) (*ticketListOutput, error) {
	m := &messages.ListTicketRecords{Status: in.Status, Priority: in.Priority, GroupId: c.key.GroupId, ExternalId: in.ExternalID, Text: in.Query,
		ByUpdated: strings.HasSuffix(in.Sort, "updatedAt"), OldestFirst: !strings.HasPrefix(in.Sort, "-"), Limit: int32(in.Limit)}
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
	list := "tickets/" + fmt.Sprintf("%q", []string{in.Status, in.Priority, m.GroupId, in.CreatedBy, in.ExternalID, in.Query, in.Sort,
		fmt.Sprint(m.FromMs), fmt.Sprint(m.ToMs)})
	if in.Cursor != "" {
		var place ticketPlace
		if err := readCursor(list, in.Cursor, &place); err != nil {
			return nil, err
		}
		m.After = &messages.Place{AtMs: place.At, Id: place.ID}
	}
	found, err := ask[*messages.TicketRecords](ctx, a, messages.KindQuery, "", m)
	if err != nil {
		return nil, err
	}
	out := &ticketListOutput{Body: List[Ticket]{Data: make([]Ticket, 0, len(found.Tickets))}}
	for _, t := range found.Tickets {
		out.Body.Data = append(out.Body.Data, ticketOf(t))
	}
	if n := found.Next; n != nil {
		next := cursorOf(list, ticketPlace{n.AtMs, n.Id})
		out.Body.NextCursor = &next
	}
	return out, nil
}

// unknownGroupIn is the problem of a parameter that names a group which is not there.
func unknownGroupIn(err error, name string) error {
	if asProblem(err).Code != codeNotFound {
		return err
	}
	p := problem(codeGroupUnknown)
	p.Errors = []FieldError{{In: "query", Name: name, Detail: p.Detail}}
	return p
}

// ceilMs is the first whole millisecond that is not before t, 0 for none.
func ceilMs(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	ms := t.UnixMilli()
	if t.After(time.UnixMilli(ms)) {
		ms++
	}
	return max(ms, 1) // there are no tickets of before 1970
}
