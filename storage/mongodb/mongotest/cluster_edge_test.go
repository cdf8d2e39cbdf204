package mongotest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// balancer passes requests to the nodes that say that they are ready, in turn. It takes another one when a node can't be
// reached, or answers 503. What a node has begun is never begun anew at another one: an answer that does not come is a 502.
type balancer struct {
	d      *desks
	url    string
	client *http.Client
	turn   atomic.Int32
	ctx    context.Context // ends with the test
	looks  sync.WaitGroup

	mu      sync.Mutex
	gates   map[*node]*gate
	met     map[*node]map[int64]bool // which chats' updates a node has not taken
	refused int                      // updates, with 503
	slowest time.Duration            // of these
}

// gate is what the balancer knows of a node.
type gate struct {
	ready   bool
	late    bool            // it was silent at the last look
	current context.Context // of what it was asked; ends when it is given up
	end     func()
}

func (g *gate) renew() { g.current, g.end = context.WithCancel(context.Background()) }

// lookEvery is how often the balancer looks whether a node is ready.
const lookEvery = 200 * time.Millisecond

func newBalancer(d *desks) *balancer {
	t := d.T // the whole test, which outlives its cases
	b := &balancer{d: d, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100}}, gates: map[*node]*gate{},
		met: map[*node]map[int64]bool{}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(d.T, err)
	b.url = "http://" + l.Addr().String()
	server := &http.Server{Handler: b}
	var stop func()
	b.ctx, stop = context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	d.Cleanup(func() {
		stop()
		_ = server.Close()
		running.Wait()
		b.looks.Wait()
		b.client.CloseIdleConnections()
	})
	return b
}

// watch begins to look at a node.
func (b *balancer) watch(n *node) {
	for _, look := range []func(){func() { b.isReady(n, n.ready()) }, func() { b.isSilent(n, n.silent()) }} {
		b.looks.Go(func() { each(b.ctx, lookEvery, look) })
	}
}

// gate is that of a node. The caller has the lock.
func (b *balancer) gate(n *node) *gate {
	g := b.gates[n]
	if g == nil {
		g = &gate{}
		g.renew()
		b.gates[n] = g
	}
	return g
}

// isReady notes whether a node is ready. One that is not gets no more requests, and ends those that it has.
func (b *balancer) isReady(n *node, ready bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.gate(n).ready = ready
}

// isSilent notes whether a node is silent. The second time it is given up: the machine may be busy.
func (b *balancer) isSilent(n *node, silent bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	g := b.gate(n)
	if silent && g.late {
		g.ready = false
		g.end()
		g.renew()
	}
	g.late = silent
}

// take chooses a node, and returns with it a context that ends when it is given up; nil: there is none.
func (b *balancer) take(ctx context.Context) (*node, context.Context, func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for range b.d.nodes {
		n := b.d.nodes[int(b.turn.Add(1))%len(b.d.nodes)]
		if g := b.gates[n]; g != nil && g.ready {
			ctx, cancel := context.WithCancel(ctx)
			with := context.AfterFunc(g.current, cancel)
			return n, ctx, func() { with(); cancel() }
		}
	}
	return nil, nil, nil
}

// ready is how many nodes are.
func (b *balancer) ready() (count int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, g := range b.gates {
		if g.ready {
			count++
		}
	}
	return count
}

func (b *balancer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // whoever asked has left
	}
	for range 2 * len(b.d.nodes) {
		n, ctx, done := b.take(r.Context())
		if n == nil {
			break
		}
		if b.pass(ctx, w, r, n, body) {
			done()
			return
		}
		done()
	}
	w.WriteHeader(http.StatusServiceUnavailable)
	fmt.Fprintf(w, "the balancer has an answer from no node; %d are ready", b.ready())
}

// pass has a node answer. false: another one may.
func (b *balancer) pass(ctx context.Context, w http.ResponseWriter, r *http.Request, n *node, body []byte) bool {
	call, err := http.NewRequestWithContext(ctx, r.Method, "http://"+n.http+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return true
	}
	call.Header = r.Header.Clone()
	call.GetBody = nil // so that the client does not send it again, where a connection ends
	began := time.Now()
	answer, err := b.client.Do(call)
	var said []byte
	if err == nil {
		said, err = io.ReadAll(answer.Body)
		_ = answer.Body.Close()
	}
	update := strings.HasSuffix(r.URL.Path, "/telegram/webhook")
	if update && (err != nil || answer.StatusCode != http.StatusOK) {
		b.notTaken(n, body, err == nil, time.Since(began))
	}
	var dial *net.OpError
	switch {
	case err == nil && answer.StatusCode == http.StatusServiceUnavailable:
		return false
	case err == nil:
		for name := range answer.Header {
			w.Header().Set(name, answer.Header.Get(name))
		}
		w.WriteHeader(answer.StatusCode)
		_, _ = w.Write(said)
	case errors.As(err, &dial) && dial.Op == "dial":
		return false
	default:
		w.WriteHeader(http.StatusBadGateway)
		fmt.Fprintf(w, "the balancer has no answer from %s: %v", n.http, err)
	}
	return true
}

// notTaken notes an update that a node did not take.
func (b *balancer) notTaken(n *node, body []byte, answered bool, took time.Duration) {
	var update struct {
		Message struct {
			Chat struct {
				ID int64 `json:"id"`
			} `json:"chat"`
		} `json:"message"`
	}
	_ = json.Unmarshal(body, &update)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.met[n] == nil {
		b.met[n] = map[int64]bool{}
	}
	b.met[n][update.Message.Chat.ID] = true
	if answered {
		b.refused++
		b.slowest = max(b.slowest, took)
	}
}

// chatsMet are those whose updates a node did not take since the last call, and how many updates were refused with 503.
func (b *balancer) chatsMet(n *node) (chats map[int64]bool, refused int, slowest time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	chats, refused, slowest = b.met[n], b.refused, b.slowest
	b.met, b.refused, b.slowest = map[*node]map[int64]bool{}, 0, 0
	return chats, refused, slowest
}
