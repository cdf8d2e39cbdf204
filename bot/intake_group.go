package bot

import (
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
)

// Slash commands about a group.

// group reads what the desk knows of the group in which the command was given.
func (h *handling) group() (*messages.GroupView, error) {
	if !h.known {
		return &messages.GroupView{}, nil
	}
	return query[*messages.GroupView](h.ctx, h.desk,
		&messages.GetGroup{GroupId: h.origin.Place, IsForum: h.chat.IsForum})
}

// unregistered answers a command that needs a registered group if the group is not registered, and says whether it did.
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

func (h *handling) register(m *Message, _ SlashCommand) error {
	if !h.groupAllowed(h.origin.Place, m.Chat.ID) {
		return h.answer(messages.NoticeGroupNotAllowed, nil)
	}
	return h.toGroup(&messages.RegisterGroup{
		Origin: h.origin, Title: m.Chat.Title, Type: m.Chat.Type, IsForum: m.Chat.IsForum,
	})
}

// publicGroup lets everyone open tickets in the group, or only its members.
func (h *handling) publicGroup(_ *Message, c SlashCommand) error {
	if answered, err := h.unregistered(); answered || err != nil {
		return err
	}
	return h.toGroup(&messages.SetPublic{Origin: h.origin, Wanted: c.Arg})
}

// autoClaim lets whoever answers a ticket of the group first take care of it, or nobody by that.
func (h *handling) autoClaim(_ *Message, c SlashCommand) error {
	if answered, err := h.unregistered(); answered || err != nil {
		return err
	}
	return h.toGroup(&messages.SetAutoClaim{Origin: h.origin, Wanted: c.Arg})
}

// hours says when the team of the group works, or shows it.
func (h *handling) hours(_ *Message, c SlashCommand) error {
	if answered, err := h.unregistered(); answered || err != nil {
		return err
	}
	return h.toGroup(&messages.SetHours{Origin: h.origin, Wanted: c.Arg})
}

// answerWithin says within which working time the team of the group answers, or shows it.
func (h *handling) answerWithin(_ *Message, c SlashCommand) error {
	if answered, err := h.unregistered(); answered || err != nil {
		return err
	}
	return h.toGroup(&messages.SetAnswerTimes{Origin: h.origin, Wanted: c.Arg})
}

// autoClose says when tickets of the group that wait for the customer close by themselves, or shows it.
func (h *handling) autoClose(_ *Message, c SlashCommand) error {
	if answered, err := h.unregistered(); answered || err != nil {
		return err
	}
	return h.toGroup(&messages.SetAutoClose{Origin: h.origin, Wanted: c.Arg})
}

// onHoursCallback sets the hours of the group to the choice that was pressed.
func (h *handling) onHoursCallback(c *Callback) (outcome string, handled bool, err error) {
	verb, wanted, _ := strings.Cut(c.Data, ":")
	if verb != messages.CallbackHours {
		return "", false, nil
	}
	if wanted == "" || !messages.IsGroup(h.origin.Place) {
		return "stale", true, h.stale()
	}
	return "pressed", true, h.toGroup(&messages.SetHours{Origin: h.origin, Wanted: wanted})
}

// settings shows the group's settings.
func (h *handling) settings(_ *Message, _ SlashCommand) error {
	if !h.known {
		return h.answer(messages.NoticeGroupUnregistered, nil)
	}
	return h.toGroup(&messages.ShowSettings{Origin: h.origin})
}

// onSettingsCallback changes a setting of the group in which the button stands, or shows it.
func (h *handling) onSettingsCallback(c *Callback) (outcome string, handled bool, err error) {
	verb, rest, _ := strings.Cut(c.Data, ":")
	if verb != messages.CallbackSet {
		return "", false, nil
	}
	if !h.known || !c.Chat.Group() {
		return "stale", true, h.stale()
	}
	setting, value, _ := strings.Cut(rest, ":")
	switch setting {
	case messages.SettingHours:
		return "pressed", true, h.toGroup(&messages.SetHours{Origin: h.origin})
	case messages.SettingWithin:
		return "pressed", true, h.toGroup(&messages.SetAnswerTimes{Origin: h.origin})
	}
	value, onList := strings.CutSuffix(value, messages.OnWaitingList)
	change, ok := messages.ChangeOf(setting, value)
	if !ok || change.GetRegistered() && !h.groupAllowed(h.origin.Place, c.Chat.ID) {
		return "stale", true, h.stale()
	}
	change.Origin, change.OnList = h.origin, onList && setting == messages.SettingWaitingList && !change.GetWaitingList()
	return "pressed", true, h.toGroup(change)
}

// defaultGroup makes the group the person's default group: tickets on which they are mentioned open there.
func (h *handling) defaultGroup(m *Message, _ SlashCommand) error {
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
	// The answer goes first: if the command is delivered again, it must still say what was true before.
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
