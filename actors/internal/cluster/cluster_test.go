//go:build !race

package cluster_test

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	protocluster "github.com/asynkron/protoactor-go/cluster"
	"github.com/asynkron/protoactor-go/cluster/identitylookup/disthash"
	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/messages"
)

// These tests run without the race detector: a started cluster of Proto.Actor's always reports races of its own.

const addr1, addr2, addr3 = "127.0.0.1:17171", "127.0.0.2:17171", "127.0.0.3:17171"

func TestShardsMoveWithTheNodes(t *testing.T) {
	b := newBench(t)
	one := b.node(addr1)
	if got := one.placed(); got[addr1] != 200 {
		t.Fatalf("one node: %v", got)
	}
	two, three := b.node(addr2), b.node(addr3)
	for _, n := range []*node{one, two, three} {
		got := n.placed()
		if len(got) != 3 || got[addr1] < 40 || got[addr2] < 40 || got[addr3] < 40 {
			t.Errorf("%s sees %v", n.addr, got)
		}
	}
	three.stop()
	for _, n := range []*node{one, two} {
		if got := n.placed(); len(got) != 2 {
			t.Errorf("after one has left %s sees %v", n.addr, got)
		}
	}
}

func TestNodesThatStartTogetherAgree(t *testing.T) {
	b := newBench(t)
	for range 4 {
		nodes := make([]*node, 3)
		var start sync.WaitGroup
		for i, addr := range []string{addr1, addr2, addr3} {
			start.Go(func() {
				var err error
				if nodes[i], err = b.try(addr); err != nil {
					t.Error(err)
				}
			})
		}
		if start.Wait(); t.Failed() {
			return
		}
		for _, n := range nodes {
			b.eventually(n.addr+" knows the others", func() bool { return len(n.place.Others()) == 2 })
		}
		for _, n := range nodes {
			n.stop()
		}
	}
}

func TestOrderIsKeptWhileTheShardMoves(t *testing.T) {
	b := newBench(t)
	one, two := b.node(addr1), b.node(addr2)
	id := one.on(two)
	say := func(i int) { one.Tell(kindEcho, id, &messages.Person{Username: fmt.Sprintf("%04d", i)}) }
	for i := range 300 {
		say(i)
	}
	b.eventually("all arrive", func() bool { two.mu.Lock(); defer two.mu.Unlock(); return len(two.heard) == 300 })
	two.stop()
	next := 300
	b.eventually("the new owner hears", func() bool { // what is said before it is one may be lost
		for range 5 {
			say(next)
			next++
		}
		one.mu.Lock()
		defer one.mu.Unlock()
		return len(one.heard) > 0
	})
	say(next)
	b.eventually("all arrive", func() bool {
		one.mu.Lock()
		defer one.mu.Unlock()
		return one.heard[len(one.heard)-1] == fmt.Sprintf("%s/%04d", id, next)
	})
	all := append(two.heard, one.heard...)
	for i := 1; i < len(all); i++ {
		if all[i-1] >= all[i] {
			t.Fatalf("%s comes before %s", all[i-1], all[i])
		}
	}
}

func TestLargeMessagesAreRefusedByTheSender(t *testing.T) {
	b := newBench(t)
	one, two := b.node(addr1), b.node(addr2)
	id := one.on(two)
	one.ask(id, &messages.Reply{})
	const large = 3<<20 + 1
	if r := one.ask(id, &messages.Reply{Reason: strings.Repeat("x", large)}); r.Code != messages.Code_TOO_LARGE ||
		!strings.Contains(r.Reason, "has 3.0 MiB; between nodes a message may have 3 MiB") {
		t.Errorf("a large command: %s %.100s", r.Code, r.Reason)
	}
	if r := one.ask(id, &messages.Reply{Reason: "large " + strconv.Itoa(large)}); r.Code != messages.Code_TOO_LARGE {
		t.Errorf("a large reply: %s", r.Code)
	}
	// Many that are just small enough, which travel together.
	var all sync.WaitGroup
	for range 24 {
		all.Go(func() {
			m := &messages.Reply{Reason: "large " + strconv.Itoa(large-100)}
			r, err := one.Request(t.Context(), kindEcho, id, m, patience)
			if reply, ok := r.(*messages.Reply); !ok || len(reply.Reason) != large-100 {
				t.Errorf("a reply of nearly 3 MiB: %T, %v", r, err)
			}
		})
	}
	all.Wait()
	if own := one.on(one); len(one.ask(own, &messages.Reply{Reason: "large " + strconv.Itoa(large)}).Reason) != large {
		t.Error("within a node there is no limit")
	}
}

func TestUnknownMessageClosesNoStream(t *testing.T) {
	b := newBench(t)
	one, two := b.node(addr1), b.node(addr2)
	id := one.on(two)
	one.ask(id, &messages.Reply{})
	shard := one.place.Find(entity.ShardNumber(kindEcho, id), time.Second)
	mail := &messages.Mail{Kind: kindEcho, Identity: id, Type: "topicdesk.messages.FromTheFuture", Body: []byte("x")}
	reply, err := one.RequestTo(t.Context(), shard, mail, 2*time.Second)
	answer, ok := reply.(*messages.Mail)
	if err != nil || !ok {
		t.Fatalf("%v, %v", reply, err)
	}
	var said messages.Reply
	if err := proto.Unmarshal(answer.Body, &said); err != nil {
		t.Fatal(err)
	}
	if said.Code != messages.Code_UNAVAILABLE || !strings.Contains(said.Reason, `"topicdesk.messages.FromTheFuture" is a message that this version does not know`) {
		t.Errorf("%v", &said)
	}
	if r, err := one.tryAsk(id, &messages.Reply{}); err != nil || r.Reason != addr2 {
		t.Errorf("afterwards: %v, %v", r, err)
	}
}

// TestAShardOnTheWrongNode has a node start a shard that another one has, as one does that has not heard of a change.
func TestAShardOnTheWrongNode(t *testing.T) {
	b := newBench(t)
	one, two := b.node(addr1), b.node(addr2)
	id := one.on(one)
	number := entity.ShardNumber(kindEcho, id)
	one.ask(id, &messages.Reply{})
	wrong := func() *actor.PID {
		t.Helper()
		request := &protocluster.ActivationRequest{ClusterIdentity: protocluster.NewClusterIdentity(strconv.Itoa(number), "shard")}
		reply, err := one.RequestTo(t.Context(), actor.NewPID(addr2, disthash.PartitionActivatorActorName), request, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		return reply.(*protocluster.ActivationResponse).Pid
	}
	mail := func(m proto.Message) *messages.Mail {
		body, err := proto.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return &messages.Mail{Kind: kindEcho, Identity: id, Type: string(proto.MessageName(m)), Body: body}
	}
	shard := wrong()
	reply, err := one.RequestTo(t.Context(), shard, mail(&messages.Reply{}), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	var said messages.Reply
	if err := proto.Unmarshal(reply.(*messages.Mail).Body, &said); err != nil || said.Code != messages.Code_NOT_OWNER {
		t.Errorf("%v, %v", &said, err)
	}
	b.eventually("it stops", func() bool { return two.Status().Running == 0 })

	// What nobody waits for goes on to the owner.
	shard = wrong()
	_, err = one.Spawn("courier", func() actor.Actor {
		return actor.ReceiveFunc(func(c actor.Context) {
			if _, started := c.Message().(*actor.Started); started {
				c.Send(shard, mail(&messages.Person{Username: "sent astray"}))
			}
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	b.eventually("the owner hears", func() bool { one.mu.Lock(); defer one.mu.Unlock(); return len(one.heard) == 1 })
}

func TestFencedWhenTheKeyIsGone(t *testing.T) {
	b := newBench(t)
	one, two := b.node(addr1), b.node(addr2)
	two.placed()
	b.etcd.DeleteMember(addr1)
	select {
	case reason := <-one.fenced:
		if !strings.Contains(reason, "its lease in etcd has ended") {
			t.Error(reason)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("it goes on")
	}
	for i := range entity.Shards {
		if one.place.Owner(i) == addr1 {
			t.Fatalf("it has shard %d still", i)
		}
	}
	if got := two.placed(); got[addr2] != 200 {
		t.Errorf("the other sees %v", got)
	}
	if len(two.fenced) > 0 {
		t.Error("the other is fenced, too")
	}
}

func TestEtcdMayRestart(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	one, two := b.node(addr1), b.node(addr2)
	b.restartEtcd(one, two)
}

// restartEtcd restarts etcd under two nodes: they wait for it, and none is fenced.
func (b *bench) restartEtcd(one, two *node) {
	b.t.Helper()
	one.placed()
	b.etcd.Stop()
	owned := func() (n int) {
		for i := range entity.Shards {
			if one.place.Owner(i) == one.addr {
				n++
			}
		}
		return n
	}
	before := owned()
	b.eventually("a node that can't look has no shards", func() bool { return owned() == 0 })
	<-time.After(4 * time.Second) // longer than the client of etcd renews a lease
	b.etcd.Again()
	b.eventually("it has them again", func() bool { return owned() == before })
	if got := two.placed(); len(got) != 2 {
		b.t.Errorf("afterwards: %v", got)
	}
	select {
	case reason := <-one.fenced:
		b.t.Error("the first is fenced:", reason)
	case reason := <-two.fenced:
		b.t.Error("the second is fenced:", reason)
	case <-time.After(6 * time.Second): // longer than the lease
	}
}

func TestNoEtcdIsSaid(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.etcd.Stop()
	_, err := b.try(addr1)
	if err == nil || !strings.Contains(err.Error(), "ETCD_ENDPOINTS: etcd does not answer") {
		t.Errorf("%v", err)
	}
}
