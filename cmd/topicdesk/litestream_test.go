package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/storage/sqlite"
)

// TestLitestream follows docs/operations.md, where Litestream can be had: it copies a database whose log we write back and
// empty ourselves, also while the service is closed and opened again. What it restores is the desk.
func TestLitestream(t *testing.T) {
	program, err := exec.LookPath("litestream")
	if err != nil {
		t.Skip("litestream is not in the PATH")
	}
	t.Parallel()
	a := newArchived(t, 100, 0)
	replica := t.TempDir()
	replicate := exec.Command(program, "replicate", a.database(), "file://"+replica)
	var said strings.Builder
	replicate.Stdout, replicate.Stderr = &said, &said
	a.must(replicate.Start())
	stop := func() { _ = errors.Join(replicate.Process.Signal(syscall.SIGTERM), replicate.Wait()) }
	next := 100
	write := func(n int, over time.Duration) {
		pace := time.NewTicker(max(over/time.Duration(n), time.Microsecond))
		defer pace.Stop()
		for range n {
			<-pace.C
			a.must(a.store.Load(t.Context(), []any{a.message(next)}))
			next++
		}
	}
	restored := func() string {
		to := filepath.Join(t.TempDir(), "topicdesk.db")
		if out, err := exec.Command(program, "restore", "-o", to, "file://"+replica).CombinedOutput(); err != nil {
			return string(out)
		}
		return a.exported(to)
	}
	arrives := func(when string) {
		t.Helper()
		want, got := a.exported(a.database()), ""
		again := time.NewTicker(500 * time.Millisecond)
		defer again.Stop()
		for end := time.After(30 * time.Second); got != want; {
			select {
			case <-again.C:
				got = restored()
			case <-end:
				stop()
				t.Fatalf("%s: after 30 s the copy is not the desk: %.300s\n%s", when, got, said.String())
			}
		}
	}
	arrives("at the beginning")
	write(3000, 5*time.Second) // several checkpoints run meanwhile
	arrives("after a burst")
	empty := time.NewTicker(100 * time.Millisecond)
	defer empty.Stop()
	for end := time.After(5 * time.Second); ; { // the writer tries to empty the log when it has nothing to do for 2 s
		if info, err := os.Stat(a.database() + "-wal"); err == nil && info.Size() == 0 {
			break
		}
		select {
		case <-empty.C:
			continue
		case <-end:
		}
		break
	}
	write(200, time.Second)
	arrives("after a quiet time")
	a.must(a.store.Close())
	a.store, err = sqlite.Open(t.Context(), a.database(), sqlite.WithExclusive())
	a.must(err)
	defer func() { a.must(a.store.Close()) }()
	write(200, time.Second)
	arrives("after a restart")
	stop()
}
