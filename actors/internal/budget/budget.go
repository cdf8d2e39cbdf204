package budget

import (
	"maps"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/messages"
)

const (
	// lasts is how long a share lasts: longer than the budget takes to come up on another node, so that the others go on.
	lasts = 10 * time.Second
	// knows is how long a new activation takes to know all who may hold a share from before: no node that has shards knows
	// less of the members than it takes not to be sure of its own (cluster, suspendAfter).
	knows = 3 * time.Second
	// spent is for how long calls that have left count, with a margin.
	spent = 1100 * time.Millisecond
)

// budget is the entity that shares the calls out.
//
// It takes ShareBudget, and replies with a BudgetShare. What it has lent is in memory only. A new activation learns from
// the nodes what they hold, and lends no more than that before each has told; a node that is no member any more makes no
// calls by then. It is never retired.
//
// The shares are never more than the whole together, in any second: what a node gives back counts as lent until the node has
// said that it holds less, and for a second more, in which its calls count still. A node that is not known as a member yet is
// lent nothing, and what it holds is its own until it ends; one that is a member no more makes no calls.
type budget struct {
	*entity.Host
	room    *Room
	began   time.Time
	nodes   map[string]*holder
	freeing []freed
}

// holder is a node with a share.
type holder struct {
	holds int // at most
	until time.Time
	wants int
	least int       // calls that must leave together; 0: none
	since time.Time // when it first said so
	seen  bool      // as a member
	left  bool      // it was a member, and is none any more
}

// freed are calls that nobody holds any more, and that may be lent again from a time on.
type freed struct {
	n  int
	at time.Time
}

func (b *budget) Load() error {
	b.began, b.nodes, b.freeing = b.Now(), map[string]*holder{}, nil
	return nil
}

func (b *budget) Resume() error { return nil }

func (b *budget) Idle() bool { return false }

func (b *budget) onShare(m *messages.ShareBudget) (proto.Message, error) {
	now, holds := b.Now(), int(m.Holds)
	b.tidy(now)
	h := b.nodes[m.Node]
	if h == nil {
		h = &holder{until: now.Add(lasts)}
		b.nodes[m.Node] = h
		b.tidy(now) // is it a member?
	}
	if h.holds > holds {
		b.freeing = append(b.freeing, freed{h.holds - holds, now.Add(spent)})
	}
	h.holds, h.until, h.wants = holds, now.Add(lasts), int(m.Wants)
	if m.Least == 0 {
		h.since = time.Time{}
	} else if h.since.IsZero() {
		h.since = now
	}
	h.least = int(m.Least)

	shares := allocate(b.room.total, b.nodes)
	share := shares[m.Node]
	switch free := b.free(); {
	case share > holds:
		share = holds + max(0, min(share-holds, free))
		if !b.complete(now) {
			share = holds
		}
	case share < holds && !h.left: // it keeps what nobody else wants
		missing := -free
		for name, other := range b.nodes {
			missing += max(0, shares[name]-other.holds)
		}
		share = max(share, holds-max(0, missing))
	}
	if h.left {
		share = 0
	} else if !h.seen {
		share = min(share, holds)
	}
	h.holds = max(holds, share) // an older activation, which does not know of this, is not heard: the host looks at the lease
	return &messages.BudgetShare{Code: messages.Code_OK, PerSecond: int64(share), LastsMs: lasts.Milliseconds()}, nil
}

// tidy forgets what counts no more.
func (b *budget) tidy(now time.Time) {
	members := append(b.room.nodes.Others(), b.room.nodes.Self())
	for name, h := range b.nodes {
		member := slices.Contains(members, name)
		h.left, h.seen = h.seen && !member, h.seen || member
		if h.left && h.until.After(now) { // it calls nothing any more when this is over
			h.until = now
			h.wants, h.least = 0, 0
		}
	}
	maps.DeleteFunc(b.nodes, func(_ string, h *holder) bool { return now.After(h.until.Add(spent)) })
	b.freeing = slices.DeleteFunc(b.freeing, func(f freed) bool { return now.After(f.at) })
}

// free is how many calls nobody holds.
func (b *budget) free() int {
	free := b.room.total
	for _, h := range b.nodes {
		free -= h.holds
	}
	for _, f := range b.freeing {
		free -= f.n
	}
	return free
}

// complete says whether each node has told what it holds, since this activation began.
func (b *budget) complete(now time.Time) bool {
	if now.Before(b.began.Add(knows)) {
		return false
	}
	for _, name := range append(b.room.nodes.Others(), b.room.nodes.Self()) {
		if b.nodes[name] == nil {
			return now.After(b.began.Add(lasts + spent))
		}
	}
	return true
}

// allocate says what each node should have: one call, so that it can begin at once; what must leave together, first come
// first served; and of the rest each as much as the others, but no more than it wants, while others want more.
func allocate(total int, nodes map[string]*holder) map[string]int {
	names := slices.Sorted(maps.Keys(nodes))
	shares, left := map[string]int{}, total
	give := func(name string, n int) {
		shares[name] += n
		left -= n
	}
	if total >= len(names) {
		for _, name := range names {
			give(name, 1)
		}
	}
	waiting := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return nodes[name].least == 0 })
	slices.SortStableFunc(waiting, func(a, b string) int { return nodes[a].since.Compare(nodes[b].since) })
	for _, name := range waiting {
		if more := nodes[name].least - shares[name]; more > 0 && more <= left {
			give(name, more)
		} else if name == waiting[0] && more > 0 { // it needs all, for a moment
			clear(shares)
			left = total
			give(name, min(total, nodes[name].least))
		}
	}
	for round := true; round && left > 0; {
		round = false
		for _, name := range names {
			if left > 0 && shares[name] < nodes[name].wants {
				give(name, 1)
				round = true
			}
		}
	}
	busy := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return nodes[name].wants == 0 })
	if len(busy) == 0 {
		busy = names
	}
	for i := 0; left > 0 && len(busy) > 0; i++ {
		give(busy[i%len(busy)], 1)
	}
	return shares
}
