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
// back the few frames that came meanwhile, and its next transaction begins the log anew (docs/decisions.md, D51).
//
// Until 3.51.2 SQLite could lose a transaction where one connection began the log anew while another wrote it back.
type checkpointer struct {
	store  *Store
	conn   *conn         // nil before the first time, and when it broke and could not be opened again yet
	due    chan struct{} // the writer says so
	rest   atomic.Bool   // what is left is the writer's
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

// loop writes back whenever it is due, and after a failure again and again, until the store closes.
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

// run writes back once, and leaves the rest to the writer.
func (k *checkpointer) run() {
	err := k.writeBack()
	k.ended(err)
	k.rest.Store(err == nil)
}

func (k *checkpointer) writeBack() (err error) {
	if k.conn == nil {
		if k.conn, err = k.store.connectWriter(k.ctx); err != nil {
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

// ended notes how an attempt to write back ended.
func (k *checkpointer) ended(err error) {
	if err == nil {
		k.err.Store(nil)
		return
	}
	err = unavailable(fmt.Errorf("the log can't be written back into %s: %w", k.store.path, err))
	k.err.Store(&err)
}

// failure is why the log could not be written back the last time, or nil.
func (k *checkpointer) failure() error {
	if err := k.err.Load(); err != nil {
		return *err
	}
	return nil
}

// checkpoint is the writer's part, after a commit; first: the log was empty before.
func (w *writer) checkpoint(first bool) {
	k := w.store.checkpoints
	if k.rest.CompareAndSwap(true, false) {
		w.beginLogAnew()
	}
	if first {
		w.checkpointed = time.Now() // where little is written, tidy comes first
	}
	if time.Since(w.checkpointed) < w.store.options.checkpoint {
		return
	}
	w.checkpointed = time.Now()
	select {
	case k.due <- struct{}{}:
	default: // it has been told, and is at work still
	}
}

// beginLogAnew writes back what is left.
func (w *writer) beginLogAnew() {
	frames, _, err := w.writeBack(writeBack)
	if err != nil {
		w.store.checkpoints.ended(err)
		return
	}
	if frames < w.store.options.longLog {
		w.patientFrom = 0
		return
	}
	if frames < w.patientFrom {
		return
	}
	w.patientFrom = 0
	blocked := false
	if err = w.conn.run("PRAGMA " + patience); err == nil {
		_, blocked, err = w.writeBack(writeBackAll)
	}
	if blocked {
		w.patientFrom = frames + w.store.options.longLog // somebody reads for long, such as a backup
	}
	if err != nil {
		w.store.checkpoints.ended(err)
	}
	if err := w.conn.run("PRAGMA " + busyTimeout); err != nil {
		_ = w.conn.close() // with so little patience it is of no use
		w.conn = nil
	}
}

func (w *writer) writeBack(s *statement) (frames int64, blocked bool, err error) {
	err = w.conn.query(s, func(r row) error {
		blocked, frames = r.int(0) != 0, r.int(1)
		return nil
	})
	return frames, blocked, err
}

var (
	// writeBack never waits: what readers of an older state need is left, and so is everything while another process writes back.
	writeBack    = define(`PRAGMA wal_checkpoint(PASSIVE)`)
	writeBackAll = define(`PRAGMA wal_checkpoint(RESTART)`)
)
