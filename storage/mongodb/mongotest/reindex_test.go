package mongotest_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/topicdesk/topicdesk/storage"
)

// TestReindex: tickets whose grams are those of a former release are found at any moment, and by what looks the same
// once they are indexed anew.
func TestReindex(t *testing.T) {
	t.Parallel()
	server, o := onFerret(t)
	database := newDatabase()
	s := o.open(t, database)
	save := func(id, short, title string) {
		t.Helper()
		err := s.SaveTicket(t.Context(), &storage.Ticket{TicketID: id, ShortID: short, Title: title, Status: "open",
			Priority: "normal", GroupID: "g1", CreatedBy: storage.Creator{Kind: "user", ID: "1", Name: "Ann"},
			CreatedAt: time.Now(), UpdatedAt: time.Now(), Home: storage.Topic{TopicID: "home", GroupID: "g1"}})
		if err != nil {
			t.Fatal(err)
		}
	}
	save("TICK-1-00000001", "00000001", "ทำดี")
	save("TICK-2-00000002", "00000002", "ＦＵＬＬ")
	save("TICK-3-00000003", "00000003", "nothing")
	db := connect(t, server.URI()).Database(database)
	for id, grams := range map[string][]string{ // as NFC leaves them
		"TICK-1-00000001": {"ทำด", "ำดี"}, "TICK-2-00000002": {"ｆｕｌ", "ｕｌｌ"},
	} {
		_, err := db.Collection("tickets").UpdateOne(t.Context(), bson.D{{Key: "_id", Value: id}}, bson.D{
			{Key: "$set", Value: bson.D{{Key: "index.grams", Value: grams}}}, {Key: "$unset", Value: bson.D{{Key: "index.fold", Value: ""}}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := db.Collection("schema").UpdateOne(t.Context(), bson.D{{Key: "_id", Value: "schema"}},
		bson.D{{Key: "$unset", Value: bson.D{{Key: "searchVersion", Value: ""}}}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Collection("tickets").InsertOne(t.Context(), bson.D{{Key: "_id", Value: "TICK-2-0000000B"}, {Key: "title", Value: 7}})
	if err != nil {
		t.Fatal(err)
	}
	s = o.open(t, database)
	finds := func(text string, want int) {
		t.Helper()
		page, err := s.ListTickets(t.Context(), storage.TicketQuery{Text: text, Limit: 10})
		if err != nil || len(page.Tickets) != want {
			t.Errorf("%q finds %d and %v, want %d", text, len(page.Tickets), err, want)
		}
	}
	named := ""
	for left := true; left; {
		finds("ทำดี", 1)
		finds("ＦＵＬＬ", 1)
		finds("nothing", 1)
		if left, err = s.Reindex(t.Context(), 1); err != nil && !errors.Is(err, storage.ErrLeftOut) {
			t.Fatal(err)
		} else if err != nil {
			named += err.Error()
		}
	}
	if strings.Count(named, "TICK-") != 1 || !strings.Contains(named, "TICK-2-0000000B") {
		t.Errorf("a ticket that can't be decoded is named as %q", named)
	}
	for _, text := range []string{"ทำดี", "ท\u0e4d\u0e32ดี", "full", "ＦＵＬＬ", "nothing"} {
		finds(text, 1)
	}
	s = o.open(t, database)
	if left, err := s.Reindex(t.Context(), 1); left || err != nil {
		t.Errorf("it begins again: %v, %v", left, err)
	}
	finds("full", 1)
}
