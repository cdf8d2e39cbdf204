package ticket

import (
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// An album is an internal note as a whole, because of the caption of any part: so are its parts that came before, also those
// with a caption of their own (noteAlbum), those that come later (inInternalAlbum), and an edit of the caption changes them
// all (docs/decisions.md, D225).

// onEdit edits a message. What makes a note of it, or ends that, does so with its album.
func (t *ticket) onEdit(m *messages.EditMessage) (proto.Message, error) {
	if m.OfCommand {
		return t.onEditOfCommand(m)
	}
	stays, err := t.staysNote(m)
	if err != nil {
		return nil, err
	}
	if stays {
		m = proto.CloneOf(m)
		m.Internal = true
	}
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
	if !m.Internal && (original.CommandNote || desk.InNote(parts)) { // deleted ones too: what they kept in the topic stays there
		m = proto.CloneOf(m)
		m.Internal = true
	}
	if original.Internal == m.Internal || m.EditedMs < original.EditedAt.UnixMilli() {
		return t.edit(m)
	}
	// The others first: after a crash the edit comes again, and finds them done.
	if err := t.noteParts(parts, m); err != nil {
		return nil, err
	}
	t.albumNotes().Put(m.Content.Media.MediaGroupId, m.Internal) // for what comes later
	return t.edit(m)
}

// staysNote says whether an edit of a note leaves it one, although it begins as none any more: nobody else has seen what was written as a
// note, and to take away two characters is no decision to send it. Its author is told, once (docs/decisions.md, D276).
func (t *ticket) staysNote(m *messages.EditMessage) (bool, error) {
	if t.record == nil || m.Internal {
		return false, nil
	}
	original, err := t.Store.Message(t.Ctx, m.MessageId)
	if errors.Is(err, storage.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read the message: %w", err)
	}
	public := func(p storage.Previous) bool { return !p.Internal }
	if original.TicketID != t.record.TicketID || original.Deleted || !original.Internal || original.CommandNote ||
		t.hasLeft(original.TopicID) || slices.ContainsFunc(original.Former, public) {
		return false, nil
	}
	began := func(p storage.Previous) bool { return messages.InternalNote(p.Text) }
	if !messages.InternalNote(original.Text) && !slices.ContainsFunc(original.Former, began) {
		return true, nil // a part whose album is a note by another's caption: it never began as one
	}
	told := m.MessageId + ":note"
	if slices.Contains(t.record.Handled, told) {
		return true, nil
	}
	handled := func(r *storage.Ticket) { r.Handled = desk.Remember(r.Handled, told, handledByTicket) }
	return true, t.answerNow(m.Origin, handled, func(r *desk.Result) { desk.Respond(r, m.Origin, messages.NoticeNoteStays, nil) })
}

// noteParts makes parts of an album notes, or ends that, as an edit of another part says.
func (t *ticket) noteParts(parts []storage.Message, m *messages.EditMessage) error {
	for i := range parts {
		if part := &parts[i]; part.Internal != m.Internal && !part.Deleted {
			if _, err := t.edit(desk.FollowingNote(part, m)); err != nil {
				return err
			}
		}
	}
	return nil
}

// noteAlbum makes notes of the parts of an album that came before the one whose caption says that it is a note. Most are
// still being gathered; what was posted elsewhere is deleted there, and the author is told. The caption's own part is not recorded
// yet: after a crash it comes again, and finds them done.
func (t *ticket) noteAlbum(m *messages.RecordMessage, topic *storage.Topic) error {
	o, album := m.Origin, m.Content.GetMedia().GetMediaGroupId()
	if !m.Internal || album == "" {
		return nil
	}
	id := messages.MessageKey(o.ChatId, o.MessageId)
	if _, err := t.Store.Message(t.Ctx, id); err == nil {
		return nil // it comes again; the caption may have been edited since
	} else if !errors.Is(err, storage.ErrNotFound) {
		return fmt.Errorf("look for a message: %w", err)
	}
	parts, err := t.albumBefore(album, topic.TopicID)
	if err != nil {
		return err
	}
	if err := t.tellTakenBack(parts, o); err != nil {
		return err
	}
	return t.noteParts(parts, &messages.EditMessage{Origin: o, Internal: true, EditedMs: o.DateMs})
}

// tellTakenBack tells the author of a note if others may have seen some parts of its album.
func (t *ticket) tellTakenBack(parts []storage.Message, o *messages.Origin) error {
	told := o.GetCommandId() + ":album"
	if slices.Contains(t.record.Handled, told) {
		return nil
	}
	for i := range parts {
		if parts[i].Internal || parts[i].Deleted {
			continue
		}
		copies, err := t.Store.CopiesOf(t.Ctx, parts[i].MessageID)
		if err != nil {
			return fmt.Errorf("read the copies of a message: %w", err)
		}
		if slices.ContainsFunc(copies, func(c storage.Copy) bool { return len(c.Parts) > 0 }) {
			handled := func(r *storage.Ticket) { r.Handled = desk.Remember(r.Handled, told, handledByTicket) }
			return t.answerNow(o, handled, func(r *desk.Result) { desk.Respond(r, o, messages.NoticeAlbumTakenBack, nil) })
		}
	}
	return nil
}

// restOfAlbum returns the other parts of the album that a message belongs to, in order, with those that are deleted.
func (t *ticket) restOfAlbum(original *storage.Message) ([]storage.Message, error) {
	if original.Media == nil {
		return nil, nil
	}
	parts, err := t.albumAround(
		original.Sequence-1-desk.AlbumsRecalled, 1+2*desk.AlbumsRecalled, original.Media.MediaGroupID, original.TopicID)
	isIt := func(m storage.Message) bool { return m.MessageID == original.MessageID }
	return slices.DeleteFunc(parts, isIt), err
}

// albumBefore returns the parts of an album that are recorded, if they are among the newest messages, with those that are deleted.
func (t *ticket) albumBefore(album string, topicID ids.TopicKey) ([]storage.Message, error) {
	return t.albumAround(t.sequence-desk.AlbumsRecalled, desk.AlbumsRecalled, album, topicID)
}

func (t *ticket) albumAround(after int64, limit int, album string, topicID ids.TopicKey) (parts []storage.Message, err error) {
	page, err := t.Store.MessagesAfter(t.Ctx, t.record.TicketID, after, limit)
	if err != nil {
		return nil, fmt.Errorf("read the parts of an album: %w", err)
	}
	for i := range page {
		part := &page[i]
		if part.Media != nil && part.Media.MediaGroupID == album && part.TopicID == topicID {
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

// inInternalAlbum reports whether a message belongs to an album that is an internal note because of the caption of a part
// that came before.
func (t *ticket) inInternalAlbum(m *messages.RecordMessage) bool {
	id := m.Content.GetMedia().GetMediaGroupId()
	if id == "" {
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
