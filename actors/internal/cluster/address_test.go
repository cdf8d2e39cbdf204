//go:build !race

package cluster_test

import (
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/topicdesk/topicdesk/messages"
)

// TestAProcessOutlivesTheOneBeforeIt kills a node, whose lease goes on, and starts another at the same address.
func TestAProcessOutlivesTheOneBeforeIt(t *testing.T) {
	if served(t) {
		return
	}
	t.Parallel()
	b := newBench(t)
	one, addr := b.node("127.0.0.11:17171"), "127.0.0.12:17171"
	former := b.process(addr)
	b.eventually("they know each other", func() bool { return len(one.place.Others()) == 1 })
	must(t, former.Process.Kill())
	_ = former.Wait()
	two := b.node(addr)
	if others := one.place.Others(); !slices.Equal(others, []string{addr}) {
		t.Errorf("the other knows %v", others)
	}
	if r := one.ask(one.on(two), &messages.Reply{}); r.Reason != addr {
		t.Errorf("%v", r)
	}
	if len(two.fenced) > 0 {
		t.Error("the new one is fenced:", <-two.fenced)
	}
}

func TestTwoNodesAtOneAddress(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	one, addr := b.node("127.0.0.13:17171"), "127.0.0.13:17171"
	b.etcd.PutMember("test", "another", addr)
	if reason := one.ends(); !strings.HasPrefix(reason, "another node has come to its address "+addr) {
		t.Error(reason)
	}
}

// TestAnAddressThatWasSilentIsReachedSoon has somebody accept connections and say nothing where a node comes up then.
func TestAnAddressThatWasSilentIsReachedSoon(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	one, addr := b.node("127.0.0.14:17171"), "127.0.0.15:17171"
	silent, err := net.Listen("tcp", addr)
	must(t, err)
	if _, err := one.RequestTo(t.Context(), actor.NewPID(addr, "nobody"), &messages.Reply{}, 100*time.Millisecond); err == nil {
		t.Fatal("somebody answers")
	}
	conn, err := silent.Accept()
	must(t, err)
	defer func() { _ = conn.Close() }()
	must(t, silent.Close())
	came := time.Now()
	two := b.node(addr)
	one.ask(one.on(two), &messages.Reply{})
	if took := time.Since(came); took > 10*time.Second {
		t.Errorf("it is reached after %s", took)
	}
}

func TestAddressesAreWrittenInOneWay(t *testing.T) {
	t.Parallel()
	if l, err := net.Listen("tcp", "[::1]:0"); err != nil {
		t.Skip("this machine has no IPv6")
	} else {
		_ = l.Close()
	}
	b := newBench(t)
	b.node("[0:0::1]:017181")
	one, two := b.node("127.0.0.1:017181"), b.node("[::1]:17182")
	b.eventually("all know each other", func() bool {
		others := two.place.Others()
		slices.Sort(others)
		return slices.Equal(others, []string{"127.0.0.1:17181", "[::1]:17181"})
	})
	for _, n := range []*node{one, two} {
		if got := n.placed(); len(got) != 3 {
			t.Errorf("%s sees %v", n.place.Self(), got)
		}
	}
}
