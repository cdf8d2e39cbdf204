package actors_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/actors"
	"github.com/topicdesk/topicdesk/simulator"
)

// The icons that the simulator's set, which lacks 🆕, 👤 and ⏰ as Telegram's does, has for each state.
const (
	iconNew, iconClaimed, iconCustomer, iconClosed = "⚡️", "👀", "💬", "✅"
	iconSnoozed, iconOverdue                       = "📆", "❗️"
	betweenIcons                                   = 30 * time.Second
)

// awaitIcon waits until a topic has an icon.
func (d *desk) awaitIcon(chat int64, thread int, want string) {
	d.t.Helper()
	d.await("the icon "+want, func() bool { return d.topic(chat, thread).Icon == want })
}

// iconChanges are when a topic's icon was changed, or the desk tried to, oldest first. 0: of all topics.
func (d *desk) iconChanges(chat int64, thread int) (times []time.Time) {
	for _, c := range d.sim.Calls() {
		if c.Method == "editForumTopic" && c.Chat == chat && (thread == 0 || c.Thread == thread) {
			times = append(times, c.At)
		}
	}
	slices.SortFunc(times, time.Time.Compare)
	return times
}

// iconsApart fails the test if the icon of a topic was changed twice within half a minute. Times are those of the calls'
// arrivals, which a busy machine moves.
func (d *desk) iconsApart(chat int64, thread int) {
	d.t.Helper()
	times := d.iconChanges(chat, thread)
	for i := 1; i < len(times); i++ {
		if apart := times[i].Sub(times[i-1]); apart < betweenIcons-time.Second {
			d.t.Errorf("changes %d and %d of the icon are %s apart", i-1, i, apart)
		}
	}
}

func TestIcons(t *testing.T) {
	t.Parallel()
	d := ready(t, options{speed: 40})
	k := d.open(d.eve, d.support, "Printer")
	d.run(t, "a topic opens with its icon, which costs no call", func(t *testing.T) {
		d.awaitIcon(d.support, k.thread, iconNew)
		if n := len(d.iconChanges(d.support, 0)); n != 0 {
			t.Errorf("%d calls", n)
		}
	})
	eng := d.mention(d.carl, k, "@bob_eng", d.engineering)
	d.run(t, "it follows the state, in each topic", func(*testing.T) {
		d.awaitIcon(d.engineering, eng, iconNew)
		d.awaitAnswer(d.say(d.carl, d.support, k.thread, "/claim"), "takes care of this ticket now")
		d.awaitIcon(d.support, k.thread, iconClaimed)
		d.awaitIcon(d.engineering, eng, iconClaimed)
		d.say(d.carl, d.support, k.thread, "Any paper?")
		d.awaitIcon(d.support, k.thread, iconCustomer)
		d.say(d.eve, d.support, k.thread, "Plenty")
		d.awaitIcon(d.engineering, eng, iconClaimed)
		d.awaitAnswer(d.say(d.carl, d.support, k.thread, "/release"), "has released")
		d.awaitIcon(d.support, k.thread, iconNew)
	})
	d.run(t, "closed and opened again", func(*testing.T) {
		d.awaitAnswer(d.say(d.eve, d.support, k.thread, "/close_ticket"), "closed this ticket")
		d.awaitIcon(d.support, k.thread, iconClosed)
		d.awaitIcon(d.engineering, eng, iconClosed)
		d.awaitAnswer(d.say(d.ann, d.support, k.thread, "/reopen_ticket"), "reopened this ticket")
		d.awaitIcon(d.support, k.thread, iconNew)
	})
	d.run(t, "a change that waits survives a restart", func(*testing.T) {
		d.awaitIcon(d.engineering, eng, iconNew)
		d.awaitAnswer(d.say(d.carl, d.support, k.thread, "/claim"), "takes care of this ticket now")
		d.restart()
		d.awaitIcon(d.support, k.thread, iconClaimed)
		d.awaitIcon(d.engineering, eng, iconClaimed)
	})
	d.run(t, "changes are half a minute apart", func(t *testing.T) {
		d.iconsApart(d.support, k.thread)
		d.iconsApart(d.engineering, eng)
	})
	d.run(t, "the bot's own changes pass for nobody's", func(t *testing.T) {
		if d.record(k).Home.IconByHand {
			t.Error("it counts as chosen by hand")
		}
	})
}

// TestIconsThatStay: of topics that people made, and those that they chose.
func TestIconsThatStay(t *testing.T) {
	t.Parallel()
	d := ready(t, options{speed: 40})
	k := d.open(d.eve, d.support, "Printer")
	own, err := d.sim.CreateTopic(d.engineering, d.bob, "Bob's own")
	d.must(err)
	d.must(d.sim.SetMember(d.engineering, d.ann, simulator.Administrator))
	d.awaitAnswer(d.say(d.ann, d.engineering, own, "/link "+k.id), "linked this topic")
	d.must(d.sim.SetIcon(d.support, d.ann, k.thread, "🔥"))
	d.eventually("it is known", func() bool { return d.record(k).Home.IconByHand })
	other := d.mention(d.carl, k, "@dora_s", d.sales)
	d.say(d.carl, d.support, k.thread, "Any paper?")
	d.awaitIcon(d.sales, other, iconCustomer)
	d.quiet(k)
	if icon := d.topic(d.engineering, own).Icon; icon != "" || len(d.iconChanges(d.engineering, 0)) != 0 {
		t.Errorf("the topic that Bob made has the icon %q", icon)
	}
	if icon := d.topic(d.support, k.thread).Icon; icon != "🔥" || len(d.iconChanges(d.support, 0)) != 0 {
		t.Errorf("the icon that Ann chose became %q", icon)
	}
}

// TestIconsPassOver: a state that lasted for a moment costs nothing.
func TestIconsPassOver(t *testing.T) {
	t.Parallel()
	d := ready(t, options{speed: 20})
	k := d.open(d.eve, d.support, "Printer")
	d.say(d.carl, d.support, k.thread, "Any paper?")
	d.awaitIcon(d.support, k.thread, iconCustomer)
	for range 20 { // within the half minute in which nothing may change
		d.awaitHeard(k, d.say(d.eve, d.support, k.thread, "No"))
		d.awaitHeard(k, d.say(d.carl, d.support, k.thread, "And now?"))
	}
	d.awaitAnswer(d.say(d.eve, d.support, k.thread, "/close_ticket"), "closed this ticket")
	d.awaitIcon(d.support, k.thread, iconClosed)
	d.iconsApart(d.support, k.thread)
	times := d.iconChanges(d.support, k.thread)
	if most := 2 + int(times[len(times)-1].Sub(times[0])/betweenIcons); len(times) > most {
		t.Errorf("%d changes", len(times))
	}
}

// TestIconsRefused: without the right, or with an icon that is none any more, nothing is tried again and nobody is told.
func TestIconsRefused(t *testing.T) {
	t.Parallel()
	d := ready(t, options{speed: 40})
	k := d.open(d.eve, d.support, "Printer")
	for i, why := range []string{"Bad Request: DOCUMENT_INVALID", "Bad Request: not enough rights to manage topics"} {
		d.inject(simulator.Fault{Method: "editForumTopic", Kind: simulator.Fault400, Description: why})
		by, text := d.carl, "Any paper?"
		if i == 1 {
			by, text = d.eve, "No"
		}
		said := len(d.byBot(d.support, k.thread))
		letGo := d.clock.hold() // between the claim by the answer and the answer no icon is due
		d.awaitHeard(k, d.say(by, d.support, k.thread, text))
		letGo()
		d.await("a refused call", func() bool { return len(d.iconChanges(d.support, k.thread)) == i+1 })
		d.quiet(k)
		d.eventually("the ticket rests", func() bool { return resting(d.record(k)) })
		if n := len(d.iconChanges(d.support, k.thread)); n != i+1 {
			t.Errorf("%d calls", n)
		}
		if n := len(d.byBot(d.support, k.thread)) - said; n != 0 {
			t.Errorf("the bot says something about it: %d messages", n)
		}
	}
	d.say(d.carl, d.support, k.thread, "And now?")
	d.awaitIcon(d.support, k.thread, iconCustomer) // the next state is tried again
	d.run(t, "what Telegram can't do now is tried again, and what it can't say, too", func(*testing.T) {
		d.restart() // it asks anew which icons there are
		d.inject(simulator.Fault{Method: "getForumTopicIconStickers", Kind: simulator.Fault500})
		d.say(d.eve, d.support, k.thread, "No")
		d.awaitIcon(d.support, k.thread, iconClaimed)
		d.inject(simulator.Fault{Method: "editForumTopic", Kind: simulator.FaultLost})
		d.say(d.carl, d.support, k.thread, "And now?")
		d.awaitIcon(d.support, k.thread, iconCustomer)
		d.eventually("the ticket rests", func() bool { r := d.record(k); return resting(r) && !r.Home.IconPending })
	})
}

// TestIconsComeLast: not before what people say, nor from the last of what may leave in a minute.
func TestIconsComeLast(t *testing.T) {
	if testing.Short() {
		t.Skip("long: waits for Telegram's minutes to pass")
	}
	t.Parallel()
	d := ready(t, options{speed: 20})
	k := d.open(d.eve, d.support, "Printer")
	eng := d.mention(d.carl, k, "@bob_eng", d.engineering)
	before := len(d.counted(d.engineering))
	d.opt.pace = actors.Pace{GroupPerMinute: 20}
	d.restart()
	letGo := d.clock.hold() // the icon is not due before all is said
	d.say(d.carl, d.support, k.thread, "/claim")
	d.awaitAssignee(k, d.carl)
	var last simulator.Message
	for i := range 60 {
		last = d.say(d.eve, d.support, k.thread, strings.Repeat("long ", 700)+itoa(i)) // too long to be merged
	}
	d.awaitHeard(k, last)
	letGo()
	d.awaitIcon(d.engineering, eng, iconClaimed)
	if n := len(d.copies(d.engineering, eng)); n != 60 {
		t.Errorf("the icon came after %d copies", n)
	}
	times := append(d.counted(d.engineering)[before:], d.iconChanges(d.engineering, 0)...)
	slices.SortFunc(times, time.Time.Compare)
	if n := most(times, 50*time.Second); n > 20 {
		t.Errorf("%d calls in a minute", n)
	}
}

// TestIconsThatTelegramDoesNotName: while Telegram does not say which icons there are, a change is tried ever less often, and not forever.
func TestIconsThatTelegramDoesNotName(t *testing.T) {
	t.Parallel()
	d := ready(t, options{speed: 20, sweepEvery: 10 * time.Second})
	k := d.open(d.eve, d.support, "Printer")
	d.quiet(k)
	d.restart() // it asks anew which icons there are
	d.inject(simulator.Fault{Method: "getForumTopicIconStickers", Kind: simulator.Fault500, Count: -1})
	tried := func() float64 { return d.metric(t, "operations_total", "operation", "SetIcon") }
	before := tried()
	d.awaitHeard(k, d.say(d.carl, d.support, k.thread, "Any paper?"))
	d.eventually("the change waits", func() bool { return d.record(k).Home.IconPending })
	began := d.clock.Now()
	d.eventually("it is given up", func() bool {
		d.clock.jump(time.Minute)
		r := d.record(k)
		return resting(r) && !r.Home.IconPending
	})
	if took := d.clock.Now().Sub(began); took < time.Hour || took > 24*time.Hour {
		t.Errorf("after %v", took)
	}
	t.Logf("%v operations", tried()-before)
	if n := len(d.iconChanges(d.support, 0)); n != 0 {
		t.Errorf("%d calls", n)
	}
	d.sim.ClearFaults()
	d.restart()
	d.awaitHeard(k, d.say(d.eve, d.support, k.thread, "Plenty"))
	d.awaitIcon(d.support, k.thread, iconClaimed)
}

// TestIconLeftOutAtOpening: a topic that opens while Telegram does not say which icons there are gets its icon when it does.
func TestIconLeftOutAtOpening(t *testing.T) {
	t.Parallel()
	d := ready(t, options{speed: 40})
	d.restart() // it asks anew which icons there are
	d.inject(simulator.Fault{Method: "getForumTopicIconStickers", Kind: simulator.Fault500, Count: -1})
	k := d.open(d.eve, d.support, "Printer")
	if icon := d.topic(d.support, k.thread).Icon; icon != "" {
		t.Errorf("it opens with %q", icon)
	}
	if home := d.record(k).Home; home.Icon != "" {
		t.Errorf("it is recorded as %q", home.Icon)
	}
	d.sim.ClearFaults()
	d.restart()
	d.awaitIcon(d.support, k.thread, iconNew)
	d.eventually("the ticket rests", func() bool { r := d.record(k); return resting(r) && !r.Home.IconPending })
	if n := len(d.iconChanges(d.support, k.thread)); n != 1 {
		t.Errorf("%d calls", n)
	}
}
