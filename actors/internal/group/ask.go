package group

import (
	"slices"
	"strings"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// What a group asks Telegram: who administers it, and what the bot may do in it.

// follow asks Telegram what pending commands need, and offers what is owed.
func (g *group) follow() {
	if g.record == nil {
		return
	}
	for _, owed := range g.record.Pending {
		if owed.Kind == desk.OwedOperation {
			if op, err := desk.OperationOf(owed); err == nil {
				op.Revision = g.tries[op.Id]
				g.offerOnce(op)
			}
			continue
		}
		// Both at once: what the bot may do here, then who administers the group.
		if _, row, err := g.pendingCommand(owed); err == nil && row.describes {
			g.askTelegram(opDescribe, &messages.Operation{Call: &messages.Operation_DescribeChat{DescribeChat: &messages.DescribeChatCall{}}})
		}
		g.askAdmins()
	}
}

func (g *group) askAdmins() {
	g.askTelegram(opListAdmins, &messages.Operation{Call: &messages.Operation_ListAdmins{ListAdmins: &messages.ListAdminsCall{}}})
}

func (g *group) askTelegram(what string, op *messages.Operation) {
	op.Id = g.ID + what
	if _, under := g.offered[op.Id]; under {
		return
	}
	// Each question is a new one, also after a restart: the chat must not answer it from memory.
	g.asked = max(g.asked+1, g.Now().UnixMilli())
	op.Revision = g.asked
	op.Place, op.Priority = g.ID, messages.Operation_ANSWER
	g.offerOnce(op)
}

func (g *group) offerOnce(op *messages.Operation) {
	if _, under := g.offered[op.Id]; under {
		return
	}
	g.offered[op.Id] = op
	g.Offer(op)
	g.OfferAgainLater()
}

func (g *group) onOfferAgain(entity.OfferAgain) error {
	for _, op := range g.offered {
		g.Offer(op)
	}
	if len(g.offered) > 0 {
		g.OfferAgainLater()
	}
	g.follow()
	return nil
}

// onDone takes Telegram's word, and decides what waited for it.
func (g *group) onDone(m *messages.Done) error {
	op := g.offered[m.OperationId]
	if op == nil || op.Revision != m.Revision {
		return nil
	}
	outcome := m.Outcome
	done := outcome.GetResult() == messages.Outcome_DONE
	switch {
	case strings.HasSuffix(m.OperationId, opDescribe):
		if done && g.record != nil {
			if err := g.change("", func(r *storage.Group) { setFacts(r, outcome.Chat) }); err != nil {
				return err
			}
		}
		delete(g.offered, m.OperationId)
		return g.decideAll("")
	case strings.HasSuffix(m.OperationId, opListAdmins):
		failure := ""
		if done {
			g.admins, g.fresh = map[int64]bool{}, g.Now()
			for _, id := range outcome.AdminIds {
				g.admins[id] = true
			}
		} else {
			failure = desk.ReasonOf(outcome)
		}
		delete(g.offered, m.OperationId)
		for _, w := range g.waiting {
			g.answer(w, failure)
		}
		g.waiting = nil
		return g.decideAll(failure)
	}
	delete(g.offered, m.OperationId)
	if isMemberOp(m.OperationId) {
		g.onMemberTold(op, outcome)
		return nil
	}
	if outcome.GetResult() == messages.Outcome_TRANSIENT {
		g.tries[m.OperationId]++
		return nil // offered again by the timer
	}
	delete(g.tries, m.OperationId)
	return g.change("", func(r *storage.Group) {
		r.Pending = slices.DeleteFunc(r.Pending, func(o storage.Owed) bool { return o.ID == m.OperationId })
	})
}

// known says whether Telegram's word on the administrators is fresh.
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
