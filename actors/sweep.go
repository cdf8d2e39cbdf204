package actors

import (
	"context"
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// The sweep wakes entities that owe something: at start all of them, since nobody else is at work on them; later those whose
// time has come. It also ticks the shards, so that idle entities retire.

const (
	sweepBatch   = 50
	dueAtMost    = 10_000 // people, groups and chats: there are few, and each is woken at once
	sweepAnswers = 1000
	sweepPause   = 50 * time.Millisecond // between two batches, so that a large backlog does not starve what people do now
	shardTick    = 10 * time.Second
)

func (s *System) sweepLoop() {
	s.sweepOnce(s.ctx, s.now().Add(100*365*24*time.Hour))
	sweep, ticks := time.NewTicker(s.sweep), time.NewTicker(min(shardTick, s.idle))
	defer sweep.Stop()
	defer ticks.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-ticks.C:
			for _, pid := range s.shards {
				s.system.Root.Send(pid, tick{})
			}
		case <-sweep.C:
			s.sweepOnce(s.ctx, s.now())
		}
	}
}

// sweepOnce wakes what is due by then.
func (s *System) sweepOnce(ctx context.Context, by time.Time) {
	var after storage.Due
	for ctx.Err() == nil {
		due, err := s.store.DueTickets(ctx, by, after, sweepBatch)
		if !s.wake(KindTicket, due, err) || len(due) < sweepBatch {
			break
		}
		after = due[len(due)-1]
		select {
		case <-ctx.Done():
		case <-time.After(sweepPause):
		}
	}
	for ctx.Err() == nil { // answers to requests of long ago
		n, err := s.store.DeleteIdempotencies(ctx, s.now(), sweepAnswers)
		if err != nil && ctx.Err() == nil {
			s.log.Error("answers that have expired can't be deleted; tried again", "error", err)
		}
		if err != nil || n < sweepAnswers {
			break
		}
	}
	s.sweepFiles(ctx)
	due, err := s.store.DueUsers(ctx, by, dueAtMost)
	s.wake(KindUser, due, err)
	due, err = s.store.DueGroups(ctx, by, dueAtMost)
	s.wake(KindGroup, due, err)
	due, err = s.store.DueChats(ctx, by, dueAtMost)
	s.wake(KindChat, due, err)
}

// sweepFiles wakes the tickets with files that are due. A try that a crash ended is due; a pause between two tries is kept.
func (s *System) sweepFiles(ctx context.Context) {
	told, now := map[string]bool{}, s.now()
	var after storage.Due
	for s.files != nil && ctx.Err() == nil {
		due, err := s.store.DueAttachments(ctx, now, after, sweepBatch)
		if err != nil {
			if ctx.Err() == nil {
				s.log.Error("the sweep can't read which files are due; tried again", "error", err)
			}
			return
		}
		for _, d := range due {
			if !told[d.TicketID] {
				told[d.TicketID] = true
				s.Tell(KindTicket, d.TicketID, &messages.FilesDue{})
			}
		}
		if len(due) < sweepBatch {
			return
		}
		after = due[len(due)-1].Due
		select {
		case <-ctx.Done():
		case <-time.After(sweepPause):
		}
	}
}

func (s *System) wake(kind string, due []storage.Due, err error) bool {
	if err != nil {
		if s.ctx.Err() == nil {
			s.log.Error("the sweep can't read what is due; tried again", "kind", kind, "error", err)
		}
		return false
	}
	for _, d := range due {
		s.Tell(kind, d.ID, &messages.Wake{})
	}
	if len(due) > 0 {
		s.metrics.woken.WithLabelValues(kind).Add(float64(len(due)))
	}
	return true
}
