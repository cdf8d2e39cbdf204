package httpedge

import (
	"context"
	"net/http"
	"strings"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/view"
)

// DeskProblem is something wrong that people can mend, as the API shows it.
type DeskProblem struct {
	ProblemID  string     `json:"problemId" example:"prb_4be1c2a90d77f3a61e05"`
	Kind       string     `json:"kind" doc:"What is wrong, for programs. Further kinds may follow." example:"group_rights"`
	Title      string     `json:"title" doc:"What is wrong, for people." example:"The bot can't work in a group"`
	About      string     `json:"about" doc:"What it is about: the title of a group, an endpoint, a folder, a node. Empty: the desk." example:"Back office"`
	Detail     string     `json:"detail" doc:"What exactly is wrong, if more is known than the title says." example:"the bot may not manage topics"`
	Advice     string     `json:"advice" doc:"What to do." example:"Make the bot an administrator of the group who may manage topics."`
	State      string     `json:"state" enum:"open,closed" doc:"closed: it is over." example:"open"`
	OpenedAt   view.Time  `json:"openedAt" doc:"Since when it has been so."`
	ClosedAt   *view.Time `json:"closedAt" doc:"null: it is open."`
	MutedUntil *view.Time `json:"mutedUntil" doc:"Until then nothing is posted about it in the chat of ALERTS_CHAT: somebody has pressed the button there. null: it is not muted."`
	Times      int64      `json:"times" doc:"How often it has opened." example:"1"`
	GroupID    *int64     `json:"groupId" doc:"The Telegram id of the group that it is about. null: it is about no group." example:"-1001234567890"`
	WebhookID  *string    `json:"webhookId" doc:"The endpoint that it is about. null: it is about none." example:"wh_k7c2m4q3x5ad4ah6tz2y"`
}

func (a *API) problemOperations() {
	register(a, op{
		id: "listProblems", method: http.MethodGet, path: "/problems",
		tag: tagMonitoring, summary: "List problems", scope: messages.ScopeMonitoringRead,
		description: "Lists what is wrong, or was, that people can mend, and what to do about it; those that opened last first. Problems " +
			"open and close by themselves. At most 1000 are kept; those that are over go first." + aboutMonitoring,
		answer: exampleList(exampleProblem()),
	}, a.listProblems)
}

// ProblemListInput selects problems.
type ProblemListInput struct {
	PageInput
	State []string `query:"state" enum:"open,closed" maxItems:"10" doc:"Only those in one of these states: open,closed, or the parameter repeated, are all." example:"open"`
}

type problemListOutput struct {
	Body List[DeskProblem]
}

func (a *API) listProblems(ctx context.Context, c *call, in *ProblemListInput) (*problemListOutput, error) {
	if err := seesDesk(c); err != nil {
		return nil, err
	}
	states := each(in.State)
	list, after := "problems/"+strings.Join(states, ","), seenFrom{}
	if in.Cursor != "" {
		if err := readCursor(list, in.Cursor, &after); err != nil {
			return nil, err
		}
	}
	m := &messages.ListProblems{BeforeMs: after.MS, After: after.ID, Limit: int32(in.Limit + 1)}
	m.State, m.States = oneOrSeveral(states)
	found, err := ask[*messages.ProblemList](ctx, a, messages.KindMonitor, monitorDesk, m)
	if err != nil {
		return nil, err
	}
	key := func(p *messages.ProblemView) any { return seenFrom{p.OpenedMs, p.ProblemId} }
	return &problemListOutput{Body: listOf(found.Problems, in.Limit, list, key, deskProblemOf)}, nil
}

func deskProblemOf(p *messages.ProblemView) DeskProblem {
	_, advice := messages.AdviceOf(p.Kind, p.Detail)
	v := DeskProblem{
		ProblemID: p.ProblemId, Kind: p.Kind, Title: messages.ProblemKindOf(p.Kind).Title, About: p.Name, Detail: p.Detail, Advice: advice,
		State: "open", OpenedAt: view.At(p.OpenedMs), ClosedAt: view.TimeOf(p.ClosedMs), MutedUntil: view.TimeOf(p.MutedUntilMs),
		Times: p.Times,
	}
	if v.ClosedAt != nil {
		v.State = "closed"
	}
	if p.ChatId != 0 {
		v.GroupID = &p.ChatId
	}
	if messages.IsWebhookID(p.Subject) {
		v.WebhookID = &p.Subject
	}
	return v
}

func exampleProblem() DeskProblem {
	group := int64(-1001234567890)
	kind := messages.ProblemKindOf(messages.ProblemGroupRights)
	return DeskProblem{
		ProblemID: "prb_4be1c2a90d77f3a61e05", Kind: kind.Kind, Title: kind.Title, About: "Back office",
		Detail: "the bot may not manage topics", Advice: kind.Advice, State: "open", OpenedAt: view.ExampleTime, Times: 1, GroupID: &group,
	}
}
