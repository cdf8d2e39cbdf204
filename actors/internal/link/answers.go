package link

import (
	"slices"
	"strings"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/storage"
)

// What a copy shows of the message that its original answers, where that has no counterpart. When that message is edited
// or deleted, its ticket changes what the original answers (docs/decisions.md, D193), and the copy follows.

// formerKept is how many parts of a copy that were deleted are remembered.
const formerKept = 50

// isLate says that the link had ended when the message changed last. Then nothing of it is shown here any more, but that
// what it answers was deleted.
func (n *lane) isLate(said *storage.Message) bool {
	return n.changedSinceEnd(said) && !said.Hidden()
}

func (n *lane) changedSinceEnd(said *storage.Message) bool {
	spec := &n.link.spec
	return spec.Ended && n == &n.link.out && said.ChangedAfter > spec.EndSequence
}

// wordsBehind says whether a copy may show words of the answered message that are not today's.
func wordsBehind(said *storage.Message, stored *storage.Copy, late bool) bool {
	if !desk.ShowsAnswered(said, stored) {
		return false
	}
	return said.ReplyTo.Deleted && !stored.Withheld || !late && stored.Revision < said.ContentRevision
}

// labelBehind is wordsBehind for the text before a medium, which shows nothing else that changes.
func labelBehind(said *storage.Message, stored *storage.Copy, late bool) bool {
	return wordsBehind(said, stored, late) &&
		(said.ReplyTo.Preview != stored.Preview || said.ReplyTo.Deleted && !stored.Withheld || said.ReplyTo.ItemGone)
}

// answerAnew has what waits show what is now known of the message that it answers.
func (n *lane) answerAnew(it *item, said *storage.Message) {
	if it.replyTo = desk.ReplyOf(said); it.replyTo == nil {
		return
	}
	if it.reference != nil {
		it.reference = it.replyTo
	}
	if it.replyID != 0 && it.replyTo.Quote != "" {
		n.checkQuote(it)
	}
}

// wordsShown writes down what a copy shows now of what its original answers.
func (c *change) wordsShown(next *storage.Copy) {
	if c.answer == nil {
		return
	}
	if next.Reference {
		next.PreviewKind = c.answer.MediaKind
	}
	if next.Reference || next.Preview != "" {
		next.Preview = c.answer.Preview
	}
	next.Withheld = c.answer.Deleted
}

// wordsStay records that a copy goes on showing words of the answered message, unless the copy is gone as well.
func (n *lane) wordsStay(next *storage.Copy, c *change, why string) {
	if strings.Contains(strings.ToLower(why), "message to edit not found") { // somebody has deleted it
		c.wordsShown(next)
		return
	}
	n.link.Log.Warn("a copy still shows former words of what it answers", "message", next.MessageID, "topic", next.TopicID,
		"why", why)
	n.link.room.copies.WithLabelValues("edit").Inc()
}

// formerParts are the parts of a copy that were deleted before, and those that are now.
func formerParts(c *storage.Copy, gone []int64) []int64 {
	former := append(slices.Clone(c.Former), gone...)
	return former[max(0, len(former)-formerKept):]
}
