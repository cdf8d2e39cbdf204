package actors_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors"
	"github.com/topicdesk/topicdesk/bot"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/storage/files"
	"github.com/topicdesk/topicdesk/storage/sqlite"
	"github.com/topicdesk/topicdesk/tracing"
)

// desk is the whole desk as people meet it: a simulator with people in it, the bot's client and intake, the actors
// and a database file. Only the wiring of main is missing.
type desk struct {
	t     testing.TB
	opt   options
	clock *clock
	sim   *simulator.Server
	http  *httptest.Server
	path  string

	*process // restart starts the next one
	mu       sync.Mutex
	joined   []*process // further nodes that take updates in
	listings int        // commands of listing so far

	support, engineering, sales int64 // groups
	ann, bob, carl, dora, eve   int64 // people
}

// process is the service from a start to its stop.
type process struct {
	store    storage.Store
	client   *bot.Client
	files    *files.Store // nil: none
	system   *actors.System
	intake   *bot.Intake
	registry *prometheus.Registry
	owner    string // its name
	stopped  bool
}

// options say how the desk of a test differs from an ordinary one.
type options struct {
	pace         actors.Pace
	speed        float64 // how many times faster the clock runs; 0: 10
	idleAfter    time.Duration
	maxResident  int
	sweepEvery   time.Duration
	keepEvents   time.Duration // 0: for ever
	secretsKey   string        // "": that of tests
	flood        bool
	allowed      func(chat int64) bool
	elapsed      func(since time.Time) time.Duration // nil: all of the clock's time passes, none is moved over
	slowed       func(time.Duration) time.Duration   // changes the time that a timer of the service takes
	wrapStore    func(storage.Store) storage.Store
	wrapTelegram func(actors.Telegram) actors.Telegram
	sim          simulator.Options
	files        *files.Options // attachments are kept; nil: they are not
	cluster      func(owner string) *actors.ClusterOptions
	monitor      *actors.MonitorOptions // nil: nothing is told to the monitor
	gathers      bool                   // the monitor is told what the service logs
	reports      *actors.ReportOptions  // nil: nothing is counted
	waitingLists bool                   // registered groups list what waits, as groups do unless somebody switches it off
	twins        *twins                 // the nodes of a cluster, in place of one
	tracer       func(owner string) *tracing.Tracer

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
	d.ann, d.bob, d.carl = person("Ann", "ann"), person("Bob", "bob_eng"), person("Carl", "carl")
	d.dora, d.eve = person("Dora", "dora_s"), person("Eve", "")
	d.support = d.group("Support", map[int64]simulator.Role{
		d.ann: simulator.Creator, d.carl: simulator.Member, d.eve: simulator.Member,
	})
	d.engineering = d.group("Engineering", map[int64]simulator.Role{
		d.bob: simulator.Creator, d.carl: simulator.Member, d.dora: simulator.Member,
	})
	d.sales = d.group("Sales", map[int64]simulator.Role{
		d.carl: simulator.Creator, d.eve: simulator.Member, d.dora: simulator.Member,
	})
	d.start()
	return d
}

// ready is newDesk, then register.
func ready(t testing.TB, opt options) *desk {
	t.Helper()
	d := newDesk(t, opt)
	d.register()
	return d
}

// register registers the three groups and sets the default groups.
func (d *desk) register() {
	d.t.Helper()
	for chat, admin := range map[int64]int64{d.support: d.ann, d.engineering: d.bob, d.sales: d.carl} {
		d.say(admin, chat, 0, "/register")
		d.awaitText(chat, 0, "is registered")
	}
	if !d.opt.waitingLists { // by the clock of a test, its list may come at any time, between any two messages
		for _, chat := range []int64{d.support, d.engineering, d.sales} {
			d.listing(chat, false)
		}
	}
	d.say(d.bob, d.engineering, 0, "/default_group")
	d.awaitText(d.engineering, 0, "will now open in Engineering")
	d.say(d.dora, d.sales, 0, "/default_group")
	d.awaitText(d.sales, 0, "will now open in Sales")
}

// listing switches a group's list of what waits on or off, as a program does.
func (d *desk) listing(chat int64, on bool) {
	d.t.Helper()
	d.listings++
	m := &messages.ChangeGroup{WaitingList: &on, Origin: &messages.Origin{CommandId: fmt.Sprintf("list:%d", d.listings),
		Sender: &messages.Sender{Kind: messages.Sender_API_KEY, KeyId: "a-program"}}}
	d.eventually("the list of what waits is switched", func() bool {
		r, err := d.system.Ask(d.t.Context(), messages.KindGroup, messages.GroupPlace(chat), proto.Clone(m))
		changed, is := r.(*messages.GroupRecord)
		return err == nil && is && changed.Code == messages.Code_OK && changed.WaitingList == on
	})
}

// group makes a forum group in which the bot has every right.
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

// inject has the simulator fail the calls that the fault describes.
func (d *desk) inject(f simulator.Fault) {
	d.t.Helper()
	d.must(d.sim.Inject(f))
}

// run is t.Run; inside it the desk fails the subtest, not the test around it.
func (d *desk) run(t *testing.T, name string, f func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		outer := d.t
		d.t = t
		defer func() { d.t = outer }()
		f(t)
	})
}

// start starts the service.
func (d *desk) start() {
	d.t.Helper()
	d.process = d.another("first")
	if d.opt.twins != nil {
		d.opt.twins.takeIn(d)
		return
	}
	d.must(d.system.StartPolling(d.t.Context(), "bot", polling{d.process}))
}

// another starts the service without the part that receives updates.
func (d *desk) another(owner string) *process {
	d.t.Helper()
	p := &process{registry: prometheus.NewRegistry(), owner: owner}
	log := slog.New(slog.DiscardHandler)
	if os.Getenv("DESK_LOG") != "" {
		log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	if d.opt.gathers {
		log = slog.New(d.opt.monitor.Errors.Handler(log.Handler()))
	}
	store, err := sqlite.Open(d.t.Context(), d.path, sqlite.WithoutSync())
	d.must(err)
	p.store = store
	if d.opt.wrapStore != nil {
		p.store = d.opt.wrapStore(store)
	}
	var content bot.OpenContent
	if d.opt.files != nil {
		p.files, err = files.Open(d.t.Context(), *d.opt.files)
		d.must(err)
		content = p.files.Open
	}
	p.client, err = bot.NewClient(bot.Options{Token: d.sim.Token(), BaseURL: d.http.URL, Logger: log, Content: content})
	d.must(err)
	var telegram actors.Telegram = p.client
	if d.opt.wrapTelegram != nil {
		telegram = d.opt.wrapTelegram(telegram)
	}
	var kept storage.Files
	if p.files != nil {
		kept = p.files
	}
	if d.opt.wrapFiles != nil {
		kept = d.opt.wrapFiles(kept)
	}
	var downloads actors.Downloads = p.client
	if d.opt.wrapDownloads != nil {
		downloads = d.opt.wrapDownloads(downloads)
	}
	var node *actors.ClusterOptions
	if d.opt.cluster != nil {
		node = d.opt.cluster(owner)
	}
	o := actors.Options{
		Cluster: node,
		Files:   kept, Downloads: downloads,
		Store: p.store, Telegram: telegram, Pace: d.opt.pace, Owner: owner, Log: log, Metrics: p.registry, Now: d.clock.Now,
		Elapsed: d.opt.elapsed,
		AfterFunc: func(after time.Duration, f func()) *time.Timer {
			if d.opt.slowed != nil {
				after = d.opt.slowed(after)
			}
			return d.clock.AfterFunc(after, f)
		}, IdleAfter: d.opt.idleAfter, MaxResident: d.opt.maxResident, SweepEvery: d.opt.sweepEvery,
		Webhooks: testWebhooks(d.opt.secretsKey), KeepEvents: d.opt.keepEvents,
		Monitor: d.opt.monitor, Reports: d.opt.reports,
	}
	if d.opt.tracer != nil {
		o.Tracer = d.opt.tracer(owner)
	}
	if d.opt.twins != nil {
		o = o.On(d.opt.twins.next(owner))
	}
	p.system, err = actors.NewSystem(o)
	d.must(err)
	p.intake = bot.NewIntake(p.system, bot.IntakeOptions{
		Bot:        bot.BotIdentity{ID: d.sim.BotID(), Username: d.sim.BotUsername()},
		IsAskTitle: bot.IsAskTitle, Allowed: d.opt.allowed, Log: log, Now: d.clock.Now,
		Tracer: o.Tracer, Metrics: p.registry,
	})
	return p
}

// testWebhooks lets endpoints be on this machine.
func testWebhooks(secretsKey string) actors.WebhookOptions {
	return actors.WebhookOptions{SecretsKey: cmp.Or(secretsKey, "a key for tests, of 32 characters or more"), Version: "test",
		PublicURL: "https://desk.example.org",
		Policy:    actors.WebhookPolicy{AllowNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}}
}

// polling is the intake of the poller, which polls the simulator.
type polling struct{ *process }

func (p polling) Poll(ctx context.Context, offset int64, saved func(int64), keeper *actors.UpdateKeeper) error {
	fetch := func(ctx context.Context, offset int64, wait time.Duration) ([]json.RawMessage, error) {
		return p.client.Updates(ctx, offset, wait, 100)
	}
	(&bot.Poller{Log: slog.New(slog.DiscardHandler), Keeper: keeper}).Run(ctx, offset, fetch, p.intake, saved)
	return nil
}

func (d *desk) stop() {
	d.t.Helper()
	d.process.stop(d.t)
}

// stop stops the service as SIGTERM does.
func (p *process) stop(t testing.TB) {
	t.Helper()
	if p == nil || p.stopped {
		return
	}
	p.stopped = true
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := p.system.Stop(ctx); err != nil {
		t.Errorf("stop: %v", err)
	}
	p.client.Close()
	if p.files != nil {
		if err := p.files.Close(); err != nil {
			t.Errorf("close the files: %v", err)
		}
	}
	if err := p.store.Close(); err != nil {
		t.Errorf("close the store: %v", err)
	}
}

func (d *desk) restart() {
	d.t.Helper()
	d.stop()
	d.start()
}
