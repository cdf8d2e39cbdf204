package web

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // for the days of readers, where the system has no zones
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

// views are the saved views, as the address names them. Each has its own states.
var views = []struct {
	Name     string
	statuses []string
}{
	{"mine", []string{"open", "pending"}}, {"unanswered", []string{"open"}}, {"waiting", []string{"open", "pending"}},
	{"today", []string{"closed"}},
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
	View         string // "": by state
	Group        int64
	Priority     string // "": any
	Assignee     string // Telegram id of who takes care of them; "": whoever does, or nobody
	Groups       []place
	Assignees    []assignee // to choose from
	States       []filter
	Views        []filter
	Part         bool // only the list
	Rows         []row
	Older        string // address of the next page; "": this is the last
	Newest       bool   // it is the first page
	Address      string // of the first page
	Everywhere   string // address of the same search in all tickets; "": it is that, or found something
	Failed       string // key of the text that says why there is no list
	Partly       bool   // not every group could be asked whether the person belongs to it
}

// assignee is somebody who takes care of tickets.
type assignee struct {
	ID   string // at Telegram
	Name string // "": it is not known
}

type filter struct {
	Name, Address string
	Current       bool
}

type row struct {
	*messages.TicketRecord
	Group, LastText, LastFrom string
	LastMedia                 string // the key of what it is, where it has no words
	Age, Last                 age
	Waits                     waits
	Unread                    bool
	Shown                     string // changes with anything that the row shows
	Same                      bool   // the page has it already
}

// Rev changes with what a row shows, but not with its ages.
func (r row) Rev() string {
	return revOf(r.Title, r.Status, r.Priority, r.LastText, r.LastMedia, r.LastFrom, strconv.FormatInt(r.LastMessageMs, 10),
		strconv.FormatBool(r.Unread), r.Waits.Rev(), r.Assignee.GetId(), r.Assignee.GetName())
}

// digest is what Shown is.
func (r row) digest(lang string) string {
	since := ""
	if r.Waits.For != "" {
		since = r.Waits.Since.ISO() + r.Waits.Since.Span(lang)
	}
	return revOf(lang, r.TicketId, strconv.FormatInt(r.Number, 10), r.Rev(), r.Group, r.Age.ISO(), r.Age.Text(lang), r.Last.ISO(), r.Last.Text(lang), since)
}

// keep marks the rows that a page has already, as its address names them (12 hexadecimal digits each, with dots between), so that they
// are not made and sent again.
func (p *inboxPage) keep(have, lang string) {
	has := map[string]bool{}
	if p.Part && len(have) < 13*2*ticketsOnPage {
		for shown := range strings.SplitSeq(have, ".") {
			has[shown] = true
		}
	}
	for i := range p.Rows {
		r := &p.Rows[i]
		r.Shown = r.digest(lang)
		r.Same = has[r.Shown]
	}
}

// age is how long ago something was.
type age struct {
	at  time.Time
	now time.Time
}

// Clock is the time for browsers that run no scripts.
func (a age) Clock() string { return a.at.UTC().Format("2006-01-02 15:04 UTC") }

// ISO is the time as <time> has it.
func (a age) ISO() string { return a.at.UTC().Format(time.RFC3339) }

// Text says the age in the largest unit of which there is a whole one.
func (a age) Text(lang string) string { return a.in(lang, "age_") }

// Span says how long it is since then, in the same way.
func (a age) Span(lang string) string { return a.in(lang, "span_") }

func (a age) in(lang, kind string) string {
	passed := max(a.now.Sub(a.at), 0)
	unit, n := "minutes", max(int(passed/time.Minute), 1)
	switch {
	case passed >= 48*time.Hour:
		unit, n = "days", int(passed/(24*time.Hour))
	case passed >= time.Hour:
		unit, n = "hours", int(passed/time.Hour)
	}
	return textOf(lang, kind+unit, "count", n)
}

// waits is for whom a ticket waits, and since when.
type waits struct {
	For   string // desk, customer; "": nobody
	Since age
	// What the icon of a topic shows of it, for who reads one in a group.
	Overdue bool
	Aside   age // until when it is put aside; at zero: it is not
}

// IsAside says whether it is put aside.
func (w waits) IsAside() bool { return !w.Aside.at.IsZero() }

// Rev changes with it, but not with ages.
func (w waits) Rev() string {
	return w.For + strconv.FormatInt(w.Since.at.Unix(), 10) + strconv.FormatBool(w.Overdue) + strconv.FormatInt(w.Aside.at.Unix(), 10)
}

// waitsOf says it of a ticket. team: to somebody who reads a topic of it in a group, or is on it for the team.
func waitsOf(t *messages.TicketRecord, team bool, now time.Time) (w waits) {
	if team && t.Status != "closed" {
		if t.SnoozedUntilMs != 0 {
			w.Aside = age{time.UnixMilli(t.SnoozedUntilMs), now}
		}
		w.Overdue = t.OverdueMs != 0 && !w.IsAside()
	}
	if t.WaitingFor != "nobody" && t.WaitingSinceMs != 0 {
		w.For, w.Since = t.WaitingFor, age{time.UnixMilli(t.WaitingSinceMs), now}
	}
	return w
}

func idsOf(groups []place) (all []string) {
	for _, g := range groups {
		all = append(all, g.ID)
	}
	return all
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
	if of.person == nil {
		return c.Redirect(operationsPath, http.StatusSeeOther)
	}
	ctx := c.UserContext()
	p := &inboxPage{State: c.Query("state", states[0].Name), Query: messages.CleanLine(c.Query("q"))}
	p.Group, _ = strconv.ParseInt(c.Query("group"), 10, 64)
	p.View, p.Part = c.Query("view"), isHTMX(c)
	if p.Priority = c.Query("priority"); !slices.Contains(priorities, p.Priority) {
		p.Priority = ""
	}
	if id, err := strconv.ParseInt(c.Query("assignee"), 10, 64); err == nil && id > 0 {
		p.Assignee = strconv.FormatInt(id, 10)
	}
	if p.Groups, p.Partly, err = s.places(ctx, of, p.Part); err != nil {
		return err
	}
	m := &messages.ListWebTickets{UserId: of.person.Id, Text: firstOf(p.Query, searchAtMost), Limit: ticketsOnPage,
		ReaderId: of.person.Id, Priority: p.Priority, Assignee: p.Assignee}
	for _, g := range p.Groups {
		if p.Group == 0 || p.Group == g.Chat {
			m.Groups = append(m.Groups, g.ID)
		}
	}
	if p.Group != 0 {
		m.UserId = 0 // only what the group has; one that the person does not belong to has nothing
	}
	if p.View == views[0].Name { // whatever group it is in
		p.Group, m.UserId, m.Mine, m.Groups = 0, of.person.Id, true, idsOf(p.Groups)
	}
	p.choose(m, s.midnight(c))
	m.After = placeOf(c.Query("cursor"))
	p.Newest = m.After == nil
	if p.Part {
		defer s.renewing(ctx, s.streams.inboxes)()
	}
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
		media := ""
		if t.LastMedia != "" {
			media = mediaKey(t.LastMedia)
		}
		team := titles[t.Ticket.GroupId] != "" || !isPerson(t.Ticket.CreatedBy, of)
		p.Rows = append(p.Rows, row{LastMedia: media, TicketRecord: t.Ticket, Group: titles[t.Ticket.GroupId], LastText: t.LastText,
			LastFrom: t.LastFrom, Unread: t.Unread, Waits: waitsOf(t.Ticket, team, now), Age: age{time.UnixMilli(t.Ticket.CreatedMs), now},
			Last: age{time.UnixMilli(t.Ticket.LastMessageMs), now}})
	}
	p.keep(c.Query("have"), languageOf(c, of))
	p.Assignees = assigneesOf(of, p)
	if found.Next != nil {
		p.Older = p.address(p.View, p.State, cursorOf(found.Next))
	}
	p.Address = p.address(p.View, p.State, "")
	if everything := p.address("", "all", ""); p.Query != "" && len(p.Rows) == 0 && p.Failed == "" && everything != p.Address {
		p.Everywhere = everything
	}
	return s.render(c, "inbox", &view{Title: textOf(languageOf(c, of), "inbox"), Session: of, Data: p})
}

// assigneesOf are those to choose from: the reader, who takes care of what the page lists, and whoever is chosen.
func assigneesOf(of *session, p *inboxPage) []assignee {
	all := []assignee{{strconv.FormatInt(of.person.Id, 10), of.Name()}}
	add := func(id, name string) {
		if id != "" && !slices.ContainsFunc(all, func(a assignee) bool { return a.ID == id }) {
			all = append(all, assignee{id, name})
		}
	}
	for _, r := range p.Rows {
		add(r.Assignee.GetId(), r.Assignee.GetName())
	}
	add(p.Assignee, "")
	return all
}

// choose sets which tickets the view or the state selects. midnight is when the reader's day began.
func (p *inboxPage) choose(m *messages.ListWebTickets, midnight time.Time) {
	known := false
	for _, v := range views {
		current := v.Name == p.View
		if current {
			known, m.Statuses = true, v.statuses
		}
		p.Views = append(p.Views, filter{v.Name, p.address(v.Name, states[0].Name, ""), current})
	}
	if !known {
		p.View = ""
	}
	for _, state := range states {
		current := !known && state.Name == p.State
		if current {
			m.Statuses = state.statuses
		}
		p.States = append(p.States, filter{state.Name, p.address("", state.Name, ""), current})
	}
	switch p.View {
	case "unanswered":
		m.WaitingFor = "desk"
	case "waiting":
		m.WaitingFor = "customer"
	case "today":
		m.ClosedFromMs = midnight.UnixMilli()
	}
}

const (
	zoneCookie = "tz" // where a page says the reader's time zone
	zoneAtMost = 64   // characters of its name
)

// midnight is when the day began for who reads: in the zone that their browser told, else in UTC.
func (s *Site) midnight(c *fiber.Ctx) time.Time {
	zone := zoneOf(c)
	now := s.o.Now().In(zone)
	return time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, zone)
}

// zoneOf is the time zone that the reader's browser told; UTC, where it told none.
func zoneOf(c *fiber.Ctx) *time.Location {
	zone, err := time.LoadLocation(firstOf(c.Cookies(zoneCookie), zoneAtMost))
	if err != nil || zone == time.Local {
		return time.UTC
	}
	return zone
}

// address is that of the same list in another view or state, or further down.
func (p *inboxPage) address(view, state, cursor string) string {
	q := url.Values{}
	if view != "" {
		q.Set("view", view)
	} else if state != states[0].Name {
		q.Set("state", state)
	}
	if p.Group != 0 {
		q.Set("group", strconv.FormatInt(p.Group, 10))
	}
	if p.Priority != "" {
		q.Set("priority", p.Priority)
	}
	if p.Assignee != "" {
		q.Set("assignee", p.Assignee)
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

// mediaKey names the text for a kind of media.
func mediaKey(kind string) string {
	if key := "media_" + kind; textOf("en", key) != key {
		return key
	}
	return "media_other"
}

// firstOf is the beginning of a text.
func firstOf(text string, characters int) string {
	if runes := []rune(text); len(runes) > characters {
		return string(runes[:characters])
	}
	return text
}
