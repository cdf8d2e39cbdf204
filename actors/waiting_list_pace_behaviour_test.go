package actors_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/actors"
	"github.com/topicdesk/topicdesk/messages"
)

// heldEdit is an edit of a notice that is kept back on its way.
type heldEdit struct{ came, letGo chan struct{} }

// heldEdits keeps the next edit of a notice back, if somebody wants that.
type heldEdits struct {
	actors.Telegram
	next *atomic.Pointer[heldEdit]
}

func (h heldEdits) Call(ctx context.Context, chatID int64, lang string, op *messages.Operation) *messages.Outcome {
	if op.GetEditNotice() != nil {
		if held := h.next.Swap(nil); held != nil {
			close(held.came)
			<-held.letGo
		}
	}
	return h.Telegram.Call(ctx, chatID, lang, op)
}

// TestWaitingListKeepsApartFromAnEditThatWaited: the five minutes between two edits of the list begin when the first one has left, not
// when it was given to a chat that was busy.
func TestWaitingListKeepsApartFromAnEditThatWaited(t *testing.T) {
	t.Parallel()
	next := &atomic.Pointer[heldEdit]{}
	d := ready(t, options{waitingLists: true, speed: 20, wrapTelegram: func(inner actors.Telegram) actors.Telegram { return heldEdits{inner, next} }})
	d.showClock(12, 0)
	k := d.open(d.eve, d.support, "Printer")
	d.clock.jump(6 * time.Minute)
	first := d.awaitList(d.support, 1, "Printer", "")
	d.awaitListRests(d.support)
	held := &heldEdit{make(chan struct{}), make(chan struct{})}
	next.Store(held)
	d.awaitAnswer(d.say(d.carl, d.support, k.thread, "/claim"), "takes care")
	d.clock.jump(6 * time.Minute)
	<-held.came
	d.clock.jump(4*time.Minute + 30*time.Second)
	close(held.letGo)
	d.awaitList(d.support, 1, "🙋 Carl", "")
	d.awaitListRests(d.support)
	d.awaitAnswer(d.say(d.carl, d.support, k.thread, "/release"), "has released")
	d.awaitList(d.support, 1, "Printer", "🙋 Carl")
	var edits []time.Time
	d.eventually("both calls are listed, as they are when they have ended", func() bool {
		edits = d.edits(first)
		return len(edits) == 2
	})
	if apart := edits[1].Sub(edits[0]); apart < 5*time.Minute {
		t.Errorf("two edits are %s apart", apart)
	}
}
