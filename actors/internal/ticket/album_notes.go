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
	if messages.Blank(m.Content.GetText()) && desk.InNote(parts) {
		m = proto.CloneOf(m)
		m.Internal = true
	}
	if original.Internal == m.Internal || m.EditedMs < original.EditedAt.UnixMilli() {
		return t.edit(m)
	}
	// The others first: after a crash the edit comes again, and finds them done.
	for i := range parts {
		if part := &parts[i]; messages.Blank(part.Text) && part.Internal != m.Internal {
			if _, err := t.edit(desk.FollowingNote(part, m)); err != nil {
				return nil, err
			}
		}
	}
	t.albumNotes().Put(m.Content.Media.MediaGroupId, m.Internal) // for what comes later
	return t.edit(m)
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

// inInternalAlbum reports whether a message without a caption belongs to an album that is an internal note because
// of the caption of another part. As a rule, Telegram delivers the part with the caption first.
func (t *ticket) inInternalAlbum(m *messages.RecordMessage) bool {
	id := m.Content.GetMedia().GetMediaGroupId()
	if id == "" || !m.Internal && m.Content.GetText() != "" {
		return false
	}
	if m.Internal {
		t.albumNotes().Put(id, true)
		return false
	}
	internal, _ := t.albumNotes().Get(id)
	return internal
}

// recallInternalAlbums finds the albums that were internal notes before this activation. It runs once per
// activation.
func (t *ticket) recallInternalAlbums() {
	page, err := t.Store.MessagesAfter(t.Ctx, t.record.TicketID, t.sequence-desk.AlbumsRecalled, desk.AlbumsRecalled)
	if err != nil {
		t.Log.Error("cannot read the messages of earlier albums", "error", err)
		return
	}
	for i := range page {
		if media := page[i].Media; page[i].Internal && media != nil && media.MediaGroupID != "" {
			t.internalAlbums.Put(media.MediaGroupID, true)
		}
	}
}
