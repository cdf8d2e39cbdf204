package ticket

import (
	"fmt"
	"time"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// Whose turn it is follows from the messages: a customer's word makes the ticket wait for the desk, the desk's word for the
// customer, from the first that is not answered. A message keeps whose word it was, so that this costs no write of the
// ticket: memory is ahead of the record, each save of which writes down how far it is, and what is missing after a crash
// follows from the messages again (docs/decisions.md, D185).

// judge writes into a new message whose word it is, and says whether it claims the ticket. What another bot says is
// nobody's word.
func (t *ticket) judge(m *storage.Message, o *messages.Origin) (claims bool, err error) {
	if o.GetFrom().GetIsBot() && m.Sender.Kind == "user" {
		return false, nil
	}
	if m.Side, err = t.sideOfMessage(m, o.GetPlace()); err != nil {
		return false, err
	}
	return t.claimsByAnswer(m)
}

// sideOfMessage is whose word a message is; "": nobody's. place is where its sender stands.
func (t *ticket) sideOfMessage(m *storage.Message, place string) (string, error) {
	if m.Internal || messages.OnlyThanks(desk.ContentOf(m)) {
		return "", nil
	}
	return t.sideOf(desk.Uploader(m.Sender), place, m.TopicID)
}

// heard is the ticket's record after a message.
func (t *ticket) heard(m *storage.Message) *storage.Ticket {
	next := *t.record
	next.WaitingThrough = m.Sequence
	desk.Hear(&next, m)
	return &next
}

// noteTurn writes into a new message whether somebody has the ticket, and whether they are to answer since then.
func noteTurn(m *storage.Message, before, heard *storage.Ticket) {
	m.Taken = heard.Assignee != nil
	theirs := func(r *storage.Ticket) bool { return r.WaitingFor == storage.WaitsForDesk && r.SnoozedUntil().IsZero() }
	if theirs(heard) && !theirs(before) {
		m.Turn = heard.Assignee
	}
}

// waitsForNobody ends the wait of a ticket that is being closed.
func waitsForNobody(r *storage.Ticket) { r.WaitingFor, r.WaitingSince = "", time.Time{} }

// judgeAgain finds out for whom an open ticket waits that an earlier program saved last. It reads all of its messages.
func (t *ticket) judgeAgain() error {
	if !t.record.Unjudged() {
		return nil
	}
	next := *t.record
	next.WaitingFor, next.WaitingSince = storage.WaitsForDesk, next.CreatedAt
	for next.WaitingThrough = 0; ; {
		page, err := t.Store.MessagesAfter(t.Ctx, next.TicketID, next.WaitingThrough, desk.PageOfMessages)
		if err != nil {
			return fmt.Errorf("read messages: %w", err)
		}
		for i := range page {
			m := &page[i]
			if m.Side == "" {
				if m.Side, err = t.sideOfMessage(m, m.GroupID); err != nil {
					return err
				}
			}
			desk.Hear(&next, m)
			next.WaitingThrough = m.Sequence
		}
		if len(page) < desk.PageOfMessages {
			break
		}
	}
	return t.change(func(r *storage.Ticket) {
		r.WaitingFor, r.WaitingSince, r.WaitingThrough = next.WaitingFor, next.WaitingSince, next.WaitingThrough
	})
}
