package desk

import (
	"slices"

	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/storage"
)

// Who may close and change a ticket, besides the administrators of its groups.

// Acts says whether somebody may from any topic: they created the ticket, take care of it, or are an internal user on it. from is who
// writes, under whatever name; 0: a program.
func Acts(r *storage.Ticket, by storage.Creator, from ids.UserID) bool {
	same := func(who storage.Creator) bool { return who.Kind == by.Kind && who.ID == by.ID }
	return same(r.CreatedBy) || r.Assignee != nil && same(*r.Assignee) ||
		from != 0 && slices.ContainsFunc(r.Links, func(l storage.Link) bool { return !l.Ended && l.UserID == from })
}

// TeamActs says whether whoever writes in the home topic may: somebody who asks in private has chosen that team (docs/decisions.md, D189).
func TeamActs(r *storage.Ticket) bool { return PrivateLink(r, "") != nil }
