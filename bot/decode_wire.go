package bot

import "bytes"

// The wire structs hold just the fields that intake uses: what is not named here is skipped by the decoder, whatever its
// type, and costs next to nothing.

type wireUpdate struct {
	ID         *int64        `json:"update_id"`
	Message    *wireMessage  `json:"message"`
	Edited     *wireMessage  `json:"edited_message"`
	Callback   *wireCallback `json:"callback_query"`
	MyMember   *wireMember   `json:"my_chat_member"`
	ChatMember *wireMember   `json:"chat_member"`
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
	Name string `json:"name"`
}

// present notes that a field is there, without reading it.
type present bool

func (p *present) UnmarshalJSON(b []byte) error {
	*p = present(!bytes.Equal(b, []byte("null")))
	return nil
}

// wireMedia says what a message carries besides text.
type wireMedia struct {
	Animation   present `json:"animation"`
	Audio       present `json:"audio"`
	Document    present `json:"document"`
	LivePhoto   present `json:"live_photo"`
	PaidMedia   present `json:"paid_media"`
	Photo       present `json:"photo"`
	Sticker     present `json:"sticker"`
	Story       present `json:"story"`
	Video       present `json:"video"`
	VideoNote   present `json:"video_note"`
	Voice       present `json:"voice"`
	Checklist   present `json:"checklist"`
	Contact     present `json:"contact"`
	Dice        present `json:"dice"`
	Game        present `json:"game"`
	Poll        present `json:"poll"`
	Venue       present `json:"venue"`
	Location    present `json:"location"`
	Invoice     present `json:"invoice"`
	RichMessage present `json:"rich_message"`
	Giveaway    present `json:"giveaway"`
	Gift        present `json:"gift"`
	UniqueGift  present `json:"unique_gift"`
}

// kind names the medium, "" when there is none. An animation also carries a document, a venue also a location, a live
// photo also a photo: the more telling one comes first.
func (m *wireMedia) kind() string {
	switch {
	case bool(m.Animation):
		return "animation"
	case bool(m.LivePhoto):
		return "live photo"
	case bool(m.PaidMedia):
		return "paid media"
	case bool(m.Photo):
		return "photo"
	case bool(m.Video):
		return "video"
	case bool(m.VideoNote):
		return "video note"
	case bool(m.Voice):
		return "voice message"
	case bool(m.Audio):
		return "audio"
	case bool(m.Document):
		return "document"
	case bool(m.Sticker):
		return "sticker"
	case bool(m.Story):
		return "story"
	case bool(m.Checklist):
		return "checklist"
	case bool(m.Contact):
		return "contact"
	case bool(m.Dice):
		return "dice"
	case bool(m.Game):
		return "game"
	case bool(m.Poll):
		return "poll"
	case bool(m.Venue):
		return "venue"
	case bool(m.Location):
		return "location"
	case bool(m.Invoice):
		return "invoice"
	case bool(m.RichMessage):
		return "rich message"
	case bool(m.Giveaway):
		return "giveaway"
	case bool(m.Gift), bool(m.UniqueGift):
		return "gift"
	}
	return ""
}

// wireReplied is the message that another one answers: Telegram shows it once, without what it answers itself.
type wireReplied struct {
	ID           int64          `json:"message_id"`
	From         *wireUser      `json:"from"`
	Text         string         `json:"text"`
	Caption      string         `json:"caption"`
	TopicCreated *wireTopicName `json:"forum_topic_created"`
	wireMedia
}

type wireMessage struct {
	ID              int64         `json:"message_id"`
	ThreadID        int64         `json:"message_thread_id"`
	IsTopicMessage  bool          `json:"is_topic_message"`
	From            *wireUser     `json:"from"`
	SenderChat      *wireChat     `json:"sender_chat"`
	Chat            *wireChat     `json:"chat"`
	Date            int64         `json:"date"`
	EditDate        int64         `json:"edit_date"`
	MediaGroupID    string        `json:"media_group_id"`
	Text            string        `json:"text"`
	Entities        []wireEntity  `json:"entities"`
	Caption         string        `json:"caption"`
	CaptionEntities []wireEntity  `json:"caption_entities"`
	ReplyTo         *wireReplied  `json:"reply_to_message"`
	ExternalReply   *wireExternal `json:"external_reply"`
	Quote           *struct {
		Text     string `json:"text"`
		IsManual bool   `json:"is_manual"`
	} `json:"quote"`
	wireMedia

	TopicCreated    *wireTopicName `json:"forum_topic_created"`
	TopicEdited     *wireTopicName `json:"forum_topic_edited"`
	TopicClosed     present        `json:"forum_topic_closed"`
	TopicReopened   present        `json:"forum_topic_reopened"`
	MigrateToChat   int64          `json:"migrate_to_chat_id"`
	MigrateFromChat int64          `json:"migrate_from_chat_id"`
}

type wireExternal struct {
	Chat      *wireChat `json:"chat"`
	MessageID int64     `json:"message_id"`
	wireMedia
}

type wireCallback struct {
	ID      string    `json:"id"`
	From    *wireUser `json:"from"`
	Data    string    `json:"data"`
	Message *struct {
		ID             int64     `json:"message_id"`
		Date           int64     `json:"date"` // 0: Telegram shows the message no more
		Chat           *wireChat `json:"chat"`
		ThreadID       int64     `json:"message_thread_id"`
		IsTopicMessage bool      `json:"is_topic_message"`
	} `json:"message"`
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
}
