package query

import (
	"cmp"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// What waits for a team: of one group, or of those of which a person is a colleague.

// groupsLookedAt is how many groups are looked at for those of a person.
const groupsLookedAt = 1000

func (q *query) waitingTickets(m *messages.ListOpenTickets) proto.Message {
	groups := []ids.Place{m.GroupId}
	if m.GroupId == "" {
		var err error
		if groups, err = q.groupsOf(m.UserId); err != nil {
			return &messages.TicketList{Code: q.code(m, err)}
		}
		if len(groups) == 0 {
			return &messages.TicketList{Code: messages.Code_NOT_FOUND}
		}
	}
	limit := max(ticketsCounted, int(m.Skip+m.Limit))
	var all []storage.Ticket
	more := false
	for _, group := range groups {
		found, others, err := desk.Waiting(q.env.Ctx, q.env.Store, group, limit)
		if err != nil {
			return &messages.TicketList{Code: q.code(m, err)}
		}
		all, more = append(all, found...), more || others
	}
	slices.SortFunc(all, func(a, b storage.Ticket) int {
		return cmp.Or(a.WaitingSince.Compare(b.WaitingSince), cmp.Compare(a.TicketID, b.TicketID))
	})
	if len(all) > limit {
		all, more = all[:limit], true
	}
	reply := &messages.TicketList{Code: messages.Code_OK, Count: int64(len(all)), More: more}
	from := min(int(m.Skip), len(all))
	for i := range all[from:min(from+int(m.Limit), len(all))] {
		view, err := desk.WaitingView(q.env.Ctx, q.env.Store, &all[from+i])
		if err != nil {
			return &messages.TicketList{Code: q.code(m, err)}
		}
		reply.Tickets = append(reply.Tickets, view)
	}
	return reply
}

// groupsOf lists the groups of which a person is a colleague: their default group, and those that they administer.
func (q *query) groupsOf(userID ids.UserID) (theirs []ids.Place, err error) {
	user, err := q.env.Store.User(q.env.Ctx, userID)
	if err == nil && user.DefaultGroupID != "" {
		theirs = append(theirs, user.DefaultGroupID)
	} else if err != nil && q.code(&messages.GetUser{}, err) != messages.Code_NOT_FOUND {
		return nil, fmt.Errorf("read a person: %w", err)
	}
	groups, err := q.env.Store.Groups(q.env.Ctx, "", groupsLookedAt)
	if err != nil {
		return nil, fmt.Errorf("read the groups: %w", err)
	}
	for i := range groups {
		g := &groups[i]
		if slices.Contains(g.Admins, userID) && !desk.IsOut(g) && !slices.Contains(theirs, g.GroupID) {
			theirs = append(theirs, g.GroupID)
		}
	}
	return theirs, nil
}
