package actors_test

import (
	"context"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors"
	"github.com/topicdesk/topicdesk/messages"
)

// TestTheOlderOneAnswersWhatIsTrue: of each kind the first node has an entity in memory that the second one has changed
// since, and both believe that it is theirs.
func TestTheOlderOneAnswersWhatIsTrue(t *testing.T) {
	t.Parallel()
	a := newTwins(t)
	d, first, second := twinDesk(t, options{speed: 20, twins: a})
	a.believes(second, nil)
	ok, missing := messages.Code_OK, messages.Code_NOT_FOUND
	// asks asks a node once and again, as callers do, and wants a code.
	asks := func(p *process, kind, id string, m proto.Message, want messages.Code) proto.Message {
		d.t.Helper()
		reply, err := p.system.Ask(t.Context(), kind, id, m)
		d.must(err)
		code := reply.(interface{ GetCode() messages.Code }).GetCode()
		if code == messages.Code_DUPLICATE { // it was fenced after it had written, and Ask has asked the next one
			code = ok
		}
		if code != want {
			d.t.Fatalf("%T by the %s: %v, want %s", m, p.owner, reply, want)
		}
		return reply
	}
	// stops wants a further entity of a kind to have stopped by itself.
	stops := func(kind string) func() {
		before := first.metric(t, "entity_fences_total", "kind", kind)
		return func() {
			d.t.Helper()
			if n := first.metric(t, "entity_fences_total", "kind", kind) - before; n < 1 {
				d.t.Error("the older one has not stopped by itself")
			}
		}
	}
	d.run(t, "a ticket", func(t *testing.T) {
		o := program()
		id := messages.TicketID(o.CommandId, o.DateMs)
		title := "Renamed"
		rename := func() proto.Message { return &messages.UpdateTicket{Origin: program(), Title: &title} }
		asks(first, messages.KindTicket, id, rename(), missing)
		asks(second, messages.KindTicket, id, &messages.OpenTicket{Origin: o, TicketId: id,
			GroupId: messages.GroupPlace(d.support), Title: "Printer"}, ok)
		asks(first, messages.KindTicket, id, rename(), ok)
		stopped := stops(messages.KindTicket)
		title = "Renamed again"
		asks(second, messages.KindTicket, id, rename(), ok)
		record := asks(first, messages.KindTicket, id, &messages.GetTicket{TicketId: id}, ok).(*messages.TicketRecord)
		if record.Title != title {
			t.Errorf("its title is %q", record.Title)
		}
		stopped()
	})
	d.run(t, "a person", func(t *testing.T) {
		const id = "7001"
		name := "Zoe"
		put := func(create bool) proto.Message {
			return &messages.PutUser{Origin: program(), Create: create, MustExist: !create, FirstName: &name}
		}
		asks(first, messages.KindUser, id, put(false), missing)
		asks(second, messages.KindUser, id, put(true), ok)
		asks(first, messages.KindUser, id, put(false), ok)
		stopped := stops(messages.KindUser)
		asks(second, messages.KindUser, id, &messages.DeleteUser{Origin: program()}, ok)
		asks(first, messages.KindUser, id, put(false), missing)
		stopped()
	})
	d.run(t, "a group", func(t *testing.T) {
		id := messages.GroupPlace(d.sales)
		speaks := func(p *process, lang string) {
			d.t.Helper()
			asks(p, messages.KindGroup, id, &messages.ChangeGroup{Origin: program(), Lang: &lang}, ok)
		}
		speaks(first, "th")
		stopped := stops(messages.KindGroup)
		speaks(second, "en")
		speaks(first, "th") // which it took for done
		group, err := d.store.Group(t.Context(), id)
		d.must(err)
		if group.Language != "th" {
			t.Errorf("it speaks %q", group.Language)
		}
		stopped()
	})
	d.run(t, "a reader of the feed", func(t *testing.T) {
		const id, hour = "key/reader", int64(time.Hour / time.Millisecond)
		asks(first, messages.KindConsumer, id, &messages.LeaseConsumer{Fresh: "a", LeaseMs: hour}, ok)
		asks(first, messages.KindConsumer, id, &messages.LeaseConsumer{Token: "a", LeaseMs: hour}, ok)
		stopped := stops(messages.KindConsumer)
		asks(second, messages.KindConsumer, id, &messages.DeleteConsumer{}, ok)
		asks(first, messages.KindConsumer, id, &messages.LeaseConsumer{Token: "a", LeaseMs: hour}, missing)
		stopped()
	})
	d.run(t, "a key", func(t *testing.T) {
		const id = "k7"
		authenticate := func(want messages.Authenticated_Verdict) {
			d.t.Helper()
			reply := asks(first, messages.KindAPIKey, id, &messages.Authenticate{Hash: []byte("hash")}, ok)
			if got := reply.(*messages.Authenticated).Verdict; got != want {
				d.t.Errorf("%s, want %s", got, want)
			}
		}
		asks(first, messages.KindAPIKey, id, &messages.CreateAPIKey{Origin: program(), Name: "CRM", Hash: []byte("hash"),
			Scopes: []string{"tickets:read"}}, ok)
		authenticate(messages.Authenticated_ACCEPTED)
		stopped := stops(messages.KindAPIKey)
		asks(second, messages.KindAPIKey, id, &messages.RevokeAPIKey{Origin: program()}, ok)
		authenticate(messages.Authenticated_REVOKED)
		stopped()
	})
	d.run(t, "an endpoint", func(t *testing.T) {
		heard := d.hears(&messages.WebhookSettings{}, nil)
		asks(first, messages.KindWebhook, heard.id, &messages.DisableWebhook{Origin: program()}, ok)
		stopped := stops(messages.KindWebhook)
		asks(second, messages.KindWebhook, heard.id, &messages.DeleteWebhook{Origin: program()}, ok)
		asks(first, messages.KindWebhook, heard.id, &messages.EnableWebhook{Origin: program()}, missing)
		stopped()
	})
}

// TestTheOlderChatCallsNoMore: while a call of the first node's is in flight, the second one takes a chat over.
func TestTheOlderChatCallsNoMore(t *testing.T) {
	t.Parallel()
	a := newTwins(t)
	var holding atomic.Bool
	entered, release := make(chan struct{}, 100), make(chan struct{})
	d, first, second := twinDesk(t, options{speed: 20, twins: a, wrapTelegram: func(telegram actors.Telegram) actors.Telegram {
		return heldTelegram{telegram, &holding, entered, release}
	}})
	k := d.open(d.ann, d.support, "Printer")
	side := d.mention(d.ann, k, "@bob_eng", d.engineering)
	d.quiet(k)
	holding.Store(true)
	var want []string
	for n := range 5 {
		want = append(want, "said "+itoa(n))
		d.say(d.eve, d.support, k.thread, want[n])
	}
	d.await("all is taken in", func() bool { return d.sim.Pending() == 0 })
	select {
	case <-entered:
	case <-time.After(patience):
		t.Fatal("nothing is called")
	}
	place := messages.GroupPlace(d.engineering)
	epoch := d.epoch(messages.KindChat, place)
	a.believes(second, nil)
	_, err := second.system.Ask(t.Context(), messages.KindChat, place, &messages.GetChatPace{})
	d.must(err)
	if now := d.epoch(messages.KindChat, place); now != epoch+1 {
		t.Fatalf("epoch %d after %d", now, epoch)
	}
	holding.Store(false)
	close(release)
	d.awaitText(d.engineering, side, want[4])
	d.quiet(k)
	if n := d.repeats("copies", d.copies(d.engineering, side), want); n > 1 {
		t.Errorf("%d copies are repeated; one call was in flight", n)
	}
	if first.metric(t, "entity_fences_total", "kind", messages.KindChat, "reason", "lease") == 0 {
		t.Error("the older one has not stopped by itself")
	}
}

// heldTelegram holds copies back while it is to.
type heldTelegram struct {
	actors.Telegram
	holding *atomic.Bool
	entered chan<- struct{}
	release <-chan struct{}
}

func (h heldTelegram) Call(ctx context.Context, chatID int64, lang string, op *messages.Operation) *messages.Outcome {
	if op.GetSendCopy() != nil && h.holding.Load() {
		h.entered <- struct{}{}
		select {
		case <-h.release:
		case <-ctx.Done():
		}
	}
	return h.Telegram.Call(ctx, chatID, lang, op)
}

func TestMetricsOfACluster(t *testing.T) {
	t.Parallel()
	a := newTwins(t)
	d, first, second := twinDesk(t, options{speed: 20, twins: a})
	half := func(shard int) *process {
		if shard%2 == 0 {
			return first
		}
		return second
	}
	a.believes(first, half)
	a.believes(second, half)
	k := d.open(d.ann, d.support, "Printer")
	for _, p := range d.nodes() { // to one of them it is on another node
		_, err := p.system.Ask(t.Context(), messages.KindTicket, k.id, &messages.UpdateTicket{Origin: program(), Title: proto.String("Scanner")})
		d.must(err)
	}
	a.believes(first, nil)
	a.believes(second, nil)
	for n := range 4 { // both have it, in turns
		title := "Scanner " + itoa(n)
		_, err := d.nodes()[n%2].system.Ask(t.Context(), messages.KindTicket, k.id, &messages.UpdateTicket{Origin: program(), Title: &title})
		d.must(err)
	}
	sum := func(name string, labels ...string) (n float64) {
		for _, p := range d.nodes() {
			n += p.metric(t, name, labels...)
		}
		return n
	}
	ofTickets := []string{"kind", messages.KindTicket}
	for name, labels := range map[string][]string{"cluster_shards": nil, "entities": ofTickets, "entity_activations_total": ofTickets,
		"entity_fences_total": ofTickets} {
		if sum(name, labels...) == 0 {
			t.Errorf("%s is 0", name)
		}
	}
	a.believes(first, func(int) *process { return second }) // none has it
	a.believes(second, func(int) *process { return first })
	ctx, cancel := context.WithCancel(t.Context())
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		_, _ = first.system.Ask(ctx, messages.KindTicket, k.id, &messages.GetTicket{TicketId: k.id})
	}()
	d.eventually("somebody is told that it is another's", func() bool { return sum("cluster_not_owner_total") > 0 })
	cancel()
	<-asked
	var all strings.Builder
	for _, p := range d.nodes() {
		answer := httptest.NewRecorder()
		promhttp.HandlerFor(p.registry, promhttp.HandlerOpts{}).ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
		all.WriteString(answer.Body.String())
	}
	for _, want := range []string{
		"topicdesk_cluster_shards ", `topicdesk_entities{kind="ticket"}`, `topicdesk_entity_activations_total{kind="ticket"}`,
		"topicdesk_cluster_not_owner_total ", `topicdesk_cluster_request_seconds_bucket{outcome="answered",le="+Inf"}`,
		`topicdesk_entity_fences_total{kind="ticket",reason="`,
	} {
		if !strings.Contains(all.String(), want) {
			t.Errorf("there is no %s", want)
		}
	}
}
