package report

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"
	"pgregory.net/rapid"

	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/actors/internal/eventlog"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/storage/sqlite"
)

// torn is a store that saves tallies one by one, as one without transactions does, and fails when the test says so.
type torn struct {
	storage.Store
	after int // that many are saved before it fails; less than 0: it does not fail
}

func (s *torn) SaveTallies(ctx context.Context, all []*storage.Tally) error {
	for _, t := range all {
		if s.after == 0 {
			s.after = -1
			return storage.ErrUnavailable
		}
		if s.after > 0 {
			s.after--
		}
		if err := s.Store.SaveTallies(ctx, []*storage.Tally{t}); err != nil {
			return err
		}
	}
	return nil
}

// counting is the entity without its actor, on a real store.
type counting struct {
	*report
	store *torn
	last  map[int]int64 // position by partition
	all   []storage.Event
}

func newCounting(t *rapid.T, dir string) *counting {
	path := filepath.Join(dir, fmt.Sprint(rapid.Uint64().Draw(t, "file"), time.Now().UnixNano()))
	file, err := sqlite.Open(context.Background(), path, sqlite.WithoutSync())
	if err != nil {
		t.Fatal(err)
	}
	store := &torn{Store: file, after: -1}
	env, err := entity.NewEnv(entity.EnvOptions{Store: store, Owner: "here", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		env.Cancel()
		_ = file.Close()
		_ = os.Remove(path)
	})
	c := &counting{store: store, last: map[int]int64{}}
	c.report = &report{Host: &entity.Host{Env: env, Ctx: env.Ctx, Log: env.Log}, room: &room{log: eventlog.New(env, nil)}}
	return c
}

// append logs events, as the log does.
func (c *counting) append(t *rapid.T, events []storage.Event) {
	for _, e := range events {
		e.Partition = storage.PartitionOf(e.TicketID)
		c.last[e.Partition]++
		e.Position = c.last[e.Partition]
		if err := c.store.AppendEvents(context.Background(), []storage.Event{e}); err != nil {
			t.Fatal(err)
		}
		c.all = append(c.all, e)
	}
	if err := c.room.log.Follow(context.Background()); err != nil {
		t.Fatal(err)
	}
	// Nobody watches: what other nodes append is told by the bounds.
	for p, last := range c.last {
		c.room.log.Hear(&messages.LogAppended{Partition: int64(p), Last: last})
	}
	if err := c.room.log.Catch(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// count counts until nothing is left. Where the test makes storage fail, it goes on as after a restart.
func (c *counting) count(t *rapid.T) {
	for n := 0; ; n++ {
		if n < 6 {
			c.store.after = rapid.IntRange(-1, 6).Draw(t, "saves before a failure")
		}
		more, err := c.round()
		c.store.after = -1
		if errors.Is(err, storage.ErrUnavailable) {
			if err := c.Load(); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if !more {
			return
		}
	}
}

var (
	zones = []string{"UTC", "Asia/Bangkok", "Asia/Kathmandu", "Asia/Kolkata", "Europe/Berlin", "America/St_Johns", "Africa/Cairo",
		"Australia/Lord_Howe", "Pacific/Chatham", "Pacific/Apia", "America/Santiago"}
	// Clocks are set in many zones within the 60 days from each of these.
	seasons = []time.Time{time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 9, 10, 0, 0, 0, 0, time.UTC)}
	people  = []person{{"user", "1", "Ann"}, {"user", "2", "Nok"}, {"apiKey", "k1", "CRM"}, {"group", "-100", "Support"}}
)

// history makes the events of some tickets, in any order that the log may have.
func history(t *rapid.T) (all []storage.Event) {
	season := rapid.SampledFrom(seasons).Draw(t, "season")
	var queues [][]storage.Event
	for i := range rapid.IntRange(1, 6).Draw(t, "tickets") {
		queues = append(queues, ticketHistory(t, fmt.Sprintf("T%d", i), season))
	}
	for len(queues) > 0 {
		i := rapid.IntRange(0, len(queues)-1).Draw(t, "next")
		n := rapid.IntRange(1, len(queues[i])).Draw(t, "events")
		all = append(all, queues[i][:n]...)
		if queues[i] = queues[i][n:]; len(queues[i]) == 0 {
			queues = slices.Delete(queues, i, i+1)
		}
	}
	return all
}

// ticketHistory is what happens to a ticket. Of two nodes the clocks differ, so an event may be dated before the one before it.
func ticketHistory(t *rapid.T, id string, season time.Time) (events []storage.Event) {
	at := season.Add(time.Duration(rapid.IntRange(0, 60*24*60).Draw(t, "opened")) * time.Minute)
	group := rapid.SampledFrom([]string{"g1", "g-2", "g-20"}).Draw(t, "group")
	opener := rapid.SampledFrom(people).Draw(t, "opener")
	customer := rapid.SampledFrom(append([]person{{}, opener}, people...)).Draw(t, "customer") // an event from before has none
	add := func(kind string, by person, internal bool) {
		data := map[string]any{"ticket": map[string]any{"createdAt": at, "createdBy": opener}, "actor": by,
			"message": map[string]any{"sender": by}}
		if len(events) > 0 {
			data["ticket"].(map[string]any)["createdAt"] = events[0].At
		}
		if customer.Kind != "" {
			data["ticket"].(map[string]any)["customer"] = customer
		}
		if by.Kind == "" {
			data["actor"] = nil
		}
		raw, err := json.Marshal(data)
		if err != nil {
			t.Fatal(err)
		}
		number := int64(len(events) + 1)
		events = append(events, storage.Event{EventID: ids.EventID(fmt.Sprint(id, number)), TicketID: id, GroupID: group,
			Number: number, Type: kind, At: at, Internal: internal, Data: raw})
	}
	add(messages.EventTicketCreated, opener, false)
	for range rapid.IntRange(0, 12).Draw(t, "what follows") {
		step := rapid.SampledFrom([]int{-1, 0, 1, 7, 59, 60, 600, 1440, 9000}).Draw(t, "minutes")
		at = at.Add(time.Duration(step)*time.Minute + time.Duration(rapid.IntRange(0, 59_999).Draw(t, "ms"))*time.Millisecond)
		by := rapid.SampledFrom(people).Draw(t, "by")
		switch rapid.IntRange(0, 9).Draw(t, "what") {
		case 0, 1:
			add(messages.EventTicketClosed, rapid.SampledFrom([]person{by, {}}).Draw(t, "closer"), false)
		case 2:
			add(messages.EventTicketReopened, by, false)
		case 3:
			add(messages.EventMessageSent, by, true)
		case 4:
			add(messages.EventMessageReacted, by, false)
		case 5:
			add(messages.EventMessageDeleted, by, rapid.Bool().Draw(t, "of a note"))
		case 6:
			add(messages.EventTopicUnlinked, by, false)
		default:
			add(messages.EventMessageSent, by, false)
		}
	}
	return events
}

// TestReportsAgreeWithARecomputation: whatever happened, in whatever batches it was counted, and however often storage failed
// meanwhile, each report is what a plain reading of the events gives. With TOPICDESK_LONG=1 it tries 1,000 histories.
func TestReportsAgreeWithARecomputation(t *testing.T) {
	histories := "30" // each needs a store of its own
	if os.Getenv("TOPICDESK_LONG") != "" {
		histories = "1000"
	}
	checks := flag.Lookup("rapid.checks").Value
	before := checks.String()
	if err := checks.Set(histories); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = checks.Set(before) })
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		c := newCounting(t, dir)
		events := history(t)
		if n := rapid.IntRange(-5, len(events)).Draw(t, "events before the desk counts"); n > 0 {
			c.append(t, events[:n])
			events = events[n:]
			c.forget(t)
		}
		for len(events) > 0 {
			n := rapid.IntRange(1, len(events)).Draw(t, "events at a time")
			c.append(t, events[:n])
			events = events[n:]
			c.count(t)
		}
		c.count(t)
		for range 3 {
			c.compare(t, drawSpan(t))
		}
		state, err := State(context.Background(), c.store, c.room.log)
		if err != nil || state.Waiting != 0 {
			t.Fatalf("%v, %v", state, err)
		}
	})
}

// forget deletes the oldest events of some partitions, as EVENTS_RETENTION does before an upgrade.
func (c *counting) forget(t *rapid.T) {
	if rapid.IntRange(0, 2).Draw(t, "forget") > 0 {
		return
	}
	before := rapid.SampledFrom(c.all).Draw(t, "before").At
	gone := map[string]bool{}
	for p := range c.last {
		if _, err := c.store.DeleteEvents(context.Background(), p, before, 1000); err != nil {
			t.Fatal(err)
		}
		left, err := c.store.LogAfter(context.Background(), p, 0, 1000)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range c.all {
			if e.Partition == p && !slices.ContainsFunc(left, func(l storage.Event) bool { return l.EventID == e.EventID }) {
				gone[e.EventID] = true
			}
		}
	}
	c.all = slices.DeleteFunc(c.all, func(e storage.Event) bool { return gone[e.EventID] })
}

func drawSpan(t *rapid.T) *messages.ReportSpan {
	first := rapid.SampledFrom(seasons).Draw(t, "from").AddDate(0, 0, rapid.IntRange(-1, 65).Draw(t, "first day"))
	last := first.AddDate(0, 0, rapid.SampledFrom([]int{0, 1, 7, 30, 365}).Draw(t, "days"))
	return &messages.ReportSpan{
		FirstDay: first.Format(time.DateOnly), LastDay: last.Format(time.DateOnly),
		TimeZone: rapid.SampledFrom(zones).Draw(t, "zone"),
		By:       rapid.SampledFrom([]string{ByGroup, ByPerson, ByDay, ByHour}).Draw(t, "by"),
		GroupId:  rapid.SampledFrom([]string{"", "", "g1", "g-2"}).Draw(t, "group"), Limit: 1000,
	}
}

// compare compares both reports of a span, read in pages, with a plain reading of the events.
func (c *counting) compare(t *rapid.T, span *messages.ReportSpan) {
	ctx := context.Background()
	times, err := Times(ctx, c.store, span)
	if err != nil {
		t.Fatal(err)
	}
	activity, err := Activity(ctx, c.store, span)
	if err != nil {
		t.Fatal(err)
	}
	wantTimes, wantActivity := recompute(t, c.all, span)
	if diff := cmp.Diff(wantTimes, times, protocmp.Transform()); diff != "" {
		t.Fatalf("times of %v:\n%s", span, diff)
	}
	if diff := cmp.Diff(wantActivity, activity, protocmp.Transform()); diff != "" {
		t.Fatalf("activity of %v:\n%s", span, diff)
	}
	paged := &messages.ReportSpan{FirstDay: span.FirstDay, LastDay: span.LastDay, TimeZone: span.TimeZone, By: span.By,
		GroupId: span.GroupId, Limit: 2}
	for i := 0; ; i += 2 {
		page, err := Activity(ctx, c.store, paged)
		if err != nil {
			t.Fatal(err)
		}
		rest := wantActivity.Rows[min(i, len(wantActivity.Rows)):]
		if diff := cmp.Diff(rest[:min(2, len(rest))], page.Rows, protocmp.Transform()); diff != "" {
			t.Fatal(diff)
		}
		if !page.More {
			break
		}
		paged.After = page.Rows[len(page.Rows)-1].Key
	}
}

// TestABusyDeskDeletesOldTallies: old ones go also where every round finds new events.
func TestABusyDeskDeletesOldTallies(t *testing.T) {
	dir, passed := t.TempDir(), false
	rapid.Check(t, func(t *rapid.T) {
		if passed { // any one history will do, and each takes a store of its own
			return
		}
		c := newCounting(t, dir)
		c.room.Keep = time.Hour
		old := &storage.Tally{TallyID: "ticket/OLD", ChangedAt: time.Now().Add(-2 * time.Hour)}
		if err := c.store.SaveTallies(t.Context(), []*storage.Tally{old}); err != nil {
			t.Fatal(err)
		}
		c.append(t, history(t))
		for more := true; more; {
			var err error
			if more, err = c.round(); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := c.store.Tally(t.Context(), old.TallyID); !errors.Is(err, storage.ErrNotFound) {
			t.Fatalf("after the round that counts: %v", err)
		}
		passed = true
	})
}
