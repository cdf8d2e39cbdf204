package actors

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

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
	*host
	offset int64
	cancel context.CancelFunc
	ended  *sync.WaitGroup
}

// offsetEvery is how often the offset is stored: Telegram keeps it too, this only saves work after a restart.
const offsetEvery = time.Second

func newPoller(h *host) entity { return &poller{host: h} }

func (p *poller) load() error {
	p.stop()
	offset, err := p.store.Offset(p.ctx, p.key.identity)
	if err != nil {
		return fmt.Errorf("read the offset: %w", err)
	}
	p.offset = offset
	return nil
}

func (p *poller) resume() error {
	set := p.system.intake.Load()
	if set == nil {
		return errors.New("there is no intake to poll with")
	}
	intake := *set
	ctx, cancel := context.WithCancel(p.system.pollCtx)
	p.cancel, p.ended = cancel, &sync.WaitGroup{}
	offset := p.offset
	p.system.polling.Add(1)
	p.ended.Go(func() {
		defer p.system.polling.Done()
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
		if err := p.store.SaveOffset(p.ctx, p.key.identity, next); err != nil && p.ctx.Err() == nil {
			p.log.Warn("the offset could not be stored; Telegram keeps it too", "error", err)
		}
	}
	newest := offset
	err := intake.Poll(ctx, offset, func(next int64) {
		newest = next
		if p.now().Sub(last) >= offsetEvery {
			last = p.now()
			save(next)
		}
	})
	if newest > offset {
		save(newest)
	}
	if err != nil && ctx.Err() == nil {
		p.log.Error("polling ended and begins again", "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(retryAfterTrouble):
		}
	}
	return newest
}

func (p *poller) stop() {
	if p.cancel != nil {
		p.cancel()
		p.ended.Wait()
		p.cancel = nil
	}
}

func (p *poller) idle() bool { return false }

func (p *poller) receive(m any) (proto.Message, error) {
	switch m := m.(type) {
	case *messages.Wake:
		return ok(), nil
	default:
		return answered(messages.Code_CONFLICT, "a poller does not understand "+typeName(m)), nil
	}
}

// StartPolling starts the poller of a bot; Stop ends it.
func (s *System) StartPolling(ctx context.Context, botID string, intake Intake) error {
	s.intake.Store(&intake)
	_, err := s.Ask(ctx, KindPoller, botID, &messages.Wake{})
	return err
}
