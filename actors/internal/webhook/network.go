package webhook

import (
	"sync"
	"time"

	"github.com/topicdesk/topicdesk/actors/internal/delivery"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
)

// network knows whether the desk itself is cut off: no host can be reached, and several were tried. Then failures say
// nothing about the endpoints.
type network struct {
	env *entity.Env

	mu     sync.Mutex
	failed map[string]time.Time // by host: when it last could not be reached
	cut    bool
}

const (
	// cutOffHosts is how many hosts must fail within cutOffWithin, and none answer, for the desk to count as cut off.
	cutOffHosts  = 2
	cutOffWithin = time.Minute
)

func newNetwork(env *entity.Env) *network { return &network{env: env, failed: map[string]time.Time{}} }

// note learns from an attempt. Only what never reached a host speaks for our own network.
func (n *network) note(host string, r *delivery.Result) {
	switch r.Kind {
	case delivery.DNS, delivery.Unreachable:
		n.mu.Lock()
		defer n.mu.Unlock()
		n.failed[host] = n.env.Now()
		n.prune()
		if len(n.failed) >= cutOffHosts && !n.cut {
			n.cut = true
			n.env.Log.Error("webhooks: no host can be reached: DNS or the network of this machine seems to be down; "+
				"no endpoint is blamed", "hosts", len(n.failed), "error", r.Error)
		}
	case delivery.Guard, delivery.Stopped, delivery.Timeout:
	default: // it was reached; or DNS answered that there is no such name, and does not do that when it is down
		n.mu.Lock()
		defer n.mu.Unlock()
		clear(n.failed)
		if n.cut {
			n.cut = false
			n.env.Log.Info("webhooks: hosts can be reached again")
		}
	}
}

// cutOff reports whether the desk is cut off.
func (n *network) cutOff() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.prune()
	return n.cut
}

// prune forgets failures of long ago. When too few are left, nothing says any more that the desk is cut off: the endpoints
// that could tell are no longer tried. The caller holds n.mu.
func (n *network) prune() {
	now := n.env.Now()
	for host, at := range n.failed {
		if now.Sub(at) > cutOffWithin {
			delete(n.failed, host)
		}
	}
	if len(n.failed) < cutOffHosts {
		n.cut = false
	}
}
