package ticket

import (
	"errors"
	"fmt"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// Who may do what to a ticket: its creator, whoever takes care of it, the administrators of its groups, and the internal users on it. Only
// Telegram knows who administers a group; the group's entity asks it. A command that needs the answer waits in the
// record.

// verdict says whether a command is allowed.
type verdict int

const (
	unknown verdict = iota
	yes
	no
	unanswered // Telegram could not be asked
)

// verdictKey names what a group answered about the person who gave a command.
type verdictKey struct {
	commandID string
	groupID   ids.Place
}

// may reports whether a command is allowed. If that is unknown, ask lists the groups that must be asked. What
// neither a declaration nor a rule allows, nobody may do.
func (t *ticket) may(m desk.Command) (answer verdict, ask []ids.Place, err error) {
	row, known := requestOf(m)
	switch {
	case !known:
		return no, nil, nil
	case row.may != nil:
		return row.may(t, m)
	}
	return t.mayByVerb(row.verb, m.GetOrigin())
}

// mayByVerb reports whether the declaration of a slash command allows it.
func (t *ticket) mayByVerb(verb string, o *messages.Origin) (verdict, []ids.Place, error) {
	declared, _ := messages.CommandOf(verb)
	switch declared.Who {
	case messages.ByAnyone:
		return yes, nil, nil
	case messages.ByTicket:
		if t.onTicket(o) {
			return yes, nil, nil
		}
		answer, ask := t.administers(o, o.GetPlace())
		return answer, ask, nil
	case messages.ByAdmins:
		answer, ask := t.administers(o, o.GetPlace())
		return answer, ask, nil
	}
	return no, nil, nil
}

// mayClose allows a close by hand without a question: Telegram has checked that person's rights.
func (t *ticket) mayClose(m *messages.CloseTicket) (verdict, []ids.Place, error) {
	if m.ByHand {
		return yes, nil, nil
	}
	return t.mayByVerb(messages.VerbCloseTicket, m.Origin)
}

// mayReopen does the same for a topic that was reopened by hand.
func (t *ticket) mayReopen(m *messages.ReopenTicket) (verdict, []ids.Place, error) {
	if m.ByHand {
		return yes, nil, nil
	}
	return t.mayByVerb(messages.VerbReopenTicket, m.Origin)
}

// mayPrioritise lets everybody see the choice of priorities.
func (t *ticket) mayPrioritise(m *messages.SetPriority) (verdict, []ids.Place, error) {
	if m.Priority == "" {
		return yes, nil, nil
	}
	return t.mayByVerb(messages.VerbPriority, m.Origin)
}

// mayRetitle is for those who may change the priority.
func (t *ticket) mayRetitle(m *messages.RenameTicket) (verdict, []ids.Place, error) {
	return t.mayByVerb(messages.VerbPriority, m.Origin)
}

// mayLink demands rights on both sides: on the ticket, and over the topic that is to be linked. A topic that
// belongs to a ticket already can't be linked, and everybody is told to which ticket it belongs. Who has left the ticket of their
// own accord may come back.
func (t *ticket) mayLink(m *messages.LinkTopic) (verdict, []ids.Place, error) {
	if m.CurrentTicketId != "" {
		return yes, nil, nil
	}
	o := m.Origin
	ticketSide, askTicket := yes, []ids.Place(nil)
	if !t.onTicket(o) && t.leftBy(o) == nil {
		ticketSide, askTicket = t.administers(o, t.record.Home.GroupID)
	}
	topicSide, askTopic := yes, []ids.Place(nil)
	theirs, err := t.isTheirs(o)
	if err != nil {
		return unknown, nil, err
	}
	if !theirs {
		topicSide, askTopic = t.administers(o, o.Place)
	}
	for _, v := range []verdict{no, unanswered, unknown} {
		if ticketSide == v || topicSide == v {
			return v, append(askTicket, askTopic...), nil
		}
	}
	return yes, nil, nil
}

// isTheirs reports whether a command came from the person's default group.
func (t *ticket) isTheirs(o *messages.Origin) (bool, error) {
	user, err := t.Store.User(t.Ctx, o.GetFrom().GetId())
	if errors.Is(err, storage.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read a user: %w", err)
	}
	return user.DefaultGroupID == o.Place, nil
}

// onTicket reports whether a person created the ticket, is its customer, takes care of it, is an internal user on it, speaks as one of its groups, or
// as the team that whoever asks in private has chosen (docs/decisions.md, D189).
func (t *ticket) onTicket(o *messages.Origin) bool {
	if o.GroupAdmin {
		return t.hasGroup(o.Place)
	}
	topic := t.topicAt(o.GetPlace(), o.GetThreadId())
	return topic == &t.record.Home && desk.TeamActs(t.record) || desk.Acts(t.record, desk.CreatorOf(o), o.GetFrom().GetId())
}

func (t *ticket) hasGroup(groupID ids.Place) bool {
	for _, topic := range desk.TopicsOf(t.record) {
		if topic.GroupID == groupID {
			return true
		}
	}
	return false
}

// administers says whether a person administers a group, as far as the ticket knows that for this command.
func (t *ticket) administers(o *messages.Origin, groupID ids.Place) (verdict, []ids.Place) {
	if o.GroupAdmin && o.Place == groupID {
		return yes, nil
	}
	if !messages.IsGroup(groupID) { // a private chat, or the API
		return no, nil
	}
	v := t.verdicts[verdictKey{o.CommandId, groupID}]
	if v == unknown {
		return unknown, []ids.Place{groupID}
	}
	return v, nil
}

// ask asks groups about the person who gave a command.
func (t *ticket) ask(o *messages.Origin, groups []ids.Place) {
	for _, groupID := range groups {
		t.Tell(messages.KindGroup, groupID, &messages.CheckAdmin{CheckId: o.CommandId, UserId: o.GetFrom().GetId(),
			OwnerKind: messages.KindTicket, OwnerId: t.record.TicketID})
	}
}

// askPending asks again for every command and every retry that waits: at the start, and when an answer takes long.
func (t *ticket) askPending() {
	t.tellRetries()
	for _, pending := range t.record.Pending {
		if pending.Kind != desk.PendingCommand {
			continue
		}
		m, err := t.pendingCommand(pending)
		if err != nil {
			continue
		}
		if may, ask, err := t.may(m); err == nil && may == unknown {
			t.ask(m.GetOrigin(), ask)
			t.EnqueueAgainLater()
		}
	}
}

func (t *ticket) pendingCommand(pending storage.Pending) (desk.Command, error) {
	m, err := desk.Unpack(pending.Body)
	if err != nil {
		t.Log.Error("cannot read a pending command", "command", pending.ID, "error", err)
		return nil, err
	}
	return m.(desk.Command), nil
}

// onAdminChecked decides the command that waited for this answer.
func (t *ticket) onAdminChecked(m *messages.AdminChecked) error {
	if t.record == nil {
		return nil
	}
	if m.CheckId == checkPeople {
		t.people.team, t.people.colleagues = nil, nil // the group's record has the answer
		if t.people.asked != nil {
			t.people.asked[m.GroupId] = 0
		}
		return nil
	}
	v := no
	switch {
	case m.Failure != "":
		v = unanswered
	case m.IsAdmin:
		v = yes
	}
	for _, pending := range t.record.Pending {
		if pending.Kind != desk.PendingCommand || pending.ID != m.CheckId {
			continue
		}
		t.verdicts[verdictKey{m.CheckId, m.GroupId}] = v
		c, err := t.pendingCommand(pending)
		if err != nil {
			return err
		}
		return t.decide(pending.ID, c, m.Failure)
	}
	return nil
}

// decide carries out a command that waited, or refuses it, once everything it needs is known.
func (t *ticket) decide(id string, m desk.Command, failure string) error {
	may, _, err := t.may(m)
	if err != nil {
		return err
	}
	if may == unknown {
		return nil // another group has not answered yet
	}
	o := m.GetOrigin()
	row, known := requestOf(m)
	if row.decide != nil {
		if err := row.decide(t, id, m, may, failure); err != nil {
			return err
		}
		t.forgetVerdicts(id)
		t.afterChange()
		return nil
	}
	do := answer(o, messages.NoticeCannotAsk, map[string]string{"why": failure})
	switch {
	case may == unanswered && staysQuiet(m):
		do = func(*desk.Result) {}
	case !known:
		t.Log.Error("a command that waited is dropped: a ticket does not take it",
			"message", entity.TypeName(m), "command", id)
		do = func(*desk.Result) {}
	case !row.joins && t.topicAt(o.GetPlace(), o.GetThreadId()) == nil:
		do = answer(o, messages.NoticeUnlinkNone, nil) // the topic was unlinked in the meantime
	case may != unanswered:
		if do, err = row.of(t, m, may == yes); err != nil {
			return err
		}
	}
	decided := func(r *storage.Ticket) { forget(r, desk.PendingCommand, id) }
	refusal, err := t.carryOut(o, decided, t.limitAnswers(o, do))
	if refusal != nil { // the page where it was given asks again to hear it
		t.refusals.Put(id, refusal)
		err = t.change(decided)
	}
	if err != nil {
		return err
	}
	t.forgetVerdicts(id)
	t.afterChange()
	return nil
}

func (t *ticket) forgetVerdicts(commandID string) {
	for key := range t.verdicts {
		if key.commandID == commandID {
			delete(t.verdicts, key)
		}
	}
}

// forget removes from the record what is no longer pending.
func forget(r *storage.Ticket, kind, id string) {
	for i, pending := range r.Pending {
		if pending.Kind == kind && pending.ID == id {
			r.Pending = append(r.Pending[:i:i], r.Pending[i+1:]...)
			return
		}
	}
}
