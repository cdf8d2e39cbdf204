package web

import (
	"context"
	"strconv"

	"github.com/topicdesk/topicdesk/messages"
)

// markRead says that somebody has seen the newest messages of a ticket. Their entity writes it down if that is news. A page is shown
// all the same when that fails: then the ticket stays unread.
func (s *Site) markRead(ctx context.Context, of *session, t *messages.TicketRecord, shown []*messages.WebMessage) {
	m := &messages.MarkWebRead{Number: t.Number, RecordedMs: t.CreatedMs}
	if len(shown) > 0 {
		last := shown[len(shown)-1]
		m.Sequence, m.RecordedMs = last.Message.Sequence, last.RecordedMs
	}
	person := strconv.FormatInt(of.person.Id, 10)
	if _, err := ask[*messages.Reply](ctx, s, messages.KindUser, person, m); err != nil && ctx.Err() == nil {
		s.log.Warn("what somebody has read on the web desk could not be kept", "user", person, "ticket", t.TicketId, "error", err)
	}
}
