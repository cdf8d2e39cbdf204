package delivery

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// timestamp is the form of times, the same as in the feed.
const timestamp = "2006-01-02T15:04:05.000Z07:00"

// Types of bodies.
const (
	jsonType       = "application/json"
	cloudEventType = "application/cloudevents+json; charset=utf-8"
)

// Envelope is an event as all subscribers read it, feed and endpoints alike.
type Envelope struct {
	ID        string
	Type      string
	Timestamp time.Time
	TicketID  string          // "" is null: an event of no ticket
	Number    int64           // 0 is null
	Data      json.RawMessage // an object; nil is an empty one
}

// Standard is the envelope as JSON, which is sent as application/json.
func (e Envelope) Standard() []byte {
	out := make([]byte, 0, len(e.Data)+256)
	out = append(out, `{"id":`...)
	out = appendString(out, e.ID)
	out = append(out, `,"type":`...)
	out = appendString(out, e.Type)
	out = append(out, `,"timestamp":"`...)
	out = e.Timestamp.UTC().AppendFormat(out, timestamp)
	out = append(out, `","ticketId":`...)
	if e.TicketID == "" {
		out = append(out, "null"...)
	} else {
		out = appendString(out, e.TicketID)
	}
	out = append(out, `,"number":`...)
	if e.Number == 0 {
		out = append(out, "null"...)
	} else {
		out = strconv.AppendInt(out, e.Number, 10)
	}
	return e.appendData(out)
}

// appendData ends an object with the data.
func (e Envelope) appendData(out []byte) []byte {
	out = append(out, `,"data":`...)
	if len(e.Data) == 0 {
		out = append(out, "{}"...)
	} else {
		out = append(out, e.Data...)
	}
	return append(out, '}')
}

// CloudEvent is the event as a structured CloudEvent 1.0 in JSON, and the type by which it is sent. source is who we
// are, a URI, such as the desk's public address. subject is the ticket's id; number is an extension, as text, since
// CloudEvents' integers have 32 bits.
func (e Envelope) CloudEvent(source string) (body []byte, contentType string) {
	out := make([]byte, 0, len(e.Data)+320)
	out = append(out, `{"specversion":"1.0","id":`...)
	out = appendString(out, e.ID)
	out = append(out, `,"source":`...)
	out = appendString(out, source)
	out = append(out, `,"type":`...)
	out = appendString(out, e.Type)
	out = append(out, `,"time":"`...)
	out = e.Timestamp.UTC().AppendFormat(out, timestamp)
	out = append(out, `","datacontenttype":"application/json"`...)
	if e.TicketID != "" {
		out = append(out, `,"subject":`...)
		out = appendString(out, e.TicketID)
	}
	if e.Number != 0 {
		out = append(out, `,"number":"`...)
		out = strconv.AppendInt(out, e.Number, 10)
		out = append(out, '"')
	}
	return e.appendData(out), cloudEventType
}

// appendString appends a JSON string.
func appendString(out []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c >= 0x7f || c == '"' || c == '\\' {
			var quoted bytes.Buffer
			enc := json.NewEncoder(&quoted)
			enc.SetEscapeHTML(false)
			_ = enc.Encode(s) // of a string: it can't fail
			return append(out, bytes.TrimSuffix(quoted.Bytes(), []byte("\n"))...)
		}
	}
	out = append(out, '"')
	out = append(out, s...)
	return append(out, '"')
}

// kept are the fields of data that content "ids" keeps: ids, enumerations, times, numbers and booleans. A field that
// is not listed is left out, whatever it is, so that a new field does not give words away before somebody has thought
// of it.
var kept = set("id", "kind", "type", "state", "status", "priority", "media", "language",
	"ticketId", "messageId", "attachmentId", "linkId", "topicId", "groupId", "telegramTopicId", "telegramGroupId",
	"telegramMessageIds", "telegramId", "userId", "keyId", "webhookId", "eventId", "externalId", "replyTo",
	"attachments", "attachmentIds", "createdAt", "updatedAt", "closedAt", "sentAt", "editedAt", "deletedAt", "dueAt", "at", "since",
	"timestamp", "internal", "deleted", "number", "sequence", "revision", "fileType", "mimeType", "fileSize", "width",
	"height", "pending", "lagMs", "failed", "late", "failures", "attempts", "days", "code", "changed", "fields",
	"isQuiz", "isAnonymous", "isClosed", "allowsMultipleAnswers")

// opened are the fields whose objects are looked into: what they hold is judged by its own names. So are the objects
// of a kept field.
var opened = set("ticket", "message", "attachment", "topic", "link", "user", "actor", "by", "createdBy", "uploadedBy",
	"sender", "home", "deliveries", "reference", "poll", "changes", "webhook", "endpoint", "before", "after", "copy")

// inherits are the fields that are what the field around them is: {"priority":{"before":"low","after":"high"}}.
var inherits = set("before", "after")

func set(names ...string) map[string]bool {
	s := make(map[string]bool, len(names))
	for _, name := range names {
		s[name] = true
	}
	return s
}

// deepest is how many objects and lists may lie in each other.
const deepest = 64

// IDs is the event as an endpoint with content "ids" gets it: no words of people, no titles, texts, names or file
// names. url is where a program with a key can fetch the rest; it becomes data.url.
func (e Envelope) IDs(url string) (Envelope, error) {
	data, err := leftOf(e.Data, url)
	if err != nil {
		return e, fmt.Errorf("the data of event %s: %w", e.ID, err)
	}
	e.Data = data
	return e, nil
}

// WithoutWords is what content "ids" leaves of an event's data (JSON), without a URL.
func WithoutWords(data []byte) ([]byte, error) { return leftOf(data, "") }

func leftOf(data []byte, url string) ([]byte, error) {
	in := json.NewDecoder(bytes.NewReader(data))
	in.UseNumber()
	var whole map[string]any
	if len(data) > 0 {
		if err := in.Decode(&whole); err != nil {
			return nil, fmt.Errorf("they are no object: %w", err)
		}
	}
	out, _ := withoutWords(whole, false, 0).(map[string]any)
	if out == nil {
		out = map[string]any{}
	}
	if url != "" {
		out["url"] = url
	}
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(out); err != nil {
		return nil, fmt.Errorf("write them: %w", err)
	}
	return bytes.TrimSuffix(text.Bytes(), []byte("\n")), nil
}

// withoutWords returns what may stay of a value, which is nil if nothing may. plain: strings may, if they are tokens.
func withoutWords(value any, plain bool, depth int) any {
	if depth > deepest {
		return nil
	}
	switch v := value.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, inner := range v {
			keep := kept[name] || plain && inherits[name]
			if !keep && !opened[name] {
				continue
			}
			if left := withoutWords(inner, keep, depth+1); left != nil || keep {
				out[name] = left
			}
		}
		return out
	case []any:
		out := make([]any, 0, len(v))
		for _, inner := range v {
			if left := withoutWords(inner, plain, depth+1); left != nil {
				out = append(out, left)
			}
		}
		return out
	case string:
		if plain && isToken(v) {
			return v
		}
		return nil
	default: // a number, a boolean or null
		if plain {
			return v
		}
		return nil
	}
}

// isToken says whether a string can be an id, an enumeration or a time. It is a second net below the names: an
// external id, for one, is what a program has made of it.
func isToken(s string) bool {
	for _, c := range []byte(s) {
		switch {
		case '0' <= c && c <= '9', 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
		case c == '-', c == '_', c == '.', c == ':', c == '/', c == '+':
		default:
			return false
		}
	}
	return len(s) <= 255
}
