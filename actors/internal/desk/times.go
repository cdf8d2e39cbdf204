package desk

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/topicdesk/topicdesk/hours"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// Times are when the team of a group works, and within which working time it answers.
type Times struct {
	Hours     *hours.Hours   // nil: always
	Zone      *time.Location // of a team that always works; nil: unknown
	Within    storage.AnswerTimes
	AutoClose storage.AutoClose // when tickets that wait for the customer close by themselves
	Revision  int64             // of the group's record
	// ManualClaims is not about times, but is read with them: an answer claims no ticket.
	ManualClaims bool
}

// DefaultAnswerTimes hold for a group that has set none.
var DefaultAnswerTimes = storage.AnswerTimes{Low: 240, Normal: 240, High: 120, Urgent: 60}

// NoTimes are those of a group that the desk does not know: it always works, and its tickets are nobody's.
var NoTimes = Times{Within: DefaultAnswerTimes, ManualClaims: true}

// ReadTimes reads the times of a group.
func ReadTimes(ctx context.Context, store storage.Groups, groupID string) (Times, error) {
	group, err := store.Group(ctx, groupID)
	if errors.Is(err, storage.ErrNotFound) {
		return NoTimes, nil
	}
	if err != nil {
		return Times{}, fmt.Errorf("read a group: %w", err)
	}
	return TimesOf(group), nil
}

// TimesOf are the times of a group. Hours that can't be read, which a newer program has written, are always.
func TimesOf(r *storage.Group) Times {
	t := Times{Within: AnswerTimesOf(r), Revision: r.TimesRevision, Zone: ZoneOf(r), ManualClaims: r.ManualClaims}
	if h, err := hours.Parse(r.Hours, r.HoursApart); err == nil {
		t.Hours = h
	}
	t.AutoClose = AutoCloseOf(r)
	return t
}

// AnswerTimesOf are within how many minutes of working time an answer is due in a group.
func AnswerTimesOf(r *storage.Group) storage.AnswerTimes {
	if r.AnswerWithin == nil {
		return DefaultAnswerTimes
	}
	return *r.AnswerWithin
}

// AnswerWithin is within which working time an answer on a ticket of a priority is due; 0: it never is.
func (t Times) AnswerWithin(priority string) time.Duration {
	minutes := map[string]int64{
		"low": t.Within.Low, "normal": t.Within.Normal, "high": t.Within.High, "urgent": t.Within.Urgent,
	}[priority]
	return time.Duration(minutes) * time.Minute
}

// answerTimesRecord is what programs read.
func answerTimesRecord(t storage.AnswerTimes) *messages.AnswerTimes {
	return &messages.AnswerTimes{Low: t.Low, Normal: t.Normal, High: t.High, Urgent: t.Urgent}
}

func autoCloseRecord(a storage.AutoClose) *messages.AutoClose {
	return &messages.AutoClose{After: a.After, Notice: a.Notice}
}

// ZoneOf is the time zone in which a group's team most likely is, if it has said no hours: that of its language; nil: unknown.
func ZoneOf(r *storage.Group) *time.Location {
	if r.Language == "th" || r.Language == "" && r.Spoken == "th" {
		if zone, err := time.LoadLocation("Asia/Bangkok"); err == nil {
			return zone
		}
	}
	return nil
}

// ZoneName is the time zone in which the team most likely is; "": unknown.
func (t Times) ZoneName() string {
	if name := t.Hours.Zone(); name != "" || t.Zone == nil {
		return name
	}
	return t.Zone.String()
}

// DefaultReopenDays is for how many days after closing a customer's word reopens a ticket, where the group has set none.
const DefaultReopenDays = 7

// ReopenDaysOf is for how many days after closing a customer's word reopens a ticket of a group; 0: people are asked.
func ReopenDaysOf(r *storage.Group) int64 {
	if r.ReopenDays == nil {
		return DefaultReopenDays
	}
	return *r.ReopenDays
}

// AutoCloseOf says when tickets of a group that wait for the customer close by themselves.
func AutoCloseOf(r *storage.Group) storage.AutoClose {
	if r.AutoClose == nil {
		return storage.AutoClose{}
	}
	return *r.AutoClose
}
