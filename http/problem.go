package httpedge

import (
	"crypto/rand"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"
)

const problemMedia = "application/problem+json"

// Problem is an error as clients see it (RFC 9457, application/problem+json).
type Problem struct {
	Type      string       `json:"type" doc:"The type of the problem: urn:topicdesk:problem: and the code." example:"urn:topicdesk:problem:not_found"`
	Title     string       `json:"title" doc:"The HTTP status in words." example:"Not Found"`
	Status    int          `json:"status" doc:"The HTTP status." example:"404"`
	Code      string       `json:"code" doc:"What went wrong, for programs. Codes never change." example:"not_found"`
	Detail    string       `json:"detail,omitempty" doc:"What went wrong and what to do about it, for people." example:"It does not exist, or this API key can't see it."`
	RequestID string       `json:"requestId,omitempty" doc:"The id of the request, as the service's log and the X-Request-Id header name it." example:"K7C2M4Q3X5AD3H5"`
	Errors    []FieldError `json:"errors,omitempty" doc:"What is wrong with which field."`
	// OldestCursor is in answers with the code events_expired.
	OldestCursor string `json:"oldestCursor,omitempty" doc:"With events_expired: the oldest cursor that works."`

	headers http.Header
}

// FieldError says what is wrong with one field. It never repeats the value, which may be a secret.
type FieldError struct {
	In      string `json:"in" enum:"body,query,path,header,cookie,form" doc:"Where the field is."`
	Pointer string `json:"pointer,omitempty" doc:"The field of the body, as a JSON Pointer." example:"#/title"`
	Name    string `json:"name,omitempty" doc:"The name of the parameter or header." example:"limit"`
	Detail  string `json:"detail" doc:"What is wrong with it." example:"expected length >= 1"`
	Line    int    `json:"line,omitempty" doc:"Of a template: in which line of its text, from 1." example:"1"`
	Column  int    `json:"column,omitempty" doc:"At which character of that line, from 1." example:"12"`
}

// Error, GetStatus, GetHeaders and ContentType are the methods that huma calls on an error.
func (p *Problem) Error() string           { return p.Code + ": " + p.Detail }
func (p *Problem) GetStatus() int          { return p.Status }
func (p *Problem) GetHeaders() http.Header { return p.headers }

func (p *Problem) ContentType(string) string { return problemMedia }

func (p *Problem) header(name, value string) {
	if p.headers == nil {
		p.headers = http.Header{}
	}
	p.headers.Set(name, value)
}

func newProblem(status int, detail string) *Problem {
	title := http.StatusText(status)
	if detail == title {
		detail = ""
	}
	code := codeOfStatus(status)
	if detail == "" {
		detail = problemKinds[code].detail
	}
	return &Problem{Type: problemType(code), Title: title, Status: status, Code: code, Detail: detail}
}

// huma creates its errors through variables of its package: from here on they are our problems. They leave out the
// values that huma's messages would repeat.
func init() {
	huma.ValidateStrictCasing = true // else "PRIORITY" beside "priority" is decoded, but not validated
	huma.NewError = func(status int, message string, errs ...error) huma.StatusError {
		return humaProblem(status, message, errs)
	}
	huma.NewErrorWithContext = func(_ huma.Context, status int, message string, errs ...error) huma.StatusError {
		return humaProblem(status, message, errs)
	}
}

// maxErrors is how many mistakes of one request its answer names.
const maxErrors = 20

func humaProblem(status int, message string, errs []error) *Problem {
	var ours *Problem
	for _, err := range errs {
		if errors.As(err, &ours) {
			return ours
		}
	}
	p := newProblem(status, "")
	if status == http.StatusBadRequest && message == "request body is required" {
		p.Detail = "The request has no body."
	}
	for _, err := range errs {
		var detailer huma.ErrorDetailer
		if !errors.As(err, &detailer) {
			continue
		}
		d := detailer.ErrorDetail()
		if _, _, placed := strings.Cut(d.Message, misfitMark); placed && status == http.StatusBadRequest {
			others := p.Errors
			p = newProblem(http.StatusUnprocessableEntity, "") // it is JSON: one field is wrong
			p.Errors = others
		} else if status == http.StatusBadRequest && d.Location == "body" {
			p.Code, p.Type = codeInvalidJSON, problemType(codeInvalidJSON)
			p.Detail = problemKinds[codeInvalidJSON].detail
		}
		if status != http.StatusUnsupportedMediaType && len(p.Errors) < maxErrors {
			p.Errors = append(p.Errors, fieldError(d))
		}
	}
	return p
}

// missingField is how huma's message about a field that was not sent begins.
const missingField = "expected required property "

// fieldError turns huma's location ("body.items[3].name", "query.limit") into a pointer or a name.
func fieldError(d *huma.ErrorDetail) FieldError {
	in, rest, _ := strings.Cut(d.Location, ".")
	if in == d.Location && in != "body" { // huma names a file of a form without saying where it is
		return FieldError{In: "form", Name: in, Detail: d.Message}
	}
	f := FieldError{In: in, Detail: d.Message}
	switch {
	case strings.HasPrefix(f.Detail, "invalid date/time"): // huma adds the format as Go writes formats
		f.Detail = "expected a time such as 2026-11-29T21:09:55Z"
		if given, _ := d.Value.(string); in == "query" && strings.Contains(given, " ") {
			f.Detail += "; in an address, + is a space: write the + of a time zone as %2B"
		}
	case f.Detail == "invalid integer":
		f.Detail = "expected a whole number of at most 18 digits"
	}
	if pointer, detail, placed := strings.Cut(d.Message, misfitMark); placed {
		return FieldError{In: in, Pointer: pointer, Detail: detail}
	}
	if in != "body" {
		f.Name, _, _ = strings.Cut(rest, "[") // of several values of a parameter, whichever it is
		return f
	}
	f.Pointer = "#"
	for _, part := range strings.Split(rest, ".") {
		name, index, indexed := strings.Cut(part, "[")
		if name != "" {
			f.Pointer += "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
		}
		if indexed {
			f.Pointer += "/" + strings.TrimSuffix(index, "]")
		}
	}
	if name, missing := strings.CutPrefix(d.Message, missingField); missing { // huma points at what lacks the field
		name, _, _ = strings.Cut(name, " ")
		f.Pointer += "/" + name
	}
	f.Detail += forms[f.Pointer+" "+f.Detail]
	return f
}

// forms say what fields look like that people write as a text, by the field and what is said of it.
var forms = map[string]string{
	"#/answerWithin expected object": minutesOf("low", "normal", "high", "urgent"),
	"#/autoClose expected object":    minutesOf("after", "notice"),
	"#/hoursByDate expected object":  ` such as {"2026-12-25":"closed"}`,
}

// minutesOf describes an object of numbers of minutes.
func minutesOf(names ...string) string {
	for i, name := range names {
		names[i] = `"` + name + `":240`
	}
	return " of whole minutes, such as {" + strings.Join(names, ",") + "}"
}

func init() {
	for pointer, names := range map[string][]string{"answerWithin": {"low", "normal", "high", "urgent"}, "autoClose": {"after", "notice"}} {
		for _, name := range names {
			field := "#/" + pointer + "/" + name
			forms[field+" expected integer"] = " of minutes, such as 240"
			forms[field+" "+missingField+name+" to be present"] = ": all of " + strings.Join(names, ", ") + ", in minutes"
		}
	}
}

// onError answers every error of a route, a middleware or the server itself. An error that is neither a problem nor a
// *fiber.Error is our fault, and its text stays in the log.
func (s *Server) onError(c *fiber.Ctx, err error) error {
	var p *Problem
	if errors.As(err, &p) {
		return sendProblem(c, p)
	}
	status, detail := http.StatusInternalServerError, ""
	var known *fiber.Error
	if errors.As(err, &known) {
		status = known.Code
		// The text of a 400 repeats the headers, with the key in them. "Cannot …" repeats the path.
		text := known.Message
		switch {
		case status == http.StatusNotFound && strings.HasPrefix(text, "Cannot "):
			detail = "There is nothing at this address. The documentation of the API is at /swagger."
		case status > http.StatusBadRequest && status < http.StatusInternalServerError && !strings.HasPrefix(text, "Cannot "):
			detail = text
		}
	} else {
		s.log.Error("request failed", "method", c.Method(), "path", c.Path(), "request", requestID(c), "error", err)
	}
	return SendProblem(c, status, detail)
}

// SendProblem answers with the problem of a status. The code's own detail replaces one that only repeats the title.
func SendProblem(c *fiber.Ctx, status int, detail string) error {
	return sendProblem(c, newProblem(status, detail))
}

func sendProblem(c *fiber.Ctx, p *Problem) error {
	secure(c)
	for name, values := range p.headers {
		c.Set(name, values[0])
	}
	if p.Status == http.StatusUnauthorized {
		c.Set(fiber.HeaderWWWAuthenticate, "Bearer")
	}
	answer := *p
	if answer.RequestID = requestID(c); answer.RequestID == "" { // refused before a handler saw it
		answer.RequestID = rand.Text()
		c.Set(headerRequestID, answer.RequestID)
	}
	return c.Status(p.Status).JSON(answer, problemMedia)
}

// seconds formats a time in ms for headers such as Retry-After: whole seconds, at least 1.
func seconds(ms int64) string { return strconv.FormatInt(max(1, (ms+999)/1000), 10) }
