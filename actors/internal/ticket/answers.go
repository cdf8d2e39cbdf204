package ticket

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// The words of a message are also above the copies of what answers it, where nothing stands for it. When it is edited or
// deleted, its ticket goes through the messages that answer it, and has each show what it says now: its own by a change of
// their records, which their links follow; those of other tickets by asking these. The mark of the changed message stays
// meanwhile, so a restart begins anew, and a message that is right already is left alone (docs/decisions.md, D193).

// rewordOn is the ticket's message to itself to go on with what answers a message.
type rewordOn struct{ messageID ids.MessageKey }

func (t *ticket) onRewordOn(m rewordOn) error {
	f := t.following[m.messageID]
	if f == nil || f.words == nil {
		return nil
	}
	f.words.noted = false
	if err := t.goThrough(f); err != nil {
		return err
	}
	t.rewordSoon(f)
	return nil
}

// rewordSoon goes on with what answers a message, in a turn of its own, unless it is done or waits.
func (t *ticket) rewordSoon(f *following) {
	w := f.words
	if w == nil || w.done || w.noted || w.waitsFor() >= rewordedLimit {
		return
	}
	if !w.walking {
		switch {
		case w.keys == nil: // the first walk
		case w.waitsFor() > 0 || len(f.left) > 0 || w.settled && !w.again:
			return
		case w.whole && !w.changed && !w.again:
			w.settled, w.done = true, len(w.awaited) == 0
			t.advance(f)
			t.flushSoon()
			return
		}
		w.walking, w.whole, w.changed, w.settled, w.again = true, len(f.left) == 0, false, false, false
		w.keys, w.at, w.after, w.stays = nil, 0, "", nil
	}
	w.noted = true
	t.Note(rewordOn{f.original.MessageID})
}

// goThrough goes through the next messages that answer a changed one.
func (t *ticket) goThrough(f *following) error {
	w := f.words
	if !w.walking {
		return nil
	}
	if w.keys == nil {
		copies, err := t.Store.CopiesOf(t.Ctx, f.original.MessageID)
		if err != nil {
			return fmt.Errorf("read copies: %w", err)
		}
		w.keys = answeredAs(f.original, copies)
	}
	page, err := t.Store.MessagesAnswering(t.Ctx, w.keys[w.at], w.after, answersAtOnce)
	if err != nil {
		return fmt.Errorf("read what answers a message: %w", err)
	}
	for i := range page {
		if err := t.rewordOne(f, &page[i]); err != nil {
			return err
		}
		w.after = page[i].MessageID
	}
	if len(page) == answersAtOnce {
		return nil
	}
	if w.at, w.after = w.at+1, ""; w.at == len(w.keys) {
		w.walking = false
	}
	return nil
}

// answeredAs are the keys by which messages may name the one that they answer.
func answeredAs(m *storage.Message, copies []storage.Copy) []string {
	keys := []string{m.MessageID}
	for i := range copies {
		for _, id := range slices.Concat(copies[i].Parts, copies[i].Former) {
			if key := messages.MessageKey(copies[i].ChatID, id); !slices.Contains(keys, key) {
				keys = append(keys, key)
			}
		}
	}
	return keys
}

// rewordOne has a message show what the changed one says now.
func (t *ticket) rewordOne(f *following, m *storage.Message) error {
	w, answered := f.words, f.original
	if m.ReplyTo.Answered == "" && m.Answers() != answered.MessageID { // it names a copy, in which others may stand, too
		said, _, err := desk.AnsweredBy(t.Ctx, t.Store, desk.ReplyOf(m))
		switch {
		case err == nil && !quotes(m, answered):
			answered = said
		case err != nil && !errors.Is(err, storage.ErrNotFound):
			return fmt.Errorf("read what a message answers: %w", err)
		}
	}
	next := desk.Reworded(m.ReplyTo, answered)
	same := desk.SameAnswer(m.ReplyTo, next)
	switch {
	case w.isLate(m, t.ID):
		return t.noteStays(f, m)
	case m.TicketID != t.ID && (!same || answered.Deleted) && !w.shown[m.MessageID]:
		w.await(m, answered, t.Now())
		t.askToReword(m.MessageID, w.awaited[m.MessageID])
		t.EnqueueAgainLater()
	case m.TicketID == t.ID && !same:
		if w.changed = true; !m.Hidden() { // nothing shows a hidden one
			w.await(m, answered, t.Now())
		}
		return t.reword(m, next)
	case m.TicketID == t.ID && t.following[m.MessageID] != nil && m.MessageID != f.original.MessageID && !m.Hidden():
		w.await(m, answered, t.Now())
	case answered.Deleted:
		return t.noteStays(f, m)
	}
	return nil
}

// quotes reports whether a message quotes one that was deleted: it is meant, though its copy is gone.
func quotes(m, answered *storage.Message) bool {
	return answered.Deleted && m.ReplyTo.Quote != "" && strings.Contains(answered.Text, m.ReplyTo.Quote)
}

// reword writes down what one of the ticket's messages shows of the one that it answers. Its copies follow, as after an
// edit, but nobody edited it: there is no event and no former version.
func (t *ticket) reword(m *storage.Message, r *storage.ReplyTo) error {
	next := desk.CloneMessage(m)
	next.ReplyTo = r
	if !m.Hidden() {
		if err := t.makeDue(); err != nil {
			return err
		}
		next.Revision++
		next.ContentRevision, next.ChangedAfter, next.Outdated = next.Revision, t.sequence, true
	}
	if err := t.saveMessage(next); err != nil {
		return err
	}
	t.follow(next, false)
	t.flushSoon()
	return nil
}

// askToReword tells another ticket that what one of its messages answers has changed.
func (t *ticket) askToReword(messageID ids.MessageKey, a *awaited) {
	t.Tell(messages.KindTicket, a.ticketID, &messages.Reword{
		MessageId: messageID, Answered: a.answered, AnsweredTicket: t.ID, Revision: a.revision})
}

// onReword hears from another ticket that what a message answers has changed.
func (t *ticket) onReword(m *messages.Reword) error {
	if t.record != nil {
		if err := t.rewordFor(m.MessageId, m.Answered); err != nil {
			return err
		}
		if t.following[m.MessageId] != nil {
			if was := t.asked[m.MessageId]; was == nil || was.Answered != m.Answered || was.Revision <= m.Revision {
				t.asked[m.MessageId] = m
			}
			return nil // it is told once the copies have followed
		}
	}
	t.reworded(m)
	return nil
}

func (t *ticket) reworded(m *messages.Reword) {
	t.Tell(messages.KindTicket, m.AnsweredTicket,
		&messages.Reworded{MessageId: m.MessageId, Answered: m.Answered, Revision: m.Revision})
}

// rewordFor has one of the ticket's messages show what another says now.
func (t *ticket) rewordFor(messageID, answeredID ids.MessageKey) error {
	m, err := t.Store.Message(t.Ctx, messageID)
	if errors.Is(err, storage.ErrNotFound) || err == nil && (m.TicketID != t.ID || m.ReplyTo == nil) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read a message: %w", err)
	}
	answered, err := t.Store.Message(t.Ctx, answeredID)
	if errors.Is(err, storage.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the answered message: %w", err)
	}
	if next := desk.Reworded(m.ReplyTo, answered); !desk.SameAnswer(m.ReplyTo, next) {
		return t.reword(m, next)
	}
	return nil
}

// onReworded hears that a message of another ticket shows what is now said.
func (t *ticket) onReworded(m *messages.Reworded) error {
	for _, f := range t.following {
		if f.words != nil && f.words.heard(m, t.Now()) {
			t.rewordSoon(f)
		}
	}
	return nil
}

// followed hears that the copies of a message have followed: the one that it answers may go on.
func (t *ticket) followed(m *storage.Message) {
	if asked := t.asked[m.MessageID]; asked != nil {
		delete(t.asked, m.MessageID)
		t.reworded(asked)
	}
	for _, f := range t.following {
		if f.words != nil && f.words.awaited[m.MessageID] != nil {
			f.words.arrived(m.MessageID, t.Now())
			t.rewordSoon(f)
		}
	}
}

// rewordAgain asks again what got no answer, and goes on where storage failed.
func (t *ticket) rewordAgain(f *following) {
	w := f.words
	if w == nil {
		return
	}
	for id, a := range w.awaited {
		switch {
		case a.ticketID != t.ID:
			t.askToReword(id, a)
		case t.following[id] == nil:
			w.arrived(id, t.Now())
		}
	}
	w.giveUpWaiting(t.Now())
	t.rewordSoon(f)
}

// noteStays notes where words of a deleted message stay that a message shows of it: in quotes, which are Telegram's, and
// in copies that could not be edited.
func (t *ticket) noteStays(f *following, m *storage.Message) error {
	w := f.words
	if m.Deleted || t.deletedBy(f.original) == nil {
		return nil
	}
	record, err := t.recordOfTicket(m.TicketID)
	if err != nil {
		return err
	}
	copies, err := t.Store.CopiesOf(t.Ctx, m.MessageID)
	if err != nil {
		return fmt.Errorf("read copies: %w", err)
	}
	var topics []ids.TopicKey
	if m.ReplyTo.Quote != "" {
		topics = append(topics, m.TopicID)
	}
	for i := range copies {
		c := &copies[i]
		if c.State == desk.CopySent && (desk.MayQuote(m, c) || desk.ShowsAnswered(m, c) && !c.Withheld) {
			topics = append(topics, c.TopicID)
		}
	}
	for _, topicID := range topics {
		where := cmp.Or(messages.NumberName(record.Number), record.TicketID)
		if m.TicketID == t.ID {
			where = t.titleOf(topicID)
		}
		if !slices.Contains(w.stays, where) {
			w.stays = append(w.stays, where)
		}
	}
	return nil
}

// staysIn is where words of a deleted message stay in messages that answer it.
func (f *following) staysIn() []string {
	if f.words == nil {
		return nil
	}
	return f.words.stays
}

// recordOfTicket is the record of a ticket: this one's own, or another's from storage.
func (t *ticket) recordOfTicket(ticketID ids.TicketID) (*storage.Ticket, error) {
	if ticketID == t.ID {
		return t.record, nil
	}
	record, err := t.Store.Ticket(t.Ctx, ticketID)
	if err != nil {
		return nil, fmt.Errorf("read a ticket: %w", err)
	}
	return record, nil
}

// recentOnes are the messages that this activation knows.
func (t *ticket) recentOnes() *desk.Recent[ids.MessageKey, bool] {
	if t.recent == nil {
		t.recent = desk.NewRecent[ids.MessageKey, bool](recentMessages)
	}
	return t.recent
}
