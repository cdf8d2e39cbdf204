package bot

import (
	"sync/atomic"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
)

func pressed(data string) string {
	return `{"update_id":9,"callback_query":{"id":"cb9","from":{"id":5,"first_name":"Ann"},"data":"` + data + `",
		"message":{"message_id":60,"date":1,"message_thread_id":42,"is_topic_message":true,"chat":{"id":-1001,"type":"supergroup"}}}}`
}

func pressedHere(change ...func(*messages.Origin)) *messages.Origin {
	return annHere(append([]func(*messages.Origin){func(o *messages.Origin) {
		o.CommandId, o.MessageId, o.CallbackId, o.CallbackMessageId, o.DateMs = "cb:cb9", 0, "cb9", 60, clock.UnixMilli()
	}}, change...)...)
}

func staleAnswer(o *messages.Origin) []sent {
	return []sent{{"chat/" + o.Place, &messages.Answer{Origin: o, Operation: &messages.Operation{
		Place: o.Place, ThreadId: o.ThreadId, Priority: messages.Operation_ANSWER, Lang: "en", ReceivedMs: o.ReceivedMs,
		Call: &messages.Operation_AnswerCallback{AnswerCallback: &messages.AnswerCallbackCall{CallbackId: "cb9", Key: messages.NoticeButtonStale}},
	}}}}
}

func TestIntakeCallbacks(t *testing.T) {
	o := pressedHere()
	for data, want := range map[string]proto.Message{
		"mention:" + aTicket:           &messages.Mention{Origin: o},
		"mpage:" + aTicket + ":2":      &messages.ShowMentionPage{Origin: o, Page: 2},
		"muser:" + aTicket + ":77":     &messages.Mention{Origin: o, UserId: 77},
		"pending:" + aTicket:           &messages.SetPending{Origin: o},
		"claim:" + aTicket:             &messages.ClaimTicket{Origin: o},
		"priority:" + aTicket:          &messages.SetPriority{Origin: o},
		"priority:" + aTicket + ":low": &messages.SetPriority{Origin: o, Priority: "low"},
		"close:" + aTicket:             &messages.CloseTicket{Origin: o},
		"reopen:" + aTicket:            &messages.ReopenTicket{Origin: o},
		"retry:" + aTicket + ":2:15:h": &messages.RetryCopy{Origin: o, LinkId: aTicket + ":2", Sequence: 15, ToHome: true},
		"retry:" + aTicket + ":2:15:l": &messages.RetryCopy{Origin: o, LinkId: aTicket + ":2", Sequence: 15},
	} {
		t.Run(data, func(t *testing.T) {
			d := newFake()
			handle(t, testIntake(d), pressed(data))
			check(t, []sent{{"ticket/" + aTicket, want}}, d.take())
		})
	}
	for _, data := range []string{
		"", "close", "close:", "close:tick-1-aaaaaaaa", "close:" + aTicket + ":x", "dance:" + aTicket, "mpage:" + aTicket, "mpage:" + aTicket + ":-1", "mpage:" + aTicket + ":99999999999",
		"muser:" + aTicket + ":bob", "muser:" + aTicket + ":0", "priority:" + aTicket + ":top", "retry:" + aTicket, "retry:" + aTicket + ":1:2", "retry:" + aTicket + ":1:2:x", "retry:" + aTicket + ":1:0:h",
		"retry:" + aTicket + ":-1:2:h", "close:TICK-1-AAAAAAAA:TICK",
	} {
		t.Run("foreign: "+data, func(t *testing.T) {
			d := newFake()
			handle(t, testIntake(d), pressed(data))
			check(t, staleAnswer(o), d.take())
		})
	}
	t.Run("a ticket that is no more", func(t *testing.T) {
		d := newFake()
		d.reply = func(to string, _ proto.Message) (*messages.Reply, error) {
			if to == "ticket/"+aTicket {
				return &messages.Reply{Code: messages.Code_NOT_FOUND}, nil
			}
			return nil, nil
		}
		handle(t, testIntake(d), pressed("close:"+aTicket))
		check(t, staleAnswer(o), d.take())
	})
	t.Run("a button of an inline message", func(t *testing.T) {
		d := newFake()
		handle(t, testIntake(d), `{"update_id":9,"callback_query":{"id":"cb9","from":{"id":5,"first_name":"Ann"},"data":"x","inline_message_id":"i"}}`)
		check(t, staleAnswer(pressedHere(func(o *messages.Origin) { o.Place, o.ChatId, o.ThreadId, o.CallbackMessageId = "u5", 5, 0, 0 })), d.take())
	})
	t.Run("not accepted", func(t *testing.T) {
		d := newFake()
		var down atomic.Bool
		down.Store(true)
		d.reply = failing("", &down)
		for _, data := range []string{"close:" + aTicket, "x"} {
			if testIntake(d).Handle(t.Context(), []byte(pressed(data))) == nil {
				t.Error("taken for accepted")
			}
		}
	})
}

func FuzzCallback(f *testing.F) {
	f.Add("retry:" + aTicket + ":2:15:h")
	f.Fuzz(func(t *testing.T, data string) {
		id, press, ok := parseCallback(data)
		if !ok {
			return
		}
		if parsed, valid := messages.ParseTicketID(id); !valid || parsed != id || press(&messages.Origin{}) == nil {
			t.Fatal(id)
		}
	})
}

func TestIntakeMembers(t *testing.T) {
	member := func(kind, chat, was, is string) string {
		return `{"update_id":9,"` + kind + `":{"chat":` + chat + `,"from":{"id":5,"first_name":"Ann"},"date":1763900000,
			"old_chat_member":{"user":{"id":999},"status":"` + was + `"},"new_chat_member":{"user":{"id":999},"status":"` + is + `","can_manage_topics":true}}}`
	}
	const group, unknown, refused = `{"id":-1001,"type":"supergroup","title":"Support","is_forum":true}`, `{"id":-1009,"type":"supergroup","title":"New"}`, `{"id":-1666,"type":"group"}`
	o := func(change ...func(*messages.Origin)) *messages.Origin {
		return annHere(append([]func(*messages.Origin){func(o *messages.Origin) { o.CommandId, o.ThreadId, o.MessageId = "u:9", 0, 0 }}, change...)...)
	}
	at := func(chat int64, place string) func(*messages.Origin) {
		return func(o *messages.Origin) { o.ChatId, o.Place = chat, place }
	}
	for name, tc := range map[string]struct {
		raw  string
		want []sent
	}{
		"the bot became administrator": {member("my_chat_member", group, "member", "administrator"), []sent{{"group/g7", &messages.SetMembership{Origin: o(), Facts: &messages.GroupFacts{
			ChatId: -1001, Title: "Support", Type: "supergroup", IsForum: true, BotStatus: "administrator", CanManageTopics: true}}}}},
		"the bot came into a new group": {member("my_chat_member", unknown, "left", "member"), []sent{{"group/g-1009", &messages.SetMembership{Origin: o(at(-1009, "g-1009")), Facts: &messages.GroupFacts{
			ChatId: -1009, Title: "New", Type: "supergroup", BotStatus: "member", CanManageTopics: true}}}}},
		"the bot was thrown out": {member("my_chat_member", group, "member", "kicked"), []sent{{"group/g7", &messages.SetMembership{Origin: o(), Facts: &messages.GroupFacts{
			ChatId: -1001, Title: "Support", Type: "supergroup", IsForum: true, BotStatus: "kicked", CanManageTopics: true}}}}},
		"out of a group that nobody knows": {member("my_chat_member", unknown, "member", "left"), nil},
		"into a group that may not":        {member("my_chat_member", refused, "left", "member"), []sent{notice(o(at(-1666, "g-1666")), messages.NoticeGroupNotAllowed)}},
		"promoted in a group that may not": {member("my_chat_member", refused, "member", "administrator"), nil},
		"blocked by a person":              {member("my_chat_member", `{"id":5,"type":"private"}`, "member", "kicked"), []sent{{"user/5", &messages.SetBlocked{Origin: o(at(5, "u5")), Blocked: true}}}},
		"unblocked by a person":            {member("my_chat_member", `{"id":5,"type":"private"}`, "kicked", "member"), []sent{{"user/5", &messages.SetBlocked{Origin: o(at(5, "u5"))}}}},
		"into a channel":                   {member("my_chat_member", `{"id":-5,"type":"channel"}`, "left", "administrator"), nil},
		"someone became administrator":     {member("chat_member", group, "member", "administrator"), []sent{{"group/g7", &messages.MemberChanged{Origin: o(), UserId: 999, IsAdmin: true, IsMember: true}}}},
		"someone is no administrator more": {member("chat_member", group, "creator", "left"), []sent{{"group/g7", &messages.MemberChanged{Origin: o(), UserId: 999}}}},
		"someone came":                     {member("chat_member", group, "left", "member"), []sent{{"group/g7", &messages.MemberChanged{Origin: o(), UserId: 999, IsMember: true}}}},
		"an administrator elsewhere":       {member("chat_member", unknown, "member", "administrator"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			d := newFake()
			handle(t, testIntake(d), tc.raw)
			check(t, tc.want, d.take())
		})
	}
}
