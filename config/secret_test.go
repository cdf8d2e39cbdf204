package config_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/config"
	"github.com/topicdesk/topicdesk/messages"
)

const webhookSecret = "a-secret-of-no-shape"

func secretive(t *testing.T) config.Config {
	return load(t, vars{"TELEGRAM_BOT_TOKEN": token, "TELEGRAM_WEBHOOK_SECRET": webhookSecret,
		"DATABASE_URL": "mongodb://desk:hunter2@db/desk", "LOG_LEVEL": "debug"})
}

func assertNoSecret(t *testing.T, how, shown string) {
	t.Helper()
	for _, secret := range []string{token, webhookSecret, "hunter2", fmt.Sprintf("%x", token),
		strings.ReplaceAll(token, ":", "%3A")} {
		if strings.Contains(shown, secret) {
			t.Errorf("%s shows %q:\n%s", how, secret, shown)
		}
	}
}

func TestSecretShowsNowhere(t *testing.T) {
	c := secretive(t)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%10.3s", "% x"} {
		for name, value := range map[string]any{
			"Config": c, "*Config": &c, "Secret": c.TelegramBotToken, "*Secret": &c.TelegramBotToken, "[]Secret": []config.Secret{c.TelegramBotToken},
			"map": map[config.Secret]config.Secret{c.TelegramBotToken: c.DatabaseURL}, "any": struct{ V any }{c.DatabaseURL}, "Database": c.Database(),
		} {
			if name == "*Secret" && (verb == "%v" || verb == "%+v") {
				continue // prints the pointer
			}
			assertNoSecret(t, verb+" of "+name, fmt.Sprintf(verb, value))
		}
	}
	assertNoSecret(t, "Errorf", fmt.Errorf("no luck with %s: %w", c.TelegramBotToken, errors.New("x")).Error())
	shown, err := json.Marshal(map[string]any{"config": c, "database": c.Database()})
	if err != nil {
		t.Fatal(err)
	}
	assertNoSecret(t, "JSON", string(shown))
	if !strings.Contains(string(shown), `"TelegramBotToken":"***"`) {
		t.Errorf("JSON does not show that there is a token: %s", shown)
	}
	if got := fmt.Sprintf("%v|%s|%#v", config.Secret(""), config.Secret("x"), config.Secret("x")); got != `|***|"***"` {
		t.Errorf("shown as %s", got)
	}
}

type wrapped struct{ inner error }

func (w wrapped) Error() string { return "wrapped: " + w.inner.Error() }
func (w wrapped) Unwrap() error { return w.inner }

func TestLoggerMasksSecrets(t *testing.T) {
	for _, format := range []string{config.FormatJSON, config.FormatText} {
		t.Run(format, func(t *testing.T) {
			c := secretive(t)
			c.LogFormat = format
			var out bytes.Buffer
			log := c.Logger(&out)
			address := "https://api.telegram.org/bot" + token + "/getUpdates?offset=1"
			failed := &url.Error{Op: "Post", URL: address, Err: errors.New("connection refused")}

			log.Info("config", "config", c, "token", c.TelegramBotToken, "plain", token)
			log.Error("call to "+address, "error", failed)
			log.Warn("wrapped", "error", wrapped{wrapped{failed}})
			log.With("token", token).WithGroup("g").Info("with", slog.Group("h", "url", address),
				"escaped", url.QueryEscape(address))
			log.Debug("any", "struct", struct{ Name, Address string }{"x", address},
				"list", []string{token}, "map", map[string]string{token: token})
			log.Info("secret header", "header", webhookSecret, "uri", "mongodb://desk:hunter2@db/desk")
			log.Info(token)

			assertNoSecret(t, format, out.String())
			if got := strings.Count(out.String(), "\n"); got != 7 {
				t.Errorf("%d lines, want 7:\n%s", got, out.String())
			}
			for _, kept := range []string{"connection refused", "/bot***/getUpdates?offset=1",
				"mongodb://***@db/desk"} {
				if !strings.Contains(out.String(), kept) {
					t.Errorf("%q is gone:\n%s", kept, out.String())
				}
			}
			if strings.Contains(out.String(), "\x1b[") {
				t.Error("colours in what is no terminal")
			}
			for line := range strings.Lines(out.String()) {
				if format == config.FormatJSON && !json.Valid([]byte(line)) {
					t.Errorf("no JSON: %s", line)
				}
			}
		})
	}
}

func TestLoggerKeepsTheLevel(t *testing.T) {
	for level, want := range map[string]int{"debug": 4, "info": 3, "warn": 2, "error": 1} {
		c := load(t, vars{"LOG_LEVEL": level})
		var out bytes.Buffer
		log := c.Logger(&out)
		log.Debug("x")
		log.Info("x")
		log.Warn("x")
		log.Error("x")
		if got := strings.Count(out.String(), "\n"); got != want {
			t.Errorf("%s: %d lines, want %d", level, got, want)
		}
	}
}

func TestRedact(t *testing.T) {
	key, _ := messages.NewAPIKey(messages.NewAPIKeyID(""))
	for text, want := range map[string]string{
		"":                                    "",
		"plain":                               "plain",
		"GET /api/v1/me?key=" + key + "&x":    "GET /api/v1/me?key=td_live_***&x",
		"keys begin with td_live_":            "keys begin with td_live_",
		"token " + token + ".":                "token ***.",
		"/file/bot" + token + "/photos/1.jpg": "/file/bot***/photos/1.jpg",
		"bot987654321%3AAAF-kLmNoPqRsTuVwXyZ0123456789abcde":                  "bot***",
		"two " + token + "," + token:                                          "two ***,***",
		"at 2026-11-23T06:07:08Z chat -1001234567890:42":                      "at 2026-11-23T06:07:08Z chat -1001234567890:42",
		"edit -100123:45:1700000000:" + strings.Repeat("0123456789abcdef", 4): "edit -100123:45:1700000000:" + strings.Repeat("0123456789abcdef", 4),
		"event 7:9f1c2a34-0000-4000-8000-0123456789ab":                        "event 7:9f1c2a34-0000-4000-8000-0123456789ab",
		"mongodb://desk:p%40ss@a,b/desk and http://127.0.0.1:8080/a@b":        "mongodb://***@a,b/desk and http://127.0.0.1:8080/a@b",
	} {
		if got := config.Redact(text); got != want {
			t.Errorf("Redact(%q) = %q, want %q", text, got, want)
		}
	}
}
