package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/topicdesk/topicdesk/messages"
)

// sent is one message that intake sent to an entity.
type sent struct {
	To      string // kind/identity
	Message proto.Message
}

// fakeDesk replaces the actors: it knows what the test sets, answers OK to every command, and keeps them in
// order.
type fakeDesk struct {
	mu     sync.Mutex
	places map[int64]string
	topics map[string]string // "place/thread" → ticket
	said   map[string]string // "chat/message" → ticket
	// described has the tickets that have words of a message in their description, by "chat/message".
	described map[string][]string
	hidden    map[string]bool // "chat/message": its words stay in its topic
	shorts    map[string][]string
	numbers   map[int64][]string
	groups    map[string]*messages.GroupView
	users     map[int64]*messages.UserView
	tickets   []*messages.TicketView

	// reply may return another reply, or an error; nil means OK.
	reply func(to string, m proto.Message) (*messages.Reply, error)
	// queryCode is the code of replies to queries, if it is set.
	queryCode messages.Code

	// found replies to questions about shelves; nil: nothing is on them.
	found *messages.ShelfFound

	// question replies to questions about questions for a title.
	question *messages.QuestionFound

	// word replies to questions about the desk's last word.
	word   *messages.WordFound
	linked map[string]string // ticket → the place that it is linked to

	commands []sent
	shelved  []sent
	told     []sent
	queries  int
}

func (d *fakeDesk) Ask(ctx context.Context, kind, identity string, m proto.Message) (proto.Message, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if kind == messages.KindQuery {
		d.queries++
		return d.query(m), nil
	}
	to := kind + "/" + identity
	if d.reply != nil {
		if r, err := d.reply(to, m); err != nil || r != nil {
			if err != nil {
				return nil, err
			}
			if r.Code != messages.Code_OK && r.Code != messages.Code_DUPLICATE {
				return r, nil
			}
		}
	}
	switch m.(type) {
	case *messages.Shelve, *messages.TakeShelved:
		d.shelved = append(d.shelved, sent{to, m})
		if d.found == nil {
			return &messages.ShelfFound{Code: messages.Code_OK}, nil
		}
		return d.found, nil
	}
	switch m.(type) {
	case *messages.FindQuestion:
		return d.question, nil
	}
	d.commands = append(d.commands, sent{to, m})
	return &messages.Reply{Code: messages.Code_OK}, nil
}

func (d *fakeDesk) query(m proto.Message) proto.Message {
	code := d.queryCode
	if code == messages.Code_CODE_UNSPECIFIED {
		code = messages.Code_OK
	}
	switch q := m.(type) {
	case *messages.FindPlace:
		return &messages.PlaceFound{Code: code, Place: d.places[q.ChatId]}
	case *messages.FindMessage:
		if described := d.described[topic(strconv.FormatInt(q.ChatId, 10), q.MessageId)]; q.Described && described != nil {
			return &messages.MessageFound{Code: messages.Code_NOT_FOUND, Described: described}
		}
		if d.hidden[topic(strconv.FormatInt(q.ChatId, 10), q.MessageId)] {
			return &messages.MessageFound{Code: code, TicketId: otherTicket, Hidden: true}
		}
		if ticket := d.said[topic(strconv.FormatInt(q.ChatId, 10), q.MessageId)]; ticket != "" {
			return &messages.MessageFound{Code: code, TicketId: ticket, MessageId: messages.MessageKey(q.ChatId, q.MessageId)}
		}
		return &messages.MessageFound{Code: messages.Code_NOT_FOUND}
	case *messages.FindTopic:
		return &messages.TopicFound{Code: code, TicketId: d.topics[topic(q.Place, q.ThreadId)]}
	case *messages.FindShortID:
		return &messages.TicketIDs{Code: code, TicketIds: d.shorts[q.ShortId]}
	case *messages.FindNumber:
		return &messages.TicketIDs{Code: code, TicketIds: d.numbers[q.Number]}
	case *messages.FindWord:
		return d.word
	case *messages.ListLinkRecords:
		link := &messages.LinkRecord{State: "active", Topic: &messages.TopicRecord{GroupId: d.linked[q.TicketId]}}
		return &messages.LinkRecords{Code: code, Links: []*messages.LinkRecord{link}}
	case *messages.GetTicket:
		return &messages.TicketRecord{Code: code, TicketId: q.TicketId, Number: 42, Title: "Printer"}
	case *messages.GetGroup:
		if g := d.groups[q.GroupId]; g != nil {
			if q.IsForum && g.Standing == messages.Standing_NO_TOPICS {
				g.Standing = messages.Standing_READY // the desk takes it that topics were switched on
			}
			return g
		}
		return &messages.GroupView{Code: messages.Code_NOT_FOUND}
	case *messages.GetUser:
		if u := d.users[q.UserId]; u != nil {
			return u
		}
		return &messages.UserView{Code: messages.Code_NOT_FOUND}
	case *messages.ListOpenTickets:
		return &messages.TicketList{Code: code, Tickets: d.tickets, Count: int64(len(d.tickets))}
	case *messages.ListTickets:
		return &messages.TicketList{Code: code, Tickets: d.tickets}
	}
	return nil
}

func (d *fakeDesk) Tell(kind, identity string, m proto.Message) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.told = append(d.told, sent{kind + "/" + identity, m})
}

func (d *fakeDesk) take() []sent {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := d.commands
	d.commands = nil
	return c
}

func topic(place string, thread int64) string { return fmt.Sprint(place, "/", thread) }

const (
	aTicket     = "TICK-MIBOIMM8-C91C2F9D"
	otherTicket = "TICK-MIBOIMM9-0000000A"
	someDate    = int64(1763900000000)
	// askTitle is the text of NoticeAskTitle in the test's catalogue.
	askTitle = "What is the ticket about?"
)

var clock = time.UnixMilli(1763900000500)

// newFake has one registered group -1001 (place g7) with the ticket's topic 42.
func newFake() *fakeDesk {
	return &fakeDesk{
		places: map[int64]string{-1001: "g7"},
		topics: map[string]string{topic("g7", 42): aTicket},
		shorts: map[string][]string{"C91C2F9D": {aTicket}}, numbers: map[int64][]string{42: {aTicket}},
		groups: map[string]*messages.GroupView{"g7": {Code: messages.Code_OK, GroupId: "g7", Registered: true, Standing: messages.Standing_READY}},
		users:  map[int64]*messages.UserView{},

		question: &messages.QuestionFound{Code: messages.Code_NOT_FOUND},
		word:     &messages.WordFound{Code: messages.Code_NOT_FOUND},
	}
}

func testIntake(d Desk) *Intake {
	return NewIntake(d, IntakeOptions{
		Bot: BotIdentity{ID: 999, Username: ourBot}, Now: func() time.Time { return clock }, Log: slog.New(slog.DiscardHandler),
		IsAskTitle: func(text string) bool { return text == askTitle }, Metrics: prometheus.NewRegistry(),
		Allowed: func(id int64) bool { return id != -1666 },
	})
}

// private is a message from Ann to the bot in their private chat.
const private = `{"update_id":7,"message":{"message_id":50,"date":1763900000,"chat":{"id":5,"type":"private","first_name":"Ann"},"from":{"id":5,"first_name":"Ann"},`

var ann = &messages.Person{Id: 5, FirstName: "Ann"}

// annHere is the origin of topicMessage.
func annHere(change ...func(*messages.Origin)) *messages.Origin {
	o := &messages.Origin{
		CommandId: "-1001:50", Place: "g7", ChatId: -1001, ThreadId: 42, MessageId: 50, From: ann, Sender: &messages.Sender{Id: 5, Name: "Ann"},
		DateMs: someDate, Lang: "en", ReceivedMs: clock.UnixMilli(),
	}
	for _, c := range change {
		c(o)
	}
	return o
}

func privately(o *messages.Origin) { o.CommandId, o.Place, o.ChatId, o.ThreadId = "5:50", "u5", 5, 0 }

func inThread(thread int64) func(*messages.Origin) {
	return func(o *messages.Origin) { o.ThreadId = thread }
}

// notice is the answer that a command gets from intake itself.
func notice(o *messages.Origin, key string, change ...func(*messages.Operation)) sent {
	op := &messages.Operation{
		Place: o.Place, ThreadId: o.ThreadId, Priority: messages.Operation_ANSWER, Lang: o.Lang, ReceivedMs: o.ReceivedMs,
		Call: &messages.Operation_SendNotice{SendNotice: &messages.SendNoticeCall{Key: key, Args: map[string]string{}, ReplyTo: o.MessageId}},
	}
	for _, c := range change {
		c(op)
	}
	return sent{"chat/" + o.Place, &messages.Answer{Origin: o, Operation: op}}
}

func with(kv ...string) func(*messages.Operation) {
	return func(op *messages.Operation) {
		for i := 0; i+1 < len(kv); i += 2 {
			op.GetSendNotice().Args[kv[i]] = kv[i+1]
		}
	}
}

func check(t *testing.T, want, got []sent) {
	t.Helper()
	unsourced := []cmp.Option{protocmp.Transform()} // TestIntakeSources is about that
	for _, m := range []proto.Message{&messages.OpenTicket{}, &messages.DraftTicket{}, &messages.CorrectDraft{}, &messages.RecordMessage{}} {
		unsourced = append(unsourced, protocmp.IgnoreFields(m, "sources"))
	}
	if d := cmp.Diff(want, got, unsourced...); d != "" {
		t.Errorf("commands (-want +got):\n%s", d)
	}
}

func handle(t *testing.T, in *Intake, raw string) {
	t.Helper()
	if err := in.Handle(t.Context(), []byte(raw)); err != nil {
		t.Fatal(err)
	}
}

var errFake = errors.New("fake desk is down")

// failing makes commands to an entity fail as long as *on.
func failing(to string, on *atomic.Bool) func(string, proto.Message) (*messages.Reply, error) {
	return func(target string, _ proto.Message) (*messages.Reply, error) {
		if on.Load() && strings.HasPrefix(target, to) {
			return nil, errFake
		}
		return nil, nil
	}
}
