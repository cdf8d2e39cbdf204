package actors_test

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
	"github.com/topicdesk/topicdesk/storage"
)

// metric is the sum of a metric of this process over its labels.
func (p *process) metric(t testing.TB, name string, labels ...string) float64 {
	t.Helper()
	families, err := p.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		if f.GetName() != "topicdesk_"+name {
			continue
		}
	next:
		for _, m := range f.GetMetric() {
			for i := 0; i+1 < len(labels); i += 2 {
				for _, l := range m.GetLabel() {
					if l.GetName() == labels[i] && l.GetValue() != labels[i+1] {
						continue next
					}
				}
			}
			sum += m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	return sum
}

var _ prometheus.Gatherer = (*prometheus.Registry)(nil)

func TestRetirementUnderTraffic(t *testing.T) {
	if testing.Short() {
		t.Skip("long: hundreds of retirements")
	}
	d := ready(t, options{speed: 40, idleAfter: 5 * time.Millisecond, sweepEvery: 50 * time.Millisecond})
	var tickets []*ticket
	threads := map[*ticket]int{}
	for i := range 3 {
		k := d.open(d.ann, d.support, "Sleepy "+itoa(i))
		tickets = append(tickets, k)
		threads[k] = d.mention(d.ann, k, "bob_eng", d.engineering)
	}
	const rounds = 30
	leases := map[string]int64{}
	for i := range rounds {
		for _, k := range tickets {
			d.say(d.eve, d.support, k.thread, "out "+itoa(i))
			d.say(d.bob, d.engineering, threads[k], "back "+itoa(i))
		}
		if i%10 == 9 { // a pause in which idle entities retire
			d.quiet(tickets...)
			d.eventually("everything has left", func() bool { return d.metric(t, "entities") <= 1 }) // the poller stays
		}
	}
	d.quiet(tickets...)
	for _, k := range tickets {
		var out, back []string
		for i := range rounds {
			out, back = append(out, "out "+itoa(i)), append(back, "back "+itoa(i))
		}
		same(t, "in Engineering", d.copies(d.engineering, threads[k]), out)
		same(t, "in Support", d.copies(d.support, k.thread), back)
		lease, err := d.store.Lease(t.Context(), "link/"+k.id+":1")
		d.must(err)
		leases[k.id] = lease.Epoch
		if lease.Epoch < 3 {
			t.Errorf("the link of %s has started %d times only", k.id, lease.Epoch)
		}
	}
}

func TestAtMostSoManyAreResident(t *testing.T) {
	if testing.Short() {
		t.Skip("long: hundreds of people and tickets")
	}
	t.Parallel()
	d := ready(t, options{speed: 100, maxResident: 256, idleAfter: time.Hour})
	const people = 200
	for i := range people { // each is an entity, and their chat too
		p, err := d.sim.AddPerson(simulator.Person{FirstName: "P" + itoa(i)})
		d.must(err)
		d.say(p.ID, 0, 0, "/start")
	}
	d.await("all are greeted", func() bool { return d.calls("sendMessage", 0) >= people })
	d.eventually("no more than allowed", func() bool { return d.metric(t, "entities") <= 256 })
}

func TestEventsAreNumberedWithoutGaps(t *testing.T) {
	t.Parallel()
	var crash atomic.Bool
	d := ready(t, options{speed: 50, wrapStore: func(s storage.Store) storage.Store { return crashingStore{s, &crash} }})
	k := d.open(d.ann, d.support, "Printer")
	eng := d.mention(d.ann, k, "bob_eng", d.engineering)
	check := func(t *testing.T, want map[string]int) {
		t.Helper()
		d.quiet(k)
		events, err := d.store.EventsAfter(t.Context(), k.id, 0, 1000)
		d.must(err)
		got, ids := map[string]int{}, map[string]bool{}
		for i, e := range events {
			if e.Number != int64(i+1) || ids[e.EventID] {
				t.Errorf("event %d has number %d, id %s", i+1, e.Number, e.EventID)
			}
			ids[e.EventID] = true
			got[e.Type]++
			var data map[string]any
			if err := json.Unmarshal(e.Data, &data); err != nil || e.At.IsZero() {
				t.Errorf("%+v", e)
			}
		}
		for kind, n := range want {
			if got[kind] != n {
				t.Errorf("%d of %s, want %d; all: %v", got[kind], kind, n, got)
			}
		}
		if len(events) > 0 && events[0].Type != "ticket.created" {
			t.Errorf("first %s", events[0].Type)
		}
	}
	d.run(t, "each change has its event", func(t *testing.T) {
		d.say(d.ann, d.support, k.thread, "one")
		d.say(d.bob, d.engineering, eng, "two")
		d.say(d.bob, d.engineering, eng, "// note")
		d.awaitAnswer(d.say(d.ann, d.support, k.thread, "/priority high"), "high")
		d.awaitAnswer(d.say(d.ann, d.support, k.thread, "/pending"), "pending")
		d.awaitAnswer(d.say(d.ann, d.support, k.thread, "/close_ticket"), "closed")
		d.awaitAnswer(d.say(d.ann, d.support, k.thread, "/reopen_ticket"), "reopened")
		d.awaitAnswer(d.say(d.ann, d.support, k.thread, "/reopen_ticket"), "already") // no event
		check(t, map[string]int{
			"ticket.created": 1, "topic.created": 2, "user.mentioned": 1, "message.sent": 3,
			"ticket.updated": 2, "ticket.closed": 1, "ticket.reopened": 1,
		})
	})
	d.run(t, "after a restart", func(t *testing.T) {
		d.say(d.ann, d.support, k.thread, "three")
		d.restart()
		d.say(d.ann, d.support, k.thread, "four")
		check(t, map[string]int{"message.sent": 5})
	})
	d.run(t, "more than one batch", func(t *testing.T) {
		for i := range 250 {
			d.say(d.ann, d.support, k.thread, "many "+itoa(i))
		}
		d.eventually("recorded", func() bool { n, _ := d.store.LastSequence(t.Context(), k.id); return n == 255 })
		check(t, map[string]int{"message.sent": 255})
	})
	d.run(t, "a crash between the events and the record that says so", func(t *testing.T) {
		crash.Store(true)
		d.say(d.ann, d.support, k.thread, "five")
		d.eventually("the events are there, the record is not", func() bool {
			events, err := d.store.EventsAfter(t.Context(), k.id, d.record(k).EventNumber, 10)
			return err == nil && len(events) > 0
		})
		d.process.stopped = true // as after kill -9: the store refuses what it tries to write while it stops
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_ = d.system.Stop(ctx)
		d.client.Close()
		_ = d.store.Close()
		crash.Store(false)
		d.start()
		d.say(d.ann, d.support, k.thread, "six")
		check(t, map[string]int{"message.sent": 257})
	})
}

// crashingStore refuses to save tickets after the first append of events, while crash is set.
type crashingStore struct {
	storage.Store
	crash *atomic.Bool
}

func (s crashingStore) SaveTicket(ctx context.Context, r *storage.Ticket) error {
	if s.crash.Load() && len(r.Events) == 0 && r.EventsThrough > 0 {
		if stored, err := s.Ticket(ctx, r.TicketID); err == nil && stored.EventNumber < r.EventNumber {
			return storage.ErrUnavailable
		}
	}
	return s.Store.SaveTicket(ctx, r)
}

func TestPanicInAnEntity(t *testing.T) {
	t.Parallel()
	var panics atomic.Int64
	d := ready(t, options{wrapStore: func(s storage.Store) storage.Store { return panickingStore{s, &panics} }})
	k := d.open(d.ann, d.support, "Printer")
	eng := d.mention(d.ann, k, "bob_eng", d.engineering)
	d.run(t, "the entity restarts from storage, the caller gets an answer, nothing is lost", func(t *testing.T) {
		panics.Store(1)
		d.say(d.ann, d.support, k.thread, "boom")
		d.awaitText(d.engineering, eng, "boom")
		d.say(d.bob, d.engineering, eng, "what was that?")
		d.awaitText(d.support, k.thread, "what was that?")
		d.quiet(k)
		same(t, "copies", d.copies(d.engineering, eng), []string{"boom"})
		if n := d.metric(t, "entity_panics_total"); n != 1 {
			t.Errorf("%v panics counted", n)
		}
	})
	d.run(t, "an update on which it panics each time does not hold up the others for ever", func(t *testing.T) {
		d.say(d.ann, d.support, k.thread, "poison")
		d.say(d.ann, d.support, k.thread, "behind it")
		other := d.say(d.bob, d.engineering, 0, "/help")
		d.awaitText(d.engineering, eng, "behind it")
		d.awaitAnswer(other, "/create_ticket")
		if _, found := d.find(d.engineering, eng, "poison"); found {
			t.Error("copied")
		}
	})
}

// panickingStore panics a number of times when a message is recorded, and every time for one text.
type panickingStore struct {
	storage.Store
	left *atomic.Int64
}

func (s panickingStore) InsertMessage(ctx context.Context, m *storage.Message) error {
	if m.Text == "boom" && s.left.Add(-1) >= 0 || m.Text == "poison" {
		panic("ordered by the test")
	}
	return s.Store.InsertMessage(ctx, m)
}

// TestTwoOwnersOpenATicket: only the ticket's id keeps two activations from both making it, since neither has a lease
// yet.
func TestTwoOwnersOpenATicket(t *testing.T) {
	t.Parallel()
	a := newTwins(t)
	d, _, younger := twinDesk(t, options{speed: 50, twins: a})
	a.believes(younger, nil)
	both := func(key string, m proto.Message) (accepted bool) {
		t.Helper()
		var once atomic.Bool
		var wg sync.WaitGroup
		for _, p := range []*process{d.process, younger} {
			wg.Go(func() {
				answer, err := p.system.Ask(t.Context(), messages.KindTicket, key, m)
				if errors.Is(err, actors.ErrNotAccepted) {
					return // the other one has just taken the ticket over, and has accepted it
				}
				if err != nil {
					t.Errorf("%T: %v", m, err)
					return
				}
				reply, is := answer.(*messages.Reply)
				if is && reply.Code != messages.Code_OK && reply.Code != messages.Code_DUPLICATE {
					t.Errorf("%T by the %s: %v", m, p.owner, reply)
					return
				}
				once.Store(true)
			})
		}
		wg.Wait()
		return once.Load()
	}
	for n := range 5 {
		o := program()
		k := &ticket{id: messages.TicketID(o.CommandId, o.DateMs)}
		place := "g" + strconv.FormatInt(d.support, 10)
		if !both(k.id, &messages.OpenTicket{Origin: o, TicketId: k.id, GroupId: place, Title: "Twice " + itoa(n)}) {
			t.Fatal("neither opened it")
		}
		d.eventually("its topic", func() bool { return d.record(k).Home.TelegramTopicID != 0 })
		for i := range 4 {
			said := &messages.RecordMessage{
				Origin: &messages.Origin{
					CommandId: itoa(n) + "/" + itoa(i), Place: place, ChatId: d.support,
					ThreadId: d.record(k).Home.TelegramTopicID, MessageId: int64(9000 + 10*n + i),
					From:   &messages.Person{Id: d.ann, FirstName: "Ann"},
					Sender: &messages.Sender{Id: d.ann, Name: "Ann"}, DateMs: d.clock.Now().UnixMilli(),
				},
				Content: &messages.Content{Text: "said " + itoa(i)},
			}
			if !both(k.id, said) {
				t.Fatal("neither took it in")
			}
		}
		page, err := d.store.MessagesAfter(t.Context(), k.id, 0, 100)
		d.must(err)
		if len(page) != 4 || page[3].Sequence != 4 {
			t.Errorf("%d messages", len(page))
		}
		if lease, err := d.store.Lease(t.Context(), "ticket/"+k.id); err != nil || lease.Epoch < 1 {
			t.Errorf("%+v, %v", lease, err)
		}
	}
}

func TestTwoOwners(t *testing.T) {
	t.Parallel()
	d := ready(t, options{speed: 50})
	k := d.open(d.ann, d.support, "Printer")
	eng := d.mention(d.ann, k, "bob_eng", d.engineering)
	d.quiet(k)
	before, err := d.store.Lease(t.Context(), "ticket/"+k.id)
	d.must(err)
	younger := d.another("younger")
	defer younger.stop(t)
	say := func(p *process, n int, text string) error {
		record := d.record(k)
		_, err := p.system.Ask(t.Context(), messages.KindTicket, k.id, &messages.RecordMessage{
			Origin: &messages.Origin{
				CommandId: strconv.Itoa(n), Place: record.Home.GroupID, ChatId: d.support,
				ThreadId: int64(k.thread), MessageId: int64(n),
				From:   &messages.Person{Id: d.ann, FirstName: "Ann"},
				Sender: &messages.Sender{Id: d.ann, Name: "Ann"}, DateMs: d.clock.Now().UnixMilli(),
			},
			Content: &messages.Content{Text: text},
		})
		return err
	}
	d.must(say(d.process, 5001, "by the older"))
	d.must(say(younger, 5002, "by the younger"))
	d.must(say(younger, 5002, "by the younger"))
	after, err := d.store.Lease(t.Context(), "ticket/"+k.id)
	d.must(err)
	if after.Epoch != before.Epoch+1 || after.Owner != "younger" {
		t.Errorf("%+v after %+v", after, before)
	}
	d.must(say(d.process, 5003, "by the older again")) // this write fences it, and it asks for a new activation
	d.must(say(d.process, 5002, "by the younger"))     // a duplicate by now
	if lease, _ := d.store.Lease(t.Context(), "ticket/"+k.id); lease.Epoch <= after.Epoch {
		t.Errorf("%+v", lease)
	}
	for i := range 40 { // the two activations in turns
		p := d.process
		if i%2 == 1 {
			p = younger
		}
		d.must(say(p, 6000+i, "by turns "+itoa(i)))
	}
	page, err := d.store.MessagesAfter(t.Context(), k.id, 0, 1000)
	d.must(err)
	seen := map[string]bool{}
	for i, m := range page {
		if m.Sequence != int64(i+1) || seen[m.MessageID] {
			t.Errorf("message %d has sequence %d, id %s", i+1, m.Sequence, m.MessageID)
		}
		seen[m.MessageID] = true
	}
	if len(page) != 43 {
		t.Errorf("%d messages", len(page))
	}
	d.awaitText(d.engineering, eng, "by turns 39")
	d.eventually("each has its copy", func() bool {
		for i := range page {
			if c, err := d.store.Copy(t.Context(), page[i].MessageID, k.id+":1"); err != nil || c.State != "sent" {
				return false
			}
		}
		return true
	})
	events := func() []storage.Event {
		all, err := d.store.EventsAfter(t.Context(), k.id, 0, 1000)
		d.must(err)
		return all
	}
	d.eventually("all events are numbered", func() bool {
		n := 0
		for _, e := range events() {
			if e.Type == "message.sent" {
				n++
			}
		}
		return n == 43
	})
	for i, e := range events() {
		if e.Number != int64(i+1) {
			t.Errorf("%d: %+v", i, e)
		}
	}
}

func TestStop(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	k := d.open(d.ann, d.support, "Printer")
	d.mention(d.ann, k, "bob_eng", d.engineering)
	d.run(t, "while people talk it is quick, twice is once, and what was taken in is made good", func(t *testing.T) {
		for i := range 50 {
			d.say(d.ann, d.support, k.thread, "talk "+itoa(i))
		}
		start := time.Now()
		d.stop()
		if took := time.Since(start); took > 30*time.Second {
			t.Errorf("stopped after %v", took)
		}
		if err := d.system.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		if err := d.system.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "stopping") {
			t.Error(err)
		}
		d.start()
		d.awaitText(d.engineering, d.topicNamed(d.engineering, "Printer").Thread, "talk 49")
		var want []string
		for i := range 50 {
			want = append(want, "talk "+itoa(i))
		}
		same(t, "copies", d.copies(d.engineering, d.topicNamed(d.engineering, "Printer").Thread), want)
	})
}
