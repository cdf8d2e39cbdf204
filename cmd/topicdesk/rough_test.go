package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	mrand "math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// fate is what happens to an attempt.
type fate string

const (
	takes     fate = "is taken"
	hugeBody  fate = "is taken, with an answer that never ends"
	resets    fate = "loses its connection"
	fails     fate = "is answered 500"
	redirects fate = "is answered 301"
	slowBody  fate = "is answered 200, too slowly"
	late      fate = "is answered after the time-out"
	pauses    fate = "is answered 429"
	badTLS    fate = "is taken; then come invalid certificates"
	refuses   fate = "is taken; then nobody listens"
)

// taken reports whether the receiver tells the service that it has the event.
func (f fate) taken() bool { return f == takes || f == hugeBody || f == badTLS || f == refuses }

// troubleFor is how long nobody listens, or a certificate is invalid.
const troubleFor = 200 * time.Millisecond

// seenAttempt is what a receiver has seen of one attempt: one request, or several when the connection was lost.
type seenAttempt struct {
	event, signature string
	life             int // of the service
	fate             fate
	requests         int
	at               time.Time
}

// roughReceiver is a program that hears events, by https, and fails in every way.
type roughReceiver struct {
	testing.TB
	addr, url, roots string
	server           *http.Server
	good, bad        tls.Certificate

	mu       sync.Mutex
	rng      *mrand.Rand
	common   map[fate]int // in a deck; the rest are taken
	deck     []fate
	size     int
	life     int
	closing  int  // troubles, in which connections are closed after their answer
	invalid  bool // the certificate
	listener net.Listener
	attempts map[seenKey]*seenAttempt
	byEvent  map[string][]*seenAttempt
	first    map[string]int // by ticket: the newest number that has arrived
	has      map[string]int // by ticket: the newest number that was taken
	arrived  int
	wrong    []string
}

// lifeKey is where the context of a connection has the number of the process.
type lifeKey struct{}

type seenKey struct {
	event, signature string
	life             int
}

// newRough makes a receiver. Of size attempts, common says how many have which fate.
func newRough(t *testing.T, folder string, seed uint64, size int, common map[fate]int) *roughReceiver {
	t.Helper()
	r := &roughReceiver{TB: t, rng: mrand.New(mrand.NewPCG(seed, 2)), size: size, common: common,
		attempts: map[seenKey]*seenAttempt{}, byEvent: map[string][]*seenAttempt{},
		first: map[string]int{}, has: map[string]int{}}
	lender := httptest.NewTLSServer(nil)
	r.good = lender.TLS.Certificates[0]
	r.roots = filepath.Join(folder, "roots.pem")
	root := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: lender.Certificate().Raw})
	err := os.WriteFile(r.roots, root, 0o600)
	lender.Close()
	if err != nil {
		t.Fatal(err)
	}
	r.bad = selfSigned(t)
	r.server = &http.Server{
		Handler: r,
		// What a killed process has sent may be read later. Its connections tell whose it is.
		ConnContext: func(ctx context.Context, _ net.Conn) context.Context {
			r.mu.Lock()
			defer r.mu.Unlock()
			return context.WithValue(ctx, lifeKey{}, r.life)
		},
		ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: patience,
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){}, // HTTP/1.1, whose connections can be reset
	}
	if err := r.listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	r.addr = r.listener.Addr().String()
	r.url = "https://" + r.addr + "/hook"
	t.Cleanup(func() { _ = r.server.Close() })
	return r
}

// selfSigned is a certificate that nobody trusts.
func selfSigned(t *testing.T) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	of := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	raw, err := x509.CreateCertificate(rand.Reader, of, of, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}
}

func (r *roughReceiver) listen(addr string) error {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	r.mu.Lock()
	r.listener = listener
	r.mu.Unlock()
	go func() {
		_ = r.server.Serve(tls.NewListener(listener, &tls.Config{MinVersion: tls.VersionTLS12,
			GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
				r.mu.Lock()
				defer r.mu.Unlock()
				if r.invalid {
					return &r.bad, nil
				}
				return &r.good, nil
			}}))
	}()
	return nil
}

// trouble lets new connections fail for a while. Those that exist are closed after their next answer, and no sooner: a
// request may be under way to one that is idle.
func (r *roughReceiver) trouble(f fate) {
	r.mu.Lock()
	r.closing++
	r.invalid = f == badTLS
	listener := r.listener
	r.mu.Unlock()
	if f == refuses {
		_ = listener.Close()
	}
	time.AfterFunc(troubleFor, func() { r.relieve(f) })
}

// relieve ends the trouble. Somebody else may have the port for a moment.
func (r *roughReceiver) relieve(f fate) {
	if f == refuses && r.listen(r.addr) != nil && r.Context().Err() == nil {
		time.AfterFunc(troubleFor, func() { r.relieve(f) })
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.invalid = false
	r.closing--
}

// deal is the fate of the next attempt. The caller holds r.mu.
func (r *roughReceiver) deal() fate {
	if len(r.deck) == 0 {
		for f, n := range r.common {
			for range n {
				r.deck = append(r.deck, f)
			}
		}
		for len(r.deck) < r.size {
			r.deck = append(r.deck, takes)
		}
		r.rng.Shuffle(len(r.deck), func(i, j int) { r.deck[i], r.deck[j] = r.deck[j], r.deck[i] })
	}
	f := r.deck[0]
	r.deck = r.deck[1:]
	return f
}

// note notes a request that has arrived in full. It returns the fate of its attempt, whether the connection is to be
// closed after the answer, and what to call when the receiver takes the event after all. Requests of one attempt have
// the same signature, others hardly: the waits of the schedule are longer than a second, in which signatures count time.
func (r *roughReceiver) note(req *http.Request, body []byte) (f fate, closing bool, taken func()) {
	var e struct {
		ID, TicketID string
		Number       int
	}
	err := json.Unmarshal(body, &e)
	r.mu.Lock()
	defer r.mu.Unlock()
	life, _ := req.Context().Value(lifeKey{}).(int)
	k := seenKey{e.ID, req.Header.Get("Webhook-Signature"), life}
	if err != nil || k.signature == "" || req.Header.Get("Webhook-Id") != e.ID {
		r.wrong = append(r.wrong, "not an event: "+string(body))
		return fails, false, nil
	}
	a := r.attempts[k]
	if a == nil {
		a = &seenAttempt{event: e.ID, signature: k.signature, life: life, fate: r.deal(), at: time.Now()}
		r.attempts[k] = a
		r.byEvent[e.ID] = append(r.byEvent[e.ID], a)
	}
	a.requests++
	if next := r.has[e.TicketID] + 1; e.Number > next {
		r.wrong = append(r.wrong, fmt.Sprintf("%s/%d has come before %d was taken", e.TicketID, e.Number, next))
	}
	if e.Number > r.first[e.TicketID] {
		r.first[e.TicketID] = e.Number
		r.arrived++
	}
	if a.fate.taken() {
		r.has[e.TicketID] = max(r.has[e.TicketID], e.Number)
	}
	if a.fate == badTLS || a.fate == refuses {
		closing = true
	}
	return a.fate, closing || r.closing > 0, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.has[e.TicketID] = max(r.has[e.TicketID], e.Number)
	}
}

func (r *roughReceiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return // it has not arrived
	}
	f, closing, taken := r.note(req, body)
	if closing {
		w.Header().Set("Connection", "close")
	}
	switch f {
	case hugeBody:
		for err == nil { // until the other side has read enough
			_, err = w.Write(bytes.Repeat([]byte("x"), 32<<10))
		}
	case resets:
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			r.Error(err)
			return
		}
		_ = conn.(*tls.Conn).NetConn().(*net.TCPConn).SetLinger(0)
		_ = conn.(*tls.Conn).NetConn().Close()
	case fails:
		w.WriteHeader(http.StatusInternalServerError)
	case redirects:
		http.Redirect(w, req, "/elsewhere", http.StatusMovedPermanently)
	case slowBody:
		w.Header().Set("Content-Length", "10")
		_, _ = io.WriteString(w, "slow")
		_ = http.NewResponseController(w).Flush()
		<-req.Context().Done()
	case late:
		<-req.Context().Done()
		taken() // the service may still read it while it gives up
		w.WriteHeader(http.StatusOK)
	case pauses:
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusTooManyRequests)
	case badTLS, refuses:
		r.trouble(f)
	}
}

// requests is how many requests had a signature.
func (r *roughReceiver) requests(k seenKey) int {
	if a := r.attempts[k]; a != nil {
		return a.requests
	}
	return 0
}

// count is how many events have arrived.
func (r *roughReceiver) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.arrived
}

// reborn tells the receiver that a process of the service has ended, and which one that was.
func (r *roughReceiver) reborn() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.life++
	return r.life - 1
}
