package main

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/config"
	"github.com/topicdesk/topicdesk/storage"
)

func TestCommandsRefuse(t *testing.T) {
	t.Setenv("DATA_DIR", t.TempDir())
	nowhere := t.TempDir()
	for args, want := range map[string]string{
		"apikey|creat":       `unknown command "creat" for "topicdesk apikey": did you mean create?`,
		"storage|foo":        "topicdesk storage --help",
		"webhooks|foo":       "unknown command",
		"cluster|statsu":     "did you mean status?",
		"files|foo":          "unknown command",
		"backup|":            "the name of FILE is empty",
		"storage|backup|":    "the name of FILE is empty; usage: topicdesk storage backup FILE",
		"backup|--verify|  ": "the name of FILE is empty",
		"restore|":           "the name of FILE is empty",
		"restore|" + filepath.Join(nowhere, "x.tar"):                      "there is no file x.tar in " + nowhere + ": give the path of a file that `topicdesk backup` has written",
		"backup|--verify|" + filepath.Join(nowhere, "x.tar"):              "there is no file x.tar in " + nowhere,
		"restore|" + nowhere:                                              nowhere + " is a folder: give the path",
		"backup|--verify|" + nowhere:                                      nowhere + " is a folder",
		"apikey|create|--scopes|admin|--name|" + strings.Repeat("ก", 101): "at most 100 characters",
		"apikey|create|--scopes|admin|--name|\x1b\n":                      "say what the key is for",
	} {
		if _, _, err := topicdesk(t, strings.Split(args, "|")...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", args, err)
		}
	}
	if out, _, err := topicdesk(t, "apikey"); err != nil || !strings.Contains(out, "create") {
		t.Error("a group alone shows its help:", out, err)
	}
}

func TestKeyNamesAreClean(t *testing.T) {
	t.Setenv("DATA_DIR", t.TempDir())
	if _, said, err := topicdesk(t, "apikey", "create", "--new", "--scopes", "admin", "--name", "my\n\x1b[31mkey", "--expires", "1d"); err != nil {
		t.Fatal(said, err)
	}
	out, _, err := topicdesk(t, "apikey", "list")
	if err != nil || strings.Contains(out, "\x1b") || strings.Count(out, "\n") != 2 || !strings.Contains(out, " UTC") {
		t.Errorf("%q %v", out, err)
	}
}

func TestLastWordsAreJSON(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&out, nil))
	sayLast(&out, errors.Join(&servedError{log: log, err: errors.New("HTTP ended\nat last")}))
	if got := out.String(); !strings.HasPrefix(got, "{") || strings.Count(got, "\n") != 1 {
		t.Error(got)
	}
}

func TestLostSecretsKeyIsTold(t *testing.T) {
	_, s := aStore(t, 0)
	var said bytes.Buffer
	a := &App{Config: config.Config{DataDir: t.TempDir()}, Log: slog.New(slog.NewTextHandler(&said, nil))}
	start := func() string {
		said.Reset()
		if _, err := a.webhooks(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		return said.String()
	}
	if told := start(); told != "" {
		t.Error("of a new desk:", told)
	}
	if err := os.Remove(filepath.Join(a.Config.DataDir, secretsFile)); err != nil {
		t.Fatal(err)
	}
	if err := s.Load(t.Context(), []any{&storage.Webhook{WebhookID: "wh1", Name: "crm", CreatedAt: time.Now(), Version: 1}}); err != nil {
		t.Fatal(err)
	}
	if told := start(); !strings.Contains(told, "put back the file") {
		t.Error("of a desk with webhooks:", told)
	}
	if told := start(); told != "" {
		t.Error("once more:", told)
	}
}
