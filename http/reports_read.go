package httpedge

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/view"
)

const (
	mediaCSV = "text/csv"
	// csvRowsAtMost is how many rows a report may have as CSV.
	csvRowsAtMost = 10_000
)

type timesReportOutput struct {
	Body TimesReport
}

func (a *API) getTimesReport(ctx context.Context, c *call, in *ReportPageInput) (*timesReportOutput, error) {
	span, list, err := a.reportPage(ctx, c, "times", in)
	if err != nil {
		return nil, err
	}
	found, err := askReport[*messages.TimesReport](ctx, a, &messages.GetTimesReport{Span: span})
	if err != nil {
		return nil, err
	}
	body := TimesReport{ReportOf: reportOf(span, found.State), Total: timesFigures(found.Total), Data: []TimesRow{}}
	for _, r := range found.Rows {
		body.Data = append(body.Data, TimesRow{rowName(r.Key, r.Name, r.ChatId), timesFigures(r)})
	}
	if found.More {
		next := cursorOf(list, found.Rows[len(found.Rows)-1].Key)
		body.NextCursor = &next
	}
	return &timesReportOutput{Body: body}, nil
}

type activityReportOutput struct {
	Body ActivityReport
}

func (a *API) getActivityReport(ctx context.Context, c *call, in *ReportPageInput) (*activityReportOutput, error) {
	span, list, err := a.reportPage(ctx, c, "activity", in)
	if err != nil {
		return nil, err
	}
	found, err := askReport[*messages.ActivityReport](ctx, a, &messages.GetActivityReport{Span: span})
	if err != nil {
		return nil, err
	}
	body := ActivityReport{ReportOf: reportOf(span, found.State), Total: activityFigures(found.Total), Data: []ActivityRow{}}
	for _, r := range found.Rows {
		body.Data = append(body.Data, ActivityRow{rowName(r.Key, r.Name, r.ChatId), activityFigures(r)})
	}
	if found.More {
		next := cursorOf(list, found.Rows[len(found.Rows)-1].Key)
		body.NextCursor = &next
	}
	return &activityReportOutput{Body: body}, nil
}

// reportPage is the span of a page of a report, and what its cursors are bound to.
func (a *API) reportPage(ctx context.Context, c *call, of string, in *ReportPageInput) (
	_ *messages.ReportSpan, list string, err error,
) {
	span, err := a.reportSpan(ctx, c, &in.ReportInput)
	if err != nil {
		return nil, "", err
	}
	list = "reports/" + fmt.Sprintf("%q", []string{of, span.FirstDay, span.LastDay, span.TimeZone, span.By, span.GroupId})
	span.Limit = int32(in.Limit)
	if in.Cursor != "" {
		err = readCursor(list, in.Cursor, &span.After)
	}
	return span, list, err
}

func reportOf(s *messages.ReportSpan, state *messages.ReportState) ReportOf {
	return ReportOf{From: s.FirstDay, To: s.LastDay, TimeZone: s.TimeZone, By: s.By,
		CompleteSince: view.TimeOf(state.GetCompleteSinceMs()), WaitingEvents: state.GetWaiting()}
}

// rowName names a row. A group that the desk does not know any more has its internal id.
func rowName(key, name string, chatID int64) RowName {
	if chatID != 0 {
		key = strconv.FormatInt(chatID, 10)
	}
	return RowName{Key: key, Name: name}
}

func timesFigures(r *messages.TimesRow) TimesFigures {
	return TimesFigures{FirstAnswer: reportTimes(r.GetFirstAnswer()), FirstClose: reportTimes(r.GetFirstClose()),
		Close: reportTimes(r.GetClose()), ClosedUnanswered: r.GetClosedUnanswered()}
}

func reportTimes(t *messages.ReportTimes) ReportTimes {
	if t.GetTickets() == 0 {
		return ReportTimes{}
	}
	seconds := func(ms int64) *float64 {
		s := math.Round(float64(ms)) / 1000
		return &s
	}
	return ReportTimes{Tickets: t.Tickets, MeanSeconds: seconds(t.MeanMs), MedianSeconds: seconds(t.MedianMs),
		P90Seconds: seconds(t.P90Ms), LongestSeconds: seconds(t.LongestMs)}
}

func activityFigures(r *messages.ActivityRow) ActivityFigures {
	return ActivityFigures{Opened: r.GetOpened(), Closed: r.GetClosed(), Reopened: r.GetReopened(),
		CustomerMessages: r.GetAsked(), DeskMessages: r.GetAnswered(), Notes: r.GetNotes()}
}

// timesColumns are the columns of the report of times as CSV. They keep their order; new ones come last.
var timesColumns = []string{"key", "name",
	"firstAnswerTickets", "firstAnswerMeanSeconds", "firstAnswerMedianSeconds", "firstAnswerP90Seconds", "firstAnswerLongestSeconds",
	"firstCloseTickets", "firstCloseMeanSeconds", "firstCloseMedianSeconds", "firstCloseP90Seconds", "firstCloseLongestSeconds",
	"closeTickets", "closeMeanSeconds", "closeMedianSeconds", "closeP90Seconds", "closeLongestSeconds", "closedUnanswered"}

func (a *API) getTimesReportCSV(ctx context.Context, c *call, in *ReportInput) (*contentOutput, error) {
	span, err := a.reportSpan(ctx, c, in)
	if err != nil {
		return nil, err
	}
	span.Limit = csvRowsAtMost
	found, err := askReport[*messages.TimesReport](ctx, a, &messages.GetTimesReport{Span: span})
	if err != nil {
		return nil, err
	}
	table := [][]string{timesColumns}
	for _, r := range found.Rows {
		f := timesFigures(r)
		row := nameCells(r.Key, r.Name, r.ChatId)
		for _, t := range []ReportTimes{f.FirstAnswer, f.FirstClose, f.Close} {
			row = append(row, strconv.FormatInt(t.Tickets, 10), numberCell(t.MeanSeconds), numberCell(t.MedianSeconds),
				numberCell(t.P90Seconds), numberCell(t.LongestSeconds))
		}
		table = append(table, append(row, strconv.FormatInt(f.ClosedUnanswered, 10)))
	}
	return csvOutput("times", span, table, found.More)
}

// activityColumns are the columns of the report of activity as CSV. They keep their order; new ones come last.
var activityColumns = []string{"key", "name", "opened", "closed", "reopened", "customerMessages", "deskMessages", "notes"}

func (a *API) getActivityReportCSV(ctx context.Context, c *call, in *ReportInput) (*contentOutput, error) {
	span, err := a.reportSpan(ctx, c, in)
	if err != nil {
		return nil, err
	}
	span.Limit = csvRowsAtMost
	found, err := askReport[*messages.ActivityReport](ctx, a, &messages.GetActivityReport{Span: span})
	if err != nil {
		return nil, err
	}
	table := [][]string{activityColumns}
	for _, r := range found.Rows {
		row := nameCells(r.Key, r.Name, r.ChatId)
		for _, n := range []int64{r.Opened, r.Closed, r.Reopened, r.Asked, r.Answered, r.Notes} {
			row = append(row, strconv.FormatInt(n, 10))
		}
		table = append(table, row)
	}
	return csvOutput("activity", span, table, found.More)
}

func nameCells(key, name string, chatID int64) []string {
	n := rowName(key, name, chatID)
	if chatID == 0 { // else it is a number
		n.Key = inert(n.Key)
	}
	return []string{n.Key, inert(n.Name)}
}

// inert is a text that no spreadsheet takes for a formula.
func inert(text string) string {
	if text != "" && strings.ContainsAny(string([]rune(text)[:1]), "=+-@\t\r＝＋－＠") {
		return "'" + text
	}
	return text
}

func numberCell(n *float64) string {
	if n == nil {
		return ""
	}
	return strconv.FormatFloat(*n, 'f', -1, 64)
}

// csvOutput is a table as CSV (RFC 4180).
func csvOutput(name string, span *messages.ReportSpan, table [][]string, more bool) (*contentOutput, error) {
	if more {
		return nil, invalidQuery("by", fmt.Sprintf("there are more than %d rows: ask for fewer days, or for one group", csvRowsAtMost))
	}
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.UseCRLF = true
	if err := w.WriteAll(table); err != nil {
		return nil, fmt.Errorf("write CSV: %w", err)
	}
	file := fmt.Sprintf("%s-%s-%s.csv", name, span.FirstDay, span.LastDay)
	return &contentOutput{Body: func(h huma.Context) {
		h.SetHeader("Content-Type", mediaCSV+"; charset=utf-8; header=present")
		h.SetHeader("Content-Disposition", `attachment; filename="`+file+`"`)
		h.SetHeader("X-Content-Type-Options", "nosniff")
		_, _ = h.BodyWriter().Write(b.Bytes()) // of fasthttp's buffer: it can't fail
	}}, nil
}

// OpenReportInput says of which tickets a report of the open ones is.
type OpenReportInput struct {
	GroupID int64 `query:"groupId" maximum:"0" minimum:"-4503599627370495" doc:"Only tickets whose home topic is in this group, by its Telegram id."`
}

type openReportOutput struct {
	Body OpenReport
}

func (a *API) getOpenReport(ctx context.Context, c *call, in *OpenReportInput) (*openReportOutput, error) {
	group, err := a.reportGroup(ctx, c, in.GroupID)
	if err != nil {
		return nil, err
	}
	found, err := ask[*messages.OpenReport](ctx, a, messages.KindQuery, "", &messages.GetOpenReport{GroupId: group})
	if err != nil {
		return nil, err
	}
	body := OpenReport{At: view.At(found.AtMs), Data: []OpenRow{}}
	for _, r := range found.Rows {
		row := OpenRow{FromSeconds: r.FromMs / 1000, Open: r.Open, Pending: r.Pending}
		if to := r.ToMs / 1000; to > 0 {
			row.ToSeconds = &to
		}
		body.Data = append(body.Data, row)
	}
	return &openReportOutput{Body: body}, nil
}
