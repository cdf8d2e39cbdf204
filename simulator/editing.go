package simulator

import (
	"bytes"
	"time"
)

const notModified = "message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message"

// editable finds the bot's own message that an edit is about.
func (s *Server) editable(c *call) (*Message, *apiError) {
	if c.p.has("inline_message_id") {
		return nil, badRequest("MESSAGE_ID_INVALID")
	}
	if c.chat == nil {
		return nil, badRequest("chat_id is empty")
	}
	m := c.chat.live(c.p.int("message_id"))
	if m == nil {
		return nil, badRequest("message to edit not found")
	}
	if m.From.ID != s.botID || m.Service != nil || m.ForwardOf != nil {
		return nil, badRequest("message can't be edited")
	}
	c.log.Thread, c.log.Message = m.Thread, m.ID
	if t := c.chat.topic(m.Thread); t != nil && t.Closed && !c.chat.botAdmin() {
		return nil, badRequest("TOPIC_CLOSED")
	}
	return m, nil
}

// edit applies a change of content together with the reply_markup parameter; an absent one takes the buttons away.
func (s *Server) edit(c *call, m *Message, change func(*Message)) (any, *apiError) {
	n := *m
	n.Buttons, n.Keyboard, n.ReplyMarkup = nil, nil, m.ReplyMarkup
	if e := c.markup(&n); e != nil {
		return nil, e
	}
	change(&n)
	if n.Text == m.Text && sameEntities(n.Entities, m.Entities) && bytes.Equal(n.Keyboard, m.Keyboard) &&
		sameMedia(n.Media, m.Media) && sameRich(n.Rich, m.Rich) && n.look() == m.look() {
		return nil, badRequest(notModified)
	}
	m = s.change(c.chat, m, "edit", func(m *Message) {
		*m = n
		m.Edited, m.EditDate = true, s.now().Unix()
		m.Edits++
	})
	if len(s.edits) > 0 {
		s.posted = append(s.posted, *m)
	}
	return raw(s.messageJSON(m, false)), nil
}

func sameMedia(a, b *Media) bool {
	return a == b || a != nil && b != nil && a.Kind == b.Kind && a.FileID == b.FileID
}

func sameRich(a, b *Rich) bool {
	return a == nil && b == nil || a != nil && b != nil && bytes.Equal(a.Value, b.Value)
}

func (s *Server) editMessageText(c *call) (any, *apiError) {
	m, e := s.editable(c)
	if e != nil {
		return nil, e
	}
	if m.Media != nil {
		return nil, badRequest("there is no text in the message to edit")
	}
	if c.p.has("rich_message") {
		if c.p.has("text") {
			return nil, badRequest("exactly one of text and rich_message must be used")
		}
		rich, words, e := c.richOf("rich_message")
		if e != nil {
			return nil, e
		}
		return s.edit(c, m, func(m *Message) {
			m.Text, m.Entities, m.Media, m.LinkPreview, m.Rich = words, nil, nil, nil, rich
		})
	}
	text, es, e := c.readText("text", "entities", "parse_mode", maxText)
	if e != nil {
		return nil, e
	}
	if text == "" {
		return nil, badRequest("message text is empty")
	}
	preview, e := c.linkPreview()
	if e != nil {
		return nil, e
	}
	return s.edit(c, m, func(m *Message) {
		m.Text, m.Entities, m.Media, m.LinkPreview, m.Rich = text, es, nil, preview, nil
	})
}

func (s *Server) editMessageCaption(c *call) (any, *apiError) {
	m, e := s.editable(c)
	if e != nil {
		return nil, e
	}
	if m.Media == nil || !captioned(m.Media.Kind) {
		return nil, badRequest("there is no caption in the message to edit")
	}
	text, es, e := c.readText("caption", "caption_entities", "parse_mode", maxCaption)
	if e != nil {
		return nil, e
	}
	above := c.p.bool("show_caption_above_media")
	return s.edit(c, m, func(m *Message) { m.Text, m.Entities, m.Above = text, es, above })
}

func (s *Server) editMessageReplyMarkup(c *call) (any, *apiError) {
	m, e := s.editable(c)
	if e != nil {
		return nil, e
	}
	return s.edit(c, m, func(*Message) {})
}

const deleteWithin = 48 * time.Hour

func (s *Server) deletable(c *chat, m *Message) *apiError {
	switch {
	case m == nil:
		return badRequest("message to delete not found")
	case s.now().Unix()-m.Date > int64(deleteWithin/time.Second) && (c.private() || !c.group.Bot.CanDeleteMessages),
		m.Service != nil && m.ID == m.Thread,
		!c.private() && m.From.ID != s.botID && !c.group.Bot.CanDeleteMessages && c.group.Bot.Status != Creator:
		return badRequest("message can't be deleted")
	}
	return nil
}

func (s *Server) deleteMessage(c *call) (any, *apiError) {
	m := c.chat.live(c.p.int("message_id"))
	if e := s.deletable(c.chat, m); e != nil {
		return nil, e
	}
	s.change(c.chat, m, "delete", func(m *Message) { m.Deleted = true })
	return true, nil
}

// deleteMessages skips what it can't delete, as Telegram does.
func (s *Server) deleteMessages(c *call) (any, *apiError) {
	ids, e := c.messageIDs()
	if e != nil {
		return nil, e
	}
	for _, id := range ids {
		if m := c.chat.live(id); s.deletable(c.chat, m) == nil {
			s.change(c.chat, m, "delete", func(m *Message) { m.Deleted = true })
		}
	}
	return true, nil
}

func (c *call) messageIDs() ([]int, *apiError) {
	var ids []int
	if err := c.p.json("message_ids", &ids); err != nil {
		return nil, badRequest("can't parse message identifiers")
	}
	if len(ids) == 0 {
		return nil, badRequest("message identifiers are not specified")
	}
	if len(ids) > 100 {
		return nil, badRequest("too many message identifiers specified")
	}
	return ids, nil
}

func (s *Server) pinRights(c *call) *apiError {
	if c.chat.private() {
		return nil
	}
	if b := c.chat.group.Bot; b.Status != Creator && (b.Status != Administrator || !b.CanPinMessages) {
		return badRequest("not enough rights to manage pinned messages in the chat")
	}
	return nil
}

func (s *Server) pinChatMessage(c *call) (any, *apiError) {
	if e := s.pinRights(c); e != nil {
		return nil, e
	}
	m := c.chat.live(c.p.int("message_id"))
	if m == nil {
		return nil, badRequest("message to pin not found")
	}
	if m.Service != nil {
		return nil, badRequest("message can't be pinned")
	}
	if m.Pinned {
		return true, nil
	}
	s.pin(c.chat, m, s.botSender())
	return true, nil
}

func (s *Server) pin(c *chat, m *Message, who Sender) {
	m = s.change(c, m, "edit", func(m *Message) { m.Pinned = true })
	pin := s.add(c, &Message{Thread: m.Thread, From: who, Service: &Service{Kind: "pinned_message", Text: who.Name + " pinned a message", Pinned: m.ID}})
	if c.private() || c.group.Bot.Status.in() {
		s.push("message", c.id, s.messageJSON(pin, false))
	}
}

func (s *Server) unpinChatMessage(c *call) (any, *apiError) {
	if e := s.pinRights(c); e != nil {
		return nil, e
	}
	var last *Message
	for _, m := range c.chat.messages {
		if m.Pinned && (!c.p.has("message_id") || m.ID == c.p.int("message_id")) {
			last = m
		}
	}
	if last == nil {
		return nil, badRequest("message to unpin not found")
	}
	s.change(c.chat, last, "edit", func(m *Message) { m.Pinned = false })
	return true, nil
}

func (s *Server) unpinAllChatMessages(c *call) (any, *apiError) {
	if e := s.pinRights(c); e != nil {
		return nil, e
	}
	for _, m := range c.chat.messages {
		if m.Pinned {
			s.change(c.chat, m, "edit", func(m *Message) { m.Pinned = false })
		}
	}
	return true, nil
}
