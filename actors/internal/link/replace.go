package link

import (
	"slices"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// takeContent changes what is still to be posted, and says whether the message waits or is enqueued. What the chat
// already has is replaced there, unless it has called it or it takes several messages before or after; then the edit
// is made once the copy is posted.
func (n *lane) takeContent(said *storage.Message) (waits bool) {
	at, it := n.find(said.MessageID)
	switch {
	case at < 0:
		return false
	case said.Hidden() && at >= n.enqueued:
		n.drop(at, it)
		return false
	case it.sent() > 0, said.ContentRevision <= it.shows && !said.Hidden():
	case said.Hidden():
		n.withdrawItem(at, it)
	case at >= n.enqueued:
		it.content, it.shows, it.parts = desk.ContentOf(said), said.ContentRevision, 0
		n.answerAnew(it, said)
	case n.items[at].album == nil:
		n.replace(at, it, said)
	}
	return true
}

// drop takes an item out of the lane that is not enqueued yet.
func (n *lane) drop(at int, it *item) {
	first := n.items[at]
	if a := first.album; a != nil && len(a.parts) > 1 {
		a.parts = slices.DeleteFunc(a.parts, func(part *item) bool { return part == it })
		if it == first {
			it.album, a.parts[0].album = nil, a
			n.items[at] = a.parts[0]
		}
		a.formed = false // another part bears the name, perhaps
		n.gatherLater(a) // the timer that runs is that of an album with more parts
		n.left(it)
		return
	}
	n.items = append(n.items[:at], n.items[at+1:]...)
	n.left(it)
}

// replace gives the chat another text for what waits there.
func (n *lane) replace(at int, it *item, said *storage.Message) {
	former := *it
	it.content, it.shows = desk.ContentOf(said), said.ContentRevision
	n.answerAnew(it, said)
	parts := n.link.messagesFor(n.call(it, 0))
	if former.parts > 1 || parts > 1 || albumKey(it) != "" {
		*it = former
		return
	}
	if topic, ready := n.target(); ready {
		n.enqueueItem(topic, at)
	}
}

// withdrawItem withdraws what the chat has and may not have posted yet. An album is deleted once it is posted.
func (n *lane) withdrawItem(at int, it *item) {
	if it.withdrawn || n.items[at].album != nil {
		return
	}
	it.withdrawn = true
	for part := range it.parts {
		n.withdraw(it, part)
	}
}

// withdraw withdraws a part that the chat may not have posted yet.
func (n *lane) withdraw(it *item, part int) {
	topic, _ := n.target()
	op := n.operation(topic, it, part)
	op.Call = &messages.Operation_Withdraw{Withdraw: &messages.WithdrawCall{}}
	n.link.Enqueue(op)
}

// addLate adds a message that is not the newest: its copy comes behind those that wait.
func (n *lane) addLate(it *item) error {
	n.add(it)
	n.link.finished = min(n.link.finished, it.sequence-1)
	n.enqueue()
	return nil
}

// itemAnew is a message whose copy was deleted and is wanted again.
func itemAnew(said *storage.Message, stored *storage.Copy) *item {
	it, c := itemOfRecord(said), *stored
	c.Parts, c.Wanted, c.State, c.Revision, c.Reason, c.Reported = nil, 0, desk.CopyPartial, 0, "", false
	c.Tries++
	it.stored = &c
	return it
}

// left is called when an item has left the lane, with the other parts of its album: changes of their messages go on.
func (n *lane) left(it *item) {
	gone := []*item{it}
	if a := it.album; a != nil {
		for _, part := range a.parts {
			if part != it {
				gone = append(gone, part)
			}
		}
	}
	for _, it := range gone {
		if it.outOfOrder {
			n.outOfOrder--
		}
		if c := n.link.changes[it.messageID]; c != nil {
			n.link.Note(goOn{it.messageID})
		}
	}
}

// goOn is the link's message to itself to see what a copy still needs.
type goOn struct{ messageID string }

func (l *link) onGoOn(m goOn) error {
	if c := l.changes[m.messageID]; c != nil {
		return l.advance(c)
	}
	return nil
}

// mayBeCovered says whether a medium can have a spoiler.
func mayBeCovered(m *messages.Media) bool {
	switch m.GetKind() {
	case messages.MediaPhoto, messages.MediaVideo, messages.MediaAnimation, messages.MediaLivePhoto:
		return true
	}
	return false
}

// sameCover says whether two contents show the same medium, with a spoiler or without.
func sameCover(a, b *messages.Media) bool {
	return a.GetKind() == b.GetKind() && a.GetHasSpoiler() == b.GetHasSpoiler() &&
		(a.GetFileUniqueId() != "" && a.GetFileUniqueId() == b.GetFileUniqueId() || a.GetFileId() == b.GetFileId())
}

// movable says whether a medium that can't be replaced can be brought up to date: a live location that moves or ends,
// a poll that is closed.
func movable(former, now *messages.Media) bool {
	return former.GetLocation().GetLivePeriod() > 0 && now.GetKind() == messages.MediaLocation ||
		now.GetPoll().GetIsClosed() && !former.GetPoll().GetIsClosed()
}

// replaces says whether the message lost the medium that its copy shows. No edit takes a medium out: the copy is deleted,
// and what is left is posted anew.
func replaces(said *storage.Message, stored *storage.Copy) bool {
	if stored.Revision >= said.ContentRevision || stored.State == desk.CopyGone {
		return false
	}
	before, now := messages.ShapeOf(contentAt(said, stored.Revision)), messages.ShapeOf(desk.ContentOf(said))
	return before != messages.ShapeText && now != before
}
