package mongotest_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/storage/mongodb"
)

func connect(t *testing.T, uri string) *mongo.Client {
	t.Helper()
	client, err := mongo.Connect(options.Client().ApplyURI(uri))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Disconnect(context.Background()) })
	return client
}

func TestSchema(t *testing.T) {
	t.Parallel()
	server, o := onFerret(t)
	client := connect(t, server.URI())
	set := func(t *testing.T, database string, version, minReader int64) {
		t.Helper()
		schema := client.Database(database).Collection("schema")
		_, err := schema.UpdateOne(t.Context(), bson.D{{Key: "_id", Value: "schema"}},
			bson.D{{Key: "$set", Value: bson.D{{Key: "version", Value: version}, {Key: "minReader", Value: minReader}}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Run("a newer schema that this version can read is not changed", func(t *testing.T) {
		database := newDatabase()
		first := o.open(t, database)
		if err := first.SaveOffset(t.Context(), "bot", 5); err != nil {
			t.Fatal(err)
		}
		set(t, database, 99, 1)
		if err := first.Ping(t.Context()); err != nil {
			t.Error(err)
		}
		if n, err := o.open(t, database).Offset(t.Context(), "bot"); n != 5 || err != nil {
			t.Error(n, err)
		}
	})
	t.Run("a schema that this version can't read is refused, and one that becomes so is noticed", func(t *testing.T) {
		database := newDatabase()
		first := o.open(t, database)
		set(t, database, 99, 98)
		if err := first.Ping(t.Context()); !errors.Is(err, storage.ErrSchema) {
			t.Error(err)
		}
		_, err := mongodb.Open(t.Context(), server.URI(), database)
		if !errors.Is(err, storage.ErrSchema) || strings.Contains(err.Error(), "\n") ||
			!strings.Contains(err.Error(), "version 98 or newer") {
			t.Error(err)
		}
	})
	t.Run("an older schema that a check refuses stays as it is", func(t *testing.T) {
		database, refusal := newDatabase(), errors.New("it is another bot's")
		if _, err := o.open(t, database).TakeLease(t.Context(), "desk/bot", "8", time.Now()); err != nil {
			t.Fatal(err)
		}
		set(t, database, 11, 1)
		_, err := mongodb.Open(t.Context(), server.URI(), database, mongodb.WithCheck(func(ctx context.Context, s *mongodb.Store) error {
			if lease, err := s.Lease(ctx, "desk/bot"); err != nil || lease.Owner != "8" {
				t.Error(lease, err)
			}
			return refusal
		}))
		if !errors.Is(err, refusal) || err.Error() != refusal.Error() {
			t.Error(err)
		}
		asked := func(context.Context, *mongodb.Store) error { return nil }
		if m := o.open(t, database, mongodb.WithCheck(asked)).Migrated(); m.From != 11 || m.To == 11 {
			t.Errorf("%+v", m)
		}
		never := func(context.Context, *mongodb.Store) error { return refusal }
		o.open(t, database, mongodb.WithCheck(never)) // it is of this program
	})
	t.Run("a database of another program is refused, and nothing is created in it", func(t *testing.T) {
		database := newDatabase()
		invoices := client.Database(database).Collection("invoices")
		if _, err := invoices.InsertOne(t.Context(), bson.D{{Key: "n", Value: 1}}); err != nil {
			t.Fatal(err)
		}
		_, err := mongodb.Open(t.Context(), server.URI(), database)
		if !errors.Is(err, storage.ErrSchema) || !strings.Contains(err.Error(), "invoices") {
			t.Error(err)
		}
		names, err := client.Database(database).ListCollectionNames(t.Context(), bson.D{})
		if err != nil || len(names) != 1 {
			t.Error(names, err)
		}
	})
}

// TestReplacedIndexGoes: a node that was late has made an index again which another had removed, and ended then. The unique one would let
// only one event without a ticket into the log.
func TestReplacedIndexGoes(t *testing.T) {
	t.Parallel()
	server, o := onFerret(t)
	name := newDatabase()
	must(t, o.open(t, name).Close())
	indexes := connect(t, server.URI()).Database(name).Collection("events").Indexes()
	names := func() (all []string) {
		specs, err := indexes.ListSpecifications(t.Context())
		must(t, err)
		for _, spec := range specs {
			all = append(all, spec.Name)
		}
		return all
	}
	must(t, indexes.DropOne(t.Context(), "ticket")) // FerretDB does not take both
	before := names()
	_, err := indexes.CreateOne(t.Context(), mongo.IndexModel{
		Keys: bson.D{{Key: "ticketId", Value: 1}, {Key: "number", Value: 1}}, Options: options.Index().SetName("number").SetUnique(true)})
	must(t, err)
	if len(names()) != len(before)+1 {
		t.Fatalf("the indexes are %v", names())
	}
	must(t, o.open(t, name).Close())
	if after := names(); !slices.Equal(after, before) {
		t.Errorf("the indexes are %v, want %v", after, before)
	}
}

// postgresIndex is how a plan of PostgreSQL names an index, which FerretDB 2 answers with. Whether it is read in its order depends
// on how much the table has.
var postgresIndex = regexp.MustCompile(`"Index Name": "([^"]+)"`)

// TestExplain asks a real server for the plan of each query. It must read an index in its order, and never a whole
// collection.
func TestExplain(t *testing.T) {
	o := onRealServer(t)
	database := newDatabase()
	s := o.open(t, database)
	if err := s.SaveTicket(t.Context(), aTicket("A")); err != nil {
		t.Fatal(err)
	}
	db := connect(t, o.uri).Database(database)
	for _, q := range mongodb.Queries() {
		command := bson.D{
			{Key: "find", Value: q.Collection}, {Key: "filter", Value: q.Filter}, {Key: "hint", Value: q.Index},
		}
		if q.Sort != nil {
			command = append(command, bson.E{Key: "sort", Value: q.Sort})
		}
		if q.Fields != nil {
			command = append(command, bson.E{Key: "projection", Value: q.Fields})
		}
		if q.Pipeline != nil {
			command = bson.D{
				{Key: "aggregate", Value: q.Collection}, {Key: "pipeline", Value: q.Pipeline},
				{Key: "cursor", Value: bson.D{}}, {Key: "hint", Value: q.Index},
			}
		}
		var plan bson.Raw
		explain := bson.D{{Key: "explain", Value: command}, {Key: "verbosity", Value: "queryPlanner"}}
		err := db.RunCommand(t.Context(), explain).Decode(&plan)
		if err != nil {
			t.Errorf("%s %v: %v", q.Collection, q.Filter, err)
			continue
		}
		text := plan.String()
		if named := postgresIndex.FindAllStringSubmatch(text, -1); len(named) > 0 {
			for _, name := range named {
				if name[1] != q.Index || strings.Contains(text, `"Seq Scan"`) {
					t.Errorf("%s %v: %s", q.Collection, q.Filter, text)
				}
			}
			continue
		}
		indexed := strings.Contains(text, `"IXSCAN"`) || strings.Contains(text, `"IDHACK"`) ||
			strings.Contains(text, `"EXPRESS_`)
		if !indexed || strings.Contains(text, `"COLLSCAN"`) || strings.Contains(text, `"SORT"`) {
			t.Errorf("%s %v: %s", q.Collection, q.Filter, text)
		}
	}
}

// TestUsersOnRealServer needs a user in MONGODB_TEST_URI who may create others.
func TestUsersOnRealServer(t *testing.T) {
	o := onRealServer(t)
	database := newDatabase()
	o.open(t, database)
	db := connect(t, o.uri).Database(database)
	err := db.RunCommand(t.Context(), bson.D{
		{Key: "createUser", Value: "reader"}, {Key: "pwd", Value: "hunter2"},
		{Key: "roles", Value: bson.A{bson.D{{Key: "role", Value: "read"}, {Key: "db", Value: database}}}},
	}).Err()
	if err != nil {
		t.Skipf("the user of MONGODB_TEST_URI can't create others (%v): "+
			"wrong passwords and read-only users are not tested", err)
	}
	t.Cleanup(func() { _ = db.RunCommand(context.Background(), bson.D{{Key: "dropUser", Value: "reader"}}).Err() })
	_, host, _ := strings.Cut(o.uri, "://")
	if _, after, ok := strings.Cut(host, "@"); ok {
		host = after
	}
	host, _, _ = strings.Cut(host, "/")
	for user, word := range map[string]string{
		"reader:wrong": "refuses the user or the password", "nobody:wrong": "refuses the user or the password",
		"reader:hunter2": "readWrite",
	} {
		uri := fmt.Sprintf("mongodb://%s@%s/?authSource=%s", user, host, database)
		_, err := mongodb.Open(t.Context(), uri, database)
		if err == nil || !strings.Contains(err.Error(), word) ||
			strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", user, err)
		}
	}
}
