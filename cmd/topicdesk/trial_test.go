package main

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// trial is `topicdesk serve` as `make run` starts it: without a token, in an empty folder.
type trial struct {
	t    *testing.T
	cmd  *exec.Cmd
	mu   sync.Mutex
	out  bytes.Buffer // stdout
	logs bytes.Buffer // stderr
	done chan struct{}
}

func (p *trial) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.Write(b)
}

func (p *trial) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.String()
}

func try(t *testing.T, settings ...string) *trial {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	p := &trial{t: t, cmd: exec.CommandContext(ctx, self, "serve"), done: make(chan struct{})}
	p.cmd.Dir, p.cmd.Env = t.TempDir(), append(settings, childEnv+"="+childMain)
	p.cmd.Stdout, p.cmd.Stderr = p, &p.logs
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { defer close(p.done); _ = p.cmd.Wait() }()
	t.Cleanup(func() {
		cancel()
		<-p.done
	})
	return p
}

// welcome is what the process prints once everything runs.
func (p *trial) welcome() string {
	p.t.Helper()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for !strings.Contains(p.said(), "Ctrl+C") {
		select {
		case <-look.C:
		case <-p.done:
			p.t.Fatalf("it has ended:\n%s%s", p.said(), p.logs.String())
		}
	}
	return p.said()
}

func (p *trial) stop() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGINT); err != nil {
		p.t.Fatal(err)
	}
	<-p.done
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		p.t.Errorf("exit code %d:\n%s", code, p.logs.String())
	}
}

var webAddress = regexp.MustCompile(`http://\S+`)

// pairOfPorts is an address on which nobody listens, and a listener on the port after it.
func pairOfPorts(t *testing.T) (addr string, next net.Listener) {
	t.Helper()
	for range 50 {
		addr = freeAddr(t)
		host, digits, _ := net.SplitHostPort(addr)
		port, _ := strconv.Atoi(digits)
		next, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port+1)))
		if err == nil {
			t.Cleanup(func() { _ = next.Close() })
			return addr, next
		}
	}
	t.Fatal("no two free ports in a row")
	return "", nil
}

// TestServeWelcomes: `make run` ends in one block that says where everything is and how to stop. Every address in it
// leads somewhere, and so does the address of the service alone.
func TestServeWelcomes(t *testing.T) {
	t.Parallel()
	addr, next := pairOfPorts(t)
	p := try(t, "HTTP_ADDR="+addr)
	block := p.welcome()
	page := webAddress.FindString(block)
	if page == "http://"+next.Addr().String() || !strings.HasPrefix(page, "http://127.0.0.1:") {
		t.Errorf("the page is at %q, though that port is taken", page)
	}
	for _, want := range []string{"Play the people", "http://" + addr + "/api/v1", "http://" + addr + "/swagger",
		"apikey create", "Ctrl+C"} {
		if !strings.Contains(block, want) {
			t.Errorf("nothing is said of %q:\n%s", want, block)
		}
	}
	for where, want := range map[string]string{page: "Telegram simulator", "http://" + addr + "/swagger": "swagger-ui",
		"http://" + addr: page} {
		host, path, _ := strings.Cut(strings.TrimPrefix(where, "http://"), "/")
		if code, body := status(host, "/"+path); code != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s answers %d without %q:\n%.300s", where, code, want, body)
		}
	}
	p.stop()
}

func TestSimulatorPort(t *testing.T) {
	t.Parallel()
	t.Run("is taken if it is set", func(t *testing.T) {
		t.Parallel()
		page := freeAddr(t)
		_, port, _ := net.SplitHostPort(page)
		p := try(t, "HTTP_ADDR="+freeAddr(t), "SIMULATOR_PORT="+port)
		if block := p.welcome(); !strings.Contains(block, "http://"+page) {
			t.Errorf("the page is not at %s:\n%s", page, block)
		}
		p.stop()
	})
	t.Run("is named if it is in use", func(t *testing.T) {
		t.Parallel()
		addr, next := pairOfPorts(t)
		_, port, _ := net.SplitHostPort(next.Addr().String())
		p := try(t, "HTTP_ADDR="+addr, "SIMULATOR_PORT="+port)
		<-p.done
		if code, logs := p.cmd.ProcessState.ExitCode(), p.logs.String(); code != 1 ||
			!strings.Contains(logs, "SIMULATOR_PORT "+port) || !strings.Contains(logs, "in use") {
			t.Errorf("exit code %d:\n%s", code, logs)
		}
	})
}
