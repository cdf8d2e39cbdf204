package view

import (
	"time"

	"github.com/topicdesk/topicdesk/messages"
)

// Examples, as the API's document and the catalogue of events show them.

// ExampleTime is when everything in the examples happens.
var ExampleTime = Time{time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)}

// ExampleTicket is a ticket whose home topic is in that state: pending or open.
func ExampleTicket(state string) Ticket {
	external, thread := "crm-4711", int64(42)
	t := Ticket{
		TicketID: "TICK-MWWK9D73-FBC14E0C", Number: 42, Title: "Printer is on fire", Description: "Third floor, next to the lift.",
		DescriptionEntities: []TextEntity{}, Status: "open", Priority: "high", GroupID: -1001234567890,
		CreatedBy:  Creator{Kind: "apiKey", ID: "k7c2m4q3x5ad", Name: "CRM"},
		Customer:   Creator{Kind: "apiKey", ID: "k7c2m4q3x5ad", Name: "CRM"},
		Topic:      HomeTopic{State: state, Name: "#42 Printer is on fire"},
		ExternalID: &external, Metadata: Metadata(`{"customer":"ACME"}`), CreatedAt: ExampleTime, UpdatedAt: ExampleTime,
		LastMessageAt: ExampleTime, WaitingFor: "desk", WaitingSince: &ExampleTime,
	}
	if state == "open" {
		t.Topic.TelegramTopicID, t.Topic.Link = &thread, exampleTopicLink(thread)
	}
	return t
}

// ExampleTopic is a home topic.
func ExampleTopic() TopicRef {
	group, thread := int64(-1001234567890), int64(42)
	return TopicRef{TopicID: "home", GroupID: &group, TelegramTopicID: &thread, Link: exampleTopicLink(thread),
		Name: "#42 Printer is on fire", State: "open"}
}

func exampleTopicLink(thread int64) *string {
	link := messages.TopicURL(-1001234567890, thread)
	return &link
}

// ExampleMessage is a message in it.
func ExampleMessage() Message {
	return Message{
		MessageID: "-1001234567890:43", Text: "No paper either.", Entities: []TextEntity{},
		Sender: Author{Kind: "user", ID: "4711", Name: "Ann"}, Topic: ExampleTopic(), SentAt: ExampleTime,
		Attachments: []string{}, Deliveries: []Delivery{},
	}
}

// ExampleAttachment is a stored file.
func ExampleAttachment() Attachment {
	content := "/api/v1/attachments/api:mabcdefghijklmnopqrstuvwx.upload/content"
	return Attachment{
		AttachmentID: "api:mabcdefghijklmnopqrstuvwx.upload", TicketID: "TICK-MWWK9D73-FBC14E0C",
		FileName: "report.pdf", FileType: "document", MimeType: "application/pdf", FileSize: 48213,
		State: "stored", DownloadURL: &content,
		UploadedBy: Creator{Kind: "apiKey", ID: "k7c2m4q3x5ad", Name: "CRM"}, CreatedAt: ExampleTime,
	}
}

// ExampleLink is the link of a person who was mentioned.
func ExampleLink() Link {
	other := ExampleTopic()
	group, thread := int64(-1001234567891), int64(43)
	other.TopicID, other.GroupID, other.TelegramTopicID = "TICK-MWWK9D73-FBC14E0C:1", &group, &thread
	link := messages.TopicURL(group, thread)
	other.Link = &link
	return Link{
		LinkID: other.TopicID, State: "active", Home: ExampleTopic(), Topic: other,
		User:      Nullable[LinkUser]{&LinkUser{UserID: 4711, Name: "Ben Carter"}},
		CreatedBy: Creator{Kind: "apiKey", ID: "k7c2m4q3x5ad", Name: "CRM"}, CreatedAt: ExampleTime,
		Sync: LinkSync{Failures: []FailedCopy{}},
	}
}

// ExamplePendingLink is one that a program has just made.
func ExamplePendingLink() Link {
	link := ExampleLink()
	link.State, link.Topic.State, link.User.Value = "pending", "pending", nil
	return link
}
