package ticket

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// A message arrives with the words that Telegram showed of what it answers. These may have been edited or deleted since,
// and the ticket that did that has gone through the answers already.

// withAnswered completes what a message that is to be recorded answers: which original is meant, where that is known, and
// what it says now, if that is not what it was.
func (t *ticket) withAnswered(m *messages.RecordMessage) (*messages.RecordMessage, error) {
	r := m.ReplyTo
	if r == nil || r.Answered != "" || r.MessageId == 0 {
		return m, nil
	}
	if changed, known := t.recent.Get(messages.MessageKey(r.ChatId, r.MessageId)); known && !changed {
		return m, nil
	}
	answered, shared, err := desk.AnsweredBy(t.Ctx, t.Store, r)
	if errors.Is(err, storage.ErrNotFound) {
		return m, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read what a message answers: %w", err)
	}
	if answered.TicketID == t.ID {
		t.recentOnes().Put(answered.MessageID, changed(answered))
	}
	next := desk.ReplyToStore(r)
	if showsHead(next, r, answered) { // what the copy's sender line says is said beside the quote
		next.Quote, next.QuoteEntities, next.QuotePosition = "", nil, 0
		next = desk.Reworded(next, answered)
	} else if changed(answered) || shared && r.Quote == "" { // Telegram showed the beginning of all that stands there
		next = desk.Reworded(next, answered)
	}
	if answered.MessageID != messages.MessageKey(r.ChatId, r.MessageId) {
		next.Answered = answered.MessageID
		if next.Origin != nil { // the copy is the bot's, its words are not
			next.Origin = &storage.Forward{Kind: "hidden_user", Name: answered.Sender.Name}
		}
	}
	m = proto.CloneOf(m)
	m.ReplyTo = desk.ReplyOf(&storage.Message{ReplyTo: next})
	if next.Deleted { // what it quotes is what Telegram goes on showing
		m.ReplyTo.Quote, m.ReplyTo.QuoteEntities, m.ReplyTo.QuotePosition = r.Quote, r.QuoteEntities, r.QuotePosition
	}
	return m, nil
}

// showsHead reports whether Telegram showed more of a copy in another chat or topic than the words of its original.
func showsHead(is *storage.ReplyTo, r *messages.ReplyTo, original *storage.Message) bool {
	return is.Origin != nil && is.Preview != "" && original.MessageID != messages.MessageKey(r.ChatId, r.MessageId) &&
		!strings.Contains(original.Text, cmp.Or(is.Quote, strings.TrimSuffix(is.Preview, "…")))
}

// changed reports whether a message may not say any more what it said.
func changed(m *storage.Message) bool { return m.ContentRevision > 0 || m.Hidden() || m.Protected }

// compare is the ticket's message to itself to compare what a message shows of another ticket's with what that says now.
type compare struct{ m *storage.Message }

// compareSoon has a message compared with the one of another ticket that it answers, once more after it was recorded: the
// other may have changed after it was read, and before its ticket could find this one.
func (t *ticket) compareSoon(m *storage.Message) {
	if m.ReplyTo == nil || m.ReplyTo.Deleted || m.Answers() == "" {
		return
	}
	if _, own := t.recentOnes().Get(m.Answers()); !own {
		t.Note(compare{m})
	}
}

func (t *ticket) onCompare(m compare) error {
	if t.record == nil {
		return nil
	}
	answered, _, err := desk.AnsweredBy(t.Ctx, t.Store, desk.ReplyOf(m.m))
	switch {
	case errors.Is(err, storage.ErrNotFound) || err == nil && (answered.TicketID == t.ID || !changed(answered)):
		return nil
	case err != nil:
		return fmt.Errorf("read what a message answers: %w", err)
	}
	return t.rewordFor(m.m.MessageID, answered.MessageID)
}
