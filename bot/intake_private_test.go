package bot

import (
	"fmt"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
)

// pressedAlone is a button pressed in Ann's private chat, under a message that answers what fields say.
func pressedAlone(data, fields string) string {
	return `{"update_id":9,"callback_query":{"id":"cb9","from":{"id":5,"first_name":"Ann"},"data":"` + data + `",
		"message":{"message_id":60,"date":1,"chat":{"id":5,"type":"private","first_name":"Ann"}` + fields + `}}}`
}

const answering = `,"reply_to_message":{"message_id":55,"date":1763900000,"from":{"id":5,"first_name":"Ann"},"chat":{"id":5,"type":"private","first_name":"Ann"},"text":"It is back"}`

func TestIntakePrivateButtons(t *testing.T) {
	o := pressedHere(func(o *messages.Origin) { o.Place, o.ChatId, o.ThreadId = "u5", 5, 0 })
	toPerson := func(m proto.Message) []sent { return []sent{{"user/5", m}} }
	for data, want := range map[string]proto.Message{
		"pick:" + aTicket + ":g7": &messages.ChooseGroup{Origin: o, TicketId: aTicket, GroupId: "g7"},
		"ppage:" + aTicket + ":1": &messages.ShowGroupPage{Origin: o, TicketId: aTicket, Page: 1},
		"pdrop:" + aTicket:        &messages.DropDraft{Origin: o, TicketId: aTicket},
		"talk:" + aTicket:         &messages.TalkOn{Origin: o, TicketId: aTicket},
	} {
		t.Run(data, func(t *testing.T) {
			d := newFake()
			handle(t, testIntake(d), pressedAlone(data, ""))
			check(t, toPerson(want), d.take())
		})
		t.Run("in a group: "+data, func(t *testing.T) {
			d := newFake()
			handle(t, testIntake(d), pressed(data))
			check(t, staleAnswer(pressedHere()), d.take())
		})
	}
	for _, data := range []string{"pick:x:g7", "ppage:" + aTicket + ":-1", "ppage:" + aTicket, "talk:", "new:" + aTicket} {
		t.Run("foreign: "+data, func(t *testing.T) {
			d := newFake()
			handle(t, testIntake(d), pressedAlone(data, ""))
			check(t, staleAnswer(o), d.take())
		})
	}
	t.Run("a group that may not", func(t *testing.T) {
		d := newFake()
		d.groups["g-1666"] = &messages.GroupView{Code: messages.Code_OK, Facts: &messages.GroupFacts{ChatId: -1666}}
		handle(t, testIntake(d), pressedAlone("pick:"+aTicket+":g-1666", ""))
		got := d.take()
		if len(got) != 1 || got[0].To != "chat/u5" {
			t.Errorf("sent %v", got)
		}
	})
	said := &messages.Origin{CommandId: "5:55", Place: "u5", ChatId: 5, MessageId: 55, From: o.From, Sender: o.Sender, DateMs: someDate, Lang: "en", ReceivedMs: o.ReceivedMs}
	record := sent{"ticket/" + aTicket, &messages.RecordMessage{Origin: said, Content: &messages.Content{Text: "It is back"}}}
	talk := toPerson(&messages.TalkOn{Origin: o, TicketId: aTicket, Quiet: true})
	changed := proto.CloneOf(o)
	changed.CommandId += ":became"
	became := sent{"chat/u5", &messages.Answer{Origin: changed, Operation: &messages.Operation{
		Place: "u5", Priority: messages.Operation_ANSWER, Lang: "en", ReceivedMs: o.ReceivedMs,
		Call: &messages.Operation_EditNotice{EditNotice: &messages.EditNoticeCall{MessageId: 60, Notice: &messages.SendNoticeCall{
			Key: messages.NoticePrivateSent, Args: map[string]string{"ticket": "#42 Printer"}}}},
	}}}
	ends := proto.CloneOf(became.Message.(*messages.Answer))
	ends.Origin.CommandId += ":ends:55"
	ends.EndsQuestion, ends.Ends, ends.Operation = 55, ends.Operation, nil // an older program has nothing to carry out
	ended := sent{"chat/u5", ends}
	t.Run("the answered message is passed on", func(t *testing.T) {
		d := newFake()
		handle(t, testIntake(d), pressedAlone("say:"+aTicket, answering))
		check(t, append(talk, record, became, ended), d.take())
	})
	t.Run("to a closed ticket, once it is open again", func(t *testing.T) {
		d := newFake()
		closed := true
		d.reply = func(_ string, m proto.Message) (*messages.Reply, error) {
			switch m.(type) {
			case *messages.ReopenTicket:
				closed = false
			case *messages.RecordMessage:
				if closed {
					return &messages.Reply{Code: messages.Code_CONFLICT, Reason: messages.ReasonClosed}, nil
				}
			}
			return nil, nil
		}
		handle(t, testIntake(d), pressedAlone("say:"+aTicket, answering))
		reopen := proto.CloneOf(said)
		reopen.CommandId += ":reopen"
		check(t, append(talk, sent{"ticket/" + aTicket, &messages.ReopenTicket{Origin: reopen}}, record, became, ended), d.take())
	})
	t.Run("one that Telegram shows no more is asked for", func(t *testing.T) {
		d := newFake()
		handle(t, testIntake(d), pressedAlone("say:"+aTicket, ""))
		if got := d.take(); len(got) != 2 || got[1].Message.(*messages.Answer).Operation.GetEditNotice().GetNotice().GetKey() != messages.NoticePrivateSayAgain {
			t.Errorf("sent %v", got)
		}
	})
	t.Run("a new ticket of one that Telegram shows no more: neither is it dropped", func(t *testing.T) {
		d := newFake()
		handle(t, testIntake(d), pressedAlone("new", ""))
		got := d.take()
		if len(got) != 2 || got[1].Message.(*messages.Answer).Operation.GetEditNotice().GetNotice().GetKey() != messages.NoticePrivateNewAgain {
			t.Errorf("sent %v", got)
		}
	})
	t.Run("a ticket of somebody else", func(t *testing.T) {
		d := newFake()
		d.reply = func(to string, _ proto.Message) (*messages.Reply, error) {
			if to == "user/5" {
				return &messages.Reply{Code: messages.Code_CONFLICT}, nil
			}
			return nil, nil
		}
		handle(t, testIntake(d), pressedAlone("say:"+aTicket, answering))
		check(t, staleAnswer(o), d.take())
	})
}

// A late part of an album whose ticket is not there any more is an ordinary message.
func TestIntakeOfAPartWithoutItsTicket(t *testing.T) {
	d := newFake()
	d.found = &messages.ShelfFound{Code: messages.Code_OK, TicketId: otherTicket}
	d.reply = func(_ string, m proto.Message) (*messages.Reply, error) {
		if _, is := m.(*messages.Enclose); is {
			return &messages.Reply{Code: messages.Code_NOT_FOUND}, nil
		}
		return nil, nil
	}
	handle(t, testIntake(d), alone(`"media_group_id":"7","photo":[{"file_id":"p"}]`))
	got := d.take()
	if len(got) != 1 || got[0].Message.(*messages.Answer).Operation.GetSendNotice().GetKey() != messages.NoticePrivateNone {
		t.Errorf("sent %v", got)
	}
}

// alone is a message of Ann's in the topic 42 of her private chat.
func alone(fields string) string {
	return topicMessage(`"chat":{"id":5,"type":"private","first_name":"Ann"},` + fields)
}

func TestIntakePrivateTopics(t *testing.T) {
	key := func(d *fakeDesk) (keys []string) {
		for _, s := range d.take() {
			switch m := s.Message.(type) {
			case *messages.RecordMessage:
				keys = append(keys, s.To, fmt.Sprint(m.Origin.ThreadId))
			case *messages.Answer:
				keys = append(keys, m.Operation.GetSendNotice().GetKey(), fmt.Sprint(m.Operation.ThreadId))
			default:
				keys = append(keys, fmt.Sprintf("%T", m))
			}
		}
		return keys
	}
	for _, c := range []struct {
		name   string
		topics map[string]string
		said   string // ticket of the message that is answered
		fields string
		want   []string
	}{
		{"the topic's ticket", map[string]string{"u5/42": aTicket, "u5/0": otherTicket}, "", `"text":"hi"`,
			[]string{"ticket/" + aTicket, "42"}},
		{"also in reply to a message of another", map[string]string{"u5/42": aTicket}, otherTicket,
			`"text":"hi","reply_to_message":{"message_id":40,"text":"x"}`, []string{"ticket/" + aTicket, "42"}},
		{"a topic of the person's own: the current ticket", map[string]string{"u5/0": otherTicket}, "", `"text":"hi"`,
			[]string{"ticket/" + otherTicket, "42"}},
		{"a topic of the person's own: a reply", map[string]string{"u5/0": otherTicket}, aTicket,
			`"text":"hi","reply_to_message":{"message_id":40,"text":"x"}`, []string{"ticket/" + aTicket, "42"}},
		{"a topic of the person's own, without a ticket: asked there", nil, "", `"text":"hi"`,
			[]string{messages.NoticePrivateNone, "42"}},
		{"renamed by hand", map[string]string{"u5/42": aTicket}, "", `"forum_topic_edited":{"name":"x"}`, nil},
		{"closed by hand, should that ever be", map[string]string{"u5/42": aTicket}, "", `"forum_topic_closed":{}`, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newFake()
			d.topics, d.said = c.topics, map[string]string{"5/40": c.said}
			handle(t, testIntake(d), alone(c.fields))
			if got := key(d); !slices.Equal(got, c.want) {
				t.Errorf("sent %q, want %q", got, c.want)
			}
		})
	}
}

func TestTicketNamedInAText(t *testing.T) {
	const strangeTicket = "TICK-MIBOIMM8-00000001"
	d := newFake()
	d.linked = map[string]string{aTicket: "u5", otherTicket: "u5", strangeTicket: "u6"}
	for text, want := range map[string]string{
		"🎫 #42\nPrinter":                          aTicket,
		"Ann #7 reopened your ticket #42 Lamp #2": aTicket,
		"#0 #042 #43":                             "",
		"🎫 " + aTicket + "\nPrinter":              aTicket,
		"Ticket " + otherTicket + ", " + aTicket:  "",
		"Shop " + strangeTicket + ": " + aTicket:  aTicket,
		"#42, #042 " + aTicket:                    aTicket,
		"tick-mibo":                               "",
		"":                                        "",
	} {
		h := &handling{Intake: testIntake(d), ctx: t.Context(), origin: &messages.Origin{Place: "u5"}}
		if got, err := h.ticketNamedIn(text); got != want || err != nil {
			t.Errorf("in %q: %q and %v, want %q", text, got, err, want)
		}
	}
}
