package mongotest_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/storage/mongodb"
)

// TestPlaceEvents: the events of schema 1 get their places in the log, though two nodes migrate at the same time, and
// one was killed in the middle before.
func TestPlaceEvents(t *testing.T) {
	t.Parallel()
	server, o := onFerret(t)
	name := newDatabase()
	if err := o.open(t, name).Close(); err != nil {
		t.Fatal(err)
	}
	database := connect(t, server.URI()).Database(name)
	want := firstSchema(t, database)
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
	s := o.open(t, name)
	for p, expected := range want {
		log, err := s.LogAfter(t.Context(), p, 0, 1000)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for i, e := range log {
			got = append(got, e.EventID)
			if e.Position != int64(i+1) || e.Partition != p || e.Type != "message.sent" {
				t.Fatalf("partition %d, event %d: %+v", p, i, e)
			}
		}
		if !slices.Equal(got, expected) {
			t.Fatalf("partition %d has %v, want %v", p, got, expected)
		}
	}
	e, err := s.Event(t.Context(), ids.EventID("TICK-001/2/topic.linked/both"))
	if err != nil || e.TicketID != "TICK-001" || e.Number != 2 {
		t.Errorf("%+v, %v", e, err)
	}
	e.EventID, e.Number, e.Position = "evt_new", 3, e.Position+1
	if err := s.AppendEvents(t.Context(), []storage.Event{*e}); err != nil {
		t.Error(err)
	}
}

// firstSchema makes a database what it was in schema 1, with events of which one has its place already. It returns the
// ids that each partition must have afterwards.
func firstSchema(t *testing.T, database *mongo.Database) map[int][]string {
	t.Helper()
	ctx, events := t.Context(), database.Collection("events")
	if err := events.Drop(ctx); err != nil {
		t.Fatal(err)
	}
	if err := database.CreateCollection(ctx, "events"); err != nil {
		t.Fatal(err)
	}
	_, err := events.Indexes().CreateOne(ctx, mongo.IndexModel{
		Keys:    bson.D{{Key: "ticketId", Value: 1}, {Key: "number", Value: 1}},
		Options: options.Index().SetName("number").SetUnique(true),
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[int][]string{}
	var docs []any
	for ticket := range 30 {
		for number := 1; number <= 2; number++ {
			id, cause := fmt.Sprintf("TICK-%03d", ticket), fmt.Sprintf("message.sent/-1001:%d", len(docs))
			unique := cause
			if number == 2 && ticket < 2 {
				cause, unique = "topic.linked/both", []string{"topic.linked/both", "TICK-001/2/topic.linked/both"}[ticket]
			}
			doc := bson.M{
				"_id": fmt.Sprintf("%s/%d", id, number), "eventId": cause, "ticketId": id, "number": int64(number),
				"type": "message.sent", "at": bson.DateTime(1_800_000_000_000), "data": `{"n":1}`, "writeId": bson.NewObjectID(),
			}
			p := storage.PartitionOf(id)
			want[p] = append(want[p], ids.EventID(unique))
			if len(docs) == 0 {
				doc["partition"], doc["position"], doc["eventId"] = p, int64(1), ids.EventID(cause)
				doc["index"] = bson.M{"event": ids.EventID(cause)}
			}
			docs = append(docs, doc)
		}
	}
	slices.Reverse(docs)
	if _, err := events.InsertMany(ctx, docs); err != nil {
		t.Fatal(err)
	}
	_, err = database.Collection("schema").UpdateOne(ctx, bson.D{{Key: "_id", Value: "schema"}},
		bson.D{{Key: "$set", Value: bson.D{{Key: "version", Value: int64(1)}, {Key: "minReader", Value: int64(1)}}}})
	if err != nil {
		t.Fatal(err)
	}
	return want
}
