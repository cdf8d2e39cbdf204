//go:build !race

package cluster_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/remote"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/topicdesk/topicdesk/messages"
)

func TestWhatCannotBeReadEndsNoNode(t *testing.T) {
	b := newBench(t)
	one := b.node(addr1)
	conn, err := grpc.NewClient(addr1, grpc.WithTransportCredentials(insecure.NewCredentials()))
	must(t, err)
	defer func() { _ = conn.Close() }()
	stranger := remote.NewRemotingClient(conn)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for name, batch := range map[string]*remote.MessageBatch{
		"a type that is not there":   {Targets: []string{"x"}, Envelopes: []*remote.MessageEnvelope{{TypeId: 7}}},
		"a target that is not there": {TypeNames: []string{"x"}, Envelopes: []*remote.MessageEnvelope{{Target: 7}}},
		"a sender that is not there": {TypeNames: []string{"x"}, Targets: []string{"x"}, Envelopes: []*remote.MessageEnvelope{{Sender: 7}}},
	} {
		stream, err := stranger.Receive(ctx)
		must(t, err)
		must(t, stream.Send(&remote.RemoteMessage{MessageType: &remote.RemoteMessage_MessageBatch{MessageBatch: batch}}))
		if _, err := stream.Recv(); status.Code(err) != codes.Internal {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := stranger.ListProcesses(ctx, &remote.ListProcessesRequest{}); status.Code(err) != codes.Unimplemented {
		t.Errorf("ListProcesses: %v", err)
	}
	if r := one.ask(one.on(one), &messages.Reply{}); r.Reason != addr1 {
		t.Errorf("afterwards: %v", r)
	}
}

func TestAHostBeginsOnlySoManyConnections(t *testing.T) {
	b := newBench(t)
	b.tls = newAuthority(t).node
	b.node(addr2)
	var refused atomic.Int32
	var all sync.WaitGroup
	for range 60 {
		conn, err := net.Dial("tcp", addr2)
		must(t, err)
		defer func() { _ = conn.Close() }()
		must(t, conn.SetReadDeadline(time.Now().Add(2*time.Second)))
		all.Go(func() {
			var late net.Error
			if _, err := conn.Read(make([]byte, 1)); !errors.As(err, &late) || !late.Timeout() {
				refused.Add(1)
			}
		})
	}
	all.Wait()
	if n := refused.Load(); n != 10 {
		t.Errorf("%d of 60 are refused", n)
	}
}
