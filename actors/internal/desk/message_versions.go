package desk

import (
	"slices"
	"strconv"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// What is kept of a message that was edited.
const (
	versionsKept = 50      // previous versions of a message: the first, and the newest
	versionBytes = 1 << 18 // of their texts and entities
	entityBytes  = 64      // of an entity, besides its strings
)

// CloneMessage returns a copy of a record whose lists can be appended to and changed.
func CloneMessage(m *storage.Message) *storage.Message {
	next := *m
	next.Former, next.Reactions, next.Pending = slices.Clone(m.Former), slices.Clone(m.Reactions), slices.Clone(m.Pending)
	next.Events, next.Handled = slices.Clone(m.Events), slices.Clone(m.Handled)
	return &next
}

// SameContent reports whether two contents look the same. Telegram may give the same file another id each time.
func SameContent(was, is *messages.Content) bool {
	if a, b := was.GetMedia(), is.GetMedia(); a.GetFileUniqueId() != "" && a.GetFileUniqueId() == b.GetFileUniqueId() {
		was = proto.CloneOf(was)
		was.Media.FileId, was.Media.ThumbnailFileId, was.Media.PhotoFileId = b.FileId, b.ThumbnailFileId, b.PhotoFileId
	}
	return proto.Equal(was, is)
}

// KeepVersion adds a version to those kept. When there are too many, the oldest ones after the first go.
func KeepVersion(kept []storage.Previous, v storage.Previous) []storage.Previous {
	kept = append(kept, v)
	size := func() (n int) {
		for _, f := range kept {
			n += len(f.Text)
			for _, e := range f.Entities {
				n += entityBytes + len(e.URL) + len(e.UserName) + len(e.Language) + len(e.CustomEmojiID) + len(e.DateTimeFormat)
			}
		}
		return n
	}
	for len(kept) > versionsKept || len(kept) > 2 && size() > versionBytes {
		kept = slices.Delete(kept, 1, 2)
	}
	return kept
}

// MessageAt is a message with the content that it had at a revision; with today's if that was not kept.
func MessageAt(m *storage.Message, revision int64) *storage.Message {
	i := slices.IndexFunc(m.Former, func(f storage.Previous) bool { return f.Revision >= revision })
	if revision >= m.ContentRevision || i < 0 {
		return m
	}
	was, f := *m, &m.Former[i]
	was.Text, was.Entities, was.Media, was.LinkPreview = f.Text, f.Entities, f.Media, f.LinkPreview
	was.RichHTML, was.RichRTL = "", false
	return &was
}

// SameEmoji reports whether two reactions show the same.
func SameEmoji(a, b storage.Reaction) bool {
	return a.Emoji == b.Emoji && a.CustomEmojiID == b.CustomEmojiID
}

// ContextLineOf shortens a message to a line. Of protected content it shows only the sender and the kind.
func ContextLineOf(m *storage.Message) *messages.ContextLine {
	line := &messages.ContextLine{SenderName: m.Sender.Name, Text: m.Text, Entities: EntitiesOf(m.Entities)}
	if m.Media != nil {
		line.MediaKind = m.Media.Kind
	}
	if line.Text == "" {
		line.Text = messages.WordsOf(MediaOf(m.Media))
	}
	if m.Protected {
		line.Text, line.Entities = "…", nil
	}
	return line
}

// FileName is the file's name, or one made from its kind: photos and voice messages have none.
func FileName(m *storage.Message) string { return FileNameAt(m, strconv.FormatInt(m.Sequence, 10)) }

// FileNameAt is the file's name, or one made from its kind and the message's place.
func FileNameAt(m *storage.Message, place string) string {
	if m.Media.FileName != "" {
		return m.Media.FileName
	}
	extensions := map[string]string{
		"photo": ".jpg", "sticker": ".webp", "voice": ".ogg", "audio": ".mp3",
		"video": ".mp4", "video_note": ".mp4", "animation": ".mp4", "live_photo": ".mp4",
	}
	return m.Media.Kind + "-" + place + extensions[m.Media.Kind]
}
