package query

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// The lists of open tickets that people see in Telegram. Each comes from several lists of the store.

const (
	// ticketsCounted is up to how many tickets are counted, if the page does not lie beyond.
	ticketsCounted = 100
	// ticketsLookedAt is how many of a person's tickets are looked at for those that have a topic in a group.
	ticketsLookedAt = 1000
)

func (q *query) openTickets(m *messages.ListOpenTickets) proto.Message {
	ctx, store := q.env.Ctx, q.env.Store
	if m.Waiting {
		return q.waitingTickets(m)
	}
	limit := max(ticketsCounted, int(m.Skip+m.Limit)) + 1
	if m.UserId != 0 && m.GroupId != "" {
		limit = ticketsLookedAt
	}
	var all []storage.Ticket
	more := false
	var failed error
	add := func(page []storage.Ticket, err error) {
		failed = cmp.Or(failed, err)
		all, more = append(all, page...), more || len(page) == limit
	}
	party := m.GroupId
	if m.Claimed {
		party = storage.UserParty(m.UserId)
		theirs, others, err := q.mine(m.UserId, []string{desk.StatusOpen, desk.StatusPending}, limit)
		add(theirs, err)
		more = others
	} else if m.UserId != 0 {
		party = storage.UserParty(m.UserId)
		add(store.TicketsByCreator(ctx, "user", strconv.FormatInt(m.UserId, 10), true, limit))
	} else {
		page, err := store.ListTickets(ctx, storage.TicketQuery{
			GroupID: party, Statuses: []string{desk.StatusOpen, desk.StatusPending}, Limit: limit,
		})
		add(page.Tickets, err)
	}
	if !m.Claimed {
		add(store.TicketsWith(ctx, party, limit))
	}
	reply := &messages.TicketList{Code: q.code(m, failed)}
	if failed != nil {
		return reply
	}
	slices.SortFunc(all, func(a, b storage.Ticket) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(b.TicketID, a.TicketID))
	})
	all = slices.CompactFunc(all, func(a, b storage.Ticket) bool { return a.TicketID == b.TicketID })
	if m.UserId != 0 && m.GroupId != "" {
		party = m.GroupId
		all = slices.DeleteFunc(all, func(r storage.Ticket) bool { return !hasTopicIn(&r, party) })
	}
	reply.Count, reply.More = int64(min(len(all), limit-1)), more || len(all) >= limit
	from := min(int(m.Skip), len(all))
	for i := range all[from:min(from+int(m.Limit), len(all))] {
		view, err := q.listed(&all[from+i], m, party)
		if err != nil {
			return &messages.TicketList{Code: q.code(m, err)}
		}
		reply.Tickets = append(reply.Tickets, view)
	}
	return reply
}

// mine lists a person's own tickets for /mine and the view "Mine" of the web desk, in no order: what they take care of, what
// they opened or are the customer of, and what they were brought into while nobody takes care of it. Each of these is read up
// to a number; more says that one has more.
func (q *query) mine(userID ids.UserID, statuses []string, limit int) (all []storage.Ticket, more bool, err error) {
	ctx, store, person := q.env.Ctx, q.env.Store, storage.Creator{Kind: "user", ID: strconv.FormatInt(userID, 10)}
	page, err := store.ListTickets(ctx, storage.TicketQuery{Assignee: person.ID, Statuses: statuses, Limit: limit})
	if err != nil {
		return nil, false, fmt.Errorf("read what somebody takes care of: %w", err)
	}
	openOnly := len(statuses) > 0 && !slices.Contains(statuses, desk.StatusClosed)
	opened, err := store.TicketsByCreator(ctx, person.Kind, person.ID, openOnly, limit)
	if err != nil {
		return nil, false, fmt.Errorf("read what somebody opened: %w", err)
	}
	on, err := store.TicketsWith(ctx, storage.UserParty(userID), limit)
	if err != nil {
		return nil, false, fmt.Errorf("read what somebody is on: %w", err)
	}
	more = len(page.Tickets) == limit || len(opened) == limit || len(on) == limit
	on = slices.DeleteFunc(on, func(r storage.Ticket) bool {
		return r.Assignee != nil && r.AssigneeID() != person.ID && !r.Customer().Is(person)
	})
	return slices.Concat(page.Tickets, opened, on), more, nil
}

// listed is what a list shows of a ticket. The link leads to the topic that the reader can open.
func (q *query) listed(r *storage.Ticket, m *messages.ListOpenTickets, party ids.Place) (*messages.TicketView, error) {
	view, err := desk.ViewOf(q.env.Ctx, q.env.Store, r, r.Home.TopicID)
	if err != nil {
		return nil, err
	}
	view.WaitingFor, _ = desk.WaitingOf(r)
	view.AgeMs = q.env.Now().Sub(r.CreatedAt).Milliseconds()
	view.Private = m.UserId != 0 && desk.PrivateLink(r, messages.UserPlace(m.UserId)) != nil
	for i := range r.Links {
		link := &r.Links[i]
		theirs := link.Topic.GroupID == party || m.GroupId == "" && link.UserID == m.UserId
		if link.Ended || !theirs || r.GroupID == party || !messages.IsGroup(link.Topic.GroupID) {
			continue
		}
		chat, err := desk.ChatOf(q.env.Ctx, q.env.Store, link.Topic.GroupID)
		if err != nil {
			return nil, err
		}
		view.Url = messages.TopicURL(chat, link.Topic.TelegramTopicID)
	}
	return view, nil
}

func hasTopicIn(r *storage.Ticket, group ids.Place) bool {
	return r.GroupID == group || slices.ContainsFunc(r.Links, func(l storage.Link) bool {
		return !l.Ended && l.Topic.GroupID == group
	})
}
