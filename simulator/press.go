package simulator

import (
	"errors"
	"strconv"
	"time"
)

// queryLife is how long the bot may answer a button press.
const queryLife = 5 * time.Minute

// query is a button press that the bot can answer.
type query struct {
	From int64     `json:"from"`
	Chat int64     `json:"chat"`
	At   time.Time `json:"at"`
}

type queryRecord struct {
	ID string `json:"id"`
	query
}

// Press presses an inline button, found by its data; the bot gets a callback_query. It returns the query's id.
func (s *Server) Press(from, chatID int64, messageID int, data string) (id string, err error) {
	err = s.do(func() error {
		c, err := s.w.chatFor(chatID)
		if err != nil {
			return err
		}
		p, m := s.w.people[from], c.live(messageID)
		if p == nil || m == nil || m.From.ID != s.botID || !hasButton(m, data) {
			return errors.New("no such button")
		}
		if !c.private() && !c.role(from).in() || c.private() && c.id != from {
			return errNotIn
		}
		now := s.now()
		s.pruneQueries(now)
		id = strconv.FormatInt(s.queue.next*1000003, 10)
		q := query{From: from, Chat: c.id, At: now}
		s.queries[id] = q
		s.record(record{Query: &queryRecord{ID: id, query: q}})
		s.push("callback_query", c.id, jsonOf(map[string]any{"id": id, "from": s.userOf(p), "message": nest(s.messageJSON(m, false)),
			"chat_instance": strconv.FormatInt(c.id*31, 10), "data": data}))
		return nil
	})
	return id, err
}

// pruneQueries forgets the expired ones, each time their number has doubled.
func (s *Server) pruneQueries(now time.Time) {
	if len(s.queries) < s.pruneAt {
		return
	}
	for k, q := range s.queries {
		if now.Sub(q.At) > queryLife {
			delete(s.queries, k)
		}
	}
	s.pruneAt = max(1000, 2*len(s.queries))
}

func hasButton(m *Message, data string) bool {
	for _, row := range m.Buttons {
		for _, b := range row {
			if b.Data == data && data != "" {
				return true
			}
		}
	}
	return false
}

// Answer is what the bot answered to a button press.
type Answer struct {
	Query string `json:"query"`
	To    int64  `json:"to"`
	Text  string `json:"text"`
	Alert bool   `json:"alert"`
	URL   string `json:"url,omitempty"`
}

func (s *Server) answerCallbackQuery(c *call) (any, *apiError) {
	id, text := c.p.str("callback_query_id"), c.p.str("text")
	q, ok := s.queries[id]
	if !ok || s.now().Sub(q.At) > queryLife {
		return nil, badRequest("query is too old and response timeout expired or query ID is invalid")
	}
	if utf16Len(text) > 200 {
		return nil, badRequest("MESSAGE_TOO_LONG")
	}
	a := Answer{Query: id, To: q.From, Text: text, Alert: c.p.bool("show_alert"), URL: c.p.str("url")}
	s.answers = append(s.answers, a)
	if n := len(s.answers); n > 2000 {
		s.answers = append([]Answer(nil), s.answers[n-1000:]...)
	}
	s.dirty = true
	s.emit("answer", a)
	return true, nil
}

// Answers lists the latest answers to button presses, oldest first.
func (s *Server) Answers() []Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Answer(nil), s.answers...)
}
