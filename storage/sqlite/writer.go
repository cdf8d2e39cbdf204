package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	codes "modernc.org/sqlite/lib"

	"github.com/topicdesk/topicdesk/storage"
)

// maxBatch limits how many writes share a commit, so that none waits long for the others.
const maxBatch = 256

// request is one write that waits for the writer.
type request struct {
	ctx  context.Context
	run  func(w *writer) error
	err  error
	done chan struct{}
}

// write has the writer run f in a transaction and returns when the transaction is committed. It returns f's error, or
// ErrUnavailable when the transaction could not be committed. f must change nothing when it fails: either it is a
// single statement, or it uses writer.atomically. When ctx ends first, write returns immediately and f may still be
// carried out; so f must not touch what belongs to the caller.
func (s *Store) write(ctx context.Context, f func(w *writer) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r := &request{ctx: ctx, run: f, done: make(chan struct{})}
	s.mu.Lock()
	if s.closing {
		s.mu.Unlock()
		return errClosed
	}
	s.queue = append(s.queue, r)
	first := len(s.queue) == 1
	s.mu.Unlock()
	if first {
		s.signal()
	}
	select {
	case <-r.done:
		return r.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Store) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// take moves up to n waiting requests to batch.
func (s *Store) take(batch []*request, n int) (_ []*request, closing bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n = min(n, len(s.queue))
	batch = append(batch, s.queue[:n]...)
	rest := copy(s.queue, s.queue[n:])
	clear(s.queue[rest:])
	s.queue = s.queue[:rest]
	return batch, s.closing
}

// writer carries out all writes. Its methods run on its goroutine.
type writer struct {
	store  *Store
	conn   *conn // nil when it broke and could not be opened again yet
	batch  []*request
	search []searchWrite // what this transaction writes to the search index, at its end
	// mergeBudget is how many rows of the search index a merge may write now. Negative: how many merges wrote too much.
	mergeBudget int64
	wrote       bool // this transaction changed something
	dirty       bool // something was committed since the log was last emptied
	failed      bool // the last transaction that changed something, or tried to, failed
	pace        pace

	checkpointed time.Time // when the checkpointer was last asked to write the log back
	waitFrom     int64     // frames in the log from which to wait for readers again; 0: longLog
}

// loop carries out requests until the store is closing and none is left.
func (w *writer) loop() {
	idle := time.NewTimer(w.store.options.idle)
	defer idle.Stop()
	for {
		if wait := w.pace.wait(time.Now()); wait > 0 {
			time.Sleep(wait)
		}
		var closing bool
		w.batch, closing = w.store.take(w.batch[:0], maxBatch)
		switch {
		case len(w.batch) > 0:
			w.commit()
			clear(w.batch)
			continue
		case closing:
			return
		}
		var quiet <-chan time.Time
		if w.dirty {
			idle.Reset(w.store.options.idle)
			quiet = idle.C
		}
		select {
		case <-w.store.wake:
		case <-quiet:
			w.emptyLog()
		}
	}
}

// commit carries out the batch, and the requests that arrive meanwhile, in one transaction. Then it answers all of
// them.
func (w *writer) commit() {
	w.wrote = false
	began := time.Now()
	w.pace.begin(began)
	first := !w.dirty
	err := w.transaction()
	ended := time.Now()
	w.pace.end(ended)
	if told := w.store.onCommit.Load(); told != nil && (err != nil || w.wrote) {
		(*told)(ended.Sub(began))
	}
	if err != nil || w.wrote {
		w.failed, w.dirty = err != nil, true
	}
	for _, r := range w.batch {
		if err != nil {
			r.err = err
		}
		close(r.done)
	}
	if err == nil && w.wrote {
		w.checkpoint(first)
	}
}

// transaction returns nil when the transaction was committed. Each request then has its own result.
func (w *writer) transaction() (err error) {
	w.forgetSearch(0)
	budget := w.mergeBudget
	defer func() {
		if err != nil {
			w.mergeBudget = budget // the merge was rolled back
		}
	}()
	if w.conn == nil {
		c, err := w.store.connectWriter(context.Background())
		if err != nil {
			return unavailable(err)
		}
		c.hook = w.store.options.hook
		w.conn = c
	}
	if _, err := w.conn.exec(begin); err != nil {
		w.rollback()
		return unavailable(err)
	}
	for done := 0; ; {
		for _, r := range w.batch[done:] {
			if r.err = r.ctx.Err(); r.err != nil {
				continue
			}
			if r.err = r.run(w); r.err == nil {
				continue
			}
			if broken(r.err) {
				err := r.err
				w.rollback()
				return unavailable(err)
			}
			r.err = explain(r.err)
		}
		done = len(w.batch)
		w.batch, _ = w.store.take(w.batch, maxBatch-done)
		if len(w.batch) == done {
			break
		}
	}
	if err := w.writeSearch(); err != nil {
		w.rollback()
		if !broken(err) {
			return explain(err) // a bug: trying again would not help
		}
		return unavailable(err)
	}
	if _, err := w.conn.exec(commit); err != nil {
		w.rollback()
		return unavailable(err)
	}
	return nil
}

// rollback ends a transaction that failed. After some errors SQLite has rolled it back already. A connection that
// can't roll back is closed; the next transaction opens another.
func (w *writer) rollback() {
	_, err := w.conn.exec(rollback)
	if err != nil && code(err) != codes.SQLITE_ERROR {
		_ = w.conn.close()
		w.conn = nil
	}
}

// emptyLog writes the log back into the database file and empties it. It never waits: while a reader needs the log, it
// leaves it.
func (w *writer) emptyLog() {
	if !w.dirty || w.conn == nil {
		return
	}
	err := w.conn.run("PRAGMA busy_timeout = 0")
	_, blocked, e := w.runCheckpoint(checkpointTruncate)
	err = errors.Join(err, e, w.conn.run("PRAGMA "+busyTimeout))
	w.dirty = err != nil || blocked
	if !w.dirty {
		w.store.checkpoints.note(nil)
	}
}

// atomically runs f so that it changes nothing when it fails. It is for writes of more than one statement.
func (w *writer) atomically(f func() error) error {
	if _, err := w.conn.exec(savepoint); err != nil {
		return err
	}
	searched := len(w.search)
	err := f()
	if err != nil {
		w.forgetSearch(searched)
	}
	if err != nil && !broken(err) {
		if _, e := w.conn.exec(rollbackTo); e != nil {
			return e
		}
	}
	if err == nil || !broken(err) {
		if _, e := w.conn.exec(releaseSavepoint); e != nil {
			return e
		}
	}
	return err
}

func (w *writer) exec(s *statement, args ...any) (int64, error) {
	n, err := w.conn.exec(s, args...)
	w.wrote = w.wrote || n > 0
	return n, err
}

// one runs a single statement and returns missing unless it changed a row.
func (w *writer) one(missing error, s *statement, args ...any) error {
	n, err := w.exec(s, args...)
	if err == nil && n == 0 {
		return missing
	}
	return err
}

func unavailable(err error) error {
	if errors.Is(err, storage.ErrUnavailable) {
		return err
	}
	return fmt.Errorf("%w: sqlite: %w", storage.ErrUnavailable, err)
}

func busy(err error) bool { return code(err) == codes.SQLITE_BUSY }

var (
	begin            = define(`BEGIN IMMEDIATE`)
	commit           = define(`COMMIT`)
	rollback         = define(`ROLLBACK`)
	savepoint        = define(`SAVEPOINT request`)
	rollbackTo       = define(`ROLLBACK TO request`)
	releaseSavepoint = define(`RELEASE request`)
)
