package sqlite

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// "The log" is SQLite's write-ahead log (WAL): commits append frames to it, each with a page of the database. A
// checkpoint writes the pages back into the database file. The log restarts at its beginning when all of it was
// written back and nobody reads from it.

const (
	// checkpointEvery is how often the log of a busy store is written back. A page that many commits changed is written
	// back once, so writing back more often costs more. Writing back less often makes the log longer.
	checkpointEvery = time.Second

	// checkpointRounds is how many checkpoints run in a row. SQLite syncs the database file only when no commit happened
	// while its pages were written. So the second round, which has little to write, is the one that syncs; the third
	// writes back what was committed meanwhile.
	checkpointRounds = 3

	// longLog is the number of frames (of 4 kB) from which the writer waits for readers, for restartTimeout at most. The
	// log can restart only while nobody reads from it, and under many lists such a moment may never come by itself.
	longLog        = 16000
	restartTimeout = "busy_timeout = 20" // milliseconds
)

// checkpointer writes the log back into the database file, concurrently with the writer. A commit that had to do it
// would keep everyone waiting for 10 to 40 ms, every other second under load. Only the last step is the writer's:
// between two transactions it writes back the few frames that were added meanwhile, so that its next transaction
// restarts the log (docs/decisions.md, D51).
//
// Until 3.51.2 SQLite could lose a transaction when one connection restarted the log while another wrote it back.
type checkpointer struct {
	store  *Store
	conn   *conn         // nil before the first checkpoint, and when it broke and could not be opened again yet
	due    chan struct{} // the writer asks for a checkpoint
	rest   atomic.Bool   // the writer has to write back the rest
	err    atomic.Pointer[error]
	ctx    context.Context // until the store closes
	cancel context.CancelFunc
	done   chan struct{}
}

func newCheckpointer(s *Store) *checkpointer {
	k := &checkpointer{store: s, due: make(chan struct{}, 1), done: make(chan struct{})}
	k.ctx, k.cancel = context.WithCancel(context.Background())
	return k
}

// loop writes the log back whenever it is due, until the store closes. After a failure it retries periodically.
func (k *checkpointer) loop() {
	defer close(k.done)
	for {
		var again <-chan time.Time
		if k.failure() != nil {
			again = time.After(k.store.options.checkpoint)
		}
		select {
		case <-k.ctx.Done():
			return
		case <-k.due:
		case <-again:
		}
		k.run()
	}
}

// run writes the log back once, and leaves the rest to the writer.
func (k *checkpointer) run() {
	err := k.writeBack()
	k.note(err)
	k.rest.Store(err == nil)
}

func (k *checkpointer) writeBack() (err error) {
	if k.conn == nil {
		if k.conn, err = k.store.connectWriter(k.ctx); err != nil {
			return err
		}
	}
	for range checkpointRounds {
		if err := k.conn.query(checkpointPassive, func(row) error { return nil }); err != nil {
			err = errors.Join(err, k.conn.close())
			k.conn = nil
			return err
		}
	}
	return nil
}

// note stores the result of the latest attempt to write the log back.
func (k *checkpointer) note(err error) {
	if err == nil {
		k.err.Store(nil)
		return
	}
	err = unavailable(fmt.Errorf("the log can't be written back into %s: %w", k.store.path, err))
	k.err.Store(&err)
}

// failure returns why the latest attempt to write the log back failed, or nil.
func (k *checkpointer) failure() error {
	if err := k.err.Load(); err != nil {
		return *err
	}
	return nil
}

// checkpoint is the writer's part after a commit. first says that the log was empty before it.
func (w *writer) checkpoint(first bool) {
	k := w.store.checkpoints
	if k.rest.CompareAndSwap(true, false) {
		w.restartLog()
	}
	if first {
		w.checkpointed = time.Now() // when little is written, emptyLog runs before a checkpoint is due
	}
	if time.Since(w.checkpointed) < w.store.options.checkpoint {
		return
	}
	w.checkpointed = time.Now()
	select {
	case k.due <- struct{}{}:
	default: // it was asked already
	}
}

// restartLog writes back the rest, so that the next transaction restarts the log. It waits for readers when the log is
// long.
func (w *writer) restartLog() {
	frames, _, err := w.runCheckpoint(checkpointPassive)
	if err != nil {
		w.store.checkpoints.note(err)
		return
	}
	if frames < w.store.options.longLog {
		w.waitFrom = 0
		return
	}
	if frames < w.waitFrom {
		return
	}
	w.waitFrom = 0
	blocked := false
	if err = w.conn.run("PRAGMA " + restartTimeout); err == nil {
		_, blocked, err = w.runCheckpoint(checkpointRestart)
	}
	if blocked {
		w.waitFrom = frames + w.store.options.longLog // a long read is running, such as a backup
	}
	if err != nil {
		w.store.checkpoints.note(err)
	}
	if err := w.conn.run("PRAGMA " + busyTimeout); err != nil {
		_ = w.conn.close() // with so short a timeout it is useless
		w.conn = nil
	}
}

func (w *writer) runCheckpoint(s *statement) (frames int64, blocked bool, err error) {
	err = w.conn.query(s, func(r row) error {
		blocked, frames = r.int(0) != 0, r.int(1)
		return nil
	})
	return frames, blocked, err
}

var (
	// checkpointPassive never waits. It stops at the frames that a reader of an older state still prevents from being
	// written back, and does nothing while another process runs a checkpoint.
	checkpointPassive  = define(`PRAGMA wal_checkpoint(PASSIVE)`)
	checkpointRestart  = define(`PRAGMA wal_checkpoint(RESTART)`)
	checkpointTruncate = define(`PRAGMA wal_checkpoint(TRUNCATE)`)
)
