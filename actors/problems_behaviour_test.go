package actors_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/actors"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
	"github.com/topicdesk/topicdesk/storage"
)

// unwell is a store whose health a test decides.
type unwell struct {
	storage.Store
	err func() error
}

func (s unwell) Ping(ctx context.Context) error {
	if err := s.err(); err != nil {
		return err
	}
	return s.Store.Ping(ctx)
}

// problemsListed are the problems that programs see, by kind and what they are about.
func (d *desk) problemsListed(state string) (kinds []string) {
	d.t.Helper()
	for _, p := range monitored[*messages.ProblemList](d, &messages.ListProblems{State: state, Limit: 2000}).Problems {
		kinds = append(kinds, p.Kind+" "+p.Name)
	}
	slices.Sort(kinds)
	return kinds
}

func (d *desk) awaitProblems(want ...string) {
	d.t.Helper()
	slices.Sort(want)
	var got []string
	d.eventually(fmt.Sprintf("problems %q", want), func() bool {
		got = d.problemsListed("open")
		return slices.Equal(got, want)
	})
}

// Each problem opens when its condition has held for a while, and closes when it is over; a restart changes nothing.
func TestProblemsOpenAndClose(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var disk []actors.Condition
	var ping error
	d := ready(t, options{speed: 50, flood: true, sweepEvery: time.Hour, pace: actors.Pace{GroupPerMinute: 20},
		wrapStore: func(s storage.Store) storage.Store {
			return unwell{s, func() error { mu.Lock(); defer mu.Unlock(); return ping }}
		},
		monitor: &actors.MonitorOptions{Look: func(context.Context) []actors.Condition {
			mu.Lock()
			defer mu.Unlock()
			return disk
		}}})
	set := func(full []actors.Condition, err error) {
		mu.Lock()
		defer mu.Unlock()
		disk, ping = full, err
	}
	d.awaitProblems()
	d.run(t, "a disk", func(*testing.T) {
		set([]actors.Condition{{Kind: messages.ProblemDiskLow, Name: "/data", Detail: "12 MB are free"}}, nil)
		d.awaitProblems("disk_low /data")
		d.restart()
		d.awaitProblems("disk_low /data")
		set(nil, nil)
		d.awaitProblems()
		p := monitored[*messages.ProblemList](d, &messages.ListProblems{State: "closed", Limit: 9}).Problems
		if len(p) != 1 || p[0].Times != 1 || p[0].ClosedMs <= p[0].OpenedMs || p[0].Detail != "12 MB are free" {
			t.Error(p)
		}
	})
	d.run(t, "storage that fails", func(*testing.T) {
		set(nil, errNoStorage)
		d.awaitProblems("storage_failing ")
		set(nil, nil)
		d.awaitProblems()
	})
	d.run(t, "the bot's rights in a group", func(*testing.T) {
		d.must(d.sim.SetBot(d.sales, simulator.Member, simulator.BotRights{}))
		d.awaitProblems("group_rights Sales")
		d.must(d.sim.SetBot(d.sales, simulator.Administrator, simulator.BotRights{Status: simulator.Administrator,
			CanManageTopics: true, CanPinMessages: true}))
		d.awaitProblems()
	})
	d.run(t, "a webhook that fails, and one that is disabled", func(*testing.T) {
		r := d.hears(soon(), always(500))
		d.appends(ticketA, 0, 1)
		name := r.id + " (127.0.0.1)"
		d.eventually("it fails for long", func() bool {
			d.appends(fmt.Sprintf("TICK-1-%08X", d.clock.Now().UnixMilli()&0xffffffff), 0, 1)
			return slices.Equal(d.problemsListed("open"), []string{"webhook_failing " + name})
		})
		r.answers(always(410))
		d.appends("TICK-1-0000000A", 0, 1)
		d.awaitProblems("webhook_disabled " + name)
		r.answers(nil)
		r.ask(&messages.EnableWebhook{Origin: &messages.Origin{CommandId: "enable"}})
		d.awaitProblems()
	})
	d.run(t, "a group that is behind", func(*testing.T) {
		k := d.open(d.ann, d.support, "Printer")
		d.mention(d.ann, k, "bob_eng", d.engineering)
		d.inject(simulator.Fault{Method: "sendMessage", Chat: d.engineering, Kind: simulator.Fault500, Count: -1})
		d.say(d.ann, d.support, k.thread, "late")
		d.awaitProblems("group_lag Engineering")
		d.sim.ClearFaults()
		d.awaitProblems()
	})
	if all := d.problemsListed(""); len(all) != 6 {
		t.Errorf("%q", all)
	}
}

// Storage that takes long for nothing at all is a problem, until it does not any more.
func TestSlowStorageIsAProblem(t *testing.T) {
	t.Parallel()
	var slow atomic.Bool
	slow.Store(true)
	d := newDesk(t, options{speed: 4, monitor: &actors.MonitorOptions{}, wrapStore: func(s storage.Store) storage.Store {
		return unwell{s, func() error {
			if slow.Load() {
				<-time.After(600 * time.Millisecond) // of the storage's own time, which no clock of a test moves
			}
			return nil
		}}
	}})
	d.awaitProblems("storage_slow ")
	if p := monitored[*messages.ProblemList](d, &messages.ListProblems{State: "open", Limit: 9}).Problems; len(p) != 1 || p[0].Times != 1 || p[0].ClosedMs != 0 {
		t.Error(p)
	}
	slow.Store(false)
	d.awaitProblems()
	if closed := d.problemsListed("closed"); !slices.Equal(closed, []string{"storage_slow "}) {
		t.Errorf("%q are over", closed)
	}
}

// What comes and goes within the patience of its kind is no problem, and does not end one.
func TestProblemsDoNotFlap(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{speed: 10})
	full := func(is bool, sequence int64) {
		m := &messages.ReportErrors{Node: "a", Boot: "a", Sequence: sequence}
		if is {
			m.Conditions = []*messages.Condition{{Kind: messages.ProblemDiskLow, Subject: "/data", Name: "/data"}}
		}
		monitored[*messages.Reply](d, m)
	}
	var sequence int64
	during := func(passes time.Duration, is func(n int) bool) {
		for n, until := 0, d.clock.Now().Add(passes); d.clock.Now().Before(until); n++ {
			sequence++
			letGo := d.clock.hold() // what a report says holds for 5 s, however long it takes to be heard
			full(is(n), sequence)
			letGo()
			begun := d.clock.Now()
			d.eventually("5 s", func() bool { return d.clock.Now().Sub(begun) > 5*time.Second })
		}
	}
	flaps := func(n int) bool { return n%3 != 0 }
	during(time.Minute, flaps)
	if all := d.problemsListed(""); len(all) != 0 {
		t.Errorf("it flaps, and opens %q", all)
	}
	during(time.Minute, func(int) bool { return true })
	d.awaitProblems("disk_low a: /data")
	during(3*time.Minute, flaps)
	d.awaitProblems("disk_low a: /data")
	during(3*time.Minute, func(int) bool { return false })
	d.awaitProblems()
}

// The bot posts in the topic of ALERTS_CHAT, in the group's language; a button mutes a problem there, and nowhere else.
func TestProblemsArePosted(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	low := map[string]bool{}
	o := &actors.MonitorOptions{Look: func(context.Context) (all []actors.Condition) {
		mu.Lock()
		defer mu.Unlock()
		for name := range low {
			all = append(all, actors.Condition{Kind: messages.ProblemDiskLow, Name: name, Detail: "12 MB are free"})
		}
		return all
	}}
	is := func(name string, full bool) {
		mu.Lock()
		defer mu.Unlock()
		if delete(low, name); full {
			low[name] = true
		}
	}
	d := newDesk(t, options{speed: 50, monitor: o})
	thread, err := d.sim.CreateTopic(d.support, d.ann, "Alerts")
	d.must(err)
	d.register()
	o.AlertsChat, o.AlertsTopic = d.support, int64(thread)
	d.restart()
	d.say(d.ann, d.support, 0, "/lang th")
	d.awaitText(d.support, 0, "ไทย")
	is("/data", true)
	post := d.awaitText(d.support, thread, "ดิสก์ใกล้เต็ม: /data")
	if !strings.Contains(post.Text, "12 MB are free") || !strings.Contains(post.Text, "กรุณาเพิ่มพื้นที่ว่าง") {
		t.Error(post.Text)
	}
	is("/data", false)
	d.awaitText(d.support, thread, "เรียบร้อยแล้ว: ดิสก์ใกล้เต็ม: /data")
	d.run(t, "the button mutes the problem for a day", func(t *testing.T) {
		is("/data", true)
		d.eventually("it is posted again", func() bool {
			return len(d.posts(thread, "กรุณาเพิ่มพื้นที่ว่าง")) == 2
		})
		if a := d.press(d.carl, d.posts(thread, "กรุณาเพิ่มพื้นที่ว่าง")[1], "mute"); !strings.Contains(a.Text, "1 วัน") {
			t.Error(a)
		}
		is("/data", false)
		d.awaitProblems()
		is("/data", true)
		d.awaitProblems("disk_low /data")
		is("/other", true)
		d.awaitText(d.support, thread, "/other")
		if posts := d.posts(thread, "/data"); len(posts) != 3 {
			t.Errorf("%d posts about what is muted", len(posts)-3)
		}
		p := monitored[*messages.ProblemList](d, &messages.ListProblems{State: "open", Limit: 9}).Problems
		if len(p) != 2 || p[0].MutedUntilMs+p[1].MutedUntilMs == 0 {
			t.Error(p)
		}
		none := monitored[*messages.Reply](d, &messages.MuteProblem{ProblemId: p[0].ProblemId,
			Origin: &messages.Origin{CommandId: "x", Place: messages.GroupPlace(d.sales), ChatId: d.sales}})
		if none.Code != messages.Code_NOT_FOUND {
			t.Error("it can be muted from elsewhere:", none)
		}
	})
	d.run(t, "no more than 5 are posted in a minute", func(t *testing.T) {
		before := len(d.posts(thread, "⚠️"))
		for i := range 8 {
			is(fmt.Sprint("/many", i), true)
		}
		d.eventually("all are open", func() bool { return len(d.problemsListed("open")) == 10 })
		if n := len(d.posts(thread, "⚠️")) - before; n > 5 {
			t.Errorf("%d posts", n)
		}
		d.eventually("all are posted", func() bool { return len(d.posts(thread, "⚠️")) == before+8 })
	})
}

// posts are the messages in a topic of Support that contain a text.
func (d *desk) posts(thread int, part string) (all []simulator.Message) {
	for _, m := range d.sim.Messages(d.support, thread) {
		if strings.Contains(m.Text, part) {
			all = append(all, m)
		}
	}
	return all
}
