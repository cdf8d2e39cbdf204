package ticket

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// Topics that were deleted in Telegram, and places in which the bot may not write (any more). Telegram tells of neither by an
// update: a call that is refused is the first sign.

const (
	// formerThreadsKept is how many deleted threads of a topic stay the ticket's.
	formerThreadsKept = 20
	// A topic that vanishes again and again, each time before it is goneAgainWithin old, is given up with the goneAtMost'th.
	goneAtMost      = 5
	goneAgainWithin = 5 * time.Minute
)

// onTopicGone: a link has found that a thread is gone.
func (t *ticket) onTopicGone(m *messages.TopicGone) error {
	if t.record == nil {
		return nil
	}
	topic := desk.TopicOf(t.record, m.TopicId)
	if topic == nil || topic.TelegramTopicID != m.ThreadId {
		// It knows already, and the link does not know that.
		for i := range t.record.Links {
			t.Tell(messages.KindLink, t.record.Links[i].LinkID, &messages.ResumeLink{TicketId: t.record.TicketID, LinkId: t.record.Links[i].LinkID})
		}
		return nil
	}
	return t.openAgain(m.TopicId)
}

// openAgain writes down that a topic's thread is gone: it is wanted anew, with its card and the last messages, and what
// waits for it is delivered there.
func (t *ticket) openAgain(topicID string) error {
	t.Log.Warn("a topic was deleted; it is opened again", "topic", topicID)
	for id, s := range t.offered {
		if s.ref.GetTopicId() == topicID {
			delete(t.offered, id) // it was for the thread that is gone
		}
	}
	err := t.change(func(r *storage.Ticket) {
		topic := desk.TopicOf(r, topicID)
		topic.FormerThreads = append(slices.Clone(topic.FormerThreads), topic.TelegramTopicID)
		if n := len(topic.FormerThreads); n > formerThreadsKept {
			topic.FormerThreads = topic.FormerThreads[n-formerThreadsKept:]
		}
		again := t.Now().Sub(topic.OpenedAt) < goneAgainWithin && topic.Generation >= goneAtMost
		topic.TelegramTopicID, topic.CardMessageID, topic.CardRevision, topic.MediaShown = 0, 0, 0, 0
		topic.Pinned, topic.Introduced, topic.Adopted, topic.Closed, topic.Unsure = false, false, false, false, false
		topic.Generation++
		r.LinksRevision++
		r.CardRevision++
		if again {
			t.loseTopic(r, topic, "the topic is deleted again and again")
		}
	})
	if err != nil {
		return err
	}
	t.afterChange()
	return nil
}

// loseTopic gives up a topic that was deleted and can't be opened again. What waits for it is given up too.
func (t *ticket) loseTopic(r *storage.Ticket, topic *storage.Topic, why string) {
	topic.Failure = why
	r.LinksRevision++
	if link := desk.LinkOf(r, topic.TopicID); link != nil {
		link.Ended, link.EndSequence = true, max(t.settled[link.LinkID], link.BeginSequence)
		r.CardRevision++
	}
	t.tellOthers(r, topic, messages.NoticeTopicLost, why, "lost")
	if topic.TopicID == desk.HomeTopic && desk.PrivateLink(r, "") != nil {
		t.giveUpHome(r, why)
	}
}

// tellOthers tells every other topic of the ticket about one, once.
func (t *ticket) tellOthers(r *storage.Ticket, topic *storage.Topic, key, why, cause string) {
	title, err := desk.GroupTitle(t.Ctx, t.Store, topic.GroupID)
	if err != nil {
		t.Log.Error("a group can't be read", "group", topic.GroupID, "error", err)
	}
	for _, other := range desk.TopicsOf(r) {
		if other.TopicID == topic.TopicID || !desk.IsOpened(other) || key == messages.NoticeTopicHeld && other.GroupID == topic.GroupID {
			continue
		}
		op := &messages.Operation{Place: other.GroupID, ThreadId: other.TelegramTopicID, Lang: r.Language, Priority: messages.Operation_ANSWER,
			Call: &messages.Operation_SendNotice{SendNotice: &messages.SendNoticeCall{Key: key, Args: map[string]string{"group": title, "why": why}}}}
		owe(r, fmt.Sprintf("%s/%s/%d", cause, topic.TopicID, r.Version), op, 0)
	}
}

// onTopicHeld: copies into a topic wait since the bot may not write there, or arrive again.
func (t *ticket) onTopicHeld(m *messages.TopicHeld) error {
	if t.record == nil {
		return nil
	}
	topic := desk.TopicOf(t.record, m.TopicId)
	if topic == nil || (topic.Held == "") == (m.Why == "") || messages.IsPrivate(topic.GroupID) { // whether a person can be reached, their entity says
		return nil
	}
	err := t.change(func(r *storage.Ticket) { t.hold(r, desk.TopicOf(r, m.TopicId), m.Why) })
	if err != nil {
		return err
	}
	t.afterChange()
	return nil
}

// hold writes down that a topic can't be written to, and tells the other side; or that it can again.
func (t *ticket) hold(r *storage.Ticket, topic *storage.Topic, why string) {
	if messages.IsPrivate(topic.GroupID) {
		t.tellReach(r, topic, why == "")
	}
	if topic.Held == "" && why != "" && !messages.IsPrivate(topic.GroupID) {
		t.tellOthers(r, topic, messages.NoticeTopicHeld, why, "held")
	}
	topic.Held = why
	r.LinksRevision++
}

// onHeld: an operation of the ticket itself waits until the bot may write there.
func (t *ticket) onHeld(m *messages.Held) error {
	s := t.offered[m.OperationId]
	if t.record == nil || s == nil || s.op.Version() != m.Version() {
		return nil
	}
	topic := t.topicOfStep(s)
	if topic == nil {
		return nil
	}
	return t.onTopicHeld(&messages.TopicHeld{TopicId: topic.TopicID, Why: m.Why})
}

// history is what a topic that is opened again shows: the last messages that were said in it or had arrived there. What had
// not comes as copies.
func (t *ticket) history(topic *storage.Topic) ([]*messages.ContextLine, error) {
	page, err := t.Store.LastMessages(t.Ctx, t.record.TicketID, 3*contextLines)
	if err != nil {
		return nil, fmt.Errorf("read messages: %w", err)
	}
	var lines []*messages.ContextLine
	link := desk.LinkOf(t.record, topic.TopicID)
	for i := len(page) - 1; i >= 0 && len(lines) < contextLines; i-- {
		m := &page[i]
		if m.TopicID != topic.TopicID && (link == nil || m.Sequence > link.BeginSequence) {
			c, err := t.Store.Copy(t.Ctx, m.MessageID, topic.TopicID)
			if errors.Is(err, storage.ErrNotFound) || err == nil && c.State != desk.CopySent {
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("read a copy: %w", err)
			}
		}
		lines = append(lines, contextLineOf(m))
	}
	slices.Reverse(lines)
	return lines, nil
}

// onStepGone says whether a call that met a deleted topic makes the topic wanted anew. Of a closed ticket it does not, as long
// as nobody says anything more: whoever deleted its topic wanted it away.
func (t *ticket) onStepGone(s *step) bool {
	if s.ref.GetKind() == messages.TopicStep_CREATE {
		return false
	}
	topic := t.topicOfStep(s)
	if topic == nil || topic.Failure != "" {
		return false
	}
	kind := s.ref.GetKind()
	return t.record.Status != desk.StatusClosed || kind == messages.TopicStep_CARD || kind == messages.TopicStep_CONTEXT
}

// topicOfStep is the topic that a call was for.
func (t *ticket) topicOfStep(s *step) *storage.Topic {
	if s.ref == nil {
		return t.topicAt(s.op.Place, s.op.ThreadId)
	}
	return desk.TopicOf(t.record, s.ref.TopicId)
}

// topicOfStepGone opens the topic again for which a call was; if that is done already, the call is made in the new thread.
func (t *ticket) topicOfStepGone(s *step) error {
	topic := t.topicOfStep(s)
	if topic.TelegramTopicID == s.op.ThreadId {
		if err := t.openAgain(topic.TopicID); err != nil {
			return err
		}
	}
	delete(t.offered, s.op.Id)
	t.reconcile()
	t.settleSoon()
	return nil
}

// redirect points an owed operation that was for a deleted thread at the one that took its place; not ok while there is none.
func (t *ticket) redirect(op *messages.Operation) (ok bool) {
	topic := t.topicAt(op.Place, op.ThreadId)
	if topic == nil || topic.TelegramTopicID == op.ThreadId || topic.Failure != "" {
		return true
	}
	if !topic.Introduced {
		return false
	}
	if notice := op.GetSendNotice(); notice != nil {
		notice.ReplyTo = 0
	}
	op.ThreadId = topic.TelegramTopicID
	return true
}
