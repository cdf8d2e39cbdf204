package httpedge

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/view"
)

// What programs may set of an endpoint. What needs more than a look at the body (addresses, headers, templates) its
// entity checks, and says what is at fault.

// maskedHeader is the value of each header that is read back. Sent, it keeps the value that is stored.
const maskedHeader = "***"

// WebhookFields are the settings of an endpoint besides its URL.
type WebhookFields struct {
	Description     *string                 `json:"description,omitempty" maxLength:"500" example:"CRM, production"`
	Events          []string                `json:"events,omitempty" minItems:"1" maxItems:"50" nullable:"false" doc:"Types, patterns such as ticket.*, or * for all." example:"[\"ticket.*\",\"message.sent\"]"`
	Format          string                  `json:"format,omitempty" enum:"standard,cloudevents" doc:"standard: the event as the feed has it. cloudevents: CloudEvents 1.0, structured. Both are signed as Standard Webhooks 1.0.0 says."`
	Ordering        string                  `json:"ordering,omitempty" enum:"ticket,none" doc:"ticket: the events of a ticket arrive in order. none: as they come."`
	MaxConcurrency  int                     `json:"maxConcurrency,omitempty" minimum:"1" maximum:"64" doc:"The most requests under way at a time."`
	MaxPerSecond    Optional[float64]       `json:"maxPerSecond,omitempty" minimum:"0.01" maximum:"10000" doc:"The most requests per second. null: no limit."`
	Content         string                  `json:"content,omitempty" enum:"full,ids" doc:"ids: no words of people, only ids, enumerations and times, and a URL to fetch the rest."`
	Filter          Optional[FilterFields]  `json:"filter,omitempty" doc:"Selects events by their ticket. null: none is left out."`
	Headers         map[string]string       `json:"headers,omitempty" maxProperties:"20" doc:"Headers of each request, such as Authorization. They replace those that are set; the value *** keeps the one that is stored."`
	IncludeInternal *bool                   `json:"includeInternal,omitempty" doc:"Internal notes too. The key needs the scope messages:read."`
	Schedule        Optional[[]float64]     `json:"schedule,omitempty" minItems:"1" maxItems:"32" minimum:"0" maximum:"172800" doc:"Seconds to wait before each attempt; the first is before the first. null: the usual ones."`
	Templates       Optional[view.Metadata] `json:"templates,omitempty" doc:"How requests look: {\"preset\":\"slack\"}, or by type or pattern {\"ticket.*\":{\"method\",\"headers\",\"body\"}}. null: the event as it is."`
	Enabled         *bool                   `json:"enabled,omitempty" doc:"Whether events are delivered. What happens meanwhile waits."`
}

// FilterFields select events by their ticket. What is left out selects all.
type FilterFields struct {
	GroupIDs   []int64       `json:"groupIds,omitempty" maxItems:"20" maximum:"-1" minimum:"-4503599627370495" nullable:"false" doc:"Telegram ids of home groups."`
	Priorities []string      `json:"priorities,omitempty" maxItems:"4" enum:"low,normal,high,urgent" nullable:"false"`
	CreatedBy  []string      `json:"createdBy,omitempty" maxItems:"50" maxLength:"80" pattern:"^(user|apiKey|group|channel):[^:]+$" nullable:"false" doc:"Creators, by kind and id."`
	Metadata   view.Metadata `json:"metadata,omitempty" doc:"By key of the ticket's metadata, a value or a list of them."`
}

// defaultSettings are the settings of an endpoint for which only the URL is sent.
func defaultSettings(url string) *messages.WebhookSettings {
	return &messages.WebhookSettings{Url: url, Format: "standard", Ordering: "ticket", Content: "full", MaxConcurrency: 8,
		Filter: &messages.WebhookFilter{}, Enabled: true}
}

// setFields changes settings as the fields that were sent say. groupID is the only group that the endpoint hears.
func (a *API) setFields(ctx context.Context, c *call, s *messages.WebhookSettings, f *WebhookFields, groupID string) error {
	had := s.IncludeInternal
	set(&s.Description, f.Description)
	set(&s.IncludeInternal, f.IncludeInternal)
	set(&s.Enabled, f.Enabled)
	setUnless(&s.Format, f.Format, "")
	setUnless(&s.Ordering, f.Ordering, "")
	setUnless(&s.Content, f.Content, "")
	setUnless(&s.MaxConcurrency, int32(f.MaxConcurrency), 0)
	if f.MaxPerSecond.Sent {
		s.MaxPerSecond = f.MaxPerSecond.Value // 0 for null
	}
	if f.Schedule.Sent {
		s.Schedule = f.Schedule.Value
	}
	if f.Templates.Sent {
		s.Templates = f.Templates.Value
	}
	if err := setEvents(s, f.Events); err != nil {
		return err
	}
	if err := setHeaders(s, f.Headers); err != nil {
		return err
	}
	if f.Filter.Sent {
		filter, err := a.filterOf(ctx, c, &f.Filter.Value, groupID)
		if err != nil {
			return err
		}
		s.Filter = filter
	}
	// Also when somebody else has set it: who could change the URL would get the notes. And when it ends by this change: what
	// is under way then still has them.
	if (had || s.IncludeInternal) && !messages.ScopeAllows(c.key.Scopes, scopeMessagesRead) {
		return problem(codeScopeMissing, "An endpoint with includeInternal needs the scope messages:read.")
	}
	return nil
}

func set[T any](field *T, sent *T) {
	if sent != nil {
		*field = *sent
	}
}

func setUnless[T comparable](field *T, sent, none T) {
	if sent != none {
		*field = sent
	}
}

func setEvents(s *messages.WebhookSettings, events []string) error {
	for i, t := range events {
		if !knownType(t) {
			return invalid(fmt.Sprintf("/events/%d", i), "that is no type of event, nor a pattern of some; see /events/types")
		}
	}
	switch {
	case slices.Contains(events, "*"):
		s.Events = nil
	case events != nil:
		s.Events = events
	}
	return nil
}

func setHeaders(s *messages.WebhookSettings, headers map[string]string) error {
	if headers == nil {
		return nil
	}
	lines := make([]*messages.HeaderLine, 0, len(headers))
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		kept := func(h *messages.HeaderLine) bool { return strings.EqualFold(h.Name, name) }
		if headers[name] == maskedHeader && !slices.ContainsFunc(s.Headers, kept) {
			return invalid("/headers/"+pointerEscapes.Replace(name), "*** keeps the value that is stored, and none is")
		}
		lines = append(lines, &messages.HeaderLine{Name: name, Value: headers[name]})
	}
	s.Headers = lines
	return nil
}

var pointerEscapes = strings.NewReplacer("~", "~0", "/", "~1")

// filterOf checks a filter. An endpoint of one group hears nothing of another, so that a filter must not name one.
func (a *API) filterOf(ctx context.Context, c *call, f *FilterFields, groupID string) (*messages.WebhookFilter, error) {
	m := &messages.WebhookFilter{Priorities: f.Priorities, CreatedBy: f.CreatedBy}
	for i, chat := range f.GroupIDs {
		pointer := fmt.Sprintf("/filter/groupIds/%d", i)
		place, err := a.place(ctx, c, chat)
		if err != nil {
			return nil, unknownGroup(err, pointer)
		}
		if groupID != "" && place != groupID {
			return nil, invalid(pointer, "the endpoint hears another group alone")
		}
		m.GroupIds = append(m.GroupIds, place)
	}
	var err error
	m.Metadata, err = metadataFilter(f.Metadata)
	return m, err
}

// metadataFilter checks that a filter has, by key, a value or a list of values.
func metadataFilter(filter view.Metadata) ([]byte, error) {
	const at = "/filter/metadata"
	if len(filter) == 0 {
		return nil, nil
	}
	var byKey map[string]json.RawMessage
	if len(filter) > maxMetadata || json.Unmarshal(filter, &byKey) != nil {
		return nil, invalid(at, "expected an object of at most 8192 bytes")
	}
	for key, raw := range byKey {
		var value any
		_ = json.Unmarshal(raw, &value) // it was parsed before
		list, ok := value.([]any)
		if !ok {
			list = []any{value}
		}
		for _, v := range list {
			switch v.(type) {
			case string, bool, float64:
			default:
				return nil, invalid(at+"/"+pointerEscapes.Replace(key), "expected a text, a number, true or false, or a list of these")
			}
		}
	}
	if len(byKey) == 0 {
		return nil, nil
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, filter); err != nil {
		return nil, invalid(at, "expected an object")
	}
	return compact.Bytes(), nil
}

// changeable are the settings of an endpoint, as they are sent back to change some of them.
func changeable(w *messages.Webhook) *messages.WebhookSettings {
	s := proto.CloneOf(w.Settings)
	if s.Filter == nil {
		s.Filter = &messages.WebhookFilter{}
	}
	s.Filter.ChatIds = nil
	return s
}
