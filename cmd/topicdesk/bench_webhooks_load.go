package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/storage/sqlite"
)

// webhookBench is one case that is measured.
type webhookBench struct {
	o        benchWebhookOptions
	out      io.Writer
	world    *benchWorld
	receiver *benchReceiver
	service  *benchService
	keys     []string
	hooks    []benchHook
}

// benchHook is an endpoint, and a key that may change it.
type benchHook struct{ id, key string }

// benchLogTickets is over how many tickets the events of a backlog are.
const benchLogTickets = 1000

func (b *webhookBench) close() {
	if b.service != nil {
		b.service.kill()
	}
	b.world.close()
	_ = b.receiver.server.Shutdown()
	_ = os.RemoveAll(b.o.bench.keep)
}

// begin starts the service, and opens tickets in which people can write.
func (b *webhookBench) begin(ctx context.Context, open bool) (err error) {
	if b.service, err = startService(ctx, b.o.bench, b.world); err != nil || !open {
		return err
	}
	return b.world.open(ctx, b.o.bench.tickets, b.o.bench.tickets)
}

// hear makes endpoints.
func (b *webhookBench) hear(n int, url string, enabled bool) error {
	for range n {
		key := b.keys[len(b.hooks)/90]
		var made struct {
			WebhookID string `json:"webhookId"`
		}
		err := b.call(key, http.MethodPost, "/webhooks", map[string]any{"url": url, "enabled": enabled,
			"events": []string{"message.*", "ticket.*"}, "maxConcurrency": 16}, &made)
		if err != nil {
			return err
		}
		b.hooks = append(b.hooks, benchHook{made.WebhookID, key})
	}
	return nil
}

// switchAll enables or disables the endpoints, but in the case of dead ones for the last, which is alive.
func (b *webhookBench) switchAll(on bool) error {
	hooks := b.hooks
	if len(hooks) > 1 {
		hooks = hooks[:len(hooks)-1]
	}
	for _, h := range hooks {
		how := "/disable"
		if on {
			how = "/enable"
		}
		if err := b.call(h.key, http.MethodPost, "/webhooks/"+h.id+how, nil, nil); err != nil {
			return err
		}
	}
	return nil
}

func (b *webhookBench) call(key, method, path string, body, into any) error {
	var text io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return err
		}
		text = bytes.NewReader(raw)
	}
	req, err := http.NewRequest(method, "http://"+b.service.addr+"/api/v1"+path, text)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+key)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, answer)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(answer, into)
}

// backlog makes endpoints that are disabled, and events that wait for them.
func (b *webhookBench) backlog(ctx context.Context, hooks int, url string, events int) error {
	if err := b.begin(ctx, false); err != nil {
		return err
	}
	if err := b.hear(hooks, url, false); err != nil {
		return err
	}
	if err := b.service.stop(); err != nil {
		return err
	}
	if err := b.fillLog(ctx, events); err != nil {
		return err
	}
	return b.service.start(ctx, b.o.bench, b.world)
}

// fillLog writes events into the log.
func (b *webhookBench) fillLog(ctx context.Context, events int) (err error) {
	store, err := sqlite.Open(ctx, filepath.Join(b.o.bench.keep, benchDatabase), sqlite.WithExclusive(), sqlite.WithoutSync())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	bounds, err := store.LogBounds(ctx)
	if err != nil {
		return err
	}
	data := fmt.Appendf(nil, `{"ticket":{"ticketId":"T","title":"Printer","description":%q,"status":"open"},"message":{"text":%q}}`,
		bytes.Repeat([]byte("words "), 60), bytes.Repeat([]byte("text "), 60))
	parts := make([][]storage.Event, storage.Partitions)
	for n := range events {
		ticket, at := messages.TicketID(fmt.Sprint("log/", n%benchLogTickets), int64(n%benchLogTickets)), time.Now().UTC()
		p := storage.PartitionOf(ticket)
		parts[p] = append(parts[p], storage.Event{
			EventID: ids.EventID(fmt.Sprint("bench/", n)), TicketID: ticket, Number: int64(n/benchLogTickets + 1), Partition: p,
			Position: bounds[p].Last + int64(len(parts[p])) + 1, Type: messages.EventMessageSent, At: at, GroupID: "g1", Data: data,
		})
	}
	for _, part := range parts {
		for chunk := range slices.Chunk(part, 500) {
			if err := store.AppendEvents(ctx, chunk); err != nil {
				return err
			}
		}
	}
	return nil
}

// deliver enables the endpoints, and waits until the receiver has n deliveries.
func (b *webhookBench) deliver(ctx context.Context, n int) (time.Duration, usage, error) {
	before, err := b.service.usage()
	if err != nil {
		return 0, before, err
	}
	begin := time.Now()
	for _, h := range b.hooks {
		if err := b.call(h.key, http.MethodPost, "/webhooks/"+h.id+"/enable", nil, nil); err != nil {
			return 0, before, err
		}
	}
	for b.receiver.count() < n {
		select {
		case <-ctx.Done():
			return 0, before, ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
	took := time.Since(begin)
	after, err := b.service.usage()
	after.cpu -= before.cpu
	return took, after, err
}

// talk has people write, and returns what the copies took, and the events.
func (b *webhookBench) talk(ctx context.Context, rate int) (*result, []time.Duration, error) {
	b.receiver.reset()
	r, err := b.world.talk(ctx, phase{"steady", rate, b.o.bench.duration})
	if err != nil {
		return nil, nil, err
	}
	if err := b.settle(ctx); err != nil {
		return nil, nil, err
	}
	return r, b.receiver.sorted(), nil
}

// settle waits until the receiver has heard nothing for a second.
func (b *webhookBench) settle(ctx context.Context) error {
	for last := -1; b.receiver.count() != last; {
		last = b.receiver.count()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
	return nil
}

// benchReceiver is a program that hears events. It takes them all.
type benchReceiver struct {
	world  *benchWorld
	server *fasthttp.Server
	url    string

	mu                      sync.Mutex
	heard, again, disorders int
	last                    map[string]int // by ticket: the newest number
	took                    []time.Duration
}

func newBenchReceiver(w *benchWorld) (*benchReceiver, error) {
	r := &benchReceiver{world: w, last: map[string]int{}}
	r.server = &fasthttp.Server{Handler: r.serve, NoDefaultServerHeader: true, MaxRequestBodySize: 1 << 20}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r.url = "http://" + listener.Addr().String() + "/hook"
	go func() { _ = r.server.Serve(listener) }()
	return r, nil
}

func (r *benchReceiver) serve(ctx *fasthttp.RequestCtx) {
	at := time.Now()
	body := ctx.PostBody()
	var ticket string
	var number int
	if _, rest, found := bytes.Cut(body, []byte(`"ticketId":"`)); found {
		id, rest, _ := bytes.Cut(rest, []byte(`","number":`))
		ticket = string(id)
		_, _ = fmt.Sscanf(string(rest[:min(len(rest), 12)]), "%d", &number)
	}
	n, said := -1, false
	if bytes.Contains(body[:min(len(body), 120)], []byte(messages.EventMessageSent)) {
		if _, rest, found := bytes.Cut(body, []byte(benchMark)); found {
			said = true
			_, _ = fmt.Sscanf(string(rest[:min(len(rest), 12)]), "%d", &n)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.heard++
	if said {
		if sent, known := r.world.postedAt(n); known {
			r.took = append(r.took, at.Sub(sent))
		}
	}
	switch last := r.last[ticket]; {
	case number == last+1:
		r.last[ticket] = number
	case number <= last:
		r.again++
	case last > 0:
		r.disorders++
		r.last[ticket] = number
	default:
		r.last[ticket] = number
	}
}

func (r *benchReceiver) reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.took = nil
}

func (r *benchReceiver) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.heard
}

func (r *benchReceiver) disorder() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.disorders
}

func (r *benchReceiver) repeats() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.again
}

func (r *benchReceiver) sorted() []time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	took := slices.Clone(r.took)
	slices.Sort(took)
	return took
}
