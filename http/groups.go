package httpedge

import (
	"context"
	"errors"
	"net/http"

	"github.com/topicdesk/topicdesk/hours"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/view"
)

// Group is a Telegram group as the API shows it.
type Group struct {
	TelegramGroupID      int64             `json:"telegramGroupId" doc:"The group's id in Telegram. After Telegram changes it, the group is also found by its old id." example:"-1001234567890"`
	Title                string            `json:"title" example:"Support"`
	Type                 string            `json:"type" doc:"The type in Telegram: group or supergroup." example:"supergroup"`
	IsForum              bool              `json:"isForum" doc:"The group has topics. Without them no ticket can be opened in it."`
	BotStatus            string            `json:"botStatus" doc:"The bot's status in the group, as Telegram names it: administrator, member, restricted, left or kicked." example:"administrator"`
	BotIsAdmin           bool              `json:"botIsAdmin" doc:"The bot is an administrator."`
	CanManageTopics      bool              `json:"canManageTopics" doc:"The bot has the right to manage topics."`
	SupportTopicsEnabled bool              `json:"supportTopicsEnabled" doc:"The group is registered: tickets may be opened in it."`
	Public               bool              `json:"public" doc:"Everyone may open tickets in the group from their private chat with the bot, not only its members."`
	AutoClaim            bool              `json:"autoClaim" doc:"Whoever of the desk answers a ticket of the group first takes care of it." example:"true"`
	TopicIcons           bool              `json:"topicIcons" doc:"The icons of the group's topics show the state of their tickets." example:"true"`
	WaitingList          bool              `json:"waitingList" doc:"The group's General topic lists what waits for its team." example:"true"`
	QuietCopies          bool              `json:"quietCopies" doc:"Copies into the group's topics of tickets that somebody takes care of make no sound, unless they name somebody."`
	Hours                string            `json:"hours" doc:"When the team works: days, times and a time zone. Empty: always." example:"Mon-Fri 09:00-18:00 Asia/Bangkok"`
	HoursByDate          map[string]string `json:"hoursByDate" nullable:"false" doc:"Dates with hours of their own: closed, or times." example:"{\"2026-12-25\":\"closed\"}"`
	AnswerWithin         AnswerTimes       `json:"answerWithin"`
	AutoClose            AutoClose         `json:"autoClose"`
	ReopenDays           int64             `json:"reopenDays" doc:"For how many days after closing a customer's word reopens a ticket; later it opens a new one. 0: in private, people are asked; in a group, nothing happens." example:"7"`
	Language             string            `json:"language" doc:"The bot's language in the group: en, th, or empty for each person's own language." example:"en"`
	CreatedAt            view.Time         `json:"createdAt" doc:"When the desk first met the group."`
	UpdatedAt            view.Time         `json:"updatedAt" doc:"When the desk last changed this record."`
}

// AutoClose says when a ticket that waits for the customer closes by itself.
type AutoClose struct {
	After  int64 `json:"after" minimum:"0" maximum:"527040" doc:"How many minutes it waits until the customer is told that it closes; 0: it never does." example:"4320"`
	Notice int64 `json:"notice" minimum:"0" maximum:"527040" doc:"How many minutes later it closes, unless the customer writes." example:"1440"`
}

// AnswerTimes are within which working time an answer is due.
type AnswerTimes struct {
	Low    int64 `json:"low" minimum:"0" maximum:"527040" doc:"Minutes of working time within which an answer on a ticket of low priority is due; 0: it never is." example:"240"`
	Normal int64 `json:"normal" minimum:"0" maximum:"527040" doc:"The same for normal priority." example:"240"`
	High   int64 `json:"high" minimum:"0" maximum:"527040" doc:"The same for high priority." example:"120"`
	Urgent int64 `json:"urgent" minimum:"0" maximum:"527040" doc:"The same for urgent priority." example:"60"`
}

const aboutGroups = " A key that is bound to a group sees only that group."

func (a *API) groupOperations() {
	register(a, op{
		id: "listGroups", method: http.MethodGet, path: "/groups",
		tag: tagGroups, summary: "List groups", scope: "groups:read",
		description: "Lists the groups that the bot is or was in, in a fixed order." + aboutGroups,
		answer:      exampleList(exampleGroup()),
	}, a.listGroups)
	register(a, op{
		id: "getGroup", method: http.MethodGet, path: "/groups/{id}",
		tag: tagGroups, summary: "Get a group", scope: "groups:read",
		description: "Returns what the desk knows of a group, by its current or a previous Telegram id." + aboutGroups,
		answer:      exampleGroup(),
	}, a.getGroup)
	register(a, op{
		id: "updateGroup", method: http.MethodPut, path: "/groups/{id}",
		tag: tagGroups, summary: "Change a group", scope: "groups:write", codes: []string{messages.NoticeHoursNotYet},
		description: "Changes the fields that are sent and leaves the others as they are. A program can change what administrators " +
			"change with /settings in the group. The rest is changed in Telegram." + aboutGroups,
		request: map[string]any{"language": "th"}, answer: exampleGroup(),
	}, a.updateGroup)
}

type groupListOutput struct {
	Body List[Group]
}

func (a *API) listGroups(ctx context.Context, c *call, in *PageInput) (*groupListOutput, error) {
	list, after := "groups", ""
	if in.Cursor != "" {
		if err := readCursor(list, in.Cursor, &after); err != nil {
			return nil, err
		}
	}
	var found []*messages.GroupRecord
	if c.key.GroupId != "" {
		m := &messages.GetGroupRecord{GroupId: c.key.GroupId}
		one, err := ask[*messages.GroupRecord](ctx, a, messages.KindQuery, "", m)
		switch {
		case err != nil && asProblem(err).Code != codeNotFound:
			return nil, err
		case err == nil && one.GroupId > after:
			found = append(found, one)
		}
	} else {
		m := &messages.ListGroups{After: after, Limit: int32(in.Limit + 1)}
		page, err := ask[*messages.GroupList](ctx, a, messages.KindQuery, "", m)
		if err != nil {
			return nil, err
		}
		found = page.Groups
	}
	key := func(g *messages.GroupRecord) any { return g.GroupId }
	return &groupListOutput{Body: listOf(found, in.Limit, list, key, groupOf)}, nil
}

// GroupPath names a group in the path.
type GroupPath struct {
	ID int64 `path:"id" maximum:"-1" minimum:"-4503599627370495" doc:"The group's id in Telegram. Ids of groups are negative." example:"-1001234567890"`
}

type groupOutput struct {
	Body Group
}

func (a *API) getGroup(ctx context.Context, c *call, in *GroupPath) (*groupOutput, error) {
	m := &messages.GetGroupRecord{ChatId: in.ID}
	found, err := ask[*messages.GroupRecord](ctx, a, messages.KindQuery, "", m)
	if err != nil {
		return nil, err
	}
	if !c.sees(found.GroupId) {
		return nil, problem(codeNotFound)
	}
	return &groupOutput{Body: groupOf(found)}, nil
}

type updateGroupInput struct {
	GroupPath
	Body struct {
		SupportTopicsEnabled *bool              `json:"supportTopicsEnabled,omitempty" doc:"Whether tickets may be opened in the group."`
		AutoClaim            *bool              `json:"autoClaim,omitempty" doc:"Whether whoever of the desk answers a ticket of the group first takes care of it."`
		TopicIcons           *bool              `json:"topicIcons,omitempty" doc:"Whether the icons of the group's topics show the state of their tickets."`
		WaitingList          *bool              `json:"waitingList,omitempty" doc:"Whether the group's General topic lists what waits for its team."`
		QuietCopies          *bool              `json:"quietCopies,omitempty" doc:"Whether copies into the group's topics of tickets that somebody takes care of make no sound, unless they name somebody."`
		Public               *bool              `json:"public,omitempty" doc:"Whether everyone may open tickets in the group from their private chat with the bot, not only its members."`
		Hours                *string            `json:"hours,omitempty" maxLength:"600" doc:"When the team works, such as Mon-Fri 09:00-18:00 Asia/Bangkok. Empty: always; no date has hours of its own then."`
		HoursByDate          *map[string]string `json:"hoursByDate,omitempty" maxProperties:"60" doc:"All dates with hours of their own, in place of those before: closed, or times such as 09:00-12:00."`
		AnswerWithin         *AnswerTimes       `json:"answerWithin,omitempty"`
		AutoClose            *AutoClose         `json:"autoClose,omitempty"`
		ReopenDays           *int64             `json:"reopenDays,omitempty" minimum:"0" maximum:"365" doc:"For how many days after closing a customer's word reopens a ticket."`
		Language             *string            `json:"language,omitempty" enum:"en,th," doc:"The bot's language in the group: en, th, or empty for each person's own language."`
	}
}

func (a *API) updateGroup(ctx context.Context, c *call, in *updateGroupInput) (*groupOutput, error) {
	place, err := a.place(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	m := &messages.ChangeGroup{Origin: c.origin(), Registered: in.Body.SupportTopicsEnabled, Lang: in.Body.Language,
		AutoClaim: in.Body.AutoClaim, Icons: in.Body.TopicIcons, WaitingList: in.Body.WaitingList, QuietCopies: in.Body.QuietCopies,
		Public: in.Body.Public, ReopenDays: in.Body.ReopenDays}
	if err := in.times(m); err != nil {
		return nil, err
	}
	changed, err := ask[*messages.GroupRecord](ctx, a, messages.KindGroup, place, m)
	if err != nil {
		return nil, err
	}
	return &groupOutput{Body: groupOf(changed)}, nil
}

// times reads when the team works and answers into a command.
func (in *updateGroupInput) times(m *messages.ChangeGroup) error {
	b := &in.Body
	if b.Hours != nil {
		h, err := hours.Parse(*b.Hours, nil)
		var unclear *hours.Unclear
		if errors.As(err, &unclear) && unclear.Why == hours.ErrNoZone && unclear.Given != "" {
			return invalid("/hours", "the last word is no time zone that the desk knows: name it by its region and city, such as Asia/Bangkok")
		}
		if err != nil {
			return invalid("/hours", "expected days, times and a time zone, such as Mon-Fri 09:00-18:00 Asia/Bangkok, or nothing")
		}
		text := h.Text()
		m.Hours = &text
	}
	if b.HoursByDate != nil {
		m.Exceptions = &messages.DaysApart{ByDate: map[string]string{}}
		for _, day := range hours.Exceptions(*b.HoursByDate) {
			date, isDate := hours.Date(day)
			text, err := hours.DayText((*b.HoursByDate)[day])
			if !isDate || err != nil {
				return invalid("/hoursByDate", "expected dates such as 2026-12-25, each with closed or times such as 09:00-12:00")
			}
			m.Exceptions.ByDate[date] = text
		}
	}
	if a := b.AutoClose; a != nil {
		if a.After > 0 && a.Notice < 1 {
			return invalid("/autoClose/notice", "expected at least a minute")
		}
		m.AutoClose = &messages.AutoClose{After: a.After, Notice: a.Notice}
	}
	if a := b.AnswerWithin; a != nil {
		m.AnswerWithin = &messages.AnswerTimes{Low: a.Low, Normal: a.Normal, High: a.High, Urgent: a.Urgent}
	}
	return nil
}

func groupOf(r *messages.GroupRecord) Group {
	f := r.GetFacts()
	return Group{
		TelegramGroupID: f.GetChatId(), Title: f.GetTitle(), Type: f.GetType(), IsForum: f.GetIsForum(),
		BotStatus: f.GetBotStatus(), BotIsAdmin: f.GetBotStatus() == "administrator",
		CanManageTopics: f.GetCanManageTopics(), SupportTopicsEnabled: r.Registered,
		Public: r.Public, AutoClaim: r.AutoClaim, TopicIcons: r.Icons, WaitingList: r.WaitingList, QuietCopies: r.QuietCopies, Language: r.Lang,
		Hours: r.Hours, HoursByDate: daysOf(r.Exceptions), AnswerWithin: answerTimesOf(r.AnswerWithin),
		AutoClose: AutoClose{After: r.AutoClose.GetAfter(), Notice: r.AutoClose.GetNotice()}, ReopenDays: r.ReopenDays,
		CreatedAt: view.At(r.CreatedMs), UpdatedAt: view.At(r.UpdatedMs),
	}
}

func daysOf(d *messages.DaysApart) map[string]string {
	if len(d.GetByDate()) == 0 {
		return map[string]string{}
	}
	return d.ByDate
}

func answerTimesOf(a *messages.AnswerTimes) AnswerTimes {
	return AnswerTimes{Low: a.GetLow(), Normal: a.GetNormal(), High: a.GetHigh(), Urgent: a.GetUrgent()}
}

func exampleGroup() Group {
	return Group{
		TelegramGroupID: -1001234567890, Title: "Support", Type: "supergroup", IsForum: true,
		BotStatus: "administrator", BotIsAdmin: true, CanManageTopics: true, SupportTopicsEnabled: true,
		Hours: "Mon-Fri 09:00-18:00 Asia/Bangkok", HoursByDate: map[string]string{"2026-12-25": "closed"},
		AnswerWithin: AnswerTimes{Low: 240, Normal: 240, High: 120, Urgent: 60},
		AutoClose:    AutoClose{After: 4320, Notice: 1440}, ReopenDays: 7,
		AutoClaim: true, TopicIcons: true, Language: "en", CreatedAt: view.ExampleTime, UpdatedAt: view.ExampleTime,
	}
}
