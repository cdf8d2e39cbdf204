package simulator

import "encoding/json"

// The Bot API's objects, as far as one is made of our own data.
type apiUser struct {
	ID           int64  `json:"id"`
	IsBot        bool   `json:"is_bot"`
	FirstName    string `json:"first_name"`
	LastName     string `json:"last_name,omitempty"`
	Username     string `json:"username,omitempty"`
	LanguageCode string `json:"language_code,omitempty"`
}

type apiChat struct {
	ID        int64  `json:"id"`
	Type      string `json:"type"`
	Title     string `json:"title,omitempty"`
	Username  string `json:"username,omitempty"`
	FirstName string `json:"first_name,omitempty"`
	LastName  string `json:"last_name,omitempty"`
	IsForum   bool   `json:"is_forum,omitempty"`
}

type apiMessage struct {
	ID              int             `json:"message_id"`
	Thread          int             `json:"message_thread_id,omitempty"`
	From            *apiUser        `json:"from,omitempty"`
	SenderChat      *apiChat        `json:"sender_chat,omitempty"`
	Date            int64           `json:"date"`
	Chat            apiChat         `json:"chat"`
	IsTopic         bool            `json:"is_topic_message,omitempty"`
	AutoForward     bool            `json:"is_automatic_forward,omitempty"`
	EditDate        int64           `json:"edit_date,omitempty"`
	Protected       bool            `json:"has_protected_content,omitempty"`
	AlbumID         string          `json:"media_group_id,omitempty"`
	Spoiler         bool            `json:"has_media_spoiler,omitempty"`
	Above           bool            `json:"show_caption_above_media,omitempty"`
	Quote           *Quote          `json:"quote,omitempty"`
	External        json.RawMessage `json:"external_reply,omitempty"`
	Story           json.RawMessage `json:"reply_to_story,omitempty"`
	ReplyTask       int             `json:"reply_to_checklist_task_id,omitempty"`
	ReplyOption     string          `json:"reply_to_poll_option_id,omitempty"`
	LinkPreview     *LinkPreview    `json:"link_preview_options,omitempty"`
	Effect          string          `json:"effect_id,omitempty"`
	Text            string          `json:"text,omitempty"`
	Entities        []Entity        `json:"entities,omitempty"`
	Caption         string          `json:"caption,omitempty"`
	CaptionEntities []Entity        `json:"caption_entities,omitempty"`
}

// nest puts rendered JSON into a value that is still to be rendered.
func nest(b []byte) json.RawMessage { return b }

func (s *Server) userOf(p *Person) apiUser {
	return apiUser{ID: p.ID, IsBot: p.IsBot, FirstName: p.FirstName, LastName: p.LastName, Username: p.Username, LanguageCode: p.LanguageCode}
}

func (s *Server) botUser() apiUser {
	return apiUser{ID: s.botID, IsBot: true, FirstName: s.w.botName, Username: s.opt.BotUsername}
}

func (s *Server) botSender() Sender { return Sender{ID: s.botID, Name: s.w.botName, IsBot: true} }

func (s *Server) userByID(id int64, name string) apiUser {
	switch id {
	case s.botID:
		return s.botUser()
	case GroupAnonymousBotID:
		return apiUser{ID: id, IsBot: true, FirstName: "Group", Username: "GroupAnonymousBot"}
	case ChannelBotID:
		return apiUser{ID: id, IsBot: true, FirstName: "Channel", Username: "Channel_Bot"}
	case LinkedChannelID:
		return apiUser{ID: id, FirstName: "Telegram"}
	}
	if p := s.w.people[id]; p != nil {
		return s.userOf(p)
	}
	return apiUser{ID: id, FirstName: name}
}

func (s *Server) chatJSON(c *chat) apiChat {
	if c.private() {
		return apiChat{ID: c.id, Type: "private", FirstName: c.person.FirstName, LastName: c.person.LastName, Username: c.person.Username}
	}
	return apiChat{ID: c.id, Type: c.kind(), Title: c.group.Title, Username: c.group.Username, IsForum: c.group.Forum}
}

func (s *Server) senderChat(c *chat, as *Channel) *apiChat {
	if as == nil {
		return nil
	}
	if as.ID == c.id {
		chat := s.chatJSON(c)
		return &chat
	}
	return &apiChat{ID: as.ID, Type: "channel", Title: as.Title, Username: as.Username}
}

// messageJSON renders a message for the bot; a nested one (inside another) carries no message itself.
func (s *Server) messageJSON(m *Message, nested bool) []byte {
	c := s.w.chats[m.Chat]
	from := s.userByID(m.From.ID, m.From.Name)
	a := apiMessage{ID: m.ID, From: &from, SenderChat: s.senderChat(c, m.From.As), Date: m.Date, Chat: s.chatJSON(c),
		AutoForward: m.AutoForward, EditDate: m.EditDate, Protected: m.Protected, AlbumID: m.AlbumID, Quote: m.Quote,
		Spoiler: m.Spoiler, Above: m.Above, LinkPreview: m.LinkPreview, Effect: m.Effect}
	if !nested {
		a.External, a.Story, a.ReplyTask, a.ReplyOption = m.External, m.Story, m.ReplyTask, m.ReplyOption
	}
	switch {
	case m.Rich != nil:
	case m.Media != nil:
		a.Caption, a.CaptionEntities = m.Text, m.Entities
	default:
		a.Text, a.Entities = m.Text, m.Entities
	}
	switch {
	case m.Thread != 0:
		a.Thread, a.IsTopic = m.Thread, true
	case m.ReplyTo != 0 && c.group != nil && !c.group.Basic:
		a.Thread = replyThread(c, m) // no topic: Telegram numbers reply threads too
	}
	out, err := json.Marshal(a)
	if err != nil {
		panic(err)
	}
	out = out[:len(out)-1]
	if m.Rich != nil {
		out = field(out, "rich_message", m.Rich.Value)
	}
	if m.Media != nil {
		out = field(out, m.Media.Kind, m.Media.Value)
		if m.Media.Kind == "animation" { // Telegram sets document too, for old bots
			out = field(out, "document", m.Media.Value)
		}
	}
	if m.ForwardOf != nil {
		out = field(out, "forward_origin", s.originJSON(m.ForwardOf))
	}
	if len(m.Keyboard) > 0 {
		out = field(out, "reply_markup", m.Keyboard)
	}
	if sv := m.Service; sv != nil && sv.Kind != "pinned_message" {
		out = field(out, sv.Kind, sv.Payload)
	}
	if !nested {
		if sv := m.Service; sv != nil && sv.Pinned != 0 {
			if p := c.message(sv.Pinned); p != nil {
				out = field(out, "pinned_message", s.messageJSON(p, true))
			}
		}
		if r := replied(c, m); r != nil {
			out = field(out, "reply_to_message", s.messageJSON(r, true))
		}
	}
	return append(out, '}')
}

// replied is the message that m answers: in a topic of a group, at least the one that created the topic.
func replied(c *chat, m *Message) *Message {
	if m.ReplyTo != 0 {
		if r := c.live(m.ReplyTo); r != nil {
			return r
		}
	}
	if m.Thread != 0 && m.Thread != m.ID && !c.private() {
		return c.live(m.Thread)
	}
	return nil
}

// replyThread is the first message of the chain of replies.
func replyThread(c *chat, m *Message) int {
	id := m.ReplyTo
	for range 100 {
		r := c.message(id)
		if r == nil || r.ReplyTo == 0 {
			break
		}
		id = r.ReplyTo
	}
	return id
}

func field(out []byte, name string, v []byte) []byte {
	out = append(out, ',', '"')
	out = append(out, name...)
	out = append(out, '"', ':')
	return append(out, v...)
}

func (s *Server) originJSON(o *Origin) []byte {
	m := map[string]any{"date": o.Date}
	switch {
	case o.Chat != nil && o.ID != 0:
		m["type"], m["chat"], m["message_id"] = "channel", apiChat{ID: o.Chat.ID, Type: "channel", Title: o.Chat.Title, Username: o.Chat.Username}, o.ID
	case o.Chat != nil:
		m["type"], m["sender_chat"] = "chat", apiChat{ID: o.Chat.ID, Type: "supergroup", Title: o.Chat.Title, Username: o.Chat.Username}
	case o.Person != 0:
		m["type"], m["sender_user"] = "user", s.userByID(o.Person, o.Name)
	default:
		m["type"], m["sender_user_name"] = "hidden_user", o.Name
	}
	return jsonOf(m)
}

func reactionJSON(emoji string) []any {
	if emoji == "" {
		return []any{}
	}
	return []any{map[string]string{"type": "emoji", "emoji": emoji}}
}

func memberJSON(u apiUser, role Role) map[string]any {
	m := map[string]any{"status": string(role), "user": u}
	switch role {
	case Creator:
		m["is_anonymous"] = false
	case Administrator:
		for _, r := range adminRights {
			m[r] = true
		}
		m["is_anonymous"], m["can_be_edited"] = false, false
	case Restricted:
		for _, r := range memberRights {
			m[r] = false
		}
		m["is_member"], m["until_date"] = true, 0
	case Kicked:
		m["until_date"] = 0
	}
	return m
}

var adminRights = []string{"can_manage_chat", "can_delete_messages", "can_manage_video_chats", "can_restrict_members", "can_promote_members",
	"can_change_info", "can_invite_users", "can_post_stories", "can_edit_stories", "can_delete_stories", "can_pin_messages", "can_manage_topics"}

var memberRights = []string{"can_send_messages", "can_send_audios", "can_send_documents", "can_send_photos", "can_send_videos",
	"can_send_video_notes", "can_send_voice_notes", "can_send_polls", "can_send_other_messages", "can_add_web_page_previews",
	"can_react_to_messages", "can_edit_tag", "can_change_info", "can_invite_users", "can_pin_messages", "can_manage_topics"}

func (s *Server) botMemberJSON(b BotRights) map[string]any {
	m := memberJSON(s.botUser(), b.Status)
	if b.Status == Administrator {
		m["can_manage_topics"], m["can_pin_messages"], m["can_delete_messages"] = b.CanManageTopics, b.CanPinMessages, b.CanDeleteMessages
		m["can_promote_members"] = false
	}
	return m
}

func (s *Server) memberUpdate(c *chat, by apiUser, was, is map[string]any) []byte {
	return jsonOf(map[string]any{"chat": s.chatJSON(c), "from": by, "date": s.now().Unix(), "old_chat_member": was, "new_chat_member": is})
}
