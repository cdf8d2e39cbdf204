package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime/pprof"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/topicdesk/topicdesk/config"
)

func serveCommand() *cobra.Command {
	var cpuProfile string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the desk; without TELEGRAM_BOT_TOKEN, with the built-in Telegram simulator",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return serve(cmd, cpuProfile, nil) },
	}
	cmd.Flags().StringVar(&cpuProfile, "cpuprofile", "", "file to write a CPU profile to at the end")
	return cmd
}

// serve runs the desk until cmd's context ends. beside, unless it is nil, gets the desk's logger.
func serve(cmd *cobra.Command, cpuProfile string, beside func(*slog.Logger)) error {
	settings, err := config.Load(os.LookupEnv, ".env", os.Environ()...)
	if err != nil {
		return invalidSettings(err)
	}
	stop, err := profileCPU(cpuProfile)
	if err != nil {
		return err
	}
	tuneRuntime(settings.Database().Kind == config.DatabaseSQLite)
	log, gathered := gatherErrors(settings, settings.Logger(os.Stderr))
	app := &App{Config: settings, Log: log, Errors: gathered}
	if settings.LogFormat == config.FormatText { // for people
		app.Started = func(httpAddr, simulatorURL string) {
			welcome(cmd.OutOrStdout(), settings, httpAddr, simulatorURL)
		}
	}
	if beside != nil {
		beside(log)
	}
	signal.Ignore(syscall.SIGPIPE) // whoever reads the log may end; the desk goes on
	err = errors.Join(app.Run(cmd.Context()), stop())
	if err != nil && settings.LogFormat == config.FormatJSON {
		return &servedError{log: settings.Logger(os.Stderr), err: err}
	}
	return err
}

// profileCPU records a CPU profile until stop is called, which writes it. Without a file it does nothing.
func profileCPU(file string) (stop func() error, err error) {
	if file == "" {
		return func() error { return nil }, nil
	}
	f, err := os.Create(file)
	if err != nil {
		return nil, fmt.Errorf("can't write the profile: %w", err)
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		return f.Close()
	}, nil
}
