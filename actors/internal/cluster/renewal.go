package cluster

import (
	"context"
	"errors"
	"fmt"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"
)

// renewal renews a lease when it is told to, so that whoever tells it knows from when on the lease lasts anew. Of what the
// client of etcd offers, KeepAlive does not say that, and stays with one member of etcd for as long as that one is silent;
// KeepAliveOnce logs in each time, which costs etcd a hash of the password.
type renewal struct {
	etcd   *clientv3.Client
	lease  clientv3.LeaseID
	stream pb.Lease_LeaseKeepAliveClient // nil: there is none
	cancel context.CancelFunc            // ends the stream
}

// errEnded says that there is no such lease any more.
var errEnded = errors.New("the lease has ended")

// renew renews the lease once. After an error the next try goes another way, to another member of etcd if there are several.
func (r *renewal) renew(ctx context.Context) (err error) {
	if r.stream == nil {
		var whole context.Context
		whole, r.cancel = context.WithCancel(context.WithoutCancel(ctx))
		stop := context.AfterFunc(ctx, r.cancel)
		r.stream, err = pb.NewLeaseClient(r.etcd.ActiveConnection()).LeaseKeepAlive(whole, grpc.WaitForReady(true))
		if stop(); err != nil {
			r.end()
			return fmt.Errorf("etcd: renew the lease: %w", err)
		}
	}
	stop := context.AfterFunc(ctx, r.cancel)
	defer func() {
		if !stop() || err != nil {
			r.end()
		}
	}()
	if err := r.stream.Send(&pb.LeaseKeepAliveRequest{ID: int64(r.lease)}); err != nil {
		return fmt.Errorf("etcd: renew the lease: %w", err)
	}
	answer, err := r.stream.Recv()
	if err != nil {
		return fmt.Errorf("etcd: renew the lease: %w", err)
	}
	if answer.TTL <= 0 {
		return errEnded
	}
	return nil
}

func (r *renewal) end() {
	if r.cancel != nil {
		r.cancel()
	}
	r.stream = nil
}
