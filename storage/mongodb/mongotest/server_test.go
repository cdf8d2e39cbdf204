package mongotest_test

import (
	"context"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/storage/mongodb/mongotest"
)

// server is where a desk of processes has its database.
type server interface {
	URI() string // without a database
	Away(away bool)
	// Index prepares a database for many reads, once it has its schema.
	Index(ctx context.Context, database string) error
}

var _ server = (*mongotest.Server)(nil)

// realServer is the one that MONGODB_TEST_URI names, through a relay, which can be cut.
type realServer struct {
	*relay
	uri url.URL
}

// realURI is the address of a real server; "": the tests have FerretDB.
func realURI() string { return strings.TrimSpace(os.Getenv("MONGODB_TEST_URI")) }

// serverOf starts FerretDB, or reaches the real server if there is one, which must be a single one: a driver asks each member
// of a set for the addresses of the others, past the relay.
func serverOf(t *testing.T) (server, *opener) {
	t.Helper()
	if realURI() == "" {
		return onFerret(t)
	}
	u, err := url.Parse(realURI())
	must(t, err)
	if u.Scheme != "mongodb" || strings.Contains(u.Host, ",") {
		t.Skip("MONGODB_TEST_URI names several servers, and this test cuts the way to one: mongodb://host:port/?directConnection=true")
	}
	s := &realServer{relay: newRelay(t, "127.0.0.1", u.Host), uri: *u}
	s.uri.Host, s.uri.Path = s.addr, "/"
	return s, onRealServer(t)
}

func (s *realServer) URI() string { return s.uri.String() }

// Index has nothing to do: a real server uses the store's own indexes.
func (s *realServer) Index(context.Context, string) error { return nil }

// databaseURL is the address of a database, as DATABASE_URL has it.
func databaseURL(t *testing.T, uri, database string) string {
	t.Helper()
	u, err := url.Parse(uri)
	must(t, err)
	u.Path = "/" + database
	return u.String()
}
