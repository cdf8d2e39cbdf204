package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestAMigrationIsTold starts a service on the database of an earlier release, and again: the log says once what was done.
func TestAMigrationIsTold(t *testing.T) {
	t.Parallel()
	d := wake(t)
	packed, err := os.Open("../../storage/sqlite/testdata/search1.db.gz")
	d.must(err)
	defer func() { _ = packed.Close() }()
	old, err := gzip.NewReader(packed)
	d.must(err)
	content, err := io.ReadAll(old)
	d.must(err)
	d.must(os.WriteFile(filepath.Join(d.folder, "topicdesk.db"), content, 0o600))
	for life, want := range []int{1, 0} {
		var log bytes.Buffer
		r, err := runApp(t, d.config(), &log)
		d.must(err)
		d.must(r.stop())
		told := regexp.MustCompile(`INF the database was brought up to date: older programs can't read it any more; ` +
			`.* fromSchema=2 toSchema=(9|\d\d)`)
		if n := len(told.FindAllString(log.String(), -1)); n != want {
			t.Errorf("start %d: %d lines say so, want %d:\n%s", life, n, want, &log)
		}
	}
}

// TestSayWhileOpening: a long migration is never silent for more than ten seconds; a short one says nothing.
func TestSayWhileOpening(t *testing.T) {
	for took, want := range map[time.Duration]int{time.Second: 0, 26 * time.Second: 3, 2 * time.Minute: 12} {
		synctest.Test(t, func(t *testing.T) {
			var log bytes.Buffer
			stop := (&App{Log: slog.New(slog.NewTextHandler(&log, nil))}).sayWhileOpening()
			<-time.After(took)
			stop()
			if n := strings.Count(log.String(), "being brought up to date"); n != want {
				t.Errorf("%d lines in %v, want %d:\n%s", n, took, want, &log)
			}
		})
	}
}
