package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/topicdesk/topicdesk/config"
	"github.com/topicdesk/topicdesk/storage/files"
)

// cleanEvery is how often a service cleans its files up.
const cleanEvery = time.Hour

// openFiles opens the place where attachments are kept.
func openFiles(ctx context.Context, c config.Config, log *slog.Logger) (*files.Store, error) {
	f := c.Files()
	store, err := files.Open(ctx, files.Options{
		URL: f.URL, Dir: filepath.Join(c.DataDir, "files-tmp"), ClamAV: c.ClamAVAddr, Log: log,
		Rules: files.Rules{Limits: f.Limits, Allow: f.Allow, Deny: f.Deny, MaxPixels: f.MaxPixels},
	})
	if err != nil {
		return nil, fmt.Errorf("FILES_URL: %w", err)
	}
	return store, nil
}

func newCleaner(c config.Config, records files.Records, store *files.Store, log *slog.Logger) *files.Cleaner {
	f := c.Files()
	return &files.Cleaner{Records: records, Files: store, Retention: f.Retention, MaxTotal: f.MaxTotal, Now: time.Now, Log: log}
}

func filesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "files",
		Short: "Clean attachments up, or check that records and contents agree; also beside a running service",
	}
	cmd.AddCommand(filesCleanCommand(), filesCheckCommand())
	return cmd
}

func filesCleanCommand() *cobra.Command {
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "clean",
		Short: "Remove attachments beyond FILES_RETENTION and FILES_MAX_TOTAL, those of closed tickets first, and what nobody needs",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withFiles(cmd, func(c *files.Cleaner) error {
				report, err := c.Clean(cmd.Context(), !dryRun)
				if report != nil {
					printReport(cmd.OutOrStdout(), report, dryRun)
				}
				return err
			})
		},
	}
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "only say what would be removed")
	return cmd
}

func printReport(w io.Writer, r *files.Report, dryRun bool) {
	word := "removed"
	if dryRun {
		word = "would remove"
	}
	for _, x := range r.Removed {
		state := "open"
		if x.Closed {
			state = "closed"
		}
		_, _ = fmt.Fprintf(w, "%s %s (%s, %s; %s ticket %s): %s\n", word, x.AttachmentID, x.FileName, files.Size(x.Size), state, x.TicketID, x.Reason)
	}
	_, _ = fmt.Fprintf(w, "%s %d attachments and %d contents that no attachment has: %s freed, %s kept\n",
		word, len(r.Removed), r.Orphans, files.Size(r.Freed), files.Size(r.Kept))
}

func filesCheckCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Compare records and contents in both directions; fails when they do not agree",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withFiles(cmd, func(c *files.Cleaner) error {
				result, err := c.Check(cmd.Context())
				if err != nil {
					return err
				}
				w := cmd.OutOrStdout()
				for _, x := range result.Missing {
					_, _ = fmt.Fprintf(w, "no content: attachment %s (%s, %s) of ticket %s\n", x.AttachmentID, x.FileName, files.Size(x.Size), x.TicketID)
				}
				for _, name := range result.Unnamed {
					_, _ = fmt.Fprintf(w, "no attachment: content %s\n", name)
				}
				_, _ = fmt.Fprintf(w, "%d attachments checked, %d without content, %d contents without attachment\n",
					result.Checked, len(result.Missing), len(result.Unnamed))
				if len(result.Missing)+len(result.Unnamed) > 0 {
					return errors.New("records and contents do not agree")
				}
				return nil
			})
		},
	}
}

// withFiles opens the desk's database and files as the settings say, beside a service that may be running.
func withFiles(cmd *cobra.Command, f func(*files.Cleaner) error) (err error) {
	settings, err := config.Load(os.LookupEnv, ".env")
	if err != nil {
		return fmt.Errorf("the settings are not right:\n%w", err)
	}
	records, err := openSource(cmd.Context(), settings.DatabaseURL.Reveal(), beside)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, records.Close()) }()
	log := settings.Logger(cmd.ErrOrStderr())
	store, err := openFiles(cmd.Context(), settings, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	return f(newCleaner(settings, records, store, log))
}
