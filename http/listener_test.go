package httpedge

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
)

// shortListener accepts nothing as long as there are no files left.
type shortListener struct {
	net.Listener
	fails atomic.Int64
}

func (l *shortListener) Accept() (net.Conn, error) {
	if l.fails.Add(-1) >= 0 {
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
	}
	return l.Listener.Accept()
}

func TestServerWaitsForFiles(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	short := &shortListener{Listener: ln}
	short.fails.Store(4)
	s := New(Options{Log: slog.New(slog.DiscardHandler)})
	if err := s.Start(short); err != nil {
		t.Fatal(err)
	}
	if a := send(t, http.MethodGet, "http://"+ln.Addr().String()+"/healthz", ""); a.status != http.StatusOK {
		t.Error("got", a.status)
	}
	http.DefaultClient.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	select {
	case err := <-s.Failed():
		t.Error("the server ended:", err)
	default:
	}
}

// A connection tells that the client has closed it, also while nothing is read from it; what is still to be read is no end.
func TestConnectionsTellThatTheyWereLeft(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := newListener(ln, 10, slog.New(slog.DiscardHandler))
	defer func() { _ = l.Close() }()
	client, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	c := accepted.(*conn)
	if c.Left() {
		t.Error("it was left before")
	}
	if _, err := client.Write([]byte("GET")); err != nil {
		t.Fatal(err)
	}
	read := make([]byte, 3)
	if n, err := c.Read(read[:1]); n != 1 || err != nil || c.Left() {
		t.Error(n, err, "or it was left")
	}
	if n, err := io.ReadFull(c, read[1:]); err != nil || string(read) != "GET" {
		t.Error(n, err, "what was looked at is lost")
	}
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); !c.Left(); {
		if time.Now().After(deadline) {
			t.Fatal("nobody notices")
		}
		runtime.Gosched()
	}
	if err := c.Close(); err != nil || !c.Left() {
		t.Error(err, "closed here, it counts as left")
	}
}

// What a handler gets as its connection tells that, too: the streams of the web desk end by it.
func TestHandlersHearThatTheClientLeft(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := New(Options{Log: slog.New(slog.DiscardHandler)})
	s.App.Get("/tells", func(c *fiber.Ctx) error {
		conn, tells := c.Context().Conn().(interface{ Left() bool })
		return c.SendString(fmt.Sprint(tells && !conn.Left()))
	})
	if err := s.Start(ln); err != nil {
		t.Fatal(err)
	}
	if a := send(t, http.MethodGet, "http://"+ln.Addr().String()+"/tells", ""); a.status != http.StatusOK || a.body != "true" {
		t.Error(a.status, a.body)
	}
	http.DefaultClient.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Error(err)
	}
}

func TestConnectionsAreBounded(t *testing.T) {
	busy := func(app *fiber.App, begun chan<- struct{}, end <-chan struct{}) {
		app.Get("/wait", func(c *fiber.Ctx) error {
			begun <- struct{}{}
			<-end
			return c.SendString("done")
		})
	}
	dial := func(t *testing.T, s *Server) net.Conn {
		t.Helper()
		c, err := net.Dial("tcp", s.listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	ask := func(t *testing.T, c net.Conn, path string) {
		t.Helper()
		if _, err := c.Write([]byte("GET " + path + " HTTP/1.1\r\nHost: desk\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
	}
	status := func(t *testing.T, c net.Conn) int {
		t.Helper()
		_ = c.SetReadDeadline(time.Now().Add(30 * time.Second))
		answer, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		return answer.StatusCode
	}
	t.Run("whoever opens many and sends nothing shuts nobody out", func(t *testing.T) {
		s, _ := start(t, Options{Connections: 8, ReadTimeout: time.Hour})
		var idle []net.Conn
		for range 100 {
			idle = append(idle, dial(t, s))
		}
		c := dial(t, s)
		ask(t, c, "/healthz")
		if got := status(t, c); got != http.StatusOK {
			t.Error("got", got)
		}
		_ = idle[0].SetReadDeadline(time.Now().Add(30 * time.Second))
		if _, err := idle[0].Read(make([]byte, 1)); err == nil || os.IsTimeout(err) {
			t.Error("the connection that waited longest is open:", err)
		}
		if n := len(s.listener.open()); n > 8 {
			t.Errorf("%d connections are open", n)
		}
	})
	t.Run("requests in progress stay, and one more of the address is refused", func(t *testing.T) {
		begun, end := make(chan struct{}), make(chan struct{})
		s, _ := start(t, Options{Connections: 8}, func(app *fiber.App) { busy(app, begun, end) })
		var all []net.Conn
		for range 6 { // three quarters of 8
			c := dial(t, s)
			ask(t, c, "/wait")
			<-begun
			all = append(all, c)
		}
		if got := status(t, dial(t, s)); got != http.StatusServiceUnavailable {
			t.Error("one too many got", got)
		}
		close(end)
		for _, c := range all {
			if got := status(t, c); got != http.StatusOK {
				t.Error("a request in progress got", got)
			}
		}
	})
	t.Run("where a request has ended, there is room again", func(t *testing.T) {
		s, _ := start(t, Options{Connections: 8, IdleTimeout: time.Hour})
		for range 30 {
			c := dial(t, s)
			ask(t, c, "/healthz")
			if got := status(t, c); got != http.StatusOK {
				t.Fatal("got", got)
			}
		}
	})
}
