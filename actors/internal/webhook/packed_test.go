package webhook

import (
	"container/heap"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"runtime"
	gometrics "runtime/metrics"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/storage"
)

// downRun is a run whose endpoint is down and is not to be tried before a minute has passed.
func downRun(t testing.TB) (r *run, now time.Time) {
	t.Helper()
	now = time.Date(2026, 11, 30, 12, 0, 0, 123456789, time.UTC)
	env := &entity.Env{Now: func() time.Time { return now }, AfterFunc: func(time.Duration, func()) *time.Timer {
		timer := time.NewTimer(time.Hour)
		timer.Stop()
		return timer
	}}
	w := &webhook{Host: &entity.Host{Env: env, ID: "W"}, room: &Room{}, record: &storage.Webhook{}}
	w.room.attempts, w.room.cut = context.WithCancel(t.Context())
	t.Cleanup(w.room.cut)
	w.gate = gate{open: true, probeAt: now.Add(time.Minute)}
	to, err := w.room.endpointOf(w.record)
	if err != nil {
		t.Fatal(err)
	}
	r = newRun(w, to, make([]int64, storage.Partitions))
	w.run, r.moved = r, false
	return r, now
}

// drawRun gives a run what it may have while its endpoint is down. Untried events are what pack drops.
func drawRun(rt *rapid.T, r *run, now time.Time, untried int) {
	for p := range r.parts {
		r.parts[p].read = int64(rapid.IntRange(0, 1<<20).Draw(rt, "read"))
		r.parts[p].known = r.parts[p].read + int64(rapid.IntRange(0, 1<<20).Draw(rt, "known"))
	}
	for i := range rapid.IntRange(0, 60).Draw(rt, "lanes") {
		n := int64(rapid.IntRange(1, 1<<40).Draw(rt, "number"))
		of := place{fmt.Sprint("evt_", i), fmt.Sprintf("TICK-1-%08X", i), n, i, n * 2, now.Add(-time.Duration(n))}
		l := r.laneFor(of.ticketID, of.ticketID)
		once := rapid.Bool().Draw(rt, "once")
		if once || rapid.Bool().Draw(rt, "unordered") {
			delete(r.lanes, l.key)
			l = r.laneFor(of.eventID, "")
		}
		l.behind, l.through = true, n-1
		r.behind++
		if l.ticketID != "" && rapid.IntRange(0, 9).Draw(rt, "to catch up") == 0 {
			r.list(l)
			continue
		}
		x := &item{of: of, done: true, once: once, tries: rapid.IntRange(0, 40).Draw(rt, "tries")}
		x.row = &storage.Delivery{CreatedAt: now.Add(-time.Hour), Version: n, Attempts: []storage.DeliveryAttempt{{}}}
		x.event = &storage.Event{EventID: of.eventID}
		if minutes := rapid.IntRange(-3, 600).Draw(rt, "next"); minutes != 0 {
			x.next = now.Add(time.Duration(minutes)*time.Minute + time.Duration(i)) // no two at the same time
		}
		r.enqueue(l, x)
	}
	for i := range rapid.IntRange(0, 70).Draw(rt, "periods") {
		p := storage.WebhookPeriod{Begins: now.Add(-time.Duration(i) * time.Hour), Seconds: int64(i), Sent: int64(i) * 7, Failed: 1}
		if answered := rapid.IntRange(0, latencyClasses).Draw(rt, "latency"); answered > 0 {
			p.Latency = rapid.SliceOfN(rapid.Int64Range(0, 1<<40), answered, answered).Draw(rt, "latency")
		}
		r.w.health.periods = append(r.w.health.periods, p)
	}
	for i := range untried {
		of := place{fmt.Sprint("evt_u", i), fmt.Sprintf("TICK-2-%08X", i), 1, i, r.parts[i].read + 1, now}
		r.parts[i].read++
		x := &item{of: of, event: &storage.Event{EventID: of.eventID, TicketID: of.ticketID}}
		r.open[i] = append(r.open[i], x)
		r.enqueue(r.laneFor(of.ticketID, of.ticketID), x)
	}
}

// told is all that a run knows, in words.
func told(r *run) string {
	var b strings.Builder
	fmt.Fprintln(&b, r.behind, r.held, r.settled(), r.w.health.periods, r.to != nil)
	for _, p := range r.parts {
		fmt.Fprintln(&b, p.read, p.known)
	}
	lanes := slices.Clone(r.ready.list)
	waiting := slices.Clone(r.waiting)
	for range waiting {
		lanes = append(lanes, heap.Pop(&waiting).(*lane))
	}
	for i, l := range lanes {
		fmt.Fprintln(&b, i < len(r.ready.list), l.key, l.ticketID, l.behind, l.through, l.listed, l.busy, r.lanes[l.key] == l)
		for _, x := range l.queue {
			version := int64(0)
			if x.resting != nil {
				version = x.resting.version
			} else if x.row != nil {
				version = x.row.Version
			}
			of := x.of
			of.at = of.at.UTC()
			fmt.Fprintln(&b, of, x.lane == l, x.tries, x.next.Equal(time.Time{}), x.next.UTC(), x.done, x.held, x.once, x.attempted(),
				x.createdAt().UTC(), version, x.replayed, x.dirty, x.counted)
		}
	}
	return b.String()
}

func TestWhatIsPackedIsUnpacked(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r, now := downRun(t)
		drawRun(rt, r, now, 0)
		behind := r.progressNow().behind
		r.w.record.Behind = behind
		before, periods := told(r), r.w.health.kept()
		r.pack()
		if r.w.record.Behind != nil || !slices.Equal(r.w.next().Behind, behind) || !slices.Equal(r.progressNow().behind, behind) ||
			!reflect.DeepEqual(r.w.next().Periods, periods) {
			rt.Fatal("what is written of it is not as before")
		}
		if r.packed == nil || r.parts != nil || r.lanes != nil || r.open != nil || r.trying != nil || r.waiting != nil ||
			r.ready.list != nil || r.ctx != nil || r.to != nil || r.w.health.periods != nil {
			rt.Fatal("something is not packed")
		}
		r.unpack()
		if after := told(r); after != before {
			rt.Fatalf("before:\n%s\nafter:\n%s", before, after)
		}
		if r.packed != nil || r.ctx.Err() != nil || !slices.Equal(r.w.record.Behind, behind) {
			rt.Fatal("it is not as before")
		}
	})
}

// TestPackDropsWhatWasNotTried: it is read again later, from where it was.
func TestPackDropsWhatWasNotTried(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r, now := downRun(t)
		drawRun(rt, r, now, rapid.IntRange(1, 16).Draw(rt, "untried"))
		settled := r.settled()
		r.more = false
		r.pack()
		if r.packed == nil {
			rt.Fatal("it is not packed")
		}
		r.unpack()
		if !r.more || !slices.Equal(r.positions(), settled) || len(r.open) > 0 {
			rt.Fatal("it is not read again from where it was")
		}
		for key := range r.lanes {
			if strings.HasPrefix(key, "TICK-2") {
				rt.Fatal(key, " was not tried, and is kept")
			}
		}
	})
}

// TestPackOnlyAtRest: what is under way, or not written, is not packed.
func TestPackOnlyAtRest(t *testing.T) {
	for name, busy := range map[string]func(r *run){
		"it is not down":           func(r *run) { r.w.gate.open = false },
		"it may be tried":          func(r *run) { r.w.gate.probeAt = r.w.Now() },
		"an attempt runs":          func(r *run) { r.running = 1 },
		"outcomes are written":     func(r *run) { r.saving = true },
		"outcomes wait":            func(r *run) { r.dirty = []*item{{}} },
		"how far it is waits":      func(r *run) { r.moved = true },
		"a page of a replay waits": func(r *run) { r.page = &replayPage{} },
		"it ends":                  func(r *run) { r.ending = true },
	} {
		t.Run(name, func(t *testing.T) {
			r, _ := downRun(t)
			busy(r)
			if r.pack(); r.packed != nil {
				t.Error("it is packed")
			}
		})
	}
	r, now := downRun(t)
	r.w.gate.probeAt, r.w.gate.hold = now, now.Add(time.Hour)
	if r.pack(); r.packed == nil {
		t.Error("one that asked for a pause is not packed")
	}
}

// TestAPackedRunTakesLittle: a thousand endpoints that are down must not make collections of garbage longer. Those take as long as
// there are objects, and bytes that may have pointers.
func TestAPackedRunTakesLittle(t *testing.T) {
	const runs = 200
	use := func() (objects, scanned int) {
		runtime.GC()
		runtime.GC()
		read := []gometrics.Sample{{Name: "/gc/heap/objects:objects"}, {Name: "/gc/scan/heap:bytes"}}
		gometrics.Read(read)
		return int(read[0].Value.Uint64()), int(read[1].Value.Uint64())
	}
	all := make([]*run, runs)
	for i := range all {
		r, now := downRun(t)
		r.w.record.Events, r.w.record.Templates = []string{"ticket.*", "message.sent"}, json.RawMessage(`{"preset":"slack"}`)
		to, err := r.w.room.endpointOf(r.w.record)
		if err != nil {
			t.Fatal(err)
		}
		r.to = to
		for n := range 100 {
			of := place{fmt.Sprint("evt_", n), fmt.Sprintf("TICK-1-%08X", n), 7, n, 9, now}
			l := r.laneFor(of.ticketID, of.ticketID)
			l.behind, l.through = true, 6
			r.behind++
			r.enqueue(l, &item{of: of, done: true, tries: 1, next: now.Add(time.Hour), resting: &rested{now, 3}})
		}
		for n := range 60 { // about as many as a week has
			r.w.health.periods = append(r.w.health.periods, storage.WebhookPeriod{Begins: now.Add(-time.Duration(n) * time.Hour),
				Seconds: 3600, Sent: 5, Latency: make([]int64, latencyClasses)})
		}
		all[i] = r
	}
	awake, scannedAwake := use()
	for _, r := range all {
		if r.pack(); r.packed == nil {
			t.Fatal("it is not packed")
		}
	}
	packed, scannedPacked := use()
	gone := make([]webhook, runs)
	for i, r := range all { // what is left are the webhooks without runs
		gone[i], all[i] = *r.w, nil
		gone[i].run, gone[i].health.periods = nil, nil
	}
	none, scannedNone := use()
	t.Logf("a run: %d objects and %d bytes to scan; packed: %d and %d", (awake-none)/runs, (scannedAwake-scannedNone)/runs,
		(packed-none)/runs, (scannedPacked-scannedNone)/runs)
	if n := (packed - none) / runs; n > 12 {
		t.Errorf("a packed run has %d objects", n)
	}
	if n := (scannedPacked - scannedNone) / runs; n > 2<<10 {
		t.Errorf("of a packed run %d bytes are scanned", n)
	}
	runtime.KeepAlive(gone)
}
