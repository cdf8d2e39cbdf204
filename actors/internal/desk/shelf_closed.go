package desk

import (
	"cmp"
	"slices"
	"time"

	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// What a person wrote to a closed ticket, until they say what to do with it: Shelved.Closed names the ticket (docs/decisions.md, D274).

// HoldUnclear has what was unclear after a word wait for what its author wants done, since the ticket that they mean is closed. nil:
// nothing of it waits.
func HoldUnclear(s *storage.Shelf, word int64, ticketID ids.TicketID) *storage.Shelf {
	next, changed := tidied(s, time.Time{}), false
	for i := range next.Messages {
		if m := &next.Messages[i]; m.Unclear == word && m.Waits() && m.Closed != ticketID {
			m.Closed, changed = ticketID, true
		}
	}
	if !changed {
		return nil
	}
	return next
}

// HeldFor is what waits since a ticket is closed, in the order in which it was written, and the questions that it waits for.
func HeldFor(s *storage.Shelf, ticketID ids.TicketID) (held []*messages.RecordMessage, questions []int64) {
	if s == nil {
		return nil, nil
	}
	waits := func(m *storage.Shelved) bool { return m.Closed == ticketID && m.Waits() }
	for i := range s.Messages {
		if m := &s.Messages[i]; waits(m) {
			if about := cmp.Or(m.Unclear, m.MessageID); !slices.Contains(questions, about) {
				questions = append(questions, about)
			}
		}
	}
	return shelved(s, waits), questions
}

// HeldTickets are the closed tickets for which something waits.
func HeldTickets(s *storage.Shelf) (tickets []ids.TicketID) {
	for i := range messagesOn(s) {
		if m := &s.Messages[i]; m.Closed != "" && m.Waits() && !slices.Contains(tickets, m.Closed) {
			tickets = append(tickets, m.Closed)
		}
	}
	return tickets
}
