package main

import (
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	collected "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/simulator"
)

// collector is a collector of OpenTelemetry.
type collector struct {
	url string

	mu       sync.Mutex
	spans    []*otlp.Span
	services map[string]bool
	keys     map[string]bool // values of the header api-key
}

func newCollector(t *testing.T) *collector {
	c := &collector{services: map[string]bool{}, keys: map[string]bool{}}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		m := &collected.ExportTraceServiceRequest{}
		if err == nil {
			err = proto.Unmarshal(body, m)
		}
		if err != nil || r.URL.Path != "/v1/traces" {
			t.Errorf("%s: %v", r.URL.Path, err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.keys[r.Header.Get("api-key")] = true
		for _, of := range m.ResourceSpans {
			for _, a := range of.Resource.Attributes {
				if a.Key == "service.name" {
					c.services[a.Value.GetStringValue()] = true
				}
			}
			for _, scope := range of.ScopeSpans {
				c.spans = append(c.spans, scope.Spans...)
			}
		}
	}))
	t.Cleanup(s.Close)
	c.url = s.URL
	return c
}

func (c *collector) of(traceID string) (spans []*otlp.Span) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.spans {
		if traceID == "" || hex.EncodeToString(s.TraceId) == traceID {
			spans = append(spans, s)
		}
	}
	return spans
}

// way is how a span came to be: the names from the first span of its trace, but for repeated ones.
func way(all []*otlp.Span, s *otlp.Span) string {
	for _, parent := range all {
		if slices.Equal(parent.SpanId, s.ParentSpanId) {
			return way(all, parent) + " > " + s.Name
		}
	}
	return s.Name
}

func ways(all []*otlp.Span) (ways []string) {
	for _, s := range all {
		ways = append(ways, way(all, s))
	}
	slices.Sort(ways)
	return slices.Compact(ways)
}

// lacks lists what no way has, as parts in this order.
func lacks(ways []string, wanted ...[]string) (lacking []string) {
	for _, parts := range wanted {
		has := slices.ContainsFunc(ways, func(way string) bool {
			for _, part := range parts {
				_, rest, found := strings.Cut(way, part)
				if !found {
					return false
				}
				way = rest
			}
			return true
		})
		if !has {
			lacking = append(lacking, fmt.Sprint(parts))
		}
	}
	return lacking
}

// receiver keeps the traceparent of each delivery.
type receiver struct {
	url string

	mu    sync.Mutex
	heard []string
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{}
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.heard = append(r.heard, req.Header.Get("traceparent"))
	}))
	t.Cleanup(s.Close)
	r.url = s.URL
	return r
}

func (r *receiver) has(part string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.ContainsFunc(r.heard, func(h string) bool { return strings.Contains(h, part) })
}

func (r *receiver) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.heard)
}

// TestTraces follows a request, and an update, through the whole desk to a collector and to a webhook.
func TestTraces(t *testing.T) {
	t.Parallel()
	c, r := newCollector(t), newReceiver(t)
	h := newHooked(t, "OTEL_EXPORTER_OTLP_ENDPOINT", c.url, "OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%20key",
		"OTEL_SERVICE_NAME", "our desk", "OTEL_BSP_SCHEDULE_DELAY", "50")
	h.begin()
	h.register()
	h.hook(map[string]any{"url": r.url, "events": []string{"message.sent"}})
	var made writtenTicket
	h.call("POST", "/tickets", map[string]any{"title": "Printer", "groupId": h.support}, &made, "Prefer", "wait=30")

	const traceID, parentID = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	h.call("POST", "/tickets/"+made.TicketID+"/messages", map[string]any{"text": "very private words"}, nil,
		"traceparent", "00-"+traceID+"-"+parentID+"-01")
	request := "POST /api/v1/tickets/{id}/messages"
	wanted := [][]string{
		{request, " > ticket ", " > storage InsertMessage"},
		{request, " > link Copy", " > chat Send", " > call ", " > telegram sendMessage"},
		{request, " > call ", " > link Done", " > storage SaveCopy"},
		{request, " > ticket ", " > deliver message.sent"},
	}
	var missing []string
	defer func() {
		if t.Failed() {
			t.Logf("missing: %v\nheard: %q\n%s", missing, r.heard, strings.Join(ways(c.of("")), "\n"))
		}
	}()
	h.soonTrue("the trace of the request is whole", func() int { return len(c.of("")) }, func() bool {
		missing = lacks(ways(c.of(traceID)), wanted...)
		missing = append(missing, lacks(ways(c.of("")), []string{" > log AppendEvents"})...) // one write may be for others, too, and belongs to one of them
		return len(missing) == 0 && r.has(traceID)
	})
	spans := c.of(traceID)
	for _, s := range spans {
		if s.Name == request && hex.EncodeToString(s.ParentSpanId) != parentID {
			t.Errorf("the request's parent is %x", s.ParentSpanId)
		}
		if s.Name == "deliver message.sent" && !r.has("00-"+traceID+"-"+hex.EncodeToString(s.SpanId)+"-01") {
			t.Errorf("the endpoint heard %q, not of span %x", r.heard, s.SpanId)
		}
	}

	posted := func(chat int64, part string) func() bool {
		return func() bool {
			for _, topic := range append(h.sim.Topics(chat), simulator.Topic{}) {
				if slices.ContainsFunc(h.sim.Messages(chat, topic.Thread), func(m simulator.Message) bool { return strings.Contains(m.Text, part) }) {
					return true
				}
			}
			return false
		}
	}
	calls := func() int { return h.sim.CallStats().Total }
	h.say(h.bob, h.works, 0, "/default_group")
	h.soonTrue("Bob has a default group", calls, func() bool { // the group says so before it is written down with Bob
		var users struct{ Data []struct{ TelegramID int64 } }
		h.call("GET", fmt.Sprintf("/users?defaultGroupId=%d", h.works), nil, &users)
		return len(users.Data) == 1
	})
	h.say(h.alice, h.support, made.Topic.TelegramTopicID, "/mention @bob_b")
	h.say(h.alice, h.support, made.Topic.TelegramTopicID, "first words")
	h.soonTrue("messages are copied to Works", calls, posted(h.works, "first words"))
	h.say(h.alice, h.support, made.Topic.TelegramTopicID, "other private words")
	update := func() (id string) {
		for _, s := range c.of("") {
			for _, a := range s.Attributes {
				if s.Name == "update message" && a.Key == "topicdesk.ticket" && a.Value.GetStringValue() == made.TicketID {
					id = hex.EncodeToString(s.TraceId)
				}
			}
		}
		return id
	}
	h.soonTrue("the trace of the update is whole", func() int { return len(c.of("")) }, func() bool {
		id := update()
		return id != "" && r.has(id) && len(lacks(ways(c.of(id)),
			[]string{"update message > ticket RecordMessage > storage InsertMessage"},
			[]string{"update message > ", " > link Copy", " > chat Send", " > call ", " > telegram sendMessage"},
			[]string{"update message > ", " > deliver message.sent"})) == 0
	})

	status, _, err := h.request("GET", "/tickets", nil, "Authorization", "Bearer td_live_wrong", "traceparent", "00-11111111111111111111111111111111-b7ad6b7169203331-01")
	if err != nil || status != http.StatusUnauthorized {
		t.Fatal(status, err)
	}
	h.end() // which sends what is left
	if spans := c.of("11111111111111111111111111111111"); len(spans) > 0 {
		t.Errorf("a stranger has made %v", ways(spans))
	}
	if !c.services["our desk"] || !c.keys["a key"] || len(c.services) != 1 || len(c.keys) != 1 {
		t.Error(c.services, c.keys)
	}
	for _, s := range c.of("") {
		if text := s.String(); strings.Contains(text, "private words") || strings.Contains(text, h.sim.Token()) ||
			strings.Contains(text, h.url) || strings.Contains(text, r.url) {
			t.Errorf("a span tells too much: %s", text)
		}
	}
}

// TestTracesThatAreNotSampled are neither sent nor is anything else changed, but for the ids that a program gave.
func TestTracesThatAreNotSampled(t *testing.T) {
	t.Parallel()
	c, r := newCollector(t), newReceiver(t)
	h := newHooked(t, "OTEL_EXPORTER_OTLP_ENDPOINT", c.url, "OTEL_TRACES_SAMPLER", "parentbased_traceidratio",
		"OTEL_TRACES_SAMPLER_ARG", "0", "OTEL_BSP_SCHEDULE_DELAY", "50")
	h.begin()
	h.register()
	h.hook(map[string]any{"url": r.url, "events": []string{"message.sent"}})
	var made writtenTicket
	h.call("POST", "/tickets", map[string]any{"title": "Printer", "groupId": h.support}, &made, "Prefer", "wait=30")
	path, text := "/tickets/"+made.TicketID+"/messages", map[string]any{"text": "words"}
	h.call("POST", path, text, nil)
	h.call("POST", path, text, nil, "traceparent", "not a traceparent")
	h.call("POST", path, text, nil, "traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00")
	h.soonTrue("all are delivered", r.count, func() bool { return r.count() == 3 })
	h.end()
	if spans := c.of(""); len(spans) > 0 {
		t.Errorf("sent: %v", ways(spans))
	}
	slices.Sort(r.heard)
	if r.heard[0] != "" || r.heard[1] != "" || !strings.HasPrefix(r.heard[2], "00-0af7651916cd43dd8448eb211c80319c-") ||
		!strings.HasSuffix(r.heard[2], "-00") {
		t.Errorf("heard %q", r.heard)
	}
}
