package query

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// What waits for a team: of one group, or of several.

func (q *query) waitingTickets(m *messages.ListOpenTickets) proto.Message {
	groups := m.GroupIds
	if m.GroupId != "" {
		groups = []ids.Place{m.GroupId}
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
		slices.SortFunc(all, desk.LongestWaiting)
		// Of two groups one may help the other. Whoever is of many groups has no more in memory than of one.
		all = slices.CompactFunc(all, func(a, b storage.Ticket) bool { return a.TicketID == b.TicketID })
		if len(all) > limit {
			clear(all[limit:])
			all, more = all[:limit], true
		}
	}
	reply := &messages.TicketList{Code: messages.Code_OK, Count: int64(len(all)), More: more}
	from := min(int(m.Skip), len(all))
	for i := range all[from:min(from+int(m.Limit), len(all))] {
		view, err := desk.WaitingView(q.env.Ctx, q.env.Store, &all[from+i], groups...)
		if err != nil {
			return &messages.TicketList{Code: q.code(m, err)}
		}
		reply.Tickets = append(reply.Tickets, view)
	}
	for i := 0; i < len(groups) && reply.Zone == ""; i++ {
		times, err := desk.ReadTimes(q.env.Ctx, q.env.Store, groups[i])
		if err != nil {
			return &messages.TicketList{Code: q.code(m, err)}
		}
		reply.Zone = times.ZoneName()
	}
	return reply
}

const (
	// teamsKeep is how long a reader goes by the administrators of all groups that it has read, so that what anybody may send costs
	// no more than that.
	teamsKeep = 10 * time.Second
	// groupsTogether is how many groups are read together, and teamGroupsAtMost how many a person has at most.
	groupsTogether   = 100
	teamGroupsAtMost = 50
)

// teams is who administers which groups in which the bot is, as a reader read it last.
type teams struct {
	at    time.Time
	known map[ids.UserID][]ids.Place
}

// teamGroups lists the groups of which a person is a colleague: their default group, and those that they administer.
func (q *query) teamGroups(m *messages.ListTeamGroups) proto.Message {
	reply := &messages.TeamGroups{Code: messages.Code_OK}
	user, err := q.env.Store.User(q.env.Ctx, m.UserId)
	switch {
	case errors.Is(err, storage.ErrNotFound):
	case err != nil:
		return &messages.TeamGroups{Code: q.code(m, err)}
	case user.DefaultGroupID != "":
		reply.GroupIds = append(reply.GroupIds, user.DefaultGroupID)
	}
	if now := q.env.Now(); q.teams.known == nil || now.Sub(q.teams.at) >= teamsKeep || now.Before(q.teams.at) {
		known, err := q.readTeams()
		if err != nil {
			return &messages.TeamGroups{Code: q.code(m, err)}
		}
		q.teams = teams{now, known}
	}
	for _, g := range q.teams.known[m.UserId] {
		if len(reply.GroupIds) < teamGroupsAtMost && !slices.Contains(reply.GroupIds, g) {
			reply.GroupIds = append(reply.GroupIds, g)
		}
	}
	return reply
}

func (q *query) readTeams() (map[ids.UserID][]ids.Place, error) {
	known := map[ids.UserID][]ids.Place{}
	for after := ""; ; {
		page, err := q.env.Store.Groups(q.env.Ctx, after, groupsTogether)
		if err != nil {
			return nil, fmt.Errorf("read the groups: %w", err)
		}
		for i := range page {
			for _, id := range page[i].Admins {
				if !desk.IsOut(&page[i]) {
					known[id] = append(known[id], page[i].GroupID)
				}
			}
		}
		if len(page) < groupsTogether {
			return known, nil
		}
		after = page[len(page)-1].GroupID
	}
}
