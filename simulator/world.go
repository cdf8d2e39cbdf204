package simulator

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// chat is one conversation: a person with the bot, or a group.
type chat struct {
	id         int64
	person     *Person // private chats only
	group      *Group  // groups only
	members    map[int64]Role
	topics     []*Topic
	messages   []*Message // by ascending id
	nextID     int
	migratedTo int64
	blocked    bool // private chats: the person has blocked the bot
	started    bool // private chats: the person has written to the bot
	general    bool // the general topic is closed
	flood      floodState
}

func (c *chat) private() bool { return c.person != nil }

func (c *chat) forum() bool {
	if c.private() {
		return c.person.Topics
	}
	return c.group.Forum
}

func (c *chat) kind() string {
	switch {
	case c.private():
		return "private"
	case c.group.Basic:
		return "group"
	}
	return "supergroup"
}

func (c *chat) index(id int) (int, bool) {
	return slices.BinarySearchFunc(c.messages, id, func(m *Message, id int) int { return cmp.Compare(m.ID, id) })
}

func (c *chat) message(id int) *Message {
	if i, ok := c.index(id); ok {
		return c.messages[i]
	}
	return nil
}

// live is message without the deleted ones.
func (c *chat) live(id int) *Message {
	if m := c.message(id); m != nil && !m.Deleted {
		return m
	}
	return nil
}

// topic finds a topic, deleted or not.
func (c *chat) topic(thread int) *Topic {
	i, ok := slices.BinarySearchFunc(c.topics, thread, func(t *Topic, id int) int { return cmp.Compare(t.Thread, id) })
	if !ok {
		return nil
	}
	return c.topics[i]
}

func (c *chat) role(person int64) Role {
	if r, ok := c.members[person]; ok {
		return r
	}
	return Left
}

func (c *chat) botAdmin() bool { return c.private() || c.group.Bot.Status.admin() }

// world is everything the simulator knows about people and chats. Server.mu guards it.
type world struct {
	people     map[int64]*Person
	order      []int64 // people as they were added
	chats      map[int64]*chat
	groups     []int64          // as they were added
	files      map[string]*file // by id
	byPath     map[string]*file
	nextPerson int64
	nextGroup  int64
	nextFile   int64
	nextAlbum  int64
	seeded     bool
	botName    string
	commands   []byte // what setMyCommands set, by scope
	webhook    webhookConf
	profile    map[string]string
}

func newWorld() *world {
	return &world{people: map[int64]*Person{}, chats: map[int64]*chat{}, files: map[string]*file{}, byPath: map[string]*file{}, profile: map[string]string{},
		nextPerson: 500000001, nextGroup: 1000000001, nextFile: 1, nextAlbum: 13000000000000001}
}

func (w *world) privateChat(id int64) *chat {
	if c := w.chats[id]; c != nil {
		return c
	}
	p := w.people[id]
	if p == nil {
		return nil
	}
	c := &chat{id: id, person: p, nextID: 1}
	w.chats[id] = c
	return c
}

// chatFor resolves a chat id as the people side gives it.
func (w *world) chatFor(id int64) (*chat, error) {
	if id > 0 {
		if c := w.privateChat(id); c != nil {
			return c, nil
		}
		return nil, fmt.Errorf("there is no person %d", id)
	}
	c := w.chats[id]
	if c == nil {
		return nil, fmt.Errorf("there is no group %d", id)
	}
	if c.migratedTo != 0 {
		return nil, fmt.Errorf("group %d was upgraded to %d", id, c.migratedTo)
	}
	return c, nil
}

func (w *world) byUsername(name string) *chat {
	name = strings.TrimPrefix(name, "@")
	for _, id := range w.groups {
		if c := w.chats[id]; c.migratedTo == 0 && c.group.Username != "" && strings.EqualFold(c.group.Username, name) {
			return c
		}
	}
	return nil
}

// add appends a message with the chat's next id; the caller has filled in the rest.
func (s *Server) add(c *chat, m *Message) *Message {
	m.ID, m.Chat, m.Date = c.nextID, c.id, s.now().Unix()
	c.nextID++
	c.messages = append(c.messages, m)
	if keep := s.opt.KeepMessages; keep > 0 && len(c.messages) > keep+keep/4 {
		c.messages = slices.Clone(c.messages[len(c.messages)-keep:])
	}
	s.record(record{Message: m})
	s.emit("message", m)
	return m
}

// change replaces a message by a changed copy, since readers may hold the old one.
func (s *Server) change(c *chat, m *Message, event string, f func(*Message)) *Message {
	i, ok := c.index(m.ID)
	if !ok {
		return m
	}
	n := *m
	f(&n)
	c.messages[i] = &n
	s.record(record{Message: &n})
	s.emit(event, &n)
	return &n
}

func (s *Server) saveGroup(c *chat) {
	s.record(record{Group: groupRecord(c)})
	if len(s.hub.subs) > 0 {
		s.emit("group", s.groupView(c))
	}
}

func (s *Server) saveTopic(c *chat, t *Topic) {
	s.record(record{Topic: &topicRecord{Chat: c.id, Topic: *t}})
	s.emit("topic", topicEvent{Chat: c.id, Topic: *t})
}

type topicEvent struct {
	Chat int64 `json:"chat"`
	Topic
}

// changed returns a channel that is closed at the next change of the world.
func (s *Server) changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting == nil {
		s.waiting = make(chan struct{})
	}
	return s.waiting
}

func (s *Server) now() time.Time { return s.opt.Now() }
