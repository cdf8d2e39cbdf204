package eventlog

import (
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/storage"
)

func TestWhatNobodyAsksForIsLetGoOf(t *testing.T) {
	e := newElsewhere(t)
	var looks []func()
	e.ahead.afterFunc = func(_ time.Duration, f func()) *time.Timer {
		looks = append(looks, f)
		return nil
	}
	for range 20 {
		e.append()
	}
	reads := func() {
		t.Helper()
		page, err := e.ReadAhead(t.Context(), make([]int64, storage.Partitions), NewFilter(nil), 5)
		if err != nil || len(page.Events) != 5 || page.Positions[0] != 5 {
			t.Fatal(page, err)
		}
	}
	reads()
	if kept := e.ahead.events[0]; len(kept) != 20 || len(looks) != 1 {
		t.Fatalf("%d events are kept for others, and %d timers are set", len(kept), len(looks))
	}
	looks[0]()
	reads()
	looks[1]()
	if len(e.ahead.events[0]) == 0 || len(looks) != 3 {
		t.Fatal("it is let go of though somebody has asked")
	}
	looks[2]()
	if e.ahead.events != nil || e.ahead.bytes != 0 || len(looks) != 3 {
		t.Fatal("nobody has asked, and it is kept")
	}
	reads()
	if len(e.ahead.events[0]) != 20 || len(looks) != 4 {
		t.Error("it is not kept again")
	}
}

func TestWhatIsReadAheadIsBounded(t *testing.T) {
	a := aheads{afterFunc: func(time.Duration, func()) *time.Timer { return nil }}
	most := 0
	for p := range storage.Partitions {
		a.keep(p, []storage.Event{{Data: make([]byte, aheadBytes)}})
		held := 0
		for _, events := range a.events {
			held += bytesOf(events)
		}
		if held != a.bytes {
			t.Fatalf("%d bytes, counted as %d", held, a.bytes)
		}
		most = max(most, held)
	}
	if most != aheadBytesOfAll {
		t.Errorf("it keeps up to %d bytes", most)
	}
	a.keep(0, []storage.Event{{Data: make([]byte, aheadBytes+1)}})
	if len(a.events[0]) != 0 {
		t.Error("too much of one partition is kept")
	}
}
