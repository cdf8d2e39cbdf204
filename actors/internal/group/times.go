package group

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/hours"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// This file has the times of the group's team: its working hours, and within how much of them it answers.

// settingHours sets the working hours, or those of one date, or shows them.
func (g *group) settingHours(r *storage.Group, m desk.Command) (string, map[string]string) {
	wanted := strings.TrimSpace(messages.CleanText(m.(*messages.SetHours).Wanted))
	day, rest, _ := strings.Cut(wanted, " ")
	date, ofDate := hours.Date(day)
	var unclear *hours.Unclear
	var err error
	switch {
	case wanted == "":
		return messages.NoticeHoursShown, hoursArgs(r)
	case ofDate && r.Hours == "":
		return messages.NoticeHoursNotYet, map[string]string{"title": r.Title}
	case ofDate:
		err = g.setDate(r, date, rest)
	case isAlways(wanted):
		setTimes(r, g.Now(), func() { r.Hours, r.HoursApart = "", nil })
	default:
		err = g.setWeek(r, wanted)
	}
	switch {
	case errors.Is(err, errTooManyDates):
		return messages.NoticeHoursTooMany, map[string]string{"title": r.Title}
	case errors.Is(err, hours.ErrNoZone) && errors.As(err, &unclear):
		return messages.NoticeHoursNoZone, map[string]string{"given": unclear.Given}
	case errors.As(err, &unclear):
		return messages.NoticeHoursUnclear, map[string]string{"given": unclear.Given}
	}
	return messages.NoticeHoursSet, hoursArgs(r)
}

// isAlways says whether the words mean a team that always works.
func isAlways(words string) bool {
	switch strings.ToLower(words) {
	case hours.Always, "24/7", "off", "ตลอด", "ตลอดเวลา":
		return true
	}
	return false
}

// setWeek sets the hours of a week. Without a time zone, they are in that of the hours before.
func (g *group) setWeek(r *storage.Group, wanted string) error {
	h, err := hours.Parse(wanted, r.HoursApart)
	var unclear *hours.Unclear
	if before := desk.TimesOf(r).Hours; before != nil && errors.As(err, &unclear) && unclear.Why == hours.ErrNoZone && unclear.Given == "" {
		h, err = hours.Parse(wanted+" "+before.Zone(), r.HoursApart)
	}
	if err != nil {
		return err
	}
	setTimes(r, g.Now(), func() { r.Hours = h.Text() })
	return nil
}

var errTooManyDates = errors.New("too many dates have hours of their own")

// datesKept is how many dates may have hours of their own.
const datesKept = 60

// setDate sets the hours of one date, or gives it those of the week again. Dates that are over are forgotten.
func (g *group) setDate(r *storage.Group, date, wanted string) error {
	apart := maps.Clone(r.HoursApart)
	if apart == nil {
		apart = map[string]string{}
	}
	maps.DeleteFunc(apart, func(day, _ string) bool { return day < g.Now().AddDate(0, 0, -2).Format(time.DateOnly) })
	switch strings.ToLower(strings.TrimSpace(wanted)) {
	case "normal", "ปกติ":
		delete(apart, date)
	default:
		text, err := hours.DayText(wanted)
		if err != nil {
			return err
		}
		if apart[date] = text; len(apart) > datesKept {
			return errTooManyDates
		}
	}
	setTimes(r, g.Now(), func() { r.HoursApart = apart })
	return nil
}

// setTimes changes the times, and notes that tickets have to learn of it if they are other ones then.
func setTimes(r *storage.Group, now time.Time, f func()) {
	was := *r
	if f(); was.Hours == r.Hours && maps.Equal(was.HoursApart, r.HoursApart) && reflect.DeepEqual(was.AnswerWithin, r.AnswerWithin) &&
		reflect.DeepEqual(was.AutoClose, r.AutoClose) {
		return
	}
	r.TimesRevision++
	r.Retiming, r.RetimingSince = true, now.UTC().Truncate(time.Millisecond)
}

func hoursArgs(r *storage.Group) map[string]string {
	var apart []string
	for _, date := range hours.Exceptions(r.HoursApart) {
		apart = append(apart, date+" "+r.HoursApart[date])
	}
	return map[string]string{"title": r.Title, "hours": r.Hours, "apart": strings.Join(apart, ", ")}
}

// hoursKeyboard has hours that are often right: in the team's time zone, or in that of its language.
func hoursKeyboard(r *storage.Group) *messages.Keyboard {
	zones := []string{"Europe/London", "America/New_York"}
	if h := desk.TimesOf(r).Hours; h != nil {
		zones = []string{h.Zone()}
	} else if zone := desk.ZoneOf(r); zone != nil {
		zones = []string{zone.String()}
	}
	k := &messages.Keyboard{}
	add := func(b *messages.Button) {
		k.Rows = append(k.Rows, &messages.KeyboardRow{Buttons: []*messages.Button{b}})
	}
	for _, zone := range zones {
		for _, week := range []string{"Mon-Fri 09:00-18:00", "Mon-Fri 08:00-17:00", "Mon-Sat 09:00-18:00", "Mon-Sun 09:00-18:00"} {
			text := week + " " + zone
			if data := messages.CallbackHours + ":" + text; text != r.Hours && len(data) <= 64 {
				add(&messages.Button{Text: text, Data: data})
			}
		}
	}
	if r.Hours != "" {
		add(&messages.Button{Key: messages.ButtonHoursOn, Data: messages.CallbackHours + ":" + hours.Always})
	}
	return k
}

// settingAnswerTimes sets within which working time an answer is due, or shows it.
func (g *group) settingAnswerTimes(r *storage.Group, m desk.Command) (string, map[string]string) {
	wanted := strings.TrimSpace(messages.CleanText(m.(*messages.SetAnswerTimes).Wanted))
	if wanted == "" {
		return messages.NoticeAnswerWithinShown, answerArgs(r)
	}
	times, unclear := readAnswerTimes(desk.AnswerTimesOf(r), wanted)
	if unclear != "" {
		return messages.NoticeAnswerWithinUnclear, map[string]string{"given": messages.Shorten(unclear, 40)}
	}
	setTimes(r, g.Now(), func() { r.AnswerWithin = &times })
	return messages.NoticeAnswerWithinSet, answerArgs(r)
}

func answerArgs(r *storage.Group) map[string]string {
	within := func(minutes int64) string { return strconv.FormatInt(minutes, 10) }
	t := desk.AnswerTimesOf(r)
	return map[string]string{"title": r.Title, "low": within(t.Low), "normal": within(t.Normal), "high": within(t.High), "urgent": within(t.Urgent)}
}

// differingArgs are answerArgs without those of priorities that are as the normal one; that is left out if no answer is due.
func differingArgs(r *storage.Group) map[string]string {
	args := answerArgs(r)
	normal := args["normal"]
	maps.DeleteFunc(args, func(name, within string) bool {
		return name == "title" || name != "normal" && within == normal || name == "normal" && within == "0"
	})
	return args
}

// longestAnswer is the longest working time within which an answer may be due, in minutes: a year of a team that always works.
const longestAnswer = 366 * 24 * 60

// readAnswerTimes reads "4h", "urgent 30m high 2h" or "off". unclear is what it can't read; "": it could.
func readAnswerTimes(t storage.AnswerTimes, wanted string) (_ storage.AnswerTimes, unclear string) {
	fields := map[string][]*int64{
		"low": {&t.Low}, "ต่ำ": {&t.Low}, "normal": {&t.Normal}, "ปกติ": {&t.Normal}, "high": {&t.High}, "สูง": {&t.High},
		"urgent": {&t.Urgent}, "ด่วน": {&t.Urgent},
	}
	all := []*int64{&t.Low, &t.Normal, &t.High, &t.Urgent}
	to, given := all, ""
	set := func() bool {
		minutes := int64(0)
		switch d, ok := hours.Duration(given); {
		case ok && d >= time.Minute && int64(d/time.Minute) <= longestAnswer:
			minutes = int64(d / time.Minute)
		case given != "off" && given != "ปิด":
			return false
		}
		for _, field := range to {
			*field = minutes
		}
		to, given = nil, ""
		return true
	}
	for _, word := range strings.Fields(strings.ToLower(strings.ReplaceAll(wanted, ",", " "))) {
		field := fields[word]
		switch {
		case field == nil:
			given = strings.TrimSpace(given + " " + word)
		case given == "" && len(to) == len(all):
			to = field
		case given == "" && to != nil, given != "" && !set():
			return t, fmt.Sprint(given, " ", word)
		default:
			to = field
		}
	}
	if to == nil || !set() {
		return t, wanted
	}
	return t, ""
}

// changedTimes are the times of a group as a program sets them, in a record that has nothing else. They are not ok if they can't
// be read, or if dates have hours and the week has none.
func changedTimes(is *storage.Group, m *messages.ChangeGroup) (times storage.Group, ok bool) {
	if times = timesIn(is); m.AutoClose != nil {
		times.AutoClose = autoCloseOf(m.AutoClose)
	}
	if m.Hours != nil {
		times.Hours = *m.Hours
	}
	if m.Exceptions != nil {
		times.HoursApart = nil
		for date, text := range m.Exceptions.ByDate {
			day, err := hours.DayText(text)
			if err != nil {
				return times, false
			}
			if times.HoursApart == nil {
				times.HoursApart = map[string]string{}
			}
			times.HoursApart[date] = day
		}
	}
	if a := m.AnswerWithin; a != nil {
		times.AnswerWithin = &storage.AnswerTimes{Low: a.Low, Normal: a.Normal, High: a.High, Urgent: a.Urgent}
	}
	h, err := hours.Parse(times.Hours, times.HoursApart)
	if h == nil && m.Hours != nil && m.Exceptions == nil {
		times.HoursApart = nil
	}
	times.Hours = h.Text()
	return times, err == nil && (h != nil || len(times.HoursApart) == 0)
}

// timesIn are the times of a group in a record that has nothing else.
func timesIn(r *storage.Group) storage.Group {
	return storage.Group{Hours: r.Hours, HoursApart: r.HoursApart, AnswerWithin: r.AnswerWithin, AutoClose: r.AutoClose}
}

func autoCloseOf(a *messages.AutoClose) *storage.AutoClose {
	if a.After == 0 {
		return &storage.AutoClose{}
	}
	return &storage.AutoClose{After: a.After, Notice: a.Notice}
}

// noticeByDefault is how long a ticket stays open after its customer was told that it closes, in minutes, where only one time is
// given.
const noticeByDefault = 24 * 60

// settingAutoClose sets when tickets that wait for the customer close by themselves, or shows it.
func (g *group) settingAutoClose(r *storage.Group, m desk.Command) (string, map[string]string) {
	wanted := strings.ToLower(strings.TrimSpace(messages.CleanText(m.(*messages.SetAutoClose).Wanted)))
	if wanted == "" {
		return messages.NoticeAutoCloseShown, autoCloseArgs(r)
	}
	times, ok := readAutoClose(wanted)
	if !ok {
		return messages.NoticeAutoCloseUnclear, map[string]string{"given": messages.Shorten(wanted, 40)}
	}
	setTimes(r, g.Now(), func() { r.AutoClose = times })
	return messages.NoticeAutoCloseSet, autoCloseArgs(r)
}

func autoCloseArgs(r *storage.Group) map[string]string {
	args := map[string]string{"title": r.Title}
	if a := desk.AutoCloseOf(r); a.After > 0 {
		args["after"], args["notice"] = strconv.FormatInt(a.After, 10), strconv.FormatInt(a.Notice, 10)
	}
	return args
}

// readAutoClose reads "72h 24h", "3 days" or "off".
func readAutoClose(wanted string) (*storage.AutoClose, bool) {
	switch wanted {
	case "off", "0", "never", "ปิด", "ไม่":
		return &storage.AutoClose{}, true
	}
	if saysZero(wanted) { // of a sum it would be lost
		return nil, false
	}
	if after, ok := hours.Duration(wanted); ok && len(strings.Fields(wanted)) <= 2 && !twoTimes(wanted) {
		return autoCloseWithin(after, noticeByDefault*time.Minute)
	}
	words := strings.Fields(strings.ReplaceAll(wanted, ",", " "))
	for i := 1; i < len(words); i++ {
		after, ok := hours.Duration(strings.Join(words[:i], " "))
		notice, also := hours.Duration(strings.Join(words[i:], " "))
		if ok && also {
			return autoCloseWithin(after, notice)
		}
	}
	return nil, false
}

// saysZero says whether one of the numbers in a text is 0.
func saysZero(text string) bool {
	numbers := strings.FieldsFunc(text, func(r rune) bool { return r < '0' || r > '9' })
	return slices.ContainsFunc(numbers, func(n string) bool { return strings.Trim(n, "0") == "" })
}

// twoTimes says whether both of two words are times: "72h 24h" is not 96 hours.
func twoTimes(wanted string) bool {
	words := strings.Fields(wanted)
	if len(words) != 2 {
		return false
	}
	_, first := hours.Duration(words[0])
	_, second := hours.Duration(words[1])
	return first && second
}

func autoCloseWithin(after, notice time.Duration) (*storage.AutoClose, bool) {
	a := &storage.AutoClose{After: int64(after / time.Minute), Notice: int64(notice / time.Minute)}
	return a, a.After > 0 && a.Notice > 0 && a.After <= longestAnswer && a.Notice <= longestAnswer
}
