package link

import (
	"fmt"
	"strings"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/tracing"
)

// link is the entity that keeps one topic of a ticket and the ticket's home topic in step: it makes every copy into
// its topic, and the copies of what is written in its topic into home. It owns the copies. Kind lists the messages
// that it takes.
//
// Its pending work is derived (docs/decisions.md, D2): the messages of the ticket between the link's beginning and
// end that have no copy yet, and the changed messages that the ticket names. It emits Send to chats, and LinkProgress,
// Changed, ShowReaction, CopyFailed, RetryTaken, TopicGone and TopicSuspended to its ticket. It stops after 10 idle
// minutes with nothing to copy.
type link struct {
	*entity.Host
	room     *room
	ticketID ids.TicketID
	revision int64 // links_revision of the ticket that was read
	spec     storage.Link
	home     storage.Topic
	name     string                     // of the ticket, as its topics bear it
	topics   map[ids.TopicKey]ids.Place // of the ticket
	titles   map[ids.Place]string       // of groups; filled if names of groups are shown
	aliases  []ids.TopicKey             // its own id, and those of previous links with the same topic
	exists   bool
	private  bool // a topic of the ticket is somebody's private chat

	finished int64 // reported to the ticket
	out, in  lane  // into the link's topic; into home
	failures map[copyKey]*failure
	changes  map[ids.MessageKey]*change
	albumed  map[copyKey]storage.Copy // posted in an album, perhaps not written down
	outdated bool                     // somebody else wrote a copy since this link was read
	because  *tracing.Mark            // of what is read now
}

func (l *link) Load() error {
	ticketID, _, found := strings.Cut(l.ID, ":")
	if !found {
		return nil
	}
	l.ticketID = ticketID
	l.failures, l.changes = map[copyKey]*failure{}, map[string]*change{}
	l.outdated = false
	l.albumed = map[copyKey]storage.Copy{}
	if err := l.readTicket(); err != nil || !l.exists {
		return err
	}
	l.finished = max(l.spec.SettledSequence, l.spec.BeginSequence)
	l.out = newLane(l, l.spec.Topic.TopicID, l.finished)
	l.in = newLane(l, desk.HomeTopic, l.finished)
	return nil
}

// Resume reads what is pending: failures that are not shown yet, and messages without a copy.
func (l *link) Resume() error {
	if !l.exists {
		return nil
	}
	open, err := l.Store.OpenCopies(l.Ctx, l.ID, openCopiesAtOnce)
	if err != nil {
		return fmt.Errorf("read open copies: %w", err)
	}
	for i := range open {
		if open[i].State != desk.CopyPartial {
			l.showFailure(open[i])
		} else if err := l.resumeCopy(&open[i]); err != nil {
			return err
		}
	}
	if err := l.readOnNow(); err != nil {
		return err
	}
	l.enqueueAll()
	return l.report(false)
}

func (l *link) Idle() bool {
	return !l.exists || len(l.failures) == 0 && len(l.changes) == 0 && l.out.empty() && l.in.empty()
}

// onCopy accepts a message. A message that arrives out of order (the one before it was lost on the way), or for which
// there is no capacity, is read from storage.
func (l *link) onCopy(m *messages.Copy) error {
	if err := l.appear(); err != nil || !l.exists {
		return err
	}
	if m.LinksRevision > l.revision {
		if err := l.readTicket(); err != nil || !l.exists {
			return err
		}
	}
	into := l.laneFor(m.TopicId)
	for _, n := range l.lanes() {
		switch {
		case m.Sequence <= n.seen || n.moreStored: // known; or read when there is room
		case m.Previous > n.seen || n == into && n.full():
			if err := l.readOnNow(); err != nil {
				return err
			}
		default:
			n.seen = m.Sequence
			if n == into && l.covers(m.Sequence) && !n.isForPrograms() {
				it := itemOf(m)
				it.mark = l.Mark()
				n.add(it)
			}
		}
	}
	l.enqueueAll()
	return l.report(false)
}

// onResume reads the ticket again: a topic was opened, or the link has ended.
func (l *link) onResume(*messages.ResumeLink) error {
	if err := l.appear(); err != nil || !l.exists {
		return err
	}
	if err := l.readTicket(); err != nil || !l.exists {
		return err
	}
	if err := l.readOnNow(); err != nil {
		return err
	}
	for _, n := range l.lanes() {
		n.dropBeyondEnd()
	}
	l.enqueueAll()
	return l.report(true)
}

func (l *link) lanes() [2]*lane { return [2]*lane{&l.out, &l.in} }

// laneFor returns the lane into which a message from that topic is copied.
func (l *link) laneFor(topicID ids.TopicKey) *lane {
	if topicID == l.spec.Topic.TopicID {
		return &l.in
	}
	return &l.out
}

func (l *link) enqueueAll() {
	l.out.enqueue()
	l.in.enqueue()
}

// onOfferAgain enqueues once more what got no answer; the chat knows what it already has.
func (l *link) onOfferAgain(entity.EnqueueAgain) error {
	l.enqueueOpen()
	if !l.Idle() {
		l.EnqueueAgainLater()
	}
	return nil
}

func (l *link) enqueueOpen() {
	l.out.enqueueAgain()
	l.in.enqueueAgain()
	for _, f := range l.failures {
		l.enqueueFailure(f)
	}
	l.enqueueChangesAgain()
}

// onDone records how a call went, in one write: the counterpart.
func (l *link) onDone(m *messages.Done) error {
	if !l.exists {
		return nil
	}
	switch ref := m.Ref.GetWanted().(type) {
	case *messages.OperationRef_CopyPart:
		return l.onPosted(ref.CopyPart.MessageId, ref.CopyPart.TopicId, m)
	case *messages.OperationRef_CopyAlbum:
		return l.onPosted(ref.CopyAlbum.MessageId, ref.CopyAlbum.TopicId, m)
	case *messages.OperationRef_CopyChange:
		return l.onChangeDone(ref.CopyChange, m)
	case *messages.OperationRef_Failure:
		return l.onFailureShown(ref.Failure, m)
	}
	return nil
}

// onPosted handles the end of a call that posts a part of a copy, or an album of copies.
func (l *link) onPosted(messageID ids.MessageKey, topicID ids.TopicKey, m *messages.Done) error {
	lane := l.laneInto(topicID)
	if m.Outcome.GetResult() == messages.Outcome_TOPIC_DELETED && lane.onGone(messageID, m.Outcome.ThreadId) {
		return nil
	}
	var err error
	if album := m.Ref.GetCopyAlbum(); album != nil {
		err = lane.onAlbumDone(album, m)
	} else {
		err = lane.onPartDone(m.Ref.GetCopyPart(), m)
	}
	if err != nil {
		return err
	}
	lane.arrived(m.Outcome)
	if lane.moreStored {
		if err := l.readOn(); err != nil {
			return err
		}
	}
	l.enqueueAll()
	return l.report(false)
}

// report tells the ticket up to which message everything is finished: when nothing is left, or after many messages. A
// failure that its source has not been shown is not finished, so that the ticket wakes the link for it at the next
// start.
func (l *link) report(always bool) error {
	settled, left := min(l.out.seen, l.in.seen), len(l.failures) > 0
	for _, n := range l.lanes() {
		left = left || n.moreStored || !n.empty()
		if first, some := n.first(); some {
			settled = min(settled, first-1)
		}
	}
	for _, f := range l.failures {
		settled = min(settled, f.copy.Sequence-1)
	}
	if settled <= l.finished && !always || !always && left && settled-l.finished < reportEvery {
		return nil
	}
	l.finished = settled
	l.Tell(messages.KindTicket, l.ticketID, &messages.LinkProgress{TicketId: l.ticketID, LinkId: l.ID, Sequence: settled})
	return nil
}

// copyKey names the copy of a message in a topic.
type copyKey struct {
	messageID ids.MessageKey
	topicID   ids.TopicKey
}
