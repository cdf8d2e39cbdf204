package simulator

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// eventHub hands events to those who listen at /sim/events. Server.mu guards it.
type eventHub struct {
	subs map[chan event]bool
}

type event struct {
	kind string
	data []byte
}

const eventBuffer = 1024 // a listener that lags behind so far is cut off, and connects again

func (h *eventHub) close() {
	for c := range h.subs {
		delete(h.subs, c)
		close(c)
	}
}

// emit tells the listeners; it costs nothing when there are none.
func (s *Server) emit(kind string, v any) {
	if len(s.hub.subs) == 0 {
		return
	}
	e := event{kind: kind, data: jsonOf(v)}
	for c := range s.hub.subs {
		select {
		case c <- e:
		default:
			delete(s.hub.subs, c)
			close(c)
		}
	}
}

const heartbeat = 15 * time.Second

func (s *Server) serveEvents(w http.ResponseWriter, r *http.Request) {
	rc := http.NewResponseController(w)
	c := make(chan event, eventBuffer)
	s.mu.Lock()
	if s.ctx.Err() != nil {
		s.mu.Unlock()
		return
	}
	if s.hub.subs == nil {
		s.hub.subs = map[chan event]bool{}
	}
	s.hub.subs[c] = true
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.hub.subs, c)
		s.mu.Unlock()
	}()
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-cache")
	w.WriteHeader(http.StatusOK)
	_, _ = fmt.Fprint(w, ": hello\nretry: 1000\n\n")
	_ = rc.Flush()
	tick := time.NewTicker(heartbeat)
	defer tick.Stop()
	for {
		var err error
		select {
		case e, ok := <-c:
			if !ok {
				return
			}
			_, err = fmt.Fprintf(w, "event: %s\ndata: %s\n\n", e.kind, e.data)
		case <-tick.C:
			_, err = fmt.Fprint(w, ": still here\n\n")
		case <-r.Context().Done():
			return
		}
		if err != nil || rc.Flush() != nil {
			return
		}
	}
}

// The shapes of /sim/state.
type stateView struct {
	Bot    botView      `json:"bot"`
	People []personView `json:"people"`
	Groups []groupView  `json:"groups"`
	Flood  bool         `json:"flood"`
	Faults []Fault      `json:"faults"`
	Hook   string       `json:"webhook"`
	Queue  int          `json:"pending"`
	Clock  int64        `json:"clock,omitempty"` // what a clock that can be moved shows, in milliseconds
}

type botView struct {
	ID       int64  `json:"id"`
	Username string `json:"username"`
	Name     string `json:"name"`
}

type personView struct {
	Person
	Blocked bool        `json:"blocked"`
	Started bool        `json:"started"`
	Threads []topicView `json:"topics"`           // of their private chat
	Latest  *latestView `json:"latest,omitempty"` // in General
}

type topicView struct {
	Topic
	Latest *latestView `json:"latest,omitempty"`
}

// latestView is the latest message of a topic, for lists of topics.
type latestView struct {
	ID   int    `json:"id"`
	Date int64  `json:"date"`
	From string `json:"from,omitempty"` // "" for the bot, whose texts say who spoke, and for service messages
	Text string `json:"text"`
}

type memberView struct {
	PersonID int64 `json:"personId"`
	Role     Role  `json:"role"`
}

type groupView struct {
	Group
	Members       []memberView `json:"members"`
	Topics        []topicView  `json:"topics"`
	Latest        *latestView  `json:"latest,omitempty"` // in General
	GeneralClosed bool         `json:"generalClosed"`
	MigratedTo    int64        `json:"migratedTo,omitempty"`
}

func (s *Server) groupView(c *chat) groupView {
	v := groupView{Group: *c.group, Members: []memberView{}, GeneralClosed: c.general, MigratedTo: c.migratedTo}
	for _, id := range s.w.order {
		if r := c.role(id); r != Left {
			v.Members = append(v.Members, memberView{PersonID: id, Role: r})
		}
	}
	v.Topics, v.Latest = c.topicViews()
	return v
}

// topicViews are the chat's topics with the latest message of each, and the latest one of General.
func (c *chat) topicViews() (topics []topicView, general *latestView) {
	latest := map[int]*latestView{}
	for _, m := range slices.Backward(c.messages) {
		thread := 0
		if c.forum() {
			thread = m.Thread
		}
		if latest[thread] == nil && !m.Deleted {
			latest[thread] = viewOfLatest(m)
			if len(latest) > len(c.topics) {
				break // every topic, and General
			}
		}
	}
	topics = make([]topicView, len(c.topics))
	for i, t := range c.topics {
		topics[i] = topicView{*t, latest[t.Thread]}
	}
	return topics, latest[0]
}

func viewOfLatest(m *Message) *latestView {
	v := &latestView{ID: m.ID, Date: m.Date, Text: m.Text}
	if m.Service == nil && !m.From.IsBot {
		v.From = m.From.Name
	}
	switch {
	case v.Text != "":
	case m.Service != nil:
		v.Text = m.Service.Text
	case m.Media != nil:
		v.Text = cmp.Or(m.Media.FileName, m.Media.Kind)
	}
	v.Text = strings.Join(strings.Fields(v.Text), " ")
	if r := []rune(v.Text); len(r) > latestShown {
		v.Text = string(r[:latestShown])
	}
	return v
}

const latestShown = 90 // characters, as the page itself cuts them

func (s *Server) stateJSON() json.RawMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := stateView{Bot: botView{ID: s.botID, Username: s.opt.BotUsername, Name: s.w.botName}, People: []personView{}, Groups: []groupView{},
		Flood: s.flood.on, Faults: []Fault{}, Hook: s.w.webhook.URL, Queue: s.queue.live, Clock: s.clockAt()}
	for _, id := range s.w.order {
		p := personView{Person: *s.w.people[id], Threads: []topicView{}}
		if c := s.w.chats[id]; c != nil {
			p.Blocked, p.Started = c.blocked, c.started
			p.Threads, p.Latest = c.topicViews()
		}
		v.People = append(v.People, p)
	}
	for _, id := range s.w.groups {
		if c := s.w.chats[id]; c.migratedTo == 0 {
			v.Groups = append(v.Groups, s.groupView(c))
		}
	}
	for _, f := range s.faults {
		v.Faults = append(v.Faults, f.Fault)
	}
	return jsonOf(v)
}
