package link

import (
	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/tracing"
)

// item is a message on its way into one topic.
type item struct {
	messageID  ids.MessageKey
	sequence   int64
	topicID    ids.TopicKey // where it was written
	sender     string
	content    *messages.Content
	replyTo    *messages.ReplyTo
	receivedMs int64
	sinceMs    int64 // when it was said, as far as is known

	taken bool            // somebody takes care of the ticket
	turn  *messages.Named // they, if they are to answer since this message

	album *album // what it is the first part of
	bare  bool   // another part of its album bears the sender's name
	order int64  // within the topic; 0: by its sequence

	shows      int64 // the content's revision
	outOfOrder bool  // not in the order of the lane: tried again, or a message only now
	withdrawn  bool  // not to be posted any more, if it is not too late

	parts     int               // 0: not counted yet
	replyID   int64             // its reply's counterpart, once looked up
	quoteAt   int32             // where the quote begins in the answered message, if that is known
	label     *string           // which ticket it is of, where the topic is a private chat; nil: not looked up
	reference *messages.ReplyTo // what it answers, if nothing stands for that in the topic: its head shows it
	stored    *storage.Copy
	mark      *tracing.Mark // because of which it is copied
}

func itemOf(m *messages.Copy) *item {
	return &item{messageID: m.MessageId, sequence: m.Sequence, topicID: m.TopicId, sender: m.Sender.GetName(),
		content: m.Content, replyTo: m.ReplyTo, receivedMs: m.ReceivedMs, sinceMs: m.ReceivedMs, taken: m.Taken, turn: m.Turn}
}

func itemOfRecord(m *storage.Message) *item {
	it := &item{messageID: m.MessageID, sequence: m.Sequence, topicID: m.TopicID, sender: m.Sender.Name,
		content: desk.ContentOf(m), sinceMs: desk.MillisOf(m.RecordedAt), shows: m.ContentRevision,
		taken: m.Taken, turn: desk.NamedOf(m.Turn)}
	it.replyTo = desk.ReplyOf(m)
	return it
}

// resume goes on with what is stored of a copy. A copy of which a part was posted goes on with the text that it began
// with, since the rest is cut where the beginning was.
func (it *item) resume(m *storage.Message, c *storage.Copy) {
	it.stored = c
	if len(c.Parts) > 0 {
		it.content, it.shows = contentAt(m, c.Revision), c.Revision
	}
}

// sent is how many parts are posted.
func (it *item) sent() int {
	if it.stored == nil {
		return 0
	}
	return len(it.stored.Parts)
}

// postable is how many parts can be enqueued. The rest of a caption replies to the message that bears the medium, so
// it waits for that message's id.
func (it *item) postable() int {
	if it.parts > 1 && it.sent() == 0 && it.shape() == messages.ShapeCaptioned {
		return 1
	}
	return it.parts
}

// holdsBack says whether nothing behind the item may be enqueued yet: what is still to be posted of it depends on the
// answer to its call.
func (it *item) holdsBack() bool {
	if it.album != nil {
		return !it.album.written()
	}
	return it.postable() < it.parts
}

// head says what a new copy's head shows of the message that the original answers.
func (it *item) head() storage.Copy { return desk.HeadOf(it.reference) }

func (it *item) shape() messages.Shape { return messages.ShapeOf(it.content) }

// main is the index of the part that stands for the original: the medium, where a text with the sender's name comes
// before it.
func (it *item) main() int {
	if it.shape() == messages.ShapeLabelled {
		return 1
	}
	return 0
}

// attempt tells a copy that is retried from the one that failed, which the chat remembers.
func (it *item) attempt() int64 {
	if it.stored == nil {
		return 0
	}
	return it.stored.Tries
}
