package actors_test

import (
	"context"
	"testing"

	"github.com/topicdesk/topicdesk/messages"
)

// TestANodeThatIsGoneIsToldNothing: a way forgets a shard on a node that is gone without a word to that node, to which
// Proto.Actor would connect anew.
func TestANodeThatIsGoneIsToldNothing(t *testing.T) {
	t.Parallel()
	a := newTwins(t)
	d, first, second := twinDesk(t, options{speed: 5, twins: a})
	k := d.open(d.ann, d.support, "Printer")
	eng := d.mention(d.ann, k, "@bob_eng", d.engineering)
	a.believes(second, func(int) *process { return first })
	d.must(second.ask(t.Context(), k.id))
	a.mu.Lock()
	a.by[first.owner+":1"].left = true
	a.mu.Unlock()
	a.believes(second, nil)
	d.must(second.ask(t.Context(), k.id))
	d.say(d.ann, d.support, k.thread, "still there?")
	d.awaitText(d.engineering, eng, "still there?")
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.unwatched > 0 {
		t.Errorf("it was told %d times", a.unwatched)
	}
}

// ask asks a ticket, by way of its shard.
func (p *process) ask(ctx context.Context, ticketID string) error {
	_, err := p.system.Ask(ctx, messages.KindTicket, ticketID, &messages.Wake{})
	return err
}
