package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/topicdesk/topicdesk/config"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
	"github.com/topicdesk/topicdesk/storage"
)

// A desk belongs to one bot: what it knows of people, private chats and groups is what that bot met. With another one it would
// take a trial's people for those who happen to have the same ids in Telegram, or play a real desk in the simulator.

// leaseOfBot is the lease that says which bot a desk belongs to: its owner is the bot's id.
const leaseOfBot = "desk/bot"

// simulatorBot is the id of the built-in simulator's bot.
var simulatorBot = idOfBot(simulator.DefaultToken)

// idOfBot is the part of a token that is no secret, and stays when @BotFather renews it.
func idOfBot(token string) string {
	id, _, _ := strings.Cut(token, ":")
	return id
}

// botOf is the id of the bot of the settings, which may be that of the simulator.
func botOf(c config.Config) string {
	if c.UsesSimulator() {
		return simulatorBot
	}
	return idOfBot(c.TelegramBotToken.Reveal())
}

// otherBotError says that a desk belongs to another bot than that of the settings.
type otherBotError struct {
	config config.Config
	bot    string // "": it is not known which
}

func (e *otherBotError) Error() string {
	in := where(e.config.Database())
	switch {
	case e.config.UsesSimulator():
		bot := ""
		if e.bot != "" {
			bot = " " + e.bot
		}
		return fmt.Sprintf("TELEGRAM_BOT_TOKEN is not set, but the desk in %s belongs to the bot%s: set that bot's token; for a trial, set "+
			"DATA_DIR to a new folder. To play with a copy of this desk in the simulator, give `topicdesk change-bot` for the copy", in, bot)
	case e.bot == simulatorBot:
		return fmt.Sprintf("the desk in %s is a trial's, made with the built-in simulator: its people may have the ids of others in "+
			"Telegram, who would get their rights. For the bot of TELEGRAM_BOT_TOKEN set DATA_DIR (and DATABASE_URL, if it is set) to a new place, "+
			"or move %s away", in, e.config.DataDir)
	}
	return fmt.Sprintf("the desk in %s belongs to the bot %s, and TELEGRAM_BOT_TOKEN is that of %s: set the token of %[2]s, or DATA_DIR and "+
		"DATABASE_URL to the desk of %[3]s. If %[3]s is to go on with this desk, give `topicdesk change-bot` first", in, e.bot, botOf(e.config))
}

// checkBot refuses a desk that belongs to another bot than that of the settings.
func checkBot(ctx context.Context, store storage.Store, c config.Config) error {
	lease, err := store.Lease(ctx, leaseOfBot)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return checkEarlierBot(ctx, store, c)
	case err != nil:
		return fmt.Errorf("read which bot the desk belongs to: %w", err)
	case lease.Owner != botOf(c):
		return &otherBotError{c, lease.Owner}
	}
	return nil
}

// checkOlder is checkBot for a database whose schema is that of an earlier release, before it is brought up to date. What can't be
// read there is read afterwards.
func checkOlder(ctx context.Context, store storage.Store, c config.Config) error {
	err := checkBot(ctx, store, c)
	if other := (*otherBotError)(nil); errors.As(err, &other) {
		return err
	}
	return nil
}

// checkEarlierBot refuses a desk of an earlier release, which did not write down its bot, where what it wrote is certain: the
// poller's lease names the bot. A desk that this bot has polled for before is its own, whoever else did.
func checkEarlierBot(ctx context.Context, store storage.Store, c config.Config) error {
	polled := func(bot string) (bool, error) {
		_, err := store.Lease(ctx, messages.KindPoller+"/"+bot)
		if errors.Is(err, storage.ErrNotFound) {
			return false, nil
		}
		return err == nil, err
	}
	own, err := polled(botOf(c))
	switch {
	case err != nil || own:
		return err
	case c.UsesSimulator(): // it always polls
		groups, err := store.Groups(ctx, "", 1)
		if err == nil && len(groups) > 0 {
			err = &otherBotError{config: c}
		}
		return err
	case c.TelegramMode == config.ModePolling: // by webhook, this bot may have served the desk for long
		trial, err := polled(simulatorBot)
		if err == nil && trial {
			err = &otherBotError{c, simulatorBot}
		}
		return err
	}
	return nil
}

// claimDesk writes down that the desk belongs to the bot of the settings, unless it belongs to another one by now. It tries
// again until storage answers.
func claimDesk(ctx context.Context, store storage.Store, c config.Config, log *slog.Logger) error {
	for pause := shortestPause; ; pause = min(2*pause, longestPause) {
		err := tryClaim(ctx, store, c)
		other := (*otherBotError)(nil)
		switch {
		case err == nil, errors.As(err, &other):
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		}
		log.Warn("which bot the desk belongs to can't be written down; trying again", "in", pause, "error", err)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

func tryClaim(ctx context.Context, store storage.Store, c config.Config) error {
	lease, err := store.Lease(ctx, leaseOfBot)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		_, err := store.TakeLease(ctx, leaseOfBot, botOf(c), time.Now())
		return err
	case err != nil:
		return err
	case lease.Owner != botOf(c):
		return &otherBotError{c, lease.Owner}
	}
	return nil
}

func changeBotCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "change-bot",
		Short: "Give a desk to another bot: that of TELEGRAM_BOT_TOKEN, or without one the simulator's",
		Long: "Give the desk of DATABASE_URL to the bot of TELEGRAM_BOT_TOKEN, or without a token to that of the built-in\n" +
			"simulator, to play with a copy of a desk. The service refuses another bot until then. Stop it first.\n\n" +
			"The desk keeps all that it knows. The new bot must be in its groups as the former one was, and people\n" +
			"must write to it before it can write to them. Never give it a trial's desk: the simulator's people may\n" +
			"have the ids of others in Telegram, who would get their rights.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			settings, err := loadSettings(ofBot)
			if err != nil {
				return err
			}
			if settings.UsesSimulator() && settings.Database().Kind != config.DatabaseSQLite {
				return errors.New("TELEGRAM_BOT_TOKEN is not set, and the simulator serves no desk in MongoDB: set the token of the bot that " +
					"is to have the desk")
			}
			store, err := openOwn(cmd.Context(), settings, alone, existing)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, store.Close()) }()
			if _, err := store.TakeLease(cmd.Context(), leaseOfBot, botOf(settings), time.Now()); err != nil {
				return err
			}
			bot := "the bot " + botOf(settings)
			if settings.UsesSimulator() {
				bot = "the simulator's bot"
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "The desk in %s belongs to %s now.\n", where(settings.Database()), bot)
			return err
		},
	}
}
