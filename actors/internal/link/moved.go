package link

import (
	"errors"
	"fmt"
	"slices"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// What a lane does when its topic is deleted and opened again, and when the bot may not write there
// (docs/decisions.md, D22 and D23).

// messageRef is a message in Telegram.
type messageRef struct{ chat, id int64 }

func refOf(messageID string) messageRef {
	chatID, id, _ := messages.ParseMessageKey(messageID)
	return messageRef{chatID, id}
}

// onGone handles a copy whose topic is deleted. The lane waits until the ticket has another topic, and begins there
// with what has not arrived. It returns false where no topic will be opened again, as for an ended link.
func (n *lane) onGone(messageID string, thread int64) bool {
	topic, _ := n.target()
	if n.link.spec.Ended && n.topicID != desk.HomeTopic || topic.Failure != "" || thread == 0 {
		return false
	}
	switch {
	case topic.TelegramTopicID == thread:
		n.deletedThread, n.enqueued = thread, 0
		n.tellGone()
		n.link.EnqueueAgainLater() // and tells it again, should it be lost
	case !desk.IsOpened(topic): // it is being opened
	default: // this copy was on its way to the former one
		for at, it := range n.items[:n.enqueued] {
			if it.messageID == messageID {
				n.enqueueItem(topic, at)
			}
		}
	}
	return true
}

func (n *lane) tellGone() {
	n.link.Tell(messages.KindTicket, n.link.ticketID, &messages.TopicGone{
		TicketId: n.link.ticketID, TopicId: n.topicID, ThreadId: n.deletedThread, Revivals: n.revivals})
}

// follow takes note that the topic has another thread: everything that is in flight begins again there. A copy of
// which some parts were posted in the previous thread is posted as a whole.
func (n *lane) follow() {
	topic, _ := n.target()
	if topic.Suspended == "" {
		n.suspended = false
	}
	if topic.Revivals != n.revivals {
		n.revivals, n.deletedThread = topic.Revivals, 0
	}
	if !desk.IsOpened(topic) || topic.TelegramTopicID == n.thread {
		return
	}
	former := n.thread
	n.thread = topic.TelegramTopicID
	if former == 0 {
		return
	}
	n.enqueued, n.recent, n.albums = 0, nil, nil
	var items []*item
	for _, it := range n.items {
		if a := it.album; a != nil && it.sent() > 0 { // posted there as a whole: what is missing of it is posted by itself
			for _, part := range a.parts {
				if part.stored != nil && part.stored.State == desk.CopyPartial {
					part.album, part.bare = nil, false
					items = append(items, part)
				}
			}
			continue
		}
		items = append(items, it)
	}
	n.items = items
	for _, it := range n.items {
		n.anew(it)
		if it.album != nil {
			for _, part := range it.album.parts[1:] {
				n.anew(part)
			}
		}
	}
}

// anew has a copy's counterpart looked up again, and the copy posted as a whole.
func (n *lane) anew(it *item) {
	it.replyID = 0
	if it.sent() == 0 {
		it.parts = 0 // a beginning of what it answers may come before it
		return
	}
	again := *it.stored
	again.Parts, again.Wanted, again.State, again.Album, again.Span = nil, 0, desk.CopyPartial, nil, nil
	again.Tries++ // chats remember the parts that they posted
	it.stored, it.parts = &again, 0
}

// reachable is the id of a message in the lane's topic; 0 if nothing can reply to it any more, because it is in a
// topic that was deleted, or in the chat that the group was before it got its present id.
func (n *lane) reachable(at messageRef) (id int64, err error) {
	topic, _ := n.target()
	// A group's topic bears the id of its first message; in a private chat, the first known message is the card.
	first := topic.TelegramTopicID
	if messages.IsPrivate(topic.GroupID) {
		first = topic.CardMessageID - 1
	}
	if topic.Generation > 0 && at.id <= first {
		return 0, nil
	}
	group, err := n.link.Store.Group(n.link.Ctx, topic.GroupID)
	if errors.Is(err, storage.ErrNotFound) {
		return at.id, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read the group: %w", err)
	}
	if at.chat != 0 && at.chat != group.TelegramGroupID {
		return 0, nil
	}
	return at.id, nil
}

// giveUp gives up what waits for a home topic that can't be opened, so that each source gets a notice with a button
// to retry. (A linked topic that can't be opened ends its link.) Tickets of private chats wait instead: their persons
// are asked to try again.
func (n *lane) giveUp(topic *storage.Topic) {
	if n.topicID != desk.HomeTopic || topic.Failure == "" || n.link.private {
		return
	}
	for len(n.items) > n.enqueued {
		it := n.items[n.enqueued]
		parts := []*item{it}
		if it.album != nil {
			parts = it.album.parts
		}
		for _, x := range parts {
			err := n.giveUpOne(x, topic.Failure)
			if errors.Is(err, storage.ErrConflict) {
				n.link.outdated = true
				n.link.Note(outdated{})
				return
			}
			if err != nil {
				n.link.Log.Error("a copy can't be given up yet; tried again", "message", x.messageID, "error", err)
				n.link.EnqueueAgainLater()
				return
			}
		}
		n.items = slices.Delete(n.items, n.enqueued, n.enqueued+1)
		n.left(it)
	}
	if n.moreStored {
		n.link.Note(&messages.ResumeLink{}) // reads on
	}
}

// outdated is the link's message to itself that a write showed its records to be old.
type outdated struct{}

// onOutdated has the link read again, or leave.
func (l *link) onOutdated(outdated) error {
	if l.outdated {
		return storage.ErrConflict
	}
	return nil
}

func (n *lane) giveUpOne(it *item, why string) error {
	if it.stored != nil && it.stored.State != desk.CopyPartial {
		return nil // of an album: written down before a fault of storage
	}
	next := n.firstCopyOf(it)
	next.State, next.Reason, next.Unopened = desk.CopyFailed, why, true
	if err := n.save(&next); err != nil {
		return err
	}
	it.stored = &next
	n.noteFinished(it, &messages.Outcome{Result: messages.Outcome_REJECTED})
	return nil
}

// onHomeMayOpen has the lane read again from the first copy that giveUp gave up, and tells the ticket. From then on
// those copies are pending, because the home topic has no failure any more (addUnlessDone).
func (l *link) onHomeMayOpen(m *messages.RetryCopy) error {
	if err := l.readTicket(); err != nil || !l.exists {
		return err
	}
	first, err := l.firstUnopened()
	if err != nil {
		return err
	}
	if l.home.Failure != "" {
		first = 0 // once more; the ticket will ask once more, too
	}
	if n := &l.in; first > 0 {
		for at := len(n.items) - 1; at >= n.enqueued; at-- {
			if it := n.items[at]; it.sequence >= first {
				n.items = slices.Delete(n.items, at, at+1)
				n.left(it)
			}
		}
		n.seen, n.failing = min(n.seen, first-1), ""
		l.finished = min(l.finished, first-1)
		if err := l.readOn(); err != nil {
			return err
		}
	}
	l.Tell(messages.KindTicket, l.ticketID, &messages.RetryTaken{
		CommandId: m.Origin.GetCommandId(), Again: first > 0, Sequence: first})
	l.enqueueAll()
	return l.report(false)
}

// firstUnopened is the sequence of the first message whose copy was given up because the home topic could not be
// opened; 0 if there is none.
func (l *link) firstUnopened() (int64, error) {
	for after := int64(0); ; {
		page, err := l.Store.FailedCopies(l.Ctx, l.ID, after, desk.PageOfMessages)
		if err != nil {
			return 0, fmt.Errorf("read failed copies: %w", err)
		}
		for i := range page {
			if after = page[i].Sequence; page[i].Unopened {
				return after, nil
			}
		}
		if len(page) < desk.PageOfMessages {
			return 0, nil
		}
	}
}

// again is a copy that was given up, to be tried again.
func again(c storage.Copy) *storage.Copy {
	c.State, c.Reason, c.Reported, c.Unopened = desk.CopyPartial, "", false, false
	c.Tries++
	return &c
}

// onSuspended hears that a copy waits because the bot may not write there. The ticket tells the other side, once.
func (l *link) onSuspended(m *messages.Suspended) error {
	topicID := m.Ref.GetCopyPart().GetTopicId()
	if topicID == "" {
		topicID = m.Ref.GetCopyAlbum().GetTopicId()
	}
	if !l.exists || topicID == "" {
		return nil
	}
	n := l.laneInto(topicID)
	if topic, _ := n.target(); n.suspended || topic.Suspended != "" {
		return nil
	}
	n.suspended = true
	l.Tell(messages.KindTicket, l.ticketID, &messages.TopicSuspended{TicketId: l.ticketID, TopicId: topicID, Why: m.Why})
	return nil
}

// arrived notes that a copy was posted: the bot may write there.
func (n *lane) arrived(outcome *messages.Outcome) {
	topic, _ := n.target()
	if outcome.GetResult() != messages.Outcome_DONE || !n.suspended && topic.Suspended == "" {
		return
	}
	n.suspended = false
	n.link.Tell(messages.KindTicket, n.link.ticketID, &messages.TopicSuspended{TicketId: n.link.ticketID, TopicId: n.topicID})
}

// spanOf is where a copy stands in a merged message; nil for a message of its own.
func spanOf(o *messages.Outcome) *storage.Span {
	if s := o.GetSpan(); s != nil {
		return &storage.Span{Offset: s.Offset, Length: s.Length, Index: s.Index, Cut: s.Cut}
	}
	return nil
}
