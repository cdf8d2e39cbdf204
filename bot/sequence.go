package bot

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/topicdesk/topicdesk/messages"
)

// chatTopic is one topic of one chat: its updates must stay in order.
type chatTopic struct{ chat, thread int64 }

// sequence handles updates in the order that counts. Those of one topic are handled one after the other, topics and chats
// side by side. An update that concerns a whole chat waits for all earlier updates of that chat, and all later ones wait
// for it. One that is not accepted is handled again until it is, or ctx ends; only what must come behind it waits.
type sequence struct {
	ctx    context.Context
	accept func(context.Context, *Update) error
	pause  func(context.Context, time.Duration)

	told func(id int64) // hears what is accepted; nil: nobody does

	running sync.WaitGroup
	mu      sync.Mutex
	chats   map[int64]*chatSequence
	waiting map[int64]time.Time // when the updates came that are not accepted yet, but for those that were let go
	settled chan struct{}       // closed when none waits
	tried   map[int64]time.Time // since when updates are handed in, those that were let go, too
	took    [32]time.Duration   // how long the last ones took that were accepted
	count   int                 // of those that were accepted
}

// chatSequence is what of a chat is not accepted yet.
type chatSequence struct {
	last    map[int64]*turn // by topic
	barrier *turn           // the last one that concerns the whole chat
	open    map[*turn]struct{}
}

// turn is one update's.
type turn struct {
	update *Update
	before int     // how many it waits for
	behind []*turn // those that wait for it
}

func newSequence(
	ctx context.Context, accept func(context.Context, *Update) error, pause func(context.Context, time.Duration),
) *sequence {
	s := &sequence{ctx: ctx, accept: accept, pause: pause, chats: map[int64]*chatSequence{},
		waiting: map[int64]time.Time{}, tried: map[int64]time.Time{}, settled: make(chan struct{})}
	close(s.settled)
	return s
}

// add takes the next updates.
func (s *sequence) add(updates []*Update) {
	if len(updates) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting) == 0 {
		s.settled = make(chan struct{})
	}
	var ready []*turn
	for _, u := range updates {
		s.waiting[u.ID] = time.Now()
		if t := s.line(u); t.before == 0 {
			ready = append(ready, t)
		}
	}
	for _, t := range ready {
		s.running.Go(func() { s.run(t) })
	}
}

// line puts an update behind those that it must wait for.
func (s *sequence) line(u *Update) *turn {
	at, t := u.topic(), &turn{update: u}
	c := s.chats[at.chat]
	if c == nil {
		c = &chatSequence{last: map[int64]*turn{}, open: map[*turn]struct{}{}}
		s.chats[at.chat] = c
	}
	follow := func(other *turn) {
		if _, waits := c.open[other]; waits {
			other.behind = append(other.behind, t)
			t.before++
		}
	}
	if u.barrier() {
		for other := range c.open {
			follow(other)
		}
		c.barrier = t
	} else {
		follow(c.barrier)
		follow(c.last[at.thread])
		c.last[at.thread] = t
	}
	c.open[t] = struct{}{}
	return t
}

// run handles an update, and then one of those that waited for it.
func (s *sequence) run(t *turn) {
	b := backoff{min: handleBackoffMin, max: handleBackoffMax}
	for t != nil {
		s.begins(t)
		err := s.accept(s.ctx, t.update)
		switch {
		case err == nil:
			t = s.accepted(t)
			b.reset()
		case s.ctx.Err() != nil:
			return
		default:
			s.pause(s.ctx, b.next())
		}
	}
}

// begins notes since when an update is handed in.
func (s *sequence) begins(t *turn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, again := s.tried[t.update.ID]; !again {
		s.tried[t.update.ID] = time.Now()
	}
}

// accepted starts what waited for a turn, but for one, which it returns; nil: none did.
func (s *sequence) accepted(t *turn) (next *turn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := t.update.topic()
	c := s.chats[at.chat]
	if c.last[at.thread] == t {
		delete(c.last, at.thread)
	}
	if delete(c.open, t); len(c.open) == 0 {
		delete(s.chats, at.chat)
	}
	id := t.update.ID
	s.took[s.count%len(s.took)], s.count = time.Since(s.tried[id]), s.count+1
	delete(s.tried, id)
	s.noLonger(id)
	if s.told != nil {
		s.told(id)
	}
	for _, other := range t.behind {
		switch other.before--; {
		case other.before > 0:
		case next == nil:
			next = other
		default:
			s.running.Go(func() { s.run(other) })
		}
	}
	t.behind = nil // who still knows this turn keeps no others
	return next
}

// noLonger notes that updates hold up no offset any more.
func (s *sequence) noLonger(ids ...int64) {
	before := len(s.waiting)
	for _, id := range ids {
		delete(s.waiting, id)
	}
	if before > 0 && len(s.waiting) == 0 {
		close(s.settled)
	}
}

// letGo has updates hold up no offset any more. They are handed in as before, and what must come behind them waits on.
func (s *sequence) letGo(ids []int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.noLonger(ids...)
}

// gone lists those that do not wait any more.
func (s *sequence) gone(ids []int64) (gone []int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		if _, waits := s.waiting[id]; !waits {
			gone = append(gone, id)
		}
	}
	return gone
}

// stuck lists what waits, in order, if that is not for a want of speed: one that is handed in was not accepted for d, nor
// for four times as long as usual, and the oldest that waits came at least d ago.
func (s *sequence) stuck(d time.Duration) []int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	usual := slices.Clone(s.took[:min(s.count, len(s.took))])
	slices.Sort(usual)
	long := d
	if len(usual) > 0 {
		long = max(d, 4*usual[len(usual)/2])
	}
	older := func(than time.Duration, all map[int64]time.Time) bool {
		for _, since := range all {
			if time.Since(since) >= than {
				return true
			}
		}
		return false
	}
	if !older(long, s.tried) || !older(d, s.waiting) {
		return nil
	}
	return slices.Sorted(maps.Keys(s.waiting))
}

// settle waits until every update is accepted, for d at most, and returns the lowest id that waits on. ok: none does.
func (s *sequence) settle(d time.Duration) (first int64, ok bool) {
	s.mu.Lock()
	settled := s.settled
	s.mu.Unlock()
	limit := time.NewTimer(d)
	defer limit.Stop()
	select {
	case <-settled:
		return 0, true
	case <-limit.C:
	case <-s.ctx.Done():
	}
	return s.first()
}

// first is the lowest id that waits. none: no update does.
func (s *sequence) first() (first int64, none bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range s.waiting {
		if first == 0 || id < first {
			first = id
		}
	}
	return first, len(s.waiting) == 0
}

// topic returns the topic among whose updates this one is kept in order.
func (u *Update) topic() chatTopic {
	switch {
	case u.Message != nil:
		return chatTopic{u.Message.Chat.ID, u.Message.ThreadID}
	case u.Callback != nil && u.Callback.Chat.ID != 0:
		return chatTopic{u.Callback.Chat.ID, u.Callback.ThreadID}
	case u.Callback != nil:
		return chatTopic{u.Callback.From.GetId(), 0}
	case u.Member != nil:
		return chatTopic{u.Member.Chat.ID, 0}
	case u.Reaction != nil:
		return chatTopic{u.Reaction.Chat.ID, 0}
	}
	return chatTopic{}
}

// barrier says whether the update concerns its whole chat, or does not say which topic it belongs to.
func (u *Update) barrier() bool {
	switch {
	case u.Member != nil, u.Reaction != nil: // a reaction does not name its message's topic
		return true
	case u.Callback != nil:
		return !u.Callback.Visible
	case u.Message != nil && u.Kind == KindMessage:
		if u.Message.MigrateTo != 0 || u.Message.MigrateFrom != 0 {
			return true
		}
		verb, _, _, _ := splitCommand(u.Message.Text)
		c, _ := messages.CommandOf(strings.ToLower(verb))
		return c.About == messages.AboutChat
	}
	return false
}
