package group

import (
	"time"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
)

// This file finds out who belongs to the group, which only Telegram knows. For each person one call at a time is in
// flight. The answer is cached for a while and kept in step with Telegram's updates. A check that decides something
// asks again.

const (
	membersKeep      = 5 * time.Minute
	membersKept      = 2000
	checksAtMost     = 1000 // people about whom Telegram is asked; one more check fails with tooManyQuestions
	tooManyQuestions = "too many questions wait for Telegram's answer"
)

// membership is whether a person belongs to the group, as of a time.
type membership struct {
	is bool
	at time.Time
}

func (g *group) onCheckMember(m *messages.CheckMember) error {
	g.checkMember(m)
	return nil
}

func (g *group) checkMember(m *messages.CheckMember) {
	if known, found := g.members.Get(m.UserId); found && !m.Fresh && g.Now().Sub(known.at) < membersKeep {
		g.answerMember(m, known.is, "")
		return
	}
	for _, w := range g.checks[m.UserId] {
		if w.DraftId == m.DraftId && w.Chosen == m.Chosen {
			return
		}
	}
	if len(g.checks) >= checksAtMost {
		g.answerMember(m, false, tooManyQuestions)
		return
	}
	// A call in flight may have been answered before this question came up.
	if m.Fresh && g.asks(messages.GroupQuestion_MEMBER, m.UserId) {
		g.again[m.UserId] = append(g.again[m.UserId], m)
		return
	}
	g.checks[m.UserId] = append(g.checks[m.UserId], m)
	g.askTelegram(messages.GroupQuestion_MEMBER, m.UserId,
		&messages.Operation{Call: &messages.Operation_CheckMember{CheckMember: &messages.CheckMemberCall{UserId: m.UserId}}})
}

// onMemberAnswered accepts Telegram's answer about one person.
func (g *group) onMemberAnswered(userID ids.UserID, outcome *messages.Outcome) {
	failure := ""
	if outcome.GetResult() == messages.Outcome_DONE {
		g.members.Put(userID, membership{outcome.IsMember, g.Now()})
	} else {
		failure = desk.ReasonOf(outcome)
	}
	waiting, again := g.checks[userID], g.again[userID]
	delete(g.checks, userID)
	delete(g.again, userID)
	for _, m := range waiting {
		g.answerMember(m, outcome.GetIsMember(), failure)
	}
	for _, m := range again {
		g.checkMember(m)
	}
}

func (g *group) answerMember(m *messages.CheckMember, is bool, failure string) {
	g.Tell(messages.KindUser, m.OwnerId, &messages.MemberChecked{
		DraftId: m.DraftId, Chosen: m.Chosen, GroupId: g.ID, IsMember: is, Failure: failure,
	})
}
