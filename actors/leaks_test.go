//go:build !race

package actors_test

import "go.uber.org/goleak"

// clusterLeaks are goroutines that Proto.Actor, and servers of the API, leave behind when a node has stopped. The process ends with it.
func clusterLeaks() (leaks []goleak.Option) {
	for _, name := range []string{
		"github.com/asynkron/protoactor-go/cluster.NewGossipActor.NewThrottleWithLogger.func2.1",
		"github.com/asynkron/protoactor-go/cluster.(*Gossiper).StartGossiping.NewThrottle.func3.1",
		// A connection to a node that has ended lasts 2 s longer than the wish for it.
		"github.com/asynkron/protoactor-go/remote.(*endpointWriter).initialize",
		"google.golang.org/grpc/internal/grpcsync.(*CallbackSerializer).run",
		"google.golang.org/grpc.(*addrConn).resetTransportAndUnlock",
		// A server of the API leaves its clock, and its cleaner of idle workers for 10 s.
		"github.com/valyala/fasthttp.updateServerDate.func1",
		"github.com/valyala/fasthttp.(*workerPool).Start.func2",
	} {
		leaks = append(leaks, goleak.IgnoreAnyFunction(name))
	}
	return leaks
}
