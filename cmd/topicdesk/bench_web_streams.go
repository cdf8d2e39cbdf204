package main

import (
	"context"
	"fmt"
)

// openPagesMB is what 200 open pages may cost.
const openPagesMB = 40

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
	stop, err := b.openPages(ctx, tickets)
	if err != nil {
		return err
	}
	after, err := b.service.memoryNow(ctx)
	stop()
	if err != nil {
		return err
	}
	fmt.Fprintf(b.out, "%d open pages, at rest: %+.1f MB live heap and %+.1f MB stacks; resident %.0f, then %.0f MB (at most %d MB)\n",
		webPeople, after.live-before.live, after.stacks-before.stacks, before.resident, after.resident, openPagesMB)
	stop = nil
	return b.paired(ctx, fmt.Sprintf("%d open pages", webPeople), func(ctx context.Context, on bool) (err error) {
		if on {
			stop, err = b.openPages(ctx, tickets)
		}
		return err
	}, func(on bool) (string, error) {
		now, err := b.service.memoryNow(ctx)
		if !on || err != nil {
			return fmt.Sprintf("%.0f MB live heap and stacks", now.live+now.stacks), err
		}
		asked, failed, ended := stop()
		return fmt.Sprintf("%.0f MB live heap and stacks; the pages asked %d times, %d failed, %d streams ended", now.live+now.stacks,
			asked, failed, ended), err
	})
}
