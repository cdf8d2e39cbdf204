package actors_test

import (
	"fmt"
	"net/http/httptest"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/messages"
)

// TestWebhookThatIsDownCostsLittle: what waits for it, and is not to be tried for now, is in storage. It is not parallel to
// others, whose memory would count.
func TestWebhookThatIsDownCostsLittle(t *testing.T) {
	const endpoints, tickets, most = 80, 40, 16 << 10
	d := newDesk(t, options{speed: 1})
	nobody := httptest.NewServer(nil)
	nobody.Close()
	all := make([]*receiver, endpoints)
	settings := &messages.WebhookSettings{Url: nobody.URL, Format: "standard", Ordering: "ticket", Content: "full", MaxConcurrency: 16}
	for i := range all {
		all[i] = &receiver{d: d, id: messages.NewWebhookID(fmt.Sprint(t.Name(), i))}
		v := all[i].ask(&messages.CreateWebhook{Origin: &messages.Origin{CommandId: all[i].id}, KeyId: fmt.Sprint("key", i/50),
			Settings: settings})
		if v.Code != messages.Code_OK {
			t.Fatal(v)
		}
	}
	has := map[string]int{}
	for i := range tickets {
		ticket := fmt.Sprintf("TICK-1-%08X", i)
		d.appends(ticket, 0, 3)
		has[ticket] = 3
	}
	d.logged(has)
	disabled, cpuBefore := heapOf()
	for _, r := range all {
		r.ask(&messages.EnableWebhook{Origin: &messages.Origin{CommandId: "on"}})
	}
	for _, r := range all {
		d.eventually("it is down", func() bool { return len(r.record().Behind) >= 20 })
	}
	each, cpu := int64(0), time.Duration(0)
	defer func() {
		t.Logf("%d bytes each; a collection takes %v of the processor, and %v while they are disabled", each, cpu, cpuBefore)
	}()
	d.eventually("they keep little", func() bool {
		var heap int64
		heap, cpu = heapOf()
		each = (heap - disabled) / endpoints
		return each < most
	})
	if stats := commanded[*messages.WebhookStats](all[0], &messages.GetWebhookStats{}); stats.Backlog < tickets { // one that is behind counts once
		t.Errorf("%d events of %d tickets wait", stats.Backlog, tickets)
	}
}

// heapOf is how much memory is in use, and how much of the processor a garbage collection takes.
func heapOf() (bytes int64, cpu time.Duration) {
	runtime.GC()
	var before, after syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &before)
	runtime.GC()
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &after)
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc), time.Duration(after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano())
}

// Whatever happens to an endpoint while it is down: when it is back it gets each event once, and those of a ticket in order.
func TestWebhookWhileItIsDown(t *testing.T) {
	t.Parallel()
	for _, ordering := range []string{"ticket", "none"} {
		t.Run(ordering, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, options{speed: 20, sweepEvery: 5 * time.Second})
			s := &messages.WebhookSettings{Ordering: ordering, Events: []string{messages.EventMessageSent}, Schedule: []float64{0}}
			for range 31 {
				s.Schedule = append(s.Schedule, 30)
			}
			r := d.hears(s, always(500))
			has, all := map[string]int{}, 0
			happens := func(ticket, n int) {
				id := fmt.Sprintf("TICK-1-%08X", ticket)
				d.appends(id, has[id], n)
				has[id] += n
				all += n
			}
			for i := range 200 {
				happens(i, 2)
			}
			probed := func() { // twice, so that it has rested between
				before := r.attemptsMade()
				d.eventually("it is down, and probed", func() bool { return before >= 20 && r.attemptsMade() >= before+2 })
			}
			d.eventually("the breaker opens", func() bool { return r.attemptsMade() >= 20 })
			waiting := func() {
				d.logged(has)
				d.eventually("all wait", func() bool {
					stats := commanded[*messages.WebhookStats](r, &messages.GetWebhookStats{})
					return stats.Backlog >= int64(len(has)) && stats.OldestPendingMs > 0
				})
			}
			probed()
			waiting()
			for _, row := range r.rows() { // one of those that failed
				v := commanded[*messages.DeliveryView](r, &messages.RetryDelivery{Origin: &messages.Origin{CommandId: "retry"}, EventId: row.EventID})
				if v.Code != messages.Code_OK {
					t.Error(v)
				}
				break
			}
			happens(0, 3)
			happens(1000, 2)
			probed()
			waiting()
			replay := commanded[*messages.ReplayView](r, &messages.StartReplay{Origin: &messages.Origin{CommandId: "again"}}).Replay
			commanded[*messages.ReplayView](r, &messages.CancelReplay{Origin: &messages.Origin{CommandId: "no"}, ReplayId: replay.ReplayId})
			r.settings.MaxConcurrency = 3
			r.ask(&messages.UpdateWebhook{Origin: &messages.Origin{CommandId: "fewer"}, Settings: r.settings})
			probed()
			before := r.attemptsMade() // before anything can begin
			d.restart()
			r.wakes()
			d.eventually("it is down again", func() bool { return r.attemptsMade() >= before+20 })
			probed()
			happens(1, 2)
			waiting()
			r.ask(&messages.DisableWebhook{Origin: &messages.Origin{CommandId: "off"}})
			before = r.attemptsMade()
			r.ask(&messages.EnableWebhook{Origin: &messages.Origin{CommandId: "on"}})
			d.eventually("it is down once more", func() bool { return r.attemptsMade() >= before+20 })
			probed()
			r.answers(nil)
			d.eventually("all arrive", func() bool { return r.count() >= all })
			if ordering == "ticket" {
				r.inOrder(has)
			}
			d.recorded(r, all)
			r.mu.Lock()
			defer r.mu.Unlock()
			for id, n := range r.taken {
				if n != 1 {
					t.Errorf("%s arrived %d times", id, n)
				}
			}
		})
	}
}
