//go:build !race

package cluster_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/remote"

	"github.com/topicdesk/topicdesk/actors/etcdtest"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/messages"
)

// process is a node in a process of its own.
type process struct {
	*exec.Cmd
	t    testing.TB
	said chan string // its lines
}

// etcdOf names in the environment of such a process where etcd is.
const etcdOf = "CLUSTER_TEST_ETCD"

// process starts the node: the test that calls it runs there once more, and calls serve.
func (b *bench) process(addr string) *process {
	b.t.Helper()
	p := &process{Cmd: exec.Command(os.Args[0], "-test.run=^"+b.t.Name()+"$"), t: b.t, said: make(chan string, 100)}
	p.Env = append(os.Environ(), etcdOf+"="+b.etcd.URL, "CLUSTER_TEST_ADDR="+addr)
	out, err := p.StdoutPipe()
	must(b.t, err)
	must(b.t, p.Start())
	go func() {
		defer close(p.said)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			p.said <- lines.Text()
		}
	}()
	b.t.Cleanup(func() { _, _ = p.Process.Kill(), p.Wait() })
	p.hears("serving")
	return p
}

// served is true in such a process, after its node has ended.
func served(t *testing.T) bool {
	url := os.Getenv(etcdOf)
	if url == "" {
		return false
	}
	b := newBenchOf(t, &etcdtest.Server{URL: url})
	n := b.node(os.Getenv("CLUSTER_TEST_ADDR"))
	fmt.Println("serving")
	fmt.Println("fenced:", <-n.fenced)
	return true
}

func (p *process) hears(what string) {
	p.t.Helper()
	inVain := time.After(patience)
	for {
		select {
		case line, more := <-p.said:
			if !more {
				p.t.Fatalf("it ended and never said %q", what)
			}
			if strings.Contains(line, what) {
				return
			}
		case <-inVain:
			p.t.Fatalf("it never said %q", what)
		}
	}
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	must(p.t, p.Process.Signal(s))
}

// TestAPauseThatIsShorterThanTheLeaseIsNoticed has a process stand still for so short that its lease does not end.
func TestAPauseThatIsShorterThanTheLeaseIsNoticed(t *testing.T) {
	if served(t) {
		return
	}
	t.Parallel()
	p := newBench(t).process("127.0.0.4:17171")
	p.signal(syscall.SIGSTOP)
	<-time.After(3 * time.Second)
	p.signal(syscall.SIGCONT)
	p.hears("fenced: the process was paused for 3.")
}

func TestASleepOfTheMachineIsNoticed(t *testing.T) {
	t.Parallel()
	one := newBench(t).node("127.0.0.5:17171")
	if !one.place.Sure() {
		t.Fatal("the test proves nothing")
	}
	one.asleep.Store(int64(10 * time.Second))
	if one.place.Sure() {
		t.Error("it is sure before it has looked")
	}
	if reason := one.ends(); !strings.HasPrefix(reason, "the process was paused for 10") {
		t.Error(reason)
	}
}

// ends waits for the fence, and returns its reason.
func (n *node) ends() string {
	n.b.t.Helper()
	select {
	case reason := <-n.fenced:
		return reason
	case <-time.After(patience):
		n.b.t.Fatal("it goes on")
		return ""
	}
}

// TestNoShardsBeforeOthersHaveThem stalls a node's way to etcd, at several moments between two renewals.
func TestNoShardsBeforeOthersHaveThem(t *testing.T) {
	for i, wait := range []time.Duration{0, 700 * time.Millisecond, 1400 * time.Millisecond} {
		t.Run(wait.String(), func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			proxy := b.etcd.Proxy()
			two := b.node(fmt.Sprintf("127.0.0.7:1718%d", i))
			b.urls = []string{proxy.URL}
			one := b.node(fmt.Sprintf("127.0.0.6:1718%d", i))
			b.eventually("they know each other", func() bool { return len(one.place.Others()) == 1 && len(two.place.Others()) == 1 })
			shard := entity.ShardNumber(kindEcho, one.on(one))
			<-time.After(wait)
			proxy.Stall()
			b.eventually("it has no shards", func() bool { return one.place.Owner(shard) == "" })
			ended := time.Now()
			b.eventually("the other has them", func() bool { return two.place.Owner(shard) == two.addr })
			if gap := time.Since(ended); gap < time.Second {
				t.Errorf("it had its shards until %s before others had them", gap)
			}
			proxy.Resume()
			if reason := one.ends(); !strings.Contains(reason, "its lease in etcd has ended") {
				t.Error(reason)
			}
		})
	}
}

func TestASilentMemberOfEtcdEndsNobody(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ways := []*etcdtest.Proxy{b.etcd.Proxy(), b.etcd.Proxy()}
	b.urls = []string{ways[0].URL, ways[1].URL}
	one := b.node("127.0.0.8:17171")
	for _, way := range ways { // the lease may be renewed over either
		way.Stall()
		unsure := time.NewTicker(20 * time.Millisecond)
		for over := time.After(6 * time.Second); ; {
			select {
			case <-unsure.C:
				if !one.place.Sure() {
					t.Error("it has no shards")
				}
				continue
			case reason := <-one.fenced:
				t.Error("it is fenced:", reason)
			case <-over:
			}
			break
		}
		unsure.Stop()
		way.Resume()
	}
}

// TestAChangeOfMembersIsNotMissed has a node hear of a change while it can't read what it is.
func TestAChangeOfMembersIsNotMissed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	proxy := b.etcd.Proxy()
	b.urls = []string{proxy.URL}
	one := b.node("127.0.0.9:17171")
	b.urls = nil
	proxy.StallRequests()
	stalled := time.Now()
	b.node("127.0.0.10:17171")
	<-time.After(time.Until(stalled.Add(2700 * time.Millisecond)))
	proxy.Resume()
	b.eventually("it knows of the other", func() bool { return len(one.place.Others()) == 1 })
}

// TestFencedWhenTheKeyIsAnother has the key of a node be there whenever it looks, and its lease last; but in between the key was
// gone, and others may have its shards.
func TestFencedWhenTheKeyIsAnother(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	proxy := b.etcd.Proxy()
	b.urls = []string{proxy.URL}
	one := b.node("127.0.0.27:17171")
	proxy.Stall()
	b.etcd.RemakeMember(one.addr)
	proxy.Resume()
	if reason := one.ends(); !strings.Contains(reason, "its lease in etcd has ended") {
		t.Error(reason)
	}
}

// TestWhatIsSentToADeadNodeDoesNotWait: Proto.Actor gives a node up when it could not connect, and does not try for 10 s, while all
// that is sent there would wait.
func TestWhatIsSentToADeadNodeDoesNotWait(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	one := b.node("127.0.0.28:17171")
	nobody := etcdtest.FreeAddr(t)
	gaveUp := make(chan struct{})
	var once sync.Once
	one.place.System().EventStream.Subscribe(func(event any) {
		if e, is := event.(*remote.EndpointTerminatedEvent); is && e.Address == nobody {
			once.Do(func() { close(gaveUp) })
		}
	})
	sent := time.Now()
	one.place.System().Root.Send(actor.NewPID(nobody, "x"), &messages.Reply{})
	select {
	case <-gaveUp:
	case <-time.After(patience):
		t.Fatal("it is never given up")
	}
	if took := time.Since(sent); took > 8*time.Second { // 2 s for each try
		t.Errorf("it is given up after %s", took)
	}
}
