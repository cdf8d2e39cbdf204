package mongotest_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
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

func answer(code int32, name, text string) *mongotest.Trouble {
	return &mongotest.Trouble{Answer: bson.D{
		{Key: "ok", Value: float64(0)}, {Key: "errmsg", Value: text}, {Key: "code", Value: code},
		{Key: "codeName", Value: name},
	}}
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
