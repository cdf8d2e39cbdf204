package chat

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/actors/internal/pace"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
)

// Deps are what chats need in addition to what all entities share.
type Deps struct {
	Telegram desk.Telegram
	Pace     pace.Pace
	Pacer    *pace.Global // of all chats of the node together
	Metrics  prometheus.Registerer
}

// Room is what the chats of a node have in common: the pace of all calls together, and the calls in flight.
type Room struct {
	env      *entity.Env
	telegram desk.Telegram
	pace     pace.Pace
	pacer    *pace.Global
	lags     lags
	calls    calls
	lost     lostQueues
	callCtx  context.Context // ends when calls in flight are waited for no longer
	cut      context.CancelFunc
	metrics  *metrics
}

// NewRoom makes the room of a node.
func NewRoom(env *entity.Env, d Deps) *Room {
	r := &Room{
		env: env, telegram: d.Telegram, pace: d.Pace, pacer: d.Pacer,
		metrics: newMetrics(d.Metrics),
	}
	r.callCtx, r.cut = context.WithCancel(context.Background())
	r.lags.register(d.Metrics, env.Now)
	return r
}

// Behind lists the chats of this node whose oldest copy has waited for so long, and since when.
func (r *Room) Behind(atLeast time.Duration) map[ids.Place]time.Time {
	return r.lags.behind(r.env.Now(), atLeast)
}

// Kind declares the chats.
func (r *Room) Kind() *entity.Kind {
	return &entity.Kind{
		Name:    messages.KindChat,
		New:     func(h *entity.Host) entity.Entity { return &chat{Host: h, room: r, lasting: h.Lasting.(*lasting)} },
		Lasting: func() any { return &lasting{} },
		Messages: []entity.Handler{
			// owners of operations, and the intake
			entity.Takes((*chat).onSend), entity.Replies((*chat).onAnswer), entity.Replies((*chat).onFindQuestion),
			entity.Replies((*chat).onSettleWord),
			// its calls, those of an earlier activation on another node too
			entity.Takes((*chat).onDone), entity.Takes((*chat).onChatLeft),
			entity.Takes((*chat).onCalled), entity.Takes((*chat).onDropAnswer), entity.Takes((*chat).onNoteWord),
			entity.Takes((*chat).onLook), entity.Takes((*chat).onAskOwners),
			// its group, or its person
			entity.Takes((*chat).onGroupChanged),
			entity.Replies((*chat).onGetPace), entity.Replies((*chat).onWake),
		},
	}
}

// Finish waits for the calls in flight, for half of the time that ctx leaves, then cuts them: they are made again after
// the next start.
func (r *Room) Finish(ctx context.Context) {
	wait, cancel := context.WithTimeout(ctx, entity.TimeLeft(ctx)/2)
	defer cancel()
	if slow := r.calls.wait(wait); slow != nil {
		r.env.Log.Warn("calls to Telegram are cut; they are made again after the next start", "error", slow)
	}
	r.cut()
}

// lasting is what a chat keeps across restarts after a panic.
type lasting struct {
	calls int       // in flight, those of earlier activations too
	lost  time.Time // when a queue was lost
}

// lostQueues are the owners of what was in the queues of chats that were overtaken, by chat.
type lostQueues struct {
	mu     sync.Mutex
	owners map[ids.Place]map[opOwner]bool
}

func (l *lostQueues) add(chat ids.Place, owners map[opOwner]bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.owners == nil {
		l.owners = map[ids.Place]map[opOwner]bool{}
	}
	if l.owners[chat] == nil {
		l.owners[chat] = map[opOwner]bool{}
	}
	maps.Copy(l.owners[chat], owners)
}

func (l *lostQueues) take(chat ids.Place) map[opOwner]bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	owners := l.owners[chat]
	delete(l.owners, chat)
	return owners
}
