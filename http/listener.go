package httpedge

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// How long, and how many bytes at most, the server goes on reading from a connection after its last answer, so that
// the client gets to read that answer.
const (
	lingerFor   = 2 * time.Second
	lingerBytes = 64 << 20
)

// listener knows its connections, so that a shutdown can close them. fasthttp alone would wait until the read
// time-out for a connection that never sent a byte, and would give up on busy connections without closing them.
type listener struct {
	net.Listener
	once sync.Once
	done chan struct{}
	err  error

	mu    sync.Mutex
	conns map[*conn]struct{}
}

func newListener(ln net.Listener) *listener {
	return &listener{Listener: ln, done: make(chan struct{}), conns: map[*conn]struct{}{}}
}

func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	tracked := &conn{Conn: c, l: l}
	l.mu.Lock()
	l.conns[tracked] = struct{}{}
	l.mu.Unlock()
	if l.closed() {
		_ = tracked.Close()
	}
	return tracked, nil
}

// Close closes the listener, once.
func (l *listener) Close() error {
	l.once.Do(func() {
		close(l.done)
		l.err = l.Listener.Close()
	})
	return l.err
}

func (l *listener) closed() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

// closeFresh closes connections that have not sent a byte yet.
func (l *listener) closeFresh() {
	for _, c := range l.open() {
		if !c.used.Load() {
			_ = c.Conn.Close()
		}
	}
}

// closeAll closes every connection, also those with a request in progress.
func (l *listener) closeAll() {
	for _, c := range l.open() {
		_ = c.Conn.Close()
	}
}

func (l *listener) open() []*conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	open := make([]*conn, 0, len(l.conns))
	for c := range l.conns {
		open = append(open, c)
	}
	return open
}

// conn is a connection that can be closed without a reset, which would destroy the answer before the client reads it.
type conn struct {
	net.Conn
	l      *listener
	used   atomic.Bool // a byte has arrived
	linger atomic.Bool // the request was not read to its end: drain before closing
}

func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 && !c.used.Load() {
		c.used.Store(true)
	}
	return n, err
}

// SetWriteDeadline never fails: fasthttp would panic on a connection that a shutdown has closed. The write fails
// instead.
func (c *conn) SetWriteDeadline(t time.Time) error {
	_ = c.Conn.SetWriteDeadline(t)
	return nil
}

func (c *conn) Close() error {
	c.l.mu.Lock()
	delete(c.l.conns, c)
	c.l.mu.Unlock()
	if c.linger.Swap(false) {
		c.drain()
	}
	return c.Conn.Close()
}

// drain tells the client that nothing more will be sent, and for a while goes on reading what the client sends.
func (c *conn) drain() {
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil || c.SetReadDeadline(time.Now().Add(lingerFor)) != nil {
		return
	}
	_, _ = io.CopyN(io.Discard, c.Conn, lingerBytes)
}
