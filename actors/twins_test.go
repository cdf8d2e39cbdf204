package actors_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/bot"
	"github.com/topicdesk/topicdesk/messages"
)

// twins are the nodes of a cluster, within this process and over one store. What each of them believes about the owners of
// shards the test says, so two of them may have the same entity, for as long as the test likes. They reach each other as
// nodes do, but without a network.
type twins struct {
	mu    sync.Mutex
	nodes []*twin
	by    map[string]*twin
	rand  *rand.Rand
	loses func(message any) bool // on the way to another node; nil: nothing

	unwatched int // what a node that is gone was told to watch no longer
}

// lose has what lost selects be lost on the way to another node.
func (a *twins) lose(lost func(message any) bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.loses = lost
}

// lost says whether a message is lost on the way.
func (a *twins) lost(message any) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.loses != nil && a.loses(message)
}

// twin is one of them (entity.Placement).
type twin struct {
	all    *twins
	addr   string
	member entity.Member

	owner  func(shard int) string
	former []string // nodes that had the shards of this one a moment ago
	left   bool
	unsure bool
	shards map[int]*actor.PID // that run here
}

var _ entity.Placement = (*twin)(nil)

// seeded is chance that a failing test can have again: DESK_SEED is what it printed.
func seeded(t testing.TB) *rand.Rand {
	seed := uint64(time.Now().UnixNano())
	if given, err := strconv.ParseUint(os.Getenv("DESK_SEED"), 10, 64); err == nil {
		seed = given
	}
	t.Logf("DESK_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

func newTwins(t testing.TB) *twins { return &twins{by: map[string]*twin{}, rand: seeded(t)} }

// chance is a number below n.
func (a *twins) chance(n int) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.rand.IntN(n)
}

// next is the placement of the next node. The first believes that it has all shards, and the others believe that, too.
func (a *twins) next(owner string) *twin {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := &twin{all: a, addr: owner + ":1", shards: map[int]*actor.PID{}}
	first := n
	if len(a.nodes) > 0 {
		first = a.nodes[0]
	}
	n.owner = func(int) string { return first.addr }
	a.nodes, a.by[n.addr] = append(a.nodes, n), n
	return n
}

// believes has a node believe something about the owners. None of them: it has them all.
func (a *twins) believes(p *process, owner func(shard int) *process) {
	a.mu.Lock()
	n := a.by[p.owner+":1"]
	n.owner = func(shard int) string {
		if owner == nil {
			return n.addr
		}
		return owner(shard).owner + ":1"
	}
	moved := n.member.Moved
	a.mu.Unlock()
	moved()
}

// shuffle has each shard belong to one of two nodes, or, as each of them believes, to itself.
func (a *twins) shuffle(first, second *process) {
	var state [entity.Shards]int
	for i := range state {
		state[i] = a.chance(4)
	}
	a.believes(first, func(shard int) *process {
		if state[shard] == 0 {
			return second
		}
		return first
	})
	a.believes(second, func(shard int) *process {
		if state[shard] == 1 {
			return first
		}
		return second
	})
}

func (n *twin) Join(_ context.Context, m entity.Member) error {
	registry := m.System.ProcessRegistry
	registry.Address = n.addr
	registry.RegisterAddressResolver(func(pid *actor.PID) (actor.Process, bool) {
		n.all.mu.Lock()
		defer n.all.mu.Unlock()
		to := n.all.by[pid.Address]
		if to == nil || to.left && to.member.System.IsStopped() {
			return nil, false
		}
		return bridge{n, to}, true
	})
	n.all.mu.Lock()
	defer n.all.mu.Unlock()
	n.member = m
	return nil
}

// bridge is an actor of another node, as remote's process is.
type bridge struct{ from, to *twin }

func (b bridge) SendUserMessage(pid *actor.PID, message any) {
	_, m, sender := actor.UnwrapEnvelope(message)
	if b.from.all.lost(m) {
		return
	}
	pid = actor.NewPID(pid.Address, pid.Id) // a PID keeps how it is reached from where it was used
	if p, is := m.(proto.Message); is {
		m = proto.Clone(p)
	}
	if sender == nil {
		b.to.member.System.Root.Send(pid, m)
		return
	}
	b.to.member.System.Root.RequestWithCustomSender(pid, m, actor.NewPID(b.from.addr, sender.Id))
}

func (b bridge) SendSystemMessage(pid *actor.PID, message any) {
	switch m := message.(type) {
	case *actor.Watch:
		message = &actor.Watch{Watcher: actor.NewPID(b.from.addr, m.Watcher.Id)}
	case *actor.Unwatch:
		message = &actor.Unwatch{Watcher: actor.NewPID(b.from.addr, m.Watcher.Id)}
		b.from.all.mu.Lock()
		if b.to.left {
			b.from.all.unwatched++
		}
		b.from.all.mu.Unlock()
	}
	if p, found := b.to.member.System.ProcessRegistry.GetLocal(pid.Id); found {
		p.SendSystemMessage(pid, message)
	}
}

func (b bridge) Stop(pid *actor.PID) { b.to.member.System.Root.Stop(pid) }

func (n *twin) Number(ctx actor.ExtensionContext) int {
	parts := strings.Split(ctx.(actor.Context).Self().Id, "-") // as activate names it
	number, err := strconv.Atoi(parts[1])
	if err != nil {
		return -1
	}
	return number
}

func (n *twin) Owner(shard int) string {
	n.all.mu.Lock()
	defer n.all.mu.Unlock()
	owner := n.owner(shard)
	if owner == n.addr && n.left {
		return ""
	}
	return owner
}

func (n *twin) Find(shard int, timeout time.Duration) *actor.PID {
	owner := n.Owner(shard)
	n.all.mu.Lock()
	to := n.all.by[owner]
	n.all.mu.Unlock()
	if to == nil || to.member.System == nil {
		<-time.After(min(timeout, 100*time.Millisecond))
		return nil
	}
	pid := to.activate(shard)
	return actor.NewPID(pid.Address, pid.Id)
}

// activate starts a shard here unless it runs, as Proto.Actor's placement does: whatever this node believes.
func (n *twin) activate(shard int) *actor.PID {
	n.all.mu.Lock()
	defer n.all.mu.Unlock()
	if pid := n.shards[shard]; pid != nil {
		return pid
	}
	props := *n.member.Shard
	props.Configure(actor.WithReceiverMiddleware(func(next actor.ReceiverFunc) actor.ReceiverFunc {
		return func(c actor.ReceiverContext, e *actor.MessageEnvelope) {
			next(c, e)
			if _, stopped := e.Message.(*actor.Stopped); stopped {
				n.all.mu.Lock()
				defer n.all.mu.Unlock()
				if n.shards[shard].Equal(c.Self()) {
					delete(n.shards, shard)
				}
			}
		}
	}))
	pid := n.member.System.Root.SpawnPrefix(&props, fmt.Sprintf("grain-%d-", shard))
	n.shards[shard] = pid
	return pid
}

func (n *twin) Former(int) []string {
	n.all.mu.Lock()
	defer n.all.mu.Unlock()
	return n.former
}

func (n *twin) Self() string { return n.addr }

func (n *twin) Sure() bool {
	n.all.mu.Lock()
	defer n.all.mu.Unlock()
	return !n.unsure
}

// doubts has a node not know whether it is a member, or know it again.
func (a *twins) doubts(p *process, unsure bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.by[p.owner+":1"].unsure = unsure
}

func (n *twin) Others() (others []string) {
	n.all.mu.Lock()
	defer n.all.mu.Unlock()
	for _, o := range n.all.nodes {
		if o != n && !o.left && o.member.System != nil {
			others = append(others, o.addr)
		}
	}
	return others
}

func (n *twin) Leave(ctx context.Context) error {
	n.all.mu.Lock()
	defer n.all.mu.Unlock()
	n.left = true
	return ctx.Err()
}

func (n *twin) Left() {}

func (n *twin) Close() {}

// anyNode takes updates in by a node that chance chooses.
type anyNode struct {
	*twins
	d *desk
}

func (n anyNode) intake() *bot.Intake {
	nodes := n.d.nodes()
	return nodes[n.chance(len(nodes))].intake
}

func (n anyNode) Decode(raw []byte) *bot.Update { return n.d.intake.Decode(raw) }

func (n anyNode) Accept(ctx context.Context, u *bot.Update) error { return n.intake().Accept(ctx, u) }

// takeIn receives updates in place of a poller. Each goes to a node by chance, as through a balancer, and to another one
// when it is not accepted.
func (a *twins) takeIn(d *desk) {
	client, err := bot.NewClient(bot.Options{Token: d.sim.Token(), BaseURL: d.http.URL, Logger: slog.New(slog.DiscardHandler)})
	d.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	fetch := func(ctx context.Context, offset int64, wait time.Duration) ([]json.RawMessage, error) {
		return client.Updates(ctx, offset, wait, 1)
	}
	go func() {
		defer close(ended)
		(&bot.Poller{Log: slog.New(slog.DiscardHandler)}).Run(ctx, 0, fetch, anyNode{a, d}, nil)
	}()
	d.t.Cleanup(func() {
		cancel()
		<-ended
		client.Close()
	})
}

// twinDesk is a desk of two nodes.
func twinDesk(t *testing.T, o options) (d *desk, first, second *process) {
	a := o.twins
	d = newDesk(t, o)
	first = d.process
	second = d.another("second")
	t.Cleanup(func() {
		a.believes(second, func(int) *process { return first })
		a.believes(first, nil)
		second.stop(t)
	})
	d.join(second)
	d.register()
	return d, first, second
}

// slowTelegram has each call, and each answer to one, take a moment by chance.
type slowTelegram struct {
	actors.Telegram
	all *twins
}

func (s slowTelegram) Call(ctx context.Context, chatID int64, lang string, op *messages.Operation) *messages.Outcome {
	<-time.After(time.Duration(s.all.chance(5)) * time.Millisecond)
	defer func() { <-time.After(time.Duration(s.all.chance(10)) * time.Millisecond) }()
	return s.Telegram.Call(ctx, chatID, lang, op)
}

// join has a further node take updates in.
func (d *desk) join(p *process) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.joined = append(d.joined, p)
}

// nodes are those that take updates in.
func (d *desk) nodes() []*process {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]*process{d.process}, d.joined...)
}
