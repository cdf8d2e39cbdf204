package storagetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/storage"
)

func anAttachment(ticket string, sequence int64) *storage.Attachment {
	message := fmt.Sprintf("-100%s:%d", ticket, sequence)
	return &storage.Attachment{
		AttachmentID: message + ".u", TicketID: ticket, MessageID: message, Sequence: sequence, FileName: "bill.pdf",
		FileID: "f", FileUniqueID: "u", FileType: "document", State: storage.FilePending,
		Rule: storage.RuleSize, RuleValue: "50 MB",
		DueAt: minute(1), CreatedAt: day, UpdatedAt: day,
	}
}

func testAttachments(t *testing.T, f Factory) {
	ctx := t.Context()
	testSaveable(t, f, "attachment")
	t.Run("a stored attachment is left as it is, the others are inserted", func(t *testing.T) {
		s := f.Open(t)
		noError(t, s.InsertAttachments(ctx, nil))
		a, b, c := anAttachment("A", 1), anAttachment("A", 2), anAttachment("A", 3)
		noError(t, s.InsertAttachments(ctx, []storage.Attachment{*b}))
		b.Version, b.State = 1, storage.FileStored
		noError(t, s.SaveAttachment(ctx, b))
		for range 2 {
			noError(t, s.InsertAttachments(ctx, []storage.Attachment{*a, *anAttachment("A", 2), *c}))
		}
		a.Version, c.Version = 1, 1
		got, err := s.TicketAttachments(ctx, "A", 0, "", 9)
		noError(t, err)
		same(t, got, []storage.Attachment{*a, *b, *c})
	})
	t.Run("a ticket's attachments are listed in order, in pages, and those of one message", func(t *testing.T) {
		s := f.Open(t)
		var want []storage.Attachment
		for i := range f.Sizes.Rows {
			a := anAttachment("A", int64(i/3))
			a.AttachmentID = fmt.Sprintf("%s.%d", a.MessageID, i%3)
			want = append(want, *a)
		}
		noError(t, s.InsertAttachments(ctx, append([]storage.Attachment{*anAttachment("B", 1)}, want...)))
		for i := range want {
			want[i].Version = 1
		}
		got := []storage.Attachment{{Sequence: -1}}
		for {
			last := got[len(got)-1]
			page, err := s.TicketAttachments(ctx, "A", last.Sequence, last.AttachmentID, 7)
			noError(t, err)
			if len(page) == 0 {
				break
			}
			got = append(got, page...)
		}
		same(t, got[1:], want)
		of, err := s.AttachmentsOf(ctx, want[3].MessageID)
		noError(t, err)
		same(t, of, want[3:6])
	})
	t.Run("what is due is listed in order, in pages, for a ticket and for all", func(t *testing.T) {
		s := f.Open(t)
		var all []storage.Attachment
		for i := range f.Sizes.Rows {
			a := anAttachment([]string{"A", "B"}[i%2], int64(100+i))
			a.DueAt = minute(i / 4)
			if i%4 == 3 {
				a.DueAt = time.Time{}
			}
			all = append(all, *a)
		}
		noError(t, s.InsertAttachments(ctx, all))
		var want []storage.DueAttachment
		var owed []storage.Attachment
		for _, a := range all {
			if now := minute(4); !a.DueAt.IsZero() && !a.DueAt.After(now) {
				due := storage.Due{ID: a.AttachmentID, At: a.DueAt}
				want = append(want, storage.DueAttachment{Due: due, TicketID: a.TicketID})
				if a.Version = 1; a.TicketID == "A" {
					owed = append(owed, a)
				}
			}
		}
		sortDueAttachments(want)
		slices.SortFunc(owed, byDueThenAttachment)
		var got []storage.DueAttachment
		for after := (storage.Due{}); ; after = got[len(got)-1].Due {
			page, err := s.DueAttachments(ctx, minute(4), after, 2)
			noError(t, err)
			if len(page) == 0 {
				break
			}
			got = append(got, page...)
		}
		same(t, got, want)
		of, err := s.PendingAttachments(ctx, "A", minute(4), 99)
		noError(t, err)
		same(t, of, owed)
		of, err = s.PendingAttachments(ctx, "A", minute(4), 2)
		noError(t, err)
		same(t, of, owed[:2])
	})
	t.Run("attachments are found by their content, and no longer when it changes", func(t *testing.T) {
		s := f.Open(t)
		a, b := anAttachment("A", 1), anAttachment("B", 1)
		a.SHA256, b.SHA256 = "abc", "abc"
		noError(t, s.InsertAttachments(ctx, []storage.Attachment{*b, *a, *anAttachment("A", 2)}))
		a.Version, b.Version = 1, 1
		got, err := s.AttachmentsWith(ctx, "abc", 9)
		noError(t, err)
		same(t, got, []storage.Attachment{*a, *b})
		a.SHA256 = ""
		noError(t, s.SaveAttachment(ctx, a))
		got, err = s.AttachmentsWith(ctx, "abc", 9)
		noError(t, err)
		same(t, got, []storage.Attachment{*b})
		all, err := s.AttachmentsAfter(ctx, a.AttachmentID, 9)
		noError(t, err)
		same(t, len(all), 2)
	})
}
