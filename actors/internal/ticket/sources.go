package ticket

import (
	"fmt"
	"slices"
	"strconv"

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
	if at >= 0 {
		source := &t.record.Sources[at]
		if slices.Contains(t.record.Handled, m.Origin.GetCommandId()) || source.Withdrawn || m.EditedMs < source.EditedMs {
			return entity.Duplicate(), nil
		}
	}
	says := &storage.Message{MessageID: m.MessageId, Internal: m.Internal}
	desk.SetContent(says, m.Content)
	quoted, more, err := t.requote(m.MessageId, says)
	if more {
		t.Log.Warn("too many messages answer an edited one: the others show what it said before", "message", m.MessageId)
	}
	switch {
	case err != nil:
		return nil, err
	case at < 0 && !quoted:
		return noSource(), nil
	case at < 0:
		return entity.OK(), nil
	}
	content, words := m.Content, messages.Marked{Text: m.Content.GetText(), Entities: m.Content.GetEntities()}
	if t.record.Sources[at].Titles {
		words = m.Titled.Marked()
	}
	if m.Internal || m.Content.GetIsProtected() { // such words stay where they are
		content, words = &messages.Content{Media: m.Content.GetMedia(), IsProtected: m.Content.GetIsProtected()}, messages.Marked{}
	}
	if _, worded := desk.Enclosed(t.record, m.MessageId); worded || t.record.Sources[at].Wordless {
		words = messages.Marked{} // they are with the medium, or nobody gave them
	}
	next := desk.CloneTicket(t.record)
	if added, _ := desk.Reenclose(next, m.MessageId, content); len(added) > 0 {
		// A crash after this write leaves records too many, which do no harm.
		if err := t.Store.InsertAttachments(t.Ctx, t.attachmentsOf(next, added)); err != nil {
			return nil, fmt.Errorf("make the records of files: %w", err)
		}
		t.Note(filesDue{})
	}
	return t.accept(m, func(r *desk.Result) {
		reworded := t.redescribe(r.Ticket, m.Origin, func(r *storage.Ticket) desk.SourceChange {
			desk.Reenclose(r, m.MessageId, content)
			return desk.RewordSource(r, m.MessageId, words)
		})
		r.Sources[at].EditedMs = m.EditedMs
		if reworded == desk.SourceStray {
			desk.Respond(r, m.Origin, messages.NoticeSourceStray, map[string]string{"ticket": t.nameAt(m.Origin.GetPlace())})
		}
		t.tellTitleStays(r, m)
	})
}

// tellTitleStays tells whoever edits the message that gave the title, once, that this does not change it (docs/decisions.md, D268).
func (t *ticket) tellTitleStays(r *desk.Result, m *messages.EditSource) {
	title, told := messages.CleanLine(m.Title), m.MessageId+":title"
	at := desk.SourceAt(r.Sources, m.MessageId)
	if !r.Sources[at].Titles || messages.Blank(title) || title == r.Title || slices.Contains(r.Handled, told) {
		return
	}
	args := map[string]string{"ticket": t.nameAt(m.Origin.GetPlace())}
	if messages.IsPrivate(m.Origin.GetPlace()) {
		args["private"] = "yes"
	}
	r.Handled = desk.Remember(r.Handled, told, handledByTicket)
	desk.Respond(r, m.Origin, messages.NoticeTitleStays, args)
}

// redescribe changes a description, as a program does that sets it.
func (t *ticket) redescribe(r *storage.Ticket, o *messages.Origin, change func(*storage.Ticket) desk.SourceChange) desk.SourceChange {
	was := *r
	r.Sources = slices.Clone(r.Sources)
	reworded := change(r)
	r.Sources = slices.Clone(r.Sources)
	desk.AskedToRetract(&was, r, o)
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
		if t.isOwnPost(m) {
			return noSource(), nil
		}
		if quoted, err := t.isQuoted(id); err != nil || !quoted {
			return noSource(), err
		}
	}
	switch may, ask := t.mayTakeBack(m); may {
	case yes:
		more, err := t.unquote(m)
		if err != nil {
			return nil, err
		}
		return t.accept(m, t.takingBack(m, more))
	case unknown:
		return t.deferCommand(m, ask)
	}
	return t.accept(m, notTakingBack(m))
}

// notTakingBack refuses a "/delete" of words, once for all tickets that have them.
func notTakingBack(m *messages.DeleteMessage) effect {
	if m.Quiet {
		return func(*desk.Result) {}
	}
	return answer(m.Origin, messages.NoticeDeleteNotAllowed, nil)
}

// isOwnPost reports whether the bot has written what somebody wants to take back.
func (t *ticket) isOwnPost(m *messages.DeleteMessage) bool {
	place := m.Origin.GetPlace()
	return m.Own || t.showsLast(place, m.AnsweredId) || slices.ContainsFunc(t.contextTopics(), func(topic *storage.Topic) bool {
		return topic.GroupID == place && topic.CardMessageID == m.AnsweredId
	})
}

// mayTakeBack reports whether somebody may take back words of the description: they wrote them, or administer the group where
// these stand, or the home group.
func (t *ticket) mayTakeBack(m *messages.DeleteMessage) (verdict, []ids.Place) {
	if t.wroteSource(m) {
		return yes, nil
	}
	there, ask := t.administers(m.Origin, m.Origin.GetPlace())
	if there == unknown { // it says whether the message is deleted, too
		return unknown, ask
	}
	return t.administersOne(m.Origin, m.Origin.GetPlace(), t.record.Home.GroupID)
}

// wroteSource reports whether somebody wants to take back what they wrote themselves.
func (t *ticket) wroteSource(m *messages.DeleteMessage) bool {
	from := m.Origin.GetFrom().GetId()
	return from != 0 && from == m.AnsweredFrom && m.Origin.GetSender().GetKind() == messages.Sender_USER
}

// mayDeleteSource reports whether the bot deletes, for somebody, the message that they take back: they wrote it, or administer
// the group where it stands. The administrators of the home group have no say in another one.
func (t *ticket) mayDeleteSource(m *messages.DeleteMessage) bool {
	there, _ := t.administers(m.Origin, m.Origin.GetPlace())
	return !t.isOwnPost(m) && (t.wroteSource(m) || there == yes)
}

// takingBack takes out of the description what a message gave it, and deletes the message. more: further messages quote it.
func (t *ticket) takingBack(m *messages.DeleteMessage, more bool) effect {
	id, again := messages.MessageKey(m.ChatId, m.AnsweredId), m.Again || more
	deletes := !again && !m.Quiet && t.mayDeleteSource(m)
	return func(r *desk.Result) {
		retracted := false
		reworded := t.redescribe(r.Ticket, m.Origin, func(r *storage.Ticket) desk.SourceChange {
			reworded := desk.RewordSource(r, id, messages.Marked{})
			if reworded != desk.SourceStray {
				retracted = desk.RetractEnclosures(r, id)
			}
			return reworded
		})
		at, args := desk.SourceAt(r.Sources, id), map[string]string{"ticket": t.nameAt(m.Origin.GetPlace())}
		if t.isAt(m.Origin.GetPlace()) {
			args["title"] = r.Title
		}
		if deletes {
			args["deletes"] = "yes"
		}
		if again {
			args["again"] = "yes"
		}
		if m.Others > 0 && !m.Quiet {
			args["others"] = strconv.Itoa(int(m.Others))
		}
		switch {
		case at < 0 && m.Quiet && !more: // another ticket's answer says it
		case at < 0:
			desk.Respond(r, m.Origin, messages.NoticeSourceUnquoted, args)
		case reworded == desk.SourceStray:
			desk.Respond(r, m.Origin, messages.NoticeSourceStray, args)
			return
		case reworded == desk.SourceSame && !retracted:
			desk.Respond(r, m.Origin, messages.NoticeSourceNone, args)
			return
		default:
			r.Sources[at].Withdrawn = true
			desk.Respond(r, m.Origin, messages.NoticeSourceDeleted, args)
		}
		if deletes {
			op := desk.OperationTo(m.Origin)
			op.Call = &messages.Operation_DeleteMessages{DeleteMessages: &messages.DeleteMessagesCall{MessageIds: []int64{m.AnsweredId}}}
			desk.AddPending(r.Ticket, m.Origin.GetCommandId(), op, 0)
		}
	}
}

// decideTakeBack carries out a "/delete" of such words that waited, or refuses it.
func (t *ticket) decideTakeBack(id string, m *messages.DeleteMessage, may verdict, failure string) error {
	do := notTakingBack(m)
	switch may {
	case yes:
		more, err := t.unquote(m)
		if err != nil {
			return err
		}
		do = t.takingBack(m, more)
	case unanswered:
		if !m.Quiet {
			do = answer(m.Origin, messages.NoticeCannotAsk, map[string]string{"why": failure})
		}
	}
	_, err := t.carryOut(m.Origin, func(r *storage.Ticket) { forget(r, desk.PendingCommand, id) }, do)
	return err
}

func noSource() *messages.Reply {
	return entity.Answer(messages.Code_NOT_FOUND, "the ticket shows nothing of the message")
}

// Of a ticket's messages that answer one which no ticket has: how many are read at a time, how many answers to it are read in all,
// and how many follow it at once, in one turn of the ticket.
const (
	quotedPage   = 200
	quotedRead   = 5000
	quotedAtMost = 200
)

// quoting are the ticket's messages that answer one which no ticket has, such as one in the general topic.
func (t *ticket) quoting(id ids.MessageKey) (own []storage.Message, err error) {
	after := ""
	for range quotedRead / quotedPage {
		page, err := t.Store.MessagesAnswering(t.Ctx, id, after, quotedPage)
		if err != nil {
			return nil, fmt.Errorf("read what answers a message: %w", err)
		}
		for i := range page {
			if page[i].TicketID == t.ID {
				own = append(own, page[i])
			}
		}
		if len(page) < quotedPage {
			return own, nil
		}
		after = page[len(page)-1].MessageID
	}
	return own, nil
}

func (t *ticket) isQuoted(id ids.MessageKey) (bool, error) {
	own, err := t.quoting(id)
	return len(own) > 0, err
}

// requote has those messages show what the answered one says now; more says that some do not yet. Done again, it goes on.
func (t *ticket) requote(id ids.MessageKey, says *storage.Message) (quoted, more bool, err error) {
	own, err := t.quoting(id)
	if err != nil {
		return false, false, err
	}
	done := 0
	for i := range own {
		next := desk.Reworded(own[i].ReplyTo, says)
		if own[i].ReplyTo.Deleted || desk.SameAnswer(own[i].ReplyTo, next) { // what was taken back stays out
			continue
		}
		if done++; done > quotedAtMost {
			return true, true, nil
		}
		if err := t.reword(&own[i], next); err != nil {
			return true, false, err
		}
	}
	return len(own) > 0, false, nil
}

// unquote has those messages show nothing of a message that is to be deleted. If the description keeps its words, so do they: whoever
// takes it back hears that nothing is changed, and it stays.
func (t *ticket) unquote(m *messages.DeleteMessage) (more bool, err error) {
	id := messages.MessageKey(m.ChatId, m.AnsweredId)
	if desk.RewordSource(desk.CloneTicket(t.record), id, messages.Marked{}) == desk.SourceStray {
		return false, nil
	}
	_, more, err = t.requote(id, &storage.Message{MessageID: id, Deleted: true})
	return more, err
}
