package storagetest

import (
	"cmp"
	"slices"
	"strings"

	"github.com/topicdesk/topicdesk/storage"
)

// The orders of the contract, for the model and for what tests expect.

func byNameThenID(users []storage.User) {
	slices.SortFunc(users, func(a, b storage.User) int {
		return cmp.Or(
			strings.Compare(strings.ToLower(a.FirstName), strings.ToLower(b.FirstName)),
			cmp.Compare(a.TelegramID, b.TelegramID))
	})
}

func byTimeThenID(dues []storage.Due) {
	slices.SortFunc(dues, func(a, b storage.Due) int {
		return cmp.Or(a.At.Compare(b.At), strings.Compare(a.ID, b.ID))
	})
}

func bySequenceThenTopic(copies []storage.Copy) {
	slices.SortFunc(copies, func(a, b storage.Copy) int {
		return cmp.Or(
			cmp.Compare(a.Sequence, b.Sequence),
			strings.Compare(a.TopicID, b.TopicID), strings.Compare(a.MessageID, b.MessageID))
	})
}

func byTopic(copies []storage.Copy) {
	slices.SortFunc(copies, func(a, b storage.Copy) int { return strings.Compare(a.TopicID, b.TopicID) })
}

func bySequence(messages []storage.Message) {
	slices.SortFunc(messages, func(a, b storage.Message) int { return cmp.Compare(a.Sequence, b.Sequence) })
}

func newestFirst(tickets []storage.Ticket) {
	slices.SortFunc(tickets, func(a, b storage.Ticket) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), strings.Compare(b.TicketID, a.TicketID))
	})
}

func byAttachment(a, b storage.Attachment) int {
	return strings.Compare(a.AttachmentID, b.AttachmentID)
}

func bySequenceThenAttachment(a, b storage.Attachment) int {
	return cmp.Or(cmp.Compare(a.Sequence, b.Sequence), byAttachment(a, b))
}

func byDueThenAttachment(a, b storage.Attachment) int {
	return cmp.Or(a.DueAt.Compare(b.DueAt), byAttachment(a, b))
}

func sortDueAttachments(due []storage.DueAttachment) {
	slices.SortFunc(due, func(a, b storage.DueAttachment) int {
		return cmp.Or(a.At.Compare(b.At), strings.Compare(a.ID, b.ID))
	})
}
