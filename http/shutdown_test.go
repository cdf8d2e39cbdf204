package httpedge

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestStartAndShutdown(t *testing.T) {
	quiet := slog.New(slog.DiscardHandler)
	listen := func(t *testing.T) net.Listener {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		return ln
	}
	t.Run("twice, in any order, at any moment", func(t *testing.T) {
		for i := range 50 {
			s := New(Options{Log: quiet})
			if i%5 == 0 {
				if err := s.Shutdown(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			var wg sync.WaitGroup
			ln := listen(t)
			wg.Go(func() { _ = s.Start(ln) })
			wg.Go(func() { _ = s.Shutdown(t.Context()) })
			wg.Wait()
			if err := errors.Join(s.Shutdown(t.Context()), s.Shutdown(t.Context())); err != nil {
				t.Fatal(err)
			}
			if s.Start(listen(t)) == nil {
				t.Fatal("started after a shutdown")
			}
			if again, err := net.Listen("tcp", ln.Addr().String()); err != nil {
				t.Fatal("port is still taken:", err)
			} else {
				_ = again.Close()
			}
		}
	})
	t.Run("a request in progress is finished", func(t *testing.T) {
		entered, leave := make(chan struct{}), make(chan struct{})
		s := New(Options{Log: quiet, Webhook: func(ctx context.Context, _ []byte, _ string) int {
			close(entered)
			<-leave
			if ctx.Err() != nil {
				return 503
			}
			return 200
		}})
		ln := listen(t)
		_ = s.Start(ln)
		got := make(chan int)
		go func() {
			resp, err := http.Post("http://"+ln.Addr().String()+"/telegram/webhook", "", strings.NewReader("{}"))
			if err != nil {
				got <- 0
				return
			}
			_ = resp.Body.Close()
			got <- resp.StatusCode
		}()
		<-entered
		stopped := make(chan error)
		go func() { stopped <- s.Shutdown(t.Context()) }()
		for !s.health.stopping.Load() {
			runtime.Gosched()
		}
		close(leave)
		if status := <-got; status != 200 {
			t.Error("got", status)
		}
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	})
	t.Run("a request that does not end is cut off", func(t *testing.T) {
		entered := make(chan struct{})
		s := New(Options{Log: quiet, Webhook: func(ctx context.Context, _ []byte, _ string) int {
			close(entered)
			<-ctx.Done()
			return 503
		}})
		ln := listen(t)
		_ = s.Start(ln)
		got := make(chan error)
		go func() {
			resp, err := http.Post("http://"+ln.Addr().String()+"/telegram/webhook", "", strings.NewReader("{}"))
			if err == nil {
				_ = resp.Body.Close()
			}
			got <- err
		}()
		<-entered
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.Shutdown(ctx); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		t.Log("the client got:", <-got) // an answer or none: the shutdown did not wait for it
	})
	t.Run("a client that has not said anything holds nothing up", func(t *testing.T) {
		s := New(Options{Log: quiet, ReadTimeout: time.Hour})
		ln := listen(t)
		_ = s.Start(ln)
		c, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Run("a listener that fails is told", func(t *testing.T) {
		s := New(Options{Log: quiet})
		ln := listen(t)
		_ = s.Start(ln)
		_ = ln.Close()
		if err := <-s.Failed(); err == nil {
			t.Error("no error")
		}
		if err := s.Shutdown(t.Context()); err != nil && !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	})
}
