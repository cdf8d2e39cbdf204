package cluster

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
)

const (
	// batchAtMost is how many messages may travel together, and receiveAtMost how large they may be together: gRPC ends a
	// connection over more than it may receive. One message has 3 MiB at most (entity, mail.go).
	batchAtMost   = 16
	receiveAtMost = 64 << 20
	// queueAtFirst is for how many messages a queue to another node has room at first; it grows.
	queueAtFirst = 1000
	// A node that is frozen keeps its connections: one that says nothing is asked, and given up after silentFor.
	askSilent = 10 * time.Second // gRPC's least
	silentFor = 2 * time.Second
)

// soon is how often etcd is dialled while it is away. When it comes back each lease lasts as long as at first: whoever does
// not renew it by then is fenced. gRPC's own pauses grow to 2 minutes.
var soon = backoff.Config{BaseDelay: clockEvery, Multiplier: 1.6, Jitter: 0.2, MaxDelay: keyEvery}

// TLS names the files of mutual TLS between nodes.
type TLS struct{ Cert, Key, CA string }

// options are those of gRPC, for the server and for the client. The nil TLS is none.
func (t *TLS) options() ([]grpc.ServerOption, []grpc.DialOption, error) {
	server := []grpc.ServerOption{
		grpc.MaxRecvMsgSize(receiveAtMost),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: askSilent / 2, PermitWithoutStream: true}),
	}
	dial := []grpc.DialOption{
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(receiveAtMost)),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: askSilent, Timeout: silentFor}),
	}
	if t == nil {
		return server, append(dial, grpc.WithTransportCredentials(insecure.NewCredentials())), nil
	}
	own, err := tls.LoadX509KeyPair(t.Cert, t.Key)
	if err != nil {
		return nil, nil, fmt.Errorf("CLUSTER_TLS_CERT and CLUSTER_TLS_KEY: %w", err)
	}
	signers, err := signersIn(t.CA)
	if err != nil {
		return nil, nil, fmt.Errorf("CLUSTER_TLS_CA: %w", err)
	}
	config := &tls.Config{
		MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{own},
		RootCAs: signers, ClientCAs: signers, ClientAuth: tls.RequireAndVerifyClientCert,
	}
	return append(server, grpc.Creds(credentials.NewTLS(config))),
		append(dial, grpc.WithTransportCredentials(credentials.NewTLS(config))), nil
}

// Etcd says how etcd is reached. CA, and Cert with Key, are files; "": those of the system, and none.
type Etcd struct {
	Endpoints          []string
	Username, Password string
	Cert, Key, CA      string
}

func (e Etcd) config() (clientv3.Config, error) {
	config := clientv3.Config{Endpoints: e.Endpoints, Username: e.Username, Password: e.Password,
		DialTimeout: dialWithin, DialKeepAliveTime: askSilent, DialKeepAliveTimeout: silentFor,
		DialOptions: []grpc.DialOption{grpc.WithConnectParams(grpc.ConnectParams{Backoff: soon, MinConnectTimeout: dialWithin})}}
	if e.CA == "" && e.Cert == "" {
		return config, nil
	}
	config.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	var err error
	if e.CA != "" {
		if config.TLS.RootCAs, err = signersIn(e.CA); err != nil {
			return config, fmt.Errorf("ETCD_TLS_CA: %w", err)
		}
	}
	if e.Cert != "" {
		own, err := tls.LoadX509KeyPair(e.Cert, e.Key)
		if err != nil {
			return config, fmt.Errorf("ETCD_TLS_CERT and ETCD_TLS_KEY: %w", err)
		}
		config.TLS.Certificates = []tls.Certificate{own}
	}
	return config, nil
}

func signersIn(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	signers := x509.NewCertPool()
	if !signers.AppendCertsFromPEM(pem) {
		return nil, errors.New(file + " has no certificate (PEM) in it")
	}
	return signers, nil
}
