package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/topicdesk/topicdesk/config"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/storage/mongodb"
	"github.com/topicdesk/topicdesk/storage/sqlite"
)

func storageCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "storage",
		Short: "Export all records of a desk, or copy them to another database",
	}
	backup := backupCommand() // where people look for it who have exported and copied
	backup.Hidden = true
	cmd.AddCommand(exportCommand(), copyCommand(), backup)
	return cmd
}

func exportCommand() *cobra.Command {
	var from string
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write all records to standard output, as JSON Lines in a fixed order",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			source, err := openSource(cmd.Context(), from, beside)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, source.Close()) }()
			return export(cmd.Context(), source, cmd.OutOrStdout(), newProgress(cmd.ErrOrStderr()))
		},
	}
	cmd.Flags().StringVar(&from, "from", "", "database: sqlite://path or mongodb://host/name (default: DATABASE_URL)")
	return cmd
}

func copyCommand() *cobra.Command {
	var from, to string
	cmd := &cobra.Command{
		Use:   "copy",
		Short: "Copy all records from one database to another",
		Long: "Copy all records from one database to another, between SQLite and MongoDB in either direction. Stop\n" +
			"the service first. If the copy is interrupted, the same command continues it; until then nothing else\n" +
			"opens the other database. At the end every record is compared.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			source, err := openSource(cmd.Context(), from, alone)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, source.Close()) }()
			target, err := openTarget(cmd.Context(), to)
			if err != nil {
				return fmt.Errorf("--to: %w", err)
			}
			defer func() { err = errors.Join(err, target.Close()) }()
			err = copyInto(cmd.Context(), source, target, newProgress(cmd.ErrOrStderr()))
			if cmd.Context().Err() != nil {
				return errors.New("interrupted: the same command continues from here")
			}
			return err
		},
	}
	cmd.Flags().StringVar(&from, "from", "",
		"database to read: sqlite://path or mongodb://host/name (default: DATABASE_URL)")
	cmd.Flags().StringVar(&to, "to", "",
		"database to write: sqlite://path or mongodb://host/name; it must be empty or begun by this command")
	_ = cmd.MarkFlagRequired("to")
	return cmd
}

// wholeStore is a store that can be read and written as a whole.
type wholeStore interface {
	storage.Store
	storage.Dumper
}

// How a command opens a database.
type (
	company  bool // whether a service may have the SQLite file open as well
	newcomer bool // whether a database is made where there is none
)

const (
	beside   company  = true
	alone    company  = false
	orNew    newcomer = true
	existing newcomer = false
)

// What commands use of the settings: a mistake in another one must not keep anybody from a backup.
var (
	ofDatabase = []string{"DATABASE_URL", "DATA_DIR"}
	ofDesk     = []string{"DATABASE_URL", "DATA_DIR", "FILES_URL", "SECRETS_KEY"}
	ofFiles    = []string{"DATABASE_URL", "DATA_DIR", "FILES_URL", "FILES_RETENTION", "FILES_MAX_TOTAL", "LOG_LEVEL", "LOG_FORMAT"}
	ofBot      = []string{"DATABASE_URL", "DATA_DIR", "TELEGRAM_BOT_TOKEN"}
	ofService  = []string{"HTTP_ADDR"}
	ofNodes    = []string{"CLUSTER_PROVIDER", "CLUSTER_NAME", "CLUSTER_ADDR", "CLUSTER_INSECURE", "CLUSTER_TLS_CERT", "CLUSTER_TLS_KEY",
		"CLUSTER_TLS_CA", "ETCD_ENDPOINTS", "ETCD_USERNAME", "ETCD_PASSWORD", "ETCD_TLS_CERT", "ETCD_TLS_KEY", "ETCD_TLS_CA"}
)

// loadSettings reads the settings that a command uses as the service does.
func loadSettings(used []string) (config.Config, error) {
	settings, err := config.LoadSome(os.LookupEnv, ".env", used)
	return settings, invalidSettings(err)
}

// invalidSettings says that an error is about the settings.
func invalidSettings(err error) error {
	switch {
	case err == nil:
		return nil
	case strings.Contains(err.Error(), "\n"):
		return fmt.Errorf("the settings are not valid:\n%w", err)
	}
	return fmt.Errorf("the settings are not valid: %w", err)
}

// openSource opens the database that --from names, or else that of the settings. It must exist already.
func openSource(ctx context.Context, from string, with company) (wholeStore, error) {
	if from != "" {
		source, err := openDesk(ctx, from, with, existing)
		if err != nil {
			return nil, fmt.Errorf("--from: %w", err)
		}
		return source, nil
	}
	settings, err := loadSettings(ofDatabase)
	if err != nil {
		return nil, err
	}
	return openOwn(ctx, settings, with, existing)
}

// openOwn opens the database of the settings.
func openOwn(ctx context.Context, settings config.Config, with company, may newcomer) (wholeStore, error) {
	store, err := openDesk(ctx, settings.DatabaseURL.Reveal(), with, may)
	if errors.Is(err, storage.ErrNotFound) {
		return nil, &noDeskError{where(settings.Database())}
	}
	return store, err
}

// noDeskError says that the database of the settings does not exist.
type noDeskError struct{ where string }

func (e *noDeskError) Error() string {
	return "there is no desk in " + e.where + ": run this command in the service's folder and with its settings, or set DATABASE_URL"
}

// where names a database for people.
func where(db config.Database) string {
	if db.Kind == config.DatabaseMongoDB {
		address, _, _ := strings.Cut(db.URI.Reveal(), "?") // options may hold secrets
		return config.Redact(address)
	}
	if path, err := filepath.Abs(db.Path); err == nil {
		return path
	}
	return db.Path
}

func database(address string) config.Database {
	return config.Config{DatabaseURL: config.Secret(address)}.Database()
}

// openDesk opens a database that no service opens for this command, and leaves the schema of an earlier release as it is:
// the program of that release may be serving it.
func openDesk(ctx context.Context, address string, with company, may newcomer) (wholeStore, error) {
	switch db := database(address); db.Kind {
	case config.DatabaseSQLite:
		how := []sqlite.Option{sqlite.WithoutMigration()}
		if with == alone {
			how = append(how, sqlite.WithExclusive())
		}
		if may == existing {
			how = append(how, sqlite.WithExisting())
		}
		return sqlite.Open(ctx, db.Path, how...)
	case config.DatabaseMongoDB:
		how := []mongodb.Option{patient, mongodb.WithoutMigration()}
		if may == existing {
			how = append(how, mongodb.WithExisting())
		}
		return mongodb.Open(ctx, db.URI.Reveal(), db.Name, how...)
	}
	return nil, errNoDatabase
}

// patient is for commands: a page of records takes longer than what the service asks of a database.
var patient = mongodb.WithTimeouts(10*time.Second, time.Minute)

var errNoDatabase = errors.New("that is not a database: use sqlite://path/to/file.db or mongodb://host/name")

// openTarget opens the database that a copy writes, which is a new one, or half of a copy.
func openTarget(ctx context.Context, address string) (copyTarget, error) {
	switch db := database(address); db.Kind {
	case config.DatabaseSQLite:
		return sqlite.Open(ctx, db.Path, sqlite.WithoutMigration(), sqlite.WithExclusive(), sqlite.WithCopying())
	case config.DatabaseMongoDB:
		return mongodb.Open(ctx, db.URI.Reveal(), db.Name, patient, mongodb.WithoutMigration(), mongodb.WithCopying())
	}
	return nil, errNoDatabase
}

// export writes all records in order. The same records give the same bytes, whichever store they are in.
func export(ctx context.Context, from storage.Dumper, to io.Writer, p *progress) error {
	w := bufio.NewWriterSize(to, 1<<16)
	for _, collection := range storage.Collections {
		total, err := from.Count(ctx, collection)
		if err != nil {
			return fmt.Errorf("count %s: %w", collection, err)
		}
		t := p.begin("export "+collection, "records", total)
		err = exportCollection(ctx, from, w, collection, t)
		t.end(err)
		if err != nil {
			return fmt.Errorf("export %s: %w", collection, err)
		}
	}
	return w.Flush()
}

func exportCollection(ctx context.Context, from storage.Dumper, w io.Writer, collection string, t *task) error {
	name, err := json.Marshal(collection)
	if err != nil {
		return err
	}
	for record, err := range from.Dump(ctx, collection, nil) {
		if err != nil {
			return err
		}
		text, err := storage.Encode(record)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, `{"collection":%s,"record":%s}`+"\n", name, text); err != nil {
			return err
		}
		t.add(1)
	}
	return nil
}
