package mongotest_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/actors/etcdtest"
	"github.com/topicdesk/topicdesk/simulator"
)

// desks is a desk of three nodes: processes of the program, which the test ends, over one database and one etcd, with a
// balancer before them, an endpoint for webhooks, and a reader of the feed.
type desks struct {
	*service // its settings and its people; its own process is not started
	etcd     *etcdtest.Server
	net      *network // of the third node; nil: it is not the test's to cut
	nodes    []*node
	mode     string // polling or webhook
	database string // its name
	balancer *balancer
	events   *events
	heart    *heart

	mu    sync.Mutex // of what follows
	lines []*line

	figures []figures // of the cases so far
}

// line is a ticket between two groups of its own, so that no two have an entity in common, and what is said there.
type line struct {
	title, colleague  string
	worker            int64 // the colleague, who owns the other group
	home, there       int64 // the groups
	thread, thereTo   int   // the topics in them
	ticket            string
	entities          [][2]string // by kind and identity
	said, came, again map[string]time.Time
	words             []string       // in the order in which they were said, without those that were lost
	edited            []string       // those whose messages were edited
	posts             map[string]int // the message of each word
	spoken            int            // how many were said
}

// newDesks prepares a desk of three nodes over an empty database; none of them runs yet. Nodes trust those that the authority
// signed; nil: they talk in the clear.
func newDesks(t *testing.T, mode string, signs *etcdtest.Authority) *desks {
	network := newNetwork(t)
	if network == nil {
		return desksAt(t, mode, signs, nil, loopback(3))
	}
	return desksAt(t, mode, signs, network, network.places())
}

// loopback are places for so many nodes, on this machine's own addresses.
func loopback(nodes int) (places []place) {
	for i := range nodes {
		host := fmt.Sprintf("127.0.0.%d", i+1)
		places = append(places, place{peers: host, http: host})
	}
	return places
}

func desksAt(t *testing.T, mode string, signs *etcdtest.Authority, network *network, places []place) *desks {
	d := &desks{etcd: etcdtest.Start(t), service: newService(t), net: network, mode: mode}
	d.heart = newHeart(t, d.server.URI())
	d.balancer = newBalancer(d)
	d.events = newEvents(d)
	files := t.TempDir()
	d.database = newDatabase()
	d.opener.dropAtEnd(t, d.database)
	peers := d.peers(places)
	for i, at := range places {
		trust := []string{"CLUSTER_INSECURE=true"}
		if signs != nil {
			trust = clusterTLS(signs, at.peers)
		}
		n := &node{d: d, t: t, program: d.path, dir: t.TempDir(), peers: peers[i], http: at.http + ":" + freePort(t, at),
			prefix: at.prefix, statuses: make(chan int, 1)}
		n.keepLog(len(d.nodes))
		// What is set last counts.
		n.env = append(slices.Concat(d.env, n.env, trust), "TELEGRAM_MODE="+mode, "TELEGRAM_WEBHOOK_URL="+d.balancer.url+"/telegram/webhook",
			"HTTP_ADDR="+n.http, "DATA_DIR="+t.TempDir(), "FILES_URL=file://"+files+"?shared=true",
			"SECRETS_KEY="+strings.Repeat("k", 32), "WEBHOOK_ALLOW_NETWORKS=127.0.0.0/8,198.18.0.0/15",
			"CLUSTER_PROVIDER=etcd", "CLUSTER_ADDR="+n.peers, "ETCD_ENDPOINTS="+at.reach(t, d.etcd.URL),
			"DATABASE_URL="+databaseURL(t, at.reachStore(t, d.server.URI()), d.database), "TELEGRAM_API_URL="+at.reachStore(t, setting(d.env, "TELEGRAM_API_URL")))
		d.nodes = append(d.nodes, n)
	}
	for _, n := range d.nodes {
		d.balancer.watch(n)
	}
	d.sim.OnBotMessage(d.onCopy)
	t.Cleanup(func() {
		for _, n := range d.nodes {
			n.end(kill)
			if t.Failed() {
				t.Logf("%s:\n%s", n.http, tail(n.log.String(), 60))
			}
		}
	})
	return d
}

// peers are the addresses at which the nodes talk to each other. In polling mode the third one polls, when all are there, if it is the one
// that can be cut off.
func (d *desks) peers(places []place) (addrs []string) {
	for {
		addrs = nil
		for _, at := range places {
			addrs = append(addrs, at.peers+":"+freePort(d.T, at))
		}
		if d.mode != "polling" || d.net == nil || etcdtest.Owner(d.T, addrs, "poller", strconv.FormatInt(d.sim.BotID(), 10)) == addrs[2] {
			return addrs
		}
	}
}

func tail(text string, n int) string {
	lines := strings.Split(text, "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// setting is the value of a setting, of which the last counts.
func setting(env []string, name string) (value string) {
	for _, s := range env {
		if v, found := strings.CutPrefix(s, name+"="); found {
			value = v
		}
	}
	return value
}

// freePort is one that nobody listens on, and that no connection is given; in the other network all are free.
func freePort(t *testing.T, at place) string {
	t.Helper()
	host := at.peers
	if at.prefix != nil {
		host = "127.0.0.1"
	}
	for range 100 {
		port := strconv.Itoa(20_000 + rand.IntN(10_000))
		if l, err := net.Listen("tcp", net.JoinHostPort(host, port)); err == nil {
			must(t, l.Close())
			return port
		}
	}
	t.Fatal("no port is free")
	return ""
}

// patience is how long only a failing test waits.
const patience = 2 * time.Minute

func (d *desks) await(what string, cond func() bool) {
	d.Helper()
	if !d.within(patience, cond) {
		d.Fatalf("waited in vain: %s", what)
	}
}

// keepLog has what the node logs be kept in the folder that DESK_LOG names, if it names one.
func (n *node) keepLog(number int) {
	dir := os.Getenv("DESK_LOG")
	if dir == "" {
		return
	}
	file, err := os.OpenFile(filepath.Join(dir, fmt.Sprintf("%s-%d.log", strings.ReplaceAll(n.t.Name(), "/", "-"), number+1)),
		os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	must(n.t, err)
	n.t.Cleanup(func() { _ = file.Close() })
	n.log.to, n.env = file, []string{"LOG_LEVEL=debug"}
}

// together starts the nodes together on the empty database.
func (d *desks) together() {
	d.Helper()
	start := time.Now()
	for _, n := range d.nodes {
		n.start()
	}
	for _, n := range d.nodes {
		d.await(n.http+" is ready", n.ready)
	}
	for _, n := range d.nodes {
		if n.ends.Load() > 0 {
			d.Errorf("%s ended while all started on an empty database", n.http)
		}
	}
	d.Logf("%d nodes are ready after %v", len(d.nodes), time.Since(start).Round(10*time.Millisecond))
}

// begin starts the nodes, and opens the tickets.
func (d *desks) begin(lines int) {
	d.Helper()
	start := time.Now()
	d.together()
	must(d.T, d.server.Index(d.Context(), d.database))
	d.key()
	d.events.begin()
	d.open(lines)
	for _, l := range d.lines {
		d.identify(l)
		if d.mode == "polling" {
			l.entities = append(l.entities, [2]string{"poller", strconv.FormatInt(d.sim.BotID(), 10)})
		}
	}
	for _, l := range d.lines {
		d.talk(l)
	}
	d.arrived()
	d.Logf("%d tickets after %v", lines, time.Since(start).Round(10*time.Millisecond))
}

// identify asks the API what a ticket is called, and its entities. Nothing here opens the database, which brings its schema up to
// date: the nodes may be of a former release.
func (d *desks) identify(l *line) {
	d.Helper()
	ask := func(path string, answer any) {
		d.await(path, func() bool { // on a busy machine no node may be ready for a moment
			status, text := d.events.call(d.Context(), http.MethodGet, path, nil)
			return status == http.StatusOK && json.Unmarshal(text, answer) == nil
		})
	}
	var found struct{ Data []struct{ TicketID string } }
	ask(fmt.Sprintf("/tickets?groupId=%d", l.home), &found)
	if len(found.Data) != 1 {
		d.Fatalf("%s has %d tickets", l.title, len(found.Data))
	}
	l.ticket = found.Data[0].TicketID
	var links struct{ Data []struct{ LinkID string } }
	ask("/tickets/"+l.ticket+"/links", &links)
	chat := func(group int64) [2]string { return [2]string{"chat", fmt.Sprintf("g%d", group)} }
	l.entities = [][2]string{{"ticket", l.ticket}, chat(l.home), chat(l.there)}
	for _, link := range links.Data {
		l.entities = append(l.entities, [2]string{"link", link.LinkID})
	}
	if len(l.entities) != 4 {
		d.Fatalf("%s has the entities %v", l.title, l.entities)
	}
}

// open opens tickets, each with a topic in each of two groups.
func (d *desks) open(count int) {
	d.Helper()
	group := func(title string, creator int64) int64 {
		g, err := d.sim.AddGroup(simulator.Group{Title: title, Forum: true})
		must(d.T, err)
		must(d.T, d.sim.SetMember(g.ID, creator, simulator.Creator))
		must(d.T, d.sim.SetBot(g.ID, simulator.Administrator, simulator.BotRights{CanManageTopics: true, CanPinMessages: true}))
		return g.ID
	}
	var lines []*line
	for i := range count {
		l := &line{title: fmt.Sprintf("Printer-%d.", i), colleague: fmt.Sprintf("colleague_%d", i), said: map[string]time.Time{},
			came: map[string]time.Time{}, again: map[string]time.Time{}, posts: map[string]int{}}
		p, err := d.sim.AddPerson(simulator.Person{FirstName: l.colleague, Username: l.colleague, LanguageCode: "en"})
		must(d.T, err)
		l.worker, l.home, l.there = p.ID, group("Support "+l.title, d.alice), group("Works "+l.title, p.ID)
		d.say(p.ID, l.there, 0, "/default_group")
		d.say(d.alice, l.home, 0, "/create_ticket "+l.title)
		lines = append(lines, l)
	}
	for _, l := range lines {
		d.await("the topic of "+l.title, func() bool { l.thread = d.topic(l.home, l.title); return l.thread != 0 })
	}
	d.await("the default groups", func() bool { return d.sim.Pending() == 0 })
	for _, l := range lines {
		d.say(d.alice, l.home, l.thread, "/mention @"+l.colleague)
	}
	for _, l := range lines {
		d.await("the other topic of "+l.title, func() bool { l.thereTo = d.topic(l.there, l.title); return l.thereTo != 0 })
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = lines
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

// command runs a node's program with its settings, and returns what it prints.
func (d *desks) command(n *node, args ...string) string {
	d.Helper()
	cmd := exec.Command(n.program, args...)
	cmd.Env, cmd.Dir = append(os.Environ(), n.env...), d.TempDir()
	out, err := cmd.Output()
	if err != nil {
		d.Fatalf("%v: %v\n%s", args, err, out)
	}
	return string(out)
}
