package query

import (
	"context"
	"errors"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/report"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// What the desk has done.

// reportWithin is how long a report may take to make: whoever asks waits a little longer. One that takes longer is too large.
const reportWithin = 7 * time.Second

func (q *query) timesReport(m *messages.GetTimesReport) proto.Message {
	found, state, err := inSpan(q, m.Span, report.Times)
	for _, row := range found.GetRows() {
		if err == nil && m.Span.By == report.ByGroup {
			row.Name, row.ChatId, err = q.groupName(row.Key)
		}
	}
	if err != nil {
		code, reason := q.reportCode(m, err)
		return &messages.TimesReport{Code: code, Reason: reason}
	}
	found.State = state
	return found
}

func (q *query) activityReport(m *messages.GetActivityReport) proto.Message {
	found, state, err := inSpan(q, m.Span, report.Activity)
	for _, row := range found.GetRows() {
		if err == nil && m.Span.By == report.ByGroup {
			row.Name, row.ChatId, err = q.groupName(row.Key)
		}
	}
	if err != nil {
		code, reason := q.reportCode(m, err)
		return &messages.ActivityReport{Code: code, Reason: reason}
	}
	found.State = state
	return found
}

// inSpan makes a report on a span of time within reportWithin. The state is read first: what is counted meanwhile is more
// than it says, not less.
func inSpan[R any](
	q *query, span *messages.ReportSpan, count func(context.Context, storage.Tallies, *messages.ReportSpan) (R, error),
) (found R, state *messages.ReportState, err error) {
	if state, err = report.State(q.env.Ctx, q.env.Store, q.log); err != nil {
		return found, nil, err
	}
	ctx, cancel := context.WithTimeout(q.env.Ctx, reportWithin)
	defer cancel()
	found, err = count(ctx, q.env.Store, span)
	return found, state, err
}

func (q *query) openReport(m *messages.GetOpenReport) proto.Message {
	found, err := report.Open(q.env.Ctx, q.env.Store, m.GroupId, q.env.Now())
	if err != nil {
		return &messages.OpenReport{Code: q.code(m, err)}
	}
	return found
}

// reportCode is the code of a report that can't be made.
func (q *query) reportCode(m proto.Message, err error) (code messages.Code, reason string) {
	switch {
	case errors.Is(err, report.ErrTooMuch), errors.Is(err, context.DeadlineExceeded):
		return messages.Code_CONFLICT, messages.ReasonReportTooLarge
	case errors.Is(err, report.ErrSpan):
		return messages.Code_CONFLICT, messages.ReasonReportSpan
	}
	return q.code(m, err), ""
}

// groupName is the title of a group and its Telegram id. One that is gone has neither.
func (q *query) groupName(place ids.Place) (string, ids.ChatID, error) {
	g, err := q.env.Store.Group(q.env.Ctx, place)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return "", 0, nil
	case err != nil:
		return "", 0, err
	}
	return g.Title, g.TelegramGroupID, nil
}
