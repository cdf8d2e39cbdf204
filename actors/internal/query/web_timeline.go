package query

import (
	"cmp"
	"encoding/json"
	"errors"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// What the web desk reads of one ticket.

func (q *query) webTimeline(m *messages.ListWebTimeline) proto.Message {
	fail := func(err error) proto.Message { return &messages.WebTimeline{Code: q.code(m, err)} }
	ticket, err := q.env.Store.Ticket(q.env.Ctx, m.TicketId)
	if err != nil {
		return fail(err)
	}
	reply := &messages.WebTimeline{Code: messages.Code_OK, Waiting: map[string]*messages.WebWaiting{}, Context: contextOf(ticket)}
	var page []storage.Message
	if m.After != 0 && m.Context == reply.Context {
		reply.Kept, page, err = q.keptMessages(m)
	} else {
		page, err = q.webMessages(m)
	}
	if err != nil {
		return fail(err)
	}
	if m.Sequence == 0 && m.MessageId == "" {
		files, err := q.env.Store.AttachmentsOf(q.env.Ctx, m.TicketId) // its description's
		if err != nil {
			return fail(err)
		}
		if reply.Closing, err = q.closingOf(ticket); err != nil {
			return fail(err)
		}
		for i := range files {
			if !desk.IsRetracted(ticket, &files[i]) {
				reply.DescriptionFiles = append(reply.DescriptionFiles, desk.AttachmentRecord(&files[i]))
			}
		}
	}
	for i := range page {
		said, err := q.webMessage(ticket, &page[i])
		if err != nil {
			return fail(err)
		}
		if m.Sequence != 0 {
			said.Versions = versionsOf(&page[i])
		}
		for _, d := range said.Message.Deliveries {
			if d.State != "pending" {
				continue
			}
			if err := q.waiting(d.GetTopic().GetGroupId(), reply.Waiting); err != nil {
				return fail(err)
			}
		}
		reply.Messages = append(reply.Messages, said)
	}
	return reply
}

// webMessages are those of a page, oldest first.
func (q *query) webMessages(m *messages.ListWebTimeline) ([]storage.Message, error) {
	asked := &messages.ListMessageRecords{TicketId: m.TicketId, MessageId: m.MessageId, NewestFirst: true, After: m.Before,
		Limit: m.Limit}
	switch {
	case m.Sequence != 0:
		asked.NewestFirst, asked.After, asked.Limit = false, m.Sequence-1, 1
	case m.After != 0:
		asked.NewestFirst, asked.After = false, m.After
	}
	page, err := q.messagePage(asked)
	if asked.NewestFirst {
		slices.Reverse(page)
	}
	if m.Sequence != 0 && len(page) > 0 && page[0].Sequence != m.Sequence {
		page = nil
	}
	return page, err
}

func (q *query) webMessage(ticket *storage.Ticket, m *storage.Message) (*messages.WebMessage, error) {
	v, err := desk.MessageRecord(q.env.Ctx, q.env.Store, q.aliases, ticket, m)
	if err != nil {
		return nil, err
	}
	said := &messages.WebMessage{Message: v, Former: int64(len(m.Former)), RecordedMs: desk.MillisOf(m.RecordedAt)}
	for _, r := range m.Reactions {
		said.Reactions = append(said.Reactions, &messages.WebReaction{Emoji: cmp.Or(r.Emoji, "🖼"), By: r.By.Name})
	}
	for _, id := range v.AttachmentIds {
		file, err := q.env.Store.Attachment(q.env.Ctx, id)
		if errors.Is(err, storage.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		said.Files = append(said.Files, desk.AttachmentRecord(file))
	}
	said.Version = settledVersion(m, said)
	return said, nil
}

func versionsOf(m *storage.Message) (all []*messages.WebVersion) {
	for i := range m.Former {
		was := &m.Former[i]
		content := desk.ContentOf(&storage.Message{Text: was.Text, Entities: was.Entities, Media: was.Media})
		all = append(all, &messages.WebVersion{Content: content, Internal: was.Internal, UntilMs: desk.MillisOf(was.Until)})
	}
	return all
}

// waiting adds why what goes to a place waits, from what its chat stored last: to ask the chat would make it resident.
func (q *query) waiting(place ids.Place, known map[string]*messages.WebWaiting) error {
	if known[place] != nil {
		return nil
	}
	w := &messages.WebWaiting{}
	known[place] = w
	chat, err := q.env.Store.Chat(q.env.Ctx, place)
	if errors.Is(err, storage.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	w.Suspended, w.Waiting = chat.Suspended, int64(chat.Waiting)
	if chat.BlockedUntil.After(q.env.Now()) {
		w.BlockedUntilMs = desk.MillisOf(chat.BlockedUntil)
	}
	return nil
}

// eventsLookedAt is how many of a ticket's latest events are looked at for the one that closed it: little happens afterwards.
const eventsLookedAt = 20

// closingOf is who closed a ticket, from its events; nil: it is not closed, or they do not tell any more.
func (q *query) closingOf(t *storage.Ticket) (*messages.WebClosing, error) {
	if t.Status != desk.StatusClosed {
		return nil, nil
	}
	latest, err := q.env.Store.EventsAfter(q.env.Ctx, t.TicketID, t.EventNumber-eventsLookedAt, eventsLookedAt)
	if err != nil {
		return nil, err
	}
	for _, e := range slices.Backward(append(latest, t.Events...)) {
		if e.Type != messages.EventTicketClosed {
			continue
		}
		var data struct {
			Actor  *struct{ Name string }
			Reason string
		}
		if json.Unmarshal(e.Data, &data) != nil {
			return nil, nil
		}
		closing := &messages.WebClosing{Reason: data.Reason}
		if data.Actor != nil {
			closing.By = data.Actor.Name
		}
		return closing, nil
	}
	return nil, nil
}
