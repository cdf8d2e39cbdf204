package group

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// groupRequest is a type of message by which people ask something of their group. It is recorded, and decided once
// Telegram has said who administers the group.
type groupRequest struct {
	message desk.Command // a nil one of its type

	verb      string // of its slash command, whose declaration says who may give it
	refused   string // the notice to whoever may not
	own       bool   // it has a handler of its own, since programs may send it, too
	describes bool   // Telegram is asked first what the bot may do in the group

	// shows is the notice that has the keyboard.
	shows    string
	keyboard func(r *storage.Group) *messages.Keyboard

	note   func(r *storage.Group, m desk.Command) // what is written immediately; nil: nothing
	effect func(g *group, r *storage.Group, m desk.Command) (notice string, args map[string]string)
	reads  func(m desk.Command) bool // that it changes nothing, which everybody may; nil: it changes something
}

// groupRequests are all that people can ask of a group. What has no row is refused.
var groupRequests = []groupRequest{
	groupAsked[*messages.RegisterGroup](groupRequest{
		verb: messages.VerbRegister, refused: messages.NoticeGroupOnlyAdmins,
		describes: true, note: noteTitle, effect: (*group).registering,
	}),
	groupAsked[*messages.SetGroupLanguage](groupRequest{
		verb: messages.VerbLang, refused: messages.NoticeLangNotAllowed, effect: (*group).settingLanguage,
	}),
	groupAsked[*messages.SetPublic](groupRequest{
		verb: messages.VerbPublic, refused: messages.NoticePublicNotAllowed, effect: (*group).settingPublic,
	}),
	groupAsked[*messages.ShowSettings](groupRequest{
		verb: messages.VerbSettings, refused: messages.NoticeSettingsNotAllowed, effect: (*group).showingSettings,
		shows: messages.NoticeSettings, keyboard: settingsKeyboard,
	}),
	groupAsked[*messages.ChangeGroup](groupRequest{
		verb: messages.VerbSettings, refused: messages.NoticeSettingsNotAllowed, own: true, effect: (*group).changingSettings,
		shows: messages.NoticeSettings, keyboard: settingsKeyboard,
	}),
	groupAsked[*messages.SetAutoClose](groupRequest{
		verb: messages.VerbAutoClose, refused: messages.NoticeAutoCloseNotAllowed, effect: (*group).settingAutoClose,
		reads: func(m desk.Command) bool { return saysNothing(m.(*messages.SetAutoClose).Wanted) },
	}),
	groupAsked[*messages.SetAutoClaim](groupRequest{
		verb: messages.VerbAutoClaim, refused: messages.NoticeAutoClaimNotAllowed, effect: (*group).settingAutoClaim,
	}),
	groupAsked[*messages.SetHours](groupRequest{
		verb: messages.VerbHours, refused: messages.NoticeHoursNotAllowed, effect: (*group).settingHours,
		reads: func(m desk.Command) bool { return saysNothing(m.(*messages.SetHours).Wanted) },
		shows: messages.NoticeHoursShown, keyboard: hoursKeyboard,
	}),
	groupAsked[*messages.SetAnswerTimes](groupRequest{
		verb: messages.VerbAnswerWithin, refused: messages.NoticeAnswerWithinNotAllowed, effect: (*group).settingAnswerTimes,
		reads: func(m desk.Command) bool { return saysNothing(m.(*messages.SetAnswerTimes).Wanted) },
	}),
}

func saysNothing(wanted string) bool { return strings.TrimSpace(messages.CleanText(wanted)) == "" }

// groupAsked makes the row of a type of message.
func groupAsked[M desk.Command](r groupRequest) groupRequest {
	var none M
	r.message = none
	return r
}

func groupRequestOf(m proto.Message) (groupRequest, bool) {
	for _, r := range groupRequests {
		if reflect.TypeOf(r.message) == reflect.TypeOf(m) {
			return r, true
		}
	}
	return groupRequest{}, false
}

// onCommand records a command as pending; decide carries it out once Telegram has said who administers the group.
func (g *group) onCommand(m desk.Command) (proto.Message, error) {
	o := m.GetOrigin()
	row, known := groupRequestOf(m)
	if !known {
		return g.RefuseUnknown(messages.KindGroup, g.ID, m), nil
	}
	if g.handled(o) {
		return entity.Duplicate(), nil
	}
	if g.record != nil && len(g.record.Pending) >= desk.PendingAnswersLimit {
		// Somebody floods the group with commands: answering them all would keep copies waiting for hours.
		g.Metrics.Unanswered.Inc()
		g.Log.Warn("a command gets no answer: too many are pending already", "command", o.GetCommandId())
		return entity.OK(), nil
	}
	body, err := desk.Pack(m)
	if err != nil {
		return nil, err
	}
	err = g.change(o.CommandId, func(r *storage.Group) {
		if row.note != nil {
			row.note(r, m)
		}
		r.Pending = append(r.Pending, storage.Pending{ID: o.CommandId, Kind: desk.PendingCommand, Body: body})
	})
	if err != nil {
		return nil, err
	}
	g.follow()
	return entity.OK(), nil
}

// pendingCommand decodes a pending command, with its row.
func (g *group) pendingCommand(pending storage.Pending) (desk.Command, groupRequest, error) {
	m, err := desk.Unpack(pending.Body)
	if err != nil {
		return nil, groupRequest{}, err
	}
	c, isCommand := m.(desk.Command)
	row, known := groupRequestOf(m)
	if !isCommand || !known {
		return nil, groupRequest{}, fmt.Errorf("a group can't be asked %s", entity.TypeName(m))
	}
	return c, row, nil
}

// decideAll carries out the commands for which everything is known, or reports that Telegram could not be asked.
func (g *group) decideAll(failure string) error {
	if g.record == nil || g.asks(messages.GroupQuestion_CHAT, 0) || g.asks(messages.GroupQuestion_ADMINS, 0) {
		return nil
	}
	for _, pending := range slices.Clone(g.record.Pending) {
		if pending.Kind != desk.PendingCommand {
			continue
		}
		m, row, err := g.pendingCommand(pending)
		if err != nil {
			g.Log.Error("a pending command can't be read and is dropped", "command", pending.ID, "error", err)
			if err := g.change("", func(r *storage.Group) { dropCommand(r, pending.ID) }); err != nil {
				return err
			}
			continue
		}
		if failure == "" && !g.known() {
			g.askAdmins()
			return nil
		}
		if err := g.decide(pending.ID, m, row, failure); err != nil {
			return err
		}
	}
	g.follow()
	return nil
}

// dropCommand takes a pending command off the record.
func dropCommand(r *storage.Group, id string) {
	r.Pending = slices.DeleteFunc(r.Pending, func(p storage.Pending) bool {
		return p.ID == id && p.Kind == desk.PendingCommand
	})
}

func (g *group) decide(id string, m desk.Command, row groupRequest, failure string) error {
	o := m.GetOrigin()
	return g.change("", func(r *storage.Group) {
		dropCommand(r, id)
		notice, args, may := row.refused, map[string]string{"title": r.Title}, g.may(row.verb, o)
		switch {
		case failure != "":
			notice, args = messages.NoticeCannotAsk, map[string]string{"why": failure}
		case may:
			noteSpoken(r, o)
			notice, args = row.effect(g, r, m)
		case row.reads != nil && row.reads(m) && o.GetCallbackId() == "": // the buttons of /settings are for who may change it
			notice, args = row.effect(g, r, m)
		}
		var keyboard *messages.Keyboard
		if may && row.shows != "" && notice == row.shows {
			keyboard = row.keyboard(r)
		}
		g.addPending(r, o, notice, args, keyboard)
	})
}

// may says whether the declaration of a command allows it, given who administers the group.
func (g *group) may(verb string, o *messages.Origin) bool {
	declared, _ := messages.CommandOf(verb)
	switch declared.Who {
	case messages.ByAnyone:
		return true
	case messages.ByAdmins:
		return o.GetGroupAdmin() || g.admins[o.GetFrom().GetId()]
	}
	return false
}

// noteTitle stores the group's title when the desk first hears of it.
func noteTitle(r *storage.Group, m desk.Command) {
	if m := m.(*messages.RegisterGroup); r.Title == "" {
		r.Title, r.Type, r.IsForum = m.Title, m.Type, m.IsForum
	}
}

// noteSpoken takes the language of whoever brings the bot in, or gives a command, for what the group speaks, as long as
// that is not known. An anonymous administrator writes as a bot, which has none.
func noteSpoken(r *storage.Group, o *messages.Origin) {
	if r.Spoken == "" && !o.GetFrom().GetIsBot() {
		r.Spoken = o.GetLang()
	}
}

// registering allows tickets to be opened in the group; the notice says what is still missing for that.
func (g *group) registering(r *storage.Group, m desk.Command) (string, map[string]string) {
	if from := m.GetOrigin().GetFrom(); !from.GetIsBot() { // an anonymous administrator writes as a bot
		r.RegisteredBy, r.Spoken = from.GetId(), m.GetOrigin().GetLang()
	}
	fine := messages.NoticeGroupRegistered
	if r.SupportTopicsEnabled {
		fine = messages.NoticeGroupAlready
	}
	r.SupportTopicsEnabled = true
	return g.standing(r, fine), registered(r)
}

// switched is what a switch becomes by a command: on, off, or else the other one.
func switched(wanted string, is bool) bool { return wanted == "on" || wanted != "off" && !is }
