package link

import (
	"slices"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/storage"
)

// lane is one direction of a link: the copies into one topic, in the order of their originals.
type lane struct {
	link          *link
	topicID       ids.TopicKey
	seen          int64 // every message up to it was read or has arrived
	moreStored    bool  // storage holds messages for which there was no capacity
	items         []*item
	enqueued      int                                      // items at the front that the chat has
	recent        *desk.Recent[ids.MessageKey, messageRef] // message id → its counterpart in this topic
	outOfOrder    int                                      // how many items are
	albums        *desk.Recent[string, ids.MessageKey]     // by key: first message of an album that has left
	failing       string                                   // the last reason, until a copy arrives: it is explained once
	thread        int64                                    // of the topic, as it was last known
	deletedThread int64                                    // that thread, when it was deleted
	revivals      int64                                    // how often it was there after all, as was last known
	suspended     bool                                     // the ticket knows that the bot may not write there
}

func newLane(l *link, topicID ids.TopicKey, seen int64) lane {
	n := lane{link: l, topicID: topicID, seen: seen}
	topic, _ := n.target()
	n.thread, n.revivals = topic.TelegramTopicID, topic.Revivals
	return n
}

func (n *lane) empty() bool { return len(n.items) == 0 }
func (n *lane) full() bool  { return len(n.items) >= laneLimit }

// first is the lowest sequence that waits: the first item's, unless some items at the end are out of order.
func (n *lane) first() (sequence int64, some bool) {
	for i, it := range n.items {
		if i == 0 || it.sequence < sequence {
			sequence = it.sequence
		}
		if n.outOfOrder == 0 {
			break
		}
	}
	return sequence, len(n.items) > 0
}

func (n *lane) add(it *item) {
	if n.gather(it) {
		return
	}
	n.items = append(n.items, it)
	if it.stored != nil && it.stored.Tries > 0 {
		it.outOfOrder = true
	}
	if it.outOfOrder {
		n.outOfOrder++
	}
	n.link.EnqueueAgainLater()
}

// addUnlessDone adds a message that was read, unless its copy is made or was given up.
func (n *lane) addUnlessDone(m *storage.Message, done map[copyKey]storage.Copy) error {
	if at, _ := n.find(m.MessageID); at >= 0 {
		return nil // known: the lane reads again (onHomeMayOpen)
	}
	it := itemOfRecord(m)
	it.mark = n.link.because
	stored, found := done[copyKey{it.messageID, n.topicID}]
	if !found {
		c, err := n.copyInAlbum(it)
		if err != nil {
			return err
		}
		if found = c != nil; found {
			stored = *c
		}
	}
	if found && stored.Unopened && n.link.home.Failure == "" {
		delete(n.link.failures, copyKey{it.messageID, n.topicID})
		stored = *again(stored)
	}
	if found {
		n.noteAlbum(albumKey(it), it.messageID)
		if stored.State != desk.CopyPartial {
			return nil
		}
		it.resume(m, &stored) // the rest of its parts is pending
	}
	n.add(it)
	return nil
}

// dropBeyondEnd drops what was accepted after the link's end, before the link knew of its end.
func (n *lane) dropBeyondEnd() {
	beyond := func(it *item) bool { return !n.link.covers(it.sequence) }
	for _, it := range n.items[n.enqueued:] {
		if it.album != nil && !beyond(it) {
			it.album.parts = slices.DeleteFunc(it.album.parts, beyond)
			n.gatherLater(it.album)
		}
	}
	waiting := slices.DeleteFunc(n.items[n.enqueued:], beyond)
	n.items = n.items[:n.enqueued+len(waiting)]
}

// target is the topic that the lane's copies go to; ready says that copies may go there.
func (n *lane) target() (topic *storage.Topic, ready bool) {
	topic = &n.link.spec.Topic
	if n.topicID == desk.HomeTopic {
		topic = &n.link.home
	}
	lost := n.deletedThread != 0 && topic.TelegramTopicID == n.deletedThread
	return topic, desk.IsOpened(topic) && !lost && !topic.Doubtful && !topic.Unproven &&
		(topic.Introduced || topic.Adopted) && topic.Failure == ""
}

// enqueue gives the chat as many copies as the window holds.
func (n *lane) enqueue() {
	topic, ready := n.target()
	if !ready {
		n.giveUp(topic)
		return
	}
	for n.enqueued < len(n.items) && n.enqueued < laneWindow {
		if n.enqueued > 0 && n.items[n.enqueued-1].holdsBack() {
			return
		}
		if a := n.items[n.enqueued].album; a != nil && !a.ready {
			return
		} else if a != nil && !a.formed {
			n.formAlbum(n.enqueued)
		}
		it := n.items[n.enqueued]
		if !n.prepare(it) {
			return
		}
		n.enqueued++
		n.enqueueItem(topic, n.enqueued-1)
	}
}

func (n *lane) enqueueAgain() {
	topic, ready := n.target()
	if n.deletedThread != 0 && topic.TelegramTopicID == n.deletedThread {
		n.tellGone()
	}
	if !ready {
		n.giveUp(topic)
		return
	}
	for at := range n.enqueued {
		n.enqueueItem(topic, at)
	}
	n.enqueue()
}

// prepare looks up what the copy needs. It returns false if the copy must wait because the message that it replies to
// is itself enqueued.
func (n *lane) prepare(it *item) bool {
	if it.replyTo != nil && it.replyID == 0 && it.reference == nil {
		if n.isEnqueued(answeredKey(it.replyTo)) {
			return false
		}
		replyID, waits, err := n.counterpart(it)
		if err != nil {
			n.link.Log.Error("the counterpart of a reply can't be read; the copy quotes instead",
				"message", it.messageID, "error", err)
		}
		if waits {
			return false
		}
		it.replyID = replyID
		if replyID != 0 && it.replyTo.Quote != "" {
			n.checkQuote(it)
		}
		if replyID == 0 {
			it.reference = it.replyTo
		}
	}
	if it.parts == 0 && it.sent() > 0 {
		it.parts = it.stored.Wanted // the rest is cut where the beginning was
	}
	n.count(it)
	if it.album != nil {
		for _, x := range it.album.parts[1:] {
			x.reference = it.reference
			n.count(x)
		}
	}
	return true
}

// count finds out how many parts a copy takes.
func (n *lane) count(it *item) {
	if it.parts == 0 {
		it.parts = n.link.messagesFor(n.call(it, 0))
	}
}

func (n *lane) isEnqueued(messageID ids.MessageKey) bool {
	at, _ := n.find(messageID)
	return at >= 0 && at < n.enqueued
}

// find finds a message that waits or is enqueued, and its index in the lane: the album's, for a part of an album.
func (n *lane) find(messageID ids.MessageKey) (at int, it *item) {
	for at, it := range n.items {
		if it.album != nil {
			if part := it.album.part(messageID); part != nil {
				return at, part
			}
		} else if it.messageID == messageID {
			return at, it
		}
	}
	return -1, nil
}

// isForPrograms says that the lane's topic is not in Telegram but the one in which programs write: nothing is copied
// into it.
func (n *lane) isForPrograms() bool {
	return n.topicID != desk.HomeTopic && desk.IsAPILink(&n.link.spec)
}

// remove takes an enqueued item out of the lane.
func (n *lane) remove(at int) {
	it := n.items[at]
	n.items = append(n.items[:at], n.items[at+1:]...)
	n.enqueued--
	n.left(it)
}
