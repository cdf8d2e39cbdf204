package delivery

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestStandardFormat(t *testing.T) {
	e := Envelope{ID: "evt_1", Type: "ticket.closed", TicketID: "TICK-1", Number: 3, Data: json.RawMessage(`{"a": 1.50}`),
		Timestamp: time.Date(2026, 11, 29, 16, 0, 0, 250e6, time.FixedZone("", 7*3600))}
	want := `{"id":"evt_1","type":"ticket.closed","timestamp":"2026-11-29T09:00:00.250Z","ticketId":"TICK-1","number":3,"data":{"a": 1.50}}`
	if got := string(e.Standard()); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	want = `{"id":"evt_2","type":"webhook.failing","timestamp":"2026-11-29T09:00:00.000Z","ticketId":null,"number":null,"data":{}}`
	e = Envelope{ID: "evt_2", Type: "webhook.failing", Timestamp: time.Date(2026, 11, 29, 9, 0, 0, 0, time.UTC)}
	if got := string(e.Standard()); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestTheEnvelopeIsJSONWhateverItSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data, err := json.Marshal(map[string]string{"x": rapid.String().Draw(t, "data")})
		if err != nil {
			t.Fatal(err)
		}
		e := Envelope{ID: rapid.String().Draw(t, "id"), Type: rapid.String().Draw(t, "type"), TicketID: rapid.String().Draw(t, "ticket"),
			Number: rapid.Int64().Draw(t, "number"), Data: data, Timestamp: time.UnixMilli(rapid.Int64Range(0, 4e12).Draw(t, "at"))}
		var got struct {
			ID, Type  string
			Timestamp time.Time
			TicketID  string `json:"ticketId"`
			Number    int64
			Data      json.RawMessage
		}
		for _, body := range [][]byte{e.Standard(), first(e.CloudEvent("https://desk.example"))} {
			if !json.Valid(body) {
				t.Fatalf("no JSON: %s", body)
			}
		}
		if err := json.Unmarshal(e.Standard(), &got); err != nil {
			t.Fatal(err)
		}
		if got.ID != e.ID || got.Type != e.Type || got.TicketID != e.TicketID || got.Number != e.Number ||
			!got.Timestamp.Equal(e.Timestamp) || !bytes.Equal(got.Data, e.Data) {
			t.Errorf("%+v, want %+v", got, e)
		}
	})
}

func first(body []byte, _ string) []byte { return body }

// TestCloudEvents holds the format to the specification (CloudEvents 1.0.2, JSON format): which attributes there must be,
// of which types, and how extensions are named.
func TestCloudEvents(t *testing.T) {
	for _, e := range []Envelope{sample(), {ID: "evt_2", Type: "error.occurred",
		Timestamp: time.Now().Truncate(time.Millisecond)}} {
		body, contentType := e.CloudEvent("https://desk.example/")
		if contentType != "application/cloudevents+json; charset=utf-8" {
			t.Error(contentType)
		}
		var got map[string]any
		if err := json.Unmarshal(body, &got); err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse(time.RFC3339Nano, got["time"].(string))
		if err != nil || !at.Equal(e.Timestamp) {
			t.Error(got["time"], err)
		}
		want := map[string]any{"specversion": "1.0", "id": e.ID, "source": "https://desk.example/", "type": e.Type,
			"time": got["time"], "datacontenttype": "application/json", "data": map[string]any{}}
		if e.TicketID != "" {
			want["subject"], want["number"] = e.TicketID, "7"
			if err := json.Unmarshal(e.Data, new(any)); err != nil {
				t.Fatal(err)
			}
			var data any
			_ = json.Unmarshal(e.Data, &data)
			want["data"] = data
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		for name, value := range got {
			if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789") != "" || len(name) > 20 || name != "data" && value == "" {
				t.Errorf("attribute %q is %v", name, value)
			}
		}
	}
}

// everything is an event's data with all that people can have said, after the API's types. Whatever is words has "words".
const everything = `{
 "ticket": {"ticketId":"TICK-1","title":"words","description":"words","descriptionEntities":[{"type":"text_link","offset":0,"length":4,"url":"https://words"}],
  "status":"open","priority":"high","groupId":-100,"createdBy":{"kind":"user","id":"4711","name":"words"},
  "topic":{"state":"open","telegramTopicId":42,"name":"words","reason":"words"},"externalId":"crm-4711","metadata":{"id":"words","status":"words","x":{"kind":"words"}},
  "createdAt":"2026-11-29T09:00:00.5Z","updatedAt":"2026-11-29T09:00:00+07:00","closedAt":null},
 "message": {"messageId":"-100:42","text":"words","entities":[{"type":"pre","language":"words"}],"sender":{"kind":"user","id":"4711","name":"words"},
  "topic":{"topicId":"home","groupId":-100,"telegramTopicId":42,"name":"words","state":"open"},"internal":false,"deleted":false,
  "sentAt":"2026-11-29T09:00:00.000Z","editedAt":null,"replyTo":"-100:41","forwarded":"words","media":"photo","attachments":["a:1","a:2"],
  "deliveries":[{"topic":{"topicId":"TICK-1:1","name":"words","state":"open"},"state":"failed","reason":"words","sentAt":null,"telegramMessageIds":[1,2]}],
  "reference":{"from":"words","url":"https://t.me/words/1","text":"words","media":"poll","item":"words"},
  "poll":{"question":"words","options":[{"text":"words"}],"isQuiz":false,"isAnonymous":true,"isClosed":false},
  "contact":{"phoneNumber":"words","firstName":"words","lastName":"words","userId":1,"vcard":"words"},
  "location":{"latitude":13.7,"longitude":100.5},"venue":{"title":"words","address":"words"},
  "checklist":{"title":"words","tasks":[{"text":"words","done":true}]}},
 "attachment": {"attachmentId":"a:1","fileName":"words.pdf","fileType":"document","mimeType":"application/pdf","fileSize":7,"state":"refused",
  "reason":"words","downloadUrl":"/api/v1/words","uploadedBy":{"kind":"user","id":"4711","name":"words"}},
 "changes": {"title":{"before":"words","after":"words"},"priority":{"before":"low","after":"high"},"metadata":{"before":{"a":"words"},"after":{"status":"words"}}},
 "actor": {"kind":"apiKey","id":"k1","name":"words"}, "reason":"words", "title":"words", "comment":"words", "emoji":"words",
 "by": "words", "user": {"userId":4711,"username":"words","firstName":"words"}, "link":{"linkId":"TICK-1:1","state":"active"},
 "webhook": {"webhookId":"w1","url":"https://words","description":"words","state":"disabled"}, "number": 12345678901234567890
}`

func TestContentIDsHasNoWords(t *testing.T) {
	e := sample()
	e.Data = json.RawMessage(everything)
	got, err := e.IDs("https://desk.example/api/v1/tickets/TICK-1")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(got.Data), "words") {
		t.Errorf("words are left: %s", got.Data)
	}
	const want = `{
 "ticket": {"ticketId":"TICK-1","status":"open","priority":"high","groupId":-100,"createdBy":{"kind":"user","id":"4711"},
  "topic":{"state":"open","telegramTopicId":42},"externalId":"crm-4711",
  "createdAt":"2026-11-29T09:00:00.5Z","updatedAt":"2026-11-29T09:00:00+07:00","closedAt":null},
 "message": {"messageId":"-100:42","sender":{"kind":"user","id":"4711"},
  "topic":{"topicId":"home","groupId":-100,"telegramTopicId":42,"state":"open"},"internal":false,"deleted":false,
  "sentAt":"2026-11-29T09:00:00.000Z","editedAt":null,"replyTo":"-100:41","media":"photo","attachments":["a:1","a:2"],
  "deliveries":[{"topic":{"topicId":"TICK-1:1","state":"open"},"state":"failed","sentAt":null,"telegramMessageIds":[1,2]}],
  "reference":{"media":"poll"},"poll":{"isQuiz":false,"isAnonymous":true,"isClosed":false}},
 "attachment": {"attachmentId":"a:1","fileType":"document","mimeType":"application/pdf","fileSize":7,"state":"refused",
  "uploadedBy":{"kind":"user","id":"4711"}},
 "changes": {"priority":{"before":"low","after":"high"}},
 "actor": {"kind":"apiKey","id":"k1"}, "user": {"userId":4711}, "link":{"linkId":"TICK-1:1","state":"active"},
 "webhook": {"webhookId":"w1","state":"disabled"}, "number": 12345678901234567890,
 "url": "https://desk.example/api/v1/tickets/TICK-1"
}`
	if diff := cmp.Diff(decoded(t, want), decoded(t, string(got.Data))); diff != "" {
		t.Error(diff)
	}
	if got.ID != e.ID || got.TicketID != e.TicketID || got.Number != e.Number {
		t.Errorf("%+v", got)
	}
}

func decoded(t *testing.T, text string) (v any) {
	t.Helper()
	in := json.NewDecoder(strings.NewReader(text))
	in.UseNumber()
	if err := in.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestContentIDsOfWhatIsUnusual(t *testing.T) {
	for data, want := range map[string]string{
		``:                                   `{"url":"u"}`,
		`null`:                               `{"url":"u"}`,
		`{}`:                                 `{"url":"u"}`,
		`{"id":"two words"}`:                 `{"id":null,"url":"u"}`,
		`{"externalId":"ann@example.com"}`:   `{"externalId":null,"url":"u"}`,
		`{"attachments":["a b","c",["d"]]}`:  `{"attachments":["c",["d"]],"url":"u"}`,
		`{"status":{"title":"x","id":"y"}}`:  `{"status":{"id":"y"},"url":"u"}`,
		`{"before":"words","after":"words"}`: `{"url":"u"}`,
		`{"url":"https://words"}`:            `{"url":"u"}`,
	} {
		got, err := Envelope{Data: json.RawMessage(data)}.IDs("u")
		if err != nil || string(got.Data) != want {
			t.Errorf("%s: %s, %v, want %s", data, got.Data, err, want)
		}
	}
	for _, data := range []string{`[]`, `"x"`, `{`} {
		if _, err := (Envelope{Data: json.RawMessage(data)}).IDs("u"); err == nil {
			t.Errorf("%s is taken", data)
		}
	}
	deep := strings.Repeat(`{"ticket":`, 1000) + `{"id":"x"}` + strings.Repeat(`}`, 1000)
	if got, err := (Envelope{Data: json.RawMessage(deep)}).IDs("u"); err != nil || strings.Contains(string(got.Data), "id") {
		t.Errorf("%.100s, %v", got.Data, err)
	}
}

// TestContentIDsOfAnything: whatever an event holds, no string with a space in it is left, and no field that is unknown.
func TestContentIDsOfAnything(t *testing.T) {
	names := rapid.OneOf(rapid.SampledFrom([]string{"id", "ticket", "title", "text", "before", "after", "changes", "status", "metadata", "attachments"}),
		rapid.StringMatching(`[a-z]{1,5}`))
	var value func(depth int) *rapid.Generator[any]
	value = func(depth int) *rapid.Generator[any] {
		return rapid.Custom(func(t *rapid.T) any {
			switch n := rapid.IntRange(0, 5).Draw(t, "kind"); {
			case n == 0 && depth < 4:
				return rapid.MapOfN(names, value(depth+1), 0, 4).Draw(t, "object")
			case n == 1 && depth < 4:
				return rapid.SliceOfN(value(depth+1), 0, 3).Draw(t, "list")
			case n == 2:
				return rapid.SampledFrom([]any{nil, true, 1.5, float64(7)}).Draw(t, "plain")
			}
			return rapid.SampledFrom([]string{"two words", "สวัสดี", "token-1"}).Draw(t, "string")
		})
	}
	rapid.Check(t, func(t *rapid.T) {
		data, err := json.Marshal(rapid.MapOfN(names, value(0), 0, 5).Draw(t, "data"))
		if err != nil {
			t.Fatal(err)
		}
		got, err := Envelope{Data: data}.IDs("u")
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(got.Data, []byte("two words")) || bytes.Contains(got.Data, []byte("สวัสดี")) {
			t.Fatalf("%s becomes %s", data, got.Data)
		}
		var left any
		if err := json.Unmarshal(got.Data, &left); err != nil {
			t.Fatal(err)
		}
		var walk func(any)
		walk = func(v any) {
			switch v := v.(type) {
			case map[string]any:
				for name, inner := range v {
					if !kept[name] && !opened[name] && !inherits[name] && name != "url" {
						t.Fatalf("%s is left of %s", name, data)
					}
					walk(inner)
				}
			case []any:
				for _, inner := range v {
					walk(inner)
				}
			}
		}
		walk(left)
		again, err := Envelope{Data: got.Data}.IDs("u")
		if err != nil || !reflect.DeepEqual(again.Data, got.Data) {
			t.Fatalf("a second time: %s, %s", got.Data, again.Data)
		}
	})
}
