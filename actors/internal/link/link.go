package link

import (
	"fmt"
	"strings"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// link keeps one topic and the home topic of a ticket in step: it makes every copy into its topic, and its topic's copies
// into home. It owns the copies.
//
// Accepts  Copy, Change and ResumeLink (from its ticket), Done and Held (from chats), RetryCopy (somebody pressed "try again"), Wake
// Replies  to RetryCopy
// Emits    Send to chats, LinkSettled, Changed, ShowReaction, RetryTaken, TopicGone and TopicHeld to its ticket
// Stops    after 10 idle minutes with nothing to copy
//
// What it owes is derived: the messages of the ticket between its beginning and its end that have no copy yet, and the changes
// of those that the ticket names.
type link struct {
	*entity.Host
	room     *room
	ticketID string
	revision int64 // links_revision of the ticket that was read
	spec     storage.Link
	home     storage.Topic
	name     string            // of the ticket, as its topics bear it
	topics   map[string]string // group id of each topic of the ticket, by topic id
	titles   map[string]string // by group id; filled when names of groups are shown
	aliases  []string          // its own id, and those of former links with the same topic
	exists   bool
	private  bool // a topic of the ticket is somebody's private chat

	settled  int64 // told to the ticket
	out, in  lane  // into the link's topic; into home
	failures map[copyKey]*failure
	attempts int64                    // of words on failures; never lower for a later one, which would count as out of date
	changes  map[string]*change       // by message id
	albumed  map[copyKey]storage.Copy // posted in an album, perhaps not written down
	outdated bool                     // somebody else wrote a copy since this link was read
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
	l.settled = max(l.spec.SettledSequence, l.spec.BeginSequence)
	l.out = newLane(l, l.spec.Topic.TopicID, l.settled)
	l.in = newLane(l, desk.HomeTopic, l.settled)
	return nil
}

// Resume reads what is owed: failures not shown yet, and messages without a copy.
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
		} else if err := l.takeUp(&open[i]); err != nil {
			return err
		}
	}
	if err := l.readOn(); err != nil {
		return err
	}
	l.offerAll()
	return l.report(false)
}

func (l *link) Idle() bool {
	return !l.exists || len(l.failures) == 0 && len(l.changes) == 0 && l.out.empty() && l.in.empty()
}

// onCopy takes a message in. One that was told out of turn (the one before it was lost on the way), or for which there is
// no room, is read from storage.
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
		case m.Sequence <= n.seen || n.behind: // known; or read when there is room
		case m.Previous > n.seen || n == into && n.full():
			if err := l.readOn(); err != nil {
				return err
			}
		default:
			n.seen = m.Sequence
			if n == into && l.covers(m.Sequence) && !n.nowhere() {
				n.add(itemOf(m))
			}
		}
	}
	l.offerAll()
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
	if err := l.readOn(); err != nil {
		return err
	}
	for _, n := range l.lanes() {
		n.dropBeyondEnd()
	}
	l.offerAll()
	return l.report(true)
}

func (l *link) lanes() [2]*lane { return [2]*lane{&l.out, &l.in} }

// laneFor returns the lane into which a message said in that topic is copied.
func (l *link) laneFor(topicID string) *lane {
	if topicID == l.spec.Topic.TopicID {
		return &l.in
	}
	return &l.out
}

func (l *link) offerAll() {
	l.out.offer()
	l.in.offer()
}

// onOfferAgain offers once more what got no answer; the chat knows what it has already.
func (l *link) onOfferAgain(entity.OfferAgain) error {
	l.offerOpen()
	if !l.Idle() {
		l.OfferAgainLater()
	}
	return nil
}

func (l *link) offerOpen() {
	l.out.offerAgain()
	l.in.offerAgain()
	for _, f := range l.failures {
		l.offerFailure(f)
	}
	l.changeAgain()
}

// onDone writes down how a call went: one write, the counterpart.
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

// onPosted: the call that posts a part of a copy, or an album of copies, is over.
func (l *link) onPosted(messageID, topicID string, m *messages.Done) error {
	lane := l.laneInto(topicID)
	if m.Outcome.GetResult() == messages.Outcome_TOPIC_GONE && lane.onGone(messageID, m.Outcome.ThreadId) {
		return nil
	}
	var err error
	if album := m.Ref.GetCopyAlbum(); album != nil {
		err = lane.settleAlbum(album, m)
	} else {
		err = lane.settle(m.Ref.GetCopyPart(), m)
	}
	if err != nil {
		return err
	}
	lane.arrived(m.Outcome)
	if lane.behind {
		if err := l.readOn(); err != nil {
			return err
		}
	}
	l.offerAll()
	return l.report(false)
}

// report tells the ticket how far everything is settled: when nothing is left, or after many. A failure that its source does
// not know of yet is not settled: the ticket wakes the link for it at the next start.
func (l *link) report(always bool) error {
	settled, left := min(l.out.seen, l.in.seen), len(l.failures) > 0
	for _, n := range l.lanes() {
		left = left || n.behind || !n.empty()
		if first, some := n.first(); some {
			settled = min(settled, first-1)
		}
	}
	for _, f := range l.failures {
		settled = min(settled, f.copy.Sequence-1)
	}
	if settled <= l.settled && !always || !always && left && settled-l.settled < reportEvery {
		return nil
	}
	l.settled = settled
	l.Tell(messages.KindTicket, l.ticketID, &messages.LinkSettled{TicketId: l.ticketID, LinkId: l.ID, Sequence: settled})
	return nil
}

type copyKey struct{ messageID, topicID string }
