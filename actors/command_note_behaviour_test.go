package actors_test

import (
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
)

// team is a ticket whose customer writes in private, with a topic of another group, and what must not be seen there.
type team struct {
	*desk
	k      *ticket
	others map[int64]int // threads by chat: the customer's, and the other group's
}

func newTeam(t *testing.T) *team {
	d := ready(t, options{})
	k := d.openPrivately(d.ann, d.support, "Printer")
	eng := d.mention(d.carl, k, "@bob_eng", d.engineering)
	d.must(d.sim.SetMember(d.support, d.carl, simulator.Administrator))
	return &team{d, k, map[int64]int{d.ann: 0, d.engineering: eng}}
}

// keeps checks that nobody outside of the topic sees words, nor any medium, and that no event tells the words as a reason.
func (of *team) keeps(t *testing.T, secret string) {
	t.Helper()
	of.quiet(of.k)
	for chat, thread := range of.others {
		if m, found := of.find(chat, thread, secret); found {
			t.Errorf("%q is in %d: %q", secret, chat, m.Text)
		}
		for _, m := range of.byBot(chat, thread) {
			if m.Media != nil {
				t.Errorf("the %s is in %d", m.Media.Kind, chat)
			}
		}
	}
	_, data := of.told(of.k)
	for _, e := range data {
		if strings.Contains(e.Reason, secret) {
			t.Errorf("an event says %q", e.Reason)
		}
	}
}

func (of *team) closed() {
	of.t.Helper()
	of.await("it is closed", func() bool { return of.record(of.k).Status == "closed" })
}

func (of *team) reopen() {
	of.t.Helper()
	of.say(of.carl, of.support, of.k.thread, "/reopen_ticket")
	of.await("it is open again", func() bool { return of.record(of.k).Status == "open" })
}

func (of *team) here(text string) simulator.Message {
	of.t.Helper()
	return of.say(of.carl, of.support, of.k.thread, text)
}

// What a command's message has for the team stays with the team, whatever the author edits the message to.
func TestEditOfACommandsNote(t *testing.T) {
	t.Parallel()
	d := newTeam(t)
	for _, to := range []string{"/close_ticket lied", "/close_ticket", "lied, I think", "/clsoe_ticket // lied"} {
		d.run(t, "of the command, to "+to, func(t *testing.T) {
			said := d.here("/close_ticket // lied")
			d.closed()
			d.edit(said, to)
			d.eventually("the edit is recorded", func() bool { return d.said(said).Text == to })
			d.keeps(t, "lied")
			d.edit(said, "/close_ticket // lied twice")
			d.eventually("it is the note again", func() bool { return d.said(said).Text == "// lied twice" })
			d.keeps(t, "lied")
			d.reopen()
		})
	}
	d.run(t, "of one that was misspelt, though nothing of it changes", func(t *testing.T) {
		said := d.here("/clsoe_ticket // a thief")
		d.press(d.carl, d.awaitAnswer(said, "Did you mean /close_ticket?"), "instead:")
		d.closed()
		d.edit(said, "/clsoe_ticket // a thief")
		d.eventually("the edit is recorded", func() bool { return !d.said(said).EditedAt.IsZero() })
		d.keeps(t, "thief")
		d.reopen()
	})
	d.run(t, "of a caption", func(t *testing.T) {
		said := d.send(d.carl, d.support, d.k.thread, upload("photo"), "/priority low // look at that liar")
		d.await("the priority is set", func() bool { return d.record(d.k).Priority == "low" })
		d.edit(said, "/priroity low // look at that liar")
		d.eventually("the edit is recorded", func() bool { return !d.said(said).EditedAt.IsZero() })
		d.keeps(t, "liar")
	})
	d.run(t, "of the caption of an album, and of its other parts once that is deleted", func(t *testing.T) {
		parts := d.album(d.carl, d.support, d.k.thread, "photo", "photo:/close_ticket // liars", "photo")
		d.closed()
		d.eventually("the last part is recorded", func() bool {
			_, err := d.store.Message(t.Context(), messageID(parts[2]))
			return err == nil
		})
		d.edit(parts[1], "/close_ticket liars")
		d.eventually("the edit is recorded", func() bool { return !d.said(parts[1]).EditedAt.IsZero() })
		d.edit(parts[0], "these two")
		d.eventually("the edit is recorded", func() bool { return d.said(parts[0]).Text == "these two" })
		d.keeps(t, "liars")
		d.reply(d.carl, d.support, parts[1], "/delete")
		d.eventually("the caption is deleted", func() bool { return d.said(parts[1]).Deleted })
		d.edit(parts[2], "and this one")
		d.eventually("the edit is recorded", func() bool { return d.said(parts[2]).Text == "and this one" })
		d.keeps(t, "liars")
		d.reopen()
	})
	d.run(t, "so does a note of its own, and its author is told", func(t *testing.T) {
		said := d.here("// nobody yet")
		d.eventually("it is recorded", func() bool { _, err := d.store.Message(t.Context(), messageID(said)); return err == nil })
		d.edit(said, "everybody now")
		d.awaitAnswer(said, "still an internal note")
		d.eventually("the edit is recorded", func() bool { return d.said(said).Text == "everybody now" })
		d.keeps(t, "everybody now")
	})
}

// Words for the team after a command stay there in whatever way they come.
func TestWordsForTheTeamAfterACommand(t *testing.T) {
	t.Parallel()
	d := newTeam(t)
	for _, caption := range []string{"/mention @bob_eng // look at that liar", "/later tomorrow // a liar", "/clsoe_ticket // liar", "/close_ticket//liar"} {
		d.run(t, "as the caption of an album: "+caption, func(t *testing.T) {
			parts := d.album(d.carl, d.support, d.k.thread, "photo", "photo:"+caption, "photo")
			for _, part := range parts {
				d.eventually("it is recorded", func() bool { _, err := d.store.Message(t.Context(), messageID(part)); return err == nil })
			}
			d.keeps(t, "liar")
			for _, part := range parts {
				if !d.said(part).Internal {
					t.Errorf("part %d is no note", part.ID)
				}
			}
			if d.record(d.k).Status == "closed" {
				d.reopen()
			}
		})
	}
	for text, answer := range map[string]string{
		"/later 2h // a liar":               "has put this ticket",
		"/later // a liar":                  "Until when shall I put this ticket aside?",
		"/priority low // a liar":           "changed the priority",
		"/assign @carl // @bob_eng, a liar": "takes care of this ticket",
		"/mention // a liar":                "Who should join this ticket?",
		"/mention @bob_eng // a liar":       "What begins with // is an internal note",
	} {
		d.run(t, "in a text: "+text, func(t *testing.T) {
			said := d.here(text)
			d.awaitAnswer(said, answer)
			d.eventually("it is recorded", func() bool { _, err := d.store.Message(t.Context(), messageID(said)); return err == nil })
			d.keeps(t, "liar")
			if m := d.said(said); !m.Internal || !strings.HasPrefix(m.Text, "// ") {
				t.Errorf("%+v", m)
			}
			if n := d.answers(said, "took only the name"); n != 0 {
				t.Error("it says to send the words again, as if they were for everybody")
			}
		})
	}
	d.run(t, "a command that is misspelt is not offered to be sent as it is", func(t *testing.T) {
		answer := d.awaitAnswer(d.here("/clsoe_ticket in 2h // a liar"), "To keep a message in this topic, begin it with //")
		m, _ := d.sim.Message(answer.Chat, answer.ID)
		for _, row := range m.Buttons {
			for _, b := range row {
				if !strings.HasPrefix(b.Data, "instead:") {
					t.Errorf("there is a button %q", b.Text)
				}
			}
		}
	})
	d.run(t, "what is edited to have some before the button is pressed is sent to nobody", func(t *testing.T) {
		said := d.here("/escalate to the manager")
		answer := d.awaitAnswer(said, "I don't know /escalate")
		d.edit(said, "/escalate // this liar")
		d.press(d.carl, answer, messages.CallbackAsIs)
		d.eventually("it is recorded", func() bool { _, err := d.store.Message(t.Context(), messageID(said)); return err == nil })
		d.keeps(t, "liar")
	})
	d.run(t, "by an edit of what everybody has read", func(t *testing.T) {
		said := d.here("we look at it")
		d.awaitText(d.ann, 0, "we look at it")
		d.edit(said, "/clsoe_ticket // liar")
		d.awaitGone(d.ann, 0, "we look at it")
		d.keeps(t, "liar")
	})
	d.run(t, "by an answer to it", func(t *testing.T) {
		var said []simulator.Message
		for _, text := range []string{"/close_ticket // liar", "/reopen_ticket", "/mention @bob_eng that liar again", "/clsoe_ticket // liar", "/later tomorrow // liar"} {
			said = append(said, d.here(text))
		}
		d.await("it is open", func() bool { return d.sim.Pending() == 0 && d.record(d.k).Status == "open" })
		for i, m := range said {
			text := "what is that? " + itoa(i)
			d.reply(d.carl, d.support, m, text)
			d.awaitText(d.ann, 0, text)
		}
		d.keeps(t, "liar")
	})
}
