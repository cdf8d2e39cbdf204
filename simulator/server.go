package simulator

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"html"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/netutil"
)

//go:embed page
var pageFiles embed.FS

// DefaultToken is the token of a simulator that was given none.
const DefaultToken = "123456789:TEST-simulator-token-of-no-value-at-all"

// Options say how a simulator behaves; the zero value is a good one for tests.
type Options struct {
	Token        string           // "<bot id>:<secret>"; default DefaultToken
	BotUsername  string           // default "topicdesk_bot"
	BotName      string           // default "Topicdesk"
	Now          func() time.Time // default time.Now; long polls and delays run on the real clock
	Clock        *Clock           // in place of Now: one that people can move forward; nil: they can't
	StateFile    string           // a journal that survives kill -9; files lie beside it; "": memory only
	Lenient      bool             // ignore unknown parameters, as Telegram does, instead of refusing them
	PrivacyMode  bool             // the bot sees only what Telegram shows a bot with privacy mode on
	Flood        bool             // flood control; SetFlood changes it
	KeepCalls    int              // how many calls Calls remembers; default 10000
	KeepMessages int              // how many messages each chat remembers, at least; 0: all
	KeepUpdates  int              // how many updates wait at most, the oldest are dropped; 0: all
	MaxFile      int64            // the largest file getFile serves, in bytes; default 20 MB
	Site         string           // where people find the bot's own pages; the simulator's page links there; "": nowhere
	Connections  int              // how many connections are open together, after Start; 0: any number
	Log          *slog.Logger     // what the server says of connections; nil: the standard logger
	AnyHost      bool             // serve /sim/ and the page under any Host header, not only loopback
}

// Server is the simulator: an http.Handler for bots, and methods for those who play the people.
// All methods may be called from any goroutine.
type Server struct {
	opt   Options
	botID int64

	mu      sync.Mutex
	w       *world
	queue   updateQueue
	flood   flood
	faults  []*faultState
	calls   callLog
	queries map[string]query
	pruneAt int
	answers []Answer
	batch   []record
	journal *journal
	dirty   bool
	waiting chan struct{}
	hooks   []func(Message)
	edits   []func(Message) // hooks for edits
	posted  []Message
	hub     eventHub

	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

var tokenShape = regexp.MustCompile(`^[0-9]{1,18}:[A-Za-z0-9_-]{3,}$`)

// New makes a simulator, with the state that its StateFile has, if any.
func New(opt Options) (*Server, error) {
	if opt.Token == "" {
		opt.Token = DefaultToken
	}
	if !tokenShape.MatchString(opt.Token) {
		return nil, errors.New("simulator: a token looks like 123456:letters")
	}
	if opt.BotUsername == "" {
		opt.BotUsername = "topicdesk_bot"
	}
	if opt.BotName == "" {
		opt.BotName = "Topicdesk"
	}
	if opt.Clock != nil {
		opt.Now = opt.Clock.Now
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.KeepCalls <= 0 {
		opt.KeepCalls = 10000
	}
	if opt.MaxFile <= 0 {
		opt.MaxFile = 20 << 20
	}
	id, _ := strconv.ParseInt(opt.Token[:strings.IndexByte(opt.Token, ':')], 10, 64)
	s := &Server{opt: opt, botID: id, w: newWorld(), queries: map[string]query{}}
	s.w.botName = opt.BotName
	s.queue.init()
	s.flood = flood{on: opt.Flood, limits: DefaultFloodLimits()}
	s.calls.init(opt.KeepCalls)
	s.ctx, s.cancel = context.WithCancel(context.Background())
	if opt.StateFile != "" {
		if err := s.load(opt.StateFile); err != nil {
			s.cancel()
			return nil, fmt.Errorf("simulator: %w", err)
		}
	}
	s.mu.Lock()
	s.webhookWake()
	s.mu.Unlock()
	return s, nil
}

// Close ends long polls, webhook deliveries and event streams, and closes the journal. It may be called twice.
func (s *Server) Close() error {
	s.cancel()
	s.mu.Lock()
	s.hub.close()
	s.mu.Unlock()
	s.wg.Wait()
	s.queue.hook.client.CloseIdleConnections()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.journal.close()
}

// Token is the bot's token.
func (s *Server) Token() string { return s.opt.Token }

// BotID is the bot's user id.
func (s *Server) BotID() int64 { return s.botID }

// BotUsername is the bot's name without the @.
func (s *Server) BotUsername() string { return s.opt.BotUsername }

// Running is a simulator that listens on an address of its own.
type Running struct {
	URL  string // http://127.0.0.1:port
	srv  *http.Server
	done chan error
}

// Start serves the simulator on addr ("127.0.0.1:0" chooses a port) until Stop.
func (s *Server) Start(addr string) (*Running, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("simulator: %w", err)
	}
	if s.opt.Connections > 0 {
		l = netutil.LimitListener(l, s.opt.Connections)
	}
	r := &Running{URL: "http://" + l.Addr().String(), done: make(chan error, 1),
		srv: &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}}
	if s.opt.Log != nil {
		r.srv.ErrorLog = slog.NewLogLogger(s.opt.Log.Handler(), slog.LevelWarn)
	}
	go func() { r.done <- r.srv.Serve(l) }()
	return r, nil
}

// Stop stops listening and cuts what is under way; the Server itself is closed by its own Close.
func (r *Running) Stop() error {
	err := r.srv.Close()
	if e := <-r.done; e != nil && !errors.Is(e, http.ErrServerClosed) {
		err = errors.Join(err, e)
	}
	r.done <- http.ErrServerClosed // a second Stop finds it
	return err
}

// ServeHTTP serves the Bot API, the control API and the page.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	switch {
	case strings.HasPrefix(path, "/bot"):
		s.serveBot(w, r, path[len("/bot"):])
	case strings.HasPrefix(path, "/file/bot"):
		s.serveFile(w, r, path[len("/file/bot"):])
	case !s.opt.AnyHost && !loopbackHost(r.Host):
		// A page anywhere could point its own name at 127.0.0.1 and so reach us from the user's browser.
		http.Error(w, "this Host is not loopback", http.StatusForbidden)
	case strings.HasPrefix(path, "/sim/"):
		s.serveControl(w, r)
	case path == "/" || path == "/index.html":
		s.servePage(w, r)
	default:
		http.NotFound(w, r)
	}
}

func (s *Server) servePage(w http.ResponseWriter, r *http.Request) {
	page, err := pageFiles.ReadFile("page/index.html")
	if err != nil {
		http.NotFound(w, r)
		return
	}
	link := ""
	if s.opt.Site != "" {
		link = `<a class="btn" data-testid="site" href="` + html.EscapeString(s.opt.Site) + `">Web desk</a>`
	}
	page = bytes.Replace(page, []byte("<!--site-->"), []byte(link), 1)
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cache-Control", "no-cache")
	_, _ = w.Write(page)
}

func loopbackHost(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	if strings.EqualFold(host, "localhost") || strings.HasSuffix(strings.ToLower(host), ".localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// do runs one change of the world: with the lock, and with the journal written before anybody hears of it.
func (s *Server) do(f func() error) error {
	var err error
	s.locked(func() {
		err = f()
		if e := s.commit(); err == nil {
			err = e
		}
	})
	return err
}

// locked runs f with the lock, lets it go even if f panics, and then runs the hooks for what the bot posted.
func (s *Server) locked(f func()) {
	posted, hooks, edits := s.underLock(f)
	for _, m := range posted {
		of := hooks
		if m.Edited {
			of = edits
		}
		for _, h := range of {
			h(m)
		}
	}
}

func (s *Server) underLock(f func()) (posted []Message, hooks, edits []func(Message)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	posted, s.posted = s.posted, nil
	return posted, s.hooks, s.edits
}

// commit journals what was recorded since the last commit and wakes those who wait for a change.
func (s *Server) commit() error {
	err := s.journal.write(s.batch)
	s.batch = s.batch[:0]
	if s.dirty {
		s.dirty = false
		s.wake()
	}
	return err
}

func (s *Server) wake() {
	if s.waiting != nil {
		close(s.waiting)
		s.waiting = nil
	}
}

// OnBotMessage has f called after each message of the bot (service messages and edits not among them).
// f runs on the goroutine of the call, before its answer is written, and may use the Server.
func (s *Server) OnBotMessage(f func(Message)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hooks = append(s.hooks[:len(s.hooks):len(s.hooks)], f)
}

// OnBotEdit is OnBotMessage for the bot's edits of its messages.
func (s *Server) OnBotEdit(f func(Message)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.edits = append(s.edits[:len(s.edits):len(s.edits)], f)
}

// Await returns when cond holds; it asks again after every change of the world. cond may use the Server.
func (s *Server) Await(ctx context.Context, cond func() bool) error {
	for {
		changed := s.changed()
		if cond() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		case <-s.ctx.Done():
			return errors.New("simulator: closed")
		}
	}
}
