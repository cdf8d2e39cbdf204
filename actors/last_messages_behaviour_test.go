package actors_test

import (
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/simulator"
)

// The post with the last messages, which introduces a topic, follows when one of them is edited or deleted.

// awaitNow waits until a message has a text and not another one; "" are in every text, and in none.
func (d *desk) awaitNow(m simulator.Message, with, without string) {
	d.t.Helper()
	d.await("the post says "+with+", not "+without, func() bool {
		now, found := d.sim.Message(m.Chat, m.ID)
		return found && !now.Deleted && strings.Contains(now.Text, with) && (without == "" || !strings.Contains(now.Text, without))
	})
}

// introducedWith opens a ticket with two messages and mentions Bob on it, whose topic shows them in a post.
func introducedWith(t *testing.T, d *desk) (k *ticket, eng int, secret, other, post simulator.Message) {
	t.Helper()
	d.mayDelete(d.support)
	k = d.open(d.ann, d.support, "Printer")
	secret = d.say(d.ann, d.support, k.thread, "the password is swordfish")
	other = d.say(d.ann, d.support, k.thread, "it is on fire")
	d.quiet(k)
	eng = d.mention(d.ann, k, "bob_eng", d.engineering)
	post = d.awaitText(d.engineering, eng, "swordfish")
	d.quiet(k)
	return k, eng, secret, other, post
}

func TestLastMessagesFollow(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	k, eng, secret, other, post := introducedWith(t, d)
	d.run(t, "an edit", func(t *testing.T) {
		d.edit(other, "it was on fire")
		d.awaitNow(post, "it was on fire", "it is on fire")
	})
	d.run(t, "of many edits the newest", func(t *testing.T) {
		before := d.calls("editMessageText", d.engineering)
		for i := range 30 {
			d.edit(other, "version "+itoa(i)+".")
		}
		d.awaitNow(post, "version 29.", "version 28.")
		d.quiet(k)
		if n := d.calls("editMessageText", d.engineering) - before; n > 30 { // one at a time: at most one for each
			t.Errorf("%d calls", n)
		}
	})
	d.run(t, "a reaction makes no call", func(t *testing.T) {
		before := d.calls("editMessageText", d.engineering)
		d.must(d.sim.React(d.eve, other.Chat, other.ID, "👍"))
		d.quiet(k)
		if n := d.calls("editMessageText", d.engineering) - before; n > 0 {
			t.Errorf("%d calls", n)
		}
	})
	d.run(t, "/delete in reply to the post says what to do", func(t *testing.T) {
		d.awaitAnswer(d.reply(d.bob, d.engineering, post, "/delete"), "only shows the last messages")
	})
	d.run(t, "a deletion", func(t *testing.T) {
		command := d.reply(d.ann, d.support, secret, "/delete")
		d.awaitDeleted(secret)
		d.awaitNow(post, "version 29.", "swordfish")
		d.awaitDeleted(command)
	})
	d.run(t, "a message that becomes a note", func(t *testing.T) {
		d.edit(other, "// version 30.")
		d.awaitNow(post, "were deleted", "version")
		d.edit(other, "version 31.")
		d.awaitNow(post, "version 31.", "were deleted")
	})
	d.run(t, "the last of them", func(t *testing.T) {
		d.reply(d.ann, d.support, other, "/delete")
		d.awaitDeleted(other)
		d.awaitNow(post, "were deleted", "version")
		d.quiet(k)
	})
	d.run(t, "in a topic that was opened again", func(t *testing.T) {
		said := d.say(d.ann, d.support, k.thread, "the pin is 1234")
		d.awaitText(d.engineering, eng, "1234")
		d.quiet(k)
		d.must(d.sim.DeleteTopic(d.engineering, d.bob, eng))
		d.say(d.ann, d.support, k.thread, "go on")
		again := d.newTopic(d.engineering, eng).Thread
		post := d.awaitText(d.engineering, again, "Last messages")
		d.awaitNow(post, "1234", "go on")
		d.quiet(k)
		d.reply(d.ann, d.support, said, "/delete")
		d.awaitDeleted(said)
		d.await("no post shows it", func() bool {
			_, found := d.find(d.engineering, again, "1234")
			return !found
		})
		d.quiet(k)
	})
}

func TestLastMessagesFollowAfterTrouble(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	k, _, secret, other, post := introducedWith(t, d)
	d.run(t, "a restart before the edit is made", func(t *testing.T) {
		d.inject(simulator.Fault{Method: "editMessageText", Chat: d.engineering, Kind: simulator.Fault500, Count: -1})
		d.reply(d.ann, d.support, secret, "/delete")
		d.awaitDeleted(secret)
		d.stop()
		d.sim.ClearFaults()
		d.start()
		d.awaitNow(post, "on fire", "swordfish")
		d.quiet(k)
	})
	d.run(t, "why it can't follow is told", func(t *testing.T) {
		d.inject(simulator.Fault{Method: "editMessageText", Chat: d.engineering, Kind: simulator.Fault400,
			Description: "message can't be edited"})
		command := d.reply(d.ann, d.support, other, "/delete")
		d.awaitAnswer(command, "In Engineering, my post with the last messages may still show")
		d.awaitDeleted(other)
		d.quiet(k)
	})
}

func TestLastMessagesOfALinkThatEnded(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	k, eng, secret, other, post := introducedWith(t, d)
	d.say(d.bob, d.engineering, eng, "/unlink")
	d.awaitText(d.engineering, eng, "Bob ended the link of Engineering")
	d.quiet(k)
	d.edit(other, "nobody else's business")
	d.quiet(k)
	d.reply(d.ann, d.support, secret, "/delete")
	d.awaitDeleted(secret)
	d.awaitNow(post, "it is on fire", "swordfish")
	d.awaitNow(post, "it is on fire", "business")
}

// TestLastMessagesKeepNotesInTheirTopic: what became a note, or was one, comes into no other topic, after a link's end neither.
func TestLastMessagesKeepNotesInTheirTopic(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	k, eng, secret, other, post := introducedWith(t, d)
	note := d.say(d.ann, d.support, k.thread, "// the customer is rude")
	d.quiet(k)
	d.run(t, "in a topic that is opened again", func(t *testing.T) {
		d.must(d.sim.DeleteTopic(d.engineering, d.bob, eng))
		d.say(d.ann, d.support, k.thread, "go on")
		eng = d.newTopic(d.engineering, eng).Thread
		post = d.awaitText(d.engineering, eng, "swordfish")
		d.awaitNow(post, "swordfish", "rude")
		d.quiet(k)
		d.edit(note, "// very rude")
		d.quiet(k)
		d.awaitNow(post, "swordfish", "rude")
	})
	d.run(t, "what became a note before a link's end stays away after it", func(t *testing.T) {
		d.edit(secret, "// for us only")
		d.awaitNow(post, "it is on fire", "swordfish")
		d.say(d.bob, d.engineering, eng, "/unlink")
		d.awaitText(d.engineering, eng, "Bob ended the link of Engineering")
		d.quiet(k)
		d.reply(d.ann, d.support, other, "/delete")
		d.awaitDeleted(other)
		d.awaitNow(post, "", "it is on fire")
		d.awaitNow(post, "", "for us only")
	})
}

func TestLastMessagesInAPrivateTopicOpenedAgain(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	d.mayDelete(d.support)
	d.must(d.sim.SetTopics(d.ann, true))
	k, first := d.openInTopic(d.ann, d.support, "Printer")
	secret := d.say(d.carl, d.support, k.thread, "the password is swordfish")
	d.awaitText(d.ann, first, "swordfish")
	d.quiet(k)
	d.must(d.sim.DeleteTopic(d.ann, d.ann, first))
	d.say(d.carl, d.support, k.thread, "Pull the plug")
	again := d.reopenedTopic(d.ann, "Printer", first)
	post := d.awaitText(d.ann, again, "swordfish")
	d.awaitText(d.ann, again, "Pull the plug")
	d.quiet(k)
	d.restart()
	d.reply(d.carl, d.support, secret, "/delete")
	d.awaitDeleted(secret)
	d.awaitNow(post, "", "swordfish")
	d.quiet(k)
}

func TestLastMessagesPostedBeforePostsWereRemembered(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	k, _, secret, _, _ := introducedWith(t, d)
	r := d.record(k)
	r.Links[0].Topic.Context = nil
	d.must(d.store.SaveTicket(t.Context(), r))
	d.restart()
	d.awaitAnswer(d.reply(d.ann, d.support, secret, "/delete"), "In Engineering, my post with the last messages may still show")
	d.quiet(k)
}
