// Package hours knows when a team works, and counts in its working time. It knows nothing of tickets, groups or texts.
package hours

import (
	"maps"
	"slices"
	"time"
	_ "time/tzdata" // hours are those of a team, also where the machine knows no time zones
)

// Hours are the weekly working hours of a team in its time zone, with exceptions by date. nil is a team that always works.
// An instant is in them if the team's clock shows a minute of a span then: where the clock is put back, the hour that it
// shows twice counts twice, and where it is put forward, the hour that it never shows does not count.
type Hours struct {
	zone   *time.Location
	week   [7][]span         // by time.Weekday
	except map[string][]span // by date, as 2006-01-02
}

// span is in minutes since the midnight with which its day begins. One that ends on the next day is longer than dayLong.
type span struct{ from, to int }

const dayLong = 24 * 60

// horizon is how far Add and Opens look ahead, and Between looks back.
const horizon = 5 * 366 * 24 * time.Hour

// Zone is the name of the time zone; "" of a team that always works.
func (h *Hours) Zone() string {
	if h == nil {
		return ""
	}
	return h.zone.String()
}

// In is an instant on the team's clock.
func (h *Hours) In(at time.Time) time.Time {
	if h == nil {
		return at.UTC()
	}
	return at.In(h.zone)
}

// Open says whether the team works at an instant.
func (h *Hours) Open(at time.Time) bool { return h.Opens(at).Equal(at) }

// Opens is the first instant from at on at which the team works. It is zero if there is none within five years.
func (h *Hours) Opens(at time.Time) (opens time.Time) {
	h.each(at, at.Add(horizon), func(from, _ time.Time) bool {
		opens = from
		return false
	})
	return opens
}

// Add is the instant at which so much working time has passed since from. It is zero if that is not within five years.
func (h *Hours) Add(from time.Time, d time.Duration) (at time.Time) {
	h.each(from, from.Add(horizon), func(a, b time.Time) bool {
		if b.Sub(a) < d {
			d -= b.Sub(a)
			return true
		}
		at = a.Add(d)
		return false
	})
	return at
}

// Between is the working time between two instants, up to five years after the first. It is 0 if the second is before it.
func (h *Hours) Between(from, to time.Time) (d time.Duration) {
	if limit := from.Add(horizon); to.After(limit) {
		to = limit
	}
	h.each(from, to, func(a, b time.Time) bool {
		d += b.Sub(a)
		return true
	})
	return d
}

// each tells f the stretches of working time between two instants, in order, until f returns false. Two may adjoin. A day
// of the team's clock is cut where its offset changes: within a piece, the clock runs like any other.
func (h *Hours) each(from, to time.Time, f func(from, to time.Time) bool) {
	if h == nil {
		if from.Before(to) {
			f(from, to)
		}
		return
	}
	const daySeconds = dayLong * 60
	for at := from; at.Before(to); {
		local := at.In(h.zone)
		_, offset := local.Zone()
		_, changes := local.ZoneBounds()
		shown := at.Unix() + int64(offset)
		day := shown - ((shown%daySeconds)+daySeconds)%daySeconds
		midnight := time.Unix(day-int64(offset), 0).UTC()
		until := midnight.Add(dayLong * time.Minute)
		if !changes.IsZero() && changes.Before(until) {
			until = changes.UTC()
		}
		if to.Before(until) {
			until = to
		}
		for _, s := range h.on(time.Unix(day, 0).UTC()) {
			a, b := midnight.Add(time.Duration(s.from)*time.Minute), midnight.Add(time.Duration(s.to)*time.Minute)
			if a.Before(at) {
				a = at
			}
			if b.After(until) {
				b = until
			}
			if a.Before(b) && !f(a, b) {
				return
			}
		}
		at = until
	}
}

// on lists the spans that the clock shows on a date, in order and apart: those that begin on it, and what is left of those
// that began the day before.
func (h *Hours) on(date time.Time) []span {
	today := h.beginningOn(date)
	spans := make([]span, 0, len(today)+1)
	for _, s := range h.beginningOn(date.AddDate(0, 0, -1)) {
		if s.to > dayLong {
			spans = append(spans, span{0, s.to - dayLong})
		}
	}
	for _, s := range today {
		spans = append(spans, span{s.from, min(s.to, dayLong)})
	}
	return apart(spans)
}

func (h *Hours) beginningOn(date time.Time) []span {
	if len(h.except) > 0 {
		if spans, ok := h.except[date.Format(time.DateOnly)]; ok {
			return spans
		}
	}
	return h.week[date.Weekday()]
}

// apart sorts spans, and joins those that overlap or adjoin.
func apart(spans []span) []span {
	slices.SortFunc(spans, func(a, b span) int { return a.from - b.from })
	var joined []span
	for _, s := range spans {
		if n := len(joined); n > 0 && s.from <= joined[n-1].to {
			joined[n-1].to = max(joined[n-1].to, s.to)
			continue
		}
		joined = append(joined, s)
	}
	return joined
}

// Exceptions lists the dates that have hours of their own, in order, as Parse reads them.
func Exceptions(by map[string]string) []string { return slices.Sorted(maps.Keys(by)) }
