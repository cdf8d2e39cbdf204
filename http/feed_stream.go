package httpedge

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"
	"github.com/gofiber/fiber/v2"

	"github.com/topicdesk/topicdesk/messages"
)

const (
	// streamComment is the pause after which a stream without events shows that it is alive.
	streamComment = 15 * time.Second
	// streamWrite is how long a client may take to accept what is written. Nothing piles up for a slower one: the next
	// page is read when this one is written.
	streamWrite = 15 * time.Second
	streamPage  = 100 // events
)

func (a *API) streamOperations() {
	register(a, op{
		id: "streamFeed", method: http.MethodGet, path: "/events/stream",
		tag: tagEvents, summary: "Follow the feed of events", scope: messages.ScopeEventsRead,
		codes: []string{codeEventsExpired, codeNotFound, messages.ReasonConsumerLeased, messages.ReasonConsumerLimit},
		media: "text/event-stream",
		description: "The feed as server-sent events. It begins with what happens from now on, or after `Last-Event-ID`, which is a " +
			"cursor of the feed: the `id` after a page of events. `event` is the type and `data` the event. A comment " +
			"comes every 15 s while there is nothing. With `consumer`, the event `lease` comes first; the lease lasts while the " +
			"stream does." + aboutConsumers + aboutFeed,
	}, a.streamFeed)
}

type streamFeedInput struct {
	FeedFilter
	ConsumerInput
	After  string `query:"after" maxLength:"4000" doc:"A cursor of the feed. Last-Event-ID goes before it."`
	LastID string `header:"Last-Event-ID" maxLength:"4000" doc:"The newest id that the client got."`
}

type streamOutput struct {
	Body func(ctx huma.Context)
}

func (a *API) streamFeed(ctx context.Context, c *call, in *streamFeedInput) (*streamOutput, error) {
	filter, err := a.logFilter(ctx, c, &in.FeedFilter)
	if err != nil {
		return nil, err
	}
	reader, end, err := a.feeds.begin(c.key.KeyId)
	if err != nil {
		return nil, err
	}
	start := ""
	if in.Consumer != "" && in.LastID == "" && in.After == "" {
		now, err := a.feedPositions(ctx, "now")
		if err != nil {
			end()
			return nil, err
		}
		start = feedCursor(now)
	}
	lease, err := a.leaseConsumer(ctx, c, &in.ConsumerInput, start, 0)
	if err != nil {
		end()
		return nil, err
	}
	m := &messages.ReadLog{Filter: filter, Limit: streamPage}
	// The first page is read here, so that an expired cursor is a 410 and no stream.
	first, err := a.feedFrom(ctx, reader, m, cmp.Or(in.LastID, lease.from(in.After), "now"), 0)
	if err != nil {
		lease.endIfNew()
		end()
		return nil, err
	}
	return &streamOutput{Body: func(h huma.Context) {
		f := humafiber.UnwrapV2(h)
		f.Set(fiber.HeaderContentType, "text/event-stream")
		f.Set(fiber.HeaderCacheControl, "no-store")
		f.Set("X-Accel-Buffering", "no") // of nginx, which would keep events back
		conn := f.Context().Conn()
		f.Context().SetBodyStreamWriter(func(w *bufio.Writer) {
			s := &stream{api: a, call: c, reader: reader, conn: conn, w: w, m: m, lease: lease}
			defer end()
			defer lease.end()
			if err := s.run(first); err != nil {
				a.log.Debug("a stream of events ended", "error", err)
			}
		})
	}}, nil
}

// stream is one client that follows the feed.
type stream struct {
	api    *API
	call   *call
	reader *feedKey
	conn   net.Conn
	w      *bufio.Writer
	m      *messages.ReadLog

	lease *consumerLease // nil: it reads as no consumer
}

// run writes events until the client goes, the service stops, the client is too slow, or its key is no longer accepted.
func (s *stream) run(page *messages.LogPage) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	woken, stop := s.api.desk.WatchLog(s.m.Filter)
	defer stop()
	if err := s.write(ctx, s.greet); err != nil {
		return err
	}
	alive := time.NewTicker(streamComment)
	defer alive.Stop()
	for {
		s.m.Positions = page.Positions
		if err := s.lease.renew(ctx); err != nil {
			return err
		}
		if len(page.Events) > 0 {
			if err := s.write(ctx, func() error { return s.events(page) }); err != nil {
				return err
			}
		}
		if len(page.Events) == 0 && !page.More {
			select {
			case <-woken:
			case <-alive.C:
				if err := s.write(ctx, s.comment); err != nil {
					return err
				}
			case <-s.api.ending:
				return nil
			}
		}
		var err error
		if page, err = s.api.readFeed(ctx, s.reader, s.m, 0); err != nil {
			return err // the client begins again after its newest id, and hears then what is wrong
		}
	}
}

// greet writes what comes first.
func (s *stream) greet() error {
	if _, err := s.w.WriteString(": topicdesk\n\n"); err != nil || s.lease == nil {
		return err
	}
	_, err := fmt.Fprintf(s.w, "event: lease\ndata: {\"consumer\":%q,\"lease\":%q}\n\n", s.lease.name, s.lease.token())
	return err
}

// comment shows that the stream is alive.
func (s *stream) comment() error {
	_, err := s.w.WriteString(": nothing new\n\n")
	return err
}

// write lets the client take streamWrite to accept what f writes, if its key is still accepted.
func (s *stream) write(ctx context.Context, f func() error) error {
	if err := s.api.still(ctx, s.call, feedScopes(s.m.Filter)...); err != nil {
		return err
	}
	if err := s.conn.SetWriteDeadline(time.Now().Add(streamWrite)); err != nil {
		return fmt.Errorf("set a deadline: %w", err)
	}
	if err := f(); err != nil {
		return err
	}
	return s.w.Flush()
}

// events writes a page. Only its last event has an id, since a cursor stands behind a whole page.
func (s *stream) events(page *messages.LogPage) error {
	for i, e := range page.Events {
		envelope := envelopeOf(e)
		if i == len(page.Events)-1 {
			fmt.Fprintf(s.w, "id: %s\n", feedCursor(page.Positions))
		}
		if _, err := fmt.Fprintf(s.w, "event: %s\ndata: %s\n\n", e.Type, envelope.AppendJSON(nil)); err != nil {
			return err
		}
	}
	return nil
}
