package bot

import (
	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
)

// Commands about a group.

// group reads what the desk knows of the group the command was given in.
func (t *turn) group() (*messages.GroupView, error) {
	if !t.known {
		return &messages.GroupView{}, nil
	}
	return query[*messages.GroupView](t.ctx, t.desk, &messages.GetGroup{GroupId: t.origin.Place, IsForum: t.chat.IsForum})
}

// unregistered answers a command that only a registered group has, and says whether it did.
func (t *turn) unregistered() (answered bool, err error) {
	group, err := t.group()
	if err != nil || group.Registered {
		return false, err
	}
	return true, t.answer(messages.NoticeGroupUnregistered, nil)
}

// toGroup sends a command to the group, which answers the person itself.
func (t *turn) toGroup(c proto.Message) error {
	_, err := command(t.ctx, t.desk, messages.KindGroup, t.origin.Place, c)
	return err
}

func (t *turn) register(m *Message, _ Command) error {
	if !t.groupAllowed(t.origin.Place, m.Chat.ID) {
		return t.answer(messages.NoticeGroupNotAllowed, nil)
	}
	return t.toGroup(&messages.RegisterGroup{Origin: t.origin, Title: m.Chat.Title, Type: m.Chat.Type, IsForum: m.Chat.IsForum})
}

// publicGroup lets everyone open tickets in the group, or its members alone.
func (t *turn) publicGroup(_ *Message, c Command) error {
	if answered, err := t.unregistered(); answered || err != nil {
		return err
	}
	return t.toGroup(&messages.SetPublic{Origin: t.origin, Wanted: c.Arg})
}

// defaultGroup makes the group the one in which tickets open that the person is mentioned on.
func (t *turn) defaultGroup(m *Message, _ Command) error {
	if answered, err := t.unregistered(); answered || err != nil {
		return err
	}
	user, err := query[*messages.UserView](t.ctx, t.desk, &messages.GetUser{UserId: m.From.GetId()})
	if err != nil {
		return err
	}
	if err := t.saveProfile(m.From); err != nil {
		return err
	}
	// The answer first: should the command come again, it still says what was before.
	key := messages.NoticeDefaultGroupSet
	if user.DefaultGroupId == t.origin.Place {
		key = messages.NoticeDefaultGroupAlready
	}
	if err := t.answer(key, map[string]string{"title": m.Chat.Title, "name": m.Sender.GetName()}); err != nil {
		return err
	}
	set := &messages.SetDefaultGroup{Origin: t.origin, GroupId: t.origin.Place}
	_, err = command(t.ctx, t.desk, messages.KindUser, userIdentity(m.From.GetId()), set)
	return err
}
