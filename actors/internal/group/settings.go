package group

import (
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// The settings of a group. Slash commands, the buttons of /settings and programs all change them by set
// (docs/decisions.md, D201).

// set changes settings; what m does not name stays.
func set(r *storage.Group, m *messages.ChangeGroup) {
	if m.Registered != nil {
		r.SupportTopicsEnabled = *m.Registered
	}
	if m.Lang != nil {
		r.Language = *m.Lang
	}
	if m.AutoClaim != nil {
		r.ManualClaims = !*m.AutoClaim
	}
	if m.Icons != nil {
		r.NoIcons = !*m.Icons
	}
	if m.Public != nil {
		r.Public = *m.Public
	}
	if m.WaitingList != nil {
		r.NoWaitingList = !*m.WaitingList
	}
	if m.QuietCopies != nil {
		r.QuietCopies = *m.QuietCopies
	}
	if m.ReopenDays != nil {
		r.ReopenDays = m.ReopenDays
	}
}

// changes says whether m would change a setting.
func changes(r *storage.Group, m *messages.ChangeGroup) bool {
	next := *r
	set(&next, m)
	return next.SupportTopicsEnabled != r.SupportTopicsEnabled || next.Language != r.Language || next.ManualClaims != r.ManualClaims ||
		next.NoIcons != r.NoIcons || next.Public != r.Public || next.NoWaitingList != r.NoWaitingList ||
		next.QuietCopies != r.QuietCopies || desk.ReopenDaysOf(&next) != desk.ReopenDaysOf(r)
}

// namesTimes says whether m sets when the team works and answers.
func namesTimes(m *messages.ChangeGroup) bool {
	return m.Hours != nil || m.Exceptions != nil || m.AnswerWithin != nil || m.AutoClose != nil
}

// onChange changes settings: for a program now, and for whoever pressed a button once it is known that they administer the group.
func (g *group) onChange(m *messages.ChangeGroup) (proto.Message, error) {
	switch {
	case g.record == nil:
		return &messages.GroupRecord{Code: messages.Code_NOT_FOUND}, nil
	case !desk.IsAPI(m.Origin):
		return g.onCommand(m)
	case g.handled(m.Origin) || !changes(g.record, m) && !namesTimes(m):
		return desk.GroupRecordOf(g.record), nil
	}
	times, ok := timesIn(g.record), true
	if namesTimes(m) {
		times, ok = changedTimes(g.record, m)
	}
	if !ok {
		return &messages.GroupRecord{Code: messages.Code_CONFLICT, Reason: messages.NoticeHoursNotYet}, nil
	}
	err := g.change(m.Origin.CommandId, func(r *storage.Group) {
		set(r, m)
		setTimes(r, g.Now(), func() {
			r.Hours, r.HoursApart, r.AnswerWithin, r.AutoClose = times.Hours, times.HoursApart, times.AnswerWithin, times.AutoClose
		})
	})
	if err != nil {
		return nil, err
	}
	g.follow()
	return desk.GroupRecordOf(g.record), nil
}

func (g *group) showingSettings(r *storage.Group, _ desk.Command) (string, map[string]string) {
	return messages.NoticeSettings, map[string]string{"title": r.Title}
}

func (g *group) changingSettings(r *storage.Group, m desk.Command) (string, map[string]string) {
	c := m.(*messages.ChangeGroup)
	set(r, c)
	if c.AutoClose != nil {
		setTimes(r, g.Now(), func() { r.AutoClose = autoCloseOf(c.AutoClose) })
	}
	if c.OnList {
		return messages.NoticeWaitingOff, map[string]string{"title": r.Title}
	}
	return g.showingSettings(r, m)
}

// settingsKeyboard has a button for each setting, which says the value of now and changes it to the next one, or opens what its command
// shows.
func settingsKeyboard(r *storage.Group) *messages.Keyboard {
	k := &messages.Keyboard{}
	add := func(setting, value, next string) { addSetting(k, setting, value, next) }
	toggle := func(setting string, on bool) {
		if on {
			add(setting, "on", "off")
		} else {
			add(setting, "off", "on")
		}
	}
	toggle(messages.SettingTickets, r.SupportTopicsEnabled)
	toggle(messages.SettingPublic, r.Public)
	toggle(messages.SettingAutoClaim, !r.ManualClaims)
	toggle(messages.SettingIcons, !r.NoIcons)
	toggle(messages.SettingWaitingList, !r.NoWaitingList)
	toggle(messages.SettingQuiet, r.QuietCopies)
	opens(k, messages.SettingHours, messages.ButtonHours, map[string]string{"hours": r.Hours})
	opens(k, messages.SettingWithin, messages.ButtonWithin, differingArgs(r))
	choices(k, messages.SettingAutoClose, autoCloseValue(r), "off", "3d", "7d")
	choices(k, messages.SettingReopen, reopenValue(r), "0", "3", "7", "14", "30")
	switch r.Language {
	case "en":
		add(messages.SettingLanguage, "en", "th")
	case "th":
		add(messages.SettingLanguage, "th", messages.LanguageOwn)
	default:
		add(messages.SettingLanguage, messages.LanguageOwn, "en")
	}
	return k
}

func addSetting(k *messages.Keyboard, setting, value, next string) {
	k.Rows = append(k.Rows, &messages.KeyboardRow{Buttons: []*messages.Button{{
		Key:  messages.ButtonOfSetting(setting, value),
		Data: strings.Join([]string{messages.CallbackSet, setting, next}, ":"),
	}}})
}

// opens adds a button that shows a setting.
func opens(k *messages.Keyboard, setting, key string, args map[string]string) {
	k.Rows = append(k.Rows, &messages.KeyboardRow{Buttons: []*messages.Button{{Key: key, Args: args, Data: messages.CallbackSet + ":" + setting}}})
}

// choices adds a button that sets the choice after the one of now; after the last one, and any other value, the first.
func choices(k *messages.Keyboard, setting, value string, all ...string) {
	addSetting(k, setting, value, all[(slices.Index(all, value)+1)%len(all)])
}

// autoCloseValue and reopenValue are the values of the settings as buttons name them.
func autoCloseValue(r *storage.Group) string {
	now := desk.AutoCloseOf(r)
	for name, choice := range messages.AutoCloses {
		if choice.After == now.After && (choice.Notice == now.Notice || now.After == 0) {
			return name
		}
	}
	return messages.SettingOwn
}

func reopenValue(r *storage.Group) string {
	value := strconv.FormatInt(desk.ReopenDaysOf(r), 10)
	if !slices.Contains(messages.Settings[messages.SettingReopen], value) {
		return messages.SettingOwn
	}
	return value
}

func (g *group) settingLanguage(r *storage.Group, m desk.Command) (string, map[string]string) {
	set(r, &messages.ChangeGroup{Lang: &m.(*messages.SetGroupLanguage).Lang})
	return messages.NoticeLangSet, map[string]string{"lang": r.Language}
}

// settingAutoClaim lets whoever answers a ticket first take care of it, or nobody by that.
func (g *group) settingAutoClaim(r *storage.Group, m desk.Command) (string, map[string]string) {
	on, notice := switched(m.(*messages.SetAutoClaim).Wanted, !r.ManualClaims), messages.NoticeAutoClaimOff
	if set(r, &messages.ChangeGroup{AutoClaim: &on}); on {
		notice = messages.NoticeAutoClaimOn
	}
	return notice, map[string]string{"title": r.Title}
}

// settingPublic lets everyone open tickets in the group, or members alone.
func (g *group) settingPublic(r *storage.Group, m desk.Command) (string, map[string]string) {
	on, notice := switched(m.(*messages.SetPublic).Wanted, r.Public), messages.NoticePublicOff
	if set(r, &messages.ChangeGroup{Public: &on}); on {
		notice = messages.NoticePublicOn
	}
	return notice, map[string]string{"title": r.Title}
}
