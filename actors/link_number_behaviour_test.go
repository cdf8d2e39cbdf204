package actors_test

import (
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
)

func TestLinkByNumber(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	k := d.open(d.ann, d.support, "Linked by number")
	d.mention(d.ann, k, "@bob_eng", d.engineering) // Bob has rights on the ticket
	number := messages.NumberName(d.record(k).Number)
	topic := func(name string) int {
		thread, err := d.sim.CreateTopic(d.engineering, d.bob, name)
		d.must(err)
		return thread
	}
	for name, written := range map[string]string{"with #": number, "without": strings.TrimPrefix(number, "#"),
		"with words behind": number + " please"} {
		d.run(t, name, func(t *testing.T) {
			thread := topic("Topic " + name)
			d.awaitAnswer(d.say(d.bob, d.engineering, thread, "/link "+written), "Bob linked this topic to ticket "+number)
			d.say(d.ann, k.chat, k.thread, "said at home, "+name)
			d.awaitText(d.engineering, thread, "said at home, "+name)
		})
	}
	d.run(t, "numbers of no ticket", func(t *testing.T) {
		thread, links := topic("Another"), len(d.record(k).Links)
		for _, written := range []string{"#4711", "4711", "#0"} {
			d.awaitAnswer(d.say(d.bob, d.engineering, thread, "/link "+written), "There is no ticket ")
		}
		if n := len(d.record(k).Links); n != links {
			t.Errorf("%d links", n)
		}
	})
}

// TestRefusedLinkNamesNoTitle: a number can be guessed, so whoever may not link a ticket does not learn what it is about.
func TestRefusedLinkNamesNoTitle(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	k := d.open(d.ann, d.support, "Payroll breach")
	hers := d.group("Hers", map[int64]simulator.Role{d.eve: simulator.Administrator})
	d.say(d.eve, hers, 0, "/register")
	d.awaitText(hers, 0, "is registered")
	thread, err := d.sim.CreateTopic(hers, d.eve, "Guess")
	d.must(err)
	answer := d.awaitAnswer(d.say(d.eve, hers, thread, "/link "+d.number(k)), "You can't link ticket "+d.number(k))
	if strings.Contains(answer.Text, "Payroll") {
		t.Error(answer.Text)
	}
}
