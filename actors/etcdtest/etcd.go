// Package etcdtest starts etcd for tests.
package etcdtest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
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
	URL string // http://127.0.0.1:port, or https:// with TLS

	t      testing.TB
	dir    string
	peer   string
	health string
	guards []string    // further arguments
	tls    *tls.Config // of the test's own client; nil: none
	login  User        // the same
	cmd    *exec.Cmd
	ended  chan error // what its process ended with
}

// Start starts a server, which ends with the test. Without etcd the test is skipped.
func Start(t testing.TB) *Server { return start(t, "http://", nil) }

// StartTLS starts a server that talks to nobody without a certificate. The files are its own certificate, for 127.0.0.1 and
// for both sides of a connection, and whoever signs all of them.
func StartTLS(t testing.TB, cert, key, ca string) *Server {
	t.Helper()
	own, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	pem, err := os.ReadFile(ca)
	if err != nil {
		t.Fatal(err)
	}
	signers := x509.NewCertPool()
	signers.AppendCertsFromPEM(pem)
	return start(t, "https://", &tls.Config{Certificates: []tls.Certificate{own}, RootCAs: signers, MinVersion: tls.VersionTLS12},
		"--cert-file", cert, "--key-file", key, "--trusted-ca-file", ca, "--client-cert-auth")
}

func start(t testing.TB, scheme string, secured *tls.Config, guards ...string) *Server {
	t.Helper()
	if _, err := exec.LookPath("etcd"); err != nil {
		t.Skip("etcd is not installed (Debian: apt-get install etcd-server), so no cluster can be tried")
	}
	s := &Server{t: t, dir: filepath.Join(t.TempDir(), "etcd"), URL: scheme + FreeAddr(t), peer: "http://" + FreeAddr(t),
		guards: guards, tls: secured}
	if s.health = s.URL; secured != nil { // there it is for nobody without a certificate
		s.health = "http://" + FreeAddr(t)
		s.guards = append(s.guards, "--listen-metrics-urls", s.health)
	}
	s.Again()
	t.Cleanup(s.Stop)
	return s
}

// User is one who may log in. Prefix begins the keys that they may read; "": none.
type User struct {
	Name, Password, Prefix string
	Writes                 bool // may write them, too
}

// Users has the server talk to nobody else from now on.
func (s *Server) Users(users ...User) {
	s.t.Helper()
	root := User{Name: "root", Password: "the root of a test"}
	client := s.client()
	defer func() { _ = client.Close() }()
	ctx := s.t.Context()
	for _, u := range append(users, root) {
		_, err := client.UserAdd(ctx, u.Name, u.Password)
		s.must(err)
		if u.Prefix != "" {
			may := clientv3.PermissionType(clientv3.PermRead)
			if u.Writes {
				may = clientv3.PermissionType(clientv3.PermReadWrite)
			}
			_, err = client.RoleAdd(ctx, u.Name)
			s.must(err)
			_, err = client.RoleGrantPermission(ctx, u.Name, u.Prefix, clientv3.GetPrefixRangeEnd(u.Prefix), may)
			s.must(err)
		}
		if u.Prefix != "" || u == root {
			_, err = client.UserGrantRole(ctx, u.Name, u.Name)
			s.must(err)
		}
	}
	_, err := client.AuthEnable(ctx)
	s.must(err)
	s.login = root
}

func (s *Server) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal("etcd: ", err)
	}
}

// Again starts the server after Stop, with what it had stored.
func (s *Server) Again() {
	s.t.Helper()
	s.run()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for !s.healthy(ctx) {
		select {
		case <-ctx.Done():
			s.t.Fatalf("etcd is not ready after %s", patience)
		case err := <-s.ended: // a connection of somebody else has its port just now
			s.t.Logf("etcd ended while it started, and is started again: %v", err)
			s.run()
		case <-look.C:
		}
	}
}

// run starts the server's process.
func (s *Server) run() {
	s.t.Helper()
	cmd := exec.Command("etcd", append([]string{"--name", "test", "--data-dir", s.dir, "--unsafe-no-fsync",
		"--listen-client-urls", s.URL, "--advertise-client-urls", s.URL,
		"--listen-peer-urls", s.peer, "--initial-advertise-peer-urls", s.peer, "--initial-cluster", "test=" + s.peer,
		"--bcrypt-cost", "4", // so that no login waits for a busy machine
		"--logger", "zap", "--log-level", "error"}, s.guards...)...)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	s.cmd, s.ended = cmd, ended
}

func (s *Server) healthy(ctx context.Context) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.health+"/health", nil)
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
	if err := <-s.ended; err != nil && !errors.As(err, &exit) {
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
func (s *Server) DeleteMember(addr string) { s.deleteMember(addr, false) }

// RemakeMember deletes it, and writes it anew: as a node does that does not know that its lease has ended.
func (s *Server) RemakeMember(addr string) { s.deleteMember(addr, true) }

func (s *Server) deleteMember(addr string, anew bool) {
	s.t.Helper()
	client := s.client()
	defer func() { _ = client.Close() }()
	all, err := client.Get(s.t.Context(), "/topicdesk/", clientv3.WithPrefix())
	s.must(err)
	for _, kv := range all.Kvs {
		if !strings.Contains(string(kv.Value), `"addr":"`+addr+`"`) {
			continue
		}
		_, err := client.Delete(s.t.Context(), string(kv.Key))
		s.must(err)
		if anew {
			_, err = client.Put(s.t.Context(), string(kv.Key), string(kv.Value))
			s.must(err)
		}
	}
}

// PutMember writes the key of a member of a cluster, for good.
func (s *Server) PutMember(cluster, id, addr string) {
	s.t.Helper()
	client := s.client()
	defer func() { _ = client.Close() }()
	value := fmt.Sprintf(`{"id":%q,"addr":%q,"kinds":["shard"]}`, id, addr)
	if _, err := client.Put(s.t.Context(), "/topicdesk/"+cluster+"/nodes/"+id, value); err != nil {
		s.t.Fatal(err)
	}
}

// Awaits waits until there is a key that begins so.
func (s *Server) Awaits(prefix string) {
	s.t.Helper()
	client := s.client()
	defer func() { _ = client.Close() }()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	// From the first revision on, so that it does not matter which comes first.
	for change := range client.Watch(ctx, prefix, clientv3.WithPrefix(), clientv3.WithRev(1)) {
		if len(change.Events) > 0 {
			return
		}
	}
	s.t.Fatalf("there is no key %s…", prefix)
}

func (s *Server) client() *clientv3.Client {
	s.t.Helper()
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{s.URL}, TLS: s.tls,
		Username: s.login.Name, Password: s.login.Password, Logger: zap.NewNop()})
	s.must(err)
	return client
}
