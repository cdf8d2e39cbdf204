//go:build !race

package actors_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/actors"
	"github.com/topicdesk/topicdesk/messages"
)

// slowAnswers has calls take as long as Telegram's may, up to 3 s.
type slowAnswers struct{ actors.Telegram }

func (s slowAnswers) Call(ctx context.Context, chatID int64, lang string, op *messages.Operation) *messages.Outcome {
	defer func() {
		if op.GetSendCopy() != nil {
			<-time.After(time.Duration(rand.Int64N(int64(3 * time.Second))))
		}
	}()
	return s.Telegram.Call(ctx, chatID, lang, op)
}

// TestClusterRepeatsLittleWhenNodesJoin has nodes join, and leave again, while people talk, calls take up to 3 s and
// deliveries up to 1 s. It counts what is repeated.
func TestClusterRepeatsLittleWhenNodesJoin(t *testing.T) {
	joins, inAll := 2, 2
	if os.Getenv("TOPICDESK_LONG") != "" {
		joins, inAll = 20, 10
	}
	o := clustered(t)
	o.wrapTelegram = func(inner actors.Telegram) actors.Telegram { return slowAnswers{inner} }
	d := ready(t, o)
	heard := d.hears(&messages.WebhookSettings{Events: []string{"message.sent"}}, nil)
	hears := heard.server.Config.Handler
	heard.server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		<-time.After(time.Duration(rand.Int64N(int64(time.Second))))
		hears.ServeHTTP(w, req)
	})
	type talk struct {
		k         *ticket
		side      int
		out, back []string
	}
	var talks []*talk
	for i := range 8 {
		k := d.open(d.ann, d.support, fmt.Sprintf("Printer %d", i))
		talks = append(talks, &talk{k: k, side: d.mention(d.ann, k, "@bob_eng", d.engineering)})
	}
	said := 0
	say := func(rounds int) {
		for range rounds {
			for _, k := range talks {
				said++
				k.out = append(k.out, fmt.Sprintf("out %d.", said))
				d.say(d.eve, d.support, k.k.thread, k.out[len(k.out)-1])
				k.back = append(k.back, fmt.Sprintf("back %d.", said))
				d.say(d.bob, d.engineering, k.side, k.back[len(k.back)-1])
			}
		}
	}
	settled := func() {
		for _, k := range talks {
			d.awaitText(d.engineering, k.side, k.out[len(k.out)-1])
			d.awaitText(d.support, k.k.thread, k.back[len(k.back)-1])
		}
		d.eventually("all is delivered", func() bool {
			heard.mu.Lock()
			defer heard.mu.Unlock()
			return len(heard.arrived) == 2*said
		})
	}
	repeated := func() (copies, deliveries int) {
		for _, k := range talks {
			copies += d.repeats("copies of "+k.k.id, d.copies(d.engineering, k.side), k.out)
			copies += d.repeats("copies of "+k.k.id, d.copies(d.support, k.k.thread), k.back)
		}
		heard.mu.Lock()
		defer heard.mu.Unlock()
		for _, n := range heard.taken {
			deliveries += n - 1
		}
		return copies, deliveries
	}
	var copies, deliveries, most int
	var slowest time.Duration
	for n := range joins {
		say(2)
		begun := time.Now()
		joined := d.joins(fmt.Sprint("node ", n))
		say(2)
		settled()
		slowest = max(slowest, time.Since(begun))
		c, v := repeated()
		t.Logf("join %d: %d copies and %d deliveries repeated, %s", n, c-copies, v-deliveries, time.Since(begun).Round(time.Millisecond))
		most = max(most, c-copies+v-deliveries)
		copies, deliveries = c, v
		joined.stop(t)
		settled()
		c, v = repeated()
		t.Logf("and when it leaves: %d copies and %d deliveries", c-copies, v-deliveries)
		most = max(most, c-copies+v-deliveries)
		copies, deliveries = c, v
	}
	t.Logf("%d joins: %d copies and %d deliveries of %d repeated; the slowest took %s", joins, copies, deliveries, 2*said, slowest)
	if most > 3 || copies+deliveries > inAll {
		t.Errorf("%d are repeated at once, %d in all", most, copies+deliveries)
	}
}

// TestClusterRemindsOnceWhenNodesJoin has the answers to 20 tickets fall due one after the other while a node joins, and again while it
// leaves: each is told once. Only a call that is under way while its chat moves may be repeated.
func TestClusterRemindsOnceWhenNodesJoin(t *testing.T) {
	o := clustered(t)
	o.sweepEvery = time.Second
	d := ready(t, o)
	d.awaitAnswer(d.say(d.ann, d.support, 0, "/autoclaim off"), "")
	var tickets []*ticket
	for i := range 20 {
		tickets = append(tickets, d.open(d.eve, d.support, fmt.Sprintf("Printer %02d", i)))
	}
	repeated := 0
	overdueWhile := func(round int, does func()) {
		t.Helper()
		d.quiet(tickets...)
		first := d.record(tickets[0]).Timers.AnswerDueAt
		d.clock.jump(first.Sub(d.clock.Now()))
		does()
		for _, k := range tickets {
			d.awaitTold(k, messages.EventTicketOverdue, round)
			d.eventually("it is reminded of", func() bool { return len(d.reminders(d.support, k.thread, overdue)) >= round })
		}
		d.quiet(tickets...)
		n := 0
		for _, k := range tickets {
			d.awaitTold(k, messages.EventTicketOverdue, round)
			n += len(d.reminders(d.support, k.thread, overdue)) - round
		}
		if repeated += max(0, n-repeated); repeated > 2 {
			t.Errorf("%d reminders too many", repeated)
		}
	}
	var second *process
	overdueWhile(1, func() { second = d.joins("second") })
	defer func() { second.stop(t) }()
	for _, k := range tickets {
		d.awaitHeard(k, d.say(d.carl, d.support, k.thread, "Which one?"))
		d.awaitHeard(k, d.say(d.eve, d.support, k.thread, "The large one"))
	}
	d.eventually("an answer is due anew", func() bool {
		return !slices.ContainsFunc(tickets, func(k *ticket) bool { return d.record(k).Timers.AnswerDueAt.Before(d.clock.Now()) })
	})
	overdueWhile(2, func() { second.stop(t) })
}
