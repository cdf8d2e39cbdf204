package actors_test

import (
	"bytes"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
)

// TestANodeAloneStartsNoCluster looks at the goroutines of a whole desk, in a process in which no other test has started a cluster.
func TestANodeAloneStartsNoCluster(t *testing.T) {
	const alone = "TOPICDESK_TEST_ALONE"
	if os.Getenv(alone) == "" {
		child := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
		child.Env = append(os.Environ(), alone+"=true")
		if out, err := child.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	d := ready(t, options{})
	k := d.open(d.ann, d.support, "Printer")
	d.mention(d.ann, k, "@bob_eng", d.engineering)
	d.quiet(k)
	stacks := make([]byte, 16<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	if !bytes.Contains(stacks, []byte("actors/internal/sweep.")) {
		t.Fatal("the test proves nothing")
	}
	for _, part := range []string{"protoactor-go/cluster", "protoactor-go/remote", "google.golang.org/grpc", "go.etcd.io/etcd"} {
		if i := bytes.Index(stacks, []byte(part)); i >= 0 {
			t.Errorf("a node alone has started %s: %s", part, stacks[max(0, i-200):min(len(stacks), i+200)])
		}
	}
	if nodes := d.system.Nodes(t.Context()); len(nodes) != 1 || nodes[0].Addr != "" {
		t.Errorf("the nodes are %v", nodes)
	}
}

// TestAskTriesAnotherNodeSoon: the owner may have died with the question, so in a cluster the first try is a short one.
func TestAskTriesAnotherNodeSoon(t *testing.T) {
	t.Parallel()
	a := newTwins(t)
	d, first, second := twinDesk(t, options{speed: 20, twins: a})
	a.believes(second, nil)
	a.believes(first, func(int) *process { return second })
	k := d.open(d.ann, d.support, "Printer")
	d.quiet(k)
	var mu sync.Mutex
	var tries []time.Time
	a.lose(func(m any) bool {
		mail, is := m.(*messages.Mail)
		if !is || mail.Type != string((&messages.UpdateTicket{}).ProtoReflect().Descriptor().FullName()) {
			return false
		}
		mu.Lock()
		defer mu.Unlock()
		tries = append(tries, time.Now())
		return len(tries) == 1
	})
	reply, err := first.system.Ask(t.Context(), messages.KindTicket, k.id, &messages.UpdateTicket{Origin: program(), Title: proto.String("Scanner")})
	d.must(err)
	a.lose(nil)
	if r, is := reply.(*messages.Reply); !is || r.Code != messages.Code_OK {
		t.Errorf("%v", reply)
	}
	mu.Lock()
	defer mu.Unlock()
	const ofANodeAlone = 4 * time.Second
	if len(tries) < 2 || tries[1].Sub(tries[0]) >= ofANodeAlone {
		t.Errorf("it was asked at %v", tries)
	}
}
