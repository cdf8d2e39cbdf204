package ticket

import (
	"sync"
	"time"

	"github.com/topicdesk/topicdesk/actors/internal/entity"
)

// numbers hands out the numbers of new tickets to the tickets of this node. It takes blocks of them from storage, which
// all nodes share: one at a time for a quiet desk, whose numbers have no gaps then, and blocks of twice the size while
// they last less than blockLasts. When the process ends, what is left of the block is never given (docs/decisions.md, D126).
type numbers struct {
	mu        sync.Mutex
	next, end int64 // what is left of the block: next <= n < end
	size      int
	takenAt   time.Time
	returned  []int64 // of tickets that were not opened after all
}

const (
	blockLasts   = time.Second
	largestBlock = 256
)

// take returns a number that no other ticket has or gets.
func (n *numbers) take(env *entity.Env) (int64, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if last := len(n.returned) - 1; last >= 0 {
		number := n.returned[last]
		n.returned = n.returned[:last]
		return number, nil
	}
	if n.next == n.end {
		size, now := 1, env.Now()
		if n.size > 0 && now.Sub(n.takenAt) < blockLasts {
			size = min(2*n.size, largestBlock)
		}
		first, err := env.Store.TakeNumbers(env.Ctx, size)
		if err != nil {
			return 0, err
		}
		n.next, n.end, n.size, n.takenAt = first, first+int64(size), size, now
	}
	n.next++
	return n.next - 1, nil
}

// giveBack takes back the number of a ticket that certainly is not stored with it.
func (n *numbers) giveBack(number int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.returned = append(n.returned, number)
}
