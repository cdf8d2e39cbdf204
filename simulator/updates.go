package simulator

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"
)

const (
	updateLife   = 24 * time.Hour // Telegram forgets older updates
	maxPoll      = 50 * time.Second
	firstUpdate  = 700000001
	updatesLimit = 100
	maxNewest    = 1 << 40 // more updates than there can be

	conflictsKept = 1000
)

// update is one entry of the bot's queue; Body is the whole Update object.
type update struct {
	ID   int64           `json:"id"`
	Chat int64           `json:"chat,omitempty"` // whose order it belongs to; 0: none
	At   int64           `json:"at"`
	Body json.RawMessage `json:"body"`
	done bool            // delivered by the webhook, or dropped
}

// updateQueue holds what the bot has not confirmed, oldest first. Server.mu guards it.
type updateQueue struct {
	list    []*update
	next    int64
	live    int      // entries that are not done
	allowed []string // nil: the default set
	notify  chan struct{}
	poll    *poll       // the getUpdates under way
	ended   []time.Time // when one ended another, the latest conflictsKept of them
	hook    dispatcher
}

// poll is one getUpdates; why says what ended it.
type poll struct {
	end chan struct{}
	why string
}

// interrupt ends the getUpdates under way.
func (q *updateQueue) interrupt(why string) {
	if q.poll != nil {
		q.poll.why = why
		close(q.poll.end)
		q.poll = nil
	}
}

func (q *updateQueue) init() {
	q.next = firstUpdate
	q.hook.init()
}

// byDefault are the kinds that a bot gets without asking.
func byDefault(kind string) bool {
	return kind != "chat_member" && kind != "message_reaction" && kind != "message_reaction_count"
}

func (q *updateQueue) wants(kind string) bool {
	if len(q.allowed) == 0 {
		return byDefault(kind)
	}
	return slices.Contains(q.allowed, kind)
}

// push queues an update of one kind, if the bot wants that kind.
func (s *Server) push(kind string, chatID int64, payload []byte) {
	if !s.queue.wants(kind) {
		return
	}
	id := s.queue.next
	body := make([]byte, 0, len(payload)+len(kind)+40)
	body = append(body, `{"update_id":`...)
	body = strconv.AppendInt(body, id, 10)
	body = append(body, ',', '"')
	body = append(body, kind...)
	body = append(body, '"', ':')
	body = append(body, payload...)
	body = append(body, '}')
	s.enqueue(&update{ID: id, Chat: chatID, At: s.now().Unix(), Body: body})
}

func (s *Server) enqueue(u *update) {
	q := &s.queue
	q.next = u.ID + 1
	q.list = append(q.list, u)
	q.live++
	s.record(record{Update: u})
	if keep := s.opt.KeepUpdates; keep > 0 && q.live > keep {
		if q.trim(); len(q.list) > 0 {
			s.forget(q.list[0]) // after trim the first one is live
		}
	}
	if q.notify != nil {
		close(q.notify)
		q.notify = nil
	}
	s.webhookAdd(u)
}

// RawUpdate queues any JSON object as an update; a missing update_id is filled in. It bypasses allowed_updates.
func (s *Server) RawUpdate(raw []byte) error {
	var m map[string]json.RawMessage
	if err := json.Unmarshal(raw, &m); err != nil || m == nil {
		return errors.New("an update is a JSON object")
	}
	return s.do(func() error {
		var id int64
		if err := json.Unmarshal(m["update_id"], &id); err == nil && id >= s.queue.next {
			s.enqueue(&update{ID: id, At: s.now().Unix(), Body: slices.Clone(raw)})
			return nil
		}
		id = s.queue.next
		m["update_id"] = json.RawMessage(strconv.FormatInt(id, 10))
		body, err := json.Marshal(m)
		if err != nil {
			return err
		}
		s.enqueue(&update{ID: id, At: s.now().Unix(), Body: body})
		return nil
	})
}

// Polling tells whether a getUpdates waits for something to happen.
func (s *Server) Polling() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.queue.poll != nil
}

// PollConflicts tells when a getUpdates ended another one that was under way, oldest first, at most the latest 1,000: two programs
// poll, or somebody stopped waiting and its connection was not closed yet.
func (s *Server) PollConflicts() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.queue.ended)
}

// Pending is how many updates the bot has not confirmed.
func (s *Server) Pending() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.queue.live
}

func (q *updateQueue) pending() []*update {
	q.trim()
	out := make([]*update, 0, q.live)
	for _, u := range q.list {
		if !u.done {
			out = append(out, u)
		}
	}
	return out
}

// trim forgets the done entries at the front, and gives their memory back now and then.
func (q *updateQueue) trim() {
	n := 0
	for n < len(q.list) && q.list[n].done {
		q.list[n] = nil
		n++
	}
	q.list = q.list[n:]
}

func (s *Server) forget(u *update) {
	if !u.done {
		u.done = true
		s.queue.live--
		s.record(record{Done: u.ID})
	}
}

func (q *updateQueue) restore(u *update) {
	if n := len(q.list); n > 0 && q.list[n-1].ID >= u.ID {
		return
	}
	q.list = append(q.list, u)
	q.live++
	q.next = max(q.next, u.ID+1)
}

func (q *updateQueue) finish(id int64) {
	for _, u := range q.list {
		if u.ID == id && !u.done {
			u.done = true
			q.live--
		}
	}
	q.trim()
}

// confirm ends all updates below an id, and says whether there were any.
func (q *updateQueue) confirm(below int64) bool {
	ended := false
	for _, u := range q.list {
		if u.ID >= below {
			break
		}
		if !u.done {
			u.done, ended = true, true
			q.live--
		}
	}
	q.trim()
	return ended
}

func (s *Server) expire() {
	oldest := s.now().Add(-updateLife).Unix()
	for _, u := range s.queue.list {
		if u.At >= oldest {
			break
		}
		s.forget(u)
	}
	s.queue.trim()
}

// getUpdates answers a poll; it waits without the lock, so it is no ordinary handler.
func (s *Server) getUpdates(r *http.Request, p *params) ([]byte, *apiError) {
	offset, limit := p.int64("offset"), p.int("limit")
	if limit < 1 || limit > updatesLimit {
		limit = updatesLimit
	}
	wait := min(time.Duration(max(p.int("timeout"), 0))*time.Second, maxPoll)
	var allowed []string
	if err := p.json("allowed_updates", &allowed); err != nil {
		return nil, badRequest("can't parse allowed updates: %v", err)
	}
	s.mu.Lock()
	if s.w.webhook.URL != "" {
		s.mu.Unlock()
		return nil, &apiError{Code: 409, Description: "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"}
	}
	if s.queue.poll != nil {
		s.queue.ended = append(s.queue.ended[max(0, len(s.queue.ended)+1-conflictsKept):], time.Now())
	}
	s.queue.interrupt("other getUpdates request; make sure that only one bot instance is running") // the older one gives way
	mine := &poll{end: make(chan struct{})}
	s.queue.poll = mine
	if p.has("allowed_updates") && !slices.Equal(allowed, s.queue.allowed) {
		s.queue.allowed = allowed
		s.record(record{Meta: s.meta()})
	}
	s.expire()
	s.confirmFor(offset)
	err := s.commit()
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		body := s.queue.answer(offset, limit)
		if body != nil || wait == 0 || err != nil {
			s.endPoll(mine)
			s.mu.Unlock()
			if err != nil {
				return nil, &apiError{Code: 500, Description: "Internal Server Error: " + err.Error()}
			}
			if body == nil {
				body = []byte(`{"ok":true,"result":[]}`)
			}
			return body, nil
		}
		if s.queue.notify == nil {
			s.queue.notify = make(chan struct{})
		}
		notify := s.queue.notify
		s.wake()
		s.mu.Unlock()
		kicked := false
		select {
		case <-notify:
		case <-timer.C:
			wait = 0
		case <-mine.end:
			kicked = true
		case <-r.Context().Done():
			wait = 0
		case <-s.ctx.Done():
			wait = 0
		}
		if kicked {
			return nil, &apiError{Code: 409, Description: "Conflict: terminated by " + mine.why}
		}
		s.mu.Lock()
	}
}

func (s *Server) endPoll(mine *poll) {
	if s.queue.poll == mine {
		s.queue.poll = nil
	}
}

// confirmFor does what an offset says: positive confirms what is below, negative keeps only the newest.
func (s *Server) confirmFor(offset int64) {
	q := &s.queue
	if offset < 0 {
		p := q.pending()
		if keep := int(min(-max(offset, -maxNewest), int64(len(p)))); keep < len(p) {
			offset = p[len(p)-keep].ID
		}
	}
	if offset > 0 && q.confirm(offset) {
		s.record(record{Confirmed: offset})
	}
}

// answer renders the waiting updates, or nil if there are none.
func (q *updateQueue) answer(offset int64, limit int) []byte {
	size, n := 32, 0
	for _, u := range q.list {
		if n == limit {
			break
		}
		if !u.done && u.ID >= offset {
			size += len(u.Body) + 1
			n++
		}
	}
	if n == 0 {
		return nil
	}
	out := append(make([]byte, 0, size), `{"ok":true,"result":[`...)
	n = 0
	for _, u := range q.list {
		if n == limit {
			break
		}
		if !u.done && u.ID >= offset {
			if n > 0 {
				out = append(out, ',')
			}
			out = append(out, u.Body...)
			n++
		}
	}
	return append(out, ']', '}')
}
