package delivery

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// Bounds of the connections that a client keeps. An endpoint has at most 64 attempts at a time, and a host may have several
// endpoints.
const (
	keptConnections     = 1024
	keptPerHost         = 512
	keptFor             = 90 * time.Second
	longestAnswerHeader = 64 << 10 // bytes of an answer's headers
	pingAfter           = 15 * time.Second
)

// transport is the one way out. It has a pool of connections for each scheme, because the guard must know, when it
// judges a connection, whether TLS will follow.
//
// It has no CloseIdleConnections: retryablehttp calls that after each failure, and one dead endpoint would close the
// kept connections of all others (docs/decisions.md, D94).
type transport struct{ plain, tls *http.Transport }

func newTransport(p Policy, resolver *net.Resolver, roots *x509.CertPool, timeout time.Duration) *transport {
	make := func(plain bool) *http.Transport {
		dialer := &net.Dialer{
			Timeout:  timeout,
			Resolver: resolver,
			// It runs after DNS, for each address, with the socket that will connect to that address: nothing can
			// change in between.
			ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
				to, err := netip.ParseAddrPort(address)
				if err != nil {
					return refuse(RuleHost, "%q is no address", address)
				}
				return p.judge(to, plain)
			},
		}
		return &http.Transport{
			Proxy:                  nil, // the environment's proxy would make the connection, past the guard
			DialContext:            dialer.DialContext,
			ForceAttemptHTTP2:      !plain,
			TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    2 * timeout, // the attempt ends before, and says why; net/http may go on with its connection
			MaxIdleConns:           keptConnections,
			MaxIdleConnsPerHost:    keptPerHost,
			IdleConnTimeout:        keptFor,
			MaxResponseHeaderBytes: longestAnswerHeader,
			DisableCompression:     true, // 16 kB of an answer are read; what they unpack to has no bound
			HTTP2:                  &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingAfter},
		}
	}
	return &transport{plain: make(true), tls: make(false)}
}

// RoundTrip implements http.RoundTripper. The client learns of no Location, so that it can't follow one.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	to := t.tls
	if r.URL.Scheme == "http" {
		to = t.plain
	}
	resp, err := to.RoundTrip(r)
	if resp != nil {
		resp.Header.Del("Location")
	}
	return resp, err
}

func (t *transport) close() {
	t.plain.CloseIdleConnections()
	t.tls.CloseIdleConnections()
}
