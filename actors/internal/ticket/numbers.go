package ticket

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/storage"
)

// numbers hands out the numbers of new tickets to the tickets of this node. It takes blocks of them from storage, which
// all nodes share: one at a time for a quiet desk, whose numbers have no gaps then, and blocks of twice the size while
// they last less than blockLasts. When the process ends, or after blockKept, what is left of a block is never given
// (docs/decisions.md, D126).
type numbers struct {
	mu        sync.Mutex
	next, end int64 // what is left of the block: next <= n < end
	size      int
	takenAt   time.Time
	returned  []int64 // of tickets that were not opened after all
	refill    *refill // nil: none is in progress
}

// refill is the call for the next block. One ticket makes it, and all that need a number meanwhile wait for that one.
type refill struct {
	done chan struct{} // closed when it has ended
	err  error
}

const (
	blockLasts   = time.Second
	blockKept    = time.Hour
	largestBlock = 256
)

// errRefill is the outcome of a refill until it has another one.
var errRefill = errors.New("the next numbers were not taken")

// take returns a number that no other ticket has or gets.
func (n *numbers) take(env *entity.Env) (int64, error) {
	for {
		number, size, r := n.left(env.Now())
		switch {
		case number > 0:
			return number, nil
		case size > 0:
			n.fill(env, r, size)
		default:
			select {
			case <-r.done:
			case <-env.Ctx.Done():
				return 0, env.Ctx.Err()
			}
		}
		if r.err != nil {
			return 0, r.err
		}
	}
}

// left returns a number of those that are left, or else the refill, and how many the caller is to take for it; 0: another
// one does.
func (n *numbers) left(now time.Time) (number int64, size int, r *refill) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if now.Sub(n.takenAt) > blockKept { // other nodes gave higher ones meanwhile
		n.next, n.returned = n.end, nil
	}
	if last := len(n.returned) - 1; last >= 0 {
		number, n.returned = n.returned[last], n.returned[:last]
		return number, 0, nil
	}
	if n.next < n.end {
		n.next++
		return n.next - 1, 0, nil
	}
	if n.refill != nil {
		return 0, 0, n.refill
	}
	size = 1
	if n.size > 0 && now.Sub(n.takenAt) < blockLasts {
		size = min(2*n.size, largestBlock)
	}
	n.refill = &refill{done: make(chan struct{}), err: errRefill}
	return 0, size, n.refill
}

// fill takes the next block.
func (n *numbers) fill(env *entity.Env, r *refill, size int) {
	defer func() { // after a panic, too
		n.mu.Lock()
		defer n.mu.Unlock()
		n.refill = nil
		close(r.done)
	}()
	first, err := env.Store.TakeNumbers(env.Ctx, size)
	if r.err = err; err != nil {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.next, n.end, n.size, n.takenAt = first, first+int64(size), size, env.Now()
}

// giveBack takes back the number of a ticket that certainly is not stored with it.
func (n *numbers) giveBack(number int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.returned = append(n.returned, number)
}

// numberAgain gives the ticket a number and the time of its last message, if a program that knows neither saved it last:
// while nodes are upgraded one after the other, those with the earlier program go on, and drop what they don't know.
func (t *ticket) numberAgain() error {
	last := t.record.CreatedAt
	newest, err := t.Store.MessagesAfter(t.Ctx, t.record.TicketID, t.sequence-1, 1)
	if err != nil {
		return fmt.Errorf("read the newest message: %w", err)
	}
	if len(newest) > 0 && newest[0].RecordedAt.After(last) {
		last = newest[0].RecordedAt
	}
	number, err := t.room.numbers.take(t.Env)
	if err != nil {
		return fmt.Errorf("take a number: %w", err)
	}
	return t.change(func(r *storage.Ticket) {
		r.Number, r.LastMessageAt = number, last
		r.CardRevision++
	})
}
