package actors

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/apikey"
	"github.com/topicdesk/topicdesk/actors/internal/attachment"
	"github.com/topicdesk/topicdesk/actors/internal/budget"
	"github.com/topicdesk/topicdesk/actors/internal/chat"
	"github.com/topicdesk/topicdesk/actors/internal/cluster"
	"github.com/topicdesk/topicdesk/actors/internal/consumer"
	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/actors/internal/eventlog"
	"github.com/topicdesk/topicdesk/actors/internal/group"
	"github.com/topicdesk/topicdesk/actors/internal/link"
	"github.com/topicdesk/topicdesk/actors/internal/monitor"
	"github.com/topicdesk/topicdesk/actors/internal/pace"
	"github.com/topicdesk/topicdesk/actors/internal/poller"
	"github.com/topicdesk/topicdesk/actors/internal/query"
	"github.com/topicdesk/topicdesk/actors/internal/report"
	"github.com/topicdesk/topicdesk/actors/internal/series"
	"github.com/topicdesk/topicdesk/actors/internal/sweep"
	"github.com/topicdesk/topicdesk/actors/internal/ticket"
	"github.com/topicdesk/topicdesk/actors/internal/user"
	"github.com/topicdesk/topicdesk/actors/internal/webhook"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/tracing"
)

// Options are what a System is made of. Store and Telegram are required; the zero values of the other fields are
// useful.
type Options struct {
	Store    storage.Store
	Telegram desk.Telegram
	Pace     pace.Pace
	Owner    string // names this process in leases
	Log      *slog.Logger
	Metrics  prometheus.Registerer
	Tracer   *tracing.Tracer // nil: nothing is traced
	// Measured is what the node's figures are made of, for the API; nil: none are kept. RecordEvery is how often they are
	// stored, and 0 the usual.
	Measured    prometheus.Gatherer
	RecordEvery time.Duration
	Now         func() time.Time
	// IntakeWorks says whether updates arrive; nil: they always do.
	IntakeWorks func() bool
	// AfterFunc is time.AfterFunc when nil. Tests whose Now runs faster set one that keeps pace with it.
	AfterFunc func(d time.Duration, f func()) *time.Timer
	// Elapsed is how much time has passed since a time, what Now says when nil. Where somebody moves the clock of Now, what they move
	// it over does not count.
	Elapsed func(since time.Time) time.Duration

	// Files keeps attachments, and Downloads fetches them from Telegram. Without both, no attachments are kept.
	// DownloadsAtOnce is how many downloads may be in progress at the same time; 4 when 0.
	Files             storage.Files
	Downloads         attachment.Downloads
	DownloadsTogether int

	IdleAfter   time.Duration // see entity.NodeOptions
	MaxResident int           // see entity.NodeOptions
	SweepEvery  time.Duration // see sweep.New
	KeepEvents  time.Duration // how long events stay in the log, and deliveries; 0: forever

	// Cluster makes this node one of several; nil: it is alone. Its Log may be nil.
	Cluster *cluster.Options
	// JoinLater has a node of a cluster become a member only by Join. Until then it takes no commands.
	JoinLater bool
	Version   string // of this program, for Nodes

	placement entity.Placement // in place of Cluster: a test's own

	// Monitor has this node tell what goes wrong on it; nil: it tells nothing.
	Monitor *MonitorOptions

	// Reports has the desk count what it does; nil: it counts nothing.
	Reports *ReportOptions

	// Webhooks says how events are delivered to endpoints. SecretsKey is required.
	Webhooks WebhookOptions
}

// System is the desk on this node. It assembles the rooms and passes messages to them; it does nothing of its own.
type System struct {
	env         *entity.Env
	node        *entity.Node
	log         *eventlog.Log
	chats       *chat.Room
	pollers     *poller.Room
	budget      *budget.Room
	readers     *query.Readers
	sweep       *sweep.Loop
	attachments *attachment.Keeper
	webhooks    *webhook.Room
	recorder    *series.Recorder // nil: none
	monitor     *monitor.Room
	counts      bool           // for reports
	reports     sync.WaitGroup // the loop that tells the monitor
	joined      atomic.Bool
	reached     atomic.Pointer[time.Time] // Telegram, the last time
	askTry      time.Duration             // how long the first try of Ask waits
	version     string
	began       time.Time
	loops       sync.WaitGroup
	stopOnce    sync.Once
	stopErr     error
}

// stopAfterFailure is how long a start that failed waits for what it started.
const stopAfterFailure = 10 * time.Second

// NewSystem starts the shards, the readers and the sweep. Stop ends them. After an error nothing runs.
func NewSystem(o Options) (*System, error) {
	if o.Telegram == nil {
		return nil, errors.New("actors: a Telegram client is needed")
	}
	env, err := entity.NewEnv(entity.EnvOptions{
		Store: o.Store, Log: o.Log, Now: o.Now, AfterFunc: o.AfterFunc, Elapsed: o.Elapsed, Owner: o.Owner, Metrics: o.Metrics,
		Tracer: o.Tracer,
	})
	if err != nil {
		return nil, err
	}
	aliases, pacer := &desk.Aliases{}, pace.NewGlobal(o.Pace.GlobalPerSecond, env.Now())
	s := &System{
		env: env, pollers: poller.NewRoom(), log: eventlog.New(env, o.Metrics), askTry: askTry,
		version: o.Version, began: env.Now(), counts: o.Reports != nil,
		chats: chat.NewRoom(env, chat.Deps{Telegram: o.Telegram, Pace: o.Pace, Pacer: pacer, Metrics: o.Metrics}),
		attachments: attachment.New(env, attachment.Deps{
			Files: o.Files, Downloads: o.Downloads, AtOnce: o.DownloadsTogether, Metrics: o.Metrics,
		}),
	}
	o.Webhooks.Log, o.Webhooks.Metrics, o.Webhooks.Keep = s.log, o.Metrics, o.KeepEvents
	if s.webhooks, err = webhook.NewRoom(env, o.Webhooks); err != nil {
		env.Cancel()
		return nil, err
	}
	placement, err := newPlacement(o, env.Log)
	if err != nil {
		env.Cancel()
		return nil, err
	}
	s.monitor = newMonitor(env, o.Monitor, aliases, s.chats)
	reports := ReportOptions{}
	if s.counts {
		reports = *o.Reports
	}
	s.budget = budget.NewRoom(env, budget.Deps{Total: o.Pace.GlobalPerSecond, Pacer: pacer, Nodes: placement})
	if placement != nil {
		s.askTry = askNode
		s.budget.Begin()
	}
	// A new kind of entity is one entry here; all else about it is in its room.
	s.node, err = entity.Start(env,
		entity.NodeOptions{IdleAfter: o.IdleAfter, MaxResident: o.MaxResident, Placement: placement},
		ticket.Kind(ticket.Deps{
			Attachments: s.attachments, Aliases: aliases, Pace: o.Pace, IntakeWorks: o.IntakeWorks, Metrics: o.Metrics,
			Parts: o.Telegram.Parts,
		}),
		link.Kind(link.Deps{Telegram: o.Telegram, Metrics: o.Metrics}),
		s.chats.Kind(),
		group.Kind(aliases),
		user.Kind(),
		apikey.Kind(),
		consumer.Kind(o.KeepEvents),
		s.pollers.Kind(),
		s.log.Kind(),
		s.webhooks.Kind(),
		s.budget.Kind(),
		s.monitor.Kind(),
		report.Kind(s.log, reports),
	)
	if err != nil {
		env.Cancel()
		return nil, err
	}
	if s.readers, err = query.Start(env, s.node, aliases, s.log, o.Pace); err != nil {
		return nil, errors.Join(err, s.giveUp())
	}
	s.sweep = sweep.New(env, s.node, sweep.Options{Files: s.attachments.Keeps(), Every: o.SweepEvery, KeepEvents: o.KeepEvents,
		KeepSamples: series.Kept(), Metrics: o.Metrics})
	if err := s.node.Hear(s.hear); err != nil {
		return nil, errors.Join(err, s.giveUp(s.readers.PIDs()...))
	}
	if o.Measured != nil {
		s.recorder = series.New(env, series.Options{From: o.Measured, Every: o.RecordEvery, Addr: s.node.Status().Addr})
	}
	if o.JoinLater && s.node.Clustered() {
		return s, nil
	}
	if err := s.Join(); err != nil {
		return nil, errors.Join(err, s.giveUp(s.readers.PIDs()...))
	}
	return s, nil
}

// giveUp ends what a start that failed has started.
func (s *System) giveUp(others ...*actor.PID) error {
	s.env.Cancel()
	ctx, cancel := context.WithTimeout(context.Background(), stopAfterFailure)
	defer cancel()
	return s.node.Stop(ctx, others...)
}

// Stop ends the desk. Polling ends, no further Bot API call begins, the outcomes of the calls in flight are written,
// and then all actors stop. Stop the intake first. Stop may be called twice. It waits no longer than ctx allows: a
// call that takes more than half of that time is cut off, and whatever is not finished is resumed at the next start.
func (s *System) Stop(ctx context.Context) error {
	s.stopOnce.Do(func() {
		s.env.StopIntake()
		err := errors.Join(s.finish(ctx), s.node.Leave(ctx))
		s.env.Cancel()
		err = errors.Join(err, within(ctx, "the sweep", s.loops.Wait))
		s.stopErr = errors.Join(err, s.node.Stop(ctx, s.readers.PIDs()...))
		s.webhooks.Close()
	})
	return s.stopErr
}

// finishShare is the share of the time of a stop in which what is in flight may end, on one of several nodes. As long as a node
// has not left, nobody does its work: the others must not wait for its storage, or for whoever it has called.
const finishShare = 0.75

// finish ends polling, and then what is in flight.
func (s *System) finish(ctx context.Context) error {
	if s.node.Clustered() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(finishShare*float64(entity.TimeLeft(ctx))))
		defer cancel()
	}
	err := within(ctx, "polling", s.pollers.Wait)
	s.env.Drain()
	s.webhooks.Finish(ctx)
	s.chats.Finish(ctx)
	if s.reports.Wait(); s.monitor.On {
		s.monitor.Finish(ctx, s.self(), s.node.Request)
	}
	// Two rounds: in the first the outcomes reach the owners, in the second what the owners tell others because of them.
	for range 2 {
		err = errors.Join(err, s.node.Barrier(ctx))
	}
	return err
}

// within waits, but no longer than ctx allows; what names the thing that it waits for.
func within(ctx context.Context, what string, wait func()) error {
	ended := make(chan struct{})
	go func() {
		wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("actors: %s did not end: %w", what, ctx.Err())
	}
}

// Tell sends a message and waits for nothing. The message may be lost when the node stops, so send only what storage
// says too.
func (s *System) Tell(kind, identity string, message proto.Message) {
	if kind != messages.KindQuery {
		s.node.Tell(kind, identity, message)
	}
}

// StartPolling starts the poller of a bot, which hands updates to intake. Stop ends it.
func (s *System) StartPolling(ctx context.Context, botID string, intake poller.Intake) error {
	s.pollers.Use(intake)
	s.sweep.Keep(messages.KindPoller, botID) // awake, wherever it is
	_, err := s.Ask(ctx, messages.KindPoller, botID, &messages.Wake{})
	return err
}

// UpdateKeeper has what pollers of a bot have set aside, for a node that does not poll.
func (s *System) UpdateKeeper(botID string) *UpdateKeeper { return poller.NewKeeper(s.env, botID) }

// TakeUpload receives a file from outside and keeps it as an attachment (attachment.Keeper.Take).
func (s *System) TakeUpload(ctx context.Context, u attachment.Upload) (*messages.Media, error) {
	return s.attachments.Take(ctx, u)
}

// AddFile is TakeUpload, but returns the record of the attachment.
func (s *System) AddFile(ctx context.Context, u attachment.Upload) (*messages.AttachmentRecord, error) {
	return s.attachments.Add(ctx, u)
}

// FileContent opens the bytes of an attachment, or of its thumbnail, and says how many they are; -1 for a thumbnail.
func (s *System) FileContent(ctx context.Context, attachmentID string, thumbnail bool) (io.ReadCloser, int64, error) {
	return s.attachments.Content(ctx, attachmentID, thumbnail)
}

// WatchLog wakes a reader of the log of events whenever something is appended that the filter selects. The reader reads by
// messages.ReadLog after WatchLog, so that it misses nothing between the two. stop ends it.
func (s *System) WatchLog(filter *messages.LogFilter) (woken <-chan struct{}, stop func()) {
	c := make(chan struct{}, 1)
	w := s.log.Watch(eventlog.NewFilter(filter), func() {
		select {
		case c <- struct{}{}:
		default: // it is awake already
		}
	})
	return c, w.Close
}

// TestWebhook sends the example of a type of event to an endpoint now, and tells what came of it (webhook.Room.Test).
func (s *System) TestWebhook(ctx context.Context, webhookID, eventType string) (*messages.WebhookTested, error) {
	return s.webhooks.Test(ctx, webhookID, eventType)
}

// PreviewWebhook makes the request that an endpoint would get for the example of a type of event, and sends nothing
// (webhook.Room.Preview).
func (s *System) PreviewWebhook(ctx context.Context, webhookID, eventType string, templates json.RawMessage) (*messages.WebhookTested, error) {
	return s.webhooks.Preview(ctx, webhookID, eventType, templates)
}

// JudgeURL says whether a webhook may have this URL, as far as DNS tells now (delivery.Client.Judge).
func (s *System) JudgeURL(ctx context.Context, url string) error { return s.webhooks.Judge(ctx, url) }

// Check returns an error if the actors do not answer, or are stopping. It is for readiness.
func (s *System) Check(ctx context.Context) error {
	if !s.joined.Load() {
		return errNotJoined
	}
	if s.env.InDoubt() && s.env.IntakeCtx.Err() == nil {
		return errors.New("etcd does not answer, so this node does not know whether it is a member of its cluster still")
	}
	if s.env.Draining() {
		return errors.New("stopping")
	}
	if _, err := s.ask(ctx, messages.KindQuery, "", &messages.Wake{}, 2*time.Second); err != nil {
		return fmt.Errorf("actors do not answer: %w", err)
	}
	return nil
}
