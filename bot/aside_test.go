package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// pokes wakes who waits for something to have happened.
type pokes struct {
	mu   sync.Mutex
	next chan struct{} // closed by the next poke; nil: nobody waits
}

// moved is poked at whatever pollers ask their surroundings for.
var moved pokes

func (p *pokes) poke() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.next != nil {
		close(p.next)
		p.next = nil
	}
}

func (p *pokes) wait() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.next == nil {
		p.next = make(chan struct{})
	}
	return p.next
}

// queue is Telegram's of one bot: an answer has at most 100 updates, and an offset confirms those before it.
type queue struct {
	mu        sync.Mutex
	updates   []json.RawMessage // the first has the id 1
	confirmed int64             // how many
}

// say adds updates, one for each topic.
func (q *queue) say(topics ...int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, topic := range topics {
		q.updates = append(q.updates, json.RawMessage(fmt.Sprintf(`{"update_id":%d,"topic":%d}`, len(q.updates)+1, topic)))
	}
}

func (q *queue) fetch(ctx context.Context, offset int64, wait time.Duration) ([]json.RawMessage, error) {
	defer moved.poke()
	q.mu.Lock()
	q.confirmed = max(q.confirmed, offset-1)
	batch := q.updates[q.confirmed:]
	batch = slices.Clone(batch[:min(100, len(batch))])
	q.mu.Unlock()
	if len(batch) == 0 && wait > 0 {
		select { // Telegram keeps the request open for longer
		case <-ctx.Done():
		case <-time.After(100 * time.Microsecond):
		}
	}
	return batch, ctx.Err()
}

func (q *queue) left() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.updates) - int(q.confirmed)
}

// keptUpdates is storage of what pollers set aside.
type keptUpdates struct {
	mu     sync.Mutex
	bodies map[int64]json.RawMessage
	epoch  int
	writes int
	fails  func(call string) error // nil: nothing does
}

// keeper is that of one poller.
type keeper struct {
	*keptUpdates
	epoch int
}

var errKept = errors.New("storage is away")

// keeper is that of the next poller.
func (k *keptUpdates) keeper() *keeper {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.epoch++
	return &keeper{k, k.epoch}
}

func (k *keptUpdates) failed(call string) error {
	if k.fails == nil {
		return nil
	}
	return k.fails(call)
}

func (k *keeper) Waiting(_ context.Context, after int64) (ids []int64, bodies []json.RawMessage, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(k.bodies)) {
		if id > after && len(ids) < 3 {
			ids, bodies = append(ids, id), append(bodies, k.bodies[id])
		}
	}
	return ids, bodies, k.failed("Waiting")
}

// SetAside stores the first half if it fails.
func (k *keeper) SetAside(_ context.Context, ids []int64, bodies []json.RawMessage) error {
	defer moved.poke()
	k.mu.Lock()
	defer k.mu.Unlock()
	err := k.failed("SetAside")
	for i, id := range ids {
		if err != nil && i >= len(ids)/2 {
			break
		}
		if k.bodies[id] == nil {
			k.bodies[id] = bodies[i]
		}
	}
	k.writes++
	return err
}

func (k *keeper) Drop(_ context.Context, ids []int64) error {
	defer moved.poke()
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.failed("Drop"); err != nil {
		return err
	}
	for _, id := range ids {
		delete(k.bodies, id)
	}
	return nil
}

func (k *keeper) Newest(context.Context) error {
	defer moved.poke()
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.epoch != k.keptUpdates.epoch {
		return errors.New("a newer poller exists")
	}
	return k.failed("Newest")
}

func (k *keptUpdates) written() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.writes
}

func (k *keptUpdates) ids() []int64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Sorted(maps.Keys(k.bodies))
}

// takers accept updates, but for those of topics that are away.
type takers struct {
	mu       sync.Mutex
	away     map[int64]bool
	accepted map[int64]int     // by id: how often
	order    map[int64][]int64 // by topic: ids, each when it was accepted first
}

func (k *takers) Decode(raw []byte) *Update {
	var u struct {
		ID    int64 `json:"update_id"`
		Topic int64 `json:"topic"`
	}
	if json.Unmarshal(raw, &u) != nil {
		return nil
	}
	return &Update{ID: u.ID, Kind: KindMessage, Message: &Message{Chat: Chat{ID: -1}, ThreadID: u.Topic}}
}

func (k *takers) Accept(ctx context.Context, u *Update) error {
	defer moved.poke()
	k.mu.Lock()
	defer k.mu.Unlock()
	topic := u.Message.ThreadID
	if k.away[topic] || ctx.Err() != nil {
		return errors.New("its shard moves")
	}
	if k.accepted[u.ID]++; k.accepted[u.ID] == 1 {
		k.order[topic] = append(k.order[topic], u.ID)
	}
	return nil
}

func (k *takers) set(topic int64, away bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.away[topic] = away
}

func (k *takers) count() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.accepted)
}

// setting is what pollers that are tested need.
type setting struct {
	queue
	keptUpdates
	takers
	tidy time.Duration // 0: never
}

func newSetting() *setting {
	return &setting{keptUpdates: keptUpdates{bodies: map[int64]json.RawMessage{}},
		takers: takers{away: map[int64]bool{}, accepted: map[int64]int{}, order: map[int64][]int64{}}}
}

func (s *setting) poller() *Poller {
	tidy := s.tidy
	if tidy == 0 {
		tidy = time.Hour
	}
	return &Poller{Log: slog.New(slog.DiscardHandler), Keeper: s.keeper(), Patience: time.Millisecond,
		stuckAfter: time.Nanosecond, dropEvery: time.Millisecond, tidyEvery: tidy,
		Pause: func(ctx context.Context, _ time.Duration) {
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Microsecond):
			}
		}}
}

// run starts a poller, which asks from the beginning: Telegram knows better.
func (s *setting) run(p *Poller) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		p.Run(ctx, 0, s.fetch, &s.takers, nil)
	}()
	return func() { cancel(); <-ended }
}

// until waits for a condition, for as long as a busy machine may need.
func until(t interface{ Fatal(...any) }, what string, holds func() bool) {
	deadline := time.After(time.Minute)
	for happened := moved.wait(); !holds(); happened = moved.wait() {
		select {
		case <-happened:
		case <-deadline:
			t.Fatal("waited in vain: ", what)
		}
	}
}

// ordered says whether each topic's updates were first accepted in order.
func (s *setting) ordered(t interface{ Errorf(string, ...any) }) {
	s.takers.mu.Lock()
	defer s.takers.mu.Unlock()
	for topic, ids := range s.order {
		if !slices.IsSorted(ids) {
			t.Errorf("topic %d: %v", topic, ids)
		}
	}
}

// rounds are so many updates of each of the topics, in turn.
func rounds(n int, topics ...int64) []int64 { return slices.Repeat(topics, n) }

func TestPollerSetsAside(t *testing.T) {
	t.Run("what waits, however much comes behind it, and hands it in until it is accepted", func(t *testing.T) {
		s := newSetting()
		s.set(1, true)
		s.say(rounds(200, 1, 2, 3)...)
		stop := s.run(s.poller())
		defer stop()
		until(t, "the others are accepted and all is confirmed", func() bool { return s.count() == 400 && s.left() == 0 })
		if kept := s.ids(); len(kept) != 200 {
			t.Errorf("%d are kept", len(kept))
		}
		s.set(1, false)
		until(t, "what waited is accepted, and kept no more", func() bool { return s.count() == 600 && len(s.ids()) == 0 })
		stop()
		s.ordered(t)
		if n := s.written(); n > 600/asideWindow {
			t.Error(n, "writes")
		}
		for id, times := range s.accepted {
			if times != 1 {
				t.Errorf("%d was accepted %d times", id, times)
			}
		}
	})
	t.Run("nothing, while none is stuck or little comes", func(t *testing.T) {
		s := newSetting()
		s.say(rounds(500, 1, 2)...)
		p := s.poller()
		p.stuckAfter = time.Hour
		stop := s.run(p)
		until(t, "all is accepted and confirmed", func() bool { return s.count() == 1000 && s.left() == 0 })
		stop()
		s.set(1, true)
		defer s.run(s.poller())()
		s.say(rounds(20, 1, 2)...)
		until(t, "the others are accepted", func() bool { return s.count() == 1020 })
		if n := s.written(); n != 0 {
			t.Error(n, "writes")
		}
	})
	t.Run("no more than it has room for; the rest stays with Telegram", func(t *testing.T) {
		s := newSetting()
		s.set(1, true)
		s.say(rounds(500, 1)...)
		p := s.poller()
		p.asideAtMost = 250
		defer s.run(p)()
		until(t, "it is full", func() bool { return len(s.ids()) == 200 })
		s.set(1, false)
		until(t, "all is accepted", func() bool { return s.count() == 500 && len(s.ids()) == 0 && s.left() == 0 })
	})
	for _, call := range []string{"SetAside", "Newest"} {
		t.Run("and confirms nothing that it could not keep: "+call, func(t *testing.T) {
			s := newSetting()
			failed := make(chan struct{}, 100)
			s.fails = func(of string) error {
				if of != call {
					return nil
				}
				select {
				case failed <- struct{}{}:
				default:
				}
				return errKept
			}
			s.set(1, true)
			s.say(rounds(200, 1, 2)...)
			stop := s.run(s.poller())
			<-failed
			<-failed
			if s.left() != 400 {
				t.Error(s.left(), "are left")
			}
			stop()
			s.fails = nil
			s.set(1, false)
			defer s.run(s.poller())()
			until(t, "all is accepted and kept no more", func() bool { return s.count() == 400 && s.left() == 0 && len(s.ids()) == 0 })
			s.ordered(t)
		})
	}
	t.Run("and the next poller hands it in first, after a crash at any moment", func(t *testing.T) {
		for _, moment := range []string{"kept and not confirmed", "confirmed", "accepted and not dropped"} {
			s := newSetting()
			s.set(1, true)
			s.say(rounds(100, 1, 2)...)
			p := s.poller()
			crashed := make(chan struct{})
			s.fails = func(call string) error {
				switch {
				case moment == "kept and not confirmed" && call == "Newest":
					select {
					case <-crashed:
					default:
						close(crashed)
					}
					return errKept
				case call == "Drop":
					return errKept
				}
				return nil
			}
			stop := s.run(p)
			switch moment {
			case "kept and not confirmed":
				<-crashed
			case "confirmed":
				until(t, moment, func() bool { return s.left() == 0 })
			default:
				until(t, "confirmed", func() bool { return s.left() == 0 })
				s.set(1, false)
				until(t, moment, func() bool { return s.count() == 200 })
			}
			stop()
			if len(s.ids()) == 0 {
				t.Error(moment, ": nothing is kept")
			}
			s.fails = nil
			s.say(rounds(100, 1, 2)...)
			s.set(1, false)
			stop = s.run(s.poller())
			until(t, moment, func() bool { return s.count() == 400 && len(s.ids()) == 0 && s.left() == 0 })
			stop()
			s.ordered(t)
		}
	})
	t.Run("and an older poller that did not know yet loses nothing", func(t *testing.T) {
		s := newSetting()
		s.tidy = time.Millisecond
		s.set(1, true)
		s.say(rounds(30, 1, 2)...)
		older := s.poller()
		stopOlder := s.run(older)
		until(t, "the others are accepted", func() bool { return s.count() == 30 })
		younger := s.poller()
		s.say(rounds(100, 1, 2)...) // the older one keeps some, and may not confirm them
		until(t, "the older one has kept some", func() bool { return len(s.ids()) > 0 })
		if s.left() == 0 {
			t.Error("the older one confirms what the newer one does not know")
		}
		stopYounger := s.run(younger)
		until(t, "all is confirmed", func() bool { return s.left() == 0 })
		stopOlder()
		s.set(1, false)
		until(t, "all is accepted and kept no more", func() bool { return s.count() == 260 && len(s.ids()) == 0 })
		stopYounger()
		s.ordered(t)
	})
}

// HandIn is for a desk that was changed to webhooks.
func TestWhatIsLeftIsHandedIn(t *testing.T) {
	s := newSetting()
	s.set(1, true)
	s.say(rounds(100, 1, 2)...)
	stop := s.run(s.poller())
	until(t, "all is confirmed", func() bool { return s.left() == 0 })
	stop()
	left := len(s.ids())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		p := s.poller()
		p.HandIn(t.Context(), &s.takers)
	}()
	until(t, "a try", func() bool { return left > 0 && s.count() >= 100 })
	s.set(1, false)
	<-ended
	s.ordered(t)
	if s.count() != 200 || len(s.ids()) != 0 {
		t.Errorf("%d of 200 are accepted, %d kept of %d", s.count(), len(s.ids()), left)
	}
}

// Whatever fails and whenever pollers end, also when two run at once: each update is accepted, those of a topic in order,
// and in the end nothing is kept.
func TestPollerLosesNothing(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s := newSetting()
		s.tidy = 2 * time.Millisecond
		var mu sync.Mutex
		failing := map[string]bool{}
		s.fails = func(call string) error {
			mu.Lock()
			defer mu.Unlock()
			if failing[call] {
				return errKept
			}
			return nil
		}
		said := 0
		var running []func()
		for range rapid.IntRange(1, 12).Draw(r, "steps") {
			switch rapid.IntRange(0, 5).Draw(r, "step") {
			case 0:
				running = append(running, s.run(s.poller()))
			case 1:
				if len(running) > 0 {
					running[0]()
					running = running[1:]
				}
			case 2:
				s.set(rapid.Int64Range(1, 3).Draw(r, "topic"), rapid.Bool().Draw(r, "away"))
			case 3:
				mu.Lock()
				failing[rapid.SampledFrom([]string{"Waiting", "SetAside", "Drop", "Newest"}).Draw(r, "call")] = rapid.Bool().Draw(r, "fails")
				mu.Unlock()
			case 4:
				n := rapid.IntRange(1, 60).Draw(r, "rounds")
				s.say(rounds(n, 1, 2, 3)...)
				said += 3 * n
			default:
				for range rapid.IntRange(0, 2000).Draw(r, "others go on") {
					runtime.Gosched()
				}
			}
		}
		for _, stop := range running[:max(0, len(running)-1)] {
			stop()
		}
		mu.Lock()
		clear(failing)
		mu.Unlock()
		for topic := range int64(4) {
			s.set(topic, false)
		}
		if len(running) == 0 {
			running = []func(){s.run(s.poller())}
		}
		stop := running[len(running)-1]
		until(r, "all is accepted, confirmed, and kept no more", func() bool {
			return s.count() == said && s.left() == 0 && len(s.ids()) == 0
		})
		stop()
		s.ordered(r)
	})
}
