package ticket

import (
	"fmt"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// The state of a topic and what is known to be done are compared; what is missing is offered to the topic's chat. A record
// found half done is the normal case: after a crash the same comparison finds the same calls.

// step is a call that is offered to a chat.
type step struct {
	ref      *messages.TopicStep // nil: an operation kept in the record
	op       *messages.Operation
	revision int64 // of the card that it shows
}

// next returns the first call that a topic still needs, or nil.
func (t *ticket) next(topic *storage.Topic) *messages.TopicStep {
	r := t.record
	step := func(kind messages.TopicStep_Kind) *messages.TopicStep {
		return &messages.TopicStep{TicketId: r.TicketID, TopicId: topic.TopicID, Generation: topic.Generation, Kind: kind}
	}
	revised := func(kind messages.TopicStep_Kind) *messages.TopicStep {
		s := step(kind)
		s.CardRevision = r.CardRevision
		return s
	}
	switch {
	case topic.Failure != "":
		return nil
	case !desk.IsOpened(topic):
		if t.adopting[topic.TopicID] {
			return nil
		}
		return step(messages.TopicStep_CREATE)
	case topic.CardMessageID == 0:
		return step(messages.TopicStep_CARD)
	case topic.MediaShown < len(r.Media):
		s := step(messages.TopicStep_MEDIUM)
		s.Medium = int32(topic.MediaShown)
		return s
	case !topic.Introduced: // of a link with something said before; others are introduced by their card
		return step(messages.TopicStep_CONTEXT)
	case !topic.Pinned:
		return step(messages.TopicStep_PIN)
	case topic.CardMessageID > 0 && topic.CardRevision < r.CardRevision:
		return revised(messages.TopicStep_EDIT_CARD)
	case messages.IsPrivate(topic.GroupID): // has no name, and is never closed
		return nil
	case !topic.NamedByHand && topic.Name != messages.TopicName(r.Title, r.ShortID):
		s := revised(messages.TopicStep_RENAME)
		s.Name = messages.TopicName(r.Title, r.ShortID)
		return s
	case r.Status == desk.StatusClosed && (!topic.Closed || topic.Unsure) && t.settledFor(topic) >= r.ClosedAfter && !t.owesNotice(topic):
		return revised(messages.TopicStep_CLOSE)
	case r.Status != desk.StatusClosed && (topic.Closed || topic.Unsure):
		return revised(messages.TopicStep_REOPEN)
	}
	return nil
}

// owesNotice says whether a notice that comes before the closing still waits for the topic.
func (t *ticket) owesNotice(topic *storage.Topic) bool {
	for _, owed := range t.record.Owed {
		if owed.Kind != desk.OwedOperation {
			continue
		}
		if op, err := desk.OperationOf(owed); err == nil && op.Place == topic.GroupID && op.ThreadId == topic.TelegramTopicID {
			return true
		}
	}
	return false
}

// waitsForCopies says whether something is held back until the links have settled.
func (t *ticket) waitsForCopies() bool {
	if t.record.Status == desk.StatusClosed {
		for _, topic := range desk.TopicsOf(t.record) {
			if !messages.IsPrivate(topic.GroupID) && (!topic.Closed || topic.Unsure) {
				return true
			}
		}
	}
	for _, owed := range t.record.Owed {
		if owed.AfterSequence > 0 {
			return true
		}
	}
	return false
}

// reconcile offers every call that is wanted and not offered yet.
func (t *ticket) reconcile() {
	if t.record == nil {
		return
	}
	under := t.underWay()
	for _, topic := range desk.TopicsOf(t.record) {
		ref := t.next(topic)
		if ref == nil || under[topic.TopicID] {
			continue
		}
		op, err := t.render(topic, ref)
		if err != nil {
			t.Log.Error("a call can't be prepared; tried again soon", "topic", topic.TopicID, "error", err)
			t.postpone()
			continue
		}
		t.offerStep(&step{ref: ref, op: op, revision: t.record.CardRevision})
	}
	for _, owed := range t.record.Owed {
		if owed.Kind != desk.OwedOperation {
			continue
		}
		op, err := desk.OperationOf(owed)
		if err != nil {
			t.Log.Error("an owed operation can't be read", "operation", owed.ID, "error", err)
			continue
		}
		through := t.settledThrough()
		if topic := t.topicAt(op.Place, op.ThreadId); topic != nil {
			through = t.settledFor(topic)
		}
		if owed.AfterSequence > through {
			continue
		}
		if !t.redirect(op) {
			continue
		}
		t.offerStep(&step{op: op})
	}
}

// underWay says which topics have a call of theirs on the way. There is one at a time: of two edits of a card the older might
// be carried out last.
func (t *ticket) underWay() map[string]bool {
	under := map[string]bool{}
	for _, s := range t.offered {
		if s.ref != nil {
			under[s.ref.TopicId] = true
		}
	}
	return under
}

func (t *ticket) offerStep(s *step) {
	if _, offered := t.offered[s.op.Id]; offered {
		return
	}
	s.op.Attempt = t.tries[s.op.Id]
	t.offered[s.op.Id] = s
	t.Offer(s.op)
	t.OfferAgainLater()
}

// postpone lets the timer of offerAgain find what is missing; until then the ticket owes something that is not offered.
func (t *ticket) postpone() {
	t.postponed = true
	t.OfferAgainLater()
}

// onOfferAgain offers what got no answer; the chat knows what it has already.
func (t *ticket) onOfferAgain(entity.OfferAgain) error {
	t.postponed = false
	if t.record == nil {
		return nil
	}
	t.askPending()
	t.offerOpen()
	t.tellChangesAgain()
	if len(t.offered) > 0 || len(t.following) > 0 {
		t.OfferAgainLater()
	}
	t.reconcile()
	t.settleSoon()
	return nil
}

func (t *ticket) offerOpen() {
	for _, s := range t.offered {
		t.Offer(s.op)
	}
}

// render makes the operation of a step.
func (t *ticket) render(topic *storage.Topic, ref *messages.TopicStep) (*messages.Operation, error) {
	r := t.record
	op := &messages.Operation{Place: topic.GroupID, ThreadId: topic.TelegramTopicID, Lang: r.Language,
		Priority: messages.Operation_ANSWER, Waits: topic.Generation > 0}
	op.SetRef(&messages.OperationRef{Wanted: &messages.OperationRef_TopicStep{TopicStep: ref}})
	switch ref.Kind {
	case messages.TopicStep_CREATE:
		op.Call = &messages.Operation_CreateTopic{CreateTopic: &messages.CreateTopicCall{Name: topic.Name}}
	case messages.TopicStep_CARD, messages.TopicStep_EDIT_CARD:
		view, err := t.view(topic.TopicID)
		if err != nil {
			return nil, err
		}
		asked := ""
		if link := desk.LinkOf(r, topic.TopicID); link != nil && !messages.IsPrivate(topic.GroupID) {
			asked = link.By.Name
		}
		if ref.Kind == messages.TopicStep_CARD {
			op.Call = &messages.Operation_SendCard{SendCard: &messages.SendCardCall{Ticket: view, AskedBy: asked}}
			break
		}
		op.Call = &messages.Operation_EditCard{EditCard: &messages.EditCardCall{MessageId: topic.CardMessageID, Ticket: view, AskedBy: asked}}
	case messages.TopicStep_PIN:
		op.Call = &messages.Operation_Pin{Pin: &messages.PinCall{MessageId: topic.CardMessageID}}
	case messages.TopicStep_CONTEXT:
		lines, err := t.context(topic)
		if err != nil {
			return nil, err
		}
		op.Call = &messages.Operation_SendContext{SendContext: &messages.SendContextCall{Lines: lines}}
	case messages.TopicStep_MEDIUM:
		op.Call = &messages.Operation_SendCopy{SendCopy: &messages.SendCopyCall{Bare: true, ReplyTo: topic.CardMessageID,
			Content: &messages.Content{Media: desk.MediaOf(&r.Media[ref.Medium])}}}
	case messages.TopicStep_RENAME:
		op.Call = &messages.Operation_RenameTopic{RenameTopic: &messages.RenameTopicCall{Name: ref.Name}}
	case messages.TopicStep_CLOSE:
		op.Waits, op.Priority, op.Order = true, messages.Operation_COPY, closingOrder(r.ClosedAfter)
		op.Call = &messages.Operation_CloseTopic{CloseTopic: &messages.CloseTopicCall{}}
	case messages.TopicStep_REOPEN:
		op.Call = &messages.Operation_ReopenTopic{ReopenTopic: &messages.ReopenTopicCall{}}
	default:
		return nil, fmt.Errorf("step %s has no call", ref.Kind)
	}
	return op, nil
}

// onDone writes down how a call went and goes on.
func (t *ticket) onDone(m *messages.Done) error {
	if step := m.Ref.GetMessageStep(); step != nil {
		return t.onMessageStepDone(step, m)
	}
	s := t.offered[m.OperationId]
	if t.record == nil || s == nil || s.op.Version() != m.Version() {
		return nil // from a former life; what is still wanted is offered again and answered again
	}
	outcome := m.Outcome
	if outcome.GetResult() == messages.Outcome_TRANSIENT {
		t.again(s)
		return nil
	}
	if s.ref.GetKind() == messages.TopicStep_CREATE && outcome.GetResult() == messages.Outcome_UNKNOWN {
		delete(t.offered, s.op.Id)
		t.tries[s.op.Id]++
		if topic := desk.TopicOf(t.record, s.ref.TopicId); topic != nil && topic.TelegramTopicID == 0 {
			t.Log.Warn("the answer to createForumTopic was lost; waiting for the topic to appear", "topic", s.ref.TopicId)
			t.awaitAdoption(s.ref.TopicId)
		}
		return nil
	}
	if outcome.GetResult() == messages.Outcome_TOPIC_GONE && t.onStepGone(s) {
		return t.topicOfStepGone(s)
	}
	if err := t.change(func(r *storage.Ticket) { t.apply(r, s, outcome) }); err != nil {
		return err
	}
	delete(t.offered, s.op.Id)
	delete(t.tries, s.op.Id)
	t.afterChange()
	return nil
}

// again offers a call once more that the chat gave up for now.
func (t *ticket) again(s *step) {
	delete(t.offered, s.op.Id)
	t.tries[s.op.Id]++
	t.postpone()
}

// apply writes into the record what a call has done.
func (t *ticket) apply(r *storage.Ticket, s *step, outcome *messages.Outcome) {
	done := outcome.GetResult() == messages.Outcome_DONE
	if s.ref == nil {
		forget(r, desk.OwedOperation, s.op.Id)
		return
	}
	topic := desk.TopicOf(r, s.ref.TopicId)
	if topic == nil {
		return
	}
	switch s.ref.Kind {
	case messages.TopicStep_CREATE:
		if !done && len(topic.FormerThreads) > 0 {
			t.loseTopic(r, topic, desk.ReasonOf(outcome))
		} else if !done {
			t.failTopic(r, topic, desk.ReasonOf(outcome))
		} else if topic.TelegramTopicID == 0 {
			t.giveThread(r, topic, outcome.ThreadId)
		}
	case messages.TopicStep_CARD:
		topic.CardRevision = s.revision
		topic.CardMessageID = outcome.MessageId
		if !done {
			topic.CardMessageID, topic.Pinned = -1, true // a topic without a card; what is said still goes over
		}
		t.introduceIfNothingWasSaid(r, topic)
	case messages.TopicStep_MEDIUM: // one that Telegram refuses is left out
		topic.MediaShown++
		t.introduceIfNothingWasSaid(r, topic)
	case messages.TopicStep_EDIT_CARD:
		topic.CardRevision = s.revision
	case messages.TopicStep_PIN:
		topic.Pinned = true
	case messages.TopicStep_CONTEXT:
		t.introduce(r, topic)
	case messages.TopicStep_RENAME:
		topic.Name = s.ref.Name
	case messages.TopicStep_CLOSE:
		topic.Closed, topic.Unsure = true, false
	case messages.TopicStep_REOPEN:
		topic.Closed, topic.Unsure = false, false
	}
}

// view is what a card in one of the ticket's topics shows.
func (t *ticket) view(at string) (*messages.TicketView, error) {
	return desk.ViewOf(t.Ctx, t.Store, t.record, at)
}
