package actors_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/actors"
	"github.com/topicdesk/topicdesk/simulator"
)

// counted lists when calls that count as messages were made in a chat (0: in all), by the desk's clock.
func (d *desk) counted(chat int64) []time.Time {
	var times []time.Time
	for _, c := range d.sim.Calls() {
		switch c.Method {
		case "sendMessage", "editMessageText", "editMessageReplyMarkup", "createForumTopic":
			if chat == 0 || c.Chat == chat {
				times = append(times, c.At)
			}
		}
	}
	slices.SortFunc(times, time.Time.Compare)
	return times
}

// most is the largest number of times within any span of that length.
func most(times []time.Time, span time.Duration) int {
	n, from := 0, 0
	for to := range times {
		for times[to].Sub(times[from]) >= span {
			from++
		}
		n = max(n, to-from+1)
	}
	return n
}

func TestPaceOfAGroup(t *testing.T) {
	if testing.Short() {
		t.Skip("long: waits for Telegram's minutes to pass")
	}
	// The clock runs 15 times faster, so a minute of pacing takes four seconds. The window is a little shorter than a
	// minute, because a busy machine's scheduler adds time between a call's departure and its arrival.
	const speed, jitter = 15, 10 * time.Second
	d := ready(t, options{speed: speed})
	k := d.open(d.ann, d.support, "Printer")
	eng := d.mention(d.ann, k, "bob_eng", d.engineering)
	d.opt.pace = actors.Pace{ChatPerSecond: 0, GroupPerMinute: 20}
	d.restart()
	before := len(d.counted(d.engineering))
	long := strings.Repeat(" and so on", 300) // so that no two copies fit into one message
	for i := range 50 {
		d.say(d.eve, d.support, k.thread, "paced "+itoa(i)+"."+long)
	}
	d.awaitText(d.engineering, eng, "paced 25.")
	d.run(t, "an answer overtakes the copies that wait", func(t *testing.T) {
		letGo := d.clock.hold() // no copy leaves before the desk has the command
		asked := d.say(d.bob, d.engineering, 0, "/help")
		d.await("the command is taken in", func() bool { return d.sim.Pending() == 0 })
		letGo()
		answer := d.awaitAnswer(asked, "/create_ticket")
		if last := d.awaitText(d.engineering, eng, "paced 49."); last.ID < answer.ID {
			t.Error("the copies came first")
		}
	})
	d.run(t, "no sliding minute has more than 20, and the pace is used", func(t *testing.T) {
		d.awaitText(d.engineering, eng, "paced 49.")
		times := d.counted(d.engineering)[before:]
		if n := most(times, time.Minute-jitter); n > 20 {
			t.Errorf("%d calls in a minute", n)
		}
		if took := times[len(times)-1].Sub(times[0]); took > 4*time.Minute {
			t.Errorf("%d calls took %v", len(times), took)
		}
		got := d.copies(d.engineering, eng)
		for i, text := range got[len(got)-50:] {
			if text != "paced "+itoa(i)+"."+long {
				t.Fatalf("%d: %.20q", i, text)
			}
		}
	})
	d.run(t, "a restart forgets nothing of it", func(t *testing.T) {
		before := len(d.counted(d.engineering))
		for i := range 25 {
			d.say(d.eve, d.support, k.thread, "again "+itoa(i)+"."+long)
		}
		d.awaitText(d.engineering, eng, "again 5.")
		d.restart()
		d.awaitText(d.engineering, eng, "again 24.")
		if n := most(d.counted(d.engineering)[before:], time.Minute-jitter); n > 20 {
			t.Errorf("%d calls in a minute", n)
		}
	})
}

func TestFloodControl(t *testing.T) {
	if testing.Short() {
		t.Skip("long: waits for Telegram's minutes to pass")
	}
	t.Parallel()
	d := ready(t, options{speed: 6})
	k := d.open(d.ann, d.support, "Throttled")
	eng := d.mention(d.ann, k, "bob_eng", d.engineering)
	sales := d.mention(d.ann, k, "dora_s", d.sales)
	throttle := func(seconds int) {
		d.inject(simulator.Fault{Method: "sendMessage", Chat: d.engineering, Kind: simulator.Fault429, RetryAfter: seconds})
	}
	// waited checks that nothing was sent to Engineering too early, and that sending went on in time.
	waited := func(t *testing.T, seconds int) {
		t.Helper()
		if v := d.sim.Violations(); len(v) > 0 {
			t.Errorf("called too early: %+v", v)
		}
		var refused, next time.Time
		for _, c := range d.sim.Calls() {
			switch {
			case c.Chat != d.engineering || c.Method != "sendMessage":
			case c.Code == 429:
				refused, next = c.At, time.Time{}
			case next.IsZero() && !refused.IsZero():
				next = c.At
			}
		}
		want := time.Duration(seconds) * time.Second
		if got := next.Sub(refused); got < want || got > want+50*time.Second {
			t.Errorf("went on after %v, want %v", got, want)
		}
	}
	d.run(t, "429 is obeyed to the second, order kept, and delays nobody else", func(t *testing.T) {
		throttle(60)
		d.say(d.ann, d.support, k.thread, "one")
		d.say(d.ann, d.support, k.thread, "two")
		d.awaitText(d.sales, sales, "two")
		d.say(d.bob, d.engineering, eng, "from the throttled group")
		d.awaitText(d.sales, sales, "from the throttled group")
		d.awaitText(d.support, k.thread, "from the throttled group")
		if len(d.copies(d.engineering, eng)) > 0 {
			t.Fatal("not throttled")
		}
		d.clock.jump(45 * time.Second)
		d.awaitText(d.engineering, eng, "two")
		same(t, "copies", d.copies(d.engineering, eng), []string{"one", "two"})
		waited(t, 60)
	})
	d.run(t, "across a restart", func(t *testing.T) {
		throttle(12)
		d.say(d.ann, d.support, k.thread, "three")
		d.await("refused", func() bool {
			c := d.sim.Calls()
			return c[len(c)-1].Code == 429 || d.calls("sendMessage", 0) > 0 && lastCode(d, d.engineering) == 429
		})
		d.restart()
		d.awaitText(d.engineering, eng, "three")
		waited(t, 12)
	})
	d.run(t, "three hundred waiting copies do not keep the group's own words from home", func(t *testing.T) {
		throttle(3600)
		for i := range 300 {
			d.say(d.ann, d.support, k.thread, "many "+itoa(i))
		}
		d.awaitText(d.sales, sales, "many 299")
		d.say(d.bob, d.engineering, eng, "we are still here")
		d.awaitText(d.support, k.thread, "we are still here")
		if _, found := d.find(d.engineering, eng, "many 0"); found {
			t.Fatal("not throttled")
		}
		d.clock.jump(time.Hour)
		d.awaitText(d.engineering, eng, "many 299")
		got := slices.DeleteFunc(d.copies(d.engineering, eng), func(s string) bool { return !strings.HasPrefix(s, "many ") })
		for i := range 300 {
			if got[i] != "many "+itoa(i) || len(got) != 300 {
				t.Fatalf("%d copies, at %d %q", len(got), i, got[i])
			}
		}
	})
}

// lastCode is the error code of the last message to a chat.
func lastCode(d *desk, chat int64) int {
	code := 0
	for _, c := range d.sim.Calls() {
		if c.Chat == chat && c.Method == "sendMessage" {
			code = c.Code
		}
	}
	return code
}

func TestPaceOfTheSettingsAgainstFloodControl(t *testing.T) {
	// With Telegram's own limits, at 4 times the speed, the desk never meets a 429.
	d := ready(t, options{speed: 4})
	k := d.open(d.ann, d.support, "Printer")
	eng := d.mention(d.ann, k, "bob_eng", d.engineering)
	d.opt.pace = actors.Pace{GlobalPerSecond: 30, ChatPerSecond: 1, GroupPerMinute: 20}
	d.stop()
	limits := simulator.DefaultFloodLimits()
	limits.Slack = 1500 * time.Millisecond // 375 ms of real time
	d.sim.SetFloodLimits(limits)
	d.sim.SetFlood(true)
	d.start()
	for i := range 12 {
		d.say(d.eve, d.support, k.thread, "paced "+itoa(i))
		d.say(d.bob, d.engineering, eng, "back "+itoa(i))
	}
	d.awaitText(d.engineering, eng, "paced 11")
	d.awaitText(d.support, k.thread, "back 11")
	for _, c := range d.sim.Calls() {
		if c.Code == 429 {
			t.Errorf("refused: %+v", c)
		}
	}
}
