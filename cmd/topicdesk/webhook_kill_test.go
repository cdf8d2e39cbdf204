package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// The kill loop of webhooks: the service is killed at random moments while it delivers to a receiver that fails in
// every way. Each event arrives, those of a ticket in order; each attempt that the receiver has seen is on record, but
// for those whose outcome a kill has cut off; and each repeat is explained.

const (
	// killTimeout is how long an attempt may take.
	killTimeout = 1500 * time.Millisecond
	// lostBefore is how long before a kill an attempt may have begun whose outcome is lost.
	lostBefore = killTimeout + 5*time.Second
)

type killPlan struct {
	tickets, each, kills int
	deck                 int // see newRough
	common               map[fate]int
}

func TestWebhookKillLoop(t *testing.T) {
	if testing.Short() {
		t.Skip("long: kills processes")
	}
	t.Parallel()
	plan := killPlan{tickets: 12, each: 20, kills: 2, deck: 240, common: map[fate]int{hugeBody: 6, resets: 6, fails: 6,
		redirects: 6, slowBody: 2, late: 2, pauses: 1, badTLS: 1, refuses: 1}}
	if long() {
		plan = killPlan{tickets: 100, each: 100, kills: 10, deck: 1000, common: map[fate]int{hugeBody: 40, resets: 35,
			fails: 35, redirects: 35, slowBody: 10, late: 10, pauses: 2, badTLS: 1, refuses: 1}}
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	killWebhooks(t, plan, seed)
}

func killWebhooks(t *testing.T, plan killPlan, seed uint64) {
	folder := t.TempDir()
	r := newRough(t, folder, seed, plan.deck, plan.common)
	h := newHooked(t, "SSL_CERT_FILE", r.roots, childDeliveryEnv, killTimeout.String())
	h.begin()
	schedule := []float64{0}
	for len(schedule) < 32 {
		// With its jitter it is more than a second, so that attempts have signatures of their own, unless an endpoint is back.
		schedule = append(schedule, 1.3)
	}
	id, _ := h.hook(map[string]any{"url": r.url, "events": []string{"message.*"}, "schedule": schedule,
		"maxConcurrency": 16})
	h.end()
	n := plan.tickets * plan.each
	h.fill(plan.tickets, plan.each)

	rng := rand.New(rand.NewPCG(seed, 3))
	var at []int
	for range plan.kills {
		at = append(at, rng.IntN(n))
	}
	slices.Sort(at)
	begun := time.Now()
	killed := map[int]time.Time{} // by life
	h.begin()
	for _, at := range at {
		before := r.count()
		h.soonTrue("events arrive", r.count, func() bool { return r.count() >= max(at, min(before+1, n)) })
		h.process.kill()
		killed[r.reborn()] = time.Now()
		h.begin()
	}
	h.soonTrue("every event arrives", r.count, func() bool { return r.count() >= n })
	history := h.allSent(id, n)
	took := time.Since(begun)
	h.end()

	c := killCheck{r: r, killed: killed, fates: map[string]int{}, lost: map[int]int{}, repeats: map[string]int{}}
	for _, d := range history {
		c.event(d)
	}
	for _, w := range r.wrong {
		t.Error(w)
	}
	for _, w := range c.wrong[:min(len(c.wrong), 20)] {
		t.Error(w)
	}
	t.Logf("%d events over %d tickets, %d kills, %.1f s: %d attempts on record, %d that the receiver has seen, in %d "+
		"requests", n, plan.tickets, plan.kills, took.Seconds(), c.recorded, c.seen, c.requests)
	t.Logf("what they came to: %s", counts(c.fates))
	t.Logf("repeats: %s; attempts without an outcome, by process that was killed: %v", counts(c.repeats), c.lost)
	for f := range plan.common {
		if c.fates["an attempt "+string(f)] == 0 {
			t.Errorf("no attempt %s", f)
		}
	}
}

func counts(of map[string]int) string {
	var all []string
	for _, what := range slices.Sorted(maps.Keys(of)) {
		all = append(all, fmt.Sprintf("%s: %d", what, of[what]))
	}
	return strings.Join(all, ", ")
}

// killCheck compares what the receiver has seen with the history.
type killCheck struct {
	r                        *roughReceiver
	killed                   map[int]time.Time
	recorded, seen, requests int
	fates, repeats           map[string]int
	lost                     map[int]int // by life
	wrong                    []string
}

func (c *killCheck) failf(d *delivered, format string, args ...any) {
	c.wrong = append(c.wrong, fmt.Sprintf("%s/%d: ", d.TicketID, d.Number)+fmt.Sprintf(format, args...))
}

// event checks one event.
func (c *killCheck) event(d delivered) {
	bySignature := map[seenKey]*deliveryAttempt{}
	again := map[seenKey]int{} // where an endpoint is back, all that waits is tried at once, perhaps twice in a second
	for i := range d.Attempts {
		a := &d.Attempts[i]
		k := seenKey{d.EventID, a.RequestHeaders["webhook-signature"], c.lifeAt(a.At)}
		if before := bySignature[k]; before != nil {
			if again[k]++; c.r.requests(k) <= again[k] && unseenAs(before) == "" && unseenAs(a) == "" {
				c.failf(&d, "an attempt is on record twice, at %v (%d %q) and at %v (%d %q)", before.At, before.Status, before.Error,
					a.At, a.Status, a.Error)
			}
		}
		bySignature[k] = a
		c.recorded++
	}
	all := c.r.byEvent[d.EventID]
	records := make([]*deliveryAttempt, len(all)) // nil: lost
	for i, a := range all {
		c.seen++
		c.requests += a.requests
		c.fates["an attempt "+string(a.fate)]++
		k := seenKey{a.event, a.signature, a.life}
		if records[i] = bySignature[k]; records[i] == nil {
			c.outcomeLost(&d, a)
		} else {
			c.agree(&d, a, records[i])
		}
		// Where the receiver closes its connections, a busy machine may lose an answer that was given.
		lost := records[i] != nil && unseenAs(records[i]) != ""
		if a.requests > 1+again[k] && a.fate != resets && a.fate != refuses && a.fate != badTLS && !lost {
			c.failf(&d, "an attempt that %s has made %d requests", a.fate, a.requests)
		}
		if i > 0 {
			c.repeat(&d, all[i-1], records[i-1])
		}
	}
	if n := len(all); n == 0 || !all[n-1].fate.taken() && (records[n-1] == nil || records[n-1].Error != "") {
		c.failf(&d, "it has not arrived")
	}
	for k, a := range bySignature {
		if c.r.attempts[k] == nil {
			c.unseen(&d, a)
		}
	}
}

// lifeAt is the process that lived at a time.
func (c *killCheck) lifeAt(at time.Time) (life int) {
	for _, end := range c.killed {
		if end.Before(at) {
			life++
		}
	}
	return life
}

// outcomeLost checks that a kill has cut off an attempt that is not on record.
func (c *killCheck) outcomeLost(d *delivered, a *seenAttempt) {
	c.lost[a.life]++
	if at, is := c.killed[a.life]; !is {
		c.failf(d, "an attempt that %s is not on record, and process %d was not killed", a.fate, a.life)
	} else if before := at.Sub(a.at); before > lostBefore {
		c.failf(d, "an attempt that %s is not on record; it was %v before the kill", a.fate, before)
	}
}

// agree checks that the record of an attempt says what has happened to it.
func (c *killCheck) agree(d *delivered, a *seenAttempt, on *deliveryAttempt) {
	says := map[fate]struct {
		status int
		words  string
	}{
		resets: {0, "the connection was lost"}, fails: {500, "500"}, redirects: {301, "redirects are not followed"},
		slowBody: {200, "did not end"}, late: {0, "no answer came"}, pauses: {429, "429"},
	}[a.fate]
	switch {
	case a.fate.taken():
		if on.Error == "" && on.Status == 200 {
			return
		}
		if on.Status == 0 && unseenAs(on) != "" { // another request's fate closed the connection before the answer was read
			c.fates["lost its answer on a busy machine"]++
			return
		}
	case on.Status == says.status && strings.Contains(on.Error, says.words):
		return
	case a.fate == late && on.Status == 200 && on.Error == "":
		c.fates["answered in the moment of the time-out"]++
		return
	case a.fate == resets && on.Status == 0 && unseenAs(on) != "":
		return // it is repeated within the attempt
	}
	if timedOut(on) {
		c.fates["timed out on a busy machine"]++
		return
	}
	c.failf(d, "an attempt that %s is on record as %d %q", a.fate, on.Status, on.Error)
}

func timedOut(on *deliveryAttempt) bool {
	return strings.Contains(on.Error, "within "+killTimeout.String())
}

// unseen checks an attempt on record that never reached the receiver.
func (c *killCheck) unseen(d *delivered, on *deliveryAttempt) {
	if what := unseenAs(on); what != "" {
		c.fates["an attempt that was "+what]++
		return
	}
	if timedOut(on) {
		c.fates["timed out on a busy machine"]++
		return
	}
	c.failf(d, "an attempt is on record as %d %q that the receiver has not seen", on.Status, on.Error)
}

// unseenAs says why an attempt may not have reached the receiver. It is empty for other ones.
func unseenAs(on *deliveryAttempt) string {
	for words, what := range map[string]string{"nobody listens": "refused",
		"authority that is not trusted": "shown an invalid certificate",
		"the connection was lost":       "lost before it arrived"} {
		if strings.Contains(on.Error, words) {
			return what
		}
	}
	return ""
}

// repeat explains why an event came again after an attempt.
func (c *killCheck) repeat(d *delivered, before *seenAttempt, on *deliveryAttempt) {
	switch {
	case on == nil:
		c.repeats["after a kill"]++
	case before.fate == resets, before.fate == slowBody, before.fate == late, before.fate.taken() && timedOut(on):
		c.repeats["after a lost answer"]++
	case !before.fate.taken():
		c.repeats["as the receiver had refused it"]++
	default:
		c.failf(d, "it came again after it was taken, which is on record")
	}
}
