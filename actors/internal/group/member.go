package group

import (
	"strconv"
	"strings"
	"time"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/messages"
)

// Who belongs to a group is Telegram's to say: each person is asked for by one call at a time, and its word is kept for a
// while, in step with what updates tell. Who decides something by it asks anew.

const (
	membersKeep     = 5 * time.Minute
	membersKept     = 2000
	opMember        = "/member/"
	checksAtMost    = 1000 // that wait for Telegram's word; who asks beyond is told so
	tooManyQuestion = "too many questions wait for Telegram's word"
)

type memberWord struct {
	is bool
	at time.Time
}

func (g *group) onCheckMember(m *messages.CheckMember) error {
	g.checkMember(m)
	return nil
}

func (g *group) checkMember(m *messages.CheckMember) {
	if word, known := g.members.Get(m.UserId); known && !m.Fresh && g.Now().Sub(word.at) < membersKeep {
		g.answerMember(m, word.is, "")
		return
	}
	id := g.ID + opMember + strconv.FormatInt(m.UserId, 10)
	for _, w := range g.checks[id] {
		if w.CheckId == m.CheckId {
			return
		}
	}
	if len(g.checks) >= checksAtMost {
		g.answerMember(m, false, tooManyQuestion)
		return
	}
	// What is under way already may have been answered before this question came up.
	if _, under := g.offered[id]; under && m.Fresh {
		g.again[id] = append(g.again[id], m)
		return
	}
	g.checks[id] = append(g.checks[id], m)
	g.askTelegram(opMember+strconv.FormatInt(m.UserId, 10),
		&messages.Operation{Call: &messages.Operation_CheckMember{CheckMember: &messages.CheckMemberCall{UserId: m.UserId}}})
}

func isMemberOp(id string) bool { return strings.Contains(id, opMember) }

// onMemberTold takes Telegram's word on one person.
func (g *group) onMemberTold(op *messages.Operation, outcome *messages.Outcome) {
	userID, failure := op.GetCheckMember().GetUserId(), ""
	if outcome.GetResult() == messages.Outcome_DONE {
		g.members.Put(userID, memberWord{outcome.IsMember, g.Now()})
	} else {
		failure = desk.ReasonOf(outcome)
	}
	waiting, again := g.checks[op.Id], g.again[op.Id]
	delete(g.checks, op.Id)
	delete(g.again, op.Id)
	for _, m := range waiting {
		g.answerMember(m, outcome.GetIsMember(), failure)
	}
	for _, m := range again {
		g.checkMember(m)
	}
}

func (g *group) answerMember(m *messages.CheckMember, is bool, failure string) {
	g.Tell(messages.KindUser, m.OwnerId, &messages.MemberChecked{CheckId: m.CheckId, GroupId: g.ID, IsMember: is, Failure: failure})
}
