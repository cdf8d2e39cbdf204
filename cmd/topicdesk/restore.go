package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/topicdesk/topicdesk/config"
	"github.com/topicdesk/topicdesk/storage/files"
	"github.com/topicdesk/topicdesk/storage/sqlite"
)

func restoreCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "restore FILE",
		Short: "Make a desk of a backup, where the settings say",
		Long: "Make a desk of a file that `topicdesk backup` has written: the database at DATABASE_URL, which must not\n" +
			"exist yet, and the files in DATA_DIR and FILES_URL. The database comes last, so an interrupted restore\n" +
			"leaves none; the same command begins anew. Stop the service first.",
		Args: oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			settings, err := loadSettings(ofDesk)
			if err != nil {
				return err
			}
			return restore(cmd.Context(), settings, args[0], newProgress(cmd.ErrOrStderr()))
		},
	}
}

func restore(ctx context.Context, c config.Config, file string, p *progress) (err error) {
	if err := onlySQLite(c); err != nil {
		return err
	}
	f, err := openBackup(file)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	r := &restorer{config: c, small: map[string][]byte{}}
	before := !missing(c.Database().Path + sqlite.Restoring)
	var m *manifest
	err = sqlite.Place(c.Database().Path, func(database io.Writer) (err error) {
		r.began = true
		lock, err := lockDataDir(c)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, lock.Release()) }()
		if r.files, err = openFiles(ctx, c, c.Logger(io.Discard)); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, r.files.Close()) }()
		t := p.begin("restore", "files", 0)
		defer func() { t.end(err) }()
		m, err = readBackup(ctx, f, func(name string, content io.Reader) error {
			t.add(1)
			return r.take(ctx, name, content, database)
		})
		if err != nil {
			return err
		}
		return r.finish()
	})
	if errors.Is(err, fs.ErrExist) && !r.began {
		return r.allInTheWay()
	}
	if err != nil {
		if !r.took && !before { // nothing came of it, so that a service may begin here
			_ = os.Remove(c.Database().Path + sqlite.Restoring)
		}
		if ctx.Err() == nil {
			return r.saying(err)
		}
		return interruptedOr(ctx, err, "there is no desk yet; the same command begins anew")
	}
	p.say("%s is the desk of %s", where(c.Database()), m.CreatedAt.Format("2006-01-02 15:04:05 MST"))
	if r.damaged > 0 {
		p.say("%d contents of attachments were damaged in the backup and are left out: `topicdesk files check` names them", r.damaged)
	}
	if r.small[backupKey] == nil && c.SecretsKey == "" {
		p.say("The backup has no %s: webhooks stay silent until SECRETS_KEY is what it was", backupKey)
	}
	return nil
}

// restorer puts what is in a backup where it belongs.
type restorer struct {
	config   config.Config
	files    *files.Store
	database bool
	began    bool              // something may be written
	took     bool              // something was read that a backup has
	damaged  int               // contents that are left out
	small    map[string][]byte // files that are written at the end
}

// saying adds to an error what a restore that has begun has left, and what to do about it.
func (r *restorer) saying(err error) error {
	left := r.config.Database().Path + sqlite.Restoring
	if there := (*inTheWayError)(nil); !r.began || missing(left) || errors.As(err, &there) {
		return err
	}
	return fmt.Errorf("%w\nThere is no desk yet: the service does not start beside %s. Restore another backup, which writes over "+
		"what this one has left, or remove that file and the files in %s", err, left, r.config.DataDir)
}

// inTheWayError says that files of another desk are where the backup's belong.
type inTheWayError struct{ paths []string }

func (e *inTheWayError) Error() string {
	return "these files exist already and are those of another desk, not of the backup: move them away, and give the same command again: " +
		strings.Join(e.paths, ", ")
}

// allInTheWay names all that has to be moved away, where there is a database: what is in DATA_DIR would be refused next.
func (r *restorer) allInTheWay() error {
	database, all := r.config.Database().Path, []string(nil)
	for _, path := range []string{database, database + "-wal", database + "-shm",
		filepath.Join(r.config.DataDir, backupKey), filepath.Join(r.config.DataDir, backupSimulator)} {
		if !missing(path) {
			all = append(all, path)
		}
	}
	return fmt.Errorf("there is a desk already (%w): move these files away together, and give the same command again: %s",
		fs.ErrExist, strings.Join(all, ", "))
}

func (r *restorer) take(ctx context.Context, name string, content io.Reader, database io.Writer) (err error) {
	key, isFile := strings.CutPrefix(name, backupFiles)
	r.took = r.took || isFile || name == backupDatabase || name == backupKey || name == backupSimulator
	switch {
	case isFile:
		err := r.files.KeepKey(ctx, key, content)
		if errors.Is(err, files.ErrDamaged) { // it was when the backup was made, or else the manifest refuses the backup
			r.damaged++
			return nil
		}
		return err
	case name == backupDatabase && !r.database:
		r.database = true
		_, err = io.Copy(database, content)
	case name == backupKey || name == backupSimulator:
		r.small[name], err = io.ReadAll(content)
	default:
		err = fmt.Errorf("the backup has a file that this program does not know: %q; use the topicdesk that made it", name)
	}
	return err
}

// finish writes the files of DATA_DIR. It refuses to replace a key, without which other secrets would be lost.
func (r *restorer) finish() error {
	if !r.database {
		return errNoBackup
	}
	var inTheWay []string
	absent := map[string][]byte{}
	for name, content := range r.small {
		path := filepath.Join(r.config.DataDir, name)
		there, err := os.ReadFile(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			absent[path] = content
		case err != nil:
			return err
		case !bytes.Equal(there, content):
			inTheWay = append(inTheWay, path)
		}
	}
	if len(inTheWay) > 0 {
		slices.Sort(inTheWay)
		return &inTheWayError{inTheWay}
	}
	for path, content := range absent {
		if err := writeWhole(path, content); err != nil {
			return err
		}
	}
	return nil
}
