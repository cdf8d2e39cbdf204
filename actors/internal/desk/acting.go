package desk

import (
	"slices"

	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/storage"
)

// Who may close and change a ticket, besides the administrators of its groups.

// Acts says whether somebody may from any topic: they created the ticket, it was opened from their message, or they take care of it, or
// are an internal user on it. from is who writes, under whatever name; 0: a program.
func Acts(r *storage.Ticket, by storage.Creator, from ids.UserID) bool {
	return r.CreatedBy.Is(by) || r.Customer().Is(by) || r.Assignee != nil && r.Assignee.Is(by) ||
		from != 0 && slices.ContainsFunc(r.Links, func(l storage.Link) bool { return !l.Ended && l.UserID == from })
}

// TeamActs says whether whoever writes in the home topic may: somebody who asks in private has chosen that team (docs/decisions.md, D189).
func TeamActs(r *storage.Ticket) bool { return PrivateLink(r, "") != nil }
