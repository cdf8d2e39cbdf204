//go:build !race

package cluster_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/messages"
)

// TestAStartThatIsGivenUp ends the start of a node that has written its key already: the others get its shards back.
func TestAStartThatIsGivenUp(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	one := b.node("127.0.0.18:17171")
	var giveUp context.CancelFunc
	b.ends, giveUp = context.WithCancel(t.Context())
	defer giveUp()
	joining := make(chan error, 1)
	var two *node
	go func() {
		var err error
		two, err = b.try("127.0.0.19:17171")
		joining <- err
	}()
	b.eventually("the other knows of it", func() bool { return len(one.place.Others()) == 1 })
	giveUp()
	if err := <-joining; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	gaveUp := time.Now()
	two.giveUp()
	b.eventually("the other knows that it has gone", func() bool { return len(one.place.Others()) == 0 })
	if took := time.Since(gaveUp); took > 3*time.Second {
		t.Errorf("the other knows it after %s, when the lease has ended", took)
	}
}

// TestAStartWithoutEtcdIsGivenUp ends the start of a node to which etcd does not answer.
func TestAStartWithoutEtcdIsGivenUp(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.etcd.Pause()
	defer b.etcd.Resume()
	ctx, cancel := context.WithTimeoutCause(t.Context(), 200*time.Millisecond, context.Canceled)
	defer cancel()
	b.ends = ctx
	begun := time.Now()
	if _, err := b.try("127.0.0.20:17171"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if took := time.Since(begun); took > 3*time.Second {
		t.Errorf("it is given up after %s", took)
	}
}

// TestNobodyWaitsForAnOlderVersion: a node that does not say that it hands shards over, is not asked whether it has.
func TestNobodyWaitsForAnOlderVersion(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.etcd.PutMember("test", "older", "127.0.0.21:17171")
	one := b.node("127.0.0.22:17171")
	b.eventually("it knows the other", func() bool { return len(one.place.Others()) == 1 })
	begun := time.Now()
	one.ask(one.on(one), &messages.Reply{})
	if took := time.Since(begun); took > 2*time.Second {
		t.Errorf("what it has gained is held for %s", took)
	}
}
