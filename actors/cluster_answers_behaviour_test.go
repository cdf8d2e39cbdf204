//go:build !race

package actors_test

import (
	"fmt"
	"testing"

	"github.com/topicdesk/topicdesk/actors/etcdtest"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
)

// TestClusterWordsOfAnsweredMessagesFollow: the ticket of the answered message is on one node, and that of the answer on another.
func TestClusterWordsOfAnsweredMessagesFollow(t *testing.T) {
	d := ready(t, clustered(t))
	second := d.joins("second")
	defer second.stop(t)
	d.eventually("each node knows both", func() bool {
		return len(d.system.Nodes(t.Context())) == 2 && len(second.system.Nodes(t.Context())) == 2
	})
	d.mayDelete(d.support, d.engineering)
	opened := 0
	openOn := func(node string) *ticket {
		for {
			opened++
			k := d.open(d.ann, d.support, fmt.Sprintf("Printer %d", opened))
			if etcdtest.Owner(t, []string{nodeAddr(1), nodeAddr(2)}, messages.KindTicket, k.id) == node {
				return k
			}
		}
	}
	other, k := openOn(nodeAddr(1)), openOn(nodeAddr(2))
	there, eng := d.mention(d.ann, other, "@bob_eng", d.engineering), d.mention(d.ann, k, "@bob_eng", d.engineering)
	said := d.say(d.bob, d.engineering, there, "the password is swordfish")
	d.awaitText(d.support, other.thread, "swordfish")
	d.awaitCopied(said, 1)
	d.post(simulator.Post{From: d.bob, Chat: d.engineering, Thread: eng, Text: "as there", ReplyTo: said.ID,
		Elsewhere: simulator.Elsewhere{ReplyChat: d.engineering}})
	copied := d.awaitText(d.support, k.thread, "as there")
	d.awaitNow(copied, "In reply to Bob\nthe password is swordfish\nas there", "")
	d.quiet(k, other)
	d.run(t, "an edit", func(*testing.T) {
		d.edit(said, "the password is on paper")
		d.awaitNow(copied, "In reply to Bob\nthe password is on paper\nas there", "swordfish")
		d.quiet(k, other)
	})
	d.run(t, "a deletion, while the answer's node leaves", func(t *testing.T) {
		d.inject(simulator.Fault{Method: "editMessageText", Chat: d.support, Kind: simulator.Fault500, Count: -1})
		command := d.reply(d.bob, d.engineering, said, "/delete")
		d.awaitDeleted(said)
		second.stop(t)
		d.sim.ClearFaults()
		d.awaitNow(copied, "In reply to Bob\n[deleted message]\nas there", "paper")
		d.awaitDeleted(command)
		d.quiet(k, other)
	})
}
