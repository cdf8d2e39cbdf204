package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/storage/sqlite"
)

// benchCollector takes spans, and reads none of them.
type benchCollector struct {
	url    string
	server *http.Server
	taken  atomic.Int64 // bytes
}

func newBenchCollector() (*benchCollector, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	c := &benchCollector{url: "http://" + listener.Addr().String()}
	c.server = &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		c.taken.Add(n)
		w.Header().Set("Content-Type", "application/x-protobuf")
		w.WriteHeader(http.StatusOK)
	})}
	go func() { _ = c.server.Serve(listener) }()
	return c, nil
}

func (c *benchCollector) close() { _ = c.server.Close() }

// reportedEach is how many events each ticket has whose events wait for reports.
const reportedEach = 10

// fillReported appends events to the log of a desk that does not run: tickets that are opened, answered and closed. done is how
// many such events there are.
func fillReported(ctx context.Context, path string, done, events int, p *progress) (err error) {
	t := p.begin("fill", "events", int64(events))
	defer func() { t.end(err) }()
	store, err := sqlite.Open(ctx, path, sqlite.WithExclusive(), sqlite.WithoutSync())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	bounds, err := store.LogBounds(ctx)
	if err != nil {
		return err
	}
	person := func(n int) string {
		return fmt.Sprintf(`{"kind":"user","id":"%d","name":"Person %d"}`, 1000+n%500, n%500)
	}
	words := strings.Repeat("words ", 60)
	parts := make([][]storage.Event, storage.Partitions)
	for n := done; n < done+events; n++ {
		ticket, step := n/reportedEach, n%reportedEach
		opened := time.Now().UTC().Truncate(time.Hour).Add(-time.Duration(ticket%(24*30)) * time.Hour)
		e := storage.Event{EventID: ids.EventID(fmt.Sprint("reported/", n)), Number: int64(step + 1), Type: messages.EventMessageSent,
			TicketID: messages.TicketID(fmt.Sprint("reported/", ticket), int64(ticket)), At: opened.Add(time.Duration(step) * time.Minute),
			GroupID: fmt.Sprint("g-100", ticket%20)}
		switch step {
		case 0:
			e.Type = messages.EventTicketCreated
		case reportedEach - 1:
			e.Type = messages.EventTicketClosed
		}
		e.Data = fmt.Appendf(nil, `{"ticket":{"ticketId":%q,"title":"Printer","description":%q,"status":"open","createdAt":%q,"createdBy":%s},`+
			`"actor":%s,"message":{"text":%q,"sender":%s}}`, e.TicketID, words, opened.Format(time.RFC3339), person(ticket), person(ticket+1),
			words, person(ticket+step%2))
		e.Partition = storage.PartitionOf(e.TicketID)
		e.Position = bounds[e.Partition].Last + int64(len(parts[e.Partition])) + 1
		parts[e.Partition] = append(parts[e.Partition], e)
	}
	for _, part := range parts {
		for chunk := range slices.Chunk(part, 500) {
			if err := store.AppendEvents(ctx, chunk); err != nil {
				return err
			}
			t.add(len(chunk))
		}
	}
	return nil
}
