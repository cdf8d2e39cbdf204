package apikey

import (
	"time"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/messages"
)

// What is left of a key's limits is in memory only: to write it would cost more than most requests do. When its entity moves
// to another node, the former one tells the new one. After a crash nobody does; then the record says when the key was last
// used, to the minute, and so how much of the burst must be back.

// firstShare is the share of its burst that a key has at once on a node that knows nothing of its last requests.
const firstShare = 0.1

// atFirst is how many requests a key may make together when it comes to this node. On a node alone that is the whole burst.
func (k *apikey) atFirst(now time.Time) float64 {
	rate, burst := desk.LimitsOf(k.record)
	if !k.Clustered() {
		return float64(burst)
	}
	idle := now.Sub(k.record.LastUsedAt.Add(lastUsedEvery)).Seconds() // at least
	return min(float64(burst), max(1, firstShare*float64(burst), idle*float64(rate)))
}

var _ entity.Stopper = (*apikey)(nil)

// Stop implements entity.Stopper. A key is woken on the other node only if that one would not come to the same by itself.
func (k *apikey) Stop() {
	moves := k.HandsOver() || k.Clustered() && k.Env.Draining()
	if !moves || k.Overtaken() || k.filled.IsZero() || k.record == nil {
		return
	}
	rate, burst := desk.LimitsOf(k.record)
	now := k.Now().UTC()
	left := min(float64(burst), k.tokens+now.Sub(k.filled).Seconds()*float64(rate))
	if left < k.atFirst(now) || left >= k.atFirst(now)+1 {
		k.Tell(messages.KindAPIKey, k.ID, &messages.AllowanceLeft{Tokens: k.tokens, AtMs: k.filled.UnixMilli()})
	}
}

// onAllowanceLeft counts what the key has used on its former node, and what it has used here already.
func (k *apikey) onAllowanceLeft(m *messages.AllowanceLeft) error {
	if k.record == nil {
		return nil
	}
	now := k.Now().UTC()
	rate, burst := desk.LimitsOf(k.record)
	passed := max(0, now.Sub(desk.TimeOf(m.AtMs)).Seconds())
	k.tokens = max(0, min(float64(burst), m.Tokens+passed*float64(rate))-float64(k.counted))
	k.filled = now
	return nil
}
