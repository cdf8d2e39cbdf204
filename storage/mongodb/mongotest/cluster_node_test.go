package mongotest_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

const (
	kill = syscall.SIGKILL
	term = syscall.SIGTERM
)

// node is one process, with a supervisor that starts it again when it ends by itself.
type node struct {
	d           *desks
	t           *testing.T // the whole test, which outlives its cases
	program     string     // its path
	dir         string     // in which it runs
	peers, http string     // its addresses
	prefix      []string   // of its command line: it runs in another network
	env         []string
	log         safeBuffer
	ends        atomic.Int32 // how often it has ended by itself
	status      atomic.Int32 // with which it did so last
	statuses    chan int     // with which it ended on purpose

	mu   sync.Mutex
	cmd  *exec.Cmd
	down bool // on purpose
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
	to io.Writer // it is written there too; nil: nowhere else
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.to != nil {
		_, _ = s.to.Write(p)
	}
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// start starts the process, and a supervisor.
func (n *node) start() {
	n.d.Helper()
	n.mu.Lock()
	n.down = false
	n.mu.Unlock()
	must(n.d.T, n.run())
	go n.supervise()
}

func (n *node) run() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.down {
		return nil
	}
	args := append(append([]string{}, n.prefix...), n.program, "serve")
	n.cmd = exec.Command(args[0], args[1:]...)
	n.cmd.Env, n.cmd.Stderr, n.cmd.Dir = append(os.Environ(), n.env...), &n.log, n.dir
	return n.cmd.Start()
}

func (n *node) supervise() {
	for {
		_ = n.cmd.Wait()
		n.mu.Lock()
		down := n.down
		n.mu.Unlock()
		if down {
			n.statuses <- n.cmd.ProcessState.ExitCode()
			return
		}
		n.status.Store(int32(n.cmd.ProcessState.ExitCode()))
		n.ends.Add(1)
		<-time.After(200 * time.Millisecond)
		if err := n.run(); err != nil {
			n.t.Errorf("%s: %v", n.http, err)
			return
		}
	}
}

func (n *node) signal(s syscall.Signal) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.cmd != nil {
		_ = n.cmd.Process.Signal(s)
	}
}

// expected has the supervisor start the process no more.
func (n *node) expected() (running bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	running = n.cmd != nil && !n.down
	n.down = true
	return running
}

// end has the process end for good, and returns its status.
func (n *node) end(s syscall.Signal) int {
	if !n.expected() {
		return 0
	}
	n.signal(s)
	return n.ended(s.String())
}

// ended waits until the process has ended because of something, and returns its status.
func (n *node) ended(why string) int {
	select {
	case status := <-n.statuses:
		return status
	case <-time.After(30 * time.Second):
		n.t.Errorf("%s goes on after %s", n.http, why)
		n.signal(kill)
		return <-n.statuses
	}
}

// fenced waits until a node has ended by itself, once more than before, as one that must not go on.
func (d *desks) fenced(n *node, before int32) {
	d.Helper()
	d.await("it has fenced itself", func() bool { return n.ends.Load() == before+1 })
	if status := n.status.Load(); status != statusFenced {
		d.Errorf("it ended with %d, want %d", status, statusFenced)
	}
	if said := n.log.String(); !strings.Contains(said, "fenced: this process ends") {
		d.Errorf("it does not say that it was fenced:\n%s", tail(said, 20))
	}
	d.await("its supervisor has started it again", n.ready)
}

// statusFenced is that of a node that must not go on.
const statusFenced = 3

// Readiness takes its time where FerretDB has a queue; whether the process lives is known at once.
var (
	readiness = &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	liveness  = &http.Client{Timeout: forms(time.Second, 500*time.Millisecond), Transport: &http.Transport{DisableKeepAlives: true}}
)

// ready asks whether a node is ready.
func (n *node) ready() bool {
	answer, err := readiness.Get("http://" + n.http + "/readyz")
	if err != nil {
		return false
	}
	_ = answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// silent asks whether a node lives; true: it does not answer in time.
func (n *node) silent() bool {
	answer, err := liveness.Get("http://" + n.http + "/healthz")
	if err != nil {
		var limit interface{ Timeout() bool }
		return errors.As(err, &limit) && limit.Timeout()
	}
	_ = answer.Body.Close()
	return false
}

// place is where a node runs: its addresses, and how it reaches what the test has on 127.0.0.1.
type place struct {
	peers, http   string
	prefix        []string // of its command line
	etcd, storage string   // through which of the host's addresses; "": directly
}

func (p place) reach(t *testing.T, address string) string      { return through(t, p.etcd, address) }
func (p place) reachStore(t *testing.T, address string) string { return through(t, p.storage, address) }

// through is an address at another host, where the connections are passed on from.
func through(t *testing.T, host, address string) string {
	t.Helper()
	if host == "" {
		return address
	}
	u, err := url.Parse(address)
	must(t, err)
	u.Host = newRelay(t, host, u.Host).addr
	return u.String()
}

// network is a network of its own for the third node, which reaches the other nodes and etcd by one line, and MongoDB,
// Telegram and whoever calls its API by another. The first can be cut.
type network struct {
	t          *testing.T
	name       string
	peers, api string // the first three numbers of addresses
}

// newNetwork makes a network where the test may: as root, with Debian's iproute2.
func newNetwork(t *testing.T) *network {
	if _, err := exec.LookPath("ip"); err != nil || os.Getuid() != 0 {
		t.Log("no node is cut off: that needs root and the command ip (Debian: apt-get install iproute2)")
		return nil
	}
	id := os.Getpid() % 100_000
	n := &network{t: t, name: fmt.Sprintf("td%d", id), peers: fmt.Sprintf("198.18.%d", id%100*2),
		api: fmt.Sprintf("198.18.%d", id%100*2+1)}
	if out, err := exec.Command("ip", "netns", "add", n.name).CombinedOutput(); err != nil {
		t.Logf("no node is cut off: a network can't be made: %s", out)
		return nil
	}
	t.Cleanup(func() {
		n.ip("netns", "del", n.name) // with its ends of the lines
		n.ip("link", "del", n.name+"b")
	})
	n.ip("link", "add", n.name+"b", "type", "bridge")
	n.ip("addr", "add", n.peers+".1/24", "dev", n.name+"b")
	n.ip("addr", "add", n.peers+".2/24", "dev", n.name+"b")
	n.ip("link", "set", n.name+"b", "up")
	n.line("p", n.peers)
	n.cut(false)
	n.line("a", n.api)
	n.ip("addr", "add", n.api+".1/24", "dev", n.name+"a")
	n.ip("-n", n.name, "link", "set", "lo", "up")
	return n
}

// line makes a line into the network.
func (n *network) line(suffix, numbers string) {
	n.t.Helper()
	n.ip("link", "add", n.name+suffix, "type", "veth", "peer", "name", suffix, "netns", n.name)
	n.ip("-n", n.name, "addr", "add", numbers+".3/24", "dev", suffix)
	n.ip("-n", n.name, "link", "set", "dev", suffix, "up")
	n.ip("link", "set", n.name+suffix, "up")
}

func (n *network) ip(args ...string) {
	n.t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		n.t.Fatalf("ip %s: %v %s", strings.Join(args, " "), err, out)
	}
}

// cut has what travels between the third node, the others and etcd vanish.
func (n *network) cut(off bool) {
	n.t.Helper()
	if off {
		n.ip("link", "set", n.name+"p", "nomaster")
	} else {
		n.ip("link", "set", n.name+"p", "master", n.name+"b")
	}
}

func (n *network) places() []place {
	return []place{{peers: n.peers + ".1", http: "127.0.0.1"}, {peers: n.peers + ".2", http: "127.0.0.2"},
		{peers: n.peers + ".3", http: n.api + ".3", prefix: []string{"ip", "netns", "exec", n.name},
			etcd: n.peers + ".1", storage: n.api + ".1"}}
}
