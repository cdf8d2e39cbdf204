package actors

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/chat"
	"github.com/topicdesk/topicdesk/actors/internal/cluster"
	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/actors/internal/monitor"
	"github.com/topicdesk/topicdesk/actors/internal/report"
	"github.com/topicdesk/topicdesk/messages"
)

const (
	// followEvery is how often a node looks for events of others that it was not told of, because they did not reach it.
	followEvery = time.Minute
	// statusTry is how long a node waits for what another says of itself.
	statusTry = time.Second
)

// newPlacement is nil for a node alone.
func newPlacement(o Options, log *slog.Logger) (entity.Placement, error) {
	if o.Cluster == nil {
		return o.placement, nil
	}
	options := *o.Cluster
	if options.Log == nil {
		options.Log = log
	}
	placement, err := cluster.New(options)
	if err != nil {
		return nil, err
	}
	return placement, nil
}

// newMonitor makes the room of the monitor. Without options it tells nothing, and answers all the same.
func newMonitor(env *entity.Env, o *MonitorOptions, aliases *desk.Aliases, chats *chat.Room) *monitor.Room {
	d := monitor.Deps{Aliases: aliases, Behind: chats.Behind}
	if o != nil {
		d.Options, d.On = *o, true
	}
	return monitor.NewRoom(env, d)
}

// self is the address of this node; "": it is alone.
func (s *System) self() string {
	if nodes := s.node.Nodes(); len(nodes) > 0 {
		return nodes[0]
	}
	return ""
}

// DrainNode asks the node at an address to leave, and returns when it has.
func DrainNode(ctx context.Context, o ClusterOptions, addr string) error {
	return cluster.Drain(ctx, o, addr)
}

// errNotJoined says why a node of a cluster is not ready yet.
var errNotJoined = errors.New("this node has not joined its cluster yet: it has not reached Telegram so far")

// Join makes a node of a cluster a member, if NewSystem has not (JoinLater), and begins what follows. Call it once, and not
// during Stop. A node alone has joined already.
func (s *System) Join() error {
	if s.joined.Load() {
		return nil
	}
	if err := s.node.Join(s.env.Ctx, s.sweep.Moved); err != nil {
		return err
	}
	s.joined.Store(true)
	if s.monitor.On {
		s.sweep.Keep(messages.KindMonitor, monitor.Desk)
		s.reports.Go(func() { s.monitor.Run(s.self, s.node.Request) })
	}
	if s.counts {
		s.sweep.Keep(messages.KindReport, report.Desk)
	}
	s.loops.Go(s.sweep.Run)
	s.loops.Go(s.sweep.Reindex)
	if s.recorder != nil {
		s.loops.Go(s.recorder.Run)
	}
	if s.node.Clustered() {
		s.loops.Go(s.followLog)
		s.loops.Go(func() { s.budget.Run(s.node.Request) })
	}
	return nil
}

// Joined says whether this node is a member of its cluster, or alone.
func (s *System) Joined() bool { return s.joined.Load() }

// reachLasts is for how long a node that has reached Telegram counts as one that reaches it.
const reachLasts = 15 * time.Second

// Reached notes that this node has reached Telegram.
func (s *System) Reached() {
	now := s.env.Now()
	s.reached.Store(&now)
}

// OthersReach says whether another node of the cluster reaches Telegram.
func (s *System) OthersReach(ctx context.Context) bool {
	self := s.node.Nodes()
	return slices.ContainsFunc(s.Nodes(ctx), func(n *messages.NodeStatus) bool {
		return n.ReachesTelegram && len(self) > 0 && n.Addr != self[0]
	})
}

// Polls says whether this node asks Telegram for updates.
func (s *System) Polls() bool { return s.pollers.Polls() }

// hear takes what another node of the cluster says, and replies to what it asks.
func (s *System) hear(m proto.Message) proto.Message {
	switch m := m.(type) {
	case *messages.LogAppended:
		s.log.Hear(m)
	case *messages.GetNodeStatus:
		return s.status()
	}
	return nil
}

// followLog looks for events of other nodes until the node stops.
func (s *System) followLog() {
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for {
		look := s.log.Catch
		select {
		case <-s.env.Ctx.Done():
			return
		case <-s.log.Heard():
		case <-tick.C:
			look = s.log.Follow
		}
		if err := look(s.env.Ctx); err != nil && s.env.Ctx.Err() == nil {
			s.env.Log.Warn("events of other nodes can't be read; tried again", "error", err)
		}
	}
}

func (s *System) status() *messages.NodeStatus {
	status := s.node.Status()
	status.SinceMs, status.Version, status.Polls = s.began.UnixMilli(), s.version, s.pollers.Polls()
	status.CallsPerSecond = s.budget.Share()
	if at := s.reached.Load(); at != nil {
		status.ReachesTelegram = s.env.Now().Sub(*at) < reachLasts
	}
	return status
}

// Nodes says how each node is, by address. A node alone is the only one. One that does not answer has a trouble.
func (s *System) Nodes(ctx context.Context) []*messages.NodeStatus {
	all := []*messages.NodeStatus{s.status()}
	var others sync.WaitGroup
	var mu sync.Mutex
	for i, addr := range s.node.Nodes() {
		if i == 0 {
			continue
		}
		others.Go(func() {
			reply, err := s.node.AskNode(ctx, addr, &messages.GetNodeStatus{}, statusTry)
			status, ok := reply.(*messages.NodeStatus)
			if err != nil || !ok {
				status = &messages.NodeStatus{Addr: addr, Trouble: fmt.Sprintf("it does not answer: %v", err)}
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, status)
		})
	}
	others.Wait()
	slices.SortFunc(all, func(a, b *messages.NodeStatus) int { return strings.Compare(a.Addr, b.Addr) })
	return all
}
