package httpedge_test

import (
	"encoding/json"
	"net/http"
	"testing"
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

func TestReadyVerboseIsForThisMachine(t *testing.T) {
	s := newService(t, serviceOptions{})
	nodes := func(headers ...string) int {
		t.Helper()
		call, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/readyz?verbose", nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(headers); i += 2 {
			call.Header.Set(headers[i], headers[i+1])
		}
		answer, err := http.DefaultClient.Do(call)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = answer.Body.Close() }()
		var got struct{ Nodes []json.RawMessage }
		if err := json.NewDecoder(answer.Body).Decode(&got); err != nil {
			t.Fatal(err)
		}
		return len(got.Nodes)
	}
	if n := nodes(); n != 1 {
		t.Errorf("a program on this machine sees %d nodes", n)
	}
	if n := nodes("X-Forwarded-For", "203.0.113.7"); n != 0 {
		t.Error("a program behind a proxy sees the nodes")
	}
}
