package webhook

import (
	"math"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/delivery"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// What became of attempts is counted in periods of three lengths, from which the figures of the last hour, day and week
// follow. After a crash the counts of the last second are missing.

// spans are the times that programs are told of, and the length of the periods for each.
var spans = []struct{ over, period time.Duration }{
	{time.Hour, 5 * time.Minute}, {24 * time.Hour, time.Hour}, {7 * 24 * time.Hour, 6 * time.Hour},
}

const latencyClasses = 40

// count counts an attempt.
func (h *health) count(now time.Time, r *delivery.Result) {
	if h.periods != nil && now.Sub(h.periods[0].Begins) > 8*24*time.Hour {
		h.periods = slices.DeleteFunc(slices.Clone(h.periods), func(p storage.WebhookPeriod) bool {
			return tooOld(now, &p)
		})
	}
	for _, s := range spans {
		p := h.period(now, s.period)
		if r.Verdict == delivery.Success {
			p.Sent++
		} else {
			p.Failed++
		}
		if r.Status == 0 {
			continue
		}
		class := min(latencyClass(r.Duration), latencyClasses-1)
		if grow := class + 1 - len(p.Latency); grow > 0 {
			p.Latency = append(p.Latency, make([]int64, grow)...)
		}
		p.Latency[class]++
	}
}

func tooOld(now time.Time, p *storage.WebhookPeriod) bool {
	for _, s := range spans {
		if int64(s.period.Seconds()) == p.Seconds {
			return now.Sub(p.Begins) > s.over+s.period
		}
	}
	return true
}

// period finds or begins the period of a length that has now. It is the health's own.
func (h *health) period(now time.Time, length time.Duration) *storage.WebhookPeriod {
	begins, seconds := now.UTC().Truncate(length), int64(length.Seconds())
	for i := len(h.periods) - 1; i >= 0; i-- {
		if p := &h.periods[i]; p.Seconds == seconds && p.Begins.Equal(begins) {
			return p
		}
	}
	h.periods = slices.DeleteFunc(h.periods, func(p storage.WebhookPeriod) bool { return tooOld(now, &p) })
	h.periods = append(h.periods, storage.WebhookPeriod{Begins: begins, Seconds: seconds})
	return &h.periods[len(h.periods)-1]
}

// kept is a copy of the periods for the record.
func (h *health) kept() []storage.WebhookPeriod {
	periods := slices.Clone(h.periods)
	for i := range periods {
		periods[i].Latency = slices.Clone(periods[i].Latency)
	}
	return periods
}

// latencyClass is the class of a duration: each is a factor √2 longer than the one before.
func latencyClass(d time.Duration) int {
	ms := float64(d) / float64(time.Millisecond)
	if ms <= 1 {
		return 0
	}
	return int(math.Ceil(2 * math.Log2(ms)))
}

// latencyOf is the longest time of a class, in ms.
func latencyOf(class int) float64 { return math.Round(100*math.Pow(2, float64(class)/2)) / 100 }

// quantile is the time, in ms, within which that part of the attempts was answered; 0: there were none.
func quantile(latency []int64, q float64) float64 {
	var all, seen int64
	for _, n := range latency {
		all += n
	}
	for class, n := range latency {
		if seen += n; n > 0 && float64(seen) >= q*float64(all) {
			return latencyOf(class)
		}
	}
	return 0
}

// onStats tells how the endpoint does.
func (w *webhook) onStats(*messages.GetWebhookStats) (proto.Message, error) {
	if w.gone() {
		return &messages.WebhookStats{Code: messages.Code_NOT_FOUND}, nil
	}
	if w.run != nil {
		w.run.unpack()
		defer w.run.pack()
	}
	out := &messages.WebhookStats{Code: messages.Code_OK, Backlog: w.backlog()}
	if out.Backlog > 0 {
		oldest, err := w.oldest()
		if err != nil {
			return nil, err
		}
		if !oldest.IsZero() {
			out.OldestPendingMs = max(w.Now().Sub(oldest).Milliseconds(), 1)
		}
	}
	now := w.Now()
	for _, s := range spans {
		period := &messages.WebhookPeriod{Seconds: int64(s.over.Seconds())}
		latency := make([]int64, latencyClasses)
		for i := range w.health.periods {
			p := &w.health.periods[i]
			if p.Seconds != int64(s.period.Seconds()) || now.Sub(p.Begins) > s.over {
				continue
			}
			period.Sent += p.Sent
			period.Failed += p.Failed
			for class, n := range p.Latency {
				latency[class] += n
			}
		}
		period.P50Ms, period.P95Ms = quantile(latency, 0.5), quantile(latency, 0.95)
		out.Periods = append(out.Periods, period)
	}
	return out, nil
}

// oldest is when the oldest event happened that waits; zero: it is not known.
func (w *webhook) oldest() (oldest time.Time, err error) {
	older := func(at time.Time) {
		if !at.IsZero() && (oldest.IsZero() || at.Before(oldest)) {
			oldest = at
		}
	}
	positions := w.record.Positions
	if r := w.run; r != nil {
		r.unpack()
		positions = r.positions()
		oldest = r.oldest()
	}
	heads, err := w.room.Log.Heads(w.Ctx)
	if err != nil {
		return oldest, err
	}
	for p := range positions {
		if heads[p] <= positions[p] {
			continue
		}
		next, err := w.Store.LogAfter(w.Ctx, p, positions[p], 1)
		if err != nil {
			return oldest, err
		}
		if len(next) > 0 {
			older(next[0].At)
		}
	}
	return oldest, nil
}

// oldest is when the oldest event in memory happened; zero: there is none.
func (r *run) oldest() (oldest time.Time) {
	for _, l := range r.lanes {
		if len(l.queue) == 0 {
			continue
		}
		for _, at := range []time.Time{l.queue[0].of.at, l.queue[0].createdAt()} {
			if !at.IsZero() && (oldest.IsZero() || at.Before(oldest)) {
				oldest = at
			}
		}
	}
	return oldest
}
