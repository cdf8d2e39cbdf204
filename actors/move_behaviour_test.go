package actors_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/actors"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/view"
)

// gives has all shards move from one node to another, which knows whose they were.
func (a *twins) gives(from, to *process) {
	a.mu.Lock()
	a.by[to.owner+":1"].former = []string{from.owner + ":1"}
	a.mu.Unlock()
	a.believes(to, nil)
	a.believes(from, func(int) *process { return to })
}

// lateTelegram answers calls that post a text only when it may.
type lateTelegram struct {
	actors.Telegram
	text  string
	wait  func()
	begun *atomic.Int64 // such calls
}

func (l lateTelegram) Call(ctx context.Context, chatID int64, lang string, op *messages.Operation) *messages.Outcome {
	outcome := l.Telegram.Call(ctx, chatID, lang, op)
	if strings.Contains(op.GetSendCopy().GetContent().GetText(), l.text) {
		l.begun.Add(1)
		l.wait()
	}
	return outcome
}

// TestAShardThatMovesHandsOver has all shards go to another node while a call and a delivery are in flight. Neither is
// repeated, though both take longer than a new owner waits for what others have written.
func TestAShardThatMovesHandsOver(t *testing.T) {
	t.Parallel()
	a := newTwins(t)
	var begun atomic.Int64
	d, first, second := twinDesk(t, options{speed: 1, twins: a, wrapTelegram: func(inner actors.Telegram) actors.Telegram {
		return lateTelegram{inner, "slow", func() { <-time.After(3 * time.Second) }, &begun}
	}})
	arrived := make(chan struct{}, 100)
	heard := d.hears(&messages.WebhookSettings{Events: []string{"message.sent"}}, func(int, view.Envelope) int {
		arrived <- struct{}{}
		<-time.After(1500 * time.Millisecond)
		return 200
	})
	k := d.open(d.ann, d.support, "Printer")
	eng := d.mention(d.ann, k, "@bob_eng", d.engineering)
	d.say(d.ann, d.support, k.thread, "slow question")
	d.eventually("the call and the delivery are in flight", func() bool { return begun.Load() == 1 && len(arrived) > 0 })
	a.gives(first, second)
	d.say(d.ann, d.support, k.thread, "next question")
	d.awaitText(d.engineering, eng, "next question")
	d.eventually("both are delivered", func() bool {
		heard.mu.Lock()
		defer heard.mu.Unlock()
		return len(heard.arrived) == 2
	})
	if n := d.repeats("the copies", d.copies(d.engineering, eng), []string{"slow question", "next question"}); n > 0 {
		t.Errorf("%d copies are repeated", n)
	}
	heard.mu.Lock()
	defer heard.mu.Unlock()
	for id, n := range heard.requests {
		if n != 1 {
			t.Errorf("%s was sent %d times", id, n)
		}
	}
}

// TestAShardThatMovesDoesNotWaitForEver has a call hang while its shard moves: what is said meanwhile goes on.
func TestAShardThatMovesDoesNotWaitForEver(t *testing.T) {
	t.Parallel()
	a := newTwins(t)
	var begun atomic.Int64
	answers := make(chan struct{})
	d, first, second := twinDesk(t, options{speed: 1, twins: a, wrapTelegram: func(inner actors.Telegram) actors.Telegram {
		return lateTelegram{inner, "hangs", func() { <-answers }, &begun}
	}})
	release := sync.OnceFunc(func() { close(answers) })
	t.Cleanup(release)
	k := d.open(d.ann, d.support, "Printer")
	eng := d.mention(d.ann, k, "@bob_eng", d.engineering)
	other := d.open(d.ann, d.support, "Scanner")
	side := d.mention(d.ann, other, "@bob_eng", d.engineering)
	d.say(d.ann, d.support, k.thread, "this hangs")
	d.eventually("the call is in flight", func() bool { return begun.Load() == 1 })
	a.gives(first, second)
	d.say(d.ann, d.support, other.thread, "still there?")
	d.awaitText(d.engineering, side, "still there?") // while the call hangs
	release()
	d.awaitText(d.engineering, eng, "this hangs")
}
