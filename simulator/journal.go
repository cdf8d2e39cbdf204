package simulator

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// record is one fact in the journal: the new state of one thing. Exactly one field is set.
type record struct {
	Meta      *metaRecord  `json:"meta,omitempty"`
	Person    *Person      `json:"person,omitempty"`
	Group     *groupState  `json:"group,omitempty"`
	Topic     *topicRecord `json:"topic,omitempty"`
	Message   *Message     `json:"message,omitempty"`
	Update    *update      `json:"update,omitempty"`
	Done      int64        `json:"done,omitempty"`      // an update that is over
	Confirmed int64        `json:"confirmed,omitempty"` // all updates below it are over
	File      *file        `json:"file,omitempty"`
	Query     *queryRecord `json:"query,omitempty"`
}

// metaRecord is what belongs to no single thing.
type metaRecord struct {
	Seeded     bool              `json:"seeded,omitempty"`
	BotName    string            `json:"botName,omitempty"`
	Commands   json.RawMessage   `json:"commands,omitempty"`
	Profile    map[string]string `json:"profile,omitempty"`
	Webhook    webhookConf       `json:"webhook"`
	Allowed    []string          `json:"allowed"`
	NextUpdate int64             `json:"nextUpdate"`
	NextAlbum  int64             `json:"nextAlbum"`
	Ahead      time.Duration     `json:"ahead,omitempty"` // of the clock, in nanoseconds
}

// groupState is one chat without its topics and messages; private chats have only Person.
type groupState struct {
	Group      *Group         `json:"group,omitempty"`
	Person     int64          `json:"person,omitempty"`
	Members    map[int64]Role `json:"members,omitempty"`
	NextID     int            `json:"nextId"`
	MigratedTo int64          `json:"migratedTo,omitempty"`
	Blocked    bool           `json:"blocked,omitempty"`
	Started    bool           `json:"started,omitempty"`
	General    bool           `json:"general,omitempty"`
}

type topicRecord struct {
	Chat int64 `json:"chat"`
	Topic
}

func groupRecord(c *chat) *groupState {
	g := &groupState{Members: c.members, NextID: c.nextID, MigratedTo: c.migratedTo, Blocked: c.blocked, Started: c.started, General: c.general, Group: c.group}
	if c.private() {
		g.Person = c.id
	}
	return g
}

// journal is an append-only file of lines, each a JSON array of records: the changes of one operation, all or none.
type journal struct {
	f   *os.File
	buf bytes.Buffer
	err error // a journal that failed once refuses everything after
}

func (j *journal) write(batch []record) error {
	if j == nil || len(batch) == 0 {
		return nil
	}
	if j.err != nil {
		return j.err
	}
	j.buf.Reset()
	if err := json.NewEncoder(&j.buf).Encode(batch); err != nil {
		return fmt.Errorf("simulator: journal: %w", err)
	}
	if _, err := j.f.Write(j.buf.Bytes()); err != nil {
		j.err = fmt.Errorf("simulator: journal: %w", err)
	}
	return j.err
}

func (j *journal) close() error {
	if j == nil || j.f == nil {
		return nil
	}
	err := j.f.Close()
	j.f = nil
	j.err = errors.New("simulator: closed")
	return err
}

// record notes a change, to be journaled by commit. What it points to must not change before that.
func (s *Server) record(r record) {
	s.dirty = true
	if s.journal != nil {
		s.batch = append(s.batch, r)
	}
}

// load reads the journal, writes it anew without what was superseded, and opens it for appending.
func (s *Server) load(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	if err := s.replay(path); err != nil {
		return err
	}
	tmp := path + ".new"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	enc := json.NewEncoder(w)
	for _, r := range s.snapshot() {
		if err := enc.Encode([]record{r}); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	if err := errors.Join(w.Flush(), f.Sync(), os.Rename(tmp, path)); err != nil {
		return errors.Join(err, f.Close())
	}
	s.journal = &journal{f: f}
	return nil
}

func (s *Server) replay(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	r := bufio.NewReaderSize(f, 1<<16)
	for n := 1; ; n++ {
		line, err := r.ReadBytes('\n')
		if err == io.EOF {
			return nil // a last line without an end was never answered
		}
		if err != nil {
			return err
		}
		var batch []record
		if err := json.Unmarshal(line, &batch); err != nil {
			return fmt.Errorf("%s: line %d: %w", path, n, err)
		}
		for _, rec := range batch {
			s.apply(rec)
		}
	}
}

// apply puts one record into the world, as the operation that wrote it did.
func (s *Server) apply(r record) {
	w := s.w
	switch {
	case r.Meta != nil:
		m := r.Meta
		w.seeded, w.botName, w.commands, w.webhook = m.Seeded, m.BotName, m.Commands, m.Webhook
		if m.Profile != nil {
			w.profile = m.Profile
		}
		s.queue.allowed = m.Allowed
		s.queue.next = max(s.queue.next, m.NextUpdate)
		w.nextAlbum = max(w.nextAlbum, m.NextAlbum)
		if more := m.Ahead - s.clockAhead(); s.opt.Clock != nil && more > 0 {
			s.opt.Clock.forward(more)
		}
	case r.Person != nil:
		w.setPerson(*r.Person)
	case r.Group != nil:
		s.applyGroup(r.Group)
	case r.Topic != nil:
		if c, _ := w.chatAny(r.Topic.Chat); c != nil {
			c.putTopic(r.Topic.Topic)
		}
	case r.Message != nil:
		if c, _ := w.chatAny(r.Message.Chat); c != nil {
			c.putMessage(r.Message)
		}
	case r.Update != nil:
		s.queue.restore(r.Update)
	case r.Done != 0:
		s.queue.finish(r.Done)
	case r.Confirmed != 0:
		s.queue.confirm(r.Confirmed)
	case r.File != nil:
		w.keepFile(r.File)
		w.nextFile = max(w.nextFile, r.File.N+1)
	case r.Query != nil:
		s.queries[r.Query.ID] = r.Query.query
	}
}

func (s *Server) applyGroup(g *groupState) {
	var c *chat
	if g.Person != 0 {
		c = s.w.privateChat(g.Person)
	} else if g.Group != nil {
		c = s.w.chats[g.Group.ID]
		if c == nil {
			c = &chat{id: g.Group.ID}
			s.w.addChat(c)
		}
		c.group = g.Group
	}
	if c == nil {
		return
	}
	c.members, c.nextID, c.migratedTo = g.Members, max(c.nextID, g.NextID), g.MigratedTo
	c.blocked, c.started, c.general = g.Blocked, g.Started, g.General
	if c.members == nil {
		c.members = map[int64]Role{}
	}
}

func (w *world) chatAny(id int64) (*chat, bool) {
	if id > 0 {
		c := w.privateChat(id)
		return c, c != nil
	}
	c, ok := w.chats[id]
	return c, ok
}

func (c *chat) putTopic(t Topic) {
	for i, o := range c.topics {
		if o.Thread == t.Thread {
			c.topics[i] = &t
			return
		}
	}
	c.topics = append(c.topics, &t)
}

func (c *chat) putMessage(m *Message) {
	if n := len(c.messages); n == 0 || c.messages[n-1].ID < m.ID {
		c.messages = append(c.messages, m)
	} else if i, ok := c.index(m.ID); ok {
		c.messages[i] = m
	}
	c.nextID = max(c.nextID, m.ID+1)
}

func (s *Server) meta() *metaRecord {
	return &metaRecord{Seeded: s.w.seeded, BotName: s.w.botName, Commands: s.w.commands, Profile: s.w.profile, Webhook: s.w.webhook,
		Allowed: s.queue.allowed, NextUpdate: s.queue.next, NextAlbum: s.w.nextAlbum, Ahead: s.clockAhead()}
}

// snapshot lists the records that make the present state.
func (s *Server) snapshot() []record {
	w := s.w
	out := []record{{Meta: s.meta()}}
	for _, id := range w.order {
		out = append(out, record{Person: w.people[id]})
	}
	ids := slices.Clone(w.groups)
	for _, id := range w.order {
		if w.chats[id] != nil {
			ids = append(ids, id)
		}
	}
	for _, id := range ids {
		c := w.chats[id]
		out = append(out, record{Group: groupRecord(c)})
		for _, t := range c.topics {
			out = append(out, record{Topic: &topicRecord{Chat: c.id, Topic: *t}})
		}
		msgs := c.messages
		if keep := s.opt.KeepMessages; keep > 0 && len(msgs) > keep {
			msgs = msgs[len(msgs)-keep:]
		}
		for _, m := range msgs {
			out = append(out, record{Message: m})
		}
	}
	for _, f := range w.files {
		out = append(out, record{File: f})
	}
	for id, q := range s.queries {
		if s.now().Sub(q.At) > queryLife {
			continue
		}
		out = append(out, record{Query: &queryRecord{ID: id, query: q}})
	}
	for _, u := range s.queue.pending() {
		out = append(out, record{Update: u})
	}
	return out
}
