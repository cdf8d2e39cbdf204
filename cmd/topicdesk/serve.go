package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/topicdesk/topicdesk/config"
)

func serveCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Run the desk; without TELEGRAM_BOT_TOKEN with the built-in simulator of Telegram",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			settings, err := config.Load(os.LookupEnv, ".env")
			if err != nil {
				return fmt.Errorf("the settings are not right:\n%w", err)
			}
			app := &App{Config: settings, Log: settings.Logger(os.Stderr)}
			return app.Run(cmd.Context())
		},
	}
}
