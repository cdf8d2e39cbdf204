package simulator

import (
	"slices"
	"time"
)

// Call is one Bot API call as Calls remembers it.
type Call struct {
	Method      string        `json:"method"`
	Chat        int64         `json:"chat,omitempty"`
	Thread      int           `json:"thread,omitempty"`
	Message     int           `json:"message,omitempty"` // the message that a send made
	At          time.Time     `json:"at"`
	Took        time.Duration `json:"took"`
	OK          bool          `json:"ok"`
	Code        int           `json:"code,omitempty"` // Telegram's error code; 0 when OK
	Description string        `json:"description,omitempty"`
	Lost        bool          `json:"lost,omitempty"` // the caller got no answer
}

// CallStats sums up all calls since the start.
type CallStats struct {
	Total, OK, Lost int
	ByMethod        map[string]int
	ByCode          map[int]int // Telegram's error codes
}

// callLog is a ring of the latest calls.
type callLog struct {
	ring  []Call
	start int
	keep  int
	stats CallStats
}

func (l *callLog) init(keep int) {
	l.keep = keep
	l.stats = CallStats{ByMethod: map[string]int{}, ByCode: map[int]int{}}
}

func (l *callLog) add(c Call) {
	l.stats.Total++
	l.stats.ByMethod[c.Method]++
	if c.OK {
		l.stats.OK++
	} else {
		l.stats.ByCode[c.Code]++
	}
	if c.Lost {
		l.stats.Lost++
	}
	if c.OK && c.Method == "getUpdates" {
		return // polls would push everything else out
	}
	if len(l.ring) < l.keep {
		l.ring = append(l.ring, c)
		return
	}
	l.ring[l.start] = c
	l.start = (l.start + 1) % l.keep
}

type callEvent struct {
	Call
	MS float64 `json:"ms"`
}

func (s *Server) logCall(c *call, e *apiError, lost bool, start time.Time) {
	l := &c.log
	l.OK, l.Lost, l.Took = e == nil, lost, time.Since(start)
	if e != nil {
		l.Code, l.Description = e.Code, e.Description
	}
	s.mu.Lock()
	s.calls.add(*l)
	if !(l.OK && l.Method == "getUpdates") {
		s.emit("call", callEvent{Call: *l, MS: float64(l.Took.Microseconds()) / 1000})
	}
	s.wake()
	s.mu.Unlock()
}

// Calls lists the latest Bot API calls, oldest first, at most Options.KeepCalls; calls under way and
// successful getUpdates are not among them.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append(slices.Clone(s.calls.ring[s.calls.start:]), s.calls.ring[:s.calls.start]...)
}

// CallStats counts all calls since the start.
func (s *Server) CallStats() CallStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.calls.stats
	m, c := make(map[string]int, len(st.ByMethod)), make(map[int]int, len(st.ByCode))
	for k, v := range st.ByMethod {
		m[k] = v
	}
	for k, v := range st.ByCode {
		c[k] = v
	}
	st.ByMethod, st.ByCode = m, c
	return st
}
