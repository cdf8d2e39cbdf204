package sqlite

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/topicdesk/topicdesk/storage"
)

// The search index is made anew when the folding of texts has changed. The schema's row says which folding the index
// has, and up to which ticket it has the new one.

var (
	readIndexed  = define(`SELECT search_version, search_through FROM schema WHERE id = 1`)
	writeIndexed = define(`UPDATE schema SET search_version = ?, search_through = ? WHERE id = 1`)
	listIndexed  = define(`SELECT list_id, words_hash, doc, ticket_id FROM tickets WHERE list_id > ? ORDER BY list_id LIMIT ?`)
	// A ticket that was saved meanwhile has another hash, and its words already.
	updateHash = define(`UPDATE tickets SET words_hash = ? WHERE list_id = ? AND words_hash = ?`)
)

// checkIndex notes whether the search index must be made anew. That of a new database is made by this program.
func (s *Store) checkIndex(c *conn) error {
	version, _, err := indexed(c)
	if err != nil || version == storage.FoldVersion {
		return err
	}
	some := false
	err = c.query(listIndexed, func(row) error { some = true; return nil }, int64(math.MinInt64), int64(1))
	if err != nil {
		return err
	}
	if s.outdated.Store(some); some {
		return nil
	}
	_, err = c.exec(writeIndexed, int64(storage.FoldVersion), int64(0))
	return err
}

func indexed(c *conn) (version, through int64, err error) {
	err = c.query(readIndexed, func(r row) error {
		version, through = r.int(0), r.int(1)
		return nil
	})
	return version, through, err
}

// Reindex implements storage.Tickets.
func (s *Store) Reindex(ctx context.Context, limit int) (left bool, err error) {
	if !s.outdated.Load() {
		return false, s.read(ctx, func(*conn) error { return nil })
	}
	type ticket struct {
		listID, was, hash int64
		words             string
	}
	var page []ticket
	through, broken := int64(0), error(nil)
	err = s.read(ctx, func(c *conn) error {
		var err error
		if _, through, err = indexed(c); err != nil {
			return err
		}
		page, broken = nil, nil
		return c.query(listIndexed, func(r row) error {
			next := ticket{listID: r.int(0), was: r.int(1), hash: r.int(1)}
			var t storage.Ticket
			if err := decode(r.text(2), &t); err != nil {
				broken = errors.Join(broken, fmt.Errorf("%w: %s: %w", storage.ErrLeftOut, r.text(3), err))
			} else if next.hash = searchHash(&t); next.hash != next.was {
				next.words = searchWords(&t)
			}
			page = append(page, next)
			return nil
		}, through, int64(limit))
	})
	if err != nil {
		return true, err
	}
	left = len(page) == limit
	err = s.write(ctx, func(w *writer) error {
		for _, t := range page {
			if t.hash == t.was {
				continue
			}
			n, err := w.exec(updateHash, t.hash, t.listID, t.was)
			if err != nil {
				return err
			}
			if n > 0 {
				w.removeFromSearch(t.listID)
				w.addToSearch(t.listID, t.words)
			}
		}
		if !left {
			_, err := w.exec(writeIndexed, int64(storage.FoldVersion), int64(0))
			return err
		}
		_, err := w.exec(writeIndexed, int64(storage.FoldVersion-1), page[len(page)-1].listID)
		return err
	})
	if err != nil {
		return true, err
	}
	s.outdated.Store(left)
	return left, broken
}
