package sqlite

import (
	"testing"
	"time"
)

// paced plays transactions that take that long each, and returns how far apart the last of them began, and how long it
// waited. Each begins as soon as the pace allows and a write is there: every time.
func paced(p *pace, now time.Time, takes, every time.Duration) (apart, waited time.Duration) {
	write := now // when the first write of the next transaction is there
	for range 1000 {
		write = write.Add(every)
		if ends := p.began.Add(p.took); write.Before(ends) {
			write = ends
		}
		waited = max(p.wait(write), 0)
		now = write.Add(waited)
		apart = now.Sub(p.began)
		p.begin(now)
		p.end(now.Add(takes))
	}
	return apart, waited
}

func TestPace(t *testing.T) {
	start := time.Unix(1_800_000_000, 0)
	t.Run("a lone write never waits", func(t *testing.T) {
		p := &pace{}
		if wait := p.wait(start); wait > 0 {
			t.Errorf("the first one waits %v", wait)
		}
		for _, takes := range []time.Duration{100 * time.Microsecond, time.Millisecond, 4 * time.Millisecond} {
			if _, waited := paced(&pace{}, start, takes, 2*mostGather); waited > 0 {
				t.Errorf("it waits %v when transactions take %v", waited, takes)
			}
		}
	})
	t.Run("the wait grows with what transactions take, up to its bound", func(t *testing.T) {
		before := time.Duration(0)
		for _, takes := range []time.Duration{
			50 * time.Microsecond, 200 * time.Microsecond, time.Millisecond, 3 * time.Millisecond,
		} {
			apart, _ := paced(&pace{}, start, takes, 10*time.Microsecond)
			t.Logf("transactions of %v begin %v apart", takes, apart)
			if apart < before+takes/4 || apart < takes || apart > mostGather {
				t.Errorf("transactions of %v begin %v apart, shorter ones %v", takes, apart, before)
			}
			before = apart
		}
		if apart, waited := paced(&pace{}, start, 3*mostGather, 0); waited > 0 || apart != 3*mostGather {
			t.Errorf("long transactions begin %v apart, after a wait of %v", apart, waited)
		}
	})
	t.Run("when the load has ended, nobody waits", func(t *testing.T) {
		p := &pace{}
		paced(p, start, time.Millisecond, 0)
		p.begin(p.began.Add(time.Second))
		p.end(p.began.Add(time.Millisecond))
		if wait := p.wait(p.began.Add(2 * time.Millisecond)); wait > 0 {
			t.Errorf("the next write waits %v", wait)
		}
	})
}

// TestGather: the writer keeps to its pace, so that writes share commits under load.
func TestGather(t *testing.T) {
	s := openStore(t)
	var began [2]time.Time
	onWriter(t, s, func(w *writer) error {
		w.pace.share, began[0] = 1, w.pace.began // as if transactions took all of the time
		return nil
	})
	onWriter(t, s, func(w *writer) error {
		began[1] = w.pace.began
		return nil
	})
	if apart := began[1].Sub(began[0]); apart < mostGather {
		t.Errorf("under load two transactions began %v apart", apart)
	}
}
