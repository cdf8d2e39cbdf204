package ticket

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// The state of a topic and what is known to be done are compared; what is missing is offered to the topic's chat. A record
// found half done is the normal case: after a crash the same comparison finds the same calls.

// stepKind is what a call does for a topic.
type stepKind int

const (
	stepCreate stepKind = iota
	stepCard
	stepPin
	stepContext
	stepEditCard
	stepRename
	stepClose
	stepReopen
	stepMedia
	stepOwed // an operation kept in the record
)

// step is a call that is offered to a chat.
type step struct {
	kind     stepKind
	topicID  string
	op       *messages.Operation
	revision int64 // of the card
	name     string
}

// next returns the first call that a topic still needs, or nil.
func (t *ticket) next(topic *storage.Topic) *step {
	r := t.record
	switch {
	case topic.Failure != "":
		return nil
	case !desk.IsOpened(topic):
		if t.adopting[topic.TopicID] {
			return nil
		}
		return &step{kind: stepCreate, name: topic.Name}
	case topic.CardMessageID == 0:
		return &step{kind: stepCard, revision: r.CardRevision}
	case topic.MediaShown < len(r.Media):
		return &step{kind: stepMedia}
	case !topic.Introduced: // of a link with something said before; others are introduced by their card
		return &step{kind: stepContext}
	case !topic.Pinned:
		return &step{kind: stepPin}
	case topic.CardMessageID > 0 && topic.CardRevision < r.CardRevision:
		return &step{kind: stepEditCard, revision: r.CardRevision}
	case messages.IsPrivate(topic.GroupID): // has no name, and is never closed
		return nil
	case !topic.NamedByHand && topic.Name != messages.TopicName(r.Title, r.ShortID):
		return &step{kind: stepRename, name: messages.TopicName(r.Title, r.ShortID)}
	case r.Status == desk.StatusClosed && (!topic.Closed || topic.Unsure) && t.settledFor(topic) >= r.ClosedAfter && !t.owesNotice(topic):
		return &step{kind: stepClose}
	case r.Status != desk.StatusClosed && (topic.Closed || topic.Unsure):
		return &step{kind: stepReopen}
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
		s := t.next(topic)
		if s == nil || under[topic.TopicID] {
			continue
		}
		s.topicID = topic.TopicID
		if err := t.render(topic, s); err != nil {
			t.Log.Error("a call can't be prepared; tried again soon", "topic", topic.TopicID, "error", err)
			t.postpone()
			continue
		}
		t.offerStep(s)
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
		t.offerStep(&step{kind: stepOwed, op: op})
	}
}

// underWay says which topics have a call of theirs on the way. There is one at a time: of two edits of a card the older might
// be carried out last.
func (t *ticket) underWay() map[string]bool {
	under := map[string]bool{}
	for _, s := range t.offered {
		if s.kind != stepOwed {
			under[s.topicID] = true
		}
	}
	return under
}

func (t *ticket) offerStep(s *step) {
	if _, offered := t.offered[s.op.Id]; offered {
		return
	}
	s.op.Revision += t.tries[s.op.Id]
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
func (t *ticket) render(topic *storage.Topic, s *step) error {
	r := t.record
	op := &messages.Operation{Place: topic.GroupID, ThreadId: topic.TelegramTopicID, Lang: r.Language, Priority: messages.Operation_ANSWER}
	id := r.TicketID + "/" + topic.TopicID
	if topic.Generation > 0 { // chats remember what they did for the topic that was deleted
		id += "@" + strconv.FormatInt(topic.Generation, 10)
		op.Waits = true
	}
	switch s.kind {
	case stepCreate:
		op.Id = id + "/create"
		op.Call = &messages.Operation_CreateTopic{CreateTopic: &messages.CreateTopicCall{Name: s.name}}
	case stepCard, stepEditCard:
		view, err := t.view(topic.TopicID)
		if err != nil {
			return err
		}
		asked := ""
		if link := desk.LinkOf(r, topic.TopicID); link != nil && !messages.IsPrivate(topic.GroupID) {
			asked = link.By.Name
		}
		if s.kind == stepCard {
			op.Id = id + "/card"
			op.Call = &messages.Operation_SendCard{SendCard: &messages.SendCardCall{Ticket: view, AskedBy: asked}}
			break
		}
		op.Id = id + "/card/" + strconv.FormatInt(s.revision, 10)
		op.Call = &messages.Operation_EditCard{EditCard: &messages.EditCardCall{MessageId: topic.CardMessageID, Ticket: view, AskedBy: asked}}
	case stepPin:
		op.Id = id + "/pin"
		op.Call = &messages.Operation_Pin{Pin: &messages.PinCall{MessageId: topic.CardMessageID}}
	case stepContext:
		lines, err := t.context(topic)
		if err != nil {
			return err
		}
		op.Id = id + "/context"
		op.Call = &messages.Operation_SendContext{SendContext: &messages.SendContextCall{Lines: lines}}
	case stepMedia:
		op.Id = id + "/media/" + strconv.Itoa(topic.MediaShown)
		op.Call = &messages.Operation_SendCopy{SendCopy: &messages.SendCopyCall{Bare: true, ReplyTo: topic.CardMessageID,
			Content: &messages.Content{Media: desk.MediaOf(&r.Media[topic.MediaShown])}}}
	case stepRename:
		h := fnv.New32a()
		_, _ = h.Write([]byte(s.name))
		op.Id = id + "/name/" + strconv.FormatInt(r.CardRevision, 10) + "/" + strconv.FormatUint(uint64(h.Sum32()), 36)
		op.Call = &messages.Operation_RenameTopic{RenameTopic: &messages.RenameTopicCall{Name: s.name}}
	case stepClose:
		op.Waits = true
		op.Id, op.Priority, op.Order = id+"/close/"+strconv.FormatInt(r.CardRevision, 10), messages.Operation_COPY, closingOrder(r.ClosedAfter)
		op.Call = &messages.Operation_CloseTopic{CloseTopic: &messages.CloseTopicCall{}}
	case stepReopen:
		op.Id = id + "/reopen/" + strconv.FormatInt(r.CardRevision, 10)
		op.Call = &messages.Operation_ReopenTopic{ReopenTopic: &messages.ReopenTopicCall{}}
	default:
		return fmt.Errorf("step %d has no call", s.kind)
	}
	s.op = op
	return nil
}

// onDone writes down how a call went and goes on.
func (t *ticket) onDone(m *messages.Done) error {
	if id, found := strings.CutPrefix(m.OperationId, desk.RetryPrefix); found {
		return t.onRetryTaken(id, m.Outcome)
	}
	if strings.HasPrefix(m.OperationId, saidPrefix) {
		return t.onSaidDone(m)
	}
	s := t.offered[m.OperationId]
	if t.record == nil || s == nil || s.op.Revision != m.Revision {
		return nil // from a former life; what is still wanted is offered again and answered again
	}
	outcome := m.Outcome
	if outcome.GetResult() == messages.Outcome_TRANSIENT {
		t.again(s)
		return nil
	}
	if s.kind == stepCreate && outcome.GetResult() == messages.Outcome_UNKNOWN {
		delete(t.offered, s.op.Id)
		t.tries[s.op.Id]++
		if topic := desk.TopicOf(t.record, s.topicID); topic != nil && topic.TelegramTopicID == 0 {
			t.Log.Warn("the answer to createForumTopic was lost; waiting for the topic to appear", "topic", s.topicID)
			t.awaitAdoption(s.topicID)
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
	topic := desk.TopicOf(r, s.topicID)
	if s.kind != stepOwed && topic == nil {
		return
	}
	switch s.kind {
	case stepOwed:
		forget(r, desk.OwedOperation, s.op.Id)
	case stepCreate:
		if !done && len(topic.FormerThreads) > 0 {
			t.loseTopic(r, topic, desk.ReasonOf(outcome))
		} else if !done {
			t.failTopic(r, topic, desk.ReasonOf(outcome))
		} else if topic.TelegramTopicID == 0 {
			t.giveThread(r, topic, outcome.ThreadId)
		}
	case stepCard:
		topic.CardRevision = s.revision
		topic.CardMessageID = outcome.MessageId
		if !done {
			topic.CardMessageID, topic.Pinned = -1, true // a topic without a card; what is said still goes over
		}
		t.introduceIfNothingWasSaid(r, topic)
	case stepMedia: // one that Telegram refuses is left out
		topic.MediaShown++
		t.introduceIfNothingWasSaid(r, topic)
	case stepEditCard:
		topic.CardRevision = s.revision
	case stepPin:
		topic.Pinned = true
	case stepContext:
		t.introduce(r, topic)
	case stepRename:
		topic.Name = s.name
	case stepClose:
		topic.Closed, topic.Unsure = true, false
	case stepReopen:
		topic.Closed, topic.Unsure = false, false
	}
}

// view is what a card in one of the ticket's topics shows.
func (t *ticket) view(at string) (*messages.TicketView, error) {
	return desk.ViewOf(t.Ctx, t.Store, t.record, at)
}
