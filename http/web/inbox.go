package web

import (
	"context"
	"encoding/base64"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"

	"github.com/topicdesk/topicdesk/messages"
)

const (
	ticketsOnPage = 50
	groupsOnPage  = 100  // of the list of groups
	groupsAtMost  = 1000 // that are looked at
	searchAtMost  = 200  // characters
)

// states are the filters by state, as the address names them.
var states = []struct {
	Name     string
	statuses []string
}{
	{"active", []string{"open", "pending"}}, {"open", []string{"open"}}, {"pending", []string{"pending"}},
	{"closed", []string{"closed"}}, {"all", nil},
}

// place is a group that the person belongs to.
type place struct {
	ID    string
	Chat  int64
	Title string
}

// inboxPage is what the inbox shows.
type inboxPage struct {
	State, Query string
	Group        int64
	Groups       []place
	States       []filter
	Rows         []row
	Older        string // address of the next page; "": this is the last
	Newest       bool   // it is the first page
	Failed       string // key of the text that says why there is no list
	Partly       bool   // not every group could be asked whether the person belongs to it
}

type filter struct {
	Name, Address string
	Current       bool
}

type row struct {
	*messages.TicketRecord
	Group, LastText, LastFrom string
	Age, Last                 age
}

// age is how long ago something was.
type age struct {
	at  time.Time
	now time.Time
}

// ISO is the time as <time> has it.
func (a age) ISO() string { return a.at.UTC().Format(time.RFC3339) }

// Text says the age in the largest unit of which there is a whole one.
func (a age) Text(lang string) string {
	passed := max(a.now.Sub(a.at), 0)
	key, n := "age_minutes", max(int(passed/time.Minute), 1)
	switch {
	case passed >= 48*time.Hour:
		key, n = "age_days", int(passed/(24*time.Hour))
	case passed >= time.Hour:
		key, n = "age_hours", int(passed/time.Hour)
	}
	return textOf(lang, key, "count", n)
}

// inbox shows the tickets that the person may see. Whoever is not signed in gets what stands at / otherwise.
func (s *Site) inbox(c *fiber.Ctx) error {
	of, err := s.current(c)
	if err != nil {
		return err
	}
	if of == nil {
		c.Response().Header.Del(fiber.HeaderContentSecurityPolicy) // that page has its own
		c.Response().Header.Del(fiber.HeaderReferrerPolicy)
		c.Response().Header.Del(fiber.HeaderCacheControl)
		return c.Next()
	}
	ctx := c.UserContext()
	p := &inboxPage{State: c.Query("state", states[0].Name), Query: messages.CleanLine(c.Query("q"))}
	p.Group, _ = strconv.ParseInt(c.Query("group"), 10, 64)
	if p.Groups, p.Partly, err = s.places(ctx, of); err != nil {
		return err
	}
	m := &messages.ListWebTickets{UserId: of.person.Id, Text: firstOf(p.Query, searchAtMost), Limit: ticketsOnPage}
	for _, g := range p.Groups {
		if p.Group == 0 || p.Group == g.Chat {
			m.Groups = append(m.Groups, g.ID)
		}
	}
	if p.Group != 0 {
		m.UserId = 0 // only what the group has; one that the person does not belong to has nothing
	}
	for _, state := range states {
		if state.Name == p.State {
			m.Statuses = state.statuses
		}
		p.States = append(p.States, filter{state.Name, p.address(state.Name, ""), state.Name == p.State})
	}
	m.After = placeOf(c.Query("cursor"))
	p.Newest = m.After == nil
	found, err := ask[*messages.WebTickets](ctx, s, messages.KindQuery, "", m)
	if err != nil {
		return err
	}
	if found.Code == messages.Code_CONFLICT {
		p.Failed = "search_short"
	}
	titles := map[string]string{}
	for _, g := range p.Groups {
		titles[g.ID] = g.Title
	}
	now := s.o.Now()
	for _, t := range found.Tickets {
		p.Rows = append(p.Rows, row{TicketRecord: t.Ticket, Group: titles[t.Ticket.GroupId], LastText: t.LastText,
			LastFrom: t.LastFrom, Age: age{time.UnixMilli(t.Ticket.CreatedMs), now},
			Last: age{time.UnixMilli(t.Ticket.LastMessageMs), now}})
	}
	if found.Next != nil {
		p.Older = p.address(p.State, cursorOf(found.Next))
	}
	return s.render(c, "inbox", &view{Title: textOf(languageOf(c, of), "inbox"), Session: of, Data: p})
}

// address is that of the same list with another state, or further down.
func (p *inboxPage) address(state, cursor string) string {
	q := url.Values{}
	if state != states[0].Name {
		q.Set("state", state)
	}
	if p.Group != 0 {
		q.Set("group", strconv.FormatInt(p.Group, 10))
	}
	if p.Query != "" {
		q.Set("q", p.Query)
	}
	if cursor != "" {
		q.Set("cursor", cursor)
	}
	if len(q) == 0 {
		return "/"
	}
	return "/?" + q.Encode()
}

// places lists the groups that the person belongs to, and says whether some could not be asked in time.
func (s *Site) places(ctx context.Context, of *session) (theirs []place, partly bool, err error) {
	var all []place
	var ids []string
	for after := ""; len(all) < groupsAtMost; {
		page, err := ask[*messages.GroupList](ctx, s, messages.KindQuery, "",
			&messages.ListGroups{After: after, Limit: groupsOnPage})
		if err != nil {
			return nil, false, err
		}
		for _, g := range page.Groups {
			after = g.GroupId
			all, ids = append(all, place{g.GroupId, g.GetFacts().GetChatId(), g.GetFacts().GetTitle()}), append(ids, g.GroupId)
		}
		if len(page.Groups) < groupsOnPage {
			break
		}
	}
	standing := s.standings(ctx, of, ids)
	for _, g := range all {
		partly = partly || !standing[g.ID].GetKnown()
		if standing[g.ID].GetMember() {
			theirs = append(theirs, g)
		}
	}
	return theirs, partly, nil
}

func cursorOf(p *messages.Place) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(p.AtMs, 10) + " " + p.Id))
}

// placeOf reads a cursor; nil for one that is none, which is the first page.
func placeOf(cursor string) *messages.Place {
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	at, id, ok := strings.Cut(string(text), " ")
	ms, failed := strconv.ParseInt(at, 10, 64)
	if err != nil || !ok || failed != nil || len(id) > searchAtMost || !utf8.ValidString(id) {
		return nil
	}
	return &messages.Place{AtMs: ms, Id: id}
}

// firstOf is the beginning of a text.
func firstOf(text string, characters int) string {
	if runes := []rune(text); len(runes) > characters {
		return string(runes[:characters])
	}
	return text
}
