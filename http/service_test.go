package httpedge_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/topicdesk/topicdesk/actors"
	"github.com/topicdesk/topicdesk/bot"
	httpedge "github.com/topicdesk/topicdesk/http"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/storage/files"
	"github.com/topicdesk/topicdesk/storage/sqlite"
)

// service is the whole desk as programs see it: real actors, a database file, the API over HTTP, and a simulator
// instead of Telegram. restart stops it and starts it again.
type service struct {
	t    testing.TB
	path string
	sim  *simulator.Server
	tg   *httptest.Server
	opt  serviceOptions

	store    storage.Store
	folder   string // of files
	files    *files.Store
	system   *actors.System
	intake   *bot.Intake
	client   *bot.Client
	server   *httpedge.Server
	api      *httpedge.API
	registry *prometheus.Registry
	url      string
	http     *http.Client

	support, sales int64 // groups of the simulator, administered by ann; register makes them known
	ann            int64
}

type serviceOptions struct {
	api       httpedge.APIOptions
	wrapStore func(storage.Store) storage.Store
	wrapDesk  func(httpedge.Desk) httpedge.Desk
	server    httpedge.Options
	// recordEvery is how often figures are stored; 0: the usual.
	recordEvery time.Duration
	// countEvery is how often events are counted for reports; 0: they are not.
	countEvery time.Duration
	// now is the time of the service; nil: that of the machine.
	now func() time.Time
}

func newService(t testing.TB, opt serviceOptions) *service {
	t.Helper()
	s := &service{t: t, path: filepath.Join(t.TempDir(), "desk.db"), folder: t.TempDir(), opt: opt}
	var err error
	s.sim, err = simulator.New(simulator.Options{})
	s.must(err)
	s.tg = httptest.NewServer(s.sim)
	t.Cleanup(func() {
		s.stop()
		_ = s.sim.Close()
		s.tg.Close()
	})
	ann, err := s.sim.AddPerson(simulator.Person{FirstName: "Ann", Username: "ann", LanguageCode: "en"})
	s.must(err)
	s.ann = ann.ID
	group := func(title string) int64 {
		g, err := s.sim.AddGroup(simulator.Group{Title: title, Forum: true,
			Bot: simulator.BotRights{Status: simulator.Administrator, CanManageTopics: true, CanPinMessages: true}})
		s.must(err)
		s.must(s.sim.SetMember(g.ID, s.ann, simulator.Creator))
		return g.ID
	}
	s.support, s.sales = group("Support"), group("Sales")
	s.start()
	return s
}

func (s *service) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *service) start() {
	s.t.Helper()
	log := slog.New(slog.DiscardHandler)
	if os.Getenv("DESK_LOG") != "" {
		log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	store, err := sqlite.Open(s.t.Context(), s.path, sqlite.WithoutSync())
	s.must(err)
	s.store = store
	if s.opt.wrapStore != nil {
		s.store = s.opt.wrapStore(store)
	}
	s.registry = prometheus.NewRegistry()
	s.files, err = files.Open(s.t.Context(), files.Options{URL: (&url.URL{Scheme: "file", Path: s.folder}).String(),
		Rules: files.Rules{Limits: map[string]int64{"photo": 10 << 20, "other": 50 << 20},
			Deny: []string{"executables", "scripts", "html"}, MaxPixels: 10_000_000}})
	s.must(err)
	s.client, err = bot.NewClient(bot.Options{Token: s.sim.Token(), BaseURL: s.tg.URL, Logger: log,
		Content: s.files.Open})
	s.must(err)
	var reports *actors.ReportOptions
	if s.opt.countEvery > 0 {
		reports = &actors.ReportOptions{Every: s.opt.countEvery}
	}
	s.system, err = actors.NewSystem(actors.Options{Reports: reports, Store: s.store, Telegram: s.client, Log: log, Metrics: s.registry,
		Measured: s.registry, RecordEvery: s.opt.recordEvery, Owner: "test", Now: s.opt.now, Files: s.files, Downloads: s.client,
		Webhooks: actors.WebhookOptions{SecretsKey: "a key for tests, of 32 characters or more", Version: "test",
			PublicURL: "https://desk.example.org",
			Policy:    actors.WebhookPolicy{AllowNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}}})
	s.must(err)
	s.intake = bot.NewIntake(s.system, bot.IntakeOptions{Bot: bot.BotIdentity{ID: s.sim.BotID(),
		Username: s.sim.BotUsername()},
		IsAskTitle: bot.IsAskTitle, PublicURL: s.opt.api.PublicURL, Log: log, Metrics: s.registry})
	s.must(s.system.StartPolling(s.t.Context(), "bot", polling{s}))
	server := s.opt.server
	if server.Log == nil {
		server.Log = log
	}
	server.Nodes = s.system.Nodes
	s.server = httpedge.New(server)
	o := s.opt.api
	o.Desk, o.Files, o.Log, o.Metrics = s.system, s.system, log, s.registry
	o.MiniApp = s.client.MiniAppOpened
	if s.opt.now != nil {
		o.Now = s.opt.now
	}
	if s.opt.wrapDesk != nil {
		o.Desk = s.opt.wrapDesk(s.system)
	}
	s.api = httpedge.NewAPI(s.server, o)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	s.must(err)
	s.must(s.server.Start(ln))
	s.url = "http://" + ln.Addr().String()
	s.http = &http.Client{Transport: &http.Transport{}, Timeout: patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// polling gives the poller its updates from the simulator.
type polling struct{ *service }

func (p polling) Poll(ctx context.Context, offset int64, saved func(int64), keeper *actors.UpdateKeeper) error {
	fetch := func(ctx context.Context, offset int64, wait time.Duration) ([]json.RawMessage, error) {
		return p.client.Updates(ctx, offset, wait, 100)
	}
	(&bot.Poller{Log: slog.New(slog.DiscardHandler), Keeper: keeper}).Run(ctx, offset, fetch, p.intake, saved)
	return nil
}

func (s *service) stop() {
	s.t.Helper()
	if s.server == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	s.http.CloseIdleConnections()
	if err := s.server.Shutdown(ctx); err != nil {
		s.t.Error("HTTP:", err)
	}
	if err := s.system.Stop(ctx); err != nil {
		s.t.Error("actors:", err)
	}
	s.client.Close()
	if err := s.files.Close(); err != nil {
		s.t.Error("files:", err)
	}
	if err := s.store.Close(); err != nil {
		s.t.Error("store:", err)
	}
	s.server = nil
}

func (s *service) restart() {
	s.t.Helper()
	s.stop()
	s.start()
}

// key stores a new API key and returns it.
func (s *service) key(change func(*storage.APIKey), scopes ...string) string {
	s.t.Helper()
	now := time.Now()
	k := &storage.APIKey{KeyID: messages.NewAPIKeyID(""), Name: "Test", Scopes: scopes, CreatedAt: now,
		UpdatedAt: now, Rate: 100_000}
	key, hash := messages.NewAPIKey(k.KeyID)
	k.Secrets = []storage.KeySecret{{Hash: hash, CommandID: "test", CreatedAt: now}}
	if change != nil {
		change(k)
	}
	s.must(s.store.SaveAPIKey(s.t.Context(), k))
	return key
}

// run is t.Run, in which the service fails the subtest and not the surrounding test.
func (s *service) run(t *testing.T, name string, f func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		outer := s.t
		s.t = t
		defer func() { s.t = outer }()
		f(t)
	})
}

// register makes the groups known, as people do.
func (s *service) register() {
	s.t.Helper()
	for _, g := range []int64{s.support, s.sales} {
		_, err := s.sim.Post(simulator.Post{From: s.ann, Chat: g, Text: "/register"})
		s.must(err)
	}
	s.await("the groups are registered", func() bool {
		for _, g := range []int64{s.support, s.sales} {
			record, err := s.store.GroupByTelegramID(s.t.Context(), g)
			if err != nil || !record.SupportTopicsEnabled {
				return false
			}
		}
		return true
	})
}

// patience is how long a test waits for what takes milliseconds on an idle machine.
const patience = 3 * time.Minute

// await waits for a condition. It asks less and less often: where asking is work for the service, it would only ever
// answer questions on a machine that is busy.
func (s *service) await(what string, cond func() bool) {
	s.t.Helper()
	inVain := time.After(patience)
	for pause := 5 * time.Millisecond; !cond(); pause = min(pause*5/4, 250*time.Millisecond) {
		select {
		case <-time.After(pause):
		case <-inVain:
			s.t.Fatal("waited in vain:", what)
		}
	}
}

// response is an answer of the API.
type response struct {
	t      testing.TB
	status int
	header http.Header
	body   []byte
}

// do makes a request. body is JSON text, a value to encode, or nil. headers alternate names and values.
func (s *service) do(method, path, token string, body any, headers ...string) *response {
	s.t.Helper()
	r, err := s.try(method, path, token, body, headers...)
	s.must(err)
	return r
}

func (s *service) try(method, path, token string, body any, headers ...string) (*response, error) {
	var reader io.Reader
	var sent []byte
	switch b := body.(type) {
	case nil:
	case string:
		sent = []byte(b)
	case *form:
		sent = []byte(b.text)
	default:
		var err error
		if sent, err = json.Marshal(b); err != nil {
			return nil, err
		}
	}
	if body != nil {
		reader = bytes.NewReader(sent)
	}
	req, err := http.NewRequest(method, s.url+path, reader)
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
		if f, ok := body.(*form); ok {
			req.Header.Set("Content-Type", f.media)
		}
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := s.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	var got []byte
	if res.Header.Get("Content-Type") == "text/event-stream" {
		got, err = bufio.NewReader(res.Body).ReadBytes('\n') // it has no end
	} else {
		got, err = io.ReadAll(res.Body)
	}
	if err != nil {
		return nil, err
	}
	if res.StatusCode == http.StatusRequestHeaderFieldsTooLarge {
		return &response{t: s.t, status: res.StatusCode, header: res.Header, body: got}, nil // of any operation
	}
	for _, complaint := range document(s.t).complaints(req, res, got) {
		s.t.Errorf("%s %s answers %d %s: %s", method, path, res.StatusCode, got, complaint)
	}
	return &response{t: s.t, status: res.StatusCode, header: res.Header, body: got}, nil
}

// is checks the status, and the code and form of a problem. It returns the decoded body.
func (r *response) is(status int, code ...string) map[string]any {
	r.t.Helper()
	var body map[string]any
	if len(r.body) > 0 && strings.Contains(r.header.Get("Content-Type"), "json") &&
		json.Unmarshal(r.body, &body) != nil {
		r.t.Fatalf("that is no JSON: %s", r.body)
	}
	if r.status != status {
		r.t.Fatalf("got %d %s, want %d", r.status, r.body, status)
	}
	if status < 400 {
		return body
	}
	if !strings.HasPrefix(r.header.Get("Content-Type"), "application/problem+json") ||
		body["status"] != float64(status) ||
		body["detail"] == nil || body["requestId"] != r.header.Get("X-Request-Id") {
		r.t.Fatalf("that is no problem: %s %s", r.header.Get("Content-Type"), r.body)
	}
	if len(code) > 0 && body["code"] != code[0] {
		r.t.Fatalf("got the code %v (%s), want %s", body["code"], r.body, code[0])
	}
	return body
}
