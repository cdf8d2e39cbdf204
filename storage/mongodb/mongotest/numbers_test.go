package mongotest_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

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
	if err != nil {
		t.Fatal(err)
	}
	beforeNumbers(t, database)
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

// TestNumberTicketsOutOfOrder: while one node numbers, another with the program before adds a ticket with an earlier time.
// Whoever numbers next gives it, and those after it, numbers that nobody has.
func TestNumberTicketsOutOfOrder(t *testing.T) {
	t.Parallel()
	server, o := onFerret(t)
	name := newDatabase()
	s := o.open(t, name)
	const numbered, all = 10, 15
	for n := range all {
		r := aTicket(fmt.Sprintf("TICK-%03d", n))
		r.CreatedAt = time.UnixMilli(int64(1_800_000_000_000 + n)).UTC()
		r.Home.TelegramTopicID = int64(n + 1)
		if n < numbered {
			r.Number, r.LastMessageAt = int64(n+1), r.CreatedAt
		}
		if n == all-1 {
			r.CreatedAt = r.CreatedAt.Add(-time.Hour)
		}
		if err := s.SaveTicket(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	beforeNumbers(t, connect(t, server.URI()).Database(name))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = o.open(t, name)
	for n, want := range append(sequence(1, numbered), append(sequence(numbered+2, all), numbered+1)...) {
		r, err := s.Ticket(t.Context(), fmt.Sprintf("TICK-%03d", n))
		if err != nil || r.Number != want {
			t.Errorf("%d has %+v, %v, want %d", n, r, err, want)
		}
	}
	if first, err := s.TakeNumbers(t.Context(), 1); first <= all || err != nil {
		t.Error(first, err)
	}
}

// beforeNumbers makes a database one of schema 3, apart from the tickets.
func beforeNumbers(t *testing.T, database *mongo.Database) {
	t.Helper()
	_, err := database.Collection("ticket_numbers").DeleteMany(t.Context(), bson.D{})
	if err == nil {
		_, err = database.Collection("schema").UpdateOne(t.Context(), bson.D{},
			bson.D{{Key: "$set", Value: bson.D{{Key: "version", Value: int64(3)}}}})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// sequence returns the numbers from first to last.
func sequence(first, last int64) (all []int64) {
	for ; first <= last; first++ {
		all = append(all, first)
	}
	return all
}

// TestNumberRest: a node with the program before saves tickets after the migration, without what it does not know. The
// next node that starts numbers them again; whoever has one loaded meets a conflict.
func TestNumberRest(t *testing.T) {
	t.Parallel()
	server, o := onFerret(t)
	name := newDatabase()
	s := o.open(t, name)
	if first, err := s.TakeNumbers(t.Context(), 3); first != 1 || err != nil {
		t.Fatal(first, err)
	}
	said := time.UnixMilli(1_900_000_000_000).UTC()
	var loaded []*storage.Ticket
	for n := range int64(3) {
		r := aTicket(fmt.Sprint("TICK-", n))
		r.Number, r.LastMessageAt, r.Home.TelegramTopicID = n+1, r.CreatedAt, n+1
		err := s.SaveTicket(t.Context(), r)
		if err == nil && n == 1 {
			err = s.InsertMessage(t.Context(), &storage.Message{
				MessageID: "m", TicketID: r.TicketID, Sequence: 1, SentAt: said, RecordedAt: said})
		}
		if err != nil {
			t.Fatal(err)
		}
		loaded = append(loaded, r)
	}
	_, err := connect(t, server.URI()).Database(name).Collection("tickets").UpdateMany(t.Context(),
		bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: bson.A{"TICK-1", "TICK-2"}}}}},
		bson.D{{Key: "$unset", Value: bson.D{
			{Key: "number", Value: ""}, {Key: "index.number", Value: ""}, {Key: "lastMessageAt", Value: ""}}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = o.open(t, name)
	seen := map[int64]bool{}
	for n, before := range loaded {
		r, err := s.Ticket(t.Context(), before.TicketID)
		if err != nil || r.Number == 0 || seen[r.Number] || n > 0 && r.Number <= 3 {
			t.Fatalf("%+v, %v", r, err)
		}
		seen[r.Number] = true
		if found, err := s.TicketByNumber(t.Context(), r.Number); found != r.TicketID || err != nil {
			t.Error(found, err)
		}
		want := r.CreatedAt
		if n == 1 {
			want = said
		}
		if !r.LastMessageAt.Equal(want) {
			t.Error(n, r.LastMessageAt, want)
		}
		err = s.SaveTicket(t.Context(), before)
		if conflict := errors.Is(err, storage.ErrConflict); conflict != (n > 0) {
			t.Error(n, err)
		}
	}
}
