package httpedge

import (
	"container/list"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/valyala/fasthttp"
)

// How long, and how many bytes at most, the server goes on reading from a connection after its last answer, so that
// the client gets to read that answer.
const (
	lingerFor   = 2 * time.Second
	lingerBytes = 64 << 20
)

// How long the listener waits after an error of accept that passes, such as too many open files: twice as long each time.
const (
	acceptPause    = 5 * time.Millisecond
	acceptPauseMax = time.Second
)

// tellEvery is how often at most the log tells of the same trouble with connections.
const tellEvery = time.Minute

// listener knows its connections, so that a shutdown can close them. fasthttp alone would wait until the read
// time-out for a connection that never sent a byte, and would give up on busy connections without closing them.
//
// Each connection is an open file, of which the process has only so many, and SQLite and calls need some. So the listener
// has most connections at most, and three quarters of them from one address. For one more, it closes the one that has waited
// longest without a request; where all have one, the new one is refused.
type listener struct {
	net.Listener
	log  *slog.Logger
	most int
	once sync.Once
	done chan struct{}
	err  error

	mu      sync.Mutex
	conns   map[*conn]struct{}
	from    map[netip.Prefix]int
	waiting *list.List // of *conn without a request in progress, the one that has waited longest first
	told    time.Time
}

func newListener(ln net.Listener, most int, log *slog.Logger) *listener {
	return &listener{Listener: ln, most: most, log: log, done: make(chan struct{}), conns: map[*conn]struct{}{},
		from: map[netip.Prefix]int{}, waiting: list.New()}
}

// Accept returns the next connection. An error that passes does not end it: fasthttp would stop serving for good.
func (l *listener) Accept() (net.Conn, error) {
	for pause := acceptPause; ; {
		c, err := l.Listener.Accept()
		switch {
		case err == nil:
			if tracked := l.admit(c); tracked != nil {
				return tracked, nil
			}
			pause = acceptPause
		case l.closed() || !passes(err):
			return nil, err
		default:
			l.tell("connections can't be accepted at the moment; tried again", "error", err)
			select {
			case <-l.done:
			case <-time.After(pause):
			}
			pause = min(2*pause, acceptPauseMax)
		}
	}
}

// passes says whether accept may work again after an error.
func passes(err error) bool {
	var e interface{ Temporary() bool } // too many open files, or a client that left early
	return errors.As(err, &e) && e.Temporary() || errors.Is(err, syscall.ENOBUFS) || errors.Is(err, syscall.ENOMEM)
}

// tooMany is what a client reads whose connection is one too many.
const tooMany = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

// admit makes room for a connection; it returns nil where there is none.
func (l *listener) admit(c net.Conn) *conn {
	tracked := &conn{Conn: c, l: l, from: origin(c)}
	l.mu.Lock()
	closes, ok := l.roomFor(tracked.from)
	if ok {
		l.conns[tracked] = struct{}{}
		l.from[tracked.from]++
		tracked.place = l.waiting.PushBack(tracked)
	}
	l.mu.Unlock()
	if closes != nil {
		_ = closes.Conn.Close()
	}
	if closes != nil || !ok {
		l.tell("there are as many connections as there may be; those that wait without a request are closed", "most", l.most)
	}
	if !ok {
		_ = c.SetWriteDeadline(time.Now().Add(time.Second))
		_, _ = c.Write([]byte(tooMany))
		_ = c.Close()
		return nil
	}
	if l.closed() {
		_ = tracked.Close()
	}
	return tracked
}

// roomFor says whether one more connection of an address is admitted, and which other is closed for that; nil: none.
func (l *listener) roomFor(from netip.Prefix) (closes *conn, ok bool) {
	its := l.from[from] >= max(l.most-l.most/4, 1)
	if !its && len(l.conns) < l.most {
		return nil, true
	}
	for e := l.waiting.Front(); e != nil; e = e.Next() {
		if c := e.Value.(*conn); !its || c.from == from {
			l.forget(c)
			return c, true
		}
	}
	return nil, false
}

// forget drops a connection. The caller holds the lock.
func (l *listener) forget(c *conn) {
	if _, known := l.conns[c]; !known {
		return
	}
	delete(l.conns, c)
	if l.from[c.from]--; l.from[c.from] == 0 {
		delete(l.from, c.from)
	}
	l.rest(c, false)
}

// rest notes whether a connection waits for a request from now on. The caller holds the lock.
func (l *listener) rest(c *conn, waits bool) {
	if _, known := l.conns[c]; waits && known && c.place == nil {
		c.place = l.waiting.PushBack(c)
	} else if !waits && c.place != nil {
		l.waiting.Remove(c.place)
		c.place = nil
	}
}

// onState is told by fasthttp what a connection does. It calls a new one active before a byte has arrived.
func onState(c net.Conn, state fasthttp.ConnState) {
	tracked, ok := c.(*conn)
	if !ok || !tracked.used.Load() || state != fasthttp.StateActive && state != fasthttp.StateIdle {
		return
	}
	tracked.l.mu.Lock()
	defer tracked.l.mu.Unlock()
	tracked.l.rest(tracked, state == fasthttp.StateIdle)
}

// tell logs trouble, but not too often.
func (l *listener) tell(what string, about ...any) {
	l.mu.Lock()
	silent := time.Since(l.told) < tellEvery
	if !silent {
		l.told = time.Now()
	}
	l.mu.Unlock()
	if !silent {
		l.log.Warn(what, about...)
	}
}

// origin is whose connection it is: an address, and of IPv6 the network that one customer has.
func origin(c net.Conn) netip.Prefix {
	a, ok := c.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return netip.Prefix{}
	}
	ip := a.AddrPort().Addr().Unmap().WithZone("")
	bits := ip.BitLen()
	if ip.Is6() {
		bits = 64
	}
	p, _ := ip.Prefix(bits)
	return p
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
	from   netip.Prefix
	place  *list.Element // among those that wait; nil: it does not
	used   atomic.Bool   // a byte has arrived
	linger atomic.Bool   // the request was not read to its end: drain before closing
}

func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 && !c.used.Load() {
		c.used.Store(true)
		c.l.mu.Lock()
		c.l.rest(c, false)
		c.l.mu.Unlock()
	}
	return n, err
}

// Left says whether the client has closed its side. While an answer goes on nothing is read from it, so that nobody would notice
// before two writes have failed to arrive.
func (c *conn) Left() bool {
	socket, ok := c.Conn.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := socket.SyscallConn()
	left := false
	if err == nil {
		err = raw.Control(func(fd uintptr) {
			var next [1]byte
			n, _, err := syscall.Recvfrom(int(fd), next[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
			left = err == nil && n == 0 || errors.Is(err, syscall.ECONNRESET)
		})
	}
	return left || err != nil // an error: it is closed here
}

// SetWriteDeadline never fails: fasthttp would panic on a connection that a shutdown has closed. The write fails
// instead.
func (c *conn) SetWriteDeadline(t time.Time) error {
	_ = c.Conn.SetWriteDeadline(t)
	return nil
}

func (c *conn) Close() error {
	c.l.mu.Lock()
	c.l.forget(c)
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
