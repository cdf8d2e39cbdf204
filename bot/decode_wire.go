package bot

// The wire structs have only the fields that intake uses. The decoder skips all others, whatever their type, at
// almost no cost.

type wireUpdate struct {
	ID         *int64        `json:"update_id"`
	Message    *wireMessage  `json:"message"`
	Edited     *wireMessage  `json:"edited_message"`
	Callback   *wireCallback `json:"callback_query"`
	MyMember   *wireMember   `json:"my_chat_member"`
	ChatMember *wireMember   `json:"chat_member"`
	Reaction   *wireReaction `json:"message_reaction"`
}

type wireUser struct {
	ID           int64  `json:"id"`
	IsBot        bool   `json:"is_bot"`
	FirstName    string `json:"first_name"`
	LastName     string `json:"last_name"`
	Username     string `json:"username"`
	LanguageCode string `json:"language_code"`
}

type wireChat struct {
	ID        int64  `json:"id"`
	Type      string `json:"type"`
	Title     string `json:"title"`
	Username  string `json:"username"`
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
	IsForum   bool   `json:"is_forum"`
}

type wireEntity struct {
	Type           string    `json:"type"`
	Offset         int32     `json:"offset"`
	Length         int32     `json:"length"`
	URL            string    `json:"url"`
	User           *wireUser `json:"user"`
	Language       string    `json:"language"`
	CustomEmojiID  string    `json:"custom_emoji_id"`
	UnixTime       int64     `json:"unix_time"`
	DateTimeFormat string    `json:"date_time_format"`
}

type wireTopicName struct {
	Name string  `json:"name"`
	Icon *string `json:"icon_custom_emoji_id"`
}

// wireReplied is the message that another one answers. Telegram includes one level: not what that message answers
// itself.
type wireReplied struct {
	ID              int64          `json:"message_id"`
	From            *wireUser      `json:"from"`
	SenderChat      *wireChat      `json:"sender_chat"`
	Text            string         `json:"text"`
	Entities        []wireEntity   `json:"entities"`
	Caption         string         `json:"caption"`
	CaptionEntities []wireEntity   `json:"caption_entities"`
	ForwardOrigin   *wireOrigin    `json:"forward_origin"`
	Protected       bool           `json:"has_protected_content"`
	TopicCreated    *wireTopicName `json:"forum_topic_created"`
	wireMedia
}

type wireMessage struct {
	ID              int64            `json:"message_id"`
	ThreadID        int64            `json:"message_thread_id"`
	IsTopicMessage  bool             `json:"is_topic_message"`
	From            *wireUser        `json:"from"`
	SenderChat      *wireChat        `json:"sender_chat"`
	Chat            *wireChat        `json:"chat"`
	Date            int64            `json:"date"`
	EditDate        int64            `json:"edit_date"`
	Protected       bool             `json:"has_protected_content"`
	ForwardOrigin   *wireOrigin      `json:"forward_origin"`
	Text            string           `json:"text"`
	Entities        []wireEntity     `json:"entities"`
	Caption         string           `json:"caption"`
	CaptionEntities []wireEntity     `json:"caption_entities"`
	ReplyTo         *wireReplied     `json:"reply_to_message"`
	ExternalReply   *wireExternal    `json:"external_reply"`
	Quote           *wireQuote       `json:"quote"`
	ReplyToStory    *wireStory       `json:"reply_to_story"`
	ChecklistTask   int64            `json:"reply_to_checklist_task_id"`
	PollOption      string           `json:"reply_to_poll_option_id"`
	LinkPreview     *wireLinkPreview `json:"link_preview_options"`
	EffectID        string           `json:"effect_id"`
	wireMedia

	TopicCreated    *wireTopicName `json:"forum_topic_created"`
	TopicEdited     *wireTopicName `json:"forum_topic_edited"`
	TopicClosed     present        `json:"forum_topic_closed"`
	TopicReopened   present        `json:"forum_topic_reopened"`
	MigrateToChat   int64          `json:"migrate_to_chat_id"`
	MigrateFromChat int64          `json:"migrate_from_chat_id"`
}

type wireCallback struct {
	ID      string    `json:"id"`
	From    *wireUser `json:"from"`
	Data    string    `json:"data"`
	Message *struct {
		ID             int64        `json:"message_id"`
		Date           int64        `json:"date"` // 0: Telegram does not show the message any more
		Chat           *wireChat    `json:"chat"`
		ThreadID       int64        `json:"message_thread_id"`
		ReplyTo        *wireMessage `json:"reply_to_message"`
		IsTopicMessage bool         `json:"is_topic_message"`
	} `json:"message"`
}

type wireReaction struct {
	Chat      *wireChat   `json:"chat"`
	MessageID int64       `json:"message_id"`
	User      *wireUser   `json:"user"`
	ActorChat *wireChat   `json:"actor_chat"` // the group or channel that somebody reacted as
	Date      int64       `json:"date"`
	New       []wireEmoji `json:"new_reaction"`
}

type wireEmoji struct {
	Type          string `json:"type"` // emoji, custom_emoji, paid
	Emoji         string `json:"emoji"`
	CustomEmojiID string `json:"custom_emoji_id"`
}

type wireMember struct {
	Chat *wireChat   `json:"chat"`
	From *wireUser   `json:"from"`
	Date int64       `json:"date"`
	Old  *wireRights `json:"old_chat_member"`
	New  *wireRights `json:"new_chat_member"`
}

type wireRights struct {
	User            *wireUser `json:"user"`
	Status          string    `json:"status"`
	CanManageTopics bool      `json:"can_manage_topics"`
	CanPinMessages  bool      `json:"can_pin_messages"`
	CanDelete       bool      `json:"can_delete_messages"`
	IsMember        *bool     `json:"is_member"` // of a restricted person
}
