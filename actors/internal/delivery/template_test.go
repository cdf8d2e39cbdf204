package delivery

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// sample is an event with everything that a message.sent has.
func sample() Envelope {
	return Envelope{
		ID: "evt_4kq2m7", Type: "message.sent", TicketID: "TICK-MWWK9D73-FBC14E0C", Number: 7,
		Timestamp: time.Date(2026, 11, 29, 9, 30, 0, 5e6, time.UTC),
		Data: json.RawMessage(`{
			"ticket": {"ticketId": "TICK-MWWK9D73-FBC14E0C", "title": "Printer \"on\" <fire>\n& smoke", "status": "open",
				"priority": "high", "externalId": null, "description": "Third floor", "groupId": -1001234567890,
				"createdBy": {"kind": "user", "id": "4711", "name": "Ann"}, "metadata": {"crm-id": "A 7"}, "weight": 12.5},
			"message": {"messageId": "-1001234567890:42", "text": "No paper either. @all <!channel> *now*",
				"sender": {"kind": "user", "id": "4711", "name": "Ann"}, "attachments": ["a:1", "a:2"], "internal": false},
			"actor": {"kind": "user", "id": "4711", "name": "Ann"}, "reason": "", "link": {"user": null}}`),
	}
}

func templatesOf(t *testing.T, body string) (*Templates, error) {
	t.Helper()
	raw, err := json.Marshal(map[string]any{"*": map[string]any{
		"body": body, "headers": map[string]string{"Content-Type": "text/plain"}}})
	if err != nil {
		t.Fatal(err)
	}
	return ParseTemplates(raw)
}

func TestTemplatesWrite(t *testing.T) {
	for _, tt := range []struct{ source, want string }{
		{"", ""},
		{"just text", "just text"},
		{"{{.type}} {{.number}} {{.ticketId}}", "message.sent 7 TICK-MWWK9D73-FBC14E0C"},
		{"{{.data.ticket.groupId}} {{.data.ticket.weight}} {{.data.message.internal}}", "-1001234567890 12.5 false"},
		{"<{{.data.ticket.externalId}}>", "<>"},
		{"{{.data.message.attachments}}", `["a:1","a:2"]`},
		{"{{json .data.ticket.title}}", `"Printer \"on\" <fire>\n& smoke"`},
		{"{{json .data.message.sender}}", `{"id":"4711","kind":"user","name":"Ann"}`},
		{"{{quote .number}} {{quote .data.ticket.externalId}} {{json .data.ticket.externalId}}", `"7" "" null`},
		{`{{date "02.01.2006 15:04" .timestamp}}`, "29.11.2026 09:30"},
		{`{{truncate 8 .data.message.text}}`, "No pape…"},
		{`{{"สวัสดีครับ" | truncate 3}}`, "สว…"},
		{`{{truncate 0 .type}}|{{truncate 99 .type}}`, "|message.sent"},
		{`{{default "none" .data.reason}} {{.data.ticket.externalId | default "–"}}`, "none –"},
		{`{{upper .type}} {{lower .ticketId}}`, "MESSAGE.SENT tick-mwwk9d73-fbc14e0c"},
		{`{{urlquery .data.ticket.title}}`, "Printer+%22on%22+%3Cfire%3E%0A%26+smoke"},
		{`{{inert .data.message.text}}`, "No paper either. @\u200ball \\<!channel\\> \\*now\\*"},
		{`{{range $i, $a := .data.message.attachments}}{{if $i}}, {{end}}{{$a}}{{end}}`, "a:1, a:2"},
		{`{{range .data.message.attachments}}{{if eq . "a:2"}}{{break}}{{end}}{{.}}{{end}}`, "a:1"},
		{`{{range .data.ticket.externalId}}x{{else}}nothing{{end}}`, "nothing"},
		{`{{with .data.ticket}}{{.title | truncate 7}} {{$.type}} {{.createdBy.name}}{{end}}`, "Printe… message.sent Ann"},
		{`{{index .data.ticket.metadata "crm-id"}} {{index .data.ticket "metadata" "none" "x"}}`, "A 7 "},
		{`{{index .data.message.attachments 1}}{{index .data.message.attachments 9}}`, "a:2"},
		{`{{if and (eq .data.ticket.status "open") (ne .data.ticket.priority "low") (gt .number 6)}}yes{{end}}`, "yes"},
		{`{{.data.link.user.name | default "nobody"}}`, "nobody"}, // null in the example: what it would be is not known
		{`{{define "who"}}{{.name}} ({{.kind}}){{end}}{{template "who" .data.actor}}`, "Ann (user)"},
		{`{{len .data.message.attachments}}`, "2"},
		{`{{$t := .data.ticket}}{{$t.title | truncate 7}}{{(index .data "actor").name}}`, "Printe…Ann"},
		{"{{/* nothing */ -}}  x", "x"},
		{`{{true}} {{3}} {{"a"}}`, "true 3 a"},
	} {
		templates, err := templatesOf(t, tt.source)
		if err != nil {
			t.Errorf("%s: %v", tt.source, err)
			continue
		}
		if err := templates.Check([]Envelope{sample()}); err != nil {
			t.Errorf("%s: %v", tt.source, err)
		}
		m, err := templates.Render(sample())
		if err != nil {
			t.Errorf("%s: %v", tt.source, err)
			continue
		}
		if string(m.Body) != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.source, m.Body, tt.want)
		}
	}
}

func TestWhatIsWrongWithATemplateHasAPlace(t *testing.T) {
	for _, tt := range []struct{ source, want string }{
		{"{{.typo}}", `/*/body, line 1, column 3, with the example of message.sent: there is no field typo`},
		{"สวัสดี\n {{.data.ticket.titel}}", `/*/body, line 2, column 16, with the example of message.sent: there is no field titel`},
		{"{{$.data.tickets.title}}", `/*/body, line 1, column 9, with the example of message.sent: there is no field tickets`},
		{"{{if false}}{{.data.nothing}}{{end}}", `/*/body, line 1, column 20, with the example of message.sent: there is no field nothing`},
		{"{{with .data.ticket}}{{.titel}}{{end}}", `/*/body, line 1, column 24, with the example of message.sent: there is no field titel`},
		{"{{with .data.ticket}}{{$.titel}}{{end}}", `/*/body, line 1, column 25, with the example of message.sent: there is no field titel`},
		{"{{(index .data \"ticket\").titel}}", `/*/body, line 1, column 25, with the example of message.sent: there is no field titel`},
		{"{{.type.name}}", `/*/body, line 1, column 8, with the example of message.sent: there is no field name: what it should be in is no object`},
		{"{{default \"x\" .data.nothing}}", `/*/body, line 1, column 20, with the example of message.sent: there is no field nothing`},
		{"{{date \"2006\" .type}}", `/*/body, line 1, column 3, with the example of message.sent: "message.sent" is no time`},
		{"x {{printf \"%1000000d\" 1}}", `/*/body, line 1, column 5: there is no function printf`},
		{"{{_tick}}", `/*/body, line 1, column 3: there is no function _tick`},
		{"{{_field 0 .}}", `/*/body, line 1, column 3: there is no function _field`},
		{"{{call .type}}", `/*/body, line 1, column 3: there is no function call`},
		{"{{.data | html}}", `/*/body, line 1, column 11: there is no function html`},
		{"{{.type 1}}", `/*/body, line 1, column 3: .type is no function`},
		{"{{1 | .data.ticket}}", `/*/body, line 1, column 7: .data.ticket is no function`},
		{"{{$ := 1}}", `/*/body, line 1, column 3: $ is the event; choose another name`},
		{"a\nb {{if}}\n{{end}}", `/*/body, line 2, column 3: missing value for if`},
		{"{{", `/*/body, line 1, column 1: unclosed action`},
		{"{{if true}}", `/*/body, line 1, column 1: unexpected EOF`},
		{"{{template \"none\"}}", `/*/body, line 1, column 12, with the example of message.sent: template "none" not defined`},
		{"{{upper}}", `/*/body, line 1, column 3, with the example of message.sent: wrong number of args for upper: want 1 got 0`},
		{"{{lt .type 1}}", `/*/body, line 1, column 3, with the example of message.sent: incompatible types for comparison: string and int`},
	} {
		templates, err := templatesOf(t, tt.source)
		if err == nil {
			err = templates.Check([]Envelope{sample()})
		}
		var located *TemplateError
		if !errors.As(err, &located) || located.Error() != tt.want {
			t.Errorf("%s\n got %v\nwant %s", tt.source, err, tt.want)
		}
	}
}

// TestBombs: whatever a template does, it ends within its limits, in the caller's goroutine.
func TestBombs(t *testing.T) {
	before := runtime.NumGoroutine()
	for _, source := range []string{
		`{{range 9999999999}}{{end}}`,
		`{{range 9999999999}}{{continue}}{{end}}`,
		`{{range 9999999999}}x{{end}}`,
		`{{range 99999999}}{{range 99999999}}{{end}}{{end}}`,
		`{{range $i, $x := 9999999999}}{{if lt $i 0}}x{{end}}{{end}}`,
		`{{define "x"}}{{template "x" .}}{{end}}{{template "x" .}}`,
		`{{define "x"}}{{template "x" .}}{{template "x" .}}{{end}}{{template "x" .}}`,
		`{{define "x"}}{{range 9}}{{template "y" .}}{{end}}{{end}}{{define "y"}}{{range 9}}{{template "x" .}}{{end}}{{end}}{{template "x" .}}`,
		`{{block "x" .}}{{template "x" .}}{{end}}`,
		`{{template "main" .}}`,
		`{{range 9999}}{{with $.data.message.text}}{{. | upper | quote | quote | quote | quote | quote | quote}}{{end}}{{end}}`,
		`{{$x := "\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\""}}{{range 99}}{{$x = quote $x}}{{end}}`,
		`{{$x := "%%%%%%%%"}}{{range 99999}}{{$x = urlquery $x}}{{end}}`,
		`{{range 9999}}{{json $}}{{end}}`,
		`{{$x := ""}}{{range 999999}}{{$x = date "2006-01-02T15:04:05.999999999Z07:00" $.timestamp}}{{end}}`,
	} {
		templates, err := templatesOf(t, source)
		if err != nil {
			t.Errorf("%s: %v", source, err)
			continue
		}
		began := time.Now()
		m, err := templates.Render(sample())
		took := time.Since(began)
		var located *TemplateError
		if !errors.As(err, &located) || m != nil {
			t.Errorf("%s: %v", source, err)
		}
		if took > 200*longestRun {
			t.Errorf("%s: took %s", source, took)
		}
		t.Logf("%-60.60s %s: %v", source, took.Round(time.Millisecond), err)
	}
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("%d goroutines, %d before", after, before)
	}
}

// TestTextDoesNotGrowWithoutEnd: its size ends it, long before its time is over.
func TestTextDoesNotGrowWithoutEnd(t *testing.T) {
	templates, err := templatesOf(t, `{{$x := "\"\"\"\"\"\"\"\""}}{{range 99}}{{$x = quote $x}}{{end}}`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := templates.Render(sample()); err == nil || !strings.Contains(err.Error(), "it writes more than 256 kB") {
		t.Error(err)
	}
}

func TestTemplatesAreChosenByType(t *testing.T) {
	templates, err := ParseTemplates(json.RawMessage(`{
		"ticket.created": {"body": "1", "method": "PUT"},
		"ticket.*": {"body": "2"},
		"ticket.sla.*": {"body": "3"},
		"message.*": {"body": "4"}}`))
	if err != nil {
		t.Fatal(err)
	}
	for kind, want := range map[string]string{"ticket.created": "1", "ticket.closed": "2", "ticket.sla.missed": "3",
		"ticket.sla.a.b": "3", "message.sent": "4", "webhook.failing": "", "ticket": ""} {
		e := sample()
		e.Type = kind
		m, err := templates.Render(e)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if m != nil {
			got = string(m.Body)
		}
		if got != want {
			t.Errorf("%s: %q, want %q", kind, got, want)
		}
	}
	for _, none := range []string{"", "null", "{}"} {
		templates, err := ParseTemplates(json.RawMessage(none))
		if m, renderErr := templates.Render(sample()); err != nil || renderErr != nil || m != nil {
			t.Errorf("%q: %v, %v, %v", none, m, err, renderErr)
		}
	}
}

func TestTemplatesThatAreRefused(t *testing.T) {
	for _, tt := range []struct{ raw, want string }{
		{`[]`, "templates must be an object"},
		{`{"Ticket!": {"body": ""}}`, "/Ticket!: a template is for a type"},
		{`{"ticket*": {"body": ""}}`, "/ticket*: a template is for a type"},
		{`{"a/b~": {"body": ""}}`, "/a~1b~0: a template is for a type"},
		{`{"*": null}`, "/*: a template is {"},
		{`{"*": "x"}`, "/*: a template is {"},
		{`{"*": {"body": "", "more": 1}}`, "/*: a template is {"},
		{`{"*": {"body": 1}}`, "/*: a template is {"},
		{`{"*": {"method": "GET", "body": ""}}`, "/*/method: the method must be POST, PUT or PATCH"},
		{`{"*": {"headers": {"Host": "x"}, "body": ""}}`, "/*/headers: refused by rule header: Host follows"},
		{`{"*": {"headers": {"X": "{{.a"}, "body": ""}}`, "/*/headers/X, line 1, column 1: unclosed action"},
		{`{"*": {"headers": {"content-type": "{{.type}}"}, "body": ""}}`, "/*/headers/content-type: Content-Type is the same for all events"},
		{`{"*": {"headers": {"Content-Type": "text/{{.type}}"}, "body": ""}}`, "/*/headers/Content-Type: Content-Type is the same for all events"},
		{`{"*": {"headers": {"content-type": "text"}, "body": ""}}`, "/*/headers/content-type: Content-Type is no media type"},
		{`{"preset": 1}`, "/preset: preset must be a name"},
		{`{"preset": "irc"}`, `/preset: there is no preset "irc"; there are discord, generic-crm, mattermost, slack, teams`},
		{`{"*": {"body": "` + strings.Repeat("x", longestSource+1) + `"}}`, "/*/body: it is longer than 32 kB"},
	} {
		_, err := ParseTemplates(json.RawMessage(tt.raw))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%.60s\n got %v\nwant %s", tt.raw, err, tt.want)
		}
	}
	if _, err := ParseTemplates(json.RawMessage(`{"a.*":{"body":"{{"},"b.*":{"body":"{{"}}`)); strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("two errors are %v", err)
	}
}

func TestABodyThatClaimsJSON(t *testing.T) {
	for _, tt := range []struct{ contentType, body, want string }{
		{"", `{"a": {{json .data.ticket.title}}}`, ""},
		{"", `{"a": "{{.data.ticket.title}}"}`, "in line 1, column 17 of what the template writes; put values in by json or quote"},
		{"application/vnd.x+json; charset=utf-8", "x", "the body claims to be JSON and is not"},
		{"application/json", "", "the body claims to be JSON and is not"},
		{"application/json", "{} {}", "the body claims to be JSON and is not"},
		{"text/plain", "x", ""},
	} {
		headers := map[string]string{}
		if tt.contentType != "" {
			headers["Content-Type"] = tt.contentType
		}
		raw, _ := json.Marshal(map[string]any{"*": map[string]any{"body": tt.body, "headers": headers}})
		templates, err := ParseTemplates(raw)
		if err != nil {
			t.Fatal(err)
		}
		err = templates.Check([]Envelope{sample()})
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s %s: %v, want %q", tt.contentType, tt.body, err, tt.want)
		}
	}
}

func TestHeadersOfATemplate(t *testing.T) {
	templates, err := ParseTemplates(json.RawMessage(`{"*": {"headers":
		{"X-Title": "{{.data.ticket.title}}", "X-Long": "{{range 999}}สวัสดี{{end}}", "content-type": "text/csv"}, "body": "a"}}`))
	if err != nil {
		t.Fatal(err)
	}
	m, err := templates.Render(sample())
	if err != nil {
		t.Fatal(err)
	}
	if m.ContentType != "text/csv" || m.Header["X-Title"] != `Printer "on" <fire> & smoke` || len(m.Header) != 2 {
		t.Errorf("%q", m)
	}
	if err := CheckHeaders(m.Header); err != nil {
		t.Error(err)
	}
}

func TestAnEventThatLacksAFieldIsRenderedNevertheless(t *testing.T) {
	templates, err := templatesOf(t, `<{{.data.ticket.title}}{{.data.nothing.at.all}}{{json .data.ticket}}{{date "2006" .data.when}}>`)
	if err != nil {
		t.Fatal(err)
	}
	e := sample()
	e.Data = nil
	m, err := templates.Render(e)
	if err != nil || string(m.Body) != "<null>" {
		t.Errorf("%v, %v", m, err)
	}
}

func TestTemplatesRunConcurrently(t *testing.T) {
	templates, err := templatesOf(t, `{{range 50}}{{$.number}}{{end}}`)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	for i := range 8 {
		go func() {
			e := sample()
			e.Number = int64(i + 1)
			for range 200 {
				m, err := templates.Render(e)
				if err == nil && string(m.Body) != strings.Repeat(fmt.Sprint(e.Number), 50) {
					err = fmt.Errorf("%d: %s", e.Number, m.Body)
				}
				if err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range 8 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func FuzzTemplate(f *testing.F) {
	for _, source := range []string{"{{.data.ticket.title}}", "{{range 99}}{{.}}{{end}}", "{{define \"a\"}}{{end}}{{template \"a\"}}",
		"{{$x := index . \"data\" | json}}{{$x | quote}}", "{{with .data}}{{.ticket}}{{else}}{{end}}", "{{((.data).ticket).x}}", "{{- 1 -}}"} {
		f.Add(source)
	}
	f.Fuzz(func(t *testing.T, source string) {
		templates, err := templatesOf(t, source)
		if err != nil {
			return
		}
		_ = templates.Check([]Envelope{sample()})
		began := time.Now()
		m, err := templates.Render(sample())
		if took := time.Since(began); took > 200*longestRun {
			t.Errorf("took %s", took)
		}
		var located *TemplateError
		if err != nil && !errors.As(err, &located) {
			t.Errorf("%v has no place", err)
		}
		if m != nil && len(m.Body) > longestOutput {
			t.Errorf("%d bytes", len(m.Body))
		}
	})
}

func TestPresetsWorkWithEveryEvent(t *testing.T) {
	if diff := cmp.Diff([]string{"discord", "generic-crm", "mattermost", "slack", "teams"}, Presets()); diff != "" {
		t.Fatal(diff)
	}
	full, bare, ids := sample(), Envelope{ID: "evt_1", Type: "webhook.failing"}, sample()
	ids, err := ids.IDs("https://desk.example/x")
	if err != nil {
		t.Fatal(err)
	}
	long := sample()
	long.Data = json.RawMessage(`{"ticket":{"title":"` + strings.Repeat("<@😀*", 900) + `"},"message":{"text":"` +
		strings.Repeat("<!everyone>", 2000) + `","sender":{"name":"` + strings.Repeat("@here", 90) + `"}},"actor":null}`)
	for _, name := range Presets() {
		templates, err := ParseTemplates(json.RawMessage(`{"preset":"` + name + `"}`))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range []Envelope{full, bare, ids, long} {
			m, err := templates.Render(e)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if err := receivers[name](m.Body); err != nil {
				t.Errorf("%s refuses %s: %v", name, m.Body, err)
			}
		}
		if err := templates.Check([]Envelope{full, bare}); err != nil {
			t.Error(err)
		}
	}
}

func TestAWrittenTemplateGoesBeforeThePreset(t *testing.T) {
	templates, err := ParseTemplates(json.RawMessage(`{"preset":"slack","ticket.*":{"body":"1"}}`))
	if err != nil {
		t.Fatal(err)
	}
	e := sample()
	if m, err := templates.Render(e); err != nil || !strings.Contains(string(m.Body), "blocks") {
		t.Errorf("%v, %v", m, err)
	}
	e.Type = "ticket.closed"
	if m, err := templates.Render(e); err != nil || string(m.Body) != "1" {
		t.Errorf("%v, %v", m, err)
	}
}
