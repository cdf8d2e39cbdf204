package main

import (
	"bytes"
	"database/sql"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/config"
	"github.com/topicdesk/topicdesk/simulator"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/storage/sqlite"
)

// settingsOf reads settings as the service does.
func settingsOf(t *testing.T, values map[string]string) config.Config {
	t.Helper()
	c, err := config.Load(func(name string) (string, bool) { v, ok := values[name]; return v, ok }, "")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// aBot is a Telegram with a bot of its own, and how a service is set for it.
func aBot(t *testing.T, token string) (settings map[string]string) {
	t.Helper()
	sim, err := simulator.New(simulator.Options{Token: token})
	if err != nil {
		t.Fatal(err)
	}
	running, err := sim.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = running.Stop(), sim.Close() })
	return map[string]string{"TELEGRAM_BOT_TOKEN": token, "TELEGRAM_API_URL": running.URL}
}

const (
	tokenOf7 = "7000000007:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	renewed7 = "7000000007:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	tokenOf8 = "8000000008:cccccccccccccccccccccccccccccccccccc"
)

// TestADeskBelongsToOneBot: what it knows of people and chats is what that bot met.
func TestADeskBelongsToOneBot(t *testing.T) { // not parallel: it sets the environment for a command
	seven, renewed, eight := aBot(t, tokenOf7), aBot(t, renewed7), aBot(t, tokenOf8)
	simulated := map[string]string{}
	in := func(folder string, of map[string]string) config.Config {
		values := map[string]string{"DATA_DIR": folder, "HTTP_ADDR": "127.0.0.1:0"}
		for name, value := range of {
			values[name] = value
		}
		return settingsOf(t, values)
	}
	serves := func(folder string, of map[string]string) {
		t.Helper()
		r, err := runApp(t, in(folder, of), io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.stop(); err != nil {
			t.Fatal(err)
		}
	}
	refuses := func(folder string, of map[string]string, want ...string) {
		t.Helper()
		_, err := runApp(t, in(folder, of), io.Discard)
		other := (*otherBotError)(nil)
		if !errors.As(err, &other) {
			t.Fatalf("it ends with %v", err)
		}
		for _, part := range want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("nothing says %q: %v", part, err)
			}
		}
		if text := err.Error(); strings.Contains(text, "\n") || strings.Contains(text, "aaaa") || strings.Contains(text, "cccc") {
			t.Errorf("not one line, or a token: %s", text)
		}
	}
	t.Run("a trial's desk does not become a real one", func(t *testing.T) {
		folder := filepath.Join(t.TempDir(), "data")
		serves(folder, simulated)
		refuses(folder, seven, "trial", "set DATA_DIR", folder)
		serves(folder, simulated)
	})
	t.Run("a real one is neither another bot's nor a trial's, until somebody says so", func(t *testing.T) {
		folder := filepath.Join(t.TempDir(), "data")
		serves(folder, seven)
		serves(folder, renewed) // by @BotFather: it is the same bot
		refuses(folder, eight, "7000000007", "8000000008", "topicdesk change-bot", filepath.Join(folder, "topicdesk.db"))
		refuses(folder, simulated, "TELEGRAM_BOT_TOKEN is not set", "7000000007", "set DATA_DIR", "topicdesk change-bot")
		serves(folder, seven)
		change := func(token string) string {
			t.Helper()
			t.Setenv("DATA_DIR", folder)
			t.Setenv("TELEGRAM_BOT_TOKEN", token)
			out, _, err := topicdesk(t, "change-bot")
			if err != nil || strings.Contains(out, "cccc") {
				t.Fatal(out, err)
			}
			return out
		}
		if out := change(tokenOf8); !strings.Contains(out, "belongs to the bot 8000000008 now") {
			t.Error(out)
		}
		serves(folder, eight)
		refuses(folder, seven, "8000000008")
		if out := change(""); !strings.Contains(out, "the simulator's") {
			t.Error(out)
		}
		serves(folder, simulated)
	})
	t.Run("a token that Telegram does not know claims nothing", func(t *testing.T) {
		folder := filepath.Join(t.TempDir(), "data")
		wrong := map[string]string{"TELEGRAM_BOT_TOKEN": tokenOf8, "TELEGRAM_API_URL": seven["TELEGRAM_API_URL"]}
		if _, err := runApp(t, in(folder, wrong), io.Discard); err == nil || !strings.Contains(err.Error(), "TELEGRAM_BOT_TOKEN") {
			t.Fatal(err)
		}
		serves(folder, seven)
	})
	t.Run("a backup takes along whose desk it is", func(t *testing.T) {
		folder, elsewhere := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "data")
		serves(folder, seven)
		file := filepath.Join(t.TempDir(), "desk.tar")
		if err := backup(t.Context(), in(folder, seven), file, newProgress(io.Discard)); err != nil {
			t.Fatal(err)
		}
		if err := restore(t.Context(), in(elsewhere, seven), file, newProgress(io.Discard)); err != nil {
			t.Fatal(err)
		}
		refuses(elsewhere, eight, "7000000007")
		serves(elsewhere, seven)
	})
}

// TestChangeBotRefuses: it changes only a desk that is there, and that nobody serves.
func TestChangeBotRefuses(t *testing.T) {
	t.Setenv("DATA_DIR", t.TempDir())
	t.Setenv("TELEGRAM_BOT_TOKEN", tokenOf7)
	if _, _, err := topicdesk(t, "change-bot"); err == nil || !strings.Contains(err.Error(), "there is no desk in ") {
		t.Error(err)
	}
	t.Setenv("TELEGRAM_BOT_TOKEN", "")
	t.Setenv("DATABASE_URL", "mongodb://127.0.0.1:1/desk")
	if _, _, err := topicdesk(t, "change-bot"); err == nil || !strings.Contains(err.Error(), "TELEGRAM_BOT_TOKEN is not set") {
		t.Error(err)
	}
	folder := t.TempDir()
	store, err := sqlite.Open(t.Context(), filepath.Join(folder, "topicdesk.db"), sqlite.WithExclusive())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	t.Setenv("DATABASE_URL", "sqlite://"+filepath.Join(folder, "topicdesk.db"))
	t.Setenv("TELEGRAM_BOT_TOKEN", tokenOf7)
	if _, _, err := topicdesk(t, "change-bot"); err == nil || !strings.Contains(err.Error(), "process "+strconv.Itoa(os.Getpid())) {
		t.Error(err)
	}
}

// TestBotOfAnEarlierDesk: a desk from before bots were written down goes on with its own without complaint. What is certain to be
// another one's is refused.
func TestBotOfAnEarlierDesk(t *testing.T) {
	t.Parallel()
	real7 := map[string]string{"TELEGRAM_BOT_TOKEN": tokenOf7}
	hooked := map[string]string{"TELEGRAM_BOT_TOKEN": tokenOf7, "TELEGRAM_MODE": "webhook", "TELEGRAM_WEBHOOK_URL": "https://x.org/telegram/webhook"}
	for name, c := range map[string]struct {
		settings map[string]string
		polled   []string // the bots that did
		groups   bool
		refused  bool
	}{
		"new":                                    {settings: real7},
		"its own":                                {settings: real7, polled: []string{"7000000007"}, groups: true},
		"its former token's, of another bot":     {settings: real7, polled: []string{"6"}, groups: true},
		"a trial's":                              {settings: real7, polled: []string{simulatorBot}, groups: true, refused: true},
		"a trial's that became its own":          {settings: real7, polled: []string{simulatorBot, "7000000007"}, groups: true},
		"a trial's that may have become its own": {settings: hooked, polled: []string{simulatorBot}, groups: true},
		"a trial":                                {polled: []string{simulatorBot}, groups: true},
		"a trial that has just been made":        {},
		"a real one, and the token is left out today": {polled: []string{"7000000007"}, groups: true, refused: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			store, err := sqlite.Open(t.Context(), filepath.Join(folder, "topicdesk.db"), sqlite.WithoutSync())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = store.Close() }()
			for _, bot := range c.polled {
				if _, err := store.TakeLease(t.Context(), "poller/"+bot, "node", time.Now()); err != nil {
					t.Fatal(err)
				}
			}
			if c.groups {
				if err := store.SaveGroup(t.Context(), &storage.Group{GroupID: "g-100", TelegramGroupID: -100, CreatedAt: time.Now()}); err != nil {
					t.Fatal(err)
				}
			}
			values := map[string]string{"DATA_DIR": folder}
			for name, value := range c.settings {
				values[name] = value
			}
			other, settings := (*otherBotError)(nil), settingsOf(t, values)
			if err := checkBot(t.Context(), store, settings); errors.As(err, &other) != c.refused || !c.refused && err != nil {
				t.Fatal(err)
			}
			if c.refused {
				return
			}
			for range 2 { // several nodes may start at the same moment
				if err := claimDesk(t.Context(), store, settings, settings.Logger(io.Discard)); err != nil {
					t.Fatal(err)
				}
			}
			lease, err := store.Lease(t.Context(), leaseOfBot)
			if err != nil || lease.Owner != botOf(settings) || lease.Epoch != 1 {
				t.Errorf("%+v, %v", lease, err)
			}
		})
	}
}

// TestAnotherBotsOlderDeskStaysAsItIs: a start that is refused brings no database up to date, which its own program could not read
// any more.
func TestAnotherBotsOlderDeskStaysAsItIs(t *testing.T) {
	t.Parallel()
	for name, lease := range map[string]string{
		"it says whose it is":              leaseOfBot + " 8000000008",
		"a trial's, from before that time": "poller/" + simulatorBot + " node",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			file := filepath.Join(folder, "topicdesk.db")
			olderDesk(t, file)
			schema := func(then ...string) (version int) {
				t.Helper()
				db, err := sql.Open("sqlite", file)
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = db.Close() }()
				for _, statement := range then {
					if _, err := db.Exec(statement); err != nil {
						t.Fatal(err)
					}
				}
				if err := db.QueryRow("SELECT version FROM schema").Scan(&version); err != nil {
					t.Fatal(err)
				}
				return version
			}
			entity, owner, _ := strings.Cut(lease, " ")
			before := schema("DELETE FROM leases", "INSERT INTO leases VALUES ('"+entity+"', 1, '"+owner+"', 0)")
			settings := settingsOf(t, map[string]string{"DATA_DIR": folder, "HTTP_ADDR": "127.0.0.1:0", "TELEGRAM_BOT_TOKEN": tokenOf7})
			_, err := runApp(t, settings, io.Discard)
			if other := (*otherBotError)(nil); !errors.As(err, &other) || strings.Contains(err.Error(), "sqlite:") {
				t.Fatalf("it ends with %v", err)
			}
			if now := schema(); now != before {
				t.Errorf("its schema is %d now, and was %d", now, before)
			}
			if from := migrated(t, file); int(from.From) != before || from.To == from.From { // by its own bot's program
				t.Errorf("%+v", from)
			}
		})
	}
}

// TestAFailedStartLeavesNoDesk: the next start, with other settings, would meet what nobody wanted.
func TestAFailedStartLeavesNoDesk(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	seven := aBot(t, tokenOf7)
	base := func(folder string, more ...string) map[string]string {
		values := map[string]string{"DATA_DIR": folder, "HTTP_ADDR": "127.0.0.1:0"}
		for i := 0; i < len(more); i += 2 {
			values[more[i]] = more[i+1]
		}
		return values
	}
	fails := func(t *testing.T, values map[string]string, want string) {
		t.Helper()
		if _, err := runApp(t, settingsOf(t, values), io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Fatalf("%v, want %q", err, want)
		}
	}
	for name, more := range map[string][]string{
		"HTTP_ADDR":      {"HTTP_ADDR", taken.Addr().String()},
		"METRICS_ADDR":   {"METRICS_ADDR", taken.Addr().String()},
		"SIMULATOR_PORT": {"SIMULATOR_PORT", port},
	} {
		t.Run("the port of "+name+" is taken", func(t *testing.T) {
			t.Parallel()
			folder := filepath.Join(t.TempDir(), "data")
			fails(t, base(folder, more...), name)
			if exists(folder) {
				t.Error("the folder was made")
			}
		})
	}
	t.Run("settings that only show when the desk is made", func(t *testing.T) {
		t.Parallel()
		for want, more := range map[string][]string{
			"TELEGRAM_BOT_TOKEN": {"TELEGRAM_BOT_TOKEN", tokenOf8, "TELEGRAM_API_URL", seven["TELEGRAM_API_URL"]},
			"FILES_URL":          {"FILES_URL", "s3://bucket?region=nowhere"},
		} {
			folder, said := filepath.Join(t.TempDir(), "data"), &bytes.Buffer{}
			if _, err := runApp(t, settingsOf(t, base(folder, more...)), said); err == nil || !strings.Contains(err.Error(), want) {
				t.Fatalf("%v, want %q", err, want)
			}
			if strings.Contains(said.String(), "made a new desk") {
				t.Errorf("%s: it says that it has made a desk:\n%s", want, said)
			}
			left, err := os.ReadDir(folder)
			if err != nil {
				t.Fatal(err)
			}
			for _, file := range left {
				if !strings.HasSuffix(file.Name(), ".lock") {
					t.Errorf("%s: %s is left", want, file.Name())
				}
			}
		}
	})
	t.Run("what was there stays", func(t *testing.T) {
		t.Parallel()
		folder := filepath.Join(t.TempDir(), "data")
		r, err := runApp(t, settingsOf(t, base(folder, "TELEGRAM_BOT_TOKEN", tokenOf7, "TELEGRAM_API_URL", seven["TELEGRAM_API_URL"])), io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.stop(); err != nil {
			t.Fatal(err)
		}
		fails(t, base(folder, "TELEGRAM_BOT_TOKEN", renewed7, "TELEGRAM_API_URL", seven["TELEGRAM_API_URL"]), "TELEGRAM_BOT_TOKEN")
		fails(t, base(folder, "TELEGRAM_BOT_TOKEN", tokenOf7, "TELEGRAM_API_URL", seven["TELEGRAM_API_URL"], "HTTP_ADDR", taken.Addr().String()), "HTTP_ADDR")
		for _, name := range []string{"topicdesk.db", secretsFile} {
			if !exists(filepath.Join(folder, name)) {
				t.Errorf("%s is gone", name)
			}
		}
	})
	t.Run("a desk that somebody uses meanwhile stays", func(t *testing.T) {
		t.Parallel()
		for name, use := range map[string]func(*sqlite.Store) error{
			"": nil,
			"a key": func(s *sqlite.Store) error {
				return s.SaveAPIKey(t.Context(), &storage.APIKey{KeyID: "k", Name: "me", CreatedAt: time.Now()})
			},
			"a bot": func(s *sqlite.Store) error {
				_, err := s.TakeLease(t.Context(), leaseOfBot, "7", time.Now())
				return err
			},
			"a group": func(s *sqlite.Store) error {
				return s.SaveGroup(t.Context(), &storage.Group{GroupID: "g-100", TelegramGroupID: -100, CreatedAt: time.Now()})
			},
			"it is served": func(*sqlite.Store) error { return nil },
			"it is open":   func(*sqlite.Store) error { return nil },
		} {
			folder := t.TempDir()
			settings := settingsOf(t, base(folder))
			file := settings.Database().Path
			made := notThere(settings)
			var options []sqlite.Option
			if name == "it is served" {
				options = append(options, sqlite.WithExclusive())
			}
			store, err := sqlite.Open(t.Context(), file, options...)
			if err != nil {
				t.Fatal(err)
			}
			made.isNew = true
			if made.forget(); use != nil { // after the start has failed, before all is closed
				if err := use(store); err != nil {
					t.Fatal(err)
				}
			}
			secret := filepath.Join(folder, secretsFile)
			if err := os.WriteFile(secret, []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(name, "it is ") {
				if err := store.Close(); err != nil {
					t.Fatal(err)
				}
			}
			made.remove(settings.Logger(io.Discard))
			if is := exists(file); is != (use != nil) || is != exists(secret) {
				t.Errorf("%q: the database is there: %t, and the secret: %t", name, is, exists(secret))
			}
			if err := store.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}
