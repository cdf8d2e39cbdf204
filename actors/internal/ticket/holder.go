package ticket

import (
	"maps"
	"slices"
	"strconv"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// holder is whoever has a ticket that somebody else takes from them.
type holder struct {
	storage.Creator
	topicID ids.TopicKey // in which they hear of it
}

// holderBut finds whoever has the ticket; nil: nobody has it, or by has, who knows. They hear of it in the topic into which they
// were brought, or else where they wrote last; if neither is known, where the desk is on the ticket.
func (t *ticket) holderBut(by storage.Creator) (*holder, error) {
	has := t.record.Assignee
	if has == nil || has.Is(by) || has.Kind != "user" {
		return nil, nil
	}
	h := &holder{Creator: *has}
	userID, err := strconv.ParseInt(has.ID, 10, 64)
	if err != nil {
		return h, nil
	}
	hears := func(topic *storage.Topic) bool {
		link := desk.LinkOf(t.record, topic.TopicID)
		return messages.IsGroup(topic.GroupID) && desk.IsOpened(topic) && (link == nil || !link.Ended)
	}
	if link := t.linkWith(userID); link != nil && hears(&link.Topic) {
		h.topicID = link.LinkID
		return h, nil
	}
	said, err := t.searched()
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(said, func(m storage.Message) bool {
		topic := desk.TopicOf(t.record, m.TopicID)
		return m.Sender.Kind == "user" && m.Sender.ID == userID && topic != nil && hears(topic)
	})
	if at >= 0 {
		h.topicID = said[at].TopicID
	}
	return h, nil
}

// tellHolder tells them by a mention. answers: it was posted where the command was given.
func (t *ticket) tellHolder(r *desk.Result, o *messages.Origin, h *holder, key string, args map[string]string) (answers bool) {
	return t.tellHolderOf(r, o, h, &messages.SendNoticeCall{Key: key, Args: args})
}

// tellHolderOf is tellHolder for a notice that says more than its words. "name" is added to its arguments.
func (t *ticket) tellHolderOf(r *desk.Result, o *messages.Origin, h *holder, notice *messages.SendNoticeCall) (answers bool) {
	if h == nil {
		return false
	}
	topic := desk.TopicOf(r.Ticket, h.topicID)
	if topic == nil {
		topic = t.deskTopic(r.Ticket, &h.Creator)
	}
	if topic == nil || !desk.IsOpened(topic) {
		return false
	}
	if notice.Args = maps.Clone(notice.Args); notice.Args == nil {
		notice.Args = map[string]string{}
	}
	notice.Args["name"] = h.Name
	notice.UserId, _ = strconv.ParseInt(h.ID, 10, 64)
	op := desk.OperationIn(r.Ticket, topic)
	if answers = topic == desk.TopicAt(r.Ticket, o.GetPlace(), o.GetThreadId()); answers {
		op, notice.ReplyTo = desk.OperationTo(o), o.GetMessageId()
	}
	op.Priority, op.Call = messages.Operation_ANSWER, &messages.Operation_SendNotice{SendNotice: notice}
	desk.AddPending(r.Ticket, o.GetCommandId(), op, 0)
	return answers
}
