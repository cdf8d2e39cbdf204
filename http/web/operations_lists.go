package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// The pages of groups, people and nodes.

type groupState struct {
	ID                   int64      `json:"telegramGroupId"`
	Title                string     `json:"title"`
	Language             string     `json:"language"`
	SupportTopicsEnabled bool       `json:"supportTopicsEnabled"`
	IsDefault            bool       `json:"isDefault"`
	IsForum              bool       `json:"isForum"`
	BotIsAdmin           bool       `json:"botIsAdmin"`
	CanManageTopics      bool       `json:"canManageTopics"`
	Held                 *string    `json:"held"`
	BlockedUntil         *time.Time `json:"blockedUntil"`
	LagMs                int64      `json:"lagMs"`
	Waiting              int64      `json:"waiting"`
	Budget               *int64     `json:"budget"`
	PerMinute            *int64     `json:"perMinute"`
}

// Rights says what the bot lacks in the group: the name of a text "rights_…".
func (g groupState) Rights() string {
	switch {
	case !g.BotIsAdmin:
		return "member"
	case !g.IsForum:
		return "no_topics"
	case !g.CanManageTopics:
		return "no_manage"
	}
	return "good"
}

type listPage[T any] struct {
	Rows   []T
	Newest string // address of the first page; "": this is it
	Next   string // address of the next page; "": this is the last
	Query  string
	Groups map[int64]string // titles by Telegram's id, as far as the key may know them
}

// listed reads a page of a list: api is its path in the API with its filters, page its address here.
func listed[T any](o *operator, api, page string) (*listPage[T], error) {
	var found list[T]
	cursor := o.c.Query("cursor")
	if err := o.get(atCursor(api, cursor), &found); err != nil {
		return nil, err
	}
	p := &listPage[T]{Rows: found.Data}
	if found.NextCursor != nil {
		p.Next = atCursor(page, *found.NextCursor)
	}
	if cursor != "" {
		p.Newest = page
	}
	return p, nil
}

// atCursor is the address of another page of a list.
func atCursor(address, cursor string) string {
	switch {
	case cursor == "":
		return address
	case strings.Contains(address, "?"):
		return address + "&cursor=" + url.QueryEscape(cursor)
	}
	return address + "?cursor=" + url.QueryEscape(cursor)
}

func (o *operator) groups() error {
	p, err := listed[groupState](o, "/monitoring/groups", o.path(""))
	if err != nil {
		return err
	}
	return o.show("operations-groups", p)
}

func (o *operator) changeGroup() error {
	var change struct { // what is left out stays as it is, also if somebody has changed it since the page was shown
		Enabled  *bool   `json:"supportTopicsEnabled,omitempty"`
		Language *string `json:"language,omitempty"`
	}
	if enabled := o.c.FormValue("enabled") != ""; enabled != (o.c.FormValue("was-enabled") != "") {
		change.Enabled = &enabled
	}
	if language := o.c.FormValue("language"); language != o.c.FormValue("was-language") {
		change.Language = &language
	}
	if change.Enabled == nil && change.Language == nil {
		return o.c.Redirect(o.path(""), http.StatusSeeOther)
	}
	if err := o.call(http.MethodPut, "/groups/"+o.param("id"), change, nil); err != nil {
		return o.again(err, o.groups)
	}
	return o.done("", "group")
}

type user struct {
	TelegramID     int64     `json:"telegramId"`
	Username       string    `json:"username"`
	FirstName      string    `json:"firstName"`
	LastName       string    `json:"lastName"`
	IsBot          bool      `json:"isBot"`
	DefaultGroupID *int64    `json:"defaultGroupId"`
	CreatedAt      time.Time `json:"createdAt"`
}

func (o *operator) people() error {
	username := firstOf(o.c.Query("username"), 33)
	p, err := listed[user](o, withQuery("/users", "username", username), withQuery(o.path(""), "username", username))
	if err != nil {
		return err
	}
	p.Query = username
	if p.Groups, err = o.groupTitles(); err != nil {
		return err
	}
	return o.show("operations-people", p)
}

type group struct {
	ID    int64  `json:"telegramGroupId"`
	Title string `json:"title"`
}

// groupTitles are the titles of the first groups, by their id; none, if the key may not know them. Others are shown by their id.
func (o *operator) groupTitles() (map[int64]string, error) {
	all, err := o.groupList()
	titles := map[int64]string{}
	for _, g := range all {
		titles[g.ID] = g.Title
	}
	return titles, err
}

func (o *operator) groupList() ([]group, error) {
	if !o.may("groups:read") {
		return nil, nil
	}
	var found list[group]
	err := o.get("/groups?limit=100", &found)
	return found.Data, err
}

// Group names a group: by its title, or its id.
func (p *listPage[T]) Group(id int64) string {
	if title := p.Groups[id]; title != "" {
		return title
	}
	return strconv.FormatInt(id, 10)
}

type node struct {
	Addr           string     `json:"addr"`
	Since          *time.Time `json:"since"`
	Version        string     `json:"version"`
	Shards         int64      `json:"shards"`
	Entities       int64      `json:"entities"`
	CallsPerSecond int64      `json:"callsPerSecond"`
	Polls          bool       `json:"polls"`
	Leases         []struct {
		Entity string    `json:"entity"`
		Epoch  int64     `json:"epoch"`
		Since  time.Time `json:"since"`
	} `json:"leases"`
	Trouble *string `json:"trouble"`
}

func (o *operator) nodes() error {
	var found struct {
		Nodes []node `json:"nodes"`
	}
	if err := o.get("/monitoring/nodes", &found); err != nil {
		return err
	}
	return o.show("operations-nodes", found.Nodes)
}
