package link

import (
	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/messages"
)

// labelOf says which ticket a copy into a private chat is of, if its person has several there and no topic says it.
func (l *link) labelOf() string {
	if l.spec.Topic.GroupID == "" || !messages.IsPrivate(l.spec.Topic.GroupID) || l.spec.Topic.Threaded {
		return ""
	}
	own, err := desk.OpenPrivately(l.Ctx, l.Store, l.spec.Topic.GroupID, desk.PrivateTicketsRead)
	if err != nil {
		l.Log.Error("a person's tickets can't be read; the copy says which it is of", "error", err)
	}
	if err == nil && (len(own) == 0 || len(own) == 1 && own[0].TicketID == l.ticketID) {
		return ""
	}
	return l.name
}
