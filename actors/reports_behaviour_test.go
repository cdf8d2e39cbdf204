package actors_test

import (
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/actors"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// reports waits until all events are counted, and returns both reports of the days of the desk.
func (d *desk) reports(by string) (*messages.TimesReport, *messages.ActivityReport) {
	d.t.Helper()
	now := d.clock.Now().UTC()
	span := &messages.ReportSpan{FirstDay: now.AddDate(0, 0, -2).Format(time.DateOnly), LastDay: now.AddDate(0, 0, 2).Format(time.DateOnly),
		TimeZone: "Asia/Kathmandu", By: by, Limit: 100}
	var activity *messages.ActivityReport
	d.eventually("all events are counted", func() bool {
		activity = asks[*messages.ActivityReport](d, messages.KindQuery, "", &messages.GetActivityReport{Span: span})
		return activity.Code == messages.Code_OK && activity.State.Waiting == 0
	})
	return asks[*messages.TimesReport](d, messages.KindQuery, "", &messages.GetTimesReport{Span: span}), activity
}

// activityIs fails unless the total of the report of activity is that.
func (d *desk) activityIs(opened, closed, reopened, asked, answered, notes int64) {
	d.t.Helper()
	_, r := d.reports("group")
	got := [...]int64{r.Total.Opened, r.Total.Closed, r.Total.Reopened, r.Total.Asked, r.Total.Answered, r.Total.Notes}
	if want := [...]int64{opened, closed, reopened, asked, answered, notes}; got != want {
		d.t.Errorf("activity is %v, want %v", got, want)
	}
}

func TestReportsCountWhatPeopleDo(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	k := d.open(d.ann, d.support, "Printer") // before the desk counts: an upgrade
	eng := d.mention(d.ann, k, "@bob_eng", d.engineering)
	d.say(d.ann, d.support, k.thread, "it burns")
	d.awaitText(d.engineering, eng, "it burns")
	d.say(d.bob, d.engineering, eng, "// who has a hose?")
	d.quiet(k)

	d.opt.reports = &actors.ReportOptions{}
	d.restart()
	d.activityIs(1, 0, 0, 1, 0, 1)
	times, _ := d.reports("group")
	if n := times.Total.FirstAnswer.Tickets; n != 0 {
		t.Errorf("a note is an answer: %d", n)
	}
	d.say(d.bob, d.engineering, eng, "use the stairs")
	d.awaitText(d.support, k.thread, "use the stairs")
	d.awaitAnswer(d.say(d.ann, d.support, k.thread, "/close_ticket"), "Ann closed this ticket")
	d.activityIs(1, 1, 0, 1, 1, 1)
	times, _ = d.reports("person")
	if times.Total.FirstAnswer.Tickets != 1 || times.Total.Close.Tickets != 1 || times.Total.ClosedUnanswered != 0 || len(times.Rows) != 2 {
		t.Errorf("%v", times)
	}
	d.say(d.ann, d.support, k.thread, "/reopen_ticket")
	d.awaitEvent(k, messages.EventTicketReopened)
	d.quiet(k)
	d.restart()
	d.activityIs(1, 1, 1, 1, 1, 1)
	times, _ = d.reports("group")
	if times.Total.Close.Tickets != 0 || times.Total.FirstClose.Tickets != 1 || times.Rows[0].Name != "Support" ||
		times.Rows[0].ChatId != d.support || times.Total.FirstAnswer.MedianMs <= 0 {
		t.Errorf("%v", times)
	}

	// Events are deleted, as after EVENTS_RETENTION, and a restart does not take what was counted.
	n, err := d.store.DeleteEvents(t.Context(), storage.PartitionOf(k.id), d.clock.Now().Add(time.Hour), 1000)
	if err != nil || n == 0 {
		t.Fatal(n, err)
	}
	d.restart()
	d.activityIs(1, 1, 1, 1, 1, 1)
	if times, _ = d.reports("hour"); times.State.CompleteSinceMs != 0 || len(times.Rows) != 24 {
		t.Errorf("%v", times.State)
	}
	reply, err := d.system.Ask(t.Context(), messages.KindQuery, "", &messages.GetOpenReport{})
	d.must(err)
	if open := reply.(*messages.OpenReport); open.Rows[0].Open != 1 || len(open.Rows) != 7 {
		t.Errorf("%v", open)
	}
}

// TestOldTalliesAreDeleted: rows have a retention.
func TestOldTalliesAreDeleted(t *testing.T) {
	t.Parallel()
	d := ready(t, options{reports: &actors.ReportOptions{Keep: 48 * time.Hour}})
	old := &storage.Tally{TallyID: "ticket/OLD", ChangedAt: d.clock.Now().AddDate(0, 0, -3)}
	d.must(d.store.SaveTallies(t.Context(), []*storage.Tally{old}))
	k := d.open(d.ann, d.support, "Printer")
	d.activityIs(1, 0, 0, 0, 0, 0)
	d.eventually("the old one is gone, and no other", func() bool {
		left, err := d.store.Tallies(t.Context(), "ticket/", "ticket0", 9)
		d.must(err)
		return len(left) == 1 && left[0].TallyID == "ticket/"+k.id
	})
}

// TestTwoNodesCountOnce: while a cluster changes, two nodes may believe that they count. Nothing is counted twice.
func TestTwoNodesCountOnce(t *testing.T) {
	t.Parallel()
	a := newTwins(t)
	d, first, second := twinDesk(t, options{speed: 20, twins: a, reports: &actors.ReportOptions{}})
	a.believes(second, nil)
	k := d.open(d.ann, d.support, "Printer")
	eng := d.mention(d.ann, k, "@bob_eng", d.engineering)
	const words = 40
	for i := range words {
		if i%2 == 0 {
			d.say(d.ann, d.support, k.thread, "question")
		} else {
			d.say(d.bob, d.engineering, eng, "answer")
		}
	}
	d.eventually("all is said", func() bool {
		n, err := d.store.LastSequence(t.Context(), k.id)
		d.must(err)
		return n == words
	})
	a.believes(second, func(int) *process { return first })
	d.quiet(k)
	d.activityIs(1, 0, 0, words/2, words/2, 0)
}

// TestReportsGoOnAfterADoubt: a node does not know for a while whether it is a member. It counts nothing then, and goes on by
// itself.
func TestReportsGoOnAfterADoubt(t *testing.T) {
	t.Parallel()
	a := newTwins(t)
	d, first, _ := twinDesk(t, options{speed: 5, twins: a, sweepEvery: time.Hour, reports: &actors.ReportOptions{}})
	d.open(d.ann, d.support, "Printer")
	d.activityIs(1, 0, 0, 0, 0, 0)
	a.doubts(first, true)
	doubted := d.clock.Now()
	d.eventually("it would have counted several times", func() bool { return d.clock.Now().Sub(doubted) > 15*time.Second })
	a.doubts(first, false)
	d.open(d.ann, d.support, "Scanner")
	d.activityIs(2, 0, 0, 0, 0, 0)
}
