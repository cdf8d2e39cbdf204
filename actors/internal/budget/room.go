package budget

import (
	"context"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/actors/internal/pace"
	"github.com/topicdesk/topicdesk/messages"
)

// Telegram is the identity of the one budget.
const Telegram = "telegram"

// Room is what a node of a cluster knows of the budget: its own share.
type Room struct {
	env   *entity.Env
	total int
	pacer *pace.Global
	nodes entity.Placement
	share int
	until time.Time
	shown atomic.Int64
}

// Share is how many calls per second this node may make; 0 for a node alone without a limit.
func (r *Room) Share() int64 {
	if r.nodes == nil {
		return int64(r.total)
	}
	return r.shown.Load()
}

// Deps are what the room of a node needs.
type Deps struct {
	Total int // calls per second of all nodes together; 0: no limit
	Pacer *pace.Global
	Nodes entity.Placement // nil: this node is alone
}

// NewRoom makes the room of a node. On a node alone it has nothing to do.
func NewRoom(env *entity.Env, d Deps) *Room {
	return &Room{env: env, total: d.Total, pacer: d.Pacer, nodes: d.Nodes}
}

// Kind declares the kind budget.
func (r *Room) Kind() *entity.Kind {
	return &entity.Kind{
		Name:     messages.KindBudget,
		New:      func(h *entity.Host) entity.Entity { return &budget{Host: h, room: r} },
		Stays:    true,
		Single:   true,
		Messages: []entity.Handler{entity.Replies((*budget).onShare)},
	}
}

const (
	askEvery = 300 * time.Millisecond
	askTry   = time.Second
)

// Ask asks an entity once.
type Ask func(ctx context.Context, kind, identity string, m proto.Message, timeout time.Duration) (any, error)

// Begin has no call leave without a share. Call it on a node of a cluster, before the first call.
func (r *Room) Begin() { r.pacer.Lend(0, time.Time{}) }

// Run renews the share until the node stops.
func (r *Room) Run(ask Ask) {
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for r.total > 0 {
		r.renew(ask)
		select {
		case <-r.env.Ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (r *Room) renew(ask Ask) {
	asked := r.env.Now()
	if !asked.Before(r.until) {
		r.share = 0
		r.shown.Store(0)
	}
	wants, least := r.pacer.Wanted(asked)
	m := &messages.ShareBudget{Node: r.nodes.Self(), Holds: int64(r.share), Wants: int64(wants), Least: int64(least)}
	reply, err := ask(r.env.Ctx, messages.KindBudget, Telegram, m, askTry)
	share, ok := reply.(*messages.BudgetShare)
	if err != nil || !ok {
		return // the next time; until then the old share holds
	}
	r.share, r.until = int(share.PerSecond), asked.Add(time.Duration(share.LastsMs)*time.Millisecond)
	r.pacer.Lend(r.share, r.until)
	r.shown.Store(share.PerSecond)
}
