package actors_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/topicdesk/topicdesk/actors"
	"github.com/topicdesk/topicdesk/bot"
	"github.com/topicdesk/topicdesk/simulator"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/storage/files"
	"github.com/topicdesk/topicdesk/storage/sqlite"
)

// desk is the whole desk as people meet it: a simulator with the people in it, the bot's client and intake, the actors and a
// database file. Only main's wiring is missing.
type desk struct {
	t     testing.TB
	opt   options
	clock *clock
	sim   *simulator.Server
	http  *httptest.Server
	path  string

	*life // the service; restart begins a new one

	support, engineering, sales int64 // groups
	ann, bob, carl, dora, eve   int64 // people
}

// life is one run of the service.
type life struct {
	store    storage.Store
	client   *bot.Client
	files    *files.Store // nil: none
	system   *actors.System
	intake   *bot.Intake
	registry *prometheus.Registry
	stopped  bool
}

// options say how the desk of a test differs from a usual one.
type options struct {
	pace         actors.Pace
	speed        float64 // the clock runs so many times faster; 0: 10
	idleAfter    time.Duration
	maxResident  int
	sweepEvery   time.Duration
	flood        bool
	allowed      func(chat int64) bool
	slowed       func(time.Duration) time.Duration // how long a timer of the service takes instead
	wrapStore    func(storage.Store) storage.Store
	wrapTelegram func(actors.Telegram) actors.Telegram
	sim          simulator.Options
	files        *files.Options // attachments are kept; nil: they are not

	wrapFiles     func(storage.Files) storage.Files
	wrapDownloads func(actors.Downloads) actors.Downloads
}

// newDesk starts a desk with three forum groups and five people:
//
//	Support      Ann (creator), Carl, Eve
//	Engineering  Bob (creator), Carl, Dora
//	Sales        Carl (creator), Eve, Dora
//
// Bob's default group is Engineering, Dora's is Sales.
func newDesk(t testing.TB, opt options) *desk {
	t.Helper()
	if opt.speed == 0 {
		opt.speed = 10
	}
	d := &desk{t: t, opt: opt, clock: newClock(t, opt.speed), path: filepath.Join(t.TempDir(), "desk.db")}
	opt.sim.Now, opt.sim.Flood = d.clock.Now, opt.flood
	var err error
	d.sim, err = simulator.New(opt.sim)
	d.must(err)
	d.http = httptest.NewServer(d.sim)
	t.Cleanup(func() {
		d.stop()
		_ = d.sim.Close()
		d.http.Close()
	})
	person := func(name, username string) int64 {
		p, err := d.sim.AddPerson(simulator.Person{FirstName: name, Username: username, LanguageCode: "en"})
		d.must(err)
		return p.ID
	}
	d.ann, d.bob, d.carl, d.dora, d.eve = person("Ann", "ann"), person("Bob", "bob_eng"), person("Carl", "carl"), person("Dora", "dora_s"), person("Eve", "")
	d.support = d.group("Support", map[int64]simulator.Role{d.ann: simulator.Creator, d.carl: simulator.Member, d.eve: simulator.Member})
	d.engineering = d.group("Engineering", map[int64]simulator.Role{d.bob: simulator.Creator, d.carl: simulator.Member, d.dora: simulator.Member})
	d.sales = d.group("Sales", map[int64]simulator.Role{d.carl: simulator.Creator, d.eve: simulator.Member, d.dora: simulator.Member})
	d.start()
	return d
}

// ready is newDesk with the three groups registered and the default groups set.
func ready(t testing.TB, opt options) *desk {
	t.Helper()
	d := newDesk(t, opt)
	d.register()
	return d
}

// register has the three groups registered and the default groups set.
func (d *desk) register() {
	d.t.Helper()
	for chat, admin := range map[int64]int64{d.support: d.ann, d.engineering: d.bob, d.sales: d.carl} {
		d.say(admin, chat, 0, "/register")
		d.awaitText(chat, 0, "is registered")
	}
	d.say(d.bob, d.engineering, 0, "/default_group")
	d.awaitText(d.engineering, 0, "will now open in Engineering")
	d.say(d.dora, d.sales, 0, "/default_group")
	d.awaitText(d.sales, 0, "will now open in Sales")
}

// group makes a forum group in which the bot may do everything.
func (d *desk) group(title string, members map[int64]simulator.Role) int64 {
	d.t.Helper()
	g, err := d.sim.AddGroup(simulator.Group{Title: title, Forum: true,
		Bot: simulator.BotRights{Status: simulator.Administrator, CanManageTopics: true, CanPinMessages: true}})
	d.must(err)
	for person, role := range members {
		d.must(d.sim.SetMember(g.ID, person, role))
	}
	return g.ID
}

func (d *desk) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

// run is t.Run with the desk failing the subtest, not the test around it.
func (d *desk) run(t *testing.T, name string, f func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		outer := d.t
		d.t = t
		defer func() { d.t = outer }()
		f(t)
	})
}

// start begins a life of the service.
func (d *desk) start() {
	d.t.Helper()
	d.life = d.another("first")
	d.must(d.system.StartPolling(d.t.Context(), "bot", polling{d.life}))
}

// another is a life that takes no updates in by itself.
func (d *desk) another(owner string) *life {
	d.t.Helper()
	l := &life{registry: prometheus.NewRegistry()}
	log := slog.New(slog.DiscardHandler)
	if os.Getenv("DESK_LOG") != "" {
		log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	store, err := sqlite.Open(d.t.Context(), d.path, sqlite.WithoutSync())
	d.must(err)
	l.store = store
	if d.opt.wrapStore != nil {
		l.store = d.opt.wrapStore(store)
	}
	var content bot.OpenContent
	if d.opt.files != nil {
		l.files, err = files.Open(d.t.Context(), *d.opt.files)
		d.must(err)
		content = l.files.Open
	}
	l.client, err = bot.NewClient(bot.Options{Token: d.sim.Token(), BaseURL: d.http.URL, Logger: log, Content: content})
	d.must(err)
	var telegram actors.Telegram = l.client
	if d.opt.wrapTelegram != nil {
		telegram = d.opt.wrapTelegram(telegram)
	}
	var kept storage.Files
	if l.files != nil {
		kept = l.files
	}
	if d.opt.wrapFiles != nil {
		kept = d.opt.wrapFiles(kept)
	}
	var downloads actors.Downloads = l.client
	if d.opt.wrapDownloads != nil {
		downloads = d.opt.wrapDownloads(downloads)
	}
	l.system, err = actors.NewSystem(actors.Options{
		Files: kept, Downloads: downloads,
		Store: l.store, Telegram: telegram, Pace: d.opt.pace, Owner: owner, Log: log, Metrics: l.registry, Now: d.clock.Now,
		AfterFunc: func(after time.Duration, f func()) *time.Timer {
			if d.opt.slowed != nil {
				after = d.opt.slowed(after)
			}
			return d.clock.AfterFunc(after, f)
		}, IdleAfter: d.opt.idleAfter, MaxResident: d.opt.maxResident, SweepEvery: d.opt.sweepEvery,
	})
	d.must(err)
	l.intake = bot.NewIntake(l.system, bot.IntakeOptions{Bot: bot.BotIdentity{ID: d.sim.BotID(), Username: d.sim.BotUsername()},
		IsAskTitle: bot.IsAskTitle, Allowed: d.opt.allowed, Log: log, Now: d.clock.Now})
	return l
}

// polling is the poller's way to the simulator.
type polling struct{ *life }

func (p polling) Poll(ctx context.Context, offset int64, saved func(int64)) error {
	fetch := func(ctx context.Context, offset int64, wait time.Duration) ([]json.RawMessage, error) {
		return p.client.Updates(ctx, offset, wait, 100)
	}
	(&bot.Poller{Log: slog.New(slog.DiscardHandler)}).Run(ctx, offset, fetch, p.intake.HandleBatch, saved)
	return nil
}

func (d *desk) stop() {
	d.t.Helper()
	d.life.stop(d.t)
}

// stop ends a life as SIGTERM does.
func (l *life) stop(t testing.TB) {
	t.Helper()
	if l == nil || l.stopped {
		return
	}
	l.stopped = true
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := l.system.Stop(ctx); err != nil {
		t.Errorf("stop: %v", err)
	}
	l.client.Close()
	if l.files != nil {
		if err := l.files.Close(); err != nil {
			t.Errorf("close the files: %v", err)
		}
	}
	if err := l.store.Close(); err != nil {
		t.Errorf("close the store: %v", err)
	}
}

func (d *desk) restart() {
	d.t.Helper()
	d.stop()
	d.start()
}
