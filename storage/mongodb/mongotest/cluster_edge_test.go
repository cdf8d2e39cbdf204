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
	"net/url"
	"slices"
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
			d.Error(err)
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

// envelope is an event as subscribers get it.
type envelope struct {
	ID       string
	Type     string
	TicketID string
	Number   int64
	Data     struct{ Message struct{ Text string } }
}

// events are those that an endpoint for webhooks and a reader of the feed have got, through the balancer.
type events struct {
	d   *desks
	key string
	url string

	mu        sync.Mutex
	delivered map[string][]envelope // by ticket, as they came first
	fed       map[string][]envelope
	seen      map[string]bool // of the endpoint
	again     int             // deliveries that came again
	fedAgain  int
}

func newEvents(d *desks) *events {
	e := &events{d: d, delivered: map[string][]envelope{}, fed: map[string][]envelope{}, seen: map[string]bool{}}
	host := "127.0.0.1"
	if d.net != nil {
		host = d.net.api + ".1"
	}
	l, err := net.Listen("tcp", host+":0")
	must(d.T, err)
	e.url = "http://" + l.Addr().String()
	server := &http.Server{Handler: http.HandlerFunc(e.onDelivery)}
	var running sync.WaitGroup
	running.Go(func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			d.Error(err)
		}
	})
	d.Cleanup(func() {
		_ = server.Close()
		running.Wait()
	})
	return e
}

func (e *events) onDelivery(w http.ResponseWriter, r *http.Request) {
	var event envelope
	if err := json.NewDecoder(r.Body).Decode(&event); err != nil {
		e.d.Error(err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.seen[event.ID] {
		e.again++
		return
	}
	e.seen[event.ID] = true
	e.delivered[event.TicketID] = append(e.delivered[event.TicketID], event)
}

// begin makes the endpoint, and reads the feed until the test ends.
func (e *events) begin(key string) {
	e.d.Helper()
	e.key = key
	status, answer := e.call(e.d.Context(), http.MethodPost, "/webhooks", map[string]any{"url": e.url})
	if status != http.StatusCreated {
		e.d.Fatalf("the endpoint is not made: %d %s", status, answer)
	}
	ctx, stop := context.WithCancel(context.Background())
	var reading sync.WaitGroup
	reading.Go(func() {
		for after := ""; ctx.Err() == nil; {
			after = e.read(ctx, after)
		}
	})
	e.d.Cleanup(func() { stop(); reading.Wait() })
}

// read reads on in the feed, and returns the next cursor.
func (e *events) read(ctx context.Context, after string) string {
	query := url.Values{"wait": {"5"}, "limit": {"500"}}
	if after != "" {
		query.Set("after", after)
	}
	status, answer := e.call(ctx, http.MethodGet, "/events?"+query.Encode(), nil)
	var page struct {
		Data       []envelope
		NextCursor string
	}
	if status != http.StatusOK || json.Unmarshal(answer, &page) != nil {
		if status > 0 && status < http.StatusInternalServerError {
			e.d.Errorf("the feed: %d %s", status, answer)
		}
		select {
		case <-ctx.Done():
		case <-time.After(lookEvery):
		}
		return after
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, event := range page.Data {
		same := func(before envelope) bool { return before.ID == event.ID }
		if slices.ContainsFunc(e.fed[event.TicketID], same) {
			e.fedAgain++
			continue
		}
		e.fed[event.TicketID] = append(e.fed[event.TicketID], event)
	}
	return page.NextCursor
}

// call calls the API through the balancer. Status 0: there was no answer.
func (e *events) call(ctx context.Context, method, path string, body any) (status int, answer []byte) {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return 0, []byte(err.Error())
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, e.d.balancer.url+"/api/v1"+path, bytes.NewReader(text))
	if err != nil {
		return 0, []byte(err.Error())
	}
	request.Header.Set("Authorization", "Bearer "+e.key)
	request.Header.Set("Content-Type", "application/json")
	response, err := e.d.balancer.client.Do(request)
	if err != nil {
		return 0, []byte(err.Error())
	}
	defer func() { _ = response.Body.Close() }()
	answer, err = io.ReadAll(response.Body)
	if err != nil {
		return 0, []byte(err.Error())
	}
	return response.StatusCode, answer
}

// complete says what the events of a ticket lack: each of its words must be in one, and their numbers without gaps and in
// order.
func complete(l *line, events []envelope) string {
	words := map[string]int{}
	for i, event := range events {
		if event.Number != int64(i+1) {
			return fmt.Sprintf("event %d comes at place %d", event.Number, i+1)
		}
		if event.Type == "message.sent" {
			words[sayings.FindString(event.Data.Message.Text)]++
		}
	}
	for _, word := range l.words {
		if words[word] != 1 {
			return fmt.Sprintf("%s is told %d times", word, words[word])
		}
	}
	return ""
}

// arrived waits until all that was said is delivered and fed, in order, and returns how much came again.
func (e *events) arrived() (delivered, fed int) {
	e.d.Helper()
	for _, l := range e.d.lines {
		lacks := ""
		all := func(of map[string][]envelope) func() bool {
			return func() bool {
				e.mu.Lock()
				defer e.mu.Unlock()
				lacks = complete(l, of[l.ticket])
				return lacks == ""
			}
		}
		if !e.d.within(patience, all(e.delivered)) {
			e.d.Errorf("%s: deliveries: %s", l.title, lacks)
		}
		if !e.d.within(patience, all(e.fed)) {
			e.d.Errorf("%s: the feed: %s", l.title, lacks)
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.again, e.fedAgain
}
