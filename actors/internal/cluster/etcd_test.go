//go:build !race

package cluster_test

import (
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/actors/etcdtest"
	"github.com/topicdesk/topicdesk/actors/internal/cluster"
)

// guarded is etcd as docs/operations.md sets it up: with TLS, a user for the nodes, and nothing for anybody else.
func guarded(t *testing.T) (*bench, *authority) {
	ca := newAuthority(t)
	own := ca.node("127.0.0.1:2379")
	b := newBenchOf(t, etcdtest.StartTLS(t, own.Cert, own.Key, own.CA))
	b.etcd.Users(
		etcdtest.User{Name: "desk", Password: "hunter2", Prefix: "/topicdesk/test/", Writes: true},
		etcdtest.User{Name: "reader", Password: "hunter2", Prefix: "/topicdesk/"},
		etcdtest.User{Name: "other", Password: "hunter2", Prefix: "/topicdesk/other/", Writes: true},
		etcdtest.User{Name: "nobody", Password: "hunter2"},
	)
	b.login = ca.etcd("desk", "hunter2")
	return b, ca
}

// etcd says how somebody reaches etcd.
func (a *authority) etcd(user, password string) cluster.Etcd {
	shown := a.node("127.0.0.9:1")
	return cluster.Etcd{Username: user, Password: password, Cert: shown.Cert, Key: shown.Key, CA: shown.CA}
}

func TestEtcdWithUsersAndTLS(t *testing.T) {
	t.Parallel()
	b, _ := guarded(t)
	one, two := b.node("127.0.0.23:17171"), b.node("127.0.0.24:17171")
	b.restartEtcd(one, two)
	drained := make(chan error, 1)
	go func() { drained <- b.drain(two.addr) }()
	b.eventually("it is asked to leave", func() bool { return len(two.drained) == 1 })
	two.stop()
	if err := <-drained; err != nil {
		t.Error(err)
	}
	if got := one.placed(); got[one.addr] != 200 {
		t.Errorf("afterwards: %v", got)
	}
}

// TestWhatEtcdRefusesIsSaid: whoever sets a node up reads which setting is wrong, and nobody reads the password.
func TestWhatEtcdRefusesIsSaid(t *testing.T) {
	t.Parallel()
	b, ca := guarded(t)
	stranger := newAuthority(t).etcd("desk", "hunter2")
	stranger.CA = ca.CA()
	const needed = "it needs a role that may read and write all keys that begin with /topicdesk/test/"
	for name, c := range map[string]struct {
		login cluster.Etcd
		want  []string
	}{
		"another password":    {ca.etcd("desk", "hunter3"), []string{"ETCD_USERNAME and ETCD_PASSWORD: etcd has no user desk with this password"}},
		"another user":        {ca.etcd("dosk", "hunter2"), []string{"ETCD_USERNAME and ETCD_PASSWORD: etcd has no user dosk with this password"}},
		"no role":             {ca.etcd("nobody", "hunter2"), []string{"ETCD_USERNAME: the user nobody may not read the members: " + needed}},
		"another's role":      {ca.etcd("other", "hunter2"), []string{"ETCD_USERNAME: the user other may not read the members: " + needed}},
		"a role that reads":   {ca.etcd("reader", "hunter2"), []string{"ETCD_USERNAME: the user reader may not write the own key: " + needed}},
		"no user":             {ca.etcd("", ""), []string{"ETCD_USERNAME: a node without ETCD_USERNAME may not read the members: " + needed}},
		"another's signer":    {newAuthority(t).etcd("desk", "hunter2"), []string{"ETCD_ENDPOINTS: etcd does not answer: ", "certificate signed by unknown authority"}},
		"another's signature": {stranger, []string{"ETCD_ENDPOINTS: etcd does not answer: "}},
	} {
		b.login = c.login
		_, err := b.try("127.0.0.25:17171")
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter") {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	b.login = ca.etcd("nobody", "hunter2")
	if err := b.drain("127.0.0.25:17171"); err == nil || !strings.Contains(err.Error(), needed) {
		t.Errorf("a drain: %v", err)
	}
	plain := newBench(t) // without TLS
	plain.etcd.Users()
	if _, err := plain.try("127.0.0.26:17171"); err == nil || err.Error() != "ETCD_USERNAME: etcd wants a user" {
		t.Errorf("no user: %v", err)
	}
}
