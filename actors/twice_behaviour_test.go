package actors_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/actors"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// epoch is how often an entity has been started.
func (d *desk) epoch(kind, id string) int64 {
	d.t.Helper()
	lease, err := d.store.Lease(d.t.Context(), kind+"/"+id)
	if !errors.Is(err, storage.ErrNotFound) { // it has made its record in this moment
		d.must(err)
	}
	return lease.Epoch
}

// repeats is how often texts are there once more than wanted, and fails where one is missing or out of order.
func (d *desk) repeats(what string, got, want []string) (n int) {
	d.t.Helper()
	var first []string
	for _, text := range got {
		if slices.Contains(first, text) {
			n++
		} else {
			first = append(first, text)
		}
	}
	same(d.t, what, first, want)
	return n
}

// eventLog fails unless the log has every event once, without gaps, and returns how many each ticket has.
func (d *desk) eventLog() map[string]int {
	d.t.Helper()
	ids, numbers := map[string]bool{}, map[string]int{}
	for p := range storage.Partitions {
		events, err := d.store.LogAfter(d.t.Context(), p, 0, 10_000)
		d.must(err)
		for i, e := range events {
			if e.Position != int64(i+1) || ids[e.EventID] {
				d.t.Errorf("partition %d: event %d has position %d, id %s", p, i+1, e.Position, e.EventID)
			}
			ids[e.EventID] = true
			if e.TicketID == "" {
				continue
			}
			if numbers[e.TicketID]++; e.Number != int64(numbers[e.TicketID]) {
				d.t.Errorf("%s: event %d has number %d", e.TicketID, numbers[e.TicketID], e.Number)
			}
		}
	}
	return numbers
}

// TestTwoOfEverything has two nodes own everything, time and again, while people talk and programs change tickets on both.
func TestTwoOfEverything(t *testing.T) {
	t.Parallel()
	a := newTwins(t)
	d, first, second := twinDesk(t, options{speed: 5, twins: a, sweepEvery: time.Hour, // no sweep may be needed
		wrapTelegram: func(telegram actors.Telegram) actors.Telegram { return slowTelegram{telegram, a} }})
	heard := d.hears(&messages.WebhookSettings{}, nil)
	const tickets, phases, rounds = 3, 12, 3
	type talk struct {
		k         *ticket
		side      int
		out, back []string
	}
	var talks []*talk
	for i := range tickets {
		k := d.open(d.ann, d.support, "Printer "+itoa(i))
		talks = append(talks, &talk{k: k, side: d.mention(d.ann, k, "@bob_eng", d.engineering)})
	}
	support, engineering := "g"+itoa64(d.support), "g"+itoa64(d.engineering)
	began := map[string]int64{}
	for _, id := range []string{support, engineering} {
		began[id] = d.epoch(messages.KindChat, id)
	}
	began[heard.id] = d.epoch(messages.KindWebhook, heard.id)

	said := 0
	for phase := range phases {
		switch {
		case phase%4 == 3:
			a.believes(first, nil)
			a.believes(second, nil)
		default:
			a.shuffle(first, second)
		}
		for range rounds {
			for _, k := range talks {
				said++
				k.out = append(k.out, "out "+itoa(said))
				d.say(d.eve, d.support, k.k.thread, k.out[len(k.out)-1])
				k.back = append(k.back, "back "+itoa(said))
				d.say(d.bob, d.engineering, k.side, k.back[len(k.back)-1])
			}
		}
		for i, k := range talks { // a change by a program, which each node then knows
			title := fmt.Sprintf("Printer %d.%d", i, phase)
			p := d.nodes()[a.chance(2)]
			reply, err := p.system.Ask(t.Context(), messages.KindTicket, k.k.id, &messages.UpdateTicket{
				Origin: program(), Title: &title})
			if r, is := reply.(*messages.Reply); err != nil || !is || r.Code != messages.Code_OK && r.Code != messages.Code_DUPLICATE {
				t.Errorf("a change by the %s: %v, %v", p.owner, reply, err)
			}
			for _, p := range d.nodes() {
				reply, err := p.system.Ask(t.Context(), messages.KindTicket, k.k.id, &messages.GetTicket{TicketId: k.k.id})
				if r, is := reply.(*messages.TicketRecord); err != nil || !is || r.Title != title {
					t.Errorf("the %s says %v, %v; the title is %s", p.owner, reply, err, title)
				}
			}
		}
		d.await("all is taken in", func() bool { return d.sim.Pending() == 0 })
	}
	a.believes(first, nil)
	a.believes(second, func(int) *process { return first })
	var all []*ticket
	for _, k := range talks {
		all = append(all, k.k)
	}
	d.quiet(all...)

	repeats := map[string]int{}
	for i, k := range talks {
		repeats[engineering+"/"+itoa(k.side)] += d.repeats("in Engineering "+itoa(i), d.copies(d.engineering, k.side), k.out)
		repeats[support+"/"+itoa(k.k.thread)] += d.repeats("in Support "+itoa(i), d.copies(d.support, k.k.thread), k.back)
		page, err := d.store.MessagesAfter(t.Context(), k.k.id, 0, 10_000)
		d.must(err)
		var out, back []string
		for i, m := range page {
			if m.Sequence != int64(i+1) {
				t.Errorf("message %d has sequence %d", i+1, m.Sequence)
			}
			if strings.HasPrefix(m.Text, "out") {
				out = append(out, m.Text)
			} else {
				back = append(back, m.Text)
			}
		}
		same(t, "the record of Support", out, k.out)
		same(t, "the record of Engineering", back, k.back)
	}
	for topic, n := range repeats { // each may have one call in flight when its chat is taken over
		chat, _, _ := strings.Cut(topic, "/")
		switches := int(d.epoch(messages.KindChat, chat) - began[chat])
		t.Logf("%s: %d repeats of %d copies, %d activations of its chat", topic, n, said/tickets, switches)
		if n > switches {
			t.Errorf("%s: %d repeats, %d activations of its chat", topic, n, switches)
		}
	}
	for _, kind := range []string{messages.KindTicket, messages.KindLink, messages.KindChat, messages.KindWebhook, messages.KindLog} {
		fenced := 0.0
		for _, p := range d.nodes() {
			fenced += p.metric(t, "entity_fences_total", "kind", kind)
		}
		if t.Logf("%v of the kind %s have stopped by themselves", fenced, kind); fenced == 0 {
			t.Errorf("no older %s has stopped by itself", kind)
		}
	}
	events := d.eventLog()
	d.eventually("all events are delivered", func() bool {
		n := 0
		for _, of := range events {
			n += of
		}
		return heard.count() >= n
	})
	heard.inOrder(events)
	heard.mu.Lock()
	again := 0
	for _, n := range heard.taken {
		again += n - 1
	}
	heard.mu.Unlock()
	switches := int(d.epoch(messages.KindWebhook, heard.id) - began[heard.id])
	t.Logf("%d of %d deliveries repeated, %d activations", again, heard.count(), switches)
	if again > switches*tickets {
		t.Errorf("%d deliveries repeated, %d activations", again, switches)
	}
	for _, wrong := range []string{"There is no ticket", "not the ticket"} {
		if strings.Contains(d.transcript(), wrong) {
			t.Errorf("somebody was told: %s\n%s", wrong, d.transcript())
		}
	}
}
