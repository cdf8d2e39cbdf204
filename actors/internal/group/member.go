package group

import (
	"time"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
)

// This file answers who belongs to the group, which only Telegram knows. Each person is asked about in one call at a
// time. The answer is cached for a while and updated by what Telegram reports. A check that decides something asks
// again.

const (
	membersKeep     = 5 * time.Minute
	membersKept     = 2000
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
	for _, w := range g.checks[m.UserId] {
		if w.DraftId == m.DraftId && w.Chosen == m.Chosen {
			return
		}
	}
	if len(g.checks) >= checksAtMost {
		g.answerMember(m, false, tooManyQuestion)
		return
	}
	// A call in flight may have been answered before this question came up.
	if m.Fresh && g.isAsking(messages.GroupQuestion_MEMBER, m.UserId) {
		g.again[m.UserId] = append(g.again[m.UserId], m)
		return
	}
	g.checks[m.UserId] = append(g.checks[m.UserId], m)
	g.askTelegram(messages.GroupQuestion_MEMBER, m.UserId,
		&messages.Operation{Call: &messages.Operation_CheckMember{CheckMember: &messages.CheckMemberCall{UserId: m.UserId}}})
}

// onMemberTold accepts Telegram's answer about one person.
func (g *group) onMemberTold(userID ids.UserID, outcome *messages.Outcome) {
	failure := ""
	if outcome.GetResult() == messages.Outcome_DONE {
		g.members.Put(userID, memberWord{outcome.IsMember, g.Now()})
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
	g.Tell(messages.KindUser, m.OwnerId, &messages.MemberChecked{DraftId: m.DraftId, Chosen: m.Chosen, GroupId: g.ID,
		IsMember: is, Failure: failure})
}
