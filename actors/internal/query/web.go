package query

import (
	"cmp"
	"errors"
	"slices"
	"strconv"

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
	reply := &messages.WebAccess{Code: messages.Code_OK, On: isOn(r, m.UserId)}
	for _, topic := range desk.TopicsOf(r) {
		chat, err := desk.ChatOf(q.env.Ctx, q.env.Store, topic.GroupID)
		if err != nil {
			return &messages.WebAccess{Code: q.code(m, err)}
		}
		reply.Topics = append(reply.Topics,
			&messages.WebTopic{Place: topic.GroupID, ChatId: chat, ThreadId: topic.TelegramTopicID})
	}
	return reply
}

// isOn says whether a person opened the ticket, or was brought into it.
func isOn(r *storage.Ticket, userID ids.UserID) bool {
	if userID == 0 {
		return false
	}
	if r.CreatedBy.Kind == "user" && r.CreatedBy.ID == strconv.FormatInt(userID, 10) {
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
	if m.Text != "" {
		by = storage.ByCreated // a search is served in that order
		var err error
		if search, err = storage.NewSearch(m.Text, false); err != nil {
			return &messages.WebTickets{Code: messages.Code_CONFLICT, Reason: messages.ReasonSearchTooShort}
		}
	}
	wanted := storage.TicketQuery{Statuses: m.Statuses, Text: m.Text, By: by, After: cursorOf(m.After), Limit: int(m.Limit)}
	all, next, err := q.webLists(m, wanted, search)
	if errors.Is(err, storage.ErrSearch) {
		return &messages.WebTickets{Code: messages.Code_CONFLICT, Reason: messages.ReasonSearchTooShort}
	}
	if err != nil {
		return &messages.WebTickets{Code: q.code(m, err)}
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
	reply := &messages.WebTickets{Code: messages.Code_OK}
	if next != nil {
		reply.Next = &messages.Place{AtMs: next.At.UnixMilli(), Id: next.ID}
	}
	for i := range all {
		row, err := q.webRow(&all[i])
		if err != nil {
			return &messages.WebTickets{Code: q.code(m, err)}
		}
		reply.Tickets = append(reply.Tickets, row)
	}
	return reply
}

// webLists reads the lists. next is the nearest of the places at which one of them goes on; nil: none does.
func (q *query) webLists(m *messages.ListWebTickets, wanted storage.TicketQuery, search *storage.Search) (
	all []storage.Ticket, next *storage.Cursor, err error) {
	ctx, store := q.env.Ctx, q.env.Store
	add := func(list []storage.Ticket, failed error) {
		err = cmp.Or(err, failed)
		for i := range list {
			if wanted.Wants(&list[i], search) {
				all = append(all, list[i])
			}
		}
	}
	for _, group := range m.Groups {
		of := wanted
		of.GroupID = group
		page, failed := store.ListTickets(ctx, of)
		err = cmp.Or(err, failed)
		all = append(all, page.Tickets...)
		if page.Next != nil && (next == nil || wanted.Compare(page.Next, next) < 0) {
			next = page.Next
		}
		add(store.OpenTicketsWith(ctx, group, ticketsLookedAt))
	}
	if m.UserId != 0 {
		add(store.TicketsByCreator(ctx, "user", strconv.FormatInt(m.UserId, 10), false, ticketsLookedAt))
		add(store.OpenTicketsWith(ctx, storage.UserParty(m.UserId), ticketsLookedAt))
	}
	return all, next, err
}

// webRow is a ticket with the beginning of its newest message.
func (q *query) webRow(r *storage.Ticket) (*messages.WebTicket, error) {
	record, err := desk.TicketRecord(q.env.Ctx, q.env.Store, q.aliases, r)
	if err != nil {
		return nil, err
	}
	row := &messages.WebTicket{Ticket: record}
	last, err := q.env.Store.LastMessages(q.env.Ctx, r.TicketID, 1)
	if err != nil || len(last) == 0 {
		return row, err
	}
	if row.LastFrom = last[0].Sender.Name; !last[0].Protected {
		row.LastText = messages.Shorten(last[0].Text, excerptUnits)
	}
	return row, nil
}

const excerptUnits = 120

func (q *query) webTimeline(m *messages.ListWebTimeline) proto.Message {
	fail := func(err error) proto.Message { return &messages.WebTimeline{Code: q.code(m, err)} }
	ticket, err := q.env.Store.Ticket(q.env.Ctx, m.TicketId)
	if err != nil {
		return fail(err)
	}
	asked := &messages.ListMessageRecords{TicketId: m.TicketId, MessageId: m.MessageId, NewestFirst: true, After: m.Before,
		Limit: m.Limit}
	if m.After != 0 {
		asked.NewestFirst, asked.After = false, m.After
	}
	page, err := q.messagePage(asked)
	if err != nil {
		return fail(err)
	}
	if asked.NewestFirst {
		slices.Reverse(page)
	}
	reply := &messages.WebTimeline{Code: messages.Code_OK}
	for _, one := range page {
		v, err := desk.MessageRecord(q.env.Ctx, q.env.Store, q.aliases, ticket, &one)
		if err != nil {
			return fail(err)
		}
		said := &messages.WebMessage{Message: v}
		for _, r := range one.Reactions {
			said.Reactions = append(said.Reactions, &messages.WebReaction{Emoji: cmp.Or(r.Emoji, "🖼"), By: r.By.Name})
		}
		for _, id := range v.AttachmentIds {
			file, err := q.env.Store.Attachment(q.env.Ctx, id)
			if errors.Is(err, storage.ErrNotFound) {
				continue
			}
			if err != nil {
				return fail(err)
			}
			said.Files = append(said.Files, desk.AttachmentRecord(file))
		}
		reply.Messages = append(reply.Messages, said)
	}
	return reply
}
