package eventlog

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/storage/sqlite"
)

// elsewhere is the log of a node, and a store in which another node appends.
type elsewhere struct {
	*Log
	t     *testing.T
	store storage.Store
	last  int64
}

func newElsewhere(t *testing.T) *elsewhere {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "desk.db"), sqlite.WithoutSync())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	env, err := entity.NewEnv(entity.EnvOptions{Store: store, Owner: "here", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(env.Cancel)
	return &elsewhere{Log: New(env, nil), t: t, store: store}
}

// append has another node append an event, in partition 0.
func (e *elsewhere) append() {
	e.t.Helper()
	e.last++
	event := storage.Event{EventID: fmt.Sprintf("event-%d", e.last), Position: e.last, Type: "consumer.created",
		At: time.Unix(e.last, 0), Data: json.RawMessage("{}")}
	if err := e.store.AppendEvents(e.t.Context(), []storage.Event{event}); err != nil {
		e.t.Fatal(err)
	}
}

// read reads on after a position of partition 0, and returns the next one.
func (e *elsewhere) read(after int64) int64 {
	e.t.Helper()
	positions := make([]int64, storage.Partitions)
	positions[0] = after
	page, err := e.Read(e.t.Context(), positions, NewFilter(nil), 10)
	if err != nil || page.Expired {
		e.t.Fatal(page, err)
	}
	return page.Positions[0]
}

// waiting is a reader that waits; its channel has a word when it is woken.
func (e *elsewhere) waiting() <-chan struct{} {
	woken := make(chan struct{}, 1)
	w := e.Watch(NewFilter(nil), func() {
		select {
		case woken <- struct{}{}:
		default:
		}
	})
	e.t.Cleanup(w.Close)
	return woken
}

func isWoken(woken <-chan struct{}) bool {
	select {
	case <-woken:
		return true
	default:
		return false
	}
}

func TestAReaderThatIsAheadWakesTheOthers(t *testing.T) {
	for name, tell := range map[string]func(e *elsewhere) error{
		"another node tells": func(e *elsewhere) error {
			e.Hear(&messages.LogAppended{Last: e.last})
			return e.Catch(t.Context())
		},
		"nobody tells": func(e *elsewhere) error { return e.Follow(t.Context()) },
	} {
		t.Run(name, func(t *testing.T) {
			e := newElsewhere(t)
			e.append()
			if got := e.read(0); got != 1 {
				t.Fatalf("it reads through %d", got)
			}
			woken := e.waiting()
			e.append()
			if got := e.read(2); got != 2 { // with a cursor from the other node
				t.Fatalf("who is ahead reads through %d", got)
			}
			if err := tell(e); err != nil {
				t.Fatal(err)
			}
			if !isWoken(woken) {
				t.Error("the other sleeps on")
			}
			if got := e.read(1); got != 2 {
				t.Errorf("it reads through %d", got)
			}
		})
	}
}

func TestTheFirstReaderWakesTheOthers(t *testing.T) {
	e := newElsewhere(t)
	woken := e.waiting()
	e.append()
	e.read(0)
	if !isWoken(woken) {
		t.Error("the other sleeps on")
	}
}

// TestNobodyWaitsForWhatOthersTell: then it costs no look into storage, and whoever reads next finds it.
func TestNobodyWaitsForWhatOthersTell(t *testing.T) {
	e := newElsewhere(t)
	e.append()
	if got := e.read(0); got != 1 {
		t.Fatalf("it reads through %d", got)
	}
	e.append()
	e.Hear(&messages.LogAppended{Last: e.last})
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if err := e.Catch(stopped); err != nil {
		t.Error(err)
	}
	if got := e.read(1); got != 2 {
		t.Errorf("it reads through %d", got)
	}
}
