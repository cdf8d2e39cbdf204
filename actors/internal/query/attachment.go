package query

import (
	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/messages"
)

func (q *query) attachment(m *messages.GetAttachment) proto.Message {
	a, err := q.env.Store.Attachment(q.env.Ctx, m.AttachmentId)
	if err != nil {
		return &messages.AttachmentRecord{Code: q.code(m, err)}
	}
	ticket, err := q.env.Store.Ticket(q.env.Ctx, a.TicketID)
	if err != nil {
		return &messages.AttachmentRecord{Code: q.code(m, err)}
	}
	v := desk.AttachmentRecord(a)
	v.GroupId = ticket.GroupID
	return v
}
