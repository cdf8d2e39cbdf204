package query

import (
	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// What the API reads of a ticket's links.

const (
	// failuresShown is how many failed copies of a link are listed.
	failuresShown = 10
	// failuresCounted is how many are counted at most.
	failuresCounted = 1000
)

func (q *query) linkRecords(m *messages.ListLinkRecords) proto.Message {
	r, err := q.env.Store.Ticket(q.env.Ctx, m.TicketId)
	if err != nil {
		return &messages.LinkRecords{Code: q.code(m, err)}
	}
	reply := &messages.LinkRecords{Code: messages.Code_OK}
	for i := range r.Links {
		if desk.IsAPILink(&r.Links[i]) {
			continue
		}
		v, err := q.linkRecord(r, &r.Links[i])
		if err != nil {
			return &messages.LinkRecords{Code: q.code(m, err)}
		}
		reply.Links = append(reply.Links, v)
	}
	return reply
}

func (q *query) linkRecord(r *storage.Ticket, l *storage.Link) (*messages.LinkRecord, error) {
	s, ctx := q.env.Store, q.env.Ctx
	home, err := desk.TopicRecord(ctx, s, q.aliases, &r.Home)
	if err != nil {
		return nil, err
	}
	topic, err := desk.TopicRecord(ctx, s, q.aliases, &l.Topic)
	if err != nil {
		return nil, err
	}
	failed, err := s.FailedCopies(ctx, l.LinkID, 0, failuresCounted)
	if err != nil {
		return nil, err
	}
	v := &messages.LinkRecord{
		LinkId: l.LinkID, UserId: l.UserID, UserName: l.UserName, Home: home, Topic: topic, State: linkState(l),
		CreatedBy: desk.CreatorRecord(l.By), CreatedMs: desk.MillisOf(l.CreatedAt), Failed: int64(len(failed)),
	}
	for _, c := range failed[:min(len(failed), failuresShown)] {
		v.Failures = append(v.Failures, &messages.FailedCopy{
			MessageId: c.MessageID, TopicId: c.TopicID, Reason: c.Reason,
		})
	}
	return v, nil
}

func linkState(l *storage.Link) string {
	switch {
	case l.Topic.Failure != "":
		return "failed"
	case l.Ended:
		return "ended"
	case !desk.IsOpened(&l.Topic), l.Topic.Unproven:
		return "pending"
	}
	return "active"
}

// linkStatus is the status of a link that is not resident. It reads what the link would resume from.
func (q *query) linkStatus(m *messages.GetLinkStatus) proto.Message {
	fail := func(err error) proto.Message { return &messages.LinkStatus{Code: q.code(m, err)} }
	s, ctx := q.env.Store, q.env.Ctx
	r, err := s.Ticket(ctx, m.TicketId)
	if err != nil {
		return fail(err)
	}
	l := desk.LinkOf(r, m.LinkId)
	if l == nil {
		return &messages.LinkStatus{Code: messages.Code_NOT_FOUND}
	}
	after := max(l.SettledSequence, l.BeginSequence)
	page, err := s.MessagesAfter(ctx, r.TicketID, after, desk.PageOfMessages)
	if err != nil {
		return fail(err)
	}
	copies, err := s.CopiesAfter(ctx, l.LinkID, after, 2*desk.PageOfMessages)
	if err != nil {
		return fail(err)
	}
	finished := map[ids.MessageKey]bool{}
	for _, c := range copies {
		finished[c.MessageID] = c.State != desk.CopyPartial
	}
	reply := &messages.LinkStatus{Code: messages.Code_OK}
	for i := range page {
		x := &page[i]
		if x.Internal || finished[x.MessageID] || l.Ended && x.Sequence > l.EndSequence {
			continue
		}
		reply.Pending++
		if reply.OldestMs == 0 {
			reply.OldestMs = desk.MillisOf(x.RecordedAt)
		}
	}
	return reply
}
