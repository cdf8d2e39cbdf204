package simulator

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"
)

type replyParams struct {
	MessageID     int             `json:"message_id"`
	ChatID        json.RawMessage `json:"chat_id"`
	AllowWithout  bool            `json:"allow_sending_without_reply"`
	Quote         string          `json:"quote"`
	QuoteMode     string          `json:"quote_parse_mode"`
	QuoteEntities []Entity        `json:"quote_entities"`
	QuotePosition int             `json:"quote_position"`
}

// draft starts a message of the bot from the parameters that all send methods share.
func (s *Server) draft(c *call) (*Message, *apiError) {
	m := &Message{From: s.botSender(), Thread: c.p.int("message_thread_id"), Protected: c.p.bool("protect_content"),
		Silent: c.p.bool("disable_notification")}
	if e := s.botMayPost(c.chat, m.Thread, c.p.has("message_thread_id")); e != nil {
		return nil, e
	}
	if t := c.chat.topic(m.Thread); c.chat.private() && t != nil && t.Deleted {
		m.Thread = 0 // Telegram says so in its answer only (tdlib/telegram-bot-api, issue 854)
	}
	var rp replyParams
	if err := c.p.json("reply_parameters", &rp); err != nil {
		return nil, badRequest("can't parse reply parameters JSON object")
	}
	if rp.MessageID != 0 {
		if e := s.reply(c, m, rp); e != nil {
			return nil, e
		}
	}
	if m.Effect = c.p.str("message_effect_id"); m.Effect != "" && !c.chat.private() {
		return nil, badRequest("can't use message effects in the chat")
	}
	if e := c.markup(m); e != nil {
		return nil, e
	}
	return m, nil
}

// botMayPost says whether the bot can write in a thread.
func (s *Server) botMayPost(c *chat, thread int, given bool) *apiError {
	if given && (!c.forum() || thread == GeneralTopic || thread == 0) {
		return badRequest("message thread not found")
	}
	if !c.private() && c.group.Bot.Status == Restricted {
		return badRequest("not enough rights to send text messages to the chat")
	}
	if thread == 0 {
		if c.forum() && c.general && !c.botAdmin() {
			return badRequest("TOPIC_CLOSED")
		}
		return nil
	}
	t := c.topic(thread)
	if t == nil || t.Deleted && !c.private() {
		return badRequest("message thread not found")
	}
	if t.Closed && !c.botAdmin() {
		return badRequest("TOPIC_CLOSED")
	}
	return nil
}

func (s *Server) reply(c *call, m *Message, rp replyParams) *apiError {
	from := c.chat
	if text := strings.Trim(string(rp.ChatID), `"`); text != "" && text != "null" {
		other, e := s.findChat(text)
		if e != nil {
			return e
		}
		from = other
	}
	r := from.live(rp.MessageID)
	if r == nil || from == c.chat && r.Service != nil && r.Service.Kind == "forum_topic_created" && r.Thread != m.Thread {
		if rp.AllowWithout {
			return nil
		}
		return badRequest("message to be replied not found")
	}
	if rp.Quote != "" {
		text, es, e := formatted(rp.Quote, rp.QuoteMode, rp.QuoteEntities, maxCaption)
		if e != nil {
			return e
		}
		at := strings.Index(r.Text, text)
		if at < 0 {
			return badRequest("QUOTE_TEXT_INVALID")
		}
		m.Quote = &Quote{Text: text, Entities: es, Position: utf16Len(r.Text[:at]), Manual: true}
	}
	if from != c.chat {
		m.External = s.externalReply(from, r)
		return nil
	}
	m.ReplyTo = r.ID
	if m.Thread == 0 && c.chat.forum() && r.Thread != 0 && !c.p.has("message_thread_id") {
		m.Thread = r.Thread // Telegram puts an answer into the topic of what it answers
		return s.botMayPost(c.chat, m.Thread, true)
	}
	return nil
}

type apiButton struct {
	Text     string          `json:"text"`
	Data     *string         `json:"callback_data"`
	URL      string          `json:"url"`
	CopyText json.RawMessage `json:"copy_text"`
	WebApp   struct {
		URL string `json:"url"`
	} `json:"web_app"`
}

// markup takes the reply_markup parameter into the message.
func (c *call) markup(m *Message) *apiError {
	text := c.p.str("reply_markup")
	if text == "" {
		return nil
	}
	var kb struct {
		Rows *[][]json.RawMessage `json:"inline_keyboard"`
	}
	if err := json.Unmarshal([]byte(text), &kb); err != nil {
		return badRequest("can't parse reply keyboard markup JSON object")
	}
	if kb.Rows == nil {
		m.ReplyMarkup = json.RawMessage(text)
		return nil
	}
	var rows [][]Button
	var kept [][]json.RawMessage
	for _, row := range *kb.Rows {
		var buttons []Button
		var keep []json.RawMessage
		for _, rawButton := range row {
			var b apiButton
			if err := json.Unmarshal(rawButton, &b); err != nil {
				return badRequest("can't parse inline keyboard button: %v", err)
			}
			if e := checkButton(&b, rawButton); e != nil {
				return e
			}
			if e := c.checkApp(b.WebApp.URL); e != nil {
				return e
			}
			if emptyCopy(b.CopyText) {
				rawButton = without(rawButton, "copy_text")
			}
			v := Button{Text: b.Text, URL: b.URL, App: b.WebApp.URL}
			if b.Data != nil {
				v.Data = *b.Data
			}
			buttons, keep = append(buttons, v), append(keep, rawButton)
		}
		if len(buttons) > 0 {
			rows, kept = append(rows, buttons), append(kept, keep)
		}
	}
	if len(rows) == 0 {
		return nil
	}
	m.Buttons, m.Keyboard = rows, jsonOf(map[string]any{"inline_keyboard": kept})
	return nil
}

func checkButton(b *apiButton, rawButton []byte) *apiError {
	if strings.TrimSpace(b.Text) == "" {
		return badRequest("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
	}
	if b.Data != nil && (len(*b.Data) > 64 || len(*b.Data) == 0) {
		return badRequest("BUTTON_DATA_INVALID")
	}
	if b.URL != "" {
		if u, err := url.Parse(b.URL); err != nil || u.Scheme == "" && !strings.Contains(b.URL, ".") {
			return badRequest("inline keyboard button URL '%s' is invalid: Wrong HTTP URL", b.URL)
		}
	}
	var all map[string]json.RawMessage
	_ = json.Unmarshal(rawButton, &all)
	actions := 0
	for k, v := range all {
		switch {
		case k == "text" || k == "style" || k == "icon_custom_emoji_id" || string(v) == "null":
		case k == "copy_text" && emptyCopy(v): // what go-telegram/bot v1.19.0 sends in every button
		default:
			actions++
		}
	}
	if actions == 0 {
		return badRequest("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
	}
	if actions > 1 {
		return badRequest("can't parse inline keyboard button: exactly one action per button is allowed")
	}
	return nil
}

func emptyCopy(v json.RawMessage) bool {
	var c struct{ Text string }
	return len(v) > 0 && json.Unmarshal(v, &c) == nil && c.Text == ""
}

func without(obj json.RawMessage, key string) json.RawMessage {
	var m map[string]json.RawMessage
	if json.Unmarshal(obj, &m) != nil {
		return obj
	}
	delete(m, key)
	return jsonOf(m)
}

// post adds the bot's message to the chat and renders it as the answer.
func (s *Server) postBot(c *call, m *Message) (any, *apiError) {
	m = s.add(c.chat, m)
	c.log.Message, c.log.Thread = m.ID, m.Thread
	if len(s.hooks) > 0 {
		s.posted = append(s.posted, *m)
	}
	return raw(s.messageJSON(m, false)), nil
}

func (s *Server) sendMessage(c *call) (any, *apiError) {
	m, e := s.draft(c)
	if e != nil {
		return nil, e
	}
	if m.Text, m.Entities, e = c.readText("text", "entities", "parse_mode", maxText); e != nil {
		return nil, e
	}
	if m.Text == "" {
		return nil, badRequest("message text is empty")
	}
	if m.LinkPreview, e = c.linkPreview(); e != nil {
		return nil, e
	}
	return s.postBot(c, m)
}

func (s *Server) sendChatAction(c *call) (any, *apiError) {
	if e := s.botMayPost(c.chat, c.p.int("message_thread_id"), c.p.has("message_thread_id")); e != nil {
		return nil, e
	}
	switch c.p.str("action") {
	case "typing", "upload_photo", "record_video", "upload_video", "record_voice", "upload_voice", "upload_document", "choose_sticker",
		"find_location", "record_video_note", "upload_video_note":
		return true, nil
	}
	return nil, badRequest("wrong parameter action in request")
}

func (s *Server) setMessageReaction(c *call) (any, *apiError) {
	m := c.chat.live(c.p.int("message_id"))
	if m == nil || m.Service != nil {
		return nil, badRequest("message to react not found")
	}
	var rs []struct{ Type, Emoji string }
	if err := c.p.json("reaction", &rs); err != nil {
		return nil, badRequest("can't parse reaction types")
	}
	if len(rs) > 1 {
		return nil, badRequest("REACTIONS_TOO_MANY")
	}
	emoji := ""
	if len(rs) == 1 {
		if rs[0].Type != "emoji" || !bytes.Contains(allowedReactions, []byte(" "+rs[0].Emoji+" ")) {
			return nil, badRequest("REACTION_INVALID")
		}
		emoji = rs[0].Emoji
	}
	s.react(c.chat, m, s.botID, emoji)
	return true, nil
}

// allowedReactions are the emoji that a bot may react with (ReactionTypeEmoji).
var allowedReactions = []byte(" ❤ 👍 👎 🔥 🥰 👏 😁 🤔 🤯 😱 🤬 😢 🎉 🤩 🤮 💩 🙏 👌 🕊 🤡 🥱 🥴 😍 🐳 ❤‍🔥 🌚 🌭 💯 🤣 ⚡ 🍌 🏆 💔 🤨 😐 🍓 🍾 💋 🖕 😈 😴 😭 🤓 👻 👨‍💻 👀 🎃 🙈 😇 😨 🤝 ✍ 🤗 🫡 🎅 🎄 ☃ 💅 🤪 🗿 🆒 💘 🙉 🦄 😘 💊 🙊 😎 👾 🤷‍♂ 🤷 🤷‍♀ 😡 ")
