package simulator

import (
	"encoding/json"
	"slices"
)

func (s *Server) getChat(c *call) (any, *apiError) {
	out := map[string]any{}
	_ = json.Unmarshal(jsonOf(s.chatJSON(c.chat)), &out)
	out["id"] = c.chat.id
	out["accent_color_id"], out["max_reaction_count"] = 0, 11
	out["accepted_gift_types"] = map[string]bool{"unlimited_gifts": false, "limited_gifts": false, "unique_gifts": false, "premium_subscription": false, "gifts_from_channels": false}
	for i := len(c.chat.messages) - 1; i >= 0; i-- {
		if m := c.chat.messages[i]; m.Pinned && !m.Deleted {
			out["pinned_message"] = nest(s.messageJSON(m, true))
			break
		}
	}
	if !c.chat.private() {
		out["permissions"] = map[string]bool{"can_send_messages": true, "can_send_polls": true, "can_send_other_messages": true, "can_manage_topics": true,
			"can_invite_users": true, "can_pin_messages": false, "can_change_info": false}
	}
	return out, nil
}

func (s *Server) getChatMember(c *call) (any, *apiError) {
	id := c.p.int64("user_id")
	if id == s.botID {
		if c.chat.private() {
			return memberJSON(s.botUser(), Member), nil
		}
		return s.botMemberJSON(c.chat.group.Bot), nil
	}
	p := s.w.people[id]
	if p == nil {
		return nil, badRequest("PARTICIPANT_ID_INVALID")
	}
	if c.chat.private() {
		return memberJSON(s.userOf(p), Member), nil
	}
	return memberJSON(s.userOf(p), c.chat.role(id)), nil
}

func (s *Server) getChatAdministrators(c *call) (any, *apiError) {
	if c.chat.private() {
		return nil, badRequest("there are no administrators in the private chat")
	}
	out := []map[string]any{}
	for _, id := range s.w.order {
		p := s.w.people[id]
		if r := c.chat.role(id); r.admin() && (!p.IsBot || c.p.bool("return_bots")) {
			out = append(out, memberJSON(s.userOf(p), r))
		}
	}
	if c.chat.group.Bot.Status.admin() {
		out = append(out, s.botMemberJSON(c.chat.group.Bot))
	}
	return out, nil
}

func (s *Server) getChatMemberCount(c *call) (any, *apiError) {
	if c.chat.private() {
		return 2, nil
	}
	n := 0
	for _, r := range c.chat.members {
		if r.in() {
			n++
		}
	}
	if c.chat.group.Bot.Status.in() {
		n++
	}
	return n, nil
}

func (s *Server) leaveChat(c *call) (any, *apiError) {
	if c.chat.private() {
		return nil, badRequest("chat member status can't be changed in private chats")
	}
	old := c.chat.group.Bot
	g := *c.chat.group
	g.Bot = BotRights{Status: Left}
	c.chat.group = &g
	s.saveGroup(c.chat)
	s.push("my_chat_member", c.chat.id, s.memberUpdate(c.chat, s.botUser(), s.botMemberJSON(old), s.botMemberJSON(g.Bot)))
	return true, nil
}

func (s *Server) exportChatInviteLink(c *call) (any, *apiError) {
	if c.chat.private() || !c.chat.botAdmin() {
		return nil, badRequest("not enough rights to manage chat invite link")
	}
	return "https://t.me/+simulator" + itoa(int(-c.chat.id)), nil
}

func (s *Server) commandScopes() map[string]json.RawMessage {
	m := map[string]json.RawMessage{}
	if len(s.w.commands) > 0 {
		_ = json.Unmarshal(s.w.commands, &m)
	}
	return m
}

func (c *call) scope() string {
	scope := c.p.str("scope")
	if scope == "" {
		scope = `{"type":"default"}`
	}
	var v any
	_ = json.Unmarshal([]byte(scope), &v)
	return string(jsonOf(v)) + c.p.str("language_code")
}

func (s *Server) setMyCommands(c *call) (any, *apiError) {
	var cmds []struct {
		Command     string `json:"command"`
		Description string `json:"description"`
	}
	if err := c.p.json("commands", &cmds); err != nil {
		return nil, badRequest("can't parse commands")
	}
	if len(cmds) > 100 {
		return nil, badRequest("BOT_COMMANDS_TOO_MUCH")
	}
	for _, b := range cmds {
		if !commandName(b.Command) {
			return nil, badRequest("BOT_COMMAND_INVALID")
		}
		if b.Description == "" || utf16Len(b.Description) > 256 {
			return nil, badRequest("BOT_COMMAND_DESCRIPTION_INVALID")
		}
	}
	m := s.commandScopes()
	m[c.scope()] = jsonOf(cmds)
	return s.saveCommands(m)
}

func commandName(s string) bool {
	if s == "" || len(s) > 32 {
		return false
	}
	for _, r := range s {
		if r != '_' && (r < 'a' || r > 'z') && (r < '0' || r > '9') {
			return false
		}
	}
	return true
}

func (s *Server) deleteMyCommands(c *call) (any, *apiError) {
	m := s.commandScopes()
	delete(m, c.scope())
	return s.saveCommands(m)
}

func (s *Server) saveCommands(m map[string]json.RawMessage) (any, *apiError) {
	s.w.commands = jsonOf(m)
	s.record(record{Meta: s.meta()})
	return true, nil
}

func (s *Server) getMyCommands(c *call) (any, *apiError) {
	if cmds, ok := s.commandScopes()[c.scope()]; ok {
		return raw(slices.Clone(cmds)), nil
	}
	return raw("[]"), nil
}

func setProfile(what string) handler {
	return func(s *Server, c *call) (any, *apiError) {
		s.w.profile[what+c.p.str("language_code")] = c.p.str(what)
		if what == "name" && c.p.str("name") != "" && c.p.str("language_code") == "" {
			s.w.botName = c.p.str("name")
		}
		s.record(record{Meta: s.meta()})
		return true, nil
	}
}

func getProfile(what string) handler {
	return func(s *Server, c *call) (any, *apiError) {
		v := s.w.profile[what+c.p.str("language_code")]
		if v == "" && what == "name" {
			v = s.w.botName
		}
		return map[string]string{what: v}, nil
	}
}
