package web

import (
	"net/http"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"
)

// The page of reports (docs/reports.md).

var reportRoutes = []operationRoute{
	{http.MethodGet, "", (*operator).reports},
	{http.MethodGet, "/times.csv", func(o *operator) error { return o.reportFile("times") }},
	{http.MethodGet, "/activity.csv", func(o *operator) error { return o.reportFile("activity") }},
}

type reportTimes struct {
	Tickets        int64    `json:"tickets"`
	MeanSeconds    *float64 `json:"meanSeconds"`
	MedianSeconds  *float64 `json:"medianSeconds"`
	P90Seconds     *float64 `json:"p90Seconds"`
	LongestSeconds *float64 `json:"longestSeconds"`
}

type timesFigures struct {
	FirstAnswer      reportTimes `json:"firstAnswer"`
	FirstClose       reportTimes `json:"firstClose"`
	Close            reportTimes `json:"close"`
	ClosedUnanswered int64       `json:"closedUnanswered"`
}

type activityFigures struct {
	Opened           int64 `json:"opened"`
	Closed           int64 `json:"closed"`
	Reopened         int64 `json:"reopened"`
	CustomerMessages int64 `json:"customerMessages"`
	DeskMessages     int64 `json:"deskMessages"`
	Notes            int64 `json:"notes"`
}

// rowName says of what a row of a report is.
type rowName struct {
	Key  string `json:"key"`
	Name string `json:"name"`
}

// Called is the name, or where there is none the key.
func (r rowName) Called() string {
	if r.Name != "" {
		return r.Name
	}
	return r.Key
}

type reported[F, R any] struct {
	CompleteSince *time.Time `json:"completeSince"`
	WaitingEvents int64      `json:"waitingEvents"`
	Total         F          `json:"total"`
	Data          []R        `json:"data"`
	NextCursor    *string    `json:"nextCursor"`
}

type timesRow struct {
	rowName
	timesFigures
}

type activityRow struct {
	rowName
	activityFigures
}

type openRow struct {
	FromSeconds int64  `json:"fromSeconds"`
	ToSeconds   *int64 `json:"toSeconds"`
	Open        int64  `json:"open"`
	Pending     int64  `json:"pending"`
}

type reportsPage struct {
	From, To, Zone, By string
	Group              int64
	Choose             []group
	Bys                []string
	Times              reported[timesFigures, timesRow]
	Activity           reported[activityFigures, activityRow]
	Open               struct {
		Data []openRow `json:"data"`
	}
	TimesFile, ActivityFile string // addresses of the same as CSV
}

// reportsBy are what there may be a row for.
var reportsBy = []string{"group", "person", "day", "hour"}

// rowsOnPage is how many rows a report shows. The file has all.
const rowsOnPage = "400"

// reportQuery reads what is asked for; what is left out has its usual value: the last seven days, in the reader's zone.
func (o *operator) reportQuery() (p *reportsPage, query []string) {
	zone := zoneOf(o.c)
	today := o.site.o.Now().In(zone)
	or := func(name, usual string) string {
		if given := firstOf(o.c.Query(name), zoneAtMost); given != "" {
			return given
		}
		return usual
	}
	p = &reportsPage{From: or("from", today.AddDate(0, 0, -6).Format(time.DateOnly)), To: or("to", today.Format(time.DateOnly)),
		Zone: or("timeZone", zone.String()), By: or("by", reportsBy[0]), Bys: reportsBy}
	p.Group, _ = strconv.ParseInt(o.c.Query("groupId"), 10, 64)
	query = []string{"from", p.From, "to", p.To, "timeZone", p.Zone, "by", p.By}
	if p.Group != 0 {
		query = append(query, "groupId", strconv.FormatInt(p.Group, 10))
	}
	return p, query
}

func (o *operator) reports() error {
	p, query := o.reportQuery()
	var err error
	if p.Choose, err = o.groupList(); err != nil {
		return err
	}
	limited := append([]string{"limit", rowsOnPage}, query...)
	if err = o.get(withQuery("/reports/times", limited...), &p.Times); err == nil {
		err = o.get(withQuery("/reports/activity", limited...), &p.Activity)
	}
	if err == nil {
		open := []string{}
		if p.Group != 0 {
			open = []string{"groupId", strconv.FormatInt(p.Group, 10)}
		}
		err = o.get(withQuery("/reports/open", open...), &p.Open)
	}
	if err != nil { // such as days in the wrong order: the form stays
		return o.again(err, func() error { return o.show("operations-reports", p) })
	}
	p.TimesFile, p.ActivityFile = withQuery(o.path("/times.csv"), query...), withQuery(o.path("/activity.csv"), query...)
	return o.show("operations-reports", p)
}

// reportFile hands on a report as CSV.
func (o *operator) reportFile(name string) error {
	_, query := o.reportQuery()
	answer, err := o.send(http.MethodGet, withQuery("/reports/"+name+".csv", query...), nil)
	if err != nil {
		return err
	}
	o.c.Set(fiber.HeaderContentType, answer.ContentType)
	o.c.Set(fiber.HeaderContentDisposition, answer.Disposition)
	o.c.Response().SetBody(answer.Body) // a raw body, as of Send, would pass for one that all answers share
	return nil
}
