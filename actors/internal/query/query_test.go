package query

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/storage/sqlite"
)

// slow is a store whose first look-up of a number waits.
type slow struct {
	storage.Store
	asked       []int64
	began, goOn chan struct{}
}

func (s *slow) TicketByNumber(ctx context.Context, number int64) (string, error) {
	s.asked = append(s.asked, number)
	if len(s.asked) == 1 {
		close(s.began)
		<-s.goOn
	}
	return s.Store.TicketByNumber(ctx, number)
}

// TestNothingIsReadForNobody: behind a slow read wait others, some of which nobody waits for any more.
func TestNothingIsReadForNobody(t *testing.T) {
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	file, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "desk.db"), sqlite.WithoutSync())
	must(err)
	defer func() { must(file.Close()) }()
	store := &slow{Store: file, began: make(chan struct{}), goOn: make(chan struct{})}
	env, err := entity.NewEnv(entity.EnvOptions{Store: store})
	must(err)
	defer env.Cancel()
	node, err := entity.Start(env, entity.NodeOptions{})
	must(err)
	reader, err := node.Spawn("reader", func() actor.Actor { return &query{env: newReaderEnv(env)} })
	must(err)
	defer func() { must(node.Stop(context.Background(), reader)) }()
	ask := func(ctx context.Context, number int64, timeout time.Duration) error {
		_, err := node.RequestTo(ctx, reader, &messages.FindNumber{Number: number}, timeout)
		return err
	}
	first := make(chan error, 1)
	go func() { first <- ask(t.Context(), 1, time.Minute) }()
	<-store.began
	if err := ask(t.Context(), 2, time.Millisecond); !errors.Is(err, actor.ErrTimeout) {
		t.Errorf("the second: %v", err)
	}
	gone, leave := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer leave()
	if err := ask(gone, 3, time.Minute); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the third: %v", err)
	}
	close(store.goOn)
	must(<-first)
	must(ask(t.Context(), 4, time.Minute))
	if want := []int64{1, 4}; !slices.Equal(store.asked, want) {
		t.Errorf("%v were looked up, want %v", store.asked, want)
	}
}
