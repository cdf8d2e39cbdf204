package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
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
	due     int // tickets whose answer is due in the same minute
	tickets []ids.TicketID
	threads []int64
	env     []string
}

func benchTimersCommand() *cobra.Command {
	o := filledOptions{bench: benchOptions{mode: "polling"}}
	due, perMinute := 10_000, 20
	cases := []filledCase{{
		name: "reminders",
		run: func(ctx context.Context, b *filledBench) error {
			t := &timersBench{filledBench: b, due: due,
				env: []string{"TELEGRAM_GROUP_PER_MINUTE=" + strconv.Itoa(perMinute), "TELEGRAM_GLOBAL_PER_SECOND=30"}}
			return t.run(ctx)
		},
	}}
	cmd := &cobra.Command{
		Use:   "timers",
		Short: "Measure what reminders cost that fall due together",
		Long: "Start the service as a process of its own, at Telegram's pace and with flood control, and with an SQLite file that has many tickets. Measure:\n" +
			"  reminders  the copies of messages without and with answers that become overdue in the same minute\n" +
			"The simulator and the people run in the other process and share the machine's cores.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.bench.progress = newProgress(cmd.ErrOrStderr())
			return runFilled(cmd.Context(), cmd.OutOrStdout(), o, cases)
		},
	}
	o.flags(cmd, namesOf(cases))
	f := cmd.Flags()
	f.IntVar(&due, "due", due, "tickets whose answer is due in the same minute")
	f.IntVar(&perMinute, "pace", perMinute, "calls that may leave to a group in a minute, as TELEGRAM_GROUP_PER_MINUTE says")
	for name, value := range map[string]string{"rate": "2", "linked": "10", "duration": "80s", "pairs": "3", "tickets": "20000"} { // within the pace
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
		if err := b.service.stop(); err != nil {
			return err
		}
		at := time.Now().Add(7 * 24 * time.Hour)
		if on {
			at = time.Now().Add(20 * time.Second)
		}
		if err := b.set(ctx, at); err != nil {
			return err
		}
		o := b.o.bench
		o.env = append(slices.Clone(o.env), b.env...)
		began = time.Now()
		return b.service.start(ctx, o, b.world)
	}, func(bool) (string, error) {
		notices, icons, err := b.left(ctx)
		return fmt.Sprintf("%d notices and %d icons left in %.0f s", notices, icons, time.Since(began).Seconds()), err
	})
	fmt.Fprintf(b.out, "calls before a retry_after was over: %d\n", len(b.world.sim.Violations()))
	return err
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

var leftCalls = regexp.MustCompile(`(?m)^topicdesk_operations_total\{operation="(send_notice|set_icon)",outcome="DONE"\} (\d+)$`)

// left counts the notices and icons that have left since the service started.
func (b *timersBench) left(ctx context.Context) (notices, icons int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+b.service.addr+"/metrics", nil)
	if err != nil {
		return 0, 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, 0, err
	}
	body, err := io.ReadAll(resp.Body)
	for _, m := range leftCalls.FindAllStringSubmatch(string(body), -1) {
		n, _ := strconv.Atoi(m[2])
		if m[1] == "set_icon" {
			icons = n
		} else {
			notices = n
		}
	}
	return notices, icons, errors.Join(err, resp.Body.Close())
}
