package actors_test

import (
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/simulator"
)

// linesOf are the titles that a list of tickets shows, each after its mark.
func linesOf(m simulator.Message) (titles []string) {
	for line := range strings.SplitSeq(m.Text, "\n") {
		if name, found := strings.CutPrefix(line, "• "); found {
			_, title, _ := strings.Cut(name, " ") // without the number
			titles = append(titles, title)
		}
	}
	return titles
}

func TestTicketLists(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	printer := d.open(d.ann, d.support, "Printer")
	d.open(d.carl, d.support, "Scanner")
	d.mention(d.ann, printer, "@bob_eng", d.engineering)
	d.run(t, "who was brought into a ticket finds it among theirs", func(t *testing.T) {
		list := d.awaitAnswer(d.say(d.bob, d.bob, 0, "/tickets"), "You have 1 open ticket")
		same(t, "Bob's", linesOf(list), []string{"Printer"})
		if !strings.Contains(list.Text, "👤 Ann · ") || !strings.Contains(list.Text, " ago") ||
			!strings.Contains(list.Text, "Open") {
			t.Errorf("it says %q", list.Text)
		}
		topic := d.topicNamed(d.engineering, "Printer")
		if url := linkIn(list); !strings.HasSuffix(url, "/"+itoa(topic.Thread)) {
			t.Errorf("the link leads to %s, not to topic %d of Engineering", url, topic.Thread)
		}
	})
	d.run(t, "in the general topic, and with all, the group's are listed", func(t *testing.T) {
		list := d.awaitAnswer(d.say(d.eve, d.support, 0, "/tickets"), "Support has 2 open tickets")
		same(t, "Support's", linesOf(list), []string{"Scanner", "Printer"})
		list = d.awaitAnswer(d.say(d.eve, d.support, printer.thread, "/tickets all"), "Support has 2 open tickets")
		same(t, "Support's", linesOf(list), []string{"Scanner", "Printer"})
		list = d.awaitAnswer(d.say(d.dora, d.engineering, 0, "/tickets"), "Engineering has 1 open ticket")
		same(t, "Engineering's", linesOf(list), []string{"Printer"})
		d.awaitAnswer(d.say(d.eve, d.sales, 0, "/tickets"), "Sales has no open tickets")
		d.awaitAnswer(d.say(d.eve, d.support, 0, "/tickets mine"), "You have no open tickets")
	})
	d.run(t, "an anonymous administrator sees the group's", func(t *testing.T) {
		m := d.post(simulator.Post{From: d.ann, Chat: d.support, Text: "/tickets", Anonymous: true})
		d.awaitAnswer(m, "Support has 2 open tickets")
	})
	d.run(t, "a list has pages, which only those turn whose list it is", func(t *testing.T) {
		for _, title := range []string{"A", "B", "C", "D", "E", "F", "G"} {
			d.open(d.carl, d.support, title)
		}
		list := d.awaitAnswer(d.say(d.carl, d.carl, 0, "/tickets"), "You have 8 open tickets")
		same(t, "Carl's", linesOf(list), []string{"G", "F", "E", "D", "C", "B", "A", "Scanner"})
		list = d.awaitAnswer(d.say(d.eve, d.support, 0, "/tickets"), "Support has 9 open tickets")
		page := func(want ...string) {
			t.Helper()
			d.await("the page", func() bool {
				now, _ := d.sim.Message(d.support, list.ID)
				return strings.Join(linesOf(now), " ") == strings.Join(want, " ")
			})
		}
		page("G", "F", "E", "D", "C", "B", "A", "Scanner")
		d.press(d.ann, list, "tickets:g"+itoa64(d.support)+":1")
		page("Printer")
		d.restart()
		d.press(d.eve, list, "tickets:g"+itoa64(d.support)+":0")
		page("G", "F", "E", "D", "C", "B", "A", "Scanner")
		d.open(d.carl, d.support, "H")
		own := d.awaitAnswer(d.say(d.carl, d.support, printer.thread, "/tickets"), "You have 9 open tickets")
		if a := d.press(d.ann, own, "tickets:u"); !strings.Contains(a.Text, "somebody else's") {
			t.Errorf("answered %q", a.Text)
		}
		d.press(d.carl, own, "tickets:u")
		d.await("the second page of one's own", func() bool {
			now, _ := d.sim.Message(d.support, own.ID)
			return strings.Join(linesOf(now), " ") == "Scanner"
		})
	})
}

// linkIn is the first link of a message.
func linkIn(m simulator.Message) string {
	for _, e := range m.Entities {
		if e.URL != "" {
			return e.URL
		}
	}
	return ""
}
