package simulator

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

func (w *world) setPerson(p Person) {
	if w.people[p.ID] == nil {
		w.order = append(w.order, p.ID)
	}
	w.people[p.ID] = &p
	if c := w.chats[p.ID]; c != nil {
		c.person = &p
	}
	w.nextPerson = max(w.nextPerson, p.ID+1)
}

func (w *world) addChat(c *chat) {
	w.chats[c.id] = c
	w.groups = append(w.groups, c.id)
	n := -c.id
	if n > 1000000000000 {
		n -= 1000000000000
	}
	w.nextGroup = max(w.nextGroup, n+1)
}

// AddPerson adds a person, or changes the one with that id. It returns the person with the id it got.
func (s *Server) AddPerson(p Person) (Person, error) {
	err := s.do(func() error { return s.addPerson(&p) })
	return p, err
}

func (s *Server) addPerson(p *Person) error {
	if p.FirstName == "" || !utf8.ValidString(p.FirstName+p.LastName+p.Username+p.LanguageCode) {
		return errors.New("a person needs a first name, in valid UTF-8")
	}
	if p.ID == 0 {
		p.ID = s.w.nextPerson
	}
	if p.ID < 0 || p.ID == s.botID || p.ID == GroupAnonymousBotID || p.ID == ChannelBotID || p.ID == LinkedChannelID {
		return fmt.Errorf("%d can't be a person's id", p.ID)
	}
	p.Username = strings.TrimPrefix(p.Username, "@")
	for _, o := range s.w.people {
		if p.Username != "" && o.ID != p.ID && strings.EqualFold(o.Username, p.Username) {
			return fmt.Errorf("@%s is taken", p.Username)
		}
	}
	s.w.setPerson(*p)
	rec := *p
	s.record(record{Person: &rec})
	s.emit("people", rec)
	return nil
}

// AddGroup adds a group. Its Bot says what the bot is in it from the start; unlike SetBot it sends no update.
func (s *Server) AddGroup(g Group) (Group, error) {
	err := s.do(func() error { return s.addGroup(&g, nil) })
	return g, err
}

func (s *Server) addGroup(g *Group, members map[int64]Role) error {
	if g.Title == "" || !utf8.ValidString(g.Title+g.Username) {
		return errors.New("a group needs a title, in valid UTF-8")
	}
	if g.Forum && g.Basic {
		return errors.New("a basic group can't have topics")
	}
	if g.ID == 0 {
		g.ID = -1000000000000 - s.w.nextGroup
		if g.Basic {
			g.ID = -s.w.nextGroup
			s.w.nextGroup++
		}
	}
	if g.ID > 0 || s.w.chats[g.ID] != nil {
		return fmt.Errorf("%d can't be a new group's id", g.ID)
	}
	if g.Bot.Status == "" {
		g.Bot.Status = Left
	}
	if !validRole(g.Bot.Status) {
		return fmt.Errorf("there is no status %q", g.Bot.Status)
	}
	group := *g
	c := &chat{id: g.ID, group: &group, members: map[int64]Role{}, nextID: 2} // 1 is the beginning of General
	for k, v := range members {
		c.members[k] = v
	}
	s.w.addChat(c)
	s.saveGroup(c)
	return nil
}

func validRole(r Role) bool {
	return slices.Contains([]Role{Creator, Administrator, Member, Restricted, Left, Kicked}, r)
}

// SetMember makes a person part of a group, changes their role, or takes them out. The bot gets new_chat_members and
// left_chat_member service messages, and chat_member updates if it asked for them.
func (s *Server) SetMember(chatID, person int64, role Role) error {
	return s.do(func() error {
		c, err := s.w.chatFor(chatID)
		if err != nil {
			return err
		}
		p := s.w.people[person]
		if p == nil || c.private() {
			return fmt.Errorf("there is no person %d, or no group %d", person, chatID)
		}
		if !validRole(role) {
			return fmt.Errorf("there is no role %q", role)
		}
		old := c.role(person)
		if old == role {
			return nil
		}
		m := make(map[int64]Role, len(c.members)+1)
		for k, v := range c.members {
			m[k] = v
		}
		m[person] = role
		c.members = m
		s.saveGroup(c)
		from := s.userOf(p)
		if c.group.Bot.Status.admin() {
			s.push("chat_member", c.id, s.memberUpdate(c, from, memberJSON(from, old), memberJSON(from, role)))
		}
		switch {
		case !old.in() && role.in():
			s.service(c, 0, s.sender(p), "new_chat_members", p.Name()+" joined", jsonOf([]apiUser{from}), true)
		case old.in() && role == Left:
			s.service(c, 0, s.sender(p), "left_chat_member", p.Name()+" left", jsonOf(from), true)
		}
		return nil
	})
}

// SetBot changes what the bot is in a group, as its creator or first administrator would. The bot gets my_chat_member,
// and new_chat_members when it joins.
func (s *Server) SetBot(chatID int64, status Role, rights BotRights) error {
	return s.do(func() error { return s.setBot(chatID, status, rights) })
}

func (s *Server) setBot(chatID int64, status Role, rights BotRights) error {
	c, err := s.w.chatFor(chatID)
	if err != nil {
		return err
	}
	if c.private() || !validRole(status) {
		return fmt.Errorf("%d is no group, or %q no status", chatID, status)
	}
	rights.Status = status
	if !status.admin() {
		rights = BotRights{Status: status}
	}
	old := c.group.Bot
	if old == rights {
		return nil
	}
	g := *c.group
	g.Bot = rights
	c.group = &g
	s.saveGroup(c)
	by := s.someAdmin(c)
	s.push("my_chat_member", c.id, s.memberUpdate(c, by, s.botMemberJSON(old), s.botMemberJSON(rights)))
	if !old.Status.in() && status.in() {
		s.service(c, 0, Sender{ID: by.ID, Name: by.FirstName, IsBot: by.IsBot}, "new_chat_members", s.w.botName+" joined", jsonOf([]apiUser{s.botUser()}), true)
	}
	return nil
}

// someAdmin is who changes things when nobody is named.
func (s *Server) someAdmin(c *chat) apiUser {
	for _, want := range []Role{Creator, Administrator, Member} {
		for _, id := range s.w.order {
			if c.role(id) == want {
				return s.userOf(s.w.people[id])
			}
		}
	}
	return apiUser{ID: GroupAnonymousBotID, IsBot: true, FirstName: "Group", Username: "GroupAnonymousBot"}
}

// SetForum switches the topics of a group on or off. Those that exist stay for when they are switched on again. The bot
// is not told.
func (s *Server) SetForum(chatID int64, on bool) error {
	return s.do(func() error {
		c, err := s.w.chatFor(chatID)
		if err != nil {
			return err
		}
		if c.private() || c.group.Basic {
			return errors.New("only supergroups have topics")
		}
		g := *c.group
		g.Forum = on
		c.group = &g
		s.saveGroup(c)
		return nil
	})
}

// Block makes a person block the bot, or unblock it; the bot gets my_chat_member.
func (s *Server) Block(person int64, blocked bool) error {
	return s.do(func() error {
		c := s.w.privateChat(person)
		if c == nil {
			return fmt.Errorf("there is no person %d", person)
		}
		if c.blocked == blocked {
			return nil
		}
		c.blocked = blocked
		s.record(record{Group: groupRecord(c)})
		s.emit("people", c.person)
		was, is := s.botMemberJSON(BotRights{Status: Member}), s.botMemberJSON(BotRights{Status: Kicked})
		if !blocked {
			was, is = is, was
		}
		s.push("my_chat_member", c.id, s.memberUpdate(c, s.userOf(c.person), was, is))
		return nil
	})
}

// Migrate upgrades a group: it gets a new id, the old one answers with migrate_to_chat_id. A forum keeps its topics
// and messages under their ids (Telegram upgrades only basic groups, whose history stays behind).
func (s *Server) Migrate(chatID int64) (newID int64, err error) {
	err = s.do(func() error {
		old, err := s.w.chatFor(chatID)
		if err != nil {
			return err
		}
		if old.private() {
			return errors.New("only groups migrate")
		}
		newID = -1000000000000 - s.w.nextGroup
		g := *old.group
		g.ID, g.Basic = newID, false
		c := &chat{id: newID, group: &g, members: old.members, nextID: 2, general: old.general}
		s.w.addChat(c)
		if old.forum() {
			c.nextID = old.nextID
			for _, t := range old.topics {
				moved := *t
				c.topics = append(c.topics, &moved)
			}
			for _, m := range old.messages {
				moved := *m
				moved.Chat = newID
				c.messages = append(c.messages, &moved)
			}
		}
		who := Sender{ID: GroupAnonymousBotID, Name: g.Title, IsBot: true, As: &Channel{ID: old.id, Title: g.Title}}
		s.service(old, 0, who, "migrate_to_chat_id", "The group was upgraded", jsonOf(newID), true)
		old.migratedTo = newID
		s.saveGroup(old)
		s.saveGroup(c)
		for _, t := range c.topics {
			s.saveTopic(c, t)
		}
		for _, m := range c.messages {
			s.record(record{Message: m})
		}
		who.As = &Channel{ID: newID, Title: g.Title}
		s.service(c, 0, who, "migrate_from_chat_id", "The group was upgraded", jsonOf(old.id), true)
		return nil
	})
	return newID, err
}

// People lists everybody, in the order they were added.
func (s *Server) People() []Person {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Person, 0, len(s.w.order))
	for _, id := range s.w.order {
		out = append(out, *s.w.people[id])
	}
	return out
}

// Groups lists the groups, in the order they were added, without those that migrated.
func (s *Server) Groups() []Group {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Group
	for _, id := range s.w.groups {
		if c := s.w.chats[id]; c.migratedTo == 0 {
			out = append(out, *c.group)
		}
	}
	return out
}

// Topics lists a group's topics, the deleted ones too, oldest first.
func (s *Server) Topics(chatID int64) []Topic {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.w.chats[chatID]
	if c == nil {
		return nil
	}
	out := make([]Topic, 0, len(c.topics))
	for _, t := range c.topics {
		out = append(out, *t)
	}
	return out
}

// Messages is the transcript of one thread, oldest first: deleted and service messages too. Thread 0 is the general
// topic or a chat without topics, AllThreads the whole chat. chatID may be a person's id.
func (s *Server) Messages(chatID int64, thread int) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.messagesAfter(chatID, thread, 0)
}

func (s *Server) messagesAfter(chatID int64, thread, after int) []Message {
	c := s.w.chats[chatID]
	if c == nil {
		return nil
	}
	out := []Message{}
	for _, m := range c.messages {
		if m.ID > after && (thread == AllThreads || m.Thread == thread) {
			out = append(out, *m)
		}
	}
	return out
}

// Message is one message, if there is or was one.
func (s *Server) Message(chatID int64, id int) (Message, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.w.chats[chatID]; c != nil {
		if m := c.message(id); m != nil {
			return *m, true
		}
	}
	return Message{}, false
}
