package report

import (
	"errors"
	"fmt"
	"time"
	_ "time/tzdata" // a report is of the days of who asks, also where the machine knows no time zones

	"github.com/topicdesk/topicdesk/messages"
)

// Of which time a report is, and what its rows are.

// What a report has a row for.
const (
	ByGroup  = "group"
	ByPerson = "person"
	ByDay    = "day"
	ByHour   = "hour"
)

// DaysAtMost is how many days a report may have.
const DaysAtMost = 366

// ErrSpan says that a span can't be reported on.
var ErrSpan = errors.New("no span of a report")

// span is a messages.ReportSpan that is understood.
type span struct {
	*messages.ReportSpan
	zone     *time.Location
	from, to time.Time // the first moment, and the one after the last
	first    time.Time // the first day, at midnight UTC
	days     int
}

// newSpan understands a span. The error is ErrSpan.
func newSpan(of *messages.ReportSpan) (*span, error) {
	s := &span{ReportSpan: of}
	zone, err := Zone(of.GetTimeZone())
	if err != nil {
		return nil, err
	}
	first, err1 := time.Parse(time.DateOnly, of.GetFirstDay())
	last, err2 := time.Parse(time.DateOnly, of.GetLastDay())
	s.zone, s.first, s.days = zone, first, int(last.Sub(first)/(24*time.Hour))+1
	known := map[string]bool{ByGroup: true, ByPerson: true, ByDay: true, ByHour: true}[of.GetBy()]
	if errors.Join(err1, err2) != nil || s.days < 1 || s.days > DaysAtMost || !known {
		return nil, fmt.Errorf("%w: %s to %s by %s", ErrSpan, of.GetFirstDay(), of.GetLastDay(), of.GetBy())
	}
	s.from, s.to = dayStart(first, zone), dayStart(last.AddDate(0, 0, 1), zone)
	return s, nil
}

// Zone finds a time zone by its name of IANA. The error is ErrSpan.
func Zone(name string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	if name == "" || name == "Local" || err != nil { // the machine's own zone has nothing to do with who asks
		return nil, fmt.Errorf("%w: there is no time zone %q", ErrSpan, name)
	}
	return zone, nil
}

// dayStart is the first moment of a day in a zone: not always 0:00, since clocks are set forward at midnight in some. day is at
// midnight UTC.
func dayStart(day time.Time, zone *time.Location) time.Time {
	const furthest = 15 * time.Hour // of a zone from UTC, and a little
	name := day.Format(time.DateOnly)
	for t := day.Add(-furthest); ; t = t.Add(quarter) {
		if t.In(zone).Format(time.DateOnly) >= name {
			return t
		}
	}
}

// keys are the keys of the rows that a report has, whatever happened; nil: those of groups and people with something to count.
func (s *span) keys() (all []string) {
	switch s.By {
	case ByDay:
		for i := range s.days {
			all = append(all, s.first.AddDate(0, 0, i).Format(time.DateOnly))
		}
	case ByHour:
		for i := range 24 {
			all = append(all, fmt.Sprintf("%02d", i))
		}
	}
	return all
}
