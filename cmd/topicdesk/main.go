// Command topicdesk is a ticket desk that lives in Telegram forum groups.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/topicdesk/topicdesk/config"
)

// version is set by the linker (make build).
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), stops()...)
	defer stop()
	if err := rootCommand().ExecuteContext(ctx); err != nil {
		sayLast(os.Stderr, err)
		stop()
		os.Exit(1)
	}
}

// stops are the signals that end a command in order, such as that of a terminal that closes; under nohup that one is ignored.
func stops() []os.Signal {
	all := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		all = append(all, syscall.SIGHUP)
	}
	return all
}

// sayLast says why a command failed: of a desk that logs JSON, in a line of JSON.
func sayLast(to io.Writer, err error) {
	var ended *servedError
	if errors.As(err, &ended) {
		ended.log.Error("the desk ended", "error", ended.err)
		return
	}
	_, _ = fmt.Fprintln(to, config.Redact(err.Error()))
}

// servedError is why a desk ended that logs JSON.
type servedError struct {
	log *slog.Logger
	err error
}

func (e *servedError) Error() string { return e.err.Error() }
func (e *servedError) Unwrap() error { return e.err }

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "topicdesk",
		Short:         "A ticket desk that lives in Telegram forum groups",
		SilenceUsage:  true,
		SilenceErrors: true,
		Version:       version,
	}
	root.SetVersionTemplate(versionLine() + "\n")
	root.AddCommand(serveCommand(), simulatorCommand(), storageCommand(), filesCommand(), backupCommand(), restoreCommand(), healthcheckCommand(),
		clusterCommand(), apikeyCommand(), changeBotCommand(), webhooksCommand(), benchCommand(), versionCommand())
	for _, group := range root.Commands() {
		refuseUnknown(group)
	}
	return root
}

// refuseUnknown has a command that only holds others end with an error at a word that none of them has: cobra would print
// its help and end well, and a script would go on.
func refuseUnknown(group *cobra.Command) {
	if !group.HasSubCommands() || group.Runnable() {
		return
	}
	group.SuggestionsMinimumDistance = 2
	group.Args = cobra.ArbitraryArgs
	group.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		if like := cmd.SuggestionsFor(args[0]); len(like) > 0 {
			return fmt.Errorf("unknown command %q for %q: did you mean %s?", args[0], cmd.CommandPath(), strings.Join(like, " or "))
		}
		return fmt.Errorf("unknown command %q for %q; see %s --help", args[0], cmd.CommandPath(), cmd.CommandPath())
	}
}
