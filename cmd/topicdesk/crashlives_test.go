package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/simulator"
)

// The kill loop over whole tickets: they are opened, somebody is mentioned, both sides write, and they are closed.

const (
	livesTickets = 12
	livesKills   = 3
)

func TestKillLoopOfTickets(t *testing.T) {
	if testing.Short() {
		t.Skip("long: kills processes under load")
	}
	t.Parallel()
	rounds, modes := 1, []string{"polling"}
	if long() {
		rounds, modes = 10, []string{"polling", "webhook"}
	}
	for _, mode := range modes {
		for round := range rounds {
			t.Run(fmt.Sprintf("%s/%d", mode, round+1), func(t *testing.T) {
				t.Parallel()
				killTickets(t, mode)
			})
		}
	}
}

func killTickets(t *testing.T, mode string) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	b := newBurst(t, mode, seed)
	b.tickets = make([][]topicKey, livesTickets)
	b.begin()
	b.addBot()
	b.say(b.bob, b.works, 0, "/default_group")
	b.await(func() string { return "bob receives tickets" }, func() bool {
		return b.answered(b.works) && b.sim.Pending() == 0
	})
	b.stop()

	start := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	b.begin()
	var living sync.WaitGroup
	for n := range livesTickets {
		living.Go(func() {
			if err := b.live(ctx, n); err != nil {
				t.Errorf("case %d: %v", n, err)
			}
		})
	}
	ended := make(chan struct{})
	go func() {
		living.Wait()
		close(ended)
		b.poke()
	}()
	over := func() bool {
		select {
		case <-ended:
			return true
		default:
			return false
		}
	}
	before := int(b.posts.Load())
	var kills []int
	for range livesKills {
		kills = append(kills, before+3+b.random(livesTickets*9))
	}
	slices.Sort(kills)
	for _, at := range kills {
		b.await(b.state, func() bool { return int(b.posts.Load()) >= at || over() })
		b.soon()
		b.kill()
	}
	b.await(b.state, func() bool { return over() && b.allArrived() })
	took := time.Since(start)
	for _, group := range []int64{b.support, b.works} {
		topics := b.sim.Topics(group)
		if len(topics) != livesTickets {
			t.Errorf("group %d has %d topics, not one for each ticket", group, len(topics))
		}
		for _, topic := range topics {
			if !topic.Closed {
				t.Errorf("topic %q of group %d is open", topic.Name, group)
			}
		}
	}
	b.last() // which reopens what its author says something on
	b.check(fmt.Sprintf("%s, tickets, %d kills, %.1fs", mode, len(kills), took.Seconds()))
}

// live plays one ticket from its opening to its closing.
func (b *burst) live(ctx context.Context, n int) error {
	name := fmt.Sprintf("Case %02d", n)
	// in waits until a topic of the ticket contains a text, and returns its thread.
	in := func(group int64, word string) (thread int, err error) {
		err = b.sim.Await(ctx, func() bool {
			i := slices.IndexFunc(b.sim.Topics(group), func(t simulator.Topic) bool {
				return named(t, name)
			})
			if i < 0 {
				return false
			}
			thread = b.sim.Topics(group)[i].Thread
			return slices.ContainsFunc(b.sim.Messages(group, thread),
				func(m simulator.Message) bool { return strings.Contains(m.Text, word) })
		})
		if err != nil {
			err = fmt.Errorf("waiting for %q in group %d: %w", word, group, err)
		}
		return thread, err
	}
	post := func(from, group int64, thread int, text string) error {
		_, err := b.sim.Post(simulator.Post{From: from, Chat: group, Thread: thread, Text: text})
		return err
	}
	if err := post(b.alice, b.support, 0, "/create_ticket "+name); err != nil {
		return err
	}
	home, err := in(b.support, "🎫")
	if err != nil {
		return err
	}
	if err := post(b.alice, b.support, home, "it began at noon"); err != nil {
		return err
	}
	if err := post(b.alice, b.support, home, "/mention @bob_b"); err != nil {
		return err
	}
	linked, err := in(b.works, "it began at noon") // in the context
	if err != nil {
		return err
	}
	b.tickets[n] = []topicKey{{b.support, home}, {b.works, linked}}
	for i := range 4 {
		b.tell(fmt.Sprintf("m-%04d", n*10+i), n, i%2, false)
	}
	// Topics are handled side by side: what Alice says after it was closed reopens the ticket.
	if _, err := in(b.works, fmt.Sprintf("m-%04d", n*10+2)); err != nil {
		return err
	}
	if err := post(b.bob, b.works, linked, "/close_ticket done"); err != nil {
		return err
	}
	if _, err := in(b.support, "🔒"); err != nil {
		return err
	}
	return b.sim.Await(ctx, func() bool {
		closed := func(t simulator.Topic) bool { return named(t, name) && t.Closed }
		return slices.ContainsFunc(b.sim.Topics(b.support), closed) &&
			slices.ContainsFunc(b.sim.Topics(b.works), closed)
	})
}
