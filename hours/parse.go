package hours

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Why a text is no working hours.
var (
	// ErrUnclear: a word of the text is no day, no time and no time zone.
	ErrUnclear = errors.New("neither days, times nor a time zone")
	// ErrNoZone: the text names no time zone, or none that is known.
	ErrNoZone = errors.New("no time zone")
	// ErrNoTimes: the text lacks days, or times for them.
	ErrNoTimes = errors.New("days need times, and times need days")
)

// Unclear is a text that Parse can't read, and what it stumbled over: a part of the text, or "".
type Unclear struct {
	Why   error // ErrUnclear, ErrNoZone or ErrNoTimes
	Given string
}

func (u *Unclear) Error() string { return fmt.Sprintf("%q: %v", u.Given, u.Why) }

func (u *Unclear) Unwrap() error { return u.Why }

// Always is the text of a team that always works, in place of hours.
const Always = "always"

// Closed is the text of a date on which nobody works, in place of times.
const Closed = "closed"

const (
	longestText   = 600
	spansPerDay   = 6
	mostException = 100 // dates
)

// dayNames are the days as people write them, from Sunday on; the first is the one that Text writes.
var dayNames = [7][]string{
	{"Sun", "sunday", "อา", "อาทิตย์", "วันอาทิตย์"},
	{"Mon", "monday", "จ", "จันทร์", "วันจันทร์"},
	{"Tue", "tues", "tuesday", "อ", "อังคาร", "วันอังคาร"},
	{"Wed", "weds", "wednesday", "พ", "พุธ", "วันพุธ"},
	{"Thu", "thur", "thurs", "thursday", "พฤ", "พฤหัส", "พฤหัสบดี", "วันพฤหัส", "วันพฤหัสบดี"},
	{"Fri", "friday", "ศ", "ศุกร์", "วันศุกร์"},
	{"Sat", "saturday", "ส", "เสาร์", "วันเสาร์"},
}

// Weekday reads the name of a day in English or Thai.
func Weekday(word string) (time.Weekday, bool) {
	word = strings.TrimSuffix(strings.ToLower(word), ".")
	for day, names := range dayNames {
		for _, name := range names {
			if strings.ToLower(name) == word {
				return time.Weekday(day), true
			}
		}
	}
	return 0, false
}

var (
	dashes   = regexp.MustCompile(`\s*[-–—]\s*|\s+(?:to|till|until|ถึง)\s+`)
	commas   = regexp.MustCompile(`\s*,\s*`)
	times    = regexp.MustCompile(`^(\d{1,2})(?:[:.](\d{2}))?-(\d{1,2})(?:[:.](\d{2}))?$`)
	shortDay = regexp.MustCompile(`\.(-|,|$)`)
)

// Parse reads working hours: days, times and a time zone, such as "Mon-Fri 09:00-12:00,13:00-18:00; Sat 10-14 Asia/Bangkok",
// in which the last word names the zone. Days may be Thai. Times that end before they begin end on the next day. except has
// dates with hours of their own: times, or Closed. "" and Always are a team that always works, which is nil. The error is an
// *Unclear.
func Parse(text string, except map[string]string) (*Hours, error) {
	text = strings.TrimSpace(text)
	if text == "" || strings.EqualFold(text, Always) {
		return nil, nil
	}
	if len(text) > longestText || !utf8.ValidString(text) {
		return nil, &Unclear{ErrUnclear, shorten(text)}
	}
	words := strings.FieldsFunc(clean(text), func(r rune) bool { return r == ' ' || r == '\t' || r == '\n' })
	h := &Hours{}
	name := words[len(words)-1]
	if h.zone = zoneNamed(name); h.zone == nil {
		if isDays(strings.TrimSuffix(name, ";")) || isTimes(strings.TrimSuffix(name, ";")) {
			return nil, &Unclear{ErrNoZone, ""}
		}
		return nil, &Unclear{ErrNoZone, shorten(name)}
	}
	var days []time.Weekday
	timed := true // the days have times
	for _, word := range daysFirst(words[:len(words)-1]) {
		if more, ok := daysIn(word); ok {
			if timed {
				days = nil
			}
			days, timed = append(days, more...), false
			continue
		}
		spans, ok := spansIn(word)
		switch {
		case !ok:
			return nil, &Unclear{ErrUnclear, shorten(word)}
		case len(days) == 0:
			return nil, &Unclear{ErrNoTimes, shorten(word)}
		}
		timed = true
		for _, day := range days {
			if h.week[day] = tidied(append(slices.Clone(h.week[day]), spans...)); len(h.week[day]) > spansPerDay {
				return nil, &Unclear{ErrUnclear, shorten(word)}
			}
		}
	}
	if len(days) == 0 || !timed {
		return nil, &Unclear{ErrNoTimes, ""}
	}
	if len(h.Text()) > longestText {
		return nil, &Unclear{ErrUnclear, shorten(text)}
	}
	return h, h.readExceptions(except)
}

func (h *Hours) readExceptions(except map[string]string) error {
	if len(except) > mostException {
		return &Unclear{ErrUnclear, Exceptions(except)[mostException]}
	}
	for date, text := range except {
		spans, err := ParseDay(text)
		if err != nil {
			return err
		}
		if _, err := time.Parse(time.DateOnly, date); err != nil {
			return &Unclear{ErrUnclear, shorten(date)}
		}
		if h.except == nil {
			h.except = map[string][]span{}
		}
		h.except[date] = spans
	}
	return nil
}

// ParseDay reads the hours of one date: times such as "09:00-12:00", or Closed. The error is an *Unclear.
func ParseDay(text string) ([]span, error) {
	text = clean(strings.TrimSpace(text))
	switch strings.ToLower(text) {
	case Closed, "off", "ปิด", "หยุด":
		return []span{}, nil
	}
	spans, ok := spansIn(text)
	if !ok || len(spans) > spansPerDay {
		return nil, &Unclear{ErrUnclear, shorten(text)}
	}
	return tidied(spans), nil
}

// DayText is the text of the hours of one date as stores keep it. The error is an *Unclear.
func DayText(text string) (string, error) {
	spans, err := ParseDay(text)
	if err != nil || len(spans) == 0 {
		return Closed, err
	}
	return spansText(spans), nil
}

// clean joins what belongs together, so that blanks separate words alone.
func clean(text string) string {
	text = dashes.ReplaceAllString(text, "-")
	text = commas.ReplaceAllString(text, ",")
	return strings.ReplaceAll(text, ";", "; ")
}

// daysFirst drops what only separates words, and puts the days of "9-18 Mon-Fri; 10-14 Sat" before their times. Where times come first, but
// not each of them before days, it changes no order.
func daysFirst(words []string) (ordered []string) {
	var plain, times, days []string
	for _, word := range words {
		if word = strings.Trim(word, ";,"); word != "" {
			plain = append(plain, word)
		}
	}
	if len(plain) == 0 || !isTimes(plain[0]) {
		return plain
	}
	for _, word := range plain {
		if isTimes(word) {
			if len(days) > 0 {
				ordered, times, days = append(append(ordered, days...), times...), nil, nil
			}
			times = append(times, word)
		} else {
			days = append(days, word)
		}
	}
	if len(days) == 0 {
		return plain
	}
	return append(append(ordered, days...), times...)
}

func isDays(word string) bool  { _, ok := daysIn(word); return ok }
func isTimes(word string) bool { _, ok := spansIn(word); return ok }

// daysIn reads "Mon-Fri", "Sat,Sun" or "Mon".
func daysIn(word string) (days []time.Weekday, ok bool) {
	for _, part := range strings.Split(shortDay.ReplaceAllString(word, "$1"), ",") {
		first, last, isRange := strings.Cut(part, "-")
		from, ok := Weekday(first)
		to := from
		if ok && isRange {
			to, ok = Weekday(last)
		}
		if !ok {
			return nil, false
		}
		for day := from; ; day = (day + 1) % 7 {
			days = append(days, day)
			if day == to {
				break
			}
		}
	}
	return days, true
}

// spansIn reads "09:00-12:00,13-18".
func spansIn(word string) (spans []span, ok bool) {
	for _, part := range strings.Split(word, ",") {
		m := times.FindStringSubmatch(part)
		if m == nil {
			return nil, false
		}
		from, begins := minuteOf(m[1], m[2])
		to, ends := minuteOf(m[3], m[4])
		if !begins || !ends || from == to || from == dayLong {
			return nil, false
		}
		if to < from {
			to += dayLong
		}
		spans = append(spans, span{from, to})
	}
	return spans, true
}

// tidied sorts the spans of a day, and joins those that overlap or adjoin, as long as they end on it.
func tidied(spans []span) []span {
	within, beyond := []span{}, []span{}
	for _, s := range spans {
		if s.to <= dayLong {
			within = append(within, s)
		} else if !slices.Contains(beyond, s) {
			beyond = append(beyond, s)
		}
	}
	all := append(apart(within), beyond...)
	slices.SortFunc(all, func(a, b span) int { return cmp.Or(a.from-b.from, a.to-b.to) })
	return all
}

func minuteOf(hour, minute string) (int, bool) {
	h, _ := strconv.Atoi(hour)
	m, _ := strconv.Atoi(minute)
	return h*60 + m, h < 24 && m < 60 || h == 24 && m == 0
}

func shorten(text string) string {
	const most = 40
	runes := []rune(strings.ToValidUTF8(text, "?"))
	if len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return string(runes)
}

// Text is the hours as Parse reads them, always written in the same way: "Mon-Fri 09:00-18:00 Asia/Bangkok". That of a team
// that always works is "".
func (h *Hours) Text() string {
	if h == nil {
		return ""
	}
	var b strings.Builder
	for i := 0; i < 7; {
		day := weekFromMonday(i)
		last := i
		for last < 6 && slices.Equal(h.week[weekFromMonday(last+1)], h.week[day]) {
			last++
		}
		if spans := h.week[day]; len(spans) > 0 {
			if b.Len() > 0 {
				b.WriteString("; ")
			}
			b.WriteString(dayNames[day][0])
			if last > i {
				b.WriteString("-" + dayNames[weekFromMonday(last)][0])
			}
			b.WriteString(" " + spansText(spans))
		}
		i = last + 1
	}
	return b.String() + " " + h.zone.String()
}

func weekFromMonday(i int) time.Weekday { return time.Weekday((i + 1) % 7) }

func spansText(spans []span) string {
	texts := make([]string, 0, len(spans))
	for _, s := range spans {
		to := s.to
		if to > dayLong {
			to -= dayLong
		}
		texts = append(texts, fmt.Sprintf("%02d:%02d-%02d:%02d", s.from/60, s.from%60, to/60, to%60))
	}
	return strings.Join(texts, ",")
}
