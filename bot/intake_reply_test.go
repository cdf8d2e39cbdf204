package bot

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/topicdesk/topicdesk/messages"
)

const shopOrigin = `{"type":"channel","date":1,"chat":{"id":-1009,"type":"channel","title":"Shop","username":"shop"},"message_id":17}`

func TestIntakeOfAnswersElsewhere(t *testing.T) {
	shop := &messages.Forward{Kind: "channel", Id: -1009, Name: "Shop", Username: "shop", MessageId: 17, DateMs: 1000}
	club := &messages.Forward{Kind: "chat", Id: -1005, Name: "Club", Username: "club"}
	for name, tc := range map[string]struct {
		fields string
		want   *messages.ReplyTo
	}{
		"a quote that Telegram chose": {`"external_reply":{"origin":` + shopOrigin + `},"quote":{"text":"Returns end\non Friday","position":0}`,
			&messages.ReplyTo{Origin: shop, Url: "https://t.me/shop/17", Preview: "Returns end on Friday"}},
		"one that the person chose": {`"external_reply":{"origin":` + shopOrigin + `},"quote":{"text":"Friday","position":15,"is_manual":true,
			"entities":[{"type":"spoiler","offset":0,"length":6}]}`,
			&messages.ReplyTo{Origin: shop, Url: "https://t.me/shop/17", Preview: "Friday", Quote: "Friday", QuotePosition: 15,
				PreviewEntities: []*messages.Entity{{Type: "spoiler", Length: 6}}, QuoteEntities: []*messages.Entity{{Type: "spoiler", Length: 6}}}},
		"beside the topic's beginning": {`"reply_to_message":{"message_id":42,"forum_topic_created":{"name":"x"}},"external_reply":{"origin":` + shopOrigin + `}`,
			&messages.ReplyTo{Origin: shop, Url: "https://t.me/shop/17"}},
		"a medium of somebody hidden": {`"external_reply":{"origin":{"type":"hidden_user","date":1,"sender_user_name":"Zoe"},"document":{"file_id":"f","file_name":"offer.pdf"}}`,
			&messages.ReplyTo{Origin: &messages.Forward{Kind: "hidden_user", Name: "Zoe", DateMs: 1000}, MediaKind: "document", Preview: "offer.pdf"}},
		"without an origin": {`"external_reply":{"chat":{"id":-1005,"type":"supergroup","title":"Club","username":"club"},"message_id":3}`,
			&messages.ReplyTo{ChatId: -1005, MessageId: 3, Origin: club, Url: "https://t.me/club/3"}},
		"of a wrong type": {`"external_reply":{"origin":7,"chat":{"id":-1005,"type":"supergroup","title":"Club","username":"club"},"message_id":"x"}`,
			&messages.ReplyTo{ChatId: -1005, Origin: club, Url: "https://t.me/club"}},
		"a story": {`"reply_to_story":{"chat":{"id":-1005,"type":"channel","title":"Club","username":"club"},"id":5}`,
			&messages.ReplyTo{Origin: club, Url: "https://t.me/club/s/5", MediaKind: "story"}},
		"a quote of nothing that is shown": {`"quote":{"text":"what","position":0}`, &messages.ReplyTo{Preview: "what"}},
		"an option of a poll": {`"reply_to_poll_option_id":"b","reply_to_message":{"message_id":48,"poll":{"question":"Tea?","options":[{"persistent_id":"a","text":"yes"},{"persistent_id":"b","text":"no"}]}}`,
			&messages.ReplyTo{ChatId: -1001, MessageId: 48, MediaKind: "poll", Preview: "Tea?", Item: "no"}},
		"a task of a checklist": {`"reply_to_checklist_task_id":2,"reply_to_message":{"message_id":48,"checklist":{"title":"Move","tasks":[{"id":1,"text":"pack"},{"id":2,"text":"paint\nit"}]}}`,
			&messages.ReplyTo{ChatId: -1001, MessageId: 48, MediaKind: "checklist", Preview: "Move", Item: "paint it"}},
		"a task that is not shown": {`"reply_to_checklist_task_id":9,"reply_to_message":{"message_id":48,"text":"x"}`,
			&messages.ReplyTo{ChatId: -1001, MessageId: 48, Preview: "x"}},
		"an internal note in another topic": {`"external_reply":{"origin":{"type":"user","date":1,"sender_user":{"id":5,"first_name":"Ann"}},
			"chat":{"id":-1001,"type":"supergroup","title":"Support"},"message_id":30},"quote":{"text":"they never pay","position":3,"is_manual":true}`,
			&messages.ReplyTo{ChatId: -1001, MessageId: 30, Origin: &messages.Forward{Kind: "user", Id: 5, Name: "Ann", DateMs: 1000}}},
	} {
		t.Run(name, func(t *testing.T) {
			d := newFake()
			d.hidden = map[string]bool{topic("-1001", 30): true}
			handle(t, testIntake(d), topicMessage(`"text":"so?",`+tc.fields))
			check(t, []sent{{"ticket/" + aTicket, &messages.RecordMessage{
				Origin: annHere(), Content: &messages.Content{Text: "so?"}, ReplyTo: tc.want}}}, d.take())
		})
	}
	t.Run("in a private chat, the number of a message elsewhere names no message here", func(t *testing.T) {
		d := newFake()
		d.said = map[string]string{topic("5", 17): otherTicket}
		d.topics[topic("u5", 0)] = aTicket
		handle(t, testIntake(d), private+`"text":"so?","external_reply":{"origin":`+shopOrigin+`,"chat":{"id":-1009,"type":"channel","title":"Shop","username":"shop"},"message_id":17}}}`)
		if got := d.take(); len(got) == 0 || got[0].To != "ticket/"+aTicket {
			t.Errorf("%v", got)
		}
	})
	t.Run("in a description", func(t *testing.T) {
		for command, want := range map[string][2]string{
			"/create_ticket":                 {"Returns end", "↩️ Shop: “Returns end” https://t.me/shop/17"},
			"/create_ticket Refund\\nplease": {"Refund", "please\n\n↩️ Shop: “Returns end” https://t.me/shop/17"},
		} {
			d := newFake()
			fields := `"text":"` + command + `","external_reply":{"origin":` + shopOrigin + `},"quote":{"text":"Returns end","position":0},"entities":[{"type":"bot_command","offset":0,"length":14}]`
			handle(t, testIntake(d), inGeneral(fields))
			handle(t, testIntake(d), private+fields+`}}`)
			got := d.take()
			if len(got) != 2 {
				t.Fatalf("%v", got)
			}
			opened, drafted := got[0].Message.(*messages.OpenTicket), got[1].Message.(*messages.DraftTicket)
			for _, is := range [][2]string{{opened.Title, opened.Description}, {drafted.Title, drafted.Description}} {
				if is != want {
					t.Errorf("%q, want %q", is, want)
				}
			}
		}
	})
}

func TestIntakeOfUnknownKinds(t *testing.T) {
	placeholder := func(kind, caption string) []sent {
		return []sent{{"ticket/" + aTicket, &messages.RecordMessage{
			Origin: annHere(), Content: &messages.Content{Text: caption, Media: &messages.Media{Kind: kind}}}}}
	}
	for fields, want := range map[string][]sent{
		`"hologram":{}`:                                placeholder("hologram", ""),
		`"hologram":[],"hologram_changed":1`:           placeholder("hologram", ""),
		`"hologram":{},"caption":"look"`:               placeholder("hologram", "look"),
		`"has_protected_content":false`:                placeholder("unknown", ""),
		`"edit_date":3,"scene_scanned":{}`:             placeholder("scene_scanned", ""),
		`"` + strings.Repeat("x", 99) + `":1`:          placeholder(strings.Repeat("x", maxKind), ""),
		`"room_moved":{}`:                              nil,
		`"new_chat_title":"x","room":{}`:               nil,
		`"text":"\u200b","room":{}`:                    nil,
		`"hologram":null,"left_chat_member":{"id":1}`:  nil,
		`"video_chat_participants_invited":{}`:         nil,
		`"forum_topic_closed":{},"hologram":{"x":"y"}`: {{"ticket/" + aTicket, &messages.CloseTicket{Origin: annHere(), ByHand: true}}},
	} {
		t.Run(fields, func(t *testing.T) {
			d := newFake()
			handle(t, testIntake(d), topicMessage(fields))
			check(t, want, d.take())
		})
	}
	t.Run("what is answered", func(t *testing.T) {
		d := newFake()
		handle(t, testIntake(d), topicMessage(`"text":"this","reply_to_message":{"message_id":44,"from":{"id":6},"hologram":{}}`))
		if got := d.take(); len(got) != 1 || got[0].Message.(*messages.RecordMessage).ReplyTo.GetMediaKind() != "hologram" {
			t.Errorf("%v", got)
		}
	})
	t.Run("what is described, and what is protected", func(t *testing.T) {
		for answered, want := range map[string]*messages.Content{
			`"hologram":{}`: {Media: &messages.Media{Kind: "hologram"}},
			`"has_protected_content":true,"text":"secret"`: {IsProtected: true},
		} {
			d := newFake()
			handle(t, testIntake(d), inGeneral(`"text":"/create_ticket Look","entities":[{"type":"bot_command","offset":0,"length":14}],"reply_to_message":{"message_id":44,"from":{"id":6},`+answered+`}`))
			got := d.take()
			if len(got) != 1 {
				t.Fatalf("%s: %v", answered, got)
			}
			opened := got[0].Message.(*messages.OpenTicket)
			if opened.Description != "" || len(opened.Enclosures) != 1 || !proto.Equal(opened.Enclosures[0].Content, want) {
				t.Errorf("%s: %v", answered, opened)
			}
		}
	})
	t.Run("an edit", func(t *testing.T) {
		d := newFake()
		d.said = map[string]string{topic("-1001", 50): aTicket}
		handle(t, testIntake(d), strings.Replace(topicMessage(`"hologram":{},"edit_date":1763900009`), `"message"`, `"edited_message"`, 1))
		got := d.take()
		if len(got) != 1 || got[0].Message.(*messages.EditMessage).Content.GetMedia().GetKind() != "hologram" {
			t.Errorf("%v", got)
		}
	})
	t.Run("a button under the answer to one", func(t *testing.T) {
		d := newFake()
		handle(t, testIntake(d), pressedAlone("say:"+aTicket, strings.Replace(answering, `"text":"It is back"`, `"hologram":{}`, 1)))
		got := d.take()
		if m, ok := got[len(got)-3].Message.(*messages.RecordMessage); !ok || m.Content.GetMedia().GetKind() != "hologram" {
			t.Errorf("%v", got)
		}
	})
}

// No service message of the schema is taken for something that somebody wrote, whatever else comes with it.
func TestServiceMessagesAreNoContent(t *testing.T) {
	for name := range serving {
		m := mustDecode(t, topicMessage(fmt.Sprintf(`"%s":{"x":1},"of_the_future":{}`, name))).Message
		if m.Media != nil {
			t.Errorf("%s: %v", name, m.Media)
		}
	}
}

func TestDecodeLinkPreviews(t *testing.T) {
	for fields, want := range map[string]*messages.LinkPreview{
		`"text":"x"`:                                             nil,
		`"text":"x","link_preview_options":{}`:                   nil,
		`"text":"x","link_preview_options":7`:                    nil,
		`"text":"x","link_preview_options":{"is_disabled":true}`: {IsDisabled: true},
		`"text":"x","link_preview_options":{"url":"https://x.org","prefer_small_media":true,"prefer_large_media":true,"show_above_text":true,"new":1}`: {
			Url: "https://x.org", PreferSmallMedia: true, PreferLargeMedia: true, ShowAboveText: true},
	} {
		got := mustDecode(t, topicMessage(fields+`,"effect_id":"5"`)).Message.content()
		if d := cmp.Diff(&messages.Content{Text: "x", LinkPreview: want, EffectId: "5"}, proto.Message(got), protocmp.Transform()); d != "" {
			t.Errorf("%s: %s", fields, d)
		}
	}
}
