package bot

import "github.com/topicdesk/topicdesk/messages"

// onMyMember handles a change of the bot's own membership or rights in a group.
func (h *handling) onMyMember(m *Member) (string, error) {
	h.chat = m.Chat
	if m.Chat.Private() {
		return h.onMyMemberPrivately(m)
	}
	if !m.Chat.Group() {
		return "ignored_chat_type", nil
	}
	if err := h.memberOrigin(m); err != nil {
		return "", err
	}
	in := belongs(m.NewStatus)
	switch {
	case !in && !h.known:
		return "left_alone", nil
	case in && !h.groupAllowed(h.origin.Place, m.Chat.ID):
		if belongs(m.OldStatus) {
			return "left_alone", nil
		}
		return "not_allowed", h.answer(messages.NoticeGroupNotAllowed, nil)
	}
	return "membership", h.toGroup(&messages.SetMembership{Origin: h.origin, Facts: &messages.GroupFacts{
		ChatId: m.Chat.ID, Title: m.Chat.Title, Type: m.Chat.Type, IsForum: m.Chat.IsForum, BotStatus: m.NewStatus,
		CanManageTopics: m.CanManageTopics, CanPinMessages: m.CanPinMessages,
		CanDeleteMessages: m.CanDelete,
	}})
}

// onChatMember tells the group's entity who joined or left, and who became an administrator or is one no longer.
func (h *handling) onChatMember(m *Member) (string, error) {
	h.chat = m.Chat
	if !m.Chat.Group() {
		return "ignored_chat_type", nil
	}
	if err := h.memberOrigin(m); err != nil {
		return "", err
	}
	if !h.known {
		return "left_alone", nil
	}
	return "member", h.toGroup(&messages.MemberChanged{
		Origin: h.origin, UserId: m.User.GetId(),
		IsAdmin: administrator(m.NewStatus), IsMember: belongs(m.NewStatus) && !m.NotIn,
	})
}

// memberOrigin sets the origin of an update about a member.
func (h *handling) memberOrigin(m *Member) error {
	place, err := h.place(m.Chat)
	if err != nil {
		return err
	}
	h.origin = &messages.Origin{
		CommandId: updateCommandID(h.update.ID), Place: place, ChatId: m.Chat.ID,
		From: m.From, Lang: langOf(m.From),
		DateMs: m.DateMS, ReceivedMs: h.update.Received.UnixMilli(),
	}
	if m.From != nil {
		h.origin.Sender = personSender(m.From)
	}
	return nil
}

func administrator(status string) bool { return status == "administrator" || status == "creator" }

// belongs says whether someone of that status is in the group. A restricted bot counts as in, although it may be out:
// it can do little either way.
func belongs(status string) bool {
	return administrator(status) || status == "member" || status == "restricted"
}

// groupAllowed says whether a group may register. A migrated group is allowed when its first Telegram id is, which
// its place is made of.
func (h *handling) groupAllowed(place string, chatID int64) bool {
	if h.allowed(chatID) {
		return true
	}
	first, ok := messages.ChatIn(place)
	return ok && h.allowed(first)
}
