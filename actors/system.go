package actors

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// Kinds of entities. Identities are in the comment.
const (
	KindTicket = "ticket" // ticket id
	KindLink   = "link"   // link id
	KindChat   = "chat"   // place: internal id of a group ("g…") or a person ("u…")
	KindGroup  = "group"  // internal id
	KindUser   = "user"   // Telegram user id
	KindAPIKey = "apikey" // key id
	KindPoller = "poller" // bot id
	KindQuery  = "query"  // any: a local pool of readers
)

// shards is fixed for ever: on several nodes the shard of an entity must not depend on the version.
const shards = 256

// Telegram is what the actors need of the Bot API; package bot implements it.
type Telegram interface {
	// Call makes the one Bot API call that op means, in the Telegram chat. It always returns an outcome.
	Call(ctx context.Context, chatID int64, lang string, op *messages.Operation) *messages.Outcome
	// Parts says how many messages a SendCopy takes.
	Parts(op *messages.Operation) int
	// Joined says how many of the copies, from the first on, fit into one message; 0 or 1: none can be joined with the first.
	Joined(copies []*messages.SendCopyCall) int
}

// Pace is the outgoing pace of the settings; 0 means no limit.
type Pace struct {
	GlobalPerSecond int
	ChatPerSecond   int
	GroupPerMinute  int
}

// Options are what a System is made of.
type Options struct {
	Store    storage.Store
	Telegram Telegram
	Pace     Pace
	Owner    string // names this process in leases
	Log      *slog.Logger
	Metrics  prometheus.Registerer
	Now      func() time.Time
	// IntakeWorks says whether updates come in; nil: they always do.
	IntakeWorks func() bool
	// AfterFunc is time.AfterFunc when nil; tests that let Now run faster give one that keeps pace with it.
	AfterFunc func(d time.Duration, f func()) *time.Timer

	// Files keeps attachments, and Downloads brings them from Telegram, so many at once (4 when 0); without both there are none.
	Files           storage.Files
	Downloads       Downloads
	DownloadsAtOnce int

	IdleAfter   time.Duration // an entity without a message for so long retires; 10 minutes when 0
	MaxResident int           // entities on this node; 20,000 when 0
	SweepEvery  time.Duration // how often due entities are woken; a minute when 0
}

// System is the running desk on this node.
type System struct {
	store       storage.Store
	telegram    Telegram
	owner       string
	log         *slog.Logger
	metrics     *metrics
	now         func() time.Time
	intakeWorks func() bool
	timer       func(d time.Duration, f func()) *time.Timer
	idle        time.Duration
	perShard    int
	sweep       time.Duration
	pace        Pace
	pacer       *globalPacer
	lags        lags
	files       storage.Files // nil: no attachments
	downloads   Downloads
	slots       chan struct{} // one for each download under way

	system     *actor.ActorSystem
	dispatcher *dispatcher
	shards     [shards]*actor.PID
	query      []*actor.PID
	aliases    aliases
	next       atomic.Uint64 // round robin over query

	// ctx ends when the system stops; callCtx only when waiting for calls under way is given up.
	ctx      context.Context
	cancel   context.CancelFunc
	callCtx  context.Context
	callStop context.CancelFunc
	draining atomic.Bool
	calls    calls
	loops    sync.WaitGroup
	stopOnce sync.Once
	stopErr  error

	intake   atomic.Pointer[Intake]
	pollCtx  context.Context // ends first: nothing more is taken in
	pollStop context.CancelFunc
	polling  sync.WaitGroup
}

// NewSystem starts the shards, the readers and the sweep. Stop ends them.
func NewSystem(o Options) (*System, error) {
	if o.Store == nil || o.Telegram == nil {
		return nil, errors.New("actors: a store and a Telegram client are needed")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.AfterFunc == nil {
		o.AfterFunc = time.AfterFunc
	}
	if o.IdleAfter == 0 {
		o.IdleAfter = 10 * time.Minute
	}
	if o.MaxResident == 0 {
		o.MaxResident = 20_000
	}
	if o.SweepEvery == 0 {
		o.SweepEvery = time.Minute
	}
	if o.IntakeWorks == nil {
		o.IntakeWorks = func() bool { return true }
	}
	if o.Owner == "" {
		o.Owner = fmt.Sprintf("node-%d", o.Now().UnixNano())
	}
	s := &System{
		store: o.Store, telegram: o.Telegram, owner: o.Owner, log: o.Log, now: o.Now, intakeWorks: o.IntakeWorks, timer: o.AfterFunc,
		idle: o.IdleAfter, perShard: max(1, (o.MaxResident+shards-1)/shards), sweep: o.SweepEvery,
		pace: o.Pace, pacer: newGlobalPacer(o.Pace.GlobalPerSecond, o.Now()),
	}
	if o.Files != nil && o.Downloads != nil {
		s.files, s.downloads = o.Files, o.Downloads
	}
	if o.DownloadsAtOnce == 0 {
		o.DownloadsAtOnce = 4
	}
	s.slots = make(chan struct{}, o.DownloadsAtOnce)
	s.metrics = newMetrics(o.Metrics)
	s.lags.register(o.Metrics, o.Now)
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.pollCtx, s.pollStop = context.WithCancel(s.ctx)
	s.callCtx, s.callStop = context.WithCancel(context.Background())
	s.dispatcher = newDispatcher()
	s.system = actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
		return s.log.With("lib", "protoactor")
	}))
	for i := range s.shards {
		pid, err := s.system.Root.SpawnNamed(shardProps(s, i), fmt.Sprintf("shard-%d", i))
		if err != nil {
			return nil, fmt.Errorf("actors: shard %d: %w", i, err)
		}
		s.shards[i] = pid
	}
	for i := range queryActors {
		pid, err := s.system.Root.SpawnNamed(queryProps(s), fmt.Sprintf("query-%d", i))
		if err != nil {
			return nil, fmt.Errorf("actors: reader %d: %w", i, err)
		}
		s.query = append(s.query, pid)
	}
	s.loops.Go(func() { s.sweepLoop() })
	return s, nil
}

// Stop ends the desk: nothing more is polled, no further Bot API call begins, those under way get their answers written, then
// all actors stop. Take intake down first. It is safe to call twice. ctx bounds the waiting: a call that takes longer than half
// of that time is cut, and whatever is not finished is resumed at the next start.
func (s *System) Stop(ctx context.Context) error {
	s.stopOnce.Do(func() {
		s.pollStop()
		err := s.within(ctx, "polling", &s.polling)
		s.draining.Store(true)
		calls, cancel := context.WithTimeout(ctx, s.left(ctx)/2)
		if slow := s.calls.wait(calls); slow != nil {
			s.log.Warn("calls to Telegram are cut; they are made again after the next start", "error", slow)
		}
		cancel()
		s.callStop()
		// Two rounds: what the chats were answered reaches its owners in the first, what those tell in the second.
		for range 2 {
			err = errors.Join(err, s.barrier(ctx))
		}
		s.cancel()
		err = errors.Join(err, s.within(ctx, "the sweep", &s.loops), s.poison(ctx))
		s.system.Shutdown()
		s.dispatcher.close()
		s.stopErr = err
	})
	return s.stopErr
}

// left is how long ctx allows; 10 s when it sets no limit.
func (s *System) left(ctx context.Context) time.Duration {
	deadline, limited := ctx.Deadline()
	if !limited {
		return 10 * time.Second
	}
	return max(time.Until(deadline), time.Millisecond) // a future without time to wait would wait for ever
}

// within waits for a group of goroutines, but not longer than ctx allows.
func (s *System) within(ctx context.Context, what string, group *sync.WaitGroup) error {
	ended := make(chan struct{})
	go func() {
		group.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("actors: %s did not end: %w", what, ctx.Err())
	}
}

// poison stops the shards with all that is in them, and the readers.
func (s *System) poison(ctx context.Context) error {
	pids := append(s.shards[:], s.query...)
	stops := make([]actor.Future, len(pids))
	for i, pid := range pids {
		stops[i] = s.system.Root.PoisonFuture(pid)
	}
	stopped := make(chan error, 1)
	go func() {
		var err error
		for i, stop := range stops {
			if e := stop.Wait(); e != nil {
				err = errors.Join(err, fmt.Errorf("actors: %s did not stop: %w", pids[i].Id, e))
			}
		}
		stopped <- err
	}()
	select {
	case err := <-stopped:
		return err
	case <-ctx.Done():
		return fmt.Errorf("actors: not all stopped: %w", ctx.Err())
	}
}

// barrier returns when every entity has handled what was in its mailbox.
func (s *System) barrier(ctx context.Context) error {
	futures := make([]actor.Future, 0, shards)
	for _, pid := range s.shards {
		futures = append(futures, s.system.Root.RequestFuture(pid, shardBarrier{}, s.left(ctx)))
	}
	for i, f := range futures {
		if err := f.Wait(); err != nil {
			return fmt.Errorf("actors: shard %d is still busy: %w", i, err)
		}
	}
	return nil
}

// shardOf places an entity; the same on every node and in every version.
func shardOf(kind, identity string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(kind))
	_, _ = h.Write([]byte{'/'})
	_, _ = h.Write([]byte(identity))
	return int(h.Sum32() % shards)
}

// envelope is how a message reaches the entity it is for.
type envelope struct {
	kind, identity string
	message        proto.Message
}

// Tell sends a message without waiting for anything. It may be lost when the node stops, so it only ever says what storage
// says too.
func (s *System) Tell(kind, identity string, message proto.Message) {
	if kind == KindQuery {
		return
	}
	s.system.Root.Send(s.shards[shardOf(kind, identity)], envelope{kind, identity, message})
}

// How long Ask tries: each try, all of them, and the pause between two.
const (
	askTry   = 4 * time.Second
	askTotal = 8 * time.Second
	askPause = 50 * time.Millisecond
	// askFaults is how often a command is tried that an entity panics over: once more after it restarted from storage, and
	// once for luck.
	askFaults = 3
)

// ErrNoAnswer says that an entity gave no answer in time; the command may have been carried out. Asking again is safe,
// since commands are idempotent.
var ErrNoAnswer = errors.New("no answer in time")

// ErrNotAccepted says that the command was not accepted: nothing was changed, ask again later.
var ErrNotAccepted = errors.New("not accepted")

// Ask sends a command and returns its answer. It tries again while the entity is moving or silent, for 8 s in all; commands
// are idempotent. An answer that says "unavailable" comes back as ErrNotAccepted, one that says "internal error" as
// messages.ErrFault.
func (s *System) Ask(ctx context.Context, kind, identity string, command proto.Message) (proto.Message, error) {
	start, faults := time.Now(), 0
	for {
		answer, err := s.ask(kind, identity, command, askTry)
		if err != nil {
			err = fmt.Errorf("%s %s: %w", kind, identity, ErrNoAnswer)
		} else if m, ok := answer.(proto.Message); !ok {
			return nil, fmt.Errorf("%s %s: answered with %T", kind, identity, answer)
		} else {
			coded, ok := m.(interface{ GetCode() messages.Code })
			if !ok {
				return m, nil
			}
			switch coded.GetCode() {
			case messages.Code_NOT_RESIDENT:
				kind, identity = KindQuery, ""
				continue
			case messages.Code_INTERNAL:
				if faults++; faults == askFaults {
					return nil, fmt.Errorf("%s %s: %w", kind, identity, messages.ErrFault)
				}
				err = fmt.Errorf("%s %s: %w", kind, identity, messages.ErrFault)
			case messages.Code_NOT_OWNER:
				err = fmt.Errorf("%s %s: %w: %s", kind, identity, ErrNotAccepted, coded.GetCode())
			case messages.Code_UNAVAILABLE:
				return nil, fmt.Errorf("%s %s: %w: %s", kind, identity, ErrNotAccepted, coded.GetCode())
			default:
				return m, nil
			}
		}
		if time.Since(start)+askPause > askTotal || s.draining.Load() {
			return nil, err
		}
		timer := time.NewTimer(askPause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, ctx.Err()
		case <-timer.C:
		}
	}
}

func (s *System) ask(kind, identity string, command proto.Message, timeout time.Duration) (any, error) {
	if s.ctx.Err() != nil {
		return nil, ErrNotAccepted
	}
	if kind == KindQuery {
		return s.system.Root.RequestFuture(s.reader(command), command, timeout).Result()
	}
	return s.system.Root.RequestFuture(s.shards[shardOf(kind, identity)], envelope{kind, identity, command}, timeout).Result()
}

// Check says whether the actor system answers; for readiness.
func (s *System) Check(ctx context.Context) error {
	if s.draining.Load() {
		return errors.New("stopping")
	}
	if _, err := s.ask(KindQuery, "", &messages.Wake{}, 2*time.Second); err != nil {
		return fmt.Errorf("actors do not answer: %w", err)
	}
	return nil
}
