package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestWrongSettingsAreOneLineEach: one mistake is one line; several are a line each, below a heading.
func TestWrongSettingsAreOneLineEach(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("HTTP_ADDR", "bad")
	_, _, err := topicdesk(t, "serve")
	if err == nil || strings.Contains(err.Error(), "\n") || !strings.HasPrefix(err.Error(), `the settings are not valid: HTTP_ADDR="bad": must be `) {
		t.Errorf("one mistake: %v", err)
	}
	t.Setenv("LOG_LEVEL", "loud")
	_, _, err = topicdesk(t, "serve")
	if err == nil || len(strings.Split(err.Error(), "\n")) != 3 {
		t.Errorf("two mistakes: %v", err)
	}
}

// TestCommandsMindOnlyTheirSettings: a mistake in what only the service uses keeps nobody from a backup. What a command uses is
// still refused.
func TestCommandsMindOnlyTheirSettings(t *testing.T) {
	folder := t.TempDir()
	t.Chdir(folder)
	if _, said, err := topicdesk(t, "apikey", "create", "--new", "--name", "me", "--scopes", "admin"); err != nil {
		t.Fatal(said, err)
	}
	for name, value := range map[string]string{"PUBLIC_URL": "desk", "METRICS_ADDR": "x", "API_CORS_ORIGINS": "acme.com", "TELEGRAM_MODE": "webhook",
		"ALERTS_CHAT": "7", "OTEL_TRACES_SAMPLER_ARG": "much", "FILES_LIMITS": "photo=10", "TELEGRAM_GLOBAL_PER_SECOND": "many"} {
		t.Setenv(name, value)
	}
	for _, c := range []struct {
		args string
		uses string // a setting that it uses, and a wrong value
	}{
		{"apikey list", "DATABASE_URL=desk"},
		{"apikey create --name other --scopes admin", "DATABASE_URL=desk"},
		{"backup " + filepath.Join(folder, "desk.tar"), "FILES_URL=ftp://files"},
		{"storage export", "DATABASE_URL=desk"},
		{"files check", "LOG_LEVEL=loud"},
		{"files clean", "FILES_MAX_TOTAL=20"},
		{"change-bot", "TELEGRAM_BOT_TOKEN=abc"},
		{"healthcheck", "HTTP_ADDR=8080"},
		{"cluster status", "HTTP_ADDR=8080"},
		{"cluster drain", "CLUSTER_PROVIDER=zookeeper"},
	} {
		t.Run(c.args, func(t *testing.T) {
			_, _, err := topicdesk(t, strings.Fields(c.args)...)
			switch talks := strings.HasPrefix(c.args, "healthcheck") || strings.HasPrefix(c.args, "cluster"); {
			case !talks && err != nil, talks && (err == nil || strings.Contains(err.Error(), "settings are not valid")):
				t.Error(err)
			}
			name, value, _ := strings.Cut(c.uses, "=")
			t.Setenv(name, value)
			if _, _, err := topicdesk(t, strings.Fields(c.args)...); err == nil || !strings.Contains(err.Error(), "the settings are not valid: "+name+"=") ||
				strings.Contains(err.Error(), "\n") {
				t.Errorf("with %s: %v", c.uses, err)
			}
		})
	}
	t.Run("rules for a service do not hold for a command", func(t *testing.T) { // without a token
		t.Setenv("DATABASE_URL", "mongodb://127.0.0.1:1/desk?serverSelectionTimeoutMS=1")
		t.Setenv("HTTP_ADDR", ":1")
		for _, args := range []string{"healthcheck", "backup desk2.tar"} {
			if _, _, err := topicdesk(t, strings.Fields(args)...); err == nil || strings.Contains(err.Error(), "settings are not valid") {
				t.Errorf("%s: %v", args, err)
			}
		}
	})
	if _, _, err := topicdesk(t, "serve"); err == nil || strings.Count(err.Error(), "\n") != 9 { // a heading, and webhook mode has two mistakes
		t.Errorf("the service refuses all: %v", err)
	}
}
