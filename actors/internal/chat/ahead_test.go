package chat

import (
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/messages"
)

// newChat is an activation of a chat that knows nothing. now may be changed; timers never fire, and are counted.
func newChat(now *time.Time, timers *int) *chat {
	env := &entity.Env{Now: func() time.Time { return *now }, AfterFunc: func(time.Duration, func()) *time.Timer {
		*timers++
		return time.NewTimer(time.Hour)
	}}
	return &chat{
		Host:  &entity.Host{Env: env, Log: slog.New(slog.DiscardHandler)},
		known: map[opKey]*queued{}, newest: map[string]*queued{}, refused: map[opKey]*refusal{},
		done:   desk.NewRecent[opKey, string](rememberedDone),
		posted: desk.NewRecent[string, messages.Version](rememberedDone),
	}
}

// part is the posting of a copy, of an attempt and a revision.
func part(n, attempt, content int) *messages.Operation {
	op := &messages.Operation{Attempt: int64(attempt), Content: int64(content),
		Call: &messages.Operation_SendCopy{SendCopy: &messages.SendCopyCall{}}}
	op.SetRef(&messages.OperationRef{Wanted: &messages.OperationRef_CopyPart{CopyPart: &messages.CopyPart{
		MessageId: fmt.Sprint("-100:", n), TopicId: "t"}}})
	return op
}

// ends is what the chat remembers of an operation that has ended.
func (c *chat) ends(op *messages.Operation, result messages.Outcome_Result) {
	q := &queued{op: op}
	c.dropKnown(q)
	c.rememberDone(keyOf(op), &messages.Outcome{Result: result})
	c.notePosted(q, &messages.Outcome{Result: result})
}

func TestWhatAChatKnows(t *testing.T) {
	var now time.Time
	c := newChat(&now, new(int))
	c.addKnown(&queued{op: part(1, 0, 0)})
	c.addKnown(&queued{op: part(2, 1, 4)})
	c.addKnown(&queued{op: part(3, 0, 0), called: true, next: &messages.Send{Operation: part(3, 1, 0)}})
	c.ends(part(4, 0, 1), messages.Outcome_DONE)
	c.ends(part(5, 0, 1), messages.Outcome_REJECTED)
	for _, x := range []struct {
		name string
		op   *messages.Operation
		want bool
	}{
		{"it waits", part(1, 0, 0), true},
		{"another text of it waits", part(2, 1, 3), true},
		{"only a former attempt waits", part(1, 1, 0), false},
		{"its next attempt waits for the call of the former one", part(3, 1, 0), true},
		{"it is posted", part(4, 0, 1), true},
		{"it is posted, with another text", part(4, 0, 0), true},
		{"a former attempt is posted", part(4, 1, 1), false},
		{"it was given up", part(5, 0, 1), true},
		{"a former attempt was given up", part(5, 1, 1), false},
		{"nothing of it is known", part(6, 0, 0), false},
	} {
		if got := c.knows(x.op.Named()); got != x.want {
			t.Errorf("%s: %v", x.name, got)
		}
	}
	if !c.knows(nil) { // its owner is of the release before
		t.Error("what names nothing ahead of it is not taken")
	}
}

// TestWhatIsRefusedIsTakenInTheEnd: if an owner names time and again what the chat never gets, no copy waits forever.
func TestWhatIsRefusedIsTakenInTheEnd(t *testing.T) {
	now, timers := time.Now(), 0
	c := newChat(&now, &timers)
	m := &messages.Send{Operation: part(2, 0, 0), After: part(1, 0, 0).Named()}
	for range 3 {
		if !c.overtakes(m) {
			t.Fatal("it is taken")
		}
		now = now.Add(refusedFor / 3)
	}
	c.size = chatQueueLimit / 2
	if !c.overtakes(m) {
		t.Error("it is taken while the queue is long")
	}
	c.size = 0
	if c.overtakes(m) {
		t.Error("it is never taken")
	}
	if timers != 1 {
		t.Errorf("%d timers run", timers)
	}
}

// TestNoOperationOvertakes: whatever is lost, and however often the chat begins anew, the operations of a lane are first
// posted in their order; and when nothing is lost any more, all are.
func TestNoOperationOvertakes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Now()
		c := newChat(&now, new(int))
		var queue, lane []*messages.Operation // with the chat; with the owner, which has heard of the end of none
		var ended []string                    // whose Done is on its way
		var posted []string
		said, lossless, asked := 0, false, false
		send := func(at int) {
			m := &messages.Send{Operation: lane[at]}
			if at > 0 {
				m.After = lane[at-1].Named()
			}
			if !lossless && rapid.Bool().Draw(t, "lost") || c.known[keyOf(m.Operation)] != nil {
				return
			}
			if _, done := c.recallDone(keyOf(m.Operation)); done {
				ended = append(ended, m.Operation.Id)
				return
			}
			if c.overtakes(m) {
				asked = true
				return
			}
			c.addKnown(&queued{op: m.Operation})
			queue = append(queue, m.Operation)
		}
		say := func() {
			said++
			lane = append(lane, part(said, 0, 0))
			send(len(lane) - 1)
		}
		again := func() {
			for at := range lane {
				send(at)
			}
		}
		call := func() {
			if len(queue) > 0 {
				op := queue[0]
				queue = queue[1:]
				c.ends(op, messages.Outcome_DONE)
				ended, posted = append(ended, op.Id), append(posted, op.Id)
			}
		}
		hear := func() {
			if len(ended) > 0 {
				lane = slices.DeleteFunc(lane, func(op *messages.Operation) bool { return op.Id == ended[0] })
				ended = ended[1:]
			}
		}
		anew := func() { c, queue = newChat(&now, new(int)), nil }
		for _, step := range rapid.SliceOfN(rapid.SampledFrom([]func(){say, say, again, call, call, hear, anew}), 1, 60).
			Draw(t, "steps") {
			step()
		}
		lossless, asked = true, false
		say() // after it the owner is asked, unless nothing is missing
		if before := len(lane); asked {
			if again(); len(lane) != before {
				t.Fatal("the lane has changed")
			}
		}
		for range queue {
			call()
		}
		want := 0
		var seen []string
		for _, id := range posted {
			if slices.Contains(seen, id) {
				continue // once more, by another activation
			}
			seen = append(seen, id)
			if want++; id != part(want, 0, 0).Id {
				t.Fatalf("%v", posted)
			}
		}
		if want != said {
			t.Fatalf("%d of %d are posted: %v", want, said, posted)
		}
	})
}
