package chat

import (
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// This file measures how far behind a chat is: the age of the oldest copy in its queue. The value is stored, so that
// whoever shows a ticket can read it, and exported as metrics: of all chats together, and of the groups that are the most behind.

const (
	// lagNotedEvery is how often the lag is stored while no call leaves.
	lagNotedEvery = 15 * time.Second
	lagLookEvery  = time.Second
)

// oldest is the time since which the oldest copy has waited; zero when none waits.
func (c *chat) oldest() (oldest time.Time) {
	for _, thread := range c.order {
		for _, q := range c.topics[thread].waiting {
			if q == c.leaving || q.op.GetSendCopy() == nil && !waits(q.op) {
				continue
			}
			if oldest.IsZero() || q.at.Before(oldest) {
				oldest = q.at
			}
			break // a topic's first is its oldest
		}
	}
	return oldest
}

// noteLag updates the node's registry. When the chat is behind and no call leaves with which the lag could be stored,
// it stores the lag itself.
func (c *chat) noteLag() {
	now := c.Now()
	if c.size > 0 && now.Sub(c.lagSeen) < lagLookEvery && !now.Before(c.lagSeen) {
		c.lookAt(c.lagSeen.Add(lagLookEvery)) // to look after every operation would cost more than most operations do
		return
	}
	c.lagSeen = now
	oldest := c.oldest()
	c.room.lags.set(c.ID, chatLag{oldest: oldest, slowed: c.rate(now) < 1, suspended: c.record.Suspended != "",
		group: c.group, chat: c.chatID, budget: c.budget(now)})
	if oldest.IsZero() {
		if !c.record.Oldest.IsZero() {
			c.storeLag()
		}
		return
	}
	if lag := now.Sub(oldest); lag < desk.LagShown {
		c.lookAt(oldest.Add(desk.LagShown))
		return
	}
	if now.Sub(c.lagStored) < lagNotedEvery || c.record.Oldest.Equal(storage.Kept(oldest)) {
		return
	}
	c.lagStored = now
	c.storeLag()
}

func (c *chat) storeLag() {
	if err := c.change(func(*storage.Chat) {}); err != nil { // change notes it
		c.Log.Error("how far the chat is behind could not be stored", "error", err)
	}
}

// chatLag is the state of one chat, for the metrics.
type chatLag struct {
	oldest            time.Time
	slowed, suspended bool

	group  bool // and not a private chat
	chat   ids.ChatID
	budget int // calls that may leave without waiting; -1: any number
}

// quiet says that there is nothing to tell of the chat.
func (l *chatLag) quiet() bool { return l.oldest.IsZero() && !l.slowed && !l.suspended }

// lags keeps the state of the chats on this node that wait, are slowed or may not be written to.
type lags struct {
	mu    sync.Mutex
	chats map[ids.Place]chatLag
}

func (l *lags) set(place ids.Place, lag chatLag) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if lag.quiet() {
		delete(l.chats, place)
		return
	}
	if l.chats == nil {
		l.chats = map[ids.Place]chatLag{}
	}
	l.chats[place] = lag
}

func (l *lags) each(f func(chatLag)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, lag := range l.chats {
		f(lag)
	}
}

// behind lists the chats whose oldest copy has waited for so long, and since when; those where the bot may not write are left out.
func (l *lags) behind(now time.Time, atLeast time.Duration) map[ids.Place]time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	found := map[ids.Place]time.Time{}
	for place, lag := range l.chats {
		if !lag.oldest.IsZero() && !lag.suspended && now.Sub(lag.oldest) >= atLeast {
			found[place] = lag.oldest
		}
	}
	return found
}

// register exports the lags as metrics.
func (l *lags) register(r prometheus.Registerer, now func() time.Time) {
	if r == nil {
		return
	}
	gauge := func(name, help string, value func() float64) {
		opts := prometheus.GaugeOpts{Namespace: "topicdesk", Name: name, Help: help}
		r.MustRegister(prometheus.NewGaugeFunc(opts, value))
	}
	count := func(is func(chatLag) bool) func() float64 {
		return func() (n float64) {
			l.each(func(lag chatLag) {
				if is(lag) {
					n++
				}
			})
			return n
		}
	}
	gauge("chat_lag_max_seconds", "Age of the oldest copy that waits in any chat of this node.", func() (most float64) {
		l.each(func(lag chatLag) {
			if !lag.oldest.IsZero() {
				most = max(most, now().Sub(lag.oldest).Seconds())
			}
		})
		return most
	})
	gauge("chats_behind", "Chats whose oldest waiting copy is more than 5 s old.", count(func(lag chatLag) bool {
		return !lag.oldest.IsZero() && now().Sub(lag.oldest) > desk.LagShown
	}))
	gauge("chats_slowed", "Chats whose pace flood control has lowered.",
		count(func(lag chatLag) bool { return lag.slowed }))
	gauge("chats_held", "Chats in which the bot may not write, while copies wait.",
		count(func(lag chatLag) bool { return lag.suspended }))
	r.MustRegister(&groupLags{lags: l, now: now})
}

// waitingIn lists the operations that wait for a topic.
func (c *chat) waitingIn(thread ids.ThreadID) (waiting []*queued) {
	for _, q := range slices.Concat(c.answers, c.last) {
		if q.op.ThreadId == thread {
			waiting = append(waiting, q)
		}
	}
	if line := c.topics[thread]; line != nil {
		waiting = append(waiting, slices.Clone(line.waiting)...)
	}
	return waiting
}

// received is the time since which an operation waits: when the update that caused it arrived.
func received(op *messages.Operation, now time.Time) time.Time {
	if op.ReceivedMs > 0 {
		if at := time.UnixMilli(op.ReceivedMs); at.Before(now) {
			return at
		}
	}
	return now
}
