package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/config"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
)

// opsKey is an API key, as the command line makes it.
func (d *desk) opsKey(t *testing.T, scopes string) string {
	d.Helper()
	for name, value := range d.settings() {
		t.Setenv(name, value)
	}
	out, _, err := topicdesk(t, "apikey", "create", "--new", "--name", "ops", "--scopes", scopes, "--rate", "1000", "--burst", "10000")
	d.must(err)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	return lines[len(lines)-1]
}

// gathering runs the service in this process, with what gathers its errors, as long as a function takes.
func (d *desk) gathering(settings config.Config, then func(addr string, log *slog.Logger)) {
	d.Helper()
	ctx, cancel := context.WithCancel(d.Context())
	log, gathered := gatherErrors(settings, settings.Logger(io.Discard))
	started, ended := make(chan string, 1), make(chan error, 1)
	app := &App{Config: settings, Log: log, Errors: gathered, Started: func(addr, _ string) { started <- addr }}
	go func() { ended <- app.Run(ctx) }()
	defer func() { cancel(); d.must(<-ended) }()
	select {
	case addr := <-started:
		then(addr, log)
	case err := <-ended:
		ended <- err
		d.Fatal(err)
	}
}

// asks makes a request of the API and returns the answer. headers alternate names and values.
func (d *desk) asks(method, url, key, body string, headers ...string) string {
	d.Helper()
	req, err := http.NewRequestWithContext(d.Context(), method, url, strings.NewReader(body))
	d.must(err)
	req.Header.Set("Authorization", "Bearer "+key)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	d.must(err)
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	d.must(err)
	if res.StatusCode/100 != 2 {
		d.Fatalf("%s %s: %d %s", method, url, res.StatusCode, answer)
	}
	return string(answer)
}

// soon waits for what the simulator does not show.
func (d *desk) soon(what string, cond func() bool) {
	d.Helper()
	again, inVain := time.NewTicker(20*time.Millisecond), time.After(patience)
	defer again.Stop()
	for !cond() {
		select {
		case <-again.C:
		case <-inVain:
			d.Fatalf("waited in vain: %s", what)
		}
	}
}

// What any part of the service logs is at GET /errors, without secrets, and counted over a restart.
func TestWhatIsLoggedIsAtErrors(t *testing.T) {
	d := wake(t)
	key, settings := d.opsKey(t, "monitoring:read"), d.config()
	fail := func(log *slog.Logger) {
		secret := settings.TelegramBotToken.Reveal()
		log.Error("a test fails", "error", fmt.Errorf("Post https://api/bot%s/getMe: %w", secret, errors.New("refused")), "text", "private words")
	}
	awaitCount := func(addr string, n int64) (all string) {
		t.Helper()
		d.soon(fmt.Sprint("counted ", n, " times"), func() bool {
			var list struct {
				Data []struct {
					Message string
					Count   int64
				}
			}
			all = d.asks(http.MethodGet, "http://"+addr+"/api/v1/errors", key, "")
			d.must(json.Unmarshal([]byte(all), &list))
			for _, e := range list.Data {
				if e.Message == "a test fails" {
					return e.Count == n
				}
			}
			return false
		})
		return all
	}
	d.gathering(settings, func(addr string, log *slog.Logger) {
		fail(log)
		all := awaitCount(addr, 1)
		if strings.Contains(all, settings.TelegramBotToken.Reveal()) || strings.Contains(all, "private") || !strings.Contains(all, "refused") {
			t.Error(all)
		}
		fail(log) // told when the service stops
	})
	d.gathering(settings, func(addr string, _ *slog.Logger) { awaitCount(addr, 2) })
}

// The example of an error has the trace of the request that met it, under which the operator finds the rest of the story.
func TestAnErrorNamesItsTrace(t *testing.T) {
	d := wake(t)
	key, c := d.opsKey(t, "admin"), newCollector(t)
	d.gathering(d.config("OTEL_EXPORTER_OTLP_ENDPOINT", c.url), func(addr string, _ *slog.Logger) {
		d.addBot()
		d.say(d.alice, d.support, 0, "/register")
		d.soon("the group is registered", func() bool {
			return slices.ContainsFunc(d.sim.Messages(d.support, 0), func(m simulator.Message) bool { return strings.Contains(m.Text, "is registered") })
		})
		api := "http://" + addr + "/api/v1"
		var made writtenTicket
		d.must(json.Unmarshal([]byte(d.asks(http.MethodPost, api+"/tickets", key, fmt.Sprintf(`{"title": "Printer", "groupId": %d}`, d.support), "Prefer", "wait=30")), &made))
		d.soon("its card is there: a refused one would be the example", func() bool {
			return slices.ContainsFunc(d.sim.Messages(d.support, simulator.AllThreads), func(m simulator.Message) bool {
				return m.Thread != 0 && strings.Contains(m.Text, "Printer") && len(m.Buttons) > 0
			})
		})
		d.must(d.sim.Inject(simulator.Fault{Method: "sendMessage", Chat: d.support, Kind: simulator.Fault500, Count: -1}))
		const traceID = "0af7651916cd43dd8448eb211c80319c"
		d.asks(http.MethodPost, api+"/tickets/"+made.TicketID+"/messages", key, `{"text": "It is on fire"}`, "traceparent", "00-"+traceID+"-b7ad6b7169203331-01")
		var all string
		defer func() {
			d.sim.ClearFaults()
			if t.Failed() {
				t.Log(all)
			}
		}()
		d.soon("the error with its trace", func() bool {
			var list struct {
				Data []struct {
					Message string
					Example []struct{ Name, Value string }
				}
			}
			all = d.asks(http.MethodGet, api+"/errors", key, "")
			d.must(json.Unmarshal([]byte(all), &list))
			for _, e := range list.Data {
				for _, fact := range e.Example {
					if fact.Name == "trace_id" && fact.Value == traceID && e.Message == "a call failed and is tried again" {
						return true
					}
				}
			}
			return false
		})
	})
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
