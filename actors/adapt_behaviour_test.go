package actors_test

import (
	"strings"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
)

// pace asks the chat of a group for its pace and its backlog.
func (d *desk) pace(chat int64) *messages.ChatPace {
	d.t.Helper()
	answer, err := d.system.Ask(d.t.Context(), messages.KindChat, "g"+itoa(int(chat)), &messages.GetChatPace{})
	d.must(err)
	return answer.(*messages.ChatPace)
}

func TestPaceAdapts(t *testing.T) {
	if testing.Short() {
		t.Skip("long: waits for Telegram's minutes to pass")
	}
	t.Parallel()
	d := ready(t, options{speed: 20})
	k := d.open(d.ann, d.support, "Printer")
	eng := d.mention(d.ann, k, "bob_eng", d.engineering)
	d.paced()
	if p := d.pace(d.engineering); p.Rate != 1 || p.LagMs != 0 || p.Waiting != 0 || p.Budget <= 0 {
		t.Errorf("%v", p)
	}
	d.run(t, "a 429 lowers the rate, once for calls that are refused together", func(t *testing.T) {
		d.inject(simulator.Fault{Method: "sendMessage", Chat: d.engineering, Kind: simulator.Fault429, RetryAfter: 30})
		d.say(d.ann, d.support, k.thread, "one")
		d.eventually("a lower rate", func() bool { return d.pace(d.engineering).Rate < 1 })
		p := d.pace(d.engineering)
		if p.Rate < 0.69 || p.Rate > 0.71 || p.BlockedUntilMs == 0 || p.Budget != 0 {
			t.Errorf("%v", p)
		}
		if other := d.pace(d.support); other.Rate != 1 {
			t.Errorf("another chat: %v", other)
		}
		if n := d.metric(t, "chats_slowed"); n != 1 {
			t.Errorf("%v chats are slowed", n)
		}
	})
	d.run(t, "it is kept over a restart", func(t *testing.T) {
		d.restart()
		if p := d.pace(d.engineering); p.Rate > 0.9 || p.BlockedUntilMs == 0 {
			t.Errorf("%v", p)
		}
		d.awaitText(d.engineering, eng, "one")
	})
	d.run(t, "quiet raises it back", func(t *testing.T) {
		d.eventually("the whole rate", func() bool { return d.pace(d.engineering).Rate == 1 })
	})
}

func TestLagIsShown(t *testing.T) {
	if testing.Short() {
		t.Skip("long: waits for Telegram's minutes to pass")
	}
	t.Parallel()
	d := ready(t, options{speed: 20})
	k := d.open(d.ann, d.support, "Printer")
	eng := d.mention(d.ann, k, "bob_eng", d.engineering)
	d.paced()
	card := func() string {
		asked := d.say(d.ann, d.support, k.thread, "/ticket")
		return d.awaitAnswer(asked, "🎫 #").Text
	}
	if text := card(); strings.Contains(text, "behind") {
		t.Errorf("%q", text)
	}
	d.inject(simulator.Fault{Method: "sendMessage", Chat: d.engineering, Kind: simulator.Fault429, RetryAfter: 3600})
	for i := range 10 {
		d.say(d.ann, d.support, k.thread, "waits "+itoa(i))
	}
	d.eventually("the lag is stored", func() bool {
		c, err := d.store.Chat(t.Context(), "g"+itoa(int(d.engineering)))
		return err == nil && !c.Oldest.IsZero() && d.clock.Now().Sub(c.Oldest) > 6*time.Second && c.Waiting >= 10
	})
	if text := card(); !strings.Contains(text, "Engineering is") ||
		!strings.Contains(text, "behind: 10 waiting, at most 14 messages a minute") {
		t.Errorf("%q", text)
	}
	if p := d.pace(d.engineering); p.LagMs < 5000 || p.Waiting != 10 {
		t.Errorf("%v", p)
	}
	if lag, behind := d.metric(t, "chat_lag_max_seconds"), d.metric(t, "chats_behind"); lag < 5 || behind != 1 {
		t.Errorf("%v chats, %v s behind", behind, lag)
	}
	d.clock.jump(time.Hour)
	d.awaitText(d.engineering, eng, "waits 9")
	d.eventually("not behind any more", func() bool {
		return d.metric(t, "chats_behind") == 0 && d.metric(t, "chat_lag_max_seconds") == 0
	})
	if text := card(); strings.Contains(text, "behind") {
		t.Errorf("%q", text)
	}
}

func TestTopicsOfAGroupTakeTurns(t *testing.T) {
	if testing.Short() {
		t.Skip("long: waits for Telegram's minutes to pass")
	}
	t.Parallel()
	d := ready(t, options{speed: 20})
	const topics = 5
	var tickets [topics]*ticket
	var threads [topics]int
	for i := range topics {
		tickets[i] = d.open(d.ann, d.support, "Printer "+itoa(i))
		threads[i] = d.mention(d.ann, tickets[i], "bob_eng", d.engineering)
	}
	d.paced()
	long := strings.Repeat(" and so on", 300) // so that no two copies fit into one message
	for i := range 60 {
		d.say(d.eve, d.support, tickets[0].thread, "flood "+itoa(i)+"."+long)
	}
	d.awaitText(d.engineering, threads[0], "flood 5.")
	letGo := d.clock.hold() // nothing of the flood leaves before all of this is taken in
	for i := 1; i < topics; i++ {
		d.awaitHeard(tickets[i], d.say(d.ann, d.support, tickets[i].thread, "a quiet word"))
	}
	asked := d.say(d.bob, d.engineering, 0, "/help")
	d.await("the command is taken in", func() bool { return d.sim.Pending() == 0 })
	letGo()
	for i := 1; i < topics; i++ {
		d.awaitText(d.engineering, threads[i], "a quiet word")
	}
	d.awaitAnswer(asked, "/create_ticket")
	// Each topic was served in its turn: most of the flood is still waiting.
	if _, found := d.find(d.engineering, threads[0], "flood 40."); found {
		t.Error("the flood came first")
	}
}

func TestTroubleOfEveryKind(t *testing.T) {
	t.Parallel()
	d := ready(t, options{speed: 20})
	k := d.open(d.ann, d.support, "Printer")
	eng := d.mention(d.ann, k, "bob_eng", d.engineering)
	var want []string
	for i, kind := range []string{
		simulator.Fault500, simulator.Fault502HTML, simulator.FaultReset, simulator.Fault429, simulator.FaultLost,
		simulator.FaultReset, simulator.Fault502HTML,
	} {
		d.inject(simulator.Fault{Method: "sendMessage", Chat: d.engineering, Kind: kind, Count: 1 + i%2})
		text := "ปัญหา " + itoa(i) // trouble number i
		d.say(d.ann, d.support, k.thread, text)
		d.awaitText(d.engineering, eng, text)
		if i == 3 {
			d.restart()
		}
		want = append(want, text)
	}
	d.quiet(k)
	seen := map[string]int{}
	for _, text := range d.copies(d.engineering, eng) {
		seen[text]++
	}
	for i, text := range want {
		// A copy may be there twice only where an answer was lost.
		if n := seen[text]; n == 0 || n > 1 && i < 2 {
			t.Errorf("%s: %d times", text, n)
		}
	}
	d.run(t, "one that can never arrive is reported at its source; the next ones go on", func(t *testing.T) {
		d.inject(simulator.Fault{
			Method: "sendMessage", Chat: d.engineering, Kind: simulator.Fault400, Description: "MESSAGE_REFUSED",
		})
		bad := d.say(d.ann, d.support, k.thread, "the bad one")
		d.say(d.ann, d.support, k.thread, "the good one")
		d.awaitText(d.engineering, eng, "the good one")
		d.awaitAnswer(bad, "MESSAGE_REFUSED")
		c, err := d.store.Copy(t.Context(), itoa(int(d.support))+":"+itoa(bad.ID), k.id+":1")
		if err != nil || c.State != "failed" || !strings.Contains(c.Reason, "MESSAGE_REFUSED") {
			t.Errorf("%+v %v", c, err)
		}
		d.quiet(k)
	})
}
