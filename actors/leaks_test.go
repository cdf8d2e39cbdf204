//go:build !race

package actors_test

import "go.uber.org/goleak"

// clusterLeaks are goroutines that a cluster leaves behind. A process that leaves one ends.
func clusterLeaks() (leaks []goleak.Option) {
	for _, name := range []string{
		"github.com/asynkron/protoactor-go/cluster/clusterproviders/etcd.(*Provider).startRoleChangedNotifyLoop.func1",
		"github.com/asynkron/protoactor-go/cluster/clusterproviders/etcd.(*Provider).startKeepAlive.func1",
		"github.com/asynkron/protoactor-go/cluster/clusterproviders/etcd.(*Provider).startWatching.func1",
		"github.com/asynkron/protoactor-go/cluster.NewGossipActor.NewThrottleWithLogger.func2.1",
		"github.com/asynkron/protoactor-go/cluster.(*Gossiper).StartGossiping.NewThrottle.func3.1",
		"github.com/asynkron/protoactor-go/cluster.(*Gossiper).gossipLoop",
		"github.com/asynkron/protoactor-go/remote.(*endpointWriter).initialize",
		"google.golang.org/grpc/internal/grpcsync.(*CallbackSerializer).run",
		"google.golang.org/grpc.(*addrConn).resetTransportAndUnlock",
		"github.com/topicdesk/topicdesk/actors/internal/cluster.(*Cluster).Find", // ends within a second
	} {
		leaks = append(leaks, goleak.IgnoreAnyFunction(name))
	}
	return leaks
}
