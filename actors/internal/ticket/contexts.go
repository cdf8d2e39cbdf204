package ticket

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// A topic is introduced by a post with the last messages. When one of them is edited or deleted, the post is edited: the
// topic's record says which post it is and which messages it shows, and the mark of the changed message stays until the
// post has followed (docs/decisions.md, D192).

// unknownRevision is that of a line of a post of which nobody knows what it shows.
const unknownRevision = -1

// contextTopics are the topics that may have such a post. That of a link that has ended stays where it is.
func (t *ticket) contextTopics() []*storage.Topic {
	topics := []*storage.Topic{&t.record.Home}
	for i := range t.record.Links {
		if !desk.IsAPILink(&t.record.Links[i]) {
			topics = append(topics, &t.record.Links[i].Topic)
		}
	}
	return topics
}

// hiddenIn says whether a post in a topic leaves a message out: it is deleted, or an internal note of another topic.
func hiddenIn(m *storage.Message, topicID ids.TopicKey) bool {
	return m.Deleted || m.Internal && m.TopicID != topicID
}

// lineOf is what a post in a topic shows of a message as it is now.
func lineOf(m *storage.Message, topicID ids.TopicKey) storage.ContextLine {
	return storage.ContextLine{MessageID: m.MessageID, Revision: m.ContentRevision, Hidden: hiddenIn(m, topicID)}
}

// contextDigest tells apart what posts show, so that a ticket learns from a chat what was posted.
func contextDigest(lines []storage.ContextLine) int64 {
	sum := fnv.New64a()
	for _, line := range lines {
		_, _ = sum.Write([]byte(line.MessageID))
		_, _ = sum.Write(binary.BigEndian.AppendUint64(nil, uint64(line.Revision)))
	}
	return int64(sum.Sum64() >> 1)
}

// contextPosted writes down which post introduces a topic. asked says that what it shows is what this activation asked
// for: a chat may have posted what an earlier one did.
func contextPosted(topic *storage.Topic, s *step, outcome *messages.Outcome, asked bool) {
	post := &storage.ContextPost{}
	topic.Context = post
	switch outcome.GetResult() {
	case messages.Outcome_DONE:
		post.MessageID, post.Lines = outcome.MessageId, s.shows
	case messages.Outcome_UNKNOWN: // it may be there, and can't be edited
		post.Lines = s.shows
	}
	if asked || post.MessageID == 0 {
		return
	}
	post.Lines = append(slices.Clone(s.shows), storage.ContextLine{})
	for i := range post.Lines {
		post.Lines[i].Revision = unknownRevision
	}
}

// isBehind reports whether a line of a topic's post is to show what has happened to its message. After a link's end only a
// deletion is shown.
func (t *ticket) isBehind(topic *storage.Topic, line storage.ContextLine) bool {
	if line.Revision == unknownRevision {
		return true
	}
	f := t.following[line.MessageID]
	switch {
	case f == nil:
		return false
	case t.hasLeft(topic.TopicID):
		return f.original.Deleted && !line.Hidden
	}
	return hiddenIn(f.original, topic.TopicID) != line.Hidden || !line.Hidden && desk.EditedSince(f.original, line.Revision)
}

// contextBehind reports whether a topic's post is to be edited.
func (t *ticket) contextBehind(topic *storage.Topic) bool {
	post := topic.Context
	doubtful := topic.Doubtful && !t.hasLeft(topic.TopicID) // of a link that has ended, nobody asks any more whether it is there
	return post != nil && post.MessageID != 0 && !doubtful &&
		slices.ContainsFunc(post.Lines, func(line storage.ContextLine) bool { return t.isBehind(topic, line) })
}

// contextLeft reports whether a post still shows, or may come to show, what a message said before it changed.
func (t *ticket) contextLeft(f *following) bool {
	for _, topic := range t.contextTopics() {
		if topic.Context == nil || topic.Context.MessageID == 0 {
			continue
		}
		for _, line := range topic.Context.Lines {
			if line.MessageID == f.original.MessageID && t.isBehind(topic, line) {
				return true
			}
		}
	}
	if !f.original.Hidden() && f.original.ContentRevision == 0 {
		return false
	}
	for _, s := range t.enqueued { // a post that may be on its way with the former words
		if s.ref.GetKind() == messages.TopicStep_CONTEXT {
			return true
		}
	}
	return false
}

// editContexts enqueues the edits of posts that are behind: one at a time for each, so the newest words come last.
func (t *ticket) editContexts() {
	for _, topic := range t.contextTopics() {
		if !t.contextBehind(topic) || t.isEditing(topic.TopicID) {
			continue
		}
		s, err := t.contextEdit(topic)
		if err != nil {
			t.Log.Error("the last messages in a topic can't be read; tried again", "topic", topic.TopicID, "error", err)
			t.reconcileLater()
			continue
		}
		t.enqueueStep(s)
	}
}

func (t *ticket) isEditing(topicID ids.TopicKey) bool {
	for _, s := range t.enqueued {
		if s.ref.GetKind() == messages.TopicStep_EDIT_CONTEXT && s.ref.TopicId == topicID {
			return true
		}
	}
	return false
}

// contextEdit makes the edit of a topic's post, with what its messages say now.
func (t *ticket) contextEdit(topic *storage.Topic) (*step, error) {
	ref := &messages.TopicStep{TicketId: t.record.TicketID, TopicId: topic.TopicID, Generation: topic.Generation,
		Kind: messages.TopicStep_EDIT_CONTEXT, ContextRevision: 1}
	call := &messages.EditContextCall{MessageId: topic.Context.MessageID}
	left := t.hasLeft(topic.TopicID)
	s := &step{ref: ref}
	for _, line := range topic.Context.Lines {
		m, err := t.Store.Message(t.Ctx, line.MessageID)
		if line.MessageID == "" || errors.Is(err, storage.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read a message: %w", err)
		}
		now := lineOf(m, topic.TopicID)
		if left && line.Revision != unknownRevision { // what was said since the end stays where it was said
			now.Revision, now.Hidden = line.Revision, line.Hidden || m.Deleted
			m = desk.MessageAt(m, line.Revision)
		}
		ref.ContextRevision += m.Revision
		s.shows = append(s.shows, now)
		if !now.Hidden {
			call.Lines = append(call.Lines, desk.ContextLineOf(m))
		}
	}
	s.op = desk.OperationIn(t.record, topic)
	s.op.Priority, s.op.Call = messages.Operation_ANSWER, &messages.Operation_EditContext{EditContext: call}
	s.op.SetRef(&messages.OperationRef{Wanted: &messages.OperationRef_TopicStep{TopicStep: ref}})
	return s, nil
}

// contextEdited writes down what a topic's post shows after an edit, or why it can't be edited.
func contextEdited(topic *storage.Topic, s *step, outcome *messages.Outcome) {
	if topic.Context == nil || topic.Context.MessageID != s.op.GetEditContext().GetMessageId() {
		return // of a topic that was opened again since
	}
	post := &storage.ContextPost{MessageID: topic.Context.MessageID, Lines: s.shows}
	if outcome.GetResult() != messages.Outcome_DONE {
		post.Failure = desk.ReasonOf(outcome)
	}
	if strings.Contains(strings.ToLower(post.Failure), "message to edit not found") {
		post = &storage.ContextPost{} // somebody has deleted it
	}
	topic.Context = post
}

// afterContextEdit goes on with the messages that waited for a post to follow.
func (t *ticket) afterContextEdit() {
	for _, f := range t.following {
		t.advance(f)
	}
}

// stillShown lists the groups in which a post still shows a message that was deleted, or may show it: it can't be edited, or
// was posted before posts were remembered.
func (t *ticket) stillShown(m *storage.Message) (groups []string) {
	for _, topic := range t.contextTopics() {
		post, shown := topic.Context, false
		link := desk.LinkOf(t.record, topic.TopicID)
		switch {
		case post != nil:
			shown = (post.Failure != "" || post.MessageID == 0) && slices.ContainsFunc(post.Lines,
				func(line storage.ContextLine) bool { return line.MessageID == m.MessageID })
		case !topic.Introduced:
		case topic.Generation > 0:
			shown = m.RecordedAt.Before(topic.OpenedAt)
		case link != nil:
			shown = m.Sequence <= link.BeginSequence && m.Sequence > link.BeginSequence-2*contextLines
		}
		if title := t.titleOf(topic.TopicID); shown && !slices.Contains(groups, title) {
			groups = append(groups, title)
		}
	}
	return groups
}

// showsLast reports whether a message in one of the ticket's topics is the post with the last messages.
func (t *ticket) showsLast(place ids.Place, messageID int64) bool {
	return messageID != 0 && slices.ContainsFunc(t.contextTopics(), func(topic *storage.Topic) bool {
		return topic.GroupID == place && topic.Context != nil && topic.Context.MessageID == messageID
	})
}
