package storagetest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"github.com/topicdesk/topicdesk/storage"
)

// day is when the records of the suite were created.
var day = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

func minute(n int) time.Time { return day.Add(time.Duration(n) * time.Minute) }

// fill sets every field of the record that to points to, at any depth, to a different value, which from determines.
// So a field that a store loses, or confuses with another, shows. Slices get two elements.
func fill(to any, from int) {
	n := from
	fillValue(reflect.ValueOf(to).Elem(), "", &n)
}

func fillValue(v reflect.Value, name string, n *int) {
	*n++
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(day.Add(time.Duration(*n)*time.Hour + time.Duration(*n)*time.Millisecond)))
		return
	case json.RawMessage:
		v.Set(reflect.ValueOf(json.RawMessage(fmt.Sprintf(`{"%s":[%d,"<&>",1.5,null]}`, name, *n))))
		return
	case map[string]string:
		v.Set(reflect.ValueOf(map[string]string{"2026-12-25": "closed", "2026-12-26": fmt.Sprintf("%s <&> %d", name, *n)}))
		return
	case []byte:
		v.SetBytes([]byte{0, 0xff, byte(*n), '"'})
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprintf("%s-%d", name, *n))
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(int64(1000 + *n))
	case reflect.Float64:
		v.SetFloat(float64(*n) + 0.125)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fillValue(v.Elem(), name, n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			fillValue(v.Index(i), name, n)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fillValue(v.Field(i), v.Type().Field(i).Name, n)
		}
	default:
		panic(fmt.Sprintf("storagetest: fill has no value for a field of type %s; add one", v.Type()))
	}
}

func aTicket(id string) *storage.Ticket {
	return &storage.Ticket{
		TicketID: id, ShortID: "0A1B2C3D", Title: "Printer", Status: "open", Priority: "normal", GroupID: "g1",
		CreatedBy: storage.Creator{Kind: "user", ID: "7", Name: "Nok"}, CreatedAt: day, UpdatedAt: day,
		LastMessageAt: day, Home: storage.Topic{TopicID: "home", GroupID: "g1", Name: "Printer"},
	}
}

func aLink(ticket string, n int, group string, thread int64) storage.Link {
	id := fmt.Sprintf("%s:%d", ticket, n)
	return storage.Link{
		LinkID: id, CreatedAt: day,
		Topic: storage.Topic{TopicID: id, GroupID: group, TelegramTopicID: thread, Name: "Printer"},
	}
}

func aMessage(ticket string, sequence int64) *storage.Message {
	return &storage.Message{
		MessageID: fmt.Sprintf("-100%s:%d", ticket, sequence), TicketID: ticket, Sequence: sequence, TopicID: "home",
		GroupID: "g1", Sender: storage.Sender{ID: 7, Kind: "user", Name: "Nok"}, Text: "No paper",
		SentAt: day, RecordedAt: day,
	}
}

func aCopy(message, topic, link string, sequence int64, parts ...int64) *storage.Copy {
	return &storage.Copy{
		MessageID: message, TopicID: topic, LinkID: link, TicketID: "T1", Sequence: sequence, GroupID: "g2",
		ChatID: -1002, Parts: parts, Wanted: len(parts), State: "sent", SentAt: day,
	}
}

// anEvent returns an event of a ticket that has its partition alone, so that its position is its number.
func anEvent(ticket string, number int64) storage.Event {
	return storage.Event{
		EventID: fmt.Sprintf("%s/%d", ticket, number), TicketID: ticket, Number: number, Type: "message.sent", At: day,
		Partition: storage.PartitionOf(ticket), Position: number, Data: json.RawMessage(`{"n":1}`),
	}
}

func anAPIKey(id string) *storage.APIKey {
	return &storage.APIKey{
		KeyID: id, Name: "CRM", Scopes: []string{"tickets:read"}, CreatedAt: day, UpdatedAt: day,
		Secrets:     []storage.KeySecret{{Hash: []byte{1, 0xff}, CommandID: "c1", CreatedAt: day}},
		WebSessions: []storage.KeySession{{Hash: []byte{2, 0xfe}, KeyHash: []byte{1, 0xff}, CreatedAt: day, ExpiresAt: day.AddDate(0, 0, 1)}},
	}
}

func anIdempotency(id string) *storage.Idempotency {
	return &storage.Idempotency{
		RequestID: id, Fingerprint: []byte{0, 0xfe}, Status: 201, Headers: []storage.Header{{Name: "Location", Value: "/x"}},
		Body: []byte("{}"), CreatedAt: day, ExpiresAt: day.AddDate(0, 0, 1),
	}
}

func aWebhook(id string) *storage.Webhook {
	return &storage.Webhook{
		WebhookID: id, KeyID: "k1", URL: "https://crm.example/hook", Format: "standard", Ordering: "ticket",
		Content: "full", MaxConcurrency: 8, Enabled: true, CreatedAt: day, UpdatedAt: day,
		Secrets: []storage.WebhookSecret{{Sealed: []byte{0, 0xff}}},
	}
}

// aDelivery returns the delivery of the event at a position of partition 0.
func aDelivery(webhook string, position int64) *storage.Delivery {
	return &storage.Delivery{
		WebhookID: webhook, EventID: fmt.Sprintf("evt_%d", position), TicketID: "A", Number: position,
		Type: "message.sent", Position: position, EventAt: day.Add(-time.Second), State: storage.DeliveryPending,
		CreatedAt: day, UpdatedAt: day,
	}
}

func aReplay(id string) *storage.Replay {
	return &storage.Replay{ReplayID: id, WebhookID: "wh_1", State: "running", CreatedAt: day, UpdatedAt: day}
}

func aConsumer(name string) *storage.Consumer {
	return &storage.Consumer{KeyID: "k1", Name: name, Cursor: "c", UpdatedAt: day}
}
