package simulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Post is what a person writes.
type Post struct {
	From        int64        `json:"from"`
	Chat        int64        `json:"chat"`   // 0: the person's private chat with the bot
	Thread      int          `json:"thread"` // 0: the general topic, or a chat without topics
	Text        string       `json:"text"`   // the caption, if there is Media
	Entities    []Entity     `json:"entities"`
	ReplyTo     int          `json:"replyTo"`
	Quote       string       `json:"quote"`     // the part of the answered message that is quoted
	Anonymous   bool         `json:"anonymous"` // an administrator who hides
	AsChannel   *Channel     `json:"asChannel"` // writing as a channel
	Linked      bool         `json:"linked"`    // AsChannel is the group's linked channel, its post arrives by itself; From is ignored
	Media       *Upload      `json:"media"`
	Album       string       `json:"album"`   // parts of one album share it; see NewAlbum
	Forward     *Origin      `json:"forward"` // the message is a forwarded one
	Protected   bool         `json:"protected"`
	Spoiler     bool         `json:"spoiler"`      // covers the media
	Above       bool         `json:"captionAbove"` // the caption stands above the media
	Premium     bool         `json:"premium"`      // whose captions may be as long as texts
	LinkPreview *LinkPreview `json:"linkPreview"`
	Effect      string       `json:"effect"` // in a private chat
	// A rich message instead of Text: Markdown, as a person writes it, or a RichMessage of the Bot API.
	Markdown string          `json:"markdown"`
	Rich     json.RawMessage `json:"rich"`
	Elsewhere
}

var errNotIn = errors.New("not a member of this group")

// Post writes a message as a person, and queues the update if the bot sees it.
func (s *Server) Post(p Post) (Message, error) {
	var out Message
	err := s.do(func() error {
		m, err := s.post(p)
		if err == nil {
			out = *m
		}
		return err
	})
	return out, err
}

// PostAll writes the messages of one moment: the bot and its people see all of them, or none yet.
func (s *Server) PostAll(posts ...Post) error {
	return s.do(func() error {
		for _, p := range posts {
			if _, err := s.post(p); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Server) post(p Post) (*Message, error) {
	if p.Chat == 0 {
		p.Chat = p.From
	}
	c, err := s.w.chatFor(p.Chat)
	if err != nil {
		return nil, err
	}
	from, err := s.author(c, p)
	if err != nil {
		return nil, err
	}
	m, err := posted(p)
	if err != nil {
		return nil, err
	}
	if err := s.mayPost(c, p.Thread, p.From, p.Linked); err != nil {
		return nil, err
	}
	m.Thread, m.From, m.AlbumID, m.ForwardOf, m.AutoForward = p.Thread, from, p.Album, p.Forward, p.Linked
	m.Protected, m.Spoiler, m.Above, m.LinkPreview, m.Effect = p.Protected, p.Spoiler, p.Above, p.LinkPreview, p.Effect
	if err := s.answerElsewhere(m, c, &p); err != nil {
		return nil, err
	}
	if p.ReplyTo != 0 && p.ReplyChat == 0 {
		r := c.live(p.ReplyTo)
		if r == nil || r.Thread != p.Thread && c.forum() {
			return nil, errors.New("the message to answer is not there")
		}
		m.ReplyTo = r.ID
		if p.Quote != "" {
			at := strings.Index(r.Text, p.Quote)
			if at < 0 {
				return nil, errors.New("the quote is not in the message")
			}
			m.Quote = &Quote{Text: p.Quote, Position: utf16Len(r.Text[:at]), Manual: true}
		}
	}
	if p.Media != nil {
		if m.Media, err = s.mediaOf(p.Media); err != nil {
			return nil, err
		}
	}
	if c.private() && !c.started {
		c.started = true
		s.record(record{Group: groupRecord(c)})
	}
	s.add(c, m)
	if s.botSees(c, m) {
		s.push("message", c.id, s.messageJSON(m, false))
	}
	return m, nil
}

// posted is a message with the text of a post, or with its rich message.
func posted(p Post) (*Message, error) {
	if p.Markdown != "" || len(p.Rich) > 0 {
		if p.Text != "" || p.Media != nil {
			return nil, errors.New("a rich message has neither a text nor media beside it")
		}
		return richPosted(p.Markdown, p.Rich)
	}
	if !utf8.ValidString(p.Text) {
		return nil, errors.New("the text is not valid UTF-8")
	}
	text, most := strings.TrimSpace(p.Text), maxText
	if len(p.Entities) > 0 {
		text = p.Text
	}
	if p.Media != nil {
		if !p.Premium {
			most = maxCaption
		}
	} else if text == "" {
		return nil, errors.New("the message is empty")
	}
	if utf16Len(text) > most {
		return nil, fmt.Errorf("the text is longer than %d", most)
	}
	if e := checkEntities(text, p.Entities); e != nil {
		return nil, e
	}
	return &Message{Text: text, Entities: withDetected(text, p.Entities)}, nil
}

// author says under whose name a post appears.
func (s *Server) author(c *chat, p Post) (Sender, error) {
	if p.Linked {
		if p.AsChannel == nil || c.private() {
			return Sender{}, errors.New("a linked channel posts as itself, in a group")
		}
		return Sender{ID: LinkedChannelID, Name: p.AsChannel.Title, As: p.AsChannel}, nil
	}
	who := s.w.people[p.From]
	if who == nil {
		return Sender{}, fmt.Errorf("there is no person %d", p.From)
	}
	switch {
	case c.private() && c.id != p.From:
		return Sender{}, errors.New("a private chat is its person's own")
	case c.private() && c.blocked:
		return Sender{}, errors.New("the bot is blocked: unblock it first")
	case c.private():
		return s.sender(who), nil
	case !c.role(p.From).in():
		return Sender{}, errNotIn
	case p.Anonymous && !c.role(p.From).admin():
		return Sender{}, errors.New("only administrators can be anonymous")
	case p.Anonymous:
		return Sender{ID: GroupAnonymousBotID, Name: c.group.Title, IsBot: true, As: &Channel{ID: c.id, Title: c.group.Title, Username: c.group.Username}}, nil
	case p.AsChannel != nil:
		return Sender{ID: ChannelBotID, Name: p.AsChannel.Title, IsBot: true, As: p.AsChannel}, nil
	}
	return s.sender(who), nil
}

func (s *Server) sender(p *Person) Sender { return Sender{ID: p.ID, Name: p.Name(), IsBot: p.IsBot} }

// mayPost says whether somebody can write in a thread.
func (s *Server) mayPost(c *chat, thread int, person int64, linked bool) error {
	if c.private() {
		if t := c.topic(thread); thread != 0 && (!c.forum() || t == nil || t.Deleted) {
			return fmt.Errorf("this chat has no topic %d", thread)
		}
		return nil
	}
	role := c.role(person)
	if role == Restricted && !linked {
		return errors.New("not allowed to write in this group")
	}
	if thread == 0 {
		if c.forum() && c.general && !role.admin() {
			return errors.New("the general topic is closed")
		}
		return nil
	}
	t := c.topic(thread)
	if t == nil || t.Deleted {
		return fmt.Errorf("there is no topic %d", thread)
	}
	if t.Closed && !role.admin() && !(t.Creator == person && !t.FromTheBot) {
		return errors.New("the topic is closed")
	}
	return nil
}

// botSees tells whether Telegram shows a person's message to the bot.
func (s *Server) botSees(c *chat, m *Message) bool {
	if c.private() {
		return true
	}
	if !c.group.Bot.Status.in() {
		return false
	}
	if m.From.IsBot && m.From.As == nil {
		return false // another bot
	}
	if !s.opt.PrivacyMode || c.botAdmin() || m.Service != nil {
		return true
	}
	if r := c.live(m.ReplyTo); r != nil && r.From.ID == s.botID {
		return true
	}
	for _, e := range m.Entities {
		word := utf16Cut(m.Text, e.Offset, e.Length)
		switch e.Type {
		case "bot_command":
			if _, name, ok := strings.Cut(word, "@"); !ok || strings.EqualFold(name, s.opt.BotUsername) {
				return true
			}
		case "mention":
			if strings.EqualFold(word, "@"+s.opt.BotUsername) {
				return true
			}
		}
	}
	return false
}

// Edit changes the text or caption of a person's own message.
func (s *Server) Edit(from, chatID int64, messageID int, text string, entities ...Entity) (Message, error) {
	var out Message
	err := s.do(func() error {
		c, m, err := s.own(from, chatID, messageID)
		if err != nil {
			return err
		}
		most := maxText
		if m.Media != nil {
			most = maxCaption
		}
		if !utf8.ValidString(text) || utf16Len(text) > most || text == "" && m.Media == nil {
			return errors.New("the text is empty, too long or not valid UTF-8")
		}
		if e := checkEntities(text, entities); e != nil {
			return e
		}
		out = *s.edited(c, m, text, withDetected(text, entities), nil)
		return nil
	})
	return out, err
}

// EditRich makes a person's own text or rich message a rich message: Markdown, or a RichMessage of the Bot API.
func (s *Server) EditRich(from, chatID int64, messageID int, markdown string, rich json.RawMessage) (Message, error) {
	var out Message
	err := s.do(func() error {
		c, m, err := s.own(from, chatID, messageID)
		if err != nil {
			return err
		}
		if m.Media != nil {
			return errors.New("a message with media can't become a rich message")
		}
		said, err := richPosted(markdown, rich)
		if err != nil {
			return err
		}
		out = *s.edited(c, m, said.Text, said.Entities, said.Rich)
		return nil
	})
	return out, err
}

// edited gives a person's message another text, and tells the bot.
func (s *Server) edited(c *chat, m *Message, text string, entities []Entity, rich *Rich) *Message {
	m = s.change(c, m, "edit", func(m *Message) {
		m.Text, m.Entities, m.Rich = text, entities, rich
		m.Edited, m.EditDate = true, s.now().Unix()
		m.Edits++
	})
	if s.botSees(c, m) {
		s.push("edited_message", c.id, s.messageJSON(m, false))
	}
	return m
}

// Delete deletes a message, one's own or as an administrator. The bot hears nothing of it.
func (s *Server) Delete(from, chatID int64, messageID int) error {
	return s.do(func() error {
		c, err := s.w.chatFor(chatID)
		if err != nil {
			return err
		}
		m := c.live(messageID)
		if m == nil || m.From.ID != from && !c.role(from).admin() && !c.private() {
			return errors.New("no such message that may be deleted")
		}
		s.change(c, m, "delete", func(m *Message) { m.Deleted = true })
		return nil
	})
}

// Pin pins a message as an administrator, or in one's private chat.
func (s *Server) Pin(from, chatID int64, messageID int) error {
	return s.do(func() error {
		c, err := s.w.chatFor(chatID)
		if err != nil {
			return err
		}
		p, m := s.w.people[from], c.live(messageID)
		if p == nil || m == nil || m.Service != nil || m.Pinned || c.private() && c.id != from || !c.private() && !c.role(from).admin() {
			return errors.New("no such message that may be pinned")
		}
		s.pin(c, m, s.sender(p))
		return nil
	})
}

// own finds a message that a person wrote, openly or as an anonymous administrator.
func (s *Server) own(from, chatID int64, messageID int) (*chat, *Message, error) {
	c, err := s.w.chatFor(chatID)
	if err != nil {
		return nil, nil, err
	}
	m := c.live(messageID)
	if m == nil || m.Service != nil {
		return nil, nil, fmt.Errorf("there is no message %d", messageID)
	}
	if m.From.ID != from && !(m.From.As != nil && c.role(from).admin()) {
		return nil, nil, errors.New("only one's own messages can be edited")
	}
	return c, m, nil
}

// React sets a person's reaction to a message; an empty emoji takes it back.
func (s *Server) React(from, chatID int64, messageID int, emoji string) error {
	return s.do(func() error {
		c, err := s.w.chatFor(chatID)
		if err != nil {
			return err
		}
		p, m := s.w.people[from], c.live(messageID)
		if p == nil || m == nil || m.Service != nil || len(emoji) > 64 {
			return errors.New("no such person or message")
		}
		if !c.private() && !c.role(from).in() || c.private() && c.id != from {
			return errNotIn
		}
		old, changed := s.react(c, m, from, emoji)
		if changed && (c.botAdmin() || c.private()) && !p.IsBot {
			s.push("message_reaction", c.id, jsonOf(map[string]any{"chat": s.chatJSON(c), "message_id": m.ID, "user": s.userOf(p),
				"date": s.now().Unix(), "old_reaction": reactionJSON(old), "new_reaction": reactionJSON(emoji)}))
		}
		return nil
	})
}

// react replaces one reactor's emoji and returns the old one.
func (s *Server) react(c *chat, m *Message, from int64, emoji string) (old string, changed bool) {
	i := slices.IndexFunc(m.Reactions, func(r Reaction) bool { return r.From == from })
	if i >= 0 {
		old = m.Reactions[i].Emoji
	}
	if old == emoji {
		return old, false
	}
	s.change(c, m, "reaction", func(m *Message) {
		rs := make([]Reaction, 0, len(m.Reactions)+1)
		for _, r := range m.Reactions {
			if r.From != from {
				rs = append(rs, r)
			}
		}
		if emoji != "" {
			rs = append(rs, Reaction{Emoji: emoji, From: from})
		}
		m.Reactions = rs
	})
	return old, true
}
