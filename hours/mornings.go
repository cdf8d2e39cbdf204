package hours

import "time"

// morningsSearched is how many days before and after an instant are searched for a morning.
const morningsSearched = 60

// Mornings are when the team last began a day's work, up to an instant and including it, and when it begins the next one. The
// hours of a day begin once, however often they are interrupted. A team that always works begins at 9:00 in zone; nil is UTC. A
// time is zero if the team does not work within 60 days.
func (h *Hours) Mornings(at time.Time, zone *time.Location) (last, next time.Time) {
	if h != nil {
		zone = h.zone
	} else if zone == nil {
		zone = time.UTC
	}
	local := at.In(zone)
	on := func(days int) (time.Time, bool) {
		date := time.Date(local.Year(), local.Month(), local.Day()+days, 0, 0, 0, 0, time.UTC)
		minute := morning
		if h != nil {
			spans := h.beginningOn(date)
			if len(spans) == 0 {
				return time.Time{}, false
			}
			minute = spans[0].from
			for _, s := range spans {
				minute = min(minute, s.from)
			}
		}
		return time.Date(date.Year(), date.Month(), date.Day(), 0, minute, 0, 0, zone).UTC(), true
	}
	for days := 1; days >= -morningsSearched && last.IsZero(); days-- {
		if begins, works := on(days); works && !begins.After(at) {
			last = begins
		}
	}
	for days := -1; days <= morningsSearched && next.IsZero(); days++ {
		if begins, works := on(days); works && begins.After(at) {
			next = begins
		}
	}
	return last, next
}
