package sqlite

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

const (
	// checkpointEvery is how often the log of a busy store is written back. A page that many commits changed is written back once,
	// so more often costs more, and more seldom makes the log longer.
	checkpointEvery = time.Second

	// checkpointRounds is how often in a row. SQLite syncs the database file only when no commit came in while its pages were
	// written, so the second round, with little to write, is the one that syncs, and the third writes what came meanwhile.
	checkpointRounds = 3

	// longLog is the number of frames (of 4 kB) from which on the writer waits for readers, for patience at most: the log can begin
	// anew only at a moment when nobody reads from it, and under many lists that moment may not come by itself.
	longLog  = 16000
	patience = "busy_timeout = 20"
)

// checkpointer writes the log back into the database file beside the writer. A commit that has to do it itself keeps everyone
// waiting for 10 to 40 ms, every other second under load. Only the last step is the writer's: between two transactions it writes
// back the few frames that came meanwhile, and its next transaction begins the log anew.
type checkpointer struct {
	store *Store
	conn  *conn         // nil when it broke and could not be opened again yet
	due   chan struct{} // the writer says so
	rest  atomic.Bool   // what is left is the writer's
	err   atomic.Pointer[error]
	stop  chan struct{}
	done  chan struct{}
}

// loop writes back whenever it is due, until the store closes.
func (k *checkpointer) loop() {
	defer close(k.done)
	for {
		select {
		case <-k.stop:
			if k.conn != nil {
				_ = k.conn.close()
			}
			return
		case <-k.due:
		}
		k.run()
	}
}

// run writes back once, and leaves the rest to the writer.
func (k *checkpointer) run() {
	if err := k.writeBack(); err != nil {
		err = fmt.Errorf("sqlite: the log can't be written back into %s: %w", k.store.path, err)
		k.err.Store(&err)
		return
	}
	k.err.Store(nil)
	k.rest.Store(true)
}

func (k *checkpointer) writeBack() (err error) {
	if k.conn == nil {
		if k.conn, err = k.store.connectWriter(context.Background()); err != nil {
			return err
		}
	}
	for range checkpointRounds {
		if err := k.conn.query(writeBack, func(row) error { return nil }); err != nil {
			err = errors.Join(err, k.conn.close())
			k.conn = nil
			return err
		}
	}
	return nil
}

// failure is why the log could not be written back the last time, or nil.
func (k *checkpointer) failure() error {
	if err := k.err.Load(); err != nil {
		return unavailable(*err)
	}
	return nil
}

// checkpoint is the writer's part, after a commit.
func (w *writer) checkpoint() {
	k := w.store.checkpoints
	if k.rest.CompareAndSwap(true, false) {
		w.beginLogAnew()
	}
	if time.Since(w.checkpointed) < w.store.options.checkpoint {
		return
	}
	w.checkpointed = time.Now()
	select {
	case k.due <- struct{}{}:
	default: // it is at work still
	}
}

// beginLogAnew writes back what is left. What is wrong shows again, and is told, when the checkpointer tries.
func (w *writer) beginLogAnew() {
	var frames int64
	_ = w.conn.query(writeBack, func(r row) error {
		frames = r.int(1)
		return nil
	})
	if frames < w.store.options.longLog {
		return
	}
	_ = w.conn.run("PRAGMA " + patience)
	_ = w.conn.query(writeBackAll, func(row) error { return nil })
	_ = w.conn.run("PRAGMA " + busyTimeout)
}

var (
	// writeBack never waits: what readers of an older state need is left, and so is everything while another process writes back.
	writeBack    = define(`PRAGMA wal_checkpoint(PASSIVE)`)
	writeBackAll = define(`PRAGMA wal_checkpoint(RESTART)`)
)
