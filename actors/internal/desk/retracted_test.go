package desk

import (
	"strconv"
	"testing"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

func photo(id string) *messages.Enclosure {
	return &messages.Enclosure{MessageId: id, Content: &messages.Content{
		Text: "v", Media: &messages.Media{Kind: "photo", FileId: "f" + id, FileUniqueId: "u" + id}}}
}

// TestRetractedEnclosures: what a description has no more leaves room for what it gets, its file is shown no more, and a record
// does not grow without bound.
func TestRetractedEnclosures(t *testing.T) {
	r := &storage.Ticket{TicketID: "T"}
	if n := len(AddEnclosures(r, []*messages.Enclosure{photo("1:1")})); n != 1 {
		t.Fatalf("%d enclosures", n)
	}
	file := &storage.Attachment{MessageID: "T", FileUniqueID: "u1:1"}
	if IsRetracted(r, file) {
		t.Error("the file of a photo that is there is retracted")
	}
	for i := range 2 * enclosuresKept {
		content := photo("1:1").Content
		content.Text = strconv.Itoa(i)
		Reenclose(r, "1:1", content)
		if i == 150 {
			if had, _ := Enclosed(r, "1:1"); len(had) != 1 || had[0].Text != "150" || IsRetracted(r, file) {
				t.Errorf("%+v", had)
			}
			if n := len(AddEnclosures(r, []*messages.Enclosure{photo("1:1"), photo("1:2")})); n != 1 {
				t.Errorf("%d more enclosures", n)
			}
		}
	}
	if len(r.Enclosures) != enclosuresKept || !IsRetracted(r, file) {
		t.Errorf("%d enclosures", len(r.Enclosures))
	}
	if had, _ := Enclosed(r, "1:1"); len(had) != 0 {
		t.Errorf("%+v", had)
	}
	if RetractEnclosures(r, "1:2"); !IsRetracted(r, &storage.Attachment{MessageID: "T", FileUniqueID: "u1:2"}) {
		t.Error("the file of a retracted photo is shown")
	}
	if IsRetracted(r, &storage.Attachment{MessageID: "1:3", FileUniqueID: "u1:1"}) || IsRetracted(r, &storage.Attachment{MessageID: "T"}) {
		t.Error("another file is retracted")
	}
}
