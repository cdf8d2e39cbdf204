package pace

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// most is the largest number of times within any span of that length.
func most(times []time.Time, span time.Duration) int {
	slices.SortFunc(times, time.Time.Compare)
	n, from := 0, 0
	for to := range times {
		for times[to].Sub(times[from]) >= span {
			from++
		}
		n = max(n, to-from+1)
	}
	return n
}

func TestWindowNeverLetsMoreThrough(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(1, 30).Draw(t, "limit")
		span := rapid.SampledFrom([]time.Duration{time.Second, time.Minute}).Draw(t, "span")
		w, now := NewWindow(limit, span), time.Unix(1e9, 0)
		var left []time.Time
		for range 200 {
			longest := 2 * int64(span/time.Duration(limit))
			now = now.Add(time.Duration(rapid.Int64Range(0, longest).Draw(t, "pause")))
			if at := w.Earliest(1); at.After(now) {
				if rapid.Bool().Draw(t, "gives up") {
					continue
				}
				now = at
			}
			w.Take(now, 1)
			left = append(left, now)
		}
		if n := most(left, span); n > limit {
			t.Fatalf("%d calls in %v, %d allowed", n, span, limit)
		}
	})
}

func TestBurst(t *testing.T) {
	b, now := NewBurst(1), time.Unix(1e9, 0)
	var left []time.Duration
	for range 8 {
		if at := b.Earliest(1); at.After(now) {
			now = at
		}
		b.Take(now, 1)
		left = append(left, now.Sub(time.Unix(1e9, 0)).Round(100*time.Millisecond))
	}
	want := []time.Duration{0, 0, 0, 0, 0, time.Second, 2100 * time.Millisecond, 3100 * time.Millisecond}
	if !slices.Equal(left, want) {
		t.Errorf("calls leave at %v, want %v", left, want)
	}
}

// Chats may come late, or not at all for a while. What leaves in any second must not depend on that.
func TestGlobalPaceHoldsForChatsThatComeLate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const limit = 30
		start := time.Unix(1e9, 0)
		p := NewGlobal(limit, start.Add(-time.Hour))
		chats := make([]time.Time, 60) // when each comes next
		for i := range chats {
			chats[i] = p.Reserve(start, 1)
		}
		if late := rapid.Bool().Draw(t, "all held up together"); late {
			for i := range chats {
				chats[i] = start.Add(time.Minute)
			}
		}
		var left []time.Time
		for range 400 {
			first := 0
			for i := range chats {
				if chats[i].Before(chats[first]) {
					first = i
				}
			}
			now := chats[first]
			if at := p.Take(now, 1); at.After(now) {
				chats[first] = at
				continue
			}
			left = append(left, now)
			chats[first] = p.Reserve(now, 1).Add(time.Duration(rapid.Int64Range(0, 3e8).Draw(t, "late")))
		}
		if n := most(left, time.Second); n > limit {
			t.Fatalf("%d calls in a second", n)
		}
		if took := left[len(left)-1].Sub(left[0]); float64(len(left))/took.Seconds() < limit/3 {
			t.Fatalf("%d calls took %v", len(left), took)
		}
	})
}

func TestGlobalPaceThatIsFree(t *testing.T) {
	now := time.Unix(1e9, 0)
	at := func(p *Global) time.Duration { return max(0, p.Free(2).Sub(now)).Round(100 * time.Millisecond) }
	for _, c := range []struct {
		name           string
		reserved, left int
		lent           int // 0: the whole
		want           time.Duration
	}{
		{name: "nothing has left"},
		{name: "less than a half has", left: 14, reserved: 14},
		{name: "a half has", left: 15, reserved: 15, want: time.Second},
		{name: "a half is reserved", reserved: 15, want: time.Second},
		{name: "less than half of the share has left", left: 4, reserved: 4, lent: 10},
		{name: "half of the share has left", left: 5, reserved: 5, lent: 10, want: time.Second},
		{name: "a share of one", lent: 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := NewGlobal(30, now.Add(-time.Hour))
			if c.lent > 0 {
				p.Lend(c.lent, now.Add(time.Hour))
			}
			for range c.reserved {
				p.Reserve(now, 1)
			}
			for range c.left {
				p.Take(now, 1)
			}
			if got := at(p); got != c.want {
				t.Errorf("free in %v, want %v", got, c.want)
			}
		})
	}
	if p := NewGlobal(0, now); p.Free(2).After(now) {
		t.Error("not free without a limit")
	}
}

func TestSlowedWindow(t *testing.T) {
	w, now := NewWindow(20, time.Minute), time.Unix(1e9, 0)
	for i := range 20 {
		w.Take(now.Add(time.Duration(i)*time.Second), 1)
	}
	now = now.Add(20 * time.Second)
	if n := w.Room(now); n != 0 {
		t.Errorf("room for %d", n)
	}
	w.Slow(0.5)
	// The tenth newest call left at second 10. It must be out of the window first.
	if at := w.Earliest(1).Sub(time.Unix(1e9, 0)).Round(time.Second); at != 72*time.Second {
		t.Errorf("earliest %v", at)
	}
	w.Slow(0.01)
	if at := w.Earliest(1).Sub(time.Unix(1e9, 0)).Round(time.Second); at != 81*time.Second {
		t.Errorf("earliest of one a minute %v", at)
	}
	w.Slow(1)
	if n := w.Room(now.Add(45 * time.Second)); n != 4 {
		t.Errorf("room for %d", n)
	}
}

// An album counts as its parts. With albums, too, no window has more calls than its limit.
func TestWindowWithAlbums(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, now := NewWindow(20, time.Minute), time.Unix(1e9, 0)
		var left []time.Time
		for range 60 {
			n := rapid.IntRange(1, 10).Draw(t, "parts")
			if at := w.Earliest(n); at.After(now) {
				now = at
			}
			w.Take(now, n)
			for range n {
				left = append(left, now)
			}
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(10*time.Second)).Draw(t, "pause")))
		}
		if n := most(left, time.Minute); n > 20 {
			t.Fatalf("%d in a minute", n)
		}
	})
}

func TestRateFollowsFloodControl(t *testing.T) {
	rate := 1.0
	for range 20 {
		next := Lowered(rate)
		if next > rate || next < rateLeast {
			t.Fatalf("%v after %v", next, rate)
		}
		rate = next
	}
	if got := Recovered(rate, 0); got != rate {
		t.Errorf("immediately: %v", got)
	}
	if got := Recovered(rate, -time.Hour); got != rate {
		t.Errorf("while it is silent: %v", got)
	}
	if got := Recovered(rate, 3*time.Minute); got < rate+0.29 || got > rate+0.31 {
		t.Errorf("after three quiet minutes: %v", got)
	}
	if Recovered(rate, time.Hour) != 1 || Recovered(0, 0) != 1 {
		t.Error("the rate does not return to 1")
	}
}
