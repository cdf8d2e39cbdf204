package query

import (
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// What the API reads of tickets.

func (q *query) ticket(m *messages.GetTicket) proto.Message {
	r, err := q.env.Store.Ticket(q.env.Ctx, m.TicketId)
	if err != nil {
		return &messages.TicketRecord{Code: q.code(m, err)}
	}
	v, err := desk.RevisedRecord(q.env.Ctx, q.env.Store, q.aliases, r)
	if err != nil {
		return &messages.TicketRecord{Code: q.code(m, err)}
	}
	return v
}

func (q *query) ticketList(m *messages.ListTicketRecords) proto.Message {
	page, err := q.env.Store.ListTickets(q.env.Ctx, storage.TicketQuery{
		Status: m.Status, Priority: m.Priority, GroupID: m.GroupId, Creator: storage.CreatorKey{Kind: m.CreatorKind, ID: m.CreatorId},
		ExternalID: m.ExternalId, Text: m.Text, ByUpdated: m.ByUpdated, OldestFirst: m.OldestFirst,
		From: desk.TimeOf(m.FromMs), To: desk.TimeOf(m.ToMs), After: placeOf(m.After), Limit: int(m.Limit),
	})
	switch {
	case errors.Is(err, storage.ErrNoIndex):
		return &messages.TicketRecords{Code: messages.Code_CONFLICT, Reason: messages.ReasonListNotServed, Detail: err.Error()}
	case errors.Is(err, storage.ErrSearch):
		return &messages.TicketRecords{Code: messages.Code_CONFLICT, Reason: messages.ReasonSearchTooShort, Detail: err.Error()}
	}
	answer := &messages.TicketRecords{Code: q.code(m, err)}
	for i := range page.Tickets {
		v, err := desk.TicketRecord(q.env.Ctx, q.env.Store, q.aliases, &page.Tickets[i])
		if err != nil {
			return &messages.TicketRecords{Code: q.code(m, err)}
		}
		answer.Tickets = append(answer.Tickets, v)
	}
	if page.Next != nil {
		answer.Next = &messages.Place{AtMs: page.Next.At.UnixMilli(), Id: page.Next.ID}
	}
	return answer
}

func placeOf(p *messages.Place) *storage.TicketPlace {
	if p == nil {
		return nil
	}
	return &storage.TicketPlace{At: time.UnixMilli(p.AtMs).UTC(), ID: p.Id}
}

func (q *query) messages(m *messages.ListMessageRecords) proto.Message {
	s, ctx := q.env.Store, q.env.Ctx
	fail := func(err error) proto.Message { return &messages.MessageRecords{Code: q.code(m, err)} }
	ticket, err := s.Ticket(ctx, m.TicketId)
	if err != nil {
		return fail(err)
	}
	var page []storage.Message
	switch {
	case m.MessageId != "":
		var one *storage.Message
		if one, err = s.Message(ctx, m.MessageId); err == nil && one.TicketID == m.TicketId {
			page = append(page, *one)
		}
	case m.NewestFirst && m.After > 0:
		page, err = s.MessagesBefore(ctx, m.TicketId, m.After, int(m.Limit))
	case m.NewestFirst:
		page, err = s.MessagesBefore(ctx, m.TicketId, 1<<62, int(m.Limit))
	default:
		page, err = s.MessagesAfter(ctx, m.TicketId, m.After, int(m.Limit))
	}
	if err != nil {
		return fail(err)
	}
	answer := &messages.MessageRecords{Code: messages.Code_OK}
	for i := range page {
		v, err := q.message(ticket, &page[i])
		if err != nil {
			return fail(err)
		}
		answer.Messages = append(answer.Messages, v)
	}
	return answer
}

func (q *query) message(ticket *storage.Ticket, m *storage.Message) (*messages.MessageRecord, error) {
	topic := desk.TopicOf(ticket, m.TopicID)
	if topic == nil {
		topic = &storage.Topic{TopicID: m.TopicID, GroupID: m.GroupID}
	}
	at, err := desk.TopicRecord(q.env.Ctx, q.env.Store, q.aliases, topic)
	if err != nil {
		return nil, err
	}
	v := &messages.MessageRecord{
		Code: messages.Code_OK, MessageId: m.MessageID, Sequence: m.Sequence, Sender: desk.SenderRecord(&m.Sender), Topic: at, Content: desk.ContentOf(m),
		Internal: m.Internal, SentMs: desk.MillisOf(m.SentAt), EditedMs: desk.MillisOf(m.EditedAt), Deleted: m.Deleted,
	}
	if m.ReplyTo != nil {
		if v.ReplyTo, err = q.answeredID(m.ReplyTo); err != nil {
			return nil, err
		}
		v.ReplyPreview = m.ReplyTo.Preview
	}
	v.AttachmentIds = m.Attachments
	if m.Media != nil && len(m.Attachments) == 0 {
		files, err := q.env.Store.AttachmentsOf(q.env.Ctx, m.MessageID)
		if err != nil {
			return nil, err
		}
		for i := range files {
			v.AttachmentIds = append(v.AttachmentIds, files[i].AttachmentID)
		}
	}
	copies, err := q.env.Store.CopiesOf(q.env.Ctx, m.MessageID)
	if err != nil {
		return nil, err
	}
	v.Deliveries, err = q.deliveries(ticket, m, copies)
	return v, err
}

// answeredID is the id of the message that another one answers: the answered one may be a copy in Telegram.
func (q *query) answeredID(p *storage.ReplyTo) (string, error) {
	if p.Answered != "" || p.MessageID == 0 {
		return p.Answered, nil
	}
	copies, err := q.env.Store.CopiesAt(q.env.Ctx, p.ChatID, p.MessageID)
	if err != nil {
		return "", err
	}
	if len(copies) > 0 {
		return copies[len(copies)-1].MessageID, nil
	}
	return messages.MessageKey(p.ChatID, p.MessageID), nil
}

// deliveries say how a message went into every topic that it has to go into.
func (q *query) deliveries(ticket *storage.Ticket, m *storage.Message, copies []storage.Copy) (all []*messages.Delivery, err error) {
	if m.Internal {
		return nil, nil
	}
	into := func(topic *storage.Topic) error {
		at, err := desk.TopicRecord(q.env.Ctx, q.env.Store, q.aliases, topic)
		if err != nil {
			return err
		}
		d := &messages.Delivery{Topic: at, State: "pending"}
		for i := range copies {
			c := &copies[i]
			if c.TopicID != topic.TopicID {
				continue
			}
			d.TelegramMessageIds, d.SentMs = c.Parts, desk.MillisOf(c.SentAt)
			switch c.State {
			case desk.CopySent:
				d.State = "sent"
			case desk.CopyFailed:
				d.State, d.Reason = "failed", c.Reason
			}
		}
		if d.State == "pending" && topic.Failure != "" {
			d.State, d.Reason = "failed", topic.Failure
		}
		all = append(all, d)
		return nil
	}
	covers := func(l *storage.Link) bool {
		return m.Sequence > l.BeginSequence && (!l.Ended || m.Sequence <= l.EndSequence)
	}
	if own := desk.LinkOf(ticket, m.TopicID); own != nil && covers(own) {
		if err := into(&ticket.Home); err != nil {
			return nil, err
		}
	}
	for i := range ticket.Links {
		if l := &ticket.Links[i]; l.LinkID != m.TopicID && !desk.IsAPILink(l) && covers(l) {
			if err := into(&l.Topic); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

func (q *query) events(m *messages.ListEventRecords) proto.Message {
	page, err := q.env.Store.EventsAfter(q.env.Ctx, m.TicketId, m.After, int(m.Limit))
	answer := &messages.EventRecords{Code: q.code(m, err)}
	for _, e := range page {
		data, err := q.showGroup(e.Data)
		if err != nil {
			return &messages.EventRecords{Code: q.code(m, err)}
		}
		answer.Events = append(answer.Events, &messages.EventRecord{EventId: e.EventID, Number: e.Number, Type: e.Type, AtMs: desk.MillisOf(e.At), Data: data})
	}
	return answer
}

// showGroup puts the group's Telegram id of today in the place of its internal one, which nobody outside knows.
func (q *query) showGroup(data []byte) ([]byte, error) {
	var fields map[string]json.RawMessage
	if json.Unmarshal(data, &fields) != nil || fields["groupId"] == nil {
		return data, nil
	}
	var internal string
	if json.Unmarshal(fields["groupId"], &internal) != nil {
		return data, nil
	}
	chat, err := desk.ChatOf(q.env.Ctx, q.env.Store, internal)
	if err != nil {
		return nil, err
	}
	delete(fields, "groupId")
	if chat != 0 { // a private chat has no group
		fields["groupId"] = json.RawMessage(strconv.FormatInt(chat, 10))
	}
	return json.Marshal(fields)
}

// failuresShown is how many failed copies of a link are shown one by one, failuresCounted how many are counted.
const (
	failuresShown   = 10
	failuresCounted = 1000
)

func (q *query) links(m *messages.ListLinkRecords) proto.Message {
	s, ctx := q.env.Store, q.env.Ctx
	r, err := s.Ticket(ctx, m.TicketId)
	if err != nil {
		return &messages.LinkRecords{Code: q.code(m, err)}
	}
	answer := &messages.LinkRecords{Code: messages.Code_OK}
	for i := range r.Links {
		l := &r.Links[i]
		if desk.IsAPILink(l) {
			continue
		}
		v := &messages.LinkRecord{LinkId: l.LinkID, UserId: l.UserID, UserName: l.UserName, CreatedBy: desk.CreatorRecord(l.By), CreatedMs: desk.MillisOf(l.CreatedAt)}
		if v.Home, err = desk.TopicRecord(q.env.Ctx, q.env.Store, q.aliases, &r.Home); err == nil {
			v.Topic, err = desk.TopicRecord(q.env.Ctx, q.env.Store, q.aliases, &l.Topic)
		}
		if err != nil {
			return &messages.LinkRecords{Code: q.code(m, err)}
		}
		switch {
		case l.Topic.Failure != "":
			v.State = "failed"
		case l.Ended:
			v.State = "ended"
		case !desk.IsOpened(&l.Topic):
			v.State = "pending"
		default:
			v.State = "active"
		}
		failed, err := s.FailedCopies(ctx, l.LinkID, 0, failuresCounted)
		if err != nil {
			return &messages.LinkRecords{Code: q.code(m, err)}
		}
		v.Failed = int64(len(failed))
		for _, c := range failed[:min(len(failed), failuresShown)] {
			v.Failures = append(v.Failures, &messages.FailedCopy{MessageId: c.MessageID, TopicId: c.TopicID, Reason: c.Reason})
		}
		answer.Links = append(answer.Links, v)
	}
	return answer
}

// linkStatus is the status of a link that is not in memory: it reads what the link would go on with.
func (q *query) linkStatus(m *messages.GetLinkStatus) proto.Message {
	s, ctx := q.env.Store, q.env.Ctx
	r, err := s.Ticket(ctx, m.TicketId)
	if err != nil {
		return &messages.LinkStatus{Code: q.code(m, err)}
	}
	l := desk.LinkOf(r, m.LinkId)
	if l == nil {
		return &messages.LinkStatus{Code: messages.Code_NOT_FOUND}
	}
	answer := &messages.LinkStatus{Code: messages.Code_OK}
	after := max(l.SettledSequence, l.BeginSequence)
	page, err := s.MessagesAfter(ctx, r.TicketID, after, desk.PageOfMessages)
	if err != nil {
		return &messages.LinkStatus{Code: q.code(m, err)}
	}
	copies, err := s.CopiesAfter(ctx, l.LinkID, after, 2*desk.PageOfMessages)
	if err != nil {
		return &messages.LinkStatus{Code: q.code(m, err)}
	}
	done := map[string]bool{}
	for _, c := range copies {
		done[c.MessageID] = c.State != desk.CopyPartial
	}
	for i := range page {
		x := &page[i]
		if x.Internal || done[x.MessageID] || l.Ended && x.Sequence > l.EndSequence {
			continue
		}
		answer.Pending++
		if answer.OldestMs == 0 {
			answer.OldestMs = desk.MillisOf(x.RecordedAt)
		}
	}
	return answer
}
