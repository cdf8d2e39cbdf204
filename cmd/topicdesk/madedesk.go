package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/topicdesk/topicdesk/config"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/storage/sqlite"
)

// madeDesk is a desk that this start may make. A start that fails before it knows its bot removes it again: the next one, with
// the right settings, would meet half of a desk that nobody wanted.
type madeDesk struct {
	database string   // of SQLite, which alone is removed; "": none, or it was there before
	files    []string // that were not there before, besides the database
	isNew    bool     // the start has made the database, and it is not in use
	failed   bool
}

// notThere is what of a desk is not there yet. Lock files are not among it: who removes one may let two processes hold a lock.
func notThere(c config.Config) *madeDesk {
	made := &madeDesk{}
	if db := c.Database(); db.Kind == config.DatabaseSQLite && !exists(db.Path) {
		made.database = db.Path
	}
	for _, name := range []string{secretsFile, backupSimulator, filepath.Join("files", "tmp"), "files", "files-tmp"} {
		made.files = append(made.files, filepath.Join(c.DataDir, name))
	}
	made.files = slices.DeleteFunc(made.files, exists)
	return made
}

// keep says that the desk is in use from now on.
func (d *madeDesk) keep() { d.isNew = false }

// forget has the desk removed when all is closed, if nobody uses it by then.
func (d *madeDesk) forget() { d.failed = d.isNew && d.database != "" }

// remove removes a desk that is to be forgotten. All of it stays if anybody may have begun to use it, and a folder with something in
// it stays, too.
func (d *madeDesk) remove(log *slog.Logger) {
	if !d.failed {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	removed, err := sqlite.Remove(ctx, d.database, inUse)
	if !removed {
		log.Warn("what a failed start has made stays: somebody may use it", "database", d.database, "error", err)
		return
	}
	for _, name := range d.files {
		if err := os.Remove(name); err != nil && exists(name) {
			log.Warn("what a failed start has made could not be removed", "file", name, "error", err)
		}
	}
}

// inUse says whether anybody has made a key for a desk, or a bot or a group is known there.
func inUse(ctx context.Context, store *sqlite.Store) (bool, error) {
	keys, err := store.APIKeys(ctx, "", "", 1)
	if err != nil || len(keys) > 0 {
		return true, err
	}
	groups, err := store.Groups(ctx, "", 1)
	if err != nil || len(groups) > 0 {
		return true, err
	}
	_, err = store.Lease(ctx, leaseOfBot)
	if errors.Is(err, storage.ErrNotFound) {
		return false, nil
	}
	return true, err
}

// portsTaken says which of the addresses of the settings this process can't listen on, before anything is made for a desk.
func (a *App) portsTaken() error {
	try := func(setting, addr string) error {
		listener, err := listen(setting, addr)
		if err == nil {
			_ = listener.Close()
		}
		return err
	}
	if err := try("HTTP_ADDR", a.Config.HTTPAddr); err != nil {
		return err
	}
	if a.Config.MetricsAddr != "" {
		if err := try("METRICS_ADDR", a.Config.MetricsAddr); err != nil {
			return err
		}
	}
	host, _, err := net.SplitHostPort(a.Config.HTTPAddr)
	if err != nil || !a.Config.UsesSimulator() || a.Config.SimulatorPort == 0 {
		return nil // the page takes any port that is free
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(a.Config.SimulatorPort)))
	if err != nil {
		return noPage(a.Config.SimulatorPort, err)
	}
	return listener.Close()
}
