package ticket

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// What became of a message that gave words to the description: its author edits it, or takes the words back by "/delete". Both
// change the description as a program does that sets it (docs/decisions.md, D205).

// onEditSource has the description say what one of its sources was edited to.
func (t *ticket) onEditSource(m *messages.EditSource) (proto.Message, error) {
	if t.record == nil {
		return entity.Answer(messages.Code_NOT_FOUND, "no such ticket"), nil
	}
	at := desk.SourceAt(t.record.Sources, m.MessageId)
	says := &storage.Message{MessageID: m.MessageId}
	desk.SetContent(says, m.Content)
	quoted, err := t.requote(m.MessageId, says)
	switch {
	case err != nil:
		return nil, err
	case at < 0 && !quoted:
		return noSource(), nil
	case at < 0:
		return entity.OK(), nil
	}
	source := &t.record.Sources[at]
	if slices.Contains(t.record.Handled, m.Origin.GetCommandId()) || source.Withdrawn || m.EditedMs < source.EditedMs {
		return entity.Duplicate(), nil
	}
	words := messages.Marked{Text: m.Content.GetText(), Entities: m.Content.GetEntities()}
	if source.Titles {
		words = m.Titled.Marked()
	}
	if _, worded := desk.Enclosed(t.record, m.MessageId); worded {
		words = messages.Marked{} // they are with the medium
	}
	next := desk.CloneTicket(t.record)
	if added, _ := desk.Reenclose(next, m.MessageId, m.Content); len(added) > 0 {
		// A crash after this write leaves records too many, which do no harm.
		if err := t.Store.InsertAttachments(t.Ctx, t.attachmentsOf(next, added)); err != nil {
			return nil, fmt.Errorf("make the records of files: %w", err)
		}
		t.Note(filesDue{})
	}
	return t.accept(m, func(r *desk.Result) {
		reworded := t.redescribe(r.Ticket, m.Origin, func(r *storage.Ticket) desk.SourceChange {
			desk.Reenclose(r, m.MessageId, m.Content)
			return desk.RewordSource(r, m.MessageId, words)
		})
		r.Sources[at].EditedMs = m.EditedMs
		if reworded == desk.SourceStray {
			desk.Respond(r, m.Origin, messages.NoticeSourceStray, map[string]string{"ticket": desk.NameOf(r.Ticket)})
		}
	})
}

// redescribe changes a description, as a program does that sets it.
func (t *ticket) redescribe(r *storage.Ticket, o *messages.Origin, change func(*storage.Ticket) desk.SourceChange) desk.SourceChange {
	was := *r
	r.Sources = slices.Clone(r.Sources)
	reworded := change(r)
	r.Sources = slices.Clone(r.Sources)
	if desk.Redescribed(&was, r) {
		r.CardRevision++
		t.updated(&was, r, o)
	}
	return reworded
}

// onTakeBack decides about a "/delete" of a message that gave words to the description.
func (t *ticket) onTakeBack(m *messages.DeleteMessage) (proto.Message, error) {
	id := messages.MessageKey(m.ChatId, m.AnsweredId)
	if desk.SourceAt(t.record.Sources, id) < 0 {
		if quoted, err := t.isQuoted(id); err != nil || !quoted {
			return noSource(), err
		}
	}
	switch may, ask := t.mayTakeBack(m); may {
	case yes:
		if err := t.unquote(m); err != nil {
			return nil, err
		}
		return t.accept(m, t.takingBack(m))
	case unknown:
		return t.deferCommand(m, ask)
	}
	return t.accept(m, answer(m.Origin, messages.NoticeDeleteNotAllowed, nil))
}

// mayTakeBack reports whether somebody may take back words of the description: they wrote them, or administer the group where
// these stand, or the home group.
func (t *ticket) mayTakeBack(m *messages.DeleteMessage) (verdict, []ids.Place) {
	o := m.Origin
	if from := o.GetFrom().GetId(); from != 0 && from == m.AnsweredFrom && o.GetSender().GetKind() == messages.Sender_USER {
		return yes, nil
	}
	return t.administersOne(o, o.GetPlace(), t.record.Home.GroupID)
}

// takingBack takes out of the description what a message gave it, and deletes the message.
func (t *ticket) takingBack(m *messages.DeleteMessage) effect {
	return func(r *desk.Result) {
		id, retracted := messages.MessageKey(m.ChatId, m.AnsweredId), false
		reworded := t.redescribe(r.Ticket, m.Origin, func(r *storage.Ticket) desk.SourceChange {
			retracted = desk.RetractEnclosures(r, id)
			return desk.RewordSource(r, id, messages.Marked{})
		})
		at, args := desk.SourceAt(r.Sources, id), map[string]string{"ticket": desk.NameOf(r.Ticket), "title": r.Title}
		deletes := desk.OperationTo(m.Origin)
		deletes.Call = &messages.Operation_DeleteMessages{DeleteMessages: &messages.DeleteMessagesCall{MessageIds: []int64{m.AnsweredId}}}
		switch {
		case at < 0:
			desk.Respond(r, m.Origin, messages.NoticeSourceUnquoted, map[string]string{"ticket": args["ticket"]})
			desk.AddPending(r.Ticket, m.Origin.GetCommandId(), deletes, 0)
			return
		case reworded == desk.SourceStray:
			desk.Respond(r, m.Origin, messages.NoticeSourceStray, map[string]string{"ticket": args["ticket"]})
			return
		case reworded == desk.SourceSame && !retracted:
			desk.Respond(r, m.Origin, messages.NoticeSourceNone, args)
			return
		}
		r.Sources[at].Withdrawn = true
		desk.Respond(r, m.Origin, messages.NoticeSourceDeleted, args)
		desk.AddPending(r.Ticket, m.Origin.GetCommandId(), deletes, 0)
	}
}

// decideTakeBack carries out a "/delete" of such words that waited, or refuses it.
func (t *ticket) decideTakeBack(id string, m *messages.DeleteMessage, may verdict, failure string) error {
	do := answer(m.Origin, messages.NoticeDeleteNotAllowed, nil)
	switch may {
	case yes:
		if err := t.unquote(m); err != nil {
			return err
		}
		do = t.takingBack(m)
	case unanswered:
		do = answer(m.Origin, messages.NoticeCannotAsk, map[string]string{"why": failure})
	}
	_, err := t.carryOut(m.Origin, func(r *storage.Ticket) { forget(r, desk.PendingCommand, id) }, do)
	return err
}

func noSource() *messages.Reply {
	return entity.Answer(messages.Code_NOT_FOUND, "the ticket shows nothing of the message")
}

// quotedAtMost is how many of a ticket's messages follow one that they answer and that no ticket has.
const quotedAtMost = 200

// quoting are the ticket's messages that answer one which no ticket has, such as one in the general topic.
func (t *ticket) quoting(id ids.MessageKey) (own []storage.Message, err error) {
	page, err := t.Store.MessagesAnswering(t.Ctx, id, "", quotedAtMost)
	if err != nil {
		return nil, fmt.Errorf("read what answers a message: %w", err)
	}
	return slices.DeleteFunc(page, func(m storage.Message) bool { return m.TicketID != t.ID }), nil
}

func (t *ticket) isQuoted(id ids.MessageKey) (bool, error) {
	own, err := t.quoting(id)
	return len(own) > 0, err
}

// requote has those messages show what the answered one says now. Done again, it changes nothing.
func (t *ticket) requote(id ids.MessageKey, says *storage.Message) (quoted bool, err error) {
	own, err := t.quoting(id)
	for i := range own {
		next := desk.Reworded(own[i].ReplyTo, says)
		if desk.SameAnswer(own[i].ReplyTo, next) {
			continue
		}
		if err := t.reword(&own[i], next); err != nil {
			return true, err
		}
	}
	return len(own) > 0, err
}

// unquote has those messages show nothing of a message that is to be deleted.
func (t *ticket) unquote(m *messages.DeleteMessage) error {
	id := messages.MessageKey(m.ChatId, m.AnsweredId)
	_, err := t.requote(id, &storage.Message{MessageID: id, Deleted: true})
	return err
}
