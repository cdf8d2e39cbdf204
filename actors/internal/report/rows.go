package report

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// How reports are made of tallies.

const (
	// pageOfTallies is how many tallies are read at a time.
	pageOfTallies = 500
	// talliesAtMost is how many a report may be made of.
	talliesAtMost = 400_000
)

// ErrTooMuch says that a report would be made of too many tickets or hours.
var ErrTooMuch = errors.New("too much for one report")

// reader reads the tallies of a report in batches.
type reader struct {
	ctx   context.Context
	store storage.Tallies
	span  *span
	of    int // how many tallies it is made of
}

// counted notes that the report is made of more tallies.
func (r *reader) counted(n int) error {
	if r.of += n; r.of > talliesAtMost {
		return ErrTooMuch
	}
	return r.ctx.Err()
}

// rows are the rows of a report, by their keys.
type rows[R any] struct {
	span  *span
	make  func(key string) *R
	by    map[string]*R
	named map[string]named
	total *R
}

// named is the name of a person, and of when it is.
type named struct {
	name string
	at   time.Time
}

func newRows[R any](s *span, make func(key string) *R) *rows[R] {
	r := &rows[R]{span: s, make: make, by: map[string]*R{}, named: map[string]named{}, total: make("")}
	for _, key := range s.keys() {
		r.by[key] = make(key)
	}
	return r
}

// of are the rows in which something is counted: that of its key, and the total.
func (r *rows[R]) of(group string, at time.Time, who storage.Creator) [2]*R {
	key := group
	switch r.span.By {
	case ByPerson:
		key = personKey(who)
		if n := r.named[key]; !at.Before(n.at) {
			r.named[key] = named{who.Name, at}
		}
	case ByDay:
		key = at.In(r.span.zone).Format(time.DateOnly)
	case ByHour:
		key = at.In(r.span.zone).Format("15")
	}
	if r.by[key] == nil {
		r.by[key] = r.make(key)
	}
	return [2]*R{r.by[key], r.total}
}

// personKey is the key of the row of a person.
func personKey(who storage.Creator) string {
	switch {
	case who.Kind == "": // it happened by itself
		return "nobody"
	case who.ID == "":
		return who.Kind
	}
	return who.Kind + ":" + who.ID
}

// page are the keys of the rows that are asked for.
func (r *rows[R]) page() (keys []string, more bool) {
	for _, key := range slices.Sorted(maps.Keys(r.by)) {
		if key <= r.span.After {
			continue
		}
		if len(keys) == int(r.span.Limit) {
			return keys, true
		}
		keys = append(keys, key)
	}
	return keys, false
}

// timesRow has the times of a row, in milliseconds.
type timesRow struct {
	first, firstClose, close []int64
	unanswered               int64
}

// Times makes the report of how long it took until tickets were answered and closed. The rows have no names of groups.
func Times(ctx context.Context, store storage.Tallies, of *messages.ReportSpan) (*messages.TimesReport, error) {
	s, err := newSpan(of)
	if err != nil {
		return nil, err
	}
	r := &reader{ctx: ctx, store: store, span: s}
	all := newRows(s, func(string) *timesRow { return &timesRow{} })
	each := func(by storage.TallyTime, add func(t *storage.Tally, took int64)) error {
		return r.tickets(by, func(t *storage.Tally) { add(t, max(0, t.At(by).Sub(t.CreatedAt).Milliseconds())) })
	}
	err = errors.Join(
		each(storage.TallyAnswered, func(t *storage.Tally, took int64) {
			if !t.Partial {
				for _, row := range all.of(t.GroupID, t.AnsweredAt, t.AnsweredBy) {
					row.first = append(row.first, took)
				}
			}
		}),
		each(storage.TallyFirstClosed, func(t *storage.Tally, took int64) {
			if !t.Partial {
				for _, row := range all.of(t.GroupID, t.FirstClosedAt, t.FirstClosedBy) {
					row.firstClose = append(row.firstClose, took)
				}
			}
		}),
		each(storage.TallyClosed, func(t *storage.Tally, took int64) {
			for _, row := range all.of(t.GroupID, t.ClosedAt, t.ClosedBy) {
				row.close = append(row.close, took)
				if !t.Partial && (t.AnsweredAt.IsZero() || t.AnsweredAt.After(t.ClosedAt)) {
					row.unanswered++
				}
			}
		}),
	)
	if err != nil {
		return nil, err
	}
	report := &messages.TimesReport{Code: messages.Code_OK, Total: all.total.message("", "")}
	keys, more := all.page()
	for _, key := range keys {
		report.Rows = append(report.Rows, all.by[key].message(key, all.named[key].name))
	}
	report.More = more
	return report, nil
}

// tickets reads the tallies of tickets of which a time is within the span.
func (r *reader) tickets(by storage.TallyTime, each func(t *storage.Tally)) error {
	for after := (storage.Due{At: r.span.from}); ; {
		page, err := r.store.TalliesBy(r.ctx, by, after, r.span.to, pageOfTallies)
		if err != nil {
			return fmt.Errorf("read tallies: %w", err)
		}
		of := 0
		for i := range page {
			if t := &page[i]; r.span.GroupId == "" || t.GroupID == r.span.GroupId {
				each(t)
				of++
			}
		}
		if err := r.counted(of); err != nil { // those of other groups only take time
			return err
		}
		if len(page) < pageOfTallies {
			return nil
		}
		last := &page[len(page)-1]
		after = storage.Due{ID: last.TallyID, At: last.At(by)}
	}
}

func (t *timesRow) message(key, name string) *messages.TimesRow {
	return &messages.TimesRow{Key: key, Name: name, FirstAnswer: timesOf(t.first), FirstClose: timesOf(t.firstClose),
		Close: timesOf(t.close), ClosedUnanswered: t.unanswered}
}

// timesOf sums times up. The nth percentile is the shortest of them that n of 100 do not exceed (nearest rank).
func timesOf(all []int64) *messages.ReportTimes {
	n := len(all)
	if n == 0 {
		return &messages.ReportTimes{}
	}
	slices.Sort(all)
	sum := int64(0)
	for _, took := range all {
		sum += took
	}
	rank := func(percent int) int64 { return all[(n*percent+99)/100-1] }
	return &messages.ReportTimes{Tickets: int64(n), MeanMs: (sum + int64(n)/2) / int64(n), MedianMs: rank(50), P90Ms: rank(90),
		LongestMs: all[n-1]}
}

// Activity makes the report of how much was done. The rows have no names of groups.
func Activity(ctx context.Context, store storage.Tallies, of *messages.ReportSpan) (*messages.ActivityReport, error) {
	s, err := newSpan(of)
	if err != nil {
		return nil, err
	}
	r := &reader{ctx: ctx, store: store, span: s}
	all := newRows(s, func(key string) *messages.ActivityRow { return &messages.ActivityRow{Key: key} })
	err = r.hours(func(t *storage.Tally) {
		for i := range t.Counts {
			c := &t.Counts[i]
			at := t.ChangedAt.Add(time.Duration(c.Quarter) * quarter)
			if at.Before(s.from) || !at.Before(s.to) {
				continue
			}
			for _, row := range all.of(t.GroupID, at, c.By) {
				row.Opened, row.Closed, row.Reopened = row.Opened+c.Opened, row.Closed+c.Closed, row.Reopened+c.Reopened
				row.Asked, row.Answered, row.Notes = row.Asked+c.Asked, row.Answered+c.Answered, row.Notes+c.Notes
			}
		}
	})
	if err != nil {
		return nil, err
	}
	report := &messages.ActivityReport{Code: messages.Code_OK, Total: all.total}
	keys, more := all.page()
	for _, key := range keys {
		row := all.by[key]
		row.Name = all.named[key].name
		report.Rows = append(report.Rows, row)
	}
	report.More = more
	return report, nil
}

// hours reads the tallies of hours that touch the span: those of the group, or of one group after the other.
func (r *reader) hours(each func(t *storage.Tally)) error {
	after, end := hourPrefix, hourPrefix+"~"
	if r.span.GroupId != "" {
		after, end = hourPrefix+r.span.GroupId+"/", hourPrefix+r.span.GroupId+"0" // "0" follows "/"
	}
	for {
		next, err := r.store.Tallies(r.ctx, after, end, 1) // the next group
		if err != nil {
			return fmt.Errorf("read tallies: %w", err)
		}
		if len(next) == 0 {
			return r.counted(0)
		}
		group := next[0].GroupID
		if err := r.hoursOf(group, each); err != nil {
			return err
		}
		if after = hourPrefix + group + "0"; after >= end {
			return nil
		}
	}
}

// hoursOf reads the tallies of a group's hours that touch the span.
func (r *reader) hoursOf(group string, each func(t *storage.Tally)) error {
	// An id that an hour's begins with comes before it. The last one may begin before the span ends.
	after, end := hourID(group, r.span.from.Truncate(time.Hour).Add(-time.Hour)), hourID(group, r.span.to)+"~"
	for {
		page, err := r.store.Tallies(r.ctx, after, end, pageOfTallies)
		if err != nil {
			return fmt.Errorf("read tallies: %w", err)
		}
		if err := r.counted(len(page)); err != nil {
			return err
		}
		for i := range page {
			each(&page[i])
		}
		if len(page) < pageOfTallies {
			return nil
		}
		after = page[len(page)-1].TallyID
	}
}

// Ages are the ages that the report of open tickets tells apart: each from the one before it, the last one without end.
var Ages = []time.Duration{time.Hour, 4 * time.Hour, 24 * time.Hour, 3 * 24 * time.Hour, 7 * 24 * time.Hour, 30 * 24 * time.Hour}

// Open counts the tickets that are not closed by their age: each is under an age until it has it.
func Open(ctx context.Context, store storage.Tickets, group string, now time.Time) (*messages.OpenReport, error) {
	now = now.Truncate(time.Millisecond) // as storage keeps times
	report := &messages.OpenReport{Code: messages.Code_OK, AtMs: now.UnixMilli()}
	from := time.Duration(0)
	for _, to := range append(slices.Clone(Ages), 0) {
		row := &messages.OpenRow{FromMs: from.Milliseconds(), ToMs: to.Milliseconds()}
		oldest, before := time.Time{}, now.Add(time.Millisecond-from) // the range that is counted ends before its end
		if to > 0 {
			oldest = now.Add(time.Millisecond - to)
		}
		if from == 0 { // also one that a clock which is ahead has dated
			before = now.AddDate(100, 0, 0)
		}
		for status, n := range map[string]*int64{"open": &row.Open, "pending": &row.Pending} {
			var err error
			if *n, err = store.CountCreated(ctx, group, status, oldest, before); err != nil {
				return nil, fmt.Errorf("count the open tickets: %w", err)
			}
		}
		report.Rows = append(report.Rows, row)
		from = to
	}
	return report, nil
}
