package httpedge

import (
	"context"
	"net/http"
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/view"
)

// Group is a Telegram group as the API shows it.
type Group struct {
	TelegramGroupID      int64     `json:"telegramGroupId" doc:"The group's id in Telegram. After Telegram changes it, the group is also found by its old id." example:"-1001234567890"`
	Title                string    `json:"title" example:"Support"`
	Type                 string    `json:"type" doc:"The type in Telegram: group or supergroup." example:"supergroup"`
	IsForum              bool      `json:"isForum" doc:"The group has topics. Without them no ticket can be opened in it."`
	BotStatus            string    `json:"botStatus" doc:"The bot's status in the group, as Telegram names it: administrator, member, restricted, left or kicked." example:"administrator"`
	BotIsAdmin           bool      `json:"botIsAdmin" doc:"The bot is an administrator."`
	CanManageTopics      bool      `json:"canManageTopics" doc:"The bot has the right to manage topics."`
	SupportTopicsEnabled bool      `json:"supportTopicsEnabled" doc:"The group is registered: tickets may be opened in it."`
	Public               bool      `json:"public" doc:"Everyone may open tickets in the group from their private chat with the bot, not only its members. Administrators change this with /public."`
	Language             string    `json:"language" doc:"The bot's language in the group: en, th, or empty for each person's own language." example:"en"`
	CreatedAt            time.Time `json:"createdAt" doc:"When the desk first met the group."`
	UpdatedAt            time.Time `json:"updatedAt" doc:"When the desk last changed this record."`
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
		tag: tagGroups, summary: "Change a group", scope: "groups:write",
		description: "Changes the fields that are sent and leaves the others as they are. A program can change whether " +
			"tickets may be opened in the group, and the bot's language there. The rest is changed in Telegram." + aboutGroups,
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
		SupportTopicsEnabled *bool   `json:"supportTopicsEnabled,omitempty" doc:"Whether tickets may be opened in the group."`
		Language             *string `json:"language,omitempty" enum:"en,th," doc:"The bot's language in the group: en, th, or empty for each person's own language."`
	}
}

func (a *API) updateGroup(ctx context.Context, c *call, in *updateGroupInput) (*groupOutput, error) {
	place, err := a.place(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	m := &messages.ChangeGroup{Origin: c.origin(), Registered: in.Body.SupportTopicsEnabled, Lang: in.Body.Language}
	changed, err := ask[*messages.GroupRecord](ctx, a, messages.KindGroup, place, m)
	if err != nil {
		return nil, err
	}
	return &groupOutput{Body: groupOf(changed)}, nil
}

func groupOf(r *messages.GroupRecord) Group {
	f := r.GetFacts()
	return Group{
		TelegramGroupID: f.GetChatId(), Title: f.GetTitle(), Type: f.GetType(), IsForum: f.GetIsForum(),
		BotStatus: f.GetBotStatus(), BotIsAdmin: f.GetBotStatus() == "administrator",
		CanManageTopics: f.GetCanManageTopics(), SupportTopicsEnabled: r.Registered,
		Public: r.Public, Language: r.Lang,
		CreatedAt: time.UnixMilli(r.CreatedMs).UTC(), UpdatedAt: time.UnixMilli(r.UpdatedMs).UTC(),
	}
}

func exampleGroup() Group {
	return Group{
		TelegramGroupID: -1001234567890, Title: "Support", Type: "supergroup", IsForum: true,
		BotStatus: "administrator", BotIsAdmin: true, CanManageTopics: true, SupportTopicsEnabled: true,
		Language: "en", CreatedAt: view.ExampleTime, UpdatedAt: view.ExampleTime,
	}
}
