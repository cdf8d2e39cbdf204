// Package mongotest holds package mongodb to the contract. Its MongoDB server is FerretDB, in the process of the
// test, behind a proxy that adds what FerretDB lacks and can inject faults. With MONGODB_TEST_URI the same tests run
// against a real server.
package mongotest

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/FerretDB/FerretDB/ferretdb"
	_ "modernc.org/sqlite" // to access FerretDB's files
)

// Server is FerretDB behind its proxy.
type Server struct {
	*Proxy
	dir  string
	stop context.CancelFunc
	done chan struct{}
}

// Start starts a server whose files are in dir and which listens at addr, such as 127.0.0.1:0.
func Start(dir, addr string) (*Server, error) {
	empty := isEmpty(dir)
	f, err := ferretdb.New(&ferretdb.Config{
		Listener: ferretdb.ListenerConfig{TCP: "127.0.0.1:0"},
		Logger:   slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError + 1})),
		Handler:  "sqlite",
		// Without fsync: no test cuts the power.
		SQLiteURL: "file:" + strings.TrimSuffix(dir, "/") + "/?_pragma=synchronous(off)",
	})
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &Server{dir: dir, stop: stop, done: make(chan struct{})}
	go func() {
		defer close(s.done)
		_ = f.Run(ctx)
	}()
	u, err := url.Parse(f.MongoDBURI())
	if err == nil {
		s.Proxy, err = newProxy(addr, u.Host, empty)
	}
	if err != nil {
		stop()
		<-s.done
		return nil, err
	}
	return s, nil
}

// isEmpty says whether a folder has no database.
func isEmpty(dir string) bool {
	files, err := filepath.Glob(filepath.Join(dir, "*.sqlite"))
	return err == nil && len(files) == 0
}

// Stop ends the server.
func (s *Server) Stop() {
	s.Proxy.Stop()
	s.stop()
	<-s.done
}

// Index creates, in the tables of a database, an index on _id that FerretDB's finds can use. FerretDB's own index is
// on another expression than its finds have, so each find would scan the whole table.
func (s *Server) Index(ctx context.Context, database string) error {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(s.dir, database+".sqlite")+"?_pragma=busy_timeout(5000)")
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	var tables []string
	rows, err := db.QueryContext(ctx, `
		SELECT name FROM sqlite_schema
		WHERE type = 'table' AND name NOT LIKE '\_%' ESCAPE '\' AND name NOT LIKE 'sqlite%'`)
	if err != nil {
		return err
	}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return err
		}
		tables = append(tables, name)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, name := range tables {
		q := fmt.Sprintf(`CREATE INDEX IF NOT EXISTS %q ON %q (_ferretdb_sjson->'$._id')`, "test_"+name, name)
		for try := 0; ; try++ {
			if _, err = db.ExecContext(ctx, q); err == nil {
				break
			}
			if try == 10 {
				return err
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	return nil
}

// Copy copies the files of a database to another directory, as they are.
func (s *Server) Copy(database, dir string) error {
	for _, suffix := range []string{"", "-wal"} {
		text, err := os.ReadFile(filepath.Join(s.dir, database+".sqlite"+suffix))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, database+".sqlite"+suffix), text, 0o600)
		}
		if err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return nil
}
