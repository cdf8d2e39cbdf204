package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// benchService is the measured service, as a process of its own.
type benchService struct {
	cmd  *exec.Cmd
	addr string
	done chan error
}

func startService(ctx context.Context, o benchOptions, w *benchWorld) (*benchService, error) {
	s := &benchService{}
	return s, s.start(ctx, o, w)
}

func (s *benchService) start(ctx context.Context, o benchOptions, w *benchWorld) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.addr = listener.Addr().String()
	if err := listener.Close(); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	args := []string{"serve"}
	if o.profile != "" {
		profile, err := filepath.Abs(o.profile) // the service's working directory is another one
		if err != nil {
			return err
		}
		args = append(args, "--cpuprofile", profile)
	}
	s.cmd = exec.Command(self, args...)
	s.cmd.Dir = o.keep
	s.cmd.Env = append(os.Environ(),
		"TELEGRAM_BOT_TOKEN="+benchToken, "TELEGRAM_API_URL="+w.running.URL, "TELEGRAM_MODE="+o.mode,
		"TELEGRAM_WEBHOOK_URL=", "HTTP_ADDR="+s.addr, "API_ADDRESS_PER_SECOND=0",
		"DATABASE_URL=sqlite://"+filepath.Join(o.keep, benchDatabase), "DATA_DIR="+o.keep,
		"TELEGRAM_GLOBAL_PER_SECOND=0", "TELEGRAM_CHAT_PER_SECOND=0", "TELEGRAM_GROUP_PER_MINUTE=0",
		"LOG_LEVEL=error", "GROUPS_ALLOWED=", "WEBHOOK_ALLOW_NETWORKS=127.0.0.0/8")
	if o.mode == "webhook" {
		s.cmd.Env = append(s.cmd.Env, "TELEGRAM_WEBHOOK_URL=http://"+s.addr+"/telegram/webhook")
	}
	s.cmd.Stderr = os.Stderr
	if err := s.cmd.Start(); err != nil {
		return fmt.Errorf("can't start the service: %w", err)
	}
	s.done = make(chan error, 1)
	go func() { s.done <- s.cmd.Wait() }()
	return s.ready(ctx)
}

// ready waits until the service says that it is.
func (s *benchService) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	for {
		resp, err := http.Get("http://" + s.addr + "/readyz")
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case err := <-s.done:
			return fmt.Errorf("the service ended: %w", errors.Join(err, errors.New("see its output")))
		case <-ctx.Done():
			return fmt.Errorf("the service did not become ready: %w", ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (s *benchService) restart(ctx context.Context, o benchOptions, w *benchWorld) error {
	if err := s.stop(); err != nil {
		return err
	}
	return s.start(ctx, o, w)
}

// stop asks the service to end and waits for it.
func (s *benchService) stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case err := <-s.done:
		s.done <- err
		return err
	case <-time.After(12 * time.Second):
		return errors.New("the service did not stop within 12 s")
	}
}

func (s *benchService) kill() { _ = s.cmd.Process.Kill() }

// usage is what the service has used so far.
type usage struct {
	cpu        time.Duration
	residentMB int64
}

// usage reads /proc. On other systems than Linux it is zero.
func (s *benchService) usage() (usage, error) {
	dir := filepath.Join("/proc", strconv.Itoa(s.cmd.Process.Pid))
	stat, err := os.ReadFile(filepath.Join(dir, "stat"))
	if errors.Is(err, os.ErrNotExist) {
		return usage{}, nil
	}
	if err != nil {
		return usage{}, err
	}
	// These are the fields after the name in brackets. User and system time are fields 14 and 15 of the line, in
	// ticks of 10 ms; the resident pages are field 24 (proc(5)).
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(fields) < 22 {
		return usage{}, fmt.Errorf("%s/stat has an unknown form", dir)
	}
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	pages, _ := strconv.ParseInt(fields[21], 10, 64)
	cpu := time.Duration(user+system) * 10 * time.Millisecond
	return usage{cpu: cpu, residentMB: pages * int64(os.Getpagesize()) >> 20}, nil
}
