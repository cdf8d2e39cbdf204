package poller

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/messages"
)

// Intake is what the poller needs of the Telegram edge; package bot implements it.
type Intake interface {
	// Poll receives updates, from offset on, until ctx ends, after those that keeper has. It acknowledges to Telegram only
	// what was handled or is kept, and calls saved with the next offset after each batch.
	Poll(ctx context.Context, offset int64, saved func(next int64), keeper *Keeper) error
}

// poller is the entity that receives a bot's updates by getUpdates and owns the stored offset. There is one in the
// whole desk.
//
// It takes Wake, which activates it, and replies OK. From its activation on it polls, on a goroutine of its own. It is
// never retired: it stops with the node, or when it is fenced.
type poller struct {
	*entity.Host
	room   *Room
	offset int64
	known  time.Time // when storage last said that this activation is the newest
	cancel context.CancelFunc
	ended  *sync.WaitGroup
}

// offsetEvery is how often the offset is stored. Telegram keeps it too; ours only saves work after a restart.
const offsetEvery = time.Second

// Room has the pollers of a node: one, while the node owns the bot, else none.
type Room struct {
	intake  atomic.Pointer[Intake]
	polling sync.WaitGroup
	active  atomic.Int32
}

// NewRoom makes the room. Call Use before the first Wake.
func NewRoom() *Room { return &Room{} }

// Use sets where updates go.
func (r *Room) Use(intake Intake) { r.intake.Store(&intake) }

// Polls says whether this node receives the updates.
func (r *Room) Polls() bool { return r.active.Load() > 0 }

// Wait returns when no poller polls any more.
func (r *Room) Wait() { r.polling.Wait() }

// Kind declares the kind poller.
func (r *Room) Kind() *entity.Kind {
	return &entity.Kind{
		Name:     messages.KindPoller,
		New:      func(h *entity.Host) entity.Entity { return &poller{Host: h, room: r} },
		Stays:    true,
		Single:   true,
		Messages: []entity.Handler{entity.Replies((*poller).onWake), entity.Takes((*poller).onRenew)},
	}
}

func (p *poller) Load() error {
	p.Stop()
	offset, err := p.Store.Offset(p.Ctx, p.ID)
	if err != nil {
		return fmt.Errorf("read the offset: %w", err)
	}
	p.offset, p.known = offset, time.Now()
	return nil
}

func (p *poller) Resume() error {
	p.begin()
	p.After(leaseEvery, renew{})
	return nil
}

// begin starts polling. A node that has not said yet where updates go has the poller wait for its Wake.
func (p *poller) begin() {
	set := p.room.intake.Load()
	if set == nil || p.cancel != nil {
		return
	}
	intake := *set
	ctx, cancel := context.WithCancel(p.IntakeCtx)
	p.cancel, p.ended = cancel, &sync.WaitGroup{}
	offset, keeper := p.offset, NewKeeper(p.Env, p.ID)
	claim := p.Claim()
	keeper.claim = &claim
	p.room.polling.Add(1)
	p.room.active.Add(1)
	p.ended.Go(func() {
		defer p.room.polling.Done()
		defer p.room.active.Add(-1)
		for ctx.Err() == nil {
			offset = p.run(ctx, intake, offset, keeper)
		}
	})
}

// renew is the message of the timer that looks at the lease.
type renew struct{}

const (
	// leaseEvery is how often the poller looks whether it is the newest activation, and leaseLasts how long it polls
	// without knowing: for so long two nodes may poll at once.
	leaseEvery = time.Second
	leaseLasts = 5 * time.Second
)

// onRenew stops polling when another node polls, or may.
func (p *poller) onRenew(renew) error {
	ctx, cancel := context.WithTimeout(p.Ctx, leaseEvery)
	defer cancel()
	newest, err := p.Newest(ctx)
	switch {
	case err == nil && !newest:
		p.Stop()
		return entity.ErrOvertaken
	case err == nil:
		p.known = time.Now()
		p.begin()
	case time.Since(p.known) > leaseLasts && p.cancel != nil:
		p.Log.Warn("polling pauses: storage does not tell whether another node polls", "error", err)
		p.Stop()
	}
	p.After(leaseEvery, renew{})
	return nil
}

// run polls until ctx ends or polling fails, and returns the next offset.
func (p *poller) run(ctx context.Context, intake Intake, offset int64, keeper *Keeper) int64 {
	last := time.Time{}
	save := func(next int64) {
		if err := p.Store.SaveOffset(p.Ctx, p.ID, next); err != nil && p.Ctx.Err() == nil {
			p.Log.Warn("the offset could not be stored; Telegram keeps it too", "error", err)
		}
	}
	newest := offset
	err := intake.Poll(ctx, offset, func(next int64) {
		newest = next
		if p.Now().Sub(last) >= offsetEvery {
			last = p.Now()
			save(next)
		}
	}, keeper)
	if newest > offset {
		save(newest)
	}
	if err != nil && ctx.Err() == nil {
		p.Log.Error("polling failed; it begins again", "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(entity.RetryAfterTrouble):
		}
	}
	return newest
}

var _ entity.Stopper = (*poller)(nil)

func (p *poller) Stop() {
	if p.cancel != nil {
		p.cancel()
		p.ended.Wait()
		p.cancel = nil
	}
}

func (p *poller) Idle() bool { return false }

func (p *poller) onWake(*messages.Wake) (proto.Message, error) {
	p.begin()
	return entity.OK(), nil
}
