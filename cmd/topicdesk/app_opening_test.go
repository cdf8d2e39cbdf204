package main

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

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
