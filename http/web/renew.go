package web

import (
	"bytes"
	"context"
	"runtime"
	"time"
)

// Pages that are open ask for what has changed again and again, and nobody waits for that as for a page that they opened. To read
// and make a list takes milliseconds, for which messages would wait behind it.

const (
	renewedTogether = 1                      // pages that a node renews at a time: a core is left
	renewedWithin   = 500 * time.Millisecond // one that waits longer is renewed all the same
	givesWayAfter   = 16 << 10               // bytes: to give way costs microseconds, too
)

// renewing waits until no other page is renewed. done ends it, and tells those that wait for a word how long it took.
func (s *Site) renewing(ctx context.Context, of *turns) (done func()) {
	late := time.NewTimer(renewedWithin)
	defer late.Stop()
	free := func() {}
	select {
	case s.renewed <- struct{}{}:
		free = func() { <-s.renewed }
	case <-late.C:
	case <-ctx.Done():
	}
	began := time.Now()
	return func() {
		of.took(time.Since(began))
		free()
	}
}

// yielding is a page that is being made. It gives way to what else there is to do, which Go would begin only after 10 ms.
type yielding struct {
	bytes.Buffer
	gave int // how much of it there was then
}

func (y *yielding) Write(part []byte) (int, error) {
	if y.Len()-y.gave >= givesWayAfter {
		y.gave = y.Len()
		runtime.Gosched()
	}
	return y.Buffer.Write(part)
}
