//go:build !race

package cluster_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/remote"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/topicdesk/topicdesk/actors/etcdtest"
	"github.com/topicdesk/topicdesk/actors/internal/cluster"
	"github.com/topicdesk/topicdesk/messages"
)

// authority signs certificates.
type authority struct{ *etcdtest.Authority }

func newAuthority(t *testing.T) *authority { return &authority{etcdtest.NewAuthority(t)} }

// node signs a certificate for the host of an address.
func (a *authority) node(addr string) *cluster.TLS {
	host, _, _ := net.SplitHostPort(addr)
	cert, key, ca := a.Node(host)
	return &cluster.TLS{Cert: cert, Key: key, CA: ca}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// connects says whether a stranger gets an answer to what one node says to another first.
func connects(t *testing.T, addr string, c credentials.TransportCredentials) error {
	t.Helper()
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(c))
	must(t, err)
	defer func() { _ = conn.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	stream, err := remote.NewRemotingClient(conn).Receive(ctx)
	if err != nil {
		return err
	}
	hello := &remote.ConnectRequest{ConnectionType: &remote.ConnectRequest_ServerConnection{
		ServerConnection: &remote.ServerConnection{MemberId: "stranger", Address: "127.0.0.9:1"}}}
	if err := stream.Send(&remote.RemoteMessage{MessageType: &remote.RemoteMessage_ConnectRequest{ConnectRequest: hello}}); err != nil {
		return err
	}
	_, err = stream.Recv()
	return err
}

func TestMutualTLS(t *testing.T) {
	b, ours, theirs := newBench(t), newAuthority(t), newAuthority(t)
	b.tls = ours.node
	one, two := b.node(addr1), b.node(addr2)
	if got := one.placed(); len(got) != 2 {
		t.Errorf("the nodes don't talk: %v", got)
	}
	signers := x509.NewCertPool()
	signers.AddCert(ours.Cert)
	pair := func(a *authority) tls.Certificate {
		own := a.node("127.0.0.9:1")
		cert, err := tls.LoadX509KeyPair(own.Cert, own.Key)
		must(t, err)
		return cert
	}
	for name, stranger := range map[string]credentials.TransportCredentials{
		"without TLS":                 insecure.NewCredentials(),
		"without a certificate":       credentials.NewTLS(&tls.Config{RootCAs: signers}),
		"with one of somebody else's": credentials.NewTLS(&tls.Config{RootCAs: signers, Certificates: []tls.Certificate{pair(theirs)}}),
	} {
		if err := connects(t, addr1, stranger); err == nil {
			t.Errorf("a stranger %s is heard", name)
		}
	}
	if err := connects(t, addr1, credentials.NewTLS(&tls.Config{RootCAs: signers, Certificates: []tls.Certificate{pair(ours)}})); err != nil {
		t.Errorf("the test proves nothing: who has a certificate is not heard: %v", err)
	}
	// Strangers that connect and say nothing cost nobody anything.
	before := runtime.NumGoroutine()
	for range 200 {
		conn, err := net.Dial("tcp", addr1)
		must(t, err)
		defer func() { _ = conn.Close() }()
	}
	if r := two.ask(two.on(one), &messages.Reply{}); r.Reason != addr1 {
		t.Errorf("meanwhile: %v", r)
	}
	b.eventually("nothing of them is left", func() bool { return runtime.NumGoroutine() < before+20 })
	if err := connects(t, addr1, credentials.NewTLS(&tls.Config{RootCAs: signers, Certificates: []tls.Certificate{pair(ours)}})); err != nil {
		t.Errorf("afterwards who has a certificate is not heard: %v", err)
	}
}

func TestTLSFilesAreSaid(t *testing.T) {
	b := newBench(t)
	b.tls = func(string) *cluster.TLS { return &cluster.TLS{Cert: "nowhere.pem", Key: "nowhere.key", CA: "nowhere"} }
	if _, err := b.try(addr1); err == nil || err.Error() != "CLUSTER_TLS_CERT and CLUSTER_TLS_KEY: open nowhere.pem: no such file or directory" {
		t.Errorf("%v", err)
	}
}
