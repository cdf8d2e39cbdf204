package actors_test

import (
	"math/rand/v2"
	"strings"

	"github.com/topicdesk/topicdesk/simulator"
)

// schemaMessages makes messages from the types of the Bot API's schema: every optional field present or absent, with
// values that are ordinary, odd or hostile, and fields and types that nobody knows.
type schemaMessages struct {
	*rand.Rand
	files map[string]string // the type of a file → id of one that exists
	ids   []int64           // of messages, to refer to
}

// contents are the fields of which a message usually has one. All others are about a message, or about a service
// message.
var contents = strings.Fields(`text rich_message animation audio document live_photo paid_media photo sticker story video
	video_note voice checklist contact dice game poll venue location invoice gift unique_gift giveaway giveaway_winners
	tomorrows_kind`)

// services are the fields that make a message a service message: nobody said it. All are absent from an ordinary message.
var services = strings.Fields(`new_chat_members left_chat_member chat_owner_left chat_owner_changed new_chat_title
	new_chat_photo delete_chat_photo group_chat_created supergroup_chat_created channel_chat_created
	message_auto_delete_timer_changed migrate_to_chat_id migrate_from_chat_id pinned_message successful_payment
	refunded_payment users_shared chat_shared gift_upgrade_sent connected_website write_access_allowed passport_data
	proximity_alert_triggered boost_added chat_background_set checklist_tasks_done checklist_tasks_added
	direct_message_price_changed forum_topic_created forum_topic_edited forum_topic_closed forum_topic_reopened
	general_forum_topic_hidden general_forum_topic_unhidden giveaway_created giveaway_completed managed_bot_created
	paid_message_price_changed poll_option_added poll_option_deleted suggested_post_approved
	suggested_post_approval_failed suggested_post_declined suggested_post_paid suggested_post_refunded
	video_chat_scheduled video_chat_started video_chat_ended video_chat_participants_invited web_app_data`)

// chance is true once in n times.
func (s *schemaMessages) chance(n int) bool { return s.IntN(n) == 0 }

func oneOf[T any](s *schemaMessages, list []T) T { return list[s.IntN(len(list))] }

// message makes a message without the fields that say who wrote it, where and when.
func (s *schemaMessages) message() map[string]any {
	m := map[string]any{}
	for _, f := range fieldsOf("Message") {
		if isAny(contents, f.Name) || isAny(services, f.Name) || isAny(given, f.Name) || !s.chance(8) {
			continue
		}
		m[f.Name] = s.value(f, 0)
	}
	kinds := 1
	if s.chance(20) {
		kinds = 2 + s.IntN(3) // an animation has a document, a venue a location; others never come together
	}
	for range kinds {
		s.put(m, oneOf(s, contents))
	}
	return m
}

// given are the fields that the test itself sets, or that would make another message of it.
var given = strings.Fields(`message_id message_thread_id is_topic_message from sender_chat chat date edit_date caption
	caption_entities entities via_bot`)

// put adds a content, with the fields that go with it.
func (s *schemaMessages) put(m map[string]any, kind string) {
	switch kind {
	case "text":
		m["text"] = s.words(0)
		if s.chance(2) {
			m["entities"] = s.entities(m["text"].(string))
		}
		return
	case "tomorrows_kind":
		m["tomorrows_kind"] = map[string]any{"text": s.words(0)}
		return
	}
	for _, f := range fieldsOf("Message") {
		if f.Name == kind {
			m[kind] = s.value(f, 0)
		}
	}
	if s.chance(2) {
		m["caption"] = s.words(0)
		m["caption_entities"] = s.entities(m["caption"].(string))
	}
}

// service makes a service message.
func (s *schemaMessages) service() map[string]any {
	name := oneOf(s, services)
	if strings.HasPrefix(name, "migrate_") || strings.HasPrefix(name, "forum_topic_") {
		name = "new_chat_title" // these have effects, which other tests check
	}
	for _, f := range fieldsOf("Message") {
		if f.Name == name {
			return map[string]any{name: s.value(f, 0)}
		}
	}
	return map[string]any{"delete_chat_photo": true}
}

func fieldsOf(name string) []simulator.Field {
	fields, _ := simulator.Schema(name)
	return fields
}

func isAny(list []string, name string) bool {
	for _, l := range list {
		if l == name {
			return true
		}
	}
	return false
}

// deepest is how deep objects are nested: deeper fields are left out unless they are required.
const deepest = 5

func (s *schemaMessages) value(f simulator.Field, depth int) any {
	switch {
	case f.Value != "" && !s.chance(50):
		return f.Value
	case f.Value != "":
		return "tomorrows_type"
	}
	return s.of(oneOf(s, f.Types), f.Name, depth)
}

func (s *schemaMessages) of(kind, name string, depth int) any {
	if item, list := strings.CutPrefix(kind, "[]"); list {
		out := []any{}
		for range s.IntN(4) {
			out = append(out, s.of(item, name, depth+1))
		}
		if len(out) == 0 && name == "photo" {
			out = append(out, s.of(item, name, depth+1)) // Telegram sends no photo without sizes
		}
		return out
	}
	switch kind {
	case "String":
		return s.text(name, depth)
	case "Integer":
		if name == "message_id" && len(s.ids) > 0 {
			return oneOf(s, s.ids)
		}
		return oneOf(s, []int64{0, 1, 2, 60, 1700000000, 1 << 31, 1<<53 - 1, -1, -1001234567890})
	case "Float":
		return oneOf(s, []float64{0, 1.5, -89.9, 179.999})
	case "Boolean", "True":
		return !s.chance(3)
	}
	return s.object(kind, depth)
}

func (s *schemaMessages) object(kind string, depth int) any {
	fields, subtypes := simulator.Schema(kind)
	if len(subtypes) > 0 {
		if s.chance(40) {
			return map[string]any{"type": "tomorrows_type", "text": s.words(depth), "blocks": []any{}}
		}
		if depth >= deepest && kind == "RichText" {
			return s.words(depth)
		}
		return s.of(oneOf(s, subtypes), "", depth+1)
	}
	o := map[string]any{}
	for _, f := range fields {
		if f.Required || depth < deepest && s.chance(3) {
			o[f.Name] = s.value(f, depth+1)
		}
	}
	if _, file := o["file_id"]; file {
		o["file_id"] = s.files[kind]
		if s.chance(10) {
			o["file_id"] = "unknown"
		}
	}
	if s.chance(30) {
		o["tomorrows_field"] = s.words(depth)
	}
	return o
}

// text is a string for a field, by its name.
func (s *schemaMessages) text(name string, depth int) string {
	switch name {
	case "type":
		return oneOf(s, []string{"private", "group", "supergroup", "channel", "quiz", "regular", "1", "a"})
	case "url":
		return oneOf(s, []string{"https://example.com/a?b=c", "http://a", "tg://user?id=1", "not a url", ""})
	case "username":
		return oneOf(s, []string{"somebody_1", "ann", "x"})
	case "currency":
		return oneOf(s, []string{"XTR", "EUR", "THB"})
	}
	return s.words(depth)
}

// words are what people write: no commands, which are answered and not copied.
func (s *schemaMessages) words(depth int) string {
	list := []string{"hello", "สวัสดีครับ", "น้ำ", "👩‍👩‍👧", "<b>x</b>", "*y*", "\u202eabc", "z\u200bw", "0", "a\nb", "{{.x}}", "—", "𝒳"}
	n := 1 + s.IntN(5)
	if depth == 0 && s.chance(60) {
		n = 1500 // longer than a message may be, with a head
	}
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(oneOf(s, list))
	}
	text := b.String()
	if r := []rune(text); len(r) > 3500 {
		text = string(r[:3500])
	}
	return text
}

// entities are any types at any places of a text, some of them beyond it.
func (s *schemaMessages) entities(text string) []any {
	types := strings.Fields(`mention hashtag cashtag bot_command url email phone_number bold italic underline strikethrough
		spoiler blockquote expandable_blockquote code pre text_link text_mention custom_emoji date_time tomorrows_type`)
	out := []any{}
	for range s.IntN(6) {
		e := s.object("MessageEntity", 1).(map[string]any)
		e["type"], e["offset"], e["length"] = oneOf(s, types), s.IntN(len(text)), 1+s.IntN(8)
		out = append(out, e)
	}
	return out
}
