package simulator

import (
	"math"
	"strings"
	"time"
)

// FloodLimits are what flood control lets through; 0 switches a limit off.
type FloodLimits struct {
	PerSecond      int           // over all chats, in any sliding second
	GroupPerMinute int           // in one group, in any sliding minute
	ChatPerSecond  float64       // in one chat, on average
	ChatBurst      int           // so many at once before ChatPerSecond holds
	Slack          time.Duration // calls so much too early pass: what a network's jitter makes of exact pacing
}

// DefaultFloodLimits are those that Telegram's FAQ names, with bursts of 5.
func DefaultFloodLimits() FloodLimits {
	return FloodLimits{PerSecond: 30, GroupPerMinute: 20, ChatPerSecond: 1, ChatBurst: 5}
}

// Violation is a call to a chat whose retry_after was not over.
type Violation struct {
	Method string
	Chat   int64
	At     time.Time
	Until  time.Time // when calls would have been welcome
}

type flood struct {
	on         bool
	limits     FloodLimits
	global     window
	violations []Violation
}

// floodState is what flood control knows about one chat.
type floodState struct {
	minute  window
	free    time.Time // when the bucket of the chat will be full again
	blocked time.Time // no call is welcome before
}

const maxViolations = 10000

// SetFlood switches flood control on or off.
func (s *Server) SetFlood(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flood.on = on
	s.wake()
}

// SetFloodLimits changes the limits; calls made so far stay counted.
func (s *Server) SetFloodLimits(l FloodLimits) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flood.limits = l
}

// Violations lists the calls that came before a retry_after was over, whether flood control or a Fault ordered it.
func (s *Server) Violations() []Violation {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Violation(nil), s.flood.violations...)
}

// cost is how many messages a call counts as.
func (c *call) cost() int {
	switch c.method {
	case "sendMediaGroup":
		var parts []any
		_ = c.p.json("media", &parts)
		return len(parts)
	case "forwardMessages", "copyMessages":
		var ids []int
		_ = c.p.json("message_ids", &ids)
		return len(ids)
	case "sendMessage", "sendRichMessage", "sendPhoto", "sendDocument", "sendVideo", "sendAnimation", "sendAudio", "sendVoice", "sendVideoNote", "sendLivePhoto",
		"sendSticker", "sendLocation", "sendVenue", "sendContact", "sendDice", "sendPoll", "forwardMessage", "copyMessage",
		"editMessageText", "editMessageCaption", "editMessageMedia", "editMessageReplyMarkup", "createForumTopic", "stopPoll",
		"editMessageLiveLocation", "stopMessageLiveLocation":
		return 1
	}
	return 0
}

// admit counts a call, or refuses it with 429. What counts as no message is refused only while the chat is closed.
func (f *flood) admit(s *Server, c *call) *apiError {
	if c.chat == nil || !f.on && c.chat.flood.blocked.IsZero() {
		return nil
	}
	n, now, st := c.cost(), s.now(), &c.chat.flood
	if strings.HasPrefix(c.method, "get") {
		return nil
	}
	if now.Before(st.blocked) {
		if len(f.violations) < maxViolations {
			f.violations = append(f.violations, Violation{Method: c.method, Chat: c.chat.id, At: now, Until: st.blocked})
		}
		return tooMany(seconds(st.blocked.Sub(now)))
	}
	if !f.on || n == 0 {
		return nil
	}
	wait := max(f.global.wait(now, time.Second, f.limits.PerSecond, n), st.bucketWait(now, f.limits))
	if !c.chat.private() {
		wait = max(wait, st.minute.wait(now, time.Minute, f.limits.GroupPerMinute, n))
	}
	if wait > f.limits.Slack {
		after := seconds(wait)
		st.block(s, c, after)
		return tooMany(after)
	}
	for range n {
		f.global.add(now)
		st.minute.add(now)
	}
	if f.limits.ChatPerSecond > 0 {
		if st.free.Before(now) {
			st.free = now
		}
		st.free = st.free.Add(time.Duration(float64(n) * float64(time.Second) / f.limits.ChatPerSecond))
	}
	return nil
}

// block closes the chat; the caller is told how long.
func (st *floodState) block(s *Server, _ *call, after int) {
	if until := s.now().Add(time.Duration(after) * time.Second); until.After(st.blocked) {
		st.blocked = until
	}
}

// bucketWait is how long until the bucket has room for one more.
func (st *floodState) bucketWait(now time.Time, l FloodLimits) time.Duration {
	if l.ChatPerSecond <= 0 || !st.free.After(now) { // the zero time is further away than a Duration can say
		return 0
	}
	room := time.Duration(float64(max(l.ChatBurst, 1)-1) * float64(time.Second) / l.ChatPerSecond)
	return max(st.free.Sub(now)-room, 0)
}

func tooMany(after int) *apiError {
	return &apiError{Code: 429, Description: "Too Many Requests: retry after " + itoa(after), RetryAfter: after}
}

func seconds(d time.Duration) int { return max(1, int(math.Ceil(d.Seconds()))) }

// window remembers when things happened, for one sliding span.
type window struct{ at []time.Time }

// wait is how long until n more fit into the span; more than most at once never fit better than an empty span.
func (w *window) wait(now time.Time, span time.Duration, most, n int) time.Duration {
	start := now.Add(-span)
	drop := 0
	for drop < len(w.at) && !w.at[drop].After(start) {
		drop++
	}
	w.at = w.at[drop:]
	over := len(w.at) + n - most
	if most <= 0 || over <= 0 || len(w.at) == 0 {
		return 0
	}
	return w.at[min(over, len(w.at))-1].Add(span).Sub(now)
}

func (w *window) add(t time.Time) { w.at = append(w.at, t) }
