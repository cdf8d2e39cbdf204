package httpedge_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	httpedge "github.com/topicdesk/topicdesk/http"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

func init() {
	operationTests["listNodes"] = operationTest{good: get("/api/v1/monitoring/nodes"),
		check: func(t *testing.T, _ *service, r *response) {
			var got struct {
				Nodes []struct {
					Addr             string
					Shards, Entities int
					Trouble          *string
				}
			}
			if err := json.Unmarshal(r.body, &got); err != nil {
				t.Fatal(err)
			}
			if len(got.Nodes) != 1 || got.Nodes[0].Addr != "" || got.Nodes[0].Shards != 256 || got.Nodes[0].Entities == 0 ||
				got.Nodes[0].Trouble != nil {
				t.Errorf("%s", r.body)
			}
		}}
}

func TestReadyVerboseIsForThisMachineAndForKeys(t *testing.T) {
	s := newService(t, serviceOptions{})
	const proxied = "203.0.113.7"
	admin := s.key(nil, messages.ScopeAdmin)
	for name, tt := range map[string]struct {
		key, from string
		sees      bool
		hidden    string // a part of the reason
	}{
		"a program on this machine":          {"", "", true, ""},
		"behind a proxy":                     {"", proxied, false, "scope admin"},
		"behind a proxy with a key":          {admin, proxied, true, ""},
		"behind a proxy with a smaller key":  {s.key(nil, "tickets:read"), proxied, false, "does not have the scope admin"},
		"behind a proxy with a group's key":  {s.key(func(k *storage.APIKey) { k.GroupID = "g1" }, messages.ScopeAdmin), proxied, false, "bound to a group"},
		"behind a proxy with a key too much": {admin + "x", proxied, false, "API key"},
	} {
		t.Run(name, func(t *testing.T) {
			var headers []string
			if tt.from != "" {
				headers = append(headers, "X-Forwarded-For", tt.from)
			}
			answer := s.do(http.MethodGet, "/readyz?verbose", tt.key, nil, headers...)
			var got struct {
				Status, Hidden string
				Nodes          []httpedge.Node
			}
			if err := json.Unmarshal(answer.body, &got); err != nil {
				t.Fatalf("%v: %s", err, answer.body)
			}
			if answer.status != http.StatusOK || got.Status != "ok" {
				t.Errorf("whoever asks hears whether the service is ready: %d %s", answer.status, answer.body)
			}
			if sees := len(got.Nodes) == 1; sees != tt.sees || sees != (got.Hidden == "") || !strings.Contains(got.Hidden, tt.hidden) {
				t.Errorf("%s", answer.body)
			}
			if tt.sees && got.Nodes[0].Shards != 256 {
				t.Errorf("%s", answer.body)
			}
		})
	}
}
