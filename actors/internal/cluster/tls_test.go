//go:build !race

package cluster_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/remote"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/topicdesk/topicdesk/actors/internal/cluster"
	"github.com/topicdesk/topicdesk/messages"
)

// authority signs certificates.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	a := &authority{t: t, dir: t.TempDir()}
	a.cert, a.key = a.sign("ca", &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return a
}

// sign makes the files name.pem and name.key.
func (a *authority) sign(name string, template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(a.t, err)
	template.SerialNumber, template.Subject = big.NewInt(time.Now().UnixNano()), pkix.Name{CommonName: name}
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	must(a.t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	must(a.t, err)
	write := func(suffix, kind string, bytes []byte) {
		must(a.t, os.WriteFile(a.file(name+suffix), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: bytes}), 0o600))
	}
	write(".pem", "CERTIFICATE", der)
	write(".key", "PRIVATE KEY", private)
	cert, err := x509.ParseCertificate(der)
	must(a.t, err)
	return cert, key
}

func (a *authority) file(name string) string { return filepath.Join(a.dir, name) }

// node signs a certificate for the host of an address.
func (a *authority) node(addr string) *cluster.TLS {
	host, _, _ := net.SplitHostPort(addr)
	a.sign(host, &x509.Certificate{IPAddresses: []net.IP{net.ParseIP(host)}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}})
	return &cluster.TLS{Cert: a.file(host + ".pem"), Key: a.file(host + ".key"), CA: a.file("ca.pem")}
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
	signers.AddCert(ours.cert)
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
