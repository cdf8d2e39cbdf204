package query

import (
	"cmp"
	"errors"
	"runtime"
	"slices"
	"strconv"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// What the web desk reads. Who may see it, the web desk decides, from what webAccess tells.

func (q *query) webAccess(m *messages.GetWebAccess) proto.Message {
	r, err := q.env.Store.Ticket(q.env.Ctx, m.TicketId)
	if err != nil {
		return &messages.WebAccess{Code: q.code(m, err)}
	}
	person := storage.Creator{Kind: "user", ID: strconv.FormatInt(m.UserId, 10)}
	reply := &messages.WebAccess{Code: messages.Code_OK, On: isOn(r, m.UserId), Acts: desk.Acts(r, person, m.UserId), ActsAtHome: desk.TeamActs(r)}
	for _, topic := range desk.TopicsOf(r) {
		var chat ids.ChatID // of a group
		if messages.IsGroup(topic.GroupID) {
			if chat, err = q.aliases.Chat(q.env.Ctx, q.env.Store, topic.GroupID); err != nil {
				return &messages.WebAccess{Code: q.code(m, err)}
			}
		}
		found := &messages.WebTopic{Place: topic.GroupID, ChatId: chat, ThreadId: topic.TelegramTopicID, TopicId: topic.TopicID}
		if link := desk.LinkOf(r, topic.TopicID); link != nil {
			found.UserName = link.UserName
		}
		reply.Topics = append(reply.Topics, found)
	}
	return reply
}

// isOn says whether a person opened the ticket, is its customer, or was brought into it.
func isOn(r *storage.Ticket, userID ids.UserID) bool {
	if userID == 0 {
		return false
	}
	person := storage.Creator{Kind: "user", ID: strconv.FormatInt(userID, 10)}
	if r.CreatedBy.Is(person) || r.Customer().Is(person) {
		return true
	}
	return slices.ContainsFunc(r.Links, func(l storage.Link) bool {
		return !l.Ended && (l.UserID == userID || l.Topic.GroupID == messages.UserPlace(userID))
	})
}

// webTickets merges the lists of the groups with the tickets that the person is on. Each list of the store goes on at the
// same cursor, so a page costs as much as its lists.
func (q *query) webTickets(m *messages.ListWebTickets) proto.Message {
	by := storage.ByLastMessage
	var search *storage.Search
	var err error
	if m.Text != "" {
		by = storage.ByCreated // a search is served in that order
		if search, err = storage.NewSearch(m.Text, false); err != nil {
			return &messages.WebTickets{Code: messages.Code_CONFLICT, Reason: messages.ReasonSearchTooShort}
		}
	}
	wanted := storage.TicketQuery{Statuses: m.Statuses, Text: m.Text, By: by, After: cursorOf(m.After), Limit: int(m.Limit), Assignee: m.Assignee}
	if m.Priority != "" {
		wanted.Priorities = []string{m.Priority}
	}
	narrow := m.Priority != "" || m.Assignee != ""
	if narrow {
		wanted.By = storage.ByCreated // by which indexes serve such lists
	}
	if m.Unanswered { // a node of the release before asks
		wanted.WaitingFor = storage.WaitsForDesk
	}
	if m.WaitingFor != "" {
		wanted.WaitingFor = m.WaitingFor
		if search == nil {
			wanted.By = storage.ByWaiting
		}
	}
	if m.ClosedFromMs != 0 && search == nil {
		wanted.By, wanted.From = storage.ByUpdated, time.UnixMilli(m.ClosedFromMs) // to close a ticket changes it
	}
	with, err := q.webTicketsWith(m, wanted, search)
	if err != nil {
		return &messages.WebTickets{Code: q.code(m, err)}
	}
	reader, err := q.webReaderOf(m.ReaderId)
	if err != nil {
		return &messages.WebTickets{Code: q.code(m, err)}
	}
	reply, until := &messages.WebTickets{Code: messages.Code_OK}, q.env.Now().Add(webLooksFor)
	if search != nil {
		until = q.env.Now().Add(webSearchesFor)
	}
	for range webPagesLookedAt {
		next, err := q.webPage(m, wanted, with, reader, until, reply)
		if errors.Is(err, storage.ErrSearch) {
			return &messages.WebTickets{Code: messages.Code_CONFLICT, Reason: messages.ReasonSearchTooShort}
		}
		if err != nil {
			return &messages.WebTickets{Code: q.code(m, err)}
		}
		reply.Next, wanted.After = nil, next
		if next == nil {
			break
		}
		reply.Next = &messages.Place{AtMs: next.At.UnixMilli(), Id: next.ID}
		leavesOut := m.ClosedFromMs != 0 || search != nil || narrow // a search examines tickets that do not have it
		if len(reply.Tickets) >= wanted.Limit || !leavesOut || q.env.Now().After(until) {
			break
		}
	}
	return reply
}

const (
	// rowsTogether is how many rows are made before others may have their turn, which costs microseconds.
	rowsTogether = 16
	// webPagesLookedAt is how many pages are looked at for one of a view that leaves tickets out.
	webPagesLookedAt = 10
	// webLooksFor is how long: then the page has what was found, and the next one goes on.
	webLooksFor = 1500 * time.Millisecond
	// webSearchesFor is that for a search, which people repeat with other words rather than wait.
	webSearchesFor = 100 * time.Millisecond
)

// webPage adds a page of the merged lists to a reply, without what the view leaves out. next is where it goes on; nil: nowhere.
// with are the tickets of which every page has some. At until it ends, behind the ticket that it has looked at.
func (q *query) webPage(m *messages.ListWebTickets, wanted storage.TicketQuery, with []storage.Ticket, reader *webReader,
	until time.Time, reply *messages.WebTickets) (next *storage.Cursor, err error) {
	all, next, err := q.webLists(m, wanted, with)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b storage.Ticket) int { return wanted.Compare(wanted.Place(&a), wanted.Place(&b)) })
	all = slices.CompactFunc(all, func(a, b storage.Ticket) bool { return a.TicketID == b.TicketID })
	if next != nil { // behind it, a list has more that may come before what another list has
		all = slices.DeleteFunc(all, func(r storage.Ticket) bool { return wanted.Compare(wanted.Place(&r), next) > 0 })
	}
	if len(all) > wanted.Limit {
		all = all[:wanted.Limit]
		next = wanted.Place(&all[len(all)-1])
	}
	for i := range all {
		r := &all[i]
		if i%rowsTogether == 0 {
			runtime.Gosched() // messages go before lists, of which one takes milliseconds
		}
		if i > 0 && q.env.Now().After(until) {
			return wanted.Place(&all[i-1]), nil
		}
		if m.ClosedFromMs != 0 && desk.MillisOf(r.ClosedAt) < m.ClosedFromMs || m.Priority != "" && r.Priority != m.Priority ||
			m.Assignee != "" && r.AssigneeID() != m.Assignee {
			continue
		}
		last, err := q.env.Store.LastMessages(q.env.Ctx, r.TicketID, 1)
		if err != nil {
			return nil, err
		}
		row, err := q.webRow(r, last)
		if err != nil {
			return nil, err
		}
		row.Unread = reader.lacks(r, last)
		reply.Tickets = append(reply.Tickets, row)
	}
	return next, nil
}

// webLists reads a page of the list of each group, and adds what every page may have. next is the nearest of the places at which
// one of the lists goes on; nil: none does.
func (q *query) webLists(m *messages.ListWebTickets, wanted storage.TicketQuery, with []storage.Ticket) (
	all []storage.Ticket, next *storage.Cursor, err error) {
	for _, of := range queriesOf(m, wanted) {
		page, err := q.env.Store.ListTickets(q.env.Ctx, of)
		if err != nil {
			return nil, nil, err
		}
		all = append(all, page.Tickets...)
		if page.Next != nil && (next == nil || wanted.Compare(page.Next, next) < 0) {
			next = page.Next
		}
	}
	for i := range with {
		if wanted.After == nil || wanted.Compare(wanted.Place(&with[i]), wanted.After) > 0 {
			all = append(all, with[i])
		}
	}
	return all, next, nil
}

// queriesOf are those of the lists that a page reads: one for each group, but one search for all of them, since each search examines
// up to 1,000 tickets. A filter that no index serves together with the others is left to the page.
func queriesOf(m *messages.ListWebTickets, wanted storage.TicketQuery) (all []storage.TicketQuery) {
	if wanted.Served() != nil {
		wanted.Priorities = nil
	}
	if wanted.Served() != nil {
		wanted.Assignee = ""
	}
	switch {
	case m.Mine || len(m.Groups) == 0: // all of it is in what every page has
		return nil
	case wanted.Text != "":
		wanted.Groups = m.Groups
		return []storage.TicketQuery{wanted}
	}
	for _, group := range m.Groups {
		wanted.GroupID = group
		all = append(all, wanted)
	}
	return all
}

// webTicketsWith reads the lists that have no pages, once for all pages that are looked at: what the groups and the person are on
// besides, and what the person opened.
func (q *query) webTicketsWith(m *messages.ListWebTickets, wanted storage.TicketQuery, search *storage.Search) (
	all []storage.Ticket, err error) {
	ctx, store := q.env.Ctx, q.env.Store
	add := func(list []storage.Ticket, failed error) {
		err = cmp.Or(err, failed)
		for i := range list {
			if wanted.Wants(&list[i], search) {
				all = append(all, list[i])
			}
		}
	}
	wants := func(status string) bool { return len(m.Statuses) == 0 || slices.Contains(m.Statuses, status) }
	person := strconv.FormatInt(m.UserId, 10)
	if m.Mine {
		theirs, _, failed := q.mine(m.UserId, m.Statuses, ticketsLookedAt)
		add(slices.DeleteFunc(theirs, func(r storage.Ticket) bool {
			return r.AssigneeID() == person && !isOn(&r, m.UserId) && !hasTopicInOne(&r, m.Groups)
		}), failed)
		return all, err
	}
	parties := slices.Clone(m.Groups)
	if m.UserId != 0 {
		add(store.TicketsByCreator(ctx, "user", person, false, ticketsLookedAt))
		parties = append(parties, storage.UserParty(m.UserId))
	}
	for _, party := range parties {
		if wants(desk.StatusOpen) || wants(desk.StatusPending) {
			add(store.TicketsWith(ctx, party, ticketsLookedAt))
		}
		if wants(desk.StatusClosed) {
			add(store.TicketsWith(ctx, storage.ClosedParty(party), ticketsLookedAt))
		}
	}
	return all, err
}

// hasTopicInOne says whether one of the groups has a topic of a ticket: who has left all of them sees nothing of what they claimed.
func hasTopicInOne(r *storage.Ticket, groups []ids.Place) bool {
	return slices.ContainsFunc(groups, func(group ids.Place) bool { return hasTopicIn(r, group) })
}

// webRow is a ticket with the beginning of its newest message, if it has one.
func (q *query) webRow(r *storage.Ticket, last []storage.Message) (*messages.WebTicket, error) {
	record, err := desk.TicketRecord(q.env.Ctx, q.env.Store, q.aliases, r)
	if err != nil {
		return nil, err
	}
	row := &messages.WebTicket{Ticket: record}
	if len(last) == 0 {
		return row, nil
	}
	if row.LastFrom = last[0].Sender.Name; !last[0].Protected {
		words := messages.Marked{Text: last[0].Text, Entities: desk.EntitiesOf(last[0].Entities)}
		row.LastText = messages.Shorten(words.Shown(), excerptUnits)
		if media := desk.ContentOf(&last[0]).GetMedia(); row.LastText == "" && media != nil {
			if row.LastText = messages.Shorten(messages.WordsOf(media), excerptUnits); row.LastText == "" {
				row.LastMedia = media.Kind
			}
		}
	}
	return row, nil
}

const excerptUnits = 120
