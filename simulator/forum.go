package simulator

import "slices"

// forumTopic finds the topic a topic method is about, after the checks that all of them share.
func (s *Server) forumTopic(c *call) (*Topic, *apiError) {
	t := c.chat.topic(c.p.int("message_thread_id"))
	e := s.forumRights(c)
	if e != nil && (!c.chat.forum() || t == nil || !t.FromTheBot || c.chat.group.Bot.Status != Administrator) {
		return nil, e // the creator of a topic needs no right
	}
	switch {
	case t == nil:
		return nil, badRequest("message thread not found")
	case t.Deleted:
		return nil, badRequest("TOPIC_DELETED")
	}
	return t, nil
}

func (s *Server) forumRights(c *call) *apiError {
	if !c.chat.forum() {
		return badRequest("the chat is not a forum")
	}
	if !c.chat.botManagesTopics() {
		return badRequest("not enough rights to manage topics")
	}
	return nil
}

// botManagesTopics says whether the bot may open topics, and change those of others.
func (c *chat) botManagesTopics() bool {
	if c.private() {
		return true
	}
	b := c.group.Bot
	return b.Status == Creator || b.Status == Administrator && b.CanManageTopics
}

// closable refuses what only the topics of a group can do.
func (c *chat) closable() *apiError {
	if c.private() && c.forum() {
		return badRequest("the chat is not a supergroup forum")
	}
	return nil
}

func (s *Server) createForumTopic(c *call) (any, *apiError) {
	if !c.chat.forum() {
		return nil, badRequest("the chat is not a forum")
	}
	if !c.chat.botManagesTopics() {
		return nil, badRequest("not enough rights to create a topic")
	}
	name := c.p.str("name")
	if name == "" {
		return nil, badRequest("TOPIC_TITLE_EMPTY")
	}
	if topicName(name) != nil {
		return nil, badRequest("topic name is too long")
	}
	color := iconColors[0]
	if c.p.has("icon_color") {
		if color = c.p.int("icon_color"); !slices.Contains(iconColors, color) {
			return nil, badRequest("invalid forum topic icon color specified")
		}
	}
	if e := topicIcon(c.p.str("icon_custom_emoji_id")); e != nil {
		return nil, e
	}
	t := s.makeTopic(c.chat, s.botSender(), Topic{Name: name, IconColor: color, IconEmoji: c.p.str("icon_custom_emoji_id"), FromTheBot: true})
	c.log.Thread, c.log.Message = t.Thread, t.Thread
	out := map[string]any{"message_thread_id": t.Thread, "name": t.Name, "icon_color": t.IconColor}
	if t.IconEmoji != "" {
		out["icon_custom_emoji_id"] = t.IconEmoji
	}
	return out, nil
}

func (s *Server) editForumTopic(c *call) (any, *apiError) {
	t, e := s.forumTopic(c)
	if e != nil {
		return nil, e
	}
	name, emoji := c.p.str("name"), t.IconEmoji
	if c.p.has("icon_custom_emoji_id") {
		if emoji = c.p.str("icon_custom_emoji_id"); emoji != t.IconEmoji {
			if e := topicIcon(emoji); e != nil {
				return nil, e
			}
		}
	}
	if name != "" && topicName(name) != nil {
		return nil, badRequest("topic name is too long")
	}
	if (name == "" || name == t.Name) && emoji == t.IconEmoji {
		return nil, badRequest("TOPIC_NOT_MODIFIED")
	}
	s.renameTopic(c.chat, t, s.botSender(), name, emoji)
	return true, nil
}

func (s *Server) closeForumTopic(c *call) (any, *apiError) { return s.setClosed(c, true) }

func (s *Server) reopenForumTopic(c *call) (any, *apiError) { return s.setClosed(c, false) }

func (s *Server) setClosed(c *call, closed bool) (any, *apiError) {
	if e := c.chat.closable(); e != nil {
		return nil, e
	}
	t, e := s.forumTopic(c)
	if e != nil {
		return nil, e
	}
	if t.Closed == closed {
		return nil, badRequest("TOPIC_NOT_MODIFIED")
	}
	s.closeTopic(c.chat, t, s.botSender(), closed)
	return true, nil
}

func (s *Server) deleteForumTopic(c *call) (any, *apiError) {
	t, e := s.forumTopic(c)
	if e != nil {
		return nil, e
	}
	if !c.chat.private() && !c.chat.group.Bot.CanDeleteMessages && !t.FromTheBot && c.chat.group.Bot.Status != Creator {
		return nil, badRequest("not enough rights to delete a topic")
	}
	s.deleteTopic(c.chat, t)
	return true, nil
}

func (s *Server) closeGeneralForumTopic(c *call) (any, *apiError) { return s.setGeneral(c, true) }

func (s *Server) reopenGeneralForumTopic(c *call) (any, *apiError) { return s.setGeneral(c, false) }

func (s *Server) setGeneral(c *call, closed bool) (any, *apiError) {
	if e := c.chat.closable(); e != nil {
		return nil, e
	}
	if e := s.forumRights(c); e != nil {
		return nil, e
	}
	if c.chat.general == closed {
		return nil, badRequest("TOPIC_NOT_MODIFIED")
	}
	s.closeGeneral(c.chat, s.botSender(), closed)
	return true, nil
}

// iconStickers are some of the custom emoji that everybody may use as a topic's icon.
var iconStickers = []struct{ emoji, id string }{
	{"📰", "5434144690511290129"}, {"💡", "5312536423851630001"}, {"⚡️", "5312016608254762256"}, {"🗣", "5370870893004203704"},
	{"❗️", "5379748062124056162"}, {"📝", "5373251851074415873"}, {"📆", "5433614043006903194"}, {"📣", "5309984423003823246"},
	{"🔥", "5312241539987020022"}, {"❓", "5377316857231450742"}, {"‼️", "5377498341074542641"}, {"🏁", "5408906741125490282"},
	{"👀", "5357121491508928442"}, {"💬", "5417915203100613993"}, {"✅", "5237699328843200968"},
}

// iconOf is the emoji of a custom emoji that may be an icon; "": it may not.
func iconOf(id string) string {
	for _, i := range iconStickers {
		if i.id == id {
			return i.emoji
		}
	}
	return ""
}

// topicIcon refuses a custom emoji that not everybody may use as a topic's icon.
func topicIcon(id string) *apiError {
	if id != "" && iconOf(id) == "" {
		return badRequest("DOCUMENT_INVALID")
	}
	return nil
}

func (s *Server) getForumTopicIconStickers(*call) (any, *apiError) {
	out := make([]map[string]any, 0, len(iconStickers))
	for _, i := range iconStickers {
		out = append(out, map[string]any{"file_id": "icon-" + i.id, "file_unique_id": "u" + i.id, "type": "custom_emoji", "width": 100, "height": 100,
			"is_animated": true, "is_video": false, "emoji": i.emoji, "set_name": "Topics", "custom_emoji_id": i.id})
	}
	return out, nil
}

func (s *Server) unpinAllForumTopicMessages(c *call) (any, *apiError) {
	if e := s.pinRights(c); e != nil {
		return nil, e
	}
	thread := c.p.int("message_thread_id")
	if t := c.chat.topic(thread); t == nil || t.Deleted {
		return nil, badRequest("message thread not found")
	}
	for _, m := range c.chat.messages {
		if m.Pinned && m.Thread == thread {
			s.change(c.chat, m, "edit", func(m *Message) { m.Pinned = false })
		}
	}
	return true, nil
}
