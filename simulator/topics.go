package simulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// iconColors are the colours that createForumTopic takes.
var iconColors = []int{7322096, 16766590, 13338331, 9367192, 16749490, 16478047}

// service posts a service message; the bot hears of it if it is in the chat and it concerns it.
func (s *Server) service(c *chat, thread int, from Sender, kind, text string, payload []byte, tell bool) *Message {
	m := s.add(c, &Message{Thread: thread, From: from, Service: &Service{Kind: kind, Text: text, Payload: payload}})
	if tell && (c.private() || c.group.Bot.Status.in()) {
		s.push("message", c.id, s.messageJSON(m, false))
	}
	return m
}

func jsonOf(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // only values of our own come here
	}
	return b
}

func (s *Server) makeTopic(c *chat, from Sender, t Topic) *Topic {
	created := map[string]any{"name": t.Name, "icon_color": t.IconColor}
	if t.IconEmoji != "" {
		created["icon_custom_emoji_id"] = t.IconEmoji
	}
	t.Thread = c.nextID
	if c.private() {
		t.Thread = GeneralTopic + 1 + len(c.topics)
	}
	t.Creator = from.ID
	t.Icon = iconOf(t.IconEmoji)
	topic := &t
	c.topics = append(c.topics, topic)
	s.saveTopic(c, topic)
	s.service(c, t.Thread, from, "forum_topic_created", from.Name+" created the topic “"+t.Name+"”", jsonOf(created), true)
	return topic
}

func (s *Server) renameTopic(c *chat, t *Topic, from Sender, name, emoji string) {
	payload, text := map[string]any{}, " changed the topic"
	if name != "" && name != t.Name {
		payload["name"] = name
		t.Name = name
		text += " to “" + name + "”"
	}
	if emoji != t.IconEmoji {
		payload["icon_custom_emoji_id"] = emoji
		t.IconEmoji, t.Icon = emoji, iconOf(emoji)
		text += strings.TrimSuffix("'s icon to "+t.Icon, " to ")
	}
	s.saveTopic(c, t)
	s.service(c, t.Thread, from, "forum_topic_edited", from.Name+text, jsonOf(payload), true)
}

func (s *Server) closeTopic(c *chat, t *Topic, from Sender, closed bool) {
	t.Closed = closed
	s.saveTopic(c, t)
	kind, verb := "forum_topic_closed", " closed the topic"
	if !closed {
		kind, verb = "forum_topic_reopened", " reopened the topic"
	}
	s.service(c, t.Thread, from, kind, from.Name+verb, json.RawMessage("{}"), true)
}

// deleteTopic deletes a topic with all its messages; nobody is told.
func (s *Server) deleteTopic(c *chat, t *Topic) {
	t.Deleted = true
	s.saveTopic(c, t)
	for _, m := range c.messages {
		if m.Thread == t.Thread && !m.Deleted {
			s.change(c, m, "delete", func(m *Message) { m.Deleted = true })
		}
	}
}

// SetTopics switches the topics of a person's private chat with the bot on or off. Those that exist stay for when they
// are switched on again; meanwhile their messages are the chat's. (Telegram's setting is one for all people, in the bot's
// profile; here it can be seen beside a chat without topics.)
func (s *Server) SetTopics(person int64, on bool) error {
	return s.do(func() error {
		p := s.w.people[person]
		if p == nil {
			return fmt.Errorf("there is no person %d", person)
		}
		changed := *p
		changed.Topics = on
		s.w.setPerson(changed)
		s.record(record{Person: &changed})
		s.emit("people", changed)
		return nil
	})
}

// CreateTopic makes a topic as a member of a forum, or in one's private chat.
func (s *Server) CreateTopic(chatID, from int64, name string) (thread int, err error) {
	err = s.do(func() error {
		c, err := s.w.chatFor(chatID)
		if err != nil {
			return err
		}
		if !c.forum() {
			return errors.New("this chat has no topics")
		}
		p := s.w.people[from]
		if p == nil || !c.has(from) || c.role(from) == Restricted {
			return errNotIn
		}
		if e := topicName(name); e != nil {
			return e
		}
		thread = s.makeTopic(c, s.sender(p), Topic{Name: name, IconColor: iconColors[0]}).Thread
		return nil
	})
	return thread, err
}

// RenameTopic renames a topic as its creator or an administrator, or in one's private chat.
func (s *Server) RenameTopic(chatID, from int64, thread int, name string) error {
	return s.onTopic(chatID, from, thread, func(c *chat, t *Topic, who Sender) error {
		if e := topicName(name); e != nil {
			return e
		}
		if name == t.Name {
			return nil
		}
		s.renameTopic(c, t, who, name, t.IconEmoji)
		return nil
	})
}

// SetIcon gives a topic one of the icons that everybody may use, by its emoji, as its creator or an administrator; "" takes it
// away.
func (s *Server) SetIcon(chatID, from int64, thread int, emoji string) error {
	return s.onTopic(chatID, from, thread, func(c *chat, t *Topic, who Sender) error {
		id := ""
		for _, i := range iconStickers {
			if i.emoji == emoji {
				id = i.id
			}
		}
		switch {
		case id == "" && emoji != "":
			return fmt.Errorf("%s can't be the icon of a topic", emoji)
		case id != t.IconEmoji:
			s.renameTopic(c, t, who, t.Name, id)
		}
		return nil
	})
}

// CloseTopic closes a topic of a group as its creator or an administrator.
func (s *Server) CloseTopic(chatID, from int64, thread int) error {
	return s.onTopic(chatID, from, thread, func(c *chat, t *Topic, who Sender) error {
		if c.private() {
			return errors.New("the topics of a private chat can't be closed")
		}
		if t.Closed {
			return errors.New("the topic is closed already")
		}
		s.closeTopic(c, t, who, true)
		return nil
	})
}

// ReopenTopic reopens a topic as its creator or an administrator.
func (s *Server) ReopenTopic(chatID, from int64, thread int) error {
	return s.onTopic(chatID, from, thread, func(c *chat, t *Topic, who Sender) error {
		if !t.Closed {
			return errors.New("the topic is not closed")
		}
		s.closeTopic(c, t, who, false)
		return nil
	})
}

// DeleteTopic deletes a topic with its messages; the bot is not told.
func (s *Server) DeleteTopic(chatID, from int64, thread int) error {
	return s.onTopic(chatID, from, thread, func(c *chat, t *Topic, _ Sender) error {
		s.deleteTopic(c, t)
		return nil
	})
}

// CloseGeneral closes or reopens the general topic as an administrator.
func (s *Server) CloseGeneral(chatID, from int64, closed bool) error {
	return s.do(func() error {
		c, err := s.w.chatFor(chatID)
		if err != nil {
			return err
		}
		p := s.w.people[from]
		if !c.forum() || c.private() || p == nil || !c.role(from).admin() || c.general == closed {
			return errors.New("not an administrator of a forum, or nothing to change")
		}
		s.closeGeneral(c, s.sender(p), closed)
		return nil
	})
}

func (s *Server) closeGeneral(c *chat, who Sender, closed bool) {
	c.general = closed
	s.saveGroup(c)
	kind := "forum_topic_closed"
	if !closed {
		kind = "forum_topic_reopened"
	}
	s.service(c, 0, who, kind, who.Name+" changed the general topic", json.RawMessage("{}"), true)
}

func (s *Server) onTopic(chatID, from int64, thread int, f func(*chat, *Topic, Sender) error) error {
	return s.do(func() error {
		c, err := s.w.chatFor(chatID)
		if err != nil {
			return err
		}
		t, p := c.topic(thread), s.w.people[from]
		if t == nil || t.Deleted || !c.forum() {
			return fmt.Errorf("there is no topic %d", thread)
		}
		if p == nil || !c.has(from) {
			return errNotIn
		}
		if !c.private() && !c.role(from).admin() && t.Creator != from {
			return errors.New("only administrators and the creator of a topic can do this")
		}
		return f(c, t, s.sender(p))
	})
}

// has says whether a person is in the chat.
func (c *chat) has(person int64) bool {
	if c.private() {
		return c.id == person
	}
	return c.role(person).in()
}

func topicName(name string) error {
	if n := utf8.RuneCountInString(name); n < 1 || n > 128 || !utf8.ValidString(name) {
		return errors.New("a topic's name has 1 to 128 characters")
	}
	return nil
}
