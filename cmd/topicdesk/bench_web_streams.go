package main

import (
	"context"
	"fmt"
	"time"
)

// openPagesMB is what 200 open pages may cost.
const openPagesMB = 40

// settles is how long people write before each run, without pages too. That somebody opens 200 pages within a second, and that a
// desk falls from silence to its full load, is not what the run is about: the load and the garbage of that are left to this time.
const settles = 5 * time.Second

// benchStreams measures what open pages cost.
func benchStreams(ctx context.Context, b *filledBench) error {
	tickets := map[int][]string{}
	for _, t := range b.world.tickets {
		id, err := b.ticketOf(ctx, t)
		if err != nil {
			return err
		}
		tickets[t.pair] = append(tickets[t.pair], id)
	}
	before, err := b.service.memoryNow(ctx)
	if err != nil {
		return err
	}
	open, err := b.openPages(ctx, tickets)
	if err != nil {
		return err
	}
	after, err := b.service.memoryNow(ctx)
	open.close()
	if err != nil {
		return err
	}
	fmt.Fprintf(b.out, "%d open pages, at rest: %+.1f MB live heap and %+.1f MB stacks; resident %.0f, then %.0f MB (at most %d MB)\n",
		webPeople, after.live-before.live, after.stacks-before.stacks, before.resident, after.resident, openPagesMB)
	open = nil
	var asked int64 // before the run
	return b.paired(ctx, fmt.Sprintf("%d open pages", webPeople), func(ctx context.Context, on bool) (err error) {
		if on {
			if open, err = b.openPages(ctx, tickets); err != nil {
				return err
			}
		}
		if _, err = b.world.talk(ctx, phase{"settle", b.o.bench.rate, settles}); err == nil && on {
			asked = open.asked.Load()
		}
		return err
	}, func(on bool) (string, error) {
		now, err := b.service.memoryNow(ctx)
		if !on || err != nil {
			return fmt.Sprintf("%.0f MB live heap and stacks", now.live+now.stacks), err
		}
		asked = open.asked.Load() - asked
		open.close()
		return fmt.Sprintf("%.0f MB live heap and stacks; the pages asked %d times, %d failed, %d streams ended", now.live+now.stacks,
			asked, open.failed, open.ended), nil
	})
}
