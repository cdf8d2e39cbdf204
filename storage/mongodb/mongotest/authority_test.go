package mongotest_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/actors/etcdtest"
)

// clusterTLS are the settings of a node whose CLUSTER_ADDR has this host.
func clusterTLS(signs *etcdtest.Authority, host string) []string {
	cert, key, ca := signs.Node(host)
	return []string{"CLUSTER_TLS_CERT=" + cert, "CLUSTER_TLS_KEY=" + key, "CLUSTER_TLS_CA=" + ca}
}

// guards fails unless whoever listens at an address shows a certificate of the authority's, and wants one.
func guards(t *testing.T, signs *etcdtest.Authority, addr string) {
	t.Helper()
	signers := x509.NewCertPool()
	signers.AddCert(signs.Cert)
	conn, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: signers, NextProtos: []string{"h2"}})
	if err != nil {
		t.Errorf("%s shows no certificate: %v", addr, err)
		return
	}
	defer func() { _ = conn.Close() }()
	must(t, conn.SetDeadline(time.Now().Add(patience)))
	if _, err := io.ReadAll(conn); err == nil || !strings.Contains(err.Error(), "certificate required") {
		t.Errorf("%s wants no certificate: %v", addr, err)
	}
}
