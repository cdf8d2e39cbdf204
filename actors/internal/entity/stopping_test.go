package entity

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// leases gives each entity its first lease, and keeps nothing.
type leases struct{ storage.Store }

func (leases) TakeLease(context.Context, string, string, time.Time) (int64, error) { return 1, nil }

// staying is an entity that stays in memory, and does something when it is told to stop.
type staying struct{ stop func() }

func (*staying) Load() error   { return nil }
func (*staying) Resume() error { return nil }
func (*staying) Idle() bool    { return false }
func (s *staying) Stop()       { s.stop() }

// resting is an entity that may leave memory once idle says so.
type resting struct{ idle func() bool }

func (*resting) Load() error   { return nil }
func (*resting) Resume() error { return nil }
func (r *resting) Idle() bool  { return r.idle() }

// neighbours starts a node with two entities of one shard, and returns what says that the second one's name. stop runs when the
// first one is told to stop, idle when the second one is asked whether it may leave.
func neighbours(t *testing.T, stop func(n *Node, other string), idle func() bool) (n *Node, other string) {
	t.Helper()
	env, err := NewEnv(EnvOptions{Store: leases{}})
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; other == "" || ShardNumber("resting", other) != ShardNumber("staying", "first"); i++ {
		other = fmt.Sprint("other", i)
	}
	wake := func(Entity, *messages.Wake) (proto.Message, error) { return OK(), nil }
	n, err = Start(env, NodeOptions{IdleAfter: time.Nanosecond},
		&Kind{Name: "staying", Stays: true, Messages: []Handler{Replies(wake)},
			New: func(*Host) Entity { return &staying{func() { stop(n, other) }} }},
		&Kind{Name: "resting", Messages: []Handler{Replies(wake)}, New: func(*Host) Entity { return &resting{idle} }})
	if err != nil {
		t.Fatal(err)
	}
	for kind, identity := range map[string]string{"staying": "first", "resting": other} {
		if reply, err := n.Request(t.Context(), kind, identity, &messages.Wake{}, time.Minute); err != nil || codeOf(reply.(proto.Message)) != messages.Code_OK {
			t.Fatal(kind, reply, err)
		}
	}
	return n, other
}

// ends stops a node, which must not take longer than its entities do.
func ends(t *testing.T, n *Node) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 9*time.Second)
	defer cancel()
	if err := n.Stop(ctx); err != nil {
		t.Error(err)
	}
	if left := n.entities.Load(); left != 0 {
		t.Errorf("%d entities are left", left)
	}
}

// TestAStoppingShardStartsNothing: what comes for an entity that has stopped already, while others of its shard have not, starts no
// other activation: nobody would tell that one to stop.
func TestAStoppingShardStartsNothing(t *testing.T) {
	t.Parallel()
	var reply any
	var err error
	n, _ := neighbours(t, func(n *Node, other string) {
		for n.entities.Load() > 1 {
			runtime.Gosched()
		}
		reply, err = n.Request(context.Background(), "resting", other, &messages.Wake{}, time.Minute)
	}, func() bool { return true })
	ends(t, n)
	if answer, is := reply.(*messages.Reply); err != nil || !is || answer.Code != messages.Code_UNAVAILABLE {
		t.Errorf("%v, %v", reply, err)
	}
}

// TestAStoppingShardKeepsNothing: what waits until an entity has left memory starts no other activation in a shard that stops.
func TestAStoppingShardKeepsNothing(t *testing.T) {
	t.Parallel()
	stopping := make(chan struct{})
	n, other := neighbours(t, func(*Node, string) { close(stopping) }, func() bool {
		<-stopping
		return true
	})
	n.Tick()
	n.Tell("resting", other, &messages.Wake{})
	if err := n.Barrier(t.Context()); err != nil { // the shard keeps it
		t.Fatal(err)
	}
	ends(t, n)
}
