package actors_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// hangingStore writes messages only when it may go on.
type hangingStore struct {
	storage.Store
	begun chan struct{}
	goOn  <-chan struct{}
}

func (s hangingStore) InsertMessage(ctx context.Context, m *storage.Message) error {
	if m.Text == "hangs" {
		s.begun <- struct{}{}
		<-s.goOn
	}
	return s.Store.InsertMessage(ctx, m)
}

// TestANodeLeavesThoughStorageHangs: a node that stops has left its cluster before its time is over, also when an entity does
// not come to the end of its turn, so that others go on with its shards.
func TestANodeLeavesThoughStorageHangs(t *testing.T) {
	t.Parallel()
	a := newTwins(t)
	begun, goOn := make(chan struct{}, 100), make(chan struct{})
	d, _, second := twinDesk(t, options{speed: 5, twins: a, wrapStore: func(s storage.Store) storage.Store {
		return hangingStore{s, begun, goOn}
	}})
	release := sync.OnceFunc(func() { close(goOn) })
	t.Cleanup(release)
	k := d.open(d.ann, d.support, "Printer")
	a.believes(second, nil)
	go func() {
		_, _ = second.system.Ask(t.Context(), messages.KindTicket, k.id, &messages.RecordMessage{
			Origin: &messages.Origin{CommandId: "hangs", Place: messages.GroupPlace(d.support), ChatId: d.support, ThreadId: int64(k.thread),
				MessageId: 9000, From: &messages.Person{Id: d.ann, FirstName: "Ann"}, Sender: &messages.Sender{Id: d.ann, Name: "Ann"},
				DateMs: d.clock.Now().UnixMilli()},
			Content: &messages.Content{Text: "hangs"},
		})
	}()
	<-begun
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		_ = second.system.Stop(ctx) // it says that an entity is still busy
	}()
	d.eventually("it has left", func() bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		return a.by[second.owner+":1"].left
	})
	if ctx.Err() != nil {
		t.Error("it has left only when its time was over")
	}
	release()
	<-stopped
	second.stopped = true
	second.client.Close()
	d.must(second.store.Close())
}
