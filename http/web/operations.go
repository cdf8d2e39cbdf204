package web

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/topicdesk/topicdesk/messages"
)

// The operations pages are for who signed in by an API key. Each is made of answers of the API to that key, so that nothing is shown,
// or done, that the key could not see, or do, otherwise.

const operationsPath = "/operations"

// section is a page in the menu, and what belongs to it.
type section struct {
	Name  string // also in the address
	scope string // without which the page is not shown
	whole bool   // it concerns the whole desk, so a key that is bound to a group does not see it
}

// sections are in the order of the menu.
var sections = []section{
	{"overview", messages.ScopeMonitoringRead, true}, {"tickets", "tickets:read", false}, {"groups", messages.ScopeMonitoringRead, false}, {"people", "users:read", false},
	{"webhooks", "webhooks:read", false}, {"keys", "keys:read", false}, {"errors", messages.ScopeMonitoringRead, true},
	{"reports", messages.ScopeReportsRead, false}, {"nodes", messages.ScopeAdmin, true},
}

// shownTo returns the error that says why a key does not see the section; nil: it does.
func (n section) shownTo(key *messages.APIKey) error {
	switch {
	case !messages.ScopeAllows(key.Scopes, n.scope):
		return &failure{http.StatusForbidden, "operations_scope", []any{"scope", n.scope}}
	case n.whole && key.GroupId != "":
		return &failure{status: http.StatusForbidden, text: "operations_whole"}
	}
	return nil
}

func (s *Site) mountOperations(app *fiber.App) {
	app.Get(operationsPath, s.page(s.withSession(s.firstOperation)))
	for _, n := range sections {
		for _, r := range operationRoutes[n.Name] {
			h, path, taken := s.operated(n, r.handle), operationsPath+"/"+n.Name+r.path, s.page
			if r.method == http.MethodPost {
				h = s.fromOwnPage(h)
			}
			if IsUpload(r.method, path) {
				taken = s.parts
			}
			app.Add(r.method, path, taken(s.withSession(h)))
		}
	}
}

type operationRoute struct {
	method, path string // path is below that of the section
	handle       func(*operator) error
}

var operationRoutes = map[string][]operationRoute{
	"overview": {{http.MethodGet, "", (*operator).overview}},
	"groups":   {{http.MethodGet, "", (*operator).groups}, {http.MethodPost, "/:id", (*operator).changeGroup}},
	"people":   {{http.MethodGet, "", (*operator).people}},
	"nodes":    {{http.MethodGet, "", (*operator).nodes}},
	"tickets":  ticketRoutes,
	"webhooks": webhookRoutes, "keys": keyRoutes, "errors": errorRoutes, "reports": reportRoutes,
}

// firstOperation leads to the first page that a key may see. If there is none it says so.
func (s *Site) firstOperation(c *fiber.Ctx, of *session) error {
	if of.key == nil {
		return errNowhere
	}
	for _, n := range sections {
		if n.shownTo(of.key) == nil {
			return c.Redirect(operationsPath+"/"+n.Name, http.StatusSeeOther)
		}
	}
	return &failure{status: http.StatusForbidden, text: "operations_none"}
}

// operated is for who signed in by a key that may see the section. For people there are no such pages.
func (s *Site) operated(n section, h func(*operator) error) signed {
	return func(c *fiber.Ctx, of *session) error {
		if of.key == nil {
			return errNowhere
		}
		if err := n.shownTo(of.key); err != nil {
			return err
		}
		return h(&operator{site: s, c: c, of: of, section: n})
	}
}

// operator is one request of who signed in by a key.
type operator struct {
	site    *Site
	c       *fiber.Ctx
	of      *session
	section section
	refused *refusal // why what the form asks was not done; nil: nothing was refused
	beside  bool     // the page says that beside the form, not at its top
}

// refusal is an answer of the API that says why it did not do something (docs/api.md, Problems).
type refusal struct {
	Status int          `json:"status"`
	Code   string       `json:"code"`
	Detail string       `json:"detail"`
	Errors []fieldFault `json:"errors"`
}

type fieldFault struct {
	Pointer string `json:"pointer"`
	Name    string `json:"name"`
	Detail  string `json:"detail"`
	Line    int    `json:"line"` // within the text at the pointer; 0: unknown
	Column  int    `json:"column"`
	Spot    *spot  `json:"-"` // where that is in what was entered; nil: not known
}

// Field names what is at fault, without the sign that begins a pointer.
func (f fieldFault) Field() string { return strings.TrimPrefix(f.Pointer, "#/") + f.Name }

func (r *refusal) Error() string { return r.Code + ": " + r.Detail }

// Text says in words what was refused: in those of the catalogue, or for what it does not know in the API's.
func (r *refusal) Text(lang string) string {
	if text := textOf(lang, "api_"+r.Code); text != "api_"+r.Code {
		return text
	}
	return r.Detail
}

// send carries out a request to the API, as askAPI does.
func (o *operator) send(method, path string, body any) (*APIAnswer, error) {
	r := &APIRequest{Key: o.of.key, Method: method, Path: path, RequestID: o.c.GetRespHeader(fiber.HeaderXRequestID)}
	if method != http.MethodGet {
		if r.Form = firstOf(o.c.FormValue("form"), commandIDs); r.Form == "" {
			r.Form = rand.Text()
		}
	}
	if body != nil {
		var err error
		if r.Body, err = json.Marshal(body); err != nil {
			return nil, fmt.Errorf("encode a request: %w", err)
		}
	}
	return o.site.askAPI(o.c.UserContext(), r)
}

// askAPI asks the API; an answer that is no success is a *refusal.
func (s *Site) askAPI(ctx context.Context, r *APIRequest) (*APIAnswer, error) {
	answer := s.o.API(ctx, r)
	if answer.Status >= http.StatusOK && answer.Status < http.StatusMultipleChoices {
		return answer, nil
	}
	refused := &refusal{}
	if err := json.Unmarshal(answer.Body, refused); err != nil {
		return nil, fmt.Errorf("the API answers %s %s with %d: %w", r.Method, r.Path, answer.Status, err)
	}
	refused.Status = answer.Status
	return nil, refused
}

// call is send for an answer in JSON. into is nil where it does not matter.
func (o *operator) call(method, path string, body, into any) error {
	answer, err := o.send(method, path, body)
	if err != nil || into == nil || len(answer.Body) == 0 {
		return err
	}
	if err := json.Unmarshal(answer.Body, into); err != nil {
		return fmt.Errorf("read the answer to %s %s: %w", method, path, err)
	}
	return nil
}

func (o *operator) get(path string, into any) error { return o.call(http.MethodGet, path, nil, into) }

// list is a page of a list, as the API answers it.
type list[T any] struct {
	Data       []T     `json:"data"`
	NextCursor *string `json:"nextCursor"`
}

// withQuery is a path with those parameters that have a value: names and values in turn.
func withQuery(path string, pairs ...string) string {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// may says whether the key has a scope.
func (o *operator) may(scope string) bool { return messages.ScopeAllows(o.of.key.Scopes, scope) }

// entered is what a form that is shown again had in a field. An address must not fill it in.
func (o *operator) entered(name string) string { return string(o.c.Context().PostArgs().Peek(name)) }

// path is that of the section, with what follows.
func (o *operator) path(follows string) string {
	return operationsPath + "/" + o.section.Name + follows
}

// param is a part of the page's path, as it stands in one of the API's.
func (o *operator) param(name string) string { return url.PathEscape(o.c.Params(name)) }

// operationsPage is what all these pages have.
type operationsPage struct {
	Section  string
	Sections []menuItem
	Refresh  string // its own address, where it may be asked for again; "": it was the answer to a form
	Refused  *refusal
	Done     string // key of the text that says what was done; "": nothing
	Form     string // an id for each form
	Now      time.Time
	Data     any

	of *session
}

type menuItem struct {
	Name, Path string
	Current    bool
}

// May says whether the key has a scope.
func (p *operationsPage) May(scope string) bool { return messages.ScopeAllows(p.of.key.Scopes, scope) }

// Ago is how long ago a time was.
func (p *operationsPage) Ago(at time.Time) age { return age{at, p.Now} }

// show renders a page of the section.
func (o *operator) show(template string, data any) error {
	p := &operationsPage{Section: o.section.Name, Refused: o.refused, Form: rand.Text(), Now: o.site.o.Now(), Data: data, of: o.of}
	for _, n := range sections {
		if n.shownTo(o.of.key) == nil {
			p.Sections = append(p.Sections, menuItem{n.Name, operationsPath + "/" + n.Name, n.Name == o.section.Name})
		}
	}
	if o.c.Method() == http.MethodGet {
		p.Refresh = o.c.Path()
		if query := string(o.c.Request().URI().QueryString()); query != "" {
			p.Refresh += "?" + query
		}
		if done := "done_" + firstOf(o.c.Query("done"), commandIDs); textOf("en", done) != done {
			p.Done = done
		}
	}
	if o.beside {
		p.Refused = nil
	}
	if o.refused != nil {
		o.c.Status(o.refused.Status)
	}
	title := textOf(languageOf(o.c, o.of), "operations_"+o.section.Name)
	return o.site.render(o.c, template, &view{Title: title, Session: o.of, Data: p})
}

// again shows a page once more, with what was refused. An error of another kind ends the request.
func (o *operator) again(err error, page func() error) error {
	if !errors.As(err, &o.refused) {
		return err
	}
	return page()
}

// done leads back to a page that says what was done.
func (o *operator) done(path, what string) error {
	return o.c.Redirect(withQuery(o.path(path), "done", what), http.StatusSeeOther)
}
