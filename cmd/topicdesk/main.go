// Command topicdesk is a ticket desk that lives in Telegram forum groups.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/topicdesk/topicdesk/config"
)

// version is set by the linker (make build).
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := rootCommand().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, config.Redact(err.Error()))
		stop()
		os.Exit(1)
	}
}

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
		clusterCommand(), apikeyCommand(), webhooksCommand(), benchCommand(), versionCommand())
	return root
}
