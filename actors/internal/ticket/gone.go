package ticket

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// Topics that were deleted in Telegram, and chats in which the bot may not write (any more). Telegram sends no
// update about either: the first sign is a call that it refuses (docs/decisions.md, D22 and D23).

const (
	// deletedThreadsKept is how many deleted threads of a topic still count as the ticket's.
	deletedThreadsKept = 20
	// A topic that was created again goneAtMost times is given up when it is deleted within goneAgainWithin once
	// more.
	goneAtMost      = 5
	goneAgainWithin = 5 * time.Minute
)

// onTopicGone learns from a link that a thread is deleted.
func (t *ticket) onTopicGone(m *messages.TopicGone) error {
	if t.record == nil {
		return nil
	}
	topic := desk.TopicOf(t.record, m.TopicId)
	if topic == nil || topic.TelegramTopicID != m.ThreadId || topic.Revivals != m.Revivals {
		// The ticket knows already, but the link does not know that.
		for i := range t.record.Links {
			t.resumeLink(t.record.Links[i].LinkID)
		}
		return nil
	}
	return t.topicGone(m.TopicId)
}

// topicGone learns that a topic's thread is deleted, or seems so: where a group has switched its topics off, they all do,
// and are back when it switches them on. So Telegram is asked once more before another topic is created.
func (t *ticket) topicGone(topicID ids.TopicKey) error {
	topic := desk.TopicOf(t.record, topicID)
	switch {
	case topic.Unproven:
		return t.neverWas(topicID)
	case topic.Doubtful:
		return nil // the answer decides
	case messages.IsPrivate(topic.GroupID), topic.Name == "": // what shares the chat needs none; nothing to ask by
		return t.recreateTopic(topicID)
	case topic.Revivals > 0 && t.Now().Sub(topic.OpenedAt) < goneAgainWithin:
		return t.recreateTopic(topicID) // it is there, but takes no messages
	}
	t.forgetSteps(topicID)
	err := t.change(func(r *storage.Ticket) {
		desk.TopicOf(r, topicID).Doubtful = true
		r.LinksRevision++
	})
	if err != nil {
		return err
	}
	t.afterChange()
	return nil
}

// onChecked learns whether a topic that seemed to be deleted is there.
func (t *ticket) onChecked(s *step, outcome *messages.Outcome) error {
	topicID := s.ref.TopicId
	if outcome.GetResult() != messages.Outcome_DONE {
		return t.recreateTopic(topicID)
	}
	delete(t.enqueued, s.op.Id)
	delete(t.tries, s.op.Id)
	t.Log.Info("a topic that seemed to be deleted is there", "topic", topicID)
	err := t.change(func(r *storage.Ticket) {
		topic := desk.TopicOf(r, topicID)
		topic.Doubtful, topic.Suspended, topic.OpenedAt = false, "", t.now()
		topic.Revivals++
		r.LinksRevision++
	})
	if err != nil {
		return err
	}
	t.afterChange()
	return nil
}

// forgetSteps forgets the calls for a deleted thread.
func (t *ticket) forgetSteps(topicID ids.TopicKey) {
	for id, s := range t.enqueued {
		if s.ref.GetTopicId() == topicID {
			delete(t.enqueued, id)
		}
	}
}

// recreateTopic writes down that a topic's thread is deleted. The topic is then created again, with its card and
// the last messages, and what waits for it is delivered there.
func (t *ticket) recreateTopic(topicID ids.TopicKey) error {
	t.Log.Warn("a topic was deleted; it is created again", "topic", topicID)
	t.forgetSteps(topicID)
	err := t.change(func(r *storage.Ticket) {
		topic := desk.TopicOf(r, topicID)
		topic.FormerThreads = append(slices.Clone(topic.FormerThreads), topic.TelegramTopicID)
		if n := len(topic.FormerThreads); n > deletedThreadsKept {
			topic.FormerThreads = topic.FormerThreads[n-deletedThreadsKept:]
		}
		again := t.Now().Sub(topic.OpenedAt) < goneAgainWithin && topic.Generation >= goneAtMost
		topic.TelegramTopicID, topic.CardMessageID, topic.CardRevision, topic.MediaShown = 0, 0, 0, 0
		topic.CardDigest, topic.Context, topic.Posts = "", nil, nil
		topic.Icon, topic.IconPending, topic.IconAt, topic.IconByHand = messages.IconNone, false, time.Time{}, false
		topic.Pinned, topic.Introduced, topic.Adopted, topic.Closed, topic.Unsure = false, false, false, false, false
		topic.Doubtful = false
		topic.Generation++
		r.LinksRevision++
		r.CardRevision++
		switch {
		case again && messages.IsPrivate(topic.GroupID):
			t.shareChat(r, topic) // nothing is lost: it arrives in the chat itself
		case again:
			t.loseTopic(r, topic, "the topic is deleted again and again")
		}
	})
	if err != nil {
		return err
	}
	t.afterChange()
	return nil
}

// loseTopic gives up a topic that was deleted and can't be created again, together with what waits for it.
func (t *ticket) loseTopic(r *storage.Ticket, topic *storage.Topic, why string) {
	t.setFailure(r, topic, why)
	if link := desk.LinkOf(r, topic.TopicID); link != nil {
		link.Ended, link.EndSequence = true, max(t.finished[link.LinkID], link.BeginSequence)
		r.CardRevision++
	}
	t.notifyOthers(r, topic, messages.NoticeTopicLost, why, "lost")
	if topic.TopicID == desk.HomeTopic && desk.PrivateLink(r, "") != nil {
		t.giveUpHome(r, why)
	}
}

// notifyOthers makes a notice about one topic pending to every other topic of the ticket. Whoever writes in private hears of
// the home topic alone: which colleagues' groups there are is none of their business.
func (t *ticket) notifyOthers(r *storage.Ticket, topic *storage.Topic, key, why, cause string) {
	title, err := desk.GroupTitle(t.Ctx, t.Store, topic.GroupID)
	if err != nil {
		t.Log.Error("cannot read a group", "group", topic.GroupID, "error", err)
	}
	for _, other := range desk.TopicsOf(r) {
		sameGroup := other.GroupID == topic.GroupID
		inside := topic.TopicID != desk.HomeTopic && messages.IsPrivate(other.GroupID)
		if other.TopicID == topic.TopicID || !desk.IsOpened(other) || inside || key == messages.NoticeTopicSuspended && sameGroup {
			continue
		}
		notice := &messages.SendNoticeCall{Key: key, Args: map[string]string{"group": title, "why": why}}
		op := desk.OperationIn(r, other)
		op.Priority, op.Call = messages.Operation_ANSWER, &messages.Operation_SendNotice{SendNotice: notice}
		desk.AddPending(r, fmt.Sprintf("%s/%s/%d", cause, topic.TopicID, r.Version), op, 0)
	}
}

// onTopicSuspended learns that copies into a topic wait because the bot may not write there, or that they arrive again.
func (t *ticket) onTopicSuspended(m *messages.TopicSuspended) error {
	if t.record == nil {
		return nil
	}
	topic := desk.TopicOf(t.record, m.TopicId)
	if topic == nil || (topic.Suspended == "") == (m.Why == "") {
		return nil
	}
	if messages.IsPrivate(topic.GroupID) {
		return nil // the person's own entity says whether they can be reached
	}
	err := t.change(func(r *storage.Ticket) { t.setSuspended(r, desk.TopicOf(r, m.TopicId), m.Why) })
	if err != nil {
		return err
	}
	t.afterChange()
	return nil
}

// setSuspended writes down why the bot can't write in a topic, and notifies the other side; an empty why: it can
// again.
func (t *ticket) setSuspended(r *storage.Ticket, topic *storage.Topic, why string) {
	if messages.IsPrivate(topic.GroupID) {
		t.notifyReach(r, topic, why == "")
	}
	told := slices.ContainsFunc(desk.TopicsOf(r), func(x *storage.Topic) bool { // that of another colleague there
		return x.GroupID == topic.GroupID && x.TopicID != topic.TopicID && x.Suspended == why
	})
	if topic.Suspended == "" && why != "" && !messages.IsPrivate(topic.GroupID) && !topic.Unproven && !told {
		t.notifyOthers(r, topic, messages.NoticeTopicSuspended, why, "held")
	}
	topic.Suspended = why
	r.LinksRevision++
}

// onSuspended learns that one of the ticket's own operations waits until the bot may write in its chat.
func (t *ticket) onSuspended(m *messages.Suspended) error {
	s := t.enqueued[m.OperationId]
	if t.record == nil || s == nil || s.op.Version() != m.Version() {
		return nil
	}
	topic := t.topicOfStep(s)
	if topic == nil {
		return nil
	}
	return t.onTopicSuspended(&messages.TopicSuspended{TopicId: topic.TopicID, Why: m.Why})
}

// history is what a topic that is created again shows: the last messages that were sent in it or had arrived
// there. The others arrive as copies.
func (t *ticket) history(topic *storage.Topic) ([]storage.Message, error) {
	page, err := t.Store.LastMessages(t.Ctx, t.record.TicketID, 3*contextLines)
	if err != nil {
		return nil, fmt.Errorf("read messages: %w", err)
	}
	var lines []storage.Message
	link := desk.LinkOf(t.record, topic.TopicID)
	for i := len(page) - 1; i >= 0 && len(lines) < contextLines; i-- {
		m := &page[i]
		if hiddenIn(m, topic.TopicID) {
			continue
		}
		if m.TopicID != topic.TopicID && (link == nil || m.Sequence > link.BeginSequence) {
			c, err := t.Store.Copy(t.Ctx, m.MessageID, topic.TopicID)
			if errors.Is(err, storage.ErrNotFound) || err == nil && c.State != desk.CopySent {
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("read a copy: %w", err)
			}
		}
		lines = append(lines, *m)
	}
	slices.Reverse(lines)
	return lines, nil
}

// mayRecreate reports whether the topic is created again after a call found it deleted. The topic of a closed
// ticket is not, until there is a new message: whoever deleted it wanted it gone.
func (t *ticket) mayRecreate(s *step) bool {
	if kind := s.ref.GetKind(); kind == messages.TopicStep_CREATE || kind == messages.TopicStep_EDIT_CONTEXT {
		return false
	}
	topic := t.topicOfStep(s)
	if topic == nil || topic.Failure != "" {
		return false
	}
	kind := s.ref.GetKind()
	if kind == messages.TopicStep_RETRACT && t.hasLeft(topic.TopicID) {
		return false
	}
	return t.record.Status != desk.StatusClosed || kind == messages.TopicStep_CARD || kind == messages.TopicStep_CONTEXT
}

// topicOfStep is the topic that a call was for; nil if the ticket has no such topic.
func (t *ticket) topicOfStep(s *step) *storage.Topic {
	if s.ref == nil {
		return desk.TopicWith(t.record, s.op.Place, s.op.ThreadId)
	}
	return desk.TopicOf(t.record, s.ref.TopicId)
}

// onStepTopicGone creates the topic of a call again. If that has happened already, the call is repeated in the new
// thread.
func (t *ticket) onStepTopicGone(s *step) error {
	topic := t.topicOfStep(s)
	if topic.TelegramTopicID == s.op.ThreadId {
		if err := t.topicGone(topic.TopicID); err != nil {
			return err
		}
	}
	delete(t.enqueued, s.op.Id)
	t.reconcile()
	t.flushSoon()
	return nil
}

// redirect points a pending operation for a deleted thread at the thread that replaced it. It is not ok until
// there is one.
func (t *ticket) redirect(op *messages.Operation) (ok bool) {
	topic := desk.TopicWith(t.record, op.Place, op.ThreadId)
	if topic != nil && topic.Doubtful {
		return false
	}
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
