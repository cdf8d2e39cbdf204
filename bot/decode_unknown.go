package bot

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/topicdesk/topicdesk/messages"
)

// Messages whose whole content is of a kind that this version does not know. A person wrote something, and both sides
// must hear that; but an unknown service message is nothing that anybody wrote. Telegram does not say which is which
// (docs/decisions.md, D80).

// kindUnknown is the kind of what has no field at all: an older Bot API server leaves out what it does not know.
const kindUnknown = "unknown"

// maxKind is the longest name of a field that is kept as a kind.
const maxKind = 64

// describing are the fields of a message that say nothing of its content (Bot API 10.1, Message).
var describing = fieldSet(`message_id message_thread_id direct_messages_topic from sender_chat sender_boost_count
	sender_business_bot sender_tag date guest_query_id business_connection_id chat is_topic_message is_automatic_forward
	reply_to_message guest_bot_caller_user guest_bot_caller_chat has_protected_content is_from_offline is_paid_post
	author_signature paid_star_count suggested_post_info reply_markup`)

// written are the fields that only a message has that somebody wrote.
var written = fieldSet(`forward_origin edit_date media_group_id external_reply quote reply_to_story
	reply_to_checklist_task_id reply_to_poll_option_id via_bot link_preview_options effect_id caption caption_entities
	show_caption_above_media has_media_spoiler`)

// serving are the fields of service messages.
var serving = fieldSet(`new_chat_members left_chat_member chat_owner_left chat_owner_changed new_chat_title
	new_chat_photo delete_chat_photo group_chat_created supergroup_chat_created channel_chat_created
	message_auto_delete_timer_changed migrate_to_chat_id migrate_from_chat_id pinned_message successful_payment
	refunded_payment users_shared chat_shared gift_upgrade_sent connected_website write_access_allowed passport_data
	proximity_alert_triggered boost_added chat_background_set checklist_tasks_done checklist_tasks_added
	direct_message_price_changed forum_topic_created forum_topic_edited forum_topic_closed forum_topic_reopened
	general_forum_topic_hidden general_forum_topic_unhidden giveaway_created giveaway_completed managed_bot_created
	paid_message_price_changed poll_option_added poll_option_deleted suggested_post_approved
	suggested_post_approval_failed suggested_post_declined suggested_post_paid suggested_post_refunded
	video_chat_scheduled video_chat_started video_chat_ended video_chat_participants_invited web_app_data`)

// irregular are the participles that do not end in "ed".
var irregular = fieldSet(`hidden unhidden done paid set sent left won lost given taken made shown`)

func fieldSet(names string) map[string]bool {
	set := map[string]bool{}
	for _, name := range strings.Fields(names) {
		set[name] = true
	}
	return set
}

// mayBeUnknown says whether something may have been written that was not read.
func (m *Message) mayBeUnknown() bool {
	return m != nil && m.Media == nil && !m.Service() && (m.Text == "" || m.HasCaption)
}

// readUnknown gives a message without known content the kind that it has. path leads to the message in the update.
func (m *Message) readUnknown(raw []byte, path ...string) {
	if !m.mayBeUnknown() {
		return
	}
	if kind := unknownKind(fieldsAt(raw, path)); kind != "" {
		m.Media = &messages.Media{Kind: kind}
	}
}

// readUnknown does the same for the message that is answered in the same chat. One without any field stays as it is:
// nothing tells of what it had.
func (r *Reply) readUnknown(raw []byte, path ...string) {
	if r == nil || r.MessageID == 0 || r.Media != nil || r.Text != "" || r.Origin != nil || r.TopicCreated != nil {
		return
	}
	if kind := unknownKind(fieldsAt(raw, path)); kind != "" && kind != kindUnknown {
		r.Media = &messages.Media{Kind: kind}
	}
}

// fieldsAt returns the fields of an object in an update; those of a text, if there is none.
func fieldsAt(raw []byte, path []string) (fields map[string]json.RawMessage) {
	for _, name := range append(path, "") {
		fields = nil
		if json.Unmarshal(raw, &fields) != nil || fields == nil {
			return map[string]json.RawMessage{"text": nil}
		}
		raw = fields[name]
	}
	return fields
}

// unknownKind returns the field that carries the unknown content of a message; "" when it is a service message, or a
// text that shows nothing. Of unknown fields, those that are named like service messages, by a participle, count only
// if the message has what no service message has.
func unknownKind(fields map[string]json.RawMessage) string {
	wrote, unknown := false, []string{}
	for name, value := range fields {
		switch {
		case string(value) == "null" || describing[name]:
		case written[name]:
			wrote = true
		case serving[name] || name == "text" || name == "entities":
			return ""
		default:
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	if wrote && len(unknown) > 0 || len(unknown) == 0 {
		return messages.CutUTF16(append(unknown, kindUnknown)[0], maxKind)
	}
	for _, name := range unknown {
		if !happened(name) {
			return messages.CutUTF16(name, maxKind)
		}
	}
	return ""
}

// happened says whether a field is named like those of service messages: pinned_message_removed, boost_added.
func happened(name string) bool {
	last := name[strings.LastIndexByte(name, '_')+1:]
	return irregular[last] || strings.HasSuffix(last, "ed")
}
