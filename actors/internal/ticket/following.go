package ticket

import (
	"fmt"
	"slices"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// following is a message that changed, until everything shows it.
type following struct {
	said   *storage.Message    // as stored
	left   map[string]bool     // links that have not brought their copies after it
	failed map[string]string   // by link id: why a copy could not be deleted
	op     *messages.Operation // of the ticket itself, under way
	tries  int64
	done   map[messages.MessageStep_Kind]string // steps of a deletion that are over, and why they failed
}

// loadChanges finds the messages that something is still to be done about.
func (t *ticket) loadChanges() error {
	open, err := t.Store.OpenMessages(t.Ctx, t.record.TicketID, openAtOnce)
	if err != nil {
		return fmt.Errorf("read changed messages: %w", err)
	}
	for i := range open {
		m := &open[i]
		for _, e := range m.Events {
			t.caused[e.EventID] = m.MessageID
		}
		t.unnumbered = append(t.unnumbered, m.Events...)
		if m.Behind {
			t.following[m.MessageID] = t.newFollowing(m)
		}
	}
	return nil
}

// newFollowing lists the links that may have a copy of a message. A link that has ended has its copies still; what was
// changed afterwards is not its to show, except that the message is gone.
func (t *ticket) newFollowing(m *storage.Message) *following {
	f := &following{said: m, left: map[string]bool{}, failed: map[string]string{},
		done: map[messages.MessageStep_Kind]string{}}
	for i := range t.record.Links {
		link := &t.record.Links[i]
		if m.Sequence <= link.BeginSequence || link.Ended && (m.Sequence > link.EndSequence || m.ChangedAfter > link.EndSequence && !m.Deleted) {
			continue
		}
		f.left[link.LinkID] = true
	}
	return f
}

// follow tells the links, and does what is the ticket's own.
func (t *ticket) follow(m *storage.Message) {
	if !m.Behind {
		return
	}
	former, f := t.following[m.MessageID], t.newFollowing(m)
	if former != nil {
		f.op, f.tries, f.done = former.op, former.tries, former.done
	}
	t.following[m.MessageID] = f
	t.tellChange(f)
	t.ownStep(f)
	t.OfferAgainLater()
}

func (t *ticket) tellChange(f *following) {
	for id := range f.left {
		t.Tell(messages.KindLink, id, &messages.Change{TicketId: t.record.TicketID, LinkId: id, MessageId: f.said.MessageID,
			Revision: f.said.Revision, LinksRevision: t.record.LinksRevision})
	}
}

// tellChangesAgain does so for what got no answer.
func (t *ticket) tellChangesAgain() {
	for _, f := range t.following {
		t.tellChange(f)
		if f.op != nil {
			t.Offer(f.op)
		} else {
			t.ownStep(f)
		}
	}
}

// onChanged: a link's copy shows a revision.
func (t *ticket) onChanged(m *messages.Changed) error {
	f := t.following[m.MessageId]
	if f == nil || m.Revision < f.said.Revision {
		return nil
	}
	delete(f.left, m.LinkId)
	if m.Failure != "" {
		f.failed[m.LinkId] = m.Failure
	}
	t.ownStep(f)
	return nil
}

// stepRef names a step of the ticket itself about a message.
func (f *following) stepRef(kind messages.MessageStep_Kind) *messages.OperationRef {
	return &messages.OperationRef{Wanted: &messages.OperationRef_MessageStep{MessageStep: &messages.MessageStep{
		MessageId: f.said.MessageID, Kind: kind}}}
}

// ownStep offers what the ticket itself still has to do about a message: show a reaction on the original, delete it, delete
// the command. When nothing is left and all links have followed, the timer of settle clears the mark.
func (t *ticket) ownStep(f *following) {
	if f.op != nil && !t.mayReplace(f) {
		return
	}
	op, err := t.wantedOf(f)
	switch {
	case err != nil:
		t.Log.Error("what a message still needs can't be read; tried again", "message", f.said.MessageID, "error", err)
		t.OfferAgainLater()
	case op != nil:
		f.op = op
		t.Offer(op)
	case len(f.left) == 0:
		f.op = nil
		t.settleSoon()
	}
}

// mayReplace: a reaction that waits for its turn is replaced by a newer one.
func (t *ticket) mayReplace(f *following) bool {
	return f.op.Ref.GetMessageStep().GetKind() == messages.MessageStep_REACT && f.op.Content < f.said.Revision
}

func (t *ticket) wantedOf(f *following) (*messages.Operation, error) {
	m := f.said
	op := &messages.Operation{Priority: messages.Operation_ANSWER, Attempt: f.tries, Content: m.Revision}
	topic := desk.TopicOf(t.record, m.TopicID)
	if topic != nil && !t.hasLeft(m.TopicID) {
		op.Place, op.ThreadId = topic.GroupID, topic.TelegramTopicID
	}
	if m.Deleted {
		return t.deletionStep(f, op)
	}
	if op.Place == "" {
		return nil, nil
	}
	want := desk.ReactionAt(m, m.TopicID)
	if want == m.Shown {
		return nil, nil
	}
	failing, err := t.showsFailure(m)
	if err != nil || failing {
		return nil, err // the word that it did not arrive matters more
	}
	op.SetRef(f.stepRef(messages.MessageStep_REACT))
	op.Call = &messages.Operation_React{React: &messages.ReactCall{MessageId: desk.TelegramID(m.MessageID), Emoji: want}}
	return op, nil
}

// showsFailure says whether the bot's reaction on the original tells that a copy was given up.
func (t *ticket) showsFailure(m *storage.Message) (bool, error) {
	copies, err := t.Store.CopiesOf(t.Ctx, m.MessageID)
	if err != nil {
		return false, fmt.Errorf("read copies: %w", err)
	}
	return slices.ContainsFunc(copies, func(c storage.Copy) bool { return c.State == desk.CopyFailed }), nil
}

// onMessageStepDone writes down what a call of the ticket about a message has done.
func (t *ticket) onMessageStepDone(step *messages.MessageStep, m *messages.Done) error {
	f := t.following[step.MessageId]
	if f == nil || f.op == nil || f.op.Id != m.OperationId || f.op.Version() != m.Version() {
		return nil
	}
	op := f.op
	f.op = nil
	if step.Kind != messages.MessageStep_REACT {
		return t.onDeletionStep(f, step.Kind, m.Outcome)
	}
	// A reaction that can't be set (the group does not allow that one) is left alone.
	if m.Outcome.GetResult() == messages.Outcome_TRANSIENT {
		f.tries++
		t.OfferAgainLater()
		return nil
	}
	next := cloneMessage(f.said)
	next.Shown = op.GetReact().GetEmoji()
	if err := t.saveMessage(next); err != nil {
		return err
	}
	f.said = next
	t.ownStep(f)
	return nil
}

// clearChanges takes the mark off messages that everything shows, and drops events that are numbered.
func (t *ticket) clearChanges(numbered map[string]bool) error {
	for id, f := range t.following {
		if f.op != nil || len(f.left) > 0 {
			continue
		}
		if op, err := t.wantedOf(f); err != nil || op != nil {
			continue
		}
		if err := t.answerDeletion(f); err != nil {
			return err
		}
		next := cloneMessage(f.said)
		next.Behind, next.Owed = false, nil
		next.Events = slices.DeleteFunc(next.Events, func(e storage.Event) bool { return numbered[e.EventID] })
		if err := t.saveMessage(next); err != nil {
			return err
		}
		t.forgetEvents(f.said, next)
		delete(t.following, id)
	}
	changed := map[string]bool{}
	for event := range numbered {
		if id, known := t.caused[event]; known {
			changed[id] = true
		}
	}
	for id := range changed {
		said, err := t.Store.Message(t.Ctx, id)
		if err != nil {
			return fmt.Errorf("read a message: %w", err)
		}
		next := cloneMessage(said)
		next.Events = slices.DeleteFunc(next.Events, func(e storage.Event) bool { return numbered[e.EventID] })
		if len(next.Events) < len(said.Events) {
			if err := t.saveMessage(next); err != nil {
				return err
			}
		}
		t.forgetEvents(said, next)
		if f := t.following[id]; f != nil {
			f.said = next
		}
	}
	return nil
}

// forgetEvents drops what is known of the events that a message does not hold any more.
func (t *ticket) forgetEvents(was, is *storage.Message) {
	for _, e := range eventsSince(is.Events, was.Events) {
		delete(t.caused, e.EventID)
	}
}
