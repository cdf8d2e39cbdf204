package actors_test

import (
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/simulator"
)

// TestQuietCopies: in a group that wants it so, copies of a ticket that somebody takes care of make no sound, unless they name
// somebody. The word that gives them the turn names them.
func TestQuietCopies(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	k := d.openPrivately(d.eve, d.support, "Printer")
	eng := d.mention(d.carl, k, "@bob_eng", d.engineering)
	copied := func(t *testing.T, chat int64, thread int, text string, silent bool) simulator.Message {
		t.Helper()
		m := d.awaitText(chat, thread, text)
		if m.Silent != silent {
			t.Errorf("%q is silent: %v", m.Text, m.Silent)
		}
		return m
	}
	unnamed := func(t *testing.T, m simulator.Message) {
		t.Helper()
		if mentions(m, d.carl) || strings.Contains(m.Text, "→") {
			t.Errorf("%q names who has the ticket", m.Text)
		}
	}
	d.run(t, "nobody has it: all sound; so they do where the group wants nothing else", func(t *testing.T) {
		d.say(d.eve, d.eve, 0, "It hums")
		copied(t, d.support, k.thread, "It hums", false)
		d.say(d.carl, d.support, k.thread, "Any paper?")
		d.awaitAssignee(k, d.carl)
		copied(t, d.eve, 0, "Any paper?", false)
		d.say(d.eve, d.eve, 0, "Plenty")
		unnamed(t, copied(t, d.support, k.thread, "Plenty", false))
		d.say(d.eve, d.eve, 0, "And ink")
		unnamed(t, copied(t, d.support, k.thread, "And ink", false))
	})
	settings := d.awaitAnswer(d.say(d.ann, d.support, 0, "/settings"), "Settings of Support")
	switches := func(to string) {
		t.Helper()
		d.press(d.ann, settings, "set:quiet")
		d.await("the button says "+to, func() bool {
			m, _ := d.sim.Message(settings.Chat, settings.ID)
			return strings.Contains(strings.Join(buttons(m), "\n"), "that somebody has: "+to)
		})
	}
	switches("without sound")
	d.run(t, "the word that gives somebody the turn names them, and the next ones make no sound", func(t *testing.T) {
		d.say(d.carl, d.support, k.thread, "Is it on?")
		m := copied(t, d.eve, 0, "Is it on?", false)
		d.say(d.eve, d.eve, 0, "It is red")
		named := copied(t, d.support, k.thread, "It is red", false)
		if !mentions(named, d.carl) || named.Text != "Eve → Carl\nIt is red" {
			t.Errorf("%+v", named)
		}
		d.say(d.eve, d.eve, 0, "And loud")
		unnamed(t, copied(t, d.support, k.thread, "And loud", true))
		for _, m := range d.album(d.eve, d.eve, 0, "photo:side A", "photo:side B") {
			copied(t, d.support, k.thread, m.Text, true)
		}
		d.post(simulator.Post{From: d.eve, Chat: d.eve, Text: "@ann may know", Entities: []simulator.Entity{{Type: "mention", Length: 4}}})
		unnamed(t, copied(t, d.support, k.thread, "may know", false))
		d.reply(d.eve, d.eve, m, "It is, I think")
		unnamed(t, copied(t, d.support, k.thread, "I think", false)) // whose words it answers hears of it
	})
	d.run(t, "after a while, or a restart, it is the same", func(t *testing.T) {
		d.say(d.carl, d.support, k.thread, "Is it warm?")
		copied(t, d.eve, 0, "Is it warm?", false)
		d.quiet(k)
		d.restart() // the links read what they copy next
		d.say(d.eve, d.eve, 0, "It is hot")
		if m := copied(t, d.support, k.thread, "It is hot", false); !mentions(m, d.carl) {
			t.Errorf("%+v", m)
		}
		d.say(d.eve, d.eve, 0, "It smells")
		unnamed(t, copied(t, d.support, k.thread, "It smells", true))
	})
	d.run(t, "what others of the desk say is the same; in private and in other groups all sounds", func(t *testing.T) {
		d.say(d.bob, d.engineering, eng, "Which model?")
		unnamed(t, copied(t, d.support, k.thread, "Which model?", true))
		d.say(d.carl, d.support, k.thread, "The grey one")
		unnamed(t, copied(t, d.engineering, eng, "The grey one", false))
		copied(t, d.eve, 0, "The grey one", false)
	})
	d.run(t, "an album names them, too", func(t *testing.T) {
		d.album(d.eve, d.eve, 0, "photo:side C", "photo:side D")
		if m := copied(t, d.support, k.thread, "side C", false); !mentions(m, d.carl) || m.Text != "Eve → Carl\nside C" {
			t.Errorf("%+v", m)
		}
	})
	d.run(t, "put aside, the word that takes it up names them", func(t *testing.T) {
		d.awaitAnswer(d.say(d.carl, d.support, k.thread, "/later 6h"), "Carl has put this ticket aside")
		d.say(d.eve, d.eve, 0, "Well now?")
		if m := copied(t, d.support, k.thread, "Well now?", false); !mentions(m, d.carl) {
			t.Errorf("%+v", m)
		}
	})
	d.run(t, "an edit keeps the words", func(t *testing.T) {
		m := d.say(d.eve, d.eve, 0, "It is dead")
		copied(t, d.support, k.thread, "It is dead", true)
		d.edit(m, "It is asleep")
		unnamed(t, d.awaitText(d.support, k.thread, "It is asleep"))
	})
	d.run(t, "released, it sounds again", func(t *testing.T) {
		d.awaitAnswer(d.say(d.carl, d.support, k.thread, "/release"), "has released")
		d.say(d.eve, d.eve, 0, "Anybody?")
		unnamed(t, copied(t, d.support, k.thread, "Anybody?", false))
	})
}
