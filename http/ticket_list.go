package httpedge

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/view"
)

type listTicketsInput struct {
	PageInput
	Status      []string  `query:"status" enum:"open,pending,closed" maxItems:"10" doc:"Only tickets with one of these statuses: open,pending, or the parameter repeated." example:"open,pending"`
	Priority    []string  `query:"priority" enum:"low,normal,high,urgent" maxItems:"10" doc:"Only tickets with one of these priorities: high,urgent, or the parameter repeated." example:"high,urgent"`
	GroupID     int64     `query:"groupId" maximum:"0" minimum:"-4503599627370495" doc:"Only tickets whose home topic is in this group, by its Telegram id."`
	CreatedBy   string    `query:"createdBy" maxLength:"80" pattern:"^(user|apiKey|group|channel):[^:]+$" doc:"Only tickets of this creator, by kind and id." example:"user:4711"`
	ExternalID  string    `query:"externalId" maxLength:"255" doc:"Only tickets with this externalId. Each API key has at most one."`
	WaitingFor  string    `query:"waitingFor" enum:"desk,customer,nobody" doc:"Only tickets that wait for this side. nobody: the closed ones."`
	Assignee    int64     `query:"assignee" minimum:"1" maximum:"4503599627370495" doc:"Only tickets that the person with this Telegram id has claimed."`
	Query       string    `query:"q" maxLength:"200" doc:"Only tickets in whose title or description all of these words occur, in any order, also within longer words. At least one word needs 3 characters or more, or 2 of Chinese, Japanese or Korean. A number such as 42 also finds the ticket with that number; #42 finds only that."`
	CreatedFrom time.Time `query:"createdFrom" doc:"Only tickets that were opened at this time or later."`
	CreatedTo   time.Time `query:"createdTo" doc:"Only tickets that were opened before this time."`
	UpdatedFrom time.Time `query:"updatedFrom" doc:"Only tickets that were last changed at this time or later."`
	UpdatedTo   time.Time `query:"updatedTo" doc:"Only tickets that were last changed before this time."`
	MessageFrom time.Time `query:"lastMessageFrom" doc:"Only tickets whose lastMessageAt is this time or later."`
	MessageTo   time.Time `query:"lastMessageTo" doc:"Only tickets whose lastMessageAt is before this time."`
	Sort        string    `query:"sort" enum:"-createdAt,createdAt,-updatedAt,updatedAt,-lastMessageAt,lastMessageAt,-waitingSince,waitingSince" doc:"The order. With a minus sign the newest come first. If it is not sent: -createdAt; with waitingFor desk or customer, and without q and externalId, waitingSince."`
}

// sortedBy are the times that lists are sorted by, in the order of storage.TicketTime.
var sortedBy = []string{"createdAt", "updatedAt", "lastMessageAt", "waitingSince"}

// rangesOf are the names of their ranges, without From and To. The last has none.
var rangesOf = []string{"created", "updated", "lastMessage", ""}

type ticketListOutput struct {
	Body List[view.Ticket]
}

// ticketCursor is what a cursor of a list of tickets holds.
type ticketCursor struct {
	At int64  `json:"a"`
	ID string `json:"i"`
}

// How many answers that cost much are made concurrently, and how long others wait for one to end. A list of the largest
// tickets is 2 MB, and takes four times as much memory while it is made.
const (
	listsAtOnce    = 8
	searchesAtOnce = 4
	reportsAtOnce  = 2 // each may take seconds
	previewsAtOnce = 1 // each may use a processor for a second
	listPatience   = 2 * time.Second
)

// fewLists bounds how many lists are made concurrently. It is a middleware because an answer takes most memory after
// the handler has returned it.
func (a *API) fewLists(ctx huma.Context, next func(huma.Context)) {
	slots := a.lists
	if ctx.Query("q") != "" {
		slots = a.searches
	}
	a.oneOf(slots, "Too many tickets are being listed at the moment. Wait as long as Retry-After says.")(ctx, next)
}

// oneOf makes a middleware that lets as many requests in at a time as there are slots. Others wait for a moment.
func (a *API) oneOf(slots chan struct{}, busy string) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		patience := time.NewTimer(listPatience)
		defer patience.Stop()
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
			next(ctx)
		case <-patience.C:
			p := problem(codeUnavailable, busy)
			p.retryAfter(1)
			a.refuse(ctx, p)
		}
	}
}

func (a *API) listTickets(ctx context.Context, c *call, in *listTicketsInput) (*ticketListOutput, error) {
	statuses, err := in.waiting()
	if err != nil {
		return nil, err
	}
	m := &messages.ListTicketRecords{
		Statuses: statuses, Priorities: each(in.Priority), GroupId: c.key.GroupId, ExternalId: in.ExternalID, Text: in.Query,
		By: int32(slices.Index(sortedBy, strings.TrimPrefix(in.Sort, "-"))), OldestFirst: !strings.HasPrefix(in.Sort, "-"),
		Limit: int32(in.Limit),
	}
	if in.WaitingFor != waitsForNobody {
		m.WaitingFor = in.WaitingFor
	}
	if in.Assignee != 0 {
		m.Assignee = strconv.FormatInt(in.Assignee, 10)
	}
	m.CreatorKind, m.CreatorId, _ = strings.Cut(in.CreatedBy, ":")
	if in.GroupID != 0 {
		place, err := a.place(ctx, c, in.GroupID)
		if err != nil {
			return nil, unknownGroupIn(err, "groupId")
		}
		m.GroupId = place
	}
	ranges := [][2]time.Time{
		{in.CreatedFrom, in.CreatedTo}, {in.UpdatedFrom, in.UpdatedTo}, {in.MessageFrom, in.MessageTo}, {},
	}
	for i, r := range ranges {
		if !r[1].IsZero() && r[0].After(r[1]) {
			name := rangesOf[i]
			return nil, invalidQuery(name+"From", "expected a time before "+name+"To, or the same")
		}
		if i != int(m.By) && !(r[0].IsZero() && r[1].IsZero()) {
			return nil, problem(messages.ReasonListNotServed)
		}
	}
	m.FromMs, m.ToMs = ceilMs(ranges[m.By][0]), ceilMs(ranges[m.By][1])
	list := ticketListName(in, m)
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

// ticketListName is what a cursor is bound to. Programs keep cursors over an upgrade, so a list that can be had already
// keeps its name.
func ticketListName(in *listTicketsInput, m *messages.ListTicketRecords) string {
	name := "tickets/" + fmt.Sprintf("%q", []string{
		strings.Join(m.Statuses, ","), strings.Join(m.Priorities, ","), m.GroupId, in.CreatedBy, in.ExternalID,
		in.Query, in.Sort, fmt.Sprint(m.FromMs), fmt.Sprint(m.ToMs),
	})
	if m.WaitingFor != "" || m.Assignee != "" {
		name += m.WaitingFor + "," + m.Assignee
	}
	return name
}

const waitsForNobody = "nobody"

// waiting returns the statuses that are asked for, since what waits for nobody is closed; and it sets the order, if none is
// asked for.
func (in *listTicketsInput) waiting() ([]string, error) {
	looks, statuses := in.Query != "" || in.ExternalID != "", each(in.Status)
	closed := []string{"closed"}
	switch {
	case in.WaitingFor == waitsForNobody && len(statuses) > 0 && !slices.Equal(statuses, closed):
		return nil, problem(messages.ReasonListNotServed)
	case in.WaitingFor == waitsForNobody:
		statuses = closed
	case in.WaitingFor != "" && in.Sort == "" && !looks:
		in.Sort = "waitingSince"
	}
	if in.Sort == "" {
		in.Sort = "-createdAt"
	}
	return statuses, nil
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
