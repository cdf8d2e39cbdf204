package httpedge_test

import "testing"

const consumers = feed + "/consumers"

func addConsumers() {
	// committing is a request to commit what a fresh consumer was given. The same key reads and commits.
	committing := func(s *service, change func(body object)) request {
		key := s.key(nil, "events:read")
		page := s.feed(key, "consumer", "crm")
		body := object{"cursor": page.NextCursor, "lease": page.Lease}
		if change != nil {
			change(body)
		}
		return request{path: consumers + "/crm/commit", token: key, body: body}
	}
	with := func(name string, value any) func(*service) request {
		return func(s *service) request { return committing(s, func(body object) { body[name] = value }) }
	}
	operationTests["commitConsumer"] = operationTest{
		good: func(s *service) request { return committing(s, nil) },
		check: func(t *testing.T, _ *service, r *response) {
			if c := r.is(200); c["name"] != "crm" || c["cursor"] == "" || c["lease"] == "" {
				t.Error(c)
			}
		},
		missing: func(s *service) request {
			r := committing(s, nil)
			r.path = consumers + "/other/commit"
			return r
		},
		hidden: func(s *service) request { // the consumer of another key
			r := committing(s, nil)
			r.token = s.bound(s.sales)
			return r
		},
		invalid: map[string]func(*service) request{
			"#/cursor": with("cursor", "nonsense"), "#/cursor ": with("cursor", "now"), "#/lease": with("lease", ""),
			"#/release": with("release", "yes"),
			"name": func(s *service) request {
				r := committing(s, nil)
				r.path = consumers + "/a%20b/commit"
				return r
			},
		},
		refused: map[string]func(*service) request{"consumer_leased": with("lease", "another")},
	}
}
