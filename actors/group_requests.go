package actors

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// groupRequest is a type of message by which people ask something of their group. It is recorded, and decided once Telegram
// has said who administers the group.
type groupRequest struct {
	verb      string // the command that it is: its declaration says who may
	refused   string // the notice to who may not
	describes bool   // Telegram is asked first what the bot may do in the group

	note   func(r *storage.Group, m command) // what is written at once; nil: nothing
	effect func(g *group, r *storage.Group, m command) (notice string, args map[string]string)
}

// groupRequests are all that people can ask of a group. What has no row is refused.
var groupRequests = map[protoreflect.FullName]groupRequest{
	nameOf[*messages.RegisterGroup](): {verb: messages.VerbRegister, refused: messages.NoticeGroupOnlyAdmins,
		describes: true, note: noteTitle, effect: (*group).registering},
	nameOf[*messages.SetGroupLanguage](): {verb: messages.VerbLang, refused: messages.NoticeLangNotAllowed,
		effect: (*group).speaking},
	nameOf[*messages.SetPublic](): {verb: messages.VerbPublic, refused: messages.NoticePublicNotAllowed,
		effect: (*group).opening},
}

func groupRequestOf(m proto.Message) (r groupRequest, ok bool) {
	r, ok = groupRequests[m.ProtoReflect().Descriptor().FullName()]
	return r, ok
}

// onCommand records a command as pending; decide carries it out once Telegram has said who administers the group.
func (g *group) onCommand(m command) (proto.Message, error) {
	o := m.GetOrigin()
	row, known := groupRequestOf(m)
	if !known {
		g.log.Error("refused: a group can't be asked that", "message", typeName(m), "command", o.GetCommandId())
		return answered(messages.Code_CONFLICT, "a group does not understand "+typeName(m)), nil
	}
	if g.handled(o) {
		return duplicate(), nil
	}
	if g.record != nil && len(g.record.Pending) >= owedAnswersLimit {
		// Somebody floods the group with commands: answering them all would keep copies waiting for hours.
		g.system.metrics.unanswered.Inc()
		g.log.Warn("a command gets no answer: too many wait already", "command", o.GetCommandId())
		return ok(), nil
	}
	body, err := pack(m)
	if err != nil {
		return nil, err
	}
	err = g.change(o.CommandId, func(r *storage.Group) {
		if row.note != nil {
			row.note(r, m)
		}
		r.Pending = append(r.Pending, storage.Owed{ID: o.CommandId, Kind: owedCommand, Body: body})
	})
	if err != nil {
		return nil, err
	}
	g.follow()
	return ok(), nil
}

// pendingCommand reads a command that waits, with its row.
func (g *group) pendingCommand(owed storage.Owed) (command, groupRequest, error) {
	m, err := unpack(owed.Body)
	if err != nil {
		return nil, groupRequest{}, err
	}
	c, isCommand := m.(command)
	row, known := groupRequestOf(m)
	if !isCommand || !known {
		return nil, groupRequest{}, fmt.Errorf("a group can't be asked %s", typeName(m))
	}
	return c, row, nil
}

// decideAll carries out the commands for which everything is known, or tells that Telegram could not be asked.
func (g *group) decideAll(failure string) error {
	if g.record == nil || g.offered[g.key.identity+opDescribe] != nil || g.offered[g.key.identity+opListAdmins] != nil {
		return nil
	}
	for _, owed := range slices.Clone(g.record.Pending) {
		if owed.Kind != owedCommand {
			continue
		}
		m, row, err := g.pendingCommand(owed)
		if err != nil {
			g.log.Error("a pending command can't be read", "command", owed.ID, "error", err)
			continue
		}
		if failure == "" && !g.known() {
			g.askAdmins()
			return nil
		}
		if err := g.decide(owed.ID, m, row, failure); err != nil {
			return err
		}
	}
	g.follow()
	return nil
}

func (g *group) decide(id string, m command, row groupRequest, failure string) error {
	o := m.GetOrigin()
	return g.change("", func(r *storage.Group) {
		r.Pending = slices.DeleteFunc(r.Pending, func(x storage.Owed) bool { return x.ID == id && x.Kind == owedCommand })
		notice, args := row.refused, map[string]string{"title": r.Title}
		switch {
		case failure != "":
			notice, args = messages.NoticeCannotAsk, map[string]string{"why": failure}
		case g.may(row.verb, o):
			notice, args = row.effect(g, r, m)
		}
		g.owe(r, o, notice, args)
	})
}

// may says whether the declaration of a command allows it, by Telegram's word on who administers the group.
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

// noteTitle writes down what a group is called, when it is heard of for the first time.
func noteTitle(r *storage.Group, m command) {
	if m := m.(*messages.RegisterGroup); r.Title == "" {
		r.Title, r.Type, r.IsForum = m.Title, m.Type, m.IsForum
	}
}

// registering lets tickets be opened in the group; the word says what is missing for that.
func (g *group) registering(r *storage.Group, _ command) (string, map[string]string) {
	fine := messages.NoticeGroupRegistered
	if r.SupportTopicsEnabled {
		fine = messages.NoticeGroupAlready
	}
	r.SupportTopicsEnabled = true
	return g.standing(r, fine), map[string]string{"title": r.Title}
}

func (g *group) speaking(r *storage.Group, m command) (string, map[string]string) {
	r.Language = m.(*messages.SetGroupLanguage).Lang
	return messages.NoticeLangSet, map[string]string{"lang": r.Language}
}

// opening lets everyone open tickets in the group, or members alone.
func (g *group) opening(r *storage.Group, m command) (string, map[string]string) {
	wanted, notice := m.(*messages.SetPublic).Wanted, messages.NoticePublicOff
	if r.Public = wanted == "on" || wanted != "off" && !r.Public; r.Public {
		notice = messages.NoticePublicOn
	}
	return notice, map[string]string{"title": r.Title}
}
