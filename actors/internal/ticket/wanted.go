package ticket

import (
	"fmt"
	"slices"
	"strings"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// The ticket compares the state that a topic should have with what is known to be done, and enqueues the missing
// calls with the topic's chat (docs/decisions.md, D1). A half-finished topic is the normal case: after a crash the
// same comparison finds the same calls.

// step is a call that is enqueued with a chat.
type step struct {
	ref      *messages.TopicStep // nil: an operation that the record holds
	op       *messages.Operation
	revision int64                 // of the card that it shows
	shows    []storage.ContextLine // of a context
	noRoom   bool                  // its chat says when it can be offered again
}

// nextStep returns the first call that a topic still needs, or nil.
func (t *ticket) nextStep(topic *storage.Topic) *messages.TopicStep {
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
	case topic.Doubtful:
		s := step(messages.TopicStep_CHECK)
		s.Revivals = topic.Revivals
		return s
	case !desk.IsOpened(topic):
		if t.adopting[topic.TopicID] {
			return nil
		}
		return step(messages.TopicStep_CREATE)
	case topic.CardMessageID == 0:
		return step(messages.TopicStep_CARD)
	case desk.LacksEnclosures(r, topic):
		s := step(messages.TopicStep_MEDIUM)
		s.Medium, s.Media = int32(desk.NextEnclosure(r, topic)), int32(t.goTogether(topic))
		return s
	case desk.Retracted(r, topic) >= 0:
		s := step(messages.TopicStep_RETRACT)
		s.Medium = int32(desk.Retracted(r, topic))
		return s
	case !topic.Introduced: // of a link with messages before it; the card introduces all other topics
		return step(messages.TopicStep_CONTEXT)
	case !topic.Pinned:
		return step(messages.TopicStep_PIN)
	case topic.CardMessageID > 0 && topic.CardRevision < r.CardRevision:
		return revised(messages.TopicStep_EDIT_CARD)
	case messages.IsPrivate(topic.GroupID) && !topic.Threaded: // the chat itself has no name
		return nil
	case !topic.NamedByHand && !desk.NamedAfter(r, topic):
		s := revised(messages.TopicStep_RENAME)
		s.Name = messages.TopicName(r.Title, r.Number)
		return s
	case messages.IsPrivate(topic.GroupID): // Telegram closes no topics there
		return nil
	case r.Status == desk.StatusClosed && (!topic.Closed || topic.Unsure) &&
		t.finishedFor(topic) >= r.ClosedAfter && !t.hasPendingNotice(topic):
		return revised(messages.TopicStep_CLOSE)
	case r.Status != desk.StatusClosed && (topic.Closed || topic.Unsure):
		return revised(messages.TopicStep_REOPEN)
	}
	return nil
}

// hasPendingNotice reports whether an operation that must precede the closing is still pending in the topic.
func (t *ticket) hasPendingNotice(topic *storage.Topic) bool {
	for _, pending := range t.record.Pending {
		if pending.Kind != desk.PendingOperation {
			continue
		}
		op, err := desk.OperationOf(pending)
		if err == nil && op.Place == topic.GroupID && op.ThreadId == topic.TelegramTopicID {
			return true
		}
	}
	return false
}

// waitsForCopies reports whether something is held back until the links have finished.
func (t *ticket) waitsForCopies() bool {
	if t.record.Status == desk.StatusClosed {
		for _, topic := range desk.TopicsOf(t.record) {
			if !messages.IsPrivate(topic.GroupID) && (!topic.Closed || topic.Unsure) {
				return true
			}
		}
	}
	for _, pending := range t.record.Pending {
		if pending.AfterSequence > 0 {
			return true
		}
	}
	return false
}

// reconcile enqueues every call that is wanted and not enqueued yet.
func (t *ticket) reconcile() {
	if t.record == nil {
		return
	}
	inProgress := t.topicsInProgress()
	for _, topic := range desk.TopicsOf(t.record) {
		ref := t.nextStep(topic)
		if ref == nil || inProgress[topic.TopicID] {
			continue
		}
		s := &step{ref: ref, revision: t.record.CardRevision}
		err := t.render(topic, s)
		if err != nil {
			t.Log.Error("cannot prepare a call; will try again soon", "topic", topic.TopicID, "error", err)
			t.reconcileLater()
			continue
		}
		t.enqueueStep(s)
	}
	t.retractAfterLinks(inProgress)
	t.editContexts()
	t.icons()
	told := desk.StandingNotices{}
	for _, pending := range t.record.Pending {
		if pending.Kind != desk.PendingOperation {
			continue
		}
		op, err := desk.OperationOf(pending)
		if err != nil {
			t.Log.Error("cannot read a pending operation", "operation", pending.ID, "error", err)
			continue
		}
		if !told.Next(op) {
			continue
		}
		through := t.finishedThrough()
		if topic := t.topicAt(op.Place, op.ThreadId); topic != nil {
			through = t.finishedFor(topic)
		}
		if pending.AfterSequence > through || !t.redirect(op) || !t.fill(&pending, op) {
			continue
		}
		t.enqueueStep(&step{op: op})
	}
}

// retractAfterLinks deletes what the description has no more from topics whose link has ended: all else there stays as it is.
func (t *ticket) retractAfterLinks(inProgress map[ids.TopicKey]bool) {
	r := t.record
	for i := range r.Links {
		link := &r.Links[i]
		medium := desk.Retracted(r, &link.Topic)
		if !link.Ended || medium < 0 || link.Topic.Failure != "" || inProgress[link.Topic.TopicID] {
			continue
		}
		s := &step{revision: r.CardRevision, ref: &messages.TopicStep{TicketId: r.TicketID, TopicId: link.Topic.TopicID,
			Generation: link.Topic.Generation, Kind: messages.TopicStep_RETRACT, Medium: int32(medium)}}
		if err := t.render(&link.Topic, s); err != nil {
			t.Log.Error("cannot prepare a call; will try again soon", "topic", link.Topic.TopicID, "error", err)
			t.reconcileLater()
			continue
		}
		t.enqueueStep(s)
	}
}

// topicsInProgress are the topics that have a call in progress. Each has one at a time: of two edits of a card,
// the older one might be carried out last.
func (t *ticket) topicsInProgress() map[ids.TopicKey]bool {
	inProgress := map[ids.TopicKey]bool{}
	for _, s := range t.enqueued {
		if s.ref != nil && s.ref.Kind != messages.TopicStep_EDIT_CONTEXT && s.ref.Kind != messages.TopicStep_ICON {
			inProgress[s.ref.TopicId] = true
		}
	}
	return inProgress
}

// render makes the operation of a step.
func (t *ticket) render(topic *storage.Topic, s *step) error {
	r, ref := t.record, s.ref
	op := desk.OperationIn(r, topic)
	op.Priority, op.Waits = messages.Operation_ANSWER, topic.Generation > 0 || topic.Unproven
	op.SetRef(&messages.OperationRef{Wanted: &messages.OperationRef_TopicStep{TopicStep: ref}})
	switch ref.Kind {
	case messages.TopicStep_CREATE:
		name := topic.Name
		if name == "" { // a topic that somebody linked, and whose name nobody has told
			name = messages.TopicName(r.Title, r.Number)
		}
		icon, err := t.openingIcon(topic)
		if err != nil {
			return err
		}
		ref.Icon = icon
		op.Call = &messages.Operation_CreateTopic{CreateTopic: &messages.CreateTopicCall{Name: name, Icon: icon}}
	case messages.TopicStep_CHECK:
		op.Waits = true
		op.Call = &messages.Operation_CheckTopic{CheckTopic: &messages.CheckTopicCall{Name: topic.Name}}
	case messages.TopicStep_CARD, messages.TopicStep_EDIT_CARD:
		card, err := t.card(r, topic)
		if err != nil {
			return err
		}
		if ref.Kind == messages.TopicStep_CARD {
			op.Call = &messages.Operation_SendCard{SendCard: card}
			break
		}
		op.Call = &messages.Operation_EditCard{EditCard: &messages.EditCardCall{
			MessageId: topic.CardMessageID, Ticket: card.Ticket, AskedBy: card.AskedBy, Mentioned: card.Mentioned}}
	case messages.TopicStep_PIN:
		op.Call = &messages.Operation_Pin{Pin: &messages.PinCall{MessageId: topic.CardMessageID}}
	case messages.TopicStep_CONTEXT:
		lines, err := t.context(topic)
		if err != nil {
			return err
		}
		call := &messages.SendContextCall{}
		for i := range lines {
			call.Lines, s.shows = append(call.Lines, desk.ContextLineOf(&lines[i])), append(s.shows, lineOf(&lines[i], topic.TopicID))
		}
		op.Content, op.Call = contextDigest(s.shows), &messages.Operation_SendContext{SendContext: call}
	case messages.TopicStep_MEDIUM:
		desk.ShowEnclosures(op, r, topic, ref)
	case messages.TopicStep_RETRACT:
		op.Call = &messages.Operation_DeleteMessages{DeleteMessages: &messages.DeleteMessagesCall{
			MessageIds: desk.PostsOf(topic, int(ref.Medium))}}
	case messages.TopicStep_RENAME:
		op.Call = &messages.Operation_RenameTopic{RenameTopic: &messages.RenameTopicCall{Name: ref.Name}}
	case messages.TopicStep_CLOSE:
		op.Waits, op.Priority, op.Order = true, messages.Operation_COPY, desk.ClosingOrder(r.ClosedAfter)
		op.Call = &messages.Operation_CloseTopic{CloseTopic: &messages.CloseTopicCall{}}
	case messages.TopicStep_REOPEN:
		op.Call = &messages.Operation_ReopenTopic{ReopenTopic: &messages.ReopenTopicCall{}}
	default:
		return fmt.Errorf("step %s has no call", ref.Kind)
	}
	s.op = op
	return nil
}

// onDone writes down how a call ended and continues.
func (t *ticket) onDone(m *messages.Done) error {
	if step := m.Ref.GetMessageStep(); step != nil {
		return t.onMessageStepDone(step, m)
	}
	if step := m.Ref.GetTopicStep(); step.GetKind() == messages.TopicStep_ICON && t.record != nil {
		return t.onIconDone(step, m)
	}
	s := t.enqueued[m.OperationId]
	asked := s != nil && s.op.Version() == m.Version()
	once := s != nil && s.ref.GetKind() == messages.TopicStep_CONTEXT && m.Attempt >= s.op.Attempt // as the chat had it first
	if t.record != nil && s == nil {
		if err := t.noteLateMedium(m); err != nil {
			return err
		}
	}
	if t.record == nil || !asked && !once {
		return t.onReminded(m) // else of an earlier activation; what is still wanted is enqueued and answered again
	}
	outcome := m.Outcome
	if outcome.GetResult() == messages.Outcome_TRANSIENT {
		t.retryStep(s)
		return nil
	}
	if t.isRefusedAlbum(m) {
		delete(t.enqueued, s.op.Id)
		t.tries[s.op.Id]++
		t.reconcile()
		return nil
	}
	if m.Ref.GetTopicStep() != nil { // a chat may have had the step before this activation
		s.ref = m.Ref.GetTopicStep()
	}
	if s.ref.GetKind() == messages.TopicStep_CREATE && outcome.GetResult() == messages.Outcome_UNKNOWN {
		delete(t.enqueued, s.op.Id)
		t.tries[s.op.Id]++
		if topic := desk.TopicOf(t.record, s.ref.TopicId); topic != nil && topic.TelegramTopicID == 0 {
			t.Log.Warn("the answer to createForumTopic was lost; waiting for the topic to appear", "topic", s.ref.TopicId)
			t.awaitAdoption(s.ref.TopicId)
		}
		return nil
	}
	if s.ref.GetKind() == messages.TopicStep_CARD && outcome.GetResult() == messages.Outcome_UNKNOWN && t.isUnproven(s.ref.TopicId) {
		t.retryStep(s)
		return nil
	}
	if s.ref.GetKind() == messages.TopicStep_CHECK {
		return t.onChecked(s, outcome)
	}
	if outcome.GetResult() == messages.Outcome_TOPIC_DELETED && t.mayRecreate(s) {
		return t.onStepTopicGone(s)
	}
	if err := t.notePosted(s.op, outcome); err != nil {
		return err
	}
	if err := t.change(func(r *storage.Ticket) { t.apply(r, s, outcome, asked) }); err != nil {
		return err
	}
	delete(t.enqueued, s.op.Id)
	delete(t.tries, s.op.Id)
	t.afterChange()
	if s.ref.GetKind() == messages.TopicStep_EDIT_CONTEXT {
		t.afterContextEdit()
	}
	if s.ref.GetKind() == messages.TopicStep_CREATE && messages.IsPrivate(s.op.Place) {
		t.tellOpened(s.op.Place)
	}
	return nil
}

// noteLateMedium notes the post of an enclosure that the description has no more, and that a chat had before this activation:
// it is to be deleted.
func (t *ticket) noteLateMedium(m *messages.Done) error {
	ref := m.Ref.GetTopicStep()
	topic := desk.TopicOf(t.record, ref.GetTopicId())
	if ref.GetKind() != messages.TopicStep_MEDIUM || topic == nil {
		return nil
	}
	late := slices.DeleteFunc(desk.EnclosurePosts(ref, m.Outcome), func(p storage.EnclosurePost) bool {
		return p.Medium >= len(t.record.Enclosures) || !t.record.Enclosures[p.Medium].Gone || slices.Contains(topic.Posts, p)
	})
	if len(late) == 0 {
		return nil
	}
	err := t.change(func(r *storage.Ticket) {
		topic := desk.TopicOf(r, ref.TopicId)
		topic.Posts = append(slices.Clone(topic.Posts), late...)
	})
	if err == nil {
		t.afterChange()
	}
	return err
}

// retryStep lets a call be enqueued again that the chat has given up for now.
func (t *ticket) retryStep(s *step) {
	delete(t.enqueued, s.op.Id)
	t.tries[s.op.Id]++
	t.reconcileLater()
}

// apply writes into the record what a call has done; asked: it is the version that was asked for.
func (t *ticket) apply(r *storage.Ticket, s *step, outcome *messages.Outcome, asked bool) {
	done := outcome.GetResult() == messages.Outcome_DONE
	if s.ref == nil {
		t.toldOfClosing(r, s.op.Id, t.now())
		forget(r, desk.PendingOperation, s.op.Id)
		return
	}
	topic := desk.TopicOf(r, s.ref.TopicId)
	if topic == nil {
		return
	}
	switch s.ref.Kind {
	case messages.TopicStep_CREATE:
		switch {
		case desk.IsOpened(topic): // it has appeared meanwhile
		case done:
			if topic.Name == "" {
				topic.Name, topic.NamedByHand = s.op.GetCreateTopic().GetName(), false
			}
			if topic.Icon = s.ref.Icon; outcome.IconLeftOut {
				topic.Icon = messages.IconNone
			}
			t.giveThread(r, topic, outcome.ThreadId)
		case messages.IsPrivate(topic.GroupID):
			t.shareChat(r, topic)
		case len(topic.FormerThreads) > 0:
			t.loseTopic(r, topic, desk.ReasonOf(outcome))
		default:
			t.failTopic(r, topic, desk.ReasonOf(outcome))
		}
	case messages.TopicStep_CARD:
		if topic.Unproven && !proves(outcome) {
			t.failUnproven(r, topic, desk.ReasonOf(outcome))
			return
		}
		topic.CardRevision, topic.CardDigest = s.revision, digestIn(s.op)
		topic.CardMessageID = outcome.MessageId
		if !done {
			topic.CardMessageID, topic.Pinned = -1, true // the topic does without a card; copies still arrive
		}
		t.prove(r, topic)
		t.settleCard(r, topic)
		t.introduceWithoutContext(r, topic)
		if link := desk.LinkOf(r, topic.TopicID); link != nil && link.Ended {
			t.retireCard(r, topic)
		}
	case messages.TopicStep_MEDIUM: // also when Telegram refuses it: it is left out
		topic.MediaShown = int(s.ref.Medium) + max(1, int(s.ref.Media))
		topic.Posts = append(slices.Clone(topic.Posts), desk.EnclosurePosts(s.ref, outcome)...)
		if !done {
			t.tellMediumFailed(r, s, topic, desk.ReasonOf(outcome))
		}
		t.introduceWithoutContext(r, topic)
	case messages.TopicStep_RETRACT: // also when Telegram refuses it: the posts are too old, or gone
		if why := desk.ReasonOf(outcome); !done && !strings.Contains(strings.ToLower(why), "not found") {
			t.tellPostStays(r, s, topic, why)
		}
		topic.Posts = slices.DeleteFunc(slices.Clone(topic.Posts), func(p storage.EnclosurePost) bool { return p.Medium == int(s.ref.Medium) })
	case messages.TopicStep_EDIT_CARD:
		topic.CardRevision, topic.CardDigest = s.revision, digestIn(s.op)
		if !done {
			topic.CardDigest = "" // unknown
		}
		t.settleCard(r, topic)
	case messages.TopicStep_PIN:
		topic.Pinned = true
	case messages.TopicStep_CONTEXT:
		contextPosted(topic, s, outcome, asked)
		t.introduce(r, topic)
	case messages.TopicStep_EDIT_CONTEXT:
		contextEdited(topic, s, outcome)
	case messages.TopicStep_RENAME:
		topic.Name = s.ref.Name
	case messages.TopicStep_CLOSE:
		topic.Closed, topic.Unsure = true, false
	case messages.TopicStep_REOPEN:
		topic.Closed, topic.Unsure = false, false
	}
}
