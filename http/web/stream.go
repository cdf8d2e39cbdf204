package web

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/topicdesk/topicdesk/messages"
)

const (
	streamsAtMost = 8                // of a session
	streamComment = 15 * time.Second // the pause after which a stream shows that it is alive
	streamWrite   = 15 * time.Second // how long a browser may take to accept what is written
)

// streams counts those of each session.
type streams struct {
	mu   sync.Mutex
	open map[string]int // by the hash of the session's secret
}

func newStreams() *streams { return &streams{open: map[string]int{}} }

// begin counts one more, if that is allowed.
func (s *streams) begin(hash []byte) (end func(), ok bool) {
	key := string(hash)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[key] >= streamsAtMost {
		return nil, false
	}
	s.open[key]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.open[key]--; s.open[key] == 0 {
			delete(s.open, key)
		}
	}, true
}

// stream tells a page whenever something happens to its ticket. It carries no content: the page asks for what it shows,
// and is asked then who wants it.
func (s *Site) stream(c *fiber.Ctx, of *session) error {
	id := c.Params("id")
	may, err := s.mayRead(c.UserContext(), of, id)
	if err != nil {
		return err
	}
	end, ok := s.streams.begin(of.hash())
	if !ok {
		return c.SendStatus(http.StatusTooManyRequests)
	}
	c.Set(fiber.HeaderContentType, "text/event-stream")
	c.Set("X-Accel-Buffering", "no") // of nginx, which would keep events back
	conn := c.Context().Conn()
	c.Context().SetBodyStreamWriter(func(w *bufio.Writer) {
		defer end()
		if err := s.follow(of, may.ticket.TicketId, conn, w); err != nil {
			s.log.Debug("a stream of the web desk ended", "error", err)
		}
	})
	return nil
}

// follow writes until the browser goes, the service stops, or the person may not see the ticket any more.
func (s *Site) follow(of *session, ticketID string, conn net.Conn, w *bufio.Writer) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Until(of.expires))
	defer cancel()
	woken, stop := s.desk.WatchLog(&messages.LogFilter{TicketId: ticketID, IncludeInternal: true})
	defer stop()
	alive := time.NewTicker(streamComment)
	defer alive.Stop()
	for text := ": topicdesk\n\n"; ; {
		if err := s.still(ctx, of); err != nil {
			return err
		}
		if err := conn.SetWriteDeadline(time.Now().Add(streamWrite)); err != nil {
			return fmt.Errorf("set a deadline: %w", err)
		}
		if _, err := w.WriteString(text); err != nil {
			return err
		}
		if err := w.Flush(); err != nil {
			return err
		}
		select {
		case <-s.o.Ending:
			return nil
		case <-ctx.Done():
			return nil
		case <-alive.C:
			text = ": nothing new\n\n"
			if _, err := s.mayRead(ctx, of, ticketID); err != nil {
				return err
			}
		case <-woken:
			text = "event: changed\ndata: \n\n"
			if _, err := s.mayRead(ctx, of, ticketID); err != nil {
				return err
			}
		}
	}
}
