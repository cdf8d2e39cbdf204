package messages

import "slices"

// Settings of a group, as buttons name them.
const (
	SettingTickets   = "tickets" // on or off, as the others but for the language
	SettingPublic    = "public"
	SettingAutoClaim = "autoclaim"
	SettingIcons     = "icons"
	SettingLanguage  = "lang" // en, th or own
	// SettingWaitingList has the General topic list what waits for the team.
	SettingWaitingList = "waiting"
)

// OnWaitingList ends the data of the button of the list itself that switches it off.
const OnWaitingList = ":list"

// LanguageOwn is the value of SettingLanguage for each person's own language.
const LanguageOwn = "own"

// Settings are all settings of a group, each with its values.
var Settings = map[string][]string{
	SettingTickets: {"on", "off"}, SettingPublic: {"on", "off"}, SettingAutoClaim: {"on", "off"}, SettingIcons: {"on", "off"},
	SettingWaitingList: {"on", "off"},
	SettingLanguage:    {"en", "th", LanguageOwn},
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
	case SettingLanguage:
		lang := value
		if lang == LanguageOwn {
			lang = ""
		}
		m.Lang = &lang
	}
	return m, slices.Contains(Settings[setting], value)
}
