package poller

import (
	"context"
	"errors"
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
	// Poll takes updates in from offset on until ctx ends. It confirms to Telegram only what was handled, and calls saved
	// with the next offset after each batch.
	Poll(ctx context.Context, offset int64, saved func(next int64)) error
}

// poller is the entity that takes updates in by getUpdates; one in the whole cluster.
//
// Accepts  Wake (starts it)
// Stops    with the system, or when storage fences it off
type poller struct {
	*entity.Host
	room   *Room
	offset int64
	cancel context.CancelFunc
	ended  *sync.WaitGroup
}

// offsetEvery is how often the offset is stored: Telegram keeps it too, this only saves work after a restart.
const offsetEvery = time.Second

// Room has the pollers of a node: one, while it owns the bot.
type Room struct {
	intake  atomic.Pointer[Intake]
	polling sync.WaitGroup
}

// NewRoom makes them. Use comes before the first Wake.
func NewRoom() *Room { return &Room{} }

// Use says where updates go.
func (r *Room) Use(intake Intake) { r.intake.Store(&intake) }

// Wait returns when none polls any more.
func (r *Room) Wait() { r.polling.Wait() }

// Kind declares the pollers.
func (r *Room) Kind() *entity.Kind {
	return &entity.Kind{
		Name:     messages.KindPoller,
		New:      func(h *entity.Host) entity.Entity { return &poller{Host: h, room: r} },
		Stays:    true,
		Messages: []entity.Handler{entity.Replies((*poller).onWake)},
	}
}

func (p *poller) Load() error {
	p.Stop()
	offset, err := p.Store.Offset(p.Ctx, p.ID)
	if err != nil {
		return fmt.Errorf("read the offset: %w", err)
	}
	p.offset = offset
	return nil
}

func (p *poller) Resume() error {
	set := p.room.intake.Load()
	if set == nil {
		return errors.New("there is no intake to poll with")
	}
	intake := *set
	ctx, cancel := context.WithCancel(p.IntakeCtx)
	p.cancel, p.ended = cancel, &sync.WaitGroup{}
	offset := p.offset
	p.room.polling.Add(1)
	p.ended.Go(func() {
		defer p.room.polling.Done()
		for ctx.Err() == nil {
			offset = p.run(ctx, intake, offset)
		}
	})
	return nil
}

// run polls until it is told to stop, and returns the next offset.
func (p *poller) run(ctx context.Context, intake Intake, offset int64) int64 {
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
	})
	if newest > offset {
		save(newest)
	}
	if err != nil && ctx.Err() == nil {
		p.Log.Error("polling ended and begins again", "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(entity.RetryAfterTrouble):
		}
	}
	return newest
}

func (p *poller) Stop() {
	if p.cancel != nil {
		p.cancel()
		p.ended.Wait()
		p.cancel = nil
	}
}

func (p *poller) Idle() bool { return false }

func (p *poller) onWake(*messages.Wake) (proto.Message, error) { return entity.OK(), nil }
