package actors_test

import (
	"encoding/hex"
	"slices"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/storage/sqlite"
)

// Pending operations as the previous release wrote them into its records, byte for byte, in a desk that begins like the
// ones of these tests. They have a revision, but no reference that says what they are to their owner.
const (
	// A ticket's: id TICK-MX19D520-55D19C75/-1001000000001:9/0, to g-1001000000001, the notice already_open.
	oldAnswer = "" +
		"0a295449434b2d4d583139443532302d35354431394337352f2d313030313030303030303030313a392f301a0f672d3130303130" +
		"303030303030303128013a02656ee201300a0c616c72656164795f6f70656e12200a067469636b657412165449434b2d4d583139" +
		"443532302d3535443139433735"
	// A group's: id g-1001000000001/-1001000000001:12, to g-1001000000001, the notice lang_set.
	oldStanding = "" +
		"0a21672d313030313030303030303030312f2d313030313030303030303030313a31321a0f672d31303031303030303030303031" +
		"28013a02656ee201280a086c616e675f736574120a0a046c616e671202656e12100a057469746c651207537570706f7274"
	// A chat's: id answer/-1001000000001:13, revision 1, to g-1001000000001, the notice ask_title.
	oldChatAnswer = "" +
		"0a18616e737765722f2d313030313030303030303030313a313310011a0f672d3130303130303030303030303128013a02656e40" +
		"80909282e733e2010b0a0961736b5f7469746c65"
	// A person's: id u500000001/3/0/current, to u500000001, the notice private_current.
	oldCurrent = "" +
		"0a16753530303030303030312f332f302f63757272656e741a0a7535303030303030303128013a02656ee201450a0f7072697661" +
		"74655f63757272656e7412200a067469636b657412165449434b2d4d583139443532302d353544313943373512100a057469746c" +
		"6512075072696e746572"
	// What a person's entity has to tell a ticket: a PersonReachable in an Any. The ticket's id is the end of its id.
	oldTell = "" +
		"0a36747970652e676f6f676c65617069732e636f6d2f746f7069636465736b2e6d657373616765732e506572736f6e5265616368" +
		"61626c65125a0a240a1668656c642f753530303030303030312f372f74727565120a753530303030303030311a3274656c6c2f68" +
		"656c642f753530303030303030312f372f747275652f5449434b2d4d583139443532302d3535443139433735"
)

func TestPendingFromTheReleaseBefore(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	if d.support != -1001000000001 || d.ann != 500000001 {
		t.Fatalf("the bytes are for other places than %d and %d", d.support, d.ann)
	}
	d.awaitAnswer(d.say(d.ann, d.ann, 0, "/start"), "Hello Ann")
	k := &ticket{id: "TICK-MX19D520-55D19C75", chat: d.support}
	o := &messages.Origin{
		CommandId: "500000001:1", Place: "u500000001", ChatId: d.ann,
		From: &messages.Person{Id: d.ann, FirstName: "Ann"},
	}
	d.does(k.id, &messages.OpenTicket{Origin: o, TicketId: k.id, GroupId: "g-1001000000001", Title: "Printer"}, "")
	d.eventually("the ticket is open in both places", func() bool { return d.owes(k) == "" })
	k.thread = d.topicNamed(d.support, "Printer").Thread
	d.stop()
	d.owe(k)
	d.start()

	d.eventually("nothing is owed any more", func() bool { return d.owed(k) == 0 })
	for _, said := range []struct {
		chat int64
		text string
	}{
		{d.support, "TICK-MX19D520-55D19C75 is open already"}, {d.support, "The language here is now"},
		{d.support, "What is the ticket about?"}, {d.ann, "Your current ticket is now " + k.id},
	} {
		if n := d.texts(said.chat, 0, said.text); n != 1 {
			t.Errorf("%q was said %d times", said.text, n)
		}
	}
	d.awaitText(d.support, k.thread, "Ann has blocked me")
	if word, _ := d.find(d.ann, 0, "Your current ticket is now "+k.id); !word.Pinned {
		t.Error("the word on the current ticket is not pinned")
	}
}

// TestEventsFromTheReleaseBefore: a ticket and a message hold events with ids of the release before, one of which a
// process numbered that did not live to write that down. Each is there once.
func TestEventsFromTheReleaseBefore(t *testing.T) {
	t.Parallel()
	d := ready(t, options{speed: 20})
	k := d.open(d.ann, d.support, "Printer")
	m := d.say(d.ann, d.support, k.thread, "one")
	d.awaitTold(k, messages.EventMessageSent, 1)
	d.quiet(k)
	d.stop()
	func() {
		ctx := t.Context()
		store, err := sqlite.Open(ctx, d.path, sqlite.WithoutSync())
		d.must(err)
		defer func() { d.must(store.Close()) }()
		r, err := store.Ticket(ctx, k.id)
		d.must(err)
		said, err := store.Message(ctx, messageID(m))
		d.must(err)
		old := func(kind, id string) storage.Event {
			return storage.Event{EventID: kind + "/" + id, TicketID: k.id, Type: kind, At: r.CreatedAt, Data: []byte(`{}`)}
		}
		numbered := old(messages.EventTicketUpdated, "x:1")
		r.Events, r.DueAt = []storage.Event{numbered, old(messages.EventTicketUpdated, "x:2")}, r.CreatedAt
		d.must(store.SaveTicket(ctx, r))
		said.Events, said.Revision = []storage.Event{old(messages.EventMessageEdited, "x:3")}, 1
		d.must(store.SaveMessage(ctx, said))
		numbered.Number, numbered.EventID = r.EventNumber+1, ids.EventID(numbered.EventID) // as the migration leaves it
		numbered.Partition = storage.PartitionOf(k.id)
		last, err := store.LastPosition(ctx, numbered.Partition)
		d.must(err)
		numbered.Position = last + 1
		d.must(store.AppendEvents(ctx, []storage.Event{numbered}))
	}()
	d.start()
	d.say(d.ann, d.support, k.thread, "two")
	var all []storage.Event
	d.eventually("nothing is left to number", func() bool {
		var err error
		all, err = d.store.EventsAfter(t.Context(), k.id, 0, 100)
		d.must(err)
		open, err := d.store.OpenMessages(t.Context(), k.id, 1)
		d.must(err)
		return len(open) == 0 && len(d.record(k).Events) == 0 && all[len(all)-1].Type == messages.EventMessageSent
	})
	count := map[string]int{}
	for i, e := range all {
		count[e.Type]++
		if e.Number != int64(i+1) {
			t.Errorf("event %d has number %d", i+1, e.Number)
		}
	}
	if count[messages.EventTicketUpdated] != 2 || count[messages.EventMessageEdited] != 1 || count[messages.EventMessageSent] != 2 {
		t.Errorf("%v", count)
	}
}

// TestTicketThatLostItsNumber: a node with the release before saved a ticket without what it does not know. The next one
// that loads the ticket numbers it again, and shows that.
func TestTicketThatLostItsNumber(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	k, other := d.open(d.ann, d.support, "Printer"), d.open(d.ann, d.support, "Scanner")
	d.say(d.ann, d.support, k.thread, "one")
	d.awaitTold(k, messages.EventMessageSent, 1)
	d.quiet(k, other)
	lost, said := d.record(k).Number, d.record(k).LastMessageAt
	d.stop()
	func() {
		store, err := sqlite.Open(t.Context(), d.path, sqlite.WithoutSync())
		d.must(err)
		defer func() { d.must(store.Close()) }()
		r, err := store.Ticket(t.Context(), k.id)
		d.must(err)
		r.Number, r.LastMessageAt = 0, time.Time{}
		d.must(store.SaveTicket(t.Context(), r))
	}()
	d.start()
	d.eventually("it has a number again", func() bool {
		d.shown(k.id)
		return d.record(k).Number != 0
	})
	r := d.record(k)
	if r.Number == 0 || r.Number == lost || r.Number == d.record(other).Number || !r.LastMessageAt.Equal(said) {
		t.Fatalf("number %d after %d, last message at %v, not %v", r.Number, lost, r.LastMessageAt, said)
	}
	d.await("its topic has the number", func() bool {
		return slices.ContainsFunc(d.sim.Topics(d.support), func(topic simulator.Topic) bool {
			return topic.Thread == k.thread && topic.Name == d.name(k)
		})
	})
	d.awaitText(d.support, k.thread, d.head(k))
}

// owe writes the pending operations of the previous release into the records of a desk that is stopped.
func (d *desk) owe(k *ticket) {
	d.t.Helper()
	ctx := d.t.Context()
	store, err := sqlite.Open(ctx, d.path, sqlite.WithoutSync())
	d.must(err)
	defer func() { d.must(store.Close()) }()
	now := storage.Kept(d.clock.Now())
	owed := func(kind, id, body string) []storage.Pending {
		raw, err := hex.DecodeString(body)
		d.must(err)
		return []storage.Pending{{ID: id, Kind: kind, Body: raw}}
	}
	ticket, err := store.Ticket(ctx, k.id)
	d.must(err)
	ticket.Pending, ticket.DueAt = owed("operation", "TICK-MX19D520-55D19C75/-1001000000001:9/0", oldAnswer), now
	d.must(store.SaveTicket(ctx, ticket))
	group, err := store.Group(ctx, "g-1001000000001")
	d.must(err)
	group.Pending, group.DueAt = owed("operation", "g-1001000000001/-1001000000001:12", oldStanding), now
	d.must(store.SaveGroup(ctx, group))
	d.must(store.SaveChat(ctx, &storage.Chat{ChatID: "g-1001000000001", DueAt: now,
		Answers: owed("operation", "answer/-1001000000001:13", oldChatAnswer)}))
	user, err := store.User(ctx, d.ann)
	d.must(err)
	user.Pending, user.DueAt = append(owed("operation", "u500000001/3/0/current", oldCurrent),
		owed("tell", "tell/held/u500000001/7/true/TICK-MX19D520-55D19C75", oldTell)...), now
	d.must(store.SaveUser(ctx, user))
}

// owed is how many pending operations are left in the records into which owe wrote.
func (d *desk) owed(k *ticket) int {
	d.t.Helper()
	ctx := d.t.Context()
	ticket, err := d.store.Ticket(ctx, k.id)
	d.must(err)
	group, err := d.store.Group(ctx, "g-1001000000001")
	d.must(err)
	chat, err := d.store.Chat(ctx, "g-1001000000001")
	d.must(err)
	user, err := d.store.User(ctx, d.ann)
	d.must(err)
	return len(ticket.Pending) + len(group.Pending) + len(chat.Answers) + len(user.Pending)
}
