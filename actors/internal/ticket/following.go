package ticket

import (
	"fmt"
	"slices"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// following is a changed message, until everything that shows it has followed: its copies, and what the bot shows
// on the original.
type following struct {
	original *storage.Message        // as it is stored
	left     map[ids.TopicKey]bool   // links whose copies are not up to date yet
	failed   map[ids.TopicKey]string // by link: why a copy could not be deleted
	op       *messages.Operation     // the ticket's own operation that is in progress
	tries    int64
	done     map[messages.MessageStep_Kind]string // finished steps of a deletion, and why they failed
	told     bool                                 // whoever deleted it knows where something of it stays
	words    *rewording                           // of the messages that answer it; nil: they show nothing else
}

// loadChanges finds the messages that something is still to be done about.
func (t *ticket) loadChanges() error {
	open, err := t.Store.OpenMessages(t.Ctx, t.record.TicketID, openAtOnce)
	if err != nil {
		return fmt.Errorf("read changed messages: %w", err)
	}
	for i := range open {
		m := &open[i]
		for i := range m.Events {
			m.Events[i].EventID = desk.EventID(m.Events[i].EventID)
			t.caused[m.Events[i].EventID] = m.MessageID
		}
		t.unnumbered = append(t.unnumbered, m.Events...)
		if m.Outdated {
			f := t.newFollowing(m)
			f.words = newRewording(m)
			t.following[m.MessageID] = f
		}
	}
	return nil
}

// newFollowing lists the links that may have a copy of a message. A link that has ended keeps the copies it made.
// It does not show later changes, except that the message is deleted.
func (t *ticket) newFollowing(m *storage.Message) *following {
	f := &following{
		original: m, left: map[ids.TopicKey]bool{}, failed: map[ids.TopicKey]string{},
		done: map[messages.MessageStep_Kind]string{},
	}
	for i := range t.record.Links {
		link := &t.record.Links[i]
		ended := link.Ended && (m.Sequence > link.EndSequence || m.ChangedAfter > link.EndSequence && !followedAfterEnd(m, link))
		if m.Sequence > link.BeginSequence && !ended {
			f.left[link.LinkID] = true
		}
	}
	return f
}

// followedAfterEnd reports whether a link that has ended follows a change of a message: it was deleted, or what it answers
// was. What was written in the link's topic is still in the others, and what that answers may have changed.
func followedAfterEnd(m *storage.Message, link *storage.Link) bool {
	return m.Deleted || m.ReplyTo != nil && m.ReplyTo.Deleted || m.TopicID == link.Topic.TopicID
}

// follow tells the links about a changed message, and starts the ticket's own part. words says that its words are others
// than they were.
func (t *ticket) follow(m *storage.Message, words bool) {
	if !m.Outdated {
		return
	}
	previous, f := t.following[m.MessageID], t.newFollowing(m)
	if previous != nil {
		f.op, f.tries, f.done, f.told, f.words = previous.op, previous.tries, previous.done, previous.told, previous.words
	}
	if words {
		f.words = newRewording(m)
		if f.words != nil && previous != nil && previous.words != nil {
			f.words.noted = previous.words.noted // that turn goes on with these
		}
	}
	t.following[m.MessageID] = f
	t.editContexts()
	t.tellChange(f)
	t.advance(f)
	t.EnqueueAgainLater()
}

// tellChange tells the links that have not followed yet.
func (t *ticket) tellChange(f *following) {
	for id := range f.left {
		t.Tell(messages.KindLink, id, &messages.Change{
			TicketId: t.record.TicketID, LinkId: id, LinksRevision: t.record.LinksRevision,
			MessageId: f.original.MessageID, Revision: f.original.Revision,
		})
	}
}

// tellChangesAgain repeats everything about changed messages that got no answer.
func (t *ticket) tellChangesAgain() {
	for _, f := range t.following {
		t.tellChange(f)
		if f.op != nil {
			t.Enqueue(f.op)
		} else {
			t.advance(f)
		}
		t.rewordAgain(f)
	}
}

// onChanged learns that a link's copy shows a revision, or could not be deleted.
func (t *ticket) onChanged(m *messages.Changed) error {
	f := t.following[m.MessageId]
	if f == nil || m.Revision < f.original.Revision {
		return nil
	}
	delete(f.left, m.LinkId)
	if m.Failure != "" {
		f.failed[m.LinkId] = m.Failure
	}
	t.advance(f)
	return nil
}

// stepRef refers to one of the ticket's own steps about a message.
func (f *following) stepRef(kind messages.MessageStep_Kind) *messages.OperationRef {
	return &messages.OperationRef{Wanted: &messages.OperationRef_MessageStep{MessageStep: &messages.MessageStep{
		MessageId: f.original.MessageID, Kind: kind}}}
}

// advance enqueues what the ticket itself still has to do about a message: show a reaction on the original, delete
// it, delete the command. When nothing is left and all links have followed, the flush timer clears the mark.
func (t *ticket) advance(f *following) {
	t.rewordSoon(f)
	if f.op != nil && !t.mayReplace(f) {
		return
	}
	op, err := t.nextOwnStep(f)
	switch {
	case err != nil:
		t.Log.Error("cannot read what a message still needs; will try again",
			"message", f.original.MessageID, "error", err)
		t.EnqueueAgainLater()
	case op != nil:
		f.op = op
		t.Enqueue(op)
	case len(f.left) == 0:
		f.op = nil
		t.flushSoon()
	}
}

// mayReplace reports whether the operation in progress may be replaced: a newer reaction replaces one that waits
// in its chat.
func (t *ticket) mayReplace(f *following) bool {
	return f.op.Ref.GetMessageStep().GetKind() == messages.MessageStep_REACT && f.op.Content < f.original.Revision
}

// nextOwnStep is the ticket's own next operation about a message; nil if there is none.
func (t *ticket) nextOwnStep(f *following) (*messages.Operation, error) {
	m := f.original
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
		return nil, err // that the message did not arrive everywhere matters more
	}
	op.SetRef(f.stepRef(messages.MessageStep_REACT))
	op.Call = &messages.Operation_React{React: &messages.ReactCall{
		MessageId: desk.TelegramID(m.MessageID), Emoji: want}}
	return op, nil
}

// showsFailure reports whether the bot's reaction on the original says that a copy was given up.
func (t *ticket) showsFailure(m *storage.Message) (bool, error) {
	copies, err := t.Store.CopiesOf(t.Ctx, m.MessageID)
	if err != nil {
		return false, fmt.Errorf("read copies: %w", err)
	}
	return slices.ContainsFunc(copies, func(c storage.Copy) bool { return c.State == desk.CopyFailed }), nil
}

// onMessageStepDone writes down how one of the ticket's own operations about a message ended.
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
	// A reaction that can't be set, because the group does not allow it, is left alone.
	if m.Outcome.GetResult() == messages.Outcome_TRANSIENT {
		f.tries++
		t.EnqueueAgainLater()
		return nil
	}
	next := desk.CloneMessage(f.original)
	next.Shown = op.GetReact().GetEmoji()
	if err := t.saveMessage(next); err != nil {
		return err
	}
	f.original = next
	t.advance(f)
	return nil
}

// clearChanges clears the mark of messages whose change shows everywhere, and drops their numbered events.
func (t *ticket) clearChanges(numbered map[string]bool) error {
	for id, f := range t.following {
		if f.op != nil || len(f.left) > 0 || f.words != nil && !f.words.settled || t.contextLeft(f) {
			continue
		}
		if op, err := t.nextOwnStep(f); err != nil || op != nil {
			continue
		}
		if err := t.answerDeletion(f); err != nil {
			return err
		}
		if f.words != nil && !f.words.done {
			continue // the mark stays for what may follow later
		}
		next := desk.CloneMessage(f.original)
		next.Outdated, next.Pending = false, nil
		next.Events = slices.DeleteFunc(next.Events, func(e storage.Event) bool { return numbered[desk.EventID(e.EventID)] })
		if err := t.saveMessage(next); err != nil {
			return err
		}
		t.forgetEvents(f.original, next)
		delete(t.following, id)
		t.followed(next)
	}
	changed := map[ids.MessageKey]bool{}
	for event := range numbered {
		if id, known := t.caused[event]; known {
			changed[id] = true
		}
	}
	for id := range changed {
		original, err := t.Store.Message(t.Ctx, id)
		if err != nil {
			return fmt.Errorf("read a message: %w", err)
		}
		next := desk.CloneMessage(original)
		next.Events = slices.DeleteFunc(next.Events, func(e storage.Event) bool { return numbered[desk.EventID(e.EventID)] })
		if len(next.Events) < len(original.Events) {
			if err := t.saveMessage(next); err != nil {
				return err
			}
		}
		t.forgetEvents(original, next)
		if f := t.following[id]; f != nil {
			f.original = next
		}
	}
	return nil
}

// forgetEvents forgets the events that a message no longer holds.
func (t *ticket) forgetEvents(was, is *storage.Message) {
	for _, e := range desk.EventsSince(is.Events, was.Events) {
		delete(t.caused, desk.EventID(e.EventID))
	}
}
