package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
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
	cmd.AddCommand(exportCommand(), copyCommand())
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
			return export(cmd.Context(), source, cmd.OutOrStdout())
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
			"the service first. If the copy is interrupted, the same command continues it. At the end every\n" +
			"record is compared.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			source, err := openSource(cmd.Context(), from, alone)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, source.Close()) }()
			target, err := openDesk(cmd.Context(), to, alone)
			if err != nil {
				return fmt.Errorf("--to: %w", err)
			}
			defer func() { err = errors.Join(err, target.Close()) }()
			err = copyDesk(cmd.Context(), source, target, newProgress(cmd.ErrOrStderr()))
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

// company says whether a service may have the SQLite file open as well.
type company bool

const (
	beside company = true
	alone  company = false
)

// openSource opens a database that must exist already. Without an address it is the database of the settings.
func openSource(ctx context.Context, address string, with company) (wholeStore, error) {
	if address == "" {
		settings, err := config.Load(os.LookupEnv, ".env")
		if err != nil {
			return nil, fmt.Errorf("the settings are not valid:\n%w", err)
		}
		address = settings.DatabaseURL.Reveal()
	}
	if db := database(address); db.Kind == config.DatabaseSQLite {
		if _, err := os.Stat(db.Path); err != nil {
			return nil, fmt.Errorf("--from: there is no such database: %w", err)
		}
	}
	source, err := openDesk(ctx, address, with)
	if err != nil {
		return nil, fmt.Errorf("--from: %w", err)
	}
	return source, nil
}

func database(address string) config.Database {
	return config.Config{DatabaseURL: config.Secret(address)}.Database()
}

func openDesk(ctx context.Context, address string, with company) (wholeStore, error) {
	switch db := database(address); db.Kind {
	case config.DatabaseSQLite:
		if with == alone {
			return sqlite.Open(ctx, db.Path, sqlite.WithExclusive())
		}
		return sqlite.Open(ctx, db.Path)
	case config.DatabaseMongoDB:
		// A page of records takes longer than what the service asks of a database.
		return mongodb.Open(ctx, db.URI.Reveal(), db.Name, mongodb.WithTimeouts(10*time.Second, time.Minute))
	}
	return nil, errors.New("that is not a database: use sqlite://path/to/file.db or mongodb://host/name")
}

// export writes all records in order. The same records give the same bytes, whichever store they are in.
func export(ctx context.Context, from storage.Dumper, to io.Writer) error {
	w := bufio.NewWriterSize(to, 1<<16)
	for _, collection := range storage.Collections {
		name, err := json.Marshal(collection)
		if err != nil {
			return err
		}
		for record, err := range from.Dump(ctx, collection, nil) {
			if err != nil {
				return fmt.Errorf("export %s: %w", collection, err)
			}
			text, err := storage.Encode(record)
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintf(w, `{"collection":%s,"record":%s}`+"\n", name, text); err != nil {
				return err
			}
		}
	}
	return w.Flush()
}
