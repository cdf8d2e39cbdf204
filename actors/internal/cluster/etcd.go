package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
)

// keys begin all keys of the cluster: whoever may read and write below them may be a node. No key is outside.
func (o Options) keys() string { return "/topicdesk/" + o.Name + "/" }

// nodesKey begins the keys of the members.
func (o Options) nodesKey() string { return o.keys() + "nodes/" }

// reach connects to etcd, and reads the members. So what is wrong with its address, a certificate or the user is said at the
// start. It waits up to dialWithin for an etcd that is away.
func (o Options) reach(ctx context.Context) (*clientv3.Client, error) {
	config, err := o.Etcd.config()
	if err != nil {
		return nil, err
	}
	config.Logger = zap.NewNop() // what matters of it comes back as an error
	ctx, cancel := context.WithTimeout(ctx, dialWithin)
	defer cancel()
	var why error
	for {
		client, err := o.connect(ctx, config)
		if err == nil {
			return client, nil
		}
		if refused := o.refused("read the members", err); refused != nil {
			return nil, refused
		}
		if ctx.Err() == nil {
			why = err // not only that time is over
		}
		select {
		case <-ctx.Done():
			if why != nil {
				return nil, fmt.Errorf("ETCD_ENDPOINTS: etcd does not answer: %w: %w", ctx.Err(), why)
			}
			return nil, fmt.Errorf("ETCD_ENDPOINTS: etcd does not answer: %w", ctx.Err())
		case <-time.After(clockEvery):
		}
	}
}

// connect tries it once. The client outlives ctx.
func (o Options) connect(ctx context.Context, config clientv3.Config) (*clientv3.Client, error) {
	whole, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, cancel)
	config.Context = whole
	client, err := o.login(ctx, config)
	if err != nil {
		cancel()
		return nil, err
	}
	if !stop() {
		_ = client.Close()
		return nil, ctx.Err()
	}
	return client, nil
}

// login connects without the user first: a client that has one logs in when it is made, and keeps to itself why it can't connect.
// The same connection stays for logging in: etcd before 3.5 refuses a login that comes with a token which has ended, as all have
// when it restarts, and etcd's client then tries again without end.
func (o Options) login(ctx context.Context, config clientv3.Config) (*clientv3.Client, error) {
	user, password := config.Username, config.Password
	config.Username, config.Password = "", ""
	anybody, err := clientv3.New(config)
	if err != nil {
		return nil, err
	}
	if err := o.probe(ctx, anybody); err != nil && (user == "" || o.refused("", err) == nil) { // refusing nobody is an answer
		_ = anybody.Close()
		return nil, err
	}
	if user == "" {
		return anybody, nil
	}
	config.Username, config.Password = user, password
	config.DialOptions = append(slices.Clone(config.DialOptions), grpc.WithChainUnaryInterceptor(func(ctx context.Context, method string,
		req, reply any, conn *grpc.ClientConn, next grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		if method == pb.Auth_Authenticate_FullMethodName {
			return anybody.ActiveConnection().Invoke(ctx, method, req, reply, opts...)
		}
		return next(ctx, method, req, reply, conn, opts...)
	}))
	client, err := clientv3.New(config)
	if err != nil {
		_ = anybody.Close()
		return nil, err
	}
	context.AfterFunc(client.Ctx(), func() { _ = anybody.Close() })
	if err := o.probe(ctx, client); err != nil {
		_ = client.Close()
		return nil, err
	}
	return client, nil
}

// probe reads the members. The client's own Get would try again for itself, and keep to itself why it can't connect.
func (o Options) probe(ctx context.Context, client *clientv3.Client) error {
	nodes := o.nodesKey()
	_, err := pb.NewKVClient(client.ActiveConnection()).Range(ctx, &pb.RangeRequest{
		Key: []byte(nodes), RangeEnd: []byte(clientv3.GetPrefixRangeEnd(nodes)), KeysOnly: true})
	return err
}

// refused says what etcd refuses, in the words of the settings. It is nil for an error that is something else.
func (o Options) refused(doing string, err error) error {
	is := func(what error) bool { return errors.Is(err, what) || errors.Is(rpctypes.Error(err), what) }
	switch {
	case is(rpctypes.ErrUserEmpty):
		return errors.New("ETCD_USERNAME: etcd wants a user")
	case is(rpctypes.ErrAuthFailed):
		return fmt.Errorf("ETCD_USERNAME and ETCD_PASSWORD: etcd has no user %s with this password", o.Etcd.Username)
	case is(rpctypes.ErrPermissionDenied):
		who := "a node without ETCD_USERNAME"
		if o.Etcd.Username != "" {
			who = "the user " + o.Etcd.Username
		}
		return fmt.Errorf("ETCD_USERNAME: %s may not %s: it needs a role that may read and write all keys that begin with %s",
			who, doing, o.keys())
	}
	return nil
}

// failed says what came of a request to etcd.
func (o Options) failed(doing string, err error) error {
	if refused := o.refused(doing, err); refused != nil {
		return refused
	}
	return fmt.Errorf("etcd: %s: %w", doing, err)
}
