package web

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/topicdesk/topicdesk/messages"
)

const (
	streamsAtMost = 8                // of a session
	streamComment = 15 * time.Second // the pause after which a stream shows that it is alive
	inboxPause    = 2 * time.Second  // between two words of an inbox's stream, at least
	streamWrite   = 15 * time.Second // how long a browser may take to accept what is written
	// Each word has a page ask for what it shows, which costs milliseconds. Together the open pages of a node get at most so many words
	// per second, however many they are: messages go before them.
	inboxWords, ticketWords = 10, 20
	wordsAtOnce             = 10
	// Where what they ask for takes long, they get fewer words: after each, so many times as long passes on average. So inboxes take a
	// fiftieth of a core, and tickets as much; on a busy machine, where all of it takes longer, less.
	wordApart   = 50
	renewalMost = 10 * time.Millisecond // one that takes longer counts as this: a rare view must not silence the others
)

// streams has those of each session, the oldest first.
type streams struct {
	inboxes, tickets *turns
	mu               sync.Mutex
	open             map[string][]chan struct{} // by the hash of the session's secret
}

func newStreams() *streams {
	return &streams{open: map[string][]chan struct{}{}, inboxes: newTurns(inboxWords), tickets: newTurns(ticketWords)}
}

// turns are the words of many streams, in the order in which they asked for one: so far apart on average, or farther where what follows
// one takes long, and some at once after a pause.
type turns struct {
	every   time.Duration
	mu      sync.Mutex
	next    time.Time       // when the next one is given
	waiting []chan struct{} // of each that waits: closed when it is its turn
	timer   *time.Timer     // for the first of them; nil: nobody ever waited
	renewal time.Duration   // how long what follows a word has usually taken lately
	now     func() time.Time
}

func newTurns(perSecond int) *turns {
	return &turns{every: time.Second / time.Duration(perSecond), now: time.Now}
}

// took notes how long it took to renew a page.
func (t *turns) took(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.renewal += (min(d, renewalMost) - t.renewal) / 8
}

// apart is how far apart words are now. The caller holds the lock.
func (t *turns) apart() time.Duration { return max(t.every, wordApart*t.renewal) }

// take asks for a turn, which has come when mine is closed.
func (t *turns) take() (mine chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	mine = make(chan struct{})
	t.waiting = append(t.waiting, mine)
	t.give()
	return mine
}

// giveBack is for a stream that leaves before its turn, or does not use it.
func (t *turns) giveBack(mine chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if i := slices.Index(t.waiting, mine); i >= 0 {
		t.waiting = slices.Delete(t.waiting, i, i+1)
		return
	}
	t.next = t.next.Add(-t.apart())
	t.give()
}

// give gives the turns that have come. The caller holds the lock.
func (t *turns) give() {
	now, apart := t.now(), t.apart()
	if earliest := now.Add(-(wordsAtOnce - 1) * apart); t.next.Before(earliest) {
		t.next = earliest
	}
	for len(t.waiting) > 0 && !t.next.After(now) {
		close(t.waiting[0])
		t.waiting, t.next = slices.Delete(t.waiting, 0, 1), t.next.Add(apart)
	}
	if len(t.waiting) == 0 {
		return
	}
	if wait := t.next.Sub(now); t.timer == nil {
		t.timer = time.AfterFunc(wait, t.later)
	} else {
		t.timer.Reset(wait)
	}
}

func (t *turns) later() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.give()
}

// begin adds one, in place of the oldest if there are too many: that may be of a page which was left, and of which the service
// has not noticed so yet. over is closed when it is ended for another one.
func (s *streams) begin(hash []byte) (over <-chan struct{}, end func()) {
	key, mine := string(hash), make(chan struct{})
	s.mu.Lock()
	defer s.mu.Unlock()
	open := s.open[key]
	if len(open) >= streamsAtMost {
		close(open[0])
		open = slices.Clone(open[1:])
	}
	s.open[key] = append(open, mine)
	return mine, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.open[key] = slices.DeleteFunc(s.open[key], func(other chan struct{}) bool { return other == mine })
		if len(s.open[key]) == 0 {
			delete(s.open, key)
		}
	}
}

// stream tells a page whenever something happens to its ticket. It carries no content: the page asks for what it shows,
// and is asked then who wants it.
func (s *Site) stream(c *fiber.Ctx, of *session) error {
	id := c.Params("id")
	may, err := s.mayRead(c.UserContext(), of, id)
	if err != nil {
		return err
	}
	ticketID := may.ticket.TicketId
	return s.streaming(c, of, func(over <-chan struct{}, conn net.Conn, w *bufio.Writer) {
		follow := followed{over: over, turns: s.streams.tickets, filter: &messages.LogFilter{TicketId: ticketID, IncludeInternal: true},
			allowed: func(ctx context.Context) error {
				_, err := s.mayRead(ctx, of, ticketID)
				return err
			}}
		if err := s.follow(of, follow, conn, w); err != nil {
			s.log.Debug("a stream of the web desk ended", "error", err)
		}
	})
}

// inboxStream tells an inbox that something has happened in the desk. It does not tell what, nor where: the page asks for its list.
func (s *Site) inboxStream(c *fiber.Ctx, of *session) error {
	return s.streaming(c, of, func(over <-chan struct{}, conn net.Conn, w *bufio.Writer) {
		all := followed{over: over, turns: s.streams.inboxes, filter: &messages.LogFilter{},
			allowed: func(context.Context) error { return nil }, atMostEvery: inboxPause}
		if err := s.follow(of, all, conn, w); err != nil {
			s.log.Debug("a stream of the web desk ended", "error", err)
		}
	})
}

// streaming answers with a stream.
func (s *Site) streaming(c *fiber.Ctx, of *session, write func(over <-chan struct{}, conn net.Conn, w *bufio.Writer)) error {
	c.Set(fiber.HeaderContentType, "text/event-stream")
	c.Set("X-Accel-Buffering", "no")    // of nginx, which would keep events back
	if c.Method() == fiber.MethodHead { // fasthttp would end a body that it does not send
		return nil
	}
	over, end := s.streams.begin(of.hash())
	conn := c.Context().Conn()
	c.Context().SetBodyStreamWriter(func(w *bufio.Writer) {
		defer end()
		write(over, conn, w)
	})
	return nil
}

// followed is what a stream tells of.
type followed struct {
	filter      *messages.LogFilter
	allowed     func(context.Context) error // nil error: they may still hear of it
	atMostEvery time.Duration               // 0: as soon as it has its turn
	turns       *turns
	over        <-chan struct{} // closed when another stream takes the place
}

// follow writes until the browser goes, the service stops, or the person may not hear of it any more.
func (s *Site) follow(of *session, what followed, conn net.Conn, w *bufio.Writer) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Until(of.expires))
	defer cancel()
	woken, stop := s.desk.WatchLog(what.filter)
	defer stop()
	alive := time.NewTicker(streamComment)
	defer alive.Stop()
	const nothing = ": nothing new\n\n"
	var told time.Time
	for text := ": topicdesk\n\n"; ; {
		if err := s.still(ctx, of); err != nil {
			return err
		}
		if err := tell(conn, w, text); err != nil {
			return err
		}
		select {
		case <-s.o.Ending:
			return nil
		case <-ctx.Done():
			return nil
		case <-what.over:
			return nil
		case <-alive.C:
			text = nothing
		case <-woken:
			if left(conn) { // it takes no turn from others
				return nil
			}
			text = "event: changed\ndata: \n\n"
			comment := func() error { return tell(conn, w, nothing) } // they go on meanwhile
			if over, err := s.await(ctx, what.over, pauseOf(what.atMostEvery-time.Since(told)), alive.C, comment); over || err != nil {
				return err
			}
			turn := what.turns.take()
			if over, err := s.await(ctx, what.over, turn, alive.C, comment); over || err != nil || left(conn) {
				what.turns.giveBack(turn)
				return err
			}
			select {
			case <-woken: // the same word tells of it
			default:
			}
			told = time.Now()
		}
		if err := what.allowed(ctx); err != nil {
			return err
		}
	}
}

// pauseOf is closed after a time.
func pauseOf(d time.Duration) <-chan struct{} {
	ended := make(chan struct{})
	if d <= 0 {
		close(ended)
	} else {
		time.AfterFunc(d, func() { close(ended) })
	}
	return ended
}

// await waits for what a stream waits for, and writes a comment whenever it is time for one. over: the stream ends before.
func (s *Site) await(ctx context.Context, replaced, come <-chan struct{}, alive <-chan time.Time, comment func() error) (over bool, err error) {
	for {
		select {
		case <-s.o.Ending:
			return true, nil
		case <-ctx.Done():
			return true, nil
		case <-replaced:
			return true, nil
		case <-alive:
			if err := comment(); err != nil {
				return true, err
			}
		case <-come:
			return false, nil
		}
	}
}

// left says whether the browser is gone, where the connection can tell.
func left(conn net.Conn) bool {
	c, tells := conn.(interface{ Left() bool })
	return tells && c.Left()
}

// tell writes to a browser, which must take it within streamWrite.
func tell(conn net.Conn, w *bufio.Writer, text string) error {
	if err := conn.SetWriteDeadline(time.Now().Add(streamWrite)); err != nil {
		return fmt.Errorf("set a deadline: %w", err)
	}
	if _, err := w.WriteString(text); err != nil {
		return err
	}
	return w.Flush()
}
