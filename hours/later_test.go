package hours

import (
	"testing"
	"time"
)

func TestBeginsTime(t *testing.T) {
	for text, want := range map[string]bool{
		"400d": true, "0h": true, "-2h": true, "25:00": true, "at 25:00": true, "in 2hh": true, "in two hours": true, "in an hour": true,
		"next week": true, "Tomorrow morning": true, "today": true, "friday evening": true, "until Monday noon": true, "tonight": true,
		"พรุ่งนี้เช้า": true, "พรุ่งนี้ตอนบ่าย": true, "อีกสองชั่วโมง": true, "อีก 2": true, "วันนี้": true,
		"solved": false, "on hold": false, "in the office": false, "-": false, "a duplicate": false, "one of many": false, "week is over": false,
		"วันนี้แก้แล้ว": false, "แก้ไขแล้ว": false, "": false, "at home": false, "in a hurry": false,
	} {
		if got := BeginsTime(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestLater(t *testing.T) {
	bangkok := zoneNamed("Asia/Bangkok")
	work, err := Parse("Mon-Fri 09:00-18:00 Asia/Bangkok", map[string]string{"2026-12-10": Closed})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 12, 8, 14, 30, 0, 0, bangkok) // a Tuesday
	at := func(day, hour, minute int) time.Time { return time.Date(2026, 12, day, hour, minute, 0, 0, bangkok) }
	for _, tt := range []struct {
		text string
		h    *Hours
		zone *time.Location
		want time.Time // zero: it is no time to come
	}{
		{"2h", work, nil, at(8, 16, 30)},
		{"in 2 hours", work, nil, at(8, 16, 30)},
		{"1h 30m", work, nil, at(8, 16, 0)},
		{"1h30m", work, nil, at(8, 16, 0)},
		{"2 ชั่วโมง", work, nil, at(8, 16, 30)},
		{"อีก 2 ชม.", work, nil, at(8, 16, 30)},
		{"3 วัน", work, nil, at(11, 14, 30)},
		{"tomorrow", work, nil, at(9, 9, 0)},
		{"พรุ่งนี้", work, nil, at(9, 9, 0)},
		{"Tomorrow 15:00", work, nil, at(9, 15, 0)},
		{"พรุ่งนี้ 15.00 น.", work, nil, at(9, 15, 0)},
		{"thu", work, nil, at(11, 9, 0)}, // a day off: the next one on which they work
		{"Sat", work, nil, at(14, 9, 0)},
		{"Mon 9:00", work, nil, at(14, 9, 0)},
		{"จันทร์ 9:00", work, nil, at(14, 9, 0)},
		{"จ. 9:00", work, nil, at(14, 9, 0)},
		{"next monday", work, nil, at(14, 9, 0)},
		{"Tue 10:00", work, nil, at(15, 10, 0)},
		{"Tue 15:00", work, nil, at(8, 15, 0)},
		{"15:00", work, nil, at(8, 15, 0)},
		{"9:00", work, nil, at(9, 9, 0)},
		{"5pm", work, nil, at(8, 17, 0)},
		{"2026-12-25 10:00", work, nil, at(25, 10, 0)},
		{"2569-12-25 10:00", work, nil, at(25, 10, 0)},
		{"tomorrow", nil, bangkok, at(9, 9, 0)},
		{"tomorrow", nil, nil, at(9, 14, 30)},
		{"Mon", nil, nil, at(14, 14, 30)},
		{"today 8:00", work, nil, time.Time{}},
		{"2026-12-01", work, nil, time.Time{}},
		{"2026-02-31", work, nil, time.Time{}},
		{"2 years", work, nil, time.Time{}},
		{"400 days", work, nil, time.Time{}},
		{"999999 weeks 999999 weeks 999999 weeks", work, nil, time.Time{}},
		{"0h", work, nil, time.Time{}},
		{"-2h", work, nil, time.Time{}},
		{"whenever", work, nil, time.Time{}},
		{"tomorrow 25:00", work, nil, time.Time{}},
		{"", work, nil, time.Time{}},
	} {
		got, ok := tt.h.Later(tt.text, now, tt.zone)
		if ok == tt.want.IsZero() || ok && !got.Equal(tt.want) {
			t.Errorf("%q is %s, %v, want %s", tt.text, got.In(bangkok), ok, tt.want)
		}
	}
}

func FuzzLater(f *testing.F) {
	f.Add("tomorrow 9:00")
	f.Add("อีก 2 ชม.")
	h, _ := Parse("Mon-Fri 09:00-18:00 Europe/Berlin", nil)
	f.Fuzz(func(t *testing.T, text string) {
		now := time.Unix(1_770_000_000, 0)
		if at, ok := h.Later(text, now, nil); ok && (!at.After(now) || at.Sub(now) > LongestLater) {
			t.Errorf("%q is %s", text, at)
		}
	})
}
