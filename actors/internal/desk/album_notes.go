package desk

import (
	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// FollowingNote is the edit of a part of an album that does to it what another part's edit does to that: only whether it
// is a note changes.
func FollowingNote(part *storage.Message, m *messages.EditMessage) *messages.EditMessage {
	o := proto.CloneOf(m.Origin)
	o.CommandId += ":" + part.MessageID
	return &messages.EditMessage{
		Origin: o, MessageId: part.MessageID, Content: ContentOf(part), Internal: m.Internal,
		EditedMs: max(m.EditedMs, part.EditedAt.UnixMilli()),
	}
}

// InNote reports whether a part makes an album an internal note, by its caption or by the command that it came with.
func InNote(parts []storage.Message) bool {
	for i := range parts {
		if parts[i].CommandNote || parts[i].Internal && messages.InternalNote(parts[i].Text) {
			return true
		}
	}
	return false
}
