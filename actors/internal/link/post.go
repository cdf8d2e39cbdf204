package link

import (
	"errors"
	"fmt"
	"time"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// messagesFor is how many messages a copy takes.
func (l *link) messagesFor(call *messages.SendCopyCall) int {
	return max(1, l.room.Telegram.Parts(&messages.Operation{Call: &messages.Operation_SendCopy{SendCopy: call}}))
}

// call renders one part of a copy.
func (n *lane) call(it *item, part int) *messages.SendCopyCall {
	call := &messages.SendCopyCall{SenderName: it.sender, Content: it.content, Part: int32(part), Bare: it.bare}
	if part == 0 {
		call.ReplyTo = it.replyID
		if it.replyID != 0 && !it.replyTo.Deleted {
			call.Quote, call.QuoteEntities, call.QuotePosition = it.replyTo.Quote, it.replyTo.QuoteEntities, it.quoteAt
			call.MergedPreview = it.replyTo.Preview
		}
	}
	call.GroupTitle, call.Hushed = n.titleOf(it), n.hushes(it)
	if part > 0 && it.shape() == messages.ShapeCaptioned {
		call.After = mainPart(it.stored)
	}
	if it.sent() > 0 {
		call.GroupTitle, call.Bare = it.stored.GroupTitle, it.stored.Bare
		desk.SetReference(call, it.stored, it.replyTo)
		return call
	}
	head, answered := it.head(), it.replyTo
	if it.reference != nil { // an album's first part says what all of it answers
		answered = it.reference
	}
	desk.SetReference(call, &head, answered)
	return call
}

// posting is an operation at the copy's position in the topic.
func (n *lane) posting(topic *storage.Topic, it *item, part int) *messages.Operation {
	order := it.order
	if order == 0 {
		order = it.sequence * 1000
	}
	return &messages.Operation{Waits: true, Place: topic.GroupID, ThreadId: topic.TelegramTopicID,
		Order:      order + int64(part),
		ReceivedMs: it.receivedMs}
}

// operation posts one part of a copy.
func (n *lane) operation(topic *storage.Topic, it *item, part int) *messages.Operation {
	op := n.posting(topic, it, part)
	op.SetRef(n.partRef(it, part))
	op.Attempt, op.Content = it.attempt(), it.shows
	call := n.call(it, part)
	n.giveTurn(call, it, it.turn)
	op.Call = &messages.Operation_SendCopy{SendCopy: call}
	return op
}

// partRef names the posting of one part of a copy.
func (n *lane) partRef(it *item, part int) *messages.OperationRef {
	return &messages.OperationRef{Wanted: &messages.OperationRef_CopyPart{CopyPart: &messages.CopyPart{
		MessageId: it.messageID, TopicId: n.topicID, Part: int32(part)}}}
}

// titleOf is the name of the group in which the message was written, where copies show that. In a private chat it is
// the ticket instead: who else is on the desk stays hidden (docs/decisions.md, D20).
func (n *lane) titleOf(it *item) string {
	if n.topicID == desk.HomeTopic || !messages.IsPrivate(n.link.spec.Topic.GroupID) {
		return n.link.titles[n.link.topics[it.topicID]]
	}
	if it.label == nil {
		label := n.link.labelOf()
		it.label = &label
	}
	return *it.label
}

// onPartDone records the outcome of one part. The item leaves the lane once all its parts are posted, or when it is
// given up.
func (n *lane) onPartDone(ref *messages.CopyPart, m *messages.Done) error {
	at, it := n.find(ref.MessageId)
	if at < 0 || at >= n.enqueued {
		return nil // answered twice
	}
	part := int(ref.Part)
	if part != it.sent() || part == 0 && n.items[at].album != nil {
		return nil
	}
	next, outcome := n.firstCopyOf(it), m.Outcome
	if len(next.Parts) == 0 {
		if next.Span = spanOf(outcome); next.Span != nil && it.replyID != 0 {
			next.Preview = it.replyTo.Preview
		}
	}
	switch {
	case m.Withdrawn && len(next.Parts) == 0:
		n.remove(at)
		return nil
	case m.Withdrawn: // what is posted of it is deleted again
		next.State, next.Wanted = desk.CopySent, len(next.Parts)
	case outcome.GetResult() == messages.Outcome_DONE:
		next.Parts = append(append([]int64(nil), next.Parts...), outcome.MessageId)
		next.ChatID, next.SentAt = outcome.ChatId, n.link.Now().UTC().Truncate(time.Millisecond)
		next.State, next.Revision = desk.CopyPartial, m.Content
		if len(next.Parts) >= it.parts {
			next.State = desk.CopySent
			if it.content.GetIsProtected() {
				next.Reason = reasonProtected // reported to the source
			}
		}
	default:
		next.State, next.Reason = desk.CopyFailed, desk.ReasonOf(outcome)
	}
	if err := n.save(&next); err != nil {
		return err
	}
	it.stored = &next
	n.noteFinished(it, outcome)
	if n.items[at].album != nil {
		return n.albumGoesOn(at)
	}
	if next.State == desk.CopyPartial {
		if topic, ready := n.target(); ready && part == 0 && it.shape() == messages.ShapeCaptioned {
			n.enqueueItem(topic, at) // the rest of the caption
		}
		return nil
	}
	n.remove(at)
	return nil
}

// firstCopyOf is the copy's record to go on with; the record of a new copy says how it begins.
func (n *lane) firstCopyOf(it *item) storage.Copy {
	next := n.copyOf(it)
	if len(next.Parts) == 0 {
		next.Wanted, next.GroupTitle = it.parts, n.titleOf(it)
		head := it.head()
		next.Preview, next.PreviewKind, next.Reference, next.Withheld = head.Preview, head.PreviewKind, head.Reference, head.Withheld
		next.Main, next.Bare = it.main(), it.bare
	}
	return next
}

// noteFinished remembers where a copy is, or shows at its source that it is nowhere.
func (n *lane) noteFinished(it *item, outcome *messages.Outcome) {
	switch next := *it.stored; next.State {
	case desk.CopySent:
		n.link.room.copies.WithLabelValues(desk.CopySent).Inc()
		if next.Reason != "" {
			n.link.showFailure(next)
		} else {
			n.failing = ""
		}
		if n.recent == nil {
			n.recent = desk.NewRecent[ids.MessageKey, messageRef](recentCopies)
		}
		n.recent.Put(it.messageID, messageRef{next.ChatID, mainPart(&next)})
		if next.Tries > 0 {
			n.link.Tell(messages.KindTicket, n.link.ticketID, &messages.ShowReaction{MessageId: it.messageID})
		}
	case desk.CopyFailed:
		n.link.room.copies.WithLabelValues(outcome.GetResult().String()).Inc()
		n.link.showFailure(next)
	}
}

func (n *lane) copyOf(it *item) storage.Copy {
	if it.stored != nil {
		return *it.stored
	}
	topic, _ := n.target()
	return storage.Copy{MessageID: it.messageID, TopicID: n.topicID, TicketID: n.link.ticketID, LinkID: n.link.ID,
		Sequence: it.sequence, GroupID: topic.GroupID}
}

// save writes a copy; a copy that another activation wrote is a conflict.
func (n *lane) save(c *storage.Copy) error {
	err := n.link.Written(n.link.Store.SaveCopy(n.link.Ctx, c))
	if errors.Is(err, storage.ErrExists) {
		return fmt.Errorf("%w: copy of %s into %s", storage.ErrConflict, c.MessageID, c.TopicID)
	}
	if err != nil {
		return fmt.Errorf("save a copy: %w", err)
	}
	return nil
}
