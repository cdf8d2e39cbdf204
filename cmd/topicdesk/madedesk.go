package main

import (
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/topicdesk/topicdesk/config"
	"github.com/topicdesk/topicdesk/storage"
)

// madeDesk is a desk that this start may make. A start that fails before it knows its bot removes it again: the next one, with
// the right settings, would meet half of a desk that nobody wanted.
type madeDesk struct {
	files  []string        // that were not there before
	keys   storage.APIKeys // of the desk; nil: it was there before, or is in use
	failed bool
}

// missingOf lists the files of a desk that are not there. Lock files are not among them: who removes one may let two processes
// hold a lock.
func missingOf(c config.Config) []string {
	var all []string
	if db := c.Database(); db.Kind == config.DatabaseSQLite {
		all = append(all, db.Path, db.Path+"-wal", db.Path+"-shm")
	}
	for _, name := range []string{secretsFile, backupSimulator, filepath.Join("files", "tmp"), "files", "files-tmp"} {
		all = append(all, filepath.Join(c.DataDir, name))
	}
	return slices.DeleteFunc(all, exists)
}

// keep says that the desk is in use from now on.
func (d *madeDesk) keep() { d.keys = nil }

// forget has the desk removed when all is closed, unless somebody has made a key for it meanwhile.
func (d *madeDesk) forget() {
	if d.keys == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	keys, err := d.keys.APIKeys(ctx, "", "", 1)
	d.failed = err == nil && len(keys) == 0
}

// remove removes a desk that is to be forgotten, while nobody else can open it. A folder with something in it stays.
func (d *madeDesk) remove(log *slog.Logger) {
	if !d.failed {
		return
	}
	for _, name := range d.files {
		if err := os.Remove(name); err != nil && exists(name) {
			log.Warn("what a failed start has made could not be removed", "file", name, "error", err)
		}
	}
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
