package actors_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/actors"
	"github.com/topicdesk/topicdesk/simulator"
	"github.com/topicdesk/topicdesk/storage"
)

// botReaction is the reaction that the bot shows on a message.
func (d *desk) botReaction(m simulator.Message) string {
	now, _ := d.sim.Message(m.Chat, m.ID)
	for _, r := range now.Reactions {
		if r.From == d.sim.BotID() {
			return r.Emoji
		}
	}
	return ""
}

func (d *desk) awaitReaction(m simulator.Message, emoji string) {
	d.t.Helper()
	d.await("the bot's reaction "+emoji+" on "+m.Text, func() bool { return d.botReaction(m) == emoji })
}

// awaitRevision waits until a message has reached a revision.
func (d *desk) awaitRevision(m simulator.Message, revision int64) {
	d.t.Helper()
	d.eventually("revision "+itoa(int(revision))+" of "+m.Text, func() bool {
		r, err := d.store.Message(d.t.Context(), messageID(m))
		return err == nil && r.Revision >= revision
	})
}

func TestReactions(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	k, eng, sales := three(t, d)
	m := d.say(d.ann, d.support, k.thread, "please look")
	inEng, inSales := d.awaitText(d.engineering, eng, "please look"), d.awaitText(d.sales, sales, "please look")
	d.awaitCopied(m, 2)
	d.run(t, "on the original: the newest shows on every copy", func(t *testing.T) {
		d.must(d.sim.React(d.ann, d.support, m.ID, "👍"))
		d.awaitReaction(inEng, "👍")
		d.awaitReaction(inSales, "👍")
		d.must(d.sim.React(d.eve, d.support, m.ID, "🔥"))
		d.awaitReaction(inEng, "🔥")
		d.awaitReaction(inSales, "🔥")
	})
	d.run(t, "taken away: the one before shows again, then none", func(t *testing.T) {
		d.must(d.sim.React(d.eve, d.support, m.ID, ""))
		d.awaitReaction(inEng, "👍")
		d.must(d.sim.React(d.ann, d.support, m.ID, ""))
		d.awaitReaction(inEng, "")
		d.awaitReaction(inSales, "")
	})
	d.run(t, "on a copy: on the original and the other copies", func(t *testing.T) {
		d.must(d.sim.React(d.bob, d.engineering, inEng.ID, "❤"))
		d.awaitReaction(m, "❤")
		d.awaitReaction(inSales, "❤")
		if r := d.botReaction(inEng); r != "" {
			t.Errorf("the bot repeats %s where it was made", r)
		}
		d.must(d.sim.React(d.bob, d.engineering, inEng.ID, ""))
		d.awaitReaction(m, "")
		d.awaitReaction(inSales, "")
	})
	d.run(t, "one that no bot can set is passed over without a word", func(t *testing.T) {
		d.awaitShown(m)
		before := len(d.byBot(d.support, k.thread))
		d.must(d.sim.RawUpdate(fmt.Appendf(nil, `{"message_reaction":{"chat":{"id":%d,"type":"supergroup"},"message_id":%d,
			"user":{"id":%d,"is_bot":false,"first_name":"Ann"},"date":1700000000,
			"old_reaction":[],"new_reaction":[{"type":"custom_emoji","custom_emoji_id":"5"}]}}`, d.support, m.ID, d.ann)))
		d.must(d.sim.React(d.eve, d.support, m.ID, "👀"))
		d.awaitReaction(inEng, "👀")
		d.awaitShown(m)
		if n := len(d.byBot(d.support, k.thread)) - before; n != 0 {
			t.Errorf("%d messages", n)
		}
	})
	d.run(t, "a failed copy shows its failure, not what people react, until it has arrived", func(t *testing.T) {
		d.refuse(d.engineering, eng, "bot was muted")
		lost := d.say(d.ann, d.support, k.thread, "in words")
		d.awaitAnswer(lost, "did not reach")
		second := d.say(d.ann, d.support, k.thread, "by a reaction")
		copied := d.awaitText(d.sales, sales, "by a reaction")
		d.eventually("the copy is written down", func() bool {
			at, err := d.store.CopiesAt(t.Context(), d.sales, int64(copied.ID))
			return err == nil && len(at) == 1
		})
		d.await("a failure", func() bool { return d.botReaction(second) != "" })
		failure := d.botReaction(second)
		d.must(d.sim.React(d.dora, d.sales, copied.ID, "🎉"))
		d.eventually("the reaction is taken in", func() bool { return len(d.said(second).Reactions) == 1 })
		d.awaitShown(second)
		if r := d.botReaction(second); r != failure {
			t.Errorf("the failure gave way to %q", r)
		}
		d.sim.ClearFaults()
	})
	d.run(t, "after a restart", func(t *testing.T) {
		d.awaitShown(m)
		d.inject(simulator.Fault{Method: "setMessageReaction", Kind: simulator.Fault500, Count: -1})
		revision := d.said(m).Revision
		d.must(d.sim.React(d.eve, d.support, m.ID, "😁"))
		d.awaitRevision(m, revision+1)
		d.stop()
		d.sim.ClearFaults()
		d.start()
		d.awaitReaction(inEng, "😁")
		d.awaitReaction(inSales, "😁")
		d.awaitShown(m)
	})
	d.run(t, "not counted: no reaction waits for the pace", func(t *testing.T) {
		if n := d.calls("setMessageReaction", 0); n == 0 {
			t.Error("no reaction was set")
		}
	})
}

// awaitCopied waits until n copies of a message are stored. Nobody replies to one sooner.
func (d *desk) awaitCopied(m simulator.Message, n int) {
	d.t.Helper()
	d.eventually("copies of "+m.Text, func() bool {
		copies, err := d.store.CopiesOf(d.t.Context(), messageID(m))
		return err == nil && len(copies) == n && !slices.ContainsFunc(copies, func(c storage.Copy) bool {
			return c.State != "sent"
		})
	})
}

// mayDelete gives the bot the right to delete messages of others.
func (d *desk) mayDelete(chats ...int64) {
	d.t.Helper()
	for _, chat := range chats {
		d.must(d.sim.SetBot(chat, simulator.Administrator, simulator.BotRights{
			CanManageTopics: true, CanPinMessages: true, CanDeleteMessages: true,
		}))
	}
}

func (d *desk) awaitDeleted(m simulator.Message) {
	d.t.Helper()
	d.await(m.Text+" is deleted", func() bool { now, found := d.sim.Message(m.Chat, m.ID); return !found || now.Deleted })
}

func TestDeletion(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	k, eng, sales := three(t, d)
	d.mayDelete(d.support)
	post := func(text string) (m, inEng, inSales simulator.Message) {
		m = d.say(d.eve, d.support, k.thread, text)
		d.awaitCopied(m, 2)
		return m, d.awaitText(d.engineering, eng, text), d.awaitText(d.sales, sales, text)
	}
	d.run(t, "one's own: everywhere, and the command too", func(t *testing.T) {
		m, a, b := post("regretted")
		command := d.reply(d.eve, d.support, m, "/delete")
		for _, x := range []simulator.Message{m, a, b, command} {
			d.awaitDeleted(x)
		}
		d.awaitShown(m)
		if r := d.said(m); !r.Deleted || r.Text != "regretted" || len(r.Pending) != 0 {
			t.Errorf("%+v", r)
		}
	})
	d.run(t, "by an administrator, in reply to a copy of his own words elsewhere too", func(t *testing.T) {
		m, a, _ := post("off topic")
		d.reply(d.ann, d.support, m, "/delete")
		d.awaitDeleted(a)
		d.awaitDeleted(m)
		own := d.say(d.carl, d.support, k.thread, "carl here")
		d.awaitCopied(own, 2)
		there := d.awaitText(d.engineering, eng, "carl here")
		d.reply(d.carl, d.engineering, there, "/delete")
		d.awaitDeleted(own)
		d.awaitDeleted(there)
	})
	d.run(t, "one part of an album: it is said that the others stay", func(t *testing.T) {
		parts := d.album(d.eve, d.support, k.thread, "photo:one of three", "photo", "photo")
		for _, part := range parts {
			d.awaitCopied(part, 2)
		}
		d.reply(d.eve, d.support, parts[1], "/delete")
		d.awaitText(d.support, k.thread, "One of the album's 3 parts is deleted; left: 2")
		d.awaitDeleted(parts[1])
		d.reply(d.eve, d.support, parts[0], "/delete")
		d.awaitText(d.support, k.thread, "One of the album's 2 parts is deleted; left: 1")
		d.awaitDeleted(parts[0])
		d.reply(d.eve, d.support, parts[2], "/delete")
		d.awaitDeleted(parts[2])
	})
	d.run(t, "somebody else's: refused", func(t *testing.T) {
		m, a, _ := post("stays")
		command := d.reply(d.carl, d.support, m, "/delete")
		d.awaitAnswer(command, "Only whoever wrote")
		command = d.reply(d.bob, d.engineering, a, "/delete")
		d.awaitAnswer(command, "Only whoever wrote")
		if now, _ := d.sim.Message(m.Chat, m.ID); now.Deleted {
			t.Error("deleted")
		}
	})
	d.run(t, "no reply, or to something of the bot's own", func(t *testing.T) {
		d.awaitAnswer(d.say(d.eve, d.support, k.thread, "/delete"), "Reply with /delete")
		card := d.byBot(d.support, k.thread)[0]
		d.awaitAnswer(d.reply(d.eve, d.support, card, "/delete"), "can't delete that")
	})
	d.run(t, "no right to delete at the source: the copies go, and a word", func(t *testing.T) {
		m := d.say(d.bob, d.engineering, eng, "bob's own")
		d.awaitCopied(m, 2)
		a, b := d.awaitText(d.support, k.thread, "bob's own"), d.awaitText(d.sales, sales, "bob's own")
		command := d.reply(d.bob, d.engineering, m, "/delete")
		d.awaitDeleted(a)
		d.awaitDeleted(b)
		d.awaitAnswer(command, "could not be deleted in Engineering: I don't have the right Delete Messages there")
	})
	d.run(t, "why a copy could not be deleted is told after a restart, if there was no time before", func(t *testing.T) {
		m, a, b := post("sticks")
		d.inject(simulator.Fault{
			Method: "deleteMessage", Chat: d.engineering, Kind: simulator.Fault400,
			Description: "message can't be deleted",
		})
		d.inject(simulator.Fault{Method: "deleteMessage", Chat: d.support, Kind: simulator.Fault500, Count: -1})
		command := d.reply(d.eve, d.support, m, "/delete")
		d.awaitDeleted(b)
		d.eventually("the copy is given up", func() bool {
			c, err := d.store.Copy(t.Context(), itoa(int(d.support))+":"+itoa(m.ID), k.id+":1")
			return err == nil && c.State == "gone" && c.Reason != ""
		})
		d.stop()
		d.sim.ClearFaults()
		d.start()
		word := d.awaitAnswer(command, "could not be deleted in Engineering")
		if !strings.Contains(word.Text, "message can't be deleted") {
			t.Errorf("%q", word.Text)
		}
		d.awaitDeleted(m)
		if now, _ := d.sim.Message(a.Chat, a.ID); now.Deleted {
			t.Error("it was deleted after all")
		}
	})
	d.run(t, "what is deleted stays out of the context of a new link, and can't be edited", func(t *testing.T) {
		m, a, _ := post("secret")
		d.reply(d.eve, d.support, m, "/delete")
		d.awaitDeleted(a)
		d.awaitShown(m)
		got, err := d.store.LastMessages(t.Context(), k.id, 50)
		d.must(err)
		for i := range got {
			if got[i].Text == "secret" {
				t.Error("it is in the context")
			}
		}
	})
	d.run(t, "before its copy was posted: it never is", func(t *testing.T) {
		d.inject(simulator.Fault{Method: "sendMessage", Chat: d.engineering, Kind: simulator.Fault500, Count: -1})
		d.say(d.eve, d.support, k.thread, "before it")
		m := d.say(d.eve, d.support, k.thread, "never seen")
		d.awaitText(d.sales, sales, "never seen")
		d.reply(d.eve, d.support, m, "/delete")
		d.awaitDeleted(m)
		d.sim.ClearFaults()
		d.awaitText(d.engineering, eng, "before it")
		d.awaitShown(m)
		if _, found := d.find(d.engineering, eng, "never seen"); found {
			t.Error("posted")
		}
	})
	d.run(t, "after a restart", func(t *testing.T) {
		m, a, b := post("in the middle")
		d.inject(simulator.Fault{Method: "deleteMessage", Kind: simulator.Fault500, Count: -1})
		d.reply(d.eve, d.support, m, "/delete")
		d.eventually("accepted", func() bool { return d.said(m).Deleted })
		d.stop()
		d.sim.ClearFaults()
		d.start()
		for _, x := range []simulator.Message{m, a, b} {
			d.awaitDeleted(x)
		}
		d.awaitShown(m)
	})
}

func TestEditsOnTheWay(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	k := d.open(d.ann, d.support, "Printer")
	eng := d.mention(d.ann, k, "bob_eng", d.engineering)
	d.run(t, "what waits is posted as it is now, in its place", func(t *testing.T) {
		d.inject(simulator.Fault{Method: "sendMessage", Chat: d.engineering, Kind: simulator.Fault500, Count: -1})
		var said []simulator.Message
		for i := range 30 {
			said = append(said, d.say(d.ann, d.support, k.thread, "draft "+strconv.Itoa(i)))
		}
		d.edit(said[3], "final 3")
		d.edit(said[25], "final 25")
		d.awaitRevision(said[25], 1)
		d.sim.ClearFaults()
		d.awaitText(d.engineering, eng, "draft 29")
		got := d.copies(d.engineering, eng)
		for i, text := range got[len(got)-30:] {
			want := "draft " + strconv.Itoa(i)
			if i == 3 || i == 25 {
				want = "final " + strconv.Itoa(i)
			}
			if text != want {
				t.Errorf("%d is %q, want %q", i, text, want)
			}
		}
		d.awaitShown(said[3])
		d.awaitShown(said[25])
		for _, m := range d.byBot(d.engineering, eng) {
			if strings.Contains(m.Text, "final ") && m.Edited {
				t.Errorf("%q was posted as it was before, then edited", m.Text)
			}
		}
	})
	d.run(t, "what is just being posted is posted once, then edited", func(t *testing.T) {
		d.inject(simulator.Fault{
			Method: "sendMessage", Chat: d.engineering, Kind: simulator.FaultSlow, Delay: time.Second, Count: 1,
		})
		m := d.say(d.ann, d.support, k.thread, "scarcely said")
		d.await("the call", func() bool { return len(d.sim.Faults()) == 0 })
		d.edit(m, "said better")
		d.awaitText(d.engineering, eng, "edited\nsaid better")
		d.say(d.ann, d.support, k.thread, "what follows")
		d.awaitText(d.engineering, eng, "what follows")
		d.awaitShown(m)
		got := d.copies(d.engineering, eng)
		same(t, "copies", got[len(got)-3:], []string{"draft 29", "said better", "what follows"})
	})
	d.run(t, "restarts while an edit is owed", func(t *testing.T) {
		m := d.say(d.ann, d.support, k.thread, "one")
		d.awaitText(d.engineering, eng, "one")
		d.inject(simulator.Fault{Method: "editMessageText", Kind: simulator.Fault500, Count: -1})
		d.edit(m, "two")
		d.awaitRevision(m, 1)
		d.restart()
		d.edit(m, "three")
		d.awaitRevision(m, 2)
		d.stop()
		d.sim.ClearFaults()
		d.start()
		d.awaitText(d.engineering, eng, "edited\nthree")
		d.awaitShown(m)
		d.quiet(k)
	})
	d.run(t, "flood control, a lost answer", func(t *testing.T) {
		m := d.say(d.ann, d.support, k.thread, "flooded")
		d.awaitText(d.engineering, eng, "flooded")
		d.inject(simulator.Fault{Method: "editMessageText", Kind: simulator.Fault429, RetryAfter: 2, Count: 1})
		d.edit(m, "dried")
		d.awaitText(d.engineering, eng, "dried")
		d.inject(simulator.Fault{Method: "editMessageText", Kind: simulator.FaultLost, Count: 1})
		d.edit(m, "dried twice")
		d.awaitText(d.engineering, eng, "dried twice")
		d.awaitShown(m)
	})
	d.run(t, "a text that becomes a note is taken away, and comes back as a text; what was written as a note stays one", func(t *testing.T) {
		m := d.say(d.ann, d.support, k.thread, "said aloud")
		is := d.awaitText(d.engineering, eng, "said aloud")
		d.edit(m, "// said aloud")
		d.awaitDeleted(is)
		d.awaitShown(m)
		note := d.say(d.ann, d.support, k.thread, "// quietly")
		d.edit(note, "quietly after all")
		d.awaitAnswer(note, "still an internal note")
		d.edit(note, "quietly, I said")
		d.eventually("the note says so", func() bool { r := d.said(note); return r.Text == "quietly, I said" && r.Internal })
		d.edit(m, "aloud again")
		d.awaitText(d.engineering, eng, "aloud again")
		d.awaitShown(m)
		d.quiet(k)
		if _, found := d.find(d.engineering, eng, "quietly"); found {
			t.Error("the note went over")
		}
		if n := d.answers(note, "still an internal note"); n != 1 {
			t.Errorf("its author was told %d times", n)
		}
	})
	d.run(t, "the same update twice", func(t *testing.T) {
		m := d.say(d.ann, d.support, k.thread, "twice")
		d.awaitText(d.engineering, eng, "twice")
		d.edit(m, "thrice")
		d.awaitText(d.engineering, eng, "thrice")
		d.edit(m, "four times")
		d.awaitText(d.engineering, eng, "four times")
		d.must(d.sim.RawUpdate(fmt.Appendf(nil, `{"edited_message":{"message_id":%d,"date":1700000000,"edit_date":%d,
			"from":{"id":%d,"is_bot":false,"first_name":"Ann"},"chat":{"id":%d,"type":"supergroup","is_forum":true},
			"message_thread_id":%d,"is_topic_message":true,"text":"thrice"}}`,
			m.ID, d.said(m).EditedAt.Unix()-5, d.ann, d.support, k.thread)))
		d.say(d.ann, d.support, k.thread, "the end")
		d.awaitText(d.engineering, eng, "the end")
		d.awaitShown(m)
		if r := d.said(m); r.Text != "four times" || r.Revision != 2 {
			t.Errorf("%q at revision %d", r.Text, r.Revision)
		}
	})
}

func TestEditsOfMergedCopies(t *testing.T) {
	t.Parallel()
	d := ready(t, options{pace: actors.Pace{GroupPerMinute: 20}, speed: 100})
	d.mayDelete(d.support)
	k := d.open(d.ann, d.support, "Printer")
	eng := d.mention(d.ann, k, "bob_eng", d.engineering)
	var said []simulator.Message
	for i := range 60 {
		said = append(said, d.say(d.carl, d.support, k.thread, "line "+strconv.Itoa(i)+"."))
	}
	d.awaitText(d.engineering, eng, "line 59.")
	d.quiet(k)
	var joined, first, last, before simulator.Message
	for _, m := range d.byBot(d.engineering, eng) {
		if parts := strings.Split(m.Text, "line "); len(parts) > 3 {
			number := func(i int) int {
				text, _, _ := strings.Cut(parts[i], ".")
				n, err := strconv.Atoi(text)
				d.must(err)
				return n
			}
			joined, first, before, last = m, said[number(1)], said[number(len(parts)-2)], said[number(len(parts)-1)]
		}
	}
	if joined.ID == 0 {
		t.Fatal("nothing was joined")
	}
	now := func() string { m, _ := d.sim.Message(joined.Chat, joined.ID); return m.Text }
	d.run(t, "only its part changes", func(t *testing.T) {
		d.edit(last, "the last line")
		d.await("edited", func() bool { return strings.Contains(now(), "edited\nthe last line") })
		if !strings.Contains(now(), before.Text) {
			t.Errorf("%q", now())
		}
		d.awaitShown(last)
	})
	d.run(t, "one that does not fit goes on in an answer, and comes back", func(t *testing.T) {
		d.edit(last, strings.Repeat("long ", 812)+"end") // too long together with two short ones, but not alone
		var rest simulator.Message
		d.await("an answer with all of it", func() bool {
			return slices.ContainsFunc(d.byBot(d.engineering, eng), func(m simulator.Message) bool {
				rest = m
				return m.ReplyTo == joined.ID && strings.HasSuffix(m.Text, "end")
			})
		})
		d.awaitShown(last)
		d.edit(last, "short")
		d.awaitDeleted(rest)
		d.await("short", func() bool { return strings.Contains(now(), "edited\nshort") })
		d.awaitShown(last)
	})
	d.run(t, "a deletion edits", func(t *testing.T) {
		d.reply(d.ann, d.support, before, "/delete")
		d.await("gone from it", func() bool {
			return !strings.Contains(now(), before.Text) && strings.Contains(now(), "short")
		})
		d.awaitShown(before)
	})
	d.run(t, "a deletion in answer to it takes the part that is quoted", func(t *testing.T) {
		d.post(simulator.Post{
			From: d.carl, Chat: joined.Chat, Thread: joined.Thread, ReplyTo: joined.ID, Quote: first.Text,
			Text: "/delete",
		})
		d.await("gone from it", func() bool { return !strings.Contains(now(), first.Text) })
		d.awaitShown(first)
		if !strings.Contains(now(), "short") || d.said(last).Deleted || !d.said(first).Deleted {
			t.Errorf("%q", now())
		}
	})
}
