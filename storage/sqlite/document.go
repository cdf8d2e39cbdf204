package sqlite

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	jsonv2 "github.com/go-json-experiment/json" // reads in a third of the time: docs/decisions.md, D50
	"github.com/go-json-experiment/json/jsontext"

	"github.com/topicdesk/topicdesk/storage"
)

// encode returns the record as it is stored: JSON as encoding/json writes it, "<" and "&" as they are. Bytes that are
// not UTF-8 become U+FFFD.
func encode(record any) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(record); err != nil {
		return "", fmt.Errorf("sqlite: can't encode the record: %w", err)
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

// asStored lets everything be read that encode writes: what a client gave may have a name twice.
var asStored = jsonv2.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

// decode reads a document into an empty record.
func decode[T any](doc string, record *T) error {
	// From a reader: it has buffers of its own, where []byte(doc) would be one more for each record of a list.
	if err := jsonv2.UnmarshalRead(strings.NewReader(doc), record, asStored); err != nil {
		return fmt.Errorf("sqlite: a stored record can't be decoded: %w", err)
	}
	return nil
}

// validID refuses ids that could not be found again: a document keeps only valid UTF-8.
func validID(what string, ids ...string) error {
	for _, id := range ids {
		if id == "" || !utf8.ValidString(id) {
			return fmt.Errorf("sqlite: %q can't be the %s of a record: it is empty or not UTF-8", id, what)
		}
	}
	return nil
}

// millis returns the time as columns keep it: milliseconds since 1970.
func millis(t time.Time) int64 { return t.UnixMilli() }

// dueAt returns the time as a column of the records that owe something: NULL when nothing is owed.
func dueAt(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMilli()
}

// get returns the one record that s finds, whose document is the first column.
func get[T any](c *conn, what string, s *statement, args ...any) (*T, error) {
	page, err := list[T](c, s, args...)
	if err != nil {
		return nil, err
	}
	if len(page) == 0 {
		return nil, fmt.Errorf("%s %v: %w", what, args[0], storage.ErrNotFound)
	}
	return &page[0], nil
}

// list returns the records that s finds, whose documents are the first column.
func list[T any](c *conn, s *statement, args ...any) ([]T, error) {
	var page []T
	err := c.query(s, func(r row) error {
		page = append(page, *new(T))
		return decode(r.text(0), &page[len(page)-1])
	}, args...)
	return page, err
}

// dues returns the (id, due time) pairs that s finds.
func dues(c *conn, s *statement, args ...any) ([]storage.Due, error) {
	var page []storage.Due
	err := c.query(s, func(r row) error {
		page = append(page, storage.Due{ID: r.text(0), At: time.UnixMilli(r.int(1)).UTC()})
		return nil
	}, args...)
	return page, err
}

func conflict(what string, id any) error {
	return fmt.Errorf("%s %v: %w", what, id, storage.ErrConflict)
}

func exists(what string, id any) error {
	return fmt.Errorf("%s %v: %w", what, id, storage.ErrExists)
}
