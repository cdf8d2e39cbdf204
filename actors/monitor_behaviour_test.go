package actors_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/view"
)

const monitorDesk = "desk" // the identity of the one monitor

// monitored asks the monitor.
func monitored[T proto.Message](d *desk, m proto.Message) T {
	d.t.Helper()
	return asks[T](d, messages.KindMonitor, monitorDesk, m)
}

// errorsListed are the errors that programs see, those that occurred last first.
func (d *desk) errorsListed(state string) []*messages.ErrorView {
	d.t.Helper()
	return monitored[*messages.ErrorList](d, &messages.ListErrors{State: state, Limit: 2000}).Errors
}

// report has a node report errors of some kinds, each so often.
func (d *desk) report(boot string, sequence int64, count int64, kinds ...string) {
	d.t.Helper()
	m := &messages.ReportErrors{Node: boot, Boot: boot, Sequence: sequence}
	now := d.clock.Now().UnixMilli()
	for _, k := range kinds {
		m.Errors = append(m.Errors, &messages.ErrorReport{Fingerprint: k, Component: "chat", Place: "x", Message: "of " + k,
			Level: "error", Count: count, FirstMs: now, LastMs: now, TicketIds: []string{"TICK-" + boot}})
	}
	if r := monitored[*messages.Reply](d, m); r.Code != messages.Code_OK {
		d.t.Fatal(r)
	}
}

// occurrences are the events error.occurred, in their order.
func (d *desk) occurrences() (all []view.ErrorOccurredData) {
	d.t.Helper()
	events, err := d.store.LogAfter(d.t.Context(), storage.PartitionOf(monitorDesk), 0, 10_000)
	d.must(err)
	for _, e := range events {
		if e.Type == messages.EventErrorOccurred {
			var data view.ErrorOccurredData
			d.must(json.Unmarshal(e.Data, &data))
			all = append(all, data)
		}
	}
	return all
}

func (d *desk) awaitOccurrences(n int) []view.ErrorOccurredData {
	d.t.Helper()
	var all []view.ErrorOccurredData
	d.eventually(fmt.Sprint(n, " events"), func() bool {
		all = d.occurrences()
		return len(all) >= n
	})
	return all
}

func TestErrorsOfAllNodesAreCountedOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{})
	d.report("a", 1, 3, "one", "two")
	d.report("b", 1, 4, "one")
	count := func(t *testing.T, want map[string]int64) {
		t.Helper()
		got := map[string]int64{}
		for _, e := range d.errorsListed("") {
			got[e.Fingerprint] = e.Count
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	count(t, map[string]int64{"one": 7, "two": 3})
	d.run(t, "a report that comes again changes nothing", func(t *testing.T) {
		d.report("a", 1, 3, "one", "two")
		count(t, map[string]int64{"one": 7, "two": 3})
		d.report("a", 2, 1, "one")
		d.report("b", 1, 4, "one")
		count(t, map[string]int64{"one": 8, "two": 3})
	})
	d.run(t, "all of it survives a restart", func(t *testing.T) {
		d.awaitOccurrences(2)
		d.restart()
		count(t, map[string]int64{"one": 8, "two": 3})
		d.report("a", 2, 1, "one")
		count(t, map[string]int64{"one": 8, "two": 3})
		d.report("a", 3, 1, "one") // of the same process
		count(t, map[string]int64{"one": 9, "two": 3})
		if one := d.errorsListed("")[0]; one.Fingerprint != "one" || !slices.Contains(one.TicketIds, "TICK-a") ||
			!slices.Contains(one.TicketIds, "TICK-b") {
			t.Error(one)
		}
		if told := d.occurrences(); len(told) != 2 {
			t.Errorf("it is told again: %v", told)
		}
	})
}

// When an error was first and last seen is that of all nodes, in whatever order they report it.
func TestErrorsOfAllNodesHaveTheirTimes(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{})
	at := d.clock.Now().Truncate(time.Second)
	for i, r := range []struct{ first, last, isFirst, isLast time.Duration }{
		{0, time.Second, 0, time.Second}, {-2 * time.Second, -time.Second, -2 * time.Second, time.Second},
		{2 * time.Second, 3 * time.Second, -2 * time.Second, 3 * time.Second}, {-time.Second, 2 * time.Second, -2 * time.Second, 3 * time.Second},
	} {
		monitored[*messages.Reply](d, &messages.ReportErrors{Boot: fmt.Sprint("node", i), Sequence: 1, Errors: []*messages.ErrorReport{
			{Fingerprint: "one", Level: "error", Count: 1, FirstMs: at.Add(r.first).UnixMilli(), LastMs: at.Add(r.last).UnixMilli()}}})
		if e := d.errorsListed("")[0]; e.FirstMs != at.Add(r.isFirst).UnixMilli() || e.LastMs != at.Add(r.isLast).UnixMilli() {
			t.Errorf("report %d: from %s to %s", i, time.UnixMilli(e.FirstMs).Sub(at), time.UnixMilli(e.LastMs).Sub(at))
		}
	}
}

func TestWhatIsNewAndWhatReturnsIsTold(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{})
	var sequence int64
	again := func() { sequence++; d.report("a", sequence, 1, "one") }
	again()
	again()
	if first := d.awaitOccurrences(1)[0]; first.Fingerprint != "one" || first.Count != 1 || first.HeldBack != 0 || first.Level != "error" {
		t.Errorf("%+v", first)
	}
	resolve := func() *messages.ErrorView {
		return monitored[*messages.ErrorAnswer](d, &messages.ResolveError{Fingerprint: "one"}).Error
	}
	if v := resolve(); !v.Resolved || len(d.errorsListed("open")) != 0 || len(d.errorsListed("resolved")) != 1 {
		t.Error(v)
	}
	if twice := resolve(); twice.Revision != 1 {
		t.Errorf("resolving twice changes something: %v", twice)
	}
	again()
	if returned := d.awaitOccurrences(2)[1]; returned.Count != 3 || len(d.errorsListed("open")) != 1 {
		t.Errorf("%+v", returned)
	}
	d.run(t, "what is muted is counted and not told", func(t *testing.T) {
		until := d.clock.Now().Add(time.Hour).UnixMilli()
		monitored[*messages.ErrorAnswer](d, &messages.MuteError{Fingerprint: "one", UntilMs: until})
		resolve()
		again()
		monitored[*messages.ErrorAnswer](d, &messages.MuteError{Fingerprint: "one"})
		again()
		d.report("a", 1000, 1, "other")
		d.awaitOccurrences(3)
		if all := d.occurrences(); len(all) != 3 || all[2].Fingerprint != "other" {
			t.Errorf("%+v", all)
		}
		if e := d.errorsListed("")[1]; e.Count != 5 {
			t.Error(e)
		}
	})
	d.run(t, "after a day of silence it is news", func(*testing.T) {
		m := &messages.ReportErrors{Boot: "late", Sequence: 1}
		at := d.clock.Now().Add(25 * time.Hour).UnixMilli()
		m.Errors = []*messages.ErrorReport{{Fingerprint: "one", Level: "error", Count: 1, FirstMs: at, LastMs: at}}
		monitored[*messages.Reply](d, m)
		d.awaitOccurrences(4)
	})
}

// A storm of 1,500 kinds: 10 events at once, and one with all the others a minute later; 1,000 kinds are kept.
func TestAStormOfErrorsIsNoStormOfEvents(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{speed: 30})
	var kinds []string
	for i := range 1500 {
		kinds = append(kinds, fmt.Sprintf("%016x", i))
	}
	letGo := d.clock.hold()      // the storm is within a minute
	d.report("a", 1, 1, "first") // it goes when there is no room
	for i, chunk := range slices.Collect(slices.Chunk(kinds, 200)) {
		d.clock.jump(time.Millisecond)
		d.report("a", int64(i+2), 1, chunk...)
	}
	d.awaitOccurrences(10)
	letGo()
	all := d.awaitOccurrences(11)
	if n := len(d.errorsListed("")); n < 1000 || n > 1020 { // those whose event is on its way stay a little longer
		t.Errorf("%d groups are kept", n)
	}
	if held := all[10].HeldBack; held < 900 || held > 1500-10 {
		t.Errorf("the next event tells of %d others", held)
	}
	for _, e := range all[:10] {
		if e.HeldBack != 0 {
			t.Errorf("%+v", e)
		}
	}
	d.report("a", 100, 1, kinds[len(kinds)-200:]...)
	d.restart()
	d.report("b", 1, 1, kinds[len(kinds)-200:]...)
	d.report("b", 2, 1, "last")
	if all := d.awaitOccurrences(12); len(all) != 12 || all[11].Fingerprint != "last" {
		t.Errorf("%d events, the last %+v", len(all), all[len(all)-1])
	}
}

// A storm that a part of the service logs, on its whole way: thousands of one kind and 1,500 others, again and again. All of the one
// kind are counted, and there are no more groups and events than may be. (collect has a test of the memory.)
func TestAStormThatIsLoggedIsBounded(t *testing.T) {
	t.Parallel()
	gathered := actors.NewErrorCollector(func(s string) string { return s })
	d := newDesk(t, options{speed: 30, monitor: &actors.MonitorOptions{Errors: gathered}})
	log := slog.New(gathered.Handler(slog.DiscardHandler))
	rounds, each, kinds := 2, 4000, 1500
	if long() {
		rounds, each = 3, 10_000
	}
	letters := strings.NewReplacer("0", "a", "1", "b", "2", "c", "3", "d", "4", "e", "5", "f", "6", "g", "7", "h", "8", "i", "9", "j")
	for round := range rounds {
		for n := range each { // it is the newest, so that it stays when there are too many groups
			if log.Error("one kind", "error", storage.ErrUnavailable, "ticket", fmt.Sprint("TICK-", n)); n < kinds {
				log.Error("kind "+letters.Replace(strconv.Itoa(n)), "stack", strings.Repeat("x", 5000))
			}
		}
		d.eventually("the one kind is counted", func() bool {
			all := d.errorsListed("")
			i := slices.IndexFunc(all, func(e *messages.ErrorView) bool { return e.Message == "one kind" })
			return i >= 0 && all[i].Count == int64((round+1)*each)
		})
		if n := len(d.errorsListed("")); n > 1020 { // those whose event is on its way stay a little longer
			t.Errorf("%d groups are kept", n)
		}
	}
	d.awaitOccurrences(10)
	events, err := d.store.LogAfter(t.Context(), storage.PartitionOf(monitorDesk), 0, 10_000)
	d.must(err)
	var at []time.Time
	for _, e := range events {
		if e.Type == messages.EventErrorOccurred {
			at = append(at, e.At)
		}
	}
	for i := range at[:max(0, len(at)-10)] {
		if apart := at[i+10].Sub(at[i]); apart < time.Minute {
			t.Errorf("11 events within %s", apart)
		}
	}
}

// What a part of the service logs comes to the list by itself, and what is left is told at the end.
func TestWhatIsLoggedIsListed(t *testing.T) {
	t.Parallel()
	gathered := actors.NewErrorCollector(func(s string) string { return strings.ReplaceAll(s, "s3cr3t", "***") })
	d := newDesk(t, options{speed: 30, monitor: &actors.MonitorOptions{Errors: gathered}})
	log := slog.New(gathered.Handler(slog.DiscardHandler))
	log.Error("a call failed", "error", fmt.Errorf("token s3cr3t: %w", storage.ErrUnavailable), "text", "private", "chat", "g-5")
	d.eventually("it is listed", func() bool { return len(d.errorsListed("")) > 0 })
	e := d.errorsListed("")[0]
	if e.Count != 1 || e.Message != "a call failed" || e.Component != "library" || e.Kind != "storage unavailable" ||
		len(e.Facts) != 2 || e.Facts[0].Value != "token ***: storage is unavailable" {
		t.Error(e)
	}
	log.Warn("at the end")
	d.restart()
	if all := d.errorsListed(""); len(all) != 2 || all[0].Message != "at the end" || all[0].Level != "warning" {
		t.Error(all)
	}
}

// An endpoint is not told of errors that are about it.
func TestAWebhookIsNotToldOfItsOwnErrors(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{})
	r := d.hears(soon(), nil)
	about := func(sequence int64, fingerprint string, more bool, ids ...string) {
		now := d.clock.Now().UnixMilli()
		monitored[*messages.Reply](d, &messages.ReportErrors{Boot: "a", Sequence: sequence, Errors: []*messages.ErrorReport{
			{Fingerprint: fingerprint, Component: "webhook", Level: "warning", Count: 1, FirstMs: now, LastMs: now, WebhookIds: ids,
				MoreWebhooks: more}}})
	}
	about(1, "own", false, "wh_other", r.id)
	about(2, "too many", true, "wh_other")
	about(3, "other", false, "wh_other")
	d.eventually("it hears of the others'", func() bool { return r.count() == 1 })
	d.awaitOccurrences(3)
	d.eventually("its delivery is written", func() bool { return len(r.rows()) > 0 })
	if rows := r.rows(); len(rows) != 1 {
		t.Errorf("%+v", rows)
	}
}
