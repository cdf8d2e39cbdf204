package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// hooked is a desk whose service, a process of its own, is used by a program with an API key: it makes endpoints for
// webhooks, and reads the feed.
type hooked struct {
	*desk
	key, addr string
	more      []string // settings
	process   *process
	lives     int
	client    *http.Client
}

func newHooked(t *testing.T, more ...string) *hooked {
	t.Helper()
	h := &hooked{desk: wake(t), addr: freeAddr(t), client: &http.Client{Transport: &http.Transport{}, Timeout: patience}}
	t.Cleanup(h.client.CloseIdleConnections)
	h.more = append([]string{"HTTP_ADDR", h.addr, "WEBHOOK_ALLOW_NETWORKS", "127.0.0.0/8", "API_ADDRESS_PER_SECOND", "0",
		"LOG_LEVEL", "warn"}, more...)
	h.inStore(func(ctx context.Context, store storage.Store) error {
		now := time.Now()
		record := &storage.APIKey{KeyID: messages.NewAPIKeyID(""), Name: "Program", Scopes: []string{messages.ScopeAdmin},
			Rate: 1_000_000, Burst: 1_000_000, CreatedAt: now, UpdatedAt: now}
		var hash []byte
		h.key, hash = messages.NewAPIKey(record.KeyID)
		record.Secrets = []storage.KeySecret{{Hash: hash, CommandID: "test", CreatedAt: now}}
		return store.SaveAPIKey(ctx, record)
	})
	return h
}

// inStore opens the database while the service does not run.
func (h *hooked) inStore(f func(context.Context, storage.Store) error) {
	h.Helper()
	store, err := openDatabase(h.Context(), slog.Default(), h.config())
	h.must(err)
	defer func() { h.must(store.Close()) }()
	h.must(f(h.Context(), store))
}

// begin starts the next process.
func (h *hooked) begin() {
	h.Helper()
	h.process = h.serve("polling", h.lives, h.more...)
	h.lives++
	h.process.awaitReady()
}

// end stops it gracefully.
func (h *hooked) end() {
	h.Helper()
	if code := h.process.stop(); code != 0 {
		h.Errorf("exit code %d", code)
	}
}

// request makes a request of the program's. The error says that there was no whole answer.
func (h *hooked) request(method, path string, body any, headers ...string) (status int, answer []byte, err error) {
	var text io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return 0, nil, err
		}
		text = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(h.Context(), method, "http://"+h.addr+"/api/v1"+path, text)
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+h.key)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := h.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = res.Body.Close() }()
	answer, err = io.ReadAll(res.Body)
	return res.StatusCode, answer, err
}

// call makes a request that must succeed.
func (h *hooked) call(method, path string, body, into any, headers ...string) {
	h.Helper()
	status, answer, err := h.request(method, path, body, headers...)
	h.must(err)
	if status/100 != 2 {
		h.Fatalf("%s %s: %d %s", method, path, status, answer)
	}
	if into != nil {
		h.must(json.Unmarshal(answer, into))
	}
}

// hook makes an endpoint.
func (h *hooked) hook(settings map[string]any) (id, secret string) {
	h.Helper()
	var made struct{ WebhookID, Secret string }
	h.call("POST", "/webhooks", settings, &made)
	return made.WebhookID, made.Secret
}

// fill puts n events of each of so many tickets into the log, while the service does not run.
func (h *hooked) fill(tickets, n int) {
	h.Helper()
	h.inStore(func(ctx context.Context, store storage.Store) error {
		bounds, err := store.LogBounds(ctx)
		if err != nil {
			return err
		}
		parts := make([][]storage.Event, storage.Partitions)
		for i := range tickets * n {
			ticket, number := i%tickets, i/tickets+1
			id := messages.TicketID(fmt.Sprint("log/", ticket), int64(ticket))
			p := storage.PartitionOf(id)
			parts[p] = append(parts[p], storage.Event{
				EventID: ids.EventID(fmt.Sprint("log/", i)), TicketID: id, Number: int64(number), Partition: p,
				Position: bounds[p].Last + int64(len(parts[p])) + 1, Type: messages.EventMessageSent, At: time.Now().UTC(),
				GroupID: "g1", Data: fmt.Appendf(nil, `{"ticket":{"ticketId":%q},"message":{"text":"Message %d"}}`, id, number),
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
	})
}

// soonTrue waits until a condition holds. so says how far it is; what moves on may take its time.
func (h *hooked) soonTrue(what string, so func() int, cond func() bool) {
	h.Helper()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	last, since := so(), time.Now()
	for !cond() {
		if now := so(); now != last {
			last, since = now, time.Now()
		}
		if time.Since(since) > patience {
			h.Fatalf("waited in vain: %s (%d)", what, last)
		}
		<-look.C
	}
}

// delivered is a delivery as the API shows it.
type delivered struct {
	EventID, State string
	TicketID       string
	Number         int
	Attempts       []deliveryAttempt
}

type deliveryAttempt struct {
	At             time.Time
	Status         int
	Error          string
	RequestHeaders map[string]string
}

// deliveries are all that the history of an endpoint has.
func (h *hooked) deliveries(webhookID string) (all []delivered) {
	h.Helper()
	for cursor := ""; ; {
		var page struct {
			Data       []delivered
			NextCursor string
		}
		h.call("GET", "/webhooks/"+webhookID+"/deliveries?limit=100&cursor="+url.QueryEscape(cursor), nil, &page)
		all = append(all, page.Data...)
		if cursor = page.NextCursor; cursor == "" {
			return all
		}
	}
}

// allSent waits until the history says of so many events that they are sent.
func (h *hooked) allSent(webhookID string, n int) (all []delivered) {
	h.Helper()
	sent := 0
	h.soonTrue("every event is sent", func() int { return sent }, func() bool {
		all = h.deliveries(webhookID)
		sent = len(slices.DeleteFunc(slices.Clone(all), func(d delivered) bool { return d.State != "sent" }))
		return sent >= n
	})
	slices.SortFunc(all, func(a, b delivered) int {
		return cmp.Or(cmp.Compare(a.TicketID, b.TicketID), a.Number-b.Number)
	})
	if len(all) != n {
		h.Errorf("the history has %d events, not %d", len(all), n)
	}
	return all
}
