package main

import (
	"context"
	"errors"
	"fmt"
	"io"
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

// benchService is the measured service: one process, or the nodes of a cluster.
type benchService struct {
	addr  string // of the first node
	nodes []*benchNode
}

// benchNode is one process of the service.
type benchNode struct {
	cmd   *exec.Cmd
	addr  string
	done  chan error
	storm io.Writer // takes what its storm is to be; nil: it has none
}

func startService(ctx context.Context, o benchOptions, w *benchWorld) (*benchService, error) {
	s := &benchService{}
	return s, s.start(ctx, o, w)
}

func (s *benchService) start(ctx context.Context, o benchOptions, w *benchWorld) error {
	s.nodes = nil
	for i := range max(1, o.nodes) {
		n := &benchNode{}
		var err error
		if n.addr, err = freeAddress(); err != nil {
			return err
		}
		if s.nodes = append(s.nodes, n); i == 0 {
			s.addr = n.addr
		}
		if err := n.start(o, w, i, s.addr); err != nil {
			return err
		}
	}
	for _, n := range s.nodes {
		if err := n.ready(ctx); err != nil {
			return err
		}
	}
	return nil
}

func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// start starts node i. Telegram sends its updates to the first one, or that one asks for them.
func (n *benchNode) start(o benchOptions, w *benchWorld, i int, first string) error {
	program := o.program
	var err error
	if program == "" {
		if program, err = os.Executable(); err != nil {
			return err
		}
	}
	args := []string{"serve"}
	if o.storm {
		args = []string{"bench", "serve-storm"}
	}
	if o.profile != "" && i == 0 {
		profile, err := filepath.Abs(o.profile) // the service's working directory is another one
		if err != nil {
			return err
		}
		args = append(args, "--cpuprofile", profile)
	}
	n.cmd = exec.Command(program, args...)
	n.cmd.Dir = o.keep
	n.cmd.Env = append(os.Environ(),
		"TELEGRAM_BOT_TOKEN="+benchToken, "TELEGRAM_API_URL="+w.running.URL, "TELEGRAM_MODE="+o.mode,
		"TELEGRAM_WEBHOOK_URL=", "HTTP_ADDR="+n.addr, "API_ADDRESS_PER_SECOND=0",
		"DATABASE_URL=sqlite://"+filepath.Join(o.keep, benchDatabase), "DATA_DIR="+o.keep,
		"TELEGRAM_GLOBAL_PER_SECOND=0", "TELEGRAM_CHAT_PER_SECOND=0", "TELEGRAM_GROUP_PER_MINUTE=0",
		"LOG_LEVEL=error", "GROUPS_ALLOWED=", "WEBHOOK_ALLOW_NETWORKS=127.0.0.0/8")
	if o.mode == "webhook" {
		n.cmd.Env = append(n.cmd.Env, "TELEGRAM_WEBHOOK_URL=http://"+first+"/telegram/webhook")
	}
	if o.database != "" {
		n.cmd.Env = append(n.cmd.Env, "DATABASE_URL="+o.database)
	}
	if o.etcd != "" {
		n.cmd.Env = append(n.cmd.Env, "CLUSTER_PROVIDER=etcd", "ETCD_ENDPOINTS="+o.etcd,
			fmt.Sprintf("CLUSTER_ADDR=127.0.0.%d:%d", i+1, benchClusterPort), "SECRETS_KEY="+strings.Repeat("bench", 8),
			"DATA_DIR="+filepath.Join(o.keep, fmt.Sprint("node", i)), "FILES_URL=file://"+filepath.Join(o.keep, "files")+"?shared=true")
	}
	n.cmd.Env = append(n.cmd.Env, o.env...)
	n.cmd.Stderr = os.Stderr
	if o.storm {
		n.cmd.Stderr = nil // what is logged is written, and read by nobody
		if n.storm, err = n.cmd.StdinPipe(); err != nil {
			return err
		}
	}
	if err := n.cmd.Start(); err != nil {
		return fmt.Errorf("can't start the service: %w", err)
	}
	n.done = make(chan error, 1)
	go func() { n.done <- n.cmd.Wait() }()
	return nil
}

// benchClusterPort is where nodes reach each other, on an address of its own each.
const benchClusterPort = 17474

// ready waits until the node says that it is.
func (n *benchNode) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	for {
		resp, err := http.Get("http://" + n.addr + "/readyz")
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case err := <-n.done:
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

// endsWithin is how long the service may take to end.
const endsWithin = 20 * time.Second

// stop asks the service to end and waits for it.
func (s *benchService) stop() error {
	for _, n := range s.nodes {
		if err := n.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			return err
		}
	}
	inVain := time.After(endsWithin)
	for _, n := range s.nodes {
		select {
		case err := <-n.done:
			if n.done <- err; err != nil {
				return err
			}
		case <-inVain:
			return fmt.Errorf("the service did not stop within %v", endsWithin)
		}
	}
	return nil
}

// why adds to an error how a node ended by itself, if one did. One that stops refuses connections some time before it has ended.
func (s *benchService) why(err error) error {
	until := time.Now()
	if errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF) {
		until = until.Add(endsWithin)
	}
	for {
		for _, n := range s.nodes {
			select {
			case ended := <-n.done:
				n.done <- ended
				if ended == nil {
					ended = errors.New("it was asked to stop")
				}
				return fmt.Errorf("%w: the service ended: %w (see its output)", err, ended)
			default:
			}
		}
		if !time.Now().Before(until) {
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (s *benchService) kill() {
	for _, n := range s.nodes {
		_ = n.cmd.Process.Kill()
	}
}

// usage is what the service has used so far: the time of all nodes, and the memory of the largest.
type usage struct {
	cpu        time.Duration
	residentMB int64
}

func (s *benchService) usage() (all usage, err error) {
	for _, n := range s.nodes {
		used, err := n.usage()
		if err != nil {
			return usage{}, err
		}
		all.cpu, all.residentMB = all.cpu+used.cpu, max(all.residentMB, used.residentMB)
	}
	return all, nil
}

// usage reads /proc. On other systems than Linux it is zero.
func (n *benchNode) usage() (usage, error) {
	dir := filepath.Join("/proc", strconv.Itoa(n.cmd.Process.Pid))
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
