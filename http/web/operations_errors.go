package web

import (
	"net/http"
	"slices"
	"time"

	"github.com/topicdesk/topicdesk/messages"
)

// The page of errors and problems.

var errorRoutes = []operationRoute{
	{http.MethodGet, "", (*operator).errors},
	{http.MethodPost, "/:fingerprint/resolve", (*operator).resolveError},
	{http.MethodPost, "/:fingerprint/mute", (*operator).muteError},
}

type errorGroup struct {
	Fingerprint string     `json:"fingerprint"`
	Level       string     `json:"level"`
	Component   string     `json:"component"`
	Place       string     `json:"place"`
	Message     string     `json:"message"`
	Kind        *string    `json:"kind"`
	State       string     `json:"state"`
	Count       int64      `json:"count"`
	FirstAt     time.Time  `json:"firstAt"`
	LastAt      time.Time  `json:"lastAt"`
	MutedUntil  *time.Time `json:"mutedUntil"`
	TicketIDs   []string   `json:"ticketIds"`
	GroupIDs    []int64    `json:"groupIds"`
	WebhookIDs  []string   `json:"webhookIds"`
	Example     []struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	} `json:"example"`
}

type deskProblem struct {
	Kind       string     `json:"kind"`
	Title      string     `json:"title"`
	About      string     `json:"about"`
	Detail     string     `json:"detail"`
	Advice     string     `json:"advice"`
	State      string     `json:"state"`
	OpenedAt   time.Time  `json:"openedAt"`
	ClosedAt   *time.Time `json:"closedAt"`
	MutedUntil *time.Time `json:"mutedUntil"`
	Times      int64      `json:"times"`
	WebhookID  *string    `json:"webhookId"`
}

// TitleIn and AdviceIn are the words of the catalogue, or the API's for a kind that it does not know.
func (p deskProblem) TitleIn(lang string) string { return textOr(lang, "problem_"+p.Kind, p.Title) }
func (p deskProblem) AdviceIn(lang string) string {
	key, _ := messages.AdviceOf(p.Kind, p.Detail)
	return textOr(lang, "advice_"+key, p.Advice)
}

// textOr is a text of the catalogue, or other words where it has none.
func textOr(lang, key, otherwise string) string {
	if text := textOf(lang, key); text != key {
		return text
	}
	return otherwise
}

type errorsPage struct {
	*listPage[errorGroup]
	States   []filter
	Problems []deskProblem
	Mutes    []mute
}

type mute struct {
	Name    string
	seconds int64
}

// mutes are how long an error can be muted; the last is not at all.
var mutes = []mute{{"hour", 3600}, {"day", 86400}, {"week", 604800}, {"not", 0}}

func (o *operator) errors() error {
	p, state := &errorsPage{Mutes: mutes}, "open"
	for _, name := range []string{"open", "muted", "resolved", "all"} {
		if o.c.Query("state") == name {
			state = name
		}
	}
	for _, name := range []string{"open", "muted", "resolved", "all"} {
		p.States = append(p.States, filter{name, withQuery(o.path(""), "state", name), name == state})
	}
	api := "/errors"
	if state != "all" {
		api += "?state=" + state
	}
	var err error
	if p.listPage, err = listed[errorGroup](o, api, withQuery(o.path(""), "state", state)); err != nil {
		return err
	}
	path := "/problems?limit=20&state=open"
	if state != "open" {
		path = "/problems?limit=20"
	}
	var problems list[deskProblem]
	if err := o.get(path, &problems); err != nil {
		return err
	}
	p.Problems = problems.Data
	return o.show("operations-errors", p)
}

func (o *operator) resolveError() error {
	if err := o.call(http.MethodPost, "/errors/"+o.param("fingerprint")+"/resolve", nil, nil); err != nil {
		return o.again(err, o.errors)
	}
	return o.done("", "resolved")
}

func (o *operator) muteError() error {
	i := slices.IndexFunc(mutes, func(m mute) bool { return m.Name == o.c.FormValue("for") })
	if i < 0 {
		return errNowhere
	}
	body := map[string]int64{"seconds": mutes[i].seconds}
	if err := o.call(http.MethodPost, "/errors/"+o.param("fingerprint")+"/mute", body, nil); err != nil {
		return o.again(err, o.errors)
	}
	if mutes[i].seconds == 0 {
		return o.done("", "unmuted")
	}
	return o.done("", "muted")
}
