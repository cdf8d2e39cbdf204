package bot

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/topicdesk/topicdesk/messages"
)

// ordinary is a message as Telegram sends it in a topic, with fields that Decode does not read.
const ordinary = `{"update_id":826471932,"message":{"message_id":4711,"from":{"id":5100200300,"is_bot":false,"first_name":"Ann","last_name":"Smith",
"username":"ann_smith","language_code":"th-TH","is_premium":true},"chat":{"id":-1001234567890,"title":"Support","is_forum":true,"type":"supergroup"},
"date":1763900000,"message_thread_id":42,"is_topic_message":true,"reply_to_message":{"message_id":42,"from":{"id":999,"is_bot":true,"first_name":"Desk",
"username":"TopicDeskBot"},"chat":{"id":-1001234567890,"title":"Support","is_forum":true,"type":"supergroup"},"date":1763890000,"message_thread_id":42,
"forum_topic_created":{"name":"Printer · C91C2F9D","icon_color":7322096},"is_topic_message":true},"text":"Hello 👋 @bob, see https://example.org",
"entities":[{"offset":9,"length":4,"type":"mention"},{"offset":19,"length":19,"type":"url"}],"link_preview_options":{"is_disabled":true}}}`

func mustDecode(t testing.TB, raw string) *Update {
	t.Helper()
	u, err := Decode([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// topicMessage wraps the fields of a message in an update from Ann in the topic 42 of a group; fields come last, and
// so win.
func topicMessage(fields string) string {
	return `{"update_id":7,"message":{"message_id":50,"message_thread_id":42,"is_topic_message":true,"date":1763900000,
		"chat":{"id":-1001,"type":"supergroup","title":"Support","is_forum":true},"from":{"id":5,"first_name":"Ann"},` + fields + `}}`
}

func TestDecodeOrdinaryMessage(t *testing.T) {
	u := mustDecode(t, ordinary)
	ann := &messages.Person{Id: 5100200300, Username: "ann_smith", FirstName: "Ann", LastName: "Smith", LanguageCode: "th-TH"}
	name := "Printer · C91C2F9D"
	want := &Update{ID: 826471932, Kind: KindMessage, Message: &Message{
		ID: 4711, Chat: Chat{ID: -1001234567890, Type: "supergroup", Title: "Support", IsForum: true}, ThreadID: 42, DateMS: 1763900000000,
		From: ann, Sender: &messages.Sender{Id: ann.Id, Name: "Ann Smith", Username: "ann_smith"},
		Text:        "Hello 👋 @bob, see https://example.org",
		Entities:    []*messages.Entity{{Type: "mention", Offset: 9, Length: 4}, {Type: "url", Offset: 19, Length: 19}},
		Reply:       &Reply{ChatID: -1001234567890, TopicCreated: &name, TopicFromID: 999, TopicMessage: 42},
		LinkPreview: &messages.LinkPreview{IsDisabled: true},
	}}
	if d := cmp.Diff(want, u, protocmp.Transform()); d != "" {
		t.Error(d)
	}
}

func TestDecodeMessages(t *testing.T) {
	decode := func(t *testing.T, fields string) *Message { return mustDecode(t, topicMessage(fields)).Message }

	t.Run("every field of an entity", func(t *testing.T) {
		m := decode(t, `"text":"0123456789","entities":[
			{"type":"text_link","offset":0,"length":1,"url":"https://x"},{"type":"text_mention","offset":1,"length":1,"user":{"id":9,"first_name":"Bob","last_name":"B"}},
			{"type":"pre","offset":2,"length":1,"language":"go"},{"type":"custom_emoji","offset":3,"length":1,"custom_emoji_id":"77"},
			{"type":"date_time","offset":4,"length":1,"unix_time":1763900000,"date_time_format":"D"}]`)
		want := []*messages.Entity{
			{Type: "text_link", Length: 1, Url: "https://x"}, {Type: "text_mention", Offset: 1, Length: 1, UserId: 9, UserName: "Bob B"},
			{Type: "pre", Offset: 2, Length: 1, Language: "go"}, {Type: "custom_emoji", Offset: 3, Length: 1, CustomEmojiId: "77"},
			{Type: "date_time", Offset: 4, Length: 1, UnixTime: 1763900000, DateTimeFormat: "D"},
		}
		if d := cmp.Diff(want, m.Entities, protocmp.Transform()); d != "" {
			t.Error(d)
		}
	})
	t.Run("an entity outside of its text is left out, the text is not", func(t *testing.T) {
		m := decode(t, `"text":"👍","entities":[{"type":"bold","offset":0,"length":3},{"type":"bold","offset":-1,"length":1},{"type":"bold","offset":0,"length":2},
			{"type":"bold","offset":2147483647,"length":2147483647}]`)
		if len(m.Entities) != 1 || m.Text != "👍" {
			t.Error(m.Text, m.Entities)
		}
	})
	t.Run("a thread id counts in topics only", func(t *testing.T) {
		if m := decode(t, `"text":"x","is_topic_message":false`); m.ThreadID != 0 {
			t.Error(m.ThreadID)
		}
	})
	t.Run("a reply", func(t *testing.T) {
		m := decode(t, `"text":"x","reply_to_message":{"message_id":48,"from":{"id":9},"text":"`+strings.Repeat("ก", 200)+`"},"quote":{"text":"ก","position":0,"is_manual":true}`)
		r := m.Reply
		if r.ChatID != -1001 || r.MessageID != 48 || r.From.GetId() != 9 || r.Quote != "ก" ||
			messages.UTF16Len(r.Preview) > previewUnits || len(r.Text) != 600 {
			t.Errorf("%+v", r)
		}
	})
	t.Run("a quote that Telegram made itself is none", func(t *testing.T) {
		if m := decode(t, `"text":"x","reply_to_message":{"message_id":48,"text":"ab"},"quote":{"text":"a","position":0}`); m.Reply.Quote != "" {
			t.Errorf("%+v", m.Reply)
		}
	})
	t.Run("a reply to a medium shows what it is", func(t *testing.T) {
		if m := decode(t, `"text":"x","reply_to_message":{"message_id":48,"photo":[{}]}`); m.Reply.Preview != "" ||
			m.Reply.Media.GetKind() != messages.MediaPhoto {
			t.Errorf("%+v", m.Reply)
		}
	})
	t.Run("in a private chat, a topic's id is that of no message", func(t *testing.T) {
		m := decode(t, `"text":"x","chat":{"id":5,"type":"private","first_name":"Ann"},"reply_to_message":{"message_id":42,"text":"ab"}`)
		if m.ThreadID != 42 || m.Reply == nil || m.Reply.MessageID != 42 {
			t.Errorf("in topic %d, %+v", m.ThreadID, m.Reply)
		}
	})
	t.Run("what answers only the topic's beginning answers nothing", func(t *testing.T) {
		for _, to := range []string{`{"message_id":42}`, `{"message_id":42,"forum_topic_created":{"name":"x"}}`, `{"message_id":43,"forum_topic_created":{"name":"x"}}`} {
			if m := decode(t, `"text":"x","reply_to_message":`+to); m.Reply != nil && m.Reply.MessageID != 0 {
				t.Errorf("%s: %+v", to, m.Reply)
			}
		}
	})
	t.Run("a reply across chats keeps its preview", func(t *testing.T) {
		m := decode(t, `"text":"x","external_reply":{"chat":{"id":-1009,"type":"supergroup"},"message_id":3,"photo":[]},"quote":{"text":"what","position":0}`)
		if r := m.Reply; r.ChatID != -1009 || r.MessageID != 3 || r.Preview != "what" || r.Quote != "" {
			t.Errorf("%+v", r)
		}
		m = decode(t, `"text":"x","external_reply":{"origin":{},"voice":{}}`)
		if r := m.Reply; r.MessageID != 0 || r.Preview != "" || r.Media.GetKind() != messages.MediaVoice {
			t.Errorf("%+v", r)
		}
	})
	t.Run("an anonymous administrator speaks as the group", func(t *testing.T) {
		m := decode(t, `"text":"x","from":{"id":1087968824,"is_bot":true,"first_name":"Group","username":"GroupAnonymousBot"},"sender_chat":{"id":-1001,"type":"supergroup","title":"Support"}`)
		if !m.GroupAdmin || m.FromBot || m.Sender.Kind != messages.Sender_GROUP || m.Sender.Name != "Support" ||
			m.Sender.Id != -1001 {
			t.Errorf("%+v", m)
		}
	})
	t.Run("a linked channel speaks as itself", func(t *testing.T) {
		m := decode(t, `"text":"x","from":{"id":777000,"first_name":"Telegram"},"sender_chat":{"id":-1009,"type":"channel","title":"News","username":"news"},"is_automatic_forward":true`)
		if m.GroupAdmin || m.FromBot || m.Sender.Kind != messages.Sender_CHANNEL || m.Sender.Name != "News" ||
			m.Sender.Username != "news" {
			t.Errorf("%+v", m)
		}
	})
	t.Run("another group is no administrator here", func(t *testing.T) {
		m := decode(t, `"text":"x","from":{"id":1087968824,"is_bot":true},"sender_chat":{"id":-1002,"type":"supergroup","title":"Others"}`)
		if m.GroupAdmin || m.FromBot || m.Sender.Kind != messages.Sender_GROUP || m.Sender.Name != "Others" {
			t.Errorf("%+v", m)
		}
	})
	t.Run("another bot", func(t *testing.T) {
		if m := decode(t, `"text":"x","from":{"id":9,"is_bot":true,"first_name":"R2"}`); !m.FromBot {
			t.Errorf("%+v", m)
		}
	})
	for from, want := range map[string]string{
		`{"id":5,"first_name":"Ann"}`:                                       "Ann",
		`{"id":5,"first_name":" Ann ","last_name":"Lee\u200b"}`:             "Ann Lee",
		`{"id":5,"first_name":"\u200b","last_name":"Lee"}`:                  "Lee",
		`{"id":5,"first_name":"","username":"ann"}`:                         "@ann",
		`{"id":5,"first_name":"\u3164","last_name":"\u2800"}`:               "5",
		`{"id":5,"first_name":"<b>Ann</b>","last_name":"*_*"}`:              "<b>Ann</b> *_*",
		`{"id":5,"first_name":"\u202eAnn"}`:                                 "Ann",
		`{"id":5,"first_name":"علي"}`:                                       "علي",
		fmt.Sprintf(`{"id":%d,"first_name":"Max"}`, int64(math.MaxInt64)):   "Max",
		fmt.Sprintf(`{"id":%d,"first_name":"Ann\ud83d"}`, math.MaxInt64-10): "Ann\ufffd",
	} {
		t.Run("name "+want, func(t *testing.T) {
			if m := decode(t, `"text":"x","from":`+from); m.Sender.Name != want {
				t.Errorf("%q", m.Sender.Name)
			}
		})
	}
	for fields, want := range map[string]string{
		`"photo":[],"caption":"Look"`:                                  "Look",
		`"photo":null,"text":"x"`:                                      "x",
		`"new_chat_members":[{"id":1}]`:                                "",
		`"pinned_message":{"message_id":3,"text":"pinned","photo":[]}`: "",
	} {
		t.Run(fields, func(t *testing.T) {
			if m := decode(t, fields); m.Text != want {
				t.Errorf("%q", m.Text)
			}
		})
	}
	t.Run("service messages", func(t *testing.T) {
		if m := decode(t, `"forum_topic_created":{"name":"N","icon_color":1}`); *m.TopicCreated != "N" || m.HasIcon || !m.Service() {
			t.Errorf("%+v", m)
		}
		if m := decode(t, `"forum_topic_created":{"name":"N","icon_color":1,"icon_custom_emoji_id":"1"}`); !m.HasIcon {
			t.Errorf("%+v", m)
		}
		if m := decode(t, `"forum_topic_edited":{"icon_custom_emoji_id":"1"}`); *m.TopicEdited != "" || !m.Service() {
			t.Errorf("%+v", m)
		}
		if m := decode(t, `"forum_topic_closed":{}`); !m.TopicClosed || !m.Service() {
			t.Errorf("%+v", m)
		}
		if m := decode(t, `"forum_topic_reopened":{}`); !m.TopicReopened || !m.Service() {
			t.Errorf("%+v", m)
		}
		if m := decode(t, `"migrate_to_chat_id":-1007`); m.MigrateTo != -1007 || !m.Service() {
			t.Errorf("%+v", m)
		}
		if m := decode(t, `"migrate_from_chat_id":-7`); m.MigrateFrom != -7 || !m.Service() {
			t.Errorf("%+v", m)
		}
	})
	t.Run("an edit", func(t *testing.T) {
		u := mustDecode(t, strings.Replace(topicMessage(`"text":"y","edit_date":1763900009`), `"message"`, `"edited_message"`, 1))
		if u.Kind != KindEdited || u.Message.EditDateMS != 1763900009000 || u.Message.Text != "y" {
			t.Errorf("%+v", u)
		}
	})
}

func TestDecodeOtherKinds(t *testing.T) {
	t.Run("callback", func(t *testing.T) {
		c := mustDecode(t, `{"update_id":1,"callback_query":{"id":"cb9","from":{"id":5,"first_name":"Ann"},"data":"close:TICK-1-AAAAAAAA","chat_instance":"1",
			"message":{"message_id":60,"date":1,"message_thread_id":42,"is_topic_message":true,"chat":{"id":-1001,"type":"supergroup"},"from":{"id":999}}}}`).Callback
		if c.ID != "cb9" || c.Chat.ID != -1001 || c.ThreadID != 42 || c.MessageID != 60 || !c.Visible ||
			c.Data != "close:TICK-1-AAAAAAAA" {
			t.Errorf("%+v", c)
		}
	})
	t.Run("callback of a message that Telegram shows no more", func(t *testing.T) {
		c := mustDecode(t, `{"update_id":1,"callback_query":{"id":"cb9","from":{"id":5},"message":{"message_id":60,"date":0,"chat":{"id":-1001,"type":"supergroup"}}}}`).Callback
		if c.Visible || c.Chat.ID != -1001 {
			t.Errorf("%+v", c)
		}
	})
	t.Run("membership", func(t *testing.T) {
		m := mustDecode(t, `{"update_id":1,"my_chat_member":{"chat":{"id":-1001,"type":"supergroup","title":"S","is_forum":true},"from":{"id":5},"date":1,
			"old_chat_member":{"user":{"id":999},"status":"left"},"new_chat_member":{"user":{"id":999},"status":"administrator","can_manage_topics":true,"can_pin_messages":true,"until_date":"?"}}}`).Member
		if m.OldStatus != "left" || m.NewStatus != "administrator" || !m.CanManageTopics || !m.CanPinMessages ||
			!m.Chat.IsForum {
			t.Errorf("%+v", m)
		}
	})
	for _, kind := range []string{"channel_post", "poll", "message_reaction_count", "something_new"} {
		t.Run(kind, func(t *testing.T) {
			if u := mustDecode(t, `{"update_id":1,"`+kind+`":{"message_id":"?"}}`); u.Kind != KindOther ||
				u.Message != nil {
				t.Errorf("%+v", u)
			}
		})
	}
}

func TestDecodeReactions(t *testing.T) {
	t.Run("a person's", func(t *testing.T) {
		u := mustDecode(t, `{"update_id":1,"message_reaction":{"chat":{"id":-1001,"type":"supergroup"},"message_id":60,"date":7,"user":{"id":5,"first_name":"Ann"},
			"old_reaction":[],"new_reaction":[{"type":"custom_emoji","custom_emoji_id":"77"},{"type":"emoji","emoji":"🔥"},{"type":"paid"}]}}`)
		r := u.Reaction
		if u.Kind != KindReaction || r.MessageID != 60 || r.Chat.ID != -1001 || r.From.GetId() != 5 ||
			r.Sender.GetName() != "Ann" || r.DateMS != 7000 || len(r.Emojis) != 3 {
			t.Fatalf("%+v", u)
		}
		if r.Emojis[0].CustomEmojiId != "77" || r.Emojis[1].Emoji != "🔥" || r.Emojis[2].CustomEmojiId != "paid" {
			t.Errorf("%v", r.Emojis)
		}
	})
	t.Run("an anonymous administrator's, taken away", func(t *testing.T) {
		r := mustDecode(t, `{"update_id":1,"message_reaction":{"chat":{"id":-1001,"type":"supergroup","title":"S"},"message_id":60,"actor_chat":{"id":-1001,"type":"supergroup","title":"S"},"new_reaction":[]}}`).Reaction
		if !r.GroupAdmin || r.Sender.GetKind() != messages.Sender_GROUP || len(r.Emojis) != 0 {
			t.Errorf("%+v", r)
		}
	})
}

func TestDecodeBadInput(t *testing.T) {
	for name, raw := range map[string]string{
		"empty":                      ``,
		"null":                       `null`,
		"not an object":              `[]`,
		"cut off":                    `{"update_id":1,"message":{"message_id":`,
		"no id":                      `{"message":{}}`,
		"id of a wrong type":         `{"update_id":"1"}`,
		"id over int64":              `{"update_id":9223372036854775808}`,
		"a reaction of nobody":       `{"update_id":1,"message_reaction":{"chat":{"id":-1,"type":"group"},"message_id":1,"new_reaction":[]}}`,
		"a reaction to nothing":      `{"update_id":1,"message_reaction":{"chat":{"id":-1,"type":"group"},"user":{"id":5},"new_reaction":[]}}`,
		"no chat":                    `{"update_id":1,"message":{"message_id":1,"from":{"id":5},"text":"x"}}`,
		"no sender":                  `{"update_id":1,"message":{"message_id":1,"chat":{"id":-1,"type":"group"},"text":"x"}}`,
		"no message id":              `{"update_id":1,"message":{"chat":{"id":-1,"type":"group"},"from":{"id":5},"text":"x"}}`,
		"negative message id":        `{"update_id":1,"message":{"message_id":-1,"chat":{"id":-1,"type":"group"},"from":{"id":5},"text":"x"}}`,
		"chat id over int64":         topicMessage(`"text":"x","chat":{"id":-9223372036854775809,"type":"group"}`),
		"sender id over int64":       topicMessage(`"text":"x","from":{"id":9223372036854775808}`),
		"text that is none":          topicMessage(`"text":["x"]`),
		"entities that are none":     topicMessage(`"text":"x","entities":7`),
		"offset that is none":        topicMessage(`"text":"x","entities":[{"type":"bold","offset":1.5,"length":1}]`),
		"thread of a wrong type":     topicMessage(`"text":"x","message_thread_id":"42"`),
		"message of a wrong type":    `{"update_id":1,"message":"hello"}`,
		"callback without id":        `{"update_id":1,"callback_query":{"from":{"id":5}}}`,
		"callback without sender":    `{"update_id":1,"callback_query":{"id":"x"}}`,
		"membership without member":  `{"update_id":1,"my_chat_member":{"chat":{"id":-1}}}`,
		"membership without a chat":  `{"update_id":1,"chat_member":{"new_chat_member":{"status":"member"}}}`,
		"nested too deep":            `{"update_id":1,"x":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + `}`,
		"5 MB":                       topicMessage(`"text":"` + strings.Repeat("x", 5<<20) + `"`),
		"invalid control characters": "{\"update_id\":1,\"message\":{\"text\":\"\x01\"}}",
	} {
		t.Run(name, func(t *testing.T) {
			u, err := Decode([]byte(raw))
			if !errors.Is(err, ErrUndecodable) || u == nil {
				t.Errorf("%+v, %v", u, err)
			}
		})
	}
	t.Run("odd types where nothing depends on them lose nothing", func(t *testing.T) {
		for _, fields := range []string{
			`"via_bot":7`, `"photo":null`, `"media_group_id":{}`, `"edit_date":"x"`, `"reply_to_message":7`, `"reply_to_message":{"message_id":"x"}`, `"quote":7`,
			`"external_reply":[]`, `"from":{"id":5,"first_name":"Ann","username":7}`, `"from":{"id":5,"first_name":"Ann","language_code":{}}`, `"date":"x"`,
			`"chat":{"id":-1001,"type":"supergroup","title":7,"is_forum":"x"}`, `"link_preview_options":"?"`, `"forum_topic_created":null`,
		} {
			if m := mustDecode(t, topicMessage(`"text":"kept",`+fields)).Message; m.Text != "kept" ||
				m.Chat.ID != -1001 || m.From.GetId() != 5 || m.ThreadID != 42 {
				t.Errorf("%s: %+v", fields, m)
			}
		}
	})
	t.Run("ids near the limits", func(t *testing.T) {
		m := mustDecode(t, topicMessage(fmt.Sprintf(`"text":"x","message_id":%d,"chat":{"id":%d,"type":"supergroup"},"from":{"id":%d}`, int64(math.MaxInt64), int64(math.MinInt64), int64(math.MaxInt64)))).Message
		if m.ID != math.MaxInt64 || m.Chat.ID != math.MinInt64 || m.From.Id != math.MaxInt64 {
			t.Errorf("%+v", m)
		}
	})
	t.Run("of duplicate keys the last one counts", func(t *testing.T) {
		if m := mustDecode(t, topicMessage(`"text":"a","text":"b"`)).Message; m.Text != "b" {
			t.Errorf("%+v", m)
		}
	})
	t.Run("a wild date is none", func(t *testing.T) {
		if m := mustDecode(t, topicMessage(`"text":"a","date":9223372036854775807`)).Message; m.DateMS != 0 {
			t.Errorf("%+v", m)
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(ordinary))
	f.Add([]byte(topicMessage(`"photo":[],"caption":"x","caption_entities":[{"type":"bold","offset":0,"length":1}]`)))
	f.Add([]byte(`{"update_id":1,"callback_query":{"id":"cb9","from":{"id":5},"message":{"message_id":60,"date":0,"chat":{"id":-1001}}}}`))
	f.Add([]byte(`{"update_id":1,"my_chat_member":{"chat":{"id":-1001,"type":"supergroup"},"new_chat_member":{"user":{"id":999},"status":"administrator"}}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		u, err := Decode(raw)
		if err != nil {
			if !errors.Is(err, ErrUndecodable) || u == nil {
				t.Fatal(u, err)
			}
			return
		}
		if !json.Valid(raw) {
			t.Fatal("decoded what is not JSON")
		}
		u.topic()
		u.barrier()
		m := u.Message
		if m == nil {
			return
		}
		units := messages.UTF16Len(m.Text)
		for _, e := range m.Entities {
			if e.Offset < 0 || e.Length <= 0 || int(e.Offset)+int(e.Length) > units {
				t.Fatal(e)
			}
		}
		if m.ID <= 0 || m.Chat.ID == 0 || m.Sender == nil && m.From == nil {
			t.Fatalf("%+v", m)
		}
		ParseCommand(m.Text, m.Entities, ourBot)
	})
}

func BenchmarkDecode(b *testing.B) {
	raw := []byte(ordinary)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(raw); err != nil {
			b.Fatal(err)
		}
	}
}
