package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/topicdesk/topicdesk/actors"
	"github.com/topicdesk/topicdesk/bot"
	"github.com/topicdesk/topicdesk/config"
	"github.com/topicdesk/topicdesk/tracing"
)

// edge connects the desk to Telegram: it finds out who the bot is, publishes its slash commands and starts the
// intake.
type edge struct {
	config  config.Config
	client  *bot.Client
	system  *actors.System
	log     *slog.Logger
	metrics prometheus.Registerer
	tracer  *tracing.Tracer
	now     func() time.Time            // nil: time.Now
	claim   func(context.Context) error // writes down that the desk is this bot's; nil: there is nothing to write
	state   *intakeState
	tasks   sync.WaitGroup
	intake  atomic.Pointer[bot.Intake] // nil until the bot knows its name
}

var errStarting = errors.New("the service is starting")

// handle accepts one update, as Telegram posts it.
func (e *edge) handle(ctx context.Context, raw []byte) error {
	if intake := e.intake.Load(); intake != nil {
		return intake.Handle(ctx, raw)
	}
	return errStarting
}

const (
	updatesAtOnce = 100 // in one answer: Telegram's limit
	shortestPause = 500 * time.Millisecond
	longestPause  = 30 * time.Second
)

// start finds out who the bot is and starts the intake. While Telegram can't be reached it tries again, and the
// service is not ready; a node of a cluster is no member before that, since it could do nothing for its shards. A token that Telegram does not know is an error.
func (e *edge) start(ctx context.Context) error {
	if !e.system.Joined() {
		e.log.Info("this node joins the cluster as soon as it has reached Telegram")
	}
	var identity bot.BotIdentity
	err := e.persist(ctx, "getMe", func() error {
		me, err := e.client.Me(ctx)
		if err == nil {
			identity = bot.BotIdentity{ID: me.ID, Username: me.Username}
		}
		return err
	})
	if err != nil {
		return err
	}
	if e.claim != nil {
		if err := e.claim(ctx); err != nil {
			return err
		}
	}
	e.system.Reached()
	if err := e.system.Join(); err != nil {
		return err
	}
	intake := bot.NewIntake(e.system, bot.IntakeOptions{Bot: identity, Allowed: e.config.GroupAllowed,
		IsAskTitle: bot.IsAskTitle, PublicURL: e.config.Address(), Now: e.now, Log: e.log, Metrics: e.metrics, Tracer: e.tracer})
	e.intake.Store(intake)
	e.tasks.Go(func() { // the menu of commands is a convenience: the desk works without it
		err := e.persist(ctx, commandsCall, func() error { return e.client.SetCommands(ctx) })
		if err != nil && ctx.Err() == nil {
			e.log.Warn("the menu of commands could not be set", "error", err)
		}
	})
	if e.config.TelegramMode == config.ModeWebhook {
		e.handInLeft(ctx, intake, identity.ID)
		address, secret := e.config.TelegramWebhookURL, e.config.TelegramWebhookSecret.Reveal()
		err := e.persist(ctx, "setWebhook", func() error { return e.client.SetWebhook(ctx, address, secret) })
		e.state.note(err)
		return err
	}
	if err := e.persist(ctx, "deleteWebhook", func() error { return e.client.DeleteWebhook(ctx) }); err != nil {
		return err
	}
	return e.system.StartPolling(ctx, strconv.FormatInt(identity.ID, 10), &polling{edge: e, intake: intake})
}

// leftWithin is how long the webhook waits for updates that pollers have set aside.
const leftWithin = 10 * time.Second

// handInLeft hands in what pollers have set aside while the desk still polled, so that newer updates come behind it. What is
// not accepted within leftWithin goes on being handed in.
func (e *edge) handInLeft(ctx context.Context, intake *bot.Intake, botID int64) {
	done := make(chan struct{})
	e.tasks.Go(func() {
		defer close(done)
		poller := intake.Poller(e.system.UpdateKeeper(strconv.FormatInt(botID, 10)))
		poller.HandIn(ctx, intake)
	})
	select {
	case <-done:
	case <-ctx.Done():
	case <-time.After(leftWithin):
		e.log.Warn("updates from when the desk polled are not accepted yet; newer ones overtake them")
	}
}

const commandsCall = "setMyCommands"

// persist makes a call again and again until Telegram carries it out. It gives up when ctx ends, and when no
// repetition would help: Telegram does not know the token, or refuses the address of the webhook.
func (e *edge) persist(ctx context.Context, what string, call func() error) error {
	for pause := shortestPause; ; pause = min(2*pause, longestPause) {
		err := call()
		if err == nil {
			return nil
		}
		if errors.Is(err, bot.ErrUnauthorized) {
			return fmt.Errorf("TELEGRAM_BOT_TOKEN is not a token that Telegram knows; get one from @BotFather: %w", err)
		}
		var refused *bot.APIError
		if what == "setWebhook" && errors.As(err, &refused) && refused.Status == http.StatusBadRequest {
			return fmt.Errorf("TELEGRAM_WEBHOOK_URL %s is refused by Telegram: %w", e.config.TelegramWebhookURL, err)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if what != commandsCall { // updates arrive without the menu
			e.state.note(err)
		}
		e.log.Warn("a call to Telegram failed; trying again", "call", what, "in", pause, "error", err)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// polling gives the poller its updates from Telegram (actors.Intake).
type polling struct {
	edge   *edge
	intake *bot.Intake
}

func (p *polling) Poll(ctx context.Context, offset int64, saved func(int64), keeper *actors.UpdateKeeper) error {
	fetch := func(ctx context.Context, offset int64, wait time.Duration) ([]json.RawMessage, error) {
		p.edge.state.asked()
		updates, err := p.edge.client.Updates(ctx, offset, wait, updatesAtOnce)
		if ctx.Err() == nil {
			p.edge.state.note(err)
		}
		return updates, err
	}
	poller := p.intake.Poller(keeper)
	poller.Run(ctx, offset, fetch, p.intake, saved)
	return nil
}

// intakeState knows whether updates arrive.
type intakeState struct {
	mu    sync.Mutex
	works bool
	err   error
	// elsewhere says whether another node of the cluster receives the updates; nil: this node is alone.
	elsewhere func() bool
}

var errNotYet = errors.New("no answer from Telegram yet")

func (s *intakeState) note(err error) {
	s.mu.Lock()
	s.works, s.err = err == nil, err
	s.mu.Unlock()
}

// asked notes that a request for updates was sent. Unless an earlier one failed, that counts as working: the first
// answer may take half a minute.
func (s *intakeState) asked() {
	s.mu.Lock()
	if s.err == nil {
		s.works = true
	}
	s.mu.Unlock()
}

func (s *intakeState) running() bool { return s.check(context.Background()) == nil }

func (s *intakeState) check(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.works || s.elsewhere != nil && s.elsewhere() {
		return nil
	}
	if s.err != nil {
		return s.err
	}
	return errNotYet
}
