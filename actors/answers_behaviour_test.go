package actors_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
)

// The words of an answered message that has no counterpart stand above the copy of the answer. They follow when it is
// edited or deleted.

// answeredBefore opens a ticket with a message from before Bob's topic, which Ann answers after that was linked.
func answeredBefore(t *testing.T, d *desk) (k *ticket, eng int, secret, answer, copied simulator.Message) {
	t.Helper()
	k, eng, secret, _, _ = introducedWith(t, d)
	answer = d.reply(d.ann, d.support, secret, "see above")
	copied = d.awaitText(d.engineering, eng, "see above")
	d.awaitNow(copied, "swordfish", "edited")
	d.quiet(k)
	return k, eng, secret, answer, copied
}

func TestWordsOfAnsweredMessagesFollow(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	k, eng, secret, answer, copied := answeredBefore(t, d)
	sticker := d.post(simulator.Post{From: d.ann, Chat: d.support, Thread: k.thread, Media: upload("sticker"), ReplyTo: secret.ID})
	d.awaitCopied(sticker, 1)
	d.quiet(k)
	var label simulator.Message
	for _, m := range d.byBot(d.engineering, eng) {
		if m.Media == nil && m.ID != copied.ID && m.ID > copied.ID && strings.Contains(m.Text, "swordfish") {
			label = m
		}
	}
	there := d.say(d.ann, d.support, k.thread, "it has a counterpart")
	d.awaitCopied(there, 1)
	d.reply(d.ann, d.support, there, "as that says")
	replied := d.awaitText(d.engineering, eng, "as that says")
	d.quiet(k)
	d.run(t, "an edit, and nobody edited the answer", func(t *testing.T) {
		d.edit(secret, "the password is on paper")
		d.awaitNow(copied, "on paper", "swordfish")
		d.awaitNow(copied, "see above", "edited")
		d.awaitNow(label, "on paper", "swordfish")
		d.quiet(k)
		d.noNeedlessEdit()
		if r := d.said(answer).ReplyTo; !strings.Contains(r.Preview, "on paper") {
			t.Errorf("the record shows %q", r.Preview)
		}
	})
	d.run(t, "an edit of the answer says so", func(t *testing.T) {
		d.edit(answer, "see there")
		d.awaitNow(copied, "on paper\nsee there", "see above")
		d.awaitNow(copied, "edited", "swordfish")
		d.quiet(k)
	})
	d.run(t, "no call for an answer that shows no words", func(t *testing.T) {
		before := d.calls("editMessageText", d.engineering)
		d.edit(there, "it has one there")
		d.quiet(k)
		if n := d.calls("editMessageText", d.engineering) - before; n != 1 {
			t.Errorf("%d calls", n)
		}
		d.awaitNow(replied, "as that says", "edited")
	})
	d.run(t, "what becomes a note, and is one no longer", func(t *testing.T) {
		d.edit(secret, "// it is under the mat")
		d.awaitNow(copied, "see there", "on paper")
		d.awaitNow(copied, "see there", "mat")
		d.edit(secret, "it is in the safe")
		d.awaitNow(copied, "in the safe\nsee there", "mat")
		d.quiet(k)
	})
	d.run(t, "a deletion: who had said it is told, and no word of it", func(t *testing.T) {
		command := d.reply(d.ann, d.support, secret, "/delete")
		d.awaitNow(copied, "In reply to Ann\n[deleted message]\nsee there", "safe")
		d.awaitNow(label, "[deleted message]", "safe")
		d.awaitDeleted(command)
		d.quiet(k)
		d.noNeedlessEdit()
		list := asks[*messages.MessageRecords](d, messages.KindQuery, "", &messages.ListMessageRecords{TicketId: k.id, Limit: 50})
		for _, m := range list.Messages {
			if !m.Deleted && strings.Contains(fmt.Sprint(m), "safe") {
				t.Errorf("the API shows %v", m)
			}
		}
	})
	d.run(t, "an edit of the answer does not bring them back", func(t *testing.T) {
		d.edit(answer, "never mind")
		d.awaitNow(copied, "[deleted message]\nnever mind", "safe")
		d.quiet(k)
	})
	d.run(t, "an answer to it that comes later", func(t *testing.T) {
		mine := d.say(d.ann, d.support, k.thread, "the pin is 1234")
		d.awaitText(d.engineering, eng, "1234")
		d.quiet(k)
		d.inject(simulator.Fault{Method: "deleteMessage", Chat: d.support, Kind: simulator.Fault400,
			Description: "message can't be deleted"})
		d.awaitAnswer(d.reply(d.ann, d.support, mine, "/delete"), "could not be deleted in Support")
		d.quiet(k)
		d.sim.ClearFaults()
		d.reply(d.carl, d.support, mine, "what pin?")
		late := d.awaitText(d.engineering, eng, "what pin?")
		d.awaitNow(late, "[deleted message]", "1234")
	})
}

func TestWordsOfAnsweredMessagesFollowAfterTrouble(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	k, eng, secret, other, _ := introducedWith(t, d)
	d.reply(d.ann, d.support, secret, "see above")
	copied := d.awaitText(d.engineering, eng, "see above")
	d.reply(d.ann, d.support, other, "so run")
	run := d.awaitText(d.engineering, eng, "so run")
	d.quiet(k)
	d.run(t, "a restart before the edit is made", func(t *testing.T) {
		d.inject(simulator.Fault{Method: "editMessageText", Chat: d.engineering, Kind: simulator.Fault500, Count: -1})
		command := d.reply(d.ann, d.support, secret, "/delete")
		d.awaitDeleted(secret)
		d.stop()
		d.sim.ClearFaults()
		d.start()
		d.awaitNow(copied, "[deleted message]", "swordfish")
		d.awaitDeleted(command)
		d.quiet(k)
	})
	d.run(t, "where the message itself can't be deleted", func(t *testing.T) {
		d.inject(simulator.Fault{Method: "deleteMessage", Chat: d.support, Kind: simulator.Fault400,
			Description: "message can't be deleted", Count: -1})
		d.awaitAnswer(d.reply(d.ann, d.support, other, "/delete"), "could not be deleted in Support")
		d.sim.ClearFaults()
		d.awaitNow(run, "[deleted message]", "on fire")
		d.quiet(k)
	})
	d.run(t, "where it stays is told", func(t *testing.T) {
		secret := d.say(d.ann, d.support, k.thread, "the pin is 1234")
		d.awaitText(d.engineering, eng, "1234")
		d.quiet(k)
		d.must(d.sim.DeleteTopic(d.engineering, d.bob, eng))
		d.reply(d.ann, d.support, secret, "that one")
		eng = d.newTopic(d.engineering, eng).Thread
		copied := d.awaitText(d.engineering, eng, "that one")
		d.awaitNow(copied, "1234", "")
		d.quiet(k)
		d.inject(simulator.Fault{Method: "editMessageText", Chat: d.engineering, Kind: simulator.Fault400,
			Description: "message can't be edited", Count: -1})
		command := d.reply(d.ann, d.support, secret, "/delete")
		d.awaitAnswer(command, "may still stand in replies to it, in Engineering")
		d.sim.ClearFaults()
		d.quiet(k)
	})
	d.run(t, "quotes are Telegram's", func(t *testing.T) {
		secret := d.say(d.ann, d.support, k.thread, "the code is 9876")
		there := d.awaitText(d.engineering, eng, "9876")
		d.quiet(k)
		d.post(simulator.Post{From: d.bob, Chat: d.engineering, Thread: eng, Text: "is it?", ReplyTo: there.ID, Quote: "9876"})
		d.awaitText(d.support, k.thread, "is it?")
		d.quiet(k)
		command := d.reply(d.ann, d.support, secret, "/delete")
		notice := d.awaitAnswer(command, "may still stand in replies to it")
		if !strings.Contains(notice.Text, "Engineering") || !strings.Contains(notice.Text, "Support") {
			t.Errorf("%q", notice.Text)
		}
		d.quiet(k)
	})
}

func TestWordsOfAnsweredMessagesAfterALinksEnd(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	k, eng, secret, answer, copied := answeredBefore(t, d)
	d.say(d.bob, d.engineering, eng, "/unlink")
	d.awaitText(d.engineering, eng, "Bob ended the link of Engineering")
	d.say(d.ann, d.support, k.thread, "among ourselves")
	d.quiet(k)
	d.edit(secret, "nobody else's business")
	d.edit(answer, "see nothing")
	d.quiet(k)
	d.awaitNow(copied, "swordfish\nsee above", "business")
	d.reply(d.ann, d.support, secret, "/delete")
	d.awaitNow(copied, "[deleted message]\nsee above", "swordfish")
	d.awaitNow(copied, "see above", "see nothing")
	d.awaitNow(copied, "see above", "edited")
	d.quiet(k)
	d.must(d.sim.React(d.ann, answer.Chat, answer.ID, "👍"))
	d.edit(answer, "see less")
	d.quiet(k)
	d.awaitNow(copied, "[deleted message]\nsee above", "see less")
	if now, _ := d.sim.Message(copied.Chat, copied.ID); len(now.Reactions) > 0 {
		t.Errorf("reactions go on: %v", now.Reactions)
	}
}

func TestWordsOfAMessageOfAnotherTicketFollow(t *testing.T) {
	t.Parallel()
	d, k, eng := linked(t, options{})
	d.mayDelete(d.support, d.engineering)
	other := d.open(d.ann, d.support, "Another")
	there := d.mention(d.ann, other, "@bob_eng", d.engineering)
	said := d.say(d.bob, d.engineering, there, "the password is swordfish")
	d.awaitText(d.support, other.thread, "swordfish")
	d.awaitCopied(said, 1)
	d.post(simulator.Post{From: d.bob, Chat: d.engineering, Thread: eng, Text: "as there", ReplyTo: said.ID,
		Elsewhere: simulator.Elsewhere{ReplyChat: d.engineering}})
	copied := d.awaitText(d.support, k.thread, "as there")
	d.awaitNow(copied, "In reply to Bob\nthe password is swordfish\nas there", "")
	d.quiet(k, other)
	d.run(t, "an edit", func(t *testing.T) {
		d.edit(said, "the password is on paper")
		d.awaitNow(copied, "In reply to Bob\nthe password is on paper\nas there", "swordfish")
		d.quiet(k, other)
	})
	d.run(t, "a deletion, with a restart in between", func(t *testing.T) {
		d.inject(simulator.Fault{Method: "editMessageText", Chat: d.support, Kind: simulator.Fault500, Count: -1})
		command := d.reply(d.bob, d.engineering, said, "/delete")
		d.awaitDeleted(said)
		d.stop()
		d.sim.ClearFaults()
		d.start()
		d.awaitNow(copied, "In reply to Bob\n[deleted message]\nas there", "paper")
		d.awaitDeleted(command)
		d.quiet(k, other)
	})
}

func TestWordsOfAMessageThatManyAnswerFollow(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	k, eng, secret, _, _ := answeredBefore(t, d)
	const many = 130 // more than wait at once
	for i := range many {
		d.reply(d.ann, d.support, secret, fmt.Sprint("answer ", i, "."))
	}
	d.awaitText(d.engineering, eng, fmt.Sprint("answer ", many-1, "."))
	d.quiet(k)
	command := d.reply(d.ann, d.support, secret, "/delete")
	d.awaitDeleted(secret)
	d.restart()
	d.await("no copy shows it", func() bool {
		_, found := d.find(d.engineering, eng, "swordfish")
		return !found
	})
	d.awaitDeleted(command)
	d.quiet(k)
	d.noNeedlessEdit()
}

func TestWordsInMergedCopiesFollow(t *testing.T) {
	t.Parallel()
	wordsInMergedCopiesFollow(t, false)
}

func TestWordsInMergedCopiesFollowAfterALinksEnd(t *testing.T) {
	t.Parallel()
	wordsInMergedCopiesFollow(t, true)
}

func wordsInMergedCopiesFollow(t *testing.T, ended bool) {
	t.Helper()
	d := ready(t, options{speed: 20})
	k, eng, secret, _, _ := answeredBefore(t, d)
	d.paced()
	var answers []simulator.Message
	for i := range 40 {
		answers = append(answers, d.reply(d.ann, d.support, secret, fmt.Sprint("answer ", i, ".")))
	}
	d.awaitText(d.engineering, eng, "answer 39.")
	d.quiet(k)
	if len(d.shared(d.engineering, eng)) == 0 {
		t.Fatal("nothing was merged")
	}
	if ended {
		d.say(d.bob, d.engineering, eng, "/unlink")
		d.awaitText(d.engineering, eng, "Bob ended the link of Engineering")
		d.say(d.ann, d.support, k.thread, "among ourselves")
		d.quiet(k)
		for _, m := range answers {
			d.edit(m, "nobody else's business")
		}
		d.quiet(k)
	}
	command := d.reply(d.ann, d.support, secret, "/delete")
	d.await("no copy shows it", func() bool {
		_, found := d.find(d.engineering, eng, "swordfish")
		return !found
	})
	d.awaitDeleted(command)
	d.quiet(k)
	for _, m := range d.shared(d.engineering, eng) {
		if strings.Contains(m.Text, "edited") || strings.Contains(m.Text, "business") || !strings.Contains(m.Text, "[deleted message]") {
			t.Errorf("%q", m.Text)
		}
	}
}

func TestWordsThatStayInAnotherTicketsGroup(t *testing.T) {
	t.Parallel()
	d, k, eng := linked(t, options{})
	d.mayDelete(d.support)
	other, well := d.open(d.ann, d.support, "Another"), d.open(d.ann, d.support, "Well")
	sales := d.mention(d.ann, well, "@dora_s", d.sales)
	said := d.say(d.ann, d.support, other.thread, "the password is swordfish")
	d.quiet(k, other, well)
	answer := func(k *ticket, text string, chat int64, thread int) simulator.Message {
		d.post(simulator.Post{From: d.ann, Chat: d.support, Thread: k.thread, Text: text, ReplyTo: said.ID,
			Elsewhere: simulator.Elsewhere{ReplyChat: d.support}})
		copied := d.awaitText(chat, thread, text)
		d.awaitNow(copied, "swordfish", "deleted")
		d.quiet(k)
		return copied
	}
	stays, follows := answer(k, "as there", d.engineering, eng), answer(well, "see there", d.sales, sales)
	d.inject(simulator.Fault{Method: "editMessageText", Chat: d.engineering, Kind: simulator.Fault500, Count: -1})
	command := d.reply(d.ann, d.support, said, "/delete")
	d.awaitNow(follows, "[deleted message]\nsee there", "swordfish")
	d.clock.jump(3 * time.Minute)
	d.run(t, "who deleted it is told", func(t *testing.T) {
		if notice := d.awaitAnswer(command, "may still stand in replies to it"); !strings.Contains(notice.Text, d.number(k)) {
			t.Errorf("%q", notice.Text)
		}
		d.awaitNow(stays, "swordfish", "deleted")
	})
	d.run(t, "it follows when it can", func(t *testing.T) {
		d.sim.ClearFaults()
		d.clock.jump(time.Minute)
		d.awaitNow(stays, "[deleted message]\nas there", "swordfish")
		d.quiet(k, other, well)
		d.eventually("nothing is left to do", func() bool { return !d.said(said).Outdated })
		n := 0
		for _, m := range d.byBot(d.support, other.thread) {
			if m.ReplyTo == command.ID {
				n++
			}
		}
		if n != 1 {
			t.Errorf("told %d times", n)
		}
	})
}
