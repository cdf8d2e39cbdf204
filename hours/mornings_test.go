package hours

import (
	"testing"
	"time"
)

// TestMornings: a day's work begins once, on the team's clock, and the days on which nobody works have no morning.
func TestMornings(t *testing.T) {
	bangkok, err := time.LoadLocation("Asia/Bangkok")
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		hours, at, last, next string
		except                map[string]string
		zone                  *time.Location
	}{
		"before work":        {hours: "Mon-Fri 09:00-12:00,13:00-18:00 Asia/Bangkok", at: "2026-06-03T01:59:59Z", last: "2026-06-02T02:00:00Z", next: "2026-06-03T02:00:00Z"},
		"when it begins":     {hours: "Mon-Fri 09:00-12:00,13:00-18:00 Asia/Bangkok", at: "2026-06-03T02:00:00Z", last: "2026-06-03T02:00:00Z", next: "2026-06-04T02:00:00Z"},
		"after lunch":        {hours: "Mon-Fri 13:00-18:00,09:00-12:00 Asia/Bangkok", at: "2026-06-03T06:30:00Z", last: "2026-06-03T02:00:00Z", next: "2026-06-04T02:00:00Z"},
		"over a weekend":     {hours: "Mon-Fri 09:00-18:00 Asia/Bangkok", at: "2026-06-06T06:30:00Z", last: "2026-06-05T02:00:00Z", next: "2026-06-08T02:00:00Z"},
		"a holiday":          {hours: "Mon-Fri 09:00-18:00 Asia/Bangkok", at: "2026-06-03T06:30:00Z", last: "2026-06-02T02:00:00Z", next: "2026-06-04T03:00:00Z", except: map[string]string{"2026-06-03": Closed, "2026-06-04": "10:00-12:00"}},
		"at night":           {hours: "Mon-Sun 22:00-06:00 UTC", at: "2026-06-03T03:00:00Z", last: "2026-06-02T22:00:00Z", next: "2026-06-03T22:00:00Z"},
		"summer time begins": {hours: "Mon-Sun 09:00-18:00 Europe/Berlin", at: "2026-03-28T12:00:00Z", last: "2026-03-28T08:00:00Z", next: "2026-03-29T07:00:00Z"},
		"always, zone known": {at: "2026-06-03T03:00:00Z", last: "2026-06-03T02:00:00Z", next: "2026-06-04T02:00:00Z", zone: bangkok},
		"always, none known": {at: "2026-06-03T03:00:00Z", last: "2026-06-02T09:00:00Z", next: "2026-06-03T09:00:00Z"},
		"a zone far ahead":   {hours: "Mon-Sun 09:00-18:00 Pacific/Kiritimati", at: "2026-06-03T23:30:00Z", last: "2026-06-03T19:00:00Z", next: "2026-06-04T19:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			var h *Hours
			if tc.hours != "" {
				var err error
				if h, err = Parse(tc.hours, tc.except); err != nil {
					t.Fatal(err)
				}
			}
			at, err := time.Parse(time.RFC3339, tc.at)
			if err != nil {
				t.Fatal(err)
			}
			last, next := h.Mornings(at, tc.zone)
			if got := [2]string{last.Format(time.RFC3339), next.Format(time.RFC3339)}; got != [2]string{tc.last, tc.next} {
				t.Errorf("got %v, want %v", got, [2]string{tc.last, tc.next})
			}
		})
	}
}
