package actors_test

import (
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
)

// migrated waits until the desk knows a group by its new id, and by that alone.
func (d *desk) migrated(was, is int64) {
	d.t.Helper()
	d.eventually("the group has its new id", func() bool {
		g, err := d.store.GroupByTelegramID(d.t.Context(), is)
		return err == nil && g.GroupID == "g"+itoa(int(was)) && g.TelegramGroupID == is
	})
}

func TestGroupMigration(t *testing.T) {
	t.Parallel()
	for _, first := range []string{
		"the service message comes first", "the refused call comes first", "while the service is away",
	} {
		t.Run(first, func(t *testing.T) {
			listed := map[int64]bool{}
			d := newDesk(t, options{speed: 20, allowed: func(chat int64) bool { return listed[chat] }})
			// GROUPS_ALLOWED, which does not have the new ids
			listed[d.support], listed[d.engineering], listed[d.sales] = true, true, true
			d.register()
			k := d.open(d.ann, d.support, "Printer")
			eng := d.mention(d.ann, k, "bob_eng", d.engineering)
			answered := d.say(d.ann, d.support, k.thread, "before")
			d.awaitText(d.engineering, eng, "before")
			quoted := d.say(d.bob, d.engineering, eng, "said in the old one")
			copied := d.awaitText(d.support, k.thread, "said in the old one")
			d.quiet(k)
			var is int64
			var err error
			switch first {
			case "the service message comes first":
				is, err = d.sim.Migrate(d.engineering)
				d.must(err)
				d.quiet()
				d.migrated(d.engineering, is)
				d.say(d.ann, d.support, k.thread, "one")
			case "the refused call comes first":
				// For a while updates do not arrive, but calls do.
				d.inject(simulator.Fault{Method: "getUpdates", Kind: simulator.Fault500, Count: -1})
				is, err = d.sim.Migrate(d.engineering)
				d.must(err)
				_, err = d.system.Ask(t.Context(), "ticket", k.id, messageIn(d, k, "one"))
				d.must(err)
				d.awaitText(is, eng, "one")
				d.migrated(d.engineering, is)
				d.sim.ClearFaults()
			default:
				d.say(d.ann, d.support, k.thread, "one")
				d.stop()
				is, err = d.sim.Migrate(d.engineering)
				d.must(err)
				d.start()
			}
			d.awaitText(is, eng, "one")
			d.say(d.bob, is, eng, "from the new one")
			d.awaitText(d.support, k.thread, "from the new one")
			d.migrated(d.engineering, is)
			d.reply(d.ann, d.support, answered, "to what was before")
			if c := d.awaitText(is, eng, "to what was before"); !strings.Contains(c.Text, "before\nto what") && c.ReplyTo == 0 {
				t.Errorf("%+v", c)
			}
			d.reply(d.ann, d.support, copied, "to what they said")
			d.awaitText(is, eng, "to what they said")
			old, _ := d.sim.Message(is, quoted.ID)
			d.reply(d.bob, is, old, "they answer it themselves")
			d.awaitText(d.support, k.thread, "they answer it themselves")
			// Everything that names the group by its internal id still works: a mention of somebody whose default
			// group it is, a new ticket.
			other := d.open(d.ann, d.support, "Scanner")
			d.mention(d.ann, other, "bob_eng", is)
			third := d.open(d.bob, is, "Opened in the new one")
			d.must(d.sim.SetBot(is, simulator.Kicked, simulator.BotRights{}))
			d.say(d.ann, d.support, k.thread, "while it is away")
			d.awaitText(d.support, k.thread, "can't write in Engineering")
			d.must(d.sim.SetBot(is, simulator.Administrator, fullRights))
			d.awaitText(is, eng, "while it is away")
			d.restart()
			d.say(d.ann, d.support, k.thread, "after a restart")
			d.awaitText(is, eng, "after a restart")
			d.quiet(k, other, third)
			if n := d.texts(d.support, k.thread, "did not reach"); n > 0 {
				t.Errorf("%d given up", n)
			}
		})
	}
}

// messageIn is what intake makes of a message that Ann writes in the ticket's topic.
func messageIn(d *desk, k *ticket, text string) *messages.RecordMessage {
	m := d.say(d.ann, k.chat, k.thread, text)
	return &messages.RecordMessage{
		Origin: &messages.Origin{
			CommandId: messages.MessageKey(k.chat, int64(m.ID)), Place: messages.GroupPlace(k.chat), ChatId: k.chat,
			ThreadId: int64(k.thread), MessageId: int64(m.ID), DateMs: d.clock.Now().UnixMilli(),
			From: &messages.Person{Id: d.ann, FirstName: "Ann"}, Sender: &messages.Sender{Id: d.ann, Name: "Ann"},
		},
		Content: &messages.Content{Text: text},
	}
}
