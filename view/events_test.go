package view

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"pgregory.net/rapid"

	"github.com/topicdesk/topicdesk/messages"
)

func TestEveryTypeHasItsDataAndExample(t *testing.T) {
	if len(exampleData) != len(messages.Events) {
		t.Errorf("%d examples of data, %d types of events", len(exampleData), len(messages.Events))
	}
	r := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	AddSchemas(r)
	for _, e := range EventTypes {
		if e.Data == nil {
			t.Errorf("%s has no data in exampleData", e.Type)
			continue
		}
		if slices.Contains(messages.ReservedEvents, e.Type) {
			t.Errorf("%s is reserved", e.Type)
		}
		var example any
		body := e.Example()
		if err := json.Unmarshal(body.AppendJSON(nil), &example); err != nil {
			t.Fatal(err)
		}
		found := &huma.ValidateResult{}
		huma.Validate(r, r.Map()[e.Schema()], huma.NewPathBuffer(nil, 0), huma.ModeReadFromServer, example, found)
		for _, err := range found.Errors {
			t.Errorf("the example of %s: %v", e.Type, err)
		}
		if e.NoTicket != (body.TicketID == nil) || e.NoTicket == strings.Contains(string(body.Data), `"ticket":`) {
			t.Errorf("%s: no ticket: %v, and its example is %s", e.Type, e.NoTicket, body.AppendJSON(nil))
		}
	}
}

// TestSchemasOnlyGainFields compares the schemas with those that are committed. A line that is missing breaks those who
// rely on it.
func TestSchemasOnlyGainFields(t *testing.T) {
	const file = "testdata/schemas.txt"
	committed, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	promised := strings.Split(strings.TrimSuffix(string(committed), "\n"), "\n")
	today := outline(eventSchemas())
	for _, line := range promised {
		if !slices.Contains(today, line) {
			t.Errorf("%s promises what the schemas no longer say: %s", file, line)
		}
	}
	if added := slices.DeleteFunc(slices.Clone(today), func(l string) bool { return slices.Contains(promised, l) }); len(added) > 0 {
		t.Errorf("%s lacks, run `make gen`:\n%s", file, strings.Join(added, "\n"))
	}
}

func TestCatalogueIsCurrent(t *testing.T) {
	got, err := os.ReadFile("../docs/events.md")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != Catalogue() {
		t.Error("docs/events.md is not what the types say: run `make gen`")
	}
}

func TestEnvelopeAsJSON(t *testing.T) {
	e := EnvelopeOf("TICK-1", &messages.EventRecord{EventId: "evt_a", Type: "ticket.created", Number: 3,
		AtMs: time.Date(2026, 3, 1, 9, 0, 0, 1e6, time.UTC).UnixMilli(), Data: []byte(`{"a": 1}`)})
	want := `{"id":"evt_a","type":"ticket.created","timestamp":"2026-03-01T09:00:00.001Z","ticketId":"TICK-1","number":3,"data":{"a": 1}}`
	if got := string(e.AppendJSON(nil)); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	none := EnvelopeOf("", &messages.EventRecord{EventId: "evt_a", Type: "error.occurred"})
	want = `{"id":"evt_a","type":"error.occurred","timestamp":"1970-01-01T00:00:00.000Z","ticketId":null,"number":null,"data":{}}`
	if got := string(none.AppendJSON(nil)); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	rapid.Check(t, func(t *rapid.T) {
		id, number := rapid.String().Draw(t, "ticket"), rapid.Int64().Draw(t, "number")
		type plain Envelope // without its own MarshalJSON
		e := Envelope{ID: rapid.String().Draw(t, "id"), Type: "a.b", Timestamp: "now", TicketID: &id, Number: &number, Data: []byte(`{"a":1}`)}
		want, err := json.Marshal(plain(e))
		if got := e.AppendJSON(nil); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s, want %s (%v)", got, want, err)
		}
	})
}
