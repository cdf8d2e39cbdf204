package etcdtest

import (
	"net"
	"strings"
	"sync"
	"testing"
)

// Proxy is one more way to a server, which can be stalled: what is sent then is neither refused nor lost, but waits.
type Proxy struct {
	URL string

	t      testing.TB
	to     string
	listen net.Listener
	loops  sync.WaitGroup

	mu                sync.Mutex
	change            *sync.Cond
	requests, answers bool // stalled
	closed            bool
	conns             []net.Conn
}

// Proxy starts a proxy, which ends with the test.
func (s *Server) Proxy() *Proxy {
	s.t.Helper()
	listen, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	p := &Proxy{URL: "http://" + listen.Addr().String(), t: s.t, to: strings.TrimPrefix(s.URL, "http://"), listen: listen}
	p.change = sync.NewCond(&p.mu)
	p.loops.Go(p.accept)
	s.t.Cleanup(p.close)
	return p
}

// Stall lets nothing through until Resume.
func (p *Proxy) Stall() { p.set(true, true) }

// StallRequests lets only through what the server sends.
func (p *Proxy) StallRequests() { p.set(true, false) }

// Resume lets everything through, and what has waited.
func (p *Proxy) Resume() { p.set(false, false) }

func (p *Proxy) set(requests, answers bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests, p.answers = requests, answers
	p.change.Broadcast()
}

func (p *Proxy) accept() {
	for {
		client, err := p.listen.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.to)
		if err != nil {
			_ = client.Close()
			continue
		}
		p.mu.Lock()
		p.conns = append(p.conns, client, server)
		p.mu.Unlock()
		p.loops.Go(func() { p.pass(server, client, &p.requests) })
		p.loops.Go(func() { p.pass(client, server, &p.answers) })
	}
}

// pass passes on what one side sends, unless it is stalled.
func (p *Proxy) pass(to, from net.Conn, stalled *bool) {
	defer func() { _, _ = to.Close(), from.Close() }()
	for buffer := make([]byte, 64<<10); ; {
		n, err := from.Read(buffer)
		p.mu.Lock()
		for *stalled && !p.closed {
			p.change.Wait()
		}
		p.mu.Unlock()
		if err != nil {
			return
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func (p *Proxy) close() {
	_ = p.listen.Close()
	p.mu.Lock()
	p.closed = true
	for _, c := range p.conns {
		_ = c.Close()
	}
	p.change.Broadcast()
	p.mu.Unlock()
	p.loops.Wait()
}
