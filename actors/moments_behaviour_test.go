package actors_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/actors"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// Things happen at awkward moments: between a call and its answer, between two writes, between the parts of an album.

func TestEditBetweenACallAndItsAnswer(t *testing.T) {
	t.Parallel()
	held := &heldAnswers{called: make(chan struct{}, 1), go_: make(chan struct{})}
	d, k, eng := linked(t, options{speed: 3, wrapTelegram: func(inner actors.Telegram) actors.Telegram {
		held.Telegram = inner
		return held
	}})
	after := d.last(d.engineering)
	held.on.Store(true)
	m := d.say(d.ann, d.support, k.thread, "the firts")
	<-held.called
	d.edit(m, "the first")
	d.awaitRevision(m, 1)
	d.eventually("the chat has the new words", func() bool { return held.parts.Load() > 1 })
	close(held.go_)
	d.say(d.ann, d.support, k.thread, "behind")
	d.awaitText(d.engineering, eng, "behind")
	d.awaitShown(m)
	d.quiet(k)
	same(t, "copies", d.arrived(d.engineering, eng, after), []string{"Ann · edited | the first", "Ann | behind"})
}

// heldAnswers withholds the answer to the first copy until it is released.
type heldAnswers struct {
	actors.Telegram
	on     atomic.Bool
	parts  atomic.Int64
	called chan struct{}
	go_    chan struct{}
}

func (h *heldAnswers) Parts(op *messages.Operation) int {
	if h.on.Load() {
		h.parts.Add(1)
	}
	return h.Telegram.Parts(op)
}

func (h *heldAnswers) Call(ctx context.Context, chatID int64, lang string, op *messages.Operation) *messages.Outcome {
	outcome := h.Telegram.Call(ctx, chatID, lang, op)
	if op.GetSendCopy() != nil && h.on.Load() {
		select {
		case h.called <- struct{}{}:
			<-h.go_
		default:
		}
	}
	return outcome
}

func TestPartOfAnAlbumThatGoesWhileItIsGathered(t *testing.T) {
	t.Parallel()
	var timers atomic.Int64 // of the album's parts: those of the first three have fired without effect
	d, k, eng := linked(t, options{speed: 3, slowed: func(after time.Duration) time.Duration {
		if after == actors.GatherFor && timers.Add(1) <= 3 {
			return time.Hour
		}
		return after
	}})
	after := d.last(d.engineering)
	parts := d.album(d.ann, d.support, k.thread, "photo:one", "photo:two", "photo:three")
	d.await("they are taken in", func() bool { return d.sim.Pending() == 0 })
	d.eventually("they are gathered", func() bool { return timers.Load() == 3 })
	d.reply(d.ann, d.support, parts[2], "/delete")
	d.await("the command is taken in", func() bool { return d.sim.Pending() == 0 })
	d.say(d.ann, d.support, k.thread, "behind")
	d.awaitText(d.engineering, eng, "behind")
	same(t, "copies", d.arrived(d.engineering, eng, after), []string{"album: (photo) Ann | one, (photo) two", "Ann | behind"})
	d.quiet(k)
}

// Storage fails when some copies of an album are written. When it is back, the others are written, and nothing is
// posted again.
func TestStorageFailsBetweenTheCopiesOfAnAlbum(t *testing.T) {
	t.Parallel()
	var broken atomic.Bool
	d, k, eng := linked(t, options{
		speed: 3, wrapStore: func(s storage.Store) storage.Store { return &forgetful{s, &broken} },
	})
	after := d.last(d.engineering)
	broken.Store(true)
	parts := d.album(d.ann, d.support, k.thread, "photo:one", "photo", "photo")
	d.say(d.ann, d.support, k.thread, "behind")
	d.eventually("the first copy is written", func() bool {
		copies, err := d.store.CopiesOf(t.Context(), messageID(parts[0]))
		return err == nil && len(copies) == 1
	})
	broken.Store(false)
	d.awaitText(d.engineering, eng, "behind")
	d.quiet(k)
	same(t, "copies", d.arrived(d.engineering, eng, after), []string{
		"album: (photo) Ann | one, (photo), (photo)", "Ann | behind",
	})
	d.mapped(parts, d.engineering, eng, after)
}

// A program has written on the ticket. What people change afterwards is shown nowhere in the program's topic, and
// nothing waits for that.
func TestEditWhereAProgramHasSpoken(t *testing.T) {
	t.Parallel()
	d, k, eng := linked(t, options{})
	d.does(k.id, &messages.SendMessage{Origin: program(), Content: &messages.Content{Text: "from the CRM"}}, "")
	d.awaitText(d.engineering, eng, "from the CRM")
	m := d.say(d.ann, d.support, k.thread, "the firts")
	d.awaitText(d.engineering, eng, "the firts")
	d.edit(m, "the first")
	d.awaitText(d.engineering, eng, "the first")
	d.awaitShown(m)
	d.quiet(k)
}

// The upload of a file from outside may take longer than any other call.
func TestAFileFromOutsideHasTime(t *testing.T) {
	t.Parallel()
	var left atomic.Int64
	d, k, eng := linked(t, options{wrapTelegram: func(inner actors.Telegram) actors.Telegram {
		return deadlines{inner, &left}
	}})
	d.does(k.id, &messages.SendMessage{Origin: program(), Content: &messages.Content{Text: "a text"}}, "")
	d.awaitText(d.engineering, eng, "a text")
	if got := time.Duration(left.Load()); got <= 0 || got > 30*time.Second {
		t.Errorf("a text may take %s", got)
	}
	d.does(k.id, &messages.SendMessage{Origin: program(), Content: &messages.Content{Text: "a file",
		Media: &messages.Media{Kind: messages.MediaDocument, Sha256: strings.Repeat("0", 64)}}}, "")
	d.eventually("its call", func() bool { return time.Duration(left.Load()) > time.Minute })
}

// deadlines notes the time-out of the last copy's call.
type deadlines struct {
	actors.Telegram
	left *atomic.Int64
}

func (d deadlines) Call(ctx context.Context, chatID int64, lang string, op *messages.Operation) *messages.Outcome {
	if until, limited := ctx.Deadline(); limited && op.GetSendCopy() != nil {
		d.left.Store(int64(time.Until(until)))
	}
	return d.Telegram.Call(ctx, chatID, lang, op)
}
