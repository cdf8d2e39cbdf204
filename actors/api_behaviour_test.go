package actors_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
	"github.com/topicdesk/topicdesk/storage"
)

var programs atomic.Int64

// program is an origin as the API makes it: with a key, and with an id for each command.
func program() *messages.Origin {
	return &messages.Origin{CommandId: "api:" + strconv.FormatInt(programs.Add(1), 10), DateMs: time.Now().UnixMilli(),
		Sender: &messages.Sender{Kind: messages.Sender_API_KEY, Name: "CRM", KeyId: "k1"}}
}

// asks asks an entity as the API does, and as programs do again where a busy machine gives no answer in time.
func asks[T proto.Message](d *desk, kind, id string, m proto.Message) T {
	d.t.Helper()
	began := time.Now()
	answer, err := d.system.Ask(d.t.Context(), kind, id, proto.Clone(m))
	for errors.Is(err, actors.ErrNoAnswer) && time.Since(began) < patience {
		answer, err = d.system.Ask(d.t.Context(), kind, id, proto.Clone(m))
	}
	d.must(err)
	t, ok := answer.(T)
	if !ok {
		d.t.Fatalf("%T is answered by %T %v", m, answer, answer)
	}
	return t
}

// does sends a command and wants it to be accepted, or to be refused for the given reason.
func (d *desk) does(k string, m proto.Message, refusal string) *messages.Reply {
	d.t.Helper()
	r := asks[*messages.Reply](d, messages.KindTicket, k, m)
	if refusal == "" && r.Code != messages.Code_OK ||
		refusal != "" && (r.Code != messages.Code_CONFLICT || r.Reason != refusal) {
		d.t.Fatalf("%T: %v, want %q", m, r, refusal)
	}
	return r
}

func (d *desk) shown(id string) *messages.TicketRecord {
	d.t.Helper()
	return asks[*messages.TicketRecord](d, messages.KindTicket, id, &messages.GetTicket{TicketId: id})
}

// opens has a program open a ticket in Support, and waits for its topic.
func (d *desk) opens(title string) *ticket {
	d.t.Helper()
	o := program()
	k := &ticket{id: messages.TicketID(o.CommandId, o.DateMs), chat: d.support}
	d.does(k.id, &messages.OpenTicket{
		Origin: o, TicketId: k.id, GroupId: messages.GroupPlace(d.support), Title: title,
	}, "")
	d.await("a topic", func() bool { k.thread = int(d.shown(k.id).Topic.TelegramTopicId); return k.thread != 0 })
	d.awaitText(d.support, k.thread, title)
	return k
}

func TestTicketsByAPI(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	d.run(t, "looks in Telegram like one made by command, but for its author", func(t *testing.T) {
		byHand, byAPI := d.open(d.ann, d.support, "Printer by hand"), d.opens("Printer by program")
		d.quiet(byHand, byAPI)
		shape := func(k *ticket) (lines []string) {
			for _, m := range d.sim.Messages(k.chat, k.thread) {
				line := m.Text
				if m.Service != nil {
					line = "(" + m.Service.Text + ")"
				}
				for _, x := range []string{d.number(k), "by hand", "by program", "Ann", "CRM"} {
					line = strings.ReplaceAll(line, x, "…")
				}
				lines = append(lines, line)
			}
			return lines
		}
		if a, b := strings.Join(shape(byHand), "\n"), strings.Join(shape(byAPI), "\n"); a != b {
			t.Errorf("by command:\n%s\nby API:\n%s", a, b)
		}
	})
	d.run(t, "a text is taken as it is: no note, and no command", func(t *testing.T) {
		k := d.opens("Literal")
		eng := d.mention(d.ann, k, "bob_eng", d.engineering)
		for _, text := range []string{"// to everybody", "/close_ticket"} {
			d.does(k.id, &messages.SendMessage{Origin: program(), Content: &messages.Content{Text: text}}, "")
			d.awaitText(k.chat, k.thread, text)
			d.awaitText(d.engineering, eng, text)
		}
		d.quiet(k)
		if s := d.record(k).Status; s != "open" {
			t.Errorf("it is %s", s)
		}
		all, err := d.store.EventsAfter(t.Context(), k.id, 0, 100)
		d.must(err)
		for _, e := range all {
			if e.Internal {
				t.Errorf("%s is internal", e.Type)
			}
		}
	})
	d.run(t, "changes rename topics and edit cards, in one write", func(t *testing.T) {
		k := d.opens("Old title")
		d.does(k.id, &messages.UpdateTicket{
			Origin: program(), Title: proto.String("New title"), Description: proto.String("What is new"),
			Priority: proto.String("urgent"), Status: proto.String("pending"), Metadata: []byte(`{"a":1}`),
		}, "")
		d.await("the topic's new name", func() bool {
			return unnumbered(d.topic(k.chat, k.thread).Name) == "New title"
		})
		card := d.awaitText(k.chat, k.thread, "New title")
		if !strings.Contains(card.Text, "What is new") {
			t.Errorf("the card says %q", card.Text)
		}
		r := d.shown(k.id)
		if r.Title != "New title" || r.Status != "pending" || r.Priority != "urgent" || string(r.Metadata) != `{"a":1}` {
			t.Errorf("the ticket is %v", r)
		}
		d.quiet(k)
		d.does(k.id, &messages.UpdateTicket{
			Origin: program(), Expected: d.shown(k.id).Revision, Title: proto.String("Third"),
		}, "")
		d.does(k.id, &messages.UpdateTicket{
			Origin: program(), Expected: r.Revision, Title: proto.String("Fourth"),
		}, messages.ReasonStale)
		d.does(k.id, &messages.UpdateTicket{Origin: program(), Title: proto.String(" \x01\u200b ")}, messages.ReasonNoTitle)
		d.does(k.id, &messages.UpdateTicket{Origin: program(), Status: proto.String("closed")}, "")
		d.awaitText(k.chat, k.thread, "CRM")
		d.await("the topic is closed", func() bool { return d.topic(k.chat, k.thread).Closed })
		d.does(k.id, &messages.UpdateTicket{Origin: program(), Priority: proto.String("low")}, messages.NoticeTicketIsClosed)
		d.does(k.id, &messages.UpdateTicket{
			Origin: program(), Priority: proto.String("low"), Status: proto.String("open"),
		}, "")
		d.await("the topic is open", func() bool { return !d.topic(k.chat, k.thread).Closed })
	})
	d.run(t, "is closed and opened again, by programs and by those who may", func(t *testing.T) {
		k := d.opens("Closing")
		close := &messages.CloseTicket{Origin: program(), Reason: "solved"}
		d.does(k.id, close, "")
		if r := asks[*messages.Reply](d, messages.KindTicket, k.id, close); r.Code != messages.Code_DUPLICATE {
			t.Errorf("the same command again: %v", r)
		}
		d.does(k.id, &messages.CloseTicket{Origin: program()}, messages.NoticeAlreadyClosed)
		d.does(k.id, &messages.SendMessage{
			Origin: program(), Content: &messages.Content{Text: "late"},
		}, messages.NoticeTicketIsClosed)
		d.await("the topic is closed", func() bool { return d.topic(k.chat, k.thread).Closed })
		d.does(k.id, &messages.ReopenTicket{Origin: program()}, "")
		d.does(k.id, &messages.ReopenTicket{Origin: program()}, messages.NoticeAlreadyOpen)
		d.await("the topic is open", func() bool { return !d.topic(k.chat, k.thread).Closed })
		asked := d.say(d.eve, k.chat, k.thread, "/close_ticket")
		d.awaitAnswer(asked, "You may not use")
		if s := d.shown(k.id).Status; s != "open" {
			t.Errorf("a member closed it: %s", s)
		}
		d.say(d.ann, k.chat, k.thread, "/close_ticket")
		d.await("an administrator closes it", func() bool { return d.topic(k.chat, k.thread).Closed })
	})
	d.run(t, "a mention opens a topic, or is refused as the command is", func(t *testing.T) {
		k := d.opens("Mentions")
		r := d.does(k.id, &messages.Mention{Origin: program(), Username: "bob_eng"}, "")
		if r.LinkId != k.id+":1" {
			t.Errorf("the link is %q", r.LinkId)
		}
		d.does(k.id, &messages.Mention{Origin: program(), UserId: d.bob}, messages.NoticeMentionAlready)
		d.does(k.id, &messages.Mention{Origin: program(), Username: "nobody"}, messages.NoticeMentionUnknown)
		there := d.topicNamed(d.engineering, "Mentions")
		d.awaitText(d.engineering, there.Thread, "Mentions")
		d.quiet(k)
		d.does(k.id, &messages.UnlinkTopic{Origin: program(), LinkId: r.LinkId}, "")
		d.awaitText(d.engineering, there.Thread, "CRM")
		d.does(k.id, &messages.UnlinkTopic{Origin: program(), LinkId: r.LinkId}, messages.NoticeUnlinkNone)
	})
	d.run(t, "a message goes into every topic, with its author's name and what it answers", func(t *testing.T) {
		k := d.opens("Words")
		d.does(k.id, &messages.Mention{Origin: program(), Username: "bob_eng"}, "")
		there := d.topicNamed(d.engineering, "Words")
		d.awaitText(d.engineering, there.Thread, "Words")
		asked := d.say(d.ann, k.chat, k.thread, "Is anybody there?")
		d.awaitText(d.engineering, there.Thread, "Is anybody there?")
		o := program()
		o.Sender.Name = "Customer Nok"
		sent := d.does(k.id, &messages.SendMessage{Origin: o, Content: &messages.Content{Text: "I am"},
			ReplyTo: strconv.FormatInt(asked.Chat, 10) + ":" + strconv.Itoa(asked.ID)}, "")
		home, linked := d.awaitText(k.chat, k.thread, "I am"), d.awaitText(d.engineering, there.Thread, "I am")
		if home.Text != "Customer Nok\nI am" || home.ReplyTo != asked.ID {
			t.Errorf("home shows %q in reply to %d", home.Text, home.ReplyTo)
		}
		theirs, _ := d.find(d.engineering, there.Thread, "Is anybody there?")
		if linked.Text != "Customer Nok\nI am" || linked.ReplyTo != theirs.ID {
			t.Errorf("the linked topic shows %q in reply to %d, want %d", linked.Text, linked.ReplyTo, theirs.ID)
		}
		// A program replies to a program, and a person replies to the copy of the program's message.
		d.does(k.id, &messages.SendMessage{
			Origin: program(), Content: &messages.Content{Text: "And so am I"}, ReplyTo: sent.MessageId,
		}, "")
		if m := d.awaitText(d.engineering, there.Thread, "And so am I"); m.ReplyTo != linked.ID {
			t.Errorf("the program's answer replies to %d, want %d", m.ReplyTo, linked.ID)
		}
		d.reply(d.bob, d.engineering, linked, "Good")
		if m := d.awaitText(k.chat, k.thread, "Good"); m.ReplyTo != home.ID {
			t.Errorf("the person's answer replies to %d, want %d", m.ReplyTo, home.ID)
		}
		d.does(k.id, &messages.SendMessage{
			Origin: program(), Content: &messages.Content{Text: "?"}, ReplyTo: "1:2",
		}, messages.ReasonNoSuchMessage)
		again := &messages.SendMessage{Origin: o, Content: &messages.Content{Text: "I am"}}
		if r := asks[*messages.Reply](d, messages.KindTicket, k.id, again); r.Code != messages.Code_DUPLICATE ||
			r.MessageId != sent.MessageId {
			t.Errorf("the same again: %v", r)
		}
		d.quiet(k)
		list := asks[*messages.MessageRecords](d, messages.KindQuery, "", &messages.ListMessageRecords{
			TicketId: k.id, Limit: 10,
		})
		if n := len(list.Messages); n != 4 {
			t.Fatalf("%d messages", n)
		}
		for i, m := range list.Messages {
			want := 2
			if i == 0 || i == 3 {
				want = 1 // written in Telegram: it is copied to the other topic only
			}
			if len(m.Deliveries) != want {
				t.Errorf("message %d has deliveries %v", i, m.Deliveries)
			}
			for _, x := range m.Deliveries {
				if x.State != "sent" || len(x.TelegramMessageIds) != 1 {
					t.Errorf("message %d: %v", i, x)
				}
			}
		}
		links := asks[*messages.LinkRecords](d, messages.KindQuery, "", &messages.ListLinkRecords{TicketId: k.id})
		if len(links.Links) != 1 || links.Links[0].State != "active" {
			t.Errorf("links: %v", links)
		}
	})
	d.run(t, "a message that can't be delivered is readable as such, and told to nobody else", func(t *testing.T) {
		k := d.opens("Undeliverable")
		d.inject(simulator.Fault{
			Method: "sendMessage", Chat: d.support, Thread: k.thread, Kind: simulator.Fault400,
			Description: "Bad Request: no reason at all",
		})
		sent := d.does(k.id, &messages.SendMessage{Origin: program(), Content: &messages.Content{Text: "lost"}}, "")
		d.eventually("the failure", func() bool {
			m := asks[*messages.MessageRecords](d, messages.KindQuery, "", &messages.ListMessageRecords{
				TicketId: k.id, MessageId: sent.MessageId,
			}).Messages[0]
			return len(m.Deliveries) == 1 && m.Deliveries[0].State == "failed" &&
				strings.Contains(m.Deliveries[0].Reason, "no reason at all")
		})
		d.quiet(k)
	})
	d.run(t, "an external id belongs to one ticket of a key", func(t *testing.T) {
		open := func(key string) *messages.Reply {
			o := program()
			o.Sender.KeyId = key
			id := messages.TicketID(o.CommandId, o.DateMs)
			return asks[*messages.Reply](d, messages.KindTicket, id, &messages.OpenTicket{
				Origin: o, TicketId: id, GroupId: messages.GroupPlace(d.support), Title: "External",
				ExternalId: "crm-1",
			})
		}
		if r := open("k1"); r.Code != messages.Code_OK {
			t.Error(r)
		}
		if r := open("k1"); r.Code != messages.Code_CONFLICT || r.Reason != messages.ReasonExternalIDTaken {
			t.Error(r)
		}
		if r := open("k2"); r.Code != messages.Code_OK {
			t.Error(r)
		}
	})
}

// countingStore counts the reads of tickets.
type countingStore struct {
	storage.Store
	tickets, groups *atomic.Int64
}

func (s countingStore) Ticket(ctx context.Context, id string) (*storage.Ticket, error) {
	s.tickets.Add(1)
	return s.Store.Ticket(ctx, id)
}

func (s countingStore) Group(ctx context.Context, id string) (*storage.Group, error) {
	s.groups.Add(1)
	return s.Store.Group(ctx, id)
}

func TestReadingATicket(t *testing.T) {
	t.Parallel()
	var tickets, groups atomic.Int64
	d := ready(t, options{wrapStore: func(s storage.Store) storage.Store { return countingStore{s, &tickets, &groups} }})
	k := d.opens("Read me")
	d.quiet(k)
	d.run(t, "one that is in memory is answered without touching storage", func(t *testing.T) {
		before := d.shown(k.id)
		was := tickets.Load() + groups.Load()
		for range 100 {
			d.shown(k.id)
		}
		if n := tickets.Load() + groups.Load() - was; n != 0 {
			t.Errorf("storage was asked %d times", n)
		}
		if now := d.shown(k.id); !proto.Equal(now, before) {
			t.Errorf("%v is not %v", now, before)
		}
	})
	// If anything is pending, the start brings the ticket into memory.
	d.eventually("nothing is pending", func() bool { return resting(d.record(k)) })
	d.restart()
	d.run(t, "one that is not is read, says the same, and is not brought into memory", func(t *testing.T) {
		was := tickets.Load()
		first := d.shown(k.id)
		second := d.shown(k.id)
		if n := tickets.Load() - was; n != 2 {
			t.Errorf("storage was asked %d times", n)
		}
		if first.Code != messages.Code_OK || !proto.Equal(first, second) {
			t.Errorf("%v and %v", first, second)
		}
		_, err := d.store.Lease(t.Context(), "ticket/TICK-NONE")
		none := &messages.GetTicket{TicketId: "TICK-NONE"}
		if r := asks[*messages.TicketRecord](d, messages.KindTicket, none.TicketId, none); r.Code != messages.Code_NOT_FOUND {
			t.Errorf("no such ticket: %v", r)
		}
		if err == nil {
			t.Error("a ticket that is not there has a lease")
		}
	})
}

// What a program wrote has no group of its own, so only the ticket's home group says who may delete it.
func TestDeleteWhatAProgramWrote(t *testing.T) {
	t.Parallel()
	d, k, eng := linked(t, options{})
	d.does(k.id, &messages.SendMessage{Origin: program(), Content: &messages.Content{Text: "from the CRM"}}, "")
	home, there := d.awaitText(d.support, k.thread, "from the CRM"), d.awaitText(d.engineering, eng, "from the CRM")
	d.quiet(k)
	d.mayDelete(d.support)
	d.awaitAnswer(d.reply(d.carl, d.support, home, "/delete"), "Only whoever wrote")
	d.reply(d.ann, d.support, home, "/delete")
	d.awaitDeleted(home)
	d.awaitDeleted(there)
	for _, c := range d.sim.Calls() {
		if c.Method == "getChatAdministrators" && c.Chat != d.support && c.Chat != d.engineering && c.Chat != d.sales {
			t.Errorf("asked who administers chat %d: %+v", c.Chat, c)
		}
	}
}
