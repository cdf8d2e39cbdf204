package bot

import "github.com/topicdesk/topicdesk/messages"

// onMyMember handles a change of the bot's own place in a group.
func (t *turn) onMyMember(m *Member) (string, error) {
	t.chat = m.Chat
	if m.Chat.Private() {
		return t.onMyMemberPrivately(m)
	}
	if !m.Chat.Group() {
		return "ignored_chat_type", nil
	}
	if err := t.memberOrigin(m); err != nil {
		return "", err
	}
	in := belongs(m.NewStatus)
	switch {
	case !in && !t.known:
		return "left_alone", nil
	case in && !t.groupAllowed(t.origin.Place, m.Chat.ID):
		if belongs(m.OldStatus) {
			return "left_alone", nil
		}
		return "not_allowed", t.answer(messages.NoticeGroupNotAllowed, nil)
	}
	_, err := command(t.ctx, t.desk, messages.KindGroup, t.origin.Place, &messages.SetMembership{Origin: t.origin, Facts: &messages.GroupFacts{
		ChatId: m.Chat.ID, Title: m.Chat.Title, Type: m.Chat.Type, IsForum: m.Chat.IsForum, BotStatus: m.NewStatus,
		CanManageTopics: m.CanManageTopics, CanPinMessages: m.CanPinMessages,
	}})
	return "membership", err
}

// onChatMember tells a group who came, left, became, or ceased to be, its administrator.
func (t *turn) onChatMember(m *Member) (string, error) {
	t.chat = m.Chat
	if !m.Chat.Group() {
		return "ignored_chat_type", nil
	}
	if err := t.memberOrigin(m); err != nil {
		return "", err
	}
	if !t.known {
		return "left_alone", nil
	}
	_, err := command(t.ctx, t.desk, messages.KindGroup, t.origin.Place, &messages.MemberChanged{
		Origin: t.origin, UserId: m.User.GetId(), IsAdmin: administrator(m.NewStatus), IsMember: belongs(m.NewStatus) && !m.NotIn,
	})
	return "member", err
}

func (t *turn) memberOrigin(m *Member) error {
	place, err := t.place(m.Chat)
	if err != nil {
		return err
	}
	t.origin = &messages.Origin{
		CommandId: updateCommandID(t.update.ID), Place: place, ChatId: m.Chat.ID, From: m.From, DateMs: m.DateMS, Lang: langOf(m.From), ReceivedMs: t.update.Received.UnixMilli(),
	}
	if m.From != nil {
		t.origin.Sender = personSender(m.From)
	}
	return nil
}

func administrator(status string) bool { return status == "administrator" || status == "creator" }

// belongs says whether someone of that status is in the group. A restricted bot may be in or out; it is of little use either way.
func belongs(status string) bool {
	return administrator(status) || status == "member" || status == "restricted"
}

// groupAllowed says whether a group may register. A group that has migrated is allowed when its first id is: its internal id
// is made of that.
func (t *turn) groupAllowed(place string, chatID int64) bool {
	if t.allowed(chatID) {
		return true
	}
	first, ok := messages.ChatIn(place)
	return ok && t.allowed(first)
}
