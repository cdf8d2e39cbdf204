package group

import (
	"maps"
	"slices"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// This file asks Telegram who administers the group and what the bot may do in it.

// follow asks Telegram what the pending commands need, and enqueues the pending operations.
func (g *group) follow() {
	if g.record == nil {
		return
	}
	for _, pending := range g.record.Pending {
		if pending.Kind == desk.PendingOperation {
			op, err := desk.OperationOf(pending)
			if err != nil {
				g.Log.Error("a pending operation can't be read", "operation", pending.ID, "error", err)
				continue
			}
			op.Attempt = g.tries[op.Id]
			g.enqueueOnce(op)
			continue
		}
		// Both concurrently: what the bot may do here, and who administers the group.
		if _, row, err := g.pendingCommand(pending); err == nil && row.describes {
			g.askTelegram(messages.GroupQuestion_CHAT, 0,
				&messages.Operation{Call: &messages.Operation_DescribeChat{DescribeChat: &messages.DescribeChatCall{}}})
		}
		g.askAdmins()
	}
}

func (g *group) askAdmins() {
	g.askTelegram(messages.GroupQuestion_ADMINS, 0,
		&messages.Operation{Call: &messages.Operation_ListAdmins{ListAdmins: &messages.ListAdminsCall{}}})
}

// question is the reference of a question to Telegram.
func (g *group) question(about messages.GroupQuestion_About, userID ids.UserID) *messages.OperationRef {
	return &messages.OperationRef{Wanted: &messages.OperationRef_Question{Question: &messages.GroupQuestion{
		GroupId: g.ID, About: about, UserId: userID}}}
}

// asks says whether a question to Telegram is in flight.
func (g *group) asks(about messages.GroupQuestion_About, userID ids.UserID) bool {
	return g.enqueued[g.question(about, userID).ID()] != nil
}

func (g *group) askTelegram(about messages.GroupQuestion_About, userID ids.UserID, op *messages.Operation) {
	op.SetRef(g.question(about, userID))
	if g.enqueued[op.Id] != nil {
		return
	}
	// Each question is a new one, also after a restart: the chat must not answer it from memory.
	g.asked = max(g.asked+1, g.Now().UnixMilli())
	op.Attempt = g.asked
	op.Place, op.Priority = g.ID, messages.Operation_ANSWER
	g.enqueueOnce(op)
}

func (g *group) enqueueOnce(op *messages.Operation) {
	if g.enqueued[op.Id] != nil {
		return
	}
	g.enqueued[op.Id] = op
	g.Enqueue(op)
	g.EnqueueAgainLater()
}

func (g *group) onEnqueueAgain(entity.EnqueueAgain) error {
	g.enqueueAgain()
	if len(g.enqueued) > 0 {
		g.EnqueueAgainLater()
	}
	g.follow()
	return nil
}

// onDone accepts Telegram's answer and decides what waited for it, or removes a finished operation from the record.
func (g *group) onDone(m *messages.Done) error {
	op := g.enqueued[m.OperationId]
	if op == nil || op.Version() != m.Version() {
		return nil
	}
	switch ref := m.Ref.GetWanted().(type) {
	case *messages.OperationRef_Question:
		switch ref.Question.About {
		case messages.GroupQuestion_CHAT:
			return g.onDescribed(m)
		case messages.GroupQuestion_ADMINS:
			return g.onAdminsListed(m)
		case messages.GroupQuestion_MEMBER:
			delete(g.enqueued, m.OperationId)
			g.onMemberAnswered(ref.Question.UserId, m.Outcome)
		}
	case *messages.OperationRef_Pending:
		return g.onPendingDone(op, m)
	}
	return nil
}

func (g *group) onDescribed(m *messages.Done) error {
	if m.Outcome.GetResult() == messages.Outcome_DONE && g.record != nil {
		if err := g.change("", func(r *storage.Group) { setFacts(r, m.Outcome.Chat) }); err != nil {
			return err
		}
	}
	delete(g.enqueued, m.OperationId)
	return g.decideAll("")
}

func (g *group) onAdminsListed(m *messages.Done) error {
	failure := ""
	if m.Outcome.GetResult() == messages.Outcome_DONE {
		g.admins, g.fresh = map[ids.UserID]bool{}, g.Now()
		for _, id := range m.Outcome.AdminIds {
			g.admins[id] = true
		}
		if err := g.noteAdmins(); err != nil {
			return err
		}
	} else {
		failure = desk.ReasonOf(m.Outcome)
	}
	delete(g.enqueued, m.OperationId)
	for _, w := range g.waiting {
		g.answer(w, failure)
	}
	g.waiting = nil
	return g.decideAll(failure)
}

func (g *group) onPendingDone(op *messages.Operation, m *messages.Done) error {
	delete(g.enqueued, m.OperationId)
	if m.Outcome.GetResult() == messages.Outcome_TRANSIENT {
		g.tries[m.OperationId]++
		return nil // the timer enqueues it again
	}
	delete(g.tries, m.OperationId)
	err := g.change("", func(r *storage.Group) {
		r.Pending = slices.DeleteFunc(r.Pending, func(o storage.Pending) bool { return o.ID == m.OperationId })
		g.noteListed(r, op, m.Outcome)
	})
	g.planLook()
	g.follow()
	return err
}

// noteAdmins writes down who administers the group, for tickets that can't wait for Telegram.
func (g *group) noteAdmins() error {
	admins := slices.Sorted(maps.Keys(g.admins))
	if g.record == nil || slices.Equal(g.record.Admins, admins) {
		return nil
	}
	return g.change("", func(r *storage.Group) { r.Admins = admins })
}

// known says whether the list of administrators is fresh.
func (g *group) known() bool { return g.admins != nil && g.Now().Sub(g.fresh) < adminsKeep }

func (g *group) onCheckAdmin(m *messages.CheckAdmin) error {
	if g.known() {
		g.answer(m, "")
		return nil
	}
	for _, w := range g.waiting {
		if w.CheckId == m.CheckId && w.OwnerId == m.OwnerId {
			return nil
		}
	}
	g.waiting = append(g.waiting, m)
	g.askAdmins()
	return nil
}

func (g *group) answer(m *messages.CheckAdmin, failure string) {
	g.Tell(m.OwnerKind, m.OwnerId, &messages.AdminChecked{CheckId: m.CheckId, GroupId: g.ID, UserId: m.UserId,
		IsAdmin: g.admins[m.UserId], Failure: failure})
}
