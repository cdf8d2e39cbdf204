package hours

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// LongestLater is how far ahead Later reads.
const LongestLater = 366 * 24 * time.Hour

// morning is when a day begins whose hours are unknown, in minutes.
const morning = 9 * 60

var units = map[string]time.Duration{}

func init() {
	for unit, names := range map[time.Duration]string{
		time.Minute:        "m min mins minute minutes นาที",
		time.Hour:          "h hr hrs hour hours ชั่วโมง ชม",
		24 * time.Hour:     "d day days วัน",
		7 * 24 * time.Hour: "w week weeks สัปดาห์ อาทิตย์",
	} {
		for _, name := range strings.Fields(names) {
			units[name] = unit
		}
	}
}

var (
	amount   = regexp.MustCompile(`^(\d{1,6})\s*([^\d\s.]+)\.?`)
	timeOf   = regexp.MustCompile(`^(\d{1,2})[:.](\d{2})(?:\s*น\.?)?$`)
	hourOf   = regexp.MustCompile(`^(\d{1,2})\s*(am|pm|น\.?)$`)
	dateOf   = regexp.MustCompile(`^(\d{4})-(\d{1,2})-(\d{1,2})$`)
	tomorrow = map[string]int{"today": 0, "วันนี้": 0, "tomorrow": 1, "พรุ่งนี้": 1, "วันพรุ่งนี้": 1, "มะรืน": 2, "มะรืนนี้": 2}
)

// beforeTimes may stand before a time, in this order.
var beforeTimes = []string{"in ", "อีก", "on ", "at ", "until ", "till ", "next ", "ถึง"}

// Words that are part of no time that Later reads, but that people write in one.
var (
	partsOfDay = strings.Fields("เช้า สาย เที่ยง บ่าย เย็น ค่ำ ดึก คืน")
	inWords    = strings.Fields("half one two three four five six seven eight nine ten twelve noon midnight month months year tonight" +
		" ครึ่ง หนึ่ง สอง สาม สี่ ห้า หก เจ็ด แปด เก้า สิบ เดือน ปี เที่ยง")
)

// BeginsTime says whether a text begins like a time, whether or not Later can read it: "25:00", "-2h", "tomorrow morning", "next week",
// "in two hours".
func BeginsTime(text string) bool {
	text = strings.ToLower(strings.TrimSpace(text))
	rest := text
	for _, before := range beforeTimes {
		rest = strings.TrimSpace(strings.TrimPrefix(rest, before))
	}
	if rest != text {
		rest = strings.TrimPrefix(strings.TrimPrefix(rest, "a "), "an ")
	}
	word, _, _ := strings.Cut(rest, " ")
	word = strings.TrimRight(word, ",.!")
	if digits := strings.TrimLeft(word, "-+"); digits != "" && digits[0] >= '0' && digits[0] <= '9' || isDay(word) {
		return true
	}
	if rest == text { // a text with nothing before it may be anything
		return word == "tonight"
	}
	return units[word] > 0 || slices.Contains(inWords, word) || startsWithAny(word, inWords, isThai)
}

// isDay says whether a word is a day, or a part of one that it names.
func isDay(word string) bool {
	for day := range tomorrow {
		if part, is := strings.CutPrefix(word, day); is && (part == "" || startsWithAny(strings.TrimPrefix(part, "ตอน"), partsOfDay, isThai)) {
			return true
		}
	}
	_, is := Weekday(word)
	return is
}

// Thai has no spaces between words.
func startsWithAny(text string, words []string, which func(string) bool) bool {
	return slices.ContainsFunc(words, func(word string) bool { return which(word) && strings.HasPrefix(text, word) })
}

func isThai(word string) bool { return word[0] >= 0xe0 }

// Duration reads "2h", "1h 30m", "90 minutes" or "2 ชั่วโมง". It is not ok for anything else, nor for 0.
func Duration(text string) (d time.Duration, ok bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	for text != "" {
		m := amount.FindStringSubmatch(text)
		if m == nil {
			return 0, false
		}
		unit := units[m[2]]
		n, err := strconv.Atoi(m[1])
		if unit == 0 || err != nil || n > int(10*LongestLater/unit) || d > 10*LongestLater {
			return 0, false
		}
		d += time.Duration(n) * unit
		text = strings.TrimSpace(text[len(m[0]):])
	}
	return d, d > 0
}

// Date reads "2026-12-25", also with a year of the Thai calendar, which is 543 ahead.
func Date(word string) (date string, ok bool) {
	m := dateOf.FindStringSubmatch(word)
	if m == nil {
		return "", false
	}
	year, _ := strconv.Atoi(m[1])
	if year > 2400 {
		year -= 543
	}
	month, _ := strconv.Atoi(m[2])
	day, _ := strconv.Atoi(m[3])
	at := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	return at.Format(time.DateOnly), at.Month() == time.Month(month) && at.Day() == day
}

// Later reads a time to come: "2h", "tomorrow", "Mon 9:00", "15:00" or "2026-12-25 9:00", also in Thai. A day without a time is
// when the team begins to work on it, or after it. zone is that of a team that always works; nil: it is unknown, and a day
// without a time is at this time of the day. It is not ok if the text says no time, or none between now and LongestLater.
func (h *Hours) Later(text string, now time.Time, zone *time.Location) (at time.Time, ok bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	for _, before := range beforeTimes {
		text = strings.TrimSpace(strings.TrimPrefix(text, before))
	}
	if text == "" {
		return at, false
	}
	if d, ok := Duration(text); ok {
		return now.Add(d), d <= LongestLater
	}
	known := h != nil || zone != nil
	if h != nil {
		zone = h.zone
	} else if zone == nil {
		zone = time.UTC
	}
	local := now.In(zone)
	day, clock, _ := strings.Cut(text, " ")
	clock = strings.TrimPrefix(strings.TrimSpace(clock), "at ")
	days, every := 0, 1
	switch n, isDay := tomorrow[day]; {
	case isDay:
		days, every = n, 0
	default:
		if weekday, is := Weekday(day); is {
			days, every = (int(weekday)-int(local.Weekday())+7)%7, 7
		} else if date, is := Date(day); is {
			then, _ := time.ParseInLocation(time.DateOnly, date, zone)
			today := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, zone)
			days, every = int(then.Sub(today).Round(24*time.Hour)/(24*time.Hour)), 0
		} else {
			clock = text
		}
	}
	minute, ok := minuteIn(clock)
	if !ok && clock != "" {
		return at, false
	}
	on := func(days int) time.Time {
		if ok {
			return time.Date(local.Year(), local.Month(), local.Day()+days, 0, minute, 0, 0, zone)
		}
		midnight := time.Date(local.Year(), local.Month(), local.Day()+days, 0, 0, 0, 0, zone)
		switch {
		case h != nil:
			return h.Opens(midnight)
		case known:
			return midnight.Add(morning * time.Minute)
		}
		return time.Date(local.Year(), local.Month(), local.Day()+days, local.Hour(), local.Minute(), 0, 0, zone)
	}
	if at = on(days); !at.After(now) && every > 0 {
		at = on(days + every)
	}
	return at.UTC(), at.After(now) && at.Sub(now) <= LongestLater
}

// minuteIn reads "9:00", "9.30" or "5pm" as minutes since midnight.
func minuteIn(text string) (int, bool) {
	if m := timeOf.FindStringSubmatch(text); m != nil {
		minute, ok := minuteOf(m[1], m[2])
		return minute, ok && minute < dayLong
	}
	m := hourOf.FindStringSubmatch(text)
	if m == nil {
		return 0, false
	}
	hour, _ := strconv.Atoi(m[1])
	if m[2] == "pm" && hour < 12 {
		hour += 12
	} else if m[2] == "am" && hour == 12 {
		hour = 0
	}
	return hour * 60, hour < 24
}
