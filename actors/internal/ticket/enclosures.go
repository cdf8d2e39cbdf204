package ticket

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// What a ticket's description has besides text is shown below the card, in every topic but the private chat that it
// came from. Parts of an album that are known when the card is there go together; a part that comes later goes alone
// (docs/decisions.md, D67).

// mediaTogether is how many media an album has at most (Bot API, sendMediaGroup).
const mediaTogether = 10

// enclose adds enclosures to a ticket, each message's once. It returns those that are new.
func enclose(r *storage.Ticket, enclosures []*messages.Enclosure) (added []storage.Enclosure) {
	had := desk.EnclosuresOf(r.Enclosures)
	fresh := messages.JoinEnclosures(had, enclosures, false)[len(had):]
	added = desk.EnclosuresToStore(desk.SplitCaptions(fresh))
	r.Enclosures = append(r.Enclosures[:len(r.Enclosures):len(r.Enclosures)], added...)
	return added
}

// onEnclose adds to the description what came too late for OpenTicket.
func (t *ticket) onEnclose(m *messages.Enclose) (proto.Message, error) {
	if t.record == nil {
		return entity.Answer(messages.Code_NOT_FOUND, "no such ticket"), nil
	}
	next := cloneTicket(t.record)
	added := enclose(next, m.Enclosures)
	if len(added) == 0 {
		return entity.Duplicate(), nil
	}
	// A crash after this write leaves records too many, which do no harm.
	if files := t.attachmentsOf(added); len(files) > 0 {
		if err := t.Store.InsertAttachments(t.Ctx, files); err != nil {
			return nil, fmt.Errorf("make the records of files: %w", err)
		}
		t.Note(filesDue{})
	}
	if err := t.saveDue(next); err != nil {
		return nil, err
	}
	t.afterChange()
	return &messages.Reply{Code: messages.Code_OK, TicketId: t.record.TicketID}, nil
}

// lacksEnclosures reports whether a topic does not show all enclosures yet.
func lacksEnclosures(r *storage.Ticket, topic *storage.Topic) bool {
	return topic.MediaShown < len(r.Enclosures) && !messages.IsPrivate(topic.GroupID)
}

// goTogether counts the next enclosures of a topic that go as one album; 0: the next one goes alone.
func (t *ticket) goTogether(topic *storage.Topic) int {
	next := t.record.Enclosures[topic.MediaShown:]
	if t.singly[topic.TopicID] || albumOf(&next[0]) == "" {
		return 0
	}
	n := 1
	for n < min(len(next), mediaTogether) && albumOf(&next[n]) == albumOf(&next[0]) {
		n++
	}
	if n == 1 {
		return 0
	}
	return n
}

// albumOf names the album that an enclosure belongs to; "" for none.
func albumOf(e *storage.Enclosure) string {
	family := messages.AlbumOf(e.Kind)
	if e.MediaGroupID == "" || family == "" || messages.ShapeOf(desk.EnclosureOf(e).Content) != messages.ShapeCaptioned {
		return ""
	}
	return e.MediaGroupID + "/" + family
}

// showEnclosures makes the call that posts the enclosures of a step.
func showEnclosures(op *messages.Operation, r *storage.Ticket, topic *storage.Topic, ref *messages.TopicStep) {
	var parts []*messages.SendCopyCall
	for i := range max(1, int(ref.Media)) {
		e := desk.EnclosureOf(&r.Enclosures[int(ref.Medium)+i])
		parts = append(parts, &messages.SendCopyCall{Bare: true, ReplyTo: topic.CardMessageID, Content: e.Content})
	}
	if len(parts) > 1 {
		op.Call = &messages.Operation_SendAlbum{SendAlbum: &messages.SendAlbumCall{Parts: parts}}
		return
	}
	op.Call = &messages.Operation_SendCopy{SendCopy: parts[0]}
}

// isRefusedAlbum reports whether Telegram refused an album of the description. Its media then go one by one, so that
// only the one at fault is missing.
func (t *ticket) isRefusedAlbum(m *messages.Done) bool {
	step := m.Ref.GetTopicStep()
	refused := step.GetMedia() > 1 && m.Outcome.GetResult() == messages.Outcome_REJECTED
	if refused {
		t.singly[step.TopicId] = true
	}
	return refused
}
