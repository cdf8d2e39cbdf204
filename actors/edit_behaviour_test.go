package actors_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/simulator"
	"github.com/topicdesk/topicdesk/storage"
)

// edit has somebody edit a message of theirs.
func (d *desk) edit(m simulator.Message, text string, entities ...simulator.Entity) {
	d.t.Helper()
	_, err := d.sim.Edit(m.From.ID, m.Chat, m.ID, text, entities...)
	d.must(err)
}

// awaitGone waits until no message of the bot in a thread contains the text.
func (d *desk) awaitGone(chat int64, thread int, part string) {
	d.t.Helper()
	d.await(part+" is gone", func() bool { _, found := d.find(chat, thread, part); return !found })
}

// said is a message as it is stored.
func (d *desk) said(m simulator.Message) *storage.Message {
	d.t.Helper()
	r, err := d.store.Message(d.t.Context(), messageID(m))
	d.must(err)
	return r
}

func messageID(m simulator.Message) string { return strconv.FormatInt(m.Chat, 10) + ":" + itoa(m.ID) }

// awaitShown waits until every copy of a message is up to date and its events are numbered.
func (d *desk) awaitShown(m simulator.Message) {
	d.t.Helper()
	d.await("every update is confirmed", func() bool { return d.sim.Pending() == 0 })
	d.eventually("every copy shows "+m.Text, func() bool { return !d.said(m).Open() })
}

func TestEdits(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	k, eng, sales := three(t, d)
	d.run(t, "every copy shows it and says so; the former version is kept", func(t *testing.T) {
		m := d.say(d.ann, d.support, k.thread, "the firts one")
		was := d.awaitText(d.engineering, eng, "the firts one")
		d.awaitText(d.sales, sales, "the firts one")
		d.edit(m, "the first one", simulator.Entity{Type: "bold", Offset: 4, Length: 5})
		is := d.awaitText(d.engineering, eng, "Ann · Support · edited\nthe first one")
		d.awaitText(d.sales, sales, "Ann · Support · edited\nthe first one")
		if is.ID != was.ID || !hasEntity(is, "bold", len([]rune("Ann · Support · edited\nthe ")), 5) {
			t.Errorf("message %d became %d, %v", was.ID, is.ID, is.Entities)
		}
		d.awaitShown(m)
		r := d.said(m)
		if len(r.Former) != 1 || r.Former[0].Text != "the firts one" || r.Text != "the first one" ||
			r.Revision != 1 || r.EditedAt.IsZero() {
			t.Errorf("%+v", r)
		}
	})
	d.run(t, "in a linked topic: home and the other links follow", func(t *testing.T) {
		m := d.say(d.bob, d.engineering, eng, "from bob")
		d.awaitText(d.support, k.thread, "from bob")
		d.awaitText(d.sales, sales, "from bob")
		d.edit(m, "from Bob himself")
		d.awaitText(d.support, k.thread, "edited\nfrom Bob himself")
		d.awaitText(d.sales, sales, "edited\nfrom Bob himself")
	})
	d.run(t, "what changes nothing that is seen makes no call", func(t *testing.T) {
		m := d.say(d.ann, d.support, k.thread, "unchanged")
		d.awaitText(d.sales, sales, "unchanged")
		d.quiet(k)
		before := d.calls("editMessageText", 0)
		d.edit(m, "unchanged")
		d.say(d.ann, d.support, k.thread, "behind it")
		d.awaitText(d.sales, sales, "behind it")
		d.quiet(k)
		if n := d.calls("editMessageText", 0) - before; n != 0 || d.said(m).Revision != 0 {
			t.Errorf("%d calls, revision %d", n, d.said(m).Revision)
		}
	})
	d.run(t, "an edit of what the desk never heard of makes no message", func(t *testing.T) {
		d.quiet(k)
		command := d.say(d.ann, d.support, k.thread, "/ticket")
		d.quiet(k)
		before, last := len(d.byBot(d.sales, sales)), d.lastSequence(k)
		d.edit(command, "no command any more")
		d.say(d.ann, d.support, k.thread, "after the command")
		d.awaitText(d.sales, sales, "after the command")
		if n := len(d.byBot(d.sales, sales)) - before; n != 1 || d.lastSequence(k) != last+1 {
			t.Errorf("%d messages", n)
		}
	})
	d.run(t, "a text that grows goes on in an answer; one that shrinks loses its end", func(t *testing.T) {
		m := d.say(d.ann, d.support, k.thread, "will grow")
		first := d.awaitText(d.sales, sales, "will grow")
		long := strings.TrimSpace(strings.Repeat("grown ", 680)) + " end"
		d.edit(m, long)
		rest := d.awaitText(d.sales, sales, "(2/2)")
		if !strings.HasSuffix(rest.Text, " end") || rest.ReplyTo != first.ID {
			t.Errorf("%q answers %d, not %d", rest.Text[max(0, len(rest.Text)-30):], rest.ReplyTo, first.ID)
		}
		d.awaitShown(m)
		d.edit(m, long+" and more")
		d.awaitText(d.sales, sales, "and more")
		d.awaitShown(m)
		if again, _ := d.find(d.sales, sales, "(2/2)"); again.ID != rest.ID {
			t.Errorf("the end is another message: %d, was %d", again.ID, rest.ID)
		}
		d.edit(m, "small again")
		d.awaitText(d.sales, sales, "small again")
		d.awaitGone(d.sales, sales, "(2/2)")
		d.awaitShown(m)
	})
	many := 200 // a message keeps at most 50 former versions
	if long() {
		many = 1000
	}
	d.run(t, "many edits at once: the newest is shown, not each is called", func(t *testing.T) {
		m := d.say(d.ann, d.support, k.thread, "count 0")
		d.awaitText(d.sales, sales, "count 0")
		before := d.calls("editMessageText", d.sales)
		for i := 1; i <= many; i++ {
			d.edit(m, "count "+strconv.Itoa(i))
		}
		d.awaitText(d.sales, sales, "edited\ncount "+strconv.Itoa(many))
		d.awaitShown(m)
		r := d.said(m)
		if r.Revision != int64(many) || len(r.Former) > 50 || r.Former[0].Text != "count 0" {
			t.Errorf("revision %d, %d former versions, the first %q", r.Revision, len(r.Former), r.Former[0].Text)
		}
		t.Logf("%d calls", d.calls("editMessageText", d.sales)-before)
	})
	d.run(t, "a copy that is gone: told at the source, and the message goes on", func(t *testing.T) {
		m := d.say(d.ann, d.support, k.thread, "to be lost")
		gone := d.awaitText(d.sales, sales, "to be lost")
		d.awaitText(d.engineering, eng, "to be lost")
		d.must(d.sim.Delete(d.carl, d.sales, gone.ID))
		d.edit(m, "is lost there")
		d.awaitText(d.engineering, eng, "is lost there")
		word := d.awaitAnswer(m, "is not shown in Sales")
		if !strings.Contains(word.Text, "message to edit not found") {
			t.Errorf("%q", word.Text)
		}
		d.awaitShown(m)
		// the message is finished before that is stored
		d.eventually("the copy keeps why, and that it was told", func() bool {
			c, err := d.store.Copy(t.Context(), messageID(m), k.id+":2")
			d.must(err)
			return c.Reason != "" && c.Reported && c.State == "sent"
		})
	})
	d.run(t, "in a closed ticket", func(t *testing.T) {
		m := d.say(d.ann, d.support, k.thread, "before the close")
		d.awaitText(d.sales, sales, "before the close")
		d.say(d.ann, d.support, k.thread, "/close_ticket")
		d.await("closed", func() bool { return d.topic(d.sales, sales).Closed })
		d.edit(m, "before the end")
		d.awaitText(d.sales, sales, "before the end")
	})
	d.run(t, "events are numbered without gaps, one for each change", func(t *testing.T) {
		d.quiet(k)
		d.eventually("numbered", func() bool { open, _ := d.store.OpenMessages(t.Context(), k.id, 9); return len(open) == 0 })
		edits := 0
		for after := int64(0); ; {
			page, err := d.store.EventsAfter(t.Context(), k.id, after, 100)
			d.must(err)
			if len(page) == 0 {
				break
			}
			for _, e := range page {
				if e.Number != after+1 {
					t.Fatalf("event %d after %d", e.Number, after)
				}
				after = e.Number
				if e.Type == "message.edited" {
					edits++
				}
			}
		}
		if edits != many+7 {
			t.Errorf("%d edits", edits)
		}
	})
}

func (d *desk) lastSequence(k *ticket) int64 {
	last, err := d.store.LastSequence(d.t.Context(), k.id)
	d.must(err)
	return last
}

func hasEntity(m simulator.Message, kind string, offset, length int) bool {
	for _, e := range m.Entities {
		if e.Type == kind && e.Offset == offset && e.Length == length {
			return true
		}
	}
	return false
}
