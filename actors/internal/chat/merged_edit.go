package chat

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// This file edits merged messages. Several links may own copies in one message, and each knows only its own, so the
// text to show is read when the call is made. Calls into one topic are made one after the other, so the last of them
// shows everything.

// refresh returns the operation to call for an edit of a merged message: with the current text of its originals, or a
// deletion when none of them is left.
func (c *chat) refresh(op *messages.Operation) (*messages.Operation, error) {
	if op.GetEditMerged() == nil {
		return op, nil
	}
	op = proto.CloneOf(op)
	call := op.GetEditMerged()
	copies, err := c.Store.CopiesAt(c.Ctx, c.chatID, call.MessageId)
	if err != nil {
		return nil, fmt.Errorf("read the copies of a merged message: %w", err)
	}
	copies = slices.DeleteFunc(copies, func(x storage.Copy) bool {
		return x.Span == nil || x.State == desk.CopyGone
	})
	slices.SortStableFunc(copies, func(a, b storage.Copy) int { return cmp.Compare(a.Span.Index, b.Span.Index) })
	call.Copies, call.Originals, call.Indexes = nil, nil, nil
	for i := range copies {
		original, err := c.Store.Message(c.Ctx, copies[i].MessageID)
		if errors.Is(err, storage.ErrNotFound) || err == nil && original.Hidden() {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read an original of a merged message: %w", err)
		}
		if call.Ended {
			original = asShown(original, &copies[i])
		}
		one := partOfMerged(original, &copies[i])
		if copies[i].Span.Cut && original.MessageID != call.Own {
			one.Limit = copies[i].Span.Length
		}
		call.Copies = append(call.Copies, one)
		call.Originals = append(call.Originals, original.MessageID)
		call.Indexes = append(call.Indexes, copies[i].Span.Index)
	}
	if len(call.Copies) == 0 {
		op.Call = &messages.Operation_DeleteMessages{
			DeleteMessages: &messages.DeleteMessagesCall{MessageIds: []int64{call.MessageId}}}
	}
	return op, nil
}

// asShown is a message as its copy shows it, but that what it answers was deleted.
func asShown(original *storage.Message, stored *storage.Copy) *storage.Message {
	was := *desk.MessageAt(original, stored.Revision)
	was.ContentRevision = min(was.ContentRevision, stored.Revision) // nothing is edited
	if r := was.ReplyTo; r != nil && !r.Deleted {
		then := *r
		if then.Preview != stored.Preview {
			then.Preview, then.PreviewEntities = stored.Preview, nil
		}
		was.ReplyTo = &then
	}
	return &was
}

// partOfMerged is one message as a part of a merged one.
func partOfMerged(original *storage.Message, stored *storage.Copy) *messages.SendCopyCall {
	call := &messages.SendCopyCall{SenderName: original.Sender.Name, Content: desk.ContentOf(original),
		GroupTitle: stored.GroupTitle, Edited: stored.Edited || desk.EditedSince(original, stored.Revision)}
	desk.SetReference(call, stored, desk.ReplyOf(original))
	return call
}

// ownSpan adds to the outcome of an edit of a merged message where the part of its owner is now; nil when that part
// was removed.
func ownSpan(op *messages.Operation, outcome *messages.Outcome) *messages.Outcome {
	call := op.GetEditMerged()
	if call == nil || outcome.Result != messages.Outcome_DONE {
		return outcome
	}
	own := proto.CloneOf(outcome)
	own.Spans = nil
	if i := slices.Index(call.Originals, call.Own); i >= 0 && i < len(outcome.Spans) {
		own.Span = outcome.Spans[i]
	}
	return own
}
