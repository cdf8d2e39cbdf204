package main

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/config"
)

// running is a service in this process.
type running struct {
	addr string
	stop func() error
}

func runApp(t *testing.T, settings config.Config, log io.Writer) (*running, error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	started, ended := make(chan string, 1), make(chan error, 1)
	app := &App{Config: settings, Log: settings.Logger(log), Started: func(addr, _ string) { started <- addr }}
	go func() { ended <- app.Run(ctx) }()
	stop := func() error { cancel(); return <-ended }
	select {
	case addr := <-started:
		return &running{addr, stop}, nil
	case err := <-ended:
		cancel()
		return nil, err
	case <-time.After(patience):
		return nil, context.DeadlineExceeded
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	d := wake(t)
	own := freeAddr(t)
	r, err := runApp(t, d.config("METRICS_ADDR", own), io.Discard)
	d.must(err)
	defer func() { d.must(r.stop()) }()
	code, text := status(own, "/metrics")
	for _, want := range []string{`topicdesk_build_info{goversion="go[^"]+",version="dev"} 1`, `topicdesk_tickets{status="open"} 0`,
		`topicdesk_tickets{status="pending"} 0`, `topicdesk_tickets{status="closed"} 0`, `topicdesk_tickets_waiting{for="desk"} 0`,
		`topicdesk_tickets_waiting{for="customer"} 0`, `topicdesk_database_bytes{part="file"} [1-9]`,
		`topicdesk_database_bytes{part="log"} \d`, `topicdesk_disk_free_bytes{folder="[^"]+"} [1-9]`,
		`topicdesk_disk_size_bytes{folder="[^"]+"} [1-9]`} {
		if code != 200 || !regexp.MustCompile(want).MatchString(text) {
			t.Errorf("%d: nothing is %s", code, want)
		}
	}
	if code, _ := status(r.addr, "/metrics"); code != 404 {
		t.Errorf("with an address of their own, metrics are at HTTP_ADDR too: %d", code)
	}
	if code, _ := status(own, "/api/v1/me"); code != 404 {
		t.Errorf("the API is at METRICS_ADDR: %d", code)
	}
	if code, _ := status(r.addr, "/readyz"); code != 200 {
		t.Errorf("not ready: %d", code)
	}
	t.Run("an address that is taken is named", func(t *testing.T) {
		other := wake(t)
		if _, err := runApp(t, other.config("METRICS_ADDR", own), io.Discard); err == nil || !strings.Contains(err.Error(), "METRICS_ADDR "+own+" is in use already") ||
			!strings.Contains(err.Error(), "choose another port") {
			t.Error(err)
		}
	})
}

func TestHealthcheck(t *testing.T) {
	d := wake(t)
	addr := freeAddr(t)
	for name, value := range d.settings("HTTP_ADDR", addr) {
		t.Setenv(name, value)
	}
	if _, _, err := topicdesk(t, "healthcheck"); err == nil || !strings.Contains(err.Error(), addr) || !strings.Contains(err.Error(), "HTTP_ADDR") {
		t.Errorf("without a service: %v", err)
	}
	r, err := runApp(t, d.config("HTTP_ADDR", addr), io.Discard)
	d.must(err)
	d.await(func() string { return "it is healthy" }, func() bool {
		d.poke()
		out, _, err := topicdesk(t, "healthcheck")
		return err == nil && out == "ready\n"
	})
	_, port, _ := strings.Cut(addr, ":")
	if err := askHealth(t.Context(), "0.0.0.0:"+port); err != nil {
		t.Errorf("on all interfaces: %v", err)
	}
	d.must(r.stop())
	d.url = "http://" + freeAddr(t) // no Telegram there
	quiet, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	settings := d.config("HTTP_ADDR", addr)
	go func() { ended <- (&App{Config: settings, Log: settings.Logger(io.Discard)}).Run(quiet) }()
	awaitStatus(t, addr, "/healthz", 200)
	if err := askHealth(t.Context(), addr); err == nil || !strings.Contains(err.Error(), "not ready: intake") {
		t.Errorf("without Telegram: %v", err)
	}
	cancel()
	d.must(<-ended)
}

func TestVersion(t *testing.T) {
	t.Parallel()
	want, _, err := topicdesk(t, "version")
	if err != nil {
		t.Fatal(err)
	}
	if got, _, err := topicdesk(t, "--version"); err != nil || got != want || !strings.HasPrefix(got, "topicdesk ") {
		t.Errorf("%q %v", got, err)
	}
}

// TestCompletion: what the README says of completion works, for each shell that it names.
func TestCompletion(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(readme), "topicdesk completion bash") {
		t.Error("the README does not name it")
	}
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if out, _, err := topicdesk(t, "completion", shell); err != nil || !strings.Contains(out, "topicdesk") || !strings.Contains(string(readme), shell) {
			t.Errorf("%s: %v, %d bytes", shell, err, len(out))
		}
	}
	if out, _, err := topicdesk(t, "__complete", "apikey", ""); err != nil || !strings.Contains(out, "revoke") {
		t.Errorf("%q %v", out, err)
	}
}

// TestContainer: what is built with compose knows its version, and its health is checked.
func TestContainer(t *testing.T) {
	t.Parallel()
	for name, parts := range map[string][]string{
		"compose.yaml": {"VERSION: ${VERSION:-", `["CMD", "/topicdesk", "healthcheck"]`},
		"Dockerfile":   {"ARG VERSION", "-X main.version=$VERSION", `HEALTHCHECK`},
	} {
		text, err := os.ReadFile(filepath.Join("..", "..", "deploy", name))
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range parts {
			if !strings.Contains(string(text), part) {
				t.Errorf("%s has no %s", name, part)
			}
		}
	}
}

// hostileValues are values that are no setting of any kind, or one that no machine can carry out.
var hostileValues = []string{"acme.com", "*", "*,https://a.test", "https://*.a.test", "https://a.test/", "://", "%zz", "\xff\xfe", "-1", "0", "1",
	"99999999", ",", "a=b", "photo=1B", "1h", "99999d", "1B", "8TB", ":", ":0", "[::1]:0", "127.0.0.1:1", "/dev/null", "/dev/null/x",
	"/proc/x", "..", "file:///dev/null", "file:///proc/x", "file://x\x00", "s3://bucket", "sqlite:///dev/null", "sqlite:///proc/x",
	"sqlite://a\x00b", "unix:/dev/null", "0.0.0.0/0", "x/y", ".a", "https://desk.topicdesk.test", "http://127.0.0.1:1",
	strings.Repeat("k", 5000)}

// shareOfValues: a short run tries one hostile value in so many, others each time, because a setting that takes any text is
// started with as many.
const shareOfValues = 3

// TestNoSettingIsAPanic starts the service with each setting at each hostile value that is valid as far as its form goes.
// It serves, or it says in an error what is wrong. A panic would end this test.
func TestNoSettingIsAPanic(t *testing.T) {
	if testing.Short() {
		t.Skip("long: hundreds of starts")
	}
	d := wake(t)
	t.Chdir(t.TempDir())
	made := filepath.Join(d.folder, "topicdesk.db") // copied for each start: making the tables takes longer than the rest of it
	r, err := runApp(t, d.config(), io.Discard)
	d.must(err)
	d.must(r.stop())
	empty, err := os.ReadFile(made)
	d.must(err)
	var served, refused atomic.Int64
	from := rand.IntN(shareOfValues)
	seats := make(chan struct{}, 3) // more at a time would take the time from one another that a stop has
	try := func(t *testing.T, name, value string) error {
		folder := t.TempDir()
		values := d.settings("DATA_DIR", folder, "DATABASE_URL", "sqlite://"+filepath.Join(folder, "desk.db"), name, value)
		settings, err := config.Load(func(name string) (string, bool) { v, ok := values[name]; return v, ok }, "")
		if err != nil || settings.TelegramAPIURL != d.url || settings.TelegramBotToken.Reveal() != d.sim.Token() {
			return nil // refused in words, or it waits for another Telegram
		}
		seats <- struct{}{}
		defer func() { <-seats }()
		if err := os.WriteFile(filepath.Join(folder, "desk.db"), empty, 0o600); err != nil {
			return err
		}
		r, err := runApp(t, settings, io.Discard)
		if err != nil {
			refused.Add(1)
			return nil
		}
		served.Add(1)
		return r.stop()
	}
	t.Run("each", func(t *testing.T) {
		for _, line := range strings.Split(config.Example(), "\n") {
			name, _, ok := strings.Cut(strings.TrimPrefix(line, "#"), "=")
			if !ok || !strings.HasPrefix(line, "#") || strings.HasPrefix(line, "# ") {
				continue
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				for i, value := range hostileValues {
					if !long() && i%shareOfValues != from {
						continue
					}
					err := try(t, name, value)
					for tries := 1; tries < 3 && errors.Is(err, context.DeadlineExceeded); tries++ {
						err = try(t, name, value) // this machine may be busy, but a setting that holds a stop up does so each time
					}
					if err != nil {
						t.Errorf("%.100q: stops with %v", value, err)
					}
				}
			})
		}
	})
	if served.Load() == 0 || refused.Load() == 0 {
		t.Errorf("%d served, %d refused: nothing is proved", served.Load(), refused.Load())
	}
	t.Logf("%d served, %d were refused at the start", served.Load(), refused.Load())
}
