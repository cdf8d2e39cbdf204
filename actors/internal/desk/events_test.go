package desk

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/storage"
)

// oneGroup is a store in which only a group is looked for.
type oneGroup struct{ storage.Store }

func (oneGroup) Group(context.Context, string) (*storage.Group, error) {
	return &storage.Group{GroupID: "g1", TelegramGroupID: -1001234567890}, nil
}

func ticketWithAMessage() (*storage.Ticket, *storage.Message) {
	at := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	r := &storage.Ticket{
		TicketID: "TICK-MWWK9D73-FBC14E0C", Title: "Printer is on fire", Description: "Third floor, next to the lift.",
		Status: "open", Priority: "high", CreatedBy: storage.Creator{Kind: "user", ID: "4711", Name: "Ann"},
		GroupID: "g1", Metadata: []byte(`{"customer":"ACME"}`), CreatedAt: at, UpdatedAt: at,
		Home: storage.Topic{TopicID: "home", GroupID: "g1", TelegramTopicID: 42, Name: "Printer is on fire · FBC14E0C"},
		Links: []storage.Link{{LinkID: "TICK-MWWK9D73-FBC14E0C:1", Topic: storage.Topic{
			TopicID: "TICK-MWWK9D73-FBC14E0C:1", GroupID: "g1", TelegramTopicID: 43, Name: "Printer is on fire · FBC14E0C"}}},
	}
	m := &storage.Message{
		MessageID: "-1001234567890:43", TicketID: r.TicketID, Sequence: 7, TopicID: "home", GroupID: "g1",
		Sender: storage.Sender{ID: 4711, Kind: "user", Name: "Ann"}, Text: strings.Repeat("No paper either. ", 6),
		Entities: []storage.Entity{{Type: "bold", Offset: 3, Length: 5}}, SentAt: at, RecordedAt: at,
	}
	return r, m
}

// BenchmarkMessageSent is what the event of a message costs a ticket: 500 of them a second must not be felt.
func BenchmarkMessageSent(b *testing.B) {
	r, m := ticketWithAMessage()
	s := Seen{Store: oneGroup{}, Aliases: &Aliases{}}
	b.ReportAllocs()
	for b.Loop() {
		if e, err := s.MessageSent(b.Context(), r, m, ""); err != nil || len(e.Data) == 0 {
			b.Fatal(err)
		}
	}
}
