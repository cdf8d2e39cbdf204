package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/simulator"
)

// wake starts a desk whose simulator listens.
func wake(t *testing.T) *desk {
	d := newDesk(t)
	running, err := d.sim.Start("127.0.0.1:0")
	d.must(err)
	t.Cleanup(func() { _ = running.Stop() })
	d.url = running.URL
	return d
}

// status is the status with which the service answers a GET. It is 0 if nobody answers.
func status(addr, path string) (code int, body string) {
	client := http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Get("http://" + addr + path)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = res.Body.Close() }()
	b, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(b)
}

// awaitStatus repeats a request until the service answers with that status.
func awaitStatus(t *testing.T, addr, path string, want int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ask := time.NewTicker(20 * time.Millisecond)
	defer ask.Stop()
	for {
		code, body := status(addr, path)
		if code == want {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s answers %d %s, not %d", path, code, body, want)
		case <-ask.C:
		}
	}
}

func TestStart(t *testing.T) {
	t.Run("takes less than a second", func(t *testing.T) {
		d := wake(t)
		limit := time.Second
		if raceDetector {
			limit = 3 * time.Second
		}
		best := time.Hour
		for life := range 5 { // the first start makes the database; others may be slow on a busy machine
			p := d.serve("polling", life)
			p.awaitReady()
			best = min(best, p.took)
			if code := p.stop(); code != 0 {
				t.Fatalf("exit code %d", code)
			}
			if best < limit/2 {
				break
			}
		}
		t.Logf("served %v after its start", best.Round(time.Millisecond))
		switch {
		case best <= limit:
		case busy():
			t.Log("that is too long, but this machine has other things to do: nothing is proved")
		default:
			t.Errorf("the start takes %v", best)
		}
	})
	t.Run("waits for Telegram, and serves when it is there", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t)
		telegram, addr := freeAddr(t), freeAddr(t)
		d.url = "http://" + telegram
		p := d.serve("polling", 0, "HTTP_ADDR", addr)
		awaitStatus(t, addr, "/healthz", http.StatusOK)
		awaitStatus(t, addr, "/readyz", http.StatusServiceUnavailable)
		running, err := d.sim.Start(telegram)
		d.must(err)
		defer func() { _ = running.Stop() }()
		p.awaitReady()
		back := time.Now()
		awaitStatus(t, addr, "/readyz", http.StatusOK)
		if took := time.Since(back); took > 25*time.Second { // a long poll would keep its first answer for 30 s
			t.Errorf("ready %v after Telegram was back", took)
		}
		d.addBot()
		d.await(func() string { return "the bot greets the group" },
			func() bool { return len(d.sim.Messages(d.support, 0)) > 0 })
		if code := p.stop(); code != 0 {
			t.Errorf("exit code %d", code)
		}
	})
	t.Run("stops while it waits for Telegram", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t)
		addr := freeAddr(t)
		d.url = "http://" + freeAddr(t)
		p := d.serve("polling", 0, "HTTP_ADDR", addr)
		awaitStatus(t, addr, "/healthz", http.StatusOK)
		if code := p.stop(); code != 0 {
			t.Errorf("exit code %d", code)
		}
	})
	t.Run("refuses a token that Telegram does not know", func(t *testing.T) {
		t.Parallel()
		d := wake(t)
		const secret = "AAwrongwrongwrongwrongwrongwrongwro"
		p := spawn(t, childMain, d.folder, d.settings("TELEGRAM_BOT_TOKEN", "123456789:"+secret, "LOG_LEVEL",
			"error"))
		if code := p.wait(); code != 1 {
			t.Errorf("exit code %d", code)
		}
		oneLine(t, p, "TELEGRAM_BOT_TOKEN")
		if strings.Contains(p.out.String(), secret) {
			t.Error("the token is shown")
		}
	})
	t.Run("refuses a database that is in use", func(t *testing.T) {
		t.Parallel()
		d := wake(t)
		first := d.serve("polling", 0)
		first.awaitReady()
		second := spawn(t, childMain, d.folder, d.settings("LOG_LEVEL", "error", "DATA_DIR", t.TempDir()))
		if code := second.wait(); code != 1 {
			t.Errorf("exit code %d", code)
		}
		oneLine(t, second, fmt.Sprintf("process %d", first.cmd.Process.Pid))
		if code := first.stop(); code != 0 {
			t.Errorf("exit code %d of the first", code)
		}
	})
	t.Run("says what is wrong with a setting", func(t *testing.T) {
		t.Parallel()
		d := wake(t)
		p := spawn(t, childMain, d.folder, d.settings("TELEGRAM_MODE", "pigeon"))
		if code := p.wait(); code != 1 {
			t.Errorf("exit code %d", code)
		}
		if out := p.out.String(); !strings.Contains(out, "TELEGRAM_MODE") || !strings.Contains(out, "pigeon") {
			t.Error(out)
		}
	})
}

// busy reports whether more processes want to run than the machine has processors.
func busy() bool {
	text, err := os.ReadFile("/proc/loadavg")
	load := 0.0
	if err == nil {
		_, err = fmt.Sscan(string(text), &load)
	}
	return err == nil && load > 1.5*float64(runtime.NumCPU())
}

// oneLine checks that a process printed exactly one line, with a word in it.
func oneLine(t *testing.T, p *process, word string) {
	t.Helper()
	out := strings.TrimSpace(p.out.String())
	if strings.Contains(out, "\n") || !strings.Contains(out, word) {
		t.Errorf("not one line about %s:\n%s", word, out)
	}
}

// TestTopicIsNotOpenedTwiceWhileUpdatesWait loses the answer to the call that opens a topic with its process. The
// next process at first gets no updates, and no call gets through. It must find the topic in the updates, however
// late they arrive.
func TestTopicIsNotOpenedTwiceWhileUpdatesWait(t *testing.T) {
	if testing.Short() {
		t.Skip("long: waits for Telegram to time out")
	}
	t.Parallel()
	p := newPlay(t)
	p.begin(crashPoint{})
	for _, s := range story[:2] {
		s.tell(p.desk)
		p.settle(s.name, always)
	}
	p.stop()
	p.begin(crashPoint{afterCall, 1}) // the only thing left to do is to open the topic
	story[2].tell(p.desk)
	p.await(func() string { return "the topic is opened" }, p.faults.isDead)
	p.stop()
	if n := len(p.sim.Topics(p.support)); n != 1 {
		t.Fatalf("%d topics", n)
	}
	p.gate.shut.Store(true)
	p.begin(crashPoint{})
	// Updates stay away for longer than the service waits for a topic to appear.
	defer time.AfterFunc(6500*time.Millisecond, func() { p.gate.shut.Store(false) }).Stop()
	p.settle("Telegram is back", always)
	p.stop()
	if n := len(p.sim.Topics(p.support)); n != 1 {
		t.Errorf("%d topics\n%s", n, p.transcript(func(simulator.Message) bool { return false }))
	}
}
