package actors

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// A person's private chat with the bot stands in the place of a topic: it has no thread id, is never created, named or
// closed, and several tickets can have it at once. Which of them the person is talking on is theirs to say (user_private.go).

// isPrivate says whether a place is a person's private chat.
func isPrivate(place string) bool { return strings.HasPrefix(place, "u") }

// privatePlace is a person's private chat as a place.
func privatePlace(userID int64) string { return "u" + strconv.FormatInt(userID, 10) }

// identityIn is the identity of the person whose private chat a place is.
func identityIn(place string) string { return strings.TrimPrefix(place, "u") }

// isOpened says whether something can be said in a topic, as far as opening it goes.
func isOpened(topic *storage.Topic) bool {
	return topic.TelegramTopicID != 0 || isPrivate(topic.GroupID)
}

// privateLink finds the link of a ticket whose topic is a private chat; place "" is anybody's.
func privateLink(r *storage.Ticket, place string) *storage.Link {
	for i := range r.Links {
		link := &r.Links[i]
		if !link.Ended && isPrivate(link.Topic.GroupID) && (place == "" || link.Topic.GroupID == place) {
			return link
		}
	}
	return nil
}

// openPrivately lists a person's open tickets that they can talk on in private, newest first.
func openPrivately(ctx context.Context, store storage.Tickets, place string, limit int) ([]storage.Ticket, error) {
	page, err := store.TicketsByCreator(ctx, "user", identityIn(place), true, limit)
	if err != nil {
		return nil, fmt.Errorf("read a person's tickets: %w", err)
	}
	var own []storage.Ticket
	for i := range page {
		if privateLink(&page[i], place) != nil {
			own = append(own, page[i])
		}
	}
	return own, nil
}

// privateTicketsRead is how many of a person's newest open tickets are looked at.
const privateTicketsRead = 50

// standIn makes the private chat that a ticket was opened from its first linked topic.
func standIn(r *storage.Ticket, o *messages.Origin) {
	id := r.TicketID + ":1"
	r.Links = append(r.Links, storage.Link{LinkID: id, UserName: who(o), By: r.CreatedBy, CreatedAt: r.CreatedAt,
		Topic: storage.Topic{TopicID: id, GroupID: o.Place, NamedByHand: true}})
}

// giveUpHome closes a ticket of a private chat whose topic can't be opened, so that nothing is written into the void. To
// reopen it is to try again.
func (t *ticket) giveUpHome(r *storage.Ticket, why string) {
	r.Status, r.ClosedAt, r.UpdatedAt, r.ClosedAfter = statusClosed, storage.Kept(t.now()), storage.Kept(t.now()), t.sequence
	r.CardRevision++
	cause(r, "ticket.closed", r.TicketID+"/failed/"+strconv.FormatInt(r.CardRevision, 10), t.now(), map[string]any{"by": r.CreatedBy, "reason": why})
}

// tryHomeAgain forgets that the home topic could not be opened.
func tryHomeAgain(r *storage.Ticket, o *messages.Origin) {
	if r.Home.TelegramTopicID != 0 || r.Home.Failure == "" {
		return
	}
	r.Home.Failure = ""
	r.Home.Generation++ // the chat remembers how the last call went
	r.LinksRevision++
	await(r, homeTopic, o)
}

// reachable writes down that the person can't be reached any more, or can again, unless a call to their chat said so before.
func (t *ticket) reachable(m *messages.PersonReachable) func(*storage.Ticket) {
	return func(r *storage.Ticket) {
		if link := privateLink(r, m.Origin.Place); link != nil && m.Reachable == (link.Topic.Held != "") {
			why := ""
			if !m.Reachable {
				why = "blocked"
			}
			t.hold(r, &link.Topic, why)
		}
	}
}

// tellReach tells the home topic whether the person behind a private chat can be reached.
func (t *ticket) tellReach(r *storage.Ticket, topic *storage.Topic, reachable bool) {
	link := linkOf(r, topic.TopicID)
	if link == nil || reachable == (topic.Held == "") {
		return
	}
	key := messages.NoticePrivateUnblocked
	if !reachable {
		key = messages.NoticePrivateBlocked
	}
	o := &messages.Origin{CommandId: fmt.Sprintf("reach/%s/%d", topic.TopicID, r.Version)}
	t.tellTopic(r, o, &r.Home, key, map[string]string{"name": link.UserName}, 0)
}

// onReachable lets the person's entity know that the ticket has written it down.
func (t *ticket) onReachable(m *messages.PersonReachable) error {
	if t.record != nil {
		if _, err := t.onCommand(m); err != nil {
			return err
		}
	}
	t.tell(KindUser, identityIn(m.Origin.Place), &messages.ReachableNoted{Told: m.Told})
	return nil
}

// onOpenPrivately opens a ticket for a person's entity, and tells it so.
func (t *ticket) onOpenPrivately(m *messages.OpenTicket) error {
	answer, err := t.onOpen(m)
	if err != nil {
		return err
	}
	r, _ := answer.(*messages.Reply)
	t.tell(KindUser, identityIn(m.Origin.Place), &messages.TicketOpened{TicketId: t.key.identity, Refused: r.GetCode() == messages.Code_CONFLICT})
	return nil
}

// labelOf says which ticket a copy into a private chat is of, where its person has several.
func (l *link) labelOf() string {
	if l.spec.Topic.GroupID == "" || !isPrivate(l.spec.Topic.GroupID) {
		return ""
	}
	own, err := openPrivately(l.ctx, l.store, l.spec.Topic.GroupID, privateTicketsRead)
	if err != nil {
		l.log.Error("a person's tickets can't be read; the copy says which it is of", "error", err)
	}
	if err == nil && (len(own) == 0 || len(own) == 1 && own[0].TicketID == l.ticketID) {
		return ""
	}
	return l.name
}

// naming reads what people and groups are called.
type naming interface {
	storage.Groups
	storage.Users
}

// personTitle is a person's name.
func personTitle(ctx context.Context, store naming, place string) (string, error) {
	id, err := strconv.ParseInt(identityIn(place), 10, 64)
	if err != nil {
		return place, nil
	}
	user, err := store.User(ctx, id)
	if errors.Is(err, storage.ErrNotFound) {
		return place, nil
	}
	if err != nil {
		return place, fmt.Errorf("read the person: %w", err)
	}
	return userName(user), nil
}

// privately words a notice to all topics for a private chat.
func privately(r *storage.Ticket, n *messages.SendNoticeCall) *messages.SendNoticeCall {
	switch n.Key {
	case messages.NoticeTicketClosed:
		return &messages.SendNoticeCall{Key: messages.NoticePrivateClosed, Args: n.Args,
			Keyboard: oneButton(messages.ButtonReopen, messages.CallbackReopen+":"+r.TicketID)}
	case messages.NoticeTicketReopened:
		return &messages.SendNoticeCall{Key: messages.NoticePrivateReopened, Args: n.Args}
	}
	return n
}

func oneButton(key, data string) *messages.Keyboard {
	return &messages.Keyboard{Rows: []*messages.KeyboardRow{{Buttons: []*messages.Button{{Key: key, Data: data}}}}}
}

// onMessageAfterClose refuses what is written in a private chat to a closed ticket: the person is asked whether to open it
// again. One that was recorded before the close comes again after a crash.
func (t *ticket) onMessageAfterClose(id string) (proto.Message, error) {
	_, err := t.store.Message(t.ctx, id)
	if err == nil {
		return duplicate(), nil
	}
	if !errors.Is(err, storage.ErrNotFound) {
		return nil, fmt.Errorf("look for a message: %w", err)
	}
	return answered(messages.Code_CONFLICT, messages.ReasonClosed), nil
}

// fitsPrivately says whether a command can be given from a private chat: whom to bring in is the desk's to say.
func fitsPrivately(m command) bool {
	switch m.(type) {
	case *messages.Mention, *messages.ShowMentionPage, *messages.LinkTopic, *messages.UnlinkTopic:
		return false
	}
	return true
}
