package actors_test

import (
	"context"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/messages"
)

// sendIn is the Send that travels in a message between nodes; nil: there is none.
func sendIn(t testing.TB, m any) *messages.Send {
	mail, is := m.(*messages.Mail)
	send := &messages.Send{}
	if !is || mail.Type != string(proto.MessageName(send)) {
		return nil
	}
	if err := proto.Unmarshal(mail.Body, send); err != nil {
		t.Errorf("a Send: %v", err)
	}
	return send
}

// engineeringOn has the chat of Engineering on one node, and all else on another.
func (d *desk) engineeringOn(its, others *process) func(shard int) *process {
	chat := entity.ShardNumber(messages.KindChat, messages.GroupPlace(d.engineering))
	return func(shard int) *process {
		if shard == chat {
			return its
		}
		return others
	}
}

// TestACopyWaitsForThoseOfTheChatsOtherActivation: the first node's activation of a chat has the copies of a topic in its queue
// when the second one takes the chat over. What the link enqueues again meets a shard that is just stopping. A later copy comes
// to the second one, which then has none of those before it.
func TestACopyWaitsForThoseOfTheChatsOtherActivation(t *testing.T) {
	t.Parallel()
	a := newTwins(t)
	var holding atomic.Bool
	entered, release := make(chan struct{}, 100), make(chan struct{})
	d, first, second := twinDesk(t, options{speed: 2, twins: a, sweepEvery: time.Hour,
		wrapTelegram: func(telegram actors.Telegram) actors.Telegram {
			return heldTelegram{telegram, &holding, entered, release}
		}})
	k := d.open(d.ann, d.support, "Printer")
	side := d.mention(d.ann, k, "@bob_eng", d.engineering)
	d.quiet(k)
	d.mu.Lock()
	d.joined = nil // updates go to the first node alone
	d.mu.Unlock()
	holding.Store(true)
	var want []string
	say := func(text string) {
		want = append(want, text)
		d.say(d.eve, d.support, k.thread, text)
	}
	for n := range 5 {
		say("said " + itoa(n))
	}
	d.await("all is taken in", func() bool { return d.sim.Pending() == 0 })
	select {
	case <-entered:
	case <-time.After(patience):
		t.Fatal("nothing is called")
	}
	holding.Store(false)

	place := messages.GroupPlace(d.engineering)
	apart := d.engineeringOn(second, first)
	a.believes(second, apart)
	_, err := second.system.Ask(t.Context(), messages.KindChat, place, &messages.GetChatPace{})
	d.must(err)
	close(release)
	d.eventually("the first activation has stopped by itself", func() bool {
		return first.metric(t, "entity_fences_total", "kind", messages.KindChat, "reason", "lease") > 0
	})
	var asked atomic.Bool
	a.lose(func(m any) bool {
		if mail, is := m.(*messages.Mail); is && mail.Type == string(proto.MessageName(&messages.QueueLost{})) {
			asked.Store(true)
		}
		text := sendIn(t, m).GetOperation().GetSendCopy().GetContent().GetText()
		return strings.HasPrefix(text, "said ") && !asked.Load()
	})
	a.believes(first, apart)
	say("the last")
	d.awaitText(d.engineering, side, "the last")
	if a.lose(nil); !asked.Load() { // only if this took so long that the first node's chat came up again before
		t.Log("nobody was asked for what is ahead of it")
	}
	d.quiet(k)
	if n := d.repeats("copies", d.copies(d.engineering, side), want); n > 1 {
		t.Errorf("%d copies are repeated; one call was in flight", n)
	}
}

// TestCopiesKeepTheirOrderWhateverIsLost: a link and its chat are on two nodes, and each operation is lost twice on the way, or
// once, or not at all.
func TestCopiesKeepTheirOrderWhateverIsLost(t *testing.T) {
	t.Parallel()
	a := newTwins(t)
	d, first, second := twinDesk(t, options{speed: 20, twins: a, sweepEvery: time.Hour})
	k := d.open(d.ann, d.support, "Printer")
	side := d.mention(d.ann, k, "@bob_eng", d.engineering)
	d.quiet(k)
	apart := d.engineeringOn(second, first)
	a.believes(second, apart)
	a.believes(first, apart)
	const last = "the last"
	left, lost := map[string]int{}, 0
	a.lose(func(m any) bool { // under the lock of a
		op := sendIn(t, m).GetOperation()
		if op.GetSendCopy() == nil || op.GetSendCopy().GetContent().GetText() == last {
			return false
		}
		if _, known := left[op.Id]; !known {
			left[op.Id] = max(0, a.rand.IntN(5)-2)
		}
		left[op.Id]--
		if left[op.Id] >= 0 {
			lost++
		}
		return left[op.Id] >= 0
	})
	var want []string
	marks := regexp.MustCompile("said [0-9]+|ends [0-9]+|the last")
	say := func(text string) {
		want = append(want, marks.FindAllString(text, -1)...)
		d.say(d.eve, d.support, k.thread, text)
	}
	for n := range 30 {
		text := "said " + itoa(n)
		if n%10 == 9 { // a copy of several messages
			text = (text + strings.Repeat(" word", 900))[:4080] + " ends " + itoa(n)
		}
		say(text)
	}
	say(last)
	d.awaitText(d.engineering, side, last)
	a.lose(nil)
	d.quiet(k)
	if lost == 0 {
		t.Error("nothing was lost")
	}
	got := marks.FindAllString(strings.Join(d.copies(d.engineering, side), "\n"), -1)
	if n := d.repeats("copies", got, want); n > 0 {
		t.Errorf("%d copies are repeated", n)
	}
}

// TestWhatIsWithdrawnIsNotPosted: a copy that waits is withdrawn, since its original is a note now. That the chat has dropped it is
// lost on the way to the link, which enqueues again what got no answer.
func TestWhatIsWithdrawnIsNotPosted(t *testing.T) {
	t.Parallel()
	a := newTwins(t)
	var holding, posted atomic.Bool
	entered, release := make(chan struct{}, 100), make(chan struct{})
	d, first, second := twinDesk(t, options{speed: 20, twins: a, sweepEvery: time.Hour,
		wrapTelegram: func(telegram actors.Telegram) actors.Telegram {
			return watchedTelegram{heldTelegram{telegram, &holding, entered, release}, func(op *messages.Operation) {
				if op.GetSendCopy().GetContent().GetText() == "two" || len(op.GetSendMerged().GetCopies()) > 0 {
					posted.Store(true)
				}
			}}
		}})
	k := d.open(d.ann, d.support, "Printer")
	side := d.mention(d.ann, k, "@bob_eng", d.engineering)
	d.quiet(k)
	apart := d.engineeringOn(second, first)
	a.believes(second, apart)
	a.believes(first, apart)
	var lost atomic.Int32
	again := make(chan struct{}, 100)
	a.lose(func(m any) bool {
		mail, is := m.(*messages.Mail)
		done := &messages.Done{}
		if is && mail.Type == string(proto.MessageName(done)) && proto.Unmarshal(mail.Body, done) == nil && done.Withdrawn {
			return lost.Add(1) == 1
		}
		if op := sendIn(t, m).GetOperation(); lost.Load() > 0 && strings.HasPrefix(op.GetId(), "copy/") {
			again <- struct{}{}
		}
		return false
	})
	holding.Store(true)
	d.say(d.eve, d.support, k.thread, "one")
	two := d.say(d.eve, d.support, k.thread, "two")
	d.await("all is taken in", func() bool { return d.sim.Pending() == 0 })
	for range 2 {
		select {
		case <-entered:
			d.edit(two, "// two")
		case <-again: // "one", or "two"
		case <-time.After(patience):
			t.Fatal("nothing is called, or nothing is enqueued again")
		}
	}
	holding.Store(false)
	close(release)
	d.say(d.eve, d.support, k.thread, "three")
	d.awaitText(d.engineering, side, "three")
	d.quiet(k)
	if posted.Load() {
		t.Error("the note is posted")
	}
	same(t, "copies", d.copies(d.engineering, side), []string{"one", "three"})
}

// watchedTelegram tells of each call before it is made.
type watchedTelegram struct {
	actors.Telegram
	calls func(*messages.Operation)
}

func (w watchedTelegram) Call(ctx context.Context, chatID int64, lang string, op *messages.Operation) *messages.Outcome {
	w.calls(op)
	return w.Telegram.Call(ctx, chatID, lang, op)
}
