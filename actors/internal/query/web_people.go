package query

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// Whom the web desk lets somebody choose.

// webPeople lists whom somebody can mention on a ticket, as the keyboard in Telegram does: colleagues whose group has no topic of
// it yet, by name.
func (q *query) webPeople(m *messages.ListWebPeople) proto.Message {
	fail := func(err error) proto.Message { return &messages.WebPeople{Code: q.code(m, err)} }
	ticket, err := q.env.Store.Ticket(q.env.Ctx, m.TicketId)
	if err != nil {
		return fail(err)
	}
	users, total, err := q.env.Store.InternalUsers(q.env.Ctx, 0, peopleLookedAt)
	if err != nil {
		return fail(err)
	}
	reply := &messages.WebPeople{Code: messages.Code_OK, More: total > len(users)}
	fits := func(u *storage.User) bool { return u.DefaultGroupID != ticket.GroupID && !isOn(ticket, u.TelegramID) }
	if m.ToAssign {
		if users, err = q.withOthersOfDesk(ticket, users); err != nil {
			return fail(err)
		}
		fits = func(u *storage.User) bool { return !isAssignee(ticket, u.TelegramID) }
	}
	titles := map[ids.Place]string{"": ""}
	for i := range users {
		u := &users[i]
		if u.TelegramID == m.UserId || u.IsBot || !fits(u) {
			continue
		}
		title, ok := titles[u.DefaultGroupID]
		if !ok {
			if title, err = desk.GroupTitle(q.env.Ctx, q.env.Store, u.DefaultGroupID); err != nil {
				return fail(err)
			}
			titles[u.DefaultGroupID] = title
		}
		name := desk.UserName(u)
		if !hasFold(name+" @"+u.Username+" "+title, m.Text) {
			continue
		}
		if len(reply.People) == int(m.Limit) {
			reply.More = true
			break
		}
		reply.People = append(reply.People, &messages.WebPerson{UserId: u.TelegramID, Name: name, Username: u.Username, Group: title})
	}
	return reply
}

// withOthersOfDesk are those of the internal users who are of the desk on a ticket, and whoever else is, as far as that is known without
// Telegram: who was brought in, administers one of its groups, or has answered lately. The ticket decides the same way.
func (q *query) withOthersOfDesk(t *storage.Ticket, internal []storage.User) (all []storage.User, err error) {
	store, ctx := q.env.Store, q.env.Ctx
	seen := map[ids.UserID]bool{0: true}
	if of := t.Customer(); of.Kind == "user" { // may not have it
		customer, _ := strconv.ParseInt(of.ID, 10, 64)
		seen[customer] = true
	}
	for i := range internal {
		if u := &internal[i]; u.DefaultGroupID != "" && hasTopicIn(t, u.DefaultGroupID) && !seen[u.TelegramID] {
			seen[u.TelegramID], all = true, append(all, *u)
		}
	}
	var others []ids.UserID
	for i := range t.Links {
		if !t.Links[i].Ended {
			others = append(others, t.Links[i].UserID)
		}
	}
	for _, topic := range desk.TopicsOf(t) {
		if !messages.IsGroup(topic.GroupID) {
			continue
		}
		group, err := store.Group(ctx, topic.GroupID)
		if err != nil && !errors.Is(err, storage.ErrNotFound) {
			return nil, err
		}
		if err == nil {
			others = append(others, group.Admins...)
		}
	}
	said, err := store.LastMessages(ctx, t.TicketID, answersLookedAt)
	if err != nil {
		return nil, err
	}
	for i := range said {
		if s := &said[i]; s.Sender.Kind == "user" && s.Side == storage.WaitsForDesk {
			others = append(others, s.Sender.ID)
		}
	}
	for _, id := range others {
		if seen[id] {
			continue
		}
		seen[id] = true
		u, err := store.User(ctx, id)
		if errors.Is(err, storage.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, *u)
	}
	slices.SortFunc(all, func(a, b storage.User) int { return strings.Compare(desk.UserName(&a), desk.UserName(&b)) })
	return all, nil
}

func isAssignee(t *storage.Ticket, id ids.UserID) bool {
	return t.AssigneeID() == strconv.FormatInt(id, 10)
}

// answersLookedAt is how many of the newest messages are looked at for people of the desk.
const answersLookedAt = 100

// peopleLookedAt is how many colleagues are looked at, as many as for the keyboard in Telegram.
const peopleLookedAt = 1000

// hasFold says whether a text has another one in it, in upper or lower case.
func hasFold(text, part string) bool {
	return strings.Contains(strings.ToLower(text), strings.ToLower(part))
}
