package mongotest_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/storage/mongodb"
	"github.com/topicdesk/topicdesk/storage/mongodb/mongotest"
)

// refused opens a store. It expects an error soon, of one line, that contains all the words.
func refused(t *testing.T, uri string, words ...string) error {
	t.Helper()
	start := time.Now()
	s, err := mongodb.Open(t.Context(), uri, "desk", quick())
	if err == nil {
		_ = s.Close()
		t.Fatal("it was opened")
	}
	if took := time.Since(start); took > mostQuick {
		t.Errorf("that took %v", took)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q does not say %q", err, word)
		}
	}
	if strings.ContainsAny(err.Error(), "\n\r") || len(err.Error()) > 600 {
		t.Errorf("that is no clear line: %q", err)
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the password is shown: %q", err)
	}
	return err
}

func TestOpenIsRefusedClearly(t *testing.T) {
	t.Parallel()
	t.Run("nobody listens there", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		addr := l.Addr().String()
		_ = l.Close()
		err = refused(t, "mongodb://"+addr+"/", addr+"/desk", "connection refused")
		if !errors.Is(err, storage.ErrUnavailable) {
			t.Error(err)
		}
	})
	t.Run("there is no such host", func(t *testing.T) {
		refused(t, "mongodb://user:hunter2@no-such-host.invalid/", "no-such-host.invalid")
	})
	t.Run("the server never answers", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }()
		refused(t, "mongodb://"+l.Addr().String()+"/", l.Addr().String())
	})
	t.Run("the address is invalid", func(t *testing.T) {
		refused(t, "mongodb://user:hunter2@[::1/", "address")
		refused(t, "mongodb://host/?w=nonsense&w=2&readPreference=sideways", "address")
		_, err := mongodb.Open(t.Context(), "mongodb://host/", "")
		if err == nil || !strings.Contains(err.Error(), "name of the database") {
			t.Error(err)
		}
	})
	server := ferret(t)
	only := func(names string, trouble *mongotest.Trouble) {
		server.Trouble(func(c *mongotest.Command) *mongotest.Trouble {
			if names == "" || strings.Contains(names, c.Name) {
				return trouble
			}
			return nil
		})
	}
	t.Run("wrong password", func(t *testing.T) {
		only("saslStart", answer(18, "AuthenticationFailed", "Authentication failed."))
		uri := strings.Replace(server.URI(), "//", "//user:hunter2@", 1)
		refused(t, uri, "refuses the user or the password", server.Addr())
	})
	const writes = "insert update create createIndexes findAndModify"
	unauthorized := answer(13, "Unauthorized", "not authorized on desk to execute command")
	t.Run("no user, where one is wanted", func(t *testing.T) {
		only("listCollections find", unauthorized)
		refused(t, server.URI(), server.Addr()+"/desk wants a user, and the address has none")
	})
	t.Run("a user who may only read", func(t *testing.T) {
		only(writes, unauthorized)
		refused(t, server.URI(), "wants a user")
		server.Trouble(nil)
		s, err := mongodb.Open(t.Context(), server.URI(), "desk")
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		// Now the schema exists, and only the probe is written.
		only(writes, unauthorized)
		refused(t, server.URI(), "wants a user")
	})
	t.Run("answers that come late", func(t *testing.T) {
		only("", &mongotest.Trouble{Delay: 30 * time.Second})
		if err := refused(t, server.URI(), server.Addr()); !errors.Is(err, storage.ErrUnavailable) {
			t.Error(err)
		}
	})
	t.Run("the context ends", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		start := time.Now()
		_, err := mongodb.Open(ctx, server.URI(), "desk")
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > mostQuick {
			t.Error(err, time.Since(start))
		}
	})
}

// TestOpenMeetsTrouble injects one fault at each command of a first start, one command after the other (see
// startCommands). The start goes on.
func TestOpenMeetsTrouble(t *testing.T) {
	t.Parallel()
	troubles := []*mongotest.Trouble{{Cut: true}, {Lose: true}, answer(8, "UnknownError", "something went wrong")}
	for i, name := range []string{"cut", "lost", "error"} {
		trouble := troubles[i]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := ferret(t)
			for n, command := range startCommands(t, server) {
				// Each command meets one kind of trouble, and in the long tests all: FerretDB takes seconds for one start.
				if command == "" || os.Getenv("TOPICDESK_LONG") == "" && n%len(troubles) != i {
					continue
				}
				database := newDatabase()
				var mu sync.Mutex
				count := 0
				server.Trouble(func(*mongotest.Command) *mongotest.Trouble {
					mu.Lock()
					defer mu.Unlock()
					if count++; count == n+1 {
						return trouble
					}
					return nil
				})
				s, err := mongodb.Open(t.Context(), server.URI(), database)
				server.Trouble(nil)
				if err != nil {
					t.Errorf("command %d (%s): %v", n, command, err)
					continue
				}
				if err := s.SaveOffset(t.Context(), "bot", 1); err != nil {
					t.Error(err)
				}
				_ = s.Close()
			}
		})
	}
}

// startCommands returns the names of the commands of a first start, in order. Most of them create an index; of those
// that follow one another only the first and the last keep their names, except in the long tests.
func startCommands(t *testing.T, server *mongotest.Server) (names []string) {
	t.Helper()
	var mu sync.Mutex
	server.Trouble(func(c *mongotest.Command) *mongotest.Trouble {
		mu.Lock()
		defer mu.Unlock()
		names = append(names, c.Name)
		return nil
	})
	s, err := mongodb.Open(t.Context(), server.URI(), newDatabase())
	server.Trouble(nil)
	must(t, errors.Join(err, s.Close()))
	if len(names) < 60 {
		t.Errorf("there were only the commands %v", names)
	}
	if os.Getenv("TOPICDESK_LONG") != "" {
		return names
	}
	const same = "createIndexes"
	kept := slices.Clone(names)
	for i := 1; i < len(names)-1; i++ {
		if names[i-1] == same && names[i] == same && names[i+1] == same {
			kept[i] = ""
		}
	}
	return kept
}

// TestAnIndexIsBeingMade has the first query that names an index find it missing, as while another node makes it.
func TestAnIndexIsBeingMade(t *testing.T) {
	t.Parallel()
	server := ferret(t)
	var met atomic.Bool
	missing := answer(2, "BadValue", "index specified by index hint is not found: hint provided does not correspond to an existing index")
	server.Trouble(func(c *mongotest.Command) *mongotest.Trouble {
		if _, err := c.Body.LookupErr("hint"); err != nil || !met.CompareAndSwap(false, true) {
			return nil
		}
		return missing
	})
	s, err := mongodb.Open(t.Context(), server.URI(), newDatabase())
	must(t, err)
	must(t, s.Close())
	if !met.Load() {
		t.Error("no query names an index")
	}
}

func TestManyStartAtOnce(t *testing.T) {
	t.Parallel()
	server := ferret(t)
	database := newDatabase()
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			s, err := mongodb.Open(t.Context(), server.URI(), database)
			if err != nil {
				t.Error(err)
				return
			}
			if err := s.SaveOffset(t.Context(), fmt.Sprint(i), 1); err != nil {
				t.Error(err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}
