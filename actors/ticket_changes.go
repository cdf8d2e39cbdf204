package actors

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// What happens to a message after it was said: an edit, a reaction, a deletion is one write of the message's record, with the
// former version, the event, and the mark that its copies are behind. The links bring their copies after it, the ticket
// brings what the bot shows on the original; when all have, the mark goes. A restart finds the messages by the mark.

const (
	formerKept     = 50      // versions of a message: the first, and the newest
	formerBytes    = 1 << 18 // of their texts
	reactionsKept  = 50
	changesHandled = 128 // ids of changes that a message remembers: more than one batch of updates
	openAtOnce     = 10_000
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

// changeable are the commands about a message that was said.
type changeable interface {
	command
	GetMessageId() string
}

// onChange carries out an edit or a reaction.
func (t *ticket) onChange(m changeable, f func(next *storage.Message) (*storage.Event, bool)) (proto.Message, error) {
	if t.record == nil {
		return answered(messages.Code_NOT_FOUND, "no such ticket"), nil
	}
	said, err := t.store.Message(t.ctx, m.GetMessageId())
	if errors.Is(err, storage.ErrNotFound) || err == nil && said.TicketID != t.record.TicketID {
		return answered(messages.Code_NOT_FOUND, "the ticket has no such message"), nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the message: %w", err)
	}
	if topic := topicOf(t.record, said.TopicID); topic == nil || t.hasLeft(said.TopicID) {
		return answered(messages.Code_WRONG_TOPIC, "the topic is not the ticket's any more"), nil
	}
	if said.Deleted || slices.Contains(said.Handled, m.GetOrigin().GetCommandId()) {
		return duplicate(), nil
	}
	return t.changeMessage(said, m.GetOrigin(), f)
}

// hasLeft says whether a topic was unlinked.
func (t *ticket) hasLeft(topicID string) bool {
	link := linkOf(t.record, topicID)
	return link != nil && link.Ended
}

// changeMessage writes a message with a change, and lets everything follow from it. f says what changes, and whether
// anything that is shown does.
func (t *ticket) changeMessage(said *storage.Message, o *messages.Origin, f func(*storage.Message) (*storage.Event, bool)) (proto.Message, error) {
	next := cloneMessage(said)
	event, shown := f(next)
	if event == nil && !shown {
		return ok(), nil // nothing that anybody sees has changed
	}
	// The sweep must find the ticket before it owes anything.
	if t.record.DueAt.IsZero() {
		if err := t.change(func(*storage.Ticket) {}); err != nil {
			return nil, err
		}
	}
	next.Revision++
	next.ChangedAfter, next.Behind = t.sequence, next.Behind || shown
	next.Handled = remember(next.Handled, o.GetCommandId(), changesHandled)
	if event != nil {
		event.EventID, event.TicketID, event.At = event.Type+"/"+o.GetCommandId(), t.record.TicketID, t.changedAt()
		next.Events = append(next.Events, *event)
	}
	if err := t.fileChanged(said, next); err != nil {
		return nil, err
	}
	if err := t.saveMessage(next); err != nil {
		return nil, err
	}
	if event != nil {
		t.unnumbered = append(t.unnumbered, *event)
		t.caused[event.EventID] = next.MessageID
	}
	t.lastSaid = t.now()
	t.follow(next)
	t.settleSoon()
	return &messages.Reply{Code: messages.Code_OK, TicketId: t.record.TicketID}, nil
}

func (t *ticket) changedAt() time.Time { return t.now().UTC().Truncate(time.Millisecond) }

func (t *ticket) saveMessage(m *storage.Message) error {
	if err := t.store.SaveMessage(t.ctx, m); err != nil {
		return fmt.Errorf("save a message: %w", err)
	}
	return nil
}

func cloneMessage(m *storage.Message) *storage.Message {
	next := *m
	next.Former, next.Reactions, next.Owed = slices.Clone(m.Former), slices.Clone(m.Reactions), slices.Clone(m.Owed)
	next.Events, next.Handled = slices.Clone(m.Events), slices.Clone(m.Handled)
	return &next
}

// onEdit keeps the former version and takes the new one.
func (t *ticket) onEdit(m *messages.EditMessage) (proto.Message, error) {
	return t.onChange(m, func(next *storage.Message) (*storage.Event, bool) {
		at := time.UnixMilli(m.EditedMs).UTC()
		if sameContent(contentOf(next), m.Content) && next.Internal == m.Internal || at.Before(next.EditedAt) {
			return nil, false
		}
		next.Former = former(next.Former, storage.Former{Revision: next.ContentRevision, Text: next.Text, Entities: next.Entities, Media: next.Media,
			Internal: next.Internal, Until: t.changedAt()})
		hidden := next.Hidden()
		setContent(next, m.Content)
		next.Internal, next.EditedAt, next.ContentRevision = m.Internal, at, next.Revision+1
		return &storage.Event{Type: "message.edited", Data: editedData(next, next.Revision+1)}, !hidden || !next.Hidden()
	})
}

// sameContent says whether nobody sees a difference. The id of a file may be another each time it is shown.
func sameContent(was, is *messages.Content) bool {
	if a, b := was.GetMedia(), is.GetMedia(); a.GetFileUniqueId() != "" && a.GetFileUniqueId() == b.GetFileUniqueId() {
		was = proto.CloneOf(was)
		was.Media.FileId, was.Media.ThumbnailFileId, was.Media.PhotoFileId = b.FileId, b.ThumbnailFileId, b.PhotoFileId
	}
	return proto.Equal(was, is)
}

// former adds a version to those that are kept: the first one stays, of the others the newest do.
func former(kept []storage.Former, v storage.Former) []storage.Former {
	kept = append(kept, v)
	size := func() (n int) {
		for _, f := range kept {
			n += len(f.Text)
		}
		return n
	}
	for len(kept) > formerKept || len(kept) > 2 && size() > formerBytes {
		kept = slices.Delete(kept, 1, 2)
	}
	return kept
}

// onReact takes a person's reactions to a message, at the original or at one of its copies.
func (t *ticket) onReact(m *messages.React) (proto.Message, error) {
	return t.onChange(m, func(next *storage.Message) (*storage.Event, bool) {
		at, by := t.topicOfMessage(next, m.Origin.GetPlace(), m.Origin.GetChatId(), m.AtMessageId), senderOf(m.Origin)
		theirs := func(r storage.Reaction) bool { return r.By.Kind == by.Kind && r.By.ID == by.ID && r.TopicID == at }
		is := storage.Reaction{By: by, TopicID: at, At: t.changedAt()}
		for _, e := range m.Emojis { // of several the first that a bot can set
			if is.Emoji == "" && is.CustomEmojiID == "" || is.Emoji == "" && e.Emoji != "" {
				is.Emoji, is.CustomEmojiID = e.Emoji, e.CustomEmojiId
			}
		}
		was := slices.IndexFunc(next.Reactions, theirs)
		if len(m.Emojis) == 0 && was < 0 || was >= 0 && next.Reactions[was].Emoji == is.Emoji && next.Reactions[was].CustomEmojiID == is.CustomEmojiID && len(m.Emojis) > 0 {
			return nil, false
		}
		before := next.Reactions
		next.Reactions = slices.DeleteFunc(slices.Clone(before), theirs)
		if len(m.Emojis) > 0 {
			next.Reactions = append(next.Reactions, is)
			next.Reactions = next.Reactions[max(0, len(next.Reactions)-reactionsKept):]
		}
		return &storage.Event{Type: "message.reacted", Data: reactedData(next, is)}, !next.Hidden()
	})
}

// topicOfMessage finds the topic in which a Telegram message stands that is the original, or a copy of it.
func (t *ticket) topicOfMessage(said *storage.Message, place string, chatID, messageID int64) string {
	if said.MessageID == messageKey(chatID, messageID) {
		return said.TopicID
	}
	copies, err := t.store.CopiesAt(t.ctx, chatID, messageID)
	if err != nil {
		t.log.Error("the copies of a message can't be read", "message", said.MessageID, "error", err)
	}
	for i := range copies {
		if copies[i].MessageID == said.MessageID {
			return copies[i].TopicID
		}
	}
	for _, topic := range topicsOf(t.record) {
		if topic.GroupID == place {
			return topic.TopicID
		}
	}
	return said.TopicID
}

// reactionAt is the reaction that the bot shows in a topic: the newest that somebody made elsewhere and a bot can set.
func reactionAt(m *storage.Message, topicID string) string {
	if m.Hidden() {
		return ""
	}
	for i := len(m.Reactions) - 1; i >= 0; i-- {
		if r := &m.Reactions[i]; r.TopicID != topicID && r.Emoji != "" {
			return r.Emoji
		}
	}
	return ""
}

// ---- what follows

// loadChanges finds the messages that something is still to be done about.
func (t *ticket) loadChanges() error {
	open, err := t.store.OpenMessages(t.ctx, t.record.TicketID, openAtOnce)
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
	f := &following{said: m, left: map[string]bool{}, failed: map[string]string{}, done: map[messages.MessageStep_Kind]string{}}
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
	t.offerAgainLater()
}

func (t *ticket) tellChange(f *following) {
	for id := range f.left {
		t.tell(KindLink, id, &messages.Change{TicketId: t.record.TicketID, LinkId: id, MessageId: f.said.MessageID,
			Revision: f.said.Revision, LinksRevision: t.record.LinksRevision})
	}
}

// tellChangesAgain does so for what got no answer.
func (t *ticket) tellChangesAgain() {
	for _, f := range t.following {
		t.tellChange(f)
		if f.op != nil {
			t.offer(f.op)
		} else {
			t.ownStep(f)
		}
	}
}

// onChanged: a link's copy shows a revision.
func (t *ticket) onChanged(m *messages.Changed) {
	f := t.following[m.MessageId]
	if f == nil || m.Revision < f.said.Revision {
		return
	}
	delete(f.left, m.LinkId)
	if m.Failure != "" {
		f.failed[m.LinkId] = m.Failure
	}
	t.ownStep(f)
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
		t.log.Error("what a message still needs can't be read; tried again", "message", f.said.MessageID, "error", err)
		t.offerAgainLater()
	case op != nil:
		f.op = op
		t.offer(op)
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
	topic := topicOf(t.record, m.TopicID)
	if topic != nil && !t.hasLeft(m.TopicID) {
		op.Place, op.ThreadId = topic.GroupID, topic.TelegramTopicID
	}
	if m.Deleted {
		return t.deletionStep(f, op)
	}
	if op.Place == "" {
		return nil, nil
	}
	want := reactionAt(m, m.TopicID)
	if want == m.Shown {
		return nil, nil
	}
	failing, err := t.showsFailure(m)
	if err != nil || failing {
		return nil, err // the word that it did not arrive matters more
	}
	op.SetRef(f.stepRef(messages.MessageStep_REACT))
	op.Call = &messages.Operation_React{React: &messages.ReactCall{MessageId: telegramID(m.MessageID), Emoji: want}}
	return op, nil
}

// showsFailure says whether the bot's reaction on the original tells that a copy was given up.
func (t *ticket) showsFailure(m *storage.Message) (bool, error) {
	copies, err := t.store.CopiesOf(t.ctx, m.MessageID)
	if err != nil {
		return false, fmt.Errorf("read copies: %w", err)
	}
	return slices.ContainsFunc(copies, func(c storage.Copy) bool { return c.State == copyFailed }), nil
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
		t.offerAgainLater()
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

// onShowReaction: the word about a failure may go; what people react shows again.
func (t *ticket) onShowReaction(m *messages.ShowReaction) error {
	if t.record == nil {
		return nil
	}
	said, err := t.store.Message(t.ctx, m.MessageId)
	if errors.Is(err, storage.ErrNotFound) || err == nil && said.TicketID != t.record.TicketID {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the message: %w", err)
	}
	_, err = t.changeMessage(said, &messages.Origin{CommandId: "shown:" + strconv.FormatInt(said.Revision, 10)},
		func(next *storage.Message) (*storage.Event, bool) {
			next.Shown = failureEmoji
			return nil, !next.Deleted
		})
	return err
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
		said, err := t.store.Message(t.ctx, id)
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
