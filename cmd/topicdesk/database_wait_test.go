package main

import (
	"context"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/config"
)

// lines gives each line of a log to whoever waits for it.
type lines chan string

func (l lines) Write(line []byte) (int, error) {
	l <- string(line)
	return len(line), nil
}

// TestDatabaseThatDoesNotAnswerIsNamed: long before a start gives up, it says for which database it waits, without the password.
func TestDatabaseThatDoesNotAnswerIsNamed(t *testing.T) {
	t.Parallel()
	silent, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	said := make(lines, 10)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		address := config.Secret("mongodb://desk:hunter2@" + silent.Addr().String() + "/topicdesk?authSource=admin")
		_, err := openDatabase(ctx, slog.New(slog.NewTextHandler(said, nil)), config.Config{DatabaseURL: address})
		ended <- err
	}()
	select {
	case line := <-said:
		if !strings.Contains(line, silent.Addr().String()) || strings.Contains(line, "hunter2") || !strings.Contains(line, "waited for") {
			t.Error(line)
		}
	case err := <-ended:
		t.Errorf("it gave up without a word: %v", err)
		ended <- err
	case <-time.After(2 * time.Minute):
		t.Error("nothing was said")
	}
	cancel()
	if err := <-ended; err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Error(err)
	}
}
