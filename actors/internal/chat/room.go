package chat

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/actors/internal/pace"
	"github.com/topicdesk/topicdesk/messages"
)

// Deps are what chats need beside what all entities share.
type Deps struct {
	Telegram desk.Telegram
	Pace     pace.Pace
	Metrics  prometheus.Registerer
}

// Room is what the chats of a node have in common: the pace of all calls together, and the calls under way.
type Room struct {
	env      *entity.Env
	telegram desk.Telegram
	pace     pace.Pace
	pacer    *pace.Global
	lags     lags
	calls    calls
	callCtx  context.Context // ends when waiting for calls under way is given up
	cut      context.CancelFunc
	metrics  *metrics
}

// NewRoom makes the room of a node.
func NewRoom(env *entity.Env, d Deps) *Room {
	r := &Room{env: env, telegram: d.Telegram, pace: d.Pace, pacer: pace.NewGlobal(d.Pace.GlobalPerSecond, env.Now()),
		metrics: newMetrics(d.Metrics)}
	r.callCtx, r.cut = context.WithCancel(context.Background())
	r.lags.register(d.Metrics, env.Now)
	return r
}

// Kind declares the chats.
func (r *Room) Kind() *entity.Kind {
	return &entity.Kind{
		Name:    messages.KindChat,
		New:     func(h *entity.Host) entity.Entity { return &chat{Host: h, room: r, lives: h.Lasting.(*lives)} },
		Lasting: func() any { return &lives{} },
		Messages: []entity.Handler{
			// whoever owes a call
			entity.Takes((*chat).onSend), entity.Replies((*chat).onAnswer),
			// its calls
			entity.Takes((*chat).onCalled), entity.Takes((*chat).onSettleAnswer), entity.Takes((*chat).onLook),
			// its group, or its person
			entity.Takes((*chat).onGroupChanged),
			entity.Replies((*chat).onGetPace), entity.Replies((*chat).onWake),
		},
	}
}

// Finish waits for the calls under way, for half of the time that ctx leaves, then cuts them: they are made again after the next
// start.
func (r *Room) Finish(ctx context.Context) {
	wait, cancel := context.WithTimeout(ctx, entity.TimeLeft(ctx)/2)
	defer cancel()
	if slow := r.calls.wait(wait); slow != nil {
		r.env.Log.Warn("calls to Telegram are cut; they are made again after the next start", "error", slow)
	}
	r.cut()
}

// lives is what a chat and those that took its place after a panic have in common.
type lives struct {
	calls int       // Bot API calls in flight
	lost  time.Time // when a queue was lost
}
