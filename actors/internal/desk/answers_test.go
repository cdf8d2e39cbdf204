package desk

import (
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

func TestReworded(t *testing.T) {
	long := strings.Repeat("0123456789", 30)
	poll := &storage.Media{Kind: "poll", Poll: &storage.Poll{Question: "Tea?", Options: []storage.PollOption{{Text: "no, coffee"}}}}
	shop := &storage.Forward{Kind: "channel", Name: "Shop"}
	by := storage.Sender{Kind: "user", ID: 7, Name: "Nok"}
	for _, tc := range []struct {
		name     string
		was      storage.ReplyTo
		answered storage.Message
		want     storage.ReplyTo
	}{
		{"its beginning", storage.ReplyTo{Preview: "old"}, storage.Message{Text: long}, storage.ReplyTo{Preview: long[:99] + "…"}},
		{"more of what is elsewhere", storage.ReplyTo{Preview: "old", Origin: shop}, storage.Message{Text: long},
			storage.ReplyTo{Preview: long[:199] + "…", Origin: shop}},
		{"a quote that still stands there", storage.ReplyTo{Preview: "old", Quote: "567"}, storage.Message{Text: long},
			storage.ReplyTo{Preview: "567", Quote: "567"}},
		{"not a quote that was edited away", storage.ReplyTo{Preview: "567", Quote: "567"}, storage.Message{Text: "new"},
			storage.ReplyTo{Quote: "567"}},
		{"and nothing else that is said elsewhere", storage.ReplyTo{Preview: "567", MediaKind: "photo", Quote: "567", Origin: shop},
			storage.Message{Text: "secret", Media: &storage.Media{Kind: "photo"}},
			storage.ReplyTo{MediaKind: "photo", Quote: "567", Origin: shop}},
		{"a quote that is said again", storage.ReplyTo{Quote: "567", Origin: shop}, storage.Message{Text: long},
			storage.ReplyTo{Preview: "567", Quote: "567", Origin: shop}},
		{"what a medium is about, and the option", storage.ReplyTo{Item: "no, coffee"}, storage.Message{Media: poll},
			storage.ReplyTo{Preview: "Tea?", MediaKind: "poll", Item: "no, coffee"}},
		{"no option that is not there", storage.ReplyTo{Item: "yes"}, storage.Message{Media: poll},
			storage.ReplyTo{Preview: "Tea?", MediaKind: "poll", Item: "yes", ItemGone: true}},
		{"no word of a note", storage.ReplyTo{Preview: "old"}, storage.Message{Text: "// new", Internal: true}, storage.ReplyTo{}},
		{"no word of what is protected", storage.ReplyTo{Preview: "old"}, storage.Message{Text: "new", Protected: true}, storage.ReplyTo{}},
		{"of a deleted one who had said it", storage.ReplyTo{Preview: "old", MediaKind: "photo", Quote: "ol"},
			storage.Message{Text: "old", Deleted: true, Sender: by},
			storage.ReplyTo{Quote: "ol", Deleted: true, Origin: &storage.Forward{Kind: "hidden_user", Name: "Nok"}}},
		{"also elsewhere", storage.ReplyTo{Preview: "old", Origin: shop}, storage.Message{Text: "old", Deleted: true, Sender: by},
			storage.ReplyTo{Deleted: true, Origin: shop}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := Reworded(&tc.was, &tc.answered)
			if !SameAnswer(got, &tc.want) || got.Quote != tc.want.Quote || got.Item != tc.want.Item ||
				(got.Origin == nil) != (tc.want.Origin == nil) || got.Origin != nil && *got.Origin != *tc.want.Origin {
				t.Errorf("%+v, want %+v", got, tc.want)
			}
			if again := Reworded(got, &tc.answered); !SameAnswer(got, again) {
				t.Errorf("the second time it is %+v", again)
			}
			if r := ReplyOf(&storage.Message{ReplyTo: got}); got.Deleted && (r.Quote != "" || r.Item != "" || r.Preview != "") {
				t.Errorf("words are told: %v", r)
			}
		})
	}
}

func TestSetReference(t *testing.T) {
	deleted := &messages.ReplyTo{Deleted: true, Origin: &messages.Forward{Name: "Nok"}}
	now := &messages.ReplyTo{Preview: "new", MediaKind: "photo"}
	for _, tc := range []struct {
		name    string
		copy    storage.Copy
		answers *messages.ReplyTo
		preview string
		deleted bool
		origin  string
	}{
		{"nothing where the copy replies", storage.Copy{State: CopySent}, deleted, "", false, ""},
		{"what is said now", storage.Copy{State: CopySent, Reference: true, Preview: "old"}, now, "new", false, ""},
		{"what was said while parts are missing", storage.Copy{State: CopyPartial, Reference: true, Preview: "old"}, now, "old", false, ""},
		{"among merged copies", storage.Copy{State: CopySent, Preview: "old"}, now, "new", false, ""},
		{"a deletion", storage.Copy{State: CopySent, Reference: true, Preview: "old"}, deleted, "", true, "Nok"},
		{"a deletion among merged copies", storage.Copy{State: CopySent, Preview: "old"}, deleted, "", true, "Nok"},
		{"and after it was shown", storage.Copy{State: CopySent, Withheld: true, Span: &storage.Span{}}, deleted, "", true, "Nok"},
		{"what another part of the album answers", storage.Copy{State: CopySent, Reference: true, Preview: "old"}, nil, "old", false, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var call messages.SendCopyCall
			SetReference(&call, &tc.copy, tc.answers)
			if call.ReplyPreview != tc.preview || call.ReplyDeleted != tc.deleted || call.GetReplyOrigin().GetName() != tc.origin {
				t.Errorf("%v", &call)
			}
		})
	}
}

func TestEditedSince(t *testing.T) {
	m := &storage.Message{ContentRevision: 7, Former: []storage.Previous{{Revision: 0}, {Revision: 3}}} // edited to 3, then to 5
	for revision, want := range map[int64]bool{0: true, 3: true, 5: false, 7: false} {
		if got := EditedSince(m, revision); got != want {
			t.Errorf("since %d: %t", revision, got)
		}
	}
}
