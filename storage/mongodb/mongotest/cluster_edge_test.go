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
// reached, answers 503, or is not ready any more before it has answered.
type balancer struct {
	d      *desks
	url    string
	client *http.Client
	turn   atomic.Int32

	mu      sync.Mutex
	up      map[*node]func()         // ends what a node has not answered; absent: it is not ready
	late    map[*node]bool           // it was silent at the last look
	met     map[*node]map[int64]bool // which chats' updates a node has not taken
	refused int                      // updates, with 503
	slowest time.Duration            // of these
}

// lookEvery is how often the balancer looks whether a node is ready.
const lookEvery = 200 * time.Millisecond

func newBalancer(d *desks) *balancer {
	t := d.T // the whole test, which outlives its cases
	b := &balancer{d: d, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100}}, up: map[*node]func(){},
		met: map[*node]map[int64]bool{}, late: map[*node]bool{}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(d.T, err)
	b.url = "http://" + l.Addr().String()
	server := &http.Server{Handler: b}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	running.Go(func() {
		look := time.NewTicker(lookEvery)
		defer look.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-look.C:
			}
			var all sync.WaitGroup
			for _, n := range d.nodes {
				all.Go(func() {
					ready, silent := n.look()
					b.set(n, ready, silent)
				})
			}
			all.Wait()
		}
	})
	d.Cleanup(func() {
		stop()
		_ = server.Close()
		running.Wait()
		b.client.CloseIdleConnections()
	})
	return b
}

// set notes whether a node is ready. One that is silent is given up the second time: the machine may be busy.
func (b *balancer) set(n *node, ready, silent bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if first := silent && !b.late[n]; first {
		b.late[n] = true
		return
	}
	b.late[n] = silent
	end := b.up[n]
	switch {
	case end != nil && !ready:
		delete(b.up, n)
		end()
	case end == nil && ready:
		b.up[n] = func() {}
	}
}

// take chooses a node, and returns with it a context that ends when it is not ready any more; nil: there is none.
func (b *balancer) take(ctx context.Context) (*node, context.Context, func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for range b.d.nodes {
		n := b.d.nodes[int(b.turn.Add(1))%len(b.d.nodes)]
		if others := b.up[n]; others != nil {
			ctx, cancel := context.WithCancel(ctx)
			b.up[n] = func() { others(); cancel() }
			return n, ctx, cancel
		}
	}
	return nil, nil, nil
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
	b.mu.Lock()
	defer b.mu.Unlock()
	w.WriteHeader(http.StatusServiceUnavailable)
	fmt.Fprintf(w, "the balancer has an answer from no node; %d are ready", len(b.up))
}

// pass has a node answer. false: another one may.
func (b *balancer) pass(ctx context.Context, w http.ResponseWriter, r *http.Request, n *node, body []byte) bool {
	call, err := http.NewRequestWithContext(ctx, r.Method, "http://"+n.http+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return true
	}
	call.Header = r.Header.Clone()
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
	case errors.As(err, &dial) && dial.Op == "dial", ctx.Err() != nil && r.Context().Err() == nil:
		return false
	default:
		w.WriteHeader(http.StatusBadGateway)
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
