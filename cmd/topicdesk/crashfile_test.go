package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/simulator"
	"github.com/topicdesk/topicdesk/storage"
)

// TestKillWhileAFileComes kills the process in the middle of a download. The next process downloads the whole file,
// and the incomplete one is removed.
func TestKillWhileAFileComes(t *testing.T) {
	if testing.Short() {
		t.Skip("long: kills processes")
	}
	d := newDesk(t)
	running, err := d.sim.Start("127.0.0.1:0")
	d.must(err)
	t.Cleanup(func() { _ = running.Stop() })
	d.url = running.URL
	p := d.serve("polling", 1)
	p.awaitReady()
	d.addBot()
	d.say(d.alice, d.support, 0, "/create_ticket Files")
	d.await(func() string { return "the ticket's topic" }, func() bool { return len(d.sim.Topics(d.support)) == 1 })
	thread := d.topic(d.support, "Files")

	data := bytes.Repeat([]byte("0123456789abcdef"), 1<<20/16*3)
	sum := sha256.Sum256(data)
	sha := hex.EncodeToString(sum[:])
	d.must(d.sim.Inject(simulator.Fault{Method: simulator.MethodFile, Kind: simulator.FaultSlow,
		Delay: 10 * time.Minute}))
	posted, err := d.sim.Post(simulator.Post{From: d.alice, Chat: d.support, Thread: thread,
		Media: &simulator.Upload{Kind: "document", FileName: "large.bin", Data: data}})
	d.must(err)
	temp := filepath.Join(d.folder, "files", "tmp")
	d.awaitDisk("a part of the file", func() bool {
		half := sizes(t, temp)
		return len(half) == 1 && half[0] > 0 && half[0] < int64(len(data))
	})
	p.kill()
	if half := sizes(t, temp); len(half) != 1 || half[0] >= int64(len(data)) {
		t.Fatalf("the process was not killed in the middle: %v", half)
	}

	p = d.serve("polling", 2)
	p.awaitReady()
	content := filepath.Join(d.folder, "files", "content", sha[:2], sha)
	d.awaitDisk("the file", func() bool { _, err := os.Stat(content); return err == nil })
	if code := p.stop(); code != 0 {
		t.Errorf("the process ended with %d", code)
	}
	if got, err := os.ReadFile(content); err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes are kept, %v", len(got), err)
	}
	// with a database server there may be other nodes, so only files older than a day are removed
	if left := sizes(t, temp); !onServer() && len(left) > 0 {
		t.Errorf("temporary files are left: %v", left)
	}
	store, err := openDatabase(t.Context(), slog.Default(), d.config())
	d.must(err)
	defer func() { d.must(store.Close()) }()
	all, err := store.AttachmentsOf(t.Context(), fmt.Sprintf("%d:%d", d.support, posted.ID))
	d.must(err)
	if len(all) != 1 || all[0].State != storage.FileStored || all[0].SHA256 != sha ||
		all[0].FileSize != int64(len(data)) || all[0].Tries != 2 {
		t.Errorf("the attachment is %+v", all)
	}
}

// awaitDisk waits for a condition that the simulator does not notice.
func (d *desk) awaitDisk(what string, cond func() bool) {
	d.Helper()
	ctx, cancel := context.WithTimeout(d.Context(), patience)
	defer cancel()
	for look := time.NewTicker(10 * time.Millisecond); !cond(); {
		select {
		case <-look.C:
		case <-ctx.Done():
			look.Stop()
			d.Fatal("waited in vain: ", what)
		}
	}
}

// sizes are the sizes of the files in a folder.
func sizes(t testing.TB, folder string) (all []int64) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil { // else the file was removed meanwhile
			all = append(all, info.Size())
		}
	}
	return all
}
