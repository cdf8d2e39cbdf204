package actors_test

import (
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/simulator"
)

// Which groups of colleagues help with a ticket is none of a customer's business: in private, no answer names them.
func TestCustomersReadNoNamesOfColleaguesGroups(t *testing.T) {
	t.Parallel()
	d := newTeam(t)
	eng := d.others[d.engineering]
	nameless := func(t *testing.T) {
		t.Helper()
		d.quiet(d.k)
		for _, m := range d.byBot(d.ann, 0) {
			if strings.Contains(m.Text, "Engineering") {
				t.Errorf("it names the group: %q", m.Text)
			}
		}
	}
	for name, action := range map[string]func(t *testing.T, m, copied simulator.Message){
		"deleted": func(t *testing.T, m, _ simulator.Message) {
			d.inject(simulator.Fault{Method: "deleteMessage", Chat: d.engineering, Kind: simulator.Fault400,
				Description: "message can't be deleted"})
			d.awaitAnswer(d.reply(d.ann, d.ann, m, "/delete"), "could not be deleted everywhere")
		},
		"edited": func(t *testing.T, m, _ simulator.Message) {
			d.inject(simulator.Fault{Method: "editMessageText", Chat: d.engineering, Kind: simulator.Fault400,
				Description: "message can't be edited"})
			d.edit(m, "edited words")
			d.awaitAnswer(m, "is not shown to all of the team")
		},
		"deleted, and quoted there": func(t *testing.T, m, copied simulator.Message) {
			d.post(simulator.Post{From: d.bob, Chat: d.engineering, Thread: eng, Text: "is it?", ReplyTo: copied.ID, Quote: "words"})
			d.awaitText(d.support, d.k.thread, "is it?")
			d.quiet(d.k)
			d.awaitAnswer(d.reply(d.ann, d.ann, m, "/delete"), "Ask the team to delete those replies")
		},
	} {
		d.run(t, name, func(t *testing.T) {
			text := "words: " + name
			m := d.say(d.ann, d.ann, 0, text)
			copied := d.awaitText(d.engineering, eng, text)
			d.awaitText(d.support, d.k.thread, text)
			d.quiet(d.k)
			action(t, m, copied)
			nameless(t)
		})
	}
	d.run(t, "not copied", func(t *testing.T) {
		d.refuse(d.engineering, eng, "bot was muted")
		d.awaitAnswer(d.say(d.ann, d.ann, 0, "lost"), "did not reach all of the team (")
		nameless(t)
	})
}
