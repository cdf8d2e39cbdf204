// Package etcdtest starts etcd for tests.
package etcdtest

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// patience is how long etcd may take to start.
const patience = 20 * time.Second

// Server is an etcd server of one test.
type Server struct {
	URL string // http://127.0.0.1:port

	t    testing.TB
	dir  string
	peer string
	cmd  *exec.Cmd
}

// Start starts a server, which ends with the test. Without etcd the test is skipped.
func Start(t testing.TB) *Server {
	t.Helper()
	if _, err := exec.LookPath("etcd"); err != nil {
		t.Skip("etcd is not installed (Debian: apt-get install etcd-server), so no cluster can be tried")
	}
	s := &Server{t: t, dir: filepath.Join(t.TempDir(), "etcd"), URL: "http://" + FreeAddr(t), peer: "http://" + FreeAddr(t)}
	s.Again()
	t.Cleanup(s.Stop)
	return s
}

// Again starts the server after Stop, with what it had stored.
func (s *Server) Again() {
	s.t.Helper()
	s.cmd = exec.Command("etcd", "--name", "test", "--data-dir", s.dir, "--unsafe-no-fsync",
		"--listen-client-urls", s.URL, "--advertise-client-urls", s.URL,
		"--listen-peer-urls", s.peer, "--initial-advertise-peer-urls", s.peer, "--initial-cluster", "test="+s.peer,
		"--logger", "zap", "--log-level", "error")
	s.cmd.Stdout, s.cmd.Stderr = os.Stderr, os.Stderr
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for !s.healthy(ctx) {
		select {
		case <-ctx.Done():
			s.t.Fatalf("etcd is not ready after %s", patience)
		case <-look.C:
		}
	}
}

func (s *Server) healthy(ctx context.Context) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/health", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	_ = answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// Stop ends the server; what it stored stays.
func (s *Server) Stop() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	var exit *exec.ExitError
	if err := s.cmd.Wait(); err != nil && !errors.As(err, &exit) {
		s.t.Errorf("etcd: %v", err)
	}
	s.cmd = nil
}

// Pause stops the server's process until Resume.
func (s *Server) Pause() { s.signal(syscall.SIGSTOP) }

// Resume lets it go on.
func (s *Server) Resume() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(sig syscall.Signal) {
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Errorf("etcd: %v", err)
	}
}

// FreeAddr is an address of this machine that nobody listens on.
func FreeAddr(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// DeleteMember deletes the key of the member at an address, as the end of its lease does.
func (s *Server) DeleteMember(addr string) {
	s.t.Helper()
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{s.URL}, Logger: zap.NewNop()})
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	all, err := client.Get(s.t.Context(), "/topicdesk/", clientv3.WithPrefix())
	if err != nil {
		s.t.Fatal(err)
	}
	for _, kv := range all.Kvs {
		if strings.Contains(string(kv.Value), `"addr":"`+addr+`"`) {
			if _, err := client.Delete(s.t.Context(), string(kv.Key)); err != nil {
				s.t.Fatal(err)
			}
		}
	}
}
