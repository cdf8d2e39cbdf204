package actors_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/actors"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// TestPaceOfAGroupOutlivesItsNode: Telegram counts what a group is sent, whichever node sends it. A chat that is taken over goes on
// with the pace that the former node has used up.
func TestPaceOfAGroupOutlivesItsNode(t *testing.T) {
	if testing.Short() {
		t.Skip("long: waits for Telegram's minutes to pass")
	}
	for name, takenOver := range map[string]func(t *testing.T, d *desk, a *twins, life *mortal, eng int){
		"two nodes have it": func(t *testing.T, d *desk, a *twins, _ *mortal, eng int) {
			first, second := d.process, d.nodes()[1]
			chat := "g" + itoa64(d.engineering)
			for i, next := range []*process{second, first, second} {
				d.awaitText(d.engineering, eng, "paced "+itoa(2+4*i)+".")
				before := d.epoch(messages.KindChat, chat)
				a.believes(next, nil) // both, for a moment
				a.believes(map[*process]*process{first: second, second: first}[next], func(int) *process { return next })
				d.eventually("it has the chat", func() bool { return d.epoch(messages.KindChat, chat) > before })
			}
			a.believes(first, nil)
			a.believes(second, func(int) *process { return first })
		},
		"its node is killed": func(t *testing.T, d *desk, a *twins, life *mortal, _ int) {
			first, second := d.process, d.nodes()[1]
			life.mu.Lock()
			life.armed, life.kind, life.at = true, "after", 8
			life.mu.Unlock()
			d.eventually("it is killed", life.isDead)
			a.lose(func(any) bool { return true }) // it hands nothing over
			first.stopped = true
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			_ = first.system.Stop(ctx)
			first.client.Close()
			_ = first.store.Close()
			d.process = second
			a.believes(second, nil)
			t.Cleanup(func() { second.stop(t) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const speed, jitter = 15, 10 * time.Second // see TestPaceOfAGroup
			a, lives := newTwins(t), []*mortal{}
			d, _, _ := twinDesk(t, options{speed: speed, twins: a, pace: actors.Pace{GroupPerMinute: 20},
				wrapStore: func(s storage.Store) storage.Store {
					lives = append(lives, &mortal{counts: map[string]int{}})
					return mortalStore{s, lives[len(lives)-1]}
				},
				wrapTelegram: func(inner actors.Telegram) actors.Telegram { return mortalTelegram{inner, lives[len(lives)-1]} },
			})
			k := d.open(d.ann, d.support, "Printer")
			eng := d.mention(d.ann, k, "@bob_eng", d.engineering)
			d.quiet(k)
			chat := "g" + itoa64(d.engineering)
			d.clock.jump(2 * time.Minute) // what was said so far counts no more
			before, epoch := len(d.counted(d.engineering)), d.epoch(messages.KindChat, chat)
			letGo := d.clock.hold()
			long := strings.Repeat(" and so on", 300) // so that no two copies fit into one message
			var want []string
			for i := range 45 {
				want = append(want, "paced "+itoa(i)+"."+long)
				d.say(d.eve, d.support, k.thread, want[i])
			}
			d.await("all is taken in", func() bool { return d.sim.Pending() == 0 })
			letGo()
			takenOver(t, d, a, lives[0], eng)
			d.awaitText(d.engineering, eng, "paced 44.")
			d.quiet(k)
			switches := int(d.epoch(messages.KindChat, chat) - epoch)
			if switches == 0 {
				t.Fatal("nobody has taken the chat over")
			}
			n := most(d.counted(d.engineering)[before:], time.Minute-jitter)
			t.Logf("%d activations, %d calls in a minute", switches, n)
			if n > 20+1 { // one was in flight
				t.Errorf("%d calls in a minute", n)
			}
			if n := d.repeats("in Engineering", d.copies(d.engineering, eng), want); n > switches {
				t.Errorf("%d copies are there twice, %d activations", n, switches)
			}
		})
	}
}
