package link

import (
	"errors"
	"fmt"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/tracing"
)

// A link brings its copy of a message up to date: it compares the two and makes the missing calls, one at a time, and
// compares again after each (docs/decisions.md, D31). A copy that is not posted yet is changed before it is.

// change is a message whose copy here is to be brought up to date.
type change struct {
	messageID string
	wanted    int64               // revision of the message
	op        *messages.Operation // under way
	content   int64               // the content's revision that op shows
	part      int                 // parts that show content already
	tries     int64
	mark      *tracing.Mark // because of which it was last told
	failure   string        // why the copy could not be deleted
	// unsure says that the copy may show another medium, or spoiler, than what is written down: an edit of that was enqueued,
	// and followed by another before its answer came.
	unsure bool
	// edits says that op shows another content, and not only other words of what the message answers; late, that the link had
	// ended before.
	edits, late bool
	answer      *storage.ReplyTo // what op shows of that
	lastWords   bool             // these words can't be changed any more
}

// changeRef names a call that changes the lane's copy of a message.
func (n *lane) changeRef(kind messages.CopyChange_Kind, messageID string, part int) *messages.OperationRef {
	return &messages.OperationRef{Wanted: &messages.OperationRef_CopyChange{CopyChange: &messages.CopyChange{
		MessageId: messageID, TopicId: n.topicID, Kind: kind, Part: int32(part)}}}
}

// kind is what the call in flight does.
func (c *change) kind() messages.CopyChange_Kind { return c.op.GetRef().GetCopyChange().GetKind() }

// enqueueChangesAgain enqueues what got no answer, and tries again to read what could not be read.
func (l *link) enqueueChangesAgain() {
	for _, c := range l.changes {
		if c.op != nil {
			back := l.In(c.mark)
			l.Enqueue(c.op)
			back()
		} else if err := l.advance(c); err != nil {
			l.Log.Error("a change can't be shown yet; tried again", "message", c.messageID, "error", err)
		}
	}
}

// onChange hears that a message has changed.
func (l *link) onChange(m *messages.Change) error {
	if err := l.appear(); err != nil || !l.exists {
		return err
	}
	if m.LinksRevision > l.revision {
		if err := l.readTicket(); err != nil || !l.exists {
			return err
		}
	}
	c := l.changes[m.MessageId]
	if c == nil {
		c = &change{messageID: m.MessageId}
		l.changes[m.MessageId] = c
	}
	if c.op != nil && m.Revision <= c.wanted {
		return nil // told again: the call is under way, and offered again by the link's own timer
	}
	c.wanted, c.mark = max(c.wanted, m.Revision), l.Mark()
	l.EnqueueAgainLater()
	return l.advance(c)
}

// advance makes the next call that the copy still needs, or tells the ticket that there is none.
func (l *link) advance(c *change) error {
	defer l.In(c.mark)()
	said, err := l.Store.Message(l.Ctx, c.messageID)
	if errors.Is(err, storage.ErrNotFound) {
		return l.changed(c, c.wanted)
	}
	if err != nil {
		return fmt.Errorf("read the message: %w", err)
	}
	n := l.laneFor(said.TopicID)
	late := n.isLate(said)
	if at, _ := n.find(said.MessageID); late && at >= 0 || !late && n.takeContent(said) {
		return nil // its copy comes first
	}
	stored, err := l.Store.Copy(l.Ctx, c.messageID, n.topicID)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return l.advanceWithout(c, n, said)
	case err != nil:
		return fmt.Errorf("read the copy: %w", err)
	case stored.State == desk.CopyPartial:
		return nil // it is read with what is pending
	case stored.State == desk.CopyGone && !said.Hidden() && l.covers(said.Sequence) && !late:
		return n.addLate(itemAnew(said, stored))
	case stored.State == desk.CopyFailed, stored.State == desk.CopyGone:
		if said.Hidden() && len(stored.Parts) > 0 && stored.State == desk.CopyGone {
			c.failure = stored.Reason // it could not be deleted, which the ticket may not know since then
		}
		return l.changed(c, said.Revision)
	}
	if c.op != nil && c.kind() != messages.CopyChange_EDIT {
		return nil // its answer comes first
	}
	op, err := n.next(c, said, stored)
	if err != nil {
		return err
	}
	switch {
	case op == nil && c.op != nil:
		return nil
	case op == nil:
		return l.changed(c, said.Revision)
	case c.op != nil && c.op.Id != op.Id:
		return nil
	}
	c.op = op
	l.Enqueue(op)
	return nil
}

// advanceWithout handles a message without a copy. A message that is not read yet will be copied as it is then; one
// that has only now become a message (it was an internal note) is copied now.
func (l *link) advanceWithout(c *change, n *lane, said *storage.Message) error {
	switch {
	case said.Hidden() || !l.covers(said.Sequence) || n.isForPrograms() || n.isLate(said):
		return l.changed(c, said.Revision)
	case said.Sequence > n.seen && n.moreStored:
		return nil // it is read when there is room
	case said.Sequence > n.seen: // a note was not told; it is none any more
		if err := l.readOn(); err != nil {
			return err
		}
		l.enqueueAll()
		return nil
	}
	it := itemOfRecord(said)
	it.outOfOrder = true
	return n.addLate(it)
}

// changed tells the ticket which revision the copy shows.
func (l *link) changed(c *change, revision int64) error {
	delete(l.changes, c.messageID)
	l.Tell(messages.KindTicket, l.ticketID, &messages.Changed{TicketId: l.ticketID, LinkId: l.ID, MessageId: c.messageID,
		Revision: revision, Failure: c.failure})
	return nil
}

// next is the next call that brings a copy up to date; nil if there is none.
func (n *lane) next(c *change, said *storage.Message, stored *storage.Copy) (*messages.Operation, error) {
	topic, _ := n.target()
	op := &messages.Operation{Place: topic.GroupID, ThreadId: topic.TelegramTopicID,
		Attempt: c.tries, Content: said.Revision,
		Order: n.seen*1000 + 998}
	late := n.isLate(said)
	anew := !late && replaces(said, stored)
	edits := !late && desk.EditedSince(said, stored.Revision)
	rewords := !c.lastWords && wordsBehind(said, stored, late)
	if (edits || rewords) && !said.Hidden() && !anew {
		c.edits, c.late, c.answer = edits, late, said.ReplyTo
		if late { // what was said since the link's end stays where it was said
			said = desk.MessageAt(said, stored.Revision)
		}
		if op := n.edit(op, c, said, stored); op != nil || c.op != nil {
			return op, nil
		}
		c.edited(stored) // nothing of it can be shown
		if err := n.save(stored); err != nil {
			return nil, err
		}
	}
	if late && !said.Hidden() {
		return nil, nil
	}
	switch want := desk.ReactionAt(said, n.topicID); {
	case said.Hidden() && stored.Span != nil:
		n.takeOut(op, said, stored)
	case said.Hidden() || anew:
		op.SetRef(n.changeRef(messages.CopyChange_DELETE, said.MessageID, 0))
		op.Priority = messages.Operation_ANSWER
		op.Call = &messages.Operation_DeleteMessages{DeleteMessages: &messages.DeleteMessagesCall{MessageIds: stored.Parts}}
	case want != stored.Reaction && len(stored.Parts) > 0:
		op.SetRef(n.changeRef(messages.CopyChange_REACT, said.MessageID, 0))
		op.Priority = messages.Operation_ANSWER
		op.Call = &messages.Operation_React{React: &messages.ReactCall{MessageId: mainPart(stored), Emoji: want}}
	default:
		return nil, nil
	}
	return op, nil
}

// edit renders the next step of an edit. Each posted part shows its part of the new text; what exceeds them is posted
// as a reply to the first; surplus parts are deleted. nil: nothing of the edit can be shown, or nothing need be.
func (n *lane) edit(
	op *messages.Operation, c *change, said *storage.Message, stored *storage.Copy,
) *messages.Operation {
	it := itemOfRecord(said)
	it.stored = stored
	call, former := n.call(it, 0), contentAt(said, stored.Revision)
	call.Edited, call.ReplyTo, call.Quote, call.QuoteEntities = stored.Edited || c.edits, 0, "", nil
	parts := n.link.messagesFor(call)
	if between := c.op.GetEditCopy(); between != nil && c.op.Content != op.Content {
		c.unsure = c.unsure || !sameCover(between.GetCopy().GetContent().GetMedia(), former.GetMedia())
	}
	if c.content != said.ContentRevision {
		c.content, c.part = said.ContentRevision, 0
	}
	switch before, now := messages.ShapeOf(former), it.shape(); {
	case now == messages.ShapeLabelled: // the text before the medium changes with what is answered only
		call.Edited = false
		switch {
		case c.part == 0 && stored.Main > 0 && labelBehind(said, stored, c.late):
		case before != now || !movable(former.Media, it.content.Media):
			return nil // Telegram's people can't make such an edit
		default:
			c.part = stored.Main
		}
		parts = len(stored.Parts)
	}
	own, part := stored.Parts, c.part
	if stored.Span != nil {
		if c.part == 0 {
			op.SetRef(n.changeRef(messages.CopyChange_EDIT, said.MessageID, 0))
			op.Call = n.mergedCall(said, stored)
			return op
		}
		// If the merged message has no room for it, it is shown in full in a reply to that.
		if own, part = stored.Parts[1:], c.part-1; !stored.Span.Cut {
			parts = 0
		}
	}
	call.Part = int32(part)
	switch {
	case part < min(parts, len(own)):
		op.SetRef(n.changeRef(messages.CopyChange_EDIT, said.MessageID, c.part))
		if c.unsure && mayBeCovered(it.content.Media) {
			former = nil // then the whole medium is sent: an edit of the caption alone would leave a spoiler as it is
		}
		op.Call = &messages.Operation_EditCopy{EditCopy: &messages.EditCopyCall{
			MessageId: own[part], Copy: call, Former: former}}
	case part < parts:
		op.SetRef(n.changeRef(messages.CopyChange_GROW, said.MessageID, c.part))
		call.ReplyTo, call.After = mainPart(stored), mainPart(stored)
		op.Call = &messages.Operation_SendCopy{SendCopy: call}
	case len(own) > parts:
		op.SetRef(n.changeRef(messages.CopyChange_SHRINK, said.MessageID, c.part))
		op.Call = &messages.Operation_DeleteMessages{DeleteMessages: &messages.DeleteMessagesCall{MessageIds: own[parts:]}}
	default:
		return nil
	}
	return op
}

// contentAt is a message's content at a revision; today's content if that revision was not kept.
func contentAt(m *storage.Message, revision int64) *messages.Content {
	return desk.ContentOf(desk.MessageAt(m, revision))
}

// onChangeDone records what a call has done to a copy, and goes on.
func (l *link) onChangeDone(ref *messages.CopyChange, m *messages.Done) error {
	c := l.changes[ref.MessageId]
	if c == nil || c.op == nil || c.op.Id != m.OperationId || c.op.Version().Before(m.Version()) {
		return nil
	}
	said, err := l.Store.Message(l.Ctx, c.messageID)
	if err != nil {
		return fmt.Errorf("read the message: %w", err)
	}
	n := l.laneFor(said.TopicID)
	stored, err := l.Store.Copy(l.Ctx, c.messageID, n.topicID)
	if err != nil {
		return fmt.Errorf("read the copy: %w", err)
	}
	next, write, before := *stored, true, *c
	switch op, outcome := c.op, m.Outcome; {
	case outcome.GetResult() == messages.Outcome_TRANSIENT && op.GetReact() != nil:
		c.op = nil
		c.tries++ // tried again by the timer
		return nil
	case op.GetReact() != nil: // one that the group does not allow is left alone
		next.Reaction = op.GetReact().Emoji
	case c.kind() == messages.CopyChange_DELETE:
		next.Former = formerParts(&next, stored.Parts)
		next.State, next.Parts, next.Span, next.Reaction, next.Revision = desk.CopyGone, nil, nil, "", said.ContentRevision
		if outcome.GetResult() != messages.Outcome_DONE {
			next.Parts, next.Former, next.Span = stored.Parts, stored.Former, stored.Span
			next.Reason, next.Reported = desk.ReasonOf(outcome), true
			c.failure = next.Reason
		} else {
			n.forget(c.messageID)
		}
	case op.GetDeleteMessages() != nil: // parts left over; those that can't be deleted stay as they are
		next.Parts = stored.Parts[:len(stored.Parts)-len(op.GetDeleteMessages().MessageIds)]
		next.Former = formerParts(&next, op.GetDeleteMessages().MessageIds)
		if !said.Hidden() {
			c.edited(&next)
		}
	case outcome.GetResult() != messages.Outcome_DONE:
		n.editGivenUp(&next, c, desk.ReasonOf(outcome))
	default:
		write = n.partEdited(&next, c, m)
	}
	if write {
		if err := n.save(&next); err != nil {
			*c = before // the answer is taken up again
			return err
		}
	}
	c.op = nil
	if next.Open() {
		l.showFailure(next)
	}
	return l.advance(c)
}

// partEdited records that one part shows the new text. A call that showed an older text does not count: the edit
// stays pending.
func (n *lane) partEdited(next *storage.Copy, c *change, m *messages.Done) (write bool) {
	if grown := c.op.GetSendCopy() != nil; grown {
		next.Parts = append(next.Parts[:len(next.Parts):len(next.Parts)], m.Outcome.MessageId)
		write = true
	}
	if m.Content < c.content {
		return write
	}
	c.part++
	if c.op.GetEditMerged() != nil {
		if span := spanOf(m.Outcome); span != nil {
			next.Span = span
		}
		if !next.Span.Cut && len(next.Parts) == 1 {
			c.edited(next)
		}
		return true
	}
	onlyMedium := n.link.onlyMedium(c)
	if onlyMedium && c.op.GetEditCopy().GetCopy().GetPart() == 0 {
		return write // what may be left is the medium
	}
	parts := n.link.parts(c)
	if next.Span != nil {
		parts++ // the joined message
	}
	if c.part >= parts && len(next.Parts) <= parts || onlyMedium {
		c.edited(next)
		return true
	}
	return write
}

// parts is how many messages the text takes of which the call in flight shows a part.
func (l *link) parts(c *change) int {
	call := c.op.GetSendCopy()
	if call == nil {
		call = c.op.GetEditCopy().GetCopy()
	}
	return l.messagesFor(call)
}

// onlyMedium says whether the call in flight moved or stopped a medium: its label stays as it is.
func (l *link) onlyMedium(c *change) bool {
	return messages.ShapeOf(c.op.GetEditCopy().GetCopy().GetContent()) == messages.ShapeLabelled
}

// edited records that the whole copy shows the new content.
func (c *change) edited(next *storage.Copy) {
	c.wordsShown(next)
	c.part, c.unsure = 0, false
	if next.Wanted = len(next.Parts); c.late {
		return // the content is what it was
	}
	next.Revision, next.Edited = c.content, next.Edited || c.edits
	next.Reason, next.Reported = "", false
}

// editGivenUp records why an edit could not be shown. Its source is notified once for each reason.
func (n *lane) editGivenUp(next *storage.Copy, c *change, why string) {
	if c.lastWords = true; !c.edits {
		n.wordsStay(next, c, why)
		return
	}
	told := next.Reported && next.Reason == why
	c.answer = nil
	c.edited(next)
	next.Reason, next.Reported = why, told
	n.link.room.copies.WithLabelValues("edit").Inc()
}
