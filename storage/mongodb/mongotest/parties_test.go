package mongotest_test

import (
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/topicdesk/topicdesk/storage"
)

// TestFillPartiesOfClosedTickets: those that earlier programs closed are found by who was on them.
func TestFillPartiesOfClosedTickets(t *testing.T) {
	t.Parallel()
	server, o := onFerret(t)
	name := newDatabase()
	s := o.open(t, name)
	for n, status := range []string{"open", "closed"} {
		id := string(rune('A' + n))
		r := aTicket(id)
		r.Home.TelegramTopicID = int64(n + 1)
		r.Status, r.Links = status, []storage.Link{{LinkID: id + ":1", Topic: storage.Topic{GroupID: "g9"}}}
		if err := s.SaveTicket(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	database := connect(t, server.URI()).Database(name)
	_, err := database.Collection("tickets").UpdateMany(t.Context(), bson.D{{Key: "status", Value: "closed"}},
		bson.D{{Key: "$unset", Value: bson.D{{Key: "index.parties", Value: ""}}}})
	if err == nil {
		_, err = database.Collection("schema").UpdateOne(t.Context(), bson.D{}, bson.D{{Key: "$set", Value: bson.D{
			{Key: "version", Value: int64(12)}}}})
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = o.open(t, name)
	for party, want := range map[string]string{"g9": "A", storage.ClosedParty("g9"): "B"} {
		page, err := s.TicketsWith(t.Context(), party, 9)
		got := ""
		for i := range page {
			got += page[i].TicketID
		}
		if err != nil || got != want {
			t.Errorf("%q is on %q, %v; want %q", party, got, err, want)
		}
	}
}
