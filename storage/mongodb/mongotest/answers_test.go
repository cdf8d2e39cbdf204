package mongotest_test

import (
	"fmt"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/topicdesk/topicdesk/storage"
)

// TestFillAnswers: what earlier programs wrote is found by what it answers.
func TestFillAnswers(t *testing.T) {
	t.Parallel()
	server, o := onFerret(t)
	name := newDatabase()
	s := o.open(t, name)
	for n, r := range []*storage.ReplyTo{nil, {Preview: "a story"}, {ChatID: -1002, MessageID: 7}, {MessageID: 8, Answered: "api:m1"}} {
		err := s.InsertMessage(t.Context(), &storage.Message{MessageID: fmt.Sprint("m", n), TicketID: "T", Sequence: int64(n + 1), ReplyTo: r})
		if err != nil {
			t.Fatal(err)
		}
	}
	database := connect(t, server.URI()).Database(name)
	_, err := database.Collection("messages").UpdateMany(t.Context(), bson.D{},
		bson.D{{Key: "$unset", Value: bson.D{{Key: "index.answers", Value: ""}}}})
	if err == nil {
		_, err = database.Collection("schema").UpdateOne(t.Context(), bson.D{}, bson.D{{Key: "$set", Value: bson.D{
			{Key: "version", Value: int64(10)}}}})
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = o.open(t, name)
	for key, want := range map[string]string{"-1002:7": "m2", "api:m1": "m3", "0:0": "", "0:8": ""} {
		page, err := s.MessagesAnswering(t.Context(), key, "", 9)
		got := ""
		for i := range page {
			got += page[i].MessageID
		}
		if err != nil || got != want {
			t.Errorf("%q is answered by %q, %v; want %q", key, got, err, want)
		}
	}
}
