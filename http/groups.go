package httpedge

import (
	"context"
	"net/http"
	"time"

	"github.com/topicdesk/topicdesk/messages"
)

// Group is a Telegram group as the API shows it.
type Group struct {
	TelegramGroupID      int64     `json:"telegramGroupId" doc:"Its id in Telegram. A group that Telegram gives a new id is found by the old one, too." example:"-1001234567890"`
	Title                string    `json:"title" example:"Support"`
	Type                 string    `json:"type" doc:"As Telegram says: group or supergroup." example:"supergroup"`
	IsForum              bool      `json:"isForum" doc:"It has topics; without them no ticket can be opened in it."`
	BotStatus            string    `json:"botStatus" doc:"What the bot is in it, as Telegram says: administrator, member, restricted, left or kicked." example:"administrator"`
	BotIsAdmin           bool      `json:"botIsAdmin" doc:"The bot is an administrator."`
	CanManageTopics      bool      `json:"canManageTopics" doc:"The bot may open topics."`
	SupportTopicsEnabled bool      `json:"supportTopicsEnabled" doc:"The group is registered: tickets may be opened in it."`
	Public               bool      `json:"public" doc:"Everyone may open tickets in it from their private chat with the bot, not members alone; /public in the group changes it."`
	Language             string    `json:"language" doc:"en, th, or empty: each person's own." example:"en"`
	CreatedAt            time.Time `json:"createdAt" doc:"When the desk came to know it."`
	UpdatedAt            time.Time `json:"updatedAt" doc:"When what is known of it was changed."`
}

const aboutGroups = " A key that is bound to a group sees that one alone."

func (a *API) groupOperations() {
	register(a, op{
		id: "listGroups", method: http.MethodGet, path: "/groups", tag: tagGroups, summary: "List groups", scope: "groups:read",
		description: "The groups that the bot is or was in, in a fixed order." + aboutGroups, answer: exampleList(exampleGroup()),
	}, a.listGroups)
	register(a, op{
		id: "getGroup", method: http.MethodGet, path: "/groups/{id}", tag: tagGroups, summary: "Get a group", scope: "groups:read",
		description: "What the desk knows of a group, by its Telegram id of today or a former one." + aboutGroups, answer: exampleGroup(),
	}, a.getGroup)
	register(a, op{
		id: "updateGroup", method: http.MethodPut, path: "/groups/{id}", tag: tagGroups, summary: "Change a group", scope: "groups:write",
		description: "Changes the fields that are sent and leaves the others: whether tickets may be opened in the group, and the language in which the bot speaks there. The rest is Telegram's." + aboutGroups,
		request:     map[string]any{"language": "th"}, answer: exampleGroup(),
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
		one, err := ask[*messages.GroupRecord](ctx, a, messages.KindQuery, "", &messages.GetGroupRecord{GroupId: c.key.GroupId})
		switch {
		case err != nil && asProblem(err).Code != codeNotFound:
			return nil, err
		case err == nil && one.GroupId > after:
			found = append(found, one)
		}
	} else {
		page, err := ask[*messages.GroupList](ctx, a, messages.KindQuery, "", &messages.ListGroups{After: after, Limit: int32(in.Limit + 1)})
		if err != nil {
			return nil, err
		}
		found = page.Groups
	}
	return &groupListOutput{Body: listOf(found, in.Limit, list, func(g *messages.GroupRecord) any { return g.GroupId }, groupOf)}, nil
}

// GroupPath names a group in the path.
type GroupPath struct {
	ID int64 `path:"id" maximum:"-1" minimum:"-4503599627370495" doc:"Its id in Telegram; ids of groups are negative." example:"-1001234567890"`
}

type groupOutput struct {
	Body Group
}

func (a *API) getGroup(ctx context.Context, c *call, in *GroupPath) (*groupOutput, error) {
	found, err := ask[*messages.GroupRecord](ctx, a, messages.KindQuery, "", &messages.GetGroupRecord{ChatId: in.ID})
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
		SupportTopicsEnabled *bool   `json:"supportTopicsEnabled,omitempty" doc:"Tickets may be opened in it."`
		Language             *string `json:"language,omitempty" enum:"en,th," doc:"en, th, or empty: each person's own."`
	}
}

func (a *API) updateGroup(ctx context.Context, c *call, in *updateGroupInput) (*groupOutput, error) {
	place, err := a.place(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	changed, err := ask[*messages.GroupRecord](ctx, a, messages.KindGroup, place,
		&messages.ChangeGroup{Origin: c.origin(), Registered: in.Body.SupportTopicsEnabled, Lang: in.Body.Language})
	if err != nil {
		return nil, err
	}
	return &groupOutput{Body: groupOf(changed)}, nil
}

func groupOf(r *messages.GroupRecord) Group {
	f := r.GetFacts()
	return Group{TelegramGroupID: f.GetChatId(), Title: f.GetTitle(), Type: f.GetType(), IsForum: f.GetIsForum(), BotStatus: f.GetBotStatus(),
		BotIsAdmin: f.GetBotStatus() == "administrator", CanManageTopics: f.GetCanManageTopics(), SupportTopicsEnabled: r.Registered, Public: r.Public, Language: r.Lang,
		CreatedAt: time.UnixMilli(r.CreatedMs).UTC(), UpdatedAt: time.UnixMilli(r.UpdatedMs).UTC()}
}

func exampleGroup() Group {
	return Group{TelegramGroupID: -1001234567890, Title: "Support", Type: "supergroup", IsForum: true, BotStatus: "administrator", BotIsAdmin: true,
		CanManageTopics: true, SupportTopicsEnabled: true, Language: "en", CreatedAt: exampleTime, UpdatedAt: exampleTime}
}
