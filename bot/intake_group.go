package bot

import (
	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
)

// Commands about a group.

// group reads what the desk knows of the group the command was given in.
func (h *handling) group() (*messages.GroupView, error) {
	if !h.known {
		return &messages.GroupView{}, nil
	}
	return query[*messages.GroupView](h.ctx, h.desk, &messages.GetGroup{GroupId: h.origin.Place, IsForum: h.chat.IsForum})
}

// unregistered answers a command that only a registered group has, and says whether it did.
func (h *handling) unregistered() (answered bool, err error) {
	group, err := h.group()
	if err != nil || group.Registered {
		return false, err
	}
	return true, h.answer(messages.NoticeGroupUnregistered, nil)
}

// toGroup sends a command to the group, which answers the person itself.
func (h *handling) toGroup(c proto.Message) error {
	_, err := command(h.ctx, h.desk, messages.KindGroup, h.origin.Place, c)
	return err
}

func (h *handling) register(m *Message, _ Command) error {
	if !h.groupAllowed(h.origin.Place, m.Chat.ID) {
		return h.answer(messages.NoticeGroupNotAllowed, nil)
	}
	return h.toGroup(&messages.RegisterGroup{Origin: h.origin, Title: m.Chat.Title, Type: m.Chat.Type, IsForum: m.Chat.IsForum})
}

// publicGroup lets everyone open tickets in the group, or its members alone.
func (h *handling) publicGroup(_ *Message, c Command) error {
	if answered, err := h.unregistered(); answered || err != nil {
		return err
	}
	return h.toGroup(&messages.SetPublic{Origin: h.origin, Wanted: c.Arg})
}

// defaultGroup makes the group the one in which tickets open that the person is mentioned on.
func (h *handling) defaultGroup(m *Message, _ Command) error {
	if answered, err := h.unregistered(); answered || err != nil {
		return err
	}
	user, err := query[*messages.UserView](h.ctx, h.desk, &messages.GetUser{UserId: m.From.GetId()})
	if err != nil {
		return err
	}
	if err := h.saveProfile(m.From); err != nil {
		return err
	}
	// The answer first: should the command come again, it still says what was before.
	key := messages.NoticeDefaultGroupSet
	if user.DefaultGroupId == h.origin.Place {
		key = messages.NoticeDefaultGroupAlready
	}
	if err := h.answer(key, map[string]string{"title": m.Chat.Title, "name": m.Sender.GetName()}); err != nil {
		return err
	}
	set := &messages.SetDefaultGroup{Origin: h.origin, GroupId: h.origin.Place}
	_, err = command(h.ctx, h.desk, messages.KindUser, userIdentity(m.From.GetId()), set)
	return err
}
