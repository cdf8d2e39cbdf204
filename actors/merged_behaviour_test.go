package actors_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/topicdesk/topicdesk/actors"
	"github.com/topicdesk/topicdesk/simulator"
)

// paced restarts the service with the default pace, at a time when no earlier call counts any more.
func (d *desk) paced() {
	d.t.Helper()
	d.opt.pace = actors.Pace{GlobalPerSecond: 30, ChatPerSecond: 1, GroupPerMinute: 20}
	d.restart()
}

// shared lists the messages of a thread that hold merged copies.
func (d *desk) shared(chat int64, thread int) []simulator.Message {
	return slices.DeleteFunc(d.byBot(chat, thread), func(m simulator.Message) bool { return len(joined(m)) < 2 })
}

func TestCopiesThatWaitAreMerged(t *testing.T) {
	t.Parallel()
	d := ready(t, options{speed: 20})
	k := d.open(d.ann, d.support, "Printer")
	eng := d.mention(d.ann, k, "bob_eng", d.engineering)
	first := d.say(d.ann, d.support, k.thread, "what was before")
	d.awaitText(d.engineering, eng, "what was before")
	d.paced()
	d.run(t, "nothing is joined while the queue is short", func(t *testing.T) {
		for i := range 4 {
			d.say(d.ann, d.support, k.thread, "alone "+itoa(i))
		}
		d.awaitText(d.engineering, eng, "alone 3")
		if n := len(d.shared(d.engineering, eng)); n != 0 {
			t.Errorf("%d joined", n)
		}
	})
	var want []string
	var originals []simulator.Message
	d.run(t, "each line with its sender and its markup, in order", func(t *testing.T) {
		for i := range 60 {
			text := "คำตอบที่ " + itoa(i) + " 🖨 bold" // answer number i
			from := []int64{d.ann, d.eve, d.carl}[i%3]
			p := simulator.Post{From: from, Chat: d.support, Thread: k.thread, Text: text,
				Entities: []simulator.Entity{{Type: "bold", Offset: utf16Len(text) - 4, Length: 4}}}
			if i == 50 {
				p.ReplyTo = first.ID
			}
			originals = append(originals, d.post(p))
			want = append(want, text)
		}
		d.awaitText(d.engineering, eng, want[59])
		got := d.copies(d.engineering, eng)
		got = got[len(got)-60:]
		for i := range got {
			_, got[i], _ = strings.Cut("\n"+got[i], "\n")
			if i == 50 {
				got[i] = strings.TrimPrefix(got[i], "what was before\n") // the quoted line, unless the copy left alone, as a reply
			}
		}
		same(t, "copies", got, want)
		all := d.shared(d.engineering, eng)
		if len(all) == 0 {
			t.Fatal("nothing was joined")
		}
		for _, m := range all {
			if utf16Len(m.Text) > 4096 {
				t.Errorf("%d units", utf16Len(m.Text))
			}
			for i, one := range joined(m) {
				name, _, _ := strings.Cut(one, "\n")
				if name != "Ann" && name != "Eve" && name != "Carl" {
					t.Errorf("%d: %q", i, one)
				}
			}
			bold := 0
			for _, e := range m.Entities {
				if e.Type == "bold" && textAt(m.Text, e.Offset, e.Length) == "bold" {
					bold++
				}
			}
			if bold != len(joined(m)) {
				t.Errorf("%d of %d marked", bold, len(joined(m)))
			}
		}
	})
	d.run(t, "each original knows its place", func(t *testing.T) {
		m := d.shared(d.engineering, eng)[0]
		copies, err := d.store.CopiesAt(t.Context(), d.engineering, int64(m.ID))
		d.must(err)
		parts := joined(m)
		if len(copies) != len(parts) {
			t.Fatalf("%d copies of %d parts", len(copies), len(parts))
		}
		for i, c := range copies {
			if c.Span == nil || textAt(m.Text, int(c.Span.Offset), int(c.Span.Length)) != parts[i] {
				t.Errorf("%d: %+v", i, c.Span)
			}
		}
	})
	d.run(t, "a reply goes to the part that it quotes, else to the last; also after a restart", func(t *testing.T) {
		d.restart()
		m := d.shared(d.engineering, eng)[0]
		parts := joined(m)
		at := func(i int) simulator.Message { // the original of the i'th merged copy
			_, text, _ := strings.Cut(parts[i], "\n")
			return originals[slices.Index(want, text)]
		}
		quote := parts[1][strings.Index(parts[1], "\n")+1:]
		quote = quote[:strings.Index(quote, " 🖨")]
		d.post(simulator.Post{
			From: d.bob, Chat: d.engineering, Thread: eng, Text: "to the second", ReplyTo: m.ID, Quote: quote,
		})
		if c := d.awaitText(d.support, k.thread, "to the second"); c.ReplyTo != at(1).ID {
			t.Errorf("answers %d, want %d", c.ReplyTo, at(1).ID)
		}
		d.reply(d.bob, d.engineering, m, "to the last")
		if c := d.awaitText(d.support, k.thread, "to the last"); c.ReplyTo != at(len(parts)-1).ID {
			t.Errorf("answers %d, want %d", c.ReplyTo, at(len(parts)-1).ID)
		}
	})
	d.run(t, "a reply to an original in it answers the whole, quoting the part", func(t *testing.T) {
		m := d.shared(d.engineering, eng)[0]
		_, text, _ := strings.Cut(joined(m)[0], "\n")
		d.reply(d.ann, d.support, originals[slices.Index(want, text)], "back to the first of them")
		if c := d.awaitText(d.engineering, eng, "back to the first of them"); c.ReplyTo != m.ID {
			t.Errorf("%+v", c)
		}
	})
}

func TestMergedCopiesAndTrouble(t *testing.T) {
	t.Parallel()
	d := ready(t, options{speed: 20})
	k := d.open(d.ann, d.support, "Printer")
	eng := d.mention(d.ann, k, "bob_eng", d.engineering)
	d.paced()
	fill := func(what string, n int) (want []string) {
		for i := range n {
			text := what + " " + itoa(i)
			d.say(d.ann, d.support, k.thread, text)
			want = append(want, text)
		}
		return want
	}
	got := func(what string) []string {
		return slices.DeleteFunc(d.copies(d.engineering, eng), func(s string) bool { return !strings.HasPrefix(s, what+" ") })
	}
	d.run(t, "one that is refused does not take the others with it", func(t *testing.T) {
		want := fill("one", 8)
		d.inject(simulator.Fault{
			Method: "sendMessage", Chat: d.engineering, Kind: simulator.Fault400, Description: "MESSAGE_REFUSED",
			Count: 2,
		})
		want = append(want, fill("one more", 30)...)
		d.awaitText(d.engineering, eng, want[len(want)-1])
		d.quiet(k)
		if n := len(got("one")); n < len(want)-2 {
			t.Errorf("%d of %d", n, len(want))
		}
	})
	d.run(t, "a stop in the middle loses nothing; only a call with a lost answer is repeated", func(t *testing.T) {
		d.inject(simulator.Fault{Method: "sendMessage", Chat: d.engineering, Kind: simulator.FaultLost, After: 2})
		want := fill("two", 40)
		d.await("something arrives", func() bool { return len(got("two")) > 0 })
		d.restart()
		d.awaitText(d.engineering, eng, want[len(want)-1])
		d.quiet(k)
		seen := map[string]int{}
		var order []string
		for _, text := range got("two") {
			if seen[text]++; seen[text] == 1 {
				order = append(order, text)
			}
		}
		same(t, "copies", order, want)
		lost := 0
		for _, c := range d.sim.Calls() {
			if c.Lost {
				lost++
			}
		}
		repeated := 0
		for _, n := range seen {
			if n > 1 {
				repeated++
			}
			if n > 2 {
				t.Errorf("%d times", n)
			}
		}
		if lost == 0 && repeated > 0 {
			t.Errorf("%d repeated, no answer was lost", repeated)
		}
	})
}

// 100 messages a minute, spread over 10 topics of one group, against Telegram's own limits.
func TestHundredMessagesAMinute(t *testing.T) {
	if testing.Short() {
		t.Skip("long: waits for Telegram's minutes to pass")
	}
	t.Parallel()
	speed := 6.0
	if long() {
		speed = 1 // in real time: TOPICDESK_LONG=1 go test ./actors -run TestHundredMessagesAMinute -v
	}
	d := ready(t, options{speed: speed})
	const topics, each = 10, 10
	var tickets [topics]*ticket
	var threads [topics]int
	for i := range topics {
		tickets[i] = d.open(d.ann, d.support, "Printer "+itoa(i))
		threads[i] = d.mention(d.ann, tickets[i], "bob_eng", d.engineering)
	}
	d.quiet(tickets[:]...)
	d.opt.pace = actors.Pace{GlobalPerSecond: 30, ChatPerSecond: 1, GroupPerMinute: 20}
	d.stop()
	limits := simulator.DefaultFloodLimits()
	limits.Slack = time.Duration(speed * float64(50*time.Millisecond)) // 50 ms of real time
	d.sim.SetFloodLimits(limits)
	d.sim.SetFlood(true)
	d.start()
	calls := len(d.sim.Calls())
	start := d.clock.Now()
	for i := range topics * each {
		d.at(start.Add(time.Duration(i) * time.Minute / (topics * each)))
		k := tickets[i%topics]
		d.say(d.eve, k.chat, k.thread, "ข้อความ "+itoa(i))
	}
	for i, k := range tickets {
		d.awaitText(d.engineering, threads[i], "ข้อความ "+itoa(topics*(each-1)+i))
		var want []string
		for n := range each {
			want = append(want, "ข้อความ "+itoa(topics*n+i))
		}
		same(t, "copies of "+k.id, d.copies(d.engineering, threads[i]), want)
	}
	var times []time.Time
	for _, c := range d.sim.Calls()[calls:] {
		switch {
		case c.Chat != d.engineering:
		case c.Code == 429:
			t.Errorf("refused: %+v", c)
		case c.Method == "sendMessage":
			times = append(times, c.At)
		}
	}
	if n := most(times, time.Minute-limits.Slack); n > 20 {
		t.Errorf("%d calls in a minute", n)
	}
	took := times[len(times)-1].Sub(start)
	t.Logf("%d messages in %d calls, the last after %v", topics*each, len(times), took.Round(100*time.Millisecond))
	if took > 70*time.Second {
		t.Errorf("the last was delivered after %v", took)
	}
}

func long() bool { return os.Getenv("TOPICDESK_LONG") != "" }

func utf16Len(s string) int { return len(utf16.Encode([]rune(s))) }

// textAt is a part of a text, in UTF-16 units.
func textAt(s string, offset, length int) string {
	units := utf16.Encode([]rune(s))
	if offset < 0 || offset+length > len(units) {
		return ""
	}
	return string(utf16.Decode(units[offset : offset+length]))
}

// at waits until the desk's clock shows the time.
func (d *desk) at(when time.Time) {
	reached := make(chan struct{})
	d.clock.AfterFunc(when.Sub(d.clock.Now()), func() { close(reached) })
	<-reached
}
