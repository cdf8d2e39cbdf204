package httpedge

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/view"
)

// Reports: how the desk does its work. docs/reports.md defines the figures.

// ReportInput says of what a report is.
type ReportInput struct {
	From     string `query:"from" required:"true" format:"date" doc:"The first day." example:"2026-03-01"`
	To       string `query:"to" required:"true" format:"date" doc:"The last day, which counts, too. At most 366 days." example:"2026-03-31"`
	TimeZone string `query:"timeZone" maxLength:"64" default:"UTC" doc:"Whose days and hours, by its IANA name." example:"Asia/Bangkok"`
	By       string `query:"by" enum:"group,person,day,hour" default:"group" doc:"What there is a row for. hour: of the day, 00 to 23."`
	GroupID  int64  `query:"groupId" maximum:"0" minimum:"-4503599627370495" doc:"Only tickets whose home topic is in this group, by its Telegram id."`
}

// ReportPageInput is ReportInput for a page of rows.
type ReportPageInput struct {
	ReportInput
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"400" doc:"The most rows that a page may have."`
	Cursor string `query:"cursor" maxLength:"500" doc:"The nextCursor of the previous page. Absent for the first page."`
}

// ReportOf says of what a report is, and what it is made of.
type ReportOf struct {
	From          string     `json:"from" example:"2026-03-01"`
	To            string     `json:"to" example:"2026-03-31"`
	TimeZone      string     `json:"timeZone" example:"Asia/Bangkok"`
	By            string     `json:"by" enum:"group,person,day,hour" example:"group"`
	CompleteSince *view.Time `json:"completeSince" doc:"What happened before this may be missing, since its events were deleted before they were counted. null: nothing is missing."`
	WaitingEvents int64      `json:"waitingEvents" doc:"How many events are not counted yet. After an upgrade that may be many, for some minutes." example:"0"`
}

// ReportTimes sums up how long something took.
type ReportTimes struct {
	Tickets        int64    `json:"tickets" doc:"Of how many tickets." example:"42"`
	MeanSeconds    *float64 `json:"meanSeconds" doc:"null: of no ticket, here and below." example:"5400.5"`
	MedianSeconds  *float64 `json:"medianSeconds" doc:"The shortest time that half of them did not exceed." example:"1800"`
	P90Seconds     *float64 `json:"p90Seconds" doc:"The shortest time that 90 of 100 did not exceed." example:"14400"`
	LongestSeconds *float64 `json:"longestSeconds" example:"86400"`
}

// TimesFigures are the figures of a row of the report of times.
type TimesFigures struct {
	FirstAnswer      ReportTimes `json:"firstAnswer" doc:"From the opening of a ticket until somebody else answered, of tickets that were first answered in the time of the report."`
	FirstClose       ReportTimes `json:"firstClose" doc:"From the opening of a ticket until it was first closed, of tickets that were first closed in the time of the report."`
	Close            ReportTimes `json:"close" doc:"From the opening of a ticket until it was last closed, of tickets that are closed now and were closed in the time of the report."`
	ClosedUnanswered int64       `json:"closedUnanswered" doc:"How many of those in close nobody had answered before." example:"3"`
}

// TimesRow is a row of the report of times.
type TimesRow struct {
	RowName
	TimesFigures
}

// RowName says of what a row is.
type RowName struct {
	Key  string `json:"key" doc:"The Telegram id of a group; kind and id of a person, such as user:4711; a day; or an hour, 00 to 23." example:"-1001234567890"`
	Name string `json:"name" doc:"The title of the group, or the person's newest name. Empty: none is known, or it is a day or an hour." example:"Support"`
}

// TimesReport says how long it took until tickets were answered and closed.
type TimesReport struct {
	ReportOf
	Total      TimesFigures `json:"total" doc:"Of all rows together, also of those of other pages."`
	Data       []TimesRow   `json:"data" nullable:"false" doc:"The rows of this page. There is one for each day or hour, but only for groups and people that did something."`
	NextCursor *string      `json:"nextCursor" doc:"The cursor of the next page. null on the last page."`
}

// ActivityFigures are the figures of a row of the report of activity.
type ActivityFigures struct {
	Opened           int64 `json:"opened" doc:"Tickets that were opened; of a person: by them." example:"42"`
	Closed           int64 `json:"closed" doc:"How often tickets were closed." example:"40"`
	Reopened         int64 `json:"reopened" doc:"How often tickets were reopened." example:"2"`
	CustomerMessages int64 `json:"customerMessages" doc:"Messages of whoever had opened the ticket." example:"130"`
	DeskMessages     int64 `json:"deskMessages" doc:"Messages of others. Internal notes do not count." example:"145"`
	Notes            int64 `json:"notes" doc:"Internal notes." example:"12"`
}

// ActivityRow is a row of the report of activity.
type ActivityRow struct {
	RowName
	ActivityFigures
}

// ActivityReport says how much was done.
type ActivityReport struct {
	ReportOf
	Total      ActivityFigures `json:"total" doc:"Of all rows together, also of those of other pages."`
	Data       []ActivityRow   `json:"data" nullable:"false" doc:"The rows of this page. There is one for each day or hour, but only for groups and people that did something."`
	NextCursor *string         `json:"nextCursor" doc:"The cursor of the next page. null on the last page."`
}

// OpenReport says how old the tickets are that are not closed.
type OpenReport struct {
	At   view.Time `json:"at" doc:"Of when it is."`
	Data []OpenRow `json:"data" nullable:"false" doc:"A row for each class of ages, the youngest first."`
}

// OpenRow counts the tickets of a class of ages.
type OpenRow struct {
	FromSeconds int64  `json:"fromSeconds" doc:"How old they are at least: since they were opened, also those that were reopened." example:"0"`
	ToSeconds   *int64 `json:"toSeconds" doc:"They are younger than that. null: no limit." example:"3600"`
	Open        int64  `json:"open" example:"7"`
	Pending     int64  `json:"pending" doc:"Tickets that wait for the other side (/pending)." example:"2"`
}

const aboutReports = " The figures are defined in docs/reports.md. They are counted in the background, some seconds after what happened. " +
	"A key that is bound to a group gets those of its group."

func (a *API) reportOperations() {
	of := ReportOf{From: "2026-03-01", To: "2026-03-31", TimeZone: "Asia/Bangkok", By: "group"}
	name := RowName{Key: "-1001234567890", Name: "Support"}
	seconds := func(s float64) *float64 { return &s }
	took := ReportTimes{Tickets: 42, MeanSeconds: seconds(5400.5), MedianSeconds: seconds(1800), P90Seconds: seconds(14400),
		LongestSeconds: seconds(86400)}
	times := TimesFigures{FirstAnswer: took, FirstClose: took, Close: took, ClosedUnanswered: 3}
	did := ActivityFigures{Opened: 42, Closed: 40, Reopened: 2, CustomerMessages: 130, DeskMessages: 145, Notes: 12}
	hour := int64(3600)
	unknown := []string{codeGroupUnknown}
	few := huma.Middlewares{a.oneOf(a.reports, "Too many reports are being made at the moment. Wait as long as Retry-After says.")}
	csv := " As CSV (RFC 4180, UTF-8), with all rows. What begins as a formula of a spreadsheet does has a ' before it."
	register(a, op{
		id: "getTimesReport", method: http.MethodGet, path: "/reports/times", tag: tagReports, scope: messages.ScopeReportsRead,
		summary: "See how fast tickets are answered and closed", middlewares: few, codes: unknown,
		description: "Returns how long it took until tickets were first answered, first closed, and closed." + aboutReports,
		answer:      TimesReport{ReportOf: of, Total: times, Data: []TimesRow{{name, times}}},
	}, a.getTimesReport)
	register(a, op{
		id: "getTimesReportCsv", method: http.MethodGet, path: "/reports/times.csv", tag: tagReports, scope: messages.ScopeReportsRead,
		summary: "Download how fast tickets are answered and closed", media: mediaCSV, middlewares: few, codes: unknown,
		description: "Returns how long it took until tickets were first answered, first closed, and closed." + csv + aboutReports,
	}, a.getTimesReportCSV)
	register(a, op{
		id: "getActivityReport", method: http.MethodGet, path: "/reports/activity", tag: tagReports, scope: messages.ScopeReportsRead,
		summary: "See how much is done", middlewares: few, codes: unknown,
		description: "Returns how many tickets were opened, closed and reopened, and how many messages were written." + aboutReports,
		answer:      ActivityReport{ReportOf: of, Total: did, Data: []ActivityRow{{name, did}}},
	}, a.getActivityReport)
	register(a, op{
		id: "getActivityReportCsv", method: http.MethodGet, path: "/reports/activity.csv", tag: tagReports, scope: messages.ScopeReportsRead,
		summary: "Download how much is done", media: mediaCSV, middlewares: few, codes: unknown,
		description: "Returns how many tickets were opened, closed and reopened, and how many messages were written." + csv + aboutReports,
	}, a.getActivityReportCSV)
	register(a, op{
		id: "getOpenReport", method: http.MethodGet, path: "/reports/open", tag: tagReports, scope: messages.ScopeReportsRead,
		summary: "See how old the open tickets are", middlewares: huma.Middlewares{a.fewLists}, codes: unknown,
		description: "Returns how many tickets are not closed now, by how long ago they were opened. A key that is bound to a group " +
			"gets those of its group.",
		answer: OpenReport{At: view.ExampleTime, Data: []OpenRow{{ToSeconds: &hour, Open: 7, Pending: 2}}},
	}, a.getOpenReport)
}

// reportSpan is the span of a report for the actors.
func (a *API) reportSpan(ctx context.Context, c *call, in *ReportInput) (*messages.ReportSpan, error) {
	first, err1 := time.Parse(time.DateOnly, in.From)
	last, err2 := time.Parse(time.DateOnly, in.To)
	switch {
	case err1 != nil:
		return nil, invalidQuery("from", "it must be a day, such as 2026-03-01")
	case err2 != nil:
		return nil, invalidQuery("to", "it must be a day, such as 2026-03-31")
	case first.Year() < reportsFrom:
		return nil, invalidQuery("from", "there was no desk then")
	case last.Before(first):
		return nil, invalidQuery("to", "it must not be before from")
	case last.Sub(first) >= daysAtMost*24*time.Hour:
		return nil, invalidQuery("to", "a report may have at most 366 days")
	}
	if zone, err := time.LoadLocation(in.TimeZone); err != nil || in.TimeZone == "" || zone == time.Local {
		return nil, invalidQuery("timeZone", "there is no such time zone; names are those of IANA, such as Asia/Bangkok")
	}
	group, err := a.reportGroup(ctx, c, in.GroupID)
	if err != nil {
		return nil, err
	}
	return &messages.ReportSpan{FirstDay: in.From, LastDay: in.To, TimeZone: in.TimeZone, By: in.By, GroupId: group}, nil
}

const (
	// daysAtMost is how many days a report may have, and reportsFrom the first year of one.
	daysAtMost  = 366
	reportsFrom = 2000
)

// reportGroup is the internal id of the only group that a report is of; "": all.
func (a *API) reportGroup(ctx context.Context, c *call, telegramID int64) (string, error) {
	if telegramID == 0 {
		return c.key.GroupId, nil
	}
	place, err := a.place(ctx, c, telegramID)
	if err != nil {
		return "", unknownGroupIn(err, "groupId")
	}
	return place, nil
}

// askReport asks for a report of a span.
func askReport[T proto.Message](ctx context.Context, a *API, m proto.Message) (none T, _ error) {
	answer, err := a.reply(ctx, messages.KindQuery, "", m)
	if err != nil {
		return none, err
	}
	if r, ok := answer.(interface{ GetReason() string }); ok && r.GetReason() == messages.ReasonReportTooLarge {
		return none, invalidQuery("to", "the report would be made of too much: ask for fewer days")
	}
	return replyAs[T](answer)
}
