package query

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// What the bot looks up.

func (q *query) findTopic(m *messages.FindTopic) proto.Message {
	var id ids.TicketID
	var err error
	if messages.IsPrivate(m.Place) && m.ThreadId == 0 {
		id, err = q.currentTicket(m.Place)
	} else {
		id, err = q.env.Store.TicketByTopic(q.env.Ctx, m.Place, m.ThreadId)
	}
	return &messages.TopicFound{Code: q.code(m, err), TicketId: id}
}

// currentTicket is the ticket that a person is writing on in their private chat.
func (q *query) currentTicket(place ids.Place) (ids.TicketID, error) {
	id, ok := messages.ChatIn(place)
	if !ok {
		return "", storage.ErrNotFound
	}
	user, err := q.env.Store.User(q.env.Ctx, id)
	if err != nil {
		return "", err
	}
	return user.CurrentTicketID, nil
}

func (q *query) findPlace(m *messages.FindPlace) proto.Message {
	group, err := q.env.Store.GroupByTelegramID(q.env.Ctx, m.ChatId)
	reply := &messages.PlaceFound{Code: q.code(m, err)}
	if group != nil {
		reply.Place = group.GroupID
	}
	return reply
}

func (q *query) findShortID(m *messages.FindShortID) proto.Message {
	found, err := q.env.Store.TicketsByShortID(q.env.Ctx, m.ShortId)
	return &messages.TicketIDs{Code: q.code(m, err), TicketIds: found}
}

func (q *query) findNumber(m *messages.FindNumber) proto.Message {
	id, err := q.env.Store.TicketByNumber(q.env.Ctx, m.Number)
	if errors.Is(err, storage.ErrNotFound) {
		return &messages.TicketIDs{Code: messages.Code_OK}
	}
	return &messages.TicketIDs{Code: q.code(m, err), TicketIds: []string{id}}
}

// describedAtMost is how many tickets are found that one message describes.
const describedAtMost = 20

// How many messages are looked at that answer one which no ticket has, at a time and in all, and how many tickets are found so.
const (
	answersPage    = 200
	answersRead    = 2000
	quotingTickets = 100
)

func (q *query) findMessage(m *messages.FindMessage) proto.Message {
	original, err := desk.OriginalAt(q.env.Ctx, q.env.Store, m.ChatId, m.MessageId,
		&messages.ReplyTo{Quote: m.Quote, QuotePosition: m.QuotePosition})
	reply, notFound := &messages.MessageFound{Code: q.code(m, err)}, err
	if m.Described {
		party := storage.MessageParty(messages.MessageKey(m.ChatId, m.MessageId))
		described, err := q.env.Store.TicketsWith(q.env.Ctx, party, describedAtMost)
		if err != nil {
			return &messages.MessageFound{Code: q.code(m, err)}
		}
		for i := range described {
			reply.Described = append(reply.Described, described[i].TicketID)
		}
		if errors.Is(notFound, storage.ErrNotFound) && !m.Own { // a message that no ticket has
			if err := q.addQuoting(reply, m); err != nil {
				return &messages.MessageFound{Code: q.code(m, err)}
			}
		}
	}
	if original == nil {
		return reply
	}
	reply.TicketId, reply.MessageId = original.TicketID, original.MessageID
	reply.Hidden, reply.Internal = original.Hidden() || original.Protected, original.Internal
	if m.Quote == "" && original.MessageID != messages.MessageKey(m.ChatId, m.MessageId) {
		copies, err := q.env.Store.CopiesAt(q.env.Ctx, m.ChatId, m.MessageId)
		reply.Code = q.code(m, err)
		if slices.ContainsFunc(copies, func(c storage.Copy) bool { return c.TicketID != original.TicketID }) {
			reply.TicketId = "" // in a private chat
		}
	}
	return reply
}

// addQuoting adds the tickets whose messages show words of one that no ticket has. Where it was taken back from all, it adds one:
// the message itself may still be there.
func (q *query) addQuoting(reply *messages.MessageFound, m *messages.FindMessage) error {
	id, after, former := messages.MessageKey(m.ChatId, m.MessageId), "", ""
	defer func() {
		if len(reply.Described) == 0 && former != "" {
			reply.Described = []string{former}
		}
	}()
	for range answersRead / answersPage {
		page, err := q.env.Store.MessagesAnswering(q.env.Ctx, id, after, answersPage)
		if err != nil {
			return err
		}
		for i := range page {
			ticketID := page[i].TicketID
			if page[i].ReplyTo.Deleted {
				if m.CommandId != "" && ticketID != former && !reply.Taken {
					if reply.Taken, err = q.took(ticketID, messages.TakeBackID(m.CommandId, ticketID)); err != nil {
						return err
					}
				}
				former = ticketID
				continue
			}
			if slices.Contains(reply.Described, ticketID) {
				continue
			}
			if reply.More = len(reply.Described) >= quotingTickets; reply.More {
				return nil
			}
			reply.Described = append(reply.Described, ticketID)
		}
		if len(page) < answersPage {
			return nil
		}
		after = page[len(page)-1].MessageID
	}
	reply.More = true
	return nil
}

// took says whether a ticket has carried out a command lately.
func (q *query) took(ticketID ids.TicketID, commandID string) (bool, error) {
	r, err := q.env.Store.Ticket(q.env.Ctx, ticketID)
	if err != nil {
		return false, err
	}
	return slices.Contains(r.Handled, commandID), nil
}

// findWord says which ticket the desk spoke of last before a message: what it says while somebody writes, they have not
// seen. It reads what the chat has kept, since a chat that is asked must start first, which is a write.
func (q *query) findWord(m *messages.FindWord) proto.Message {
	chat, err := q.env.Store.Chat(q.env.Ctx, m.Place)
	if err != nil {
		return &messages.WordFound{Code: q.code(m, err)}
	}
	for _, word := range slices.Backward(chat.Words) {
		if m.BeforeId == 0 || word.MessageID < m.BeforeId {
			return &messages.WordFound{Code: messages.Code_OK, TicketId: word.TicketID, MessageId: word.MessageID}
		}
	}
	return &messages.WordFound{Code: messages.Code_NOT_FOUND}
}

func (q *query) group(m *messages.GetGroup) proto.Message {
	r, err := q.env.Store.Group(q.env.Ctx, m.GroupId)
	reply := &messages.GroupView{Code: q.code(m, err), GroupId: m.GroupId}
	if r != nil {
		reply.Registered, reply.Public, reply.Lang = r.SupportTopicsEnabled, r.Public, r.Language
		reply.Facts = desk.FactsOf(r)
		seen := *r
		seen.IsForum = r.IsForum || m.IsForum
		reply.Standing = desk.TicketsIn(&seen)
	}
	return reply
}

func (q *query) user(m *messages.GetUser) proto.Message {
	r, err := q.env.Store.User(q.env.Ctx, m.UserId)
	reply := &messages.UserView{Code: q.code(m, err)}
	if r != nil {
		reply.Lang, reply.DefaultGroupId = r.Language, r.DefaultGroupID
		reply.CurrentTicketId, reply.Blocked, reply.SettledId = r.CurrentTicketID, r.Blocked, r.SettledID
		if waits := desk.NewestUnclear(r.Shelf); waits != nil {
			reply.UnclearId, reply.UnclearMs = waits.Unclear, waits.At.UnixMilli()
		}
		if waits := desk.NewestUntitled(r.Shelf); waits != nil {
			reply.UntitledId, reply.UntitledMs, reply.TitleAsked = waits.Untitled, waits.At.UnixMilli(), waits.TitleAsked
		}
		reply.WaitsClosed = desk.HeldTickets(r.Shelf)
		for i := range r.Drafts {
			d := &r.Drafts[i]
			if d.Follows != "" {
				reply.Following = append(reply.Following, d.Follows)
			}
			asked := &messages.Origin{}
			if err := proto.Unmarshal(d.Asked, asked); err != nil {
				return &messages.UserView{Code: q.code(m, fmt.Errorf("read a draft: %w", err))}
			}
			reply.Drafts = append(reply.Drafts, &messages.TicketView{TicketId: d.TicketID, Title: d.Title, FollowsId: d.Follows,
				CreatedMs: asked.ReceivedMs})
		}
		reply.Person = &messages.Person{
			Id: r.TelegramID, Username: r.Username, FirstName: r.FirstName, LastName: r.LastName, IsBot: r.IsBot,
		}
	}
	return reply
}

func (q *query) tickets(m *messages.ListTickets) proto.Message {
	userID := strconv.FormatInt(m.UserId, 10)
	page, err := q.env.Store.TicketsByCreator(q.env.Ctx, "user", userID, m.OpenOnly, int(m.Limit))
	reply := &messages.TicketList{Code: q.code(m, err)}
	for i := range page {
		view, err := desk.ViewOf(q.env.Ctx, q.env.Store, &page[i], page[i].Home.TopicID)
		if err != nil {
			return &messages.TicketList{Code: q.code(m, err)}
		}
		view.Private = desk.PrivateLink(&page[i], messages.UserPlace(m.UserId)) != nil
		view.FollowsId = page[i].Follows
		reply.Tickets = append(reply.Tickets, view)
	}
	return reply
}
