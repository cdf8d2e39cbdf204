package desk

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
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

func TestMessageSentIsOfTheFirstVersion(t *testing.T) {
	r, m := ticketWithAMessage()
	s := Seen{Store: oneGroup{}, Aliases: &Aliases{}}
	was, err := s.MessageSent(t.Context(), r, m, "")
	if err != nil {
		t.Fatal(err)
	}
	changed := *m
	changed.Revision, changed.Text, changed.Internal, changed.Deleted = 2, "edited", true, true
	changed.Former = []storage.Previous{{Text: m.Text, Entities: m.Entities}, {Text: "between"}}
	changed.EditedAt = m.SentAt.Add(time.Hour)
	is, err := s.MessageSent(t.Context(), r, &changed, "")
	if err != nil || !reflect.DeepEqual(is, was) {
		t.Errorf("made again after changes: %v, %+v, was %+v", err, is, was)
	}
}

func TestOldEventIDs(t *testing.T) {
	was := messages.EventMessageSent + "/-1001234567890:43"
	is := ids.EventID(was)
	if EventID(was) != is || EventID(is) != is {
		t.Errorf("%s, %s, want %s", EventID(was), EventID(is), is)
	}
	fresh := EventsSince([]storage.Event{{EventID: was}}, []storage.Event{{EventID: is}, {EventID: "evt_b"}})
	if len(fresh) != 1 || fresh[0].EventID != "evt_b" {
		t.Errorf("%+v", fresh)
	}
}

// TestStorageThatFails: no event is made with half of what it should tell.
func TestStorageThatFails(t *testing.T) {
	r, m := ticketWithAMessage()
	s := Seen{Store: noGroup{}, Aliases: &Aliases{}}
	if e, err := s.MessageSent(t.Context(), r, m, ""); !errors.Is(err, storage.ErrUnavailable) || len(e.Data) > 0 {
		t.Errorf("%v, %+v", err, e)
	}
}

type noGroup struct{ storage.Store }

func (noGroup) Group(context.Context, string) (*storage.Group, error) {
	return nil, storage.ErrUnavailable
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
