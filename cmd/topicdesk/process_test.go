package main

import (
	"bufio"
	"bytes"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// long reports whether the long tests run (`make test-long`).
func long() bool { return os.Getenv("TOPICDESK_LONG") != "" }

// raceDetector reports whether the race detector slows the tests down.
var raceDetector bool

// process is the service as a process of its own.
type process struct {
	testing.TB
	cmd   *exec.Cmd
	ready chan struct{} // closed when it serves
	done  chan struct{} // closed when it has ended
	took  time.Duration // from its start until it served
	out   bytes.Buffer  // stderr; read it only after the process has ended
}

// spawn starts the test binary as a service: childMain or childDesk.
func spawn(t testing.TB, child, folder string, settings map[string]string) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{TB: t, cmd: exec.Command(self, "serve"), ready: make(chan struct{}), done: make(chan struct{})}
	p.cmd.Dir = folder
	p.cmd.Env = []string{childEnv + "=" + child}
	for name, value := range settings {
		p.cmd.Env = append(p.cmd.Env, name+"="+value)
	}
	p.cmd.Stderr = &p.out
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.done)
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			if strings.HasPrefix(lines.Text(), "ready ") {
				p.took = time.Since(start)
				close(p.ready)
			}
		}
		_ = p.cmd.Wait()
	}()
	t.Cleanup(func() {
		p.kill()
		if bytes.Contains(p.out.Bytes(), []byte("DATA RACE")) {
			t.Error("the process has a data race")
		}
		if t.Failed() {
			t.Logf("process %d said:\n%s", p.cmd.Process.Pid, p.out.String())
		}
	})
	return p
}

// kill kills the process with SIGKILL and waits for its end.
func (p *process) kill() {
	_ = p.cmd.Process.Signal(syscall.SIGKILL)
	<-p.done
}

// stop asks the process to end and returns its exit code.
func (p *process) stop() int {
	p.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.Fatal(err)
	}
	return p.wait()
}

// wait waits for the end and returns the exit code.
func (p *process) wait() int {
	p.Helper()
	select {
	case <-p.done:
	case <-time.After(patience):
		_ = p.cmd.Process.Signal(syscall.SIGQUIT) // makes it print its goroutines
		<-p.done
		p.Fatal("the process does not end")
	}
	return p.cmd.ProcessState.ExitCode()
}

func (p *process) awaitReady() {
	p.Helper()
	select {
	case <-p.ready:
	case <-p.done:
		p.Fatal("the process has ended")
	case <-time.After(patience):
		p.Fatal("the process does not come up")
	}
}

// serve starts the next process of this desk's service, in polling or webhook mode.
func (d *desk) serve(mode string, life int, more ...string) *process {
	d.Helper()
	settings := d.settings(append([]string{
		childLifeEnv, strconv.Itoa(life), childCallsEnv, d.callsFile(),
	}, more...)...)
	if mode == "webhook" {
		if d.webhookAddr == "" {
			d.webhookAddr = freeAddr(d.TB)
		}
		settings["TELEGRAM_MODE"], settings["HTTP_ADDR"] = mode, d.webhookAddr
		settings["TELEGRAM_WEBHOOK_URL"] = "http://" + d.webhookAddr + "/telegram/webhook"
	}
	return spawn(d.TB, childDesk, d.folder, settings)
}

func (d *desk) callsFile() string { return filepath.Join(d.folder, "calls") }

// freeAddr is an address on which nobody listens, for a service that must return to the same one.
func freeAddr(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}
