package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/messages"
)

// What any part of the service logs is at GET /errors, without secrets, and counted over a restart.
func TestWhatIsLoggedIsAtErrors(t *testing.T) {
	d := wake(t)
	for name, value := range d.settings() {
		t.Setenv(name, value)
	}
	out, _, err := topicdesk(t, "apikey", "create", "--new", "--name", "ops", "--scopes", "monitoring:read", "--rate", "1000", "--burst", "10000")
	d.must(err)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	key := lines[len(lines)-1]
	settings := d.config()
	serve := func(then func(addr string, fail func())) {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		log, gathered := gatherErrors(settings, settings.Logger(io.Discard))
		started, ended := make(chan string, 1), make(chan error, 1)
		app := &App{Config: settings, Log: log, Errors: gathered, Started: func(addr, _ string) { started <- addr }}
		go func() { ended <- app.Run(ctx) }()
		defer func() { cancel(); d.must(<-ended) }()
		select {
		case addr := <-started:
			then(addr, func() {
				secret := settings.TelegramBotToken.Reveal()
				log.Error("a test fails", "error", fmt.Errorf("Post https://api/bot%s/getMe: %w", secret, errors.New("refused")), "text", "private words")
			})
		case err := <-ended:
			t.Fatal(err)
		}
	}
	listed := func(addr string) (count int64, all string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+"/api/v1/errors", nil)
		d.must(err)
		req.Header.Set("Authorization", "Bearer "+key)
		res, err := http.DefaultClient.Do(req)
		d.must(err)
		defer func() { _ = res.Body.Close() }()
		text, err := io.ReadAll(res.Body)
		d.must(err)
		var list struct {
			Data []struct {
				Message string
				Count   int64
			}
		}
		d.must(json.Unmarshal(text, &list))
		for _, e := range list.Data {
			if e.Message == "a test fails" {
				count = e.Count
			}
		}
		return count, string(text)
	}
	awaitCount := func(addr string, n int64) {
		t.Helper()
		d.await(func() string { return fmt.Sprint("counted ", n, " times") }, func() bool {
			d.poke()
			count, _ := listed(addr)
			return count == n
		})
	}
	serve(func(addr string, fail func()) {
		fail()
		awaitCount(addr, 1)
		_, all := listed(addr)
		if strings.Contains(all, settings.TelegramBotToken.Reveal()) || strings.Contains(all, "private") || !strings.Contains(all, "refused") {
			t.Error(all)
		}
		fail() // told when the service stops
	})
	serve(func(addr string, _ func()) { awaitCount(addr, 2) })
}

func TestLowDisks(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "not", "yet")
	for _, tt := range []struct {
		free, size uint64
		low        bool
	}{
		{1 << 40, 2 << 40, false},
		{6 << 30, 2 << 40, false}, // 5 GB are enough for anybody
		{4 << 30, 2 << 40, true},
		{4 << 30, 50 << 30, false},
		{2 << 30, 50 << 30, true},
		{300 << 20, 1 << 30, false},
		{200 << 20, 1 << 30, true},
	} {
		low := lowDisks(func(string) (disk, bool, error) { return disk{free: tt.free, size: tt.size}, true, nil }, folder)
		if got := len(low) == 1; got != tt.low || got && (low[0].Kind != messages.ProblemDiskLow || low[0].Name != folder) {
			t.Errorf("%d of %d: %v", tt.free>>20, tt.size>>20, low)
		}
	}
	fails := func(string) (disk, bool, error) { return disk{}, true, errors.New("no such disk") }
	if low := lowDisks(fails, folder); len(low) != 0 {
		t.Error(low)
	}
}
