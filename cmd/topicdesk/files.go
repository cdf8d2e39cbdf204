package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/topicdesk/topicdesk/config"
	"github.com/topicdesk/topicdesk/storage/files"
)

// cleanEvery is how often the service cleans up its files.
const cleanEvery = time.Hour

// openFiles opens the store of attachments.
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
	return &files.Cleaner{Records: records, Files: store, Retention: f.Retention, MaxTotal: f.MaxTotal,
		Now: time.Now, Log: log}
}

func filesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "files",
		Short: "Clean up attachments, or check that records and contents agree",
		Long:  "Clean up attachments, or check that records and contents agree. The service may be running.",
	}
	cmd.AddCommand(filesCleanCommand(), filesCheckCommand())
	return cmd
}

func filesCleanCommand() *cobra.Command {
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "clean",
		Short: "Remove attachments beyond FILES_RETENTION and FILES_MAX_TOTAL, and contents without an attachment",
		Long: "Remove attachments beyond FILES_RETENTION and FILES_MAX_TOTAL, those of closed tickets first, and\n" +
			"contents that belong to no attachment. Nothing is removed where FILES_URL is another desk's.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			own := claimFiles
			if dryRun {
				own = checkFiles
			}
			return withFiles(cmd, "clean up files", own, func(c *files.Cleaner) error {
				report, err := c.Clean(cmd.Context(), !dryRun)
				if report != nil {
					printReport(cmd.OutOrStdout(), report, dryRun)
				}
				return err
			})
		},
	}
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "only print what would be removed")
	return cmd
}

func printReport(w io.Writer, r *files.Report, dryRun bool) {
	verb := "removed"
	if dryRun {
		verb = "would remove"
	}
	for _, x := range r.Removed {
		state := "open"
		if x.Closed {
			state = "closed"
		}
		_, _ = fmt.Fprintf(w, "%s %s (%s, %s; %s ticket %s): %s\n",
			verb, x.AttachmentID, x.FileName, files.Size(x.Size), state, x.TicketID, x.Reason)
	}
	_, _ = fmt.Fprintf(w, "%s %d attachments and %d contents without an attachment: %s freed, %s kept\n",
		verb, len(r.Removed), r.Orphans, files.Size(r.Freed), files.Size(r.Kept))
}

func filesCheckCommand() *cobra.Command {
	var hashes bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Compare records and contents in both directions; fails if they do not agree",
		Long: "Compare records and contents in both directions, by names and sizes. With --hashes, read each content\n" +
			"and compare its SHA-256, which finds every other damage. Fails if they do not agree.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withFiles(cmd, "check files", nil, func(c *files.Cleaner) error {
				c.Hashes = hashes
				result, err := c.Check(cmd.Context())
				if err != nil {
					return err
				}
				w := cmd.OutOrStdout()
				for _, x := range result.Missing {
					_, _ = fmt.Fprintf(w, "no content: attachment %s (%s, %s) of ticket %s\n",
						x.AttachmentID, x.FileName, files.Size(x.Size), x.TicketID)
				}
				for _, x := range result.Damaged {
					_, _ = fmt.Fprintln(w, damagedLine(x))
				}
				for _, name := range result.Unnamed {
					_, _ = fmt.Fprintf(w, "no attachment: content %s\n", name)
				}
				_, _ = fmt.Fprintf(w, "%d attachments checked, %d without content, %d damaged, %d contents without an attachment\n",
					result.Checked, len(result.Missing), len(result.Damaged), len(result.Unnamed))
				if len(result.Missing)+len(result.Damaged)+len(result.Unnamed) > 0 {
					return errors.New("records and contents do not agree")
				}
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&hashes, "hashes", false, "read each content, too, and compare its SHA-256")
	return cmd
}

// damagedLine names an attachment whose content is damaged.
func damagedLine(x files.Removal) string {
	return fmt.Sprintf("damaged: attachment %s (%s, %s) of ticket %s: %s",
		x.AttachmentID, x.FileName, files.Size(x.Size), x.TicketID, x.Reason)
}

// withFiles opens the database and the files of the settings, which a service may have open as well. own says why these files
// are not the desk's; nil: a command for which that is no matter.
func withFiles(cmd *cobra.Command, what string, own ownFiles, f func(*files.Cleaner) error) (err error) {
	settings, err := loadSettings(ofFiles)
	if err != nil {
		return err
	}
	records, err := openOwn(cmd.Context(), settings, beside, existing)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, records.Close()) }()
	if own != nil {
		if err := filesFolder(cmd.Context(), records, settings); err != nil {
			return err
		}
	}
	log := settings.Logger(cmd.ErrOrStderr())
	store, err := openFiles(cmd.Context(), settings, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	t := newProgress(cmd.ErrOrStderr()).begin(what, "records and contents", 0)
	defer func() { t.end(err) }()
	c := newCleaner(settings, records, store, log)
	if own != nil {
		c.Own = func(ctx context.Context) error { return own(ctx, records, store, settings) }
	}
	c.Seen = func() { t.add(1) }
	return f(c)
}
