package actors

import (
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// isOut says whether the bot is not in a group any more.
func isOut(g *storage.Group) bool { return g.BotStatus == "left" || g.BotStatus == "kicked" }

// topicsIn says whether the bot can open topics in a group, whether tickets may be opened in it or not.
func topicsIn(g *storage.Group) messages.Standing {
	switch {
	case isOut(g):
		return messages.Standing_BOT_OUT
	case !g.IsForum:
		return messages.Standing_NO_TOPICS
	case !g.CanManageTopics:
		return messages.Standing_NO_RIGHTS
	}
	return messages.Standing_READY
}

// ticketsIn says whether tickets may be opened in a group.
func ticketsIn(g *storage.Group) messages.Standing {
	if !g.SupportTopicsEnabled {
		return messages.Standing_UNREGISTERED
	}
	return topicsIn(g)
}
