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

// onEnclose adds to the description what came too late for OpenTicket.
func (t *ticket) onEnclose(m *messages.Enclose) (proto.Message, error) {
	if t.record == nil {
		return entity.Answer(messages.Code_NOT_FOUND, "no such ticket"), nil
	}
	next := desk.CloneTicket(t.record)
	added := desk.AddEnclosures(next, m.Enclosures)
	if len(added) == 0 {
		return entity.Duplicate(), nil
	}
	// A crash after this write leaves records too many, which do no harm.
	if files := t.attachmentsOf(next, added); len(files) > 0 {
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

// goTogether counts the next enclosures of a topic that go as one album; 0: the next one goes alone.
func (t *ticket) goTogether(topic *storage.Topic) int {
	next := t.record.Enclosures[desk.NextEnclosure(t.record, topic):]
	if t.singly[topic.TopicID] || desk.EnclosureAlbum(&next[0]) == "" {
		return 0
	}
	n := 1
	for n < min(len(next), mediaTogether) && desk.EnclosureAlbum(&next[n]) == desk.EnclosureAlbum(&next[0]) {
		n++
	}
	if n == 1 {
		return 0
	}
	return n
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
