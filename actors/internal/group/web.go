package group

import (
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/messages"
)

// cachedFor is how long Telegram's answer will do for a page that asks for its list again and again.
const cachedFor = time.Hour

// onWebStanding says what a person is in the group, as far as that is known. What is not known, Telegram is asked: a turn
// does not wait for it, so whoever wants the answer asks again.
func (g *group) onWebStanding(m *messages.GetWebStanding) (proto.Message, error) {
	reply := &messages.WebStanding{Code: messages.Code_OK}
	if g.record == nil || desk.IsOut(g.record) {
		reply.Known = true
		return reply, nil
	}
	member, found := g.members.Get(m.UserId)
	if m.CachedOnly {
		reply.Known = found && g.Now().Sub(member.at) < cachedFor
		reply.Member = reply.Known && member.is
		return reply, nil
	}
	found = found && g.Now().Sub(member.at) < membersKeep
	if found && g.known() {
		reply.Known, reply.Member, reply.Admin = true, member.is, member.is && g.admins[m.UserId]
		return reply, nil
	}
	if len(g.enqueued) >= checksAtMost {
		return reply, nil
	}
	if !found {
		g.askTelegram(messages.GroupQuestion_MEMBER, m.UserId, &messages.Operation{
			Call: &messages.Operation_CheckMember{CheckMember: &messages.CheckMemberCall{UserId: m.UserId}}})
	}
	if !g.known() {
		g.askAdmins()
	}
	return reply, nil
}
