package httpedge_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"

	httpedge "github.com/topicdesk/topicdesk/http"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/view"
)

// apiDocument is the API's document in the form that tests need.
type apiDocument struct {
	ops []documentedOp

	mu        sync.Mutex
	validator validator.Validator
}

type documentedOp struct {
	id, method, path string
	matches          *regexp.Regexp
	scope            string
	success          int
	codes            map[string]int // of problems, with their status
	hasBody          bool
}

// theDocument is made once, because making a validator takes longer than a test.
var theDocument = sync.OnceValues(func() (*apiDocument, error) {
	asJSON, _, err := httpedge.NewAPI(httpedge.New(httpedge.Options{}), httpedge.APIOptions{}).Document()
	if err != nil {
		return nil, err
	}
	model, err := libopenapi.NewDocument(asJSON)
	if err != nil {
		return nil, err
	}
	v, errs := validator.NewValidator(model)
	if len(errs) > 0 {
		return nil, errs[0]
	}
	d := &apiDocument{validator: v}
	var doc struct {
		Paths map[string]map[string]struct {
			OperationID string
			Security    []map[string][]string
			RequestBody *struct{}
			Responses   map[string]struct {
				Content map[string]struct{ Examples map[string]any }
			}
		}
	}
	if err := json.Unmarshal(asJSON, &doc); err != nil {
		return nil, err
	}
	for path, item := range doc.Paths {
		pattern := regexp.MustCompile("^" + regexp.MustCompile(`\{\w+\}`).ReplaceAllString(path, `[^/]+`) + "$")
		for method, op := range item {
			o := documentedOp{id: op.OperationID, method: strings.ToUpper(method), path: path, matches: pattern,
				codes: map[string]int{}, hasBody: op.RequestBody != nil}
			if len(op.Security) > 0 && len(op.Security[0]["apiKey"]) > 0 {
				o.scope = op.Security[0]["apiKey"][0]
			}
			for status, r := range op.Responses {
				n := atoi(status)
				if n < 300 && (o.success == 0 || n < o.success) {
					o.success = n
				}
				for code := range r.Content["application/problem+json"].Examples {
					o.codes[code] = n
				}
			}
			d.ops = append(d.ops, o)
		}
	}
	slices.SortFunc(d.ops, func(a, b documentedOp) int { return strings.Compare(a.id, b.id) })
	return d, nil
})

func atoi(s string) (n int) {
	for _, r := range s {
		n = 10*n + int(r-'0')
	}
	return n
}

func document(t testing.TB) *apiDocument {
	t.Helper()
	d, err := theDocument()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// find returns the operation of a request. It is nil if the document has none.
func (d *apiDocument) find(method, path string) *documentedOp {
	path, _, _ = strings.Cut(path, "?")
	for i, o := range d.ops {
		if o.method == method && o.matches.MatchString(path) {
			return &d.ops[i]
		}
	}
	return nil
}

// complaints lists where an answer deviates from the document.
func (d *apiDocument) complaints(req *http.Request, res *http.Response, body []byte) (all []string) {
	if d.find(req.Method, req.URL.Path) == nil {
		return nil
	}
	copied := *res
	copied.Body = io.NopCloser(bytes.NewReader(body))
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, errs := d.validator.ValidateHttpResponse(req, &copied); len(errs) > 0 {
		for _, e := range errs {
			all = append(all, e.Message+": "+e.Reason)
			for _, s := range e.SchemaValidationErrors {
				all = append(all, s.FieldPath+" "+s.Reason)
			}
		}
	}
	return append(all, inexactTimes(body)...)
}

// aTime is a text that is a time and nothing else.
var aTime = regexp.MustCompile(`"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[^"]*"`)

// inexactTimes are the times that are not in UTC with three digits of milliseconds.
func inexactTimes(body []byte) (all []string) {
	for _, found := range aTime.FindAllString(string(body), -1) {
		at, err := time.Parse(time.RFC3339Nano, strings.Trim(found, `"`))
		if err == nil && found != `"`+view.Timestamp(at)+`"` {
			all = append(all, "a time is written "+found)
		}
	}
	return all
}

// TestTimesInTheDocument: examples write times as answers do. Answers are held to that in every test (complaints), and
// TestEveryOperation has one of each operation.
func TestTimesInTheDocument(t *testing.T) {
	for _, file := range []string{"../docs/openapi.yaml", "../docs/events.md"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if found := aTime.FindAll(text, -1); len(found) < 50 {
			t.Errorf("%s has only %d times", file, len(found))
		}
		for _, complaint := range inexactTimes(text) {
			t.Errorf("%s: %s", file, complaint)
		}
	}
	for want, text := range map[int]string{
		0: `{"at":"2026-11-30T10:00:00.500Z"}`, 1: `{"at":"2026-11-30T10:00:00.5Z"}`, 2: `["2026-11-30T10:00:00Z","2026-11-30T10:00:00.000+00:00"]`,
	} {
		if got := inexactTimes([]byte(text)); len(got) != want {
			t.Errorf("%s: %q", text, got)
		}
	}
}

func TestCommittedDocumentIsCurrent(t *testing.T) {
	_, want, err := httpedge.NewAPI(httpedge.New(httpedge.Options{}), httpedge.APIOptions{}).Document()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../docs/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("docs/openapi.yaml is not what the operations say: run `make gen`")
	}
}

func TestGuideIsCurrent(t *testing.T) {
	got, err := os.ReadFile("../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	if want, err := httpedge.UpdateDocs(string(got)); err != nil || want != string(got) {
		t.Errorf("docs/api.md does not have the tables: run `make gen` (%v)", err)
	}
	for _, scope := range messages.Scopes {
		if !bytes.Contains(got, []byte("`"+scope+"`")) {
			t.Errorf("docs/api.md does not say what the scope %s allows", scope)
		}
	}
}

// TestDocumentHasEveryEvent: the section webhooks has each type of event, with a schema that is there, and an example.
func TestDocumentHasEveryEvent(t *testing.T) {
	asJSON, _, err := httpedge.NewAPI(httpedge.New(httpedge.Options{}), httpedge.APIOptions{}).Document()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Webhooks map[string]struct {
			Post struct {
				OperationID string
				RequestBody struct {
					Content map[string]struct {
						Schema struct {
							Ref string `json:"$ref"`
						}
						Example struct{ ID, Type string }
					}
				}
			}
		}
		Components struct {
			Schemas map[string]struct {
				Properties map[string]struct{ Enum []string }
			}
		}
	}
	if err := json.Unmarshal(asJSON, &doc); err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for _, e := range messages.Events {
		hook := doc.Webhooks[e.Type].Post
		body := hook.RequestBody.Content["application/json"]
		name, inside := strings.CutPrefix(body.Schema.Ref, "#/components/schemas/")
		is := doc.Components.Schemas[name].Properties["type"].Enum
		if !inside || len(is) != 1 || is[0] != e.Type || body.Example.Type != e.Type || body.Example.ID == "" ||
			hook.OperationID == "" || ids[hook.OperationID] {
			t.Errorf("%s: %+v, its schema is of %q", e.Type, hook, is)
		}
		ids[hook.OperationID] = true
	}
	if len(doc.Webhooks) != len(messages.Events) {
		t.Errorf("%d webhooks, %d types of events", len(doc.Webhooks), len(messages.Events))
	}
}

func TestScopesOfOperations(t *testing.T) {
	wanted := map[string]bool{}
	for _, o := range document(t).ops {
		wanted[o.scope] = true
		if o.scope != "" && !slices.Contains(messages.Scopes, o.scope) {
			t.Errorf("%s wants the scope %s, which no key can have", o.id, o.scope)
		}
	}
	for _, scope := range messages.Scopes {
		if scope != messages.ScopeAdmin && !strings.HasSuffix(scope, ":*") && !wanted[scope] {
			t.Errorf("keys can have the scope %s, which no operation wants", scope)
		}
	}
}

// TestFiltersTakeSeveralValues: a filter by one of a few values takes several of them, in every list, but for what there can be
// one of: an order, a range, what figures are of, and for whom tickets wait, since they are sorted by that.
func TestFiltersTakeSeveralValues(t *testing.T) {
	asJSON, _, err := httpedge.NewAPI(httpedge.New(httpedge.Options{}), httpedge.APIOptions{}).Document()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths map[string]map[string]struct {
			Parameters []struct {
				Name, In string
				Schema   struct {
					Type  any // a text, or a list of texts
					Enum  []any
					Items struct{ Enum []any }
				}
			}
		}
	}
	if err := json.Unmarshal(asJSON, &doc); err != nil {
		t.Fatal(err)
	}
	several := 0
	for path, item := range doc.Paths {
		for _, p := range item["get"].Parameters {
			switch {
			case p.In != "query":
			case len(p.Schema.Items.Enum) > 0:
				several++
			case len(p.Schema.Enum) > 0 && !slices.Contains([]string{"sort", "order", "range", "by", "waitingFor"}, p.Name):
				t.Errorf("GET %s takes one %s", path, p.Name)
			}
		}
	}
	if several < 5 {
		t.Errorf("only %d filters take several values: are they looked for in the right way?", several)
	}
}

// TestRequestsHaveNoDefaults: generators make a field that has a default required, since in answers it is always there.
func TestRequestsHaveNoDefaults(t *testing.T) {
	asJSON, _, err := httpedge.NewAPI(httpedge.New(httpedge.Options{}), httpedge.APIOptions{}).Document()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths      map[string]map[string]struct{ RequestBody any }
		Components struct{ Schemas map[string]any }
	}
	if err := json.Unmarshal(asJSON, &doc); err != nil {
		t.Fatal(err)
	}
	seen, bodies := map[string]bool{}, 0
	var look func(where string, value any)
	look = func(where string, value any) {
		switch value := value.(type) {
		case []any:
			for _, v := range value {
				look(where, v)
			}
		case map[string]any:
			_, schema := value["type"].(string) // of a property called default it is an object
			if _, has := value["default"]; has && schema {
				t.Errorf("%s: a field has a default; say in its words what it is when it is absent", where)
			}
			if ref, _ := value["$ref"].(string); ref != "" && !seen[ref] {
				seen[ref] = true
				look(where, doc.Components.Schemas[strings.TrimPrefix(ref, "#/components/schemas/")])
			}
			for name, v := range value {
				if name != "example" && name != "examples" {
					look(where, v)
				}
			}
		}
	}
	for path, item := range doc.Paths {
		for method, op := range item {
			if op.RequestBody != nil {
				bodies++
				look(strings.ToUpper(method)+" "+path, op.RequestBody)
			}
		}
	}
	if bodies < 10 || len(seen) < 10 {
		t.Errorf("it has looked at %d bodies and %d schemas only", bodies, len(seen))
	}
}

func TestDocumentSaysEverything(t *testing.T) {
	asJSON, _, err := httpedge.NewAPI(httpedge.New(httpedge.Options{}), httpedge.APIOptions{}).Document()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths map[string]map[string]struct {
			Summary, Description string
			Tags                 []string
			RequestBody          *struct {
				Content map[string]struct{ Example any }
			}
			Parameters []struct{ Name, Description string }
			Responses  map[string]struct {
				Description string
				Content     map[string]struct {
					Example  any
					Examples map[string]any
				}
			}
		}
	}
	if err := json.Unmarshal(asJSON, &doc); err != nil {
		t.Fatal(err)
	}
	for path, item := range doc.Paths {
		for method, op := range item {
			where := strings.ToUpper(method) + " " + path
			if op.Summary == "" || len(op.Description) < 20 || len(op.Tags) != 1 {
				t.Errorf("%s lacks a summary, a description or a tag", where)
			}
			for _, p := range op.Parameters {
				if p.Description == "" {
					t.Errorf("%s does not say what %s is", where, p.Name)
				}
			}
			if op.RequestBody != nil {
				for _, c := range op.RequestBody.Content {
					if c.Example == nil {
						t.Errorf("%s lacks an example of a request", where)
					}
				}
			}
			for _, status := range []string{"400", "401", "422", "429", "500", "503"} {
				if len(op.Responses[status].Content["application/problem+json"].Examples) == 0 {
					t.Errorf("%s does not say which codes %s has", where, status)
				}
			}
			for status, r := range op.Responses {
				for media, c := range r.Content {
					if status < "300" && media == "application/json" && c.Example == nil {
						t.Errorf("%s lacks an example of its answer", where)
					}
				}
			}
		}
	}
	if bytes.Contains(asJSON, []byte("$schema")) {
		t.Error("there is a field $schema")
	}
}

// TestEventsAreTyped: wherever the document shows an event, a generator of types finds each type of event with its data.
func TestEventsAreTyped(t *testing.T) {
	asJSON, _, err := httpedge.NewAPI(httpedge.New(httpedge.Options{}), httpedge.APIOptions{}).Document()
	if err != nil {
		t.Fatal(err)
	}
	type ref struct {
		Ref string `json:"$ref"`
	}
	var doc struct {
		Components struct {
			Schemas map[string]struct {
				OneOf         []ref
				Discriminator struct {
					PropertyName string
					Mapping      map[string]string
				}
				Properties map[string]struct {
					ref
					Enum  []string
					Items ref
				}
			}
		}
	}
	if err := json.Unmarshal(asJSON, &doc); err != nil {
		t.Fatal(err)
	}
	const prefix = "#/components/schemas/"
	schemas := doc.Components.Schemas
	event := schemas["Envelope"]
	if len(event.OneOf) != len(messages.Events) || event.Discriminator.PropertyName != "type" {
		t.Fatalf("an event is one of %d, told apart by %q", len(event.OneOf), event.Discriminator.PropertyName)
	}
	for _, e := range messages.Events {
		name := event.Discriminator.Mapping[e.Type]
		one := schemas[strings.TrimPrefix(name, prefix)]
		if !slices.Contains(event.OneOf, ref{name}) || !slices.Equal(one.Properties["type"].Enum, []string{e.Type}) {
			t.Errorf("%s is %s", e.Type, name)
		}
		data := schemas[strings.TrimPrefix(one.Properties["data"].Ref, prefix)]
		if len(data.Properties) == 0 {
			t.Errorf("the data of %s are %+v", e.Type, one.Properties["data"])
		}
	}
	if of := schemas["FeedPage"].Properties["data"].Items.Ref; of != prefix+"Envelope" {
		t.Errorf("a page of the feed has %q", of)
	}
}

// TestVersionIsTold: the changelog names the version that the document has.
func TestVersionIsTold(t *testing.T) {
	asJSON, _, err := httpedge.NewAPI(httpedge.New(httpedge.Options{}), httpedge.APIOptions{}).Document()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct{ Info struct{ Version string } }
	if err := json.Unmarshal(asJSON, &doc); err != nil {
		t.Fatal(err)
	}
	changes, err := os.ReadFile("../CHANGELOG.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(changes), "`info.version` of its document, which is "+doc.Info.Version+" now") {
		t.Errorf("the changelog does not name %s", doc.Info.Version)
	}
}
