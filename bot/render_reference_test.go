package bot

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/go-telegram/bot/models"

	"github.com/topicdesk/topicdesk/messages"
)

func TestReferencesOfCopies(t *testing.T) {
	shop := &messages.Forward{Kind: "channel", Name: "Shop", Signature: "Ed"}
	hostile := &messages.Forward{Name: "\u202eevil\nexample.com " + strings.Repeat("x", 100)}
	for _, c := range []struct {
		name, lang string
		call       *messages.SendCopyCall
		want       string
	}{
		{"a channel", langEnglish, &messages.SendCopyCall{ReplyOrigin: shop, ReplyUrl: "https://t.me/shop/17", ReplyPreview: "Returns end"},
			"💬 In reply to <text_link https://t.me/shop/17><bold>Shop</bold></text_link> (Ed)\n<blockquote>Returns end</blockquote>"},
		{"in Thai", langThai, &messages.SendCopyCall{ReplyOrigin: shop, ReplyMediaKind: messages.MediaPhoto},
			"💬 ตอบกลับ <bold>Shop</bold> (Ed)\n<blockquote>[รูปภาพ]</blockquote>"},
		{"a hidden word", langEnglish, &messages.SendCopyCall{ReplyMediaKind: messages.MediaPhoto, ReplyPreview: "code 12",
			PreviewEntities: []*messages.Entity{{Type: "spoiler", Offset: 5, Length: 2}}},
			"<blockquote>[photo] code <spoiler>12</blockquote></spoiler>"},
		{"an option", langEnglish, &messages.SendCopyCall{ReplyTo: 3, ReplyItem: "no,\ncoffee"}, "<blockquote>› no, coffee</blockquote>"},
		{"an option of a poll that is not here", langEnglish, &messages.SendCopyCall{ReplyMediaKind: messages.MediaPoll, ReplyPreview: "Tea?", ReplyItem: "no"},
			"<blockquote>[poll] Tea?\n› no</blockquote>"},
		{"one that was deleted", langEnglish, &messages.SendCopyCall{ReplyOrigin: &messages.Forward{Name: "Bob"}, ReplyDeleted: true},
			"💬 In reply to <bold>Bob</bold>\n<blockquote>[deleted message]</blockquote>"},
		{"one that was deleted, in Thai", langThai, &messages.SendCopyCall{ReplyOrigin: &messages.Forward{Name: "Bob"}, ReplyDeleted: true},
			"💬 ตอบกลับ <bold>Bob</bold>\n<blockquote>[ข้อความที่ลบแล้ว]</blockquote>"},
		{"a hostile name", langEnglish, &messages.SendCopyCall{ReplyOrigin: hostile},
			"💬 In reply to <bold>evil example.com " + strings.Repeat("x", 46) + "…</bold>"},
		{"nobody", langEnglish, &messages.SendCopyCall{ReplyOrigin: &messages.Forward{}}, "💬 In reply to <bold>?</bold>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.call.SenderName, c.call.Content = "Ann", &messages.Content{Text: "so?"}
			m, err := render(-1, c.lang, copyOp(c.call))
			if err != nil {
				t.Fatal(err)
			}
			got := show(Rich{m.Text, m.Entities})
			got = strings.NewReplacer("<blockquote></blockquote>", "", "</text_link></bold>", "</bold></text_link>").Replace(got)
			if want := "<bold>Ann</bold>\n" + c.want + "\nso?"; got != want {
				t.Errorf("got  %q\nwant %q", got, want)
			}
			if m.LinkPreview != noPreview {
				t.Errorf("the head brings a preview: %+v", m.LinkPreview)
			}
		})
	}
}

func TestPreviewsOfCopies(t *testing.T) {
	content := func(text string, preview *messages.LinkPreview, entities ...*messages.Entity) *messages.Content {
		return &messages.Content{Text: text, LinkPreview: preview, Entities: entities}
	}
	url := func(offset, length int32) *messages.Entity {
		return &messages.Entity{Type: "url", Offset: offset, Length: length}
	}
	const off = `{"is_disabled":true}`
	for _, c := range []struct {
		name    string
		content *messages.Content
		want    string
	}{
		{"no link", content("hello", nil), off},
		{"a link", content("👍 b.com a.com", nil, url(9, 5), url(3, 5)), `{"url":"b.com"}`},
		{"behind a word", content("here", nil, &messages.Entity{Type: "text_link", Length: 4, Url: "https://x.org"}), `{"url":"https://x.org"}`},
		{"that is no page", content("here", nil, &messages.Entity{Type: "text_link", Length: 4, Url: "tg://user?id=1"}), off},
		{"of an address for mail", content("a@b.com", nil, &messages.Entity{Type: "email", Length: 7}), off},
		{"of a program, unmarked", content("see (https://x.org/a).", nil), `{"url":"https://x.org/a"}`},
		{"within code", content("https://x.org", nil, &messages.Entity{Type: "code", Length: 13}), off},
		{"disabled", content("b.com", &messages.LinkPreview{IsDisabled: true, Url: "https://b.com"}, url(0, 5)), off},
		{"every option", content("b.com", &messages.LinkPreview{Url: "https://c.com", PreferSmallMedia: true, PreferLargeMedia: true, ShowAboveText: true}, url(0, 5)),
			`{"url":"https://c.com","prefer_small_media":true,"prefer_large_media":true,"show_above_text":true}`},
		{"above, of the first link", content("b.com", &messages.LinkPreview{ShowAboveText: true}, url(0, 5)), `{"url":"b.com","show_above_text":true}`},
		{"of a protected text", &messages.Content{Text: "b.com", IsProtected: true, Entities: []*messages.Entity{url(0, 5)}}, off},
		{"entities beyond the text", content("b.com", nil, url(3, 9), url(-4, 2)), `{"url":"om"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			forward := &messages.Forward{Name: "News", Username: "news", MessageId: 3}
			c.content.Forward = forward // whose link is never previewed
			call := &messages.SendCopyCall{SenderName: "Ann", Content: c.content}
			edit := &messages.Operation{Call: &messages.Operation_EditCopy{EditCopy: &messages.EditCopyCall{MessageId: 4, Copy: call, Former: c.content}}}
			for _, op := range []*messages.Operation{copyOp(call), edit} {
				m, err := render(-1, langEnglish, op)
				if err != nil {
					t.Fatal(err)
				}
				if got, _ := json.Marshal(m.LinkPreview); string(got) != c.want {
					t.Errorf("%s, want %s", got, c.want)
				}
			}
		})
	}
}

func TestEffects(t *testing.T) {
	sticker := &messages.Content{EffectId: "5", Media: &messages.Media{Kind: messages.MediaSticker, FileId: "f"}}
	for _, c := range []struct {
		name    string
		chat    int64
		content *messages.Content
		part    int32
		want    string
	}{
		{"in a private chat", 7, &messages.Content{Text: "yay", EffectId: "5"}, 0, "5"},
		{"never in a group", -7, &messages.Content{Text: "yay", EffectId: "5"}, 0, ""},
		{"not with the name", 7, sticker, 0, ""},
		{"but with the medium", 7, sticker, 1, "5"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := render(c.chat, langEnglish, copyOp(&messages.SendCopyCall{SenderName: "Ann", Content: c.content, Part: c.part}))
			if err != nil || m.Effect != c.want {
				t.Errorf("%q %v", m.Effect, err)
			}
		})
	}
}

func TestRefusedLooksAreLeftOff(t *testing.T) {
	const done = `{"ok":true,"result":{"message_id":7,"message_thread_id":5,"is_topic_message":true}}`
	for refusal, without := range map[string]string{
		"WEBPAGE_URL_INVALID": `"link_preview_options":{"is_disabled":true}`,
		"EFFECT_ID_INVALID":   `"text":"Ann\nb.com"`,
	} {
		server := &answerWith{answers: []string{`{"ok":false,"error_code":400,"description":"Bad Request: ` + refusal + `"}`, done}}
		out := testClient(t, server.handle).Call(t.Context(), 7, "en", copyOp(&messages.SendCopyCall{SenderName: "Ann", Content: &messages.Content{
			Text: "b.com", EffectId: "5", Entities: []*messages.Entity{{Type: "url", Length: 5}}}}))
		last := server.bodies[len(server.bodies)-1]
		if out.Result != messages.Outcome_DONE || len(server.bodies) != 2 || !strings.Contains(last, without) ||
			refusal == "EFFECT_ID_INVALID" && strings.Contains(last, "effect") {
			t.Errorf("%v after %q", out, server.bodies)
		}
	}
}

// The desk's own markup gives way to the author's, but spoilers of what is answered stay.
func TestMarkupMakesRoom(t *testing.T) {
	text := strings.Repeat("x ", 100)
	var hundred []*messages.Entity
	for i := range int32(100) {
		kind := "italic"
		if i >= 90 {
			kind = "hashtag" // which Telegram finds again
		}
		hundred = append(hundred, &messages.Entity{Type: kind, Offset: 2 * i, Length: 1})
	}
	call := &messages.SendCopyCall{SenderName: "Ann", Edited: true, ReplyOrigin: &messages.Forward{Name: "Shop"}, ReplyUrl: "https://t.me/shop",
		ReplyPreview: "code 12", PreviewEntities: []*messages.Entity{{Type: "spoiler", Offset: 5, Length: 2}},
		Content: &messages.Content{Text: text, Entities: hundred}}
	m, err := render(-1, langEnglish, copyOp(call))
	if err != nil {
		t.Fatal(err)
	}
	count := map[models.MessageEntityType]int{}
	for _, e := range m.Entities {
		count[e.Type]++
	}
	if len(m.Entities) != 90 || count["spoiler"] != 1 || count["italic"] != 89 {
		t.Errorf("%v", count)
	}
	call.Content.Entities = hundred[:95]
	if m, _ = render(-1, langEnglish, copyOp(call)); len(m.Entities) != 95 {
		t.Errorf("%d entities, with 5 that Telegram finds", len(m.Entities))
	}
}
