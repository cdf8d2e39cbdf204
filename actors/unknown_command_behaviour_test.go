package actors_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/simulator"
)

func TestUnknownCommands(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	k := d.openPrivately(d.ann, d.support, "Printer")
	private := func(text string) bool { return slices.Contains(d.copies(d.ann, 0), text) }
	d.run(t, "what looks like a command and is none does not reach the other side", func(t *testing.T) {
		for said, near := range map[string]string{
			"/crate_ticket Lamp": "Did you mean /create_ticket?", "/close": "Did you mean /close_ticket?",
			"/escalate @ben": "I don't know /escalate",
		} {
			answer := d.awaitAnswer(d.say(d.carl, d.support, k.thread, said), near)
			if !strings.Contains(answer.Text, "not passed on") {
				t.Errorf("%q is answered by %q", said, answer.Text)
			}
			d.quiet(k)
			if private(said) {
				t.Errorf("%q reached Ann", said)
			}
		}
	})
	d.run(t, "the button sends it as it is, once, over a restart, and only for its author", func(t *testing.T) {
		said := d.say(d.carl, d.support, k.thread, "/tableflip all of it")
		answer := d.awaitAnswer(said, "I don't know /tableflip")
		d.edit(said, "/tableflip most of it")
		d.quiet(k)
		d.restart()
		if a := d.press(d.eve, answer, "asis:"); !strings.Contains(a.Text, "Only whoever wrote") {
			t.Errorf("answered %q", a.Text)
		}
		for range 2 {
			_, _ = d.sim.Press(d.carl, d.support, answer.ID, "asis:"+itoa(said.ID))
		}
		d.awaitText(d.ann, 0, "/tableflip most of it")
		d.await("the button goes", func() bool {
			m, _ := d.sim.Message(d.support, answer.ID)
			return len(m.Buttons) == 0
		})
		d.quiet(k)
		n := 0
		for _, text := range d.copies(d.ann, 0) {
			if strings.Contains(text, "tableflip") {
				n++
			}
		}
		if n != 1 {
			t.Errorf("it arrived %d times", n)
		}
	})
	d.run(t, "another button carries out the nearest command, with what is written after it, once", func(t *testing.T) {
		answer := d.awaitAnswer(d.say(d.ann, d.support, k.thread, "/prority urgent"), "Did you mean /priority?")
		d.press(d.ann, answer, "instead:")
		d.awaitText(d.support, k.thread, "Ann changed the priority of this ticket to 🔥 urgent")
		said := d.say(d.ann, d.ann, 0, "/close not needed any more")
		answer = d.awaitAnswer(said, "Did you mean /close_ticket?")
		d.press(d.ann, answer, "instead:")
		_, _ = d.sim.Press(d.ann, d.ann, answer.ID, "instead:"+itoa(said.ID))
		d.awaitText(d.support, k.thread, "not needed any more")
		d.quiet(k)
		closed := 0
		for _, m := range d.byBot(d.ann, 0) {
			if strings.Contains(m.Text, "closed") {
				closed++
			}
		}
		if closed != 1 {
			t.Errorf("told %d times", closed)
		}
		d.say(d.ann, d.ann, 0, "/reopen_ticket")
		d.awaitText(d.ann, 0, "reopened your ticket")
		d.quiet(k)
	})
	d.run(t, "in the private chat too, in reply to something", func(t *testing.T) {
		d.say(d.carl, d.support, k.thread, "Which path?")
		asked := d.awaitText(d.ann, 0, "Which path?")
		answer := d.awaitAnswer(d.reply(d.ann, d.ann, asked, "/etc"), "I don't know /etc")
		d.press(d.ann, answer, "asis:")
		there := d.awaitText(d.support, k.thread, "/etc")
		if m, _ := d.sim.Message(d.support, there.ReplyTo); m.Text != "Which path?" {
			t.Errorf("it answers %q", m.Text)
		}
	})
	d.run(t, "commands of other bots are left alone, and those outside of tickets that are not addressed to this one", func(t *testing.T) {
		left := []simulator.Message{
			d.say(d.carl, d.support, k.thread, "/weather@weather_bot"), d.say(d.carl, d.support, 0, "/weather"),
		}
		d.awaitAnswer(d.say(d.carl, d.support, 0, "/weather@"+d.sim.BotUsername()), "I don't know /weather")
		d.quiet(k)
		for _, m := range d.byBot(d.support, simulator.AllThreads) {
			if m.ReplyTo == left[0].ID || m.ReplyTo == left[1].ID {
				t.Errorf("answered %q", m.Text)
			}
		}
	})
	d.run(t, "outside of tickets, one of this bot's own that is misspelt is answered, and the button carries it out", func(t *testing.T) {
		for _, said := range []string{"/creat_ticket Broken chair", "/crate_ticket Broken table"} {
			answer := d.awaitAnswer(d.say(d.carl, d.support, 0, said), "Did you mean /create_ticket?")
			d.press(d.carl, answer, "instead:")
			title := said[strings.Index(said, "Broken"):]
			d.await(title+" has a topic", func() bool {
				return slices.ContainsFunc(d.sim.Topics(d.support), func(t simulator.Topic) bool { return strings.Contains(t.Name, title) })
			})
		}
	})
	d.run(t, "in a private chat nothing is internal, so what looks like a note is asked about", func(t *testing.T) {
		for _, said := range []string{"// they are slow", "／／ they are slow, too"} {
			answer := d.awaitAnswer(d.say(d.ann, d.ann, 0, said), "Here everything goes to the team")
			d.quiet(k)
			if slices.Contains(d.copies(d.support, k.thread), said) {
				t.Errorf("%q reached the team", said)
			}
			d.press(d.ann, answer, "asis:")
			d.awaitText(d.support, k.thread, said)
		}
	})
	d.run(t, "a path is words", func(t *testing.T) {
		d.say(d.carl, d.support, k.thread, "/etc/hosts is empty")
		d.awaitText(d.ann, 0, "/etc/hosts is empty")
	})
}

// TestUnknownCommandsUnderPictures: in private, a caption that looks like a command is asked about as a text is, and so are all parts of
// its album: the command that is meant may take them.
func TestUnknownCommandsUnderPictures(t *testing.T) {
	t.Parallel()
	d := ready(t, options{speed: 3})
	k := d.openPrivately(d.ann, d.support, "Printer")
	arrived := func(after int) string { return strings.Join(d.arrived(d.support, k.thread, after), "; ") }
	nothing := func(t *testing.T, after int) {
		t.Helper()
		d.settled(d.ann, d.ann, k)
		if got := arrived(after); strings.Contains(got, "photo") {
			t.Errorf("%q was passed on", got)
		}
	}
	for text, answered := range map[string]string{"// this team is slow": "is an internal note in the team's groups", "/etc is full": "I don't know /etc"} {
		d.run(t, "a picture: "+text, func(t *testing.T) {
			after := d.last(d.support)
			said := d.send(d.ann, d.ann, 0, upload("photo"), text)
			asked := d.awaitAnswer(said, answered)
			nothing(t, after)
			d.press(d.ann, asked, "asis:")
			d.awaitText(d.support, k.thread, text)
		})
		d.run(t, "an album: "+text, func(t *testing.T) {
			after := d.last(d.support)
			id := d.sim.NewAlbum()
			said := d.albumParts(id, d.ann, d.ann, 0, "photo:"+text, "photo")
			asked := d.awaitAnswer(said[0], answered)
			nothing(t, after)
			d.restart()
			d.press(d.ann, asked, "asis:")
			d.await("both parts", func() bool { return strings.Count(arrived(after), "(photo)") == 2 })
			d.albumParts(id, d.ann, d.ann, 0, "photo")
			d.await("a late one", func() bool { return strings.Count(arrived(after), "(photo)") == 3 })
			d.quiet(k)
			if got := arrived(after); !strings.Contains(got, text) {
				t.Errorf("%q arrived", got)
			}
		})
	}
	d.run(t, "the command that is meant gets the album", func(t *testing.T) {
		after := d.last(d.support)
		said := d.albumParts(d.sim.NewAlbum(), d.ann, d.ann, 0, "photo:/crate_ticket Broken screen", "photo", "photo")
		asked := d.awaitAnswer(said[0], "Did you mean /create_ticket?")
		nothing(t, after)
		d.press(d.ann, asked, "instead:")
		other := d.pick(d.ann, d.awaitText(d.ann, 0, "Where should Broken screen"), "Broken screen")
		d.awaitEnclosed(other, d.support, other.thread, 3)
		d.quiet(k, other)
		if got := arrived(after); strings.Contains(got, "photo") {
			t.Errorf("%q went to the other", got)
		}
	})
	d.run(t, "so does one that closes the ticket", func(t *testing.T) {
		list := d.awaitAnswer(d.say(d.ann, d.ann, 0, "/tickets"), "open tickets")
		d.press(d.ann, list, "talk:"+k.id)
		after := d.last(d.support)
		said := d.albumParts(d.sim.NewAlbum(), d.ann, d.ann, 0, "photo:/clsoe_ticket", "photo")
		d.press(d.ann, d.awaitAnswer(said[0], "Did you mean /close_ticket?"), "instead:")
		d.awaitClosed(k)
		d.await("both parts", func() bool { return strings.Count(arrived(after), "(photo)") == 2 })
		d.quiet(k)
	})
	d.run(t, "of a newcomer", func(t *testing.T) {
		who := d.newcomer("Nina")
		said := d.albumParts(d.sim.NewAlbum(), who, who, 0, "photo:/printer is broken", "photo")
		d.press(who, d.awaitAnswer(said[0], "so it was not passed on"), "asis:")
		asked := d.awaitText(who, 0, "passed on to nobody")
		d.press(who, asked, "new")
		other := d.pick(who, d.awaitText(who, 0, "Where should /printer is"), "/printer is broken")
		d.awaitEnclosed(other, d.support, other.thread, 2)
	})
}

// TestReopeningUnderALaterPart: the parts of an album before the one with "/reopen_ticket" reach the ticket, too.
func TestReopeningUnderALaterPart(t *testing.T) {
	t.Parallel()
	d := ready(t, options{speed: 3})
	d.asksAfterClosing()
	k := d.openPrivately(d.ann, d.support, "Printer")
	d.say(d.ann, d.ann, 0, "/close_ticket")
	d.awaitClosed(k)
	d.quiet(k)
	after, id := d.last(d.support), d.sim.NewAlbum()
	first := d.albumParts(id, d.ann, d.ann, 0, "photo")
	asked := d.awaitAnswer(first[0], "Not passed on")
	d.restart()
	d.albumParts(id, d.ann, d.ann, 0, "photo:/reopen_ticket", "photo")
	d.became(asked, "✅ Sent to #1 Printer")
	d.await("all parts", func() bool {
		return strings.Count(strings.Join(d.arrived(d.support, k.thread, after), ""), "(photo)") == 3
	})
	d.quiet(k)
	if s := d.record(k).Status; s != "open" {
		t.Errorf("it is %s", s)
	}
}
