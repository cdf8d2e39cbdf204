package mongotest_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/storage/mongodb"
)

// TestNumberTickets: the tickets of schema 3 are numbered in the order of their creation, with the time of their last
// message, though two nodes migrate at the same time, and one was killed in the middle before.
func TestNumberTickets(t *testing.T) {
	t.Parallel()
	server, o := onFerret(t)
	name := newDatabase()
	s := o.open(t, name)
	const many = 40
	created := func(n int) time.Time { return time.UnixMilli(int64(1_800_000_000_000 + n/3)).UTC() }
	said := created(99)
	id := func(n int) string { return fmt.Sprintf("TICK-%03d", n) }
	for n := range many {
		err := s.SaveTicket(t.Context(), &storage.Ticket{TicketID: id(n), Status: storage.Statuses[n%3], Title: "Printer",
			CreatedAt: created(n), UpdatedAt: created(n), Home: storage.Topic{TopicID: "home", GroupID: "g1"}})
		if err == nil && n%5 == 0 {
			err = s.InsertMessage(t.Context(), &storage.Message{
				MessageID: fmt.Sprint("m", n), TicketID: id(n), Sequence: 1, SentAt: said, RecordedAt: said})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	database := connect(t, server.URI()).Database(name)
	tickets := database.Collection("tickets")
	all := bson.D{}
	_, err := tickets.UpdateMany(t.Context(), all, bson.D{{Key: "$unset", Value: bson.D{
		{Key: "number", Value: ""}, {Key: "lastMessageAt", Value: ""}}}})
	if err == nil { // the first was numbered before the kill
		_, err = tickets.UpdateOne(t.Context(), bson.D{{Key: "_id", Value: id(0)}}, bson.D{{Key: "$set", Value: bson.D{
			{Key: "number", Value: int64(1)}, {Key: "index.number", Value: int64(1)}, {Key: "lastMessageAt", Value: said}}}})
	}
	if err == nil {
		_, err = database.Collection("schema").UpdateOne(t.Context(), all,
			bson.D{{Key: "$set", Value: bson.D{{Key: "version", Value: int64(3)}}}})
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	var nodes sync.WaitGroup
	for range 2 {
		nodes.Go(func() {
			s, err := mongodb.Open(t.Context(), server.URI(), name)
			if err == nil {
				err = s.Close()
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	nodes.Wait()
	s = o.open(t, name)
	for n := range many {
		found, err := s.TicketByNumber(t.Context(), int64(n+1))
		if err != nil || found != id(n) {
			t.Fatalf("%d is %s, %v; want %s", n+1, found, err, id(n))
		}
		r, err := s.Ticket(t.Context(), found)
		want := created(n)
		if n%5 == 0 {
			want = said
		}
		if err != nil || r.Number != int64(n+1) || !r.LastMessageAt.Equal(want) {
			t.Fatalf("%+v, %v, want %v", r, err, want)
		}
	}
	if first, err := s.TakeNumbers(t.Context(), 1); first != many+1 || err != nil {
		t.Error(first, err)
	}
}
