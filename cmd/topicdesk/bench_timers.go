package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/storage/sqlite"
)

// timersBench is what the measurement of reminders knows.
type timersBench struct {
	*filledBench
	timersOptions
	tickets []ids.TicketID
	threads []int64
	from    time.Time // when the first answer is due
}

type timersOptions struct {
	due       int // tickets whose answer is due in the same minute
	perMinute int // calls that may leave to a group
	untilDone bool
}

func benchTimersCommand() *cobra.Command {
	o := filledOptions{bench: benchOptions{mode: "polling"}}
	of := timersOptions{due: 10_000, perMinute: 20}
	cases := []filledCase{{
		name: "reminders",
		run: func(ctx context.Context, b *filledBench) error {
			return (&timersBench{filledBench: b, timersOptions: of}).run(ctx)
		},
	}}
	cmd := &cobra.Command{
		Use:   "timers",
		Short: "Measure what reminders cost that fall due together",
		Long: "Start the service as a process of its own, at Telegram's pace and with flood control, and with an SQLite file that has many tickets. Measure:\n" +
			"  reminders  the copies of messages without and with answers that become overdue in the same minute; with --until-done also\n" +
			"             how long it takes until all reminders and icons have left\n" +
			"People write as much as the pace of their groups lets through: a copy that waits for that would say nothing of reminders.\n" +
			"The simulator and the people run in the other process and share the machine's cores.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.bench.progress = newProgress(cmd.ErrOrStderr())
			return runFilled(cmd.Context(), cmd.OutOrStdout(), o, cases)
		},
	}
	o.flags(cmd, namesOf(cases))
	f := cmd.Flags()
	f.IntVar(&of.due, "due", of.due, "tickets whose answer is due in the same minute")
	f.IntVar(&of.perMinute, "pace", of.perMinute, "calls that may leave to a group in a minute, as TELEGRAM_GROUP_PER_MINUTE says")
	f.BoolVar(&of.untilDone, "until-done", false, "then wait until all reminders and icons have left, for an hour and a half at most")
	f.IntVar(&o.bench.groups, "groups", 60, "pairs of groups in which people write")
	// 10 messages a second to 120 groups: each gets 5 in a minute, and in a run the 99th percentile is the 9th worst of 800.
	for name, value := range map[string]string{"rate": "10", "linked": "60", "duration": "80s", "pairs": "3", "tickets": "20000"} {
		flag := f.Lookup(name)
		flag.DefValue = value
		if err := flag.Value.Set(value); err != nil {
			panic(err)
		}
	}
	return cmd
}

func (b *timersBench) run(ctx context.Context) error {
	if b.due > len(b.desk.ids) {
		return fmt.Errorf("--due %d needs as many --tickets", b.due)
	}
	b.tickets = b.desk.ids[:b.due]
	groups := b.desk.groups
	for i := range b.due { // those of the database have no topics in this Telegram
		group := groups[i%len(groups)]
		thread, err := b.world.sim.CreateTopic(group, b.world.talkers[i%len(groups)][0], fmt.Sprint("Reminded ", i))
		if err != nil {
			return err
		}
		b.threads = append(b.threads, int64(thread))
	}
	b.world.sim.SetFlood(true)
	began := time.Now()
	name := fmt.Sprintf("%d answers overdue in one minute", b.due)
	err := b.paired(ctx, name, func(ctx context.Context, on bool) error {
		err := b.again(ctx, on)
		began = time.Now()
		return err
	}, func(bool) (string, error) {
		left, err := b.counts(ctx)
		return fmt.Sprintf("%d notices and %d icons left in %.0f s", left[noticesLeft], left[iconsLeft], time.Since(began).Seconds()), err
	})
	if err == nil && b.untilDone {
		err = b.awaitDone(ctx)
	}
	if err != nil {
		return err
	}
	early := len(b.world.sim.Violations())
	fmt.Fprintf(b.out, "calls before a retry_after was over: %d\n", early)
	if early > 0 {
		return errors.New("the service did not keep to flood control")
	}
	return nil
}

const (
	// dueIn is how long after the service has ended answers are due: it starts, and wakes all tickets, before. Runs without them begin as
	// long afterwards, since in its first second a service calls nobody.
	dueIn = 40 * time.Second
	// doneWithin is how long reminders and icons may take to leave.
	doneWithin = 90 * time.Minute
)

// again starts the service anew, with answers that are due in a week, or soon if on is true. It returns when they begin to be, or would.
func (b *timersBench) again(ctx context.Context, on bool) error {
	if err := b.service.stop(); err != nil {
		return err
	}
	b.from = time.Now().Add(dueIn)
	due := b.from
	if !on {
		due = due.Add(7 * 24 * time.Hour)
	}
	if err := b.set(ctx, due); err != nil {
		return err
	}
	o := b.o.bench
	o.env = append(slices.Clone(o.env), "TELEGRAM_GROUP_PER_MINUTE="+strconv.Itoa(b.perMinute), "TELEGRAM_GLOBAL_PER_SECOND=30")
	if err := b.service.start(ctx, o, b.world); err != nil {
		return err
	}
	if on {
		if err := b.until(ctx, dueIn, func(n counted) bool { return n[ticketsWoken] >= b.due }); err != nil {
			return fmt.Errorf("wake all tickets before the first answer is due: %w", err)
		}
	}
	select {
	case <-time.After(time.Until(b.from)):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// awaitDone measures how long all reminders and icons take to leave while nobody writes.
func (b *timersBench) awaitDone(ctx context.Context) error {
	if err := b.again(ctx, true); err != nil {
		return err
	}
	task := b.o.bench.progress.begin("until all is done", "calls", int64(2*b.due))
	left := 0
	err := b.until(ctx, doneWithin, func(n counted) bool {
		left = min(n[noticesLeft], b.due) + min(n[iconsLeft], b.due) // lists of what waits are notices, too
		task.set(left, 2*b.due)
		return left == 2*b.due
	})
	task.end(err)
	if err != nil {
		return fmt.Errorf("%d of %d reminders and icons left: %w", left, 2*b.due, err)
	}
	perGroup := 2 * (b.due + len(b.desk.groups) - 1) / len(b.desk.groups)
	fmt.Fprintf(b.out, "all reminders and icons left within %.1f min; the pace of each group, of which they take half, allows %.1f min\n",
		time.Since(b.from).Minutes(), float64(perGroup)/(float64(b.perMinute)/2))
	return nil
}

// set has the tickets wait for the desk, each with an answer that is due within a minute from a time on.
func (b *timersBench) set(ctx context.Context, from time.Time) (err error) {
	store, err := sqlite.Open(ctx, b.database(), sqlite.WithExclusive(), sqlite.WithoutSync())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	for i, id := range b.tickets {
		t, err := store.Ticket(ctx, id)
		if err != nil {
			return err
		}
		due := storage.Kept(from.Add(time.Duration(i) * time.Minute / time.Duration(b.due)))
		t.Status, t.ClosedAt, t.Home.Closed = "open", time.Time{}, false
		t.GroupID = messages.GroupPlace(b.desk.groups[i%len(b.desk.groups)])
		t.Home.GroupID, t.Home.TelegramTopicID, t.Home.Icon, t.Home.IconPending = t.GroupID, b.threads[i], messages.IconNew, false
		t.WaitingFor, t.WaitingSince = storage.WaitsForDesk, storage.Kept(due.Add(-4*time.Hour))
		t.Priority, t.Pending, t.Events = "normal", nil, nil
		t.Timers, t.DueAt = storage.Timers{Settings: 1, AnswerDueAt: due}, due
		if err := store.SaveTicket(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// counted is what the service has counted since its start, by name.
type counted map[string]int

const (
	noticesLeft  = `topicdesk_operations_total{operation="send_notice",outcome="DONE"}`
	iconsLeft    = `topicdesk_operations_total{operation="set_icon",outcome="DONE"}`
	ticketsWoken = `topicdesk_sweep_woken_total{kind="ticket"}`
)

// counts reads what the service has counted.
func (b *timersBench) counts(ctx context.Context) (counted, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+b.service.addr+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	found := counted{}
	for line := range strings.Lines(string(body)) {
		if name, value, is := strings.Cut(strings.TrimSpace(line), " "); is {
			found[name], _ = strconv.Atoi(value)
		}
	}
	return found, errors.Join(err, resp.Body.Close())
}

// until waits until the service has counted enough.
func (b *timersBench) until(ctx context.Context, within time.Duration, enough func(counted) bool) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for {
		n, err := b.counts(ctx)
		if err != nil || enough(n) {
			return err
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
