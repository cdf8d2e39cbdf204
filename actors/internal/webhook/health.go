package webhook

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/topicdesk/topicdesk/actors/internal/delivery"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/view"
)

// health is how an endpoint does. The record has it, too, a moment later.
type health struct {
	failingSince time.Time // when the failures began that no success has ended
	lastFailed   time.Time // when an attempt last failed, since the start
	lastSuccess  time.Time
	lastError    string
	firsts       []time.Time // when first attempts failed, within earlyWithin
	periods      []storage.WebhookPeriod
}

const (
	// An early warning is given after earlyFailures first attempts failed within earlyWithin, and not again within that time.
	earlyFailures = 5
	earlyWithin   = time.Hour
)

// stage is a warning that an endpoint fails.
type stage struct {
	name  string
	bit   int64
	after time.Duration // without a success
}

const early = 1

// stages are the later warnings, in order. At the last, the endpoint is disabled.
var stages = []stage{{"day1", 2, 24 * time.Hour}, {"day3", 4, 72 * time.Hour}, {"day5", 8, 120 * time.Hour}}

// Reasons for which the desk disables an endpoint, and the one of a program.
const (
	reasonFailing = "failing"
	reasonGone    = "gone"
	reasonAsked   = "asked"
	reasonProgram = "program"
)

func healthOf(w *storage.Webhook) health {
	return health{failingSince: w.FailingSince, lastSuccess: w.LastSuccessAt, lastError: w.LastError,
		periods: slices.Clone(w.Periods)}
}

// learn draws the conclusions from an attempt: for the pace, and for what people are told.
func (w *webhook) learn(now time.Time, result *delivery.Result, first, blameless bool) error {
	w.health.count(now, result)
	w.run.counted = true
	if w.run.elsewhere() {
		return nil
	}
	back := w.gate.back
	w.gate.back = false
	if result.Verdict == delivery.Success {
		if w.gate.open || back {
			w.run.hasten()
		}
		w.gate.succeeded(now)
		w.health.lastError = ""
		return w.recovered(now)
	}
	if blameless {
		return nil
	}
	h := &w.health
	h.lastError = result.Error
	switch result.Verdict {
	case delivery.Abort:
		return nil // it takes events, only not this one
	case delivery.Disable:
		reason := reasonAsked
		if result.Status == 410 {
			reason = reasonGone
		}
		return w.disable(reason)
	}
	if h.failingSince.IsZero() {
		h.failingSince = now
	}
	h.lastFailed = now
	hold := w.gate.hold
	if w.gate.failed(now, result) {
		w.Log.Warn("a webhook fails: it is tried by one event at a time", "failures", breakerOpens, "error", result.Error)
		w.run.park = true
	}
	if !w.gate.hold.Equal(hold) {
		w.run.moved = true // it is to be kept after a restart
	}
	if first {
		h.firsts = append(slices.DeleteFunc(h.firsts, func(at time.Time) bool { return now.Sub(at) > earlyWithin }), now)
		h.firsts = h.firsts[max(0, len(h.firsts)-earlyFailures):]
		if len(h.firsts) == earlyFailures && w.record.Warned&early == 0 && now.Sub(w.record.WarnedAt) >= earlyWithin {
			return w.warn("early", early)
		}
	}
	return w.warnLater()
}

// warnLater gives the warnings that are due for an endpoint whose attempts have failed for long. Time in which nothing was
// tried, such as after the newest failure, does not count.
func (w *webhook) warnLater() error {
	since := w.health.failingSince
	if since.IsZero() || !w.record.Enabled {
		return nil
	}
	for _, s := range stages {
		if w.health.lastFailed.Sub(since) < s.after || w.record.Warned&s.bit != 0 {
			continue
		}
		if s == stages[len(stages)-1] {
			return w.disable(reasonFailing)
		}
		if err := w.warn(s.name, s.bit); err != nil {
			return err
		}
	}
	return nil
}

// warn gives a warning: an event, a line in the log, a metric.
func (w *webhook) warn(name string, bit int64) error {
	h, pending := &w.health, w.backlog()
	now := w.now()
	err := w.tell(messages.EventWebhookFailing, name, &view.WebhookFailingData{
		Webhook: w.ref(), Stage: name, FailingSince: view.Time{Time: h.failingSince}, LastError: h.lastError, Pending: pending,
	}, func(r *storage.Webhook) {
		r.Warned |= bit
		r.FailingSince = h.failingSince
		if bit == early {
			r.WarnedAt = now
		}
	})
	if err == nil {
		w.room.metrics.warned.WithLabelValues(name).Inc()
		w.Log.Warn("a webhook fails", "stage", name, "since", h.failingSince, "pending", pending, "error", h.lastError)
		if days, late := strings.CutPrefix(name, "day"); late {
			w.tellPeople(name, messages.NoticeWebhookFailing, map[string]string{"days": strings.TrimPrefix(days, "1"), "error": h.lastError})
		}
	}
	return err
}

// recovered ends the failures. When that can't be told, the next success tells it.
func (w *webhook) recovered(now time.Time) error {
	h := &w.health
	h.lastSuccess = now
	if w.record.Warned == 0 {
		h.failingSince = time.Time{}
		return nil
	}
	since := cmp.Or(h.failingSince, w.record.FailingSince, now)
	late := w.backlog() + 1
	err := w.tell(messages.EventWebhookRecovered, "", &view.WebhookRecoveredData{Webhook: w.ref(), FailingSince: view.Time{Time: since},
		Late: late}, func(r *storage.Webhook) { r.Warned, r.FailingSince = 0, time.Time{} })
	if err == nil {
		h.failingSince = time.Time{}
		w.Log.Info("a webhook takes events again", "failed since", since, "late", late)
	}
	return err
}

// disable disables the endpoint for a reason of the desk's.
func (w *webhook) disable(reason string) error {
	if !w.record.Enabled {
		return nil
	}
	h, pending := &w.health, w.backlog()
	data := &view.WebhookDisabledData{Webhook: w.ref(), Reason: reason, LastError: h.lastError, Pending: pending}
	if !h.failingSince.IsZero() {
		data.FailingSince = &view.Time{Time: h.failingSince}
	}
	err := w.tell(messages.EventWebhookDisabled, reason, data, func(r *storage.Webhook) {
		r.Enabled, r.DisabledReason = false, reason
		r.Revision++
		r.UpdatedAt = w.now()
	})
	if err != nil {
		return err
	}
	w.room.metrics.disabled.WithLabelValues(reason).Inc()
	w.Log.Warn("a webhook is disabled; what waits for it is kept", "reason", reason, "pending", pending, "error", h.lastError)
	w.tellPeople(reason, messages.NoticeWebhookDisabled, map[string]string{reason: "1"})
	if w.run != nil {
		w.run.ending = true
	}
	return nil
}

// tell writes an event about the endpoint, in one write with what it is about, and gives it to the log.
func (w *webhook) tell(kind, of string, data any, change func(*storage.Webhook)) error {
	text, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("an event about a webhook: %w", err)
	}
	now := w.now()
	err = w.change(func(r *storage.Webhook) {
		change(r)
		r.Unlogged = append(r.Unlogged, storage.Event{
			EventID: ids.EventID(fmt.Sprintf("%s/%s/%s/%d/%d", kind, r.WebhookID, of, now.UnixMilli(), r.Version)),
			Type:    kind, At: now, GroupID: r.GroupID, Data: text,
		})
	})
	if err == nil {
		w.publish()
	}
	return err
}

// ref names the endpoint in an event.
func (w *webhook) ref() view.WebhookRef {
	return view.WebhookRef{WebhookID: w.ID, Description: w.record.Description, Host: hostOf(w.record.URL)}
}

// backlog is how many events wait; those that are not read yet count, wanted or not.
func (w *webhook) backlog() int64 {
	heads, err := w.room.Log.Heads(w.Ctx)
	if err != nil {
		return 0
	}
	positions, open := w.record.Positions, int64(0)
	if r := w.run; r != nil {
		r.unpack()
		positions = r.positions()
		for _, l := range r.lanes {
			open += int64(max(len(l.queue), 1))
		}
	} else {
		open = int64(len(w.record.Behind))
	}
	for p := range positions {
		open += max(heads[p]-positions[p], 0)
	}
	return open
}
