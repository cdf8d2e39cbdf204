package delivery

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestConnectionsAreKept(t *testing.T) {
	var fresh atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/bad" {
			w.WriteHeader(500)
		}
		say(w, "some words")
	}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			fresh.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	dead, _ := speak(t, func(net.Conn, int) {})
	c := clientOf(t, Options{})
	for i := range 30 {
		path := "/"
		if i%2 == 0 {
			path = "/bad"
		}
		if res := c.Do(context.Background(), request(server.URL+path)); res.Status == 0 {
			t.Fatalf("%+v", res)
		}
		if i%10 == 0 { // a dead neighbour must not cost the others their connections
			c.Do(context.Background(), request(dead))
		}
	}
	if n := fresh.Load(); n != 1 {
		t.Errorf("%d connections for 30 attempts", n)
	}
}

// TestAKeptConnectionThatWasClosedCostsNothing: a receiver that closes a kept connection when the next request is there
// already. The attempt goes on with a fresh one, without a pause.
func TestAKeptConnectionThatWasClosedCostsNothing(t *testing.T) {
	url, connections := speak(t, func(conn net.Conn, n int) {
		answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")(conn, n)
		_, _ = readRequest(conn)
	})
	c := clientOf(t, Options{})
	pauses := 0
	c.http.Backoff = func(time.Duration, time.Duration, int, *http.Response) time.Duration {
		pauses++
		return 0
	}
	for range 20 {
		if res := c.Do(context.Background(), request(url)); res.Verdict != Success {
			t.Fatalf("%+v", res)
		}
	}
	if n := connections.Load(); n != 20 || pauses != 0 {
		t.Errorf("%d connections, %d pauses", n, pauses)
	}
}

func TestHTTP2(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/huge" {
			w.Header().Set("X", strings.Repeat("x", 1<<20))
		}
		w.WriteHeader(map[string]int{"/bad": 503}[r.URL.Path] + map[bool]int{true: 200}[r.URL.Path != "/bad"])
		if r.URL.Path == "/huge" {
			return // below: its headers went before
		}
		if r.URL.Path == "/endless" {
			for _, err := io.WriteString(w, "x"); err == nil; _, err = io.WriteString(w, strings.Repeat("x", 4096)) {
			}
		}
		fmt.Fprint(w, r.Proto, r.Header.Get("webhook-id"))
	}))
	var fresh atomic.Int32
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			fresh.Add(1)
		}
	}
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	c := clientOf(t, Options{Roots: rootsOf(server)})
	if res := c.Do(context.Background(), request(server.URL)); res.Response != "HTTP/2.0evt_1" || res.Verdict != Success {
		t.Fatalf("%+v", res)
	}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if res := c.Do(context.Background(), request(server.URL+"/bad")); res.Verdict != RetryAndSlow {
				t.Errorf("%+v", res)
			}
			if res := c.Do(context.Background(), request(server.URL+"/endless")); res.Verdict != Success || len(res.Response) != longestAnswer {
				t.Errorf("%d %+v", len(res.Response), res)
			}
		})
	}
	all.Wait()
	if n := fresh.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
	if res := c.Do(context.Background(), request(server.URL+"/huge")); res.Kind != Protocol || res.Verdict != Retry {
		t.Errorf("%+v", res)
	}
}

func rootsOf(server *httptest.Server) *x509.CertPool {
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return roots
}

func TestTLSThatCantBeTrusted(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.Config.ErrorLog = discard
	server.StartTLS()
	t.Cleanup(server.Close)
	old := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	old.Config.ErrorLog = discard
	old.TLS = &tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}
	old.StartTLS()
	t.Cleanup(old.Close)
	plain := serve(t, func(http.ResponseWriter, *http.Request) {})
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	for what, tt := range map[string]struct{ url, contains string }{
		"unknown authority": {server.URL, "an authority that is not trusted"},
		"another name":      {"https://127.0.0.2:" + port, "another name"},
		"old version":       {old.URL, "TLS: "},
		"no TLS":            {strings.Replace(plain.URL, "http:", "https:", 1), "does not speak TLS"},
	} {
		var roots *x509.CertPool
		if what != "unknown authority" {
			roots = rootsOf(server)
		}
		res := clientOf(t, Options{Roots: roots}).Do(context.Background(), request(tt.url))
		if what == "another name" && res.Kind == Refused {
			continue // the receiver listens at 127.0.0.1 alone
		}
		if res.Verdict != Retry || res.Kind != TLS || !strings.Contains(res.Error, tt.contains) {
			t.Errorf("%s: %+v", what, res)
		}
	}
}
