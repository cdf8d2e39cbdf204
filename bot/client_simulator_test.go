package bot

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
)

// desk is a simulator with a forum group, and a client of it.
type desk struct {
	t           testing.TB
	sim         *simulator.Server
	c           *Client
	chat        int64
	ann, admin  int64
	annQuestion int // a message of Ann's
	thread      int64
}

func newDesk(t testing.TB) *desk {
	t.Helper()
	sim, err := simulator.New(simulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim)
	d := &desk{t: t, sim: sim, c: newTestClient(t, server.URL, sim.Token())}
	t.Cleanup(func() { _ = sim.Close(); server.Close() })
	ann, err := sim.AddPerson(simulator.Person{FirstName: "Ann"})
	d.must(err)
	admin, err := sim.AddPerson(simulator.Person{FirstName: "Ada"})
	d.must(err)
	group, err := sim.AddGroup(simulator.Group{Title: "Desk", Forum: true,
		Bot: simulator.BotRights{Status: simulator.Administrator, CanManageTopics: true, CanPinMessages: true}})
	d.must(err)
	d.ann, d.admin, d.chat = ann.ID, admin.ID, group.ID
	d.must(sim.SetMember(d.chat, d.ann, simulator.Member))
	d.must(sim.SetMember(d.chat, d.admin, simulator.Administrator))
	out := d.call(0, &messages.Operation{Call: &messages.Operation_CreateTopic{CreateTopic: &messages.CreateTopicCall{Name: "Printer · 1A2B3C4D"}}})
	d.thread = out.ThreadId
	question, err := sim.Post(simulator.Post{From: d.ann, Chat: d.chat, Thread: int(d.thread), Text: "is it plugged in?"})
	d.must(err)
	d.annQuestion = question.ID
	return d
}

func (d *desk) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

// call makes a call that must succeed.
func (d *desk) call(thread int64, op *messages.Operation) *messages.Outcome {
	d.t.Helper()
	op.ThreadId = thread
	out := d.c.Call(d.t.Context(), d.chat, "en", op)
	if out.Result != messages.Outcome_DONE || out.ChatId != d.chat {
		d.t.Fatalf("%T: %v", op.Call, out)
	}
	return out
}

// fail makes a call that must fail in a certain way.
func (d *desk) fail(want messages.Outcome_Result, thread int64, op *messages.Operation) {
	d.t.Helper()
	op.ThreadId = thread
	if out := d.c.Call(d.t.Context(), d.chat, "en", op); out.Result != want {
		d.t.Errorf("%T: %v, want %v", op.Call, out, want)
	}
}

func (d *desk) message(id int64) simulator.Message {
	d.t.Helper()
	m, ok := d.sim.Message(d.chat, int(id))
	if !ok {
		d.t.Fatalf("no message %d", id)
	}
	return m
}

func (d *desk) topic() simulator.Topic {
	for _, topic := range d.sim.Topics(d.chat) {
		if int64(topic.Thread) == d.thread {
			return topic
		}
	}
	return simulator.Topic{}
}

// Operations of each kind. Each call gets a new one, since a call fills it in.
func copyOf(text string) *messages.Operation {
	return &messages.Operation{Call: &messages.Operation_SendCopy{SendCopy: &messages.SendCopyCall{SenderName: "Bob", Content: &messages.Content{Text: text}}}}
}

func closeOp() *messages.Operation {
	return &messages.Operation{Call: &messages.Operation_CloseTopic{CloseTopic: &messages.CloseTopicCall{}}}
}

func reopenOp() *messages.Operation {
	return &messages.Operation{Call: &messages.Operation_ReopenTopic{ReopenTopic: &messages.ReopenTopicCall{}}}
}

func renameOp(name string) *messages.Operation {
	return &messages.Operation{Call: &messages.Operation_RenameTopic{RenameTopic: &messages.RenameTopicCall{Name: name}}}
}

func pinOp(id int64) *messages.Operation {
	return &messages.Operation{Call: &messages.Operation_Pin{Pin: &messages.PinCall{MessageId: id}}}
}

func reactOp(id int64, emoji string) *messages.Operation {
	return &messages.Operation{Call: &messages.Operation_React{React: &messages.ReactCall{MessageId: id, Emoji: emoji}}}
}

func cardOp(status string) *messages.Operation {
	return &messages.Operation{Call: &messages.Operation_SendCard{SendCard: &messages.SendCardCall{Ticket: ticketView(status, "It burns."), AskedBy: "Ann"}}}
}

func TestOperationsInTheSimulator(t *testing.T) {
	d := newDesk(t)
	if got := d.topic(); got.Name != "Printer · 1A2B3C4D" {
		t.Fatalf("%+v", got)
	}

	t.Run("copy", func(t *testing.T) {
		op := copyOf("yes 😀 it is")
		c := op.GetSendCopy()
		c.ReplyTo, c.Quote, c.ReplyPreview = int64(d.annQuestion), "plugged in", "other"
		c.Content.Entities = []*messages.Entity{
			{Type: "bold", Offset: 4, Length: 2}, {Type: "date_time", Offset: 0, Length: 3, UnixTime: 1700000000, DateTimeFormat: "d"},
			{Type: "text_mention", Offset: 7, Length: 2, UserId: d.ann, UserName: "Ann"}, {Type: "bold", Offset: -3, Length: 900}, {Type: "mention", Offset: 0, Length: 3}}
		out := d.call(d.thread, op)
		if out.ThreadId != d.thread {
			t.Errorf("%v", out)
		}
		m := d.message(out.MessageId)
		if m.Text != "Bob\nother\nyes 😀 it is" || m.ReplyTo != d.annQuestion || m.Quote == nil ||
			m.Quote.Text != "plugged in" || int64(m.Thread) != d.thread {
			t.Errorf("%+v", m)
		}
		if !slices.ContainsFunc(m.Entities, func(e simulator.Entity) bool { return e.Type == "date_time" && e.UnixTime == 1700000000 }) {
			t.Errorf("%+v", m.Entities)
		}
	})
	t.Run("a quote that is not in the message", func(t *testing.T) {
		op := copyOf("hm")
		op.GetSendCopy().ReplyTo, op.GetSendCopy().Quote = int64(d.annQuestion), "never said"
		m := d.message(d.call(d.thread, op).MessageId)
		if m.ReplyTo != d.annQuestion || m.Quote != nil {
			t.Errorf("%+v", m)
		}
	})
	t.Run("a reply to nothing", func(t *testing.T) {
		op := copyOf("hm")
		op.GetSendCopy().ReplyTo = 999999
		if m := d.message(d.call(d.thread, op).MessageId); m.Text != "Bob\nhm" {
			t.Errorf("%+v", m)
		}
	})
	t.Run("long text in parts", func(t *testing.T) {
		op := copyOf(strings.Repeat("👍🏽 word ", 900))
		for i := range d.c.Parts(op) {
			op.GetSendCopy().Part = int32(i)
			d.call(d.thread, op)
		}
	})
	t.Run("card, edited, pinned", func(t *testing.T) {
		id := d.call(d.thread, cardOp("open")).MessageId
		if m := d.message(id); len(m.Buttons) != 2 || !strings.Contains(m.Text, "Printer is on fire") {
			t.Errorf("%+v", m)
		}
		edit := &messages.Operation{Call: &messages.Operation_EditCard{EditCard: &messages.EditCardCall{MessageId: id, Ticket: ticketView("closed", "")}}}
		for range 2 { // the second time nothing is new
			if out := d.call(d.thread, edit); out.MessageId != id {
				t.Errorf("%v", out)
			}
		}
		if m := d.message(id); !m.Edited || len(m.Buttons) != 1 {
			t.Errorf("%+v", m)
		}
		d.call(d.thread, pinOp(id))
		d.call(d.thread, pinOp(id))
		keys := &messages.Operation{Call: &messages.Operation_EditKeyboard{EditKeyboard: &messages.EditKeyboardCall{MessageId: id}}}
		d.call(d.thread, keys)
		d.call(d.thread, keys)
		if m := d.message(id); !m.Pinned || len(m.Buttons) != 0 {
			t.Errorf("%+v", m)
		}
	})
	t.Run("every notice", func(t *testing.T) {
		for _, key := range allTexts(t) {
			for _, lang := range languages {
				op := &messages.Operation{ThreadId: d.thread, Call: &messages.Operation_SendNotice{SendNotice: &messages.SendNoticeCall{
					Key: key, Args: samples, ReplyTo: int64(d.annQuestion), ForceReply: key == messages.NoticeAskTitle,
					Tickets: []*messages.TicketView{ticketView("open", "")}}}}
				if out := d.c.Call(t.Context(), d.chat, lang, op); out.Result != messages.Outcome_DONE {
					t.Errorf("%s: %v", key, out)
				}
			}
		}
	})
	t.Run("context", func(t *testing.T) {
		d.call(d.thread, &messages.Operation{Call: &messages.Operation_SendContext{SendContext: &messages.SendContextCall{
			Lines: []*messages.ContextLine{{SenderName: "Ann", Text: strings.Repeat("long ", 2000)}, {SenderName: "Bob", Text: "well"}}}}})
	})
	t.Run("reaction, set and taken away", func(t *testing.T) {
		d.call(d.thread, reactOp(int64(d.annQuestion), "👍"))
		if m := d.message(int64(d.annQuestion)); len(m.Reactions) != 1 {
			t.Errorf("%+v", m.Reactions)
		}
		d.call(d.thread, reactOp(int64(d.annQuestion), ""))
		if m := d.message(int64(d.annQuestion)); len(m.Reactions) != 0 {
			t.Errorf("%+v", m.Reactions)
		}
	})
	t.Run("pressed button", func(t *testing.T) {
		id := d.call(d.thread, cardOp("open")).MessageId
		query, err := d.sim.Press(d.ann, d.chat, int(id), messages.CallbackClose+":TICK-LK3F9A2B-1A2B3C4D")
		d.must(err)
		d.call(0, &messages.Operation{Call: &messages.Operation_AnswerCallback{AnswerCallback: &messages.AnswerCallbackCall{
			CallbackId: query, Key: messages.NoticeNotAllowed, Args: map[string]string{"command": "close_ticket"}, Alert: true}}})
		if a := d.sim.Answers(); len(a) != 1 || !a[0].Alert || !strings.Contains(a[0].Text, "/close_ticket") {
			t.Errorf("%+v", a)
		}
		d.fail(messages.Outcome_REJECTED, 0, &messages.Operation{Call: &messages.Operation_AnswerCallback{AnswerCallback: &messages.AnswerCallbackCall{CallbackId: "123"}}})
	})
	t.Run("administrators and facts", func(t *testing.T) {
		out := d.call(0, &messages.Operation{Call: &messages.Operation_ListAdmins{ListAdmins: &messages.ListAdminsCall{}}})
		if !slices.Contains(out.AdminIds, d.admin) || slices.Contains(out.AdminIds, d.ann) ||
			slices.Contains(out.AdminIds, d.c.ID()) {
			t.Errorf("%v", out)
		}
		facts := d.call(0, &messages.Operation{Call: &messages.Operation_DescribeChat{DescribeChat: &messages.DescribeChatCall{}}}).Chat
		if facts.ChatId != d.chat || facts.Title != "Desk" || facts.Type != "supergroup" || !facts.IsForum ||
			facts.BotStatus != "administrator" || !facts.CanManageTopics || !facts.CanPinMessages {
			t.Errorf("%v", facts)
		}
	})
	t.Run("topic renamed, closed, reopened, each twice", func(t *testing.T) {
		for _, op := range []*messages.Operation{renameOp("Toner · 1A2B3C4D"), renameOp("Toner · 1A2B3C4D"), closeOp(), closeOp()} {
			d.call(d.thread, op)
		}
		if got := d.topic(); got.Name != "Toner · 1A2B3C4D" || !got.Closed {
			t.Errorf("%+v", got)
		}
		d.call(d.thread, reopenOp())
		d.call(d.thread, reopenOp())
	})
}

func TestTroubleInTheSimulator(t *testing.T) {
	t.Run("the topic is gone", func(t *testing.T) {
		d := newDesk(t)
		d.must(d.sim.DeleteTopic(d.chat, d.admin, int(d.thread)))
		for _, op := range []*messages.Operation{copyOf("hm"), closeOp(), reopenOp(), renameOp("x")} {
			d.fail(messages.Outcome_TOPIC_DELETED, d.thread, op)
		}
	})
	t.Run("no rights", func(t *testing.T) {
		d := newDesk(t)
		d.must(d.sim.SetBot(d.chat, simulator.Administrator, simulator.BotRights{}))
		d.fail(messages.Outcome_FORBIDDEN, 0, &messages.Operation{Call: &messages.Operation_CreateTopic{CreateTopic: &messages.CreateTopicCall{Name: "x"}}})
		d.fail(messages.Outcome_FORBIDDEN, d.thread, pinOp(int64(d.annQuestion)))
		d.must(d.sim.SetBot(d.chat, simulator.Kicked, simulator.BotRights{}))
		d.fail(messages.Outcome_FORBIDDEN, d.thread, copyOf("hm"))
	})
	t.Run("no such chat", func(t *testing.T) {
		d := newDesk(t)
		if out := d.c.Call(t.Context(), -1009999, "en", copyOf("hm")); out.Result != messages.Outcome_FORBIDDEN {
			t.Errorf("%v", out)
		}
	})
	t.Run("migration", func(t *testing.T) {
		d := newDesk(t)
		basic, err := d.sim.AddGroup(simulator.Group{Title: "Basic", Basic: true, Bot: simulator.BotRights{Status: simulator.Member}})
		d.must(err)
		newID, err := d.sim.Migrate(basic.ID)
		d.must(err)
		if out := d.c.Call(t.Context(), basic.ID, "en", copyOf("hm")); out.Result != messages.Outcome_MIGRATED ||
			out.NewChatId != newID {
			t.Errorf("%v, want %d", out, newID)
		}
	})
	t.Run("faults", func(t *testing.T) {
		d := newDesk(t)
		for kind, want := range map[string][2]messages.Outcome_Result{
			simulator.Fault500:     {messages.Outcome_TRANSIENT, messages.Outcome_TRANSIENT},
			simulator.Fault502HTML: {messages.Outcome_TRANSIENT, messages.Outcome_TRANSIENT},
			simulator.FaultReset:   {messages.Outcome_UNKNOWN, messages.Outcome_TRANSIENT},
			simulator.FaultLost:    {messages.Outcome_UNKNOWN, messages.Outcome_TRANSIENT},
		} {
			d.must(d.sim.Inject(simulator.Fault{Kind: kind, Chat: d.chat, Count: 2}))
			d.fail(want[0], d.thread, copyOf(kind))
			d.fail(want[1], d.thread, renameOp(kind))
			d.sim.ClearFaults()
		}
		d.must(d.sim.Inject(simulator.Fault{Kind: simulator.Fault400, Description: "TOPIC_CLOSED"}))
		d.fail(messages.Outcome_TOPIC_CLOSED, d.thread, copyOf("hm"))
		d.must(d.sim.Inject(simulator.Fault{Kind: simulator.Fault429, RetryAfter: 4}))
		if out := d.c.Call(t.Context(), d.chat, "en", copyOf("hm")); out.Result != messages.Outcome_FLOOD ||
			out.RetryAfterMs != 4000 {
			t.Errorf("%v", out)
		}
	})
}

func TestStartInTheSimulator(t *testing.T) {
	d := newDesk(t)
	me, err := d.c.Me(t.Context())
	d.must(err)
	if me.ID != d.sim.BotID() || me.Username != d.sim.BotUsername() || d.c.ID() != me.ID {
		t.Errorf("%+v", me)
	}
	d.must(d.c.SetCommands(t.Context()))
	updates, err := d.c.Updates(t.Context(), 0, 0, 100)
	d.must(err)
	var last struct {
		ID int64 `json:"update_id"`
	}
	if len(updates) == 0 || json.Unmarshal(updates[len(updates)-1], &last) != nil || last.ID == 0 {
		t.Fatalf("%s", updates)
	}
	if updates, err = d.c.Updates(t.Context(), last.ID+1, 0, 100); err != nil || len(updates) != 0 {
		t.Errorf("%s, %v", updates, err)
	}
	hook := httptest.NewServer(nil)
	defer hook.Close()
	d.must(d.c.SetWebhook(t.Context(), hook.URL, "a-secret"))
	d.must(d.c.library(t.Context(), "getWebhookInfo", func(ctx context.Context) error {
		info, err := d.c.lib.GetWebhookInfo(ctx)
		if err == nil && info.MaxConnections != 100 { // updates whose shard moves use some of them up
			t.Errorf("%+v", info)
		}
		return err
	}))
	if _, err := d.c.Updates(t.Context(), 0, time.Second, 1); err == nil {
		t.Error("getUpdates while a webhook is set")
	}
	d.must(d.c.DeleteWebhook(t.Context()))
	stranger := newTestClient(t, strings.TrimSuffix(d.c.prefix, "/bot"+d.sim.Token()+"/"), "1:stranger")
	if _, err := stranger.Me(t.Context()); err == nil || !strings.Contains(err.Error(), "TELEGRAM_BOT_TOKEN") {
		t.Errorf("%v", err)
	}
}

// TestQuietCopies: copies make no sound if their group wants that and they are hushed, all of those that share a message.
func TestQuietCopies(t *testing.T) {
	d := newDesk(t)
	photo := func() *messages.Media {
		m, err := d.sim.Post(simulator.Post{From: d.ann, Chat: d.chat, Thread: int(d.thread), Media: &simulator.Upload{Kind: "photo", FileName: "p.jpg", Data: []byte("p")}})
		d.must(err)
		return &messages.Media{Kind: messages.MediaPhoto, FileId: m.Media.FileID}
	}
	text, rich, medium := &messages.Content{Text: "hello"}, &messages.Content{Text: "hello", RichHtml: "<p>hello</p>"}, &messages.Content{Text: "hello", Media: photo()}
	one := func(c *messages.Content, quiet, hushed bool) *messages.SendCopyCall {
		return &messages.SendCopyCall{SenderName: "Bob", Content: c, Quiet: quiet, Hushed: hushed}
	}
	single := func(c *messages.SendCopyCall) *messages.Operation {
		return &messages.Operation{Call: &messages.Operation_SendCopy{SendCopy: c}}
	}
	album := func(c ...*messages.SendCopyCall) *messages.Operation {
		return &messages.Operation{Call: &messages.Operation_SendAlbum{SendAlbum: &messages.SendAlbumCall{Parts: c}}}
	}
	merged := func(c ...*messages.SendCopyCall) *messages.Operation {
		return &messages.Operation{Call: &messages.Operation_SendMerged{SendMerged: &messages.SendMergedCall{Copies: c}}}
	}
	for name, tc := range map[string]struct {
		op   *messages.Operation
		want bool
	}{
		"a text":                          {single(one(text, true, true)), true},
		"one that names somebody":         {single(one(text, true, false)), false},
		"one of a group that wants sound": {single(one(text, false, true)), false},
		"a rich text":                     {single(one(rich, true, true)), true},
		"a medium":                        {single(one(medium, true, true)), true},
		"an album":                        {album(one(medium, true, true), one(medium, true, true)), true},
		"an album that names somebody":    {album(one(medium, true, true), one(medium, true, false)), false},
		"texts together":                  {merged(one(text, true, true), one(text, true, true)), true},
		"texts of which one names":        {merged(one(text, true, false), one(text, true, true)), false},
	} {
		t.Run(name, func(t *testing.T) {
			out := d.call(d.thread, tc.op)
			for _, id := range append(out.MessageIds, out.MessageId) {
				if id != 0 && d.message(id).Silent != tc.want {
					t.Errorf("silent: %v", !tc.want)
				}
			}
		})
	}
	t.Run("whose turn it is", func(t *testing.T) {
		c := one(text, true, false)
		c.Turn = &messages.Named{UserId: d.ann, Name: "Ann"}
		m := d.message(d.call(d.thread, single(c)).MessageId)
		if m.Text != "Bob → Ann\nhello" || len(m.Entities) != 2 || m.Entities[1].Type != "text_mention" {
			t.Errorf("%+v", m)
		}
	})
}
