package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strings"

	"modernc.org/sqlite"
)

// The driver is used directly, without database/sql. The pool, locks and conversions of database/sql cost more than
// the statements of the hot path, and one writer with a few readers needs none of them.

// statement is an SQL text that is prepared once per connection. Statements are package variables beside the methods
// that use them, so that a test can visit all of them.
type statement struct {
	id   int
	text string
}

var statements []*statement

func define(text string) *statement {
	s := &statement{id: len(statements), text: strings.TrimSpace(text)}
	statements = append(statements, s)
	return s
}

// extra returns a statement for this connection alone.
func (c *conn) extra(text string) *statement {
	c.prepared = append(c.prepared, nil)
	return &statement{id: len(c.prepared) - 1, text: text}
}

// conn is one connection with its prepared statements; it serves one goroutine at a time.
type conn struct {
	driver   driver.Conn
	prepared []driver.Stmt // by id of the statement
	args     []driver.NamedValue
	dest     []driver.Value
	hook     Hook // nil, except in tests

	copying    bool // it may open a database that is half of a copy
	unfinished bool // the database is one
}

func connect(path string, pragmas ...string) (*conn, error) {
	d, err := (&sqlite.Driver{}).Open("file:" + escaped(path))
	if err != nil {
		return nil, err
	}
	c := &conn{driver: d, prepared: make([]driver.Stmt, len(statements))}
	for _, p := range pragmas {
		if err := c.run("PRAGMA " + p); err != nil {
			return nil, errors.Join(fmt.Errorf("PRAGMA %s: %w", p, err), c.close())
		}
	}
	return c, nil
}

// escaped is a path in a file URI, where these characters would begin the query, the fragment or an escape.
func escaped(path string) string {
	return strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(path)
}

func (c *conn) close() error {
	var all []error
	for _, s := range c.prepared {
		if s != nil {
			all = append(all, s.Close())
		}
	}
	return errors.Join(append(all, c.driver.Close())...)
}

// run executes SQL that is not worth preparing.
func (c *conn) run(text string) error {
	c.runHook(Before, text)
	_, err := c.driver.(driver.ExecerContext).ExecContext(context.Background(), text, nil)
	c.runHook(After, text)
	return err
}

// exec executes s and returns how many rows it changed. Arguments are int64, string, []byte, bool or nil.
func (c *conn) exec(s *statement, args ...any) (int64, error) {
	p, err := c.prepare(s, args)
	if err != nil {
		return 0, err
	}
	c.runHook(Before, s.text)
	// Not with the caller's context: the driver would start a goroutine for each statement to watch it.
	result, err := p.(driver.StmtExecContext).ExecContext(context.Background(), c.args)
	c.runHook(After, s.text)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// query calls each for every row that s returns. The row is valid only until each returns.
func (c *conn) query(s *statement, each func(row) error, args ...any) (err error) {
	p, err := c.prepare(s, args)
	if err != nil {
		return err
	}
	c.runHook(Before, s.text)
	rows, err := p.(driver.StmtQueryContext).QueryContext(context.Background(), c.args)
	c.runHook(After, s.text)
	if err != nil {
		return err
	}
	defer func() {
		if e := rows.Close(); err == nil {
			err = e
		}
	}()
	n := len(rows.Columns())
	if cap(c.dest) < n {
		c.dest = make([]driver.Value, n)
	}
	dest := c.dest[:n]
	for {
		switch err := rows.Next(dest); {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
		if err := each(dest); err != nil {
			return err
		}
	}
}

func (c *conn) prepare(s *statement, args []any) (driver.Stmt, error) {
	c.args = c.args[:0]
	for i, a := range args {
		c.args = append(c.args, driver.NamedValue{Ordinal: i + 1, Value: a})
	}
	if p := c.prepared[s.id]; p != nil {
		return p, nil
	}
	p, err := c.driver.Prepare(s.text)
	if err != nil {
		return nil, fmt.Errorf("prepare %q: %w", s.text, err)
	}
	c.prepared[s.id] = p
	return p, nil
}

func (c *conn) runHook(m Moment, text string) {
	if c.hook != nil {
		c.hook(m, text)
	}
}

// row is one row of a result.
type row []driver.Value

func (r row) text(i int) string {
	switch v := r[i].(type) {
	case string:
		return v
	case []byte:
		return string(v)
	}
	return ""
}

func (r row) int(i int) int64 {
	v, _ := r[i].(int64)
	return v
}
