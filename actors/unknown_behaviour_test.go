package actors_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
)

func TestMessagesThatAKindDoesNotTake(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	k := d.open(d.ann, d.support, "Printer")
	d.mention(d.ann, k, "bob_eng", d.engineering)
	unknown := func(kind string) float64 { return d.metric(t, "messages_unknown_total", "kind", kind) }
	d.run(t, "an Ask is refused immediately", func(t *testing.T) {
		for name, m := range map[string]proto.Message{
			"not taken":           &messages.OpenTicket{},
			"taken without reply": &messages.ResumeLink{TicketId: k.id, LinkId: k.id + ":1"},
		} {
			reply, err := d.system.Ask(t.Context(), messages.KindLink, k.id+":1", m)
			if r, ok := reply.(*messages.Reply); err != nil || !ok || r.Code != messages.Code_CONFLICT {
				t.Errorf("%s: %v, %v", name, reply, err)
			}
		}
		if n := unknown(messages.KindLink); n != 2 {
			t.Errorf("%v counted", n)
		}
	})
	d.run(t, "by readers, and for a kind that does not exist, too", func(t *testing.T) {
		for _, kind := range []string{messages.KindQuery, "unheard_of"} {
			reply, err := d.system.Ask(t.Context(), kind, "", &messages.OpenTicket{})
			if r, ok := reply.(*messages.Reply); err != nil || !ok || r.Code != messages.Code_CONFLICT || unknown(kind) != 1 {
				t.Errorf("%s: %v, %v; %v counted", kind, reply, err, unknown(kind))
			}
		}
	})
	d.run(t, "a Tell is counted, and the entity lives on", func(t *testing.T) {
		for range 3 {
			d.system.Tell(messages.KindTicket, k.id, &messages.ResumeLink{})
		}
		d.eventually("counted", func() bool { return unknown(messages.KindTicket) == 3 })
		d.awaitAnswer(d.say(d.ann, d.support, k.thread, "/priority high"), "high")
	})
	if n := d.metric(t, "entity_panics_total"); n != 0 {
		t.Errorf("%v panics", n)
	}
}
