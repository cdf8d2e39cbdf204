package ticket

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// An album is an internal note as a whole, because of the caption of one part: so are its parts without a caption, those
// that come later (inInternalAlbum), and an edit of the caption changes them all.

// onEdit edits a message. What makes a note of it, or ends that, does so with its album.
func (t *ticket) onEdit(m *messages.EditMessage) (proto.Message, error) {
	if t.record == nil || m.Content.GetMedia().GetMediaGroupId() == "" {
		return t.edit(m)
	}
	original, err := t.Store.Message(t.Ctx, m.MessageId)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return nil, fmt.Errorf("read the message: %w", err)
	}
	if err != nil || original.TicketID != t.record.TicketID || original.Deleted {
		return t.edit(m)
	}
	parts, err := t.restOfAlbum(original)
	if err != nil {
		return nil, err
	}
	if messages.Blank(m.Content.GetText()) && inNote(parts) {
		m = proto.CloneOf(m)
		m.Internal = true
	}
	if original.Internal == m.Internal || m.EditedMs < original.EditedAt.UnixMilli() {
		return t.edit(m)
	}
	// The others first: after a crash the edit comes again, and finds them done.
	for i := range parts {
		if part := &parts[i]; messages.Blank(part.Text) && part.Internal != m.Internal {
			if _, err := t.edit(followingNote(part, m)); err != nil {
				return nil, err
			}
		}
	}
	t.albumNotes().Put(m.Content.Media.MediaGroupId, m.Internal) // for what comes later
	return t.edit(m)
}

// followingNote is the edit of a part of an album that does to it what another part's edit does to that: only whether it
// is a note changes.
func followingNote(part *storage.Message, m *messages.EditMessage) *messages.EditMessage {
	o := proto.CloneOf(m.Origin)
	o.CommandId += ":" + part.MessageID
	return &messages.EditMessage{
		Origin: o, MessageId: part.MessageID, Content: desk.ContentOf(part), Internal: m.Internal,
		EditedMs: max(m.EditedMs, part.EditedAt.UnixMilli()),
	}
}

// inNote reports whether the caption of a part makes an album an internal note.
func inNote(parts []storage.Message) bool {
	for i := range parts {
		if parts[i].Internal && !messages.Blank(parts[i].Text) {
			return true
		}
	}
	return false
}

// restOfAlbum returns the other parts of the album that a message belongs to, in order.
func (t *ticket) restOfAlbum(original *storage.Message) (parts []storage.Message, err error) {
	page, err := t.Store.MessagesAfter(
		t.Ctx, t.record.TicketID, original.Sequence-1-desk.AlbumsRecalled, 1+2*desk.AlbumsRecalled)
	if err != nil {
		return nil, fmt.Errorf("read the rest of an album: %w", err)
	}
	for i := range page {
		part := &page[i]
		if part.Media != nil && original.Media != nil && part.Media.MediaGroupID == original.Media.MediaGroupID &&
			part.TopicID == original.TopicID && part.MessageID != original.MessageID && !part.Deleted {
			parts = append(parts, *part)
		}
	}
	return parts, nil
}

// albumNotes says of the newest albums that are internal notes, or were, whether they are, by media group id.
func (t *ticket) albumNotes() *desk.Recent[string, bool] {
	if t.internalAlbums == nil {
		t.internalAlbums = desk.NewRecent[string, bool](32)
		t.recallInternalAlbums()
	}
	return t.internalAlbums
}
