package mongotest_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/storage/mongodb"
	"github.com/topicdesk/topicdesk/storage/mongodb/mongotest"
)

var at = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// quick sets short time limits, for tests that wait for them to expire.
func quick() mongodb.Option { return mongodb.WithTimeouts(time.Second, 500*time.Millisecond) }

// mostQuick is how long a call may take with those limits: two attempts, and some more for a busy machine.
const mostQuick = 10 * time.Second

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

func answer(code int32, name, text string) *mongotest.Trouble {
	return &mongotest.Trouble{Answer: bson.D{
		{Key: "ok", Value: float64(0)}, {Key: "errmsg", Value: text}, {Key: "code", Value: code},
		{Key: "codeName", Value: name},
	}}
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
	t.Run("a user who may do nothing", func(t *testing.T) {
		only("listCollections find", unauthorized)
		refused(t, server.URI(), "readWrite", server.Addr()+"/desk")
	})
	t.Run("a user who may only read", func(t *testing.T) {
		only(writes, unauthorized)
		refused(t, server.URI(), "readWrite")
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
		refused(t, server.URI(), "readWrite")
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

// TestOpenMeetsTrouble injects one fault at each command of a first start, one command after the other. The start
// fails with a clear line, and the next start succeeds.
func TestOpenMeetsTrouble(t *testing.T) {
	t.Parallel()
	for name, trouble := range map[string]*mongotest.Trouble{
		"cut": {Cut: true}, "lost": {Lose: true}, "error": answer(8, "UnknownError", "something went wrong"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, healed := ferret(t), 0
			for n := 1; ; n++ {
				database := newDatabase()
				var mu sync.Mutex
				count := 0
				server.Trouble(func(*mongotest.Command) *mongotest.Trouble {
					mu.Lock()
					defer mu.Unlock()
					if count++; count == n {
						return trouble
					}
					return nil
				})
				s, err := mongodb.Open(t.Context(), server.URI(), database)
				server.Trouble(nil)
				if err == nil && count < n {
					_ = s.Close()
					if n < 10 {
						t.Errorf("there were only %d commands", count)
					}
					return
				}
				if err == nil {
					// The reads of the step that places events are tried twice, as those of the running service.
					if healed++; healed > 2 {
						t.Errorf("command %d: the start did not notice", n)
					}
					_ = s.Close()
				} else if strings.ContainsAny(err.Error(), "\n") || !strings.Contains(err.Error(), server.Addr()) {
					t.Errorf("command %d: %q", n, err)
				}
				if s, err = mongodb.Open(t.Context(), server.URI(), database); err != nil {
					t.Fatalf("after command %d: %v", n, err)
				}
				if err := s.SaveOffset(t.Context(), "bot", 1); err != nil {
					t.Error(err)
				}
				_ = s.Close()
			}
		})
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

// TestCallsMeetTrouble injects one fault at each command of each call, one command after the other. The call tries
// again, and returns what it returns without the fault.
func TestCallsMeetTrouble(t *testing.T) {
	t.Parallel()
	for name, trouble := range map[string]*mongotest.Trouble{
		"cut before": {Cut: true}, "cut after": {Lose: true},
		"error": answer(91, "ShutdownInProgress", "The server is in quiesce mode"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, o := onFerret(t)
			expected, s := o.open(t, newDatabase()), o.open(t, newDatabase())
			for _, c := range calls {
				want, wantErr := c.do(t.Context(), expected)
				var mu sync.Mutex
				met := false
				server.Trouble(func(*mongotest.Command) *mongotest.Trouble {
					mu.Lock()
					defer mu.Unlock()
					if met {
						return nil
					}
					met = true
					return trouble
				})
				got, err := c.do(t.Context(), s)
				server.Trouble(nil)
				if err != nil || wantErr != nil || !reflect.DeepEqual(got, want) {
					t.Errorf("%s: got %+v (%v), want %+v (%v)", c.name, got, err, want, wantErr)
				}
				if !met {
					t.Errorf("%s met no trouble", c.name)
				}
			}
		})
	}
}

// TestCallsMeetLastingTrouble: whatever the fault, each call soon returns a clear line that says that the store is
// unavailable. When the fault has ended, the store works again by itself.
func TestCallsMeetLastingTrouble(t *testing.T) {
	t.Parallel()
	for name, trouble := range map[string]*mongotest.Trouble{
		"cut before": {Cut: true}, "cut after": {Lose: true}, "an answer after 30 s": {Delay: 30 * time.Second},
		"error":      answer(8, "UnknownError", "something\nwent wrong"),
		"no rights":  answer(13, "Unauthorized", "not authorized"),
		"no primary": answer(10107, "NotWritablePrimary", "not primary"), "away": nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, o := onFerret(t)
			s := o.open(t, newDatabase(), mongodb.WithTimeouts(time.Second, 250*time.Millisecond))
			works(t, s)
			if trouble == nil {
				server.Away(true)
			}
			server.Trouble(func(*mongotest.Command) *mongotest.Trouble { return trouble })
			for _, c := range calls {
				start := time.Now()
				_, err := c.do(t.Context(), s)
				if !errors.Is(err, storage.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%s: got %v, want %v", c.name, err, storage.ErrUnavailable)
				} else if strings.Contains(err.Error(), "\n") {
					t.Errorf("%s: %q is no clear line", c.name, err)
				}
				if took := time.Since(start); took > mostQuick {
					t.Errorf("%s took %v", c.name, took)
				}
			}
			server.Trouble(nil)
			server.Away(false)
			works(t, s)
		})
	}
}

// works waits until the store writes. The time limits are so short here that a busy machine exceeds some.
func works(t *testing.T, s storage.Store) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; {
		err := errors.Join(s.Ping(t.Context()), s.SaveOffset(t.Context(), "bot", 8))
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("it does not go on by itself: %v", err)
		}
	}
}

// TestNothingAcknowledgedIsLost writes through a connection that is cut again and again, before commands and after
// them.
func TestNothingAcknowledgedIsLost(t *testing.T) {
	t.Parallel()
	server, o := onFerret(t)
	s := o.open(t, newDatabase(), mongodb.WithTimeouts(5*time.Second, 2*time.Second))
	seed := rand.Uint64()
	t.Log("seed", seed)
	dice := rand.New(rand.NewPCG(seed, 1))
	var mu sync.Mutex
	server.Trouble(func(*mongotest.Command) *mongotest.Trouble {
		mu.Lock()
		defer mu.Unlock()
		switch dice.IntN(6) {
		case 0:
			return &mongotest.Trouble{Cut: true}
		case 1:
			return &mongotest.Trouble{Lose: true}
		case 2:
			return answer(91, "ShutdownInProgress", "The server is in quiesce mode")
		}
		return nil
	})
	ctx := t.Context()
	// certainly repeats a call until its result is not ErrUnavailable.
	certainly := func(do func() error) error {
		for {
			if err := do(); !errors.Is(err, storage.ErrUnavailable) {
				return err
			}
		}
	}
	rounds := 8 // after each cut the driver waits half a second before it asks the server again
	if os.Getenv("TOPICDESK_LONG") != "" {
		rounds = 200
	}
	ticket, certain, unsure := aTicket("A"), 0, 0
	epoch, known := int64(0), map[string]bool{}
	for n := 1; n <= rounds; n++ {
		title := fmt.Sprint(n)
		ticket.Title = title
		switch err := s.SaveTicket(ctx, ticket); {
		case err == nil:
			certain++
		case errors.Is(err, storage.ErrUnavailable):
			unsure++
			stored := new(storage.Ticket)
			err := certainly(func() (err error) { stored, err = s.Ticket(ctx, "A"); return err })
			if errors.Is(err, storage.ErrNotFound) && certain == 0 {
				stored, err = aTicket("A"), nil
			}
			if err != nil {
				t.Fatal(err)
			}
			ticket = stored
		default:
			t.Fatalf("the only writer got %v", err) // a conflict with itself
		}
		m := aMessage("A", int64(n))
		tried := false
		for {
			err := s.InsertMessage(ctx, m)
			if err == nil || tried && errors.Is(err, storage.ErrExists) {
				known[m.MessageID] = true
				break
			}
			if !errors.Is(err, storage.ErrUnavailable) {
				t.Fatalf("message %d: %v", n, err)
			}
			tried = true
		}
		if err := certainly(func() error { return s.AppendEvents(ctx, []storage.Event{anEvent(int64(n))}) }); err != nil {
			t.Fatal(err)
		}
		err := certainly(func() error {
			taken, err := s.TakeLease(ctx, "ticket/A", title, at)
			if err == nil && taken <= epoch {
				t.Fatalf("epoch %d after %d", taken, epoch)
			}
			epoch = max(epoch, taken)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	server.Trouble(nil)
	stored, err := s.Ticket(ctx, "A")
	if err != nil || stored.Version < int64(certain) || stored.Version > int64(certain+unsure) {
		t.Errorf("%d saves were acknowledged and %d are uncertain, the version is %d (%v)",
			certain, unsure, stored.Version, err)
	}
	messages, err := s.MessagesAfter(ctx, "A", 0, 1<<20)
	if err != nil || len(messages) != rounds || len(known) != rounds {
		t.Errorf("%d messages of %d (%v)", len(messages), rounds, err)
	}
	events, err := s.EventsAfter(ctx, "A", 0, 1<<20)
	if err != nil || len(events) != rounds {
		t.Errorf("%d events of %d (%v)", len(events), rounds, err)
	}
	lease, err := s.Lease(ctx, "ticket/A")
	if err != nil || lease.Epoch != epoch {
		t.Errorf("the newest epoch is %d, not %d (%v)", lease.Epoch, epoch, err)
	}
	t.Logf("%d saves acknowledged, %d not certain", certain, unsure)
}
