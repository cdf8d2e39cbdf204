package hours

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// modelHours are hours, with the dates that have other ones as texts.
type modelHours struct {
	*Hours
	except map[string]string
}

// open is the definition: the team's clock shows a minute of a span that began on its date or on the day before. A date that has hours of
// its own has no others.
func (m modelHours) open(at time.Time) bool {
	local := at.In(m.zone)
	minute := local.Hour()*60 + local.Minute()
	date := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, time.UTC)
	return m.within(date, minute) || m.within(date.AddDate(0, 0, -1), minute+dayLong)
}

func (m modelHours) within(date time.Time, minute int) bool {
	spans := m.week[date.Weekday()]
	if text, is := m.except[date.Format(time.DateOnly)]; is {
		spans, _ = ParseDay(text)
	}
	return slices.ContainsFunc(spans, func(s span) bool { return s.from <= minute && minute < s.to })
}

var zoneNames = []string{"Asia/Bangkok", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca",
	"America/Sao_Paulo", "Asia/Tehran", "Pacific/Apia", "America/St_Johns", "Asia/Kathmandu", "Antarctica/Troll",
	"Africa/Cairo", "America/Havana", "Asia/Gaza", "UTC"}

// drawHours draws hours by their text, so that reading and writing are tried, too.
func drawHours(t *rapid.T) *Hours {
	clock := func(name string) string {
		return fmt.Sprintf("%02d:%02d", rapid.IntRange(0, 23).Draw(t, name), rapid.SampledFrom([]int{0, 1, 15, 30, 59}).Draw(t, name+"m"))
	}
	spans := func() string {
		from, to := clock("from"), clock("to")
		if from == to {
			to = "24:00"
		}
		return from + "-" + to
	}
	days := []string{"Mon-Fri", "Sat", "Fri-Mon", "Sun", "Mon,Wed,Fri", "จ.-ศ.", "Mon-Sun", "Tue"}
	var rules []string
	for range rapid.IntRange(1, 3).Draw(t, "rules") {
		rules = append(rules, rapid.SampledFrom(days).Draw(t, "days")+" "+spans())
	}
	text := strings.Join(rules, "; ") + " " + rapid.SampledFrom(zoneNames).Draw(t, "zone")
	h, err := Parse(text, nil)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	again, err := Parse(h.Text(), nil)
	if err != nil || fmt.Sprint(again.week) != fmt.Sprint(h.week) || again.Text() != h.Text() {
		t.Fatalf("%q is written as %q, which is read as %q, %v", text, h.Text(), again.Text(), err)
	}
	return h
}

// drawExceptions gives some dates from the day before a time on hours of their own.
func drawExceptions(t *rapid.T, h *Hours, at time.Time) modelHours {
	m := modelHours{h, map[string]string{}}
	for range rapid.IntRange(0, 3).Draw(t, "exceptions") {
		date := at.In(h.zone).AddDate(0, 0, rapid.IntRange(-1, 5).Draw(t, "day")).Format(time.DateOnly)
		m.except[date] = rapid.SampledFrom([]string{"closed", "10:00-11:30", "22:00-03:00", "00:00-24:00"}).Draw(t, "instead")
	}
	var err error
	if m.Hours, err = Parse(h.Text(), m.except); err != nil {
		t.Fatalf("%v: %v", m.except, err)
	}
	return m
}

// drawTime draws a minute, often near one at which the zone changes its offset.
func drawTime(t *rapid.T, h *Hours) time.Time {
	at := time.Unix(rapid.Int64Range(1_100_000_000, 1_900_000_000).Draw(t, "at")/60*60, 0).UTC()
	if rapid.Bool().Draw(t, "near a change") {
		if _, changes := at.In(h.zone).ZoneBounds(); !changes.IsZero() && changes.Year() < 2035 {
			at = changes.UTC().Add(time.Duration(rapid.IntRange(-3000, 3000).Draw(t, "minutes")) * time.Minute)
		}
	}
	return at
}

// TestWorkingTime compares with a model that looks at every minute, in zones with all kinds of daylight saving.
func TestWorkingTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := drawHours(t)
		from := drawTime(t, h)
		model := drawExceptions(t, h, from)
		h = model.Hours
		minutes := rapid.IntRange(0, 5*dayLong).Draw(t, "minutes")
		to := from.Add(time.Duration(minutes) * time.Minute)
		var worked time.Duration
		first := time.Time{}
		for at := from; at.Before(to); at = at.Add(time.Minute) {
			if model.open(at) != h.Open(at) {
				t.Fatalf("%s at %s: open %v, want %v", h.Text(), at.In(h.zone), h.Open(at), model.open(at))
			}
			if model.open(at) {
				if worked += time.Minute; first.IsZero() {
					first = at
				}
			}
		}
		if got := h.Between(from, to); got != worked {
			t.Fatalf("%s: %s work between %s and %s, want %s", h.Text(), got, from.In(h.zone), to.In(h.zone), worked)
		}
		if got := h.Opens(from); !first.IsZero() && !got.Equal(first) {
			t.Fatalf("%s opens after %s at %s, want %s", h.Text(), from.In(h.zone), got, first)
		}
		// Add is the inverse of Between: the first instant after which so much is done.
		d := time.Duration(rapid.IntRange(1, 20*60).Draw(t, "d")) * time.Minute
		switch at := h.Add(from, d); {
		case at.IsZero():
			if h.Between(from, from.Add(horizon)) >= d {
				t.Fatalf("%s: %s after %s is never", h.Text(), d, from)
			}
		case h.Between(from, at) != d || h.Between(from, at.Add(-time.Second)) >= d:
			t.Fatalf("%s: %s after %s is %s, by then %s are worked", h.Text(), d, from, at, h.Between(from, at))
		}
	})
}

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"Mon-Fri 09:00-18:00 Asia/Bangkok":            "Mon-Fri 09:00-18:00 Asia/Bangkok",
		"mon – fri 9 - 18 asia/bangkok":               "Mon-Fri 09:00-18:00 Asia/Bangkok",
		"9-18 Mon-Fri Asia/Bangkok":                   "Mon-Fri 09:00-18:00 Asia/Bangkok",
		"9-12, 13-18 จ.-ศ.; 10-14 Sat, Sun UTC":       "Mon-Fri 09:00-12:00,13:00-18:00; Sat-Sun 10:00-14:00 UTC",
		"9-18 Mon-Fri 10-14 UTC":                      "days need times, and times need days: 9-18",
		"9-18 Mon-Fry UTC":                            "neither days, times nor a time zone: Mon-Fry",
		"Monday to Friday 9.00 to 18.00 Asia/Bangkok": "Mon-Fri 09:00-18:00 Asia/Bangkok",
		"จันทร์ถึงศุกร์ 09:00-18:00 Asia/Bangkok":     "",
		"จันทร์ ถึง ศุกร์ 09:00 - 18:00 Asia/Bangkok": "Mon-Fri 09:00-18:00 Asia/Bangkok",
		"จ.-ศ. 9-12, 13-18; ส. 10-14 Asia/Bangkok":    "Mon-Fri 09:00-12:00,13:00-18:00; Sat 10:00-14:00 Asia/Bangkok",
		"Mon-Sun 22:00-06:00 America/New_York":        "Mon-Sun 22:00-06:00 America/New_York",
		"Mon-Sun 00:00-24:00 UTC":                     "Mon-Sun 00:00-24:00 UTC",
		"Sat, Sun 8-12 Europe/Berlin":                 "Sat-Sun 08:00-12:00 Europe/Berlin",
		"Mon Wed 8-12 Europe/Berlin":                  "Mon 08:00-12:00; Wed 08:00-12:00 Europe/Berlin",
		"Mon 9-12 11-14 Asia/Ho_Chi_Minh":             "Mon 09:00-14:00 Asia/Ho_Chi_Minh",
		"always":                                      "",
		"Mon-Fri 09:00-18:00":                         "no time zone: ",
		"Mon-Fri 09:00-18:00 Bangkok":                 "no time zone: Bangkok",
		"Mon-Fri 09:00-18:00 Asia/Atlantis":           "no time zone: Asia/Atlantis",
		"Mon-Fri 09:00-18:00 ../../etc/passwd":        "no time zone: ../../etc/passwd",
		"Mon-Fri 09:00-18:00 Local":                   "no time zone: Local",
		"Mon-Fri 25:00-18:00 UTC":                     "neither days, times nor a time zone: 25:00-18:00",
		"Mon-Fri 9-9 UTC":                             "neither days, times nor a time zone: 9-9",
		"Mon-Fry 9-18 UTC":                            "neither days, times nor a time zone: Mon-Fry",
		"Mon-Fri UTC":                                 "days need times, and times need days: ",
		"9-18 UTC":                                    "days need times, and times need days: 9-18",
		"UTC":                                         "days need times, and times need days: ",
		strings.Repeat("Mon 9-10 ", 100) + "UTC":      "neither days, times nor a time zone: Mon 9-10 Mon 9-10 Mon 9-10 Mon 9-10 Mon …",
		"Mon 1-2,3-4,5-6,7-8,9-10,11-12,13-14 UTC":    "neither days, times nor a time zone: 1-2,3-4,5-6,7-8,9-10,11-12,13-14",
	} {
		h, err := Parse(text, nil)
		got := h.Text()
		var unclear *Unclear
		if errors.As(err, &unclear) {
			got = unclear.Why.Error() + ": " + unclear.Given
		}
		if got != want && want != "" || want == "" && h != nil {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

func TestDayText(t *testing.T) {
	for text, want := range map[string]string{"closed": "closed", "ปิด": "closed", "9-12, 13 - 15": "09:00-12:00,13:00-15:00", "nine": ""} {
		got, err := DayText(text)
		if err == nil && got != want || err != nil && want != "" {
			t.Errorf("%q is %q, %v", text, got, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("Mon-Fri 09:00-18:00 Asia/Bangkok", "closed")
	f.Add("จ.-ศ. 9-12, 13-18; ส. 10-14 UTC", "22:00-03:00")
	f.Fuzz(func(t *testing.T, text, day string) {
		h, err := Parse(text, map[string]string{"2026-12-25": day})
		if err != nil || h == nil {
			return
		}
		if again, err := Parse(h.Text(), nil); err != nil || again.Text() != h.Text() {
			t.Errorf("%q: %q, %v", text, h.Text(), err)
		}
		h.Add(time.Unix(1_700_000_000, 0), 1000*time.Hour)
	})
}
