package actors_test

import (
	"testing"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
	"github.com/topicdesk/topicdesk/storage"
)

// note writes an internal note on the web desk, and returns its id and its post.
func (d *desk) note(from, chat int64, k *ticket, thread int, name, text string) (id string, post simulator.Message) {
	d.t.Helper()
	o := program()
	o.From, o.Web = &messages.Person{Id: from, FirstName: name}, true
	o.Sender = &messages.Sender{Kind: messages.Sender_USER, Id: from, Name: name}
	o.Place, o.ChatId, o.ThreadId = messages.GroupPlace(chat), chat, int64(thread)
	r := d.does(k.id, &messages.SendMessage{Origin: o, Content: &messages.Content{Text: text}, Internal: true}, "")
	return r.MessageId, d.awaitText(chat, thread, text)
}

// TestNoteOfTheWebDeskInTelegram: the post of a note is found as the note, as a message of Telegram's is.
func TestNoteOfTheWebDeskInTelegram(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	d.mayDelete(d.support, d.engineering)
	k := d.open(d.eve, d.support, "Printer")
	eng := d.mention(d.ann, k, "bob_eng", d.engineering)
	kept := func(id string) *storage.Message {
		t.Helper()
		m, err := d.store.Message(t.Context(), id)
		d.must(err)
		return m
	}
	awaitDeleted := func(id string) {
		t.Helper()
		d.eventually("the note is deleted", func() bool { m := kept(id); return m.Deleted && !m.Open() })
	}
	d.run(t, "who wrote it deletes it, also after a restart", func(t *testing.T) {
		id, post := d.note(d.carl, d.support, k, k.thread, "Carl", "web note secret")
		d.quiet(k)
		d.restart()
		command := d.reply(d.carl, d.support, post, "/delete")
		d.awaitDeleted(post)
		d.awaitDeleted(command)
		awaitDeleted(id)
		if e, _ := d.awaitTold(k, messages.EventMessageDeleted, 1); !e.Internal {
			t.Error("a note's event that is not internal")
		}
	})
	d.run(t, "so does an administrator, in the topic of another group, too", func(t *testing.T) {
		for _, at := range []struct {
			by, chat int64
			thread   int
		}{{d.ann, d.support, k.thread}, {d.bob, d.engineering, eng}} {
			id, post := d.note(d.carl, at.chat, k, at.thread, "Carl", "spare key below the mat")
			d.quiet(k)
			d.reply(at.by, at.chat, post, "/delete")
			d.awaitDeleted(post)
			awaitDeleted(id)
		}
	})
	d.run(t, "nobody else may", func(t *testing.T) {
		id, post := d.note(d.carl, d.support, k, k.thread, "Carl", "that stays")
		d.quiet(k)
		d.awaitAnswer(d.reply(d.eve, d.support, post, "/delete"), "Only whoever wrote")
		if kept(id).Deleted {
			t.Error("deleted")
		}
	})
	d.run(t, "a reaction on it is the note's, and words that answer it stay here", func(t *testing.T) {
		id, post := d.note(d.carl, d.support, k, k.thread, "Carl", "he is on leave")
		d.quiet(k)
		d.must(d.sim.React(d.ann, d.support, post.ID, "👍"))
		d.await("the reaction is recorded", func() bool { return len(kept(id).Reactions) == 1 })
		d.reply(d.ann, d.support, post, "call him then")
		if there := d.awaitText(d.engineering, eng, "call him then"); there.ReplyTo != 0 {
			t.Errorf("answers %d in Engineering", there.ReplyTo)
		}
		if _, found := d.find(d.engineering, eng, "on leave"); found {
			t.Error("the note left its topic")
		}
		d.quiet(k)
	})
}
