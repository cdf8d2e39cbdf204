package simulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// controlBody is what /sim/ requests say; each uses the fields it needs.
type controlBody struct {
	Post
	BotRights
	Person  int64  `json:"person"`
	Role    Role   `json:"role"`
	Message int    `json:"message"`
	Data    string `json:"data"`
	Name    string `json:"name"`
	Emoji   string `json:"emoji"`
	Blocked bool   `json:"blocked"`
	On      bool   `json:"on"`
	Minutes int64  `json:"minutes"`
}

// serveControl serves /sim/. See the package comment for its operations.
func (s *Server) serveControl(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/sim/")
	switch r.Method {
	case http.MethodGet:
		s.controlGet(w, r, path)
	case http.MethodPost:
		// Asking for JSON keeps forms on foreign pages from posting here.
		if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
			controlError(w, http.StatusUnsupportedMediaType, errors.New("send application/json"))
			return
		}
		raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody*2))
		if err != nil {
			controlError(w, http.StatusRequestEntityTooLarge, errors.New("the body is too large"))
			return
		}
		out, err := s.controlPost(path, raw)
		s.controlAnswer(w, out, err)
	case http.MethodDelete:
		if path != "faults" {
			controlError(w, http.StatusNotFound, errNoSuch)
			return
		}
		s.ClearFaults()
		s.controlAnswer(w, nil, nil)
	default:
		controlError(w, http.StatusMethodNotAllowed, errors.New("use GET, POST or DELETE"))
	}
}

var errNoSuch = errors.New("there is no such operation")

func (s *Server) controlAnswer(w http.ResponseWriter, out any, err error) {
	if errors.Is(err, errNoSuch) {
		controlError(w, http.StatusNotFound, err)
		return
	}
	if err != nil {
		controlError(w, http.StatusBadRequest, err)
		return
	}
	if out == nil {
		out = map[string]bool{"ok": true}
	}
	writeJSON(w, http.StatusOK, jsonOf(out))
}

func controlError(w http.ResponseWriter, status int, err error) {
	text := err.Error()
	if e := (*apiError)(nil); errors.As(err, &e) {
		text = strings.TrimPrefix(e.Description, "Bad Request: ")
	}
	writeJSON(w, status, jsonOf(map[string]string{"error": text}))
}

func (s *Server) controlGet(w http.ResponseWriter, r *http.Request, path string) {
	q := r.URL.Query()
	switch path {
	case "state":
		writeJSON(w, http.StatusOK, s.stateJSON())
	case "messages":
		chat, err1 := number(q.Get("chat"), 0)
		thread, err2 := number(q.Get("thread"), AllThreads)
		after, err3 := number(q.Get("after"), 0)
		if err := errors.Join(err1, err2, err3); err != nil {
			controlError(w, http.StatusBadRequest, errors.New("chat, thread and after are numbers"))
			return
		}
		s.mu.Lock()
		_, known := s.w.chatAny(chat)
		msgs := s.messagesAfter(chat, int(thread), int(after))
		s.mu.Unlock()
		if !known {
			controlError(w, http.StatusNotFound, fmt.Errorf("there is no chat %d", chat))
			return
		}
		if msgs == nil {
			msgs = []Message{}
		}
		s.controlAnswer(w, map[string]any{"messages": msgs}, nil)
	case "events":
		s.serveEvents(w, r)
	case "initdata":
		person, err := number(q.Get("person"), 0)
		var signed string
		if err == nil {
			signed, err = s.InitData(person, s.opt.Now())
		}
		s.controlAnswer(w, map[string]string{"initData": signed}, err)
	case "faults":
		s.controlAnswer(w, map[string]any{"faults": s.Faults()}, nil)
	case "calls":
		s.controlAnswer(w, map[string]any{"calls": s.Calls(), "violations": s.Violations()}, nil)
	case "file":
		s.mu.Lock()
		f := s.findFile(q.Get("id"))
		s.mu.Unlock()
		if f == nil {
			controlError(w, http.StatusNotFound, errors.New("there is no such file"))
			return
		}
		// Only pictures, films and sound are shown in place: anything else could be a page that acts in our name.
		kind := "application/octet-stream"
		if shown(f.Mime) {
			kind = f.Mime
		} else {
			w.Header().Set("Content-Disposition", "attachment")
		}
		s.sendFile(w, f, kind)
	default:
		controlError(w, http.StatusNotFound, errNoSuch)
	}
}

// shown says whether the page shows a file of that type in place.
func shown(mime string) bool {
	kind, _, _ := strings.Cut(mime, "/")
	return (kind == "image" || kind == "video" || kind == "audio") && mime != "image/svg+xml"
}

func number(text string, none int64) (int64, error) {
	if text == "" {
		return none, nil
	}
	return strconv.ParseInt(text, 10, 64)
}

func decode[T any](raw []byte) (T, error) {
	var v T
	if err := json.Unmarshal(raw, &v); err != nil {
		return v, fmt.Errorf("can't read the JSON: %w", err)
	}
	return v, nil
}

func (s *Server) controlPost(path string, raw []byte) (any, error) {
	switch path {
	case "people":
		p, err := decode[Person](raw)
		if err != nil {
			return nil, err
		}
		return s.AddPerson(p)
	case "groups":
		g, err := decode[Group](raw)
		if err != nil {
			return nil, err
		}
		return s.AddGroup(g)
	case "update":
		return nil, s.RawUpdate(raw)
	case "faults":
		f, err := decode[faultBody](raw)
		if err != nil {
			return nil, err
		}
		if f.DelayMS != 0 {
			f.Delay = time.Duration(min(max(f.DelayMS, 0), 600000)) * time.Millisecond
		}
		return nil, s.Inject(f.Fault)
	}
	b, err := decode[controlBody](raw)
	if err != nil {
		return nil, err
	}
	switch path {
	case "members":
		return nil, s.SetMember(b.Chat, b.Person, b.Role)
	case "bot":
		return nil, s.SetBot(b.Chat, b.Status, b.BotRights)
	case "post":
		return s.Post(b.Post)
	case "edit":
		if b.Markdown != "" || len(b.Rich) > 0 {
			return s.EditRich(b.From, b.Chat, b.Message, b.Markdown, b.Rich)
		}
		return s.Edit(b.From, b.Chat, b.Message, b.Text, b.Entities...)
	case "look":
		look := Look{Spoiler: b.Spoiler, Above: b.Above}
		if b.LinkPreview != nil {
			look.LinkPreview = *b.LinkPreview
		}
		return nil, s.EditLook(b.From, b.Chat, b.Message, look)
	case "delete":
		return nil, s.Delete(b.From, b.Chat, b.Message)
	case "pin":
		return nil, s.Pin(b.From, b.Chat, b.Message)
	case "react":
		return nil, s.React(b.From, b.Chat, b.Message, b.Emoji)
	case "press":
		id, err := s.Press(b.From, b.Chat, b.Message, b.Data)
		return map[string]string{"query": id}, err
	case "topics":
		thread, err := s.CreateTopic(b.Chat, b.From, b.Name)
		return map[string]int{"threadId": thread}, err
	case "topics/switch":
		if b.Chat < 0 {
			return nil, s.SetForum(b.Chat, b.On)
		}
		return nil, s.SetTopics(b.Chat, b.On)
	case "topics/edit":
		return nil, s.RenameTopic(b.Chat, b.From, b.Thread, b.Name)
	case "topics/icon":
		return nil, s.SetIcon(b.Chat, b.From, b.Thread, b.Emoji)
	case "topics/close":
		return nil, s.CloseTopic(b.Chat, b.From, b.Thread)
	case "topics/reopen":
		return nil, s.ReopenTopic(b.Chat, b.From, b.Thread)
	case "topics/delete":
		return nil, s.DeleteTopic(b.Chat, b.From, b.Thread)
	case "block":
		return nil, s.Block(b.Person, b.Blocked)
	case "migrate":
		id, err := s.Migrate(b.Chat)
		return map[string]int64{"chat": id}, err
	case "flood":
		s.SetFlood(b.On)
		return nil, nil
	case "clock":
		return nil, s.MoveClock(time.Duration(min(max(b.Minutes, 0), int64(longestForward/time.Minute)+1)) * time.Minute)
	case "seed":
		return nil, s.Seed()
	}
	return nil, errNoSuch
}

// faultBody lets HTTP callers give the delay in milliseconds.
type faultBody struct {
	Fault
	DelayMS int64 `json:"delayMs"`
}
