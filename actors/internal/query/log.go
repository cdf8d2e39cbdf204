package query

import (
	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/actors/internal/eventlog"
	"github.com/topicdesk/topicdesk/messages"
)

// eventsOfLog reads the log of events for the feed.
func (q *query) eventsOfLog(m *messages.ReadLog) proto.Message {
	filter := eventlog.NewFilter(m.Filter)
	if m.EventId != "" {
		return q.eventOfLog(m, filter)
	}
	read := func() (eventlog.Page, error) { return q.log.Read(q.env.Ctx, m.Positions, filter, int(m.Limit)) }
	if m.Newest {
		read = func() (eventlog.Page, error) { return q.log.Newest(q.env.Ctx, filter, int(m.Limit)) }
	}
	page, err := read()
	if err != nil {
		return &messages.LogPage{Code: q.code(m, err)}
	}
	return page.View(desk.LoggedEvent)
}

// eventOfLog reads one event; the page is empty if the filter does not select it.
func (q *query) eventOfLog(m *messages.ReadLog, filter *eventlog.Filter) proto.Message {
	e, err := q.env.Store.Event(q.env.Ctx, m.EventId)
	reply := &messages.LogPage{Code: q.code(m, err)}
	if err == nil && filter.Selects(e) {
		reply.Events = []*messages.LoggedEvent{desk.LoggedEvent(e)}
	}
	return reply
}

func (q *query) consumers(m *messages.ListConsumers) proto.Message {
	page, err := q.env.Store.Consumers(q.env.Ctx, m.KeyId, m.After, int(m.Limit))
	reply := &messages.ConsumerList{Code: q.code(m, err)}
	for i := range page {
		reply.Consumers = append(reply.Consumers, desk.ConsumerView(&page[i]))
	}
	return reply
}
