package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/topicdesk/topicdesk/config"
	"github.com/topicdesk/topicdesk/storage"
)

// childEnv turns the test binary into the service, so that tests can kill a real process without a second build.
// childMain is the unchanged program; childDesk is the App with what a crash test puts between its parts.
const (
	childEnv  = "TOPICDESK_TEST_CHILD"
	childMain = "main"
	childDesk = "desk"
)

func TestMain(m *testing.M) {
	switch os.Getenv(childEnv) {
	case childMain:
		main()
	case childDesk:
		if err := runChild(); err != nil {
			fmt.Fprintln(os.Stderr, config.Redact(err.Error()))
			os.Exit(1)
		}
	default:
		// More tests run concurrently than there are processors, because most of the time they wait for processes and
		// timers. -parallel takes precedence, since flags are read later.
		_ = flag.Set("test.parallel", strconv.Itoa(4*runtime.GOMAXPROCS(0)))
		goleak.VerifyTestMain(m,
			// fasthttp's clock starts once and never stops. Its cleaner of idle workers notices only after 10 s that
			// its server has stopped.
			goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
			// It ends by itself a second after the last dead letter.
			goleak.IgnoreAnyFunction("github.com/asynkron/protoactor-go/actor.NewDeadLetter.NewThrottle.func4.1"),
			goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
			// What Proto.Actor leaves behind when a node of a cluster has stopped. A connection to such a node lasts 2 s longer
			// than the wish for it.
			goleak.IgnoreAnyFunction("github.com/asynkron/protoactor-go/cluster.NewGossipActor.NewThrottleWithLogger.func2.1"),
			goleak.IgnoreAnyFunction("github.com/asynkron/protoactor-go/cluster.(*Gossiper).StartGossiping.NewThrottle.func3.1"),
			goleak.IgnoreAnyFunction("github.com/asynkron/protoactor-go/remote.(*endpointWriter).initialize"),
			goleak.IgnoreAnyFunction("google.golang.org/grpc/internal/grpcsync.(*CallbackSerializer).run"),
			goleak.IgnoreAnyFunction("google.golang.org/grpc.(*addrConn).resetTransportAndUnlock"))
	}
}

// runChild runs the service with a log of its calls and, if the environment asks for one, a fault. It writes "ready"
// to stdout once it serves.
func runChild() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	settings, err := config.Load(os.LookupEnv, "")
	if err != nil {
		return err
	}
	faults, err := childFaults()
	if err != nil {
		return err
	}
	within := time.Duration(0)
	if text := os.Getenv(childDeliveryEnv); text != "" {
		if within, err = time.ParseDuration(text); err != nil {
			return err
		}
	}
	wrap := faults.wrapStore
	if os.Getenv(childStallEnv) != "" {
		wrap = func(inner storage.Store) storage.Store { return &stallingStore{faults.wrapStore(inner)} }
	}
	app := &App{Config: settings, Log: settings.Logger(os.Stderr), WrapStore: wrap, WrapTelegram: faults.wrapTelegram,
		DeliveryTimeout: within, Started: func(httpAddr, _ string) { fmt.Println("ready", httpAddr) }}
	return app.Run(ctx)
}
