package ticket

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/view"
)

// unlinking ends a link. What was sent before is still copied.
func (t *ticket) unlinking(m *messages.UnlinkTopic) (effect, error) {
	o := m.Origin
	here := t.topicAt(o.Place, o.ThreadId)
	if desk.IsAPI(o) {
		here = nil
		if link := desk.LinkOf(t.record, m.LinkId); link != nil && !link.Ended && !desk.IsAPILink(link) {
			here = &link.Topic
		}
	}
	switch {
	case here == nil:
		return answer(o, messages.NoticeUnlinkNone, nil), nil
	case here.TopicID == desk.HomeTopic:
		return answer(o, messages.NoticeUnlinkHome, nil), nil
	}
	title, err := desk.GroupTitle(t.Ctx, t.Store, here.GroupID)
	if err != nil {
		return nil, err
	}
	home, err := desk.GroupTitle(t.Ctx, t.Store, t.record.Home.GroupID)
	if err != nil {
		return nil, err
	}
	linkID, by := here.TopicID, desk.CreatorOf(o)
	stays := slices.ContainsFunc(desk.TopicsOf(t.record), func(x *storage.Topic) bool { // a colleague's topic in that group
		return x.GroupID == here.GroupID && x.TopicID != here.TopicID
	})
	leaves, err := t.leavesWith(here, by)
	if err != nil {
		return nil, err
	}
	return func(r *desk.Result) {
		link := desk.LinkOf(r.Ticket, linkID)
		link.Ended, link.EndSequence, link.EndedBy = true, t.sequence, &by
		r.LinksRevision++
		r.CardRevision++
		r.UpdatedAt = t.now()
		if link.Topic.Unproven {
			link.EndSequence = link.BeginSequence // nothing will be copied into a topic that may not exist
			return                                // nobody has heard of the link
		}
		t.cause(r.Ticket, messages.EventTopicUnlinked, o.CommandId, t.now(), creatorOf(o),
			&view.TopicData{Topic: t.topicRef(&link.Topic)})
		args := map[string]string{"who": desk.Who(o), "ticket": desk.NameOf(r.Ticket), "group": title}
		if link.UserID != 0 { // somebody else could not /link their topic again
			args["name"] = link.UserName
		}
		if stays && link.UserName != "" {
			args["group"] = title + " (" + link.UserName + ")"
		}
		there := maps.Clone(args)
		there["home"] = home
		if isPerson(by, link.UserID) {
			there["self"] = "yes"
		}
		if leaves != nil {
			t.assign(r.Ticket, o.CommandId, &by, nil)
			args["had"] = leaves.Name
			if leaves.Is(by) {
				there["had"] = leaves.Name
			} else {
				t.tellReleased(r.Ticket, o, &link.Topic, leaves)
			}
		}
		t.notifyTopic(r.Ticket, o, &link.Topic, messages.NoticeUnlinked, there, t.sequence)
		t.notifyTopic(r.Ticket, o, &r.Home, messages.NoticeUnlinked, args, t.sequence)
		t.retireCard(r.Ticket, &link.Topic)
		desk.Acknowledge(r, o)
	}, nil
}

// leavesWith finds whoever has the ticket, if the topic that leaves is the only one in which they see it. nil: nobody has it, or they see
// it elsewhere. A topic is theirs if they were brought into it, have written there lately, or end its link there themselves, or if the
// desk knows that they are of its group's team.
func (t *ticket) leavesWith(topic *storage.Topic, by storage.Creator) (*storage.Creator, error) {
	has := t.record.Assignee
	if has == nil || has.Kind != "user" {
		return nil, nil
	}
	userID, err := strconv.ParseInt(has.ID, 10, 64)
	if err != nil {
		return nil, nil
	}
	user, err := t.Store.User(t.Ctx, userID)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return nil, fmt.Errorf("read a user: %w", err)
	}
	said, err := t.searched()
	if err != nil {
		return nil, err
	}
	theirs := func(x *storage.Topic) (bool, error) {
		link := desk.LinkOf(t.record, x.TopicID)
		wrote := func(m storage.Message) bool {
			return m.TopicID == x.TopicID && m.Sender.Kind == "user" && m.Sender.ID == userID
		}
		if link != nil && link.UserID == userID || user != nil && user.DefaultGroupID == x.GroupID || slices.ContainsFunc(said, wrote) {
			return true, nil
		}
		group, err := t.Store.Group(t.Ctx, x.GroupID)
		if errors.Is(err, storage.ErrNotFound) {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("read a group: %w", err)
		}
		return slices.Contains(group.Admins, userID), nil
	}
	is, err := theirs(topic)
	if err != nil || !is && !has.Is(by) {
		return nil, err
	}
	for _, other := range desk.TopicsOf(t.record) {
		if other.TopicID == topic.TopicID || !messages.IsGroup(other.GroupID) {
			continue
		}
		if is, err := theirs(other); err != nil || is || other.GroupID == topic.GroupID {
			return nil, err
		}
	}
	return has, nil
}

// tellReleased tells whoever had the ticket, by a mention in the topic that leaves it, that it is not theirs any more.
func (t *ticket) tellReleased(r *storage.Ticket, o *messages.Origin, topic *storage.Topic, had *storage.Creator) {
	if !desk.IsOpened(topic) {
		return
	}
	notice := &messages.SendNoticeCall{Key: messages.NoticeUnlinkReleased,
		Args: map[string]string{"name": had.Name, "who": desk.Who(o), "ticket": desk.NameOf(r)}}
	notice.UserId, _ = strconv.ParseInt(had.ID, 10, 64)
	op := desk.OperationIn(r, topic)
	op.Order, op.Call = desk.ClosingOrder(t.sequence), &messages.Operation_SendNotice{SendNotice: notice}
	desk.AddPending(r, o.CommandId, op, t.sequence)
}

// isPerson says whether somebody is the person with a Telegram id.
func isPerson(who storage.Creator, userID ids.UserID) bool {
	return userID != 0 && who.Kind == "user" && who.ID == strconv.FormatInt(userID, 10)
}

// leftBy is the link that whoever gives a command has ended themselves, so that they may link a topic again. nil: they have
// not, or the other side has ended their latest one, or that of the topic, since (docs/decisions.md, D199).
func (t *ticket) leftBy(o *messages.Origin) *storage.Link {
	who := desk.CreatorOf(o)
	is := func(c *storage.Creator) bool { return c != nil && c.Kind == who.Kind && c.ID == who.ID }
	for i := len(t.record.Links) - 1; i >= 0; i-- {
		link := &t.record.Links[i]
		topic := &link.Topic
		here := topic.GroupID == o.Place && topic.TelegramTopicID == o.ThreadId
		theirs := isPerson(who, link.UserID) || link.UserID == 0 && is(&link.By) || is(link.EndedBy)
		if !here && !theirs || topic.Failure != "" || topic.Unproven || desk.IsAPILink(link) {
			continue
		}
		if link.Ended && is(link.EndedBy) && topic.GroupID == o.Place {
			return link
		}
		return nil
	}
	return nil
}

// notifyTopic makes a notice pending to one topic of the ticket. If after is not 0, the notice waits for the
// copies of the messages up to that sequence.
func (t *ticket) notifyTopic(
	r *storage.Ticket, o *messages.Origin, topic *storage.Topic, key string, args map[string]string, after int64,
) {
	if !desk.IsOpened(topic) {
		return
	}
	op := desk.OperationIn(r, topic)
	if op.Order = desk.ClosingOrder(after); after == 0 {
		op.Priority = messages.Operation_ANSWER // else a later notice about the same topic would overtake it
	}
	op.Call = &messages.Operation_SendNotice{SendNotice: &messages.SendNoticeCall{Key: key, Args: args}}
	desk.AddPending(r, o.CommandId, op, after)
}

// retireCard has the card in a topic that was unlinked say so, without buttons that look as if they worked. A card that is
// being posted is retired when it is.
func (t *ticket) retireCard(r *storage.Ticket, topic *storage.Topic) {
	if topic.CardMessageID <= 0 || !desk.IsOpened(topic) {
		return
	}
	op := desk.OperationIn(r, topic)
	op.Order = desk.ClosingOrder(t.sequence)
	op.Call = &messages.Operation_EditNotice{EditNotice: &messages.EditNoticeCall{
		MessageId: topic.CardMessageID, Notice: &messages.SendNoticeCall{
			Key: messages.NoticeUnlinkedCard, Args: map[string]string{"ticket": desk.NameOf(r)}}}}
	desk.AddPending(r, "unlinked/"+topic.TopicID, op, t.sequence)
}
