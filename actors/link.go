package actors

import (
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// link keeps one topic and the home topic of a ticket in step: it makes every copy into its topic, and its topic's copies
// into home. It owns the copies.
//
// Accepts  Copy, Change and ResumeLink (from its ticket), Done and Held (from chats), RetryCopy (somebody pressed "try again"), Wake
// Replies  to RetryCopy
// Emits    Send to chats, LinkSettled, Changed, ShowReaction, TopicGone and TopicHeld to its ticket
// Stops    after 10 idle minutes with nothing to copy
//
// What it owes is derived: the messages of the ticket between its beginning and its end that have no copy yet, and the changes
// of those that the ticket names.
type link struct {
	*host
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
	attempts int64                    // of words on failures: a later one's is never lower, or the chat would take it for out of date
	changes  map[string]*change       // by message id
	albumed  map[copyKey]storage.Copy // posted in an album, perhaps not written down
	reoffer  bool                     // the timer of offerAgain runs
	outdated bool                     // somebody else wrote a copy since this link was read
}

func newLink(h *host) entity { return &link{host: h} }

func (l *link) load() error {
	ticketID, _, found := strings.Cut(l.key.identity, ":")
	if !found {
		return nil
	}
	l.ticketID = ticketID
	l.failures, l.changes, l.reoffer = map[copyKey]*failure{}, map[string]*change{}, false
	l.outdated = false
	l.albumed = map[copyKey]storage.Copy{}
	if err := l.readTicket(); err != nil || !l.exists {
		return err
	}
	l.settled = max(l.spec.SettledSequence, l.spec.BeginSequence)
	l.out = newLane(l, l.spec.Topic.TopicID, l.settled)
	l.in = newLane(l, homeTopic, l.settled)
	return nil
}

// readTicket reads what the link must know of its ticket.
func (l *link) readTicket() error {
	record, err := l.store.Ticket(l.ctx, l.ticketID)
	if errors.Is(err, storage.ErrNotFound) {
		l.exists = false
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the ticket: %w", err)
	}
	l.exists = false
	l.topics = map[string]string{homeTopic: record.Home.GroupID}
	for _, spec := range record.Links {
		l.topics[spec.Topic.TopicID] = spec.Topic.GroupID
		if spec.LinkID == l.key.identity {
			l.spec, l.exists = spec, true
		}
	}
	l.private = privateLink(record, "") != nil
	l.revision, l.home, l.name = record.LinksRevision, record.Home, messages.TopicName(record.Title, record.ShortID)
	for _, n := range l.lanes() {
		if n.link != nil { // not while it is loaded
			n.follow()
		}
	}
	l.aliases = []string{l.key.identity}
	for _, former := range record.Links {
		if former.Ended && former.LinkID != l.key.identity && former.Topic.GroupID == l.spec.Topic.GroupID &&
			former.Topic.TelegramTopicID == l.spec.Topic.TelegramTopicID && l.spec.Topic.TelegramTopicID != 0 {
			l.aliases = append(l.aliases, former.LinkID)
		}
	}
	return l.readTitles(record)
}

// readTitles reads the groups' names when the ticket has more than two groups, so that copies say where they come from.
func (l *link) readTitles(record *storage.Ticket) error {
	l.titles = nil
	groups := map[string]bool{record.Home.GroupID: true}
	for _, x := range record.Links {
		if !x.Ended && !isAPILink(&x) && !isPrivate(x.Topic.GroupID) {
			groups[x.Topic.GroupID] = true
		}
	}
	if len(groups) <= 2 {
		return nil
	}
	titles := map[string]string{}
	for id := range groups {
		title, err := groupTitle(l.ctx, l.store, id)
		if err != nil {
			return err
		}
		titles[id] = title
	}
	l.titles = titles
	return nil
}

// resume reads what is owed: failures not shown yet, and messages without a copy.
func (l *link) resume() error {
	if !l.exists {
		return nil
	}
	open, err := l.store.OpenCopies(l.ctx, l.key.identity, openCopiesAtOnce)
	if err != nil {
		return fmt.Errorf("read open copies: %w", err)
	}
	for i := range open {
		if open[i].State != copyPartial {
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

// takeUp goes on with a copy that somebody asked to be tried again: it lies before what is read on.
func (l *link) takeUp(c *storage.Copy) error {
	lane := l.laneInto(c.TopicID)
	if c.Sequence > lane.seen {
		return nil
	}
	original, err := l.store.Message(l.ctx, c.MessageID)
	if err != nil {
		return fmt.Errorf("read the original: %w", err)
	}
	it := itemOfRecord(original)
	it.resume(original, c)
	lane.add(it)
	return nil
}

func (l *link) idle() bool {
	return !l.exists || len(l.failures) == 0 && len(l.changes) == 0 && l.out.empty() && l.in.empty()
}

func (l *link) receive(m any) (proto.Message, error) {
	if !l.exists {
		switch m.(type) {
		case *messages.ResumeLink, *messages.Copy, *messages.Change:
			if err := l.reload(); err != nil || !l.exists {
				return nil, err
			}
		}
	}
	switch m := m.(type) {
	case *messages.Copy:
		return nil, l.onCopy(m)
	case *messages.Change:
		if !l.exists {
			return nil, nil
		}
		return nil, l.onChange(m)
	case goOn:
		return nil, l.onGoOn(m)
	case *messages.ResumeLink:
		return nil, l.onResume()
	case *messages.Done:
		return nil, l.onDone(m)
	case *messages.Held:
		l.onHeld(m)
		return nil, nil
	case *messages.RetryCopy:
		return nil, l.onRetry(m)
	case *messages.GetLinkStatus:
		return l.status(), nil
	case *messages.Wake:
		return ok(), nil
	case gathered:
		return nil, l.onGathered(m)
	case outdated:
		if l.outdated {
			return nil, storage.ErrConflict // which has the link read again, or leave
		}
		return nil, nil
	case offerAgain:
		l.offerAllAgain()
		return nil, nil
	case *messages.QueueLost:
		if l.exists {
			l.offerOpen()
		}
		return nil, nil
	default:
		return answered(messages.Code_CONFLICT, "a link does not understand "+typeName(m)), nil
	}
}

// onCopy takes a message in. One that was told out of turn (the one before it was lost on the way), or for which there is
// no room, is read from storage.
func (l *link) onCopy(m *messages.Copy) error {
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
func (l *link) onResume() error {
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

// readOn reads what was said after the last messages seen, up to what the lanes hold. A lane that is full does not keep the
// other one waiting: it reads on by itself when there is room.
func (l *link) readOn() error {
	for {
		after, room := int64(0), false
		for _, n := range l.lanes() {
			if n.behind = n.full(); !n.behind && (!room || n.seen < after) {
				after, room = n.seen, true
			}
		}
		if !room {
			return nil
		}
		page, err := l.store.MessagesAfter(l.ctx, l.ticketID, after, pageOfMessages)
		if err != nil {
			return fmt.Errorf("read messages: %w", err)
		}
		if len(page) == 0 {
			return nil
		}
		copies, err := l.store.CopiesAfter(l.ctx, l.key.identity, after, 2*pageOfMessages)
		if err != nil {
			return fmt.Errorf("read copies: %w", err)
		}
		done := make(map[copyKey]storage.Copy, len(copies))
		for _, c := range copies {
			done[copyKey{c.MessageID, c.TopicID}] = c
			albumCopies(&c, l.albumed)
		}
		for i := range page {
			for _, n := range l.lanes() {
				if n.behind || page[i].Sequence <= n.seen {
					continue
				}
				n.seen = page[i].Sequence
				if n == l.laneFor(page[i].TopicID) && !page[i].Hidden() && l.covers(n.seen) && !n.nowhere() {
					if err := n.addUnlessDone(&page[i], done); err != nil {
						return err
					}
				}
			}
		}
		if len(page) < pageOfMessages {
			return nil
		}
	}
}

// covers says whether a message with that sequence belongs to the link.
func (l *link) covers(sequence int64) bool {
	return sequence > l.spec.BeginSequence && (!l.spec.Ended || sequence <= l.spec.EndSequence)
}

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

// offerAgain is the timer that offers once more what got no answer; the chat knows what it has already.
type offerAgain struct{}

func (l *link) offerAllAgain() {
	l.reoffer = false
	l.offerOpen()
	if !l.idle() {
		l.offerAgainLater()
	}
}

func (l *link) offerOpen() {
	l.out.offerAgain()
	l.in.offerAgain()
	for _, f := range l.failures {
		l.offerFailure(f)
	}
	l.changeAgain()
}

func (l *link) offerAgainLater() {
	if !l.reoffer {
		l.reoffer = true
		l.after(offerAgainAfter, offerAgain{})
	}
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
	l.tell(KindTicket, l.ticketID, &messages.LinkSettled{TicketId: l.ticketID, LinkId: l.key.identity, Sequence: settled})
	return nil
}

type copyKey struct{ messageID, topicID string }
