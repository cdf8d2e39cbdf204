package cluster

import (
	"slices"
	"time"

	"github.com/asynkron/protoactor-go/cluster"

	"github.com/topicdesk/topicdesk/actors/internal/entity"
)

// formers are the nodes that had the shards of this one until a moment ago: a new owner waits until they have let go.
type formers [entity.Shards][]former

type former struct {
	addr  string
	until time.Time
}

// formerFor is for how long a node that had a shard is asked whether it has let go: longer than it takes to.
const formerFor = 10 * time.Second

// note notes whose shards have moved.
func (f *formers) note(self string, before, after *[entity.Shards]string) {
	now := time.Now()
	for shard, addr := range before {
		if addr == after[shard] || addr == "" || addr == self {
			continue
		}
		f[shard] = slices.DeleteFunc(f[shard], func(x former) bool { return x.addr == addr || now.Sub(x.until) > formerFor })
		f[shard] = append(f[shard], former{addr, now})
	}
}

// noted notes which members hand shards over. Nobody waits for one of an older version, which would not say when it has let go.
func (c *Cluster) noted(members []member) {
	handsOver := map[string]bool{}
	for _, m := range members {
		handsOver[m.Addr] = m.HandsOver
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.handsOver = handsOver
}

// Former implements entity.Placement. The last one that had the shard is the first.
func (c *Cluster) Former(shard int) []string {
	if shard < 0 || shard >= entity.Shards {
		return nil
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	var addrs []string
	for _, x := range slices.Backward(c.former[shard]) {
		member := slices.ContainsFunc(c.members, func(m *cluster.Member) bool { return m.Address() == x.addr })
		if member && c.handsOver[x.addr] && time.Since(x.until) <= formerFor {
			addrs = append(addrs, x.addr)
		}
	}
	return addrs
}

// others are the members without the one at an address.
func others(members []*cluster.Member, addr string) []*cluster.Member {
	return slices.DeleteFunc(slices.Clone(members), func(m *cluster.Member) bool { return m.Address() == addr })
}
