package ticket

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// Words that became the title or the description of a ticket are no message of it, so "/delete" can't take them back. Whoever tries
// hears where they stand.

// describedBy finds the ticket that has the words of an answered message as its title or description; nil: none that is known.
func (t *ticket) describedBy(m *messages.DeleteMessage) (*storage.Ticket, error) {
	if opened(t.record.TicketID, messages.MessageKey(m.ChatId, m.AnsweredId)) {
		return t.record, nil
	}
	person, ok := messages.ChatIn(m.Origin.GetPlace())
	if !ok || !messages.IsPrivate(m.Origin.GetPlace()) || person != m.ChatId {
		return nil, nil
	}
	user, err := t.Store.User(t.Ctx, person)
	if errors.Is(err, storage.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read whose words they are: %w", err)
	}
	home := desk.HomeOf(user.Shelf, m.AnsweredId)
	if home == "" {
		return nil, nil
	}
	record, err := t.recordOfTicket(home)
	if errors.Is(err, storage.ErrNotFound) { // it is not open yet
		return nil, nil
	}
	return record, err
}

// opened reports whether a command opened a ticket, whose id tells the command's date.
func opened(ticketID, commandID string) bool {
	ms, _, _ := strings.Cut(strings.TrimPrefix(ticketID, "TICK-"), "-")
	date, err := strconv.ParseInt(ms, 36, 64)
	return err == nil && messages.TicketID(commandID, date) == ticketID
}
