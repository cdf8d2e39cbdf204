package httpedge_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// operationTests say how to test each operation. TestEveryOperation fails for an operation that is missing here. What
// is the same for all operations (authentication, malformed bodies, repeated requests) needs only a good request. The
// other files add their operations in an init.
var operationTests = map[string]operationTest{}

type operationTest struct {
	// good makes a request that succeeds, each time another one: it prepares what the request needs.
	good func(s *service) request
	// missing asks for something that does not exist: 404, whichever key asks.
	missing func(s *service) request
	// hidden asks with a key of one group for something of another group: 404 as well.
	hidden func(s *service) request
	// invalid are requests that are refused with 422, each because of the field that its name says: a JSON Pointer
	// ("#/name") or a parameter.
	invalid map[string]func(s *service) request
	// refused are requests that are refused with the code that is their name. Several for one code are named "code:
	// why".
	refused map[string]func(s *service) request
	// check checks the answer to the good request.
	check func(t *testing.T, s *service, r *response)
}

// request is a request to the API. Without a token it is sent with a key that may do everything.
type request struct {
	path    string
	token   string
	body    any
	headers []string
}

// everyOperation are the codes that are tried for each operation, or for the API as a whole.
var everyOperation = []string{"bad_request", "unauthenticated", "api_key_expired", "invalid", "rate_limited",
	"internal", "unavailable",
	"scope_missing", "not_found", "invalid_json", "too_large", "unsupported_media_type", "idempotency_in_progress", "idempotency_key_reused",
	"idempotency_answer_sealed", "api_key_shown"}

func TestEveryOperation(t *testing.T) {
	if testing.Short() {
		t.Skip("long: asks every operation for everything that can go wrong")
	}
	t.Parallel()
	o := serviceOptions{}
	o.api.FailedBurst = 10_000
	s := newService(t, o)
	s.register()
	admin := s.key(nil, "admin")
	ops := document(t).ops
	for id := range operationTests {
		if !slices.ContainsFunc(ops, func(o documentedOp) bool { return o.id == id }) {
			t.Errorf("there is a test of %s, which is no operation", id)
		}
	}
	for _, o := range ops {
		s.run(t, o.id, func(t *testing.T) {
			test, tested := operationTests[o.id]
			if !tested || test.good == nil {
				t.Fatalf("%s %s is not tested: add it to operationTests", o.method, o.path)
			}
			ask := func(t *testing.T, r request, headers ...string) *response {
				t.Helper()
				if got := document(t).find(o.method, r.path); got == nil || got.id != o.id {
					t.Fatalf("%s %s is not %s", o.method, r.path, o.id)
				}
				token := r.token
				if token == "" {
					token = admin
				}
				return s.do(o.method, r.path, strings.TrimSpace(token), r.body,
					append(slices.Clone(r.headers), headers...)...)
			}
			s.run(t, "success", func(t *testing.T) {
				r := ask(t, test.good(s))
				r.is(o.success)
				if r.header.Get("RateLimit") == "" || r.header.Get("RateLimit-Policy") == "" {
					t.Error("no word of the limits:", r.header)
				}
				if test.check != nil {
					test.check(t, s, r)
				}
			})
			s.run(t, "401", func(t *testing.T) {
				good := test.good(s)
				for _, token := range []string{" ", "td_live_nonsense", lastChanged(admin)} {
					good.token = token
					r := ask(t, good)
					r.is(401, "unauthenticated")
					if r.header.Get("WWW-Authenticate") == "" {
						t.Error(r.header)
					}
				}
			})
			if o.scope != "" {
				s.run(t, "403", func(t *testing.T) {
					good := test.good(s)
					what, _, _ := strings.Cut(o.scope, ":")
					var others []string
					for _, scope := range messages.Scopes {
						if scope != o.scope && scope != "admin" && scope != what+":*" {
							others = append(others, scope)
						}
					}
					good.token = s.key(nil, others...)
					ask(t, good).is(403, "scope_missing")
					good.token = s.key(nil, o.scope)
					if test.hidden == nil && good.body == nil {
						ask(t, good).is(o.success)
					}
				})
			}
			if _, documented := o.codes["not_found"]; documented {
				s.run(t, "404", func(t *testing.T) {
					if test.missing == nil {
						t.Fatal("its 404 is not tested")
					}
					ask(t, test.missing(s)).is(404, "not_found")
					if test.hidden == nil {
						t.Fatal("it is not tested that a key of another group sees nothing")
					}
					ask(t, test.hidden(s)).is(404, "not_found")
				})
			}
			s.run(t, "422", func(t *testing.T) {
				good := test.good(s)
				good.path += map[bool]string{false: "?", true: "&"}[strings.Contains(good.path, "?")] + "nonsense=1"
				if p := ask(t, good).is(422, "invalid"); !mentions(p, "nonsense") {
					t.Error(p)
				}
				if (o.hasBody || strings.Contains(o.path, "{")) && len(test.invalid) == 0 {
					t.Fatal("its 422 is not tested")
				}
				for field, invalid := range test.invalid {
					if p := ask(t, invalid(s)).is(422); !mentions(p, strings.TrimSpace(field)) {
						t.Errorf("%s: %v", field, p)
					}
				}
			})
			s.run(t, "refusals", func(t *testing.T) {
				for code, refused := range test.refused {
					name, _, _ := strings.Cut(code, ":")
					ask(t, refused(s)).is(o.codes[name], name)
				}
				for code := range o.codes {
					if !slices.Contains(everyOperation, code) &&
						!slices.ContainsFunc(slices.Collect(maps.Keys(test.refused)), func(name string) bool {
							name, _, _ = strings.Cut(name, ":")
							return name == code
						}) {
						t.Errorf("the refusal %s is not tested", code)
					}
				}
			})
			if o.hasBody {
				s.run(t, "bodies", func(t *testing.T) { testBodies(t, s, test.good, ask, o) })
			}
			if o.method == "POST" {
				s.run(t, "idempotency", func(t *testing.T) {
					good := test.good(s)
					first := ask(t, good, "Idempotency-Key", "k-"+o.id)
					first.is(o.success)
					again := ask(t, good, "Idempotency-Key", "k-"+o.id)
					again.is(o.success)
					if string(again.body) != string(first.body) ||
						again.header.Get("Idempotent-Replayed") != "true" ||
						again.header.Get("Location") != first.header.Get("Location") {
						t.Errorf("the second answer is another one: %s", again.body)
					}
					other := good
					other.path += "?other=1"
					if o.hasBody {
						other.path, other.body = good.path, map[string]any{"other": true}
					}
					ask(t, other, "Idempotency-Key", "k-"+o.id).is(422, "idempotency_key_reused")
					bad := ask(t, good, "Idempotency-Key", strings.Repeat("k", 256))
					if p := bad.is(422, "invalid"); !mentions(p, "Idempotency-Key") {
						t.Error(p)
					}
				})
			}
		})
	}
}

// testBodies sends malformed bodies.
func testBodies(t *testing.T, s *service, good func(*service) request, ask func(*testing.T, request, ...string) *response, o documentedOp) {
	with := func(body any) request {
		r := good(s)
		r.body = body
		return r
	}
	_, multipart := good(s).body.(*form)
	if multipart {
		return // forms have their own tests
	}
	for name, body := range map[string]string{"cut": `{"name":`, "none": `nonsense`, "two": `{}{}`,
		"not UTF-8": "{\"name\":\"\xff\"}",
		"deep":      strings.Repeat(`{"a":`, 30) + "1" + strings.Repeat("}", 30)} {
		if p := ask(t, with(body)).is(400, "invalid_json"); strings.Contains(fmt.Sprint(p), "nonsense") {
			t.Errorf("%s: the value is repeated: %v", name, p)
		}
	}
	if p := ask(t, with(`{"unknown field":"s3cr3t"}`)).is(422, "invalid"); !mentions(p, "#/unknown field") ||
		strings.Contains(fmt.Sprint(p), "s3cr3t") {
		t.Error(p)
	}
	for _, body := range []string{`[]`, `"text"`, `7`, `null`} {
		ask(t, with(body)).is(422, "invalid")
	}
	ask(t, with(`{}`), "Content-Type", "text/plain").is(415, "unsupported_media_type")
	ask(t, with(`{}`), "Content-Encoding", "gzip").is(415, "unsupported_media_type")
	ask(t, with(`{"name":"`+strings.Repeat("x", 2<<20)+`"}`)).is(413, "too_large")
}

// form is a body of several parts.
type form struct{ media, text string }

// mentions reports whether a problem is about the field.
func mentions(p map[string]any, field string) bool {
	errors, _ := p["errors"].([]any)
	for _, e := range errors {
		e := e.(map[string]any)
		if e["pointer"] == field || e["name"] == field {
			return true
		}
	}
	return false
}

// lastChanged is a key with another secret and the checksum for it.
func lastChanged(key string) string {
	id, _ := messages.APIKeyID(key)
	other, _ := messages.NewAPIKey(id)
	return other
}

func of(group string) func(*storage.APIKey) { return func(k *storage.APIKey) { k.GroupID = group } }
