package messages

import (
	"slices"
	"strconv"
)

// Settings of a group, as buttons name them.
const (
	SettingTickets   = "tickets" // on or off, as the others but for the language
	SettingPublic    = "public"
	SettingAutoClaim = "autoclaim"
	SettingIcons     = "icons"
	SettingLanguage  = "lang" // en, th or own
	// SettingWaitingList has the General topic list what waits for the team.
	SettingWaitingList = "waiting"
	SettingAutoClose   = "autoclose" // off, 3d, 7d, or own: another time, which no button sets
	SettingReopen      = "reopen"    // 0, 3, 7, 14 or 30 days, or own: as before
	SettingQuiet       = "quiet"     // on or off
	// SettingHours and SettingWithin have more values than a button can go through: theirs shows what /hours and /answer_within do.
	SettingHours  = "hours"
	SettingWithin = "within"
)

// OnWaitingList ends the data of the button of the list itself that switches it off.
const OnWaitingList = ":list"

// LanguageOwn is the value of SettingLanguage for each person's own language.
const LanguageOwn = "own"

// Settings are all settings of a group that a button changes, each with its values.
var Settings = map[string][]string{
	SettingTickets: {"on", "off"}, SettingPublic: {"on", "off"}, SettingAutoClaim: {"on", "off"}, SettingIcons: {"on", "off"},
	SettingWaitingList: {"on", "off"}, SettingQuiet: {"on", "off"},
	SettingLanguage:  {"en", "th", LanguageOwn},
	SettingAutoClose: {"off", "3d", "7d", SettingOwn},
	SettingReopen:    {"0", "3", "7", "14", "30", SettingOwn},
}

// SettingOwn is the value of a setting that is none of its other values.
const SettingOwn = "own"

// AutoCloses are the choices of SettingAutoClose: tickets close a day after the customer was told.
var AutoCloses = map[string]*AutoClose{
	"off": {}, "3d": {After: 3 * 24 * 60, Notice: 24 * 60}, "7d": {After: 7 * 24 * 60, Notice: 24 * 60},
}

// ButtonOfSetting is the text of the catalogue that says which value a setting has.
func ButtonOfSetting(setting, value string) string { return "setting_" + setting + "_" + value }

// ChangeOf is the change of a group's settings that a button makes. It is not ok if there is no such setting, or no such value.
func ChangeOf(setting, value string) (m *ChangeGroup, ok bool) {
	m = &ChangeGroup{}
	on := value == "on"
	switch setting {
	case SettingTickets:
		m.Registered = &on
	case SettingPublic:
		m.Public = &on
	case SettingAutoClaim:
		m.AutoClaim = &on
	case SettingIcons:
		m.Icons = &on
	case SettingWaitingList:
		m.WaitingList = &on
	case SettingQuiet:
		m.QuietCopies = &on
	case SettingAutoClose:
		if m.AutoClose = AutoCloses[value]; m.AutoClose == nil {
			return m, false
		}
	case SettingReopen:
		days, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return m, false
		}
		m.ReopenDays = &days
	case SettingLanguage:
		lang := value
		if lang == LanguageOwn {
			lang = ""
		}
		m.Lang = &lang
	}
	return m, slices.Contains(Settings[setting], value)
}
