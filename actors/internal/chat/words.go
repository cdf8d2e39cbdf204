package chat

import (
	"cmp"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// A private chat without topics keeps which ticket the desk has spoken of last: who writes right below means that one,
// whatever their current ticket is (docs/decisions.md, D131).

// wordsKept is how many changes from one ticket to another a chat knows; the oldest is forgotten first.
const wordsKept = 50

// noteWord keeps a word that could not be stored when it was posted.
type noteWord struct{ word storage.Word }

func (c *chat) onNoteWord(m noteWord) error { return c.noteWord(m.word) }

// wordIn returns the word of a ticket that an operation has posted; zero: none.
func wordIn(q *queued, outcome *messages.Outcome) storage.Word {
	if outcome.Result != messages.Outcome_DONE || outcome.MessageId == 0 || q.op.ThreadId != 0 || !speaks(q.op) {
		return storage.Word{}
	}
	return storage.Word{MessageID: outcome.MessageId, TicketID: spokenOf(q)}
}

// speaks says whether an operation writes a new message.
func speaks(op *messages.Operation) bool {
	switch op.GetCall().(type) {
	case *messages.Operation_SendCopy, *messages.Operation_SendAlbum, *messages.Operation_SendMerged,
		*messages.Operation_SendNotice, *messages.Operation_SendCard:
		return true
	}
	return false
}

// spokenOf returns the ticket that an operation is about; "": of none.
func spokenOf(q *queued) ids.TicketID {
	switch q.owner.kind {
	case messages.KindTicket:
		return q.owner.id
	case messages.KindLink:
		ticket, _, _ := strings.Cut(q.owner.id, ":")
		return ticket
	case messages.KindUser: // of the current ticket, or of the one whose group it asks for
		return q.op.GetSendNotice().GetTicketId()
	}
	return ""
}

// noteWord keeps a word, unless the one before it is of the same ticket. In a group, topics say of which ticket it is.
func (c *chat) noteWord(word storage.Word) error {
	if c.group || word.TicketID == "" {
		return nil
	}
	if last := len(c.record.Words) - 1; last >= 0 && c.record.Words[last].TicketID == word.TicketID {
		return nil
	}
	if err := c.addWord(word); err != nil {
		c.Log.Error("what the desk spoke of could not be stored; tried again", "ticket", word.TicketID, "error", err)
		c.After(entity.RetryAfterTrouble, noteWord{word})
	}
	return nil
}

func (c *chat) addWord(word storage.Word) error {
	return c.change(func(r *storage.Chat) {
		kept := r.Words[max(0, len(r.Words)+1-wordsKept):]
		r.Words = append(slices.Clone(kept), word)
		slices.SortStableFunc(r.Words, func(a, b storage.Word) int { return cmp.Compare(a.MessageID, b.MessageID) })
	})
}

// onSettleWord keeps, at a word, which ticket the person means from there on. Otherwise the next word of the word's ticket
// would be no change, and what they write below it would go to their current ticket without a question.
func (c *chat) onSettleWord(m *messages.SettleWord) (proto.Message, error) {
	for _, word := range slices.Backward(c.record.Words) {
		if word.MessageID > m.MessageId {
			continue
		}
		if word.TicketID != m.TicketId {
			if err := c.addWord(storage.Word{MessageID: m.MessageId, TicketID: m.TicketId}); err != nil {
				return nil, err
			}
		}
		break
	}
	return entity.OK(), nil
}
