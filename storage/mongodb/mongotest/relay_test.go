package mongotest_test

import (
	"io"
	"net"
	"sync"
	"testing"
)

// relay passes the connections to one of this machine's addresses on to target, until the test ends.
type relay struct {
	addr, target string
	listener     net.Listener
	running      sync.WaitGroup

	mu   sync.Mutex
	open map[net.Conn]bool
	away bool // it cuts connections, and takes none
}

func newRelay(t *testing.T, host, target string) *relay {
	t.Helper()
	l, err := net.Listen("tcp", host+":0")
	must(t, err)
	r := &relay{addr: l.Addr().String(), target: target, listener: l, open: map[net.Conn]bool{}}
	r.running.Go(r.accept)
	t.Cleanup(func() {
		_ = l.Close()
		r.Away(true)
		r.running.Wait()
	})
	return r
}

// Away has whoever is behind the relay be out of reach, until it is called with false.
func (r *relay) Away(away bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.away = away
	if away {
		for c := range r.open {
			_ = c.Close()
		}
	}
}

func (r *relay) accept() {
	for {
		from, err := r.listener.Accept()
		if err != nil {
			return
		}
		to, err := net.Dial("tcp", r.target)
		if err != nil {
			_ = from.Close()
			continue
		}
		if !r.enter(from, to) {
			_, _ = from.Close(), to.Close()
			continue
		}
		r.running.Go(func() { r.pass(from, to) })
		r.running.Go(func() { r.pass(to, from) })
	}
}

func (r *relay) enter(conns ...net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.away {
		return false
	}
	for _, c := range conns {
		r.open[c] = true
	}
	return true
}

func (r *relay) pass(from, to net.Conn) {
	_, _ = io.Copy(to, from)
	_, _ = from.Close(), to.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.open, from)
}
