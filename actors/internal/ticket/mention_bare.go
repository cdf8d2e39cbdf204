package ticket

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// namedAtMost is how many people named in one message are looked at.
const namedAtMost = 3

// offerNamed tells the desk of people whom its message names and who are not on the ticket, with a button that mentions them: a
// name alone brings nobody in (docs/decisions.md, D295). Of one person a ticket says that once. An offer that fails is left out.
func (t *ticket) offerNamed(m *storage.Message, o *messages.Origin) {
	if m.Side != storage.WaitsForDesk || m.Sender.Kind != "user" || !messages.IsGroup(o.GetPlace()) || t.record.Status == desk.StatusClosed {
		return
	}
	for i, named := range namedIn(m) {
		if i == namedAtMost {
			return
		}
		if err := t.offerOne(o, named); err != nil {
			t.Log.Error("cannot offer to mention somebody", "message", m.MessageID, "error", err)
		}
	}
}

// namedIn lists the people whom a message names.
func namedIn(m *storage.Message) (all []*messages.Mention) {
	for _, e := range m.Entities {
		switch e.Type {
		case "mention":
			from, to := messages.CutUTF16(m.Text, int(e.Offset)), messages.CutUTF16(m.Text, int(e.Offset+e.Length))
			all = append(all, &messages.Mention{Username: m.Text[len(from):len(to)]})
		case "text_mention":
			all = append(all, &messages.Mention{UserId: e.UserID})
		}
	}
	return all
}

// offerOne tells of one of them.
func (t *ticket) offerOne(o *messages.Origin, named *messages.Mention) error {
	user, _, err := t.findUser(named)
	if err != nil || user == nil || user.IsBot || user.DefaultGroupID == "" || user.TelegramID == o.GetFrom().GetId() {
		return err
	}
	id := strconv.FormatInt(user.TelegramID, 10)
	who, offered := storage.Creator{Kind: "user", ID: id}, "named:"+id
	if t.isCustomer(who) || t.record.Assignee != nil && t.record.Assignee.Is(who) || slices.Contains(t.record.Handled, offered) ||
		t.linkWith(user.TelegramID) != nil || t.isIn(user.DefaultGroupID) {
		return nil
	}
	group, err := t.Store.Group(t.Ctx, user.DefaultGroupID)
	if errors.Is(err, storage.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read a group: %w", err)
	}
	row, err := t.mentionButton(user)
	if err != nil {
		return err
	}
	args := map[string]string{"name": desk.UserName(user), "group": group.Title}
	handled := func(r *storage.Ticket) { r.Handled = desk.Remember(r.Handled, offered, handledByTicket) }
	return t.answerNow(o, handled, t.limitAnswers(o, func(r *desk.Result) {
		op := desk.OperationTo(o)
		op.Call = &messages.Operation_SendNotice{SendNotice: &messages.SendNoticeCall{
			Key: messages.NoticeMentionBare, Args: args, ReplyTo: o.GetMessageId(), Silent: true,
			Keyboard: &messages.Keyboard{Rows: []*messages.KeyboardRow{row}}}}
		desk.AddPending(r.Ticket, o.GetCommandId()+":named", op, 0)
	}))
}

// isIn says whether the ticket has a topic in a group.
func (t *ticket) isIn(groupID string) bool {
	return slices.ContainsFunc(desk.TopicsOf(t.record), func(topic *storage.Topic) bool {
		return topic.GroupID == groupID && !t.hasLeft(topic.TopicID)
	})
}
