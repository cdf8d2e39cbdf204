package ticket

import (
	"fmt"
	"strconv"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/view"
)

// A person's private chat with the bot takes the part of a linked topic. Where it has topics, the ticket gets one of its
// own there, which is never closed. Elsewhere the person's tickets share the chat: it has no thread id, and is never
// created or named (docs/decisions.md, D17 and D75). Which of them a person is talking on is kept by the person's own
// entity.

// standIn makes the private chat that a ticket was opened from its first linked topic.
func standIn(r *storage.Ticket, o *messages.Origin) {
	id := r.TicketID + ":1"
	r.Links = append(r.Links, storage.Link{
		LinkID: id, UserName: desk.Who(o), By: r.CreatedBy, CreatedAt: r.CreatedAt,
		Topic: storage.Topic{TopicID: id, GroupID: o.Place, Threaded: true, Name: r.Home.Name},
	})
}

// shareChat has the ticket share the private chat, since Telegram opens no topic for it there.
func (t *ticket) shareChat(r *storage.Ticket, topic *storage.Topic) {
	topic.Threaded, topic.Suspended = false, ""
	r.LinksRevision++
	t.privatelyOpened(r)
}

// privatelyOpened tells the person of their new ticket once it is known where they write on it.
func (t *ticket) privatelyOpened(r *storage.Ticket) {
	if desk.IsOpened(&r.Home) {
		t.notifyWaiting(r, &r.Home, "")
	}
}

// giveUpHome closes a ticket of a private chat if its home topic can't be created, so that nobody writes into the
// void. Reopening the ticket tries again.
func (t *ticket) giveUpHome(r *storage.Ticket, why string) {
	now := t.now()
	t.closed(r, now)
	id := r.TicketID + "/failed/" + strconv.FormatInt(r.CardRevision, 10)
	t.cause(r, messages.EventTicketClosed, id, now, nil, &view.TicketClosedData{Reason: why})
}

// tryHomeAgain clears the failure of the home topic, so that it is created again.
func tryHomeAgain(r *storage.Ticket, o *messages.Origin) {
	if r.Home.TelegramTopicID != 0 || r.Home.Failure == "" {
		return
	}
	homeMayOpen(r, o)
	r.Home.Generation++ // the chat remembers how the last call went
	r.LinksRevision++
	awaitTopic(r, desk.HomeTopic, o)
}

// homeMayOpen clears the failure of the home topic. What was given up because of it is copied again.
func homeMayOpen(r *storage.Ticket, o *messages.Origin) {
	r.Home.Failure = ""
	for i := range r.Links {
		id := o.GetCommandId() + "/" + r.Links[i].LinkID
		body, err := desk.Pack(&messages.RetryCopy{
			Origin: &messages.Origin{CommandId: id}, LinkId: r.Links[i].LinkID, ToHome: true, Unopened: true})
		if err != nil {
			continue
		}
		r.Pending = append(r.Pending, storage.Pending{ID: id, Kind: pendingRetry, Body: body})
	}
}

// reachable writes down that the person can't be reached any more, or can again, unless a call to their chat has
// shown that already.
func (t *ticket) reachable(m *messages.PersonReachable) (effect, error) {
	return func(r *desk.Result) {
		if link := desk.PrivateLink(r.Ticket, m.Origin.Place); link != nil && m.Reachable == (link.Topic.Suspended != "") {
			why := ""
			if !m.Reachable {
				why = "blocked"
			}
			t.setSuspended(r.Ticket, &link.Topic, why)
		}
	}, nil
}

// notifyReach notifies every topic in which somebody may answer that the person behind a private chat can be reached, or
// can't.
func (t *ticket) notifyReach(r *storage.Ticket, topic *storage.Topic, reachable bool) {
	link := desk.LinkOf(r, topic.TopicID)
	if link == nil || reachable == (topic.Suspended == "") {
		return
	}
	key := messages.NoticePrivateUnblocked
	if !reachable {
		key = messages.NoticePrivateBlocked
	}
	o := &messages.Origin{CommandId: fmt.Sprintf("reach/%s/%d", topic.TopicID, r.Version)}
	for _, at := range desk.TopicsOf(r) {
		if messages.IsGroup(at.GroupID) {
			t.notifyTopic(r, o, at, key, map[string]string{"name": link.UserName}, 0)
		}
	}
}

// onReachable writes down whether a person can be reached, and confirms that to their entity.
func (t *ticket) onReachable(m *messages.PersonReachable) error {
	if t.record != nil {
		if _, err := t.onCommand(m); err != nil {
			return err
		}
	}
	t.Tell(messages.KindUser, messages.UserIn(m.Origin.Place), &messages.ReachableNoted{Told: m.Told})
	return nil
}

// onOpenPrivately opens a ticket for a person's entity and reports the result to it.
func (t *ticket) onOpenPrivately(m *messages.OpenTicket) error {
	answer, err := t.onOpen(m)
	if err != nil {
		return err
	}
	if r, _ := answer.(*messages.Reply); r.GetCode() == messages.Code_CONFLICT {
		refused := &messages.TicketOpened{TicketId: t.ID, Refused: true}
		t.Tell(messages.KindUser, messages.UserIn(m.Origin.Place), refused)
		return nil
	}
	t.tellOpened(m.Origin.Place)
	return nil
}

// tellOpened tells the person's entity that the ticket is open in their private chat. The entity asks until it hears.
func (t *ticket) tellOpened(place ids.Place) {
	opened := &messages.TicketOpened{TicketId: t.ID}
	if link := desk.PrivateLink(t.record, place); link != nil {
		if !desk.IsOpened(&link.Topic) {
			return
		}
		opened.OwnTopic = link.Topic.Threaded
	}
	t.Tell(messages.KindUser, messages.UserIn(place), opened)
}
