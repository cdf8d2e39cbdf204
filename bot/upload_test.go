package bot

import (
	"context"
	"io"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
)

// TestUploadsShareAFileID: the copies of one message share the file id of its first upload. Whatever differs in
// anything that a file id carries, or belongs to another message, is uploaded by itself.
func TestUploadsShareAFileID(t *testing.T) {
	d := newDesk(t)
	opened := 0
	d.c.content = func(context.Context, string) (io.ReadCloser, int64, error) {
		opened++
		return io.NopCloser(strings.NewReader("the same bytes")), 14, nil
	}
	send := func(message string, media *messages.Media) {
		op := &messages.Operation{Call: &messages.Operation_SendCopy{SendCopy: &messages.SendCopyCall{
			SenderName: "CRM", Bare: true, Content: &messages.Content{Text: "see", Media: media}}}}
		if message != "" {
			op.Ref = &messages.OperationRef{Wanted: &messages.OperationRef_CopyPart{
				CopyPart: &messages.CopyPart{MessageId: message}}}
		}
		d.call(d.thread, op)
	}
	uploads := func(what string, want int, f func()) {
		t.Helper()
		before := opened
		if f(); opened-before != want {
			t.Errorf("%s: uploaded %d times instead of %d", what, opened-before, want)
		}
	}
	for _, kind := range []string{
		messages.MediaDocument, messages.MediaPhoto, messages.MediaVideo, messages.MediaAnimation, messages.MediaAudio,
		messages.MediaVoice, messages.MediaVideoNote, messages.MediaSticker,
	} {
		media := &messages.Media{Kind: kind, FileName: "Contract ACME.pdf", MimeType: "application/pdf", Sha256: "abc",
			Title: "ACME", Performer: "Ann", Duration: 3, ThumbnailFileId: "t1"}
		uploads(kind, 1, func() {
			send("api:m1"+kind, media)
			send("api:m1"+kind, proto.CloneOf(media))
		})
		uploads(kind+" of another message", 1, func() { send("api:m2"+kind, media) })
		uploads(kind+" of no message", 2, func() { send("", media); send("", media) })
		for field, change := range map[string]func(*messages.Media){
			"name": func(m *messages.Media) { m.FileName = "Contract Globex.pdf" }, "content": func(m *messages.Media) { m.Sha256 = "abd" },
			"title": func(m *messages.Media) { m.Title = "Globex" }, "performer": func(m *messages.Media) { m.Performer = "Bob" },
			"type": func(m *messages.Media) { m.MimeType = "text/plain" }, "duration": func(m *messages.Media) { m.Duration = 4 },
			"thumbnail": func(m *messages.Media) { m.ThumbnailFileId = "t2" },
		} {
			other := proto.CloneOf(media)
			change(other)
			uploads(kind+" with another "+field, 1, func() { send("api:m1"+kind, other) })
		}
	}
}
