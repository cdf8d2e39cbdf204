package mongotest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/actors/etcdtest"
	"github.com/topicdesk/topicdesk/simulator"
)

// desks is a desk of several nodes: processes of the program, which the test ends, over one database and one etcd, and a
// balancer before them.
type desks struct {
	*service // its settings and its people; its own process is not started
	etcd     *etcdtest.Server
	nodes    []*node
	pairs    []pair
	said     int
	balancer atomic.Int32
}

// node is one process, with a supervisor that starts it again when it has fenced itself.
type node struct {
	d        *desks
	host     string
	env      []string
	mu       sync.Mutex
	cmd      *exec.Cmd
	down     bool // on purpose
	log      safeBuffer
	fences   atomic.Int32
	statuses chan int // with which it ended on purpose
}

// pair is a ticket with its two topics.
type pair struct {
	home, there int
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// newDesks prepares a desk of n nodes; none runs yet.
func newDesks(t *testing.T, n int, mode string) *desks {
	etcd := etcdtest.Start(t)
	d := &desks{service: newService(t), etcd: etcd}
	balancer, err := d.balance()
	must(t, err)
	files := t.TempDir()
	for i := range n {
		host := fmt.Sprintf("127.0.0.%d", i+1)
		// What is set last counts.
		env := append(slices.Clone(d.env), "TELEGRAM_MODE="+mode, "TELEGRAM_WEBHOOK_URL="+balancer+"/telegram/webhook",
			"HTTP_ADDR="+host+":18080", "DATA_DIR="+t.TempDir(), "FILES_URL=file://"+files+"?shared=true",
			"SECRETS_KEY="+strings.Repeat("k", 32), "CLUSTER_PROVIDER=etcd", "CLUSTER_ADDR="+host+":17373",
			"ETCD_ENDPOINTS="+etcd.URL)
		d.nodes = append(d.nodes, &node{d: d, host: host, env: env, statuses: make(chan int, 10)})
	}
	t.Cleanup(func() {
		for _, n := range d.nodes {
			n.kill()
			if t.Failed() {
				t.Logf("%s:\n%s", n.host, tail(n.log.String(), 60))
			}
		}
		if t.Failed() {
			for _, g := range []int64{d.support, d.works} {
				for _, m := range d.sim.Messages(g, simulator.AllThreads) {
					t.Logf("%d/%d %s: %.100q", g, m.Thread, m.From.Name, m.Text)
				}
			}
			t.Logf("%d updates are not taken", d.sim.Pending())
		}
	})
	return d
}

func tail(text string, n int) string {
	lines := strings.Split(text, "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// start starts the process, and again whenever it ends by itself.
func (n *node) start() {
	n.d.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.down = false
	cmd := exec.Command(n.d.path, "serve")
	cmd.Env, cmd.Stderr, cmd.Dir = append(os.Environ(), n.env...), &n.log, n.d.TempDir()
	must(n.d.T, cmd.Start())
	n.cmd = cmd
	go func() {
		_ = cmd.Wait()
		n.mu.Lock()
		down := n.down
		n.mu.Unlock()
		if down {
			n.statuses <- cmd.ProcessState.ExitCode()
			return
		}
		n.fences.Add(1)
		time.Sleep(200 * time.Millisecond)
		n.mu.Lock()
		down = n.down
		n.mu.Unlock()
		if !down {
			n.start()
		}
	}()
}

func (n *node) signal(s syscall.Signal) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.cmd != nil {
		_ = n.cmd.Process.Signal(s)
	}
}

// end has the process end for good, and returns its status.
func (n *node) end(s syscall.Signal) int {
	n.mu.Lock()
	running := n.cmd != nil && !n.down
	n.down = true
	n.mu.Unlock()
	if !running {
		return 0
	}
	n.signal(s)
	select {
	case status := <-n.statuses:
		return status
	case <-time.After(30 * time.Second):
		n.signal(syscall.SIGKILL)
		return <-n.statuses
	}
}

func (n *node) kill() { n.end(syscall.SIGKILL) }

func (n *node) ready() bool {
	answer, err := (&http.Client{Timeout: 2 * time.Second}).Get("http://" + n.host + ":18080/readyz")
	if err != nil {
		return false
	}
	_ = answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// balance starts a balancer, which tries the next node when one can't be reached or answers 503.
func (d *desks) balance() (url string, err error) {
	client := &http.Client{Timeout: 20 * time.Second}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		for range d.nodes {
			n := d.nodes[int(d.balancer.Add(1))%len(d.nodes)]
			call, err := http.NewRequestWithContext(r.Context(), r.Method, "http://"+n.host+":18080"+r.URL.RequestURI(), bytes.NewReader(body))
			if err != nil {
				continue
			}
			call.Header = r.Header.Clone()
			answer, err := client.Do(call)
			if err != nil {
				continue
			}
			said, err := io.ReadAll(answer.Body)
			_ = answer.Body.Close()
			if err != nil || answer.StatusCode == http.StatusServiceUnavailable {
				continue
			}
			w.WriteHeader(answer.StatusCode)
			_, _ = w.Write(said)
			return
		}
		w.WriteHeader(http.StatusServiceUnavailable)
	})}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			fmt.Fprintln(os.Stderr, "balancer:", err)
		}
	}()
	d.Cleanup(func() { _ = server.Close() })
	return "http://" + l.Addr().String(), nil
}

// begin starts the nodes at once on an empty database, and opens tickets with two topics each.
func (d *desks) begin(tickets int) {
	d.Helper()
	start := time.Now()
	took := func(what string) { d.Logf("%s after %v", what, time.Since(start).Round(10*time.Millisecond)) }
	for _, n := range d.nodes {
		n.start()
	}
	for _, g := range []int64{d.support, d.works} {
		must(d.T, d.sim.SetBot(g, simulator.Administrator, simulator.BotRights{CanManageTopics: true, CanPinMessages: true}))
	}
	for _, n := range d.nodes {
		d.await(n.host+" is ready", n.ready)
	}
	took("ready")
	d.say(d.bob, d.works, 0, "/default_group")
	d.await("a default group", func() bool { return d.sim.Pending() == 0 })
	for i := range tickets {
		d.say(d.alice, d.support, 0, fmt.Sprintf("/create_ticket Printer-%d.", i))
	}
	for i := range tickets {
		title := fmt.Sprintf("Printer-%d.", i)
		d.await("the topic of "+title, func() bool { return d.topic(d.support, title) != 0 })
		d.say(d.alice, d.support, d.topic(d.support, title), "/mention @bob_b")
		d.await("bob's topic of "+title, func() bool { return d.topic(d.works, title) != 0 })
		took(title)
		d.pairs = append(d.pairs, pair{d.topic(d.support, title), d.topic(d.works, title)})
	}
	d.talk(1)
	d.arrived()
}

// topic is the thread whose name contains the title; 0: there is none.
func (d *desks) topic(group int64, title string) int {
	for _, t := range d.sim.Topics(group) {
		if strings.Contains(t.Name, title) {
			return t.Thread
		}
	}
	return 0
}

// talk has Alice say n messages in the home topic of each ticket.
func (d *desks) talk(n int) {
	d.Helper()
	for range n {
		d.said++
		for _, p := range d.pairs {
			d.say(d.alice, d.support, p.home, fmt.Sprintf("it says m-%04d", d.said))
		}
	}
}

// arrived waits until all that was said is copied, checks the order, and returns how many came again.
func (d *desks) arrived() (again int) {
	d.Helper()
	var want []string
	for i := range d.said {
		want = append(want, fmt.Sprintf("m-%04d", i+1))
	}
	for i, p := range d.pairs {
		d.await(fmt.Sprintf("all of ticket %d", i), func() bool {
			got, _ := d.heard(d.works, p.there)
			return len(got) >= len(want)
		})
		got, twice := d.heard(d.works, p.there)
		again += twice
		if !slices.Equal(got, want) {
			d.Errorf("ticket %d: got %v, want %v", i, got, want)
		}
	}
	d.await("every update is taken", func() bool { return d.sim.Pending() == 0 })
	return again
}

// trouble does something to the nodes while people talk, and returns how many copies came again because of it.
func (d *desks) trouble(what string, most int, f func()) {
	d.Helper()
	before := d.arrived()
	d.talk(2)
	f()
	began := time.Now()
	d.talk(2)
	again := d.arrived() - before
	d.Logf("%s: all was there after %v, %d came again", what, time.Since(began).Round(10*time.Millisecond), again)
	if again > most {
		d.Errorf("%s: %d came again, want %d at most", what, again, most)
	}
}

func TestClusterLosesNothing(t *testing.T) { // not parallel: its nodes have addresses of their own
	for _, mode := range []string{"webhook", "polling"} {
		t.Run(mode, func(t *testing.T) {
			d := newDesks(t, 3, mode)
			d.begin(6)
			d.trouble("SIGKILL", 10, func() { d.nodes[1].kill() })
			d.trouble("a node joins", 3, func() { d.nodes[1].start(); d.await("it is ready", d.nodes[1].ready) })
			d.trouble("SIGTERM", 3, func() {
				if status := d.nodes[2].end(syscall.SIGTERM); status != 0 {
					t.Errorf("it ended with %d", status)
				}
			})
			d.nodes[2].start()
			d.await("it is ready", d.nodes[2].ready)
			d.trouble("SIGSTOP for 8 s", 10, func() {
				d.nodes[0].signal(syscall.SIGSTOP)
				time.Sleep(8 * time.Second)
				d.nodes[0].signal(syscall.SIGCONT)
				d.await("it has fenced itself", func() bool { return d.nodes[0].fences.Load() == 1 })
			})
			d.await("it is ready", d.nodes[0].ready)
			d.trouble("etcd restarts", 3, func() {
				d.etcd.Stop()
				time.Sleep(5 * time.Second)
				d.etcd.Again()
			})
			d.trouble("MongoDB is away", 10, func() {
				d.server.Away(true)
				time.Sleep(5 * time.Second)
				d.server.Away(false)
			})
			if d.nodes[0].fences.Load() != 1 || d.nodes[1].fences.Load()+d.nodes[2].fences.Load() != 0 {
				t.Error("a node has fenced itself without need")
			}
			d.awaitNodes(3, mode == "polling")
			d.trouble("drain", 3, func() {
				n := d.nodes[1]
				n.mu.Lock()
				n.down = true
				n.mu.Unlock()
				d.command(d.nodes[0], "cluster", "drain", "--node", n.host+":17373")
				if status := <-n.statuses; status != 0 {
					t.Errorf("it ended with %d", status)
				}
			})
			d.awaitNodes(2, mode == "polling")
		})
	}
}

// command runs the program with the settings of a node, and returns what it prints.
func (d *desks) command(n *node, args ...string) string {
	d.Helper()
	cmd := exec.Command(d.path, args...)
	cmd.Env, cmd.Dir = append(os.Environ(), n.env...), d.TempDir()
	out, err := cmd.CombinedOutput()
	if err != nil {
		d.Fatalf("%v: %v\n%s", args, err, out)
	}
	return string(out)
}

// awaitNodes waits until the first node shows so many, which have all shards together, and of which one polls.
func (d *desks) awaitNodes(count int, polling bool) {
	d.Helper()
	var out string
	d.await(fmt.Sprintf("%d nodes", count), func() bool {
		out = d.command(d.nodes[0], "cluster", "status", "--json")
		var got struct {
			Nodes []struct {
				Addr    string
				Shards  int
				Polls   bool
				Trouble *string
			}
		}
		must(d.T, json.Unmarshal([]byte(out), &got))
		shards, polls := 0, 0
		for _, n := range got.Nodes {
			shards += n.Shards
			if n.Polls {
				polls++
			}
		}
		return len(got.Nodes) == count && shards == 256 && (polls == 1) == polling
	})
	d.Log(out)
}
