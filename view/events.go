package view

import (
	"encoding/json"
	"reflect"
	"strings"
	"time"

	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
)

// EventType is a type of event: what messages.Events says of it, the type of its data, and an example.
type EventType struct {
	messages.Event
	Data reflect.Type // of its data
	data any          // an example of it
}

// EventTypes has every type of event, in the order of messages.Events.
var EventTypes = eventTypes()

func eventTypes() []EventType {
	all := make([]EventType, 0, len(messages.Events))
	for _, e := range messages.Events {
		data := exampleData[e.Type]
		all = append(all, EventType{Event: e, Data: reflect.TypeOf(data), data: data})
	}
	return all
}

// EventTypeOf finds a type of event by its name.
func EventTypeOf(name string) (EventType, bool) {
	for _, e := range EventTypes {
		if e.Type == name {
			return e, true
		}
	}
	return EventType{}, false
}

// Schema is the name of the schema of the whole event: TicketCreatedEvent for ticket.created.
func (e EventType) Schema() string {
	name := ""
	for _, part := range strings.Split(e.Type, ".") {
		name += strings.ToUpper(part[:1]) + part[1:]
	}
	return name + "Event"
}

// Example is an event of the type.
func (e EventType) Example() Envelope {
	data, err := json.Marshal(e.data)
	if err != nil {
		panic("the example of " + e.Type + ": " + err.Error()) // of constants: a test has it made
	}
	v := Envelope{ID: ids.EventID(e.Type + "/example"), Type: e.Type, Timestamp: Timestamp(ExampleTime.Time), Data: data}
	if !e.NoTicket {
		ticketID, number := ExampleTicket("open").TicketID, int64(7)
		v.TicketID, v.Number = &ticketID, &number
	}
	return v
}

// exampleData are examples of the data of each type of event. Their types are those of the data.
var exampleData = func() map[string]any {
	ticket, someone := ExampleTicket("open"), Creator{Kind: "user", ID: "4711", Name: "Ann"}
	of := TicketData{Ticket: ticket, Actor: Nullable[Creator]{&someone}}
	itself := TicketData{Ticket: ticket}
	fresh := TicketData{Ticket: ExampleTicket("pending"), Actor: Nullable[Creator]{&Creator{Kind: "apiKey", ID: "k7c2m4q3x5ad", Name: "CRM"}}}
	closed := of
	closed.Ticket.Status, closed.Ticket.ClosedAt = "closed", &ExampleTime
	closed.Ticket.WaitingFor, closed.Ticket.WaitingSince = "nobody", nil
	claimed := of
	claimed.Ticket.Assignee.Value = &someone
	late, aside, until := itself, of, Time{ExampleTime.Add(24 * time.Hour)}
	late.Ticket.AnswerDueAt, late.Ticket.OverdueSince = &ExampleTime, &ExampleTime
	aside.Ticket.SnoozedUntil = &until
	other := ExampleLink().Topic
	missing := ExamplePendingLink().Topic
	missing.State, missing.Reason = "failed", "Telegram knows no such topic in this group"
	message := ExampleMessage()
	message.Deliveries = []Delivery{{Topic: other, State: "pending", TelegramMessageIDs: []int64{}}}
	said := MessageData{TicketData: of, Message: message}
	edited, deleted, failed := said, said, said
	edited.Message.EditedAt, deleted.Message.Deleted = &ExampleTime, true
	const why = "Bad Request: TOPIC_CLOSED"
	failed.Actor.Value = nil
	failed.Message.Deliveries = []Delivery{{Topic: other, State: "failed", Reason: why, TelegramMessageIDs: []int64{}}}
	thumb, in := "👍", ExampleMessage().MessageID
	refused := ExampleAttachment()
	refused.State, refused.Reason, refused.DownloadURL = "refused", "files of the type .exe are refused", nil
	webhook := WebhookRef{WebhookID: "wh_m5kt2mmmwfx5ttk4mzdk", Description: "CRM", Host: "hooks.example.com"}
	return map[string]any{
		messages.EventTicketCreated: fresh,
		messages.EventTicketUpdated: TicketUpdatedData{TicketData: of,
			Changes: Changes{Priority: &Change[string]{Before: "normal", After: ticket.Priority}}},
		messages.EventTicketClosed:   TicketClosedData{TicketData: closed, Reason: "Solved"},
		messages.EventTicketReopened: of,
		messages.EventTicketAssigned: TicketAssignedData{TicketData: claimed, Assignee: someone},
		messages.EventTicketReleased: TicketReleasedData{TicketData: of, Previous: someone, Reason: "released"},
		messages.EventTicketOverdue:  TicketOverdueData{TicketData: late, DueAt: ExampleTime},
		messages.EventTicketSnoozed:  TicketSnoozedData{TicketData: aside, Until: &until},
		messages.EventMessageSent:    said,
		messages.EventMessageEdited: MessageEditedData{MessageData: edited, Previous: Nullable[PreviousContent]{
			&PreviousContent{Text: "No paper ether.", Entities: []TextEntity{}}}},
		messages.EventMessageReacted: MessageReactedData{MessageData: said,
			Reaction: Reaction{Emoji: &thumb, TopicID: "home"}},
		messages.EventMessageDeleted: deleted,
		messages.EventMessageFailed:  MessageFailedData{MessageData: failed, Topic: other, Reason: why},
		messages.EventUserMentioned: UserMentionedData{TicketData: of,
			User: LinkUser{UserID: 4711, Name: "Ben Carter"}, Topic: other},
		messages.EventTopicCreated:  TopicData{TicketData: itself, Topic: ExampleTopic()},
		messages.EventTopicLinked:   TopicData{TicketData: of, Topic: other},
		messages.EventTopicUnlinked: TopicData{TicketData: of, Topic: other},
		messages.EventTopicFailed: TopicFailedData{TopicData: TopicData{TicketData: itself, Topic: missing},
			Reason: missing.Reason},
		messages.EventAttachmentStored:  AttachmentData{TicketData: itself, Attachment: ExampleAttachment(), MessageID: &in},
		messages.EventAttachmentRefused: AttachmentData{TicketData: itself, Attachment: refused, MessageID: &in},
		messages.EventWebhookFailing: WebhookFailingData{Webhook: webhook, Stage: "early", FailingSince: ExampleTime,
			LastError: "answered 503", Pending: 12},
		messages.EventWebhookRecovered: WebhookRecoveredData{Webhook: webhook, FailingSince: ExampleTime, Late: 12},
		messages.EventWebhookDisabled: WebhookDisabledData{Webhook: webhook, Reason: "failing",
			FailingSince: &ExampleTime, LastError: "answered 503", Pending: 4711},
		messages.EventErrorOccurred: ErrorOccurredData{Fingerprint: "9f2c4e11", Component: "storage",
			Message: "the disk is full", Count: 1, FirstAt: ExampleTime, LastAt: ExampleTime,
			Level: "error", WebhookIDs: []string{}},
	}
}()
