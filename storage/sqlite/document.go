package sqlite

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	jsonv2 "github.com/go-json-experiment/json" // decodes in a third of the time: docs/decisions.md, D50

	"github.com/topicdesk/topicdesk/storage"
)

// encode returns the record as it is stored: JSON as encoding/json writes it, without escaping "<" and "&". Bytes
// that are not UTF-8 become U+FFFD.
func encode(record any) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(record); err != nil {
		return "", fmt.Errorf("sqlite: can't encode the record: %w", err)
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

// decode reads a document into an empty record.
func decode[T any](doc string, record *T) error {
	// UnmarshalRead reuses its buffers; []byte(doc) would allocate another one for each record of a list.
	if err := jsonv2.UnmarshalRead(strings.NewReader(doc), record, storage.AsStored); err != nil {
		return fmt.Errorf("sqlite: a stored record can't be decoded: %w", err)
	}
	return nil
}

// validID refuses ids that could not be found again, since a document keeps only valid UTF-8.
func validID(what string, ids ...string) error {
	for _, id := range ids {
		if id == "" || !utf8.ValidString(id) {
			return fmt.Errorf("sqlite: %q can't be the %s of a record: it is empty or not UTF-8", id, what)
		}
	}
	return nil
}

// atMost returns a limit as LIMIT takes it: LIMIT -1 would be no limit.
func atMost(limit int) int64 { return int64(max(limit, 0)) }

// orNull returns a text for a column that is NULL where there is none.
func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// numberOrNull returns the number of a ticket for its column: NULL where there is none.
func numberOrNull(number int64) any {
	if number == 0 {
		return nil
	}
	return number
}

// millis returns the time as columns keep it: milliseconds since 1970.
func millis(t time.Time) int64 { return t.UnixMilli() }

// dueAt returns the time for the column due_at: NULL when nothing is pending.
func dueAt(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMilli()
}

// readOne returns the one record that st finds, or storage.ErrNotFound. The first column is its document.
func readOne[T any](ctx context.Context, s *Store, what string, st *statement, args ...any) (*T, error) {
	page, err := readAll[T](ctx, s, st, args...)
	if err != nil {
		return nil, err
	}
	if len(page) == 0 {
		return nil, fmt.Errorf("%s %v: %w", what, args[0], storage.ErrNotFound)
	}
	return &page[0], nil
}

// readAll returns the records that st finds. The first column is the document.
func readAll[T any](ctx context.Context, s *Store, st *statement, args ...any) (page []T, err error) {
	err = s.read(ctx, func(c *conn) error {
		page, err = list[T](c, st, args...)
		return err
	})
	return page, err
}

// list does what readAll does, with a connection that the caller has.
func list[T any](c *conn, s *statement, args ...any) ([]T, error) {
	var page []T
	err := c.query(s, func(r row) error {
		page = append(page, *new(T))
		return decode(r.text(0), &page[len(page)-1])
	}, args...)
	return page, err
}

// dues returns the (id, due time) pairs that st finds.
func (s *Store) dues(ctx context.Context, st *statement, args ...any) (page []storage.Due, err error) {
	err = s.read(ctx, func(c *conn) error {
		return c.query(st, func(r row) error {
			page = append(page, storage.Due{ID: r.text(0), At: time.UnixMilli(r.int(1)).UTC()})
			return nil
		}, args...)
	})
	return page, err
}

func conflict(what string, id any) error {
	return fmt.Errorf("%s %v: %w", what, id, storage.ErrConflict)
}

func exists(what string, id any) error {
	return fmt.Errorf("%s %v: %w", what, id, storage.ErrExists)
}
