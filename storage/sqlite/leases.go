package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/topicdesk/topicdesk/storage"
)

var (
	takeLease = define(`
		INSERT INTO leases (entity, epoch, owner, taken_at) VALUES (?, 1, ?, ?)
		ON CONFLICT DO UPDATE SET epoch = epoch + 1, owner = excluded.owner, taken_at = excluded.taken_at
		RETURNING epoch`)
	readLease  = define(`SELECT epoch, owner, taken_at FROM leases WHERE entity = ?`)
	readOffset = define(`SELECT value FROM offsets WHERE name = ?`)
	saveOffset = define(`
		INSERT INTO offsets (name, value) VALUES (?, ?)
		ON CONFLICT DO UPDATE SET value = excluded.value WHERE excluded.value > value`)
)

// TakeLease implements storage.Leases.
func (s *Store) TakeLease(ctx context.Context, entity, owner string, now time.Time) (int64, error) {
	if err := validID("entity", entity); err != nil {
		return 0, err
	}
	var epoch int64
	taken := new(int64) // not epoch itself: the writer may set it after ctx has ended
	err := s.write(ctx, func(w *writer) error {
		w.wrote = true
		return w.conn.query(takeLease, func(r row) error {
			*taken = r.int(0)
			return nil
		}, entity, owner, millis(now))
	})
	if err == nil {
		epoch = *taken
	}
	return epoch, err
}

// Lease implements storage.Leases.
func (s *Store) Lease(ctx context.Context, entity string) (storage.Lease, error) {
	lease := storage.Lease{Entity: entity}
	err := s.read(ctx, func(c *conn) error {
		found := false
		err := c.query(readLease, func(r row) error {
			lease.Epoch, lease.Owner, lease.TakenAt = r.int(0), r.text(1), time.UnixMilli(r.int(2)).UTC()
			found = true
			return nil
		}, entity)
		if err == nil && !found {
			err = fmt.Errorf("lease %s: %w", entity, storage.ErrNotFound)
		}
		return err
	})
	if err != nil {
		return storage.Lease{}, err
	}
	return lease, nil
}

// Offset implements storage.Offsets.
func (s *Store) Offset(ctx context.Context, name string) (offset int64, err error) {
	err = s.read(ctx, func(c *conn) error {
		return c.query(readOffset, func(r row) error {
			offset = r.int(0)
			return nil
		}, name)
	})
	return offset, err
}

// SaveOffset implements storage.Offsets. An offset that was never saved counts as 0, so a negative one is never
// stored.
func (s *Store) SaveOffset(ctx context.Context, name string, offset int64) error {
	if err := validID("name", name); err != nil {
		return err
	}
	return s.write(ctx, func(w *writer) error {
		_, err := w.exec(saveOffset, name, max(offset, 0))
		return err
	})
}
