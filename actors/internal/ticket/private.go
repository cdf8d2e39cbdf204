package ticket

import (
	"errors"
	"fmt"
	"strconv"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// A person's private chat with the bot stands in the place of a topic: it has no thread id, is never created, named or
// closed, and several tickets can have it at once. Which of them the person is talking on is theirs to say (user_private.go).

// standIn makes the private chat that a ticket was opened from its first linked topic.
func standIn(r *storage.Ticket, o *messages.Origin) {
	id := r.TicketID + ":1"
	r.Links = append(r.Links, storage.Link{LinkID: id, UserName: desk.Who(o), By: r.CreatedBy, CreatedAt: r.CreatedAt,
		Topic: storage.Topic{TopicID: id, GroupID: o.Place, NamedByHand: true}})
}

// giveUpHome closes a ticket of a private chat whose topic can't be opened, so that nothing is written into the void. To
// reopen it is to try again.
func (t *ticket) giveUpHome(r *storage.Ticket, why string) {
	r.Status, r.ClosedAt, r.UpdatedAt, r.ClosedAfter = desk.StatusClosed, storage.Kept(t.Now()), storage.Kept(t.Now()), t.sequence
	r.CardRevision++
	cause(r, messages.EventTicketClosed, r.TicketID+"/failed/"+strconv.FormatInt(r.CardRevision, 10), t.Now(), map[string]any{"by": r.CreatedBy, "reason": why})
}

// tryHomeAgain forgets that the home topic could not be opened.
func tryHomeAgain(r *storage.Ticket, o *messages.Origin) {
	if r.Home.TelegramTopicID != 0 || r.Home.Failure == "" {
		return
	}
	r.Home.Failure = ""
	r.Home.Generation++ // the chat remembers how the last call went
	r.LinksRevision++
	await(r, desk.HomeTopic, o)
}

// reachable writes down that the person can't be reached any more, or can again, unless a call to their chat said so before.
func (t *ticket) reachable(m *messages.PersonReachable) (effect, error) {
	return func(r *result) {
		if link := desk.PrivateLink(r.Ticket, m.Origin.Place); link != nil && m.Reachable == (link.Topic.Held != "") {
			why := ""
			if !m.Reachable {
				why = "blocked"
			}
			t.hold(r.Ticket, &link.Topic, why)
		}
	}, nil
}

// tellReach tells the home topic whether the person behind a private chat can be reached.
func (t *ticket) tellReach(r *storage.Ticket, topic *storage.Topic, reachable bool) {
	link := desk.LinkOf(r, topic.TopicID)
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
	t.Tell(messages.KindUser, messages.UserIn(m.Origin.Place), &messages.ReachableNoted{Told: m.Told})
	return nil
}

// onOpenPrivately opens a ticket for a person's entity, and tells it so.
func (t *ticket) onOpenPrivately(m *messages.OpenTicket) error {
	answer, err := t.onOpen(m)
	if err != nil {
		return err
	}
	r, _ := answer.(*messages.Reply)
	t.Tell(messages.KindUser, messages.UserIn(m.Origin.Place),
		&messages.TicketOpened{TicketId: t.ID, Refused: r.GetCode() == messages.Code_CONFLICT})
	return nil
}

// privately words a notice to all topics for a private chat.
func privately(r *storage.Ticket, n *messages.SendNoticeCall) *messages.SendNoticeCall {
	switch n.Key {
	case messages.NoticeTicketClosed:
		return &messages.SendNoticeCall{Key: messages.NoticePrivateClosed, Args: n.Args,
			Keyboard: desk.OneButton(messages.ButtonReopen, messages.CallbackReopen+":"+r.TicketID)}
	case messages.NoticeTicketReopened:
		return &messages.SendNoticeCall{Key: messages.NoticePrivateReopened, Args: n.Args}
	}
	return n
}

// onMessageAfterClose refuses what is written in a private chat to a closed ticket: the person is asked whether to open it
// again. One that was recorded before the close comes again after a crash.
func (t *ticket) onMessageAfterClose(id string) (proto.Message, error) {
	_, err := t.Store.Message(t.Ctx, id)
	if err == nil {
		return entity.Duplicate(), nil
	}
	if !errors.Is(err, storage.ErrNotFound) {
		return nil, fmt.Errorf("look for a message: %w", err)
	}
	return entity.Answer(messages.Code_CONFLICT, messages.ReasonClosed), nil
}
