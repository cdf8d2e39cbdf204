package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/topicdesk/topicdesk/actors"
	"github.com/topicdesk/topicdesk/bot"
	"github.com/topicdesk/topicdesk/config"
	httpedge "github.com/topicdesk/topicdesk/http"
	"github.com/topicdesk/topicdesk/simulator"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/storage/files"
	"github.com/topicdesk/topicdesk/storage/metered"
	"github.com/topicdesk/topicdesk/storage/mongodb"
	"github.com/topicdesk/topicdesk/storage/sqlite"
	"github.com/topicdesk/topicdesk/tracing"
)

// App is the whole service: it wires the parts and runs them. Tests run it, too.
type App struct {
	Config config.Config
	Log    *slog.Logger

	// WrapStore and WrapTelegram let tests stand between the parts. They may be nil.
	WrapStore    func(storage.Store) storage.Store
	WrapTelegram func(actors.Telegram) actors.Telegram
	// Started is called with the addresses once everything runs. It may be nil.
	Started func(httpAddr, simulatorURL string)
	// SweepEvery, IdleAfter and CountEvery are for tests. 0: the usual times.
	SweepEvery, IdleAfter, CountEvery time.Duration
	// Errors gathers what Log logs; nil: this node tells nobody of errors and problems.
	Errors *actors.ErrorCollector
	// clock is that of the built-in simulator, by which the desk then goes; nil: the real one.
	clock *simulator.Clock
	// leave stops the service as a signal does, with a cause.
	leave context.CancelCauseFunc
	// DeliveryTimeout is how long an attempt to deliver an event may take. It is for tests. 0: the usual time.
	DeliveryTimeout time.Duration
}

// stopWithin is how long a stop may take: less than the 10 s after which supervisors kill a process.
const stopWithin = 9 * time.Second

// openLong is how long opening the database takes before somebody is told why, and openSays between two lines then.
const (
	openLong = 5 * time.Second
	openSays = 10 * time.Second
)

// httpStopWithin is how much of that time slow HTTP clients may take, so that enough is left for what stops after
// HTTP.
const httpStopWithin = 5 * time.Second

// Run runs the service until ctx ends, then stops it: intake first, then HTTP, the actors, storage.
func (a *App) Run(ctx context.Context) (err error) {
	start := time.Now()
	ctx, a.leave = context.WithCancelCause(ctx)
	defer a.leave(nil)
	for _, w := range a.Config.Warnings() {
		a.Log.Warn(w)
	}
	closers, caller, made := &closers{}, ctx, &madeDesk{}
	defer func() {
		if caller.Err() != nil && errors.Is(err, context.Canceled) {
			a.Log.Debug("stopped while starting", "error", err)
			err = nil
		}
		if err != nil {
			made.forget()
		}
		err = errors.Join(err, a.stop(closers))
		if err == nil {
			a.Log.Info("stopped")
		}
	}()

	if err := misplaced(a.Config); err != nil {
		return err
	}
	taken := a.portsTaken()
	if taken != nil && !exists(a.Config.DataDir) {
		return taken // before the folder is made
	}
	lock, err := lockDataDir(a.Config)
	if err != nil {
		return err
	}
	closers.add("DATA_DIR", func(context.Context) error { made.remove(a.Log); return lock.Release() })
	if taken != nil {
		return taken
	}
	*made = *notThere(a.Config)
	registry := newRegistry()
	tracer, endTracing, err := a.startTracing(registry)
	if err != nil {
		return err
	}
	closers.add("traces", endTracing)
	records, store, err := a.openStore(ctx, registry)
	if err != nil {
		return err
	}
	closers.add("storage", func(context.Context) error { return store.Close() })
	isNew := migratedBy(records).From == 0
	made.isNew = isNew
	token, apiURL, simulatorURL := a.Config.TelegramBotToken.Reveal(), a.Config.TelegramAPIURL, ""
	if a.Config.UsesSimulator() {
		sim, running, err := a.startSimulator()
		if err != nil {
			return err
		}
		closers.add("simulator", func(context.Context) error { return errors.Join(running.Stop(), sim.Close()) })
		token, apiURL, simulatorURL = sim.Token(), running.URL, running.URL
	}
	attachments, err := a.openAttachments(ctx, records)
	if err != nil {
		return err
	}
	closers.add("files", func(context.Context) error { return attachments.Close() })
	client, err := bot.NewClient(bot.Options{Token: token, BaseURL: apiURL, Logger: a.Log, Content: attachments.Open})
	if err != nil {
		return err
	}
	closers.add("Telegram client", func(context.Context) error { client.Close(); return nil })

	registry.MustRegister(newDeskMetrics(a.Config, store))
	state := &intakeState{}
	system, err := a.startActors(ctx, store, client, attachments, state, registry, tracer)
	if err != nil {
		return err
	}
	closers.add("actors", system.Stop)
	if a.Config.Clustered() && a.Config.TelegramMode == config.ModePolling {
		state.mu.Lock()
		state.elsewhere = func() bool { return system.Joined() && !system.Polls() }
		state.mu.Unlock()
	}
	edge := &edge{config: a.Config, client: client, system: system, state: state, log: a.Log, metrics: registry, tracer: tracer,
		now: a.now(), claim: func(ctx context.Context) error {
			made.keep() // from here on it is this bot's desk
			if err := claimDesk(ctx, store, a.Config, a.Log); err != nil {
				return err
			}
			if err := a.serveFiles(ctx, claimFiles, records, attachments); err != nil {
				return err
			}
			if isNew {
				a.tellMade()
			}
			return nil
		}}
	server, listener, err := a.startHTTP(edge, store, registry, simulatorURL)
	if err != nil {
		return err
	}
	closers.add("HTTP", func(ctx context.Context) error { return a.stopHTTP(ctx, server) })
	metrics, err := a.startMetrics(registry)
	if err != nil {
		return err
	}
	closers.add("metrics", func(ctx context.Context) error { return a.stopHTTP(ctx, metrics) })

	ctx, cancel := context.WithCancel(ctx)
	closers.add("Telegram edge", func(context.Context) error { cancel(); edge.tasks.Wait(); return nil })
	if a.Config.Clustered() { // also while the edge starts: a node joins before all is done
		edge.tasks.Go(func() { edge.keepInReach(ctx, reachEvery, reachWithin, func() { a.leave(errOutOfReach) }) })
	}
	if err := edge.start(ctx); err != nil {
		switch {
		case errors.Is(context.Cause(ctx), errOutOfReach):
			a.drain(server)
			return errOutOfReach
		case ctx.Err() != nil:
			return nil // asked to stop while Telegram did not answer
		}
		return err
	}
	cleaner := newCleaner(a.Config, store, attachments, a.Log)
	cleaner.Own = func(ctx context.Context) error { return claimFiles(ctx, records, attachments, a.Config) }
	edge.tasks.Go(func() { cleaner.Run(ctx, cleanEvery) })
	a.announce(listener.Addr().String(), simulatorURL, time.Since(start))
	select {
	case <-ctx.Done():
		a.drain(server)
		if errors.Is(context.Cause(ctx), errOutOfReach) {
			return errOutOfReach
		}
		if errors.Is(context.Cause(ctx), errDrained) {
			a.Log.Info("stopping, as asked for")
		} else {
			a.Log.Info("stopping")
		}
		return nil
	case err := <-server.Failed():
		return fmt.Errorf("HTTP ended: %w", err)
	case err := <-metrics.Failed():
		return fmt.Errorf("METRICS_ADDR ended: %w", err)
	}
}

// announce says that everything runs.
func (a *App) announce(httpAddr, simulatorURL string, took time.Duration) {
	about := []any{"http", "http://" + httpAddr, "mode", a.Config.TelegramMode, "took", took.Round(time.Millisecond)}
	if simulatorURL != "" {
		about = append(about, "simulator", simulatorURL)
	}
	a.Log.Info("serving", about...)
	if a.Started != nil {
		a.Started(httpAddr, simulatorURL)
	}
}

func (a *App) stop(closers *closers) error {
	within := stopWithin
	if a.Config.Clustered() {
		within -= drainFor // has passed by now
	}
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	return closers.run(ctx)
}

// openAttachments opens the store of attachments, unless it is another desk's, and removes temporary files that a killed
// process left.
func (a *App) openAttachments(ctx context.Context, records wholeStore) (*files.Store, error) {
	if err := filesFolder(ctx, records, a.Config); err != nil {
		return nil, err
	}
	attachments, err := openFiles(ctx, a.Config, a.Log)
	if err != nil {
		return nil, err
	}
	if err := a.serveFiles(ctx, checkFiles, records, attachments); err != nil {
		return nil, errors.Join(err, attachments.Close())
	}
	if a.Config.Database().Kind != config.DatabaseSQLite {
		return attachments, nil // another node may be writing temporary files; SQLite's lock excludes that
	}
	if _, err := attachments.SweepTemporary(time.Now()); err != nil {
		a.Log.Warn("temporary files could not be removed", "error", err)
	}
	return attachments, nil
}

// serveFiles says whether the service may run with the files that it has found: not with those of another desk. Else they are
// looked at again before each cleaning, which says why there is none.
func (a *App) serveFiles(ctx context.Context, own ownFiles, records wholeStore, attachments *files.Store) error {
	ctx, cancel := context.WithTimeout(ctx, filesLong)
	defer cancel()
	err := own(ctx, records, attachments, a.Config)
	strange := (*strangeFilesError)(nil)
	if errors.As(err, &strange) && !strange.serves {
		return err
	}
	return nil
}

// filesLong is how long a start waits for FILES_URL: the desk works without attachments.
const filesLong = 5 * time.Second

func (a *App) startActors(ctx context.Context, store storage.Store, client *bot.Client, attachments *files.Store,
	state *intakeState, registry *prometheus.Registry, tracer *tracing.Tracer) (*actors.System, error) {
	var telegram actors.Telegram = client
	if a.WrapTelegram != nil {
		telegram = a.WrapTelegram(telegram)
	}
	webhooks, err := a.webhooks(ctx, store)
	if err != nil {
		return nil, err
	}
	sweepEvery := a.SweepEvery
	if a.clock != nil && sweepEvery == 0 {
		sweepEvery = sweepMoved
	}
	return actors.NewSystem(actors.Options{
		Now: a.now(), AfterFunc: a.afterFunc(), Elapsed: a.elapsed(),
		Store: store, Telegram: telegram, Log: a.Log, Metrics: registry, Measured: registry, Tracer: tracer,
		Owner: owner(),
		Pace: actors.Pace{GlobalPerSecond: a.Config.TelegramGlobalPerSecond,
			ChatPerSecond: a.Config.TelegramChatPerSecond, GroupPerMinute: a.Config.TelegramGroupPerMinute},
		Files: attachments, Downloads: client, DownloadsTogether: a.Config.FilesDownloads,
		IntakeWorks: state.running, SweepEvery: sweepEvery, IdleAfter: a.IdleAfter,
		KeepEvents: a.Config.KeepEvents(), Webhooks: webhooks, Cluster: a.cluster(ctx), Version: version,
		JoinLater: true,
		Monitor:   a.monitor(),
		Reports:   &actors.ReportOptions{Keep: a.Config.KeepReports(), Every: a.CountEvery},
	})
}

// startHTTP starts the HTTP edge on HTTP_ADDR.
func (a *App) startHTTP(edge *edge, store storage.Store, registry *prometheus.Registry, simulatorURL string) (
	*httpedge.Server, net.Listener, error) {
	webhook := &bot.Webhook{Enabled: a.Config.TelegramMode == config.ModeWebhook,
		Secret: a.Config.TelegramWebhookSecret.Reveal(), Handle: edge.handle, Log: a.Log}
	if a.Config.Clustered() {
		webhook.Within = updateWithin
	}
	var gatherer prometheus.Gatherer = registry
	if a.Config.MetricsAddr != "" {
		gatherer = nil
	}
	server := httpedge.New(httpedge.Options{
		Webhook: webhook.Serve,
		Checks: []httpedge.Check{
			{Name: "storage", Probe: store.Ping},
			{Name: "actors", Probe: edge.system.Check},
			{Name: "intake", Probe: edge.state.check},
			{Name: "disk", Probe: diskCheck(leastFree, diskFolders(a.Config)...)},
		},
		Gatherer: gatherer, Log: a.Log, Nodes: edge.system.Nodes,
		Connections: connectionsOf(openFilesLimit()).api, UploadMemory: uploadsWithin(containerMemory()),
	})
	httpedge.NewAPI(server, httpedge.APIOptions{
		Now: a.now(), Desk: edge.system, Files: edge.system, Log: a.Log, Metrics: registry, Tracer: edge.tracer, CORSOrigins: a.Config.APICORSOrigins,
		AddressRate: a.Config.APIAddressPerSecond, AddressBurst: 2 * a.Config.APIAddressPerSecond,
		SimulatorURL: simulatorURL, PublicURL: a.Config.Address(), MiniApp: edge.client.MiniAppOpened,
	})
	listener, err := listen("HTTP_ADDR", a.Config.HTTPAddr)
	if err != nil {
		return nil, nil, err
	}
	return server, listener, server.Start(listener)
}

// startMetrics serves /metrics on METRICS_ADDR. Without that address it starts nothing.
func (a *App) startMetrics(registry *prometheus.Registry) (*httpedge.Server, error) {
	server := httpedge.New(httpedge.Options{Gatherer: registry, Log: a.Log,
		Connections: connectionsOf(openFilesLimit()).metrics})
	if a.Config.MetricsAddr == "" {
		return server, nil
	}
	listener, err := listen("METRICS_ADDR", a.Config.MetricsAddr)
	if err != nil {
		return nil, err
	}
	a.Log.Info("metrics", "http", "http://"+listener.Addr().String()+"/metrics")
	return server, server.Start(listener)
}

// listen listens at the address that a setting has.
func listen(setting, addr string) (net.Listener, error) {
	listener, err := net.Listen("tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s %s is in use already: another desk or another program listens there; stop it, or choose "+
			"another port", setting, addr)
	}
	if err != nil {
		return nil, fmt.Errorf("can't listen on %s %s: %w", setting, addr, err)
	}
	return listener, nil
}

func (a *App) stopHTTP(ctx context.Context, server *httpedge.Server) error {
	ctx, cancel := context.WithTimeout(ctx, httpStopWithin)
	defer cancel()
	err := server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) { // a slow client does not make the stop fail
		a.Log.Warn("requests that were still in progress were cut off", "error", err)
		return nil
	}
	return err
}

// openStore opens the database, as it is and measured. It refuses one that belongs to another bot: if it can, before the schema of an
// earlier release is brought up to date, from which there may be no way back.
func (a *App) openStore(ctx context.Context, registry prometheus.Registerer) (records wholeStore, store storage.Store, err error) {
	defer a.sayWhileOpening()()
	records, err = openDatabase(ctx, a.Log, a.Config)
	if err != nil {
		return nil, nil, err
	}
	if err := checkBot(ctx, records, a.Config); err != nil {
		return nil, nil, errors.Join(err, records.Close())
	}
	a.tellMigrated(migratedBy(records))
	store = metered.New(records, registry)
	if a.WrapStore != nil {
		store = a.WrapStore(store)
	}
	return records, store, nil
}

// migratedBy is what opening a database has done to its schema.
func migratedBy(records wholeStore) storage.Migrated {
	if s, ok := records.(interface{ Migrated() storage.Migrated }); ok {
		return s.Migrated()
	}
	return storage.Migrated{}
}

// tellMade says that the desk is new, in case it should not be.
func (a *App) tellMade() {
	in := where(a.Config.Database())
	if a.Config.UsesSimulator() {
		a.Log.Info("made a new desk", "database", in)
		return
	}
	a.Log.Warn("made a new desk: there was none. If there should be one, stop the service, and put its database there or set DATABASE_URL",
		"database", in)
}

// tellMigrated says that a database has a newer schema than before, since then there may be no way back. Of a new one tellMade
// speaks, once it is a desk.
func (a *App) tellMigrated(m storage.Migrated) {
	in := where(a.Config.Database())
	switch {
	case m.From == 0:
		return
	case m.From == m.To:
		a.Log.Info("opened the desk", "database", in)
		return
	}
	way := "older programs can still read it"
	if m.Closed {
		way = "older programs can't read it any more; the way back is a backup from before"
	}
	a.Log.Info("the database was brought up to date: "+way, "database", in, "fromSchema", m.From, "toSchema", m.To)
}

// sayWhileOpening tells whoever waits for a long migration that it goes on, until stop is called.
func (a *App) sayWhileOpening() (stop func()) {
	begun, opened := time.Now(), make(chan struct{})
	var saying sync.WaitGroup
	saying.Go(func() {
		for wait := openLong; ; wait = openSays {
			select {
			case <-opened:
				return
			case <-time.After(wait):
				a.Log.Info("the database is being brought up to date; the service starts afterwards", "took", time.Since(begun))
			}
		}
	})
	return func() {
		close(opened)
		saying.Wait()
	}
}

// findLong is how long a server is looked for before somebody is told that it is waited for.
const findLong = 1500 * time.Millisecond

func openDatabase(ctx context.Context, log *slog.Logger, c config.Config) (wholeStore, error) {
	db := c.Database()
	if db.Kind == config.DatabaseMongoDB {
		return mongodb.Open(ctx, db.URI.Reveal(), db.Name, mongodb.WithWaiting(findLong, func(upTo time.Duration) {
			log.Warn("the MongoDB server does not answer yet; it is waited for", "database", where(db), "upTo", upTo)
		}), mongodb.WithCheck(func(ctx context.Context, store *mongodb.Store) error { return checkOlder(ctx, store, c) }))
	}
	return sqlite.Open(ctx, db.Path, sqlite.WithExclusive(),
		sqlite.WithCheck(func(ctx context.Context, store *sqlite.Store) error { return checkOlder(ctx, store, c) }))
}

// closers stop the parts one after the other, the last started first.
type closers struct {
	names []string
	stops []func(context.Context) error
}

func (c *closers) add(name string, stop func(context.Context) error) {
	c.names, c.stops = append(c.names, name), append(c.stops, stop)
}

func (c *closers) run(ctx context.Context) error {
	var errs []error
	for i := len(c.stops) - 1; i >= 0; i-- {
		if err := c.stops[i](ctx); err != nil {
			errs = append(errs, fmt.Errorf("stop %s: %w", c.names[i], err))
		}
	}
	return errors.Join(errs...)
}
