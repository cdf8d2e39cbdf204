package httpedge

import (
	"context"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/view"
)

// GroupState is how a group gets on.
type GroupState struct {
	TelegramGroupID      int64      `json:"telegramGroupId" example:"-1001234567890"`
	Title                string     `json:"title" example:"Support"`
	Language             string     `json:"language" doc:"The bot's language in the group: en, th, or empty for each person's own language." example:"en"`
	SupportTopicsEnabled bool       `json:"supportTopicsEnabled" doc:"Tickets may be opened in it."`
	IsDefault            bool       `json:"isDefault" doc:"Somebody has it as default group, and can be mentioned."`
	IsForum              bool       `json:"isForum" doc:"It has topics, without which no ticket can be opened in it."`
	BotIsAdmin           bool       `json:"botIsAdmin"`
	CanManageTopics      bool       `json:"canManageTopics" doc:"The bot has the right to manage topics."`
	Held                 *string    `json:"held" doc:"Why the bot may not write there, in Telegram's words, so that copies wait. null: it may."`
	BlockedUntil         *view.Time `json:"blockedUntil" doc:"Until when Telegram takes nothing there, since too much was sent. null: it does."`
	LagMs                int64      `json:"lagMs" doc:"How long the oldest copy has waited. 0: none waits." example:"0"`
	Waiting              int64      `json:"waiting" doc:"How many calls are queued there: of each topic the next 16 messages at most, since the rest waits with its ticket until there is room. Icons and other calls that leave last do not count." example:"0"`
	Budget               *int64     `json:"budget" doc:"How many calls may leave there without waiting. null: no limit." example:"18"`
	PerMinute            *int64     `json:"perMinute" doc:"How many calls may leave there in a minute: fewer than the settings say where Telegram has slowed the bot down. null: no limit." example:"20"`
}

// WebhookState is how an endpoint gets on.
type WebhookState struct {
	WebhookID            string     `json:"webhookId" example:"wh_k7c2m4q3x5ad4ah6tz2y"`
	Name                 *string    `json:"name" doc:"null: it has none." example:"crm"`
	Host                 string     `json:"host" doc:"Where it is." example:"crm.example.org"`
	Description          string     `json:"description" example:"CRM, production"`
	GroupID              *int64     `json:"groupId" doc:"Telegram id of the only group that it hears. null: all groups." example:"-1001234567890"`
	State                string     `json:"state" enum:"ok,failing,disabled" example:"ok"`
	DisabledReason       *string    `json:"disabledReason" doc:"As at GET /webhooks. null: it is enabled."`
	FailingSince         *view.Time `json:"failingSince" doc:"Since when every attempt has failed. null: the newest one did not."`
	LastError            *string    `json:"lastError" doc:"Why it fails, or why nothing is sent to it although it is enabled. null: nothing is wrong."`
	LastSuccessAt        *view.Time `json:"lastSuccessAt" doc:"When it last took an event. null: never."`
	Backlog              *int64     `json:"backlog" doc:"How many events wait. Those that were not read yet count, wanted or not. null: its part of the desk does not answer now." example:"0"`
	OldestPendingSeconds *float64   `json:"oldestPendingSeconds" doc:"How long the oldest of them has waited; 0: nothing waits. null: as for backlog." example:"0"`
}

const (
	// statsAtOnce is how many endpoints are asked at a time how they get on, and statsWithin how long they may take.
	statsAtOnce = 8
	statsWithin = 3 * time.Second
)

func (a *API) monitoringStateOperations() {
	budget, perMinute, backlog, oldest := int64(18), int64(20), int64(0), 0.0
	name := "crm"
	register(a, op{
		id: "listGroupStates", method: http.MethodGet, path: "/monitoring/groups",
		tag: tagMonitoring, summary: "See how groups get on", scope: messages.ScopeMonitoringRead,
		description: "Lists the groups with the bot's rights there and what waits, in a fixed order. What waits is as the desk stored it " +
			"last: at each call, and every 15 seconds while copies wait." + aboutGroups,
		answer: exampleList(GroupState{TelegramGroupID: -1001234567890, Title: "Support", Language: "en", SupportTopicsEnabled: true,
			IsDefault: true, IsForum: true, BotIsAdmin: true, CanManageTopics: true, Budget: &budget, PerMinute: &perMinute}),
	}, a.listGroupStates)
	register(a, op{
		id: "listWebhookStates", method: http.MethodGet, path: "/monitoring/webhooks",
		tag: tagMonitoring, summary: "See how endpoints get on", scope: messages.ScopeMonitoringRead,
		description: "Lists the endpoints with what waits for each, in a fixed order." + aboutWebhooks,
		answer: exampleList(WebhookState{WebhookID: "wh_k7c2m4q3x5ad4ah6tz2y", Name: &name, Host: "crm.example.org",
			Description: "CRM, production", State: "ok", LastSuccessAt: &view.ExampleTime, Backlog: &backlog, OldestPendingSeconds: &oldest}),
	}, a.listWebhookStates)
}

type groupStatesOutput struct {
	Body List[GroupState]
}

func (a *API) listGroupStates(ctx context.Context, c *call, in *PageInput) (*groupStatesOutput, error) {
	list, after := "monitoring/groups", ""
	if in.Cursor != "" {
		if err := readCursor(list, in.Cursor, &after); err != nil {
			return nil, err
		}
	}
	m := &messages.ListGroupStates{After: after, Limit: int32(in.Limit + 1), GroupId: c.key.GroupId}
	found, err := ask[*messages.GroupStates](ctx, a, messages.KindQuery, "", m)
	if err != nil {
		return nil, err
	}
	key := func(g *messages.GroupState) any { return g.GroupId }
	return &groupStatesOutput{Body: listOf(found.Groups, in.Limit, list, key, a.groupState)}, nil
}

func (a *API) groupState(g *messages.GroupState) GroupState {
	s := GroupState{
		TelegramGroupID: g.ChatId, Title: g.Title, Language: g.Lang, SupportTopicsEnabled: g.Registered, IsDefault: g.IsDefault,
		IsForum: g.IsForum, BotIsAdmin: g.BotStatus == "administrator", CanManageTopics: g.CanManageTopics, Waiting: g.Waiting,
		BlockedUntil: view.TimeOf(g.BlockedUntilMs), Held: orNull(g.Suspended),
	}
	if g.OldestMs > 0 {
		s.LagMs = max(0, a.now().UnixMilli()-g.OldestMs)
	}
	if g.Budget >= 0 {
		s.Budget = &g.Budget
	}
	if g.PerMinute > 0 {
		s.PerMinute = &g.PerMinute
	}
	return s
}

type webhookStatesOutput struct {
	Body List[WebhookState]
}

func (a *API) listWebhookStates(ctx context.Context, c *call, in *PageInput) (*webhookStatesOutput, error) {
	list, after := "monitoring/webhooks", ""
	if in.Cursor != "" {
		if err := readCursor(list, in.Cursor, &after); err != nil {
			return nil, err
		}
	}
	m := &messages.ListWebhooks{GroupId: c.key.GroupId, After: after, Limit: int32(in.Limit + 1)}
	found, err := ask[*messages.WebhookList](ctx, a, messages.KindQuery, "", m)
	if err != nil {
		return nil, err
	}
	key := func(w *messages.Webhook) any { return w.WebhookId }
	page := listOf(found.Webhooks, in.Limit, list, key, webhookStateOf)
	a.askBacklogs(ctx, page.Data)
	return &webhookStatesOutput{Body: page}, nil
}

func webhookStateOf(w *messages.Webhook) WebhookState {
	s := WebhookState{
		WebhookID: w.WebhookId, Name: orNull(w.Name), Description: w.GetSettings().GetDescription(), State: "ok",
		DisabledReason: orNull(w.DisabledReason), FailingSince: view.TimeOf(w.FailingSinceMs), LastError: orNull(w.LastError),
		LastSuccessAt: view.TimeOf(w.LastSuccessMs),
	}
	if u, err := url.Parse(w.GetSettings().GetUrl()); err == nil {
		s.Host = u.Host
	}
	if w.ChatId != 0 {
		s.GroupID = &w.ChatId
	}
	switch {
	case !w.GetSettings().GetEnabled():
		s.State = "disabled"
	case s.FailingSince != nil || s.LastError != nil:
		s.State = "failing"
	}
	return s
}

// askBacklogs asks endpoints how much waits for each. One that does not answer is left as it is: the others are shown all the same.
func (a *API) askBacklogs(ctx context.Context, page []WebhookState) {
	ctx, cancel := context.WithTimeout(ctx, statsWithin)
	defer cancel()
	var asked sync.WaitGroup
	slots := make(chan struct{}, statsAtOnce)
	for i := range page {
		asked.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			stats, err := ask[*messages.WebhookStats](ctx, a, messages.KindWebhook, page[i].WebhookID, &messages.GetWebhookStats{})
			if err == nil {
				oldest := float64(stats.OldestPendingMs) / 1000
				page[i].Backlog, page[i].OldestPendingSeconds = &stats.Backlog, &oldest
			}
		})
	}
	asked.Wait()
}

// orNull is a text that is null where there is none.
func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
