package simulator

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// apiError is a refusal in Telegram's words.
type apiError struct {
	Code        int
	Description string
	RetryAfter  int
	MigrateTo   int64
}

func (e *apiError) Error() string { return e.Description }

func badRequest(format string, args ...any) *apiError {
	return &apiError{Code: 400, Description: "Bad Request: " + fmt.Sprintf(format, args...)}
}

func forbidden(what string) *apiError {
	return &apiError{Code: 403, Description: "Forbidden: " + what}
}

var (
	errNotFound     = &apiError{Code: 404, Description: "Not Found"}
	errUnauthorized = &apiError{Code: 401, Description: "Unauthorized"}
)

// described is a result True that comes with words, as some methods answer.
type described struct{ text string }

// raw is a result that is rendered already.
type raw []byte

// call is one Bot API call under way; handlers run with Server.mu held.
type call struct {
	method string
	p      *params
	chat   *chat
	log    Call
	file   string // of a download: its path
}

type handler func(*Server, *call) (any, *apiError)

// serveBot serves /bot<token>/<method>.
func (s *Server) serveBot(w http.ResponseWriter, r *http.Request, rest string) {
	start := time.Now()
	token, method, ok := strings.Cut(rest, "/")
	if !ok || subtle.ConstantTimeCompare([]byte(token), []byte(s.opt.Token)) != 1 {
		writeError(w, errUnauthorized)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		writeError(w, errNotFound)
		return
	}
	method = strings.TrimPrefix(method, "test/")
	name := botAPI.names[strings.ToLower(method)]
	if name == "" {
		writeError(w, errNotFound)
		return
	}
	p, err := readParams(r)
	if errors.Is(err, errTooLarge) {
		writeError(w, &apiError{Code: 413, Description: "Request Entity Too Large"})
		return
	}
	if err != nil {
		writeError(w, badRequest("%v", err))
		return
	}
	c := &call{method: name, p: p}
	c.log = Call{Method: name, At: s.now(), Chat: p.int64("chat_id"), Thread: p.int("message_thread_id")}
	f := s.takeFault(c)
	if f != nil && !s.faultBefore(w, r, c, f, start) {
		return
	}
	body, e := s.invoke(r, c)
	if e != nil {
		body = e.json()
	}
	lost := f != nil && (f.Kind == FaultLost || f.Kind == FaultLostSlow)
	s.logCall(c, e, lost, start)
	switch {
	case lost:
		if f.Kind == FaultLostSlow {
			s.pause(f.Delay)
		}
		cut(w, false)
	case e != nil:
		writeJSON(w, e.Code, body)
	default:
		writeJSON(w, 200, body)
	}
}

// invoke checks and runs the call, and renders its answer.
func (s *Server) invoke(r *http.Request, c *call) ([]byte, *apiError) {
	if e := botAPI.check(c.method, c.p, s.opt.Lenient); e != nil {
		return nil, e
	}
	if c.method == "getUpdates" {
		return s.getUpdates(r, c.p)
	}
	h := handlers[c.method]
	if h == nil {
		return nil, &apiError{Code: 501, Description: "Not Implemented: the simulator does not know method " + c.method}
	}
	var result any
	var e *apiError
	s.locked(func() {
		result, e = s.run(h, c)
		if err := s.commit(); err != nil && e == nil {
			e = &apiError{Code: 500, Description: "Internal Server Error: " + err.Error()}
		}
	})
	if e != nil {
		return nil, e
	}
	return resultJSON(result)
}

func (s *Server) run(h handler, c *call) (any, *apiError) {
	if c.p.has("chat_id") {
		e := s.resolveChat(c)
		if e != nil {
			return nil, e
		}
	}
	if e := s.flood.admit(s, c); e != nil {
		return nil, e
	}
	return h(s, c)
}

func resultJSON(result any) ([]byte, *apiError) {
	switch v := result.(type) {
	case raw:
		out := append(make([]byte, 0, len(v)+24), `{"ok":true,"result":`...)
		return append(append(out, v...), '}'), nil
	case bool:
		if v {
			return []byte(`{"ok":true,"result":true}`), nil
		}
		return []byte(`{"ok":true,"result":false}`), nil
	case described:
		b, _ := json.Marshal(map[string]any{"ok": true, "result": true, "description": v.text})
		return b, nil
	}
	b, err := json.Marshal(result)
	if err != nil {
		return nil, &apiError{Code: 500, Description: "Internal Server Error: " + err.Error()}
	}
	return resultJSON(raw(b))
}

func (e *apiError) json() []byte {
	m := map[string]any{"ok": false, "error_code": e.Code, "description": e.Description}
	p := map[string]any{}
	if e.RetryAfter > 0 {
		p["retry_after"] = e.RetryAfter
	}
	if e.MigrateTo != 0 {
		p["migrate_to_chat_id"] = e.MigrateTo
	}
	if len(p) > 0 {
		m["parameters"] = p
	}
	b, _ := json.Marshal(m)
	return b
}

func writeError(w http.ResponseWriter, e *apiError) { writeJSON(w, e.Code, e.json()) }

func writeJSON(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	h["Content-Type"] = jsonType
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

var jsonType = []string{"application/json"}

// findChat resolves a chat_id parameter: a number, or @username.
func (s *Server) findChat(text string) (*chat, *apiError) {
	var c *chat
	if strings.HasPrefix(text, "@") {
		c = s.w.byUsername(text)
	} else {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, badRequest("chat not found")
		}
		c, _ = s.w.chatAny(id)
	}
	if c == nil || c.private() && !c.started && !c.blocked {
		return nil, badRequest("chat not found")
	}
	return c, nil
}

// resolveChat finds the chat of a call and refuses one that the bot can't reach.
func (s *Server) resolveChat(c *call) *apiError {
	ch, e := s.findChat(c.p.str("chat_id"))
	if e != nil {
		return e
	}
	c.chat, c.log.Chat = ch, ch.id
	return reachable(ch)
}

func reachable(ch *chat) *apiError {
	if ch.migratedTo != 0 {
		return &apiError{Code: 400, Description: "Bad Request: group chat was upgraded to a supergroup chat", MigrateTo: ch.migratedTo}
	}
	if ch.private() {
		if ch.blocked {
			return forbidden("bot was blocked by the user")
		}
		return nil
	}
	switch ch.group.Bot.Status {
	case Kicked:
		return forbidden("bot was kicked from the " + ch.kind() + " chat")
	case Left:
		return forbidden("bot is not a member of the " + ch.kind() + " chat")
	}
	return nil
}
