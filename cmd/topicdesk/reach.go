package main

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/topicdesk/topicdesk/bot"
)

// A node of a cluster that does not reach Telegram any more, while others do, holds up its chats, and all updates if it polls.
// Shards are where the members say, so it leaves. As it starts again it waits until it reaches Telegram, so it does that once.
// While nobody reaches Telegram all stay.

const (
	// reachEvery is how often a node looks whether it reaches Telegram, and reachWithin how long it may not.
	reachEvery  = 10 * time.Second
	reachWithin = 30 * time.Second
)

var errOutOfReach = errors.New("this node does not reach Telegram, while another one does: it leaves, and joins again when it does")

// keepInReach calls leave when this node is to leave, and returns then, or when ctx ends.
func (e *edge) keepInReach(ctx context.Context, every, within time.Duration, leave func()) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for last := time.Now(); ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := e.reach(ctx, every)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			last = time.Now()
			e.system.Reached()
		case time.Since(last) < within:
		case e.system.OthersReach(ctx):
			e.log.Error("Telegram can't be reached from this node", "since", last, "error", err)
			leave()
			return
		}
	}
}

// reach returns an error if Telegram does not answer. What it answers does not matter here.
func (e *edge) reach(ctx context.Context, within time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	_, err := e.client.Me(ctx)
	if refused := (*bot.APIError)(nil); errors.As(err, &refused) && refused.Status > 0 && refused.Status < http.StatusInternalServerError {
		return nil
	}
	return err
}
