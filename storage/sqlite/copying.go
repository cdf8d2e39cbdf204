package sqlite

import (
	"context"
	"errors"

	"github.com/topicdesk/topicdesk/storage"
)

// beginCopy marks a database without a schema, before it gets one.
func beginCopy(c *conn) (err error) {
	if err := c.run("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.run("ROLLBACK"))
		}
	}()
	version, err := schemaVersion(c, migrations)
	if err == nil && version == 0 && !c.unfinished {
		if err = c.run(schemaTable); err == nil {
			_, err = c.exec(markSchema, int64(storage.Unfinished))
		}
	}
	if err != nil {
		return err
	}
	return c.run("COMMIT")
}

// Unfinished says whether the database is half of a copy, for whoever has opened it WithCopying.
func (s *Store) Unfinished(ctx context.Context) (is bool, err error) {
	err = s.read(ctx, func(c *conn) error {
		return c.query(readSchema, func(r row) error {
			is = r.int(1) == storage.Unfinished
			return nil
		})
	})
	return is, err
}

// BeginCopy marks a database that has a schema, but no records.
func (s *Store) BeginCopy(ctx context.Context) error { return s.mark(ctx, storage.Unfinished) }

// EndCopy makes a desk of what was copied.
func (s *Store) EndCopy(ctx context.Context) error {
	return s.mark(ctx, migrations[len(migrations)-1].minReader)
}

func (s *Store) mark(ctx context.Context, minReader int64) error {
	return s.write(ctx, func(w *writer) error {
		_, err := w.exec(markSchema, minReader)
		return err
	})
}
