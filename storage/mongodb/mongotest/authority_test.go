package mongotest_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// authority signs the certificates of nodes.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	a := &authority{t: t, dir: t.TempDir()}
	a.sign("ca", &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return a
}

// sign makes the files name.pem and name.key. The first certificate signs itself and all others.
func (a *authority) sign(name string, template *x509.Certificate) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(a.t, err)
	template.SerialNumber, template.Subject = big.NewInt(time.Now().UnixNano()), pkix.Name{CommonName: name}
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	if a.cert == nil {
		a.cert, a.key = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	must(a.t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	must(a.t, err)
	for file, block := range map[string]*pem.Block{".pem": {Type: "CERTIFICATE", Bytes: der}, ".key": {Type: "PRIVATE KEY", Bytes: private}} {
		must(a.t, os.WriteFile(filepath.Join(a.dir, name+file), pem.EncodeToMemory(block), 0o600))
	}
	if a.cert == template {
		a.cert, err = x509.ParseCertificate(der)
		must(a.t, err)
	}
}

// settings are those of a node whose CLUSTER_ADDR has this host.
func (a *authority) settings(host string) []string {
	a.t.Helper()
	a.sign(host, &x509.Certificate{IPAddresses: []net.IP{net.ParseIP(host)}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}})
	file := func(name string) string { return filepath.Join(a.dir, name) }
	return []string{"CLUSTER_TLS_CERT=" + file(host+".pem"), "CLUSTER_TLS_KEY=" + file(host+".key"), "CLUSTER_TLS_CA=" + file("ca.pem")}
}

// guards fails unless whoever listens at an address shows a certificate of the authority's, and wants one.
func (a *authority) guards(addr string) {
	a.t.Helper()
	signers := x509.NewCertPool()
	signers.AddCert(a.cert)
	conn, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: signers, NextProtos: []string{"h2"}})
	if err != nil {
		a.t.Errorf("%s shows no certificate: %v", addr, err)
		return
	}
	defer func() { _ = conn.Close() }()
	must(a.t, conn.SetDeadline(time.Now().Add(patience)))
	if _, err := io.ReadAll(conn); err == nil || !strings.Contains(err.Error(), "certificate required") {
		a.t.Errorf("%s wants no certificate: %v", addr, err)
	}
}
