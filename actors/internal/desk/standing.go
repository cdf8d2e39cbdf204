package desk

import (
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// What the desk can do in a group, as far as the group's record says (docs/decisions.md, D59).

// IsOut says whether the bot is no longer in a group.
func IsOut(g *storage.Group) bool { return g.BotStatus == "left" || g.BotStatus == "kicked" }

// TopicsIn says whether the bot can open topics in a group, registered or not.
func TopicsIn(g *storage.Group) messages.Standing {
	switch {
	case IsOut(g):
		return messages.Standing_BOT_OUT
	case !g.IsForum:
		return messages.Standing_NO_TOPICS
	case !g.CanManageTopics:
		return messages.Standing_NO_RIGHTS
	}
	return messages.Standing_READY
}

// TicketsIn says whether tickets can be opened in a group.
func TicketsIn(g *storage.Group) messages.Standing {
	if !g.SupportTopicsEnabled {
		return messages.Standing_UNREGISTERED
	}
	return TopicsIn(g)
}
