package bot

import (
	"slices"
	"strings"

	"github.com/topicdesk/topicdesk/messages"
)

// Which ticket somebody names, or a text that they answer.

// namesLookedAt is how many names of tickets in a text are looked at; more tell of a list.
const namesLookedAt = 20

// ticketNamedIn returns the id of the one ticket of this private chat that a text names, by its number or its id; "" when
// there is none, or several. A title and the names of groups and people may have numbers that look like those of tickets.
func (h *handling) ticketNamedIn(text string) (only string, err error) {
	notInName := func(r rune) bool { return !(r == '#' || r == '-' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z') }
	words := strings.FieldsFunc(text, notInName)
	slices.Sort(words)
	names := slices.DeleteFunc(slices.Compact(words), func(word string) bool {
		return !strings.HasPrefix(word, "#") && !strings.HasPrefix(word, "TICK-")
	})
	if len(names) > namesLookedAt {
		return "", nil
	}
	for _, name := range names {
		id, err := h.ticketNamed(name)
		if err != nil {
			return "", err
		}
		here, err := h.isHere(id)
		switch {
		case err != nil:
			return "", err
		case here && only != "" && only != id:
			return "", nil
		case here:
			only = id
		}
	}
	return only, nil
}

// isHere says whether the private chat is linked to a ticket.
func (h *handling) isHere(id string) (bool, error) {
	if id == "" {
		return false, nil
	}
	found, err := query[*messages.LinkRecords](h.ctx, h.desk, &messages.ListLinkRecords{TicketId: id})
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(found.Links, func(l *messages.LinkRecord) bool {
		return l.Topic.GetGroupId() == h.origin.Place && l.State != "ended"
	}), nil
}

// ticketNamed returns the id of the ticket with that number or id; "": there can't be one, or none has the number.
func (h *handling) ticketNamed(name string) (string, error) {
	if id, ok := messages.ParseTicketID(name); ok {
		return id, nil
	}
	number, ok := messages.ParseNumber(name)
	if !ok {
		return "", nil
	}
	found, err := query[*messages.TicketIDs](h.ctx, h.desk, &messages.FindNumber{Number: number})
	if err != nil || len(found.TicketIds) == 0 {
		return "", err
	}
	return found.TicketIds[0], nil
}
